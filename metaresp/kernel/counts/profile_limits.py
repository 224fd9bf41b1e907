"""Profile-likelihood intervals for mu and for tau of the binomial-normal model.

A limit is where twice the profile log-likelihood has fallen by a critical value from its maximum.
Interest and nuisance parameter move together: the nuisance by Newton towards its maximum, the interest
by Newton on the signed root of the fall, which is nearly linear (Venzon and Moolgavkar 1988, Applied
Statistics 37:87, on the root).  Lanes that this does not settle are bisected.
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts.binomial_normal import Fit
from metaresp.kernel.counts.surface import CountSurface, Sums
from metaresp.kernel.numerics.profile import Bounds, Search, ridge

_STEPS = 40
_VALUE = 1e-11  # log-likelihood: a limit is then right to about 1e-11 standard errors
_HIGHER = 1e-7  # another hill of the nuisance parameter counts from this height on
_ROUGH_NATS, _ROUGH = 12.0, 0.02  # of a look over tau: its accuracy, and what is not ruled out by it
_LEAST_TAU = 1e-5
_FIRST = 0.16  # farthest first guess, as a share of where rates are 0 or 1
_TAU_UNIT = 0.5  # tau is searched on a scale that is linear below this and logarithmic beyond
_FAR = np.array([0.0, 0.25, 0.6, 1.6, 4.0])


class Limits(NamedTuple):
    """Where the profile has fallen by the critical value; shape (lanes,)."""

    low: FloatArray
    high: FloatArray


class Maximum(NamedTuple):
    """Where the likelihood of each lane is highest; log-likelihoods less the saturated one."""

    mu: FloatArray
    tau: FloatArray
    se: FloatArray
    top: FloatArray
    top_common: FloatArray


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
    # normal theory: the profile of k equal studies falls by k log(1 + (d / se)**2 / k), with tau near d
    k = data.copies.sum(axis=-1)
    distance = np.minimum(fit.se * np.sqrt(k * np.expm1(np.minimum(fall / k, 7.0))), _FIRST * data.farthest)
    tau = np.hypot(fit.tau, distance**2 / np.hypot(distance, np.sqrt(k) * fit.se))
    tau = np.minimum(tau, data.tau_max)
    # both sides in one search: each call serves twice as many lanes
    lanes = np.arange(fit.mu.size)
    both = np.concatenate([lanes, lanes])
    side = np.repeat([-1.0, 1.0], lanes.size)
    job = _Side(data.take(both), fit.mu[both], fit.se[both], (fit.top - fall / 2)[both], fit.top[both], side)
    ends = _settle(job, fit.mu[both] + side * distance[both], tau[both])
    return Limits(ends[: lanes.size], ends[lanes.size :])


def _settle(job: _Side, mu: FloatArray, tau: FloatArray) -> FloatArray:
    """Find the limit, and go on from any hill of tau that is higher there."""
    mu, tau, good = _joint(job, mu, tau)
    for _ in range(4):
        better, at = _higher_hill(job, mu, tau)
        better &= good
        if not better.any():
            break
        mu[better], tau[better], good[better] = _joint(job.take(better), mu[better], at[better])
    if not good.all():
        mu[~good] = _bisect(job.take(~good))
    return mu


def _joint(job: _Side, mu: FloatArray, tau: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Move mu to the target and tau to its hill, both in coordinates that are logarithmic far out.

    Far from the maximum tau keeps up with the distance of mu, and the profile falls with its logarithm:
    ``mu = centre + se sinh(a)`` and ``tau = sinh(b) / 2``.
    """
    mu, tau = mu.copy(), tau.copy()
    good = np.zeros(mu.size, dtype=bool)
    alive = np.arange(mu.size)
    wanted = np.sqrt(2 * (job.top - job.target))
    farthest = job.data.farthest
    for _ in range(_STEPS):
        part = job.take(alive)
        m, t = mu[alive], tau[alive]
        s = part.data.at(m, t)
        b_step, follow, gain = _tau_step(s, t, job.data.tau_max)
        stretch = np.hypot(t, _TAU_UNIT)
        slope = s.d_mu + s.d_mu_tau * stretch * b_step
        value = s.value + gain
        r = np.sqrt(2 * np.maximum(part.top - value, 0.0))
        downhill = (slope * part.side < 0) & (r > 1e-3)
        reach = np.hypot(m - part.centre, part.se)
        a_step = (wanted[alive] - r) * part.side
        a_step *= np.where(downhill, r / np.where(downhill, np.abs(slope) * reach, 1.0), 1.0)
        a_step = np.clip(a_step, -1.0, 1.0)
        settled = (np.abs(value - part.target) < _VALUE * (1 + np.abs(part.target))) & (gain < _VALUE)
        done = settled & ((t > 0) | (s.d_tau_tau <= 0))
        good[alive[done]] = True
        a = np.arcsinh((m - part.centre) / part.se) + a_step
        mu[alive] = np.clip(part.centre + part.se * np.sinh(a), -farthest, farthest)
        go = ~done
        b = np.arcsinh(t / _TAU_UNIT) + np.clip(b_step + follow * reach * a_step, -1.0, 1.0)
        new_tau = np.minimum(_TAU_UNIT * np.abs(np.sinh(b)), job.data.tau_max)
        tau[alive[go]] = np.where(new_tau < _LEAST_TAU, 0.0, new_tau)[go]
        alive = alive[go]
        if not alive.size:
            break
    return mu, tau, good


