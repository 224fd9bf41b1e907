"""Maxima and profile-likelihood limits of a smooth function of two parameters, many lanes at once.

A *surface* gives the log-likelihood of some lanes at given values of the parameter of interest ``a`` and
of the other parameter ``b``, with both first and all second derivatives.  ``b`` has bounds; a maximum may
lie on one.  Nothing here knows which model the surface is of.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.numerics.roots import bracketed

CLIMB_STEPS = 120
JOINT_STEPS = 30
INNER_STEPS = 60
DECREMENT = 1e-18  # squared Newton step in standard errors at which a lane retires
VALUE = 1e-11  # log-likelihood: a limit is then right to about 1e-11 standard errors
HIGHER = 1e-9  # another hill counts from this height on
_REACH = 2.0  # longest step


class Local(NamedTuple):
    """Log-likelihood and derivatives at one point of each lane; fields of shape (lanes,)."""

    value: FloatArray
    d_a: FloatArray
    d_b: FloatArray
    d_a_a: FloatArray
    d_a_b: FloatArray
    d_b_b: FloatArray

    def take(self, rows: BoolArray | IntArray) -> "Local":
        """Return the lanes at *rows*."""
        return Local(*(field[rows] for field in self))

    def put(self, rows: BoolArray | IntArray, other: "Local") -> None:
        """Write *other* into the lanes at *rows*."""
        for mine, theirs in zip(self, other, strict=True):
            mine[rows] = theirs

    def swapped(self) -> "Local":
        """Return the same with the two parameters in each other's place."""
        return Local(self.value, self.d_b, self.d_a, self.d_b_b, self.d_a_b, self.d_a_a)


Surface = Callable[[IntArray, FloatArray, FloatArray], Local]


class Bounds(NamedTuple):
    """Least and greatest value of one parameter in each lane, shape (lanes,)."""

    low: FloatArray
    high: FloatArray

    def clip(self, rows: IntArray, values: FloatArray) -> FloatArray:
        """Return *values* moved inside the bounds of the lanes at *rows*."""
        result: FloatArray = np.clip(values, self.low[rows], self.high[rows])
        return result

    def held(self, rows: IntArray, b: FloatArray, slope: FloatArray) -> BoolArray:
        """Tell where *b* is at a bound and *slope* points beyond it."""
        result: BoolArray = ((b <= self.low[rows]) & (slope <= 0)) | ((b >= self.high[rows]) & (slope >= 0))
        return result


class Top(NamedTuple):
    """Where each lane's climb ended; fields of shape (lanes,)."""

    a: FloatArray
    b: FloatArray
    local: Local
    converged: BoolArray


