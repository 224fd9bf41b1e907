"""Intervals for the mean and for a new trial in models fitted to the counts themselves."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from metaresp.arrays import FloatArray
from metaresp.kernel.binomial_normal import Fit, information
from metaresp.kernel.likelihood_interval import mu_limits
from metaresp.kernel.new_trial import tau_mixture
from metaresp.kernel.quantiles import t_quantile
from metaresp.registry import Registry


class CountInterval(NamedTuple):
    """An interval on the link scale; fields of shape (lanes,), NaN where there is none."""

    low: FloatArray
    high: FloatArray
    df: FloatArray


class Estimate(Protocol):
    """A fit of any count model: the mean on the link scale and its standard error, shape (lanes,)."""

    @property
    def mu(self) -> FloatArray:
        """The mean."""

    @property
    def se(self) -> FloatArray:
        """Its standard error."""


CountMethod = Callable[[FloatArray, FloatArray, FloatArray, Fit, FloatArray, float], CountInterval]
COUNT_CI: Registry[CountMethod] = Registry("ci")
COUNT_PREDICTION: Registry[CountMethod] = Registry("prediction")


def around(centre: FloatArray, spread: FloatArray, df: FloatArray, tail: float) -> CountInterval:
    """Return ``centre +- t quantile * spread``; NaN where the degrees of freedom are not positive."""
    half = t_quantile(df, tail) * spread
    return CountInterval(centre - half, centre + half, df)


def normal(
    x: FloatArray, n: FloatArray, copies: FloatArray, fit: Estimate, k: FloatArray, tail: float
) -> CountInterval:
    """Wald interval with a normal quantile: ``mu +- z se``.

    Parameters
    ----------
    x, n, copies : float array, shape (lanes, k)
    fit : Estimate
        The maximum likelihood fit of those lanes.
    k : float array, shape (lanes,)
        Number of studies, multiplicities counted.
    tail : float
        Probability beyond each limit.

    Notes
    -----
    R: ``metafor::rma.glmm(test="z")``.  Covers 77 to 90% at three to ten small trials.
    """
    return around(fit.mu, fit.se, np.full_like(fit.mu, np.inf), tail)


def student(
    x: FloatArray, n: FloatArray, copies: FloatArray, fit: Estimate, k: FloatArray, tail: float
) -> CountInterval:
    """Wald interval with a t quantile on k - 1 degrees of freedom.

    R: ``metafor::rma.glmm(test="t")``.  Parameters as in :func:`normal`.
    """
    return around(fit.mu, fit.se, k - 1, tail)


# Filed without the decorator: they serve every count model, whatever its fit holds beside mu and se.
COUNT_CI.add("normal")(normal)
COUNT_CI.add("t")(student)


@COUNT_CI.add("profile")
def profile(
    x: FloatArray, n: FloatArray, copies: FloatArray, fit: Fit, k: FloatArray, tail: float
) -> CountInterval:
    """Profile-likelihood interval: where twice the log-likelihood has fallen by a chi-square quantile.

    R: none for this model (``lme4::confint(method="profile")`` with nAGQ = 1 comes near).
    Parameters as in :func:`normal`.
    """
    infinite = np.full_like(fit.mu, np.inf)
    low, high = mu_limits(x, n, copies, fit, t_quantile(infinite, tail) ** 2)
    return CountInterval(low, high, infinite)


@COUNT_CI.add("profile-t")
def profile_t(
    x: FloatArray, n: FloatArray, copies: FloatArray, fit: Fit, k: FloatArray, tail: float
) -> CountInterval:
    """Profile-likelihood interval with the square of a t quantile on k - 1 degrees of freedom.

    Parameters as in :func:`normal`.
    """
    low, high = mu_limits(x, n, copies, fit, t_quantile(k - 1, tail) ** 2)
    return CountInterval(low, high, k - 1)


@COUNT_CI.add("profile-f")
def profile_f(
    x: FloatArray, n: FloatArray, copies: FloatArray, fit: Fit, k: FloatArray, tail: float
) -> CountInterval:
    """Profile-likelihood interval whose critical value is exact for k equal normal means.

    There twice the fall of the log-likelihood is ``k log(1 + t**2 / (k - 1))`` with Student's t on k - 1
    degrees of freedom, and so is the critical value.  Too narrow where one study outweighs the rest.

    R: none for this model.  Parameters as in :func:`normal`.
    """
    fall = k * np.log1p(t_quantile(k - 1, tail) ** 2 / (k - 1))
    low, high = mu_limits(x, n, copies, fit, fall)
    return CountInterval(low, high, np.full_like(fit.mu, np.inf))


@COUNT_CI.add("bartlett")
def bartlett(
    x: FloatArray, n: FloatArray, copies: FloatArray, fit: Fit, k: FloatArray, tail: float
) -> CountInterval:
    """Profile-likelihood interval with Bartlett's correction for the number and sizes of the studies.

    The critical value is a chi-square quantile times :func:`bartlett_factor`.

    R: none for this model.  Parameters as in :func:`normal`.
    """
    infinite = np.full_like(fit.mu, np.inf)
    w = np.maximum(information(x, n, fit.mu, fit.tau, fit.link), 0.0)  # a cauchit study may tell nothing
    factor = bartlett_factor(w, copies)
    low, high = mu_limits(x, n, copies, fit, t_quantile(infinite, tail) ** 2 * factor)
    return CountInterval(low, high, infinite)


def bartlett_factor(w: FloatArray, copies: FloatArray) -> FloatArray:
    """Return the mean, to first order, of twice the fall of the profile log-likelihood at the true mu.

    With ``S_r = sum copies w**r`` over each study's information w about mu given tau,

        ``1 + 2 S_3 / (S_1 S_2) - S_2 / (2 S_1**2)`` ,

    Lawley's expansion (1956, Biometrika 43:295, eqs. 2 and 3) for normal effects with mean mu and variance
    ``1 / w = v + tau2``.  It is ``1 + 3 / (2 k)`` for k equal studies and 2.5 where one outweighs all others.

    Parameters
    ----------
    w, copies : float array, shape (lanes, k)

    Returns
    -------
    float array, shape (lanes,)
    """
    share = w / w.max(axis=-1, keepdims=True)
    s1, s2, s3 = (np.einsum("lk,lk->l", copies, share**power) for power in (1, 2, 3))
    factor: FloatArray = 1 + 2 * s3 / (s1 * s2) - s2 / (2 * s1 * s1)
    return factor


def _new_trial(fit: Fit) -> FloatArray:
    spread: FloatArray = np.sqrt(fit.tau**2 + fit.se**2)
    return spread


@COUNT_PREDICTION.add("likelihood")
def predict_likelihood(
    x: FloatArray, n: FloatArray, copies: FloatArray, fit: Fit, k: FloatArray, tail: float
) -> CountInterval:
    """Prediction interval that carries the uncertainty of mu and of tau.

    Quantiles of a mixture of normals over the confidence distribution of tau, see
    :mod:`metaresp.kernel.new_trial`; for k equal normal effects that of Student's t on k - 1 degrees of
    freedom about the mean.  R: none.  Parameters as in :func:`normal`.
    """
    _, low, high = tau_mixture(x, n, copies, fit, k, tail)
    return CountInterval(low, high, np.full_like(fit.mu, np.nan))


@COUNT_PREDICTION.add("hts")
def predict_hts(
    x: FloatArray, n: FloatArray, copies: FloatArray, fit: Fit, k: FloatArray, tail: float
) -> CountInterval:
    """Prediction interval with a t quantile on k - 2 degrees of freedom.

    Higgins, Thompson and Spiegelhalter (2009), JRSS A 172, eq. (12):
    ``mu +- t_{k-2} sqrt(tau2 + se**2)``.  Parameters as in :func:`normal`.
    """
    return around(fit.mu, _new_trial(fit), k - 2, tail)


@COUNT_PREDICTION.add("t")
def predict_t(
    x: FloatArray, n: FloatArray, copies: FloatArray, fit: Fit, k: FloatArray, tail: float
) -> CountInterval:
    """Prediction interval with a t quantile on k - 1 degrees of freedom.

    R: ``predict(rma.glmm(test="t"))``.  Parameters as in :func:`normal`.
    """
    return around(fit.mu, _new_trial(fit), k - 1, tail)


@COUNT_PREDICTION.add("normal")
def predict_normal(
    x: FloatArray, n: FloatArray, copies: FloatArray, fit: Fit, k: FloatArray, tail: float
) -> CountInterval:
    """Prediction interval with a normal quantile.

    R: ``predict(rma.glmm(test="z"))``.  Parameters as in :func:`normal`.
    """
    return around(fit.mu, _new_trial(fit), np.full_like(fit.mu, np.inf), tail)
