"""Intervals for the mean and for a new trial in models fitted to the counts themselves."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray
from metaresp.kernel.binomial_normal import Fit, information
from metaresp.kernel.likelihood_interval import Maximum, mu_fall, mu_limits
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


@COUNT_CI.add("bartlett")
def bartlett(
    x: FloatArray, n: FloatArray, copies: FloatArray, fit: Fit, k: FloatArray, tail: float
) -> CountInterval:
    """Profile-likelihood interval with a Bartlett-type correction for the number of studies.

    The critical value is a chi-square quantile times ``1 + 2 C`` with
    ``C = sum w**3 / (sum w  sum w**2)`` and w each study's information about mu given tau.  With k equal
    studies that is ``1 + 2 / k``; for k equal normal means the first-order Bartlett factor is
    ``1 + 3 / (2 k)``, so that this one errs to the wide side.  It is of the kind that Noma (2011),
    Statistics in Medicine 30:3304, derives for the normal model, and not his derivation.

    R: none for this model.  Parameters as in :func:`normal`.
    """
    infinite = np.full_like(fit.mu, np.inf)
    factor = bartlett_factor(x, n, copies, fit.mu, fit.tau, fit.link)
    low, high = mu_limits(x, n, copies, fit, t_quantile(infinite, tail) ** 2 * factor)
    return CountInterval(low, high, infinite)


def bartlett_factor(
    x: FloatArray, n: FloatArray, copies: FloatArray, mu: FloatArray, tau: FloatArray, link: str
) -> FloatArray:
    """Return what the Bartlett-type interval multiplies the critical value by, shape (lanes,)."""
    w = np.maximum(information(x, n, mu, tau, link), 0.0)
    s1, s2, s3 = (np.einsum("lk,lk->l", copies, w**power) for power in (1, 2, 3))
    factor: FloatArray = 1 + 2 * s3 / (s1 * s2)
    return factor


def profile_pvalue(
    method: str,
    x: FloatArray,
    n: FloatArray,
    copies: FloatArray,
    fit: Maximum,
    k: FloatArray,
    mu: FloatArray,
    link: str,
) -> FloatArray:
    """Return the two-sided p-value of *mu* that the intervals called *method* give.

    Parameters
    ----------
    method : {"profile", "profile-t", "bartlett"}
    x, n, copies : float array, shape (lanes, k)
    fit : Maximum
    k, mu : float array, shape (lanes,)
    link : str

    Returns
    -------
    float array, shape (lanes,)
    """
    fall = mu_fall(x, n, copies, fit, mu, link)
    if method == "bartlett":
        fall = fall / bartlett_factor(x, n, copies, fit.mu, fit.tau, link)
    root = -np.sqrt(fall)
    p: FloatArray = 2 * (special.stdtr(k - 1, root) if method == "profile-t" else special.ndtr(root))
    return p


PROFILED = frozenset({"profile", "profile-t", "bartlett"})  # intervals whose p-value is that of a fall


def _new_trial(fit: Fit) -> FloatArray:
    spread: FloatArray = np.sqrt(fit.tau**2 + fit.se**2)
    return spread


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
