"""The registry of intervals for the pooled mean, and what they share."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from metaresp.arrays import ArrayLike, BoolArray, FloatArray
from metaresp.kernel.effects.tau2 import Tau2
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.registry import Registry

FiveArrays: TypeAlias = tuple[FloatArray, FloatArray, FloatArray, FloatArray, BoolArray]
Refit: TypeAlias = Callable[[ArrayLike, ArrayLike, ArrayLike], Tau2]


class MeanInterval(NamedTuple):
    """The pooled mean of each lane with its interval, shape (...)."""

    estimate: FloatArray
    se: FloatArray
    df: FloatArray
    """Degrees of freedom of the reference t distribution; infinity for a normal one."""
    low: FloatArray
    high: FloatArray
    converged: BoolArray


MeanMethod: TypeAlias = Callable[
    [ArrayLike, ArrayLike, ArrayLike, ArrayLike, float, Refit | None, np.random.Generator | None],
    MeanInterval,
]

MEAN_CI: Registry[MeanMethod] = Registry("ci")


def symmetric(estimate: FloatArray, se: FloatArray, df: FloatArray, tail: float) -> MeanInterval:
    """Return ``estimate`` plus and minus the t quantile times ``se``; nan limits where ``df <= 0``."""
    with np.errstate(invalid="ignore"):
        half = t_quantile(df, tail) * se
        return MeanInterval(estimate, se, df, estimate - half, estimate + half, np.isfinite(estimate))
