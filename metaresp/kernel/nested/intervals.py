"""Intervals for the mean and for a new study of a new cluster, studies being nested in clusters."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.nested.counts import NestedFit, mu_interval, top_of
from metaresp.kernel.nested.effects import GaussianFit
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.registry import Registry


class NestedInterval(NamedTuple):
    """An interval of the mean with the standard error and degrees of freedom behind it."""

    low: float
    high: float
    se: float
    df: float


class NestedCounts(NamedTuple):
    """Counts of one set of studies, the number of their cluster, and their fit."""

    x: FloatArray
    n: FloatArray
    cluster: IntArray
    fit: NestedFit


CountMethod = Callable[[NestedCounts, float, float], NestedInterval]
EffectMethod = Callable[[GaussianFit, float, float], NestedInterval]
PredictionMethod = Callable[[float, float, float, float, float], tuple[float, float]]
NESTED_COUNT_CI: Registry[CountMethod] = Registry("ci")
NESTED_EFFECT_CI: Registry[EffectMethod] = Registry("ci")
NESTED_PREDICTION: Registry[PredictionMethod] = Registry("prediction")


def _around(mu: float, se: float, df: float, tail: float) -> NestedInterval:
    half = float(t_quantile(df, tail)) * se
    return NestedInterval(mu - half, mu + half, se, df)


@NESTED_COUNT_CI.add("t")
def count_t(data: NestedCounts, clusters: float, tail: float) -> NestedInterval:
    """Wald interval with a t quantile on one degree of freedom less than there are clusters.

    Parameters
    ----------
    data : NestedCounts
    clusters : float
        Number of clusters: what tells how much clusters differ, and so how far the mean may lie.
    tail : float
        Probability beyond each limit.

    Returns
    -------
    NestedInterval
        On the link scale; NaN limits for one cluster.

    Notes
    -----
    R: none; ``lme4::glmer`` has a normal quantile.
    """
    return _around(data.fit.mu, data.fit.se, clusters - 1, tail)


@NESTED_COUNT_CI.add("normal")
def count_normal(data: NestedCounts, clusters: float, tail: float) -> NestedInterval:
    """Wald interval with a normal quantile.  Parameters as in :func:`count_t`.  R: ``lme4::glmer``."""
    return _around(data.fit.mu, data.fit.se, np.inf, tail)


@NESTED_COUNT_CI.add("profile")
def count_profile(data: NestedCounts, clusters: float, tail: float) -> NestedInterval:
    """Profile-likelihood interval, both standard deviations profiled out, with a chi-square quantile.

    Parameters as in :func:`count_t`.
    """
    return _profile(data, np.inf, tail)


@NESTED_COUNT_CI.add("profile-t")
def count_profile_t(data: NestedCounts, clusters: float, tail: float) -> NestedInterval:
    """Profile-likelihood interval with the square of a t quantile, degrees of freedom as in :func:`count_t`.

    Parameters as there.
    """
    return _profile(data, clusters - 1, tail)


def _profile(data: NestedCounts, df: float, tail: float) -> NestedInterval:
    fall = float(t_quantile(df, tail)) ** 2
    low, high = mu_interval(data.x, data.n, data.cluster, top_of(data.fit), fall)
    return NestedInterval(low, high, data.fit.se, df)


@NESTED_EFFECT_CI.add("CR2")
def effect_cr2(fit: GaussianFit, clusters: float, tail: float) -> NestedInterval:
    """Cluster-robust interval with bias-reduced standard error and Satterthwaite degrees of freedom.

    Parameters
    ----------
    fit : GaussianFit
    clusters : float
        Number of clusters.
    tail : float
        Probability beyond each limit.

    Returns
    -------
    NestedInterval
        On the scale of the effects; NaN limits for one cluster.

    References
    ----------
    Tipton (2015), Psychological Methods 20:375; Pustejovsky & Tipton (2018), Journal of Business &
    Economic Statistics 36:672.  R: ``metafor::robust(rma.mv(...), clubSandwich = TRUE)``.
    """
    return _around(fit.mu, fit.se_cr2, fit.df_cr2, tail)


@NESTED_EFFECT_CI.add("CR1")
def effect_cr1(fit: GaussianFit, clusters: float, tail: float) -> NestedInterval:
    """Cluster-robust interval: the sandwich times C / (C - 1), on C - 1 degrees of freedom.

    Parameters as in :func:`effect_cr2`.  R: ``metafor::robust(rma.mv(...))``.
    """
    return _around(fit.mu, fit.se_cr1, fit.df_cr1, tail)


@NESTED_EFFECT_CI.add("t")
def effect_t(fit: GaussianFit, clusters: float, tail: float) -> NestedInterval:
    """Interval that trusts the model, with a t quantile on one df less than there are clusters.

    Parameters as in :func:`effect_cr2`.  R: ``metafor::rma.mv(test = "t", dfs = "contain")``.
    """
    return _around(fit.mu, fit.se, clusters - 1, tail)


@NESTED_EFFECT_CI.add("normal")
def effect_normal(fit: GaussianFit, clusters: float, tail: float) -> NestedInterval:
    """Interval that trusts the model, with a normal quantile.

    Parameters as in :func:`effect_cr2`.  R: ``metafor::rma.mv()``.
    """
    return _around(fit.mu, fit.se, np.inf, tail)


@NESTED_PREDICTION.add("hts")
def predict_hts(mu: float, se: float, tau2: float, clusters: float, tail: float) -> tuple[float, float]:
    """Prediction interval of a new study of a new cluster, t on two df less than there are clusters.

    ``mu +- t sqrt(tau2 + se**2)`` as Higgins, Thompson & Spiegelhalter (2009), eq. (12), with both
    variances in *tau2*.

    Parameters
    ----------
    mu, se : float
        Mean and the standard error of the chosen interval.
    tau2 : float
        Sum of the variances between clusters and of studies within them.
    clusters : float
    tail : float
        Probability beyond each limit.

    Returns
    -------
    low, high : float
        NaN for fewer than three clusters.
    """
    return _around(mu, float(np.sqrt(tau2 + se * se)), clusters - 2, tail)[:2]


@NESTED_PREDICTION.add("t")
def predict_t(mu: float, se: float, tau2: float, clusters: float, tail: float) -> tuple[float, float]:
    """Prediction interval with t on one df less than there are clusters; as :func:`predict_hts`."""
    return _around(mu, float(np.sqrt(tau2 + se * se)), clusters - 1, tail)[:2]


@NESTED_PREDICTION.add("normal")
def predict_normal(mu: float, se: float, tau2: float, clusters: float, tail: float) -> tuple[float, float]:
    """Prediction interval with a normal quantile; as :func:`predict_hts`."""
    return _around(mu, float(np.sqrt(tau2 + se * se)), np.inf, tail)[:2]
