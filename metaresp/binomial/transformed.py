"""Intervals by likelihood ratio and by Wald's formula on a transformed scale."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

from metaresp.arrays import FloatArray, IntArray
from metaresp.binomial.approximate import from_z, standardised
from metaresp.binomial.exact import clopper_pearson, clopper_pearson_pvalue
from metaresp.binomial.methods import (
    BINOMIAL_CI,
    BINOMIAL_PVALUE,
    NOT_MIRRORED,
    Ends,
    Prior,
    Side,
    sided,
    z_of,
)
from metaresp.binomial.tails import half_deviance, solve

NOT_MIRRORED.add("cloglog")


@BINOMIAL_CI.add("likelihood-ratio")
def likelihood_ratio(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
    """All rates with ``2 (l(x/n) - l(p)) <= z^2``, where l is the binomial log-likelihood.

    At ``x = 0``: ``(0, 1 - exp(-z^2 / (2n)))``.  One-sided: the signed root of the ratio is at most z.

    References
    ----------
    Brown LD, Cai TT, DasGupta A (2001), Statistical Science 16:101-133, section 4.2.1.
    R: ``binom::binom.lrt(x, n, tol = 1e-12)``; its default tolerance gives four digits.
    """
    z = z_of(alpha, side)
    return sided(lambda: _ratio_limit(x, n, -z), lambda: _ratio_limit(x, n, z), x, side)


def _ratio_limit(x: FloatArray, n: FloatArray, z: float) -> FloatArray:
    """Return the rate at which the signed root is *z*: above ``x/n`` for positive z, below for negative."""
    rate = x / n
    edge = np.exp(-z * z / (2 * n))
    limit = np.where(x == 0, 1 - edge if z > 0 else 0.0, np.where(x == n, 1.0 if z > 0 else edge, rate))
    limit = np.where((x == 0) & (z > 0), -np.expm1(-z * z / (2 * n)), limit)
    rows = np.flatnonzero((x > 0) & (x < n))
    if z == 0 or not rows.size:
        return limit
    k, m, observed = x[rows], n[rows], rate[rows]

    def apart(p: FloatArray, some: IntArray) -> Ends:
        events, size = k[some], m[some]
        root = _signed_root(events, size, p)
        slope = (size * p - events) / (p * (1 - p)) / np.where(root == 0, np.inf, root)
        return root - z, np.where(root == 0, np.sqrt(size / (p * (1 - p))), slope)

    # The logit scale keeps the first guess between 0 and 1
    guess = expit(logit(observed) + z / np.sqrt(m * observed * (1 - observed)))
    zero, one = np.zeros_like(observed), np.ones_like(observed)
    left, right = (observed, one) if z > 0 else (zero, observed)
    start = np.clip(guess, np.maximum(left, 1e-300), np.minimum(right, 1 - 1e-16))
    limit[rows] = solve(apart, left, right, start, m)
    return limit


def _signed_root(x: FloatArray, n: FloatArray, rate: FloatArray) -> FloatArray:
    """Return the root of the likelihood ratio, positive for rates above ``x/n``."""
    half = half_deviance(x, n * rate) + half_deviance(n - x, n * (1 - rate))
    root: FloatArray = np.sign(n * rate - x) * np.sqrt(2 * half)
    return root


@BINOMIAL_PVALUE.add("likelihood-ratio")
def likelihood_ratio_pvalue(
    x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior
) -> FloatArray:
    """Return the normal p-value of the signed root of the likelihood ratio."""
    return from_z(-_signed_root(x, n, rate), side)


class _Scale(NamedTuple):
    """A scale that increases in the rate, for trials that are neither at 0 nor at n."""

    effect: Callable[[FloatArray, FloatArray], Ends]
    """``effect(x, n)``: value and standard error."""
    forward: Callable[[FloatArray], FloatArray]
    back: Callable[[FloatArray], FloatArray]

    def limits(self, x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
        """Return Wald's limits on this scale; Clopper-Pearson's at ``x = 0`` and ``x = n``."""
        z = z_of(alpha, side)
        low, high = clopper_pearson(x, n, alpha, side, prior)
        rows = np.flatnonzero((x > 0) & (x < n))
        value, error = self.effect(x[rows], n[rows])
        if side != "less":
            low[rows] = self.back(value - z * error)
        if side != "greater":
            high[rows] = self.back(value + z * error)
        return low, high

    def pvalue(self, x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior) -> FloatArray:
        """Return the normal p-value of the distance on this scale; Clopper-Pearson's at the edges."""
        result = clopper_pearson_pvalue(x, n, rate, side, prior)
        rows = np.flatnonzero((x > 0) & (x < n))
        value, error = self.effect(x[rows], n[rows])
        with np.errstate(divide="ignore"):
            tested = self.forward(rate[rows])
        result[rows] = from_z(standardised(value - tested, error), side)
        return result


