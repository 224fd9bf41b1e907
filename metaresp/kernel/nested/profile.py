"""Profile likelihood of counts nested in clusters: limits of one coordinate, and its height at any mu."""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts import quadrature
from metaresp.kernel.counts.beta_binomial import FARTHEST
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.nested.climb import Best, Chart, Tops, climb, deviations, newton_step, usual_taus
from metaresp.kernel.nested.likelihood import Points
from metaresp.kernel.nested.nodes import Nested

_HIGHER = 1e-8  # another hill of the standard deviations counts from this height on
_LOWER = 2.0  # a place so much lower may yet lead to a hill that is higher
_VALUE = 1e-10  # log-likelihood: accuracy of a limit
_ROUNDS, _JOINT = 60, 12
_TURNS, _ROUGH = 3, 12.0  # first steps towards a limit, and e-foldings of their likelihood
_LOOK = 6.0  # e-foldings of the likelihood where other hills are looked for
ANGLES = np.array([0.0, 0.2, 0.45, 0.7, 0.95, 1.2, 0.5 * np.pi])  # where the split of the total is scanned


class Profile(NamedTuple):
    """The profile likelihood of one coordinate of a chart, in some lanes."""

    chart: Chart
    one: int  # which coordinate
    free: BoolArray  # (lanes, 3): which others may differ from 0
    scanned: dict[int, FloatArray]  # rising values (lanes, count) of one or two others, to find other hills
    refine: int = 1


def scanned_taus(data: Nested) -> FloatArray:
    """Return the same with 0, and one that is larger."""
    usual = usual_taus(data)
    return np.concatenate([np.zeros((len(usual), 1)), usual, 2 * usual[:, -1:]], axis=1)


def of_mu(data: Nested, free: BoolArray, refine: int = 1) -> Profile:
    """Return the profile likelihood of mu, given which standard deviations may differ from 0."""
    taus = scanned_taus(data)
    scanned = {i: np.where(free[:, i, None], taus, 0.0) for i in (1, 2) if free[:, i].any()}
    return Profile(deviations(data), 0, free & np.array([False, True, True]), scanned, refine)


def farthest(data: Nested) -> float:
    """Return the mu beyond which nothing is looked for."""
    return FARTHEST if data.link == "logit" else LINKS[data.link].farthest


def total_of(at: FloatArray) -> FloatArray:
    """Return points (mu, tau_between, tau_within) as mu, root of the sum of variances, angle of the split."""
    parts = at[:, 0], np.hypot(at[:, 1], at[:, 2]), np.arctan2(at[:, 2], at[:, 1])
    return np.stack(parts, axis=-1)


def mu_limits(
    data: Nested, best: Best, free: BoolArray, fall: FloatArray, refine: int = 1
) -> tuple[FloatArray, FloatArray]:
    """Return where the profile of mu has fallen by half of *fall* below and above the maximum.

    Parameters
    ----------
    data : Nested
    best : Best
        The maximum of these lanes.
    free : bool array, shape (lanes, 3)
        Which parameters may differ from 0; mu is the one that is profiled.
    fall : float array, shape (lanes,)
        Critical value of twice the log-likelihood; NaN where no limit is asked for.
    refine : int
        Multiplies the number of nodes.
    """
    return limits(of_mu(data, free, refine), best, fall, (-farthest(data), farthest(data)))


def fall(profile: Profile, best: Best, a: FloatArray, rows: IntArray) -> FloatArray:
    """Return twice the fall from the maximum to the highest that the profile is at *a* or farther.

    As :func:`metaresp.kernel.numerics.ridge.fall`, of the lanes at *rows*.
    """
    start, one = best.at[rows], profile.one
    behind = best.beside(one).beyond(rows, a, np.sign(a - start[:, one])).height.max(axis=-1, initial=-np.inf)
    start[:, one] = a
    height = ridge(profile, rows, start, np.full(a.size, np.inf)).points.value
    result: FloatArray = np.maximum(2 * (best.value[rows] - np.fmax(height, behind)), 0.0)
    return result


def ridge(profile: Profile, rows: IntArray, start: FloatArray, sure: FloatArray) -> Tops:
    """Return the tops over the other coordinates; those not above *sure* are compared with other hills."""
    free = profile.free[rows]
    tops = climb(profile.chart, rows, start, free, profile.refine)
    doubtful = np.flatnonzero(tops.points.value <= sure)
    lane, places = _other_places(profile, rows[doubtful], tops.take(doubtful))
    if lane.size:
        mine = doubtful[lane]
        other = climb(profile.chart, rows[mine], places, free[mine], profile.refine)
        order = np.argsort(other.points.value, kind="stable")  # the best of a lane comes last
        order = order[other.points.value[order] > tops.points.value[mine[order]] + _HIGHER]
        tops.put(mine[order], other.take(order))
    return tops


