"""The true rate of each study given its own count, when theta is normal over studies.

The density of ``z = (theta - mu) / tau`` given x of n is proportional to ``p**x q**(n - x) phi(z)``.  It is
integrated on panels (see :mod:`metaresp.kernel.numerics.panels`) that are kept where a bound of the integrand
is within ``exp(-NATS)`` of its top: the likelihood of a count rises up to its own rate and falls beyond, the
normal density likewise about 0, so that both are bounded by their values at the nearest points of a panel.
This holds for every link, also where the integrand has two hills (cauchit).
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray, chunked
from metaresp.kernel.counts.links import Link
from metaresp.kernel.numerics.panels import Panels, divide, gauss, log_likelihood, too_wide
from metaresp.kernel.numerics.roots import bracketed

NATS = 40.0  # what is left out is 1e-17 of the top
_WIDEST = 2.0  # of a panel in z
_TRIED = np.concatenate([-(2.0 ** np.arange(20.0, -1, -1)), [0.0], 2.0 ** np.arange(21.0)])
_STUDIES = 2000  # worked on at once


class Posterior(NamedTuple):
    """Mean and equal-tailed limits of each study's rate; shape (k,)."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray


class _Studies(NamedTuple):
    """Counts with what the integrand needs; fields of shape (k,) but link, mu and tau."""

    link: Link
    x: FloatArray
    y: FloatArray
    mu: float
    tau: float
    own: FloatArray  # z of each study's own rate
    saturated: FloatArray  # log-likelihood there

    def logs(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return log p and log q."""
        with np.errstate(over="ignore"):  # of derivatives, which are not used
            terms = self.link.log_terms(self.mu + self.tau * z)
        return terms.log_p, terms.log_q

    def likelihood(self, owner: IntArray, logs: tuple[FloatArray, FloatArray]) -> FloatArray:
        """Return the log-likelihood less the saturated one; *owner* of the shape of the logs, or its head."""
        x, y, top = (field[owner] for field in (self.x, self.y, self.saturated))
        if logs[0].ndim > x.ndim:
            x, y, top = x[..., None], y[..., None], top[..., None]
        return log_likelihood(x, y, *logs) - top

    def density(self, owner: IntArray, z: FloatArray) -> FloatArray:
        """Return the log density, not normalised."""
        return self.likelihood(owner, self.logs(z)) - 0.5 * z * z


def posterior_rates(
    link: Link, x: FloatArray, n: FloatArray, mu: float, tau: float, tail: float
) -> Posterior:
    """Return mean and equal-tailed interval of every study's true rate.

    Parameters
    ----------
    link : Link
    x, n : float array, shape (k,)
        Counts; n at least 1.
    mu, tau : float
        Mean and standard deviation of theta over studies; ``tau > 0``.
    tail : float
        Probability beyond each limit.

    Returns
    -------
    Posterior
    """
    out = Posterior(*np.empty((3, x.size)))
    for part in chunked(x.size, 1, _STUDIES):
        for target, values in zip(out, _rates(_prepared(link, x[part], n[part], mu, tau), tail), strict=True):
            target[part] = values
    return out


def _prepared(link: Link, x: FloatArray, n: FloatArray, mu: float, tau: float) -> _Studies:
    y = n - x
    observed = log_likelihood(x, y, np.log(np.maximum(x, 1e-300) / n), np.log(np.maximum(y, 1e-300) / n))
    own = np.where(x == 0, -np.inf, np.where(y == 0, np.inf, (link.forward(x / n) - mu) / tau))
    return _Studies(link, x, y, mu, tau, own, observed)


def _rates(studies: _Studies, tail: float) -> Posterior:
    panels, top = _panels(studies)
    z, weight = panels.nodes()
    mass = weight * np.exp(studies.density(panels.owner, z) - top[panels.owner, None])
    rate = studies.link.rate(studies.mu + studies.tau * z)
    k = studies.x.size
    each: FloatArray = mass.sum(axis=-1)
    total = np.bincount(panels.owner, each, k).astype(np.float64)
    mean = np.bincount(panels.owner, (mass * rate).sum(axis=-1), k) / total
    ends = (_quantile(studies, panels, top, each, share) for share in (total * tail, total * (1 - tail)))
    low, high = (studies.link.rate(studies.mu + studies.tau * end) for end in ends)
    return Posterior(mean, low, high)


def _panels(studies: _Studies) -> tuple[Panels, FloatArray]:
    """Return the panels that matter, and the highest log density seen, shape (k,)."""
    k = studies.x.size
    everyone = np.arange(k)
    tried = studies.density(everyone, np.broadcast_to(_TRIED, (k, _TRIED.size)))
    inside = np.abs(studies.own) < _TRIED[-1]
    at_own = np.where(inside, -0.5 * np.where(inside, studies.own, 0.0) ** 2, -np.inf)
    top = np.maximum(tried.max(axis=-1), at_own)
    size = studies.x + studies.y
    # the likelihood is at most the saturated one, so that the normal density alone bounds the range
    reach = np.sqrt(2 * (NATS - top))

    def judge(owner: IntArray, low: FloatArray, high: FloatArray) -> tuple[np.ndarray, np.ndarray]:
        logs = [studies.logs(end) for end in (low, high)]
        at = [studies.likelihood(owner, one) for one in logs]
        for one, z in zip(at, (low, high), strict=True):
            np.maximum.at(top, owner, one - 0.5 * z * z)
        own = studies.own[owner]
        bound = np.where(own < low, at[0], np.where(own > high, at[1], 0.0))
        nearest = np.clip(0.0, low, high)
        keep = bound - 0.5 * nearest * nearest > top[owner] - NATS
        return keep, (high - low > _WIDEST) | too_wide(logs[0], logs[1], size[owner])

    kink = np.clip(-studies.mu / studies.tau, -reach, reach)  # of the log link, at theta = 0
    starts = np.concatenate([-reach, kink]), np.concatenate([kink, reach])
    panels = divide(np.tile(everyone, 2), *starts, judge)
    return panels, top


def _quantile(
    studies: _Studies, panels: Panels, top: FloatArray, each: FloatArray, target: FloatArray
) -> FloatArray:
    """Return z at which each study's integral reaches *target*."""
    running = np.cumsum(each)
    first = np.searchsorted(panels.owner, np.arange(target.size))
    last = np.append(first[1:], panels.owner.size) - 1
    before = np.where(first > 0, running[first - 1], 0.0)
    cell = np.clip(np.searchsorted(running, before + target), first, last)
    rest = target - (running[cell] - each[cell] - before)
    owner, low, high = panels.owner[cell], panels.low[cell], panels.high[cell]

    def missing(share: FloatArray, index: IntArray) -> FloatArray:
        z, weight = gauss(low[index], low[index] + share * (high - low)[index])
        mass = weight * np.exp(studies.density(owner[index], z) - top[owner[index], None])
        short: FloatArray = mass.sum(axis=-1) - rest[index]
        return short

    with np.errstate(divide="ignore", invalid="ignore"):
        root = bracketed(missing, np.zeros(target.size), np.ones(target.size), 1e-3)
    share = np.where(np.isnan(root.value), np.where(rest > 0.5 * each[cell], 1.0, 0.0), root.value)
    result: FloatArray = low + share * (high - low)
    return result
