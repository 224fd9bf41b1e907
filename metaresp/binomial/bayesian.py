"""Intervals of the posterior Beta(x + a, n - x + b) under a Beta(a, b) prior."""

import numpy as np
from scipy.special import betainc, betaincc, betainccinv, betaincinv, betaln

from metaresp.arrays import FloatArray, IntArray
from metaresp.binomial.methods import (
    BINOMIAL_CI,
    BINOMIAL_PVALUE,
    TAKES_PRIOR,
    Ends,
    Prior,
    Side,
    doubled,
    sided,
    tail_of,
)

TAKES_PRIOR.update({"jeffreys", "hpd"})


def _edges(x: FloatArray, n: FloatArray, prior: Prior) -> Ends:
    """Return where the lower limit is 0 and where the upper limit is 1 by the edge rule."""
    return (x == 0) & (prior[0] <= 1), (x == n) & (prior[1] <= 1)


def _tails(a: FloatArray, b: FloatArray, rate: FloatArray) -> Ends:
    """Return the posterior probabilities above and below *rate*."""
    return np.asarray(betaincc(a, b, rate), np.float64), np.asarray(betainc(a, b, rate), np.float64)


def _quantile(a: FloatArray, b: FloatArray, tail: float) -> FloatArray:
    return np.asarray(betaincinv(a, b, tail), np.float64)


def _upper_quantile(a: FloatArray, b: FloatArray, tail: float) -> FloatArray:
    return np.asarray(betainccinv(a, b, tail), np.float64)


@BINOMIAL_CI.add("jeffreys")
def jeffreys(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
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
        lambda: np.where(at_zero, 0.0, _quantile(a, b, tail)),
        lambda: np.where(at_n, 1.0, _upper_quantile(a, b, tail)),
        x,
        side,
    )


@BINOMIAL_PVALUE.add("jeffreys")
def jeffreys_pvalue(x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior) -> FloatArray:
    """Return the posterior tail beyond *rate*, doubled when two-sided; a tail beyond an edge counts as 1."""
    at_zero, at_n = _edges(x, n, prior)
    a, b = x + prior[0], n - x + prior[1]
    above, below = _tails(a, b, rate)
    return doubled(np.where(at_n, 1.0, above), np.where(at_zero, 1.0, below), side)


@BINOMIAL_CI.add("hpd")
def hpd(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
    """Shortest credible interval: the posterior density is higher inside than outside.

    From 0 where the density falls from there (``x = 0`` with ``a <= 1``), to 1 likewise; otherwise both
    limits have the same density.  One-sided: the quantile.

    References
    ----------
    Box GEP, Tiao GC (1973), Bayesian Inference in Statistical Analysis, section 2.8.
    R: ``binom::binom.bayes(x, n, type = "highest")``, accurate to about 1e-7.
    """
    a, b = x + prior[0], n - x + prior[1]
    if side != "two-sided":
        return sided(lambda: _quantile(a, b, alpha), lambda: _upper_quantile(a, b, alpha), x, side)
    falling, rising = a <= 1, b <= 1
    low = np.where(rising, _quantile(a, b, alpha), 0.0)
    high = np.where(falling, _upper_quantile(a, b, alpha), 1.0)
    rows = np.flatnonzero(~falling & ~rising)
    low[rows], high[rows] = _same_density(a[rows], b[rows], alpha)
    return low, high


def _same_density(a: FloatArray, b: FloatArray, alpha: float) -> Ends:
    """Return the interval of content ``1 - alpha`` with one density at both ends, for a and b above 1.

    Solved for the share of ``alpha`` in the lower tail, by Newton steps on the difference of the log
    densities, which increases with that share; halving where a step leaves the bracket.
    """
    constant = betaln(a, b)
    left, right, share = np.zeros_like(a), np.ones_like(a), np.full_like(a, 0.5)
    low, high = np.zeros_like(a), np.ones_like(a)
    rows: IntArray = np.arange(a.size)
    for _ in range(200):
        if not rows.size:
            break
        s, p, q, norm = share[rows], a[rows], b[rows], constant[rows]
        start = np.maximum(betaincinv(p, q, s * alpha), 1e-300)
        end = np.minimum(betainccinv(p, q, (1 - s) * alpha), 1 - 1e-16)
        value = (p - 1) * np.log(start / end) + (q - 1) * (np.log1p(-start) - np.log1p(-end))
        # d log density / d share at each end = alpha * (d log density / dp) / density
        at_start = ((p - 1) / start - (q - 1) / (1 - start)) / _density(start, p, q, norm)
        at_end = ((p - 1) / end - (q - 1) / (1 - end)) / _density(end, p, q, norm)
        low[rows], high[rows] = start, end
        left[rows] = np.where(value <= 0, s, left[rows])
        right[rows] = np.where(value >= 0, s, right[rows])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            to = s - value / (alpha * (at_start - at_end))
        lo, hi = left[rows], right[rows]
        inside = (to > lo) & (to < hi)
        share[rows] = np.where(inside, to, (lo + hi) / 2)
        done = (np.abs(share[rows] - s) <= 1e-15 * s) | (hi - lo <= 4e-16 * hi)
        rows = rows[~done]
    return low, high


def _density(p: FloatArray, a: FloatArray, b: FloatArray, constant: FloatArray) -> FloatArray:
    density: FloatArray = np.exp((a - 1) * np.log(p) + (b - 1) * np.log1p(-p) - constant)
    return np.maximum(density, 1e-300)


@BINOMIAL_PVALUE.add("hpd")
def hpd_pvalue(x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior) -> FloatArray:
    """Return the posterior probability of all rates of lower density; one-sided, the tail."""
    a, b = x + prior[0], n - x + prior[1]
    above, below = _tails(a, b, rate)
    if side != "two-sided":
        return doubled(above, below, side)
    result = np.where(a <= 1, above, np.where(b <= 1, below, 0.0))
    rows = np.flatnonzero((a > 1) & (b > 1) & (rate > 0) & (rate < 1))
    a, b, p = a[rows], b[rows], rate[rows]
    mode = (a - 1) / (a + b - 2)
    under = p <= mode
    wanted = (a - 1) * np.log(p) + (b - 1) * np.log1p(-p)
    # bisection for the rate of the same density beyond the mode, which never moves back over it
    inner, outer = mode, np.where(under, 1.0, 0.0)
    for _ in range(120):
        middle = (inner + outer) / 2
        with np.errstate(divide="ignore"):
            denser = (a - 1) * np.log(middle) + (b - 1) * np.log1p(-middle) > wanted
        inner, outer = np.where(denser, middle, inner), np.where(denser, outer, middle)
    low, high = np.where(under, p, outer), np.where(under, outer, p)
    result[rows] = np.minimum(1.0, betainc(a, b, low) + betaincc(a, b, high))
    return result