def _other_places(profile: Profile, rows: IntArray, known: Tops) -> tuple[IntArray, FloatArray]:
    """Return where a scan of the other coordinates has tops that are not beside the one that is known.

    Returns
    -------
    lane : int array, shape (places,)
    places : float array, shape (places, 3)
    """
    lanes = rows.size
    if not profile.scanned or not lanes:
        return np.empty(0, dtype=np.int64), np.empty((0, 3))
    shape = (lanes, *(values.shape[1] for values in profile.scanned.values()))
    places = np.empty((*shape, 3))
    places[...] = known.at.reshape(lanes, *(1,) * len(profile.scanned), 3)
    beside = np.ones(shape, dtype=np.bool_)
    for axis, (i, all_values) in enumerate(profile.scanned.items(), start=1):
        values = all_values[rows]
        along = [n if a in {0, axis} else 1 for a, n in enumerate(shape)]
        places[..., i] = values.reshape(along)
        ends = np.pad(values, ((0, 0), (1, 1)), constant_values=((0, 0), (-np.inf, np.inf)))
        mine = known.at[:, i].reshape(lanes, *(1,) * len(profile.scanned))
        beside &= (mine > ends[:, :-2].reshape(along)) & (mine < ends[:, 2:].reshape(along))
    many = np.repeat(rows, places[0, ..., 0].size)
    s = profile.chart.evaluate(many, places.reshape(-1, 3), _LOOK, 1)
    value = s.value
    if profile.one != 0:  # mu would follow
        step = np.clip(s.gradient[:, 0] / np.maximum(-s.hessian[:, 0, 0], 1e-12), -2, 2)
        value = value + 0.5 * step * s.gradient[:, 0]
    value = value.reshape(shape)
    rivals = value
    for axis in range(1, len(shape)):
        rivals = highest_beside(rivals, axis)
    height = known.points.value.reshape(lanes, *(1,) * len(profile.scanned))
    found = (value >= rivals) & (value > height + np.where(beside, _HIGHER, -_LOWER))
    return np.nonzero(found)[0], places[found]


def highest_beside(values: FloatArray, axis: int) -> FloatArray:
    """Return the highest of each value and its neighbours along one axis."""
    ordered = np.swapaxes(values, 0, axis)
    result = ordered.copy()
    np.maximum(result[1:], ordered[:-1], out=result[1:])
    np.maximum(result[:-1], ordered[1:], out=result[:-1])
    return np.swapaxes(result, 0, axis)


def follow(profile: Profile, rows: IntArray, tops: Tops) -> FloatArray:
    """Return how fast the others' best values move with the one of interest; 0 where that is not known."""
    s = tops.points
    free = profile.free[rows] & ~((tops.at >= profile.chart.high) & (s.gradient > 0))
    inner = np.where(free[:, :, None] & free[:, None, :], -s.hessian, np.eye(3))
    known = np.linalg.eigvalsh(inner)[:, 0] > 1e-6
    inner[~known] = np.eye(3)
    toward = np.where(free & known[:, None], s.hessian[:, profile.one], 0.0)
    rate: FloatArray = np.linalg.solve(inner, toward[..., None])[..., 0]
    rate[:, profile.one] = 1.0
    return rate


def curvature(profile: Profile, rows: IntArray, tops: Tops) -> FloatArray:
    """Return minus the second derivative of the profile, or of the likelihood where that tells nothing."""
    own = np.maximum(-tops.points.hessian[:, profile.one, profile.one], 1e-3)
    rate = follow(profile, rows, tops)
    left = -np.einsum("li,lij,lj->l", rate, tops.points.hessian, rate)
    return np.where(left > 1e-3 * own, left, own)


