"""Profile likelihood of counts nested in clusters: limits of one coordinate, and its height at any mu."""

import math
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts import quadrature
from metaresp.kernel.counts.beta_binomial import FARTHEST
from metaresp.kernel.counts.binomial_normal import TAU_MAX
from metaresp.kernel.nested.climb import Best, Chart, Tops, climb, deviations
from metaresp.kernel.nested.nodes import Nested

_GRID = np.array([0.08, 0.25, 0.7])  # of either standard deviation, in ranges of the empirical logits
_HIGHER = 1e-8  # another hill of the standard deviations counts from this height on
_LOWER = 2.0  # a place so much lower may yet lead to a hill that is higher
_VALUE = 1e-10  # log-likelihood: accuracy of a limit
_ROUNDS = 60


class Profile(NamedTuple):
    """The profile likelihood of one coordinate of a chart."""

    chart: Chart
    one: int  # which coordinate
    free: BoolArray  # (3,): which others may differ from 0
    scanned: dict[int, FloatArray]  # rising values of one or two others, where other hills are looked for
    refine: int = 1


def usual_taus(data: Nested) -> FloatArray:
    """Return standard deviations to scan, by the range of the empirical logits."""
    y = np.log((data.x + 0.5) / (data.n - data.x + 0.5))
    result: FloatArray = np.minimum(max(float(np.ptp(y)), 0.5) * _GRID, 0.5 * TAU_MAX)
    return result


def scanned_taus(data: Nested) -> FloatArray:
    """Return the same with 0, and one that is larger."""
    usual = usual_taus(data)
    return np.array([0.0, *usual, 2 * usual[-1]])


def of_mu(data: Nested, free: BoolArray, refine: int = 1) -> Profile:
    """Return the profile likelihood of mu, given which standard deviations may differ from 0."""
    taus = scanned_taus(data)
    scanned = {i: taus for i in (1, 2) if free[i]}
    return Profile(deviations(data), 0, free & np.array([False, True, True]), scanned, refine)


def mu_limits(data: Nested, best: Best, free: BoolArray, fall: float, refine: int = 1) -> tuple[float, float]:
    """Return where the profile of mu has fallen by half of *fall* below and above the maximum.

    Parameters
    ----------
    data : Nested
    best : Best
        The maximum.
    free : bool array, shape (3,)
        Which parameters may differ from 0; mu is the one that is profiled.
    fall : float
        Critical value of twice the log-likelihood.
    refine : int
        Multiplies the number of nodes.
    """
    return limits(of_mu(data, free, refine), best, fall, (-FARTHEST, FARTHEST))


def height_at(data: Nested, mu: float, best: Best, free: BoolArray) -> float:
    """Return the profile log-likelihood of *mu*: its highest value over the standard deviations."""
    profile = of_mu(data, free)
    start = np.array([[mu, *best.at[1:]]])
    return float(_ridge(profile, start, np.inf).points.value[0])


def _ridge(profile: Profile, start: FloatArray, sure: float) -> Tops:
    """Return the tops over the other coordinates; those not above *sure* are compared with other hills."""
    free = np.broadcast_to(profile.free, start.shape)
    tops = climb(profile.chart, start, free, profile.refine)
    doubtful = np.flatnonzero(tops.points.value <= sure)
    lane, places = _other_places(profile, Tops(tops.at[doubtful], tops.points.take(doubtful)))
    if lane.size:
        other = climb(profile.chart, places, free[doubtful[lane]], profile.refine)
        for i in np.argsort(other.points.value, kind="stable"):  # the best of a lane comes last
            row = doubtful[lane[i]]
            if other.points.value[i] > tops.points.value[row] + _HIGHER:
                tops.put(row, Tops(other.at[i], other.points.take(i)))
    return tops


def _other_places(profile: Profile, known: Tops) -> tuple[IntArray, FloatArray]:
    """Return where a scan of the other coordinates has tops that are not beside the one that is known.

    Returns
    -------
    lane : int array, shape (places,)
    places : float array, shape (places, 3)
    """
    lanes = len(known.at)
    if not profile.scanned or not lanes:
        return np.empty(0, dtype=np.int64), np.empty((0, 3))
    shape = (lanes, *(values.size for values in profile.scanned.values()))
    places = np.empty((*shape, 3))
    places[...] = known.at.reshape(lanes, *(1,) * len(profile.scanned), 3)
    beside = np.ones(shape, dtype=np.bool_)
    for axis, (i, values) in enumerate(profile.scanned.items(), start=1):
        along = [values.size if a == axis else 1 for a in range(len(shape))]
        places[..., i] = values.reshape(along)
        ends = np.concatenate([[-np.inf], values, [np.inf]])
        mine = known.at[:, i].reshape(lanes, *(1,) * len(profile.scanned))
        beside &= (mine > ends[:-2].reshape(along)) & (mine < ends[2:].reshape(along))
    s = profile.chart.evaluate(places.reshape(-1, 3), quadrature.SCAN, 1)
    value = s.value
    if profile.one != 0:  # mu would follow
        step = np.clip(s.gradient[:, 0] / np.maximum(-s.hessian[:, 0, 0], 1e-12), -2, 2)
        value = value + 0.5 * step * s.gradient[:, 0]
    value = value.reshape(shape)
    rivals = value
    for axis in range(1, len(shape)):
        rivals = _highest_beside(rivals, axis)
    height = known.points.value.reshape(lanes, *(1,) * len(profile.scanned))
    found = (value >= rivals) & (value > height + np.where(beside, _HIGHER, -_LOWER))
    return np.nonzero(found)[0], places[found]


