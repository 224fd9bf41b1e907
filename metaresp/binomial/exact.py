"""Intervals from the two binomial tails: Clopper-Pearson and mid-p."""

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.binomial.methods import BINOMIAL_CI, BINOMIAL_PVALUE, Ends, Prior, Side, doubled, sided, tail_of
from metaresp.binomial.tails import at_least, at_most, log_choose, lower_bound, solve, upper_bound

_BELOW_1 = 1 - 2.0**-53  # the largest rate that is not 1


@BINOMIAL_CI.add("clopper-pearson")
def clopper_pearson(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
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
def mid_p(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
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


@BINOMIAL_PVALUE.add("mid-p")
def mid_p_pvalue(x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior) -> FloatArray:
    """Return twice the smaller mid tail, at most 1; one-sided, the mid tail itself."""
    return doubled(_mid_tail(x, n, rate, True), _mid_tail(x, n, rate, False), side)


def _mid_tail(x: FloatArray, n: FloatArray, rate: FloatArray, upper: bool) -> FloatArray:
    """Return the tail with half of ``P(X = x)``, as the mean of those with all and with none of it."""
    if upper:
        return (at_most(x, n, rate) + at_most(x - 1, n, rate)) / 2
    return (at_least(x, n, rate) + at_least(x + 1, n, rate)) / 2


def _mid_p_limit(x: FloatArray, n: FloatArray, tail: float, upper: bool) -> FloatArray:
    limit = _mid_p_edge(x, n, tail, upper)
    rows = np.flatnonzero((x > 0) & (x < n))
    k, m = x[rows], n[rows]
    # The mid tail lies between P(X < x) and P(X <= x): so does its limit between theirs
    outer = upper_bound(k, m, tail) if upper else lower_bound(k, m, tail)
    inner = upper_bound(k - 1, m, tail) if upper else lower_bound(k + 1, m, tail)
    choose, sign = log_choose(m, k), -1.0 if upper else 1.0

    def excess(p: FloatArray, some: IntArray) -> Ends:
        events, size = k[some], m[some]
        at = np.exp(choose[some] + events * np.log(p) + (size - events) * np.log1p(-p))
        mass = _mid_tail(events, size, p, upper)
        # d/dp P(X >= k) = k b(k) / p and d/dp P(X <= k) = -(n-k) b(k) / (1-p), half of each neighbour
        return sign * np.log(mass / tail), (events / p + (size - events) / (1 - p)) * at / 2 / mass

    # A limit within an ulp of 1 rounds to 1, where the logs end
    outer, inner = np.minimum(outer, _BELOW_1), np.minimum(inner, _BELOW_1)
    limit[rows] = solve(excess, np.minimum(outer, inner), np.maximum(outer, inner), outer, m)
    return limit


def _mid_p_edge(x: FloatArray, n: FloatArray, tail: float, upper: bool) -> FloatArray:
    """Return the limits at 0 and n, where half of ``P(X = x)`` is a whole tail or missing in it."""
    near: FloatArray = np.log(min(2 * tail, 1.0)) / n
    far: FloatArray = np.log(min(2 - 2 * tail, 1.0)) / n
    if upper:
        return np.where(x == 0, -np.expm1(near), np.exp(far))
    return np.where(x == 0, -np.expm1(far), np.exp(near))
