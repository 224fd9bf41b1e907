"""The inverse-variance model of studies nested in clusters: effects vary between clusters and within them."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts.binomial_normal import NOT_CONVERGED, OK
from metaresp.kernel.effects.cochran import heterogeneity
from metaresp.kernel.nested.effects import (
    ONE_EACH,
    GaussianFit,
    effect_posteriors,
    effects_of,
    fit_nested_gaussian,
    nested_weights,
)
from metaresp.kernel.nested.effects import Effects as NestedEffects
from metaresp.kernel.nested.intervals import NESTED_EFFECT_CI, NESTED_PREDICTION, NewStudy
from metaresp.kernel.nested.spread import effect_limits
from metaresp.kernel.nested.variance_tests import effect_angle
from metaresp.model.base import StudyTruths
from metaresp.model.estimates import NO_ESTIMATE, Estimates, Numbers, is_exact
from metaresp.model.inverse_variance import InverseVariance
from metaresp.model.nested import (
    GIVEN_CLUSTER,
    UNKNOWN,
    as_rates,
    both_tested,
    by_study,
    component_of,
    levels,
    mean_numbers,
)
from metaresp.model.r_nested import nested_effects_script
from metaresp.model.spec import Spec
from metaresp.records import Interval

if TYPE_CHECKING:
    from metaresp.result import Fit


class NestedInverseVariance(InverseVariance):
    """Restricted maximum likelihood over two variances, with cluster-robust intervals."""

    choices = {
        "tau2": ("REML",),
        "ci": NESTED_EFFECT_CI,
        "prediction": NESTED_PREDICTION,
    }
    I2_has_interval = False
    most_subsets = 1 << 12
    cluster: IntArray

    @classmethod
    def r_script(cls, spec: Spec) -> list[str] | None:
        """Return the lines of metafor."""
        return nested_effects_script(spec)

    @cached_property
    def arranged(self) -> NestedEffects:
        """The effects in the order of their clusters."""
        return effects_of(self.effects.y, self.effects.v, self.cluster, self.counts.copies)

    @cached_property
    def nested(self) -> GaussianFit:
        """The fit."""
        return fit_nested_gaussian(self.arranged)

    def estimate(self, rng: Generator | None) -> tuple[Numbers, IntArray]:
        """Fit by restricted maximum likelihood."""
        y, v, _ = self.effects
        known = (np.isfinite(y) & np.isfinite(v) & (v > 0)) | (self.counts.copies == 0)
        rows, out = np.flatnonzero(known.all(axis=-1)), {}
        reason = np.full(len(y), NO_ESTIMATE)
        if rows.size == reason.size:
            return self._numbers()
        if rows.size:
            part, reason[rows] = self.take(rows)._numbers()
            for name, values in part.items():
                out[name] = np.full(reason.size, np.nan)
                out[name][rows] = values
        return out, reason

    def _numbers(self) -> tuple[Numbers, IntArray]:
        """Return what the fit says of every lane."""
        (y, v, _), spec, fit, transform = self.effects, self.spec, self.nested, self.transform
        clusters = self.arranged.clusters
        ci = NESTED_EFFECT_CI[spec.ci](fit, clusters, self.tail)
        tau2 = fit.tau2_between + fit.tau2_within
        het = heterogeneity(y, v, self.counts.copies, tau2, self.tail)
        size = self.size(tau2)
        out: Numbers = {"Q": het.Q, "Q_df": het.df, "Q_pvalue": het.pvalue, "I2": het.I2, "H2": het.H2}
        out |= {"I2_Q": het.I2_Q, "I2_Q_low": het.I2_Q_low, "I2_Q_high": het.I2_Q_high}
        out |= {"typical_v": het.typical_v, "mean_rate": self.mean_rates(fit.mu, tau2)}
        out |= mean_numbers(fit.mu, ci, fit.tau2_between, fit.tau2_within)
        told = np.where(fit.reason == ONE_EACH, np.nan, 1.0)
        out |= {"tau2_between": told * fit.tau2_between, "tau2_within": told * fit.tau2_within}
        if spec.prediction is not None:
            new = NewStudy(fit.mu, ci.se, tau2, clusters)
            low, high = NESTED_PREDICTION[spec.prediction](new, self.tail)
            out |= {"estimate_prediction_low": low, "estimate_prediction_high": high}
        out |= as_rates(out, lambda value: transform.inverse(np.clip(value, *transform.limits), size))
        out |= both_tested(fit, effect_angle(self.arranged))
        return out, np.where(fit.reason == NOT_CONVERGED, NOT_CONVERGED, OK)

    def weigh(self, found: Estimates) -> FloatArray:
        """Return the weight of each study in the mean of its cluster and that of the cluster."""
        fit, data = self.nested, self.arranged
        return by_study(nested_weights(data, fit.tau2_within, fit.tau2_between), data.groups)

    def levels(self, found: Estimates) -> dict[str, float]:
        """Return both variances, of clusters and of the studies of a cluster, and their tests."""
        if is_exact(found.reason)[0] or np.isnan(found.estimate[0]) or self.nested.reason[0] == ONE_EACH:
            return UNKNOWN
        fit = self.nested
        return levels(fit.tau2_between, fit.tau2_within, float(found.typical_v[0]), fit)

    def tau2_interval(
        self, pooled: "Fit", method: str | None, component: str | None, level: float
    ) -> Interval:
        """Return the restricted profile-likelihood interval of one variance, or of their sum."""
        which, fall = component_of(self.cluster, method, component, level)
        low, high = effect_limits(self.arranged, self.nested, fall, which)
        return Interval(low * low, high * high)

    def study_rates(self, pooled: "Fit") -> StudyTruths:
        """Return the normal posterior of each effect given those of its cluster, turned back into rates."""
        between, within = pooled.tau2_between, float(np.nan_to_num(pooled.tau2_within))
        if np.isnan(between):  # one study a cluster
            return super().study_rates(pooled)
        y, v, _ = self.effects
        centre, sd = effect_posteriors(y[0], v[0], self.cluster, pooled.estimate, within, between)
        return self.turned_back(centre, sd, GIVEN_CLUSTER)
