"""The confidence distribution of rho, the intraclass correlation of the beta-binomial model.

That of :mod:`metaresp.kernel.counts.confidence` along s, where ``theta = rho / (1 - rho) = unit sinh(s)**2``:
even about rho = 0, so that C is smooth where the likelihood falls from there.  The likelihood is a sum of
logarithms of ``p + i theta``, i below the events of a study, of ``q + i theta`` and of ``1 + i theta``: the
largest of these i sets a unit that keeps every singularity at the distance pi / 2 from the line.
"""

from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts.beta_binomial import FARTHEST, THETA_MAX, Counts, Fit, mean_at
from metaresp.kernel.counts.confidence import Curves, confidence, confidence_limits
from metaresp.kernel.numerics.profile import Limits

POINTS = 48  # of the integral over rho
_FALL = 38.0  # twice the log-likelihood: beyond it C differs from 0 or 1 by less than 1e-8
_ENOUGH = 50.0  # and this at most: the ends of the window need not be exact
_STRIDE = 0.75  # of a look along s
_CLOSER = 12
_ROUGH = 0.1
_DECREMENT = 1e-12  # squared step of mu in standard errors, rough for a look: log j is then right to 1e-6
_STEPS = 80
_LONGEST = 2.0


class Parts(NamedTuple):
    """Values that rho may have, and mu given each; fields of shape (lanes, parts)."""

    weight: FloatArray  # sums to 1 over the parts
    rho: FloatArray
    mu: FloatArray  # the best mu given rho
    se: FloatArray  # of mu given rho


class _Section(NamedTuple):
    """Lanes and the range of rho in each."""

    data: Counts
    low: FloatArray
    high: FloatArray
    unit: FloatArray

    def take(self, rows: BoolArray | IntArray) -> "_Section":
        """Return some lanes."""
        x, n, copies, size, known = self.data
        data = Counts(x[rows], n[rows], copies[rows], size[rows], known[rows])
        return _Section(data, *(field[rows] for field in self[1:]))

    def theta(self, s: FloatArray) -> FloatArray:
        """Return ``rho / (1 - rho)``; *s* of shape (lanes, points)."""
        theta: FloatArray = np.minimum(np.sinh(s) ** 2 * self.unit[:, None], THETA_MAX)
        return theta

    def guess(self, s: FloatArray) -> FloatArray:
        """Return the logit of the mean of the rates, each weighted by its precision."""
        lanes = np.repeat(np.arange(s.shape[0]), s.shape[1])
        return mean_at(self.data, lanes, self.theta(s).ravel()).reshape(s.shape)

    def ridge(self, mu: FloatArray, s: FloatArray, rows: IntArray, decrement: float = _DECREMENT) -> Curves:
        """Climb to the best mu at each rho by Newton's method; the likelihood is concave in the mean rate."""
        data, theta = self.data, np.minimum(np.sinh(s) ** 2 * self.unit[rows], THETA_MAX)
        u = np.log1p(data.size[rows] * theta)
        mu = np.clip(mu, -FARTHEST, FARTHEST)
        value, log_j = np.empty_like(mu), np.empty_like(mu)
        low, high = np.full_like(mu, -FARTHEST), np.full_like(mu, FARTHEST)
        alive = np.arange(mu.size)
        for _ in range(_STEPS):
            here = mu[alive]
            at = data.surface(rows[alive], here, u[alive])
            rising = at.d_a > 0
            low[alive], high[alive] = np.where(rising, here, low[alive]), np.where(rising, high[alive], here)
            curve = np.maximum(-at.d_a_a - np.tanh(0.5 * here) * at.d_a, 1e-300)
            step = at.d_a / curve
            value[alive], log_j[alive] = at.value + 0.5 * step * at.d_a, np.log(curve)
            new = here + np.clip(step, -_LONGEST, _LONGEST)
            inside = (new >= low[alive]) & (new <= high[alive])
            mu[alive] = np.where(inside, new, 0.5 * (low[alive] + high[alive]))
            alive = alive[np.abs(step * at.d_a) > decrement]
            if not alive.size:
                break
        return Curves(mu, value - 0.5 * log_j, log_j)


