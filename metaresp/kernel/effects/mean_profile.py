"""Profile-likelihood interval for the pooled mean."""

import numpy as np
from scipy.special import ndtri

from metaresp.arrays import FloatArray
from metaresp.kernel.effects.mean_registry import MEAN_CI, MeanInterval, Refit, Source, interval, without_df
from metaresp.kernel.effects.sums import Lanes
from metaresp.kernel.effects.tau2_regions import deviance_grid, likelihood_region
from metaresp.kernel.effects.tau2_search import maximise

FIRST_POINTS = 129
ZOOM_POINTS = 17
ZOOMS = 7  # each narrows the search eightfold; the limit is flat there, so its own error is the square


@MEAN_CI.add("profile")
@interval
def profile(lanes: Lanes, tau2: FloatArray, tail: float, refit: Refit, rng: Source) -> MeanInterval:
    """Profile-likelihood interval in the normal-normal model, centred on the maximum-likelihood mean.

    The interval is the projection on the mean of the region where minus twice the log-likelihood is within
    ``z**2`` of its least value D.  At a given ``tau2`` that region is ``mean(tau2) -+ sqrt((D + z**2 -
    D(tau2)) / sum w)``, so each limit is the largest (smallest) of these over ``tau2``: no root is sought,
    and a likelihood with two maxima gives the hull.  *tau2* is not used: the likelihood has its own, at whose
    maximum ``estimate`` and ``se`` are; ``df`` is infinite.

    Hardy & Thompson (1996), Statistics in Medicine 15:619-629, section 3.
    R: ``metafor::confint(rma.mv(...))`` has it for the variances only; ``metaplus`` for the mean.
    """
    region = likelihood_region(lanes, float(ndtri(tail)) ** 2, restricted=False)
    least, converged = maximise(lanes, restricted=False)
    sums = lanes.mean(least)
    first, last = (np.log1p(item / region.vmin) for item in (region.low, region.high))
    low = -_largest(lanes, region.vmin, region.bound, first, last, -1.0)
    high = _largest(lanes, region.vmin, region.bound, first, last, 1.0)
    return without_df(sums.mean, 1.0 / np.sqrt(sums.weight), low, high, converged & region.converged)


def _largest(
    lanes: Lanes, vmin: FloatArray, bound: FloatArray, first: FloatArray, last: FloatArray, sign: float
) -> FloatArray:
    """Maximise ``sign * mean + sqrt(room / weight)`` over ``u = log(1 + tau2/vmin)`` by zooming in."""
    columns = np.arange(len(lanes))
    lower, upper, points = first, last, FIRST_POINTS
    best = np.full(len(lanes), np.nan)
    for _ in range(ZOOMS + 1):
        u = lower + (np.arange(points) / (points - 1.0))[:, None] * (upper - lower)
        value = _limit(lanes, vmin * np.expm1(u), bound, sign)
        at = np.where(np.isnan(value), -np.inf, value).argmax(axis=0)
        best = value[at, columns]
        lower, upper = u[np.maximum(at - 1, 0), columns], u[np.minimum(at + 1, points - 1), columns]
        points = ZOOM_POINTS
    return best


def _limit(lanes: Lanes, tau2: FloatArray, bound: FloatArray, sign: float) -> FloatArray:
    room = np.fmax(bound - deviance_grid(lanes, tau2, restricted=False), 0.0)
    sums = lanes.mean(tau2)
    return sign * sums.mean + np.sqrt(room / sums.weight)
