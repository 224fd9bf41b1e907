"""Text cleaned for one line, and broken into lines of a width."""

import re
from collections.abc import Callable

_TOGETHER = re.compile(r"(?<![=<>]) (?![=<>])")  # a space beside no sign: "p < 0.001" stays whole


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
        At least one line.  What a sign joins stays together where there is room for it; a word wider than
        the limit is broken between letters, and a line never has fewer than one letter.

    Examples
    --------
    >>> wrap("three small words", 11, len)
    ('three small', 'words')
    >>> wrap("Wang (n = 12)", 9, len), wrap("Wang (n = 12)", 6, len)
    (('Wang', '(n = 12)'), ('Wang', '(n =', '12)'))
    >>> wrap("unbreakable", 4, len)
    ('unbr', 'eaka', 'ble')
    """
    if measure(words) <= limit:
        return (words,)
    space = measure("x x") - measure("xx")
    lines: list[str] = []
    line, width = "", 0.0
    for word in _words(words, limit, measure):
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


def _words(text: str, limit: float, measure: Callable[[str], float]) -> list[str]:
    """Return the words, those that a sign joins as one where they fit."""
    whole = _TOGETHER.split(text)
    return [word for part in whole for word in ([part] if measure(part) <= limit else part.split(" "))]


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
