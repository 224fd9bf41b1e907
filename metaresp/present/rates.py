"""Rates as a figure prints them: one scale a table, and decimals that never hide what differs."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from metaresp.errors import known_name
from metaresp.records import Record

MOST_DECIMALS = 10
# What a limit near 0% or 100% may have more than the other numbers of its table.
SPARE_DECIMALS = 2


@dataclass(frozen=True, eq=False, slots=True)
class RateScale(Record):
    """The unit in which rates are printed.

    Attributes
    ----------
    name : str
        What users ask for.
    factor : float
        What a rate between 0 and 1 is multiplied with.
    unit : str
        Written after each number (``%`` or nothing).
    per : str
        Added to the head of the column and the axis, such as ``per 1,000``.
    decimals : int
        The fewest decimals.
    """

    name: str
    factor: float
    unit: str
    per: str
    decimals: int


SCALES = {
    scale.name: scale
    for scale in (
        RateScale("percent", 100.0, "%", "", 1),
        RateScale("proportion", 1.0, "", "", 2),
        RateScale("per 1000", 1e3, "", "per 1,000", 0),
        RateScale("per 10000", 1e4, "", "per 10,000", 1),
        RateScale("per 100000", 1e5, "", "per 100,000", 1),
    )
}


def rate_scale(name: str) -> RateScale:
    """Return the scale of that name.

    Raises
    ------
    UnknownName
        Listing the names.

    Examples
    --------
    >>> rate_scale("per 1000").factor
    1000.0
    """
    return SCALES[known_name("scale", name, SCALES)]


def decimals_for_widths(widths: Iterable[float], scale: RateScale) -> int:
    """Return decimals that keep about two digits of a typical interval's width.

    Parameters
    ----------
    widths : iterable of float
        Widths of the intervals, on the 0-1 scale; those that are 0 or NaN do not count.
    scale : RateScale

    Examples
    --------
    >>> decimals_for_widths([0.44, 0.3], SCALES["percent"])
    1
    >>> decimals_for_widths([0.0002, 0.0001], SCALES["percent"])
    3
    """
    known = sorted(width * scale.factor for width in widths if width > 0)
    if not known:
        return scale.decimals
    typical = known[(len(known) - 1) // 2]
    return min(MOST_DECIMALS, max(scale.decimals, 1 - math.floor(math.log10(typical))))


def rate_text(rate: float, scale: RateScale, decimals: int) -> str:
    """Return a rate in the unit of *scale*; only an exact 0 or 1 is printed as none or all.

    Examples
    --------
    >>> percent = SCALES["percent"]
    >>> rate_text(13 / 18, percent, 1), rate_text(0.0, percent, 1), rate_text(0.0004, percent, 1)
    ('72.2%', '0.0%', '0.04%')
    >>> rate_text(0.9997, percent, 1), rate_text(1.0, percent, 1)
    ('99.97%', '100.0%')
    """
    value = rate * scale.factor
    while decimals < MOST_DECIMALS and _hidden(rate, value, scale.factor, decimals):
        decimals += 1
    return f"{value:.{decimals}f}{scale.unit}"


def limit_text(rate: float, scale: RateScale, decimals: int) -> str:
    """Return a limit of an interval; one that needs many decimals is written as less or more than a few.

    Examples
    --------
    >>> percent = SCALES["percent"]
    >>> [limit_text(rate, percent, 1) for rate in (0.0, 0.00002, 2e-10, 0.9999999)]
    ['0.0%', '0.002%', '<0.001%', '>99.999%']
    """
    most = min(MOST_DECIMALS, decimals + SPARE_DECIMALS)
    value = rate * scale.factor
    if not _hidden(rate, value, scale.factor, most):
        return rate_text(rate, scale, decimals)
    step = 10.0**-most
    sign, nearest = ("<", step) if value < step else (">", scale.factor - step)
    return f"{sign}{nearest:.{most}f}{scale.unit}"


def _hidden(rate: float, value: float, factor: float, decimals: int) -> bool:
    """Whether rounding would turn something into none, or all but something into all."""
    printed = float(f"{value:.{decimals}f}")
    return (rate > 0 and printed == 0) or (rate < 1 and printed == factor)


def interval_text(low: float, high: float, scale: RateScale, decimals: int) -> str:
    """Return the limits of an interval.

    Examples
    --------
    >>> interval_text(0.4652, 0.9031, SCALES["percent"], 1)
    '46.5% to 90.3%'
    """
    return f"{limit_text(low, scale, decimals)} to {limit_text(high, scale, decimals)}"


def rate_with_interval(rate: float, low: float, high: float, scale: RateScale, decimals: int) -> str:
    """Return the rate with its interval in brackets, the three told apart wherever they differ.

    Examples
    --------
    >>> rate_with_interval(13 / 18, 0.4652, 0.9031, SCALES["percent"], 1)
    '72.2% (46.5% to 90.3%)'
    >>> rate_with_interval(0.01530, 0.01477, 0.01584, SCALES["percent"], 0)
    '1.53% (1.48% to 1.58%)'
    """
    decimals = told_apart((low, rate, high), scale, decimals)
    return f"{rate_text(rate, scale, decimals)} ({interval_text(low, high, scale, decimals)})"


def told_apart(values: tuple[float, ...], scale: RateScale, decimals: int) -> int:
    """Return at least *decimals*, and as many as different *values* need to print differently.

    Examples
    --------
    >>> told_apart((0.0147, 0.0142), SCALES["percent"], 0)
    1
    """
    while decimals < MOST_DECIMALS and _merged(values, scale, decimals):
        decimals += 1
    return decimals


def _merged(values: tuple[float, ...], scale: RateScale, decimals: int) -> bool:
    different = {value for value in values if math.isfinite(value)}
    return len({f"{value * scale.factor:.{decimals}f}" for value in different}) < len(different)
