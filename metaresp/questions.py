"""What can be asked of a fit: intervals of tau2, a benchmark against the pooled rate or a new trial."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, silent
from metaresp.binomial import binomial_test
from metaresp.binomial.interval import check_alternative
from metaresp.errors import CannotEstimate, InvalidArgument, known_name, option
from metaresp.forecast import EventForecast, checked, forecast
from metaresp.model.base import Model
from metaresp.model.inversion import least_alpha
from metaresp.model.kept import clusters_of, kept
from metaresp.model.predictive import NO_WIDTH, NewTrial
from metaresp.model.registry import model_of
from metaresp.outcome import TestResult
from metaresp.records import Interval

if TYPE_CHECKING:
    from metaresp.result import Fit

_NO_WIDTH = 1e-12  # a standard error that is only rounding: the studies agree exactly


@silent
def tau2_limits(fit: "Fit", method: str | None, component: str | None, level: float | None) -> Interval:
    """Answer :meth:`metaresp.Fit.tau2_ci`."""
    if fit.is_exact:
        raise CannotEstimate(f"tau2_ci: tau2 is not estimable here ({fit.reason or fit.model_label})")
    return _model(fit).tau2_interval(fit, method, component, fit.spec.level if level is None else level)


@silent
def rho_limits(fit: "Fit", method: str | None, level: float | None) -> Interval:
    """Answer :meth:`metaresp.Fit.rho_ci`."""
    if fit.is_exact:
        raise CannotEstimate(f"rho_ci: rho is not estimable here ({fit.reason or fit.model_label})")
    low, high = _model(fit).rho_limits(method, fit.spec.level if level is None else level)
    return Interval(low[0].item(), high[0].item())


@silent
def probability_above(fit: "Fit", rate: float) -> float:
    """Answer :meth:`metaresp.Fit.probability_above`."""
    _check_rate(rate)
    if fit.estimate_prediction is None:
        raise InvalidArgument("probability_above: this fit has no prediction interval to take it from")
    if fit.spec.prediction == "bootstrap":
        model = _model(fit)
        target = model.effect_of(rate, fit.tau2)
        half = least_alpha(target, model, "estimate_prediction") / 2
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
    return _model(fit).new_trial(fit, limits)


@silent
def test(fit: "Fit", rate: float, alternative: str, of: str) -> TestResult:
    """Answer :meth:`metaresp.Fit.test`."""
    _check_rate(rate)
    alternative = check_alternative(alternative)
    if known_name("of", of, ("typical", "mean")) == "mean":
        return _test_of_mean(fit, rate, alternative)
    if fit.is_exact:
        return _exact_test(fit, rate, alternative)
    model = _model(fit)
    target = model.effect_of(rate, fit.tau2)
    found = model.pvalues(np.array([[target]]))
    if found is not None:
        half = found.item() / 2
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
    model = _model(fit)
    if fit.is_exact or model.rate_is_mean:
        return replace(test(fit, rate, alternative, "typical"), of="mean")
    found = model.mean_pvalues(np.array([[rate]]))
    if found is not None:
        above = found.item() / 2 if rate < fit.mean_rate else 1 - found.item() / 2
        p = {"greater": above, "less": 1 - above, "two-sided": 2 * min(above, 1 - above)}[alternative]
        return TestResult(float(rate), alternative, np.nan, np.nan, float(p), fit.spec.ci, "mean")
    # the rate of a typical trial whose mean over trials, at the estimated tau2, is the benchmark
    typical = model.typical_of_mean(rate, fit.tau2)
    return replace(test(fit, typical, alternative, "typical"), benchmark=float(rate), of="mean")


@silent
def pvalues(fit: "Fit", rates: FloatArray) -> FloatArray:
    """Return the two-sided p-values of :func:`test` at several rates, shape (rates,)."""
    found: FloatArray | None = None
    if not fit.is_exact:
        model = _model(fit)
        targets = [[model.effect_of(float(rate), fit.tau2) for rate in rates]]
        found = model.pvalues(np.array(targets))
    if found is None:
        found = np.array([test(fit, float(rate), "two-sided", "typical").pvalue for rate in rates])
    return found.ravel()


def _exact_test(fit: "Fit", rate: float, alternative: str) -> TestResult:
    method = model_of(fit.spec).exact_method(fit.spec)
    events, n = fit.events, fit.n
    if fit.counted != "totals":
        codes = clusters_of(fit.studies, fit.spec) if fit.counted == "clusters" else None
        units = np.arange(fit.k) if codes is None else codes
        events, n = np.unique(units[fit.studies.events > 0]).size, np.unique(units).size
    p = binomial_test(events, n, rate, method=method, alternative=alternative).pvalue
    return TestResult(float(rate), alternative, np.nan, np.nan, float(p), f"binomial, {method}")


def _model(fit: "Fit") -> Model:
    return kept(fit, fit.studies, fit.spec)


def _t_cdf(value: float, df: float) -> float:
    return float(special.ndtr(value) if np.isinf(df) else special.stdtr(df, value))


def _check_rate(rate: Any) -> None:
    if isinstance(rate, bool) or not isinstance(rate, int | float | np.floating) or not 0 < rate < 1:
        raise InvalidArgument(f"{option('rate', rate)}: must be a number between 0 and 1, such as 0.2")
