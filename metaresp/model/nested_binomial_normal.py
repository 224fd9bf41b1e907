"""The binomial-normal model of studies nested in clusters: logits vary between clusters and within them."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator
from scipy import special

from metaresp.arrays import FloatArray, IntArray
from metaresp.errors import CannotEstimate, InvalidArgument, option
from metaresp.kernel.counts.binomial_normal import TAU_UNBOUNDED, mean_rate
from metaresp.kernel.counts.calibrations import CALIBRATIONS
from metaresp.kernel.nested.climb import Best
from metaresp.kernel.nested.counts import WITHIN_UNKNOWN, NestedFit, arrange, fall_at, fit_nested_binomial
from metaresp.kernel.nested.intervals import NESTED_COUNT_CI, NESTED_PREDICTION, NestedCounts
from metaresp.kernel.nested.likelihood import contributions
from metaresp.kernel.nested.nodes import Nested
from metaresp.kernel.nested.robust import groups
from metaresp.kernel.nested.spread import BETWEEN, WITHIN, count_limits
from metaresp.kernel.nested.study_rate import study_posteriors
from metaresp.kernel.nested.variance_tests import count_angle
from metaresp.kernel.numerics.special import saturated
from metaresp.model.base import Model, StudyTruths
from metaresp.model.binomial_normal import BinomialNormal, typical_variance
from metaresp.model.estimates import (
    ALL_EXTREME,
    CLUSTERS_EXTREME,
    Estimates,
    Numbers,
    all_extreme,
    is_exact,
    one_rate,
)
from metaresp.model.nested import (
    GIVEN_CLUSTER,
    UNKNOWN,
    as_rates,
    both_tested,
    by_study,
    component_of,
    lane,
    levels,
    mean_numbers,
)
from metaresp.model.r_nested import nested_counts_script
from metaresp.model.spec import Spec
from metaresp.records import Interval

if TYPE_CHECKING:
    from metaresp.result import Fit


class NestedBinomialNormal(BinomialNormal):
    """Maximum likelihood over the mean logit and two variances; one lane."""

    choices = {
        "link": ("logit",),
        "ci": NESTED_COUNT_CI,
        "prediction": NESTED_PREDICTION,
        "effects": ("normal",),
        "penalty": (),
    }
    grouped = False
    explains = False
    I2_has_interval = False
    carries_tau = False
    tau2_methods = ("profile",)
    cluster: IntArray

    @classmethod
    def r_script(cls, spec: Spec) -> list[str] | None:
        """Return the lines of lme4."""
        return nested_counts_script(spec)

    @cached_property
    def nested(self) -> NestedFit:
        """The fit."""
        return fit_nested_binomial(self.counts.x[0], self.counts.n[0], self.cluster)

    @cached_property
    def arranged(self) -> Nested:
        """The counts in the order of their clusters."""
        return arrange(self.counts.x[0], self.counts.n[0], self.cluster)[0]

    def classify(self) -> IntArray:
        """Return why lanes cannot be fitted."""
        return Model.classify(self)

    def estimate(self, rng: Generator | None) -> tuple[Numbers, IntArray]:
        """Fit by maximum likelihood; where each study is at 0% or 100% an exact answer takes its place."""
        counts, fit, spec = self.counts, self.nested, self.spec
        if fit.reason == TAU_UNBOUNDED and all_extreme(counts)[0]:
            return {}, np.array([CLUSTERS_EXTREME if self._whole else ALL_EXTREME])
        x, n = counts.x[0], counts.n[0]
        clusters = float(self.arranged.groups.first.size)
        ci = NESTED_COUNT_CI[spec.ci](NestedCounts(x, n, self.cluster, fit), clusters, self.tail)
        tau2 = fit.tau_between**2 + fit.tau_within**2
        mu, tau = np.array([fit.mu]), np.sqrt([tau2])
        mean, rest = (mean_rate(mu, tau, complement=other) for other in (False, True))
        v = float(typical_variance(counts, mean, rest, self.link)[0])
        out: dict[str, float] = {name: float(value[0]) for name, value in one_rate(counts).items()}
        out |= {
            "mean_rate": float(mean[0]),
            "I2": 100 * tau2 / (tau2 + v),
            "H2": 1 + tau2 / v,
            "typical_v": v,
            "loglik": fit.loglik,
        }
        out |= mean_numbers(fit.mu, ci, tau2, clusters, spec)
        out |= as_rates(out, lambda logit: float(special.expit(logit)))
        out |= both_tested(fit, count_angle(self.arranged.n, self.arranged.groups))
        return lane(out), np.array([fit.reason])

    @property
    def _whole(self) -> bool:
        """Whether each cluster is wholly at 0% or wholly at 100%."""
        g = groups(self.cluster)
        full = g.sums((self.counts.x[0] == self.counts.n[0])[g.order].astype(np.float64))
        return bool(((full == 0) | (full == np.bincount(g.owner))).all())

    def exact_counts(self, reason: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return what an exact answer counts: clusters that are wholly at 0% or 100%, as single patients."""
        if reason[0] != CLUSTERS_EXTREME:
            return super().exact_counts(reason)
        full = self.cluster[self.counts.x[0] == self.counts.n[0]]
        return np.array([float(np.unique(full).size)]), np.array([float(np.unique(self.cluster).size)])

    def exact_weights(self, reason: IntArray) -> FloatArray:
        """Return one for each cluster, shared by its studies, where clusters are counted."""
        if reason[0] != CLUSTERS_EXTREME:
            return super().exact_weights(reason)
        g = groups(self.cluster)
        return by_study((1 / np.bincount(g.owner))[g.owner], g)[None]

    def weigh(self, found: Estimates) -> FloatArray:
        """Return each study's part in the information about the mean."""
        at = np.array([self.nested.mu, self.nested.tau_between, self.nested.tau_within])
        return by_study(contributions(self.arranged, at), self.arranged.groups)[None]

    def levels(self, found: Estimates) -> dict[str, float]:
        """Return both variances, of clusters and of the studies of a cluster, and their tests."""
        if is_exact(found.reason)[0]:
            return UNKNOWN
        fit, v = self.nested, float(found.typical_v[0])
        known = fit.reason != WITHIN_UNKNOWN
        return levels(fit.tau_between**2, fit.tau_within**2, v, fit, within_known=known)

    def mean_limits(self, found: Estimates) -> tuple[FloatArray, FloatArray]:
        """Return the limits of mu, averaged over trials at the estimated variances."""
        return Model.mean_limits(self, found)

    def _best(self, pooled: "Fit") -> Best:
        """Return the maximum from what a fit keeps of it."""
        within = np.nan_to_num(pooled.tau2_within)
        at = np.array([pooled.estimate, np.sqrt(pooled.tau2_between), np.sqrt(within)])
        return Best(at, pooled.loglik - float(saturated(self.counts.x, self.counts.n).sum()))

    def tau2_interval(
        self, pooled: "Fit", method: str | None, component: str | None, level: float
    ) -> Interval:
        """Return the profile-likelihood interval of one variance, or of their sum."""
        which, fall = component_of(self.cluster, method, component, level)
        x, n = self.counts.x[0], self.counts.n[0]
        if (n == 1).all():
            if which == WITHIN:
                raise CannotEstimate("tau2_ci: every study holds one patient: no variance within clusters")
            which = BETWEEN
        low, high = count_limits(x, n, self.cluster, self._best(pooled), fall, which)
        return Interval(low * low, high * high)

    def pvalues(self, targets: FloatArray, pooled: "Fit") -> FloatArray | None:
        """Return p-values read off the fall of the profile, by chi-square or the t of the interval."""
        if self.spec.ci not in CALIBRATIONS:
            return None
        best, found = self._best(pooled), []
        for target in targets.tolist():
            if not np.isfinite(target):
                raise InvalidArgument(f"{option('target', target)}: must be finite")
            fall = fall_at(self.counts.x[0], self.counts.n[0], self.cluster, best, target)
            root, df = float(np.sqrt(fall)), pooled.df
            found.append(2 * float(special.ndtr(-root) if np.isinf(df) else special.stdtr(df, -root)))
        return np.array(found)

    def mean_pvalue(self, rate: float) -> float | None:
        """Return None: its p-value is that of the typical trial."""
        return None

    def study_rates(self, pooled: "Fit") -> StudyTruths:
        """Return mean and equal-tailed interval of each rate given all counts of its cluster."""
        between, within = np.nan_to_num([pooled.tau2_between, pooled.tau2_within])
        at = np.array([pooled.estimate, between**0.5, within**0.5])
        mean, low, high = study_posteriors(self.arranged, at, self.tail)
        g = self.arranged.groups
        return StudyTruths(by_study(mean, g), by_study(low, g), by_study(high, g), GIVEN_CLUSTER)
