"""Maxima of a smooth function of two parameters, many lanes at once.

A *surface* gives the log-likelihood of some lanes at given values of the parameter of interest ``a`` and
of the other parameter ``b``, with both first and all second derivatives.  Either may have bounds; a maximum
may lie on one.  Nothing here knows which model the surface is of.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray

_STEPS = 120
DECREMENT = 1e-18  # squared Newton step in standard errors at which a lane retires
_ENDED = 1e-11  # the same where steps no longer rise: rounding, and not a failure
_REACH = 2.0  # longest step
_KICK = 0.25  # step off a saddle at 0, shortened until it rises
_LEAST = 1e-6  # below this an even parameter is 0
_CLOSE = 1e-11  # values nearer than this (relative) are equal: the earlier is kept


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

    def by_arcsinh(self, a: FloatArray, b: FloatArray) -> "Local":
        """Return the same by *a* and *b*, the parameters being ``sinh(a)`` and ``sinh(b)``."""
        one, other, to_a, to_b = np.sinh(a), np.sinh(b), np.cosh(a), np.cosh(b)
        return Local(
            self.value,
            self.d_a * to_a,
            self.d_b * to_b,
            self.d_a_a * to_a * to_a + self.d_a * one,
            self.d_a_b * to_a * to_b,
            self.d_b_b * to_b * to_b + self.d_b * other,
        )

    def information(self) -> FloatArray:
        """Return the observed information of a, with b profiled out where the function is concave in it."""
        concave = self.d_b_b < 0
        lost = np.where(concave, self.d_a_b**2 / np.where(concave, self.d_b_b, -1.0), 0.0)
        return lost - self.d_a_a


Surface = Callable[[IntArray, FloatArray, FloatArray], Local]


class Bounds(NamedTuple):
    """Least and greatest value of one parameter in each lane, shape (lanes,), and how it is walked.

    With a *unit* the parameter is one in which the function is even, as a standard deviation: its lower
    bound is 0, a step beyond is reflected, and steps are measured on a scale that is linear below the unit
    and logarithmic beyond.
    """

    low: FloatArray
    high: FloatArray
    unit: float | None = None

    def clip(self, rows: IntArray, values: FloatArray) -> FloatArray:
        """Return *values* moved inside the bounds of the lanes at *rows*."""
        if self.unit is None:
            return np.minimum(np.maximum(values, self.low[rows]), self.high[rows])
        size = np.minimum(np.abs(values), self.high[rows])
        return np.where(size < _LEAST, 0.0, size)

    def held(self, rows: IntArray, at: FloatArray, slope: FloatArray) -> BoolArray:
        """Tell where a parameter is at a bound and *slope* points beyond it."""
        above: BoolArray = (at >= self.high[rows]) & (slope >= 0)
        return above if self.unit is not None else above | ((at <= self.low[rows]) & (slope <= 0))

    def stretch(self, at: FloatArray) -> FloatArray:
        """Return how far a parameter moves in a unit step."""
        return np.ones_like(at) if self.unit is None else np.hypot(at, self.unit)

    def moved(self, rows: IntArray, at: FloatArray, step: FloatArray) -> FloatArray:
        """Return where a step leads."""
        if self.unit is None:
            return self.clip(rows, at + step)
        to = self.unit * np.sinh(np.arcsinh(at / self.unit) + step)
        return self.clip(rows, np.where(step == 0, at, to))  # what is held stays to the last digit


class Top(NamedTuple):
    """Where each lane's climb ended; fields of shape (lanes,)."""

    a: FloatArray
    b: FloatArray
    local: Local
    converged: BoolArray

    def put(self, rows: IntArray, other: "Top", chosen: BoolArray) -> None:
        """Write the *chosen* lanes of *other* into the lanes at *rows*."""
        self.a[rows], self.b[rows] = other.a[chosen], other.b[chosen]
        self.converged[rows] = other.converged[chosen]
        self.local.put(rows, other.local.take(chosen))


class Hills(NamedTuple):
    """Places of each lane where climbs ended; fields of shape (lanes, places).

    Each is a point of the surface, and so a lower bound of it; the height is minus infinity where a lane has
    fewer places.
    """

    a: FloatArray
    b: FloatArray
    value: FloatArray


