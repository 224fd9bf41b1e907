"""Profile-likelihood intervals for mu and for tau of the binomial-normal model."""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts.binomial_normal import Fit, tau_bounds
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.numerics.profile import Limits, Search, limits, normal_guess
from metaresp.kernel.numerics.ridge import VALUE, Beside, Profile, fall, ridge
from metaresp.kernel.numerics.surface import Bounds

_LEAST_TAU = 1e-5
_LAST = 10.0  # farthest limit, as a multiple of where rates are 0 or 1
_FIRST = 0.16  # farthest first guess, as a share of where rates are 0 or 1


def fine(data: CountSurface) -> FloatArray:
    """Return 0 and the values of tau below 0.1 between which large studies may have hills of their own."""
    least = 1 / np.sqrt(data.n.max(initial=1.0))
    values: FloatArray = np.r_[0.0, np.geomspace(0.1, least, int(1 + max(np.log(0.1 / least), 0.0)))[:0:-1]]
    return values


def over_tau(data: CountSurface) -> Profile:
    """Return the likelihood with tau maximised over."""
    top = data.tau_max
    grid = np.r_[fine(data), 0.1, 0.3, 0.7, np.geomspace(1.5, top, int(2 + 1.2 * np.log(top)))]
    return Profile(data.local, tau_bounds(data), np.broadcast_to(grid, (data.lanes, grid.size)), data.rough)


def mu_limits(data: CountSurface, fit: Fit, fall: FloatArray) -> Limits:
    """Return the profile-likelihood interval of mu.

    Parameters
    ----------
    data : CountSurface
    fit : Fit
        The maximum of these lanes.
    fall : float array, shape (lanes,)
        Critical value of twice the log-likelihood: a chi-square or squared t quantile.

    Returns
    -------
    Limits
    """
    k = data.copies.sum(axis=-1)
    guess = normal_guess(fit.se, fit.tau, fall, k, _FIRST * data.farthest)
    reach = np.full_like(k, _LAST * data.farthest)
    search = Search(
        over_tau(data),
        fit.mu,
        fit.top,
        fit.top - fall / 2,
        fit.se,
        Bounds(-reach, reach),
        *guess,
        beside=Beside(fit.hill_mu, fit.hill_top),
    )
    return limits(search, np.arange(k.size))


def profile_value(data: CountSurface, mu: FloatArray) -> FloatArray:
    """Return the profile log-likelihood, less the saturated one, of each lane at its *mu*."""
    return ridge(over_tau(data), np.arange(mu.size), mu)[0]


def profile_fall(data: CountSurface, fit: Fit, mu: FloatArray, rows: IntArray) -> FloatArray:
    """Return twice the fall of the profile of the lanes at *rows* from its maximum to *mu* or farther."""
    return fall(over_tau(data), rows, mu, fit.mu, fit.top, Beside(fit.hill_mu, fit.hill_top))


class _Side(NamedTuple):
    """Lanes of one search: data, the maximum, and where to look."""

    data: CountSurface
    centre: FloatArray
    se: FloatArray
    target: FloatArray
    top: FloatArray
    side: FloatArray

    def take(self, rows: BoolArray | IntArray) -> "_Side":
        return _Side(self.data.take(rows), *(field[rows] for field in self[1:]))


def tau_limits(data: CountSurface, fit: Fit, fall: FloatArray, close: float = VALUE) -> Limits:
    """Return the profile-likelihood interval of tau; 0 and infinity where the data set no limit.

    Parameters
    ----------
    data : CountSurface
    fit : Fit
    fall : float array, shape (lanes,)
        Critical value of twice the log-likelihood.
    close : float
        How near the log-likelihood at a limit must be to its target.
    """
    target = fit.top - fall / 2
    closed = np.flatnonzero(fit.top_common < target)
    lanes = np.concatenate([closed, np.arange(fit.mu.size)])
    lower = np.arange(lanes.size) < closed.size
    job = _Side(
        data.take(lanes),
        fit.mu[lanes],
        fit.se[lanes],
        target[lanes],
        fit.top[lanes],
        np.where(lower, -1.0, 1.0),
    )
    inside = np.log(np.maximum(fit.tau, _LEAST_TAU))[lanes]
    ends = np.exp(_along_tau(job, inside, np.log(np.where(lower, _LEAST_TAU, job.data.tau_max)), close))
    low, high = np.zeros(fit.mu.size), ends[closed.size :]
    low[closed] = ends[: closed.size]
    return Limits(low, np.where(high >= job.data.tau_max * (1 - 1e-9), np.inf, high))


def _along_tau(job: _Side, inside: FloatArray, outside: FloatArray, close: float) -> FloatArray:
    """Return log tau where the profile crosses the target, between one inside and one outside.

    Given tau the likelihood is log-concave in mu, so the inner maximum is unique; Newton on the root
    of the fall in log tau, bracketed.
    """
    near, far = inside.copy(), outside.copy()
    u = np.where(job.side > 0, np.clip(np.maximum(near, np.log(job.se)) + 0.7, near, far), near - 0.5)
    u = np.where((u - near) * (far - u) > 0, u, 0.5 * (near + far))
    mu = job.centre.copy()
    untried = np.ones(u.size, dtype=np.bool_)  # the outer end, which may lie above the target
    alive = np.arange(u.size)
    for _ in range(200):
        part = job.take(alive)
        tau = np.exp(u[alive])
        s = part.data.at(mu[alive], tau)
        step = s.d_a / np.maximum(np.abs(s.d_a_a), 1e-300)
        gain = 0.5 * step * s.d_a
        value = s.value + gain
        mu[alive] += np.clip(step, -1 - tau, 1 + tau)
        sure = gain < 1e-6  # the value is that of the profile, and the bracket can move
        above = value > part.target
        near[alive] = np.where(sure & above, u[alive], near[alive])
        far[alive] = np.where(sure & ~above, u[alive], far[alive])
        slope = (s.d_b + s.d_a_b * step) * tau
        r = np.sqrt(2 * np.maximum(part.top - value, 0.0))
        useful = (slope * part.side < 0) & (r > 1e-3)
        newton = (np.sqrt(2 * (part.top - part.target)) - r) * r / np.where(useful, -slope, 1.0)
        low, high = np.minimum(near, far)[alive], np.maximum(near, far)[alive]
        new = np.where(useful & sure, u[alive] + newton, 0.5 * (low + high))
        leap = sure & untried[alive] & (~useful | ((new - outside[alive]) * part.side >= 0))
        untried[alive[leap]] = False
        new = np.where(leap, outside[alive], np.where((new > low) & (new < high), new, 0.5 * (low + high)))
        settled = (np.abs(value - part.target) < close) & (gain < close)
        done = settled | (sure & (high - low < 1e-12))
        u[alive] = np.where(sure & ~done, new, u[alive])
        alive = alive[~done]
        if not alive.size:
            break
    return u
