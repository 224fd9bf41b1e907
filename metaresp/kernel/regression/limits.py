"""Profile-likelihood limits of the first coordinate of each lane, the others and tau maximised."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.nested.climb import Chart, climb
from metaresp.kernel.nested.likelihood import Points
from metaresp.kernel.numerics.profile import Limits
from metaresp.kernel.regression.counts import CountsFit, DesignCounts
from metaresp.kernel.regression.lanes import inverted

_STEPS = 60
_CLOSE = 1e-9  # of the root of the fall
_NARROW = 1e-10  # bracket at which a search ends
_LEAST_FALL = 1e-3  # root of the fall below which it tells no slope
_WIDER = 2.5  # the second start of each search has so many times the tau
_FIRST = 3.0  # farthest first guess
_LARGE = 1000  # patients of a study from which on a profile may have several hills in tau
_HILLS = (0.02, 0.5)
_REACH = 0.12  # farthest limit from the centre, as a share of where rates are 0 or 1
_FOLLOWED = 4.0  # the others go no farther on the ridge than so many times the first coordinate


def profile_limits(counts: DesignCounts, best: CountsFit, fall: FloatArray) -> Limits:
    """Return where twice the profile log-likelihood of the first coordinate has fallen by *fall*.

    Parameters
    ----------
    counts : DesignCounts
        Of one column at least.
    best : CountsFit
        The maximum of these lanes.
    fall : float array, shape (lanes,)

    Returns
    -------
    Limits
        Infinite where the likelihood never falls so far.
    """
    lanes = counts.lanes
    rows, side = np.tile(np.arange(lanes), 2), np.repeat([-1.0, 1.0], lanes)
    job = _Search(counts, best, rows, side)
    ends = job.run(np.sqrt(fall)[rows])
    return Limits(ends[:lanes], ends[lanes:])


class _Search(NamedTuple):
    """One search a lane and side."""

    counts: DesignCounts
    best: CountsFit
    rows: IntArray
    side: FloatArray

    def run(self, target: FloatArray) -> FloatArray:
        """Return the limits, *target* being the root of the fall there."""
        at, local = self.best.at[self.rows], self.best.local.take(self.rows)
        centre, top = at[:, 0].copy(), local.value.copy()
        information, along = _ridge_direction(local)
        s = centre + self.side * np.fmin(target / np.sqrt(information), _FIRST)
        near, far = centre.copy(), np.full(centre.size, np.inf) * self.side
        place, result = at, s.copy()
        reach = _REACH * self.counts.data.farthest
        alive = np.arange(s.size)
        for _ in range(_STEPS):
            here, now = self.rows[alive], s[alive]
            guess = place[alive] + (now - place[alive, 0])[:, None] * along[alive]
            found, points = self._ridge(here, guess, now)
            r = np.sqrt(2 * np.maximum(top[alive] - points.value, 0.0))
            gap = target[alive] - r
            place[alive], along[alive] = found, _ridge_direction(points)[1]
            inside = gap > 0
            near[alive] = np.where(inside, now, near[alive])
            far[alive] = np.where(inside, far[alive], now)
            slope = -self.side[alive] * points.gradient[:, 0]  # of the fall, outwards
            useful = (slope > 0) & (r > _LEAST_FALL)
            step = np.where(useful, gap * r / np.where(useful, slope, 1.0), np.inf)
            # no farther than twice as far out, where nothing is known there yet
            room = 1.0 + np.abs(now - centre[alive]) + 0.1 * np.abs(centre[alive])
            new = now + self.side[alive] * np.minimum(step, room)
            bracketed = np.isfinite(far[alive])
            beyond = np.where(bracketed, far[alive], new + self.side[alive])
            within = (new - near[alive]) * (beyond - new) > 0
            new = np.where(within, new, 0.5 * (near[alive] + beyond))
            result[alive] = now
            endless = inside & (np.abs(now - centre[alive]) > reach)
            result[alive[endless]] = self.side[alive[endless]] * np.inf
            narrow = bracketed & (np.abs(beyond - near[alive]) <= _NARROW * (1 + np.abs(now)))
            going = ~((np.abs(gap) < _CLOSE) | endless | narrow)
            s[alive] = new
            alive = alive[going]
            if not alive.size:
                break
        return result

    def _ridge(self, rows: IntArray, guess: FloatArray, s: FloatArray) -> tuple[FloatArray, Points]:
        """Return the best point with the first coordinate at *s*, of climbs from several tau."""
        p, count = self.counts.p, s.size
        guess = guess.copy()
        guess[:, 0], guess[:, p] = s, np.abs(guess[:, p])
        tau = [guess[:, p], _WIDER * guess[:, p] + 0.1]
        if self.counts.data.n.max() > _LARGE:
            tau += [np.full(count, hill) for hill in _HILLS]
            tau.append(np.hypot(guess[:, p], s - self.best.at[rows, 0]))  # on links with long tails
        starts = np.tile(guess, (len(tau), 1))
        starts[:, p] = np.concatenate(tau)
        free = np.ones((len(starts), p + 1), dtype=np.bool_)
        free[:, 0] = False
        chart = self._chart()
        tops = climb(chart, np.tile(rows, len(tau)), chart.fold(starts), free)
        reached = tops.points.value.reshape(len(tau), count)
        found = tops.take(np.arange(count) + count * reached.argmax(axis=0))
        return found.at, found.points

    def _chart(self) -> Chart:
        chart = self.counts.chart()
        return chart._replace(fold=_first_kept(chart.fold))


def _first_kept(fold: Callable[[FloatArray], FloatArray]) -> Callable[[FloatArray], FloatArray]:
    """Return a fold that leaves the first coordinate, which is held, where it is."""

    def folded(points: FloatArray) -> FloatArray:
        out = fold(points)
        out[:, 0] = points[:, 0]
        return out

    return folded


def _ridge_direction(local: Points) -> tuple[FloatArray, FloatArray]:
    """Return the information of the first coordinate, and how the others follow it on the ridge."""
    h = -local.hessian
    p = h.shape[-1] - 1
    flat = ~(h[:, p, p] > 0)
    h = h.copy()
    h[flat, p, :], h[flat, :, p] = 0.0, 0.0
    h[flat, p, p] = 1.0
    inner = inverted(h[:, 1:, 1:])
    follow = -np.einsum("lij,lj->li", inner, h[:, 1:, 0])
    follow = np.clip(np.where(np.isfinite(follow), follow, 0.0), -_FOLLOWED, _FOLLOWED)
    information = h[:, 0, 0] + np.einsum("li,li->l", follow, h[:, 1:, 0])
    along = np.concatenate([np.ones((len(h), 1)), follow], axis=1)
    usable = information > 1e-6 * h[:, 0, 0]
    return np.where(usable, information, np.maximum(h[:, 0, 0], 1e-12)), along
