"""The binomial-normal model whose mean is linear in known columns: its maximum and profiles, in batches.

Study i has ``theta_i = sum_p design[i, p] coefficient[p] + tau u_i``; its count is binomial at the rate of
theta_i.  Every study is asked of the surface as a lane of its own, at its own mean.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from scipy import special

from metaresp.arrays import BoolArray, FloatArray, IntArray, chunked
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.effects.sums import inverse_variance
from metaresp.kernel.numerics.profile import Limits
from metaresp.kernel.numerics.roots import bracketed

_STEPS = 120
_DECREMENT = 1e-18  # squared Newton step in standard errors at which a lane retires
_ENDED = 1e-11  # the same where steps no longer rise: rounding, and not a failure
_REACH = 2.0  # longest step of a mean, and of tau in units of what it is measured in
_UNIT = 0.5  # of tau
_LEAST = 1e-6  # below this tau is 0
_KICK = 0.25  # step of tau off a saddle at 0
_FLAT = 1e-13  # least curvature, beside that of the parameters by themselves
_GRID = np.array([0.0, 0.08, 0.2, 0.45, 0.8])  # tau to start from, in ranges of the empirical effects
_ELEMENTS = 480_000
_FARTHEST = 10.0  # limit that is looked for, as a multiple of where rates are 0 or 1


class Line(NamedTuple):
    """Where each lane's climb ended."""

    at: FloatArray  # the coefficients and, last, tau; shape (lanes, columns + 1)
    value: FloatArray  # log-likelihood less the saturated one, shape (lanes,)
    information: FloatArray  # minus its second derivatives, shape (lanes, columns + 1, columns + 1)
    converged: BoolArray

    @property
    def tau(self) -> FloatArray:
        """Standard deviation about the line."""
        return self.at[:, -1]

    def turned(self, matrix: FloatArray) -> "Line":
        """Return the same in other coefficients, which are *matrix* times these."""
        whole = np.eye(len(matrix) + 1)
        whole[:-1, :-1] = matrix
        back = np.linalg.inv(whole)
        return self._replace(at=self.at @ whole.T, information=back.T @ self.information @ back)


class _Local(NamedTuple):
    value: FloatArray
    slope: FloatArray
    bend: FloatArray

    def put(self, rows: IntArray | BoolArray, other: "_Local") -> None:
        for mine, theirs in zip(self, other, strict=True):
            mine[rows] = theirs


def fit(data: CountSurface, design: FloatArray) -> Line:
    """Maximise the likelihood over coefficients and tau >= 0, the best of climbs from several tau.

    Parameters
    ----------
    data : CountSurface
        Lanes with an event and a non-event; a penalty is left out.
    design : float array, shape (lanes, k, columns)
        Of full rank among the studies of each lane.

    Returns
    -------
    Line
        Where counts are separated by the line its coefficients run off, and ``value`` is the supremum.
    """
    starts = _starts(data, design)
    lanes, points, size = starts.shape
    owner = np.repeat(np.arange(lanes), points)
    found = _climb(data, design, owner, starts.reshape(-1, size), np.zeros(size, dtype=np.bool_))
    best = found.value.reshape(lanes, points).argmax(axis=-1) + points * np.arange(lanes)
    return Line(*(field[best] for field in found))


