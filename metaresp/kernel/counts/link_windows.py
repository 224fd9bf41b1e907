"""Where the integrand of a study lies: its hills, and windows that hold them.

By theta, prior and likelihood fall off from mu and from the study's own rate, so that every hill lies between
the two; the log integrand is at most ``-z**2 / 2``, which bounds the window.  Only the cauchit link can have
two hills.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts.link_tracks import Study, Track, height_of, slope_of
from metaresp.kernel.counts.links import LINKS, Link

_MARGIN = 6.0  # e-foldings added to the window, for the stretch of the coordinate
_ROOT_STEPS = 80
_BEFORE_END = 1e-9  # share of the way to an end that a step must leave
_LOWER = 0.1  # nats by which a last step towards the top may seem to descend
_END_STEPS = 60
_SCAN = 40  # points of the search for a second hill


class Piece(NamedTuple):
    """Windows to sum over: the study each belongs to, and its ends in s."""

    owner: IntArray
    left: FloatArray
    right: FloatArray


def _span(link: Link, track: Track, study: Study) -> tuple[FloatArray, FloatArray]:
    """Return a coordinate on either side of every hill: they lie between mu and the study's own rate."""
    own = link.forward(study.x / study.n)
    start = (
        np.minimum(study.mu, -1.0)
        if np.isfinite(link.forward(np.ones(1))[0])
        else np.clip(study.mu, -3.0, 3.0)
    )
    depth = np.maximum(-height_of(track, study, track.at(start)), 0.0)
    reach = study.tau * np.sqrt(2 * depth) + 1e-6 * study.tau
    low = np.where(study.x == 0, study.mu - reach, np.minimum(study.mu, own))
    high = np.where(study.y == 0, study.mu + reach, np.maximum(study.mu, own))
    return track.at(low), track.at(high)


def _top(link: Link, track: Track, study: Study, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return where the height stops rising between *low* and *high*, to a tenth of the hill's width."""
    low, high = low.copy(), high.copy()
    s = 0.5 * (low + high)
    alive = np.arange(s.size)
    for step in range(_ROOT_STEPS):
        some = study.take(alive)
        here = s[alive]
        slope, curve = slope_of(link, track, some, here)
        rising = slope > 0
        low[alive] = a = np.where(rising, here, low[alive])
        high[alive] = b = np.where(rising, high[alive], here)
        stretch = np.exp(track.stretch(here))
        regular = curve > 0
        width = 1 / (stretch * np.sqrt(np.where(regular, curve, 1.0)))
        newton = here + slope / (np.where(regular, curve, 1.0) * stretch)
        # by the prior alone a step ends at mu, an end, or by rounding a digit before it
        past, whole = np.where(rising, b - newton, newton - a), np.where(rising, b - here, here - a)
        inside = regular & (past > _BEFORE_END * whole)
        s[alive] = np.where(inside & (step % 4 != 3), newton, 0.5 * (a + b))
        near = inside & (np.abs(newton - here) < 0.1 * width)
        # from a plateau, where the hill seems as wide as the prior, a short step may leave the hill
        last = np.flatnonzero(near)
        some, ends = some.take(last), (newton[last], here[last])
        to, back = (height_of(track, some, end) for end in ends)
        near[last] = to > back - _LOWER
        done = near | (b - a < 1e-13 * np.maximum(np.abs(a), np.abs(b)))
        s[alive[near]] = newton[near]
        alive = alive[~done]
        if not alive.size:
            break
    return s


def _end(
    link: Link, track: Track, study: Study, inside: FloatArray, outside: FloatArray, target: FloatArray
) -> FloatArray:
    """Return a place beyond which the height stays below *target*, at most a tenth too far out."""
    far = outside.copy()
    near = inside.copy()
    alive = np.flatnonzero(height_of(track, study, far) < target)
    for step in range(_END_STEPS):
        if not alive.size:
            break
        some, a, b = study.take(alive), near[alive], far[alive]
        new = 0.5 * (a + b)
        if step % 2 == 0:
            slope, _ = slope_of(link, track, some, b)
            slope = slope * np.exp(track.stretch(b))
            steep = slope * (b - a) < 0
            newton = b - (height_of(track, some, b) - target[alive]) / np.where(steep, slope, 1.0)
            new = np.where(steep & ((newton - a) * (b - newton) > 0), newton, new)
        above = height_of(track, some, new) > target[alive]
        near[alive] = np.where(above, new, a)
        far[alive] = np.where(above, b, new)
        alive = alive[np.abs(far - near)[alive] > 0.1 * np.abs(far - inside)[alive]]
    return far


@cache
def _shares() -> FloatArray:
    """Return places between 0 and 1, crowded at both."""
    near = np.geomspace(1e-9, 0.5, _SCAN // 2)
    return np.concatenate([[0.0], near, 1 - near[-2::-1], [1.0]])


def windows(
    link: Link, track: Track, study: Study, nats: float
) -> tuple[list[Piece], FloatArray, FloatArray]:
    """Return what to sum over, with the mode and height of each study's highest hill."""
    low, high = _span(link, track, study)
    every = np.arange(low.size)
    two = np.zeros(low.size, dtype=np.bool_)
    if link is LINKS["cauchit"]:
        s = low[:, None] + (high - low)[:, None] * _shares()
        wide = Study(*(field[:, None] for field in study))
        rising = slope_of(link, track, wide, s)[0] > 0
        rising[:, 0], rising[:, -1] = True, False
        falls = rising[:, :-1] & ~rising[:, 1:]
        first, last = falls.argmax(axis=-1), falls.shape[1] - 1 - falls[:, ::-1].argmax(axis=-1)
        two = first < last
        top = _top(link, track, study, s[every, first], s[every, first + 1])
    else:
        top = _top(link, track, study, low, high)
    peak = height_of(track, study, top)
    left_top, right_top = top, top
    both = np.flatnonzero(two)
    if both.size:
        some = study.take(both)
        other = _top(link, track, some, s[both, last[both]], s[both, last[both] + 1])
        height = height_of(track, some, other)
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
    pieces = [Piece(every, left, right)]
    if both.size:
        pieces = _parted(link, track, study, both, (left_top, right_top), pieces[0], target)
    return pieces, top, peak


def _parted(
    link: Link,
    track: Track,
    study: Study,
    both: IntArray,
    tops: tuple[FloatArray, FloatArray],
    whole: Piece,
    target: FloatArray,
) -> list[Piece]:
    """Return the pieces of studies with two hills: one window, or two where the valley is deep."""
    some, goal = study.take(both), target[both]
    a, b = (top[both] for top in tops)
    s = a[:, None] + (b - a)[:, None] * _shares()
    height = height_of(track, Study(*(field[:, None] for field in some)), s)
    lowest = height.argmin(axis=-1)
    row = np.arange(both.size)
    deep = np.flatnonzero(height[row, lowest] < goal)
    left, right = whole.left.copy(), whole.right.copy()
    if not deep.size:
        return [whole]
    some, goal, lanes, valley = some.take(deep), goal[deep], both[deep], s[row, lowest][deep]
    first, second = (height_of(track, some, top[deep]) > goal for top in (a, b))
    inner = _end(link, track, some, a[deep], valley, goal)
    outer = _end(link, track, some, b[deep], valley, goal)
    right[lanes] = np.where(first, inner, right[lanes])
    left[lanes] = np.where(first, left[lanes], outer)
    more = first & second
    return [
        Piece(whole.owner, left, right),
        Piece(lanes[more], outer[more], whole.right[lanes[more]]),
    ]
