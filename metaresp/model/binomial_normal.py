"""The binomial-normal model: counts are binomial, and rates on the scale of a link normal or long-tailed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.random import Generator
from scipy import special

from metaresp.arrays import FloatArray, IntArray
from metaresp.counts import Counts, distinct
from metaresp.kernel.counts import binomial_normal, fast
from metaresp.kernel.counts.binomial_normal import OK, TAU_UNBOUNDED
from metaresp.kernel.counts.calibrations import CALIBRATIONS, each_lane, pvalues
from metaresp.kernel.counts.effect_shapes import EFFECTS
from metaresp.kernel.counts.groups import Range
from metaresp.kernel.counts.intervals import COUNT_CI, COUNT_PREDICTION, mixed
from metaresp.kernel.counts.links import LINKS, Link
from metaresp.kernel.counts.mean_rate import MeanSurface, mean_fall, mean_limits, typical_variance
from metaresp.kernel.counts.new_trial import Mixture
from metaresp.kernel.counts.one_rate import spread_pvalue
from metaresp.kernel.counts.profile_limits import tau_limits
from metaresp.kernel.counts.registry import CountInterval, Lanes
from metaresp.kernel.counts.resampling import Draws
from metaresp.kernel.counts.subset_fits import normal_fit, normal_table
from metaresp.kernel.counts.subset_maxima import Table
from metaresp.kernel.counts.surface import CountSurface, Penalty
from metaresp.kernel.counts.tau_quantiles import confidence_limits
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.kernel.numerics.surface import Local
from metaresp.kernel.trial.left_out import RateLaw, StudentRates
from metaresp.kernel.trial.study_rate import Prior, outlying, posterior_rates, without_own
from metaresp.model.base import Model, Spread, StudyTruths
from metaresp.model.estimates import SINGLE_PATIENTS, Estimates, Numbers, all_extreme, one_rate
from metaresp.model.left_out import Others
from metaresp.model.predictive import MixtureTrial, NewTrial
from metaresp.model.r_calls import counts_call
from metaresp.model.r_counts import binomial_normal_script
from metaresp.model.spec import Spec
from metaresp.records import Interval

if TYPE_CHECKING:
    from metaresp.result import Fit

_STARTS = (0.0, 0.3, 1.0, 2.5)  # of tau, for the likelihood of groups


class BinomialNormal(Model):
    """Maximum likelihood by adaptive quadrature, with intervals of its profile."""

    name = "binomial-normal"
    options = {
        "link": "logit",
        "effects": "normal",
        "ci": "bartlett",
        "prediction": "likelihood",
        "penalty": None,
    }
    choices = {"link": LINKS, "effects": EFFECTS, "ci": COUNT_CI, "prediction": COUNT_PREDICTION}
    grouped = True
    has_likelihood = True
    explains = True
    I2_has_interval = True
    carries_tau = True
    tau2_methods: ClassVar[tuple[str, ...]] = ("cox-reid", "profile")

    @classmethod
    def label(cls, spec: Spec, nested: str) -> str:
        """Return the model in words."""
        penalty = ""
        if spec.penalty is not None:
            name, scale = spec.penalty
            penalty = f", {name} penalty of scale {scale:g}"
        words = EFFECTS[spec.effects or "normal"].words
        return f"Random effects (binomial-normal, {spec.link} link{words and ', ' + words}{penalty}{nested})"

    @classmethod
    def I2_definition(cls, spec: Spec) -> str:
        """Say what I2 is a share of."""
        words = "tau2 / (tau2 + typical sampling variance of a logit at the mean rate over trials)"
        by = "; interval from that of tau2 by the confidence distribution of tau (cox-reid)"
        return words + by * cls.I2_has_interval

    @classmethod
    def r_script(cls, spec: Spec) -> list[str] | None:
        """Return the lines of metafor and meta, or of lme4 for links that these lack."""
        return binomial_normal_script(spec)

    @classmethod
    def r_call(cls, spec: Spec, events: str, data: str) -> str:
        """Return the call of ``rma.glmm``."""
        return counts_call(spec, events, data)

    @property
    def link(self) -> Link:
        """The scale of the model."""
        return LINKS[self.spec.link or "logit"]

    @cached_property
    def data(self) -> CountSurface:
        """The likelihood."""
        penalty = None if self.spec.penalty is None else Penalty(*self.spec.penalty)
        x, n, copies = self.counts.x, self.counts.n, self.counts.copies
        name, effects = self.spec.link or "logit", self.spec.effects or "normal"
        compiled = name == "logit" and fast.worth(len(x))
        return CountSurface(x, n, copies, name, penalty, compiled=compiled, effects=effects)

    @cached_property
    def fit(self) -> binomial_normal.Fit:
        """Its maximum."""
        return binomial_normal.fit(self.data) if self.table is None else normal_fit(self.table, self.data)

    def tabulated(self) -> Table | None:
        """Return the likelihoods of the studies as a table."""
        return normal_table(self.data)

    @property
    def lanes(self) -> Lanes:
        """What intervals and tests look at."""
        return Lanes(self.data, self.fit, self.counts.k, self.draws)

    @cached_property
    def mixture(self) -> tuple[Mixture, CountInterval]:
        """What a new trial's theta may be, and its likelihood interval."""
        return mixed(self.lanes, self.tail)

    @property
    def waits(self) -> bool:
        """Whether the interval of a new trial waits until it is asked for."""
        return self.later and self.spec.prediction == "likelihood"

    def classify(self) -> IntArray:
        """Return why lanes cannot be fitted: single patients tell no tau2 either."""
        reason, lanes = super().classify(), self.counts
        single = ((lanes.n == 1) | (lanes.copies == 0)).all(axis=-1)
        return np.where((reason == OK) & single, SINGLE_PATIENTS, reason)

    def estimate(self, rng: Generator | None) -> tuple[Numbers, IntArray]:
        """Fit by maximum likelihood."""
        lanes, fit = self.counts, self.fit
        self.draws = Draws(rng)  # a part of many lanes goes on where the one before ended
        wanted = np.flatnonzero((fit.reason != TAU_UNBOUNDED) | ~all_extreme(lanes))
        if wanted.size == fit.reason.size:
            spec = replace(self.spec, prediction=None) if self.waits else self.spec
            return _numbers(lanes, self.lanes, spec), fit.reason
        out: Numbers = {}  # studies at 0% and 100% only: the exact answer takes the place of the model's
        if wanted.size:
            part = lanes.take(wanted)
            found = Lanes(self.data.take(wanted), fit.take(wanted), part.k, Draws(rng))
            for key, values in _numbers(part, found, self.spec).items():
                out[key] = np.full(fit.reason.size, np.nan)
                out[key][wanted] = values
        return out, fit.reason

    def notes(self, one: Mapping[str, Any], named: Callable[[Sequence[int]], str]) -> list[str]:
        """Say how many studies are outlying, where the model knows such."""
        if not self.data.shape.marks:
            return []
        wide = self.data.by_scale(self.fit.mu, self.fit.tau).share[0, -1] > 0.5
        count = int(self.counts.copies[0] @ wide)
        if not count:
            return ["No study is more probably an outlying one than not."]
        which = f"{count} of {self.counts.k[0]:g} studies {'is' if count == 1 else 'are'}"
        return [
            f"{which} more probably outlying than not, and tell{'s' * (count == 1)} little about the typical "
            "trial: fit.study_rates() has the probabilities."
        ]

    def weigh(self, found: Estimates) -> FloatArray:
        """Return each study's information about mu at the fitted values."""
        return np.maximum(self.data.information(found.estimate, np.sqrt(found.tau2)), 0.0)

    def typical_limits(self) -> tuple[float, float] | None:
        """Return the limits with tau held at its largest, where studies at 0% and 100% do not bound it."""
        ci = "bartlett" if self.spec.ci == "bootstrap" else self.spec.ci
        low, high = (self.link.rate(end)[0].item() for end in COUNT_CI[ci](self.lanes, self.tail)[:2])
        return low, high

    def mean_limits(self, found: Estimates) -> tuple[FloatArray, FloatArray]:
        """Return the limits of its profile likelihood over (mu, tau), by the calibration of ``ci``.

        By the delta method on the logit for Wald intervals.
        """
        lanes = self.lanes
        if self.spec.ci in CALIBRATIONS:
            limits = mean_limits(lanes.data, lanes.fit, CALIBRATIONS[self.spec.ci].critical(lanes, self.tail))
            return special.expit(limits.low), special.expit(limits.high)
        centre, se = self._mean_logit()
        half = t_quantile(self._mean_df(), self.tail) * se
        return special.expit(centre - half), special.expit(centre + half)

    def _mean_logit(self) -> tuple[FloatArray, FloatArray]:
        """Return the logit of the mean rate and its standard error, from the observed information."""
        return MeanSurface(self.data).estimate(self.fit.mu, self.fit.tau)

    def _mean_df(self) -> FloatArray:
        return self.counts.k - 1 if self.spec.ci == "t" else np.full_like(self.counts.k, np.inf)

    def mean_rates(self, mu: FloatArray, tau2: FloatArray) -> FloatArray:
        """Return the mean rate over trials at a mean and a variance."""
        data = self.data
        return binomial_normal.mean_rate(mu, np.sqrt(tau2), data.link, effects=data.effects)

    def new_interval(self) -> tuple[Interval, Interval]:
        """Return the likelihood interval of a new trial: as rates, and on the scale of the link."""
        ends = self.mixture[1][:2]
        rates = [self.link.rate(end) for end in ends]
        as_rates, on_scale = (
            Interval(low[0].item(), max(low[0], high[0]).item()) for low, high in (rates, ends)
        )
        return as_rates, on_scale

    def _tau2_limits(self, method: str, tail: float) -> tuple[FloatArray, FloatArray]:
        fit = self.fit
        if method == "cox-reid":
            limits = confidence_limits(self.data, fit, self.counts.k, self.mixture[0], tail)
        else:
            fall = t_quantile(np.full(self.counts.k.size, np.inf), tail) ** 2
            limits = tau_limits(self.data, fit, fall)
        with np.errstate(over="ignore"):
            return limits.low**2, limits.high**2

    def pvalues(self, targets: FloatArray) -> FloatArray | None:
        """Return p-values read off the fall of the profile."""
        return pvalues(self.spec.ci, self.lanes, targets) if self.spec.ci in CALIBRATIONS else None

    def mean_pvalues(self, rates: FloatArray) -> FloatArray | None:
        """Return the p-values of mean rates over trials, by their own profile."""
        psi, lanes = special.logit(rates), self.lanes
        if self.spec.ci in CALIBRATIONS:
            fall = each_lane(partial(mean_fall, lanes.data, lanes.fit), psi)
            return CALIBRATIONS[self.spec.ci].pvalue(lanes, fall)
        centre, se, df = (field[:, None] for field in (*self._mean_logit(), self._mean_df()))
        distance = -np.abs(psi - centre) / se
        p: FloatArray = 2 * np.where(np.isfinite(df), special.stdtr(df, distance), special.ndtr(distance))
        return p

    def typical_of_mean(self, rate: float, tau2: float) -> float:
        """Return the rate of a typical trial where the mean over trials is *rate*, at a known tau2."""
        from scipy.optimize import brentq

        at, farthest = np.array([tau2]), self.link.farthest

        def miss(mu: float) -> float:
            return float(self.mean_rates(np.array([mu]), at)[0]) - rate

        return float(self.link.rate(np.array([brentq(miss, -farthest, farthest, xtol=1e-12)]))[0])

    def new_trial(self, pooled: "Fit", limits: Interval) -> NewTrial:
        """Return a mixture of normals, one for each value that tau may have, for the likelihood interval."""
        if self.spec.prediction != "likelihood":
            return super().new_trial(pooled, limits)
        return MixtureTrial(self.mixture[0].normals(), self.data.link)

    def study_rates(self, pooled: "Fit") -> StudyTruths:
        """Return mean and equal-tailed interval of the rate given all counts."""
        once, pair = distinct(self.counts)
        x, n = self.counts.x[0][once], self.counts.n[0][once]
        prior = without_own(self.data, self.mixture[0])
        found = posterior_rates(self.data.link, x, n, Prior(*(field[once] for field in prior)), self.tail)
        note = "Posterior mean of the rate; mu and tau are not taken as known."
        shape = self.data.shape
        outlier = outlying(prior, shape.scale.size)[once][pair] if shape.marks else None
        return StudyTruths(found.mean[pair], found.low[pair], found.high[pair], note, outlier)

    def rate_law(self, others: Others, alone: FloatArray) -> RateLaw:
        """Return a Student law, or the scale mixture of the effects, with the uncertainty of mu and tau."""
        shape, spread = EFFECTS[self.spec.effects or "normal"], others.between + others.within * alone
        variance = spread[:, None] * shape.scale**2 + others.se[:, None] ** 2
        sd = np.sqrt(others.unbiased[:, None] * variance)
        return StudentRates(others.estimate, sd, shape.weight, others.df, self.spec.link or "logit")

    def group_likelihood(self, largest: float) -> Spread:
        """Return the likelihood by mu and tau, without a penalty."""
        name = self.spec.link or "logit"
        surface = self.data._replace(penalty=None, compiled=False).local
        if name != "cauchit":
            return Spread(surface, Range(0.0, self.link.tau_max), _STARTS)

        def stretched(rows: IntArray, a: FloatArray, b: FloatArray) -> Local:
            return surface(rows, np.sinh(a), np.sinh(b)).by_arcsinh(a, b)

        # rates of 0 and 1 are as far as 1e13: searched as sinh(a) and sinh(b)
        return Spread(stretched, Range(0.0, float(np.arcsinh(self.link.tau_max))), _STARTS)


