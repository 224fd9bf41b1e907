"""Intervals for the logit of the mean rate in the beta-binomial model."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray
from metaresp.kernel.counts.beta_binomial import Counts, Fit, mu_limits, profile_fall
from metaresp.kernel.counts.intervals import CountInterval, normal, student
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.registry import Registry


class BetaLanes(NamedTuple):
    """What an interval may look at, see :class:`metaresp.kernel.counts.registry.Lanes`."""

    data: Counts
    fit: Fit
    k: FloatArray


BetaMethod = Callable[[BetaLanes, float], CountInterval]
BETA_CI: Registry[BetaMethod] = Registry("ci")


@BETA_CI.add("profile")
def profile(lanes: BetaLanes, tail: float) -> CountInterval:
    """Profile-likelihood interval: where twice the log-likelihood has fallen by a chi-square quantile.

    R: none; the likelihood is that of ``VGAM::vglm(betabinomial)``.
    """
    return _limits(lanes, np.full_like(lanes.k, np.inf), tail)


@BETA_CI.add("profile-t")
def profile_t(lanes: BetaLanes, tail: float) -> CountInterval:
    """Profile-likelihood interval with the square of a t quantile on k - 1 degrees of freedom."""
    return _limits(lanes, lanes.k - 1, tail)


LIKELIHOOD = frozenset(BETA_CI)


def pvalues(name: str, lane: BetaLanes, mu: FloatArray) -> FloatArray:
    """Return the two-sided p-values, by the interval *name*, of several values of mu for one lane.

    Parameters
    ----------
    name : str
        One of ``LIKELIHOOD``.
    lane : BetaLanes
        One lane.
    mu : float array, shape (points,)
    """
    fall = profile_fall(lane.data, lane.fit, mu)
    if name == "profile":
        return special.chdtrc(1, fall)
    return 2 * special.stdtr(np.full_like(fall, lane.k[0] - 1), -np.sqrt(fall))


def _limits(lanes: BetaLanes, df: FloatArray, tail: float) -> CountInterval:
    low, high = mu_limits(lanes.data, lanes.fit, t_quantile(df, tail) ** 2)
    return CountInterval(low, high, df)


# The Wald intervals need no more than mu and its standard error.
BETA_CI.add("t")(student)
BETA_CI.add("normal")(normal)
