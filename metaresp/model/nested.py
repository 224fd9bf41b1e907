"""Studies nested in clusters: the numbers of one set of studies."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, IntArray
from metaresp.counts import Counts
from metaresp.kernel.counts import binomial_normal
from metaresp.kernel.counts.binomial_normal import NOT_CONVERGED, OK, TAU_UNBOUNDED
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.effects.cochran import heterogeneity
from metaresp.kernel.nested.counts import WITHIN_UNKNOWN, arrange, fit_nested_binomial
from metaresp.kernel.nested.effects import ONE_EACH, fit_nested_gaussian, nested_weights
from metaresp.kernel.nested.intervals import (
    NESTED_COUNT_CI,
    NESTED_EFFECT_CI,
    NESTED_PREDICTION,
    NestedCounts,
    NestedInterval,
)
from metaresp.kernel.nested.likelihood import contributions
from metaresp.kernel.nested.robust import groups
from metaresp.kernel.nested.variance_tests import both_variances, count_angle, effect_angle, one_variance
from metaresp.model.batch import estimate, exact_on_scale
from metaresp.model.count import typical_variance
from metaresp.model.estimates import (
    ALL_EXTREME,
    CLUSTERS_EXTREME,
    NO_ESTIMATE,
    Estimates,
    Numbers,
    all_extreme,
    blank,
    classify,
)
from metaresp.model.inverse_variance import effects
from metaresp.spec import Spec
from metaresp.transforms import TRANSFORMS, back_size

LEVELS = (
    "tau2_between",
    "tau2_within",
    "I2_between",
    "I2_within",
    "lrt_between",
    "lrt_between_pvalue",
    "lrt_within",
    "lrt_within_pvalue",
)


class Nested(NamedTuple):
    """What the nested model says of one set of studies."""

    found: Estimates  # one lane; tau2 is the sum of both variances
    weights: FloatArray  # (k,), percent
    levels: dict[str, float]  # LEVELS; NaN where not estimable


class _Likelihoods(NamedTuple):
    """Maximised log-likelihoods with neither variance held at 0, with one, and with both."""

    top: float
    between_zero: float
    within_zero: float
    common: float


def estimate_nested(counts: Counts, cluster: IntArray, spec: Spec) -> Nested:
    """Fit the nested model, or give the exact answer where no model applies.

    Parameters
    ----------
    counts : Counts
        One lane.
    cluster : int array, shape (k,)
        The number of each study's cluster.
    spec : Spec
        With ``cluster``.
    """
    if classify(counts)[0] != OK:
        return _exact(counts, estimate(counts, spec), counts.n[0])
    if spec.model == "binomial-normal":
        return _counts(counts, cluster, spec)
    return _effects(counts, cluster, spec)


def _exact(counts: Counts, found: Estimates, w: FloatArray) -> Nested:
    return Nested(found, 100 * w / w.sum(), dict.fromkeys(LEVELS, np.nan))


def _counts(counts: Counts, cluster: IntArray, spec: Spec) -> Nested:
    x, n = counts.x[0], counts.n[0]
    data, _ = arrange(x, n, cluster)
    fit = fit_nested_binomial(x, n, cluster)
    if fit.reason == TAU_UNBOUNDED and all_extreme(counts)[0]:
        return _extreme(counts, cluster, spec)
    clusters, tail = float(data.groups.first.size), (1 - spec.level) / 2
    ci = NESTED_COUNT_CI[spec.ci](NestedCounts(x, n, cluster, fit), clusters, tail)
    between, within = fit.tau_between**2, fit.tau_within**2
    mu, tau = np.array([fit.mu]), np.sqrt([between + within])
    mean = binomial_normal.mean_rate(mu, tau)
    rest = binomial_normal.mean_rate(mu, tau, complement=True)
    v = float(typical_variance(counts, mean, rest, LINKS["logit"])[0])
    deviance = max(0.0, 2 * (fit.loglik_saturated - fit.loglik_common))
    likelihoods = _Likelihoods(fit.loglik, fit.loglik_between_zero, fit.loglik_within_zero, fit.loglik_common)
    out: dict[str, float] = {
        "mean_rate": float(mean[0]),
        "Q": deviance,
        "Q_df": float(counts.k[0] - 1),
        "Q_pvalue": float(special.chdtrc(counts.k[0] - 1, deviance)),
        "I2": 100 * (between + within) / (between + within + v),
        "H2": 1 + (between + within) / v,
        "typical_v": v,
        "loglik": fit.loglik,
    }
    out |= _mean(fit.mu, ci, between + within, clusters, spec)
    out |= _rates(out, lambda logit: float(special.expit(logit)))
    out |= _both(likelihoods, count_angle(data.n, data.groups))
    share = np.empty_like(x)
    share[data.groups.order] = contributions(data, np.array([fit.mu, fit.tau_between, fit.tau_within]))
    return Nested(
        _lane(out, fit.reason),
        100 * share / share.sum(),
        _levels(between, within, v, likelihoods, within_known=fit.reason != WITHIN_UNKNOWN),
    )


def _extreme(counts: Counts, cluster: IntArray, spec: Spec) -> Nested:
    """Answer by counting clusters that are wholly at 0% or 100%, or else studies, as single patients."""
    g = groups(cluster)
    at_n = (counts.x[0] == counts.n[0])[g.order].astype(np.float64)
    sizes = np.bincount(g.owner)
    full = g.sums(at_n)
    whole = bool(((full == 0) | (full == sizes)).all())
    events, n = ((full > 0).sum(), sizes.size) if whole else (at_n.sum(), at_n.size)
    out = blank(1)
    out.put(np.zeros(1, np.int64), exact_on_scale(np.array([float(events)]), np.array([float(n)]), spec))
    out.reason[0] = CLUSTERS_EXTREME if whole else ALL_EXTREME
    w = (1 / sizes)[g.owner] if whole else np.ones(at_n.size)
    ordered = np.empty_like(at_n)
    ordered[g.order] = w
    return _exact(counts, out, ordered)


def _effects(counts: Counts, cluster: IntArray, spec: Spec) -> Nested:
    transform = TRANSFORMS[str(spec.transform)]
    y, v, _ = effects(counts, spec)
    if not (np.isfinite(y).all() and np.isfinite(v).all() and (v > 0).all()):
        nothing = blank(1)
        nothing.reason[0] = NO_ESTIMATE
        return _exact(counts, nothing, counts.n[0])
    fit = fit_nested_gaussian(y[0], v[0], cluster)
    g, tail = groups(cluster), (1 - spec.level) / 2
    clusters = float(g.first.size)
    ci = NESTED_EFFECT_CI[spec.ci](fit, clusters, tail)
    tau2 = fit.tau2_between + fit.tau2_within
    het = heterogeneity(y, v, counts.copies, np.array([tau2]), tail)
    size = back_size(counts.n, counts.copies, spec.back_n or "harmonic", v, np.array([tau2]))

    def back(value: float) -> float:
        rate: FloatArray = transform.inverse(np.clip(np.array([value]), *transform.limits), size)
        return float(rate[0])

    typical = float(het.typical_v[0])
    likelihoods = _Likelihoods(fit.loglik, fit.loglik_between_zero, fit.loglik_within_zero, fit.loglik_common)
    named = {"Q": het.Q, "Q_df": het.df, "Q_pvalue": het.pvalue, "I2": het.I2, "H2": het.H2}
    named |= {"I2_Q": het.I2_Q, "I2_Q_low": het.I2_Q_low, "I2_Q_high": het.I2_Q_high}
    out: dict[str, float] = {name: float(value[0]) for name, value in named.items()}
    out["typical_v"] = typical
    out["mean_rate"] = float(transform.mean_rate(np.array([fit.mu]), np.array([tau2]), size)[0])
    out |= _mean(fit.mu, ci, tau2, clusters, spec)
    out |= _rates(out, back)
    out |= _both(likelihoods, effect_angle(v[0][g.order], g))
    w = nested_weights(v[0], cluster, fit.tau2_within, fit.tau2_between)
    levels = _levels(fit.tau2_between, fit.tau2_within, typical, likelihoods)
    if fit.reason == ONE_EACH:
        levels = dict.fromkeys(LEVELS, np.nan)
    reason = NOT_CONVERGED if fit.reason == NOT_CONVERGED else OK
    return Nested(_lane(out, reason), 100 * w / w.sum(), levels)


def _mean(mu: float, ci: NestedInterval, tau2: float, clusters: float, spec: Spec) -> dict[str, float]:
    """Return the mean with its interval and that of a new study, on the model's scale."""
    out = {
        "estimate": mu,
        "se": ci.se,
        "df": ci.df,
        "estimate_low": ci.low,
        "estimate_high": ci.high,
        "tau2": tau2,
    }
    if spec.prediction is not None:
        tail = (1 - spec.level) / 2
        low, high = NESTED_PREDICTION[spec.prediction](mu, ci.se, tau2, clusters, tail)
        out |= {"estimate_prediction_low": low, "estimate_prediction_high": high}
    return out


