"""Parametric bootstrap of the fall of the profile log-likelihood in the binomial-normal model."""

import numpy as np
from numpy.random import Generator

from metaresp.arrays import FloatArray
from metaresp.kernel.counts import binomial_normal
from metaresp.kernel.counts.binomial_normal import Fit
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.profile_limits import profile_value
from metaresp.kernel.counts.surface import CountSurface

RESAMPLES = 999  # so that 5% and 1% tails fall on an order statistic
_SEED = 2019
_NATS = 19.0  # accuracy of the likelihood of a drawn set: 6e-9


def falls(data: CountSurface, fit: Fit, rng: Generator | None) -> FloatArray:
    """Return twice the fall of the profile log-likelihood at the fitted mu, in data sets drawn there.

    Parameters
    ----------
    data : CountSurface
    fit : Fit
        The maximum of these lanes, at which data sets are drawn.
    rng : numpy.random.Generator or None
        Each lane takes one child of it, in order, so that lanes do not depend on each other or on batches;
        a fixed seed if None.

    Returns
    -------
    float array, shape (lanes, RESAMPLES)
        Sorted.

    Notes
    -----
    A drawn set without an event, or with events only, has its maximum at an infinite mu; its fall is finite.
    """
    source = np.random.default_rng(_SEED) if rng is None else rng
    out = np.empty((fit.mu.size, RESAMPLES))
    for lane, child in enumerate(source.spawn(fit.mu.size)):
        size = np.repeat(data.n[lane], data.copies[lane].astype(np.int64))
        mu, tau = float(fit.mu[lane]), float(fit.tau[lane])
        theta = mu + tau * child.standard_normal((RESAMPLES, size.size))
        drawn = child.binomial(size.astype(np.int64), LINKS[data.link].rate(theta)).astype(np.float64)
        sizes = np.broadcast_to(size, drawn.shape)
        out[lane] = np.sort(
            _falls(data._replace(x=drawn, n=sizes, copies=np.ones_like(drawn), nats=_NATS), mu)
        )
    return out


def _falls(drawn: CountSurface, mu: float) -> FloatArray:
    """Return the falls of drawn sets; one without an event, or of events only, fits a rate of 0 or 1."""
    at = np.full(drawn.lanes, mu)
    top = np.zeros_like(at)
    events = drawn.x.sum(axis=-1)
    inner = np.flatnonzero((events > 0) & (events < drawn.n.sum(axis=-1)))
    if inner.size:
        top[inner] = binomial_normal.fit(drawn.take(inner)).top
    fall: FloatArray = np.maximum(2 * (top - profile_value(drawn, at)), 0.0)
    return fall


def critical(falls: FloatArray, tail: float) -> FloatArray:
    """Return the order statistic of each lane's sorted falls that leaves ``2 tail`` above it."""
    rank = int(np.ceil((RESAMPLES + 1) * (1.0 - 2.0 * tail) - 1e-9)) - 1
    quantile: FloatArray = falls[:, min(max(rank, 0), RESAMPLES - 1)]
    return quantile


def pvalue(falls: FloatArray, fall: FloatArray) -> FloatArray:
    """Return the share of drawn falls at least as large as *fall*, this one counted: at least 1 / 1000."""
    above = (falls >= fall[:, None]).sum(axis=-1)
    return np.asarray((1.0 + above) / (RESAMPLES + 1.0), np.float64)
