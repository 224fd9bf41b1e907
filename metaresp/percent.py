"""Counts behind a reported percentage: which events out of n round to it, in exact integer arithmetic."""

import re
from decimal import Decimal
from operator import index
from typing import SupportsIndex

import numpy as np

from metaresp.arrays import IntArray
from metaresp.checks import LARGEST_N
from metaresp.errors import InvalidArgument, option

__all__ = ["check_percent", "compatible_counts", "fitting_counts", "percent_digits"]

# A float carries rounding noise beyond this many decimals (72.22222222222223 is 13/18 with noise at the end).
FLOAT_DECIMALS = 10
# Beyond this many digits a text is no reported percentage.
MAX_DECIMALS = 30
# Beyond this many counts the answer is of no use and would fill the memory.
MAX_ANSWERS = 10_000_000

_PERCENT = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]+))?\s*%?", re.ASCII)


def percent_digits(percent: object, decimals: int | None = None) -> tuple[int, int]:
    """Return a percentage as a whole number of its last decimal place.

    Parameters
    ----------
    percent : str or number
        On the 0-100 scale: ``"72.2"``, ``"72,2 %"``, ``72.2``.
    decimals : int, optional
        Decimals the percentage was reported with; by default those that are written.

    Returns
    -------
    units, decimals : int
        ``percent == units / 10**decimals``; ``(722, 1)`` for ``"72.2"``.

    Raises
    ------
    InvalidArgument
        If *percent* is no number from 0 to 100, or has more decimals than *decimals*.

    Examples
    --------
    >>> from metaresp.percent import percent_digits
    >>> percent_digits("72.20%"), percent_digits(72.20), percent_digits(72, decimals=1)
    ((7220, 2), (722, 1), (720, 1))
    """
    whole, fraction = _written(percent)
    shown = len(fraction)
    if decimals is None:
        decimals = shown
    decimals = _whole_number(decimals, "decimals")
    if not 0 <= decimals <= MAX_DECIMALS:
        raise InvalidArgument(f"{option('decimals', decimals)} must be from 0 to {MAX_DECIMALS}")
    if len(fraction.rstrip("0")) > decimals:
        raise InvalidArgument(
            f"{option('percent', percent)} has more decimals than {option('decimals', decimals)}"
        )
    units = int(whole + fraction[:decimals].ljust(decimals, "0"))
    if units > 100 * 10**decimals:
        raise InvalidArgument(f"{option('percent', percent)} must be from 0 to 100")
    return units, decimals


def compatible_counts(percent: object, n: SupportsIndex, decimals: int | None = None) -> range:
    """Return the counts out of *n* whose percentage rounds to *percent*, as a range.

    A tie may have been rounded up or to the even digit, so both are allowed: 1/8 = 12.5% was
    reported as 13% by one author and as 12% by another.

    Parameters
    ----------
    percent : str or number
        On the 0-100 scale; see :func:`check_percent`.
    n : int
        Number of patients, 1 or more.
    decimals : int, optional
        Decimals the percentage was reported with; by default those that are written.

    Returns
    -------
    range
        Empty when no count gives that percentage.

    Raises
    ------
    InvalidArgument
        If an argument breaks its rule.

    Examples
    --------
    >>> from metaresp.percent import compatible_counts
    >>> compatible_counts("12", 8), compatible_counts("13", 8), compatible_counts("72.3", 18)
    (range(1, 2), range(1, 2), range(14, 14))
    """
    units, decimals = percent_digits(percent, decimals)
    return fitting_counts(units, 100 * 10**decimals, n)


