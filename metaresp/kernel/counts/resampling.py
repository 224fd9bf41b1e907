"""Parametric bootstrap of the fall of the profile log-likelihood in count models."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from metaresp.arrays import FloatArray
from metaresp.kernel.counts import binomial_normal
from metaresp.kernel.counts.binomial_normal import Fit
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.profile_limits import profile_fall, profile_value
from metaresp.kernel.counts.surface import CountSurface

RESAMPLES = 999  # so that 5% and 1% tails fall on an order statistic
_SEED = 2019
_NATS = 19.0  # accuracy of the likelihood of a drawn set: 6e-9

Rates = Callable[[int, Generator, tuple[int, int]], FloatArray]
Falls = Callable[[int, FloatArray, FloatArray], FloatArray]


def falls(n: FloatArray, copies: FloatArray, rng: Generator | None, rates: Rates, fall: Falls) -> FloatArray:
    """Return twice the fall of the profile log-likelihood at the fitted mu, in data sets drawn there.

    Parameters
    ----------
    n, copies : float array, shape (lanes, k)
    rng : numpy.random.Generator or None
        Each lane takes one child of it, in order, so that lanes do not depend on each other or on batches;
        a fixed seed if None.
    rates : callable
        ``rates(lane, rng, shape)``: true rates drawn at the maximum of a lane.
    fall : callable
        ``fall(lane, x, n)``: the falls of sets of counts, shape (sets,), at the mu of a lane.

    Returns
    -------
    float array, shape (lanes, RESAMPLES)
        Sorted.

    Notes
    -----
    A drawn set without an event, or with events only, has its maximum at an infinite mu; its fall is finite.
    """
    source = np.random.default_rng(_SEED) if rng is None else rng
    out = np.empty((n.shape[0], RESAMPLES))
    for lane, child in enumerate(source.spawn(n.shape[0])):
        size = np.repeat(n[lane], copies[lane].astype(np.int64))
        p = rates(lane, child, (RESAMPLES, size.size))
        drawn = child.binomial(size.astype(np.int64), p).astype(np.float64)
        out[lane] = np.sort(fall(lane, drawn, np.broadcast_to(size, drawn.shape)))
    return out


def normal_falls(data: CountSurface, fit: Fit, rng: Generator | None) -> FloatArray:
    """Return :func:`falls` of the binomial-normal model at its maximum *fit*."""
    link = LINKS[data.link]

    def rates(lane: int, child: Generator, shape: tuple[int, int]) -> FloatArray:
        return link.rate(float(fit.mu[lane]) + float(fit.tau[lane]) * data.shape.draw(child, shape))

    def fall(lane: int, x: FloatArray, n: FloatArray) -> FloatArray:
        drawn = data._replace(x=x, n=n, copies=np.ones_like(x), nats=_NATS)
        return _falls(drawn, float(fit.mu[lane]))

    return falls(data.n, data.copies, rng, rates, fall)


def _falls(drawn: CountSurface, mu: float) -> FloatArray:
    """Return the falls of drawn sets; one without an event, or of events only, fits a rate of 0 or 1."""
    events = drawn.x.sum(axis=-1)
    inner = (events > 0) & (events < drawn.n.sum(axis=-1))
    fall = np.empty(drawn.lanes)
    some, others = drawn.take(inner), drawn.take(~inner)
    fall[~inner] = -2 * profile_value(others, np.full(others.lanes, mu))
    if some.lanes:
        found = binomial_normal.fit(some)
        fall[inner] = profile_fall(some, found, np.full(some.lanes, mu), np.arange(some.lanes))
    return fall


def critical(falls: FloatArray, tail: float) -> FloatArray:
    """Return the order statistic of each lane's sorted falls that leaves ``2 tail`` above it."""
    rank = int(np.ceil((RESAMPLES + 1) * (1.0 - 2.0 * tail) - 1e-9)) - 1
    quantile: FloatArray = falls[:, min(max(rank, 0), RESAMPLES - 1)]
    return quantile


def pvalue(falls: FloatArray, fall: FloatArray) -> FloatArray:
    """Return the share of drawn falls at least as large as *fall*, this one counted: at least 1 / 1000.

    *falls* are those of each lane, *fall* has the shape (lanes, points).
    """
    above = (falls[:, None, :] >= fall[:, :, None]).sum(axis=-1)
    return np.asarray((1.0 + above) / (RESAMPLES + 1.0), np.float64)