def _uphill(s: Local, a_held: BoolArray, b_held: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return Newton's step, with the Hessian's eigenvalues made negative where they are not."""
    off = np.where(a_held | b_held, 0.0, s.d_a_b)
    haa, hbb = np.where(a_held, 1.0, -s.d_a_a), np.where(b_held, 1.0, -s.d_b_b)
    g_a, g_b = np.where(a_held, 0.0, s.d_a), np.where(b_held, 0.0, s.d_b)
    mean, half = 0.5 * (haa + hbb), 0.5 * (haa - hbb)
    radius = np.hypot(half, off)
    angle = 0.5 * np.arctan2(-off, half)
    c, d = np.cos(angle), np.sin(angle)
    floor = 1e-10 * (np.abs(mean) + radius) + 1e-300
    first, second = (np.maximum(np.abs(value), floor) for value in (mean + radius, mean - radius))
    along, across = (c * g_a + d * g_b) / first, (c * g_b - d * g_a) / second
    determinant = haa * hbb - off * off
    regular = (haa > 0) & (determinant > 1e-6 * haa * np.abs(hbb))
    safe = np.where(regular, determinant, 1.0)
    step_a = np.where(regular, (hbb * g_a + off * g_b) / safe, c * along - d * across)
    step_b = np.where(regular, (haa * g_b + off * g_a) / safe, d * along + c * across)
    scale = np.minimum(1.0, _REACH / np.maximum(np.maximum(np.abs(step_a), np.abs(step_b)), 1e-300))
    return np.where(a_held, 0.0, step_a * scale), np.where(b_held, 0.0, step_b * scale)


def climb(
    surface: Surface,
    rows: IntArray,
    a: FloatArray,
    b: FloatArray,
    bounds: Bounds,
    reach: Bounds | None = None,
) -> Top:
    """Climb from (a, b) to the nearest maximum; lanes retire as they converge.

    Parameters
    ----------
    surface : callable
    rows : int array
        Lanes to climb in; the other arguments have one entry for each.
    a, b : float array
        Where to start.
    bounds, reach : Bounds
        Of ``b`` and of ``a`` (which may have none), for all lanes of the surface.

    Returns
    -------
    Top
    """
    if reach is None:
        reach = Bounds(np.full_like(bounds.low, -np.inf), np.full_like(bounds.low, np.inf))
    a, b = reach.clip(rows, a), bounds.clip(rows, b)
    local = Local(*(field.copy() for field in surface(rows, a, b)))
    converged = np.zeros(rows.size, dtype=np.bool_)
    length = np.ones(rows.size)
    alive = np.arange(rows.size)
    for _ in range(CLIMB_STEPS):
        here = local.take(alive)
        lanes = rows[alive]
        a_held, b_held = reach.held(lanes, a[alive], here.d_a), bounds.held(lanes, b[alive], here.d_b)
        step_a, step_b = _uphill(here, a_held, b_held)
        decrement = np.abs(step_a * here.d_a) + np.abs(step_b * here.d_b)
        stuck = length[alive] < 1e-7
        finished = (decrement < DECREMENT * (1 + np.abs(here.value))) | stuck
        converged[alive[finished]] = ~stuck[finished] | (decrement[finished] < VALUE)
        if finished.any():
            alive, step_a, step_b = alive[~finished], step_a[~finished], step_b[~finished]
            if not alive.size:
                break
        new_a = reach.clip(rows[alive], a[alive] + length[alive] * step_a)
        new_b = bounds.clip(rows[alive], b[alive] + length[alive] * step_b)
        found = surface(rows[alive], new_a, new_b)
        before = local.value[alive]
        good = found.value >= before - 1e-14 * (1 + np.abs(before))
        length[alive] = np.where(good, np.minimum(1.0, 4 * length[alive]), 0.25 * length[alive])
        moved = alive[good]
        a[moved], b[moved] = new_a[good], new_b[good]
        local.put(moved, found.take(good))
    return Top(a, b, local, converged)


class Search(NamedTuple):
    """What a search for profile limits needs; arrays of shape (lanes,)."""

    surface: Surface
    centre: FloatArray  # a at the maximum
    other: FloatArray  # b at the maximum
    top: FloatArray  # the maximum
    target: FloatArray  # the height of the limits
    scale: FloatArray  # standard error of a, or a guess of it
    reach: Bounds  # of a
    bounds: Bounds  # of b
    grid: FloatArray  # rising values of b, at most one hill between two; NaN behind; shape (lanes, points)


def limit(search: Search, side: float, rows: IntArray) -> FloatArray:
    """Return where the profile has fallen to the target on one side; the bound of a where it never does.

    Interest and nuisance move together: ``b`` by Newton towards its maximum, ``a`` by Newton on the signed
    root of the fall, which is nearly linear (Venzon and Moolgavkar 1988, Applied Statistics 37:87, on the
    root).  A higher hill of ``b`` at the limit restarts the search; what does not settle is bracketed.

    Parameters
    ----------
    search : Search
    side : float
        -1 or 1.
    rows : int array
        The lanes to work on.
    """
    start = search.reach.clip(
        rows,
        search.centre[rows]
        + side * np.sqrt(2 * (search.top[rows] - search.target[rows])) * search.scale[rows],
    )
    a, b, good = _joint(search, side, rows, start, search.other[rows])
    for _ in range(4):
        seen = np.flatnonzero(good)
        if not seen.size:
            break
        value, at = ridge(search, rows[seen], a[seen])
        higher = value > search.target[rows[seen]] + HIGHER * (1 + np.abs(search.target[rows[seen]]))
        again = seen[higher]
        if not again.size:
            break
        a[again], b[again], good[again] = _joint(search, side, rows[again], a[again], at[higher])
    left = np.flatnonzero(~good)
    if left.size:
        a[left] = _bracket(search, side, rows[left])
    return a


def _joint(
    search: Search, side: float, rows: IntArray, a: FloatArray, b: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    a, b = a.copy(), b.copy()
    good = np.zeros(a.size, dtype=np.bool_)
    alive = np.arange(a.size)
    wanted = np.sqrt(2 * (search.top - search.target))
    for _ in range(JOINT_STEPS):
        lanes = rows[alive]
        at, other, target = a[alive], b[alive], search.target[lanes]
        s = search.surface(lanes, at, other)
        step_b, gain, sure = _inner_step(search, lanes, other, s)
        slope = s.d_a + s.d_a_b * step_b
        r = np.sqrt(2 * np.maximum(search.top[lanes] - s.value - gain, 0.0))
        falls = slope * side < 0
        ahead = side * search.scale[lanes]
        step_a = (wanted[lanes] - r) * np.where(falls & (r > 1e-3), r / np.where(falls, -slope, 1.0), ahead)
        longest = np.maximum(np.abs(at - search.centre[lanes]), search.scale[lanes])
        step_a = np.clip(step_a, -longest, longest)
        done = (
            sure & (np.abs(s.value + gain - target) < VALUE * (1 + np.abs(target))) & (gain < VALUE) & falls
        )
        lost = ~np.isfinite(step_a) | ((at - search.centre[lanes]) * side < 0)
        good[alive[done]] = True
        a[alive[done]] = search.reach.clip(lanes[done], at[done] + step_a[done])
        concave = s.d_b_b < 0
        follow = np.where(concave & (step_b != 0), -s.d_a_b / np.where(concave, s.d_b_b, 1.0), 0.0) * step_a
        go = ~done & ~lost
        a[alive[go]] = search.reach.clip(lanes[go], (at + step_a)[go])
        b[alive[go]] = search.bounds.clip(lanes[go], (other + np.clip(step_b + follow, -_REACH, _REACH))[go])
        alive = alive[go]
        if not alive.size:
            break
    return a, b, good


def _inner_step(
    search: Search, lanes: IntArray, b: FloatArray, s: Local
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return the step of b towards its hill, the height it should gain, and whether that is sure."""
    held = search.bounds.held(lanes, b, s.d_b)
    concave = s.d_b_b < 0
    step = np.where(concave, -s.d_b / np.where(concave, s.d_b_b, 1.0), np.sign(s.d_b) * 0.5)
    step = np.where(held, 0.0, np.clip(step, -_REACH, _REACH))
    step = search.bounds.clip(lanes, b + step) - b
    gain = np.where(concave, step * s.d_b + 0.5 * step * step * s.d_b_b, np.abs(step * s.d_b))
    return step, np.maximum(gain, 0.0), held | concave


def ridge(search: Search, rows: IntArray, a: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the profile log-likelihood at *a*, and the b where it is reached.

    The slope in b on a grid brackets the hills; each is climbed by :func:`_refine`, and the highest kept.
    """
    grid = search.grid[rows]
    seen = ~np.isnan(grid)
    owner = np.nonzero(seen)[0]
    s = search.surface(rows[owner], a[owner], grid[seen])
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
    low = np.concatenate([grid[lane, cell], search.bounds.low[rows[before]], grid[first, last][after]])
    high = np.concatenate([grid[lane, cell + 1], grid[before, 0], search.bounds.high[rows[after]]])
    wide = high > low
    lanes, low, high = lanes[wide], low[wide], high[wide]
    found, where = _refine(search, rows[lanes], a[lanes], low, high)
    for i in np.argsort(found, kind="stable"):  # the best of a lane comes last
        if found[i] > height[lanes[i]]:
            height[lanes[i]], at[lanes[i]] = found[i], where[i]
    return height, at


def _refine(
    search: Search, rows: IntArray, a: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the height and place of the hill between *low* and *high*: Newton, halving where it leaves."""
    low, high, b = low.copy(), high.copy(), 0.5 * (low + high)
    best, at = np.full(b.size, -np.inf), b.copy()
    alive = np.arange(b.size)
    for _ in range(INNER_STEPS):
        if not alive.size:
            break
        here = b[alive]
        s = search.surface(rows[alive], a[alive], here)
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


def _bracket(search: Search, side: float, rows: IntArray) -> FloatArray:
    """Walk outwards until the profile is below the target, then close in."""
    inside = search.centre[rows].copy()
    width = np.maximum(search.scale[rows], 0.1)
    outside = search.reach.clip(rows, inside + side * width)
    end = search.reach.low[rows] if side < 0 else search.reach.high[rows]
    walking = np.arange(rows.size)
    open_end = np.zeros(rows.size, dtype=np.bool_)
    while walking.size:
        above = ridge(search, rows[walking], outside[walking])[0] > search.target[rows[walking]]
        at_end = outside[walking] == end[walking]
        open_end[walking[above & at_end]] = True
        walking = walking[above & ~at_end]
        inside[walking] = outside[walking]
        width[walking] *= 2
        outside[walking] = search.reach.clip(rows[walking], inside[walking] + side * width[walking])
    result = end.copy()
    closed = np.flatnonzero(~open_end)
    if closed.size:

        def excess(value: FloatArray, index: IntArray) -> FloatArray:
            lanes = rows[closed[index]]
            return ridge(search, lanes, value)[0] - search.target[lanes]

        # the maximum itself is above the target even where rounding hides it
        with np.errstate(all="ignore"):
            found = bracketed(excess, inside[closed], outside[closed]).value
        result[closed] = np.where(np.isnan(found), inside[closed], found)
    return result