def _logit_scale(x: FloatArray, n: FloatArray) -> Ends:
    return np.log(x / (n - x)), np.sqrt(n / x / (n - x))


_LOGIT = _Scale(_logit_scale, logit, expit)


@BINOMIAL_CI.add("logit")
def logit_wald(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
    """``expit(log(x / (n-x)) -+ z sqrt(1/x + 1/(n-x)))``; Clopper-Pearson at ``x = 0`` and ``x = n``.

    References
    ----------
    Brown LD, Cai TT, DasGupta A (2001), Statistical Science 16:101-133, section 4.2.2.
    R: ``binom::binom.confint(x, n, methods = "logit")``.
    """
    return _LOGIT.limits(x, n, alpha, side, prior)


BINOMIAL_PVALUE.add("logit")(_LOGIT.pvalue)


def _probit_scale(x: FloatArray, n: FloatArray) -> Ends:
    value = np.where(2 * x <= n, ndtri(x / n), -ndtri((n - x) / n))
    density = np.exp(-value * value / 2) / np.sqrt(2 * np.pi)
    return value, np.sqrt(x / n * ((n - x) / n) / n) / density


_PROBIT = _Scale(_probit_scale, ndtri, ndtr)


@BINOMIAL_CI.add("probit")
def probit_wald(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
    """``Phi(g -+ z sqrt(p (1-p) / n) / phi(g))`` with ``g = Phi^-1(p)``, ``p = x/n``.

    Clopper-Pearson at ``x = 0`` and ``x = n``.

    References
    ----------
    Agresti A (2013), Categorical Data Analysis, section 16.1, on the delta method.
    R: ``binom::binom.confint(x, n, methods = "probit")``.
    """
    return _PROBIT.limits(x, n, alpha, side, prior)


BINOMIAL_PVALUE.add("probit")(_PROBIT.pvalue)


def _cloglog_scale(x: FloatArray, n: FloatArray) -> Ends:
    log_rate = np.where(2 * x <= n, np.log(x / n), np.log1p(-(n - x) / n))
    return -np.log(-log_rate), np.sqrt((n - x) / n / x) / -log_rate


_CLOGLOG = _Scale(_cloglog_scale, lambda p: -np.log(-np.log(p)), lambda g: np.exp(-np.exp(-g)))


@BINOMIAL_CI.add("cloglog")
def cloglog_wald(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
    """``exp(-exp(g +- z se))`` with ``g = log(-log p)``, ``se = sqrt((1-p) / (n p)) / -log p``, ``p = x/n``.

    Clopper-Pearson at ``x = 0`` and ``x = n``.  Not the mirror image for ``n - x``.

    References
    ----------
    Kalbfleisch JD, Prentice RL (1980), The Statistical Analysis of Failure Time Data, section 1.3, on the
    delta method on the scale of a survival curve.
    R: ``binom::binom.confint(x, n, methods = "cloglog")``.
    """
    return _CLOGLOG.limits(x, n, alpha, side, prior)


BINOMIAL_PVALUE.add("cloglog")(_CLOGLOG.pvalue)


@BINOMIAL_CI.add("arcsine")
def arcsine(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
    """``sin^2(asin(sqrt(x/n)) -+ z / (2 sqrt(n)))``, the angle cut to a quarter turn.

    References
    ----------
    Bartlett MS (1936), Supplement to the JRSS 3:68-78, on the variance of the angle.
    R: ``metafor::transf.iarcsin`` of the limits on the scale of ``escalc(measure = "PAS")``.
    """
    z = z_of(alpha, side)
    angle, error = np.arctan2(np.sqrt(x), np.sqrt(n - x)), 1 / (2 * np.sqrt(n))

    def back(turn: FloatArray) -> FloatArray:
        cut: FloatArray = np.clip(turn, 0.0, np.pi / 2)
        return np.where(cut >= np.pi / 2, 1.0, np.sin(cut) ** 2)

    return sided(lambda: back(angle - z * error), lambda: back(angle + z * error), x, side)


@BINOMIAL_PVALUE.add("arcsine")
def arcsine_pvalue(x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior) -> FloatArray:
    """Return the normal p-value of the distance between the angles, ``2 sqrt(n)`` times itself."""
    angle = np.arctan2(np.sqrt(x), np.sqrt(n - x)) - np.arctan2(np.sqrt(rate), np.sqrt(1 - rate))
    return from_z(2 * np.sqrt(n) * angle, side)
