"""Blyth-Still-Casella intervals: Clopper-Pearson's limits drawn in as far as coverage allows."""

from functools import lru_cache

import numpy as np
from scipy.special import betainc

from metaresp.arrays import FloatArray
from metaresp.binomial.exact import clopper_pearson, clopper_pearson_pvalue
from metaresp.binomial.methods import BINOMIAL_CI, BINOMIAL_PVALUE, Ends, Prior, Side
from metaresp.binomial.tails import lower_bound
from metaresp.errors import CannotEstimate, option

#: Largest n: all n + 1 limits are found together, in time proportional to n.
LARGEST_N = 10_000
#: Largest n of the p-value, which makes some fifty such sets.
LARGEST_N_TEST = 1000
#: A coverage this close to the level counts as reached.
_SLACK = 1e-14


@BINOMIAL_CI.add("blyth-still-casella")
def blyth_still_casella(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
    """Shortest exact intervals: no limit can be drawn in without coverage below the level somewhere.

    Starting from Clopper-Pearson, the lower limits of ``x = n, n-1, ..., 1`` are moved up one after the
    other (and the upper limits of ``n - x`` down by symmetry) until the coverage just beyond would fall
    below the level or the limit of ``x + 1`` is met.  All limits of one n are found together and kept;
    n above 10,000 is an error (``blaker`` has no such bound).  Where a lower limit meets an upper one,
    other equally short sets of intervals exist.

    The intervals of different levels are not nested.  The p-value of :func:`metaresp.binomial_test` is the
    largest alpha whose interval holds the rate: it never rejects a rate inside the interval, and a rate
    just outside may have a p-value above ``1 - level``.

    One-sided, nothing can be drawn in: the bounds are Clopper-Pearson's.

    References
    ----------
    Blyth CR, Still HA (1983), JASA 78:108-116; Casella G (1986), Canadian Journal of Statistics
    14:113-129, section 2.  No R package on CRAN is known to us; StatXact computes it.
    """
    if side != "two-sided":
        return clopper_pearson(x, n, alpha, side, prior)
    _check_size(n, LARGEST_N)
    low, high = np.empty_like(x), np.empty_like(x)
    for size in np.unique(n):
        rows = np.flatnonzero(n == size)
        lower = refined_lower_limits(int(size), alpha)
        k = x[rows].astype(int)
        low[rows], high[rows] = lower[k], 1 - lower[int(size) - k]
    return low, high


def _check_size(n: FloatArray, largest: int) -> None:
    if n.size and n.max() > largest:
        raise CannotEstimate(
            f"{option('method', 'blyth-still-casella')} is limited to n of {largest} here, and "
            f"n={int(n.max())}: "
            "choose 'blaker', which is exact at any n"
        )


@BINOMIAL_PVALUE.add("blyth-still-casella")
def blyth_still_casella_pvalue(
    x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior
) -> FloatArray:
    """Return the largest alpha whose interval holds *rate*; n up to 1,000.

    The intervals are made for one level at a time and need not be nested.  With this p-value a rate
    inside the interval is never rejected at its level, and the test keeps its level; a rate outside can
    have a p-value above alpha.  It lies between the tail beyond x and twice that (Clopper-Pearson's),
    and is found by stepping down from there by 3%, then bisection; below 1e-10 it is Clopper-Pearson's.
    """
    if side != "two-sided":
        return clopper_pearson_pvalue(x, n, rate, side, prior)
    _check_size(n, LARGEST_N_TEST)
    widest = clopper_pearson_pvalue(x, n, rate, side, prior)
    trials = zip(x, n, rate, widest, strict=True)
    return np.array([_leaving(int(k), int(m), float(p), float(most)) for k, m, p, most in trials], float)


def _leaving(x: int, n: int, rate: float, most: float) -> float:
    if rate * n == x or most < 1e-10:
        return most
    k, p = (x, rate) if rate < x / n else (n - x, 1 - rate)
    outside = inside = most
    while inside == 1 or _refined(n, inside)[k] > p:
        outside, inside = inside, 0.97 * inside
    while outside - inside > 1e-12 * outside:
        alpha = (inside + outside) / 2
        if _refined(n, alpha)[k] <= p:
            inside = alpha
        else:
            outside = alpha
    return inside


@lru_cache(maxsize=4096)
def refined_lower_limits(n: int, alpha: float) -> FloatArray:
    """Return the lower limits of ``x = 0 ... n``; the upper ones are ``1 - limits[n - x]``."""
    low = _refined(n, alpha)
    low.setflags(write=False)
    return low


def _refined(n: int, alpha: float) -> FloatArray:
    size = float(n)
    low = lower_bound(np.arange(n + 1.0), np.full(n + 1, size), alpha / 2)
    for x in range(n, 0, -1):
        low[x] = _drawn_in(x, n, low, 1 - alpha - _SLACK)
    return low


def _drawn_in(x: int, n: int, low: FloatArray, level: float) -> float:
    """Move one lower limit up, from one upper limit of other counts to the next."""
    p = float(low[x])
    ceiling = float(low[x + 1]) if x < n else 1.0
    while p < ceiling:
        # counts accepted just above p: those whose upper limit is above p, as far as x - 1
        uppers = 1 - low[::-1]
        uppers[n - x] = 1 - p
        first = int(np.searchsorted(uppers, p, side="right"))
        if first > x - 1 or _between(first, x - 1, n, p) < level:
            break
        stop = min(ceiling, float(uppers[first]))
        if p < 0.5:
            stop = min(stop, 0.5)
        if _between(first, x - 1, n, stop) < level:
            return _crossing(first, x - 1, n, p, stop, level)
        p = stop
    return p


def _between(first: int, last: int, n: int, p: float) -> float:
    """Return ``P(first <= X <= last)``."""
    from_first = 1.0 if first <= 0 else float(betainc(first, n - first + 1, p))
    beyond = 0.0 if last >= n else float(betainc(last + 1, n - last, p))
    return from_first - beyond


def _crossing(first: int, last: int, n: int, inside: float, outside: float, level: float) -> float:
    """Return the last rate at which the coverage is at least *level*, by bisection."""
    while True:
        middle = (inside + outside) / 2
        if not inside < middle < outside:
            return inside
        if _between(first, last, n, middle) >= level:
            inside = middle
        else:
            outside = middle
