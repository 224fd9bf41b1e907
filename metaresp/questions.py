"""What can be asked of a fit: intervals of tau2, a benchmark against the pooled rate or a new trial."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, IntArray, silent
from metaresp.binomial import binomial_test
from metaresp.binomial.interval import check_alternative
from metaresp.counts import Counts
from metaresp.errors import CannotEstimate, InvalidArgument, known_name, option
from metaresp.forecast import EventForecast, checked, forecast
from metaresp.kernel.counts.beta_intervals import LIKELIHOOD
from metaresp.kernel.counts.calibrations import CALIBRATIONS
from metaresp.kernel.nested.climb import Best
from metaresp.model.fitted import Fitted, kept
from metaresp.model.inversion import effect_of, least_alpha, likelihood_alphas
from metaresp.model.mean_interval import mean_pvalue, typical_of_mean
from metaresp.model.nested_limits import best_of, nested_pvalue, nested_tau2_interval
from metaresp.model.predictive import NO_WIDTH, NewTrial, new_trial
from metaresp.model.variance_interval import tau2_interval
from metaresp.outcome import TestResult
from metaresp.records import Interval

if TYPE_CHECKING:
    from metaresp.result import Fit

_NO_WIDTH = 1e-12  # a standard error that is only rounding: the studies agree exactly
# Intervals that are no estimate plus and minus a t quantile times a standard error
_NOT_T = {*CALIBRATIONS, "henmi-copas", "bootstrap"}


@silent
def tau2_limits(fit: "Fit", method: str | None, component: str | None, level: float | None) -> Interval:
    """Answer :meth:`metaresp.Fit.tau2_ci`."""
    if fit.is_exact:
        raise CannotEstimate(f"tau2_ci: tau2 is not estimable here ({fit.reason or fit.model_label})")
    counts = _counts(fit)
    wanted = fit.spec.level if level is None else level
    if fit.levels is not None:
        if method is not None:
            known_name("method", method, ("profile",))
        return Interval(
            *nested_tau2_interval(counts, _clusters(fit), fit.spec, _best(fit, counts), component, wanted)
        )
    if component is not None and (not isinstance(component, str) or component != "total"):
        raise InvalidArgument(
            f"{option('component', component)} has no meaning for a fit without {option('cluster')}: leave "
            "it out"
        )
    low, high = tau2_interval(_model(fit), method, wanted)
    return Interval(low[0].item(), high[0].item())


@silent
def probability_above(fit: "Fit", rate: float) -> float:
    """Answer :meth:`metaresp.Fit.probability_above`."""
    _check_rate(rate)
    if fit.estimate_prediction is None:
        raise InvalidArgument("probability_above: this fit has no prediction interval to take it from")
    if fit.spec.prediction == "bootstrap":
        counts = _counts(fit)
        target = effect_of(rate, counts, fit.spec, fit.tau2)
        half = least_alpha(target, counts, fit.spec, "estimate_prediction") / 2
        return 1 - half if target < fit.estimate else half
    return _new_trial(fit, "probability_above").above(float(rate))


@silent
def predict_events(fit: "Fit", n: int, level: float | None) -> EventForecast:
    """Answer :meth:`metaresp.Fit.predict_events`."""
    size, wanted = checked(n, fit.spec.level if level is None else level)
    if fit.estimate_prediction is None:
        raise InvalidArgument("predict_events: this fit has no prediction interval to take it from")
    if fit.spec.prediction == "bootstrap":
        raise InvalidArgument(
            f"predict_events: {option('prediction', 'bootstrap')} gives limits and no distribution: "
            f"pool with {option('prediction', 'hts')}, 't' or 'normal'"
        )
    return forecast(_new_trial(fit, "predict_events").events(size), wanted, fit.spec.outcome)


def _new_trial(fit: "Fit", asked: str) -> NewTrial:
    limits = fit.estimate_prediction
    if limits is None or not limits[1] - limits[0] > NO_WIDTH:
        raise CannotEstimate(f"{asked}: the prediction interval has no width")
    units = float(fit.clusters or fit.k)
    return new_trial(_model(fit), limits, units, (fit.estimate, fit.se, fit.tau2, fit.rho))


@silent
def test(fit: "Fit", rate: float, alternative: str, of: str) -> TestResult:
    """Answer :meth:`metaresp.Fit.test`."""
    _check_rate(rate)
    alternative = check_alternative(alternative)
    if known_name("of", of, ("typical", "mean")) == "mean":
        return _test_of_mean(fit, rate, alternative)
    if fit.is_exact:
        return _exact_test(fit, rate, alternative)
    counts = _counts(fit)
    target = effect_of(rate, counts, fit.spec, fit.tau2)
    if fit.spec.ci in _NOT_T:
        if fit.levels is not None:
            half = nested_pvalue(counts, _clusters(fit), _best(fit, counts), target, fit.df) / 2
        elif _by_likelihood(fit):
            half = float(likelihood_alphas(np.array([target]), _model(fit))[0]) / 2
        else:
            half = least_alpha(target, counts, fit.spec) / 2
        above, statistic, df = (half if target < fit.estimate else 1 - half), np.nan, np.nan
    elif fit.se > _NO_WIDTH:
        statistic, df = (fit.estimate - target) / fit.se, fit.df
        above = _t_cdf(-statistic, df)
    else:
        raise CannotEstimate(
            f"test: the standard error is 0, since the studies agree exactly ({option('ci', fit.spec.ci)})"
        )
    below = _t_cdf(statistic, df) if np.isfinite(statistic) else 1 - above
    p = {"greater": above, "less": below, "two-sided": 2 * min(above, below)}[alternative]
    return TestResult(float(rate), alternative, float(statistic), float(df), float(p), fit.spec.ci)


def _test_of_mean(fit: "Fit", rate: float, alternative: str) -> TestResult:
    """Test the rate averaged over trials; where it is the rate itself, that."""
    counts, spec = _model(fit).counts, fit.spec
    if fit.is_exact or spec.model == "beta-binomial":
        return replace(test(fit, rate, alternative, "typical"), of="mean")
    if spec.model == "binomial-normal" and fit.levels is None:
        half = mean_pvalue(_model(fit), rate) / 2
        above = half if rate < fit.mean_rate else 1 - half
        p = {"greater": above, "less": 1 - above, "two-sided": 2 * min(above, 1 - above)}[alternative]
        return TestResult(float(rate), alternative, np.nan, np.nan, float(p), spec.ci, "mean")
    # the rate of a typical trial whose mean over trials, at the estimated tau2, is the benchmark
    typical = typical_of_mean(counts, spec, fit.tau2, rate)
    return replace(test(fit, typical, alternative, "typical"), benchmark=float(rate), of="mean")


@silent
def pvalues(fit: "Fit", rates: FloatArray) -> FloatArray:
    """Return the two-sided p-values of :func:`test` at several rates, shape (rates,)."""
    if fit.is_exact or not _by_likelihood(fit):
        return np.array([test(fit, float(rate), "two-sided", "typical").pvalue for rate in rates])
    counts = _counts(fit)
    targets = np.array([effect_of(float(rate), counts, fit.spec, fit.tau2) for rate in rates])
    return likelihood_alphas(targets, _model(fit))


def _by_likelihood(fit: "Fit") -> bool:
    by_model = {"binomial-normal": frozenset(CALIBRATIONS), "beta-binomial": LIKELIHOOD}
    return fit.levels is None and fit.spec.ci in by_model.get(fit.spec.model, ())


def _exact_test(fit: "Fit", rate: float, alternative: str) -> TestResult:
    method = fit.spec.ci if fit.spec.model == "common" else "clopper-pearson"
    events, n = fit.events, fit.n
    if fit.counted != "totals":
        units = _clusters(fit) if fit.counted == "clusters" else np.arange(fit.k)
        events, n = np.unique(units[fit.studies.events > 0]).size, np.unique(units).size
    p = binomial_test(events, n, rate, method=method, alternative=alternative).pvalue
    return TestResult(float(rate), alternative, np.nan, np.nan, float(p), f"binomial, {method}")


def _model(fit: "Fit") -> Fitted:
    return kept(fit, fit.studies.events, fit.studies.n, fit.spec)


def _counts(fit: "Fit") -> Counts:
    return _model(fit).counts


def _clusters(fit: "Fit") -> IntArray:
    return fit.studies.cluster_codes(str(fit.spec.cluster))


def _best(fit: "Fit", counts: Counts) -> Best:
    return best_of(counts, fit.estimate, fit.tau2_between, fit.tau2_within, fit.loglik)


def _t_cdf(value: float, df: float) -> float:
    return float(special.ndtr(value) if np.isinf(df) else special.stdtr(df, value))


def _check_rate(rate: Any) -> None:
    if isinstance(rate, bool) or not isinstance(rate, int | float | np.floating) or not 0 < rate < 1:
        raise InvalidArgument(f"{option('rate', rate)}: must be a number between 0 and 1, such as 0.2")
