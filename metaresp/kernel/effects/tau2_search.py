"""Root finding and maximisation in tau2; lanes retire as they converge.

Write ``Q(t)`` for the generalised Q at ``tau2 = t``.  After rotation of the residuals,
``Q(t) = sum a_i**2 / (d_i + t)`` with positive ``d_i``, a weighted harmonic sum: ``1/Q`` is increasing
and concave, so Newton's method on ``1/Q`` started left of the root climbs to it without a bracket.

The score of either likelihood is ``(data - trace)/2`` with two positive decreasing halves.  On the scale
``u = log(1 + t/vmin)`` their log-ratio ``psi`` is nearly linear, so that few points describe it; lanes whose
interpolant leaves any doubt about a second maximum are scanned densely and the best maximum is kept.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.effects.subset_sums import log_ratios, one_set
from metaresp.kernel.effects.sums import Lanes

MAX_STEPS = 100
STEP_RTOL = 1e-9  # steps converge quadratically: the error after the last one is near STEP_RTOL**2
STEP_FLOOR = 4e-15  # in units of the variances: rounding error
CELL = 1.0  # width in u of a cell of the coarse scan; singularities of psi are pi away
COARSE_RANGES = (2.0, 4.0, 6.0)  # lanes of similar range are scanned together
DOUBT = 0.05  # |psi| below which an interpolated extremum sends a lane to the dense scan
DENSE_POINTS = 256
MOST_CELLS = 100
WORTH_LEAVING = 0.6  # share of lanes still searched, below which the others are left out
MANY = 200  # lanes from which on it pays to see whether they are subsets of the same studies
GRID_BUDGET = 1 << 15  # floats in one working array of a scan

# Value and slope of the cubic with end values a, b and end slopes sa, sb at 1/4, 1/2 and 3/4 of a cell.
HERMITE = np.array(
    [
        [1 - x * x * (3 - 2 * x), x * x * (3 - 2 * x), x * (1 - x) ** 2, -x * x * (1 - x)]
        for x in (0.25, 0.5, 0.75)
    ]
    + [[6 * x * (x - 1), 6 * x * (1 - x), (1 - x) * (1 - 3 * x), x * (3 * x - 2)] for x in (0.25, 0.5, 0.75)]
)


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
        scale = q / fall
        new = np.fmax(t + scale * (q / aim - 1.0), 0.0)
        moving = np.abs(new - t) > np.maximum(STEP_RTOL * new, STEP_FLOOR * scale)
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
    if len(lanes) == 1 and span[0] > 0:
        return Root(*_maximise_one(lanes, vmin, span, restricted))
    studies = one_set(lanes) if len(lanes) >= MANY else None
    if studies is not None:
        return _maximise_subsets(lanes, studies, vmin, span, restricted)
    tau2 = np.zeros(len(lanes))
    converged = np.ones(len(lanes), dtype=np.bool_)
    group = np.searchsorted(COARSE_RANGES, span)
    group[span <= 0] = -1
    for which in range(len(COARSE_RANGES) + 1):
        index = np.flatnonzero(group == which)
        if not len(index):
            continue
        part = lanes if len(index) == len(lanes) else lanes.take(index)
        points = _points(np.max(span[index]))
        tau2[index], converged[index] = _maximise_inside(part, vmin[index], span[index], restricted, points)
    return Root(tau2, converged)


def _points(span: float) -> int:
    """Return the points of a coarse scan as long as *span*."""
    return int(min(math.ceil(span / CELL), MOST_CELLS)) + 1


def search_range(lanes: Lanes, restricted: bool) -> tuple[FloatArray, FloatArray]:
    """Return ``vmin`` and the largest ``u = log(1 + tau2/vmin)`` worth searching (0: ``tau2`` is 0)."""
    vmin, vmax = lanes.variance_range()
    squares, _ = lanes.plain()
    m = lanes.df if restricted else lanes.k
    top = (squares + np.sqrt(squares * (squares + 4.0 * m * (vmax - vmin)))) / (2.0 * m)
    span = np.where((m > 0) & (top > vmin), np.log(top / vmin) + 0.05, 0.0)
    return vmin, np.where(np.isfinite(span), span, 0.0)


def _psi(lanes: Lanes, vmin: FloatArray, u: FloatArray, restricted: bool) -> tuple[FloatArray, FloatArray]:
    """Log-ratio of the score's halves and its slope in ``u``."""
    t = vmin * np.expm1(u)
    s = lanes.score(t, restricted)
    slope = (t + vmin) * (s.data_slope / s.data - s.trace_slope / s.trace)
    return np.log(s.data / s.trace), slope


