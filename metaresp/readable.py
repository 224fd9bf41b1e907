"""Text that a terminal, a browser and a reader of XML take as text."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

__all__ = ["readable", "readably"]

# What a terminal obeys (controls and escapes), what turns the reading order round, and what is no letter
# and not allowed in XML: halves of surrogate pairs and noncharacters.  Tab and line feed are left.
_NO_TEXT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def readable(text: str) -> str:
    r"""Return *text* with a replacement character for each that is no text.

    Examples
    --------
    >>> readable("Xu\x1b[31m \u202e2012")
    'Xu�[31m �2012'
    """
    return _NO_TEXT.sub("\ufffd", text)


def readably(function: Callable[[Any], str]) -> Callable[[Any], str]:
    """Decorate a method to return :func:`readable` text."""

    @wraps(function)
    def inner(self: Any) -> str:
        return readable(function(self))

    return inner