def fitting_counts(units: int, per_one: int, n: SupportsIndex, *, cut: bool = False) -> range:
    """Return the counts out of *n* whose rate, in whole units of its last place, is *units*.

    Parameters
    ----------
    units : int
        The rate as written, without its decimal mark: 722 of 72.2% or of 0.722.
    per_one : int
        How many such units make a rate of 1: 1000 for both.
    n : int
        Number of patients, 1 or more.
    cut : bool
        The further digits were cut off, not rounded.

    Returns
    -------
    range
        Empty when no count gives that rate.

    Examples
    --------
    >>> from metaresp.percent import fitting_counts
    >>> fitting_counts(722, 1000, 18), fitting_counts(727, 1000, 11), fitting_counts(666, 1000, 3, cut=True)
    (range(13, 14), range(8, 9), range(2, 3))
    """
    total = _whole_number(n, "n")
    if not 1 <= total <= LARGEST_N:
        raise InvalidArgument(f"{option('n', total)} must be from 1 to {LARGEST_N}")
    if cut:
        low, high = -(-units * total // per_one), ((units + 1) * total - 1) // per_one
    else:
        # x / n lies within half a unit: (2u - 1) n <= 2 * per_one * x <= (2u + 1) n.
        # Rounding up takes the lower tie, rounding to even the upper one when u is even.
        low = -((1 - 2 * units) * total // (2 * per_one))
        above = (2 * units + 1) * total
        high = above // (2 * per_one) if units % 2 == 0 else (above - 1) // (2 * per_one)
    low, high = max(low, 0), min(high, total)
    return range(low, max(high, low - 1) + 1)


def check_percent(percent: str | float, n: SupportsIndex, decimals: int | None = None) -> IntArray:
    """Return the counts that a reported percentage is compatible with.

    Parameters
    ----------
    percent : str or number
        The reported percentage, 0 to 100: ``"72.2"``, ``"72.2%"``, ``"72,2 %"`` or ``72.2``.  Text keeps its
        trailing zeros (``"72.0"`` has one decimal); a number cannot (``72.0`` is read as 72, no
        decimals), so give text or *decimals* when they matter.
    n : int
        The number of patients it is a percentage of.
    decimals : int, optional
        Decimals the percentage was reported with; by default those that are written.

    Returns
    -------
    int array, shape (m,)
        Every ``events`` with ``round(100 * events / n, decimals) == percent``, rounding ties up or to
        the even digit.  Empty when the percentage is impossible for that *n*.

    Raises
    ------
    InvalidArgument
        If an argument breaks its rule, or more than ten million counts are compatible.

    Notes
    -----
    In R: ``scrutiny::grim`` answers only whether there is such a count.

    References
    ----------
    Brown NJL, Heathers JAJ (2017). The GRIM test: a simple technique detects numerous anomalies in
    the reporting of results in psychology. Social Psychological and Personality Science 8, 363-369.

    Examples
    --------
    >>> from metaresp.percent import check_percent
    >>> check_percent(72.2, 18).tolist()
    [13]
    >>> check_percent("72.3%", 18).tolist()
    []
    >>> check_percent(50, 300).tolist()
    [149, 150, 151]
    """
    counts = compatible_counts(percent, n, decimals)
    if len(counts) > MAX_ANSWERS:
        raise InvalidArgument(
            f"{option('percent', percent)} fits {len(counts)} counts out of {option('n', n)}: more than "
            f"{MAX_ANSWERS}"
        )
    return np.arange(counts.start, counts.stop, dtype=np.int64)


def _written(percent: object) -> tuple[str, str]:
    """Return the digits before and after the decimal mark as they are (or would be) written."""
    if isinstance(percent, str):
        text = percent.strip()
    elif isinstance(percent, bool | np.bool_):
        text = ""
    elif isinstance(percent, int | np.integer):
        text = str(int(percent)) if 0 <= percent <= 100 else ""
    elif isinstance(percent, float | np.floating):
        text = _float_digits(percent)
    elif isinstance(percent, Decimal) and percent.is_finite():
        text = format(percent, "f")
    else:
        text = ""
    found = _PERCENT.fullmatch(text)
    if found is None or len(found[2] or "") > MAX_DECIMALS:
        raise InvalidArgument(
            f"{option('percent', percent)} must be a number from 0 to 100, such as 72.2 or '72.2%'"
        )
    return found[1], found[2] or ""


def _float_digits(percent: float | np.floating) -> str:
    if not 0 <= percent <= 100:
        return ""
    text = str(np.format_float_positional(percent, trim="-"))
    decimals = len(text.partition(".")[2])
    return f"{float(percent):.{FLOAT_DECIMALS}f}" if decimals > FLOAT_DECIMALS else text


def _whole_number(value: object, name: str) -> int:
    if not isinstance(value, bool | np.bool_):
        if isinstance(value, float | np.floating) and float(value).is_integer():
            return int(value)
        try:
            return index(value)  # type: ignore[arg-type]  # refused below when it is no whole number
        except TypeError:
            pass
    raise InvalidArgument(f"{option(name, value)} must be a whole number")
