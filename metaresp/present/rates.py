"""Rates as they are printed anywhere: one scale a table, and decimals that never hide what differs.

The rule.  A table has as many decimals as its typical interval needs.  A row has more where its rate and
limits would print alike.  Only an exact 0 or 1 is printed as 0% or 100%: a rate that would be gets more
decimals, a limit two more and then a mark (``<0.001%``).  Decimals that were asked for (``digits=``) are
kept, and what they would hide gets the mark (``<0.1%``).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from metaresp.errors import known_name
from metaresp.records import Record

MOST_DECIMALS = 10
# What a limit near 0% or 100% may have more than the other numbers of its table.
SPARE_DECIMALS = 2
# Shares in percent that add up to 100 do so but for this.
SUM_NOISE = 1e-9
UNKNOWN = "-"


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
    digits : int or None
        The decimals that were asked for: these and no others.
    """

    name: str
    factor: float
    unit: str
    per: str
    decimals: int
    digits: int | None = None


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


def with_digits(scale: RateScale, percent: int | None = None, own: int | None = None) -> RateScale:
    """Return the scale with the decimals asked for, if any.

    Parameters
    ----------
    scale : RateScale
    percent : int, optional
        Decimals of percentages; those of another scale say as much.
    own : int, optional
        Decimals in the unit of the scale, which go before.

    Examples
    --------
    >>> [with_digits(scale, 2).digits for scale in SCALES.values()]
    [2, 4, 1, 0, 0]
    >>> with_digits(SCALES["per 1000"], 2, 3).digits
    3
    """
    if own is None and percent is not None:
        own = max(0, percent + 2 - round(math.log10(scale.factor)))
    return scale if own is None else replace(scale, digits=own)


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
    if scale.digits is not None:
        return scale.digits
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
    >>> rate_text(0.9997, percent, 1), rate_text(1.0, percent, 1), rate_text(math.nan, percent, 1)
    ('99.97%', '100.0%', '-')
    """
    if math.isnan(rate):
        return UNKNOWN
    fewest, most = (decimals, MOST_DECIMALS) if scale.digits is None else (scale.digits, scale.digits)
    for enough in range(fewest, most + 1):
        if not _hidden(rate, scale, enough):
            return f"{rate * scale.factor:.{enough}f}{scale.unit}"
    return _marked(rate, scale, _most(scale, decimals))


def limit_text(rate: float, scale: RateScale, decimals: int) -> str:
    """Return a limit of an interval; one that needs many decimals is written as less or more than a few.

    Examples
    --------
    >>> percent = SCALES["percent"]
    >>> [limit_text(rate, percent, 1) for rate in (0.0, 0.00002, 2e-10, 0.9999999)]
    ['0.0%', '0.002%', '<0.001%', '>99.999%']
    >>> [limit_text(rate, with_digits(percent, 1), 1) for rate in (0.0, 0.00002, 0.9999999)]
    ['0.0%', '<0.1%', '>99.9%']
    """
    most = _most(scale, decimals)
    return _marked(rate, scale, most) if _hidden(rate, scale, most) else rate_text(rate, scale, decimals)


def percent_text(value: float, decimals: int = 1) -> str:
    """Return a share in percent, such as a weight or I2, that is 0% or 100% only where it is.

    Examples
    --------
    >>> [percent_text(value) for value in (6.28, 0.0, 0.02, 1e-7, 99.97, 100.0)]
    ['6.3%', '0.0%', '0.02%', '<0.001%', '99.97%', '100.0%']
    >>> percent_text(69.4, 0), percent_text(99.8, 0)
    ('69%', '99.8%')
    """
    whole = abs(value - 100) < SUM_NOISE
    return limit_text(1.0 if whole else value / 100, SCALES["percent"], decimals)


def _most(scale: RateScale, decimals: int) -> int:
    return min(MOST_DECIMALS, decimals + SPARE_DECIMALS) if scale.digits is None else scale.digits


def _marked(rate: float, scale: RateScale, decimals: int) -> str:
    """Return that a rate is less than the first number that *decimals* can show, or more than the last."""
    step = 10.0**-decimals
    sign, nearest = ("<", step) if rate < 0.5 else (">", scale.factor - step)
    return f"{sign}{nearest:.{decimals}f}{scale.unit}"


def _hidden(rate: float, scale: RateScale, decimals: int) -> bool:
    """Whether rounding would turn something into none, or all but something into all."""
    printed = float(f"{rate * scale.factor:.{decimals}f}")
    return (rate > 0 and printed == 0) or (rate < 1 and printed == scale.factor)


def interval_text(low: float, high: float, scale: RateScale, decimals: int) -> str:
    """Return the limits of an interval.

    Examples
    --------
    >>> interval_text(0.4652, 0.9031, SCALES["percent"], 1)
    '46.5% to 90.3%'
    """
    if math.isnan(low) and math.isnan(high):
        return UNKNOWN
    return f"{limit_text(low, scale, decimals)} to {limit_text(high, scale, decimals)}"


def interval_texts(lows: Iterable[float], highs: Iterable[float], scale: RateScale) -> list[str]:
    """Return the limits of several intervals, each with the decimals that tell its limits apart.

    Examples
    --------
    >>> interval_texts([0.4652, math.nan], [0.9031, math.nan], SCALES["percent"])
    ['46.5% to 90.3%', '-']
    """
    return [
        UNKNOWN if math.isnan(low) else interval_text(low, high, scale, told_apart((low, high), scale, 1))
        for low, high in zip(lows, highs, strict=True)
    ]


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


def rates_and_intervals(
    rates: Sequence[float],
    lows: Sequence[float],
    highs: Sequence[float],
    scale: RateScale,
    alternative: str = "two-sided",
    decimals: int | None = None,
) -> list[tuple[str, str]]:
    """Return the texts of the columns Rate and Interval of a table, the decimals by the rule above.

    Parameters
    ----------
    rates, lows, highs : sequence of float
        On the 0-1 scale, one a row.
    scale : RateScale
    alternative : {"two-sided", "less", "greater"}
        Bounds of one side are ``at most`` and ``at least``.
    decimals : int, optional
        Those of the table, where it has other rates too.

    Examples
    --------
    >>> rates_and_intervals([13 / 18, 3e-5], [0.465, 6e-6], [0.903, 9e-5], SCALES["percent"], decimals=1)
    [('72.2%', '46.5% to 90.3%'), ('0.003%', '0.001% to 0.009%')]
    >>> rates_and_intervals([0.0], [0.0], [0.1533], SCALES["percent"], "less")
    [('0.0%', 'at most 15.3%')]
    """
    rows = list(zip(rates, lows, highs, strict=True))
    if decimals is None:
        ends = [(low, rate if alternative == "greater" else high) for rate, low, high in rows]
        decimals = decimals_for_widths([high - low for low, high in ends], scale)
    texts = []
    for rate, low, high in rows:
        shown = {"less": (rate, high), "greater": (low, rate)}.get(alternative, (low, rate, high))
        enough = told_apart(shown, scale, decimals)
        texts.append((rate_text(rate, scale, enough), bounds_text(low, high, alternative, scale, enough)))
    return texts


def bounds_text(low: float, high: float, alternative: str, scale: RateScale, decimals: int) -> str:
    """Return an interval, or the one bound of a one-sided one.

    Examples
    --------
    >>> bounds_text(0.0, 0.1533, "less", SCALES["percent"], 1)
    'at most 15.3%'
    >>> bounds_text(0.465, 0.903, "two-sided", SCALES["percent"], 1)
    '46.5% to 90.3%'
    """
    if alternative == "less":
        return f"at most {limit_text(high, scale, decimals)}"
    if alternative == "greater":
        return f"at least {limit_text(low, scale, decimals)}"
    return interval_text(low, high, scale, decimals)


def told_apart(values: Sequence[float], scale: RateScale, decimals: int) -> int:
    """Return at least *decimals*, and as many as different *values* need to print differently.

    Values that no number of decimals tells apart differ by rounding, and need no more.

    Examples
    --------
    >>> told_apart((0.0147, 0.0142), SCALES["percent"], 0), told_apart((0.3, 0.1 + 0.2), SCALES["percent"], 1)
    (1, 1)
    """
    if scale.digits is not None:
        return scale.digits
    known = {value for value in values if math.isfinite(value)}
    apart = _printed(known, scale, MOST_DECIMALS)
    return next(d for d in range(decimals, MOST_DECIMALS + 1) if _printed(known, scale, d) == apart)


def _printed(values: Iterable[float], scale: RateScale, decimals: int) -> int:
    """Return how many different numbers are printed."""
    return len({f"{value * scale.factor:.{decimals}f}" for value in values})