def interval(data: CountSurface, design: FloatArray, top: Line, column: int, drop: FloatArray) -> Limits:
    """Return where the profile of one coefficient has fallen by *drop*, twice the log-likelihood.

    Parameters
    ----------
    data, design
        As in :func:`fit`.
    top : Line
        The maximum.
    column : int
        Whose coefficient.
    drop : float array, shape (lanes,)

    Returns
    -------
    Limits
        Infinite where the profile does not fall so far within ten times where rates are 0 or 1.
    """
    lanes = top.value.size
    target = top.value - drop / 2
    se = np.clip(standard_error(top, column), 1e-9, data.farthest)
    held = np.arange(top.at.shape[1]) == column

    def excess(value: FloatArray, rows: IntArray) -> FloatArray:
        return _profile(data, design, top, rows, held, value) - target[rows]

    ends = []
    for side in (-1.0, 1.0):
        inside, width = top.at[:, column].copy(), se * np.sqrt(drop)
        outside, walking = inside + side * width, np.arange(lanes)
        closed = np.zeros(lanes, dtype=np.bool_)
        while walking.size:
            below = excess(outside[walking], walking) < 0
            closed[walking[below]] = True
            walking = walking[~below & (np.abs(outside[walking]) < _FARTHEST * data.farthest)]
            inside[walking] = outside[walking]
            width[walking] *= 2
            outside[walking] += side * width[walking]
        end, rows = np.full(lanes, side * np.inf), np.flatnonzero(closed)
        if rows.size:

            def part(value: FloatArray, index: IntArray, rows: IntArray = rows) -> FloatArray:
                return excess(value, rows[index])

            with np.errstate(all="ignore"):
                root = bracketed(part, inside[rows], outside[rows]).value
            end[rows] = np.where(np.isnan(root), inside[rows], root)
        ends.append(end)
    return Limits(ends[0], ends[1])


def fall(data: CountSurface, design: FloatArray, top: Line, column: int, value: FloatArray) -> FloatArray:
    """Return twice the fall of the profile of one coefficient from the maximum to *value*, shape (lanes,)."""
    held = np.arange(top.at.shape[1]) == column
    down = top.value - _profile(data, design, top, np.arange(value.size), held, value)
    result: FloatArray = np.maximum(2 * down, 0.0)
    return result


def standard_error(top: Line, column: int) -> FloatArray:
    """Return that of one coefficient from the observed information; with tau at 0 as known."""
    information = np.where(np.isfinite(top.information), top.information, 0.0)
    size = information.shape[-1]
    known = top.tau == 0
    information[known, -1, :], information[known, :, -1] = 0.0, 0.0
    information[known, -1, -1] = 1.0
    scale = 1 / np.sqrt(np.maximum(np.abs(np.einsum("lii->li", information)), 1e-300))
    values, vectors = np.linalg.eigh(information * scale[:, :, None] * scale[:, None, :])
    values = np.maximum(np.abs(values), _FLAT * size)
    variance = np.einsum("lj,lj->l", vectors[:, column, :] ** 2, 1 / values) * scale[:, column] ** 2
    result: FloatArray = np.sqrt(variance)
    return result


def separated(data: CountSurface, moderator: FloatArray) -> FloatArray:
    """Return 1 or -1 where a slope on the *moderator* (lanes, k) runs off to that infinity, 0 elsewhere.

    Rates of 0 and 1 on the two sides of a value, with any rate at that value alone, are fitted without end.
    """
    here = data.copies > 0
    event, other = here & (data.x > 0), here & (data.x < data.n)
    least, most = (
        [fold(np.where(chosen, moderator, fill), axis=-1) for chosen in (event, other)]
        for fold, fill in ((np.min, np.inf), (np.max, -np.inf))
    )
    sign: FloatArray = np.where(least[0] >= most[1], 1.0, np.where(most[0] <= least[1], -1.0, 0.0))
    return sign


def _profile(
    data: CountSurface, design: FloatArray, top: Line, rows: IntArray, held: BoolArray, value: FloatArray
) -> FloatArray:
    """Return the height of the profile of the *held* coefficient at *value*, the best of two climbs."""
    column = int(np.flatnonzero(held)[0])
    away = value - top.at[rows, column]
    start = top.at[rows].copy()
    start[:, column] = value
    information = top.information[rows][:, ~held][:, :, ~held]
    cross = top.information[rows][:, ~held][:, :, column]
    with np.errstate(all="ignore"):
        shift = -np.linalg.pinv(information) @ cross[:, :, None]
    follow = np.where(np.isfinite(shift[..., 0]), shift[..., 0], 0.0) * away[:, None]
    start[:, ~held] += np.where(np.abs(follow) <= 4 * np.abs(away)[:, None], follow, 0.0)
    start[:, -1] = np.clip(np.abs(start[:, -1]), 0.0, data.tau_max)
    wide = start.copy()
    wide[:, -1] = np.minimum(np.hypot(start[:, -1], np.abs(away)), 0.5 * data.tau_max)
    both = np.concatenate([rows, rows])
    found = _climb(data, design, both, np.concatenate([start, wide]), held).value
    height: FloatArray = np.maximum(found[: rows.size], found[rows.size :])
    return height


