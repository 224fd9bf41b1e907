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
    fit_nested_gaussian,
    nested_weights,
)
from metaresp.kernel.nested.intervals import NESTED_EFFECT_CI, NESTED_PREDICTION
from metaresp.kernel.nested.robust import groups
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
    component_of,
    lane,
    levels,
    mean_numbers,
)
from metaresp.model.r_nested import nested_effects_script
from metaresp.model.spec import Spec
from metaresp.records import Interval

if TYPE_CHECKING:
    from metaresp.result import Fit


class NestedInverseVariance(InverseVariance):
    """Restricted maximum likelihood over two variances, with cluster-robust intervals; one lane."""

    choices = {
        "tau2": ("REML",),
        "ci": NESTED_EFFECT_CI,
        "prediction": NESTED_PREDICTION,
    }
    I2_has_interval = False
    cluster: IntArray

    @classmethod
    def r_script(cls, spec: Spec) -> list[str] | None:
        """Return the lines of metafor."""
        return nested_effects_script(spec)

    @cached_property
    def nested(self) -> GaussianFit:
        """The fit."""
        return fit_nested_gaussian(self.effects.y[0], self.effects.v[0], self.cluster)

    def estimate(self, rng: Generator | None) -> tuple[Numbers, IntArray]:
        """Fit by restricted maximum likelihood."""
        y, v, _ = self.effects
        if not (np.isfinite(y).all() and np.isfinite(v).all() and (v > 0).all()):
            return {}, np.array([NO_ESTIMATE])
        fit, g, transform = self.nested, groups(self.cluster), self.transform
        clusters = float(g.first.size)
        ci = NESTED_EFFECT_CI[self.spec.ci](fit, clusters, self.tail)
        tau2 = np.array([fit.tau2_between + fit.tau2_within])
        het = heterogeneity(y, v, self.counts.copies, tau2, self.tail)
        size = self.size(tau2)

        def back(value: float) -> float:
            rate: FloatArray = transform.inverse(np.clip(np.array([value]), *transform.limits), size)
            return float(rate[0])

        named = {"Q": het.Q, "Q_df": het.df, "Q_pvalue": het.pvalue, "I2": het.I2, "H2": het.H2}
        named |= {"I2_Q": het.I2_Q, "I2_Q_low": het.I2_Q_low, "I2_Q_high": het.I2_Q_high}
        named |= {"typical_v": het.typical_v, "mean_rate": self.mean_rates(np.array([fit.mu]), tau2)}
        out: dict[str, float] = {name: float(value[0]) for name, value in named.items()}
        out |= mean_numbers(fit.mu, ci, float(tau2[0]), clusters, self.spec)
        out |= as_rates(out, back)
        out |= both_tested(fit, effect_angle(v[0][g.order], g))
        return lane(out), np.array([NOT_CONVERGED if fit.reason == NOT_CONVERGED else OK])

    def weigh(self, found: Estimates) -> FloatArray:
        """Return the weight of each study in the mean of its cluster and that of the cluster."""
        v, fit = self.effects.v[0], self.nested
        return nested_weights(v, self.cluster, fit.tau2_within, fit.tau2_between)[None]

    def levels(self, found: Estimates) -> dict[str, float]:
        """Return both variances, of clusters and of the studies of a cluster, and their tests."""
        if is_exact(found.reason)[0] or np.isnan(found.estimate[0]) or self.nested.reason == ONE_EACH:
            return UNKNOWN
        fit = self.nested
        return levels(fit.tau2_between, fit.tau2_within, float(found.typical_v[0]), fit)

    def tau2_interval(
        self, pooled: "Fit", method: str | None, component: str | None, level: float
    ) -> Interval:
        """Return the restricted profile-likelihood interval of one variance, or of their sum."""
        which, fall = component_of(self.cluster, method, component, level)
        y, v, _ = self.effects
        low, high = effect_limits(y[0], v[0], self.cluster, self.nested, fall, which)
        return Interval(low * low, high * high)

    def study_rates(self, pooled: "Fit") -> StudyTruths:
        """Return the normal posterior of each effect given those of its cluster, turned back into rates."""
        between, within = pooled.tau2_between, float(np.nan_to_num(pooled.tau2_within))
        if np.isnan(between):  # one study a cluster
            return super().study_rates(pooled)
        y, v, _ = self.effects
        centre, sd = effect_posteriors(y[0], v[0], self.cluster, pooled.estimate, within, between)
        return self.turned_back(centre, sd, GIVEN_CLUSTER)