def _tau_step(s: Sums, tau: FloatArray, tau_max: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the step towards the hill of ``b = asinh(2 tau)``, how b follows mu, and the gain expected."""
    stretch = np.hypot(tau, _TAU_UNIT)
    d_b = stretch * s.d_tau
    d_b_b = stretch**2 * s.d_tau_tau + tau * s.d_tau
    concave = d_b_b < 0
    curve = np.where(concave, d_b_b, -1.0)
    step = np.where(concave, -d_b / curve, np.where(s.d_tau == 0, 0.2, np.sign(s.d_tau) * 0.5))
    held = (tau >= tau_max * (1 - 1e-12)) & (s.d_tau > 0)
    step = np.where(held, 0.0, np.clip(step, -1.0, 1.0))
    gain = np.where(concave, np.maximum(step * d_b + 0.5 * step**2 * d_b_b, 0.0), np.abs(step * d_b))
    follow = np.where(concave & ~held, -s.d_mu_tau * stretch / curve, 0.0)
    return step, follow, gain


def _higher_hill(job: _Side, mu: FloatArray, tau: FloatArray) -> tuple[BoolArray, FloatArray]:
    """Look for a tau with a higher likelihood at this mu than the target."""
    reach = np.maximum(tau, 0.5)
    taus = np.minimum(reach[:, None] * _FAR, job.data.tau_max)
    rows, flat = np.repeat(np.arange(mu.size), _FAR.size), taus.ravel()
    value = job.data.take(rows).at(mu[rows], flat, _ROUGH_NATS).value
    near = np.flatnonzero(value > job.target[rows] - _ROUGH)
    if near.size:  # what a rough look cannot rule out
        value[near] = job.data.take(rows[near]).at(mu[rows[near]], flat[near]).value
    value = value.reshape(taus.shape)
    best = value.argmax(axis=-1)
    at = np.arange(mu.size)
    higher: BoolArray = value[at, best] > job.target + _HIGHER
    return higher, taus[at, best]


def profile_value(data: CountSurface, mu: FloatArray) -> FloatArray:
    """Return the profile log-likelihood, less the saturated one, of each lane at its *mu*.

    The slope in tau on a grid brackets the hills, each is climbed between its brackets, and the highest kept.
    """
    top = data.tau_max
    grid = np.r_[0.0, 0.1, 0.3, 0.7, np.geomspace(1.5, top, int(2 + 1.2 * np.log(top)))]
    none = np.zeros_like(mu)
    search = Search(
        data.local, none, none, none, none, none, Bounds(none, none), Bounds(none, np.full_like(mu, top)),
        np.broadcast_to(grid, (mu.size, grid.size)),
    )  # fmt: skip
    return ridge(search, np.arange(mu.size), mu)[0]


def profile_fall(data: CountSurface, fit: Fit, mu: FloatArray) -> FloatArray:
    """Return twice the fall of the profile log-likelihood from its maximum to *mu*, shape (lanes,).

    *fit* is the maximum of these lanes, or of the one set of counts that all of them hold.
    """
    fall: FloatArray = np.maximum(2 * (fit.top - profile_value(data, mu)), 0.0)
    return fall


def _bisect(job: _Side) -> FloatArray:
    """Bracket the limit and halve the bracket."""
    near, width = job.centre.copy(), np.maximum(job.se, 0.1)
    far = near + job.side * width
    for _ in range(40):
        high = profile_value(job.data, far) > job.target
        if not high.any():
            break
        near = np.where(high, far, near)
        width = np.where(high, 2 * width, width)
        far = np.where(high, far + job.side * width, far)
    for _ in range(46):
        middle = 0.5 * (near + far)
        above = profile_value(job.data, middle) > job.target
        near, far = np.where(above, middle, near), np.where(above, far, middle)
    result: FloatArray = 0.5 * (near + far)
    return result


def tau_limits(data: CountSurface, fit: Maximum, fall: FloatArray, close: float = _VALUE) -> Limits:
    """Return the profile-likelihood interval of tau; 0 and infinity where the data set no limit.

    Parameters
    ----------
    data : CountSurface
    fit : Maximum
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
        step = s.d_mu / np.maximum(np.abs(s.d_mu_mu), 1e-300)
        gain = 0.5 * step * s.d_mu
        value = s.value + gain
        mu[alive] += np.clip(step, -1 - tau, 1 + tau)
        sure = gain < 1e-6  # the value is that of the profile, and the bracket can move
        above = value > part.target
        near[alive] = np.where(sure & above, u[alive], near[alive])
        far[alive] = np.where(sure & ~above, u[alive], far[alive])
        slope = (s.d_tau + s.d_mu_tau * step) * tau
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