def _section(data: Counts, fit: Fit) -> _Section:
    """Return the lanes with the range of rho that matters."""
    p, q = (np.maximum(special.expit(sign * fit.mu), 1e-300)[:, None] for sign in (1, -1))
    most = np.maximum(np.maximum(data.x / p, (data.n - data.x) / q), data.n)
    unit = 1 / np.where(data.copies > 0, most, 1.0).max(axis=-1)
    zero = np.zeros_like(unit)
    whole = _Section(data, zero, np.where(data.known, np.arcsinh(np.sqrt(THETA_MAX / unit)), 0.0), unit)
    top_at, top = np.arcsinh(np.sqrt(_theta(fit.rho) / unit)), fit.loglik - fit.loglik_saturated
    grid = _STRIDE * np.arange(np.ceil(whole.high.max() / _STRIDE) + 1)
    s = np.minimum(np.tile(grid, (unit.size, 1)), whole.high[:, None])
    fall = 2 * (top[:, None] - _profile(whole, s))
    ends = [_end(whole, side * (s - top_at[:, None]), fall, (top_at, top, side)) for side in (-1.0, 1.0)]
    return whole._replace(
        low=np.maximum(top_at - ends[0], 0.0), high=np.minimum(top_at + ends[1], whole.high)
    )


def _end(
    whole: _Section, distance: FloatArray, fall: FloatArray, summit: tuple[FloatArray, FloatArray, float]
) -> FloatArray:
    """Return how far on one side the profile has fallen by no more than what matters, a little generously.

    *distance* from the summit and *fall* of shape (lanes, points); closed in by the root of the fall.
    """
    top_at, top, side = summit
    inside = np.where((fall < _FALL) & (distance > 0), distance, 0.0).max(axis=-1)
    farther = np.where(distance > inside[:, None], distance, np.inf)
    outside, at = farther.min(axis=-1), farther.argmin(axis=-1)[:, None]
    there = np.take_along_axis(fall, at, axis=-1)[:, 0]
    here = np.zeros_like(there)
    for _ in range(_CLOSER):
        go = np.flatnonzero(np.isfinite(outside) & (there > _ENOUGH))
        if not go.size:
            break
        root, least, most = np.sqrt(0.5 * (_FALL + _ENOUGH)), np.sqrt(here[go]), np.sqrt(there[go])
        share = np.clip((root - least) / (most - least), 0.02, 0.98)
        new = inside[go] + share * (outside[go] - inside[go])
        part = whole.take(go)
        seen = np.maximum(2 * (top[go] - _profile(part, (top_at[go] + side * new)[:, None])[:, 0]), 0.0)
        still = seen < _FALL
        inside[go[still]], here[go[still]] = new[still], seen[still]
        outside[go[~still]], there[go[~still]] = new[~still], seen[~still]
    end: FloatArray = np.where(np.isfinite(outside), outside, inside)
    return end


def _profile(section: _Section, s: FloatArray) -> FloatArray:
    """Return the profile log-likelihood, less the saturated one, at *s* of shape (lanes, points)."""
    rows = np.repeat(np.arange(s.shape[0]), s.shape[1])
    found = section.ridge(section.guess(s).ravel(), s.ravel(), rows, _ROUGH)
    value: FloatArray = (found.adjusted + 0.5 * found.log_j).reshape(s.shape)
    return value


def _theta(rho: FloatArray) -> FloatArray:
    theta: FloatArray = np.minimum(rho / np.maximum(1 - rho, 1 / THETA_MAX), THETA_MAX)
    return theta


def _rho(theta: FloatArray) -> FloatArray:
    rho: FloatArray = np.where(theta >= 0.999 * THETA_MAX, 1.0, theta / (1 + theta))
    return rho


def rho_parts(data: Counts, fit: Fit, k: FloatArray) -> Parts:
    """Return what rho may be, by its confidence distribution.

    Parameters
    ----------
    data : Counts
    fit : Fit
        The maximum of these lanes, each of which has a mean.
    k : float array, shape (lanes,)
        Number of studies, multiplicities counted; at least 2.

    Returns
    -------
    Parts
        The first part is the least rho that matters, 0 where the data allow it, and the last the greatest.
    """
    section = _section(data, fit)
    found = confidence(section, k, POINTS)
    return Parts(found.weight, _rho(section.theta(found.s)), found.mu, np.exp(-0.5 * found.log_j))


def rho_confidence_limits(data: Counts, fit: Fit, k: FloatArray, tail: float) -> Limits:
    """Return the quantiles of the confidence distribution of rho, the estimate between them.

    Parameters as in :func:`rho_parts`; *tail* is the probability beyond each limit.
    """
    section = _section(data, fit)
    ends = (_rho(section.theta(end[:, None])[:, 0]) for end in confidence_limits(section, k, tail))
    low, high = ends
    return Limits(np.minimum(low, fit.rho), np.maximum(high, fit.rho))
