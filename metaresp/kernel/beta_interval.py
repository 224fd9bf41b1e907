"""Intervals for the logit of the mean rate in the beta-binomial model."""

from collections.abc import Callable

import numpy as np

from metaresp.arrays import FloatArray
from metaresp.kernel.beta_binomial import Fit, mu_limits
from metaresp.kernel.count_interval import CountInterval, normal, student
from metaresp.kernel.quantiles import t_quantile
from metaresp.registry import Registry

BetaMethod = Callable[[FloatArray, FloatArray, FloatArray, Fit, FloatArray, float], CountInterval]
BETA_CI: Registry[BetaMethod] = Registry("ci")


@BETA_CI.add("profile")
def profile(
    x: FloatArray, n: FloatArray, copies: FloatArray, fit: Fit, k: FloatArray, tail: float
) -> CountInterval:
    """Profile-likelihood interval: where twice the log-likelihood has fallen by a chi-square quantile.

    Parameters
    ----------
    x, n, copies : float array, shape (lanes, k)
    fit : Fit
        The maximum likelihood fit of those lanes.
    k : float array, shape (lanes,)
        Number of studies, multiplicities counted.
    tail : float
        Probability beyond each limit.

    Notes
    -----
    R: none; the likelihood is that of ``VGAM::vglm(betabinomial)``.
    """
    infinite = np.full_like(fit.mu, np.inf)
    limits = mu_limits(x, n, copies, fit, t_quantile(infinite, tail) ** 2)
    return CountInterval(limits.low, limits.high, infinite)


@BETA_CI.add("profile-t")
def profile_t(
    x: FloatArray, n: FloatArray, copies: FloatArray, fit: Fit, k: FloatArray, tail: float
) -> CountInterval:
    """Profile-likelihood interval with the square of a t quantile on k - 1 degrees of freedom.

    Parameters as in :func:`profile`.
    """
    limits = mu_limits(x, n, copies, fit, t_quantile(k - 1, tail) ** 2)
    return CountInterval(limits.low, limits.high, k - 1)


# The Wald intervals need no more than mu and its standard error.
BETA_CI.add("t")(student)
BETA_CI.add("normal")(normal)
