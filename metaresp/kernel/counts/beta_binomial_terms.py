"""The beta-binomial log-likelihood of one count and its derivatives, exact through correlation 0.

With mean rate p and ``theta = rho / (1 - rho)`` the rate of a study has a Beta(p / theta, q / theta)
distribution.  Sums of log-gamma functions lose every digit as theta goes to 0 or n grows.  Here Stirling's
formula is taken out first: with ``m = (p + theta x) / (1 + theta n)``, the rate at which the data and the
prior together are most likely,

    log P(x) = saturated - n KL(x / n, m) - KL(p, m) / theta
               + T(x, theta / p) + T(y, theta / q) - T(n, theta),

where ``y = n - x``, KL is the Kullback-Leibler divergence of two Bernoulli rates, and T holds what is left of
Stirling's formula.  Both divergences are positive, nothing large is subtracted, and theta = 0 is the binomial
itself.  Since m minimises the sum of the divergences, their first derivatives are taken at fixed m.
"""

from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray

_HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)
_NEAR = 0.05  # ratios this near 1 go by series
_TERMS = 12  # 0.05**12 is below the last digit
_LONG = 1 / 16.0  # 1 / z below which Stirling's series is exact to the last digit
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)


class Terms(NamedTuple):
    """Log-likelihood of each study and its derivatives by mu = logit p and theta; shape (lanes, k)."""

    value: FloatArray  # less the saturated log-likelihood
    d_mu: FloatArray
    d_theta: FloatArray
    d_mu_mu: FloatArray
    d_mu_theta: FloatArray
    d_theta_theta: FloatArray


class _Tail(NamedTuple):
    """A function of one variable with its first two derivatives."""

    value: FloatArray
    first: FloatArray
    second: FloatArray


class _Ratio(NamedTuple):
    """Smooth functions of ``log(1 + e)``: each is 0 / 0 at e = 0 when written out."""

    lam: FloatArray  # log(1 + e) / e
    kap: FloatArray  # (lam - 1) / e
    psi: FloatArray  # ((1 + e) log(1 + e) - e) / e**2
    chi: FloatArray  # (2 psi - 1) / e


def _ratio(e: FloatArray, log: FloatArray) -> _Ratio:
    """Return the functions of *e*, whose ``log(1 + e)`` is *log*."""
    near = np.abs(e) < _NEAR
    small = np.where(near, e, 0.0)
    series = np.full_like(small, 1 / (_TERMS + 2))
    for j in range(_TERMS - 2, -1, -1):
        series *= -small
        series += 1 / (j + 3)
    kap = small * series - 0.5
    far, log = np.where(near, 1.0, e), np.where(near, 0.0, log)
    lam = log / far
    psi = (lam - 1 + log) / far
    return _Ratio(
        np.where(near, 1 + small * kap, lam),
        np.where(near, kap, (lam - 1) / far),
        np.where(near, 1 + (1 + small) * kap, psi),
        np.where(near, 2 * (1 + small) * series - 1, (2 * psi - 1) / far),
    )


def _stirling(t: FloatArray) -> _Tail:
    """Return what Stirling's formula leaves of log gamma at ``1 / t``, with derivatives by t; 0 at t = 0."""
    small = np.minimum(t, _LONG)
    s = small * small
    value, first, second = (np.zeros_like(s) for _ in range(3))
    for j in range(len(_STIRLING) - 1, -1, -1):
        c, power = _STIRLING[j], 2 * j + 1
        value = value * s + c
        first = first * s + c * power
        if j:
            second = second * s + c * (power * (power - 1))
    value, second = value * small, second * small
    big = t > _LONG
    if big.any():
        z = 1 / t[big]
        log = np.log(z)
        slope = special.psi(z) - log + 0.5 / z
        bend = special.zeta(2.0, z) - 1 / z - 0.5 / (z * z)
        value[big] = special.gammaln(z) - (z - 0.5) * log + z - _HALF_LOG_2PI
        first[big] = -slope * z * z
        second[big] = (bend * z + 2 * slope) * (z * z * z)
    return _Tail(value, first, second)


def _rest(x: FloatArray, t: FloatArray, log: FloatArray) -> _Tail:
    """Return T(x, t) and its derivatives by t; *t* of shape (..., 1), *log* is ``log1p(x t)``."""
    i = 1 / (1 + x * t)
    both = _stirling(np.concatenate([t * i, t], axis=-1))
    at, origin = (_Tail(*(field[..., part] for field in both)) for part in (slice(-1), slice(-1, None)))
    ratio, i2 = x * i, i * i
    return _Tail(
        at.value - origin.value - 0.5 * log,
        at.first * i2 - origin.first - 0.5 * ratio,
        0.5 * ratio * ratio + (at.second * i2 - 2 * at.first * ratio) * i2 - origin.second,
    )


def terms(x: FloatArray, n: FloatArray, mu: FloatArray, theta: FloatArray) -> Terms:
    """Return log-likelihood and derivatives of every study of every lane.

    Parameters
    ----------
    x, n : float array, shape (lanes, k)
        Counts; n at least 1.
    mu, theta : float array, shape (lanes,)
        Logit of the mean rate, within 250 of 0, and ``rho / (1 - rho)``, from 0 to 1e12.

    Returns
    -------
    Terms
    """
    with np.errstate(under="ignore"):
        return _terms(x, n - x, n, mu[:, None], theta[:, None])


def _terms(x: FloatArray, y: FloatArray, n: FloatArray, mu: FloatArray, theta: FloatArray) -> Terms:
    p, q = special.expit(mu), special.expit(-mu)
    pq = p * q
    counts, t = np.stack([x, y, n]), np.stack([theta / p, theta / q, theta])
    logs = np.log1p(counts * t)
    w = 1 / (1 + n * theta)
    m, not_m = (p + theta * x) * w, (q + theta * y) * w
    gap = np.where(mu > 0, n * q - y, x - n * p) * w  # x - n m, and minus its prior counterpart
    per_m, per_not = gap / m, gap / not_m
    mean = np.stack([n * m, n * not_m])
    e = np.stack([-theta * per_m, theta * per_not, gap / mean[0], -gap / mean[1]])
    log_ratio = np.concatenate([logs[2] - logs[:2], np.log(np.maximum(counts[:2], 1.0) / mean)])
    lam, kap, psi, chi = _ratio(e, log_ratio)
    spread = per_m * psi[0] + per_not * psi[1]
    slope = per_m * lam[0] + per_not * lam[1]
    pull = gap * n * w / (m * not_m)
    cross = pull - per_m * per_m * kap[0] + per_not * per_not * kap[1]
    bend = pull - per_m * per_m * chi[0] + per_not * per_not * chi[1]
    rest, first, second = _rest(counts, t, logs)
    log_first = t * first  # derivatives by log t
    mixed = first + t * second
    d_mu = pq * slope
    return Terms(
        rest[0] + rest[1] - rest[2] - gap * (theta * spread + e[2] * psi[2] - e[3] * psi[3]),
        d_mu - q * log_first[0] + p * log_first[1],
        gap * spread + first[0] / p + first[1] / q - first[2],
        (q - p) * d_mu
        - pq * w * (q * x / m + p * y / not_m)
        + pq * (log_first[0] + log_first[1])
        + q * q * t[0] * mixed[0]
        + p * p * t[1] * mixed[1],
        -pq * cross - q / p * mixed[0] + p / q * mixed[1],
        -gap * bend + second[0] / p / p + second[1] / q / q - second[2],
    )
