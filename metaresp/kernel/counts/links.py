"""Links of the binomial-normal model: how a rate hangs on the normal variable theta.

A link is three functions of arrays of any shape.  None warns, and none subtracts nearly equal numbers: a
rate of 1e-200 and one of 1 - 1e-200 both keep their logarithms.  R: ``stats::binomial(link)``.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray
from metaresp.registry import Registry

_EXP_MAX = 700.0  # exponents are held here: the next power of e overflows
_FAR_TAIL = 50.0  # standard deviations beyond which the hazard goes by its asymptotic series
_NO_TAIL = 37.0  # standard deviations beyond which the hazard of the near side is 0
_NEAR = 0.25
# h(t) - t = (1 - 2/t^2 + 10/t^4 - ...) / t for the hazard h of a standard normal
_HAZARD = (1.0, -2.0, 10.0, -74.0, 706.0, -8162.0, 110410.0)
# (e - 1 + g) / e in powers of e, with g = e / (exp(e) - 1)
_BERNOULLI = (1 / 2, 1 / 12, 0.0, -1 / 720, 0.0, 1 / 30240, 0.0, -1 / 1209600)


class LogTerms(NamedTuple):
    """Logarithms of the rate p and of q = 1 - p with their first two derivatives in theta."""

    log_p: FloatArray
    d_log_p: FloatArray
    dd_log_p: FloatArray
    log_q: FloatArray
    d_log_q: FloatArray
    dd_log_q: FloatArray


class Link(NamedTuple):
    """One link; its functions take and return float arrays of any one shape."""

    rate: Callable[[FloatArray], FloatArray]  # of theta, 0 to 1
    forward: Callable[[FloatArray], FloatArray]  # of a rate; infinite at a rate of 0 or 1 where theta is
    log_terms: Callable[[FloatArray], LogTerms]  # of theta
    symmetric: bool  # whether the rate at -theta is one less that at theta
    tau_max: float  # an optimum here means that the data do not bound tau from above
    farthest: float  # distance of theta from 0 beyond which a rate is 0 or 1 to the last digit

    def information(self, theta: FloatArray, rate: FloatArray, rest: FloatArray) -> FloatArray:
        """Return what one patient tells about theta, *rest* being one less the rate."""
        terms = self.log_terms(theta)
        return rate * rest * (terms.d_log_p - terms.d_log_q) ** 2

    def empirical(self, x: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return theta of counts, half an event and half a non-event added, and about its variance."""
        rate = (x + 0.5) / (n + 1)
        theta = self.forward(rate)
        return theta, 1 / ((n + 1) * self.information(theta, rate, 1 - rate))


LINKS: Registry[Link] = Registry("link")


def _logit_terms(theta: FloatArray) -> LogTerms:
    p, q = special.expit(theta), special.expit(-theta)
    return LogTerms(special.log_expit(theta), q, -p * q, special.log_expit(-theta), -p, -p * q)


