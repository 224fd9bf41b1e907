"""Intervals for the mean and for a new study of a new cluster, studies being nested in clusters."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray
from metaresp.kernel.counts.calibrations import bartlett_factor
from metaresp.kernel.nested.counts import NestedFit, clusters_of, mu_interval
from metaresp.kernel.nested.effects import GaussianFit
from metaresp.kernel.nested.likelihood import information
from metaresp.kernel.nested.new_trial import nested_mixture
from metaresp.kernel.nested.nodes import Nested
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.registry import Registry


class NestedInterval(NamedTuple):
    """Intervals of the mean with standard error and degrees of freedom behind them, shape (lanes,)."""

    low: FloatArray
    high: FloatArray
    se: FloatArray
    df: FloatArray


class NestedLanes(NamedTuple):
    """Counts of lanes of studies in clusters, and their fit."""

    data: Nested
    fit: NestedFit

    @property
    def k(self) -> FloatArray:
        """Number of clusters: what tells how much clusters differ, and so how far the mean may lie."""
        return clusters_of(self.data)


class NewStudy(NamedTuple):
    """What an interval of a new study may look at, shape (lanes,)."""

    mu: FloatArray
    se: FloatArray  # of the chosen interval
    tau2: FloatArray  # sum of the variances between clusters and of studies within them
    k: FloatArray  # clusters


class Calibration(NamedTuple):
    """The reference distribution of twice the fall of the profile log-likelihood of mu."""

    critical: Callable[[NestedLanes, float], FloatArray]  # of the tail probability on each side
    pvalue: Callable[[NestedLanes, FloatArray], FloatArray]  # two-sided, of falls of shape (lanes, points)


Limits = tuple[FloatArray, FloatArray]
CountMethod = Callable[[NestedLanes, float], NestedInterval]
EffectMethod = Callable[[GaussianFit, FloatArray, float], NestedInterval]
CountPrediction = Callable[[NestedLanes, NewStudy, float], Limits]
PredictionMethod = Callable[[NewStudy, float], Limits]
NESTED_COUNT_CI: Registry[CountMethod] = Registry("ci")
NESTED_EFFECT_CI: Registry[EffectMethod] = Registry("ci")
NESTED_COUNT_PREDICTION: Registry[CountPrediction] = Registry("prediction")
NESTED_PREDICTION: Registry[PredictionMethod] = Registry("prediction")


def _normal(lanes: NestedLanes) -> FloatArray:
    return np.full(lanes.k.shape, np.inf)


def _factor(lanes: NestedLanes) -> FloatArray:
    w = np.maximum(information(lanes.data, lanes.fit.at)[0], 0.0)
    return bartlett_factor(w, (lanes.data.sizes > 0).astype(np.float64))


def _two_sided_t(df: FloatArray, squared: FloatArray) -> FloatArray:
    p: FloatArray = 2 * special.stdtr(df, -np.sqrt(squared))
    return p


NESTED_CALIBRATIONS: Mapping[str, Calibration] = {
    "profile": Calibration(
        lambda lanes, tail: t_quantile(_normal(lanes), tail) ** 2,
        lambda lanes, fall: special.chdtrc(1, fall),
    ),
    "profile-t": Calibration(
        lambda lanes, tail: t_quantile(lanes.k - 1, tail) ** 2,
        lambda lanes, fall: _two_sided_t(lanes.k[:, None] - 1, fall),
    ),
    "bartlett": Calibration(
        lambda lanes, tail: t_quantile(_normal(lanes), tail) ** 2 * _factor(lanes),
        lambda lanes, fall: special.chdtrc(1, fall / _factor(lanes)[:, None]),
    ),
}


def _around(mu: FloatArray, se: FloatArray, df: FloatArray, tail: float) -> NestedInterval:
    half = t_quantile(df, tail) * se
    return NestedInterval(mu - half, mu + half, se, df)


def _profile(name: str, lanes: NestedLanes, df: FloatArray, tail: float) -> NestedInterval:
    several = lanes.k > 1
    fall = np.where(several, NESTED_CALIBRATIONS[name].critical(lanes, tail), np.nan)
    return NestedInterval(*mu_interval(lanes.data, lanes.fit.best, fall), lanes.fit.se, df)


@NESTED_COUNT_CI.add("bartlett")
def count_bartlett(lanes: NestedLanes, tail: float) -> NestedInterval:
    """Profile-likelihood interval with Bartlett's correction for the number and sizes of the clusters.

    The critical value is a chi-square quantile times
    :func:`metaresp.kernel.counts.calibrations.bartlett_factor` of what each cluster tells about mu.

    Parameters
    ----------
    lanes : NestedLanes
    tail : float
        Probability beyond each limit.

    Returns
    -------
    NestedInterval
        On the link scale; NaN limits for one cluster.

    Notes
    -----
    R: none.
    """
    return _profile("bartlett", lanes, _normal(lanes), tail)


@NESTED_COUNT_CI.add("t")
def count_t(lanes: NestedLanes, tail: float) -> NestedInterval:
    """Wald interval with a t quantile on one degree of freedom less than there are clusters.

    Parameters as in :func:`count_bartlett`.  R: none; ``lme4::glmer`` has a normal quantile.
    """
    return _around(lanes.fit.mu, lanes.fit.se, lanes.k - 1, tail)


@NESTED_COUNT_CI.add("normal")
def count_normal(lanes: NestedLanes, tail: float) -> NestedInterval:
    """Wald interval with a normal quantile.  Parameters as in :func:`count_bartlett`.  R: ``lme4::glmer``."""
    return _around(lanes.fit.mu, lanes.fit.se, _normal(lanes), tail)


@NESTED_COUNT_CI.add("profile")
def count_profile(lanes: NestedLanes, tail: float) -> NestedInterval:
    """Profile-likelihood interval, both standard deviations profiled out, with a chi-square quantile.

    Parameters as in :func:`count_bartlett`.
    """
    return _profile("profile", lanes, _normal(lanes), tail)


@NESTED_COUNT_CI.add("profile-t")
def count_profile_t(lanes: NestedLanes, tail: float) -> NestedInterval:
    """Profile-likelihood interval with the square of a t quantile, degrees of freedom as in :func:`count_t`.

    Parameters as in :func:`count_bartlett`.
    """
    return _profile("profile-t", lanes, lanes.k - 1, tail)


@NESTED_EFFECT_CI.add("CR2")
def effect_cr2(fit: GaussianFit, clusters: FloatArray, tail: float) -> NestedInterval:
    """Cluster-robust interval with bias-reduced standard error and Satterthwaite degrees of freedom.

    Parameters
    ----------
    fit : GaussianFit
    clusters : float array, shape (lanes,)
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
def effect_cr1(fit: GaussianFit, clusters: FloatArray, tail: float) -> NestedInterval:
    """Cluster-robust interval: the sandwich times C / (C - 1), on C - 1 degrees of freedom.

    Parameters as in :func:`effect_cr2`.  R: ``metafor::robust(rma.mv(...))``.
    """
    return _around(fit.mu, fit.se_cr1, fit.df_cr1, tail)


