"""Where the integrand of a study lies: its hills, and windows that hold them.

By theta, prior and likelihood fall off from mu and from the study's own rate, so that every hill lies between
the two; the log integrand is at most ``-z**2 / 2``, which bounds the window.  Only the cauchit link can have
two hills.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts.link_tracks import Study, Track, height_of, slope_of
from metaresp.kernel.counts.links import LINKS, Link

_MARGIN = 6.0  # e-foldings added to the window, for the stretch of the coordinate
_ROOT_STEPS = 80
_BEFORE_END = 1e-9  # share of the way to an end that a step must leave
_LOWER = 0.1  # nats by which a last step towards the top may seem to descend
_END_STEPS = 60
_NEAR_ENDS, _INNER = 8, 14  # points from either end of the search for a second hill
_BENDS = 0.2345  # the most that log p or log q of the cauchit link curves upwards, at theta = -1.10 or 1.10
_BEND_STEPS = 30


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
    near = np.r_[np.geomspace(1e-9, 0.01, _NEAR_ENDS), np.linspace(0.04, 0.5, _INNER)]
    return np.concatenate([[0.0], near, 1 - near[-2::-1], [1.0]])


def _valley(
    link: Link, track: Track, study: Study, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return a place before and one behind the valley between two hills, and which studies have one.

    A valley curves upwards, which the prior forbids unless n patients curve more; where a scan does not see
    both of its slopes the ends of what curves upwards are found, where the slope is least and greatest.
    """
    before, behind, two = low.copy(), high.copy(), np.zeros(low.size, dtype=np.bool_)
    rows = np.flatnonzero(_BENDS * study.n * study.tau**2 > 1)
    if link is not LINKS["cauchit"] or not rows.size:
        return before, behind, two
    some = study.take(rows)
    s = low[rows, None] + (high - low)[rows, None] * _shares()
    slope, curve = slope_of(link, track, Study(*(field[:, None] for field in some)), s)
    rising, bent = slope > 0, curve < 0
    rising[:, 0], rising[:, -1] = True, False
    last = s.shape[1] - 1
    falls, every = rising[:, :-1] & ~rising[:, 1:], np.arange(rows.size)
    first, second = falls.argmax(axis=-1) + 1, last - 1 - falls[:, ::-1].argmax(axis=-1)
    left, right, seen = s[every, first], s[every, second], first <= second
    narrow = np.flatnonzero(~seen & bent.any(axis=-1))
    if narrow.size:
        part, points, bends = some.take(narrow), s[narrow], bent[narrow]
        ends = bends.argmax(axis=-1), last - bends[:, ::-1].argmax(axis=-1)
        for side, at, found in ((-1, ends[0], left), (1, ends[1], right)):
            row = np.arange(narrow.size)
            inside, outside = points[row, at], points[row, np.clip(at + side, 0, last)]
            for _ in range(_BEND_STEPS):
                middle = 0.5 * (inside + outside)
                upwards = slope_of(link, track, part, middle)[1] < 0
                inside, outside = np.where(upwards, middle, inside), np.where(upwards, outside, middle)
            found[narrow] = inside
        down, up = (slope_of(link, track, part, found[narrow])[0] for found in (left, right))
        seen[narrow] = (down < 0) & (up > 0)
    before[rows[seen]], behind[rows[seen]], two[rows] = left[seen], right[seen], seen
    return before, behind, two


def windows(
    link: Link, track: Track, study: Study, nats: float
) -> tuple[list[Piece], FloatArray, FloatArray]:
    """Return what to sum over, with the mode and height of each study's highest hill."""
    low, high = _span(link, track, study)
    every = np.arange(low.size)
    first_end, second_start, two = _valley(link, track, study, low, high)
    top = _top(link, track, study, low, np.where(two, first_end, high))
    peak = height_of(track, study, top)
    left_top, right_top = top, top
    both = np.flatnonzero(two)
    if both.size:
        some = study.take(both)
        other = _top(link, track, some, second_start[both], high[both])
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
