"""Profile likelihoods and their limits, for any surface of two parameters, many lanes at once.

The profile at a value of the parameter of interest ``a`` is the maximum over the other parameter ``b``, see
:mod:`metaresp.kernel.numerics.surface`; a limit is where it has fallen to a target.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.numerics.roots import bracketed
from metaresp.kernel.numerics.surface import Bounds, Local, Surface

_JOINT_STEPS = 40
_INNER_STEPS = 60
_RESTARTS = 4
_FINER = 2  # times that a grid is divided into parts, at most
_PARTS = np.array([0.0, 0.25, 0.5, 0.75])
VALUE = 1e-11  # log-likelihood: a limit is then right to about 1e-11 standard errors
_HIGHER = 1e-9  # another hill counts from this height on
_ROUGH = 0.02  # log-likelihood: what a rough look cannot rule out
_FAR = np.array([0.0, 0.25, 0.6, 1.6, 4.0])  # where a rough look goes, in multiples of b
_DEEPEST = 7.0  # fall a study, beyond which the normal theory of a first guess is cut off

Values = Callable[[IntArray, FloatArray, FloatArray], FloatArray]


class Limits(NamedTuple):
    """Where the profile has fallen by the critical value; shape (lanes,)."""

    low: FloatArray
    high: FloatArray


class Profile(NamedTuple):
    """A surface whose second parameter is maximised over.

    Attributes
    ----------
    surface : callable
    bounds : Bounds
        Of b.
    grid : float array, shape (lanes, points)
        Rising values of b, at most one hill between two; NaN behind.
    rough : callable or None
        The value of the surface to about a hundredth, where that is much cheaper; b then has a unit.
    """

    surface: Surface
    bounds: Bounds
    grid: FloatArray
    rough: Values | None = None


class Beside(NamedTuple):
    """Places of a, and heights that the profile has there at least; shape (lanes, places)."""

    a: FloatArray
    height: FloatArray

    def beyond(self, rows: IntArray, a: FloatArray, side: FloatArray) -> "Beside":
        """Return the places of the lanes at *rows* that are farther than *a* on its side, others at -inf."""
        place = self.a[rows]
        farther = side[:, None] * (place - a[:, None]) > 0
        return Beside(place, np.where(farther, self.height[rows], -np.inf))


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
        to = centre[alive] + scale[alive] * np.sinh(np.arcsinh(away / scale[alive]) + step_a)
        a[alive] = search.reach.clip(lanes, to)
        go = ~done & np.isfinite(step_a)
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
    value, at = ridge(search.profile, rows, a) if search.profile.rough is None else _look(search, rows, a, b)
    higher: BoolArray = value > target + _HIGHER * (1 + np.abs(target))
    return higher, at


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


def fall(
    profile: Profile, rows: IntArray, a: FloatArray, centre: FloatArray, top: FloatArray, beside: Beside
) -> FloatArray:
    """Return twice the fall from *top* to the highest that the profile is at *a* or farther; at least 0.

    An interval holds all that lies between the maximum and its limits, also a valley between two hills of the
    profile: the test that it inverts leaves *a* out at no lower level than anything behind *a*.

    Parameters
    ----------
    profile : Profile
    rows : int array, shape (points,)
        The lane of each point.
    a : float array, shape (points,)
    centre, top : float array, shape (lanes,)
        Where the maximum is, and how high.
    beside : Beside
    """
    behind = beside.beyond(rows, a, np.sign(a - centre[rows])).height.max(axis=-1, initial=-np.inf)
    highest = np.fmax(ridge(profile, rows, a)[0], behind)
    result: FloatArray = np.maximum(2 * (top[rows] - highest), 0.0)
    return result


def ridge(
    profile: Profile, rows: IntArray, a: FloatArray, finer: int = _FINER
) -> tuple[FloatArray, FloatArray]:
    """Return the profile log-likelihood at *a*, and the b where it is reached.

    The slope in b on a grid brackets the hills; each is climbed by :func:`_refine`, and the highest kept.
    Where it has one sign at both ends of a cell, and the values say the other, a hill and a valley are
    inside: the grid is then made *finer*, at most so many times.
    """
    grid = profile.grid[rows]
    seen = ~np.isnan(grid)
    owner = np.nonzero(seen)[0]
    s = profile.surface(rows[owner], a[owner], grid[seen])
    # where the function is even, as in tau at 0, the curvature tells whether it rises
    value, slope = (np.full(grid.shape, fill) for fill in (-np.inf, np.nan))
    value[seen], slope[seen] = s.value, np.where(s.d_b == 0, s.d_b_b, s.d_b)
    first = np.arange(rows.size)
    best = value.argmax(axis=-1)
    height, at = value[first, best], grid[first, best]
    inside = (slope[:, :-1] > 0) & (slope[:, 1:] <= 0)
    last = seen.sum(axis=-1) - 1
    before, after = slope[:, 0] < 0, slope[first, last] > 0
    lane, cell = np.nonzero(inside)
    lanes = np.concatenate([lane, first[before], first[after]])
    low = np.concatenate([grid[lane, cell], profile.bounds.low[rows[before]], grid[first, last][after]])
    high = np.concatenate([grid[lane, cell + 1], grid[before, 0], profile.bounds.high[rows[after]]])
    wide = high > low
    lanes, low, high = lanes[wide], low[wide], high[wide]
    found, where = _refine(profile.surface, rows[lanes], a[lanes], low, high)
    higher = np.flatnonzero(found > height[lanes])
    higher = higher[np.argsort(found[higher], kind="stable")]  # the best of a lane is written last
    height[lanes[higher]], at[lanes[higher]] = found[higher], where[higher]
    hidden = (np.maximum(slope[:, :-1], slope[:, 1:]) < 0) & (value[:, 1:] > value[:, :-1])
    hidden |= (np.minimum(slope[:, :-1], slope[:, 1:]) > 0) & (value[:, 1:] < value[:, :-1])
    again = np.flatnonzero(hidden.any(axis=-1))
    if finer and again.size:
        between = profile.grid[:, :-1, None] + np.diff(profile.grid)[:, :, None] * _PARTS
        last = profile.grid[:, -1:]
        inner = profile._replace(grid=np.column_stack([between.reshape(len(last), -1), last]))
        found, where = ridge(inner, rows[again], a[again], finer - 1)
        higher = np.flatnonzero(found > height[again])
        height[again[higher]], at[again[higher]] = found[higher], where[higher]
    return height, at


def _refine(
    surface: Surface, rows: IntArray, a: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the height and place of the hill between *low* and *high*: Newton, halving where it leaves."""
    low, high, b = low.copy(), high.copy(), 0.5 * (low + high)
    best, at = np.full(b.size, -np.inf), b.copy()
    alive = np.arange(b.size)
    for _ in range(_INNER_STEPS):
        if not alive.size:
            break
        here = b[alive]
        s = surface(rows[alive], a[alive], here)
        better = s.value > best[alive]
        best[alive[better]], at[alive[better]] = s.value[better], here[better]
        low[alive] = np.where(s.d_b > 0, here, low[alive])
        high[alive] = np.where(s.d_b > 0, high[alive], here)
        concave = s.d_b_b < 0
        new = here - s.d_b / np.where(concave, s.d_b_b, -1.0)
        inside = concave & (new > low[alive]) & (new < high[alive])
        new = np.where(inside, new, 0.5 * (low[alive] + high[alive]))
        small = np.abs((new - here) * s.d_b) < 0.1 * VALUE * (1 + np.abs(s.value))
        b[alive] = new
        alive = alive[~(small & (inside | (high[alive] - low[alive] < 1e-9)))]
    return best, at


