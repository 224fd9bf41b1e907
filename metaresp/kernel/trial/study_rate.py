"""The true rate of each study given its own count, when theta is drawn from a mixture of normals.

Nothing is taken as known: tau is one of some values, each with its probability, and given tau the mean of
theta over studies is known as far as the *other* studies tell.  The density of theta given x of n is
proportional, for each tau, to ``p**x q**(n - x)`` times that normal; each such density has integral 1, and
their mixture is integrated on panels (see :mod:`metaresp.kernel.numerics.panels`) that are kept where a
bound of it is not negligible: the likelihood of a count rises up to its own rate and falls beyond, a normal
density likewise about its mean, so that both are bounded by their values at the nearest points of a panel.
This holds for every link, also where the integrand has two hills (cauchit).
"""

from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre

from metaresp.arrays import BoolArray, FloatArray, IntArray, chunked
from metaresp.kernel.counts.effect_shapes import posterior, spreads
from metaresp.kernel.counts.links import LINKS, Link
from metaresp.kernel.counts.new_trial import Mixture
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.numerics.panels import (
    NODES,
    WEIGHTS,
    Panels,
    divide,
    gauss,
    legendre_series,
    log_likelihood,
    too_wide,
)
from metaresp.kernel.numerics.roots import bracketed
from metaresp.kernel.numerics.surface import Local
from metaresp.kernel.trial.condensed import condensed

NATS = 40.0  # what is left out is 1e-17 of the whole
_SEEN = 30.0  # panels need not be narrow for a normal that adds less than exp(-this) there
_WIDEST = 2.0  # of a panel, in standard deviations of a normal
_AT_ONCE = 1500  # normals of all studies
_LEAST_INFORMATION = 1e-9  # of the other studies, as a share of all

# From values at the nodes of a panel to the series of their polynomial's integral from its low end.
_RISE: FloatArray = np.asarray(legendre.legint(legendre_series(NODES, WEIGHTS), lbnd=-1), dtype=np.float64)


class Posterior(NamedTuple):
    """Mean and equal-tailed limits of each study's rate; shape (k,)."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray


class Prior(NamedTuple):
    """The normals that each study's theta may be drawn from; fields of shape (k, parts)."""

    weight: FloatArray  # given all counts; sums to 1 over the parts
    mean: FloatArray
    sd: FloatArray


