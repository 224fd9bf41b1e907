"""Counts behind a reported rate and its interval: every candidate, so that none is invented."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.arrays import FloatArray, IntArray, silent
from metaresp.binomial.interval import binomial_ci
from metaresp.errors import InvalidArgument, option
from metaresp.records import Record

if TYPE_CHECKING:
    import pandas as pd

LARGEST_N_MAX = 1_000_000
#: More counts than this would have to be tried: the report has too few digits for so large an n_max.
MOST_CANDIDATES = 5_000_000
#: A reported number stands for all that round to it, whichever way halves go; this is for float noise.
_NOISE = 1e-9

_NUMBER = re.compile(r"\s*(\d+(?:[.,]\d*)?|[.,]\d+)\s*(%?)\s*", re.ASCII)


@dataclass(frozen=True, eq=False, slots=True)
class RecoveredCounts(Record):
    """All counts whose rate and interval round to the reported ones, smallest n first.

    Attributes
    ----------
    events, n : int64 array, shape (m,)
        The candidates; empty if nothing up to ``n_max`` fits.
    rate, low, high : float array, shape (m,)
        Their exact rates and limits, on the 0-1 scale.
    method : str
        The interval assumed.
    level : float
        Its level.
    n_max : int
        Largest n tried.
    """

    events: IntArray
    n: IntArray
    rate: FloatArray
    low: FloatArray
    high: FloatArray
    method: str
    level: float
    n_max: int

    def __len__(self) -> int:
        return int(self.n.size)

    def to_frame(self) -> "pd.DataFrame":
        """Return one row per candidate: events, n, rate, low, high."""
        import pandas as pd

        return pd.DataFrame({name: getattr(self, name) for name in ("events", "n", "rate", "low", "high")})


@silent
def recover_counts(
    rate: Any,
    low: Any,
    high: Any,
    *,
    n_max: int = 1000,
    method: str = "clopper-pearson",
    level: float = 0.95,
    decimals: int | None = None,
) -> RecoveredCounts:
    """Find every (events, n) whose rate and interval round to the reported ones.

    Parameters
    ----------
    rate, low, high : number or text
        As reported: rates (``0.722``) or percentages (``"72.2%"``, or 72.2: all three numbers count
        as percentages when one of them is above 1).  Text keeps its last zeros: ``"0.70"``.
    n_max : int
        Largest n to try, up to 1,000,000.
    method, level : as in :func:`metaresp.binomial_ci`
        The interval that the report is thought to give.
    decimals : int, optional
        Decimals reported, in the scale reported; by default those written in each number.

    Returns
    -------
    RecoveredCounts
        Every candidate; none is preferred.

    Raises
    ------
    InvalidArgument
        Naming the argument, the value and the rule.

    Notes
    -----
    A number stands for everything within half a unit of its last digit, whichever way halves are
    rounded.  No R package that we know of does this.

    Examples
    --------
    >>> from metaresp.binomial import recover_counts
    >>> print(recover_counts("72.2%", "46.5%", "90.3%"))
    13/18
    >>> print(recover_counts(0.72, 0.47, 0.90))
    13/18
    >>> len(recover_counts(0.72, 0.70, 0.73, n_max=50))
    0
    """
    if isinstance(n_max, bool) or not isinstance(n_max, int | np.integer) or not 1 <= n_max <= LARGEST_N_MAX:
        raise InvalidArgument(f"{option('n_max', n_max)} is not a whole number from 1 to {LARGEST_N_MAX}")
    centre, bottom, top = _reported({"rate": rate, "low": low, "high": high}, decimals)
    if not bottom[0] <= centre[0] <= top[0]:
        raise InvalidArgument(
            f"{option('rate', rate)} is not between {option('low', low)} and {option('high', high)}"
        )
    binomial_ci(0, 1, method=method, level=level)
    x, n = _with_rate(*centre, int(n_max))
    ci = binomial_ci(x, n, method=method, level=level)
    lows, highs = np.asarray(ci.low), np.asarray(ci.high)
    fit = (np.abs(lows - bottom[0]) <= bottom[1]) & (np.abs(highs - top[0]) <= top[1])
    fields = (x[fit], n[fit], x[fit] / n[fit], lows[fit], highs[fit])
    return RecoveredCounts(*fields, ci.method, ci.level, int(n_max))


def _with_rate(rate: float, half: float, n_max: int) -> tuple[IntArray, IntArray]:
    """Return all counts up to *n_max* whose rate is within *half* of *rate*."""
    sizes = np.arange(1, n_max + 1)
    first = np.maximum(np.ceil(sizes * (rate - half)), 0).astype(np.int64)
    last = np.minimum(np.floor(sizes * (rate + half)), sizes).astype(np.int64)
    many = np.maximum(last - first + 1, 0)
    if many.sum() > MOST_CANDIDATES:
        raise InvalidArgument(
            f"{option('n_max', n_max)}: {many.sum()} counts have this rate; give more decimals or a "
            "smaller n_max"
        )
    n = np.repeat(sizes, many)
    offset = np.arange(n.size) - np.repeat(np.cumsum(many) - many, many)
    return np.repeat(first, many) + offset, n


def _reported(values: dict[str, Any], decimals: int | None) -> list[tuple[float, float]]:
    """Return each number on the 0-1 scale, and how far its exact value may be from it."""
    if decimals is not None and (isinstance(decimals, bool) or not isinstance(decimals, int) or decimals < 0):
        raise InvalidArgument(f"{option('decimals', decimals)} is not a whole number from 0 on")
    written = {name: _number(name, value) for name, value in values.items()}
    percent = any(marked or number > 1 for number, marked in written.values())
    found = []
    for name, (number, marked) in written.items():
        largest = 100 if percent else 1
        if number > largest or (percent and not marked and any(m for _, m in written.values())):
            raise InvalidArgument(
                f"{option(name, values[name])}: rate, low and high must be all rates from 0 to 1 "
                "or all percentages from 0 to 100"
            )
        places = max(0, -int(number.as_tuple().exponent)) if decimals is None else decimals
        half = Decimal(1).scaleb(-places) / 2
        found.append((float(number / largest), float(half / largest) * (1 + _NOISE) + 1e-12))
    return found


def _number(name: str, value: Any) -> tuple[Decimal, bool]:
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value)
        if match:
            return Decimal(match[1].replace(",", ".")), bool(match[2])
    elif not isinstance(value, bool | np.bool_):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = -1.0
        if number >= 0 and number < 1e6:
            return Decimal(f"{round(number, 12):.12f}".rstrip("0")), False
    raise InvalidArgument(
        f"{option(name, value)} is not a reported rate or percentage, such as 0.722 or '72.2%'"
    )
