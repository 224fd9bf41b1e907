"""The inverse-variance model: transformed rates, a between-study variance, a weighted mean."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.random import Generator
from scipy import special

from metaresp.arrays import ArrayLike, BoolArray, FloatArray, IntArray
from metaresp.counts import Counts
from metaresp.errors import InvalidArgument, folded, known_name, option
from metaresp.kernel.counts.binomial_normal import NOT_CONVERGED, OK
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.effects.cochran import heterogeneity
from metaresp.kernel.effects.mean import MEAN_CI
from metaresp.kernel.effects.prediction import PREDICTION
from metaresp.kernel.effects.sums import study_weights
from metaresp.kernel.effects.tau2 import TAU2, Tau2, Tau2Method
from metaresp.kernel.effects.tau2_interval import TAU2_CI
from metaresp.kernel.numerics.panels import Logs
from metaresp.model.base import Model, StudyTruths
from metaresp.model.effect_notes import OWN_CENTRE, effect_notes
from metaresp.model.effect_words import effect_words
from metaresp.model.estimates import NO_ESTIMATE, Estimates, Numbers
from metaresp.model.inversion import least_alpha
from metaresp.model.left_out import EffectsLeftOut
from metaresp.model.r_calls import effects_call
from metaresp.model.r_inverse_variance import inverse_variance_script
from metaresp.model.spec import Spec
from metaresp.transforms import (
    BACK_N,
    CORRECT,
    LEAVE_OUT,
    SCALE_OF_RULE,
    TRANSFORMS,
    back_size,
    study_effects,
)
from metaresp.transforms.scales import Transform

if TYPE_CHECKING:
    from metaresp.result import Fit

PEARSON, COCHRAN = "Squared Pearson residual", "Contribution to Cochran's Q"

# not the estimate -+ a quantile of t times its error
_NOT_T = frozenset({"profile", "henmi-copas", "bootstrap"})


class Effects(NamedTuple):
    """Study effects on the transformed scale; fields of shape (lanes, k)."""

    y: FloatArray
    v: FloatArray
    corrected: BoolArray


class InverseVariance(EffectsLeftOut, Model):
    """Effects of the studies with known variances, their mean weighted by ``1 / (v + tau2)``."""

    name = "inverse-variance"
    options = {
        "transform": "logit",
        "tau2": "REML",
        "ci": "hartung-knapp",
        "prediction": "hts",
        "correction": 0.5,
        "correct": "only-zero",
        "back_n": "harmonic",
    }
    choices = {
        "transform": TRANSFORMS,
        "tau2": TAU2,
        "ci": MEAN_CI,
        "prediction": PREDICTION,
        "correction": (),
        "correct": CORRECT,
        "back_n": BACK_N,
    }
    I2_has_interval = True
    tau2_methods = tuple(TAU2_CI)
    own_centre = frozenset(OWN_CENTRE)
    Q_symbol = "Q"
    Q_definition = "Cochran's Q: weighted squared distances from the common-effect mean"

    def __init__(
        self, counts: Counts, spec: Spec, cluster: IntArray | None = None, later: bool = False
    ) -> None:
        if spec.correct == LEAVE_OUT:
            counts = counts.without((counts.x == 0) | (counts.x == counts.n))
        super().__init__(counts, spec, cluster, later)

    @classmethod
    def settle(cls, complete: dict[str, Any], given: Mapping[str, Any]) -> None:
        """Drop what the transform has no use for; an option given and not used is an error."""
        name = complete["transform"] = known_name("transform", complete["transform"], TRANSFORMS)
        idle = [] if TRANSFORMS[name].corrected else ["correction", "correct"]
        if name != "freeman-tukey":
            idle.append("back_n")
        for other in idle:
            if other in given:
                raise InvalidArgument(
                    f"{option(other, given[other])} has no meaning for {option('transform', name)}: "
                    "leave it out"
                )
            del complete[other]
        if "correct" in complete:
            complete["correct"] = known_name("correct", complete["correct"], CORRECT)
            scale = SCALE_OF_RULE.get(complete["correct"], name)
            if scale != name:
                raise InvalidArgument(
                    f"{option('correct', complete['correct'])} has no meaning for "
                    f"{option('transform', name)}: it belongs to {option('transform', scale)}"
                )
        if isinstance(complete["tau2"], str) and folded(complete["tau2"]) == "common":
            complete["prediction"] = None

    @classmethod
    def label(cls, spec: Spec, nested: str) -> str:
        """Return the model in words."""
        kind = "Common effect" if spec.tau2 == "common" else "Random effects"
        return f"{kind} (inverse variance, {spec.transform}, tau2 {spec.tau2}{nested})"

    @classmethod
    def typical_scale(cls, spec: Spec) -> str:
        """Return the scale whose mean makes the pooled rate; without a spread that is every trial's."""
        return "" if spec.tau2 in {"common", 0.0} else super().typical_scale(spec)

    @classmethod
    def I2_definition(cls, spec: Spec) -> str:
        """Say what I2 is a share of."""
        if spec.tau2 == "common":
            return "max(0, (Q - df) / Q)"
        return "tau2 / (tau2 + typical sampling variance), Higgins and Thompson 2002"

    @classmethod
    def r_script(cls, spec: Spec) -> list[str] | None:
        """Return the lines of metafor, and of meta where it can."""
        return inverse_variance_script(spec)

    @classmethod
    def brief(cls, spec: Spec, at_edge: bool) -> str:
        """Return scale, estimator and interval."""
        return effect_words(spec, at_edge)

    @classmethod
    def r_call(cls, spec: Spec, events: str, data: str) -> str:
        """Return the call of metafor, or of meta for what that alone has."""
        return effects_call(spec, events, data)

    @property
    def transform(self) -> Transform:
        """The scale of the effects."""
        return TRANSFORMS[str(self.spec.transform)]

    @property
    def rule(self) -> tuple[str, float]:
        """Which studies are corrected, and by how much."""
        return self.spec.correct or "none", float(self.spec.correction or 0.0)

    @cached_property
    def effects(self) -> Effects:
        """The counts transformed, corrected first where the transform and the rule say so."""
        x, n, copies = self.counts.x, self.counts.n, self.counts.copies
        if self.table is not None:
            return Effects(*(np.broadcast_to(field, x.shape) for field in self.table))
        return Effects(*study_effects(self.transform, x, n, copies, *self.rule))

    def tabulated(self) -> Effects | None:
        """Return the effects of the studies, which are those in every subset; None where they are not."""
        own = self.rule[0] not in {"if-any", LEAVE_OUT} and all(map(np.all, map(np.isfinite, self.effects)))
        return self.effects if own else None

    def size(self, tau2: FloatArray) -> FloatArray | None:
        """Return the size with which a pooled effect is turned back; only ``back_n`` scales have one."""
        if self.spec.back_n is None:
            return None
        return back_size(self.counts.n, self.counts.copies, self.spec.back_n, self.effects.v, tau2)

    def notes(self, one: Mapping[str, Any], named: Callable[[Sequence[int]], str]) -> list[str]:
        """Say what the interval, the correction and the transform did."""
        return effect_notes(self, one, named)

    def estimate(self, rng: Generator | None) -> tuple[Numbers, IntArray]:
        """Fit the effects."""
        spec, transform, copies, tail = self.spec, self.transform, self.counts.copies, self.tail
        y, v, _ = self.effects
        refit = between_study(spec)
        tau2 = refit(y, v, copies)
        mean = MEAN_CI[spec.ci](y, v, copies, tau2.value, tail, refit, rng)
        het = heterogeneity(y, v, copies, tau2.value, None if self.bare else tail)
        size = self.size(tau2.value)
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
        if not self.bare:
            out["mean_rate"] = transform.mean_rate(mean.estimate, tau2.value, size)
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

    def weigh(self, found: Estimates) -> FloatArray:
        """Return the share of each study in percent."""
        return study_weights(self.effects.v, self.counts.copies, found.tau2)

    def mean_rates(self, mu: FloatArray, tau2: FloatArray) -> FloatArray:
        """Return the mean rate over trials at a mean and a variance."""
        return self.transform.mean_rate(mu, tau2, self.size(tau2))

    def _tau2_limits(self, method: str, tail: float) -> tuple[FloatArray, FloatArray]:
        return TAU2_CI[method](self.effects.y, self.effects.v, self.counts.copies, tail)

    def effect_of(self, rate: float, tau2: float) -> float:
        """Return the effect that turns back into *rate*, with the pooled size where the transform has one."""
        size = self.size(np.array([tau2]))
        if size is None or np.isinf(size).any():
            return super().effect_of(rate, tau2)
        return float(self.transform.forward(rate * size, size)[0][0])

    def logs(self, tau2: float) -> tuple[Logs, tuple[float, ...]]:
        """Return how an effect becomes log p and log q, and where the rate becomes 0 or 1 for good."""
        if self.spec.transform in LINKS:
            return super().logs(tau2)
        transform = self.transform
        low, high = transform.limits
        size = self.size(np.array([tau2]))
        if size is not None:
            low = float(transform.forward(np.zeros(1), size)[0][0])
            high = np.pi / 2 - low

        def logs(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
            with np.errstate(divide="ignore"):
                p, q = (
                    np.log(transform.inverse(np.clip(end, low, high), size))
                    for end in (theta, low + high - theta)
                )
            return p, q

        return logs, (low, high)

    def pvalues(self, targets: FloatArray) -> FloatArray | None:
        """Return p-values of intervals that have no t: the least ``1 - level`` that leaves a target out."""
        if self.spec.ci not in _NOT_T:
            return None
        alone = (self.take(np.array([lane])) for lane in range(len(targets)))
        pairs = zip(alone, targets.tolist(), strict=True)
        return np.array([[least_alpha(target, one) for target in row] for one, row in pairs])

    def typical_of_mean(self, rate: float, tau2: float) -> float:
        """Return the rate of a typical trial where the mean over trials is *rate*, at a known tau2."""
        from scipy.optimize import brentq

        at = np.array([tau2])
        low, high = self.transform.limits
        low, high = max(low, -700.0), min(high, 700.0)

        def short(mu: float) -> float:
            return float(self.mean_rates(np.array([mu]), at)[0]) - rate

        if short(low) >= 0 or short(high) <= 0:
            where = low if short(low) >= 0 else high
        else:
            where = brentq(short, low, high, xtol=1e-12)
        typical = float(self.transform.inverse(np.array([where]), self.size(at))[0])
        return min(max(typical, 1e-12), 1 - 1e-12)

    def study_rates(self, pooled: "Fit") -> StudyTruths:
        """Return the normal posterior of the effect, its mean and limits turned back with the study's n."""
        y, v, _ = self.effects
        inside = self.counts.copies[0] > 0  # what is left out tells nothing of its own rate
        share = np.where(inside, pooled.tau2 / (pooled.tau2 + v[0]), 0.0)
        centre = pooled.estimate + share * (y[0] - pooled.estimate)
        sd = np.sqrt(np.where(inside, share * v[0], pooled.tau2))
        scale = f"Normal posterior on the {self.spec.transform} scale"
        return self.turned_back(centre, sd, f"{scale} at the fitted mu and tau, turned back into a rate.")

    def turned_back(self, centre: FloatArray, sd: FloatArray, note: str) -> StudyTruths:
        """Return mean and limits of normal effects, one a study, as rates."""
        z = -float(special.ndtri(self.tail))
        limits, n = self.transform.limits, self.counts.n[0]
        ends = (centre, centre - z * sd, centre + z * sd)
        mean, low, high = (self.transform.inverse(np.clip(end, *limits), n) for end in ends)
        return StudyTruths(mean, low, high, note)

    def contributions(self, pooled: "Fit") -> tuple[FloatArray, str]:
        """Return squared Pearson residuals; 0 where a study without variance is at the estimate."""
        squares = (self.effects.y[0] - pooled.estimate) ** 2 * (self.counts.copies[0] > 0)
        spread = self.effects.v[0] + pooled.tau2
        share: FloatArray = np.divide(squares, spread, out=np.zeros_like(squares), where=squares > 0)
        return share, COCHRAN if self.spec.tau2 == "common" else PEARSON


def between_study(spec: Spec) -> Tau2Method:
    """Return the estimator of tau2: the named one, or the fixed number."""
    if isinstance(spec.tau2, float):
        fixed = spec.tau2

        def hold(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
            lanes = np.shape(y)[:-1]
            return Tau2(np.full(lanes, fixed), np.ones(lanes, dtype=bool), np.zeros(lanes, dtype=np.int64))

        return hold
    return TAU2[str(spec.tau2)]
