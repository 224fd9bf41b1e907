"""Intervals from the binomial tails: Clopper-Pearson."""

import numpy as np
from scipy.special import betainc, betaincc, betainccinv, betaincinv

from metaresp.arrays import FloatArray
from metaresp.binomial.methods import BINOMIAL_CI, BINOMIAL_PVALUE, Prior, Side, doubled, sided, tail_of


def lower_bound(x: FloatArray, n: FloatArray, tail: float) -> FloatArray:
    """Return the rate at which ``P(X >= x)`` is *tail*; 0 where ``x == 0``."""
    some = np.maximum(x, 1.0)
    return np.where(x > 0, betaincinv(some, n - some + 1, tail), 0.0)


def upper_bound(x: FloatArray, n: FloatArray, tail: float) -> FloatArray:
    """Return the rate at which ``P(X <= x)`` is *tail*; 1 where ``x == n``."""
    some = np.minimum(x, n - 1)
    return np.where(x < n, betainccinv(some + 1, n - some, tail), 1.0)


def at_most(x: FloatArray, n: FloatArray, rate: FloatArray) -> FloatArray:
    """Return ``P(X <= x)`` with relative accuracy; 0 below ``x = 0`` and 1 from ``x = n``."""
    inside = np.clip(x, 0.0, n - 1)
    return np.where(x < 0, 0.0, np.where(x >= n, 1.0, betaincc(inside + 1, n - inside, rate)))


def at_least(x: FloatArray, n: FloatArray, rate: FloatArray) -> FloatArray:
    """Return ``P(X >= x)`` with relative accuracy; 1 up to ``x = 0`` and 0 above ``x = n``."""
    inside = np.clip(x, 1.0, n)
    return np.where(x <= 0, 1.0, np.where(x > n, 0.0, betainc(inside, n - inside + 1, rate)))


@BINOMIAL_CI.add("clopper-pearson")
def clopper_pearson(
    x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior
) -> tuple[FloatArray, FloatArray]:
    """Invert the two one-sided binomial tests at ``alpha / 2`` each; covers at least the level.

    ``P(X >= x | low) = alpha/2`` and ``P(X <= x | high) = alpha/2``, which are the quantiles
    ``low = B(alpha/2; x, n-x+1)`` and ``high = B(1-alpha/2; x+1, n-x)`` of beta distributions; 0 at
    ``x = 0`` and 1 at ``x = n``.  One-sided: all of ``alpha`` in the one tail.

    References
    ----------
    Clopper CJ, Pearson ES (1934), Biometrika 26:404-413.  R: ``binom.test(x, n)$conf.int``.
    """
    tail = tail_of(alpha, side)
    return sided(lambda: lower_bound(x, n, tail), lambda: upper_bound(x, n, tail), x, side)


@BINOMIAL_PVALUE.add("clopper-pearson")
def clopper_pearson_pvalue(
    x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior
) -> FloatArray:
    """Return twice the smaller tail, at most 1 (the two-sided ``binom.test`` of R is ``sterne``)."""
    return doubled(at_most(x, n, rate), at_least(x, n, rate), side)
