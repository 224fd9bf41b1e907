"""Regions of tau2 where the likelihood or restricted likelihood is near its maximum."""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.effects.sums import Lanes
from metaresp.kernel.effects.tau2_search import GRID_BUDGET, maximise, search_range
from metaresp.kernel.numerics.roots import bracketed

SCAN_POINTS = 65
DOUBLINGS = 200  # steps of 1 in log(tau2) beyond the range of stationary points
# A deviance is known to its last bits only: a smaller drop may leave no point, not even the best one, inside.
ROUNDING = 1e-14


class Region(NamedTuple):
    """Where the deviance is at most ``bound``, shape (lanes,); nan for lanes without a likelihood."""

    low: FloatArray
    high: FloatArray
    bound: FloatArray
    vmin: FloatArray
    converged: BoolArray


def deviance_grid(lanes: Lanes, tau2: FloatArray, restricted: bool) -> FloatArray:
    """Return the deviance on a grid (points, lanes), as many points at once as a cache holds."""
    rows = max(1, GRID_BUDGET // max(1, lanes.y.size))
    if rows >= len(tau2):
        return lanes.deviance(tau2, restricted)
    return np.concatenate(
        [lanes.deviance(tau2[first : first + rows], restricted) for first in range(0, len(tau2), rows)]
    )


def likelihood_region(lanes: Lanes, drop: float, restricted: bool) -> Region:
    """Return the hull of the tau2 whose deviance is within *drop* of the least.

    Beyond the range of stationary points the deviance rises for ever, like ``log(tau2)``, so the last
    crossing is bracketed by steps; a scan finds the first and last crossings inside the range.
    """
    best, converged = maximise(lanes, restricted)
    least = lanes.deviance(best, restricted)
    bound = least + np.maximum(drop, ROUNDING * (1.0 + np.abs(least)))
    vmin, span = search_range(lanes, restricted)
    usable = np.flatnonzero((lanes.k > 1) & np.isfinite(bound))
    low, high = np.full(len(lanes), np.nan), np.full(len(lanes), np.nan)
    if len(usable):
        part = lanes if len(usable) == len(lanes) else lanes.take(usable)
        peak = np.log1p(best[usable] / vmin[usable])
        inside = _crossings(
            part, peak, np.maximum(span[usable], peak), bound[usable], vmin[usable], restricted
        )
        low[usable], high[usable], fine = inside
        converged[usable] &= fine
    return Region(low, high, bound, vmin, converged & np.isfinite(low))


def _crossings(
    lanes: Lanes, peak: FloatArray, span: FloatArray, bound: FloatArray, vmin: FloatArray, restricted: bool
) -> tuple[FloatArray, FloatArray, BoolArray]:
    outer = _outside(lanes, span, bound, vmin, restricted)
    share = (np.arange(SCAN_POINTS) / (SCAN_POINTS - 1.0))[:, None]
    columns = np.arange(len(lanes))

    def excess(u: FloatArray, index: IntArray) -> FloatArray:
        part = lanes if len(index) == len(lanes) else lanes.take(index)
        return part.deviance(vmin[index] * np.expm1(u), restricted) - bound[index]

    below = share * peak
    held = deviance_grid(lanes, vmin * np.expm1(below), restricted) <= bound
    held[-1] = True
    first = held.argmax(axis=0)
    lower, fine_low = np.zeros(len(lanes)), np.ones(len(lanes), dtype=np.bool_)
    inner = np.flatnonzero(first > 0)
    if len(inner):
        at = first[inner]
        found = bracketed(
            lambda u, i: excess(u, inner[i]), below[at - 1, inner], below[at, inner], floor=1e-3
        )
        lower[inner], fine_low[inner] = found.value, found.converged
    above = peak + share * (outer - peak)
    held = deviance_grid(lanes, vmin * np.expm1(above), restricted) <= bound
    held[0], held[-1] = True, False
    last = SCAN_POINTS - 1 - held[::-1].argmax(axis=0)
    found = bracketed(excess, above[last, columns], above[last + 1, columns], floor=1e-3)
    return vmin * np.expm1(lower), vmin * np.expm1(found.value), fine_low & found.converged


def _outside(
    lanes: Lanes, span: FloatArray, bound: FloatArray, vmin: FloatArray, restricted: bool
) -> FloatArray:
    """Return a ``u`` beyond every stationary point where the deviance exceeds its bound."""
    u = span + 1.0
    waiting = np.arange(len(lanes))
    for _ in range(DOUBLINGS):
        part = lanes if len(waiting) == len(lanes) else lanes.take(waiting)
        inside = part.deviance(vmin[waiting] * np.expm1(u[waiting]), restricted) <= bound[waiting]
        waiting = waiting[inside]
        if not len(waiting):
            break
        u[waiting] += 1.0
    return u
