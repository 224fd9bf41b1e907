"""Profile likelihoods and their limits, for any surface of two parameters, many lanes at once.

The profile at a value of the parameter of interest ``a`` is the maximum over the other parameter ``b``, see
:mod:`metaresp.kernel.numerics.surface`; a limit is where it has fallen to a target.
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.numerics.ridge import VALUE, Beside, Profile, ridge
from metaresp.kernel.numerics.roots import bracketed
from metaresp.kernel.numerics.surface import Bounds, Local

_JOINT_STEPS = 40
_PATIENCE, _NEARER = 10, 0.9  # steps without coming nearer, and what nearer is: two hills in turn
_RESTARTS = 4
_STEPS_CLOSE = 2.5e4  # a bracket ends at 1e-9 standard errors: this times what roots are found to
_HIGHER = 1e-9  # another hill counts from this height on
_ROUGH = 0.02  # log-likelihood: what a rough look cannot rule out
_FAR = np.array([0.0, 0.25, 0.6, 1.6, 4.0])  # where a rough look goes, in multiples of b
_DEEPEST = 7.0  # fall a study, beyond which the normal theory of a first guess is cut off


class Limits(NamedTuple):
    """Where the profile has fallen by the critical value; shape (lanes,)."""

    low: FloatArray
    high: FloatArray


class Search(NamedTuple):
    """What a search for profile limits needs; arrays of shape (lanes,).

    *beside* are other a, and heights that the profile has there.  Where one study outweighs all others the
    profile has two hills: the interval holds both as far as they are above the target.
    """

    profile: Profile
    centre: FloatArray  # a at the maximum
    top: FloatArray  # the maximum
    target: FloatArray  # what the profile is to fall to
    scale: FloatArray  # standard error of a, or a guess of it
    reach: Bounds  # of a
    distance: FloatArray  # of the first guess of a from the centre
    other: FloatArray  # b there
    beside: Beside | None = None


def normal_guess(
    se: FloatArray, spread: FloatArray, fall: FloatArray, k: FloatArray, farthest: float
) -> tuple[FloatArray, FloatArray]:
    """Return how far from the mean its profile has fallen, and the spread there, by normal theory.

    The profile of k equal normal effects falls by ``k log(1 + (d / se)**2 / k)`` at a distance d, where the
    spread has grown to about d.

    Parameters
    ----------
    se, spread : float array, shape (lanes,)
        Standard error of the mean, and the standard deviation of effects, at the maximum.
    fall : float array, shape (lanes,)
        Of twice the log-likelihood.
    k : float array, shape (lanes,)
    farthest : float
        Distance that is not exceeded.
    """
    distance = np.minimum(se * np.sqrt(k * np.expm1(np.minimum(fall / k, _DEEPEST))), farthest)
    return distance, np.hypot(spread, distance**2 / np.hypot(distance, np.sqrt(k) * se))


def limits(search: Search, rows: IntArray) -> Limits:
    """Return where the profile has fallen to the target; the bound of a where it never does.

    Interest and nuisance move together: ``b`` by Newton towards its maximum, ``a`` by Newton on the signed
    root of the fall, which is nearly linear (Venzon and Moolgavkar 1988, Applied Statistics 37:87, on the
    root), both on scales that are logarithmic far out: there the profile falls with the logarithm of the
    distance.  A higher hill of ``b`` at the limit restarts the search; what does not settle is bracketed.

    Parameters
    ----------
    search : Search
    rows : int array
        The lanes to work on.
    """
    # both sides in one search: each call serves twice as many lanes
    size, both = rows.size, np.concatenate([rows, rows])
    side = np.repeat([-1.0, 1.0], size)
    bounds = search.profile.bounds
    a = search.reach.clip(both, search.centre[both] + side * search.distance[both])
    a, b, good = _joint(search, side, both, a, bounds.clip(both, search.other[both]))
    seen = np.flatnonzero(good)
    for _ in range(_RESTARTS):
        if not seen.size:
            break
        higher, at = _higher_hill(search, both[seen], a[seen], b[seen])
        seen = seen[higher]
        if seen.size:
            a[seen], b[seen], good[seen] = _joint(search, side[seen], both[seen], a[seen], at[higher])
            seen = seen[good[seen]]
    left = np.flatnonzero(~good)
    if left.size:
        a[left] = _bracket(search, side[left], both[left], search.centre[both[left]])
    if search.beside is not None:
        place, height = search.beside.beyond(both, a, side)
        target = search.target[both]
        above = height > (target + _HIGHER * (1 + np.abs(target)))[:, None]
        left = np.flatnonzero(above.any(axis=-1))
        if left.size:
            farthest = np.where(above, side[:, None] * place, -np.inf).max(axis=-1)
            a[left] = _bracket(search, side[left], both[left], (side * farthest)[left])
    return Limits(a[:size], a[size:])


def _joint(
    search: Search, side: FloatArray, rows: IntArray, a: FloatArray, b: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Move a to the target and b to its hill, with ``a = centre + scale sinh(alpha)``."""
    a, b = a.copy(), b.copy()
    good = np.zeros(a.size, dtype=np.bool_)
    alive = np.arange(a.size)
    surface, bounds = search.profile.surface, search.profile.bounds
    centre, scale, target, top = (
        field[rows] for field in (search.centre, search.scale, search.target, search.top)
    )
    wanted = np.sqrt(2 * (top - target))
    close = VALUE * (1 + np.abs(target))
    least, idle = np.full(a.size, np.inf), np.zeros(a.size, dtype=np.int64)
    for _ in range(_JOINT_STEPS):
        lanes, at, other = rows[alive], a[alive], b[alive]
        s = surface(lanes, at, other)
        stretch = bounds.stretch(other)
        step_b, follow, gain, sure = _inner_step(bounds, lanes, other, s, stretch)
        slope = (s.d_a + s.d_a_b * stretch * step_b) * side[alive]
        value = s.value + gain
        r = np.sqrt(2 * np.maximum(top[alive] - value, 0.0))
        falls = (slope < 0) & (r > 1e-3)
        away = at - centre[alive]
        reach = np.hypot(away, scale[alive])
        step_a = (wanted[alive] - r) * side[alive]
        step_a *= np.where(falls, r / np.where(falls, -slope * reach, 1.0), 1.0)
        step_a = np.minimum(np.maximum(step_a, -1.0), 1.0)
        done = sure & falls & (np.abs(value - target[alive]) < close[alive]) & (gain < VALUE)
        good[alive[done]] = True
        miss = np.abs(value - target[alive]) + gain
        idle[alive] = np.where(miss < _NEARER * least[alive], 0, idle[alive] + 1)
        least[alive] = np.minimum(miss, least[alive])
        to = centre[alive] + scale[alive] * np.sinh(np.arcsinh(away / scale[alive]) + step_a)
        a[alive] = search.reach.clip(lanes, to)
        go = ~done & np.isfinite(step_a) & (idle[alive] < _PATIENCE)
        step_b = np.minimum(np.maximum(step_b + follow * reach * step_a, -1.0), 1.0)
        b[alive[go]] = bounds.moved(lanes, other, step_b)[go]
        alive = alive[go]
        if not alive.size:
            break
    return a, b, good


