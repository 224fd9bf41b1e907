"""Python values as R literals."""

from collections.abc import Iterable
from textwrap import fill
from typing import SupportsInt

_WIDTH = 100
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(label: object) -> str:
    r"""Return a label as an R string that it cannot end.

    Examples
    --------
    >>> print(quoted('Xu "2012"\n'))
    "Xu \"2012\"\n"
    """
    text = "".join(
        _ESCAPES.get(c, c if c.isprintable() else f"\\U{{{ord(c):x}}}") for c in str(label) if c != "\0"
    )
    return f'"{text}"'


def strings(labels: Iterable[object]) -> str:
    """Return labels as an R character vector, one a line.

    Examples
    --------
    >>> print(strings(["A", "B"]))
    c(
        "A",
        "B"
      )
    """
    return "c(\n    " + ",\n    ".join(map(quoted, labels)) + "\n  )"


def numbers(values: Iterable[SupportsInt]) -> str:
    """Return whole numbers as an R numeric vector, wrapped.

    Examples
    --------
    >>> numbers([3, 1000000000])
    'c(3, 1000000000)'
    """
    body = ", ".join(str(int(value)) for value in values)
    return fill(f"c({body})", _WIDTH, subsequent_indent="    ", break_long_words=False)
