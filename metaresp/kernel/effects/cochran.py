"""Cochran's Q, and I2 and H2 by both of their definitions."""

from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc, ndtri

from metaresp.arrays import ArrayLike, FloatArray
from metaresp.kernel.effects.sums import Lanes, run_lanes


class Heterogeneity(NamedTuple):
    """Heterogeneity of each lane, shape (...); I2 in percent."""

    Q: FloatArray
    df: FloatArray
    pvalue: FloatArray
    I2: FloatArray
    """From ``tau2``: ``100 tau2 / (tau2 + typical_v)``, metafor's definition."""
    H2: FloatArray
    """From ``tau2``: ``1 + tau2 / typical_v``."""
    I2_Q: FloatArray
    """From Q: ``100 max(0, 1 - df/Q)``, meta's definition."""
    H2_Q: FloatArray
    """From Q: ``max(1, Q/df)``."""
    I2_Q_low: FloatArray
    I2_Q_high: FloatArray
    H2_Q_low: FloatArray
    H2_Q_high: FloatArray
    typical_v: FloatArray
    """The sampling variance of a typical study."""


def _sums(lanes: Lanes) -> tuple[FloatArray, ...]:
    s1, s2, q = lanes.common()
    df = lanes.k - 1.0
    return q, df, df / (s1 - s2 / s1)


def heterogeneity(
    y: ArrayLike, v: ArrayLike, copies: ArrayLike, tau2: ArrayLike, tail: float | None
) -> Heterogeneity:
    """Return Cochran's Q with its test, and I2 and H2 by both definitions.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.
    tau2 : float array, shape (...)
        Between-study variance, for the first definition.
    tail : float or None
        Probability left out on each side of the interval of the second definition.  None where neither that
        interval nor the test is wanted: both are nan then.

    Returns
    -------
    Heterogeneity
        Each field of shape (...).  A single study has Q = 0 on 0 degrees of freedom and no I2 (nan).

    References
    ----------
    Higgins & Thompson (2002), Statistics in Medicine 21:1539-1558, eqs. (6), (9), (10) and appendix A2
    (interval based on the test).

    Notes
    -----
    R: ``metafor::rma()`` gives ``I2``, ``H2``; ``meta`` gives ``I2_Q`` with its interval.

    Examples
    --------
    >>> h = heterogeneity([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1], 0.9, 0.025)
    >>> round(float(h.Q), 6), round(float(h.I2), 6), round(float(h.I2_Q), 6)
    (20.0, 90.0, 90.0)
    """
    q, df, typical = run_lanes(_sums, y, v, copies)
    between = np.asarray(tau2, dtype=np.float64)
    with np.errstate(all="ignore"):
        ratio = q / df
        h2 = np.maximum(1.0, ratio)
        low = high = pvalue = np.broadcast_to(np.nan, q.shape)
        if tail is not None:
            low, high = _interval(q, df, 0.5 * np.log(h2), tail)
            pvalue = np.where(df > 0, chdtrc(np.maximum(df, 1.0), q), np.where(df == 0, 1.0, np.nan))
        return Heterogeneity(
            Q=q,
            df=df,
            pvalue=pvalue,
            I2=100.0 * between / (between + typical),
            H2=1.0 + between / typical,
            I2_Q=100.0 * (1.0 - 1.0 / h2),
            H2_Q=h2,
            I2_Q_low=100.0 * (1.0 - 1.0 / low),
            I2_Q_high=100.0 * (1.0 - 1.0 / high),
            H2_Q_low=low,
            H2_Q_high=high,
            typical_v=typical,
        )


def _interval(q: FloatArray, df: FloatArray, log_h: FloatArray, tail: float) -> tuple[FloatArray, FloatArray]:
    """Limits of H2 from the test-based standard error of log H, at least 1; nan where k < 3 and Q <= k."""
    error = 0.5 * (np.log(q) - np.log(df)) / (np.sqrt(2.0 * q) - np.sqrt(2.0 * df - 1.0))
    large = q > df + 1.0
    if not large.all():
        few = df - 1.0
        small = np.sqrt(1.0 / (2.0 * few) * (1.0 - 1.0 / (3.0 * few * few)))
        error = np.where(large, error, np.where(few > 0, small, np.nan))
    half = -ndtri(tail) * error
    return np.maximum(1.0, np.exp(2.0 * (log_h - half))), np.maximum(1.0, np.exp(2.0 * (log_h + half)))
