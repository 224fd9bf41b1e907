"""Counts behind a column of rates: proportion or percentage, rounded or cut off."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from metaresp.percent import fitting_counts
from metaresp.read.intervals import is_interval
from metaresp.read.options import UNITS
from metaresp.read.writing import Cell

# A float carries rounding noise beyond this many decimals of a percentage.
_FLOAT_DECIMALS = 10


class Written(NamedTuple):
    """A rate as whole units of its last place, and how many of these make a rate of 1."""

    units: int
    per_one: int


def written(rate: str, unit: str, decimals: int | None = None) -> Written | None:
    """Return a written rate, with at least *decimals* places; None where it is not from 0 to 1 (or 100).

    Examples
    --------
    >>> written("72.2", "percent"), written("0.6", "proportion", 3), written("120", "percent")
    (Written(units=722, per_one=1000), Written(units=600, per_one=1000), None)
    """
    number = Decimal(rate)
    limit = _FLOAT_DECIMALS + (2 if unit == "proportion" else 0)
    places = max(-int(number.as_tuple().exponent), decimals or 0, 0)
    if places > limit:
        number, places = round(number, limit), limit
    units = int(number.scaleb(places))
    per_one = 10**places * (100 if unit == "percent" else 1)
    return Written(units, per_one) if 0 <= units <= per_one else None


def places(cells: Sequence[Cell]) -> int:
    """Return the decimals that a column of rates is written with at most."""
    return max((len(cell.rate.partition(".")[2]) for cell in cells if cell.rate), default=0)


def fits(rate: str, unit: str, n: int, decimals: int, cut: bool = False) -> range:
    """Return the counts that a rate is compatible with, its lost zeros at the end put back first.

    Examples
    --------
    >>> fits("60", "percent", 300, decimals=1), fits("66.6", "percent", 3, 1)
    (range(180, 181), range(2, 2))
    >>> fits("66.6", "percent", 3, 1, cut=True)
    range(2, 3)
    """
    for shown_with in (decimals, None):
        as_written = written(rate, unit, shown_with)
        if as_written is None:
            return range(0)
        found = fitting_counts(as_written.units, as_written.per_one, n, cut=cut)
        if found or shown_with is None:
            return found
    return range(0)


def belongs(rate: str, unit: str, count: int, n: int, decimals: int) -> bool:
    """Whether a rate is that of count / n, rounded or cut off, to the digits of its own or of its column."""
    for shown_with in (None, decimals):
        as_written = written(rate, unit, shown_with)
        if as_written is not None:
            for cut in (False, True):
                if count in fitting_counts(as_written.units, as_written.per_one, n, cut=cut):
                    return True
    return False


def unit_of(cells: Sequence[Cell], n: Sequence[int | None], said: str) -> tuple[str, str]:
    """Return the unit of a column of rates, and why it is in doubt (empty: it is not).

    Parameters
    ----------
    cells : sequence of Cell
    n : sequence of int or None
    said : str
        What the head says: ``percent``, ``proportion`` or empty.

    Notes
    -----
    A sign in any cell tells.  Values of which one is above 1 are percentages, unless the head says
    proportion.  Values that are all at most 1 are proportions where the head says so, or says nothing and
    each fits a count; a head that says percent over them leaves it open.
    """
    rates = [Decimal(cell.rate) for cell in cells if cell.rate]
    if any(cell.percent for cell in cells):
        return "percent", ""
    if not rates or (said == "percent" and not any(rates)):
        return "percent", ""
    if max(rates) > 1:
        return (
            ("percent", "")
            if said != "proportion"
            else ("", "its head says proportion, but values are above 1")
        )
    if said == "proportion":
        return "proportion", ""
    if said == "percent":
        return "", "its head says percent, but every value is at most 1"
    if all(rate in {0, 1} for rate in rates):
        return "", "every value is 0 or 1, which may be counts as well"
    if not all(is_interval_of(cell, total) for cell, total in zip(cells, n, strict=True) if total):
        return "", "every value is at most 1, and an interval is not that of such a proportion"
    decimals = places(cells)
    told = [(cell.rate, total) for cell, total in zip(cells, n, strict=True) if cell.rate and total]
    alone = all(
        len(fits(rate, "proportion", total, decimals)) == 1
        or len(fits(rate, "proportion", total, decimals, True)) == 1
        for rate, total in told
    )
    if alone or are_computed(cells, n):
        return "proportion", ""
    return "", "every value is at most 1, and not each is the proportion of one count"


def are_computed(cells: Sequence[Cell], n: Sequence[int | None]) -> bool:
    """Whether proportions were computed from counts, not copied out of an article: each times its n is whole.

    One alone may be so by chance, and so may 0.00.

    Examples
    --------
    >>> quarter, half = Cell("number", rate="0.25"), Cell("number", rate="0.50")
    >>> are_computed([quarter, half], [400, 200]), are_computed([quarter], [400])
    (True, False)
    """
    if places(cells) < 2 or any(cell.limits or cell.percent for cell in cells):
        return False
    told = [(Fraction(cell.rate), total) for cell, total in zip(cells, n, strict=True) if cell.rate and total]
    inner = [(rate, total) for rate, total in told if 0 < rate < 1]
    zeros = any(cell.rate not in {"0", "1"} and Fraction(cell.rate) in {0, 1} for cell in cells if cell.rate)
    return len(inner) > 1 and not zeros and all((rate * total).denominator == 1 for rate, total in inner)


def is_interval_of(cell: Cell, n: int) -> bool:
    """Whether the interval beside a proportion, if there is one, is about as wide as that of a count.

    Examples
    --------
    >>> near = Cell("rate", rate="0.72", limits=("0.47", "0.90"))
    >>> far = Cell("rate", rate="0.094", limits=("0.0", "0.5"))
    >>> is_interval_of(near, 18), is_interval_of(far, 1060)
    (True, False)
    """
    if len(cell.limits) != 2 or not cell.rate:
        return True
    return is_interval(float(Decimal(cell.rate)), (cell.limits[0], cell.limits[1]), n, 1)


def possible_units(cells: Sequence[Cell], said: str) -> tuple[str, ...]:
    """Return the units that a column of rates beside its counts may have."""
    rates = [Decimal(cell.rate) for cell in cells if cell.rate]
    if said == "percent" or any(cell.percent for cell in cells) or (rates and max(rates) > 1):
        return ("percent",)
    # of a single digit nearly every count would be the proportion
    return UNITS if places(cells) > 1 else ("percent",)
