"""What is known of one study's likelihood at given mu and tau, and two ways to its derivatives."""

from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.numerics.special import half_deviance

LEAST_RATE = 1e-290  # keeps a logit of -1000 from dividing by 0


class Moments(NamedTuple):
    """Log-likelihood of each study and the derivatives of it; fields of shape (lanes, k)."""

    value: FloatArray  # less the saturated log-likelihood: at most 0
    d_mu: FloatArray
    d_tau: FloatArray
    d_mu_mu: FloatArray
    d_mu_tau: FloatArray
    d_tau_tau: FloatArray

    def put(self, rows: IntArray, part: "Moments") -> None:
        """Write *part* into the lanes at *rows*."""
        for mine, theirs in zip(self, part, strict=True):
            mine[rows] = theirs


def no_spread(x: FloatArray, n: FloatArray, mu: FloatArray) -> Moments:
    """Take one rate for all studies: the binomial log-likelihood and its derivatives at tau = 0."""
    theta = mu[:, None]
    p = np.maximum(special.expit(-np.abs(theta)), LEAST_RATE)
    mirrored = theta > 0
    u = np.where(mirrored, n * p - (n - x), x - n * p)
    c = n * p * (1 - p)
    zero = np.zeros_like(u)
    return Moments(-half_deviance(np.where(mirrored, n - x, x), n, p), u, zero, -c, zero, u * u - c)


def central(
    t1: FloatArray, t2: FloatArray, t3: FloatArray, t4: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the central moments 2 to 4 of what has the raw moments *t1* to *t4*."""
    return t2 - t1 * t1, t3 - t1 * (3 * t2 - 2 * t1 * t1), t4 - t1 * (4 * t3 - t1 * (6 * t2 - 3 * t1 * t1))


def by_positions(
    value: FloatArray, mean: FloatArray, moments: tuple[FloatArray, FloatArray, FloatArray], tau: FloatArray
) -> Moments:
    """Return the derivatives that the posterior moments of z give: mean and central moments 2 to 4."""
    v2, v3, v4 = moments
    second = mean * mean + v2
    cov_1_2 = 2 * mean * v2 + v3  # Cov(z, z^2)
    var_2 = 4 * mean * (mean * v2 + v3) + v4 - v2 * v2  # Var(z^2)
    r = 1 / tau
    r2 = r * r
    return Moments(
        value,
        mean * r,
        (second - 1) * r,
        (v2 - 1) * r2,
        (cov_1_2 - 2 * mean) * r2,
        (var_2 + 1 - 3 * second) * r2,
    )
