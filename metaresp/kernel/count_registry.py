"""The registries of intervals in count models, and what their entries share."""

from typing import NamedTuple, Protocol

from numpy.random import Generator

from metaresp.arrays import FloatArray
from metaresp.kernel.binomial_normal import Fit
from metaresp.kernel.quantiles import t_quantile
from metaresp.registry import Registry


class CountInterval(NamedTuple):
    """An interval on the link scale; fields of shape (lanes,), NaN where there is none."""

    low: FloatArray
    high: FloatArray
    df: FloatArray


class Estimate(Protocol):
    """A fit of any count model: the mean on the link scale and its standard error, shape (lanes,)."""

    @property
    def mu(self) -> FloatArray:
        """The mean."""

    @property
    def se(self) -> FloatArray:
        """Its standard error."""


class CountMethod(Protocol):
    """The one signature of intervals in the binomial-normal model."""

    def __call__(
        self,
        x: FloatArray,
        n: FloatArray,
        copies: FloatArray,
        fit: Fit,
        k: FloatArray,
        tail: float,
        rng: Generator | None = None,
    ) -> CountInterval:
        """Return the interval of each lane; *rng* is the source of methods that simulate."""


COUNT_CI: Registry[CountMethod] = Registry("ci")
COUNT_PREDICTION: Registry[CountMethod] = Registry("prediction")


def around(centre: FloatArray, spread: FloatArray, df: FloatArray, tail: float) -> CountInterval:
    """Return ``centre +- t quantile * spread``; NaN where the degrees of freedom are not positive."""
    half = t_quantile(df, tail) * spread
    return CountInterval(centre - half, centre + half, df)
