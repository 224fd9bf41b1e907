"""What the models of studies nested in clusters share: two variances, their tests, numbers of one lane."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from metaresp.arrays import IntArray
from metaresp.checks import check_level
from metaresp.errors import CannotEstimate, known_name
from metaresp.kernel.nested.intervals import NESTED_PREDICTION, NestedInterval
from metaresp.kernel.nested.robust import Groups, groups
from metaresp.kernel.nested.spread import BETWEEN, TOTAL, WITHIN
from metaresp.kernel.nested.variance_tests import both_variances, one_variance
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.model.estimates import Numbers
from metaresp.model.spec import Spec

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
    def loglik(self) -> float:
        """With neither."""

    @property
    def loglik_between_zero(self) -> float:
        """With that between clusters."""

    @property
    def loglik_within_zero(self) -> float:
        """With that within clusters."""

    @property
    def loglik_common(self) -> float:
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


def mean_numbers(mu: float, ci: NestedInterval, tau2: float, clusters: float, spec: Spec) -> dict[str, float]:
    """Return the mean with its interval and that of a new study, on the model's scale."""
    out = {
        "estimate": mu,
        "se": ci.se,
        "df": ci.df,
        "estimate_low": ci.low,
        "estimate_high": ci.high,
        "tau2": tau2,
    }
    if spec.prediction is not None:
        tail = (1 - spec.level) / 2
        low, high = NESTED_PREDICTION[spec.prediction](mu, ci.se, tau2, clusters, tail)
        out |= {"estimate_prediction_low": low, "estimate_prediction_high": high}
    return out


_ON_SCALE = {
    "rate": "estimate",
    "low": "estimate_low",
    "high": "estimate_high",
    "prediction_low": "estimate_prediction_low",
    "prediction_high": "estimate_prediction_high",
}


def as_rates(out: dict[str, float], back: Callable[[float], float]) -> dict[str, float]:
    """Return the rates that numbers on the model's scale are turned *back* into."""
    return {
        name: np.nan if np.isnan(out[other]) else back(out[other])
        for name, other in _ON_SCALE.items()
        if other in out
    }


def lane(out: dict[str, float]) -> Numbers:
    """Return numbers as those of one lane."""
    return {name: np.array([value]) for name, value in out.items()}


def _gain(top: float, less: float) -> float:
    return max(0.0, 2 * (top - less))


def both_tested(height: Heights, angle: float) -> dict[str, float]:
    """Return the test that both variances are 0."""
    lrt = _gain(height.loglik, height.loglik_common)
    return {"lrt": lrt, "lrt_pvalue": both_variances(lrt, angle)}


def levels(
    between: float, within: float, v: float, height: Heights, *, within_known: bool = True
) -> dict[str, float]:
    """Return ``LEVELS``: both variances, their shares with a typical sampling variance *v*, their tests."""
    total = between + within + v
    lrt_between = _gain(height.loglik, height.loglik_between_zero)
    lrt_within = _gain(height.loglik, height.loglik_within_zero)
    within_p = one_variance(lrt_within)
    if not within_known:
        within = lrt_within = within_p = np.nan
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
    return dict(zip(LEVELS, values, strict=True))


def by_study(values: np.ndarray, g: Groups) -> np.ndarray:
    """Return what stands in the order of the clusters, in that of the studies."""
    result = np.empty_like(values)
    result[g.order] = values
    return result