class _Studies(NamedTuple):
    """Counts with what the integrand needs; fields of shape (k,) or (k, parts) but link."""

    link: Link
    x: FloatArray
    y: FloatArray
    own: FloatArray  # theta of each study's own rate
    saturated: FloatArray  # log-likelihood there
    mean: FloatArray
    sd: FloatArray
    height: FloatArray  # log of each normal's share at its mean, where its likelihood is the saturated one

    def logs(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return log p and log q."""
        with np.errstate(over="ignore"):  # of derivatives, which are not used
            terms = self.link.log_terms(theta)
        return terms.log_p, terms.log_q

    def likelihood(self, owner: IntArray, logs: tuple[FloatArray, FloatArray]) -> FloatArray:
        """Return the log-likelihood less the saturated one; *owner* of the shape of the logs, or its head."""
        x, y, top = (field[owner] for field in (self.x, self.y, self.saturated))
        if logs[0].ndim > x.ndim:
            x, y, top = x[..., None], y[..., None], top[..., None]
        return log_likelihood(x, y, *logs) - top

    def density(self, owner: IntArray, theta: FloatArray) -> FloatArray:
        """Return the density at *theta*, shape (panels, nodes), of the study *owner* of each panel."""
        mean, sd, height = (field[owner][:, None] for field in (self.mean, self.sd, self.height))
        logs = height - 0.5 * ((theta[..., None] - mean) / sd) ** 2
        logs += self.likelihood(owner, self.logs(theta))[..., None]
        total: FloatArray = np.exp(logs).sum(axis=-1)
        return total


def without_own(data: CountSurface, parts: Mixture) -> Prior:
    """Return what all counts but its own tell of each study's theta, for each tau of a mixture.

    Where effects have several scales there is a part for each of them, with the probability that the study's
    own count gives it.

    Given tau, mu is normal about mu(tau) with the information j(tau) of all studies.  A study's own count has
    the score s and the information i there: without it mu is normal about ``mu - s / (j - i)`` with variance
    ``1 / (j - i)``, and theta about the same with ``tau**2`` more.

    Parameters
    ----------
    data : CountSurface
        One lane of k studies.
    parts : Mixture
        That of a new trial in this lane.
    """
    weight, mu, tau = condensed(parts, float(data.copies.sum()))
    lanes = data.take(np.zeros(mu.size, dtype=np.int64))
    each, information = lanes.each(mu, tau), lanes.information(mu, tau)
    j = information @ data.copies[0]
    if data.penalty is not None:
        j = j - data.penalty.add(Local(*np.zeros((6, mu.size))), mu, tau).d_a_a
    j = np.maximum(np.abs(j), 1e-12)
    rest = np.maximum(j[:, None] - information, _LEAST_INFORMATION * j[:, None])
    mean = mu[:, None] - each.d_mu / rest
    if data.shape.normal:
        sd = np.sqrt(tau[:, None] ** 2 + 1 / rest)
        return Prior(np.broadcast_to(weight, mean.T.shape), mean.T, sd.T)
    spread = np.hypot(spreads(data.shape, tau, data.widest)[..., None], 1 / np.sqrt(rest)[:, None])
    centre, x, n = (np.broadcast_to(field, spread.shape) for field in (mean[:, None], data.x[0], data.n[0]))
    one, trials = x.reshape(-1, 1), n.reshape(-1, 1)
    alone = CountSurface(one, trials, np.ones_like(one), data.link).each(centre.ravel(), spread.ravel())
    share = posterior(data.shape, alone.value.reshape(spread.shape))[0] * weight[:, None, None]
    return Prior(*(field.reshape(-1, data.x.shape[1]).T for field in (share, centre, spread)))


def outlying(prior: Prior, scales: int) -> FloatArray:
    """Return the probability of the last of the *scales* for each study, shape (k,)."""
    probability: FloatArray = prior.weight[:, scales - 1 :: scales].sum(axis=-1)
    return probability


def posterior_rates(name: str, x: FloatArray, n: FloatArray, prior: Prior, tail: float) -> Posterior:
    """Return mean and equal-tailed interval of every study's true rate.

    Parameters
    ----------
    name : str
        Of the link.
    x, n : float array, shape (k,)
        Counts; n at least 1.
    prior : Prior
    tail : float
        Probability beyond each limit.

    Returns
    -------
    Posterior
    """
    out = Posterior(*np.empty((3, x.size)))
    for part in chunked(x.size, prior.mean.shape[1], _AT_ONCE):
        studies = _prepared(name, x[part], n[part], Prior(*(field[part] for field in prior)))
        for target, values in zip(out, _rates(studies, tail), strict=True):
            target[part] = values
    return out


def _prepared(name: str, x: FloatArray, n: FloatArray, prior: Prior) -> _Studies:
    y, link = n - x, LINKS[name]
    observed = log_likelihood(x, y, np.log(np.maximum(x, 1e-300) / n), np.log(np.maximum(y, 1e-300) / n))
    own = np.where(x == 0, -np.inf, np.where(y == 0, np.inf, link.forward(x / n)))
    shape = prior.mean.shape
    each, trials = (np.broadcast_to(field[:, None], shape).reshape(-1, 1) for field in (x, n))
    surface = CountSurface(each, trials, np.ones_like(each), name)
    whole = surface.each(prior.mean.ravel(), prior.sd.ravel()).value.reshape(shape)
    height = np.log(np.maximum(prior.weight, 1e-300)) - whole - np.log(prior.sd) - 0.5 * np.log(2 * np.pi)
    return _Studies(link, x, y, own, observed, prior.mean, prior.sd, height)


def _rates(studies: _Studies, tail: float) -> Posterior:
    panels = _panels(studies)
    theta, weight = panels.nodes()
    mass = weight * studies.density(panels.owner, theta)
    rate = studies.link.rate(theta)
    k = studies.x.size
    total = np.bincount(panels.owner, mass.sum(axis=-1), k).astype(np.float64)
    mean = np.bincount(panels.owner, (mass * rate).sum(axis=-1), k) / total
    ends = (_quantile(studies, panels, mass, share) for share in (total * tail, total * (1 - tail)))
    low, high = (studies.link.rate(end) for end in ends)
    return Posterior(mean, low, np.maximum(low, high))  # at a level near 0 they differ by rounding


def _panels(studies: _Studies) -> Panels:
    """Return the panels that matter: all but exp(-NATS) of the mixtures, whose integral is 1."""
    everyone = np.arange(studies.x.size)
    size = studies.x + studies.y
    # the likelihood is at most the saturated one, so that the normals alone bound the range
    with np.errstate(invalid="ignore"):
        reach = studies.sd * np.sqrt(2 * np.maximum(NATS + studies.height + np.log(studies.sd), 1.0))
    low, high = (studies.mean - reach).min(axis=-1), (studies.mean + reach).max(axis=-1)

    def judge(owner: IntArray, low: FloatArray, high: FloatArray) -> tuple[BoolArray, BoolArray]:
        logs = [studies.logs(end) for end in (low, high)]
        at = [studies.likelihood(owner, one) for one in logs]
        own = studies.own[owner]
        bound = np.where(own < low, at[0], np.where(own > high, at[1], 0.0)) + np.log(
            np.maximum(high - low, 1e-300)
        )
        mean, sd = studies.mean[owner], studies.sd[owner]
        away = (np.clip(mean, low[:, None], high[:, None]) - mean) / sd
        most = bound[:, None] + studies.height[owner] - 0.5 * away * away
        coarse = ((most > -_SEEN) & ((high - low)[:, None] > _WIDEST * sd)).any(axis=-1)
        keep = np.asarray((most > -NATS).any(axis=-1))
        return keep, coarse | too_wide(logs[0], logs[1], size[owner])

    kink = np.clip(0.0, low, high)  # of the log link
    return divide(np.tile(everyone, 2), np.concatenate([low, kink]), np.concatenate([kink, high]), judge)


def _quantile(studies: _Studies, panels: Panels, mass: FloatArray, target: FloatArray) -> FloatArray:
    """Return theta at which each study's integral reaches *target*.

    Within a panel the integral of the polynomial through its nodes, and a step of Newton's method on that of
    the density.
    """
    each: FloatArray = mass.sum(axis=-1)
    running = np.cumsum(each)
    first = np.searchsorted(panels.owner, np.arange(target.size))
    last = np.append(first[1:], panels.owner.size) - 1
    before = np.where(first > 0, running[first - 1], 0.0)
    cell = np.clip(np.searchsorted(running, before + target), first, last)
    rest = target - (running[cell] - each[cell] - before)
    owner, low, high = panels.owner[cell], panels.low[cell], panels.high[cell]
    series = (mass[cell] / WEIGHTS) @ _RISE.T

    def missing(at: FloatArray, index: IntArray) -> FloatArray:
        short: FloatArray = legendre.legval(at, series[index].T, tensor=False) - rest[index]
        return short

    end = np.ones(target.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = bracketed(missing, -end, end, 1e-3).value
    at = np.where(np.isnan(root), np.where(rest > 0.5 * each[cell], 1.0, -1.0), root)
    theta = low + 0.5 * (1 + at) * (high - low)
    nodes, weight = gauss(low, theta)
    there = studies.density(owner, np.concatenate([nodes, theta[:, None]], axis=1))
    short = rest - (weight * there[:, :-1]).sum(axis=-1)
    result: FloatArray = np.clip(theta + short / np.maximum(there[:, -1], 1e-300), low, high)
    return result
