"""Log-likelihoods of counts that keep their digits up to n = 1e9."""

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray

HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)
_SERIES = 1e-3


def saturated(x: FloatArray, n: FloatArray) -> FloatArray:
    """Return the log-likelihood of each count at its own rate, ``log Binomial(x; n, x / n)``.

    Loader (2000), Fast and accurate computation of binomial probabilities: differences of Stirling
    errors, so that n = 1e9 keeps its digits.
    """
    y = n - x
    inner = (x > 0) & (y > 0)
    safe_x, safe_y = np.where(inner, x, 1.0), np.where(inner, y, 1.0)
    safe_n = safe_x + safe_y
    value = (
        stirling_error(safe_n)
        - stirling_error(safe_x)
        - stirling_error(safe_y)
        + 0.5 * np.log(safe_n / safe_x / safe_y)
        - HALF_LOG_2PI
    )
    return np.where(inner, value, 0.0)


def stirling_error(m: FloatArray) -> FloatArray:
    """Return ``log m! - log(sqrt(2 pi m) (m / e)**m)`` for m >= 1."""
    big = np.maximum(m, 16.0)
    r = 1 / (big * big)
    series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / big
    small = np.minimum(m, 16.0)
    direct = special.gammaln(small + 1) - (small + 0.5) * np.log(small) + small - HALF_LOG_2PI
    return np.where(m > 16, series, direct)


def _half_deviance(x: FloatArray, mean: FloatArray) -> FloatArray:
    """Return ``x log(x / mean) - x + mean`` without cancellation for x near its mean."""
    e = (x - mean) / mean
    near = np.abs(e) < _SERIES
    s = np.where(near, e, 0.0)
    series = s * s * (1 / 2 - s * (1 / 6 - s * (1 / 12 - s / 20)))
    return mean * np.where(near, series, special.xlog1py(1 + e, e) - e)


def half_deviance(x: FloatArray, n: FloatArray, p: FloatArray) -> FloatArray:
    """Return the saturated log-likelihood less that at rate *p* (p at most one half for full accuracy)."""
    both = _half_deviance(np.array([x, n - x]), np.array([n * p, n * (1 - p)]))
    total: FloatArray = both[0] + both[1]
    return total
