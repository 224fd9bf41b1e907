"""The marginal likelihood of one binomial count under a normal effect on any link, and its derivatives.

For counts x of n, a rate p(theta) and ``theta = mu + tau z`` with z standard normal,

    L(mu, tau) = log  integral  Binomial(x; n, p(mu + tau z)) phi(z) dz .

The integrand is summed by trapezoids in a coordinate s in which it is analytic and falls off at both ends:
theta itself (probit, cloglog), ``theta = sinh(s)`` (cauchit, whose likelihood has tails like powers of theta)
and ``theta = log expit(s)`` (log, whose rates end at 1).  The window holds every place within ``nats`` of the
highest; steps are halved until halving moves the sum by less than the square root of the error allowed: the
error of a trapezoidal sum is squared by halving (Trefethen and Weideman 2014, SIAM Review 56, theorem 5.1).
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import BoolArray, FloatArray, IntArray, chunked
from metaresp.kernel.links import LINKS, Link
from metaresp.kernel.quadrature import FULL, SMALL_TAU, Moments, by_positions

_STANDS = 0.75  # share of nats by which a sum may still move at the last halving
_MARGIN = 6.0  # e-foldings added to the window, for the stretch of the coordinate
_INTERVALS = 48  # of the first sum
_LEVELS = 12  # halvings
_LARGE = 1e4  # patients beyond which the likelihood is summed as a deviance
_NODES = 60_000  # in one working array
_LEAST = -1e30  # stands for the logarithm of 0
_ROOT_STEPS = 80
_END_STEPS = 60
_SCAN = 40  # points of the search for a second hill
_TAIL_NATS = 40.0
_LOG_TAIL = 40.0  # logit of a rate above which the log link's rate is 1
_HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)
_TINY = 1e-300


class _Track(NamedTuple):
    """A coordinate along which a link's integrand is summed."""

    theta: Callable[[FloatArray], FloatArray]
    at: Callable[[FloatArray], FloatArray]  # the coordinate of a theta, kept in the range that matters
    logs: Callable[[FloatArray], tuple[FloatArray, FloatArray]]  # log p and log q
    stretch: Callable[[FloatArray], FloatArray]  # log of d theta / d s
    shift: Callable[[FloatArray, FloatArray], FloatArray]  # theta at s + d less that at s


class _Study(NamedTuple):
    """Studies of all lanes in one row; fields of shape (studies,)."""

    x: FloatArray
    y: FloatArray
    n: FloatArray
    mu: FloatArray
    tau: FloatArray

    def take(self, rows: IntArray | BoolArray) -> "_Study":
        return _Study(*(field[rows] for field in self))


class _Piece(NamedTuple):
    """Windows to sum over: the study each belongs to, and its ends in s."""

    owner: IntArray
    left: FloatArray
    right: FloatArray


def _log_link_logs(s: FloatArray) -> tuple[FloatArray, FloatArray]:
    return special.log_expit(s), special.log_expit(-s)


def _log_link_at(theta: FloatArray) -> FloatArray:
    t = np.minimum(theta, -np.exp(-_LOG_TAIL))
    s: FloatArray = t - np.log(-np.expm1(t))
    return s


def _probit_logs(s: FloatArray) -> tuple[FloatArray, FloatArray]:
    return special.log_ndtr(s), special.log_ndtr(-s)


def _cloglog_logs(s: FloatArray) -> tuple[FloatArray, FloatArray]:
    e = np.exp(np.minimum(s, 700.0))
    low = np.minimum(e, 1.0)
    log_p = np.where(
        s < 0, np.minimum(s, 0.0) + np.log(special.exprel(-low)), np.log1p(-np.exp(-np.fmax(e, 1.0)))
    )
    return log_p, -e


def _logit_logs(s: FloatArray) -> tuple[FloatArray, FloatArray]:
    return special.log_expit(s), special.log_expit(-s)