def _numbers(lanes: Counts, found: Lanes, spec: Spec) -> Numbers:
    """Return what the fit says of every lane."""
    fit, name = found.fit, found.data.link
    link = LINKS[name]
    tail = (1 - spec.level) / 2
    ci = COUNT_CI[spec.ci](found, tail)
    lrt = np.maximum(2 * (fit.loglik - fit.loglik_common), 0.0)
    tau2 = fit.tau**2
    mean, rest = (
        binomial_normal.mean_rate(fit.mu, fit.tau, name, other, found.data.effects) for other in (False, True)
    )
    v = typical_variance(lanes.n, lanes.copies, mean, rest, link)
    out: Numbers = one_rate(lanes) | {
        "rate": link.rate(fit.mu),
        "low": link.rate(ci.low),
        "high": link.rate(ci.high),
        "mean_rate": mean,
        "estimate": fit.mu,
        "se": fit.se,
        "df": ci.df,
        "estimate_low": ci.low,
        "estimate_high": ci.high,
        "tau2": tau2,
        "I2": 100 * tau2 / (tau2 + v),
        "H2": 1 + tau2 / v,
        "typical_v": v,
        "lrt": lrt,
        "lrt_pvalue": spread_pvalue(lrt, lanes.k),
        "loglik": fit.loglik,
    }
    if spec.prediction is not None:
        new = COUNT_PREDICTION[spec.prediction](found, tail)
        out |= {
            "estimate_prediction_low": new.low,
            "estimate_prediction_high": new.high,
            "prediction_low": link.rate(new.low),
            "prediction_high": link.rate(new.high),
        }
    return out
