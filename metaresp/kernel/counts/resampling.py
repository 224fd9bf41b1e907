"""Parametric bootstrap of the fall of the profile log-likelihood in count models."""

from collections.abc import Callable
from threading import Lock

import numpy as np
from numpy.random import Generator

from metaresp.arrays import FloatArray
from metaresp.kernel.counts import binomial_normal
from metaresp.kernel.counts.binomial_normal import Fit
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.profile_limits import over_tau
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.counts.table import Table
from metaresp.kernel.numerics.ridge import Beside
from metaresp.kernel.numerics.ridge import fall as profile_fall

RESAMPLES = 999  # so that 5% and 1% tails fall on an order statistic
_SEED = 2019

Rates = Callable[[int, Generator, tuple[int, int]], FloatArray]
Falls = Callable[[int, FloatArray, FloatArray], FloatArray]


class Draws:
    """The falls of data sets drawn at the maximum: drawn when first asked for, and kept.

    Parameters
    ----------
    rng : numpy.random.Generator or None
        See :func:`falls`.
    """

    def __init__(self, rng: Generator | None = None) -> None:
        self._rng = rng
        self._falls: FloatArray | None = None
        self._one_at_a_time = Lock()  # a second thread would draw other sets from the same source

    def falls(self, draw: Callable[[Generator | None], FloatArray]) -> FloatArray:
        """Return what *draw* made of the random source, shape (lanes, sets)."""
        with self._one_at_a_time:
            if self._falls is None:
                self._falls = draw(self._rng)
            return self._falls


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

    def rates(lane: int, child: Generator, shape: tuple[int, int]) -> FloatArray:
        return _rates(data, fit, lane, child, shape)

    def fall(lane: int, x: FloatArray, n: FloatArray) -> FloatArray:
        return _falls(data.of_sets(x, n), float(fit.mu[lane]))

    return falls(data.n, data.copies, rng, rates, fall)


def _rates(data: CountSurface, fit: Fit, lane: int, rng: Generator, shape: tuple[int, int]) -> FloatArray:
    mu, tau = float(fit.mu[lane]), float(fit.tau[lane])
    return LINKS[data.link].rate(mu + tau * data.shape.draw(rng, shape))


def drawn_counts(data: CountSurface, fit: Fit, rng: Generator, sets: int) -> FloatArray:
    """Return *sets* of counts like those of the one lane of *data*, drawn at its maximum, shape (sets, k)."""
    n = np.broadcast_to(data.n[0].astype(np.int64), (sets, data.n.shape[1]))
    counts: FloatArray = rng.binomial(n, _rates(data, fit, 0, rng, n.shape)).astype(np.float64)
    return counts


def _falls(drawn: CountSurface, mu: float) -> FloatArray:
    """Return the falls of drawn sets; one without an event, or of events only, fits a rate of 0 or 1.

    Sets that differ in the order of their studies only are one.
    """
    order = np.lexsort((drawn.x, drawn.n), axis=-1)
    sets = np.stack([np.take_along_axis(field, order, axis=-1) for field in (drawn.n, drawn.x)], axis=-1)
    once, which = np.unique(sets.reshape(drawn.lanes, -1), axis=0, return_inverse=True)
    n, x = np.moveaxis(once.reshape(len(once), -1, 2), -1, 0)
    sets_once = drawn._replace(x=x, n=n, copies=np.ones_like(x))
    table = Table.of(sets_once)
    profile = (
        over_tau(sets_once)._replace(close=sets_once.error)
        if table is None
        else table.over_tau(sets_once, mu)
    )
    # a set without an event, or of events only, is highest at an infinite mu, with nothing beside it
    top, centre = np.zeros(len(once)), np.full(len(once), mu)
    beside = Beside(centre[:, None], np.full((len(once), 1), -np.inf))
    inner = np.flatnonzero((x > 0).any(axis=-1) & (x < n).any(axis=-1))
    if inner.size:
        some = sets_once.take(inner)
        scan = None if table is None else table.take(inner).scan(some)
        found = binomial_normal.fit(some, scan=scan)
        top[inner], centre[inner] = found.top, found.mu
        places, heights = (np.full((len(once), found.hill_mu.shape[1]), fill) for fill in (mu, -np.inf))
        places[inner], heights[inner] = found.hill_mu, found.hill_top
        beside = Beside(places, heights)
    every = np.arange(len(once))
    fall: FloatArray = profile_fall(profile, every, np.full(len(once), mu), centre, top, beside)
    return fall[which.ravel()]


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
