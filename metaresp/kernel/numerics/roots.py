"""Bracketed roots of many functions at once, without derivatives; lanes retire as they converge."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray

ROOT_RTOL = 4e-14
MAX_STEPS = 120


class BracketRoot(NamedTuple):
    """Roots and convergence, shape (lanes,)."""

    value: FloatArray
    converged: BoolArray


def bracketed(
    function: Callable[[FloatArray, IntArray], FloatArray],
    low: FloatArray,
    high: FloatArray,
    floor: float = 0.0,
) -> BracketRoot:
    """Find a root of each lane's function between *low* and *high*.

    Parameters
    ----------
    function : callable
        ``function(x, index)``: values of the lanes at *index* for ``x`` of the same shape.
    low, high : float array, shape (lanes,)
        Ends at which the function differs in sign; a lane where it does not gets nan.
    floor : float
        Size of ``x`` below which an absolute error of ``floor`` times 4e-14 is enough.

    Returns
    -------
    BracketRoot

    References
    ----------
    Chandrupatla (1997), Advances in Engineering Software 28:145-149.

    Examples
    --------
    >>> root = bracketed(lambda x, i: x * x - 2.0, np.array([0.0]), np.array([2.0]))
    >>> round(float(root.value[0]), 12)
    1.414213562373
    """
    index = np.arange(len(low))
    b, a = low.copy(), high.copy()
    fb, fa = function(b, index), function(a, index)
    value = np.where(np.abs(fa) < np.abs(fb), a, b)
    crossing = (fa <= 0) != (fb <= 0)
    value[~crossing & (fa != 0) & (fb != 0)] = np.nan
    keep = np.flatnonzero(crossing & (fa != 0) & (fb != 0))
    index, a, b, fa, fb = index[keep], a[keep], b[keep], fa[keep], fb[keep]
    share = np.full(len(index), 0.5)
    converged = np.ones(len(low), dtype=np.bool_)
    for _ in range(MAX_STEPS):
        if not len(index):
            break
        x = a + share * (b - a)
        fx = function(x, index)
        same = (fx > 0) == (fa > 0)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        nearer = np.abs(fa) < np.abs(fb)
        best = np.where(nearer, a, b)
        value[index] = best
        width = np.abs(b - a)
        tolerance = ROOT_RTOL * np.maximum(np.abs(best), floor)
        open_ = (width > 2.0 * tolerance) & (fa != 0) & (fb != 0)
        # inverse quadratic interpolation where it is safe, bisection elsewhere
        xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        safe = (phi * phi < xi) & ((1.0 - phi) ** 2 < 1.0 - xi)
        guess = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        edge = np.minimum(0.5, tolerance / width)
        share = np.clip(np.where(safe & np.isfinite(guess), guess, 0.5), edge, 1.0 - edge)
        if not open_.all():
            keep = np.flatnonzero(open_)
            index, share = index[keep], share[keep]
            a, b, fa, fb = a[keep], b[keep], fa[keep], fb[keep]
    converged[index] = False
    return BracketRoot(value, converged)