@NESTED_EFFECT_CI.add("t")
def effect_t(fit: GaussianFit, clusters: FloatArray, tail: float) -> NestedInterval:
    """Interval that trusts the model, with a t quantile on one df less than there are clusters.

    Parameters as in :func:`effect_cr2`.  R: ``metafor::rma.mv(test = "t", dfs = "contain")``.
    """
    return _around(fit.mu, fit.se, clusters - 1, tail)


@NESTED_EFFECT_CI.add("normal")
def effect_normal(fit: GaussianFit, clusters: FloatArray, tail: float) -> NestedInterval:
    """Interval that trusts the model, with a normal quantile.

    Parameters as in :func:`effect_cr2`.  R: ``metafor::rma.mv()``.
    """
    return _around(fit.mu, fit.se, np.full(clusters.shape, np.inf), tail)


def _new(new: NewStudy, df: FloatArray, tail: float) -> Limits:
    return _around(new.mu, np.sqrt(new.tau2 + new.se * new.se), df, tail)[:2]


@NESTED_PREDICTION.add("hts")
def predict_hts(new: NewStudy, tail: float) -> Limits:
    """Prediction interval of a new study of a new cluster, t on two df less than there are clusters.

    ``mu +- t sqrt(tau2 + se**2)`` as Higgins, Thompson & Spiegelhalter (2009), eq. (12), with both
    variances in *tau2*.

    Parameters
    ----------
    new : NewStudy
    tail : float
        Probability beyond each limit.

    Returns
    -------
    low, high : float array, shape (lanes,)
        NaN for fewer than three clusters.
    """
    return _new(new, new.k - 2, tail)


@NESTED_PREDICTION.add("t")
def predict_t(new: NewStudy, tail: float) -> Limits:
    """Prediction interval with t on one df less than there are clusters; as :func:`predict_hts`."""
    return _new(new, new.k - 1, tail)


@NESTED_PREDICTION.add("normal")
def predict_normal(new: NewStudy, tail: float) -> Limits:
    """Prediction interval with a normal quantile; as :func:`predict_hts`."""
    return _new(new, np.full(new.k.shape, np.inf), tail)


@NESTED_COUNT_PREDICTION.add("likelihood")
def predict_likelihood(lanes: NestedLanes, new: NewStudy, tail: float) -> Limits:
    """Prediction interval that carries the uncertainty of mu and of both variances.

    Quantiles of a mixture of normals over the confidence distribution of the total spread, see
    :mod:`metaresp.kernel.nested.new_trial`.

    Parameters
    ----------
    lanes : NestedLanes
    new : NewStudy
    tail : float
        Probability beyond each limit.
    """
    _, low, high = nested_mixture(lanes.data, lanes.fit, lanes.k, tail)
    return np.minimum(low, new.mu), np.maximum(high, new.mu)


def _of_counts(method: PredictionMethod) -> CountPrediction:
    return lambda lanes, new, tail: method(new, tail)


for _name, _method in NESTED_PREDICTION.items():
    NESTED_COUNT_PREDICTION.add(_name)(_of_counts(_method))
