"""Parametric-bootstrap interval for the pooled mean."""

import numpy as np

from metaresp.arrays import ArrayLike, FloatArray
from metaresp.kernel.effects.mean_registry import MEAN_CI, MeanInterval, Refit
from metaresp.kernel.effects.sums import Lanes, run_lanes
from metaresp.kernel.effects.tau2 import TAU2

RESAMPLES = 1999  # so that 2.5% and 5% tails fall on an order statistic


@MEAN_CI.add("bootstrap")
def bootstrap(
    y: ArrayLike,
    v: ArrayLike,
    copies: ArrayLike,
    tau2: ArrayLike,
    tail: float,
    refit: Refit | None,
    rng: np.random.Generator | None,
) -> MeanInterval:
    """Parametric-bootstrap interval: the Wald statistic against its own distribution at the fitted model.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.
    tau2 : float array, shape (...)
        Between-study variance, at which data sets are drawn.
    tail : float
        Probability left out on each side.
    refit : callable, optional
        Estimator of ``tau2`` applied to each drawn data set; REML if not given.
    rng : numpy.random.Generator, optional
        Each lane takes one child of it, in order, so that lanes do not depend on each other or on batches;
        a fixed seed if not given.

    Returns
    -------
    MeanInterval
        Each field of shape (...); ``df`` is infinite.  Limits are nan for a single study.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, section 12.5; van den Noortgate & Onghena
    (2005), Behavior Research Methods 37:11-22.

    Notes
    -----
    ``y* = mean + N(0, v + tau2)`` is drawn 1,999 times, ``tau2`` and the mean are estimated again, and the
    quantile of ``|mean* - mean| / se*`` replaces the normal one: a symmetric interval, as the model is.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> fit = bootstrap([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1], 0.9, 0.025, None, rng)
    >>> bool(fit.low < -0.1 < 2.1 < fit.high)
    True
    """
    again = TAU2["REML"] if refit is None else refit
    source = np.random.default_rng(2019) if rng is None else rng

    def body(lanes: Lanes, between: FloatArray) -> tuple[FloatArray, ...]:
        sums = lanes.mean(between)
        se = 1.0 / np.sqrt(sums.weight)
        quantile = np.array(
            [
                _quantile(lanes.take(np.array([i])), between[i], tail, again, child)
                for i, child in enumerate(source.spawn(len(lanes)))
            ]
        )
        half = quantile * se
        return sums.mean, se, sums.mean - half, sums.mean + half, np.isfinite(half)

    estimate, se, low, high, converged = run_lanes(body, y, v, copies, tau2)
    return MeanInterval(estimate, se, np.full_like(se, np.inf), low, high, converged)


def _quantile(lane: Lanes, tau2: float, tail: float, refit: Refit, rng: np.random.Generator) -> float:
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