def _bracket(search: Search, side: FloatArray, rows: IntArray, start: FloatArray) -> FloatArray:
    """Walk outwards from *start* until the profile is below the target, then close in."""
    inside = start.copy()
    width = np.maximum(search.scale[rows], 0.1)
    outside = search.reach.clip(rows, inside + side * width)
    end = np.where(side < 0, search.reach.low[rows], search.reach.high[rows])
    walking = np.arange(rows.size)
    open_end = np.zeros(rows.size, dtype=np.bool_)
    while walking.size:
        above = ridge(search.profile, rows[walking], outside[walking])[0] > search.target[rows[walking]]
        at_end = outside[walking] == end[walking]
        open_end[walking[above & at_end]] = True
        walking = walking[above & ~at_end]
        inside[walking] = outside[walking]
        width[walking] *= 2
        outside[walking] = search.reach.clip(rows[walking], inside[walking] + side[walking] * width[walking])
    result = end.copy()
    closed = np.flatnonzero(~open_end)
    if closed.size:

        def excess(value: FloatArray, index: IntArray) -> FloatArray:
            lanes = rows[closed[index]]
            return ridge(search.profile, lanes, value)[0] - search.target[lanes]

        # the maximum itself is above the target even where rounding hides it
        with np.errstate(all="ignore"):
            found = bracketed(excess, inside[closed], outside[closed]).value
        result[closed] = np.where(np.isnan(found), inside[closed], found)
    return result