def _uphill(s: Local, a_held: BoolArray, b_held: BoolArray, longest: FloatArray) -> tuple[FloatArray, ...]:
    """Return Newton's step, with the Hessian's eigenvalues made negative where they are not."""
    off = np.where(a_held | b_held, 0.0, s.d_a_b)
    haa, hbb = np.where(a_held, 1.0, -s.d_a_a), np.where(b_held, 1.0, -s.d_b_b)
    g_a, g_b = np.where(a_held, 0.0, s.d_a), np.where(b_held, 0.0, s.d_b)
    determinant = haa * hbb - off * off
    regular = (haa > 0) & (determinant > 1e-6 * haa * np.abs(hbb))
    safe = np.where(regular, determinant, 1.0)
    step_a, step_b = (hbb * g_a + off * g_b) / safe, (haa * g_b + off * g_a) / safe
    if not regular.all():
        mean, half = 0.5 * (haa + hbb), 0.5 * (haa - hbb)
        radius = np.hypot(half, off)
        angle = 0.5 * np.arctan2(-off, half)
        c, d = np.cos(angle), np.sin(angle)
        floor = 1e-10 * (np.abs(mean) + radius) + 1e-300
        first, second = (np.maximum(np.abs(value), floor) for value in (mean + radius, mean - radius))
        along, across = (c * g_a + d * g_b) / first, (c * g_b - d * g_a) / second
        step_a = np.where(regular, step_a, c * along - d * across)
        step_b = np.where(regular, step_b, d * along + c * across)
    scale = np.minimum(1.0, longest / np.maximum(np.maximum(np.abs(step_a), np.abs(step_b)), 1e-300))
    return np.where(a_held, 0.0, step_a * scale), np.where(b_held, 0.0, step_b * scale)


def climb(
    surface: Surface,
    rows: IntArray,
    a: FloatArray,
    b: FloatArray,
    bounds: Bounds,
    reach: Bounds | None = None,
    close: float = DECREMENT,
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
    close : float
        Squared step in standard errors, over 1 and the height, at which a lane retires.

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
    for _ in range(_STEPS):
        here = local.take(alive)
        lanes = rows[alive]
        a_held, b_held = reach.held(lanes, a[alive], here.d_a), bounds.held(lanes, b[alive], here.d_b)
        step_a, step_b = _uphill(here, a_held, b_held, _REACH * bounds.stretch(b[alive]))
        decrement = np.abs(step_a * here.d_a) + np.abs(step_b * here.d_b)
        stuck = length[alive] < 1e-7
        finished = decrement < close * (1 + np.abs(here.value))
        if bounds.unit is not None:  # a step may end at 0 where the function rises from there
            saddle = finished & (b[alive] == 0) & (here.d_b_b > 0) & ~b_held
            step_b = np.where(saddle, _KICK, step_b)
            finished &= ~saddle
        finished |= stuck
        converged[alive[finished]] = ~stuck[finished] | (decrement[finished] < _ENDED)
        if finished.any():
            alive, step_a, step_b = alive[~finished], step_a[~finished], step_b[~finished]
            decrement = decrement[~finished]
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
    converged[alive] = decrement < _ENDED  # steps of rounding, about a place that is known
    return Top(a, b, local, converged)


def highest(
    surface: Surface,
    known: Top,
    starts: Iterable[tuple[IntArray, FloatArray, FloatArray]],
    bounds: Bounds,
    close: float = DECREMENT,
) -> tuple[Top, Hills]:
    """Return the highest of the *known* places and of the maxima that climbs from *starts* lead to, and all.

    Parameters
    ----------
    surface : callable
    known : Top
        One place a lane, kept where no climb ends higher; not written to.
    starts : iterable of (rows, a, b)
    bounds : Bounds
        Of ``b``.
    close : float
        As in :func:`climb`.
    """
    local = Local(*(field.copy() for field in known.local))
    best = Top(known.a.copy(), known.b.copy(), local, known.converged.copy())
    seen = [(known.a, known.b, known.local.value)]
    for rows, a, b in starts:
        if rows.size:
            found = climb(surface, rows, a, b, bounds, close=close)
            before = best.local.value[rows]
            better = found.local.value > before + _CLOSE * (1 + np.abs(before))
            best.put(rows[better], found, better)
            place = known.a.copy(), known.b.copy(), np.full(known.a.size, -np.inf)
            for field, part in zip(place, (found.a, found.b, found.local.value), strict=True):
                field[rows] = part
            seen.append(place)
    return best, Hills(*(np.stack(fields, axis=-1) for fields in zip(*seen, strict=True)))
