"""How a count, a fraction or a rate is written in one cell: digits, marks, brackets, words."""

import datetime
import math
import re
from decimal import Decimal
from typing import NamedTuple

from metaresp.checks import LARGEST_N
from metaresp.read.cells import LONGEST_WHOLE, MAX_CELL, BadCell, Formula, ShownPercent, clean, shown
from metaresp.read.patterns import (
    AMONG,
    CENSORED,
    FRACTION,
    FRACTION_LAST,
    INTEGER,
    MARK_AFTER,
    MARK_BEFORE,
    MISSING_COUNT,
    NAMED,
    PAIR,
    PROSE,
    RAISED,
    RATE,
    SIGNS,
    UNITS,
    N,
    plain,
)


class Cell(NamedTuple):
    """What a cell says.

    Attributes
    ----------
    kind : str
        ``missing``, ``count``, ``number`` (a decimal number without a sign), ``rate`` (with a percent sign
        or an interval), ``counted`` (a count with a rate beside it), ``fraction``, ``about`` (``<5``,
        ``6-7``), ``formula`` or ``other``.
    events, n : int or None
        A count, and the patients of a fraction.
    rate : str
        Digits of a rate as written, with a point; empty if there is none.
    percent : bool
        Whether the rate has a percent sign.
    limits : tuple of str
        Limits of an interval of the rate, or empty.
    mark : str
        A footnote mark that was set aside.
    bad : str
        Why the cell is no count, as the end of a sentence; empty where it is one.
    """

    kind: str
    events: int | None = None
    n: int | None = None
    rate: str = ""
    percent: bool = False
    limits: tuple[str, ...] = ()
    mark: str = ""
    bad: str = ""


MISSING = Cell("missing")


def read_cell(value: object, decimal: str = "") -> Cell:
    """Return what a cell says.

    Parameters
    ----------
    value : object
        A cell: number, text, date or None.
    decimal : {".", ",", ""}
        The decimal mark of the table, when known: a single group like ``"1,234"`` is read as a
        thousand only where the comma is known not to be the decimal mark.

    Examples
    --------
    >>> read_cell("13 (72.2%)").events, read_cell("13/18").n, read_cell("13*").mark, read_cell("<5").kind
    (13, 18, '*', 'about')
    """
    value = clean(value)
    if value is None:
        return MISSING
    if isinstance(value, Formula):
        return Cell("formula", bad=f"{shown(value)} is a formula that was saved without its value: open the "
                    "file in the program that made it, let it calculate, and save it")  # fmt: skip
    if isinstance(value, str):
        return _text(value, decimal)
    if isinstance(value, bool):
        return Cell("other", bad=f"{value} is a truth value, not a count")
    if isinstance(value, int):
        return _counted(int(value), str(value))
    if isinstance(value, ShownPercent):
        return Cell(
            "rate", rate=value.percent, percent=True, bad=f"{value.percent}% is a percentage, not a count"
        )
    if isinstance(value, float | Decimal):
        return _number(value)
    if isinstance(value, datetime.date | datetime.time):
        return Cell("other", bad=f"{value} is a date (workbooks turn 4/7 into one: format the column as text "
                    "and type it again)")  # fmt: skip
    return Cell("other", bad=f"{shown(value)} is not a number")


def is_missing(text: str) -> bool:
    """Whether text says that there is no number."""
    return text.lower() in MISSING_COUNT


def is_prose(text: str) -> bool:
    """Whether trimmed text, such as a label, is told at its first letters to be no number.

    Examples
    --------
    >>> is_prose("Xu 2012"), is_prose("ca. 5"), is_prose("n = 18"), is_prose("nr")
    (True, False, False, False)
    """
    return PROSE.match(text) is not None


def _text(given: str, decimal: str) -> Cell:
    if given.isascii() and given.isdecimal() and len(given) < 16:
        return Cell("count", int(given), rate=given)
    if len(given) > MAX_CELL:
        return Cell("other", bad=f"{shown(given)} is not a number")
    if is_missing(given):
        return MISSING
    if is_prose(given):
        return Cell("other", bad=f"{shown(given)} is not a number")
    return _written(given, decimal)


