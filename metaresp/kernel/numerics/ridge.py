"""The profile likelihood of one parameter: its height anywhere, over the hills of the other parameter."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.numerics.surface import Bounds, Surface

VALUE = 1e-11  # log-likelihood: a limit is then right to about 1e-11 standard errors
_INNER_STEPS = 60
_FINER = 2  # times that a grid is divided into parts, at most
_PARTS = np.array([0.0, 0.25, 0.5, 0.75])

Values = Callable[[IntArray, FloatArray, FloatArray], FloatArray]


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
    close : float
        Height, over 1 and its own, to which a hill of b is climbed.
    """

    surface: Surface
    bounds: Bounds
    grid: FloatArray
    rough: Values | None = None
    close: float = 0.1 * VALUE


class Beside(NamedTuple):
    """Places of a, and heights that the profile has there at least; shape (lanes, places)."""

    a: FloatArray
    height: FloatArray

    def beyond(self, rows: IntArray, a: FloatArray, side: FloatArray) -> "Beside":
        """Return the places of the lanes at *rows* that are farther than *a* on its side, others at -inf."""
        place = self.a[rows]
        farther = side[:, None] * (place - a[:, None]) > 0
        return Beside(place, np.where(farther, self.height[rows], -np.inf))


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
    found, where = _refine(profile, rows[lanes], a[lanes], low, high)
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
    profile: Profile, rows: IntArray, a: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the height and place of the hill between *low* and *high*: Newton, halving where it leaves."""
    low, high, b = low.copy(), high.copy(), 0.5 * (low + high)
    best, at = np.full(b.size, -np.inf), b.copy()
    alive = np.arange(b.size)
    for _ in range(_INNER_STEPS):
        if not alive.size:
            break
        here = b[alive]
        s = profile.surface(rows[alive], a[alive], here)
        better = s.value > best[alive]
        best[alive[better]], at[alive[better]] = s.value[better], here[better]
        low[alive] = np.where(s.d_b > 0, here, low[alive])
        high[alive] = np.where(s.d_b > 0, high[alive], here)
        concave = s.d_b_b < 0
        new = here - s.d_b / np.where(concave, s.d_b_b, -1.0)
        inside = concave & (new > low[alive]) & (new < high[alive])
        new = np.where(inside, new, 0.5 * (low[alive] + high[alive]))
        small = np.abs((new - here) * s.d_b) < profile.close * (1 + np.abs(s.value))
        b[alive] = new
        alive = alive[~(small & (inside | (high[alive] - low[alive] < 1e-9)))]
    return best, at
