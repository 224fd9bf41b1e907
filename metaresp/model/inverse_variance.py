"""The inverse-variance model: transformed rates, a between-study variance, a weighted mean."""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from metaresp.arrays import ArrayLike, BoolArray, FloatArray, IntArray
from metaresp.counts import Counts
from metaresp.kernel.counts.binomial_normal import NOT_CONVERGED, OK
from metaresp.kernel.effects.cochran import heterogeneity
from metaresp.kernel.effects.mean import MEAN_CI
from metaresp.kernel.effects.prediction import PREDICTION
from metaresp.kernel.effects.sums import study_weights
from metaresp.kernel.effects.tau2 import TAU2, Tau2, Tau2Method
from metaresp.model.estimates import NO_ESTIMATE, Numbers
from metaresp.spec import Spec
from metaresp.transforms import TRANSFORMS, apply_correction, back_size, study_effects


class Effects(NamedTuple):
    """Study effects on the transformed scale; fields of shape (lanes, k)."""

    y: FloatArray
    v: FloatArray
    corrected: BoolArray


def effects(lanes: Counts, spec: Spec) -> Effects:
    """Transform the counts, corrected first where the transform and the rule say so."""
    transform, amount = TRANSFORMS[str(spec.transform)], float(spec.correction or 0.0)
    rule = spec.correct or "none"
    return Effects(*study_effects(transform, lanes.x, lanes.n, lanes.copies, rule, amount))


def corrected_studies(lanes: Counts, spec: Spec) -> BoolArray:
    """Return which studies were corrected before they were transformed, shape (lanes, k)."""
    if not TRANSFORMS[str(spec.transform)].corrected:
        return np.zeros(lanes.x.shape, dtype=np.bool_)
    amount, rule = float(spec.correction or 0.0), spec.correct or "none"
    return apply_correction(lanes.x, lanes.n, lanes.copies, rule, amount)[2]


def between_study(spec: Spec) -> Tau2Method:
    """Return the estimator of tau2: the named one, or the fixed number."""
    if isinstance(spec.tau2, float):
        fixed = spec.tau2

        def hold(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
            lanes = np.shape(y)[:-1]
            return Tau2(np.full(lanes, fixed), np.ones(lanes, dtype=bool), np.zeros(lanes, dtype=np.int64))

        return hold
    return TAU2[str(spec.tau2)]


def fit_inverse_variance(lanes: Counts, spec: Spec, rng: Generator | None) -> tuple[Numbers, IntArray]:
    """Fit the inverse-variance model to lanes that it can fit."""
    transform = TRANSFORMS[str(spec.transform)]
    y, v, _ = effects(lanes, spec)
    copies, tail = lanes.copies, (1 - spec.level) / 2
    refit = between_study(spec)
    tau2 = refit(y, v, copies)
    mean = MEAN_CI[spec.ci](y, v, copies, tau2.value, tail, refit, rng)
    het = heterogeneity(y, v, copies, tau2.value, tail)
    # only a scale with a back_n has a rate that depends on a size
    size = None if spec.back_n is None else back_size(lanes.n, copies, spec.back_n, v, tau2.value)
    lower, upper = transform.limits
    endless = lower == -np.inf and upper == np.inf

    def back(values: FloatArray) -> FloatArray:
        rate: FloatArray = transform.inverse(values if endless else np.clip(values, lower, upper), size)
        return rate

    rate = back(mean.estimate)
    out: Numbers = {
        "rate": rate,
        "low": back(mean.low),
        "high": back(mean.high),
        "mean_rate": transform.mean_rate(mean.estimate, tau2.value, size),
        "estimate": mean.estimate,
        "se": mean.se,
        "df": mean.df,
        "estimate_low": mean.low,
        "estimate_high": mean.high,
        "tau2": tau2.value,
        "Q": het.Q,
        "Q_df": het.df,
        "Q_pvalue": het.pvalue,
        # a common effect has no tau2 to speak of: both are then those of Q, as metafor gives them
        "I2": het.I2_Q if spec.tau2 == "common" else het.I2,
        "H2": het.H2_Q if spec.tau2 == "common" else het.H2,
        "I2_Q": het.I2_Q,
        "I2_Q_low": het.I2_Q_low,
        "I2_Q_high": het.I2_Q_high,
        "typical_v": het.typical_v,
    }
    reason = np.where(np.isnan(mean.estimate), NO_ESTIMATE, np.where(tau2.converged, OK, NOT_CONVERGED))
    if spec.prediction is not None:
        low, high = PREDICTION[spec.prediction](y, v, copies, tau2.value, mean, tail, refit, rng)
        out |= {
            "estimate_prediction_low": low,
            "estimate_prediction_high": high,
            "prediction_low": back(low),
            "prediction_high": back(high),
        }
    return out, reason


def weigh_inverse_variance(lanes: Counts, spec: Spec, tau2: FloatArray) -> FloatArray:
    """Return the share of each study in percent, shape (lanes, k)."""
    _, v, _ = effects(lanes, spec)
    return study_weights(v, lanes.copies, tau2)


def turning_size(counts: Counts, spec: Spec, tau2: float) -> FloatArray:
    """Return the size with which one lane's pooled Freeman-Tukey effect is turned back, shape (1,)."""
    v = effects(counts, spec).v
    return back_size(counts.n, counts.copies, spec.back_n or "harmonic", v, np.array([tau2]))
