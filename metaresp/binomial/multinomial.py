"""Simultaneous intervals for the categories of one trial."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, IntArray, silent
from metaresp.checks import LARGEST_N, check_level
from metaresp.errors import InvalidArgument, known_name, option
from metaresp.records import Answered

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("goodman", "sison-glaz")


@dataclass(frozen=True, eq=False, slots=True)
class MultinomialCI(Answered):
    """Shares of the categories of one trial with intervals that hold all at once.

    Attributes
    ----------
    category : tuple of str
    events : int array, shape (categories,)
    n : int
    rate, low, high : float array, shape (categories,)
        Between 0 and 1.
    method : str
    level : float
        Probability that every interval holds its share.
    """

    category: tuple[str, ...]
    events: IntArray
    n: int
    rate: FloatArray
    low: FloatArray
    high: FloatArray
    method: str
    level: float

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a category: category, events, n, rate, low, high."""
        import pandas as pd

        columns = {"category": list(self.category), "events": self.events, "n": self.n}
        return pd.DataFrame({**columns, "rate": self.rate, "low": self.low, "high": self.high})


@silent
def multinomial_ci(
    events: Any, *, method: str = "goodman", level: float = 0.95, categories: Sequence[str] | None = None
) -> MultinomialCI:
    """Return simultaneous confidence intervals for the shares of the categories of one trial.

    Parameters
    ----------
    events : sequence of int, or mapping of str to int
        Patients in each category (CR, PR, SD, PD, ...), which add up to all patients.
    method : {"goodman", "sison-glaz"}
        ``goodman``: a Wilson interval for each with Bonferroni's level.  ``sison-glaz``: the same half-width
        for all, a little narrower, for 40 patients or more: with 18 it covers .79, not .95.
    level : float
        Of all intervals together.
    categories : sequence of str, optional
        Names, where *events* is no mapping.

    Returns
    -------
    MultinomialCI

    Raises
    ------
    InvalidArgument
        If a count is not whole, negative or too large, or there are fewer than two categories.

    Notes
    -----
    Sison and Glaz: the smallest whole c for which independent Poisson counts, given their sum, lie within c
    of what was seen with at least the level; the upper limit has twice the interpolated rest.  Their
    probability is computed exactly here, by adding up, where the paper expands it (Edgeworth): limits may
    differ by some thousandths from software that expands.

    R: ``MultinomialCI::multinomialCI``, ``DescTools::MultinomCI``.

    References
    ----------
    Sison and Glaz (1995), Journal of the American Statistical Association 90:366.
    Goodman (1965), Technometrics 7:247, equation (2.9).

    Examples
    --------
    >>> import metaresp as mr
    >>> ci = mr.multinomial_ci({"CR": 3, "PR": 7, "SD": 1, "MR": 2, "NR": 5})
    >>> ci.low.round(3).tolist(), ci.high.round(3).tolist()
    ([0.043, 0.164, 0.007, 0.022, 0.098], [0.47, 0.674, 0.344, 0.41, 0.578])
    """
    if hasattr(events, "items"):
        names, values = [str(name) for name in events], list(events.values())
    else:
        values = _listed(events)
        names = [f"Category {i}" for i in range(1, len(values) + 1)]
    if categories is not None:
        names = [str(name) for name in _listed(categories)]
    if len(names) != len(values) or len(values) < 2:
        raise InvalidArgument(
            f"{option('events', events)}: needs two categories or more, and a name for each of them"
        )
    for name, value in zip(names, values, strict=True):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not 0 <= value <= LARGEST_N:
            raise InvalidArgument(
                f"{option('events')}: {name} is {value!r}, and must be a whole number from 0 to {LARGEST_N:,}"
            )
    chosen, level = known_name("method", method, METHODS), check_level(level)
    counts = np.array(values, dtype=np.int64)
    n = int(counts.sum())
    if not 1 <= n <= LARGEST_N:
        raise InvalidArgument(f"{option('events')}: they add up to {n:,}, and must to 1 to {LARGEST_N:,}")
    share = counts / n
    limits = (_goodman if chosen == "goodman" else _sison_glaz)(counts, n, level)
    low, high = np.clip(limits, 0.0, 1.0)  # rounding may put the limit of 0 patients below 0
    return MultinomialCI(
        tuple(names), counts, n, share, np.minimum(low, share), np.maximum(high, share), chosen, level
    )


def _listed(values: Any) -> list[Any]:
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise InvalidArgument(f"{option('events', values)}: must be a list of counts, one a category")
    return np.asarray(values).tolist() if isinstance(values, np.ndarray) else list(values)


def _goodman(counts: IntArray, n: int, level: float) -> tuple[FloatArray, FloatArray]:
    """Return Wilson intervals at Bonferroni's level."""
    a = float(special.chdtri(1.0, (1 - level) / counts.size))
    x = counts.astype(np.float64)
    centre, half = a + 2 * x, np.sqrt(a * (a + 4 * x * (n - x) / n))
    return (centre - half) / (2 * (n + a)), (centre + half) / (2 * (n + a))


def _sison_glaz(counts: IntArray, n: int, level: float) -> tuple[FloatArray, FloatArray]:
    """Return the box of one half-width whose probability is the level."""
    # the box of 0 is taken as empty; 24 standard deviations of the widest count hold everything
    most = min(n, 12 * math.isqrt(n) + 40)
    low, high = 0, 1
    while high < most and _inside(counts, n, high) <= level:
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _inside(counts, n, middle) <= level else (low, middle)
    under = _inside(counts, n, low) if low else 0.0
    over = _inside(counts, n, high) if high < most else 1.0
    rest = (level - under) / (over - under) if over > under else 1.0
    return np.maximum(counts - low, 0) / n, np.minimum(counts + low + 2 * min(max(rest, 0.0), 1.0), n) / n


def _inside(counts: IntArray, n: int, c: int) -> float:
    """Return the probability that every count is within *c* of what was seen, given the shares seen."""
    sums, start, height = np.ones(1), 0, -_log_peak(n)
    for count in counts.tolist():
        first, last = max(count - c, 0), min(count + c, n)
        # Poisson probabilities over that of the count itself, by the ratios of neighbours
        above = np.cumsum(np.log(max(count, 1) / np.arange(count + 1, last + 1.0))) if count else None
        below = np.cumsum(np.log(np.arange(count, first, -1.0) / max(count, 1)))[::-1]
        upper = np.full(last - count, -np.inf) if above is None else above
        sums = _convolved(sums, np.exp(np.concatenate([below, [0.0], upper])))
        start, height = start + first, height + _log_peak(count)
    place = n - start
    if not 0 <= place < sums.size:
        return 0.0
    return float(min(sums[place] * np.exp(height), 1.0))


def _log_peak(mean: int) -> float:
    """Return the log of the probability that a Poisson count equals its whole mean."""
    if mean < 100:
        return float(special.xlogy(mean, mean) - special.gammaln(mean + 1.0) - mean)
    return -0.5 * math.log(2 * math.pi * mean) - 1 / (12 * mean) + 1 / (360 * mean**3)


def _convolved(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the distribution of a sum, by Fourier transforms where that is shorter."""
    if min(a.size, b.size) < 256:
        return np.convolve(a, b)
    size = a.size + b.size - 1
    found: FloatArray = np.fft.irfft(np.fft.rfft(a, size) * np.fft.rfft(b, size), size)
    return np.maximum(found, 0.0)
