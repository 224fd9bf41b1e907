"""Root finding and maximisation in tau2; lanes retire as they converge.

Write ``Q(t)`` for the generalised Q at ``tau2 = t``.  After rotation of the residuals,
``Q(t) = sum a_i**2 / (d_i + t)`` with positive ``d_i``, a weighted harmonic sum: ``1/Q`` is increasing
and concave, so Newton's method on ``1/Q`` started left of the root climbs to it without a bracket.

The score of either likelihood is ``(data - trace)/2`` with two positive decreasing halves.  On the scale
``u = log(1 + t/vmin)`` their log-ratio ``psi`` is nearly linear, so that few points describe it; lanes whose
interpolant leaves any doubt about a second maximum are scanned densely and the best maximum is kept.
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.sums import Lanes

MAX_STEPS = 100
STEP_RTOL = 1e-9  # steps converge quadratically: the error after the last one is near STEP_RTOL**2
COARSE_RANGE = 6.0  # lanes up to exp(6) = 400 in (tau2 + vmin)/vmin share the coarse scan
COARSE_POINTS = 8
DOUBT = 0.05  # |psi| below which an interpolated extremum sends a lane to the dense scan
DENSE_POINTS = 256


class Root(NamedTuple):
    """Solution and convergence of each lane, shape (lanes,)."""

    value: FloatArray
    converged: BoolArray


def climb(lanes: Lanes, target: FloatArray) -> Root:
    """Solve ``Q(tau2) = target`` for each lane, 0 where ``Q(0) <= target``.

    Parameters
    ----------
    lanes : Lanes
        The batch.
    target : float array, shape (lanes,)
        Positive values; a lane whose target is not positive has no root and gets infinity.
    """
    tau2 = np.zeros(len(lanes))
    converged = np.ones(len(lanes), dtype=np.bool_)
    endless = ~(target > 0)
    active = np.flatnonzero(~endless)
    work, aim, t = (lanes, target, tau2) if len(active) == len(lanes) else _part(lanes, target, tau2, active)
    for _ in range(MAX_STEPS):
        if not len(active):
            break
        q, fall = work.slope(t)
        step = q * (q / aim - 1.0) / fall
        new = np.fmax(t + step, 0.0)
        moving = np.abs(new - t) > STEP_RTOL * new
        tau2[active] = t = new
        if not moving.all():
            keep = np.flatnonzero(moving)
            active = active[keep]
            work, aim, t = _part(work, aim, t, keep)
    converged[active] = False
    if endless.any():
        tau2[endless] = np.inf
    return Root(tau2, converged)


def _part(
    lanes: Lanes, target: FloatArray, t: FloatArray, keep: IntArray
) -> tuple[Lanes, FloatArray, FloatArray]:
    return lanes.take(keep), target[keep], t[keep]


def maximise(lanes: Lanes, restricted: bool) -> Root:
    """Return the global maximum of the likelihood (or restricted likelihood) over ``tau2 >= 0``.

    Every stationary point lies below ``t`` with ``SS (t + vmax) = m (t + vmin)**2``, where ``SS`` is the
    unweighted sum of squares and ``m`` is ``k - 1`` (restricted) or ``k``: there ``data <= SS/(t + vmin)**2``
    and ``trace >= m/(t + vmax)``.
    """
    vmin, span = search_range(lanes, restricted)
    tau2 = np.zeros(len(lanes))
    converged = np.ones(len(lanes), dtype=np.bool_)
    inside = span > 0
    usual = inside & (span <= COARSE_RANGE)
    for chosen, points in ((usual, COARSE_POINTS), (inside & ~usual, None)):
        if not chosen.any():
            continue
        index = np.flatnonzero(chosen)
        part = lanes if len(index) == len(lanes) else lanes.take(index)
        count = points or int(min(np.max(span[index]) * COARSE_POINTS / COARSE_RANGE, 200)) + 1
        tau2[index], converged[index] = _maximise_inside(part, vmin[index], span[index], restricted, count)
    return Root(tau2, converged)


def search_range(lanes: Lanes, restricted: bool) -> tuple[FloatArray, FloatArray]:
    """Return ``vmin`` and the largest ``u = log(1 + tau2/vmin)`` worth searching (0: ``tau2`` is 0)."""
    vmin, vmax = lanes.variance_range()
    squares, _ = lanes.plain()
    m = lanes.k - 1.0 if restricted else lanes.k
    top = (squares + np.sqrt(squares * (squares + 4.0 * m * (vmax - vmin)))) / (2.0 * m)
    span = np.where((m > 0) & (top > vmin), np.log(top / vmin) + 0.05, 0.0)
    return vmin, np.where(np.isfinite(span), span, 0.0)


def _psi(lanes: Lanes, vmin: FloatArray, u: FloatArray, restricted: bool) -> tuple[FloatArray, FloatArray]:
    """Log-ratio of the score's halves and its slope in ``u``."""
    t = vmin * np.expm1(u)
    s = lanes.score(t, restricted)
    slope = (t + vmin) * (s.data_slope / s.data - s.trace_slope / s.trace)
    return np.log(s.data / s.trace), slope


