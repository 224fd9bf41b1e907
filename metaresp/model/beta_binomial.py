"""The beta-binomial model: rates have a beta distribution, whose mean is the pooled rate."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator
from scipy import special

from metaresp.arrays import FloatArray, IntArray
from metaresp.checks import check_level
from metaresp.counts import distinct
from metaresp.errors import known_name
from metaresp.kernel.counts import beta_binomial
from metaresp.kernel.counts.beta_intervals import BETA_CI, BetaLanes
from metaresp.kernel.counts.calibrations import CALIBRATIONS, pvalues
from metaresp.kernel.counts.groups import Range
from metaresp.kernel.counts.one_rate import spread_pvalue
from metaresp.kernel.counts.resampling import Draws
from metaresp.kernel.counts.rho_confidence import rho_confidence_limits
from metaresp.kernel.counts.subset_fits import beta_fit, beta_table
from metaresp.kernel.counts.subset_maxima import Table
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.kernel.trial import beta_law
from metaresp.kernel.trial.beta_law import BetaLaw, trial_limits, trial_mean
from metaresp.kernel.trial.beta_mixture import BETA_PREDICTION, around_estimate, mixture, study_laws
from metaresp.kernel.trial.left_out import BetaRates, RateLaw
from metaresp.model.base import Model, Spread, StudyTruths
from metaresp.model.estimates import Estimates, Numbers, one_rate
from metaresp.model.left_out import Others
from metaresp.model.predictive import BetaTrial, NewTrial
from metaresp.model.r_counts import beta_binomial_script
from metaresp.model.spec import Spec
from metaresp.records import Interval

if TYPE_CHECKING:
    from metaresp.result import Fit

_MOST = 0.8  # share of all patients from which one study decides nearly alone
_STARTS = (0.0, 0.5, 1.6, 4.1)  # of log(1 + n theta), for the likelihood of groups


class BetaBinomial(Model):
    """Maximum likelihood over the logit of the mean rate and the intraclass correlation rho."""

    name = "beta-binomial"
    options = {"ci": "bartlett", "prediction": "likelihood"}
    choices = {"ci": BETA_CI, "prediction": BETA_PREDICTION}
    spread = "rho"
    spread_words = "intraclass correlation"
    spread_symbol = "ρ"
    rate_is_mean = True
    carries_tau = True
    rho_methods = ("cox-reid", "profile")
    grouped = True
    has_likelihood = True

    @classmethod
    def I2_definition(cls, spec: Spec) -> str:
        """Say that there is none."""
        return "not defined: the intraclass correlation rho is the share of variance between studies"

    @classmethod
    def r_script(cls, spec: Spec) -> list[str] | None:
        """Return the lines that maximise the likelihood: no package for meta-analysis does."""
        return beta_binomial_script(spec)

    def notes(self, one: Mapping[str, Any], named: Callable[[Sequence[int]], str]) -> list[str]:
        """Say where an interval was measured to cover a little less than it says."""
        n = self.counts.n[0]
        share = n.max() / (n @ self.counts.copies[0])
        if self.spec.prediction != "likelihood" or np.isnan(one["rho"]) or share <= _MOST:
            return []
        return [
            f"One study holds {100 * share:.0f}% of the patients: an interval of a new trial at 95% then "
            "covers about 93% where rates are low."
        ]

    @cached_property
    def beta(self) -> BetaLanes:
        """The fit, and what intervals and tests look at."""
        all_of_it = x, n, copies = self.counts.x, self.counts.n, self.counts.copies
        fit = beta_binomial.fit(*all_of_it) if self.table is None else beta_fit(self.table, *all_of_it)
        return BetaLanes(beta_binomial.counts(x, n, copies), fit, self.counts.k, self.draws)

    def tabulated(self) -> Table | None:
        """Return the likelihoods of the studies as a table."""
        return beta_table(self.counts.x[0], self.counts.n[0])

    @cached_property
    def law(self) -> BetaLaw:
        """What the rate of a new trial may be, for the likelihood interval."""
        return mixture(self.beta)

    @property
    def waits(self) -> bool:
        """Whether the interval of a new trial waits until it is asked for."""
        return self.later and self.spec.prediction == "likelihood"

    def estimate(self, rng: Generator | None) -> tuple[Numbers, IntArray]:
        """Fit by maximum likelihood."""
        self.draws = Draws(rng)  # a part of many lanes goes on where the one before ended
        lanes, spec, fit = self.counts, self.spec, self.beta.fit
        ci = BETA_CI[spec.ci](self.beta, self.tail)
        rate = special.expit(fit.mu)
        lrt = np.maximum(2 * (fit.loglik - fit.loglik_common), 0.0)
        out: Numbers = one_rate(lanes) | {
            "rate": rate,
            "low": special.expit(ci.low),
            "high": special.expit(ci.high),
            "mean_rate": rate,
            "estimate": fit.mu,
            "se": fit.se,
            "df": ci.df,
            "estimate_low": ci.low,
            "estimate_high": ci.high,
            "rho": fit.rho,
            "lrt": lrt,
            "lrt_pvalue": spread_pvalue(lrt, lanes.k),
            "loglik": fit.loglik,
        }
        if spec.prediction is not None and not self.waits:
            new = BETA_PREDICTION[spec.prediction](self.beta, self.tail)
            out |= {
                "estimate_prediction_low": new.low,
                "estimate_prediction_high": new.high,
                "prediction_low": special.expit(new.low),
                "prediction_high": special.expit(new.high),
            }
        return out, fit.reason

    def weigh(self, found: Estimates) -> FloatArray:
        """Return ``n / (1 + (n - 1) rho)``, the number of independent patients each study is worth."""
        return self.counts.n / (1 + (self.counts.n - 1) * found.rho[:, None])

    def new_interval(self) -> tuple[Interval, Interval]:
        """Return the likelihood interval of a new trial: as rates, and on the scale of the logit."""
        low, high = around_estimate(self.law, self.beta, self.tail)[:2]
        rates = special.expit([low[0], high[0]])
        return Interval(*rates.tolist()), Interval(low[0].item(), high[0].item())

    def rho_limits(self, method: str | None, level: float) -> tuple[FloatArray, FloatArray]:
        """Return low and high of rho for every lane; see :meth:`metaresp.Fit.rho_ci`."""
        chosen = self.rho_methods[0] if method is None else known_name("method", method, self.rho_methods)
        tail, lanes = (1 - check_level(level)) / 2, self.beta
        if chosen == "cox-reid":
            return rho_confidence_limits(lanes.data, lanes.fit, lanes.k, tail)
        fall = t_quantile(np.full_like(lanes.k, np.inf), tail) ** 2
        return beta_binomial.rho_limits(lanes.data, lanes.fit, fall)

    def pvalues(self, targets: FloatArray) -> FloatArray | None:
        """Return p-values read off the fall of the profile."""
        return pvalues(self.spec.ci, self.beta, targets) if self.spec.ci in CALIBRATIONS else None

    def new_trial(self, pooled: "Fit", limits: Interval) -> NewTrial:
        """Return the beta distribution of rates, mixed over that of its mean, and of rho."""
        if self.spec.prediction == "likelihood":
            return BetaTrial(self.law)
        df = {"normal": np.inf, "hts": pooled.k - 2.0}.get(str(self.spec.prediction), pooled.k - 1.0)
        return BetaTrial(BetaLaw.of(*(np.array([v]) for v in (pooled.estimate, pooled.se, df, pooled.rho))))

    def study_rates(self, pooled: "Fit") -> StudyTruths:
        """Return mean and limits of the beta distribution with the study's count added, mixed likewise."""
        once, pair = distinct(self.counts)
        laws = study_laws(self.law, self.counts.x[0][once], self.counts.n[0][once])
        low, high = (special.expit(end)[pair] for end in trial_limits(laws, self.tail))
        note = "Posterior mean of the rate; the mean rate and rho are not taken as known."
        return StudyTruths(trial_mean(laws)[pair], low, high, note)

    def rate_law(self, others: Others, alone: FloatArray) -> RateLaw:
        """Return the beta law with the variance of rho and, to first order, of the mean rate."""
        p, q = special.expit(others.estimate), special.expit(-others.estimate)
        rho = others.unbiased * (others.rho * alone + p * q * others.se**2)
        patients = beta_law.patients(np.minimum(rho, 1.0))
        return BetaRates(patients * p, patients * q)

    def group_likelihood(self, largest: float) -> Spread:
        """Return the likelihood by the logit of the mean and ``log(1 + n theta)`` for the largest n."""
        x, n, copies = self.counts.x, self.counts.n, self.counts.copies
        size = np.full(self.counts.k.size, largest)
        data = beta_binomial.Counts(x, n, copies, size, size > 1)
        top = float(np.log1p(largest * beta_binomial.THETA_MAX)) if largest > 1 else 0.0
        return Spread(data.surface, Range(0.0, top), tuple(min(start, top) for start in _STARTS))
