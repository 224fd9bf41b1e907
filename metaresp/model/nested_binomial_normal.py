"""The binomial-normal model of studies nested in clusters: thetas vary between clusters and within them."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator
from scipy import special

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.errors import CannotEstimate
from metaresp.kernel.counts.binomial_normal import TAU_UNBOUNDED, mean_rate
from metaresp.kernel.counts.calibrations import each_lane
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.mean_rate import typical_variance
from metaresp.kernel.counts.new_trial import Normals
from metaresp.kernel.nested.climb import Best
from metaresp.kernel.nested.counts import WITHIN_UNKNOWN, NestedFit, arrange, fall_at, fit_nested_binomial
from metaresp.kernel.nested.groups import mean_gain
from metaresp.kernel.nested.intervals import (
    NESTED_CALIBRATIONS,
    NESTED_COUNT_CI,
    NESTED_COUNT_PREDICTION,
    NestedLanes,
    NewStudy,
)
from metaresp.kernel.nested.likelihood import information
from metaresp.kernel.nested.mean_rate import mean_fall, mean_limits
from metaresp.kernel.nested.new_trial import nested_mixture
from metaresp.kernel.nested.nodes import Nested
from metaresp.kernel.nested.spread import BETWEEN, WITHIN, count_limits
from metaresp.kernel.nested.study_rate import study_posteriors
from metaresp.kernel.nested.variance_tests import count_angle
from metaresp.model.base import Model, StudyTruths
from metaresp.model.binomial_normal import BinomialNormal
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
    levels,
    mean_numbers,
)
from metaresp.model.predictive import MixtureTrial, NewTrial
from metaresp.model.r_nested import nested_counts_script
from metaresp.model.spec import Spec
from metaresp.records import Interval

if TYPE_CHECKING:
    from metaresp.result import Fit


Falls = Callable[[Nested, Best, FloatArray, IntArray], FloatArray]


class NestedBinomialNormal(BinomialNormal):
    """Maximum likelihood over the mean and two variances."""

    choices = {
        "link": LINKS,
        "ci": NESTED_COUNT_CI,
        "prediction": NESTED_COUNT_PREDICTION,
        "effects": ("normal",),
        "penalty": (),
    }
    grouped = False
    explains = False
    I2_has_interval = False
    most_subsets = 1 << 12
    carries_tau = False
    tau2_methods = ("profile",)
    cluster: IntArray

    @classmethod
    def r_script(cls, spec: Spec) -> list[str] | None:
        """Return the lines of lme4."""
        return nested_counts_script(spec)

    @cached_property
    def arranged(self) -> Nested:
        """The counts in the order of their clusters."""
        counts = self.counts
        return arrange(counts.x, counts.n, self.cluster, counts.copies, self.spec.link or "logit")

    @cached_property
    def nested(self) -> NestedFit:
        """The fit."""
        return fit_nested_binomial(self.arranged)

    @property
    def nested_lanes(self) -> NestedLanes:
        """What intervals and tests look at."""
        return NestedLanes(self.arranged, self.nested)

    @cached_property
    def nested_new(self) -> tuple[Normals, FloatArray, FloatArray]:
        """What a new study's theta may be, and its likelihood interval."""
        mixture, low, high = nested_mixture(self.arranged, self.nested, self.nested_lanes.k, self.tail)
        return mixture, np.minimum(low, self.nested.mu), np.maximum(high, self.nested.mu)

    def tabulated(self) -> None:
        """Return nothing: studies of one cluster are no terms of a sum."""

    def classify(self) -> IntArray:
        """Return why lanes cannot be fitted."""
        return Model.classify(self)

    def estimate(self, rng: Generator | None) -> tuple[Numbers, IntArray]:
        """Fit by maximum likelihood; where each study is at 0% or 100% an exact answer takes its place."""
        fit = self.nested
        extreme = (fit.reason == TAU_UNBOUNDED) & all_extreme(self.counts)
        if not extreme.any():
            return self._numbers(), fit.reason
        reason = np.where(extreme, np.where(self._whole, CLUSTERS_EXTREME, ALL_EXTREME), fit.reason)
        rows, out = np.flatnonzero(~extreme), {}
        if rows.size:
            part = type(self)(self.counts.take(rows), self.spec, self.cluster, self.later)
            part.nested = fit.take(rows)
            for name, values in part._numbers().items():
                out[name] = np.full(reason.size, np.nan)
                out[name][rows] = values
        return out, reason

    def _numbers(self) -> Numbers:
        """Return what the fit says of every lane."""
        counts, fit, spec, lanes = self.counts, self.nested, self.spec, self.nested_lanes
        ci = NESTED_COUNT_CI[spec.ci](lanes, self.tail)
        between, within = fit.tau_between**2, fit.tau_within**2
        tau2, name = between + within, spec.link or "logit"
        tau = np.sqrt(tau2)
        mean, rest = (mean_rate(fit.mu, tau, name, complement=other) for other in (False, True))
        v = typical_variance(counts.n, counts.copies, mean, rest, self.link)
        out: Numbers = one_rate(counts) | {
            "mean_rate": mean,
            "I2": 100 * tau2 / (tau2 + v),
            "H2": 1 + tau2 / v,
            "typical_v": v,
            "loglik": fit.loglik,
        }
        out |= mean_numbers(fit.mu, ci, between, within)
        seen = fit.reason != WITHIN_UNKNOWN
        out |= {"tau2_between": between, "tau2_within": np.where(seen, within, np.nan)}
        if spec.prediction is not None and not self.waits:
            method = NESTED_COUNT_PREDICTION[spec.prediction]
            low, high = method(lanes, NewStudy(fit.mu, ci.se, tau2, lanes.k), self.tail)
            out |= {"estimate_prediction_low": low, "estimate_prediction_high": high}
        out |= as_rates(out, self.link.rate)
        return out | both_tested(fit, count_angle(self.arranged))

    @property
    def _whole(self) -> BoolArray:
        """Whether each cluster of a lane is wholly at 0% or wholly at 100%."""
        data = self.arranged
        full = data.groups.sums(data.copies * (data.x == data.n))
        whole: BoolArray = ((full == 0) | (full == data.sizes)).all(axis=-1)
        return whole

    def exact_counts(self, reason: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return what an exact answer counts: clusters that are wholly at 0% or 100%, as single patients."""
        events, n = super().exact_counts(reason)
        rows = np.flatnonzero(reason == CLUSTERS_EXTREME)
        if rows.size:
            data = self.arranged.take(rows)
            full = data.groups.sums(data.copies * (data.x == data.n)) > 0
            events[rows], n[rows] = full.sum(axis=-1), (data.sizes > 0).sum(axis=-1)
        return events, n

    def exact_weights(self, reason: IntArray) -> FloatArray:
        """Return one for each cluster, shared by its studies, where clusters are counted."""
        w, data = super().exact_weights(reason), self.arranged
        shared = by_study((1 / np.maximum(data.sizes, 1.0))[:, data.groups.owner], data.groups)
        return np.where((reason == CLUSTERS_EXTREME)[:, None], shared, w)

    def weigh(self, found: Estimates) -> FloatArray:
        """Return each study's part in the information about the mean."""
        return by_study(information(self.arranged, self.nested.at)[1], self.arranged.groups)

    def levels(self, found: Estimates) -> dict[str, float]:
        """Return both variances, of clusters and of the studies of a cluster, and their tests."""
        if is_exact(found.reason)[0]:
            return UNKNOWN
        fit, v = self.nested, float(found.typical_v[0])
        known = bool(fit.reason[0] != WITHIN_UNKNOWN)
        return levels(fit.tau_between**2, fit.tau_within**2, v, fit, within_known=known)

    def mean_limits(self, found: Estimates) -> tuple[FloatArray, FloatArray]:
        """Return the limits of its own profile, by the calibration of ``ci``.

        For Wald intervals those of mu, averaged over trials at the estimated variances.
        """
        lanes = self.nested_lanes
        if self.spec.ci not in NESTED_CALIBRATIONS:
            return Model.mean_limits(self, found)
        fall = np.where(lanes.k > 1, NESTED_CALIBRATIONS[self.spec.ci].critical(lanes, self.tail), np.nan)
        low, high = mean_limits(lanes.data, lanes.fit.best, fall)
        return special.expit(low), special.expit(high)

    def new_interval(self) -> tuple[Interval, Interval]:
        """Return the likelihood interval of a new study: as rates, and on the scale of the link."""
        ends = self.nested_new[1:]
        as_rates, on_scale = (
            Interval(low.item(), max(low, high).item())
            for low, high in ([self.link.rate(end) for end in ends], ends)
        )
        return as_rates, on_scale

    def tau2_interval(
        self, pooled: "Fit", method: str | None, component: str | None, level: float
    ) -> Interval:
        """Return the profile-likelihood interval of one variance, or of their sum."""
        which, fall = component_of(self.cluster, method, component, level)
        if (self.counts.n == 1).all():
            if which == WITHIN:
                raise CannotEstimate("tau2_ci: every study holds one patient: no variance within clusters")
            which = BETWEEN
        low, high = count_limits(self.arranged, self.nested.best, np.array([fall]), which)
        return Interval(low.item() ** 2, high.item() ** 2)

    def pvalues(self, targets: FloatArray) -> FloatArray | None:
        """Return p-values read off the fall of the profile, by the calibration of the interval."""
        if self.spec.ci not in NESTED_CALIBRATIONS:
            return None
        return self._pvalues(fall_at, targets)

    def mean_pvalues(self, rates: FloatArray) -> FloatArray | None:
        """Return the p-values of mean rates over trials, by their own profile; None for Wald intervals."""
        if self.spec.ci not in NESTED_CALIBRATIONS:
            return None
        return self._pvalues(mean_fall, special.logit(rates))

    def _pvalues(self, falls: Falls, at: FloatArray) -> FloatArray:
        """Return the p-values of *falls* of a profile at values of its parameter, shape (lanes, points)."""
        lanes = self.nested_lanes
        fall = each_lane(partial(falls, lanes.data, lanes.fit.best), at)
        return NESTED_CALIBRATIONS[self.spec.ci].pvalue(lanes, fall)

    def new_trial(self, pooled: "Fit", limits: Interval) -> NewTrial:
        """Return a mixture of normals, one for each value that tau may have, for the likelihood interval."""
        if self.spec.prediction != "likelihood":
            return Model.new_trial(self, pooled, limits)
        return MixtureTrial(self.nested_new[0], self.spec.link or "logit")

    def mean_gain(self) -> tuple[float, float]:
        """Return twice the gain of a mean for each lane over one for all, each with its own variances."""
        return mean_gain(self.arranged), float(self.nested_lanes.k.sum())

    def study_rates(self, pooled: "Fit") -> StudyTruths:
        """Return mean and equal-tailed interval of each rate given all counts of its cluster."""
        between, within = np.nan_to_num([pooled.tau2_between, pooled.tau2_within])
        at = np.array([pooled.estimate, between**0.5, within**0.5])
        mean, low, high = study_posteriors(self.arranged, at, self.tail)
        g = self.arranged.groups
        return StudyTruths(by_study(mean, g), by_study(low, g), by_study(high, g), GIVEN_CLUSTER)
