"""Coordinates along which a link's likelihood is summed, and the likelihood along them.

Each link has a coordinate s in which the integrand of :mod:`metaresp.kernel.counts.link_quadrature` is
analytic and falls off at both ends: theta itself (probit, cloglog), ``theta = sinh(s)`` (cauchit, whose
likelihood has tails like powers of theta) and ``theta = log expit(s)`` (log, whose rates end at 1).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts.links import Link

_LARGE = 1e4  # patients beyond which the likelihood is summed as a deviance
_LEAST = -1e30  # stands for the logarithm of 0
_LOG_TAIL = 40.0  # logit of a rate above which the log link's rate is 1
_TINY = 1e-300


class Track(NamedTuple):
    """A coordinate along which a link's integrand is summed."""

    theta: Callable[[FloatArray], FloatArray]
    at: Callable[[FloatArray], FloatArray]  # the coordinate of a theta, kept in the range that matters
    logs: Callable[[FloatArray], tuple[FloatArray, FloatArray]]  # log p and log q
    stretch: Callable[[FloatArray], FloatArray]  # log of d theta / d s
    shift: Callable[[FloatArray, FloatArray], FloatArray]  # theta at s + d less that at s


class Study(NamedTuple):
    """Studies of all lanes in one row; fields of shape (studies,)."""

    x: FloatArray
    y: FloatArray
    n: FloatArray
    mu: FloatArray
    tau: FloatArray

    def take(self, rows: IntArray | BoolArray) -> "Study":
        """Return the studies at *rows*."""
        return Study(*(field[rows] for field in self))


def _log_link_logs(s: FloatArray) -> tuple[FloatArray, FloatArray]:
    return special.log_expit(s), special.log_expit(-s)


def _log_link_at(theta: FloatArray) -> FloatArray:
    t = np.minimum(theta, -np.exp(-_LOG_TAIL))
    s: FloatArray = t - np.log(-np.expm1(t))
    return s


def _probit_logs(s: FloatArray) -> tuple[FloatArray, FloatArray]:
    return special.log_ndtr(s), special.log_ndtr(-s)


def _cloglog_logs(s: FloatArray) -> tuple[FloatArray, FloatArray]:
    e = np.exp(np.minimum(s, 700.0))
    low = np.minimum(e, 1.0)
    log_p = np.where(
        s < 0, np.minimum(s, 0.0) + np.log(special.exprel(-low)), np.log1p(-np.exp(-np.fmax(e, 1.0)))
    )
    return log_p, -e


def _logit_logs(s: FloatArray) -> tuple[FloatArray, FloatArray]:
    return special.log_expit(s), special.log_expit(-s)


def _cauchit_logs(s: FloatArray) -> tuple[FloatArray, FloatArray]:
    p, q = (np.arctan(np.exp(t)) * (2 / np.pi) for t in (s, -s))
    low, high = np.log(np.minimum(p, 0.5)), np.log1p(-np.minimum(p, 0.5))
    other, above = np.log(np.minimum(q, 0.5)), np.log1p(-np.minimum(q, 0.5))
    below = s < 0
    return np.where(below, low, above), np.where(below, high, other)


def _same(s: FloatArray) -> FloatArray:
    return s


def _no_stretch(s: FloatArray) -> FloatArray:
    return np.zeros_like(s)


def _step(s: FloatArray, d: FloatArray) -> FloatArray:
    return d


def _sinh_step(s: FloatArray, d: FloatArray) -> FloatArray:
    step: FloatArray = 2 * np.cosh(s + 0.5 * d) * np.sinh(0.5 * d)
    return step


def _log_link_step(s: FloatArray, d: FloatArray) -> FloatArray:
    near = -np.log1p(special.expit(-s) * np.expm1(-np.clip(d, -30.0, 30.0)))
    step: FloatArray = np.where(np.abs(d) < 30, near, special.log_expit(s + d) - special.log_expit(s))
    return step


def _log_cosh(s: FloatArray) -> FloatArray:
    far: FloatArray = np.logaddexp(s, -s) - np.log(2.0)
    return far


TRACKS = {
    "logit": Track(_same, _same, _logit_logs, _no_stretch, _step),
    "probit": Track(_same, _same, _probit_logs, _no_stretch, _step),
    "cloglog": Track(_same, _same, _cloglog_logs, _no_stretch, _step),
    "cauchit": Track(np.sinh, np.arcsinh, _cauchit_logs, _log_cosh, _sinh_step),
    "log": Track(
        special.log_expit, _log_link_at, _log_link_logs, lambda s: special.log_expit(-s), _log_link_step
    ),
}


def _part(x: FloatArray, n: FloatArray, log_p: FloatArray) -> FloatArray:
    """Return ``x log(x / (n p)) - x + n p`` without cancellation for x near n p."""
    mean = n * np.exp(log_p)
    e = (x - mean) / np.maximum(mean, _TINY)
    close = np.abs(e) < 0.5
    near = np.abs(e) < 1e-3
    s = np.where(near, e, 0.0)
    series = s * s * (1 / 2 - s * (1 / 6 - s * (1 / 12 - s / 20)))
    middle = np.where(close, e, 0.0)
    by_ratio = mean * np.where(near, series, (1 + middle) * np.log1p(middle) - middle)
    by_logs = special.xlogy(x, np.maximum(x, _TINY) / n) - x * log_p - x + mean
    result: FloatArray = np.where(close, by_ratio, by_logs)
    return result


def log_likelihood(study: Study, log_p: FloatArray, log_q: FloatArray) -> FloatArray:
    """Return the log-likelihood less the saturated one, from the logarithms of p and q = 1 - p.

    The fields of *study* must broadcast against the logarithms.
    """
    if study.n.max(initial=0.0) <= _LARGE:
        constant = special.xlogy(study.x, study.x / study.n) + special.xlogy(study.y, study.y / study.n)
        value = -constant
        for count, log in ((study.x, log_p), (study.y, log_q)):
            value = value + np.where(count > 0, count * np.maximum(log, _LEAST), 0.0)
        floored: FloatArray = np.maximum(value, _LEAST)
        return floored
    by_events = _part(study.x, study.n, np.maximum(log_p, _LEAST))
    by_others = _part(study.y, study.n, np.maximum(log_q, _LEAST))
    return np.maximum(-by_events - by_others, _LEAST)


def score_of(link: Link, study: Study, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the derivative of the log-likelihood by theta, and minus its second one."""
    t = link.log_terms(theta)
    p, q = np.exp(t.log_p), np.exp(t.log_q)
    gap = np.where(p < 0.5, study.x - study.n * p, study.n * q - study.y)
    return gap * (t.d_log_p - t.d_log_q), -(study.x * t.dd_log_p + study.y * t.dd_log_q)


def height_of(track: Track, study: Study, s: FloatArray) -> FloatArray:
    """Return the log integrand by theta at *s*, which broadcasts against the fields of *study*."""
    z = (track.theta(s) - study.mu) / study.tau
    return log_likelihood(study, *track.logs(s)) - 0.5 * z * z


def slope_of(link: Link, track: Track, study: Study, s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the derivative of the height by theta at *s*, and minus the second one."""
    theta = track.theta(s)
    score, information = score_of(link, study, theta)
    weight = 1 / (study.tau * study.tau)
    return score - (theta - study.mu) * weight, information + weight
