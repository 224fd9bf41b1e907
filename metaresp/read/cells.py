"""One cell: text, number or date to a count, a fraction, or a covariate value; no knowledge of tables."""

import datetime
import json
import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from metaresp.errors import InvalidArgument
from metaresp.percent import compatible_counts

Value: TypeAlias = int | float | str | None

# Counts stay exact in a double far beyond this, and no trial is near it.
MAX_COUNT = 10**15

# What authors write for "no number" in a column of counts.
MISSING_COUNT = frozenset(
    ["na", "n/a", "#n/a", "n.a.", "nan", "nr", "n.r.", "nd", "null", "none", "-", "--", "–", "—", ".", "?"]
) | {"missing", "unknown", "not reported", "not available", "not stated"}
# Covariates keep words like "none" and "unknown": they may be a category.
MISSING_VALUE = frozenset(["na", "n/a", "#n/a", "nan", "null", "<na>"])

# Longer text is no count, fraction or number; the patterns below are never run on it.
MAX_CELL = 200

_EDGE = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200b\u200c\u200d\u2060\ufeff"
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029\xa0\u202f\u2007]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_WHOLE = re.compile(r"([+-]?[0-9]+)[.,]0+")
_FRACTIONAL = re.compile(r"[+-]?[0-9]*[.,][0-9]+")
_GROUPED = re.compile(r"[0-9]{1,3}(?:([,.' \u2019\xa0\u2009\u202f])[0-9]{3})(?:\1[0-9]{3})*")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")

_COUNT = r"(-?[0-9][0-9,.' \u2019\xa0\u2009\u202f]*?|)"
_PERCENT = r"([0-9]+(?:[.,][0-9]+)?)\s*(%?)"
_FRACTION = re.compile(
    rf"{_COUNT}\s*(?:[/\u2044\u2215]|\bout\s+of\b|\bof\b)\s*{_COUNT}"
    rf"\s*(?:(?:[(\[;:=]|[,\s](?=\s*[0-9.,]+\s*%))\s*{_PERCENT}\s*(?:[;,].*)?[)\]]?)?",
    re.IGNORECASE | re.DOTALL,
)
_FRACTION_LAST = re.compile(
    r"([0-9]+(?:[.,][0-9]+)?)\s*(%)\s*[(\[,;:=]?\s*([0-9]+\s*[/\u2044\u2215]\s*[0-9]+)\s*[)\]]?"
)


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
    if value is None or type(value) is int:
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


def label_text(value: object) -> str:
    """Return a study label as one line of printable text."""
    value = clean(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value) if isinstance(value, float) else as_value(value)
    return "" if text is None else _CONTROL.sub(" ", str(text)).strip(_EDGE)


def parse_count(value: object, decimal: str = "") -> int | None:
    """Return a cell as a whole number, or None when it is missing.

    Parameters
    ----------
    value : object
        The cell: a number or text such as ``"13"``, ``"13.0"``, ``"1 234"``.
    decimal : {".", ",", ""}
        The decimal mark of the table, when known: a single group like ``"1,234"`` is read as a
        thousand only where the comma is known not to be the decimal mark.

    Raises
    ------
    BadCell
        If it is anything else than a whole number; the sign and the size are not looked at.
    """
    value = clean(value)
    if value is None:
        return None
    if isinstance(value, bool):
        raise BadCell(f"{value} is a truth value, not a count")
    if isinstance(value, int):
        return _bounded(value, value)
    if isinstance(value, ShownPercent):
        raise BadCell(f"{value.percent} is a percentage, not a count")
    if isinstance(value, float | Decimal):
        return _from_number(value)
    if isinstance(value, str):
        return _from_text(value, decimal)
    raise BadCell(_not_a_count(value))


def parse_response(value: object, decimal: str = "") -> tuple[int, int] | None:
    """Return ``(events, n)`` of a cell such as ``13/18``, ``13 of 18`` or ``13/18 (72.2%)``, or None.

    Raises
    ------
    BadCell
        If the cell is no such fraction, or the percentage beside it is not that of the fraction.
    """
    value = clean(value)
    if value is None or (isinstance(value, str) and value.lower() in MISSING_COUNT):
        return None
    if not isinstance(value, str):
        raise BadCell(_not_a_count(value) if _is_date(value) else f"{shown(value)} is not like 13/18")
    if len(value) > MAX_CELL:
        raise BadCell(f"{shown(value)} is not like 13/18")
    turned = _FRACTION_LAST.fullmatch(value)
    text = f"{turned[3]} ({turned[1]}{turned[2]})" if turned else value
    found = _FRACTION.fullmatch(text)
    if found is None or not found[1] or not found[2]:
        raise BadCell(f"{shown(value)} is not like 13/18 or 13/18 (72.2%)")
    events, n = parse_count(found[1], decimal), parse_count(found[2], decimal)
    if events is None or n is None:
        raise BadCell(f"{shown(value)} is not like 13/18")
    if found[3] is not None and 0 <= events <= n and n > 0:
        _check_beside(value, events, n, found[3], found[4])
    return events, n


