"""Upper quantiles of the reference distributions, by tail probability."""

from functools import lru_cache

import numpy as np
from scipy.special import betainccinv, betaincinv, gammainccinv, gammaincinv, ndtri

from metaresp.arrays import ArrayLike, FloatArray


def t_quantile(df: ArrayLike, tail: float) -> FloatArray:
    """Return the value that Student's t exceeds with probability *tail*.

    Parameters
    ----------
    df : float array, any shape
        Degrees of freedom; infinity gives the normal quantile, values at or below 0 give nan.
    tail : float
        Probability beyond the quantile, in (0, 0.5].

    Returns
    -------
    float array
        Quantiles, of the shape of *df*.

    Examples
    --------
    >>> [round(float(q), 6) for q in t_quantile([2.0, np.inf], 0.025)]
    [4.302653, 1.959964]
    """
    given = np.asarray(df, dtype=np.float64)
    if given.size == 1:
        return np.full(given.shape, _one_t_quantile(given.item(), float(tail)))
    if given.size > 32 and given.ndim:
        values, where = np.unique(given, return_inverse=True)
        return _t_quantile(values, tail)[where].reshape(given.shape)
    return _t_quantile(given, tail)


@lru_cache(maxsize=1024)
def _one_t_quantile(df: float, tail: float) -> float:
    """Return one quantile, of which a fit and its questions ask for the same again and again."""
    return _t_quantile(np.array([df]), tail).item()


def _t_quantile(df: FloatArray, tail: float) -> FloatArray:
    usable = (df > 0) & (df < np.inf)
    safe = np.where(usable, df, 1.0)
    z = betainccinv(0.5, 0.5 * safe, 2.0 * tail)  # t**2/(df + t**2), exact where small: df large
    rest = np.where(z > 0.5, betaincinv(0.5 * safe, 0.5, 2.0 * tail), 1.0 - z)  # exact where df is small
    square = np.where(z > 0.5, 1.0 - rest, z) * safe / rest
    result: FloatArray = np.where(usable, np.sqrt(square), np.where(df > 0, -ndtri(tail), np.nan))
    return result


def chi2_quantile(df: ArrayLike, tail: float) -> FloatArray:
    """Return the value that chi-square exceeds with probability *tail*.

    Parameters
    ----------
    df : float array, any shape
        Degrees of freedom; values at or below 0 give nan.
    tail : float
        Probability beyond the quantile, in (0, 1).

    Returns
    -------
    float array
        Quantiles, of the shape of *df*.

    Examples
    --------
    >>> [round(float(q), 6) for q in chi2_quantile([1.0, 2.0], 0.05)]
    [3.841459, 5.991465]
    """
    given = np.asarray(df, dtype=np.float64)
    values, where = np.unique(given, return_inverse=True)
    usable = values > 0
    shape = 0.5 * np.where(usable, values, 1.0)
    found = 2.0 * (gammainccinv(shape, tail) if tail < 0.5 else gammaincinv(shape, 1.0 - tail))
    result: FloatArray = np.where(usable, found, np.nan)[where].reshape(given.shape)
    return result