def _climb(
    data: CountSurface, design: FloatArray, rows: IntArray, start: FloatArray, held: BoolArray
) -> Line:
    """Climb in the lanes at *rows* by Newton's method, the *held* parameters staying where they start."""
    at = start.copy()
    local = _Local(*(field.copy() for field in _at(data, design, rows, at)))
    converged = np.zeros(rows.size, dtype=np.bool_)
    length, alive = np.ones(rows.size), np.arange(rows.size)
    for _ in range(_STEPS):
        here = _Local(*(field[alive] for field in local))
        step = _uphill(data, design[rows[alive]], at[alive], here, held)
        decrement = np.abs(step * here.slope).sum(axis=-1)
        stuck = length[alive] < 1e-7
        finished = decrement < _DECREMENT * (1 + np.abs(here.value))
        saddle = finished & (at[alive, -1] == 0) & (here.bend[:, -1, -1] > 0)
        step[:, -1] = np.where(saddle, _KICK, step[:, -1])
        finished = (finished & ~saddle) | stuck
        converged[alive[finished]] = ~stuck[finished] | (decrement[finished] < _ENDED)
        alive, step, decrement = alive[~finished], step[~finished], decrement[~finished]
        if not alive.size:
            break
        new = at[alive] + length[alive, None] * step
        tau = np.minimum(np.abs(new[:, -1]), data.tau_max)
        new[:, -1] = np.where(tau < _LEAST, 0.0, tau)
        found = _at(data, design, rows[alive], new)
        before = local.value[alive]
        good = found.value >= before - 1e-14 * (1 + np.abs(before))
        length[alive] = np.where(good, np.minimum(1.0, 4 * length[alive]), 0.25 * length[alive])
        at[alive[good]] = new[good]
        local.put(alive[good], _Local(*(field[good] for field in found)))
    converged[alive] = decrement < _ENDED if alive.size else True
    return Line(at, local.value, -local.bend, converged)


def _uphill(
    data: CountSurface, design: FloatArray, at: FloatArray, here: _Local, held: BoolArray
) -> FloatArray:
    """Return Newton's step, with the Hessian's eigenvalues made negative where they are not."""
    stop = np.broadcast_to(held, here.slope.shape).copy()
    stop[:, -1] |= (at[:, -1] >= data.tau_max) & (here.slope[:, -1] >= 0)
    slope = np.where(stop, 0.0, here.slope)
    bend = np.where(stop[:, :, None] | stop[:, None, :], 0.0, -here.bend)
    diagonal = np.abs(np.einsum("lii->li", bend))
    scale = 1 / np.sqrt(np.where(stop | (diagonal == 0), 1.0, diagonal))
    bend = bend * scale[:, :, None] * scale[:, None, :] + stop[:, :, None] * np.eye(stop.shape[1])
    values, vectors = np.linalg.eigh(bend)
    along = np.einsum("lij,li->lj", vectors, scale * slope) / np.maximum(np.abs(values), _FLAT)
    step: FloatArray = scale * np.einsum("lij,lj->li", vectors, along)
    mean = np.abs(np.einsum("lkp,lp->lk", design, at[:, :-1])).max(axis=-1)
    longest = np.maximum(_REACH, np.maximum(at[:, -1], 0.5 * mean))  # far out a line goes on in its direction
    moved = np.abs(np.einsum("lkp,lp->lk", design, step[:, :-1])).max(axis=-1) / longest
    moved = np.maximum(moved, np.abs(step[:, -1]) / (_REACH * np.hypot(at[:, -1], _UNIT)))
    result: FloatArray = step / np.maximum(moved, 1.0)[:, None]
    return result