def _maximise_inside(
    lanes: Lanes, vmin: FloatArray, span: FloatArray, restricted: bool, points: int
) -> tuple[FloatArray, BoolArray]:
    grid = np.linspace(0.0, 1.0, points)[:, None] * span
    psi, slope = _psi(lanes, vmin, grid, restricted)
    h = span / (points - 1)
    clear = _clear(psi, slope * h)
    falls = (psi[:-1] > 0) & (psi[1:] <= 0)
    cell = falls.argmax(axis=0)
    rooted = falls.any(axis=0)
    tau2 = np.zeros(len(lanes))
    converged = np.ones(len(lanes), dtype=np.bool_)
    index = np.flatnonzero(rooted & clear)
    if len(index):
        at, column = cell[index], index
        start = grid[at, column] + h[index] * _cell_root(
            psi[at, column],
            psi[at + 1, column],
            slope[at, column] * h[index],
            slope[at + 1, column] * h[index],
        )
        part = lanes if len(index) == len(lanes) else lanes.take(index)
        low, high = grid[at, column], grid[at + 1, column]
        tau2[index], converged[index] = _refine(part, vmin[index], low, high, start, restricted)
    index = np.flatnonzero(~clear)
    if len(index):
        tau2[index], converged[index] = _dense(lanes.take(index), vmin[index], span[index], restricted)
    return tau2, converged


def _clear(psi: FloatArray, slope: FloatArray) -> BoolArray:
    """Tell the lanes whose cubic interpolant has no second maximum and comes near none.

    A cell is clear when ``psi`` falls all through it, or keeps its sign with a margin.
    """
    a, b, sa, sb = psi[:-1], psi[1:], slope[:-1], slope[1:]
    rise = b - a
    falling = (sa < 0) & (sb < 0)
    for at in (0.25, 0.5, 0.75):
        middle = 6 * at * (1 - at) * rise + (1 - at) * (1 - 3 * at) * sa + at * (3 * at - 2) * sb
        falling &= middle < 0
    least, most = np.minimum(a, b), np.maximum(a, b)
    for at in (0.25, 0.5, 0.75):
        value = a + at * at * (3 - 2 * at) * rise + at * (1 - at) * ((1 - at) * sa - at * sb)
        least, most = np.minimum(least, value), np.maximum(most, value)
    return np.asarray((falling | (least > DOUBT) | (most < -DOUBT)).all(axis=0))


def _cell_root(a: FloatArray, b: FloatArray, sa: FloatArray, sb: FloatArray) -> FloatArray:
    """Approximate the root of the cubic interpolant of a falling cell, as a share of the cell."""
    x = a / (a - b)
    for _ in range(2):
        value = a + x * x * (3 - 2 * x) * (b - a) + x * (1 - x) * ((1 - x) * sa - x * sb)
        slope = 6 * x * (1 - x) * (b - a) + (1 - x) * (1 - 3 * x) * sa + x * (3 * x - 2) * sb
        x = np.clip(x - value / slope, 0.0, 1.0)
    return x


def _refine(
    lanes: Lanes, vmin: FloatArray, low: FloatArray, high: FloatArray, u: FloatArray, restricted: bool
) -> tuple[FloatArray, BoolArray]:
    """Newton on ``psi`` inside brackets where it falls through 0, bisecting where Newton leaves them."""
    tau2 = np.zeros(len(lanes))
    converged = np.ones(len(lanes), dtype=np.bool_)
    active = np.arange(len(lanes))
    for _ in range(MAX_STEPS):
        psi, slope = _psi(lanes, vmin, u, restricted)
        low, high = np.where(psi > 0, u, low), np.where(psi > 0, high, u)
        new = u - psi / slope
        outside = ~((new >= low) & (new <= high))
        if outside.any():
            new = np.where(outside, 0.5 * (low + high), new)
        tau2[active] = vmin * np.expm1(new)
        moving = (np.abs(new - u) > STEP_RTOL * np.minimum(new, 1.0)) & (high - low > 1e-15)
        if moving.all():
            u = new
            continue
        keep = np.flatnonzero(moving)
        active = active[keep]
        if not len(keep):
            break
        lanes, vmin, low, high, u = lanes.take(keep), vmin[keep], low[keep], high[keep], new[keep]
    converged[active] = False
    return tau2, converged


def _dense(
    lanes: Lanes, vmin: FloatArray, span: FloatArray, restricted: bool
) -> tuple[FloatArray, BoolArray]:
    """Refine every maximum that a dense scan sees and keep the best, 0 included."""
    count = len(lanes)
    grid = np.linspace(0.0, 1.0, DENSE_POINTS)[:, None] * span
    psi = np.empty_like(grid)
    block = 16
    for first in range(0, DENSE_POINTS, block):
        psi[first : first + block] = _psi(lanes, vmin, grid[first : first + block], restricted)[0]
    cell, owner = np.nonzero((psi[:-1] > 0) & (psi[1:] <= 0))
    low, high = grid[cell, owner], grid[cell + 1, owner]
    part = lanes.take(owner)
    found, fine = _refine(part, vmin[owner], low, high, 0.5 * (low + high), restricted)
    best = np.zeros(count)
    least = lanes.deviance(best, restricted)
    converged = np.ones(count, dtype=np.bool_)
    deviance = part.deviance(found, restricted)
    for i in np.argsort(-deviance):  # the best of a lane comes last
        lane = owner[i]
        if deviance[i] < least[lane]:
            best[lane], least[lane], converged[lane] = found[i], deviance[i], fine[i]
    return best, converged
