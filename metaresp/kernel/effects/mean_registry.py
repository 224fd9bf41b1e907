"""The registry of intervals for the pooled mean, and what its entries share."""

from collections.abc import Callable
from functools import wraps
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np

from metaresp.arrays import ArrayLike, BoolArray, FloatArray
from metaresp.kernel.effects.sums import Lanes, run_lanes
from metaresp.kernel.effects.tau2 import Tau2Method
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.registry import Registry

Refit: TypeAlias = Tau2Method | None
Source: TypeAlias = np.random.Generator | None


class MeanInterval(NamedTuple):
    """The pooled mean of each lane with its interval, shape (...)."""

    estimate: FloatArray
    se: FloatArray
    df: FloatArray
    """Degrees of freedom of the reference t distribution; infinity for a normal one."""
    low: FloatArray
    high: FloatArray
    converged: BoolArray


class MeanMethod(Protocol):
    """The one signature of intervals for the pooled mean."""

    def __call__(
        self,
        y: ArrayLike,
        v: ArrayLike,
        copies: ArrayLike,
        tau2: ArrayLike,
        tail: float,
        refit: Refit,
        rng: Source,
    ) -> MeanInterval:
        """Return the interval of each lane.

        Parameters
        ----------
        y, v, copies : float array, shape (..., k)
            Study effects, their sampling variances, and study multiplicities.
        tau2 : float array, shape (...)
            Between-study variance.
        tail : float
            Probability left out on each side.
        refit : callable, optional
            Estimator of ``tau2`` for methods that draw data sets; REML if not given.
        rng : numpy.random.Generator, optional
            For methods that draw: each lane takes one child of it, in order, so that lanes do not depend on
            each other or on batches; a fixed seed if not given.

        Returns
        -------
        MeanInterval
            Each field of shape (...).  But for ``normal``, limits are nan for a single study.

        Examples
        --------
        >>> from metaresp.kernel.effects.mean import MEAN_CI
        >>> fit = MEAN_CI["t"]([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1], 0.9, 0.025, None, None)
        >>> round(float(fit.low), 4), round(float(fit.high), 4)
        (-1.4841, 3.4841)
        """


MEAN_CI: Registry[MeanMethod] = Registry("ci")


def interval(
    body: Callable[[Lanes, FloatArray, float, Refit, Source], MeanInterval], draws: bool = False
) -> MeanMethod:
    """Make an entry of ``MEAN_CI`` out of a function of :class:`Lanes`; one that *draws* gets a source."""

    @wraps(body)
    def method(
        y: ArrayLike,
        v: ArrayLike,
        copies: ArrayLike,
        tau2: ArrayLike,
        tail: float,
        refit: Refit,
        rng: Source,
    ) -> MeanInterval:
        source = np.random.default_rng(2019) if draws and rng is None else rng

        def of_lanes(lanes: Lanes, between: FloatArray) -> MeanInterval:
            return body(lanes, between, tail, refit, source)

        return MeanInterval(*run_lanes(of_lanes, y, v, copies, tau2))

    return method


def symmetric(estimate: FloatArray, se: FloatArray, df: FloatArray, tail: float) -> MeanInterval:
    """Return ``estimate`` plus and minus the t quantile times ``se``; nan limits where ``df <= 0``."""
    half = t_quantile(df, tail) * se
    return MeanInterval(estimate, se, df, estimate - half, estimate + half, np.isfinite(estimate))


def without_df(
    estimate: FloatArray, se: FloatArray, low: FloatArray, high: FloatArray, converged: BoolArray
) -> MeanInterval:
    """Return limits that rest on no t distribution."""
    return MeanInterval(estimate, se, np.full_like(se, np.inf), low, high, converged)