def _highest_beside(values: FloatArray, axis: int) -> FloatArray:
    """Return the highest of each value and its neighbours along one axis."""
    ordered = np.swapaxes(values, 0, axis)
    result = ordered.copy()
    np.maximum(result[1:], ordered[:-1], out=result[1:])
    np.maximum(result[:-1], ordered[1:], out=result[:-1])
    return np.swapaxes(result, 0, axis)


def _follow(profile: Profile, tops: Tops) -> FloatArray:
    """Return how fast the others' best values move with the one of interest; 0 where that is not known."""
    s = tops.points
    rate = np.zeros(s.gradient.shape)
    for i, hessian in enumerate(s.hessian):
        free = profile.free & ~((tops.at[i] >= profile.chart.high) & (s.gradient[i] > 0))
        inner = np.where(free[:, None] & free, -hessian, np.eye(3))
        if np.linalg.eigvalsh(inner)[0] > 1e-6:
            rate[i] = np.linalg.solve(inner, np.where(free, hessian[profile.one], 0.0))
    rate[:, profile.one] = 1.0
    return rate


def _scale(profile: Profile, top: Tops) -> float:
    """Return the standard error of the one of interest at the maximum, or a guess of it."""
    one, hessian = profile.one, top.points.hessian[0]
    own = max(-float(hessian[one, one]), 1e-3)
    rate = _follow(profile, top)[0]
    left = -float(rate @ hessian @ rate)
    return min(1 / math.sqrt(left if left > 1e-3 * own else own), 5.0)


class _Side:
    """The search for one limit: Newton on the root of the fall, kept in a bracket."""

    def __init__(self, sign: float, at: float, end: float, top: float, fall: float) -> None:
        self.sign, self.start, self.end, self.top = sign, at, end, top
        self.target, self.wanted = top - 0.5 * fall, math.sqrt(fall)
        self.inside, self.outside = at, math.inf * sign
        self.found = math.nan

    def clipped(self, to: float) -> float:
        """Return *to*, but not beyond the end."""
        return min(to, self.end) if self.sign > 0 else max(to, self.end)

    def next(self, at: float, value: float, slope: float) -> float:
        """Take note of the profile *at* a place and return where to look next; NaN: the limit is found."""
        miss = value - self.target
        if abs(miss) < _VALUE * (1 + abs(self.target)):
            beyond = at - miss / slope if slope else at
            far = self.outside if math.isfinite(self.outside) else self.end
            self.found = min(max(beyond, min(self.inside, far)), max(self.inside, far))
            return math.nan
        if miss > 0:
            self.inside = at
            if at == self.end:
                self.found = at
                return math.nan
        else:
            self.outside = at
        root = math.sqrt(2 * max(self.top - value, 0.0))
        falls = slope * self.sign < 0 and root > 0.05 * self.wanted
        new = at + (root - self.wanted) * root / slope if falls else math.nan
        closed = math.isfinite(self.outside)
        if not (self.sign * (new - self.inside) > 0 and self.sign * (self.outside - new) > 0):
            far = self.inside + self.sign * 2 * max(abs(self.inside - self.start), 0.5)
            new = 0.5 * (self.inside + self.outside) if closed else far
        new = self.clipped(min(max(new, self.inside - 10), self.inside + 10))
        if new == at:
            self.found = at
            return math.nan
        return new


def limits(profile: Profile, best: Best, fall: float, ends: tuple[float, float]) -> tuple[float, float]:
    """Return where a profile likelihood has fallen by half of *fall* on both sides of the maximum.

    Parameters
    ----------
    profile : Profile
    best : Best
        The maximum, in the coordinates of the chart.
    fall : float
        Critical value of twice the log-likelihood.
    ends : tuple of float
        Least and greatest value that is looked at: the limit where there is none before.

    Returns
    -------
    low, high : float
    """
    one, at = profile.one, float(best.at[profile.one])
    sides = [_Side(sign, at, end, best.value, fall) for sign, end in zip((-1.0, 1.0), ends, strict=True)]
    start = np.repeat(best.at[None], 2, axis=0)
    tops = Tops(start, profile.chart.evaluate(start, quadrature.SCAN, 1))
    reach = math.sqrt(fall) * _scale(profile, tops)
    base, rate = tops.at, _follow(profile, tops)
    value = np.array([side.clipped(at + side.sign * reach) for side in sides])
    for side in sides:
        if side.clipped(at) == side.end:
            side.found = side.end
    sure = sides[0].target + 10 * _VALUE * (1 + abs(sides[0].target))
    for _ in range(_ROUNDS):
        alive: IntArray = np.flatnonzero([math.isnan(side.found) for side in sides])
        if not alive.size:
            break
        start = base[alive] + rate[alive] * (value[alive] - base[alive, one])[:, None]
        start = profile.chart.fold(start)
        start[:, one] = value[alive]
        tops = _ridge(profile, start, sure)
        base[alive], rate[alive] = tops.at, _follow(profile, tops)
        for i, height, slope in zip(alive, tops.points.value, tops.points.gradient[:, one], strict=True):
            value[i] = sides[i].next(float(value[i]), float(height), float(slope))
    low, high = (side.inside if math.isnan(side.found) else side.found for side in sides)
    return low, high
