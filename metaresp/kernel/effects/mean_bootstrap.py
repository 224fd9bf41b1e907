"""Parametric-bootstrap interval for the pooled mean."""

from functools import partial

import numpy as np

from metaresp.arrays import FloatArray
from metaresp.kernel.effects.mean_registry import MEAN_CI, MeanInterval, Refit, Source, interval, without_df
from metaresp.kernel.effects.sums import Lanes
from metaresp.kernel.effects.tau2 import TAU2, Tau2Method

RESAMPLES = 1999  # so that 2.5% and 5% tails fall on an order statistic


@MEAN_CI.add("bootstrap")
@partial(interval, draws=True)
def bootstrap(lanes: Lanes, tau2: FloatArray, tail: float, refit: Refit, rng: Source) -> MeanInterval:
    """Parametric-bootstrap interval: the Wald statistic against its own distribution at the fitted model.

    ``y* = mean + N(0, v + tau2)`` is drawn 1,999 times, ``tau2`` and the mean are estimated again, and the
    quantile of ``|mean* - mean| / se*`` replaces the normal one: a symmetric interval, as the model is.
    ``df`` is infinite.

    Efron & Tibshirani (1993), An Introduction to the Bootstrap, section 12.5; van den Noortgate & Onghena
    (2005), Behavior Research Methods 37:11-22.
    R: ``boot::boot(sim = "parametric")`` around ``metafor::rma()``.
    """
    again = TAU2["REML"] if refit is None else refit
    sums = lanes.mean(tau2)
    se = 1.0 / np.sqrt(sums.weight)
    children = enumerate([] if rng is None else rng.spawn(len(lanes)))
    quantile = [_quantile(lanes.take(np.array([i])), tau2[i], tail, again, child) for i, child in children]
    half = np.array(quantile) * se
    return without_df(sums.mean, se, sums.mean - half, sums.mean + half, np.isfinite(half))


def _quantile(lane: Lanes, tau2: float, tail: float, refit: Tau2Method, rng: np.random.Generator) -> float:
    """Return the bootstrap quantile of the absolute Wald statistic of one lane."""
    if not (lane.k[0] > 1 and np.isfinite(tau2)):
        return float("nan")
    v = lane.expanded_variances()
    drawn = rng.standard_normal((RESAMPLES, len(v))) * np.sqrt(v + tau2)
    ones = np.ones(len(v))
    between = refit(drawn, v, ones).value
    sample = Lanes(drawn, np.broadcast_to(v, drawn.shape), np.broadcast_to(ones, drawn.shape))
    sums = sample.mean(between)
    statistic = np.sort(np.abs(sums.mean) * np.sqrt(sums.weight))
    rank = int(np.ceil((RESAMPLES + 1) * (1.0 - 2.0 * tail))) - 1
    return float(statistic[min(rank, RESAMPLES - 1)])
