"""Intervals from the two binomial tails: Clopper-Pearson and mid-p."""

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.binomial.methods import BINOMIAL_CI, BINOMIAL_PVALUE, Prior, Side, doubled, sided, tail_of
from metaresp.binomial.tails import at_least, at_most, lower_bound, pmf, solve, upper_bound


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


@BINOMIAL_CI.add("mid-p")
def mid_p(
    x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior
) -> tuple[FloatArray, FloatArray]:
    """Clopper-Pearson with half of ``P(X = x)`` in each tail: covers the level on average, not always.

    ``P(X > x | low) + P(X = x | low)/2 = alpha/2`` and likewise above; ``(0, 1 - alpha^(1/n))`` at
    ``x = 0`` and ``(alpha^(1/n), 1)`` at ``x = n``.

    References
    ----------
    Lancaster HO (1961), JASA 56:223-234; Berry G, Armitage P (1995), The Statistician 44:417-423.
    R: ``exactci::binom.exact(x, n, midp = TRUE)``, accurate to about 1e-4.
    """
    tail = tail_of(alpha, side)
    return sided(
        lambda: _mid_p_limit(x, n, tail, upper=False), lambda: _mid_p_limit(x, n, tail, upper=True), x, side
    )


def _mid_p_limit(x: FloatArray, n: FloatArray, tail: float, upper: bool) -> FloatArray:
    near = at_most if upper else at_least
    sign, inward = (-1.0, -1.0) if upper else (1.0, 1.0)

    def tail_at(p: FloatArray, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Log of the mid tail over *tail*, turned so that it increases in p."""
        k, m = x[rows], n[rows]
        at = pmf(k, m, p)
        mass = near(k + inward, m, p) + at / 2
        # d/dp P(X >= k) = k b(k) / p and d/dp P(X <= k) = -(n-k) b(k) / (1-p), one half of each neighbour
        growth = (k / p + (m - k) / (1 - p)) * at / 2
        return sign * np.log(mass / tail), growth / mass

    # Half of P(X = x) is in both tails: where x has no neighbour, the tail is 1/2 at the far edge.
    first, last = (x == 0, x == n) if upper else (x == n, x == 0)
    with np.errstate(divide="ignore"):
        own = np.log(min(2 * tail, 1.0)) / n
        other = np.log(min(2 - 2 * tail, 1.0)) / n
    closed = np.where(first, -np.expm1(own) if upper else np.exp(own), 0.0)
    closed = np.where(last, np.exp(other) if upper else -np.expm1(other), closed)
    rows = np.flatnonzero((x > 0) & (x < n))
    k, m = x[rows], n[rows]
    bound = upper_bound(k, m, tail) if upper else lower_bound(k, m, tail)
    # The mid tail lies between P(X < x) and P(X <= x): so does its limit between theirs
    inner = upper_bound(k - 1, m, tail) if upper else lower_bound(k + 1, m, tail)
    found = solve(lambda p, some: tail_at(p, rows[some]), *_ordered(bound, inner), bound)
    closed[rows] = found
    return closed


def _ordered(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.minimum(a, b), np.maximum(a, b)
