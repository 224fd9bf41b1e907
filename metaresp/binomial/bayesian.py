"""Intervals of the posterior Beta(x + a, n - x + b) under a Beta(a, b) prior."""

import numpy as np
from scipy.special import betainc, betaincc, betainccinv, betaincinv

from metaresp.arrays import FloatArray
from metaresp.binomial.methods import (
    BINOMIAL_CI,
    BINOMIAL_PVALUE,
    TAKES_PRIOR,
    Prior,
    Side,
    doubled,
    sided,
    tail_of,
)

TAKES_PRIOR.update({"jeffreys", "hpd"})


def _edges(x: FloatArray, n: FloatArray, prior: Prior) -> tuple[FloatArray, FloatArray]:
    """Return where the lower limit is 0 and where the upper limit is 1 by the edge rule."""
    return (x == 0) & (prior[0] <= 1), (x == n) & (prior[1] <= 1)


@BINOMIAL_CI.add("jeffreys")
def jeffreys(
    x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior
) -> tuple[FloatArray, FloatArray]:
    """Equal-tailed credible interval: the ``alpha/2`` and ``1-alpha/2`` quantiles of the posterior.

    At ``x = 0`` the lower limit is 0 and at ``x = n`` the upper one is 1, so that the interval holds
    the observed rate (the other limit stays); this edge rule is left out where the prior's own shape
    at that edge, ``a`` or ``b``, is above 1.

    References
    ----------
    Brown LD, Cai TT, DasGupta A (2001), Statistical Science 16:101-133, section 4.1.1 (edge rule 4.1.3).
    R: ``qbeta(c(alpha/2, 1-alpha/2), x + .5, n - x + .5)``, there without the edge rule.
    """
    tail, (at_zero, at_n) = tail_of(alpha, side), _edges(x, n, prior)
    a, b = x + prior[0], n - x + prior[1]
    return sided(
        lambda: np.where(at_zero, 0.0, betaincinv(a, b, tail)),
        lambda: np.where(at_n, 1.0, betainccinv(a, b, tail)),
        x,
        side,
    )


@BINOMIAL_PVALUE.add("jeffreys")
def jeffreys_pvalue(x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior) -> FloatArray:
    """Return the posterior tail beyond *rate*, doubled when two-sided; a tail beyond an edge counts as 1."""
    at_zero, at_n = _edges(x, n, prior)
    a, b = x + prior[0], n - x + prior[1]
    above, below = betaincc(a, b, rate), betainc(a, b, rate)
    return doubled(np.where(at_n, 1.0, above), np.where(at_zero, 1.0, below), side)