def looks_like_fraction(value: object) -> bool:
    """Whether a cell is meant as ``events/n``."""
    if not isinstance(value, str) or len(value) > MAX_CELL:
        return False
    found = _FRACTION.fullmatch(value)
    return bool(found and found[1] and found[2]) or bool(_FRACTION_LAST.fullmatch(value))


def parse_percent(value: object) -> object:
    """Return a percentage cell as text or number for :mod:`metaresp.percent`, or None when missing."""
    value = clean(value)
    if value is None or (isinstance(value, str) and value.lower() in MISSING_COUNT):
        return None
    return value.percent if isinstance(value, ShownPercent) else value


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
        return value if abs(value) <= MAX_COUNT else str(value)
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


def text_values(cells: tuple[Value, ...], decimal: str) -> tuple[Value, ...]:
    """Return a column of text cells as all-int, all-float or text, with None for the missing ones."""
    texts = [None if c is None or (isinstance(c, str) and c.lower() in MISSING_VALUE) else c for c in cells]
    strings = [text for text in texts if isinstance(text, str)]
    if len(strings) != sum(text is not None for text in texts) or not strings:
        return tuple(texts)
    if all(_INTEGER.fullmatch(s) and len(s) < 16 and not re.match(r"[+-]?0[0-9]", s) for s in strings):
        return tuple(None if text is None else int(str(text)) for text in texts)
    floats = [_float(s, decimal) for s in strings]
    if all(number is not None for number in floats):
        numbers = iter(floats)
        return tuple(None if text is None else next(numbers) for text in texts)
    return tuple(None if text is None else label_text(text) for text in texts)


def decimal_evidence(cells: list[object]) -> str:
    """Return the decimal mark that the text cells of a table can only mean, or ``""``.

    A cell such as ``4,5`` or ``0,125`` can only be a decimal comma, ``1,234`` can be either.
    """
    marks = set()
    for cell in cells:
        if isinstance(cell, str) and len(cell) < 25 and ("," in cell or "." in cell):
            found = re.fullmatch(r"[+-]?([0-9]+)([.,])([0-9]+)\s*%?", cell)
            if found and (len(found[3]) != 3 or len(found[1]) > 3 or found[1] == "0"):
                marks.add(found[2])
    return marks.pop() if len(marks) == 1 else ""


def shown(value: object) -> str:
    """Return a cell as it is quoted in an error: short, on one line."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


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
    if not _NUMBER.fullmatch(text) or re.match(r"[+-]?0[0-9]", text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _check_beside(cell: str, events: int, n: int, number: str, sign: str) -> None:
    """Refuse a percentage (or, without a sign, a proportion) that is not that of events/n."""
    try:
        if events in compatible_counts(number, n):
            return
    except InvalidArgument:
        pass
    proportion = Fraction(number.replace(",", "."))
    unit = Fraction(1, 10 ** len(number.replace(",", ".").partition(".")[2]))
    if not sign and 2 * abs(Fraction(events, n) - proportion) <= unit:
        return
    raise BadCell(f"{shown(cell)} contradicts itself: {events}/{n} is {100 * events / n:.4g}%")


def _from_number(value: float | Decimal) -> int:
    if not math.isfinite(value):
        raise BadCell(f"{value} is not finite")
    if value != math.floor(value):
        raise BadCell(f"{value} is not a whole number")
    return _bounded(int(value), value)


def _from_text(text: str, decimal: str) -> int | None:
    if text.lower() in MISSING_COUNT:
        return None
    if len(text) > MAX_CELL:
        raise BadCell(f"{shown(text)} is not a number")
    if _INTEGER.fullmatch(text):
        return _bounded(int(text), text)
    whole = _WHOLE.fullmatch(text)
    if whole and not (len(text) - len(whole[1]) == 4 and decimal != text[len(whole[1])]):
        return _bounded(int(whole[1]), text)
    grouped = _GROUPED.fullmatch(text)
    if grouped:
        mark = grouped[1]
        if mark not in ",." or text.count(mark) > 1 or decimal in {",", "."} - {mark}:
            return _bounded(int(re.sub(r"[^0-9]", "", text)), text)
        if decimal != mark:
            raise BadCell(f"{shown(text)} may mean a thousand or a fraction: write it without the mark")
    if _FRACTIONAL.fullmatch(text):
        raise BadCell(f"{shown(text)} is not a whole number")
    if looks_like_fraction(text):
        raise BadCell(f"{shown(text)} is a fraction: name this column with response=")
    raise BadCell(f"{shown(text)} is not a number")


def _bounded(count: int, value: object) -> int:
    if abs(count) > MAX_COUNT:
        raise BadCell(f"{shown(value)} is beyond the largest count, {MAX_COUNT}")
    return count


def _is_date(value: object) -> bool:
    return isinstance(value, datetime.date | datetime.time)


def _not_a_count(value: object) -> str:
    if _is_date(value):
        return f"{value} is a date (workbooks turn 4/7 into one: format the column as text and type it again)"
    return f"{shown(value)} is not a number"
