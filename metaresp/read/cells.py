"""One cell as it stands: trimmed, shown, as a label or a covariate value; no knowledge of tables."""

import datetime
import json
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

import numpy as np

Value: TypeAlias = int | float | str | None
Read = TypeVar("Read")

# A whole number beyond this is kept as text: a float would change its digits.
LONGEST_WHOLE = 10**15
# Longer text is no count, fraction or number; patterns are never run on it.
MAX_CELL = 200

# Covariates keep words like "none" and "unknown": they may be a category.
MISSING_VALUE = frozenset(["na", "n/a", "#n/a", "nan", "null", "<na>"])

_EDGE = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200b\u200c\u200d\u2060\ufeff"
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029\xa0\u202f\u2007]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_LEADING_ZERO = re.compile(r"[+-]?0[0-9]")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


class BadCell(Exception):
    """A cell breaks a rule; the text says which, and the caller knows where."""


class ShownPercent(float):
    """A workbook cell such as 0.722 shown as 72.2%, with the percentage as text in :attr:`percent`."""

    percent: str

    def __new__(cls, value: float, percent: str) -> "ShownPercent":
        """Return *value* with the percentage it is shown as."""
        cell = super().__new__(cls, value)
        cell.percent = percent
        return cell


class Formula(str):
    """A formula of a workbook that was saved without its value (by a program that does not calculate)."""

    __slots__ = ()


def clean(value: object) -> object:
    """Return a raw cell with spaces of every kind trimmed from text; blank, NaN and NA become None."""
    if value is None or type(value) is int or type(value) is Formula:
        return value
    if isinstance(value, str):
        text = value.strip(_EDGE)
        return (text if text.isascii() else _SURROGATE.sub("\ufffd", text)) or None
    if isinstance(value, np.generic):
        return clean(value.item()) if type(value.item()) is not type(value) else value
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, Decimal) and value.is_nan():
        return None
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    return value


def clean_column(cells: Sequence[object]) -> list[object]:
    """Return a column with each cell as :func:`clean` returns it.

    Examples
    --------
    >>> clean_column(["Xu ", "", None, 13]), clean_column(["13", " 4"])
    (['Xu', None, None, 13], ['13', '4'])
    """
    if _is_trimmed(cells):
        return list(cells)
    kinds = set(map(type, cells))
    if kinds == {str}:
        texts: list[str] = list(map(str.strip, cells))  # type: ignore[arg-type]
        joined = "".join(texts)
        # what else clean() takes away is not printable
        if joined.isascii() or joined.isprintable():
            return [text or None for text in texts] if "" in texts else list(texts)
    if kinds <= {int, type(None)}:
        return list(cells)
    return list(map(clean, cells))


def _is_trimmed(cells: Sequence[object]) -> bool:
    """Whether cells are all printable text, none of it blank, with no space at an end: found all at once."""
    if set(map(type, cells)) != {str}:
        return False
    joined = "|".join(["", *cells, ""])  # type: ignore[list-item]
    spaced = " " in joined and ("| " in joined or " |" in joined)
    return not spaced and "||" not in joined and joined.isprintable()


def label_texts(cells: Sequence[object]) -> list[str]:
    """Return a column as labels, each as :func:`label_text` returns it.

    Examples
    --------
    >>> label_texts(["Xu  2012", None, 3.0])
    ['Xu  2012', '', '3']
    """
    if _is_trimmed(cells):
        return list(cells)  # type: ignore[arg-type]
    return _by_value(label_text, cells)


def label_text(value: object) -> str:
    """Return a study label as one line of printable text."""
    value = clean(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value) if isinstance(value, float) else as_value(value)
    return "" if text is None else _CONTROL.sub(" ", str(text)).strip(_EDGE)


def as_value(value: object) -> Value:
    """Return any cell as a covariate value: int, finite float, text or None.

    Raises
    ------
    BadCell
        If it is an infinite number.
    """
    value = clean(value)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return value if abs(value) <= LONGEST_WHOLE else str(value)
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            raise BadCell(f"{value} is not finite")
        return float(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ").removesuffix(" 00:00:00")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, list | dict):
        return _SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False, default=str))
    return _SURROGATE.sub("\ufffd", str(value))


def values_of(cells: Sequence[object]) -> list[Value]:
    """Return a column as covariate values, each as :func:`as_value` returns it.

    Raises
    ------
    BadCell
        If one is an infinite number.
    """
    kinds = set(map(type, cells))
    if kinds <= {str, type(None)}:
        return clean_column(cells)  # type: ignore[return-value]
    ends: Any = (min, max) if kinds == {int} else ()
    if ends and all(type(as_value(end(cells))) is int for end in ends):
        return list(cells)  # type: ignore[arg-type]
    if kinds == {float} and np.isfinite(np.array(cells, dtype=float)).all():
        return list(cells)  # type: ignore[arg-type]
    return _by_value(as_value, cells)


def _by_value(function: Callable[[object], Read], cells: Sequence[object]) -> list[Read]:
    """Return a function of each cell; of equal ones it is asked once."""
    if not set(map(type, cells)) <= {str, int, type(None)}:
        return list(map(function, cells))
    known = {cell: function(cell) for cell in dict.fromkeys(cells)}
    return [known[cell] for cell in cells]


def text_values(cells: tuple[Value, ...], decimal: str) -> tuple[Value, ...]:
    """Return a column of text cells as all-int, all-float or text, with None for the missing ones."""
    known: dict[Value, Value] = dict.fromkeys(cells)
    missing = {c for c in known if c is None or (isinstance(c, str) and c.lower() in MISSING_VALUE)}
    strings = [c for c in known if c not in missing and isinstance(c, str)]
    if len(strings) + len(missing) < len(known) or not strings:
        return tuple(None if c in missing else c for c in cells) if missing else cells
    if all(_INTEGER.fullmatch(s) and len(s) < 16 and not _LEADING_ZERO.match(s) for s in strings):
        known |= {s: int(s) for s in strings}
    else:
        floats = _floats(strings, decimal)
        known |= {s: label_text(s) for s in strings} if floats is None else floats
    known |= dict.fromkeys(missing)
    return tuple(map(known.__getitem__, cells))


def shown(value: object) -> str:
    """Return a cell as it is quoted in an error: short, on one line."""
    text = repr(str(value)) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _floats(strings: Sequence[str], decimal: str) -> dict[Value, Value] | None:
    """Return texts as numbers; None where one is none."""
    found: dict[Value, Value] = {}
    for text in strings:
        number = _float(text, decimal)
        if number is None:
            return None
        found[text] = number
    return found


def _float(text: str, decimal: str) -> float | None:
    if len(text) > MAX_CELL:
        return None
    if decimal == ",":
        if re.fullmatch(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?", text):
            text = text.replace(".", "")
        elif "." in text:
            return None
        text = text.replace(",", ".")
    elif decimal == "." and re.fullmatch(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?", text):
        text = text.replace(",", "")
    if not _NUMBER.fullmatch(text) or _LEADING_ZERO.match(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None