class _Sides:
    """Searches for limits: Newton on the root of the fall, each in a bracket; arrays of shape (sides,)."""

    def __init__(
        self,
        sign: FloatArray,
        at: FloatArray,
        end: FloatArray,
        top: FloatArray,
        fall: FloatArray,
        accuracy: float,
    ) -> None:
        self.accuracy = accuracy
        self.sign, self.start, self.end, self.top = sign, at, end, top
        self.target, self.wanted = top - 0.5 * fall, np.sqrt(fall)
        self.inside, self.outside = at.copy(), np.inf * sign
        self.found = np.where(self.clipped(slice(None), at) == end, end, np.nan)

    def clipped(self, rows: IntArray | slice, to: FloatArray) -> FloatArray:
        """Return *to*, but not beyond the end."""
        end = self.end[rows]
        return np.where(self.sign[rows] > 0, np.minimum(to, end), np.maximum(to, end))

    def restart(self, rows: IntArray, inside: FloatArray) -> None:
        """Look for the limits at *rows* again, beyond *inside*."""
        self.inside[rows], self.outside[rows], self.found[rows] = inside, np.inf * self.sign[rows], np.nan

    def next(self, rows: IntArray, at: FloatArray, value: FloatArray, slope: FloatArray) -> FloatArray:
        """Take note of the profile *at* a place of each side and return where to look next."""
        sign, end = self.sign[rows], self.end[rows]
        miss = value - self.target[rows]
        here = np.abs(miss) < self.accuracy * (1 + np.abs(self.target[rows]))
        beyond = at - np.where(slope != 0, miss / np.where(slope != 0, slope, 1.0), 0.0)
        far = np.where(np.isfinite(self.outside[rows]), self.outside[rows], end)
        inside = self.inside[rows]
        between = np.clip(beyond, np.minimum(inside, far), np.maximum(inside, far))
        above = miss > 0
        inside = self.inside[rows] = np.where(above & ~here, at, inside)
        outside = self.outside[rows] = np.where(above | here, self.outside[rows], at)
        root = np.sqrt(2 * np.maximum(self.top[rows] - value, 0.0))
        falls = (slope * sign < 0) & (root > 0.05 * self.wanted[rows])
        new = at + np.where(falls, (root - self.wanted[rows]) * root / np.where(falls, slope, 1.0), np.nan)
        closed = np.isfinite(outside)
        ahead = inside + sign * 2 * np.maximum(np.abs(inside - self.start[rows]), 0.5)
        middle = 0.5 * (inside + np.where(closed, outside, inside))
        good = (sign * (new - inside) > 0) & (sign * (outside - new) > 0)
        new = np.where(good, new, np.where(closed, middle, ahead))
        new = self.clipped(rows, np.clip(new, inside - 10, inside + 10))
        self.found[rows] = np.where(here, between, np.where((above & (at == end)) | (new == at), at, np.nan))
        return new


def _together(profile: Profile, rows: IntArray, sides: _Sides, start: FloatArray) -> None:
    """Find limits by steps of all coordinates at once; leave those that do not settle, or hide another hill.

    The others go by Newton towards their best values, the one of interest by Newton on the root of the fall
    (Venzon and Moolgavkar 1988, Applied Statistics 37:87).
    """
    one, chart = profile.one, profile.chart
    at, alive = chart.fold(start), np.flatnonzero(np.isnan(sides.found))
    settled: list[IntArray] = []
    points = Points(np.empty(rows.size), np.empty((rows.size, 3)), np.empty((rows.size, 3, 3)))
    for turn in range(_JOINT):
        if not alive.size:
            break
        here, sign = at[alive], sides.sign[alive]
        exact = turn >= _TURNS
        s = chart.evaluate(rows[alive], here, quadrature.FULL if exact else _ROUGH, profile.refine)
        points.put(alive, s)
        moving = profile.free[rows[alive]] & ~((here >= chart.high) & ~chart.even[1] & (s.gradient > 0))
        moving[:, one] = False
        both = moving[:, :, None] & moving[:, None, :]
        concave = np.linalg.eigvalsh(np.where(both, -s.hessian, np.eye(3)))[:, 0] > 1e-6
        step = newton_step(s, moving)
        gain = 0.5 * (step * s.gradient).sum(axis=-1)
        slope = s.gradient[:, one] + (s.hessian[:, one] * step).sum(axis=-1)
        root = np.sqrt(2 * np.maximum(sides.top[alive] - s.value - gain, 0.0))
        falls = (slope * sign < 0) & (root > 0.05 * sides.wanted[alive])
        far = (root - sides.wanted[alive]) * root / np.where(falls, slope, np.nan)
        target = sides.target[alive]
        close = sides.accuracy * (1 + np.abs(target))
        done = exact & falls & concave & (np.abs(s.value + gain - target) < close) & (gain < close)
        settled.append(alive[done])
        new = here + step + follow(profile, rows[alive], Tops(here, s)) * far[:, None]
        new[:, one] = here[:, one] + far
        there = new[:, one]
        inside = (sign * (there - sides.start[alive]) > 0) & (sign * (sides.end[alive] - there) > 0)
        go = falls & concave & inside & ~done
        sides.found[alive[done & inside]] = there[done & inside]
        alive = alive[go]
        at[alive] = chart.fold(new[go])
        at[alive, one] = there[go]
    ended = np.concatenate([np.empty(0, dtype=np.int64), *settled])
    lane, places = _other_places(profile, rows[ended], Tops(at[ended], points.take(ended)))
    if lane.size:
        mine = ended[lane]
        other = climb(chart, rows[mine], places, profile.free[rows[mine]], profile.refine)
        higher = mine[other.points.value > points.value[mine] + _HIGHER]
        sides.found[higher] = np.nan