_ON_SCALE = {
    "rate": "estimate",
    "low": "estimate_low",
    "high": "estimate_high",
    "prediction_low": "estimate_prediction_low",
    "prediction_high": "estimate_prediction_high",
}


def _rates(out: dict[str, float], back: Callable[[float], float]) -> dict[str, float]:
    return {
        name: np.nan if np.isnan(out[other]) else back(out[other])
        for name, other in _ON_SCALE.items()
        if other in out
    }


def _gain(top: float, less: float) -> float:
    return max(0.0, 2 * (top - less))


def _both(height: _Likelihoods, angle: float) -> dict[str, float]:
    lrt = _gain(height.top, height.common)
    return {"lrt": lrt, "lrt_pvalue": both_variances(lrt, angle)}


def _levels(
    between: float, within: float, v: float, height: _Likelihoods, *, within_known: bool = True
) -> dict[str, float]:
    total = between + within + v
    lrt_between, lrt_within = _gain(height.top, height.between_zero), _gain(height.top, height.within_zero)
    within_p = one_variance(lrt_within)
    if not within_known:
        within = lrt_within = within_p = np.nan
    values = (
        between,
        within,
        100 * between / total,
        100 * within / total,
        lrt_between,
        one_variance(lrt_between),
        lrt_within,
        within_p,
    )
    return dict(zip(LEVELS, values, strict=True))


def _lane(out: dict[str, float], reason: int) -> Estimates:
    lane = blank(1)
    numbers: Numbers = {name: np.array([value]) for name, value in out.items()}
    lane.put(np.zeros(1, np.int64), numbers)
    lane.reason[0] = reason
    return lane
