"""The beta-binomial model: rates have a beta distribution, whose mean is the pooled rate."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator
from scipy import special

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts import beta_binomial
from metaresp.kernel.counts.beta_intervals import BETA_CI, LIKELIHOOD, BetaLanes, pvalues
from metaresp.kernel.counts.groups import Range
from metaresp.kernel.counts.one_rate import spread_pvalue
from metaresp.kernel.trial.beta_mixture import BETA_PREDICTION, patients
from metaresp.model.base import Model, Spread, StudyTruths
from metaresp.model.estimates import Estimates, Numbers, one_rate
from metaresp.model.predictive import BetaTrial, NewTrial
from metaresp.model.r_counts import beta_binomial_script
from metaresp.model.spec import Spec
from metaresp.records import Interval

if TYPE_CHECKING:
    from metaresp.result import Fit

_STARTS = (0.0, 0.5, 1.6, 4.1)  # of log(1 + n theta), for the likelihood of groups


class BetaBinomial(Model):
    """Maximum likelihood over the logit of the mean rate and the intraclass correlation rho."""

    name = "beta-binomial"
    options = {"ci": "profile", "prediction": "hts"}
    choices = {"ci": BETA_CI, "prediction": BETA_PREDICTION}
    spread = "rho"
    spread_words = "intraclass correlation"
    spread_symbol = "ρ"
    rate_is_mean = True
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

    @cached_property
    def beta(self) -> BetaLanes:
        """The fit."""
        x, n, copies = self.counts.x, self.counts.n, self.counts.copies
        return BetaLanes(beta_binomial.counts(x, n, copies), beta_binomial.fit(x, n, copies), self.counts.k)

    def estimate(self, rng: Generator | None) -> tuple[Numbers, IntArray]:
        """Fit by maximum likelihood."""
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
        if spec.prediction is not None:
            new = BETA_PREDICTION[spec.prediction](fit, lanes.k, self.tail)
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

    def pvalues(self, targets: FloatArray, pooled: "Fit") -> FloatArray | None:
        """Return p-values read off the fall of the profile."""
        return pvalues(self.spec.ci, self.beta, targets) if self.spec.ci in LIKELIHOOD else None

    def new_trial(self, pooled: "Fit", limits: Interval) -> NewTrial:
        """Return the beta distribution of rates, mixed over that of its mean."""
        df = {"normal": np.inf, "hts": pooled.k - 2.0}.get(str(self.spec.prediction), pooled.k - 1.0)
        return BetaTrial(pooled.estimate, pooled.se, df, pooled.rho)

    def study_rates(self, pooled: "Fit") -> StudyTruths:
        """Return mean and limits of the beta distribution with the study's count added."""
        x, n = self.counts.x[0], self.counts.n[0]
        size = float(patients(np.array(pooled.rho)))
        a, b = size * pooled.rate + x, size * (1 - pooled.rate) + n - x
        low = special.betaincinv(a, b, self.tail).astype(np.float64)
        high = special.betainccinv(a, b, self.tail).astype(np.float64)
        return StudyTruths(a / (a + b), low, high, "Beta posterior, at the fitted mean rate and rho.")

    def group_likelihood(self, largest: float) -> Spread:
        """Return the likelihood by the logit of the mean and ``log(1 + n theta)`` for the largest n."""
        x, n, copies = self.counts.x, self.counts.n, self.counts.copies
        size = np.full(self.counts.k.size, largest)
        data = beta_binomial.Counts(x, n, copies, size, size > 1)
        top = float(np.log1p(largest * beta_binomial.THETA_MAX)) if largest > 1 else 0.0
        return Spread(data.surface, Range(0.0, top), tuple(min(start, top) for start in _STARTS))
