"""Binomial probabilities that keep their relative accuracy from one patient to a billion, and one solver.

All arguments are float arrays that broadcast; counts are whole numbers held as floats.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from scipy.special import betainc, betaincc, betainccinv, betaincinv, gammaln, xlog1py, xlogy

from metaresp.arrays import BoolArray, FloatArray, IntArray

#: ``slope(p, rows) -> (value, derivative)`` of the lanes *rows*.
Slope: TypeAlias = Callable[[FloatArray, IntArray], tuple[FloatArray, FloatArray]]

#: ``holds(j, rows) -> bool`` for the lanes *rows*: False up to some j and True from there on.
Holds: TypeAlias = Callable[[FloatArray, IntArray], BoolArray]

#: Above this n, ``1 - p`` holds too few digits of a small p to be used in its place.
_REFINE_ABOVE = 1e4


def at_most(x: FloatArray, n: FloatArray, rate: FloatArray) -> FloatArray:
    """Return ``P(X <= x)``; 0 below ``x = 0`` and 1 from ``x = n``."""
    inside = np.minimum(np.maximum(x, 0.0), n - 1)
    tail = _fast_betaincc(inside + 1, n - inside, n, rate)
    return np.where(x < 0, 0.0, np.where(x >= n, 1.0, tail))


def _fast_betaincc(a: FloatArray, b: FloatArray, n: FloatArray, rate: FloatArray) -> FloatArray:
    """Return the upper tail of Beta(a, b); SciPy's own takes five times as long as the mirrored lower tail.

    The mirror image rounds ``1 - rate``, which costs ``n`` ulp at most: too much for large n only.
    """
    tail: FloatArray = np.asarray(betainc(b, a, 1 - rate), np.float64)
    if np.max(n, initial=0.0) > _REFINE_ABOVE:
        tail = np.where(n > _REFINE_ABOVE, betaincc(a, b, rate), tail)
    return tail


def at_least(x: FloatArray, n: FloatArray, rate: FloatArray) -> FloatArray:
    """Return ``P(X >= x)``; 1 up to ``x = 0`` and 0 above ``x = n``."""
    inside = np.minimum(np.maximum(x, 1.0), n)
    return np.where(x <= 0, 1.0, np.where(x > n, 0.0, betainc(inside, n - inside + 1, rate)))


def lower_bound(x: FloatArray, n: FloatArray, tail: float) -> FloatArray:
    """Return the rate at which ``P(X >= x)`` is *tail*; 0 where ``x == 0``."""
    some = np.maximum(x, 1.0)
    return np.where(x > 0, betaincinv(some, n - some + 1, tail), 0.0)


def upper_bound(x: FloatArray, n: FloatArray, tail: float) -> FloatArray:
    """Return the rate at which ``P(X <= x)`` is *tail*; 1 where ``x == n``."""
    some = np.minimum(x, n - 1)
    bound: FloatArray = np.asarray(betainccinv(some + 1, n - some, tail), np.float64)
    if bound.size and n.max() > _REFINE_ABOVE:
        # betainccinv solves for 1 - p: one Newton step on log P(X <= x) gives the lost digits back
        inner: FloatArray = np.clip(bound, 1e-300, 1 - 1e-16)
        now = np.maximum(at_most(some, n, inner), 1e-300)
        slope = pmf(some, n, inner) * (n - some) / (1 - inner) / now
        step = np.log(now / tail) / np.where(slope > 0, slope, np.inf)
        bound = np.where((n > _REFINE_ABOVE) & (np.abs(step) < 1e-6 * inner), inner + step, bound)
    zero = -np.expm1(np.log(tail) / n)
    return np.where(x == 0, zero, np.where(x < n, np.minimum(bound, 1.0), 1.0))


def stirling_error(a: FloatArray) -> FloatArray:
    """Return ``log Gamma(a) - (a - 1/2) log a + a - log(2 pi)/2`` for ``a >= 1`` to full accuracy."""
    small = a < 16
    near, far = np.where(small, a, 1.0), np.where(small, 16.0, a)
    direct = gammaln(near) - (near - 0.5) * np.log(near) + near - 0.5 * np.log(2 * np.pi)
    s = 1 / (far * far)
    series = (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188))))) / far
    return np.where(small, direct, series)


def half_deviance(x: FloatArray, mean: FloatArray) -> FloatArray:
    """Return ``x log(x / mean) + mean - x`` without cancellation for *x* near *mean*; 0 where both are 0."""
    total = x + mean
    v = (x - mean) / np.where(total > 0, total, 1.0)
    near = np.abs(v) < 0.1
    w = np.where(near, v * v, 0.0)
    series = np.zeros_like(w)
    for power in range(21, 1, -2):
        series = (series + 1 / power) * w
    close = (x - mean) * v + 2 * x * v * series
    ratio = np.where(near | (x <= 0) | (mean <= 0), 1.0, x / np.where(mean > 0, mean, 1.0))
    away = xlogy(x, ratio) + mean - x
    return np.where((x > 0) & (mean <= 0), np.inf, np.where(near, close, away))


def log_pmf(x: FloatArray, n: FloatArray, rate: FloatArray) -> FloatArray:
    """Return ``log P(X = x)`` by the saddle point expansion of Loader (2000); -inf where impossible."""
    rest = n - x
    inside = (x > 0) & (rest > 0)
    x1, rest1 = np.where(inside, x, 1.0), np.where(inside, rest, 1.0)
    n1 = np.where(inside, n, 2.0)
    away = half_deviance(x1, n1 * rate) + half_deviance(rest1, n1 * (1 - rate))
    # stirling_error is for Gamma(a); k! = k Gamma(k), whose error term is the same with (k + 1/2) log k
    errors = stirling_error(n1) - stirling_error(x1) - stirling_error(rest1)
    body = errors - away + 0.5 * np.log(n1 / (2 * np.pi * x1 * rest1))
    edge = np.where(x == 0, xlog1py(n, -rate), xlogy(n, rate))
    return np.where(inside, body, edge)


def pmf(x: FloatArray, n: FloatArray, rate: FloatArray) -> FloatArray:
    """Return ``P(X = x)``; 0 for *x* outside 0 to *n*."""
    within = (x >= 0) & (x <= n)
    return np.where(within, np.exp(log_pmf(np.where(within, x, 0.0), n, rate)), 0.0)


def log_rising(a: FloatArray, k: FloatArray) -> FloatArray:
    """Return ``log(Gamma(a + k) / Gamma(a))`` for ``a >= 1``, ``k >= 0``, to a few ulp times k."""
    main: FloatArray = (a - 0.5) * np.log1p(k / a) + k * (np.log(a + k) - 1)
    return main + stirling_error(a + k) - stirling_error(a)


def log_choose(n: FloatArray, k: FloatArray) -> FloatArray:
    """Return the log of the binomial coefficient, good enough for the slope of a Newton step at any n."""
    result: FloatArray = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return result


def solve(slope: Slope, left: FloatArray, right: FloatArray, start: FloatArray, n: FloatArray) -> FloatArray:
    """Find the root of an increasing function in each lane, by Newton steps kept inside a bracket.

    Parameters
    ----------
    slope : callable
        ``slope(p, rows)`` returns value and derivative at *p* for the lanes *rows* still at work.
    left, right, start : float array, shape (m,)
        Brackets with a value at most 0 on the left and at least 0 on the right; first guesses inside.
    n : float array, shape (m,)
        Patients; the roots are rates whose standard error says what a small step is.

    Returns
    -------
    float array, shape (m,)
        The roots, to the last few digits.
    """
    left, right, root = left.copy(), right.copy(), start.copy()
    rows: IntArray = np.arange(root.size)
    for _ in range(200):
        if not rows.size:
            break
        p = root[rows]
        value, derivative = slope(p, rows)
        left[rows] = np.where(value <= 0, p, left[rows])
        right[rows] = np.where(value >= 0, p, right[rows])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = value / derivative
        to = p - step
        lo, hi = left[rows], right[rows]
        rest = p * (1 - p)
        # Newton squares its error, so nothing is left behind a step this small
        fine = np.abs(step) <= 3e-8 * np.minimum(rest, np.sqrt(rest / n[rows]))
        inside = (to >= lo) & (to <= hi)
        root[rows] = np.where(inside, to, np.where(fine, np.clip(to, lo, hi), 0.5 * (lo + hi)))
        narrow = hi - lo <= 4e-16 * hi
        rows = rows[~(fine | narrow)]
    return root


def first_true(holds: Holds, steps: FloatArray, guess: FloatArray) -> FloatArray:
    """Return the first whole j from 1 to *steps* at which a monotone condition holds, else ``steps + 1``.

    Parameters
    ----------
    holds : callable
        See :data:`Holds`.
    steps : float array, shape (m,)
        The last j of each lane.
    guess : float array, shape (m,)
        Where to look first; a good guess costs two or three evaluations.

    Returns
    -------
    float array, shape (m,)
        Whole numbers from 1 to ``steps + 1``.
    """
    no, yes = np.zeros_like(steps), steps + 1  # holds nowhere at `no`, everywhere at `yes`
    at = np.clip(np.floor(guess), 1.0, np.maximum(steps, 1.0))
    stride = np.ones_like(steps)
    rows: IntArray = np.flatnonzero(yes - no > 1)
    while rows.size:
        j = at[rows]
        true = holds(j, rows)
        yes[rows] = np.where(true, j, yes[rows])
        no[rows] = np.where(true, no[rows], j)
        lo, hi = no[rows], yes[rows]
        hop = np.where(true, j - stride[rows], j + stride[rows])
        at[rows] = np.where((hop > lo) & (hop < hi), hop, np.floor((lo + hi) / 2))
        stride[rows] *= 2
        rows = rows[hi - lo > 1]
    return yes
