"""Maxima of a likelihood in which groups of studies share one parameter and have one each, many sets at once.

The log-likelihood of a set of groups is the sum of that of its groups, each a function of the shared
parameter ``a`` and of its own ``b``.  The Hessian is then an arrow: Newton's step costs one division a
group.  Nothing here knows which model it is, or which parameter is the mean.
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.numerics.surface import Local, Surface

_STEPS = 100
_HALVINGS = 30
_REACH = 2.0  # longest step
_DECREMENT = 1e-13  # of the log-likelihood, at which a set retires
_SADDLE = 1e-9  # slope below which a place of upward curvature on a bound is left by a step of its own
_KICK = 0.25
_FLOOR = 1e-10


class Range(NamedTuple):
    """Least and greatest value of one parameter."""

    low: float
    high: float


class Peak(NamedTuple):
    """Where each set's climb ended; shapes (sets,), (sets, groups), (sets,)."""

    shared: FloatArray
    own: FloatArray
    value: FloatArray


class _Slopes(NamedTuple):
    """Value and derivatives of some sets; shared ones summed over the groups."""

    value: FloatArray
    d_a: FloatArray
    d_a_a: FloatArray
    d_b: FloatArray
    d_a_b: FloatArray
    d_b_b: FloatArray


class Arrow(NamedTuple):
    """A likelihood of sets of groups.

    Attributes
    ----------
    surface : Surface
        Of the lanes; lane ``groups * s + g`` is group g of set s.
    groups : int
    shared, own : Range
    held : bool array, shape (sets, groups)
        Groups whose own parameter keeps its start.
    """

    surface: Surface
    groups: int
    shared: Range
    own: Range
    held: BoolArray

    def slopes(self, sets: IntArray, a: FloatArray, b: FloatArray) -> _Slopes:
        """Return value and derivatives at *a*, shape (sets,), and *b*, shape (sets, groups)."""
        lanes = (self.groups * sets[:, None] + np.arange(self.groups)).ravel()
        found: Local = self.surface(lanes, np.repeat(a, self.groups), b.ravel())
        value, d_a, d_b, d_a_a, d_a_b, d_b_b = (field.reshape(b.shape) for field in found)
        fixed = self.held[sets]
        return _Slopes(
            np.einsum("sg->s", value),
            np.einsum("sg->s", d_a),
            np.einsum("sg->s", d_a_a),
            np.where(fixed, 0.0, d_b),
            np.where(fixed, 0.0, d_a_b),
            np.where(fixed, -1.0, d_b_b),
        )


def climb(arrow: Arrow, a: FloatArray, b: FloatArray) -> Peak:
    """Climb from (a, b) to the nearest maximum; sets retire as they converge.

    Parameters
    ----------
    arrow : Arrow
    a : float array, shape (sets,)
    b : float array, shape (sets, groups)
    """
    a, b = a.copy(), b.copy()
    sets = np.arange(a.size)
    s = arrow.slopes(sets, a, b)
    value = s.value.copy()
    for _ in range(_STEPS):
        step_a, step_b, gain = _uphill(arrow, s, a[sets], b[sets])
        going = gain > _DECREMENT
        sets, step_a, step_b = sets[going], step_a[going], step_b[going]
        if not sets.size:
            break
        moved, s = _walk(arrow, sets, a, b, value, step_a, step_b)
        sets, s = sets[moved], _Slopes(*(field[moved] for field in s))
        if not sets.size:
            break
    return Peak(a, b, value)


def _uphill(
    arrow: Arrow, s: _Slopes, a: FloatArray, b: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return Newton's step with curvatures made negative, and the gain it promises."""
    b_held = _held(b, s.d_b, arrow.own)
    a_held = _held(a, s.d_a, arrow.shared)
    g_b, off = np.where(b_held, 0.0, s.d_b), np.where(b_held | a_held[:, None], 0.0, -s.d_a_b)
    g_a = np.where(a_held, 0.0, s.d_a)
    curve = np.maximum(np.abs(s.d_b_b), _FLOOR)
    stem = -s.d_a_a - np.einsum("sg->s", off * off / curve)
    rising = stem <= _FLOOR * (1 + np.abs(s.d_a_a))
    off = np.where(rising[:, None], 0.0, off)
    stem = np.maximum(np.where(rising, np.abs(s.d_a_a), stem), _FLOOR)
    step_a = (g_a - np.einsum("sg->s", off * g_b / curve)) / stem
    step_b = (g_b - off * step_a[:, None]) / curve
    saddle_b = ~b_held & (b <= arrow.own.low) & (s.d_b_b > _SADDLE) & (np.abs(s.d_b) < _SADDLE)
    saddle_a = ~a_held & (a <= arrow.shared.low) & (s.d_a_a > _SADDLE) & (np.abs(s.d_a) < _SADDLE)
    step_b = np.where(saddle_b, _KICK, np.where(b_held, 0.0, step_b))
    step_a = np.where(saddle_a, _KICK, np.where(a_held, 0.0, step_a))
    longest = np.maximum(np.abs(step_a), np.abs(step_b).max(axis=-1))
    scale = np.minimum(1.0, _REACH / np.maximum(longest, 1e-300))
    gain = step_a * g_a + np.einsum("sg->s", step_b * g_b)
    gain = np.where(saddle_a | saddle_b.any(axis=-1), 1.0, gain)
    return step_a * scale, step_b * scale[:, None], gain


def _held(at: FloatArray, slope: FloatArray, bounds: Range) -> BoolArray:
    """Tell where a parameter is at a bound and the slope points beyond it."""
    held: BoolArray = ((at <= bounds.low) & (slope < 0)) | ((at >= bounds.high) & (slope > 0))
    return held


def _walk(
    arrow: Arrow,
    sets: IntArray,
    a: FloatArray,
    b: FloatArray,
    value: FloatArray,
    step_a: FloatArray,
    step_b: FloatArray,
) -> tuple[BoolArray, _Slopes]:
    """Take the step, halved until it rises; write the new places, and return which sets moved."""
    out: _Slopes | None = None
    moved = np.zeros(sets.size, dtype=np.bool_)
    waiting = np.arange(sets.size)
    share = 1.0
    for _ in range(_HALVINGS):
        rows = sets[waiting]
        to_a = np.clip(a[rows] + share * step_a[waiting], *arrow.shared)
        to_b = np.where(arrow.held[rows], b[rows], np.clip(b[rows] + share * step_b[waiting], *arrow.own))
        s = arrow.slopes(rows, to_a, to_b)
        if out is None:
            out = _Slopes(*(field.copy() for field in s))
        better = s.value > value[rows]
        chosen = rows[better]
        a[chosen], b[chosen], value[chosen] = to_a[better], to_b[better], s.value[better]
        for whole, part in zip(out, s, strict=True):
            whole[waiting[better]] = part[better]
        moved[waiting[better]] = True
        waiting = waiting[~better]
        if not waiting.size:
            break
        share *= 0.5
    assert out is not None
    return moved, out
