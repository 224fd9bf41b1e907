"""Tests that all studies share one rate, with p-values that hold for few studies and few events."""

from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc

from metaresp.arrays import FloatArray

_STEPS = 8  # of Newton's method, which starts within a fifth of the root
_CONSTANT = 1e-12  # a variance of X2 that is only rounding, over its squared mean


class Pearson(NamedTuple):
    """Pearson's X2 of each lane against one common rate, shape (lanes,)."""

    x2: FloatArray
    df: FloatArray
    pvalue: FloatArray


def shares(x: FloatArray, n: FloatArray) -> FloatArray:
    """Return what each study of one lane adds to X2, ``(x - n p)**2 / (n p (1 - p))``, shape (k,)."""
    return _shares(x, n, np.asarray(x.sum() / n.sum()))


def _shares(x: FloatArray, n: FloatArray, p: FloatArray) -> FloatArray:
    share: FloatArray = (x - n * p) ** 2 / (n * p * (1 - p))
    return share


def pearson(x: FloatArray, n: FloatArray, copies: FloatArray) -> Pearson:
    """Return Pearson's X2 against one common rate, with a p-value that knows how few the events are.

    Parameters
    ----------
    x, n, copies : float array, shape (lanes, k)
        Counts and multiplicities; some but not all patients of a lane have an event.

    Returns
    -------
    Pearson
        ``df`` is k - 1.  The p-value is that of a gamma distribution with the mean and variance that X2 has
        given the total of events; 1 where the total leaves only one value.

    Notes
    -----
    ``X2 = sum (x - n p)**2 / (n p (1 - p))`` with p of the totals.  Given R events among N patients its mean
    is ``(k - 1) N / (N - 1)``, and its variance (Dawson, with r = k and c = 2) ``2 N / (N - 3) (v1 - w1)
    (v2 - w2) + N**2 / (N - 1) w1 w2``, ``v1 = (k - 1) (N - k) / (N - 1)``, ``w1 = (sum N / n - k**2) /
    (N - 2)``, ``v2 = (N - 2) / (N - 1)``, ``w2 = (N / R + N / (N - R) - 4) / (N - 2)``.  With many events
    this is chi-square on k - 1; one large study among small ones at a low rate needs longer tails.
    Size and power: ``docs/decisions/heterogeneity-tests.md``.  R: ``chisq.test``, ``prop.test`` give X2.

    References
    ----------
    Haldane (1940), Biometrika 31:346; Dawson (1954), Biometrika 41:280.

    Examples
    --------
    >>> found = pearson(np.array([[13.0, 4.0, 9.0]]), np.array([[18.0, 7.0, 20.0]]), np.ones((1, 3)))
    >>> [round(float(field[0]), 4) for field in found]
    [2.8792, 2.0, 0.2442]
    """
    k, events, size = (np.einsum("lk->l", part) for part in (copies, copies * x, copies * n))
    x2 = np.einsum("lk,lk->l", copies, _shares(x, n, (events / size)[:, None]))
    df, less = k - 1, np.maximum(size - 2, 1)
    mean = df * size / (size - 1)
    v1, v2 = df * (size - k) / (size - 1), (size - 2) / (size - 1)
    w1 = (np.einsum("lk,lk->l", copies, size[:, None] / n) - k * k) / less
    w2 = (size / events + size / (size - events) - 4) / less
    # with two or three patients the differences are 0
    variance = 2 * size / np.maximum(size - 3, 1) * (v1 - w1) * (v2 - w2) + size**2 / (size - 1) * w1 * w2
    varies = variance > _CONSTANT * mean**2
    as_df = 2 * mean**2 / np.where(varies, variance, 1.0)
    return Pearson(x2, df, np.where(varies, chdtrc(as_df, x2 * as_df / np.maximum(mean, 1e-300)), 1.0))


def spread_pvalue(lrt: FloatArray, k: FloatArray) -> FloatArray:
    """Return the p-value of the likelihood-ratio test that the spread between k studies is 0.

    Parameters
    ----------
    lrt : float array, shape (...)
        Twice the gain in maximised log-likelihood.
    k : float array, shape (...)

    Returns
    -------
    float array
        1 where the gain is 0.

    Notes
    -----
    For k equal normal studies the gain is ``S - k - k log(S / k)`` where S, chi-square on k - 1, is above k,
    and 0 below: the p-value is ``P(S > s)`` at the s that has the gain.  The mixture of half a point mass at
    0 and half chi-square on 1 df (Self and Liang 1987) is its limit for many studies; with ten its size is
    .02, not .05.

    Examples
    --------
    >>> spread_pvalue(np.array([0.0, 1.5, 1.5]), np.array([3.0, 3.0, 1e6])).round(3)
    array([1.   , 0.029, 0.11 ])
    """
    gain = np.where(lrt > 0, lrt, 1.0) / k
    t = 1 + np.sqrt(2 * gain) + gain  # S / k, from above: t - 1 - log t is convex, so no step passes the root
    for _ in range(_STEPS):
        t = np.maximum(t - (t - 1 - np.log(t) - gain) / np.maximum(1 - 1 / t, 1e-9), 1.0)
    return np.where(lrt > 0, chdtrc(k - 1, k * t), 1.0)