def _cauchit_logs(s: FloatArray) -> tuple[FloatArray, FloatArray]:
    p, q = (np.arctan(np.exp(t)) * (2 / np.pi) for t in (s, -s))
    low, high = np.log(np.minimum(p, 0.5)), np.log1p(-np.minimum(p, 0.5))
    other, above = np.log(np.minimum(q, 0.5)), np.log1p(-np.minimum(q, 0.5))
    below = s < 0
    return np.where(below, low, above), np.where(below, high, other)


def _same(s: FloatArray) -> FloatArray:
    return s


def _no_stretch(s: FloatArray) -> FloatArray:
    return np.zeros_like(s)


def _step(s: FloatArray, d: FloatArray) -> FloatArray:
    return d


def _sinh_step(s: FloatArray, d: FloatArray) -> FloatArray:
    step: FloatArray = 2 * np.cosh(s + 0.5 * d) * np.sinh(0.5 * d)
    return step


def _log_link_step(s: FloatArray, d: FloatArray) -> FloatArray:
    near = -np.log1p(special.expit(-s) * np.expm1(-np.clip(d, -30.0, 30.0)))
    step: FloatArray = np.where(np.abs(d) < 30, near, special.log_expit(s + d) - special.log_expit(s))
    return step


def _log_cosh(s: FloatArray) -> FloatArray:
    far: FloatArray = np.logaddexp(s, -s) - np.log(2.0)
    return far


_TRACKS = {
    "logit": _Track(_same, _same, _logit_logs, _no_stretch, _step),
    "probit": _Track(_same, _same, _probit_logs, _no_stretch, _step),
    "cloglog": _Track(_same, _same, _cloglog_logs, _no_stretch, _step),
    "cauchit": _Track(np.sinh, np.arcsinh, _cauchit_logs, _log_cosh, _sinh_step),
    "log": _Track(
        special.log_expit, _log_link_at, _log_link_logs, lambda s: special.log_expit(-s), _log_link_step
    ),
}


def _part(x: FloatArray, n: FloatArray, log_p: FloatArray) -> FloatArray:
    """Return ``x log(x / (n p)) - x + n p`` without cancellation for x near n p."""
    mean = n * np.exp(log_p)
    e = (x - mean) / np.maximum(mean, _TINY)
    close = np.abs(e) < 0.5
    near = np.abs(e) < 1e-3
    s = np.where(near, e, 0.0)
    series = s * s * (1 / 2 - s * (1 / 6 - s * (1 / 12 - s / 20)))
    middle = np.where(close, e, 0.0)
    by_ratio = mean * np.where(near, series, (1 + middle) * np.log1p(middle) - middle)
    by_logs = special.xlogy(x, np.maximum(x, _TINY) / n) - x * log_p - x + mean
    result: FloatArray = np.where(close, by_ratio, by_logs)
    return result


def log_likelihood(study: _Study, log_p: FloatArray, log_q: FloatArray) -> FloatArray:
    """Return the log-likelihood less the saturated one, from the logarithms of p and q = 1 - p.

    The fields of *study* must broadcast against the logarithms.
    """
    if study.n.max(initial=0.0) <= _LARGE:
        constant = special.xlogy(study.x, study.x / study.n) + special.xlogy(study.y, study.y / study.n)
        value = -constant
        for count, log in ((study.x, log_p), (study.y, log_q)):
            value = value + np.where(count > 0, count * np.maximum(log, _LEAST), 0.0)
        floored: FloatArray = np.maximum(value, _LEAST)
        return floored
    by_events = _part(study.x, study.n, np.maximum(log_p, _LEAST))
    by_others = _part(study.y, study.n, np.maximum(log_q, _LEAST))
    return np.maximum(-by_events - by_others, _LEAST)


