"""Text cleaned for one line, and broken into lines of a width."""

from collections.abc import Callable


def clean(words: str) -> str:
    r"""Return *words* on one line: control characters become spaces, and spaces in a row one.

    Examples
    --------
    >>> clean("Xu\n  et al.\t2012 ")
    'Xu et al. 2012'
    """
    return " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())


def wrap(words: str, limit: float, measure: Callable[[str], float]) -> tuple[str, ...]:
    """Break *words* into lines no wider than *limit*.

    Parameters
    ----------
    words : str
    limit : float
        Points.
    measure : callable
        Width of a string in points.

    Returns
    -------
    tuple of str
        At least one line.  A word wider than the limit is broken between letters, and a line never has
        fewer than one letter.

    Examples
    --------
    >>> wrap("three small words", 11, len)
    ('three small', 'words')
    >>> wrap("unbreakable", 4, len)
    ('unbr', 'eaka', 'ble')
    """
    if measure(words) <= limit:
        return (words,)
    space = measure("x x") - measure("xx")
    lines: list[str] = []
    line, width = "", 0.0
    for word in words.split(" "):
        for part, piece in enumerate(_pieces(word, limit, measure)):
            size = measure(piece)
            if line and (part or width + space + size > limit):
                lines.append(line)
                line, width = piece, size
            elif line:
                line, width = f"{line} {piece}", width + space + size
            else:
                line, width = piece, size
    return (*lines, line)


def _pieces(word: str, limit: float, measure: Callable[[str], float]) -> list[str]:
    """Return the word, or parts of it that fit."""
    if measure(word) <= limit:
        return [word]
    pieces, piece, width = [], "", 0.0
    for letter in word:
        size = measure(letter)
        if piece and width + size > limit:
            pieces.append(piece)
            piece, width = "", 0.0
        piece, width = piece + letter, width + size
    return [*pieces, piece]