def _normal_tail(theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return log Phi(theta) and its derivatives: the hazard h of -theta, and ``-h (theta + h)``."""
    hazard = 1 / (special.erfcx(-np.minimum(theta, _NO_TAIL) / np.sqrt(2.0)) * np.sqrt(np.pi / 2))
    t = np.maximum(-theta, _FAR_TAIL)
    w = 1 / (t * t)
    excess = np.zeros_like(w)
    for c in reversed(_HAZARD):
        excess = excess * w + c
    excess = np.where(theta < -_FAR_TAIL, excess / t, theta + hazard)
    return special.log_ndtr(theta), hazard, -hazard * excess


def _probit_terms(theta: FloatArray) -> LogTerms:
    log_p, d_p, dd_p = _normal_tail(theta)
    log_q, d_q, dd_q = _normal_tail(-theta)
    return LogTerms(log_p, d_p, dd_p, log_q, -d_q, dd_q)


def _cloglog(rate: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        theta: FloatArray = np.log(-np.log1p(-rate))
    return theta


def _cloglog_terms(theta: FloatArray) -> LogTerms:
    e = np.exp(np.minimum(theta, _EXP_MAX))
    small = np.minimum(e, 1.0)
    log_p = np.where(
        theta < 0,
        np.minimum(theta, 0.0) + np.log(special.exprel(-small)),
        np.log1p(-np.exp(-np.fmax(e, 1.0))),
    )
    g = 1 / special.exprel(e)
    near = np.minimum(e, _NEAR)
    series = np.zeros_like(e)
    for c in reversed(_BERNOULLI):
        series = series * near + c
    return LogTerms(log_p, g, -g * np.where(e < _NEAR, e * series, e - 1 + g), -e, -e, -e)


def _cauchit_rate(theta: FloatArray) -> FloatArray:
    rate: FloatArray = np.arctan2(1.0, -theta) / np.pi
    return rate


def _cauchit(rate: FloatArray) -> FloatArray:
    tail = np.tan(np.pi * np.minimum(rate, 1 - rate))
    with np.errstate(divide="ignore"):
        distance = np.where(rate == 0.5, 0.0, 1 / tail)
    theta: FloatArray = np.where(rate < 0.5, -distance, distance)
    return theta


def _cauchit_tail(theta: FloatArray, p: FloatArray, q: FloatArray) -> tuple[FloatArray, ...]:
    one = 1 + theta * theta
    slope = 1 / (np.pi * one * p)
    log_p = np.where(p < 0.5, np.log(np.minimum(p, 0.5)), np.log1p(-np.minimum(q, 0.5)))
    return log_p, slope, -slope * (2 * theta / one + slope)


def _cauchit_terms(theta: FloatArray) -> LogTerms:
    p, q = _cauchit_rate(theta), _cauchit_rate(-theta)
    log_p, d_p, dd_p = _cauchit_tail(theta, p, q)
    log_q, d_q, dd_q = _cauchit_tail(-theta, q, p)
    return LogTerms(log_p, d_p, dd_p, log_q, -d_q, dd_q)


def _log_rate(theta: FloatArray) -> FloatArray:
    rate: FloatArray = np.exp(np.minimum(theta, 0.0))
    return rate


def _log(rate: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        theta: FloatArray = np.log(rate)
    return theta


def _log_terms(theta: FloatArray) -> LogTerms:
    """Return the terms of a rate ``min(1, exp(theta))``; from theta = 0 on it is 1, and log q is -inf."""
    below = theta < 0
    odds = 1 / np.expm1(np.where(below, np.minimum(-theta, _EXP_MAX), 1.0))
    flat = np.where(below, 1.0, 0.0)
    t = np.where(below, theta, -1.0)
    low = t < -0.7
    log_q = np.where(low, np.log1p(-np.exp(np.minimum(t, -0.7))), np.log(-np.expm1(np.maximum(t, -0.7))))
    log_q = np.where(below, log_q, -np.inf)
    return LogTerms(
        np.minimum(theta, 0.0),
        flat,
        np.zeros_like(theta),
        log_q,
        -odds * flat,
        -odds * (1 + odds) * flat,
    )


def _cloglog_rate(theta: FloatArray) -> FloatArray:
    rate: FloatArray = -np.expm1(-np.exp(np.minimum(theta, _EXP_MAX)))
    return rate


LINKS.add("logit")(Link(special.expit, special.logit, _logit_terms, True, 25.0, 250.0))
LINKS.add("probit")(Link(special.ndtr, special.ndtri, _probit_terms, True, 15.0, 100.0))
LINKS.add("cloglog")(Link(_cloglog_rate, _cloglog, _cloglog_terms, False, 25.0, 250.0))
LINKS.add("cauchit")(Link(_cauchit_rate, _cauchit, _cauchit_terms, True, 1e7, 1e16))
LINKS.add("log")(Link(_log_rate, _log, _log_terms, False, 25.0, 250.0))