def _written(given: str, decimal: str) -> Cell:
    """Return what text that may hold a number says."""
    text = plain(given)
    if not text or is_missing(text):
        return MISSING
    found = _unmarked(text, given, decimal)
    if found.kind != "other":
        return found
    mark, bare = _bare(text)
    if bare != text and bare:
        again = _unmarked(bare, given, decimal)
        if again.kind not in {"other", "about"}:
            return again._replace(mark=mark or again.mark)
    return found


def _bare(text: str) -> tuple[str, str]:
    """Return the footnote marks of a cell, and the cell without them and without words for patients."""
    marks = ""
    text = NAMED.sub("", text)
    for _ in range(3):
        before, after = MARK_BEFORE.search(text), MARK_AFTER.search(text)
        if after:
            marks = after[0].strip() + marks
            text = text[: after.start()].strip()
        if before:
            marks += before[0].strip()
            text = text[before.end() :].strip()
        shorter = UNITS.sub("", text)
        if shorter == text and not after and not before:
            break
        text = shorter
    # a mark inside: "13* (72.2%)", "13 (72.2%)*" is at the end already
    inside = re.sub(rf"(?<=[0-9%])\s?[{re.escape(SIGNS)}{RAISED}]+(?=\s*[(\[/])", "", text)
    if inside != text:
        marks += "".join(letter for letter in text if letter in SIGNS + RAISED)
    inside = re.sub(r"(?<=[0-9])\s*(?:patients?|pts?|人|例|名|명)(?=\s*[(\[/,])", "", inside)
    return marks, inside


def _unmarked(text: str, given: str, decimal: str) -> Cell:
    """Return what text without footnote marks says; the longest forms are tried first."""
    try:
        if INTEGER.fullmatch(text):
            return _counted(int(text), given)
        if re.fullmatch(r"[0-9](?:[.,][0-9]+)?[eE](?:[+-][0-9]{1,2}|-?[0-9]{1,2})", text):
            return _exponent(text.replace(",", "."), given)
        if re.fullmatch(N, text):
            return _written_number(text, given, decimal)
        found = FRACTION.fullmatch(text)
        if found:
            return _fraction(found[1], found[2], found[3], found[4], (found[5], found[6]), given, decimal)
        found = AMONG.fullmatch(text)
        if found:
            return _fraction(found[2], found[1], None, None, (), given, decimal)
        found = FRACTION_LAST.fullmatch(text)
        if found:
            return _fraction(found[3], found[4], found[1], found[2], (), given, decimal)
        found = RATE.fullmatch(text)
        if found and (found[2] or found[3]) and not _is_decimal_comma(text, found, decimal):
            limits = tuple(_rate(limit, decimal) for limit in (found[3], found[4]) if limit)
            return Cell("rate", rate=_rate(found[1], decimal), percent="%" in text, limits=limits,
                        bad=f"{shown(given)} is a rate, not a count")  # fmt: skip
        found = PAIR.fullmatch(text)
        if found:
            return _pair(found, given, decimal)
        if CENSORED.fullmatch(text):
            return Cell("about", bad=f"{shown(given)} is no single count")
        if re.fullmatch(rf"-{N}", text):
            return Cell("other", bad=f"{shown(given)} is negative: a count is 0 or more")
    except BadCell as bad:
        return Cell("other", bad=str(bad))
    return Cell("other", bad=f"{shown(given)} is not a number")


def _is_decimal_comma(text: str, found: "re.Match[str]", decimal: str) -> bool:
    """Whether what looks like limits parted by a comma, as in ``1 (5,00%)``, is one number."""
    return (
        bool(found[3]) and (decimal == "," or "." not in text) and text[found.end(3) : found.start(4)] == ","
    )


def _fraction(
    events: str,
    total: str,
    rate: str | None,
    sign: str | None,
    limits: tuple[str | None, ...],
    given: str,
    decimal: str,
) -> Cell:
    x, n = _count(events, given, decimal), _count(total, given, decimal)
    ends = tuple(_rate(limit, decimal) for limit in limits if limit)
    percent = bool(sign) or (bool(ends) and "%" in given)
    return Cell("fraction", x, n, _rate(rate, decimal) if rate else "", percent, ends)


