"""Intervals for the between-study variance, one function a name in ``TAU2_CI``."""

from collections.abc import Callable
from functools import wraps
from typing import Protocol, TypeAlias

import numpy as np
from scipy.special import ndtri

from metaresp.arrays import ArrayLike, FloatArray, IntArray
from metaresp.kernel.effects.quadratic_form import spectrum, tails, take
from metaresp.kernel.effects.sums import Lanes, run_lanes
from metaresp.kernel.effects.tau2_regions import likelihood_region
from metaresp.kernel.effects.tau2_search import climb
from metaresp.kernel.numerics.quantiles import chi2_quantile
from metaresp.kernel.numerics.roots import bracketed
from metaresp.registry import Registry

Limits: TypeAlias = tuple[FloatArray, FloatArray]


class Tau2Interval(Protocol):
    """The one signature of intervals for the between-study variance."""

    def __call__(self, y: ArrayLike, v: ArrayLike, copies: ArrayLike, tail: float) -> Limits:
        """Return the limits of each lane.

        Parameters
        ----------
        y, v, copies : float array, shape (..., k)
            Study effects, their sampling variances, and study multiplicities.
        tail : float
            Probability left out on each side.

        Returns
        -------
        low, high : float array, shape (...)
            nan for a single study and where values are not finite.

        Examples
        --------
        >>> low, high = TAU2_CI["q-profile"]([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1], 0.025)
        >>> round(float(low), 4), round(float(high), 4)
        (0.1711, 39.3979)
        """


TAU2_CI: Registry[Tau2Interval] = Registry("method")


def limits(body: Callable[[Lanes, float], Limits]) -> Tau2Interval:
    """Make an entry of ``TAU2_CI`` out of a function of :class:`Lanes`."""

    @wraps(body)
    def method(y: ArrayLike, v: ArrayLike, copies: ArrayLike, tail: float) -> Limits:
        def usable(lanes: Lanes) -> Limits:
            low, high = body(lanes, tail)
            known = (lanes.k > 1) & (lanes.reasons() == 0)
            return np.where(known, low, np.nan), np.where(known, high, np.nan)

        low, high = run_lanes(usable, y, v, copies)
        return low, high

    return method


@TAU2_CI.add("q-profile")
@limits
def q_profile(lanes: Lanes, tail: float) -> Limits:
    """Q-profile interval: the ``tau2`` at which the generalised Q meets its chi-square quantiles.

    Both limits are 0 where Q at ``tau2 = 0`` is below even the lower quantile.

    Viechtbauer (2007), Statistics in Medicine 26:37-52, section 3.
    R: ``metafor::confint(rma(...), type = "QP")``.
    """
    df = lanes.df
    return climb(lanes, chi2_quantile(df, tail)).value, climb(lanes, chi2_quantile(df, 1.0 - tail)).value


@TAU2_CI.add("generalised-q")
@limits
def generalised_q(lanes: Lanes, tail: float) -> Limits:
    """Biggerstaff-Jackson interval: Cochran's Q against its exact distribution at each ``tau2``.

    Both limits are 0 where Q is below even the lower quantile at ``tau2 = 0``.

    Biggerstaff & Jackson (2008), Statistics in Medicine 27:6093-6110, section 3; Jackson (2013), Research
    Synthesis Methods 4:220-229.  R: ``metafor::confint(rma(method = "GENQ", weights = 1/vi))``.
    """
    q = lanes.mean(np.zeros(len(lanes))).q
    spec = spectrum(lanes)
    low, high = np.zeros(len(lanes)), np.zeros(len(lanes))
    at_zero = tails(spec, low, q)
    scale = 1.0 / np.where(spec.times > 0, spec.alpha, 0.0).max(axis=1)
    # P(Q > q) grows with tau2 and P(Q <= q) falls: where the first reaches the tail is the lower limit
    for limit, side in ((low, 1), (high, 0)):
        open_ = np.flatnonzero((at_zero[side] < tail) if side else (at_zero[side] > tail))
        open_ = open_[(lanes.k[open_] > 1) & np.isfinite(q[open_]) & (q[open_] > 0)]
        if not len(open_):
            continue

        def excess(u: FloatArray, i: IntArray, some: IntArray = open_, side: int = side) -> FloatArray:
            index = some[i]
            chance = tails(take(spec, index), scale[index] * np.expm1(u), q[index])[side]
            return np.asarray(np.log(chance / tail))

        top = _growing(excess, len(open_), side)
        root = bracketed(excess, np.zeros(len(open_)), top, floor=1e-3)
        limit[open_] = scale[open_] * np.expm1(root.value)
    return low, high


def _growing(excess: Callable[[FloatArray, IntArray], FloatArray], count: int, side: int) -> FloatArray:
    """Return a ``u`` for each lane beyond its root."""
    u = np.ones(count)
    waiting = np.arange(count)
    for _ in range(60):
        value = excess(u[waiting], waiting)
        waiting = waiting[(value < 0) if side else (value > 0)]
        if not len(waiting):
            break
        u[waiting] += 2.0
    return u


@TAU2_CI.add("profile")
@limits
def profile(lanes: Lanes, tail: float) -> Limits:
    """Profile-likelihood interval from the restricted likelihood; a region in two pieces gives its hull.

    The bound is the chi-square quantile with 1 degree of freedom and twice *tail* above it.

    Hardy & Thompson (1996), Statistics in Medicine 15:619-629; Viechtbauer (2007), Statistics in Medicine
    26:37-52, section 2.  R: ``metafor::confint(rma(method = "REML"), type = "PL")``.
    """
    region = likelihood_region(lanes, float(ndtri(tail)) ** 2, restricted=True)
    return region.low, region.high