def _at(data: CountSurface, design: FloatArray, rows: IntArray, at: FloatArray) -> _Local:
    """Return value, gradient and Hessian in the coefficients and tau, of the lanes at *rows*."""
    lanes, k, columns = rows.size, data.x.shape[1], design.shape[2]
    value, slope = np.empty(lanes), np.empty((lanes, columns + 1))
    bend = np.empty((lanes, columns + 1, columns + 1))
    for part in chunked(lanes, data.width, _ELEMENTS):
        chosen = rows[part]
        lane, table = data.take(chosen), design[chosen]
        mu = np.einsum("lkp,lp->lk", table, at[part, :-1])
        alone = lane._replace(x=lane.x.reshape(-1, 1), n=lane.n.reshape(-1, 1), copies=np.ones((mu.size, 1)))
        each = alone.each(mu.ravel(), np.repeat(at[part, -1], k))
        v, d_mu, d_tau, mu_mu, mu_tau, tau_tau = (lane.copies * field.reshape(mu.shape) for field in each)
        value[part] = v.sum(axis=-1)
        slope[part, :-1] = np.einsum("lk,lkp->lp", d_mu, table)
        slope[part, -1] = d_tau.sum(axis=-1)
        bend[part, :-1, :-1] = np.einsum("lk,lkp,lkq->lpq", mu_mu, table, table)
        bend[part, :-1, -1] = bend[part, -1, :-1] = np.einsum("lk,lkp->lp", mu_tau, table)
        bend[part, -1, -1] = tau_tau.sum(axis=-1)
    return _Local(value, slope, bend)


def _starts(data: CountSurface, design: FloatArray) -> FloatArray:
    """Return places to climb from: weighted least squares of empirical effects for several tau."""
    link = LINKS[data.link]
    p = (data.x + 0.5) / (data.n + 1)
    y = link.forward(p)
    terms = link.log_terms(y)
    v = 1 / ((data.n + 1) * p * (1 - p) * (terms.d_log_p - terms.d_log_q) ** 2)
    here = data.copies > 0
    spread = np.where(here, y, -np.inf).max(axis=-1) - np.where(here, y, np.inf).min(axis=-1)
    grid = _GRID if data.link != "cauchit" else np.r_[_GRID, 0.02, 0.005]
    tau = np.minimum(np.maximum(spread, 0.5)[:, None] * grid, 0.5 * data.tau_max)
    out = np.empty((*tau.shape, design.shape[2] + 1))
    for j in range(grid.size):
        w = data.copies * inverse_variance(v, tau[:, j, None] ** 2)
        root = np.sqrt(w / w.max(axis=-1, keepdims=True))
        inverse = np.linalg.pinv(root[:, :, None] * design)
        out[:, j, :-1] = np.einsum("lpk,lk->lp", inverse, root * y)
        out[:, j, -1] = tau[:, j]
    return out


def size_factor(data: CountSurface, mu: FloatArray, tau: FloatArray) -> FloatArray:
    """Return what twice the gain of one slope is to be divided by to be about chi-square.

    For k normal effects with one unknown variance the gain is ``k log(1 + F / (k - 2))`` with F on 1 and
    k - 2 degrees of freedom, whose mean is ``b = k (psi((k - 1) / 2) - psi((k - 2) / 2))``; with known
    variances it is 1.  Counts are between the two: ``1 + sqrt(s) (b - 1)`` with s the mean over studies of
    the share of tau2 in the variance of an effect.  Its size was measured, see
    ``docs/decisions/small-study-effects.md``.

    Parameters
    ----------
    data : CountSurface
        Lanes of three studies or more.
    mu, tau : float array, shape (lanes,)
        The maximum without a slope.
    """
    k = data.copies.sum(axis=-1)
    share = np.clip(tau[:, None] ** 2 * data.information(mu, tau), 0.0, 1.0)
    between = (data.copies * share).sum(axis=-1) / k
    mean = k * (special.digamma((k - 1) / 2) - special.digamma((k - 2) / 2))
    factor: FloatArray = 1 + np.sqrt(between) * (mean - 1)
    return factor


def drawn(data: CountSurface, mu: float, tau: float, rng: Generator, sets: int) -> FloatArray:
    """Return counts of *sets* like the one lane of *data*, drawn at *mu* and *tau*, shape (sets, k)."""
    n = np.broadcast_to(data.n[0].astype(np.int64), (sets, data.n.shape[1]))
    p = LINKS[data.link].rate(mu + tau * data.shape.draw(rng, n.shape))
    counts: FloatArray = rng.binomial(n, p).astype(np.float64)
    return counts
