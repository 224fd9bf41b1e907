"""What the models of studies nested in clusters share: two variances, their tests, numbers of every lane."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.checks import check_level
from metaresp.errors import CannotEstimate, known_name
from metaresp.kernel.nested.intervals import NestedInterval
from metaresp.kernel.nested.robust import Groups, groups
from metaresp.kernel.nested.spread import BETWEEN, TOTAL, WITHIN
from metaresp.kernel.nested.variance_tests import both_variances, one_variance
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.model.estimates import Numbers

COMPONENTS = (BETWEEN, WITHIN, TOTAL)
LEVELS = (
    "tau2_between",
    "tau2_within",
    "I2_between",
    "I2_within",
    "lrt_between",
    "lrt_between_pvalue",
    "lrt_within",
    "lrt_within_pvalue",
)
UNKNOWN = dict.fromkeys(LEVELS, np.nan)
GIVEN_CLUSTER = "Given all counts of a study's cluster, at the fitted mean and variances."


class Heights(Protocol):
    """Maximised log-likelihoods with neither variance held at 0, with one, and with both."""

    @property
    def loglik(self) -> FloatArray:
        """With neither."""

    @property
    def loglik_between_zero(self) -> FloatArray:
        """With that between clusters."""

    @property
    def loglik_within_zero(self) -> FloatArray:
        """With that within clusters."""

    @property
    def loglik_common(self) -> FloatArray:
        """With both."""


class Component(NamedTuple):
    """Whose interval is asked for, and how far the log-likelihood falls to its limits, twice over."""

    which: str
    fall: float


def component_of(cluster: IntArray, method: str | None, component: str | None, level: float) -> Component:
    """Check what is asked of the variances; None is the total.

    Raises
    ------
    UnknownName
        If there is no such method or component.
    CannotEstimate
        If the data cannot show it.
    """
    if method is not None:
        known_name("method", method, ("profile",))
    which = TOTAL if component is None else known_name("component", component, COMPONENTS)
    fall = float(t_quantile(np.inf, (1 - check_level(level)) / 2)) ** 2
    if groups(cluster).first.size == cluster.size and which != TOTAL:
        raise CannotEstimate("tau2_ci: every cluster holds one study, so its levels cannot be told apart")
    return Component(which, fall)


def mean_numbers(mu: FloatArray, ci: NestedInterval, between: FloatArray, within: FloatArray) -> Numbers:
    """Return the mean with its interval, on the model's scale, and the variances."""
    return {
        "estimate": mu,
        "se": ci.se,
        "df": ci.df,
        "estimate_low": ci.low,
        "estimate_high": ci.high,
        "tau2": between + within,
    }


_ON_SCALE = {
    "rate": "estimate",
    "low": "estimate_low",
    "high": "estimate_high",
    "prediction_low": "estimate_prediction_low",
    "prediction_high": "estimate_prediction_high",
}


def as_rates(out: Numbers, back: Callable[[FloatArray], FloatArray]) -> Numbers:
    """Return the rates that numbers on the model's scale are turned *back* into; NaN where there is none."""
    rates: Numbers = {}
    for name, other in _ON_SCALE.items():
        if other in out:
            known = ~np.isnan(out[other])
            rates[name] = np.where(known, back(np.where(known, out[other], 0.0)), np.nan)
    return rates


def _gain(top: FloatArray, less: FloatArray) -> FloatArray:
    return np.maximum(2 * (top - less), 0.0)


def both_tested(height: Heights, angle: FloatArray) -> Numbers:
    """Return the test that both variances are 0."""
    lrt = _gain(height.loglik, height.loglik_common)
    return {"lrt": lrt, "lrt_pvalue": both_variances(lrt, angle)}


def levels(
    between: FloatArray, within: FloatArray, v: float, height: Heights, *, within_known: bool = True
) -> dict[str, float]:
    """Return ``LEVELS`` of one lane.

    Both variances, their shares with a typical sampling variance *v*, their tests.
    """
    total = between + within + v
    lrt_between = _gain(height.loglik, height.loglik_between_zero)
    lrt_within = _gain(height.loglik, height.loglik_within_zero)
    within_p = one_variance(lrt_within)
    if not within_known:
        within = lrt_within = within_p = np.full(1, np.nan)
    values = (
        between,
        within,
        100 * between / total,
        100 * within / total,
        lrt_between,
        one_variance(lrt_between),
        lrt_within,
        within_p,
    )
    return {name: value.item() for name, value in zip(LEVELS, values, strict=True)}


def by_study(values: FloatArray, g: Groups) -> FloatArray:
    """Return what stands in the order of the clusters, along the last axis, in that of the studies."""
    result = np.empty_like(values)
    result[..., g.order] = values
    return result
