"""Blaker's and Sterne's intervals: a near tail plus the far tail that is no likelier.

For a rate p above x/n the near tail is ``P(X <= x)``, and the far tail starts at the first count y
above x that is no likelier than x: in Blaker's sense (``P(X >= y) <= P(X <= x)``) or in Sterne's
(``P(X = y) <= P(X = x)``).  The p-value is the sum of both.  As p moves away from x/n, y moves
outwards by one at certain rates (the joints); between two joints the p-value is ``1 - P(x < X < y)``,
which has no local maximum.  So the outermost rate with a p-value above alpha lies at a joint, or at
the only crossing of the piece beyond it.  Nothing walks out from x/n, hence holes do no harm: the
limits are those of the hull of the confidence set.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import expit, logit, ndtri

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.binomial.exact import clopper_pearson, clopper_pearson_pvalue
from metaresp.binomial.methods import BINOMIAL_CI, BINOMIAL_PVALUE, Ends, Prior, Side
from metaresp.binomial.tails import (
    at_least,
    at_most,
    first_true,
    log_choose,
    log_rising,
    lower_bound,
    solve,
    upper_bound,
)

#: Two counts whose probabilities differ by less than this factor are equally likely (as in R's binom.test).
TIE = 1e-7
#: Joints examined at one time, for memory.
_AT_ONCE = 1_000_000


class _Side:
    """The near and far tails of lanes with rates on one side of x/n; *j* counts outwards from x."""

    def __init__(self, x: FloatArray, n: FloatArray, upper: bool) -> None:
        self.x, self.n, self.upper = x, n, upper
        self.steps = n - x if upper else x

    def take(self, rows: IntArray) -> "_Side":
        return _Side(self.x[rows], self.n[rows], self.upper)

    def far_count(self, j: FloatArray) -> FloatArray:
        return self.x + j if self.upper else self.x - j

    def near(self, p: FloatArray) -> FloatArray:
        return at_most(self.x, self.n, p) if self.upper else at_least(self.x, self.n, p)

    def far(self, j: FloatArray, p: FloatArray) -> FloatArray:
        y = self.far_count(j)
        return at_least(y, self.n, p) if self.upper else at_most(y, self.n, p)

    def slopes(self, j: FloatArray) -> "Callable[[FloatArray, IntArray], Ends]":
        """Return a function of p and rows for the derivatives of the near tail and of the far tail from j."""
        y = self.far_count(j)
        inside = (y >= 0) & (y <= self.n)
        y = np.where(inside, y, 0.0)
        near_choose = log_choose(self.n, self.x)
        far_choose = np.where(inside, log_choose(self.n, y), -np.inf)

        def slopes(p: FloatArray, rows: IntArray) -> Ends:
            odds, none = logit(p), self.n[rows] * np.log1p(-p)
            near = np.exp(near_choose[rows] + self.x[rows] * odds + none)
            far = np.exp(far_choose[rows] + y[rows] * odds + none)
            # d/dp P(X >= k) = k b(k) / p and d/dp P(X <= k) = -(n-k) b(k) / (1-p)
            if self.upper:
                return -near * (self.n - self.x)[rows] / (1 - p), far * y[rows] / p
            return near * self.x[rows] / p, -far * (self.n - y)[rows] / (1 - p)

        return slopes

    def equally_likely(self, j: FloatArray) -> FloatArray:
        """Return the log odds at which x and the count j steps out have the same probability."""
        here, there = self.x + 1, self.n - self.x + 1
        if self.upper:
            return (log_rising(here, j) - log_rising(there - j, j)) / j
        return (log_rising(here - j, j) - log_rising(there, j)) / j

    def crossing(self, j: FloatArray, alpha: float, joint: FloatArray, outer: FloatArray) -> FloatArray:
        """Return where the p-value with the far tail from *j* on falls to *alpha* between joint and outer."""
        sign = -1.0 if self.upper else 1.0
        slopes = self.slopes(j)

        def excess(p: FloatArray, rows: IntArray) -> Ends:
            part = self.take(rows)
            near, far = slopes(p, rows)
            return sign * (part.near(p) + part.far(j[rows], p) - alpha), sign * (near + far)

        return solve(excess, np.minimum(joint, outer), np.maximum(joint, outer), joint, self.n)


def _both(find: Callable[[_Side, float], FloatArray], x: FloatArray, n: FloatArray, alpha: float) -> Ends:
    low, high = np.zeros_like(x), np.ones_like(x)
    some, most = np.flatnonzero(x > 0), np.flatnonzero(x < n)
    low[some] = find(_Side(x[some], n[some], False), alpha)
    high[most] = find(_Side(x[most], n[most], True), alpha)
    return low, high


@BINOMIAL_CI.add("blaker")
def blaker(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
    """Hull of the rates whose acceptability is above ``alpha``; inside Clopper-Pearson, nested in level.

    The acceptability is the smaller tail plus the largest opposite tail that is not larger:
    ``P(X <= x) + P(X >= y)``, ``y = min{y: P(X >= y) <= P(X <= x)}`` for rates above the median's.
    At the Clopper-Pearson limit it is at most ``alpha``, at the next joint towards ``x/n`` it is twice
    a tail above ``alpha/2``: the limit is that joint or the only crossing before it.

    One-sided, the acceptability is the tail alone, so the bounds are Clopper-Pearson's.

    References
    ----------
    Blaker H (2000), Canadian Journal of Statistics 28:783-798, section 3; Lecoutre B, Poitevineau J
    (2016), Communications in Statistics - Simulation and Computation 45:97-112, on the hull.
    R: ``BlakerCI::binom.blaker.limits(x, n)``.
    """
    if side != "two-sided":
        return clopper_pearson(x, n, alpha, side, prior)
    return _both(_blaker_limit, x, n, alpha)


def _blaker_limit(lanes: _Side, alpha: float) -> FloatArray:
    tail = alpha / 2
    x, n = lanes.x, lanes.n
    outer = upper_bound(x, n, tail) if lanes.upper else lower_bound(x, n, tail)
    beyond = _first_far(lanes, outer, tail)  # far tail at the Clopper-Pearson limit
    j = beyond - 1  # joins it at the joint

    sign = -1.0 if lanes.upper else 1.0
    slopes = lanes.slopes(j)

    def balance(p: FloatArray, rows: IntArray) -> Ends:
        part = lanes.take(rows)
        near, far = np.maximum(part.near(p), 1e-300), np.maximum(part.far(j[rows], p), 1e-300)
        near_slope, far_slope = slopes(p, rows)
        return sign * np.log(near / far), sign * (near_slope / near - far_slope / far)

    inner = x / n
    joint = solve(balance, np.minimum(inner, outer), np.maximum(inner, outer), outer, n)
    before = lanes.near(joint) + lanes.far(beyond, joint) > alpha
    rows = np.flatnonzero(before)
    joint[rows] = lanes.take(rows).crossing(beyond[rows], alpha, joint[rows], outer[rows])
    return joint


def _first_far(lanes: _Side, p: FloatArray, tail: float) -> FloatArray:
    """Return the first step j whose far tail at *p* is at most *tail*; one past the last if none is."""
    sd = np.sqrt(lanes.n * p * (1 - p))
    z = -float(ndtri(tail))
    skew = (1 - 2 * p) * (z * z - 1) / 6
    ahead = lanes.n * p - lanes.x if lanes.upper else lanes.x - lanes.n * p
    guess = ahead + z * sd + (skew if lanes.upper else -skew) + 0.5
    return first_true(lambda j, rows: lanes.take(rows).far(j, p[rows]) <= tail, lanes.steps, guess)


@BINOMIAL_PVALUE.add("blaker")
def blaker_pvalue(x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior) -> FloatArray:
    """Return the acceptability of *rate*: the smaller tail plus the opposite tail that is not larger."""
    if side != "two-sided":
        return clopper_pearson_pvalue(x, n, rate, side, prior)
    below = at_most(x, n, rate) <= at_least(x, n, rate)

    def first(lanes: _Side, p: FloatArray) -> FloatArray:
        tail = lanes.near(p) * (1 + TIE)
        return first_true(
            lambda j, rows: lanes.take(rows).far(j, p[rows]) <= tail[rows], lanes.steps, _opposite(lanes, p)
        )

    return _near_and_far(x, n, rate, below, first)


def _opposite(lanes: _Side, p: FloatArray) -> FloatArray:
    """Return the steps from x to its mirror image in the mean, about where the far tail starts."""
    return 2 * np.abs(lanes.n * p - lanes.x)


def _near_and_far(
    x: FloatArray,
    n: FloatArray,
    rate: FloatArray,
    upper: BoolArray,
    first: Callable[[_Side, FloatArray], FloatArray],
) -> FloatArray:
    total = np.empty_like(rate)
    for part, is_upper in ((upper, True), (~upper, False)):
        rows = np.flatnonzero(part)
        lanes, p = _Side(x[rows], n[rows], is_upper), rate[rows]
        total[rows] = lanes.near(p) + lanes.far(first(lanes, p), p)
    return np.minimum(1.0, total)


@BINOMIAL_CI.add("sterne")
def sterne(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
    """Hull of the rates at which the counts no likelier than x have probability above ``alpha``.

    The test of minimum likelihood: ``sum of P(X = y) over all y with P(X = y) <= P(X = x)``.  Its joints
    are known: x and y are equally likely at odds ``(C(n,x) / C(n,y))^(1/(y-x))``.  A p-value above
    ``alpha`` needs a near tail above ``alpha / (n+1)``, and a near tail above ``alpha`` suffices: every
    joint between these two rates is examined, about ``8 sqrt(n)`` of them, so any n is affordable (a
    limit at n = 1e6 takes milliseconds, at 1e9 a tenth of a second).

    One-sided, the p-value is the tail alone, so the bounds are Clopper-Pearson's.

    References
    ----------
    Sterne TE (1954), Biometrika 41:275-278.
    R: ``exactci::binom.exact(x, n, tsmethod = "minlike", control = list(tol = 1e-10))``.
    """
    if side != "two-sided":
        return clopper_pearson(x, n, alpha, side, prior)
    return _both(_sterne_limit, x, n, alpha)


def _sterne_limit(lanes: _Side, alpha: float) -> FloatArray:
    x, n = lanes.x, lanes.n
    bound = upper_bound if lanes.upper else lower_bound
    sure = bound(x, n, alpha)
    outer = np.empty_like(x)
    for size in np.unique(n):
        same = n == size
        outer[same] = bound(x[same], n[same], alpha / (size + 2))
    first = _first_joint_beyond(lanes, sure) - 1
    last = _first_joint_beyond(lanes, outer) - 1
    j = _last_accepted(lanes, np.maximum(first, 1.0), last, alpha)
    joint = expit(lanes.equally_likely(j))
    rows = np.flatnonzero(lanes.near(joint) + lanes.far(j + 1, joint) > alpha)
    part, beyond = lanes.take(rows), j[rows] + 1
    inside = np.minimum(beyond, part.steps)
    end = np.where(beyond > last[rows], outer[rows], expit(part.equally_likely(inside)))
    joint[rows] = part.crossing(beyond, alpha, joint[rows], end)
    return joint


def _first_joint_beyond(lanes: _Side, p: FloatArray) -> FloatArray:
    """Return the first step whose joint lies further from x/n than the rate *p*; ``steps + 1`` if none."""
    odds = logit(p)

    def beyond(j: FloatArray, rows: IntArray) -> BoolArray:
        at = lanes.take(rows).equally_likely(j)
        return at > odds[rows] if lanes.upper else at < odds[rows]

    return first_true(beyond, lanes.steps, _opposite(lanes, p))


def _last_accepted(lanes: _Side, first: FloatArray, last: FloatArray, alpha: float) -> FloatArray:
    """Return the outermost step from *first* (which is accepted) to *last* with a p-value above alpha."""
    best = first.copy()
    lengths = np.maximum(last - first, 0).astype(np.int64)
    ends = np.cumsum(lengths)
    begin = 0
    while begin < lengths.size:
        done = ends[begin] - lengths[begin]
        stop = max(int(np.searchsorted(ends, done + _AT_ONCE, side="right")), begin + 1)
        some = np.arange(begin, stop)
        rows = np.repeat(some, lengths[some])
        offset = np.arange(rows.size) - np.repeat(ends[some] - lengths[some] - done, lengths[some])
        j = first[rows] + 1 + offset
        part = lanes.take(rows)
        joint = expit(part.equally_likely(j))
        accepted = part.near(joint) + part.far(j, joint) > alpha
        np.maximum.at(best, rows[accepted], j[accepted])
        begin = stop
    return best


@BINOMIAL_PVALUE.add("sterne")
def sterne_pvalue(x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior) -> FloatArray:
    """Return the probability of all counts no likelier than x, ties within a factor of 1e-7."""
    if side != "two-sided":
        return clopper_pearson_pvalue(x, n, rate, side, prior)

    def first(lanes: _Side, p: FloatArray) -> FloatArray:
        odds = logit(p)

        def no_likelier(j: FloatArray, rows: IntArray) -> BoolArray:
            at = lanes.take(rows).equally_likely(j)
            ahead = at - odds[rows] if lanes.upper else odds[rows] - at
            return j * ahead >= -TIE

        return first_true(no_likelier, lanes.steps, _opposite(lanes, p))

    return _near_and_far(x, n, rate, rate >= x / n, first)