def limits(
    profile: Profile, best: Best, fall: FloatArray, ends: tuple[float, float], accuracy: float = _VALUE
) -> tuple[FloatArray, FloatArray]:
    """Return where a profile likelihood has fallen by half of *fall* on both sides of the maximum.

    Parameters
    ----------
    profile : Profile
    best : Best
        The maximum, in the coordinates of the chart.
    fall : float array, shape (lanes,)
        Critical value of twice the log-likelihood; NaN where no limit is asked for.
    ends : tuple of float
        Least and greatest value that is looked at: the limit where there is none before.
    accuracy : float
        Of the height of the limits.

    Returns
    -------
    low, high : float array, shape (lanes,)
        NaN where none was asked for.
    """
    one, lanes = profile.one, len(fall)
    wanted = np.flatnonzero(np.isfinite(fall))
    rows = np.concatenate([wanted, wanted])  # a side each
    sign = np.repeat([-1.0, 1.0], wanted.size)
    at = best.at[rows, one]
    sides = _Sides(sign, at, np.repeat(ends, wanted.size), best.value[rows], fall[rows], accuracy)
    tops = Tops(best.at[wanted], profile.chart.evaluate(wanted, best.at[wanted], quadrature.SCAN, 1))
    scale = np.minimum(1 / np.sqrt(curvature(profile, wanted, tops)), 5.0)
    rate = np.tile(follow(profile, wanted, tops), (2, 1))
    base = best.at[rows].copy()
    every = np.arange(rows.size)
    value = sides.clipped(every, at + sign * np.sqrt(fall[rows]) * np.tile(scale, 2))
    sure = sides.target + 10 * accuracy * (1 + np.abs(sides.target))
    _together(profile, rows, sides, base + rate * (value - at)[:, None])
    _settle(profile, rows, sides, base, rate, value, sure)
    place, height = best.beside(one).beyond(rows, sides.found, sign)
    above = height > sure[:, None]
    left = np.flatnonzero(above.any(axis=-1))
    if left.size:  # another hill: on from behind it
        farthest = np.where(above, sign[:, None] * place, -np.inf).argmax(axis=-1)[left]
        base[left], rate[left] = best.hills[rows[left], farthest], 0.0
        sides.restart(left, base[left, one])
        value[left] = sides.clipped(left, base[left, one] + 0.5 * sign[left])
        _settle(profile, rows, sides, base, rate, value, sure)
    out = np.full((2, lanes), np.nan)
    out[:, wanted] = sides.found.reshape(2, -1)
    return out[0], out[1]


def _settle(
    profile: Profile,
    rows: IntArray,
    sides: _Sides,
    base: FloatArray,
    rate: FloatArray,
    value: FloatArray,
    sure: FloatArray,
) -> None:
    """Find the limits that are not known yet, from *value*; *base* and *rate* tell where the others are."""
    one = profile.one
    for _ in range(_ROUNDS):
        alive = np.flatnonzero(np.isnan(sides.found))
        if not alive.size:
            break
        start = base[alive] + rate[alive] * (value[alive] - base[alive, one])[:, None]
        start = profile.chart.fold(start)
        start[:, one] = value[alive]
        tops = ridge(profile, rows[alive], start, sure[alive])
        base[alive], rate[alive] = tops.at, follow(profile, rows[alive], tops)
        value[alive] = sides.next(alive, value[alive], tops.points.value, tops.points.gradient[:, one])
    np.copyto(sides.found, sides.inside, where=np.isnan(sides.found))
