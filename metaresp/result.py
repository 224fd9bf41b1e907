"""Fit: what a pooling found, frozen, with what can be asked of it."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp import questions
from metaresp.arrays import FloatArray
from metaresp.binomial import BinomialCI
from metaresp.checks import check_digits
from metaresp.forecast import EventForecast
from metaresp.model.estimates import ALL_EXTREME, CLUSTERS_EXTREME, REASONS
from metaresp.model.registry import model_of
from metaresp.model.scales import scale_name
from metaresp.model.spec import Spec
from metaresp.outcome import Heterogeneity, Levels, TestResult
from metaresp.records import Interval, Record, on_demand
from metaresp.shrinkage import StudyRates, study_rates
from metaresp.studies import Studies

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Fit", "Heterogeneity", "Levels", "TestResult"]


@on_demand("mean_rate_ci", "prediction_interval", "estimate_prediction", "weights", "study_ci", "notes")
@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
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
        Pooled response rate.  Where trials differ that of a typical trial, the mean on the model's scale
        turned back into a rate: by default the expit of the mean logit.  Beta-binomial: the mean rate.
    mean_rate, mean_rate_ci : float, Interval
        Rate averaged over trials, which on the logit scale is nearer to one half than ``rate``.  Its
        interval is that of its own profile likelihood in the binomial-normal model; elsewhere that of the
        rate, which is the mean, or the limits of ``estimate_ci`` averaged over trials at the estimated tau2.
    prediction_interval : Interval or None
        For the true rate of a new trial.
    estimate, se, df, estimate_ci, estimate_prediction
        The same on the model's scale; ``df`` is that of the t quantile (infinite: normal).
    tau2 : float
        Between-study variance; NaN where it is not estimable.  Nested studies: the sum of its levels.
    rho : float
        Intraclass correlation, beta-binomial model only; NaN elsewhere.
    heterogeneity : Heterogeneity
    levels : Levels or None
        The parts of tau2 between and within clusters, of studies nested in clusters.
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
    mean_rate_ci: Interval
    prediction_interval: Interval | None
    estimate: float
    se: float
    df: float
    estimate_ci: Interval
    estimate_prediction: Interval | None
    tau2: float
    rho: float
    heterogeneity: Heterogeneity
    levels: Levels | None
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
    def tau2_between(self) -> float:
        """Variance between clusters, of studies nested in clusters; NaN elsewhere."""
        return float(np.nan) if self.levels is None else self.levels.tau2_between

    @property
    def tau2_within(self) -> float:
        """Variance between the studies of one cluster, where they are nested; NaN elsewhere."""
        return self.levels.tau2_within if self.levels is not None else float(np.nan)

    @property
    def clusters(self) -> int | None:
        """Number of clusters that studies are nested in; None where they are not."""
        return None if self.levels is None else self.levels.clusters

    @property
    def is_exact(self) -> bool:
        """Whether the answer is a binomial interval on the totals, because no model applies."""
        return bool(np.isnan(self.se)) or model_of(self.spec).exact

    @property
    def counted(self) -> str:
        """What an exact answer counts: ``totals``, or ``studies`` or ``clusters`` as single patients."""
        counted = {REASONS[ALL_EXTREME]: "studies", REASONS[CLUSTERS_EXTREME]: "clusters"}
        return counted.get(self.reason, "totals")

    @property
    def scale(self) -> str:
        """Name of the scale of ``estimate`` and ``tau2``."""
        return scale_name(self.spec)

    @property
    def model_label(self) -> str:
        """The model in words."""
        if self.is_exact:
            return f"Exact binomial on the {self.counted}"
        nested = "" if self.levels is None else f", studies nested in {self.levels.words}"
        return model_of(self.spec).label(self.spec, nested)

    def tau2_ci(
        self, method: str | None = None, *, component: str | None = None, level: float | None = None
    ) -> Interval:
        """Return the confidence interval of tau2.

        Parameters
        ----------
        method : {"cox-reid", "profile", "q-profile", "generalised-q"}, optional
            Binomial-normal: ``cox-reid`` (default; quantiles of tau's confidence distribution), ``profile``
            (likelihood).  Inverse variance: ``q-profile`` (default; Viechtbauer 2007), ``generalised-q``
            (Biggerstaff and Jackson 2008), ``profile`` (restricted likelihood).  Nested: ``profile``
            (restricted for inverse variance).
        component : {"total", "between", "within"}, optional
            Of nested studies: the variance between clusters, within them, or their sum (default).
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
        return questions.tau2_limits(self, method, component, level)

    def rho_ci(self, method: str | None = None, *, level: float | None = None) -> Interval:
        """Return the interval of rho, the intraclass correlation of the beta-binomial model; as tau2_ci.

        *method* is ``cox-reid`` (default; quantiles of the confidence distribution of the adjusted profile
        likelihood) or ``profile``, which is too narrow for few studies.
        """
        return questions.rho_limits(self, method, level)

    def probability_above(self, rate: float) -> float:
        """Return the probability that the true rate of a new trial exceeds *rate*.

        From the distribution whose quantiles are the prediction interval's, never exactly 0 or 1.

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
        return questions.probability_above(self, rate)

    def predict_events(self, n: int = 20, *, level: float | None = None) -> EventForecast:
        """Return the distribution of the responders among *n* patients of a new trial.

        The binomial distribution mixed over that of the new trial's true rate, the one whose quantiles are
        the prediction interval's: it carries the uncertainty of the mean and the variation between trials.

        Parameters
        ----------
        n : int
            Patients of the new trial, 1 to 1,000,000.
        level : float, optional
            Of the interval; that of the fit by default.

        Returns
        -------
        EventForecast

        Raises
        ------
        InvalidArgument
            If *n* or *level* has no such value, the fit has no prediction interval, or it is a bootstrap's,
            which has limits but no distribution.

        Notes
        -----
        R: none; ``predict(rma.glmm(...))`` stops at the interval of the rate.

        Examples
        --------
        >>> import metaresp as mr
        >>> new = mr.pool(events=[13, 4, 9, 10, 7, 2], n=[18, 7, 15, 41, 16, 20]).predict_events(20)
        >>> new.low, new.median, new.high
        (0, 8, 19)
        """
        return questions.predict_events(self, n, level)

    def study_rates(self) -> StudyRates:
        """Return the observed and the shrunken rate of each study, with intervals.

        The shrunken rate is that of the study given its own count *and* the distribution of rates over
        studies: a small study is drawn towards the pooled rate, a large one hardly.  That distribution is
        not taken as known in the binomial-normal model; elsewhere it is the fitted one (empirical Bayes).
        :class:`metaresp.shrinkage.StudyRates` tells what the rates are in each model.

        Notes
        -----
        R: ``metafor::blup(rma(...))`` has the same centre for inverse variance, and an interval that adds
        the uncertainty of the mean; ``lme4::ranef`` gives modes instead of means.

        Examples
        --------
        >>> import metaresp as mr
        >>> rates = mr.pool(events=[13, 4, 9, 10, 7, 2], n=[18, 7, 15, 41, 16, 20]).study_rates()
        >>> rates.rate.round(2).tolist(), rates.shrunken.round(2).tolist()
        ([0.72, 0.57, 0.6, 0.24, 0.44, 0.1], [0.67, 0.52, 0.56, 0.26, 0.43, 0.16])
        """
        return study_rates(self)

    def test(self, rate: float, *, alternative: str = "two-sided", of: str = "typical") -> TestResult:
        """Test the pooled rate against a benchmark.

        Parameters
        ----------
        rate : float
            Benchmark between 0 and 1.
        alternative : {"two-sided", "greater", "less"}
            ``greater``: is the pooled rate above the benchmark?
        of : {"typical", "mean"}
            The rate of a typical trial (``rate``), or the rate averaged over trials (``mean_rate``).

        Returns
        -------
        TestResult
            Agrees with ``rate_ci``, or ``mean_rate_ci``: a benchmark at a limit has a p-value of
            ``1 - level``.  Where the interval has no t or normal quantile (profile, Henmi-Copas, bootstrap)
            it is the least ``1 - level`` whose interval leaves the benchmark out, looked for down to 1e-10;
            of a profile likelihood of counts it is read off the fall of the profile.

        Raises
        ------
        InvalidArgument
            If *rate* or *alternative* has no such value.
        CannotEstimate
            If the standard error is 0, as Hartung-Knapp's is for studies that agree exactly.
        """
        return questions.test(self, rate, alternative, of)

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a study: counts, rate, low, high, weight, :meth:`study_rates`, cluster."""
        import pandas as pd

        ci = self.study_ci
        columns: dict[str, Any] = {
            "study": list(self.studies.study),
            "events": self.studies.events,
            "n": self.studies.n,
            "rate": ci.rate,
            "low": ci.low,
            "high": ci.high,
            "weight": self.weights,
        }
        found, names = self.study_rates(), ("shrunken", "shrunken_low", "shrunken_high", "outlier")
        columns |= {name: values for name in names if (values := getattr(found, name)) is not None}
        if self.levels is not None:
            columns.setdefault(self.levels.cluster, list(self.studies.column(self.levels.cluster)))
        return pd.DataFrame(columns)

    def to_r(self) -> str:
        """Return an R script that repeats this analysis with metafor, and with meta where it can.

        What R has no counterpart of is said in a comment of the script.
        """
        from metaresp.present.r_script import r_script

        return r_script(self.studies, self.spec)

    def summary(self, *, digits: int | None = None) -> Any:
        """Return the result as a table that prints itself.

        Parameters
        ----------
        digits : int, optional
            Decimals of the percentages; those of the fit (``mr.pool(..., digits=)``) by default.
        """
        from metaresp.present.summary import summarise

        return summarise(self, check_digits(digits))

    def forest(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw the forest plot; see :func:`metaresp.plots.forest.forest_fit` for *path* and *style*."""
        from metaresp.plots.forest import forest_fit

        return forest_fit(self, path, **style)