def _inner_step(
    bounds: Bounds, lanes: IntArray, b: FloatArray, s: Local, stretch: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Return the step of b towards its hill, how b follows a, the height to gain, and whether it is sure."""
    slope = s.d_b * stretch
    bend = s.d_b_b * stretch * stretch
    if bounds.unit is not None:
        bend += s.d_b * b
    held = bounds.held(lanes, b, s.d_b)
    concave = bend < 0
    curve = np.where(concave, -bend, 1.0)
    step = np.where(concave, slope / curve, np.where(slope == 0, 0.2, np.sign(slope) * 0.5))
    step = np.where(held, 0.0, np.minimum(np.maximum(step, -1.0), 1.0))
    gain = np.where(concave, step * (slope - 0.5 * step * curve), np.abs(step * slope))
    follow = np.where(concave & ~held, s.d_a_b * stretch / curve, 0.0)
    return step, follow, np.maximum(gain, 0.0), held | concave


def _higher_hill(
    search: Search, rows: IntArray, a: FloatArray, b: FloatArray
) -> tuple[BoolArray, FloatArray]:
    """Tell where the profile at *a* is above the target after all, and at which b."""
    target = search.target[rows]
    if search.profile.rough is None:
        value, at = ridge(search.profile, rows, a)
    else:
        value, at = _look(search, rows, a, b)
        several = _two_hills(search, rows)
        if several.size:  # b may have hills that are too narrow for a rough look
            value[several], at[several] = ridge(search.profile, rows[several], a[several])
    higher: BoolArray = value > target + _HIGHER * (1 + np.abs(target))
    return higher, at


def _two_hills(search: Search, rows: IntArray) -> IntArray:
    """Return which have a place as high as the target beyond a standard error from the maximum."""
    if search.beside is None:
        return rows[:0]
    away = np.abs(search.beside.a[rows] - search.centre[rows, None]) > search.scale[rows, None]
    return np.flatnonzero((away & (search.beside.height[rows] > search.target[rows, None])).any(axis=-1))


def _look(search: Search, rows: IntArray, a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the highest of some places about b and its height, as far as it matters beside the target."""
    profile = search.profile
    assert profile.rough is not None
    assert profile.bounds.unit is not None
    points = np.minimum(
        np.maximum(b, profile.bounds.unit)[:, None] * _FAR, profile.bounds.high[rows][:, None]
    )
    owner, flat = np.repeat(np.arange(rows.size), _FAR.size), points.ravel()
    value = profile.rough(rows[owner], a[owner], flat)
    near = np.flatnonzero(value > search.target[rows[owner]] - _ROUGH)
    if near.size:
        value[near] = profile.surface(rows[owner[near]], a[owner[near]], flat[near]).value
    value = value.reshape(points.shape)
    best, first = value.argmax(axis=-1), np.arange(rows.size)
    return value[first, best], points[first, best]


def _bracket(search: Search, side: FloatArray, rows: IntArray, start: FloatArray) -> FloatArray:
    """Walk outwards from *start* until the profile is below the target, then close in.

    From the place outside, on the hill that is highest there, both move together once more; what leaves the
    bracket, or is not on the highest hill, is closed in on by the profile alone.
    """
    inside = start.copy()
    width = np.maximum(search.scale[rows], 0.1)
    outside = search.reach.clip(rows, inside + side * width)
    end = np.where(side < 0, search.reach.low[rows], search.reach.high[rows])
    walking, other = np.arange(rows.size), np.zeros(rows.size)
    open_end = np.zeros(rows.size, dtype=np.bool_)
    while walking.size:
        height, other[walking] = ridge(search.profile, rows[walking], outside[walking])
        above = height > search.target[rows[walking]]
        at_end = outside[walking] == end[walking]
        open_end[walking[above & at_end]] = True
        walking = walking[above & ~at_end]
        inside[walking] = outside[walking]
        width[walking] *= 2
        outside[walking] = search.reach.clip(rows[walking], inside[walking] + side[walking] * width[walking])
    result = end.copy()
    closed = np.flatnonzero(~open_end)
    if closed.size:
        a, b, good = _joint(search, side[closed], rows[closed], outside[closed], other[closed])
        good &= (a - inside[closed]) * (a - outside[closed]) <= 0
        if good.any():
            good[good] = ~_higher_hill(search, rows[closed[good]], a[good], b[good])[0]
        result[closed[good]] = a[good]
        closed = closed[~good]
    if closed.size:
        start, unit = inside[closed], search.scale[rows[closed]]

        def excess(steps: FloatArray, index: IntArray) -> FloatArray:
            lanes = rows[closed[index]]
            value = start[index] + unit[index] * steps
            return ridge(search.profile, lanes, value)[0] - search.target[lanes]

        # the maximum itself is above the target even where rounding hides it
        with np.errstate(all="ignore"):
            found = bracketed(
                excess, np.zeros(closed.size), (outside[closed] - start) / unit, _STEPS_CLOSE
            ).value
        result[closed] = np.where(np.isnan(found), start, start + unit * found)
    return result
