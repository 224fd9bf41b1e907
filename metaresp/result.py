"""Fit: what a pooling found, frozen, with what can be asked of it."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray
from metaresp.binomial import BinomialCI, binomial_test
from metaresp.counts import Counts, clean
from metaresp.errors import CannotEstimate, InvalidArgument
from metaresp.kernel.likelihood_interval import Maximum
from metaresp.model.estimates import ALL_EXTREME, REASONS
from metaresp.model.inversion import effect_of, least_alpha
from metaresp.model.scales import scale_name
from metaresp.model.variance_interval import tau2_interval
from metaresp.outcome import Heterogeneity, TestResult
from metaresp.records import Interval, Record
from metaresp.spec import Spec
from metaresp.studies import Studies

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Fit", "Heterogeneity", "TestResult"]

_NO_WIDTH = 1e-12  # a standard error that is only rounding: the studies agree exactly
# Intervals that are no estimate plus and minus a t quantile times a standard error
_NOT_T = {"profile", "bartlett", "profile-t", "henmi-copas", "bootstrap"}


@dataclass(frozen=True, eq=False, slots=True)
class Fit(Record):
    """A pooled response rate with its uncertainty.

    Rates and their intervals are between 0 and 1; ``estimate``, ``se`` and ``tau2`` are on the scale of
    the model (logits by default).  Arrays have shape (k,).

    Attributes
    ----------
    studies : Studies
    spec : Spec
        Every option, complete.
    rate, rate_ci : float, Interval
        Pooled response rate: that of the median trial where trials differ.
    mean_rate : float
        Rate averaged over trials; nearer to one half than ``rate`` when tau2 is not 0.
    prediction_interval : Interval or None
        For the true rate of a new trial.
    estimate, se, df, estimate_ci, estimate_prediction
        The same on the model's scale; ``df`` is that of the t quantile (infinite: normal).
    tau2 : float
        Between-study variance; NaN where it is not estimable.
    rho : float
        Intraclass correlation, beta-binomial model only; NaN elsewhere.
    heterogeneity : Heterogeneity
    loglik : float
        Maximised log-likelihood of the counts (binomial-normal model only).
    weights : float array
        Each study's share of the pooled estimate in percent.
    study_ci : BinomialCI
        Observed rate and exact interval of each study.
    reason : str
        Why the answer is not the model's, or empty.
    notes : tuple of str
        What was done to awkward data, in sentences.
    """

    studies: Studies
    spec: Spec
    rate: float
    rate_ci: Interval
    mean_rate: float
    prediction_interval: Interval | None
    estimate: float
    se: float
    df: float
    estimate_ci: Interval
    estimate_prediction: Interval | None
    tau2: float
    rho: float
    heterogeneity: Heterogeneity
    loglik: float
    weights: FloatArray
    study_ci: BinomialCI
    reason: str
    notes: tuple[str, ...]

    @property
    def k(self) -> int:
        """Number of studies pooled."""
        return len(self.studies)

    @property
    def events(self) -> int:
        """Responders in all studies."""
        return int(self.studies.events.sum())

    @property
    def n(self) -> int:
        """Patients in all studies."""
        return int(self.studies.n.sum())

    @property
    def tau(self) -> float:
        """Between-study standard deviation on the model's scale."""
        return float(np.sqrt(self.tau2))

    @property
    def is_exact(self) -> bool:
        """Whether the answer is a binomial interval on the totals, because no model applies."""
        return bool(np.isnan(self.se)) or self.spec.model == "common"

    @property
    def _counts_studies(self) -> bool:
        return self.reason == REASONS[ALL_EXTREME]

    @property
    def scale(self) -> str:
        """Name of the scale of ``estimate`` and ``tau2``."""
        return scale_name(self.spec)

    @property
    def model_label(self) -> str:
        """The model in words."""
        if self.is_exact:
            return f"Exact binomial on the {'studies' if self._counts_studies else 'totals'}"
        if self.spec.model == "binomial-normal":
            return f"Random effects (binomial-normal, {self.spec.link} link)"
        if self.spec.model == "beta-binomial":
            return "Beta-binomial"
        kind = "Common effect" if self.spec.tau2 == "common" else "Random effects"
        return f"{kind} (inverse variance, {self.spec.transform}, tau2 {self.spec.tau2})"

    def tau2_ci(self, method: str | None = None, *, level: float | None = None) -> Interval:
        """Return the confidence interval of tau2.

        Parameters
        ----------
        method : {"profile", "q-profile", "generalised-q"}, optional
            Binomial-normal: ``profile`` (likelihood).  Inverse variance: ``q-profile`` (default;
            Viechtbauer 2007), ``generalised-q`` (Biggerstaff and Jackson 2008), ``profile``
            (restricted likelihood).
        level : float, optional
            That of the fit by default.

        Returns
        -------
        Interval
            On the model's scale, squared; the upper limit may be infinite.

        Raises
        ------
        CannotEstimate
            If tau2 is not estimable: one study, all at 0 or all at n, or a common-rate model.
        UnknownName
            If the model has no such method.

        Notes
        -----
        R: ``metafor::confint(rma(...), type = "QP" | "GENQ" | "PL")``; none for ``rma.glmm``.
        """
        if self.is_exact:
            raise CannotEstimate(f"tau2_ci: tau2 is not estimable here ({self.reason or self.model_label})")
        counts = self._counts()
        het = self.heterogeneity
        values = (self.estimate, self.tau, self.se, (het.lrt - het.Q) / 2, -het.Q / 2)
        top = Maximum(*(np.array([value]) for value in values))
        wanted = self.spec.level if level is None else level
        low, high = tau2_interval(counts, self.spec, top, method, wanted)
        return Interval(low[0].item(), high[0].item())

    def _counts(self) -> Counts:
        return clean(self.studies.events[None], self.studies.n[None], None)[0]

    def _on_scale(self, rate: float) -> float:
        return effect_of(rate, self._counts(), self.spec, self.tau2)

    def probability_above(self, rate: float) -> float:
        """Return the probability that the true rate of a new trial exceeds *rate*.

        From the distribution whose quantiles are the prediction interval's; 0 or 1 never exactly.

        Parameters
        ----------
        rate : float
            Benchmark between 0 and 1.

        Raises
        ------
        InvalidArgument
            If *rate* is not between 0 and 1, or the fit has no prediction interval.
        CannotEstimate
            If the prediction interval has no width.

        Notes
        -----
        R: ``predict(rma.glmm(...), prob=">logit")`` of metafor; ``meta::cidprop`` uses the benchmark as
        if it were a logit.
        """
        _check_rate(rate)
        if self.estimate_prediction is None:
            raise InvalidArgument("probability_above: this fit has no prediction interval to take it from")
        low, high = self.estimate_prediction
        target = self._on_scale(rate)
        if not high - low > _NO_WIDTH:
            raise CannotEstimate("probability_above: the prediction interval has no width")
        if self.spec.prediction == "bootstrap":
            half = least_alpha(target, self._counts(), self.spec, "estimate_prediction") / 2
            return 1 - half if target < self.estimate else half
        tail = (1 - self.spec.level) / 2
        df = {"normal": np.inf, "hts": self.k - 2.0}.get(self.spec.prediction or "", self.k - 1.0)
        quantile = -float(special.ndtri(tail) if np.isinf(df) else special.stdtrit(df, tail))
        spread = (high - low) / 2 / quantile
        return _t_cdf((self.estimate - target) / spread, df)

    def test(self, rate: float, *, alternative: str = "two-sided") -> TestResult:
        """Test the pooled rate against a benchmark.

        Parameters
        ----------
        rate : float
            Benchmark between 0 and 1.
        alternative : {"two-sided", "greater", "less"}
            ``greater``: is the pooled rate above the benchmark?

        Returns
        -------
        TestResult
            Agrees with ``rate_ci``: a benchmark at a limit has a p-value of ``1 - level``.  Where the
            interval is not one of a t or normal quantile (profile, Henmi-Copas, bootstrap), the p-value
            is the least ``1 - level`` whose interval leaves the benchmark out, looked for down to 1e-10.

        Raises
        ------
        InvalidArgument
            If *rate* or *alternative* has no such value.
        CannotEstimate
            If the standard error is 0, as Hartung-Knapp's is for studies that agree exactly.
        """
        _check_rate(rate)
        if alternative not in {"two-sided", "greater", "less"}:
            raise InvalidArgument(
                f"alternative={alternative!r} is not known: choose 'two-sided', 'greater', 'less'"
            )
        if self.is_exact:
            method = self.spec.ci if self.spec.model == "common" else "clopper-pearson"
            events, n = self.events, self.n
            if self._counts_studies:
                events, n = int((self.studies.events > 0).sum()), self.k
            p = binomial_test(events, n, rate, method=method, alternative=alternative).pvalue
            return TestResult(float(rate), alternative, np.nan, np.nan, float(p), f"binomial, {method}")
        target = self._on_scale(rate)
        if self.spec.ci in _NOT_T:
            half = least_alpha(target, self._counts(), self.spec) / 2
            above, statistic, df = (half if target < self.estimate else 1 - half), np.nan, np.nan
        elif self.se > _NO_WIDTH:
            statistic, df = (self.estimate - target) / self.se, self.df
            above = _t_cdf(-statistic, df)
        else:
            raise CannotEstimate(
                f"test: the standard error is 0, since the studies agree exactly (ci={self.spec.ci!r})"
            )
        below = _t_cdf(statistic, df) if np.isfinite(statistic) else 1 - above
        p = {"greater": above, "less": below, "two-sided": 2 * min(above, below)}[alternative]
        return TestResult(float(rate), alternative, float(statistic), float(df), float(p), self.spec.ci)

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a study: study, events, n, rate, low, high, weight."""
        import pandas as pd

        ci = self.study_ci
        return pd.DataFrame(
            {
                "study": list(self.studies.study),
                "events": self.studies.events,
                "n": self.studies.n,
                "rate": ci.rate,
                "low": ci.low,
                "high": ci.high,
                "weight": self.weights,
            }
        )

    def to_r(self) -> str:
        """Return an R script that repeats this analysis with metafor, and with meta where it can.

        Notes
        -----
        What R has no counterpart of is said in a comment of the script.
        """
        from metaresp.present.r_script import r_script

        return r_script(self.studies, self.spec)

    def summary(self) -> Any:
        """Return the result as a table that prints itself."""
        from metaresp.present.summary import summarise

        return summarise(self)

    def forest(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw the forest plot; see :func:`metaresp.plots.forest.forest_fit` for *path* and *style*."""
        from metaresp.plots.forest import forest_fit

        return forest_fit(self, path, **style)

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        from metaresp.present.summary import notebook

        html: str = notebook(self)
        return html


def _t_cdf(value: float, df: float) -> float:
    return float(special.ndtr(value) if np.isinf(df) else special.stdtr(df, value))


def _check_rate(rate: Any) -> None:
    if isinstance(rate, bool) or not isinstance(rate, int | float | np.floating) or not 0 < rate < 1:
        raise InvalidArgument(f"rate={rate!r}: must be a number between 0 and 1, such as 0.2")