def _psi_grid(
    lanes: Lanes, vmin: FloatArray, grid: FloatArray, restricted: bool
) -> tuple[FloatArray, FloatArray]:
    """Evaluate ``_psi`` on a grid (points, lanes), as many points at once as a cache holds."""
    rows = max(1, GRID_BUDGET // max(1, lanes.y.size))
    if rows >= len(grid):
        return _psi(lanes, vmin, grid, restricted)
    psi, slope = np.empty_like(grid), np.empty_like(grid)
    for first in range(0, len(grid), rows):
        some = slice(first, first + rows) if rows > 1 else first
        psi[some], slope[some] = _psi(lanes, vmin, grid[some], restricted)
    return psi, slope


def _maximise_inside(
    lanes: Lanes, vmin: FloatArray, span: FloatArray, restricted: bool, points: int
) -> tuple[FloatArray, BoolArray]:
    grid = (np.arange(points) / (points - 1.0))[:, None] * span
    psi, slope = _psi_grid(lanes, vmin, grid, restricted)
    return _highest(lanes, vmin, span, restricted, grid, psi, slope)


def _maximise_subsets(
    lanes: Lanes,
    studies: tuple[FloatArray, FloatArray],
    vmin: FloatArray,
    span: FloatArray,
    restricted: bool,
) -> Root:
    """Maximise for subsets of the same studies: one coarse scan for all, whose sums are matrix products.

    With the least variance of all studies for that of a subset's, ``u`` is one scale for all.
    """
    tau2, converged = np.zeros(len(lanes)), np.ones(len(lanes), dtype=np.bool_)
    index = np.flatnonzero(lanes.k > 1)
    if not len(index) or not span.any():
        return Root(tau2, converged)
    part, least = lanes if len(index) == len(lanes) else lanes.take(index), vmin[index].min()
    ends = np.log1p(vmin[index] * np.expm1(span[index]) / least)
    u = np.linspace(0.0, ends.max(), _points(ends.max()))
    psi, slope = log_ratios(part, studies, least, u, restricted)
    grid, one = np.repeat(u[:, None], len(index), axis=1), np.full(len(index), least)
    found = _highest(part, one, np.full_like(one, u[-1]), restricted, grid, psi, slope, studies)
    tau2[index], converged[index] = found
    return Root(tau2, converged)


def _highest(
    lanes: Lanes,
    vmin: FloatArray,
    span: FloatArray,
    restricted: bool,
    grid: FloatArray,
    psi: FloatArray,
    slope: FloatArray,
    studies: tuple[FloatArray, FloatArray] | None = None,
) -> tuple[FloatArray, BoolArray]:
    """Return the maximum that a scan on *grid*, shape (points, lanes), leads to."""
    h = span / (len(grid) - 1)
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
        tau2[index], converged[index] = _dense(
            lanes.take(index), vmin[index], span[index], restricted, studies
        )
    return tau2, converged


def _maximise_one(
    lanes: Lanes, vmin: FloatArray, span: FloatArray, restricted: bool
) -> tuple[FloatArray, BoolArray]:
    """Do for one lane what :func:`_maximise_inside` does for many, without their bookkeeping."""
    points = _points(span[0])
    grid = (np.arange(points) / (points - 1.0))[:, None] * span
    psi, slope = _psi_grid(lanes, vmin, grid, restricted)
    slope *= span / (points - 1)
    if not _clear(psi, slope)[0]:
        return _dense(lanes, vmin, span, restricted)
    ends = psi[:, 0].tolist()
    falling = (i for i in range(points - 1) if ends[i] > 0 >= ends[i + 1])
    cell = next(falling, None)
    if cell is None:
        return np.zeros(1), np.ones(1, dtype=np.bool_)
    low, high = grid[cell], grid[cell + 1]
    share = _cell_root(psi[cell, 0], psi[cell + 1, 0], slope[cell, 0], slope[cell + 1, 0])
    return _refine(lanes, vmin, low, high, low + span / (points - 1) * share, restricted)


def _refine_one(
    lanes: Lanes, vmin: float, low: float, high: float, u: float, restricted: bool
) -> tuple[FloatArray, BoolArray]:
    """Do for one lane what :func:`_refine` does for many."""
    new = u
    for _ in range(MAX_STEPS):
        t = vmin * np.expm1(u)
        s = lanes.score_one(t, restricted)
        psi = np.log(s.data / s.trace)
        slope = (t + vmin) * (s.data_slope / s.data - s.trace_slope / s.trace)
        low, high = (u, high) if psi > 0 else (low, u)
        new = u - psi / slope
        if not low <= new <= high:
            new = 0.5 * (low + high)
        if not abs(new - u) > max(STEP_RTOL * min(new, 1.0), STEP_FLOOR):
            return np.array([vmin * np.expm1(new)]), np.ones(1, dtype=np.bool_)
        u = new
    return np.array([vmin * np.expm1(new)]), np.zeros(1, dtype=np.bool_)


def _clear(psi: FloatArray, slope: FloatArray) -> BoolArray:
    """Tell the lanes whose cubic interpolant has no second maximum and comes near none.

    A cell is clear when ``psi`` falls all through it, or keeps its sign with a margin; *slope* is per cell.
    """
    ends = np.array([psi[:-1], psi[1:], slope[:-1], slope[1:]])
    smallest, largest = np.minimum.reduce, np.maximum.reduce
    inner = (HERMITE @ ends.reshape(4, -1)).reshape(6, *ends.shape[1:])
    falling = (largest(ends[2:], axis=0) < 0) & (largest(inner[3:], axis=0) < 0)
    least = np.minimum(smallest(ends[:2], axis=0), smallest(inner[:3], axis=0))
    most = np.maximum(largest(ends[:2], axis=0), largest(inner[:3], axis=0))
    return np.asarray((falling | (least > DOUBT) | (most < -DOUBT)).all(axis=0))


def _cell_root(a: Any, b: Any, sa: Any, sb: Any) -> Any:
    """Approximate the root of the cubic interpolant of falling cells, or one, as a share of the cell."""
    rise = b - a
    x = -a / rise
    rest = 1.0 - x
    value = a + x * (x * (3.0 - 2.0 * x) * rise + rest * (rest * sa - x * sb))
    slope = 6.0 * x * rest * rise + rest * (1.0 - 3.0 * x) * sa + x * (3.0 * x - 2.0) * sb
    return np.fmax(0.0, np.fmin(1.0, x - value / slope))


def _refine(
    lanes: Lanes, vmin: FloatArray, low: FloatArray, high: FloatArray, u: FloatArray, restricted: bool
) -> tuple[FloatArray, BoolArray]:
    """Newton on ``psi`` inside brackets where it falls through 0, bisecting where Newton leaves them."""
    if len(lanes) == 1:
        return _refine_one(lanes, vmin[0], low[0], high[0], u[0], restricted)
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
        moving = np.abs(new - u) > np.maximum(STEP_RTOL * np.minimum(new, 1.0), STEP_FLOOR)
        keep = np.flatnonzero(moving)
        if len(keep) > WORTH_LEAVING * len(moving):  # lanes that have arrived stay where they are
            u = new
            continue
        active = active[keep]
        if not len(keep):
            break
        lanes, vmin, low, high, u = lanes.take(keep), vmin[keep], low[keep], high[keep], new[keep]
    converged[active] = False
    return tau2, converged


def _dense(
    lanes: Lanes,
    vmin: FloatArray,
    span: FloatArray,
    restricted: bool,
    studies: tuple[FloatArray, FloatArray] | None = None,
) -> tuple[FloatArray, BoolArray]:
    """Refine every maximum that a dense scan sees and keep the best, 0 included."""
    count = len(lanes)
    grid = np.linspace(0.0, 1.0, DENSE_POINTS)[:, None] * span
    if studies is None:
        psi, _ = _psi_grid(lanes, vmin, grid, restricted)
    else:
        psi, _ = log_ratios(lanes, studies, vmin[0], grid[:, 0], restricted)
        lost = np.flatnonzero(~np.isfinite(psi).all(axis=0))
        psi[:, lost], _ = _psi_grid(lanes.take(lost), vmin[lost], grid[:, lost], restricted)
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