def _pair(found: "re.Match[str]", given: str, decimal: str) -> Cell:
    """Read a count with a rate beside it: ``13 (72.2%)``, or the rate first."""
    first, first_sign, second, second_sign = found[1], found[2], found[3], found[4]
    if first_sign and second_sign:
        return Cell("other", bad=f"{shown(given)} holds two percentages")
    rate_first = bool(first_sign) or (
        not second_sign and not _whole(first, decimal) and _whole(second, decimal)
    )
    if rate_first:
        first, second = second, first
    limits = tuple(_rate(limit, decimal) for limit in (found[5], found[6]) if limit)
    sign = bool(first_sign or second_sign) or (bool(limits) and "%" in given)
    return Cell("counted", _count(first, given, decimal), None, _rate(second, decimal), sign, limits)


def _whole(text: str, decimal: str) -> bool:
    try:
        _count(text, text, decimal)
    except BadCell:
        return False
    return True


def _count(text: str, given: str, decimal: str) -> int:
    """Return a written number as a whole one.

    Raises
    ------
    BadCell
        If it is not whole, may mean a thousand or a fraction, or is beyond all counts.
    """
    if INTEGER.fullmatch(text):
        return _bounded(int(text), given)
    if re.fullmatch(r"[0-9]{1,3}(?:,[0-9]{2})+,[0-9]{3}", text):
        return _bounded(int(text.replace(",", "")), given)
    grouped = re.fullmatch(r"[0-9]{1,3}(?:([,.' ])[0-9]{3})(?:\1[0-9]{3})*", text)
    whole = re.fullmatch(r"([0-9]+)([.,])0+", text)
    if whole and not (grouped and decimal != whole[2]):
        return _bounded(int(whole[1]), given)
    if grouped:
        mark = grouped[1]
        if mark not in ",." or text.count(mark) > 1 or decimal in {",", "."} - {mark}:
            return _bounded(int(re.sub(r"[^0-9]", "", text)), given)
        if decimal != mark:
            raise BadCell(f"{shown(given)} may mean a thousand or a fraction: write it without the mark")
    raise BadCell(f"{shown(given)} is not a whole number")


def _rate(text: str, decimal: str) -> str:
    """Return the digits of a rate with a point as its decimal mark; no rate has thousands."""
    text = text.replace(" ", "").replace("'", "").replace(",", ".")
    if text.count(".") > 1:
        raise BadCell(f"{text} is no rate: it has two marks")
    return "0" + text if text.startswith(".") else text


def _written_number(text: str, given: str, decimal: str) -> Cell:
    try:
        count = _count(text, given, decimal)
        return Cell("count", count, rate=_rate(text, decimal) if count < 1000 else str(count))
    except BadCell as bad:
        if "beyond" in str(bad):
            raise
        return Cell("number", rate=_rate(text, decimal), bad=str(bad))


def _exponent(text: str, given: str) -> Cell:
    """Read a number as R writes large and small ones, ``1e+05``; any other exponent is no count."""
    number = Decimal(text)
    whole = number == number.to_integral_value() and "+" in text
    if whole:
        return _counted(int(number), given)
    if number > 1:
        return Cell("other", bad=f"{shown(given)} is not a number")
    return Cell("number", rate=format(number, "f"), bad=f"{shown(given)} is not a whole number")


def _counted(count: int, given: str) -> Cell:
    try:
        _bounded(count, given)
    except BadCell as bad:
        return Cell("other", bad=str(bad))
    return Cell("count", count, rate=str(count))


def _number(value: float | Decimal) -> Cell:
    if not math.isfinite(value):
        return Cell("other", bad=f"{value} is not finite")
    if value == math.floor(value):
        return _counted(int(value), str(value))
    return Cell("number", rate=repr(float(value)), bad=f"{value} is not a whole number")


def _bounded(count: int, given: object) -> int:
    if abs(count) > LONGEST_WHOLE:
        raise BadCell(f"{shown(given)} is beyond the largest count, {LARGEST_N}")
    return count