def _score(link: Link, study: _Study, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the derivative of the log-likelihood by theta, and minus its second one."""
    t = link.log_terms(theta)
    p, q = np.exp(t.log_p), np.exp(t.log_q)
    gap = np.where(p < 0.5, study.x - study.n * p, study.n * q - study.y)
    return gap * (t.d_log_p - t.d_log_q), -(study.x * t.dd_log_p + study.y * t.dd_log_q)


def _height(track: _Track, study: _Study, s: FloatArray) -> FloatArray:
    """Return the log integrand by theta at *s*, which broadcasts against the fields of *study*."""
    z = (track.theta(s) - study.mu) / study.tau
    return log_likelihood(study, *track.logs(s)) - 0.5 * z * z


def _slope(link: Link, track: _Track, study: _Study, s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the derivative of the height by theta at *s*, and minus the second one."""
    theta = track.theta(s)
    score, information = _score(link, study, theta)
    weight = 1 / (study.tau * study.tau)
    return score - (theta - study.mu) * weight, information + weight


def _span(link: Link, track: _Track, study: _Study) -> tuple[FloatArray, FloatArray]:
    """Return a coordinate on either side of every hill: they lie between mu and the study's own rate."""
    own = link.forward(study.x / study.n)
    start = (
        np.minimum(study.mu, -1.0)
        if np.isfinite(link.forward(np.ones(1))[0])
        else np.clip(study.mu, -3.0, 3.0)
    )
    depth = -_height(track, study, track.at(start))
    reach = study.tau * np.sqrt(2 * depth) + 1e-6 * study.tau
    low = np.where(study.x == 0, study.mu - reach, np.minimum(study.mu, own))
    high = np.where(study.y == 0, study.mu + reach, np.maximum(study.mu, own))
    return track.at(low), track.at(high)


def _top(link: Link, track: _Track, study: _Study, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return where the height stops rising between *low* and *high*, to a tenth of the hill's width."""
    low, high = low.copy(), high.copy()
    s = 0.5 * (low + high)
    alive = np.arange(s.size)
    for step in range(_ROOT_STEPS):
        some = study.take(alive)
        here = s[alive]
        slope, curve = _slope(link, track, some, here)
        rising = slope > 0
        low[alive] = a = np.where(rising, here, low[alive])
        high[alive] = b = np.where(rising, high[alive], here)
        stretch = np.exp(track.stretch(here))
        regular = curve > 0
        width = 1 / (stretch * np.sqrt(np.where(regular, curve, 1.0)))
        newton = here + slope / (np.where(regular, curve, 1.0) * stretch)
        inside = regular & (newton > a) & (newton < b)
        s[alive] = np.where(inside & (step % 4 != 3), newton, 0.5 * (a + b))
        done = (inside & (np.abs(newton - here) < 0.1 * width)) | (
            b - a < 1e-13 * np.maximum(np.abs(a), np.abs(b))
        )
        s[alive[done & inside]] = newton[done & inside]
        alive = alive[~done]
        if not alive.size:
            break
    return s


def _end(
    link: Link, track: _Track, study: _Study, inside: FloatArray, outside: FloatArray, target: FloatArray
) -> FloatArray:
    """Return a place beyond which the height stays below *target*, at most a tenth too far out."""
    far = outside.copy()
    near = inside.copy()
    alive = np.flatnonzero(_height(track, study, far) < target)
    for step in range(_END_STEPS):
        if not alive.size:
            break
        some, a, b = study.take(alive), near[alive], far[alive]
        new = 0.5 * (a + b)
        if step % 2 == 0:
            slope, _ = _slope(link, track, some, b)
            slope = slope * np.exp(track.stretch(b))
            steep = slope * (b - a) < 0
            newton = b - (_height(track, some, b) - target[alive]) / np.where(steep, slope, 1.0)
            new = np.where(steep & ((newton - a) * (b - newton) > 0), newton, new)
        above = _height(track, some, new) > target[alive]
        near[alive] = np.where(above, new, a)
        far[alive] = np.where(above, b, new)
        alive = alive[np.abs(far - near)[alive] > 0.1 * np.abs(far - inside)[alive]]
    return far


@cache
def _shares() -> FloatArray:
    """Return places between 0 and 1, crowded at both."""
    near = np.geomspace(1e-9, 0.5, _SCAN // 2)
    return np.concatenate([[0.0], near, 1 - near[-2::-1], [1.0]])


def _windows(
    link: Link, track: _Track, study: _Study, nats: float
) -> tuple[list[_Piece], FloatArray, FloatArray]:
    """Return what to sum over, with the mode and height of each study's highest hill."""
    low, high = _span(link, track, study)
    every = np.arange(low.size)
    two = np.zeros(low.size, dtype=np.bool_)
    if link is LINKS["cauchit"]:
        s = low[:, None] + (high - low)[:, None] * _shares()
        wide = _Study(*(field[:, None] for field in study))
        rising = _slope(link, track, wide, s)[0] > 0
        rising[:, 0], rising[:, -1] = True, False
        falls = rising[:, :-1] & ~rising[:, 1:]
        first, last = falls.argmax(axis=-1), falls.shape[1] - 1 - falls[:, ::-1].argmax(axis=-1)
        two = first < last
        top = _top(link, track, study, s[every, first], s[every, first + 1])
    else:
        top = _top(link, track, study, low, high)
    peak = _height(track, study, top)
    left_top, right_top = top, top
    both = np.flatnonzero(two)
    if both.size:
        some = study.take(both)
        other = _top(link, track, some, s[both, last[both]], s[both, last[both] + 1])
        height = _height(track, some, other)
        left_top, right_top = top.copy(), top.copy()
        right_top[both] = other
        higher = height > peak[both]
        top = top.copy()
        top[both] = np.where(higher, other, top[both])
        peak[both] = np.maximum(peak[both], height)
    target = peak - nats - _MARGIN
    reach = study.tau * np.sqrt(-2 * target)
    left = _end(link, track, study, left_top, track.at(study.mu - reach), target)
    right = _end(link, track, study, right_top, track.at(study.mu + reach), target)
    pieces = [_Piece(every, left, right)]
    if both.size:
        pieces = _parted(link, track, study, both, (left_top, right_top), pieces[0], target)
    return pieces, top, peak


def _parted(
    link: Link,
    track: _Track,
    study: _Study,
    both: IntArray,
    tops: tuple[FloatArray, FloatArray],
    whole: _Piece,
    target: FloatArray,
) -> list[_Piece]:
    """Return the pieces of studies with two hills: one window, or two where the valley is deep."""
    some, goal = study.take(both), target[both]
    a, b = (top[both] for top in tops)
    s = a[:, None] + (b - a)[:, None] * _shares()
    height = _height(track, _Study(*(field[:, None] for field in some)), s)
    lowest = height.argmin(axis=-1)
    row = np.arange(both.size)
    deep = np.flatnonzero(height[row, lowest] < goal)
    left, right = whole.left.copy(), whole.right.copy()
    if not deep.size:
        return [whole]
    some, goal, lanes, valley = some.take(deep), goal[deep], both[deep], s[row, lowest][deep]
    first, second = (_height(track, some, top[deep]) > goal for top in (a, b))
    inner = _end(link, track, some, a[deep], valley, goal)
    outer = _end(link, track, some, b[deep], valley, goal)
    right[lanes] = np.where(first, inner, right[lanes])
    left[lanes] = np.where(first, left[lanes], outer)
    more = first & second
    return [
        _Piece(whole.owner, left, right),
        _Piece(lanes[more], outer[more], whole.right[lanes[more]]),
    ]


def _integrand(
    track: _Track, study: _Study, top: FloatArray, ref: FloatArray, distance: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the integrand at *distance* in s from the mode, z there less z at the mode, and s.

    The exponent of the prior is formed from distances: at a mean of 1e4 and a tau of 1e-3 nothing is lost.
    """
    wide = _Study(*(field[:, None] for field in study))
    top = top[:, None]
    d = track.shift(top, distance) / wide.tau
    z = (track.theta(top) - wide.mu) / wide.tau + d
    s = top + distance
    f = log_likelihood(wide, *track.logs(s)) - 0.5 * z * z + track.stretch(s) - ref[:, None]
    return np.exp(np.maximum(f, -745.0, out=f), out=f), d, s


def _add(track: _Track, study: _Study, top: FloatArray, ref: FloatArray, distance: FloatArray) -> FloatArray:
    """Return sums of the integrand times powers 0 to 4 of z less its mode, shape (5, studies)."""
    f, d, _ = _integrand(track, study, top, ref, distance)
    out = np.empty((5, f.shape[0]))
    for power in range(5):
        out[power] = f.sum(axis=-1)
        f *= d
    return out


def _sum(
    track: _Track, study: _Study, piece: _Piece, top: FloatArray, ref: FloatArray, nats: float, refine: int
) -> FloatArray:
    """Return the moments of every piece by trapezoids, halved until they stand still; shape (5, pieces)."""
    mine = study.take(piece.owner)
    top, ref, width = top[piece.owner], ref[piece.owner], piece.right - piece.left
    tolerance = max(np.exp(-_STANDS * nats), 1e-14)
    total = np.empty((5, width.size))
    alive = np.arange(width.size)
    before = np.full(width.size, np.inf)
    extra = np.full(width.size, refine.bit_length() - 1)
    for level in range(-1, _LEVELS):
        intervals = _INTERVALS >> 1 if level < 0 else _INTERVALS << level
        share = np.arange(intervals + 1) / intervals if level < 0 else np.arange(1, intervals, 2) / intervals
        fresh = np.empty((5, alive.size))
        for part in chunked(alive.size, share.size, _NODES):
            rows = alive[part]
            distance = (piece.left[rows] - top[rows])[:, None] + width[rows, None] * share
            fresh[:, part] = _add(track, mine.take(rows), top[rows], ref[rows], distance)
        total[:, alive] = fresh if level < 0 else total[:, alive] + fresh
        mass = total[0, alive] / intervals
        still = np.abs(mass - before[alive]) <= tolerance * mass
        extra[alive] -= still
        before[alive] = mass
        done = still & (extra[alive] < 0)
        if level == _LEVELS - 1:
            done[:] = True
        total[:, alive[done]] *= width[alive[done]] / (intervals * mine.tau[alive[done]])
        alive = alive[~done]
        if not alive.size:
            break
    return total


@cache
def _legendre() -> tuple[FloatArray, FloatArray]:
    nodes, weights = special.roots_legendre(64)
    return 0.5 * (nodes + 1), 0.5 * weights


def _beyond(study: _Study, centre: FloatArray, ref: FloatArray) -> FloatArray:
    """Return the moments of the trials whose rate is 1 on the log link, where theta is 0 or more."""
    cut = -study.mu / study.tau
    first = np.maximum(cut, -9.0)
    length = np.where(
        first > 0, 2 * _TAIL_NATS / (first + np.sqrt(first * first + 2 * _TAIL_NATS)), 9.0 - first
    )
    share, weight = _legendre()
    z = first[:, None] + length[:, None] * share
    f = np.exp(np.maximum(-0.5 * z * z - ref[:, None], -745.0)) * weight * length[:, None]
    d = z - ((centre - study.mu) / study.tau)[:, None]
    out = np.empty((5, z.shape[0]))
    for power in range(5):
        out[power] = f.sum(axis=-1)
        f *= d
    return out


def _from_scores(
    link: Link, track: _Track, study: _Study, piece: _Piece, top: FloatArray, ref: FloatArray
) -> Moments:
    """Differentiate by the posterior moments of the score, for tau near 0, where the integrand is normal."""
    width = piece.right - piece.left
    distance = (piece.left - top)[:, None] + width[:, None] * (np.arange(129) / 128)
    f, d, s = _integrand(track, study, top, ref, distance)
    mass = f.sum(axis=-1)
    f /= mass[:, None]
    wide = _Study(*(field[:, None] for field in study))
    theta = track.theta(s)
    z = (track.theta(top) - study.mu)[:, None] / wide.tau + d
    u, c = _score(link, wide, theta)
    uz = u * z
    mean_u, mean_uz = (f * u).sum(axis=-1), (f * uz).sum(axis=-1)
    du, duz = u - mean_u[:, None], uz - mean_uz[:, None]
    return Moments(
        ref + np.log(mass * width / (128 * study.tau)) - _HALF_LOG_2PI,
        mean_u,
        mean_uz,
        (f * (du * du - c)).sum(axis=-1),
        (f * (du * duz - c * z)).sum(axis=-1),
        (f * (duz * duz - c * z * z)).sum(axis=-1),
    )


def _no_spread(link: Link, track: _Track, study: _Study) -> Moments:
    """Take one rate for all studies: tau = 0."""
    mu = np.minimum(study.mu, -1e-15) if link is LINKS["log"] else study.mu
    u, c = _score(link, study, mu)
    zero = np.zeros_like(u)
    return Moments(log_likelihood(study, *track.logs(track.at(mu))), u, zero, -c, zero, u * u - c)


def _spread(name: str, study: _Study, nats: float, refine: int) -> Moments:
    link, track = LINKS[name], _TRACKS[name]
    pieces, top, ref = _windows(link, track, study, nats)
    limited = name == "log"
    if limited:
        ref = np.where((study.y == 0) & (study.mu > 0), 0.0, ref)
    scores = (study.tau < SMALL_TAU) & (study.tau**2 * study.n < 1)
    if limited:
        scores &= study.mu < -10 * study.tau
    out = Moments(*np.empty((6, top.size)))
    rows = np.flatnonzero(scores)
    if rows.size:
        window = _Piece(rows, pieces[0].left[rows], pieces[0].right[rows])
        _put(out, rows, _from_scores(link, track, study.take(rows), window, top[rows], ref[rows]))
    rows = np.flatnonzero(~scores)
    if rows.size:
        centre = track.theta(top)
        total = np.zeros((5, top.size))
        for piece in pieces:
            wanted = ~scores[piece.owner]
            part = _Piece(piece.owner[wanted], piece.left[wanted], piece.right[wanted])
            total[:, part.owner] += _sum(track, study, part, top, ref, nats, refine)
        full = np.flatnonzero((study.y == 0) & ~scores) if limited else np.empty(0, dtype=np.int64)
        if full.size:
            total[:, full] += _beyond(study.take(full), centre[full], ref[full])
        mass = total[0, rows]
        t1, t2, t3, t4 = (total[r, rows] / mass for r in range(1, 5))
        v2 = t2 - t1 * t1
        v3 = t3 - t1 * (3 * t2 - 2 * t1 * t1)
        v4 = t4 - t1 * (4 * t3 - t1 * (6 * t2 - 3 * t1 * t1))
        mean = (centre[rows] - study.mu[rows]) / study.tau[rows] + t1
        value = ref[rows] + np.log(mass) - _HALF_LOG_2PI
        _put(out, rows, by_positions(value, mean, (v2, v3, v4), study.tau[rows]))
    return out


def _put(out: Moments, rows: IntArray, part: Moments) -> None:
    for target, values in zip(out, part, strict=True):
        target[rows] = values


def moments(
    link: str,
    x: FloatArray,
    n: FloatArray,
    mu: FloatArray,
    tau: FloatArray,
    nats: float = FULL,
    refine: int = 1,
) -> Moments:
    """Return log-likelihood and derivatives of every study of every lane.

    Parameters
    ----------
    link : str
        A name of ``LINKS``.
    x, n : float array, shape (lanes, k)
        Counts; n at least 1.
    mu, tau : float array, shape (lanes,)
        Mean and standard deviation of theta; tau >= 0.
    nats : float
        Accuracy: errors are about ``exp(-nats)``.
    refine : int
        Multiplies the number of nodes (to show that more change nothing); a power of 2.

    Returns
    -------
    Moments
        Fields of shape (lanes, k).
    """
    k = x.shape[1]
    study = _Study(x.ravel(), (n - x).ravel(), n.ravel(), np.repeat(mu, k), np.repeat(tau, k))
    out = Moments(*np.empty((6, x.size)))
    with np.errstate(over="ignore", under="ignore"):
        for zero in (True, False):
            rows = np.flatnonzero((study.tau <= 0) == zero)
            if rows.size:
                some = study.take(rows)
                part = (
                    _no_spread(LINKS[link], _TRACKS[link], some)
                    if zero
                    else _spread(link, some, nats, refine)
                )
                _put(out, rows, part)
    return Moments(*(field.reshape(x.shape) for field in out))
