"""The likelihood of studies of one patient where it has a closed form: the mean rate over trials.

With z standard normal, ``E Phi(mu + tau z) = Phi(mu / sqrt(1 + tau**2))``, and with ``a = mu / tau``

    E min(1, exp(mu + tau z)) = A + Phi(a),    A = exp(mu + tau**2 / 2) Phi(-a - tau) .

A mean over a normal theta obeys ``dm/dtau = tau d2m/dmu2``, which gives the derivatives by tau.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy import special

from metaresp.arrays import BoolArray, FloatArray
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.moments import Moments
from metaresp.kernel.numerics.special import HALF_LOG_2PI

_LEAST_TAU = (
    0.03  # of the log link: below it a rate of 1 and one hardly less are told apart by too few digits
)
_BELOW = -3.0  # mu / tau from which on the complement of the mean is formed as a difference of Mills ratios


def _probit(event: BoolArray, mu: FloatArray, tau: FloatArray) -> Moments:
    h = np.sqrt(1 + tau * tau)
    at = LINKS["probit"].log_terms(mu / h)
    value, d, dd = (np.where(event, yes, no) for yes, no in zip(at[:3], at[3:], strict=True))
    by_mu, by_tau = 1 / h, -mu * tau / h**3
    return Moments(
        value,
        d * by_mu,
        d * by_tau,
        dd * by_mu * by_mu,
        dd * by_mu * by_tau - d * tau / h**3,
        dd * by_tau * by_tau + d * mu * (2 * tau * tau - 1) / h**5,
    )


def _mills(t: FloatArray) -> FloatArray:
    """Return (1 - Phi(t)) / phi(t)."""
    ratio: FloatArray = np.sqrt(np.pi / 2) * special.erfcx(t / np.sqrt(2.0))
    return ratio


def _log(event: BoolArray, mu: FloatArray, tau: FloatArray) -> Moments:
    a = mu / tau
    log_a = mu + 0.5 * tau * tau + special.log_ndtr(-a - tau)
    log_phi = -0.5 * a * a - HALF_LOG_2PI
    log_p = np.logaddexp(log_a, special.log_ndtr(a))
    near = np.maximum(a, _BELOW)
    log_q = np.where(
        a < _BELOW,
        np.log(-np.expm1(np.where(a < _BELOW, log_p, -1.0))),
        log_phi + np.log(_mills(near) - _mills(near + tau)),
    )
    log_p = np.where(a > 0, np.log1p(-np.exp(np.where(a > 0, log_q, -1.0))), log_p)
    value = np.where(event, log_p, log_q)
    side = np.where(event, 1.0, -1.0)
    first, f = side * np.exp(log_a - value), side * np.exp(log_phi - value) / tau
    second = first - f  # derivatives of the mean by mu, over it
    third = second + a * f / tau
    fourth = third + (1 - a * a) * f / (tau * tau)
    by_tau = tau * second
    return Moments(
        value,
        first,
        by_tau,
        second - first * first,
        tau * third - first * by_tau,
        second + tau * tau * fourth - by_tau * by_tau,
    )


_CLOSED: Mapping[str, tuple[Callable[[BoolArray, FloatArray, FloatArray], Moments], float]] = {
    "probit": (_probit, 0.0),
    "log": (_log, _LEAST_TAU),
}


def serves(link: str, n: FloatArray, tau: FloatArray) -> BoolArray:
    """Tell the lanes that have a closed form."""
    if link not in _CLOSED:
        return np.zeros(tau.shape, dtype=np.bool_)
    result: BoolArray = (n == 1).all(axis=-1) & (tau >= _CLOSED[link][1])
    return result


def moments(link: str, x: FloatArray, mu: FloatArray, tau: FloatArray) -> Moments:
    """Return log-likelihood and derivatives of studies of one patient: *x*, shape (lanes, k), is 0 or 1."""
    return _CLOSED[link][0](x > 0, mu[:, None], tau[:, None])
