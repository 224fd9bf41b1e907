"""Climbs of the likelihood of counts nested in clusters: Newton, many starts at once.

A *chart* gives three coordinates of the point: (mu, tau_between, tau_within), or (mu, root of the sum of both
variances, angle whose cosine and sine are the shares of the deviations in it).  The likelihood is even in
each standard deviation: steps that leave the quadrant are reflected, and where it bends upwards at an edge,
on which it has no slope, a climb goes on from beside it.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts import quadrature
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.nested.likelihood import Points, evaluate
from metaresp.kernel.nested.nodes import Nested
from metaresp.kernel.numerics.ridge import Beside

_STEPS = 120
_DECREMENT = 1e-16  # squared Newton step in standard errors at which a climb ends
_SHORTEST = 1e-7
# A study so large that its logit is known bends the ridge of both deviations to a circle, on which Newton
# creeps by nothing that matters: a climb ends after so many steps that gained less than this.
_PATIENCE, _GAIN = 12, 1e-7
_EDGE = 1e-6
_PUSHES = (0.1, 0.01, 1e-3, 1e-4)  # large studies have hills that near an edge
_LONGEST = 2.0  # step
_GRID = np.array([0.08, 0.25, 0.7])  # of either standard deviation, in ranges of the empirical effects


class Best(NamedTuple):
    """Points and their log-likelihoods less the saturated one."""

    at: FloatArray  # (lanes, 3): mu, tau_between, tau_within
    value: FloatArray  # (lanes,)
    hills: FloatArray  # (lanes, hills, 3): others, not as high
    heights: FloatArray  # (lanes, hills)

    @classmethod
    def alone(cls, at: FloatArray, value: FloatArray) -> "Best":
        """Return points of which no others are known."""
        return cls(at, value, np.empty((len(at), 0, 3)), np.empty((len(at), 0)))

    def beside(self, one: int) -> Beside:
        """Return where the others are in the coordinate *one*, and how high."""
        return Beside(self.hills[:, :, one], self.heights)


class Tops(NamedTuple):
    """Where climbs ended."""

    at: FloatArray  # (lanes, 3)
    points: Points

    def take(self, rows: BoolArray | IntArray) -> "Tops":
        """Return the lanes at *rows*."""
        return Tops(self.at[rows], self.points.take(rows))

    def put(self, rows: BoolArray | IntArray, other: "Tops") -> None:
        """Write *other* into the lanes at *rows*."""
        self.at[rows] = other.at
        self.points.put(rows, other.points)


class Chart(NamedTuple):
    """Coordinates of the parameters, mu being the first, and what is known of their edges."""

    evaluate: Callable[[IntArray, FloatArray, float, int], Points]  # of lanes, (points, 3), nats, refine
    fold: Callable[[FloatArray], FloatArray]  # into the bounds
    low: FloatArray  # (3,)
    high: FloatArray  # (3,)
    even: BoolArray  # (2, 3): where low and high are edges without a slope
    ends: float  # squared Newton step in standard errors at which a climb ends
    longest: Callable[[FloatArray], FloatArray] | None = None  # step from (points, 3), if not 2


_TURN = 0.5 * math.pi
_NO, _YES = False, True


def _ends(data: Nested) -> float:
    return _DECREMENT if data.nats >= quadrature.FULL else 3 * math.exp(-data.nats)


def deviations(data: Nested) -> Chart:
    """Return the chart of (mu, tau_between, tau_within)."""

    def at(rows: IntArray, points: FloatArray, nats: float, refine: int) -> Points:
        return evaluate(data.take(rows), points, nats, refine)

    def fold(points: FloatArray) -> FloatArray:
        points = points.copy()
        points[:, 1:] = np.minimum(np.abs(points[:, 1:]), most)
        return points

    most = LINKS[data.link].tau_max
    low, high = np.array([-np.inf, 0.0, 0.0]), np.array([np.inf, most, most])
    return Chart(at, fold, low, high, np.array([[_NO, _YES, _YES], [_NO, _NO, _NO]]), _ends(data))


def polar(data: Nested) -> Chart:
    """Return the chart of (mu, tau, angle): the deviations are ``tau cos(angle)`` and ``tau sin(angle)``."""

    def at(rows: IntArray, points: FloatArray, nats: float, refine: int) -> Points:
        tau, cosine, sine = points[:, 1], np.cos(points[:, 2]), np.sin(points[:, 2])
        cosine = np.maximum(cosine, 0.0)
        there = np.stack([points[:, 0], tau * cosine, tau * sine], axis=1)
        s = evaluate(data.take(rows), there, nats, refine)
        turn = np.zeros((len(points), 3, 3))  # new coordinates by old
        turn[:, 0, 0] = 1.0
        turn[:, 1, 1], turn[:, 1, 2] = cosine, sine
        turn[:, 2, 1], turn[:, 2, 2] = -tau * sine, tau * cosine
        gradient = np.einsum("lij,lj->li", turn, s.gradient)
        hessian = turn @ s.hessian @ np.swapaxes(turn, 1, 2)
        across = cosine * s.gradient[:, 2] - sine * s.gradient[:, 1]
        hessian[:, 1, 2] += across
        hessian[:, 2, 1] += across
        hessian[:, 2, 2] -= tau * gradient[:, 1]
        return Points(s.value, gradient, hessian)

    def fold(points: FloatArray) -> FloatArray:
        points = points.copy()
        points[:, 1] = np.minimum(np.abs(points[:, 1]), most)
        points[:, 2] = np.abs((points[:, 2] + _TURN) % np.pi - _TURN)
        return points

    most = LINKS[data.link].tau_max
    low, high = np.array([-np.inf, 0.0, 0.0]), np.array([np.inf, most, _TURN])
    return Chart(at, fold, low, high, np.array([[_NO, _YES, _YES], [_NO, _NO, _YES]]), _ends(data))


def usual_taus(data: Nested) -> FloatArray:
    """Return standard deviations to scan, by the range of the empirical effects, shape (lanes, 3)."""
    link, present = LINKS[data.link], data.copies > 0
    if data.link == "logit":
        y = np.log((data.x + 0.5) / (data.n - data.x + 0.5))
    else:
        y = link.forward((data.x + 0.5) / (data.n + 1))
    extent = np.where(present, y, -np.inf).max(axis=-1) - np.where(present, y, np.inf).min(axis=-1)
    result: FloatArray = np.minimum(np.maximum(extent, 0.5)[:, None] * _GRID, 0.5 * link.tau_max)
    return result


def climb(chart: Chart, rows: IntArray, start: FloatArray, free: BoolArray, refine: int = 1) -> Tops:
    """Climb from every start over the free coordinates.

    Parameters
    ----------
    chart : Chart
    rows : int array, shape (starts,)
        The lane of each start.
    start : float array, shape (starts, 3)
    free : bool array, shape (starts, 3)
    refine : int
        Multiplies the number of nodes.

    Returns
    -------
    Tops
    """
    at = start.copy()
    here = chart.evaluate(rows, at, quadrature.FULL, refine)
    length, creeping = np.ones(len(at)), np.zeros(len(at), dtype=np.int64)
    edge = max(_EDGE, math.sqrt(chart.ends))
    alive = np.arange(len(at))
    for count in range(_STEPS):
        s, q, loose = here.take(alive), at[alive], free[alive]
        moving = loose & ~((q >= chart.high) & ~chart.even[1] & (s.gradient > 0))
        step = newton_step(s, moving, _LONGEST if chart.longest is None else chart.longest(q))
        scale = 1 + np.abs(s.value)
        small = np.abs((step * s.gradient).sum(axis=-1)) < chart.ends * scale
        ended = small | (length[alive] < _SHORTEST) | (creeping[alive] > _PATIENCE)
        new = chart.fold(q + length[alive, None] * step)
        pushed = np.zeros(alive.size, dtype=np.bool_)
        if count == 0 or ended.any():
            dips = loose & (np.einsum("lii->li", s.hessian) > 0) & (ended[:, None] | (count == 0))
            up = dips & chart.even[0] & (q < chart.low + edge)
            down = dips & chart.even[1] & (q > chart.high - edge)
            pushed = (up | down).any(axis=-1)
            length[alive[pushed]], creeping[alive[pushed]] = 1.0, 0
            if pushed.any():
                new[pushed] = _off_edge(chart, rows[alive[pushed]], new[pushed], up[pushed], down[pushed])
            go = ~ended | pushed
            alive, new, scale, s, pushed = alive[go], new[go], scale[go], s.take(go), pushed[go]
            if not alive.size:
                break
        found = chart.evaluate(rows[alive], new, quadrature.FULL, refine)
        good = pushed | (found.value >= s.value - max(1e-13, 0.1 * chart.ends) * scale)
        creeping[alive] += good & ~pushed & (found.value < s.value + _GAIN * scale)
        length[alive] = np.where(good, np.minimum(1.0, 4 * length[alive]), 0.25 * length[alive])
        at[alive[good]] = new[good]
        here.put(alive[good], found.take(good))
    return Tops(at, here)


def _off_edge(chart: Chart, rows: IntArray, at: FloatArray, up: BoolArray, down: BoolArray) -> FloatArray:
    """Return the points moved off the edges they are at, by the push that leads highest."""
    tries = np.stack([np.where(up, chart.low + far, np.where(down, chart.high - far, at)) for far in _PUSHES])
    many = np.tile(rows, len(_PUSHES))
    value = chart.evaluate(many, tries.reshape(-1, at.shape[-1]), quadrature.FULL, 1).value.reshape(
        len(_PUSHES), -1
    )
    result: FloatArray = tries[value.argmax(axis=0), np.arange(len(at))]
    return result


def newton_step(here: Points, moving: BoolArray, longest: FloatArray | float = _LONGEST) -> FloatArray:
    """Return Newton's steps, uphill also where the likelihood is not concave, of at most some length."""
    both = moving[:, :, None] & moving[:, None, :]
    roots, vectors = np.linalg.eigh(np.where(both, -here.hessian, np.eye(moving.shape[-1])))
    size = np.abs(roots)
    size = np.maximum(size, 1e-9 * size.max(axis=-1, keepdims=True) + 1e-300)
    along = np.einsum("lji,lj->li", vectors, np.where(moving, here.gradient, 0.0)) / size
    step = np.where(moving, np.einsum("lij,lj->li", vectors, along), 0.0)
    far = (np.abs(step) / longest).max(axis=-1, keepdims=True)
    result: FloatArray = step / np.maximum(far, 1.0)
    return result
