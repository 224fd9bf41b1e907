"""Integrals over the true rate of one trial, by Gauss-Legendre rules on panels as narrow as they must be.

Every integrand here is a binomial likelihood times a density of theta, the scale of a model.  In the angle
``2 arcsin sqrt(p)`` a likelihood of n patients is about ``1 / sqrt(n)`` wide wherever its top is, and where
hardly an event (or non-event) is expected it changes with the logit of p.  A panel is halved until neither
changes much across it; nothing is assumed about the number of hills.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray

Logs = Callable[[FloatArray], tuple[FloatArray, FloatArray]]  # theta to log p and log q
Judge = Callable[[IntArray, FloatArray, FloatArray], tuple[BoolArray, BoolArray]]

NEGLIGIBLE = 46.0  # log n p below minus this: an event has probability 1e-20
_ANGLE = 5.0  # widest panel in standard deviations of a likelihood
_LOGIT = 2.0
_DEPTH = 200
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)


class Panels(NamedTuple):
    """Panels ``(low, high)`` of several integrals, ordered by their owner and place; shape (panels,)."""

    owner: IntArray
    low: FloatArray
    high: FloatArray

    def nodes(self) -> tuple[FloatArray, FloatArray]:
        """Return nodes and weights of the rule, shape (panels, 16)."""
        return gauss(self.low, self.high)


def gauss(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights on each interval, with a last axis of 16."""
    half = 0.5 * (high - low)[..., None]
    return 0.5 * (low + high)[..., None] + half * NODES, half * WEIGHTS


def legendre_series(at: FloatArray, weight: FloatArray) -> FloatArray:
    """Return the matrix from values at the nodes of a Gauss-Legendre rule to their Legendre series."""
    order = np.arange(at.size)
    matrix: FloatArray = np.polynomial.legendre.legvander(at, at.size - 1).T * weight * (order + 0.5)[:, None]
    return matrix


def divide(owner: IntArray, low: FloatArray, high: FloatArray, judge: Judge) -> Panels:
    """Halve panels until none is coarse.

    Parameters
    ----------
    owner, low, high : array, shape (panels,)
        Where to start.
    judge : callable
        ``judge(owner, low, high)``: whether to keep each panel, and whether it is coarse.
    """
    done = []
    for _ in range(_DEPTH):
        keep, coarse = judge(owner, low, high)
        middle = 0.5 * (low + high)
        again = keep & coarse & (low < middle) & (middle < high)
        final = keep & ~again
        done.append((owner[final], low[final], high[final]))
        if not again.any():
            break
        owner = np.tile(owner[again], 2)
        low, high = (
            np.concatenate(ends) for ends in ((low[again], middle[again]), (middle[again], high[again]))
        )
    owners, lows, highs = (np.concatenate(field) for field in zip(*done, strict=True))
    order = np.lexsort((lows, owners))
    return Panels(owners[order], lows[order], highs[order])


def angle_and_logit(log_p: FloatArray, log_q: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the angle of a rate and its logit, the latter held where n patients cannot tell."""
    least = -NEGLIGIBLE - np.log(n)
    angle: FloatArray = 2 * np.arctan2(np.exp(0.5 * log_p), np.exp(0.5 * log_q))
    return angle, np.maximum(log_p, least) - np.maximum(log_q, least)


def too_wide(
    at_low: tuple[FloatArray, FloatArray], at_high: tuple[FloatArray, FloatArray], n: FloatArray
) -> BoolArray:
    """Tell the panels across which a likelihood of *n* patients changes too much.

    Parameters
    ----------
    at_low, at_high : tuple of float array, shape (panels,)
        log p and log q at the two ends.
    n : float array, shape (panels,) or ()
    """
    low, high = angle_and_logit(*at_low, n), angle_and_logit(*at_high, n)
    result: BoolArray = ((high[0] - low[0]) * np.sqrt(n) > _ANGLE) | (np.abs(high[1] - low[1]) > _LOGIT)
    return result


def log_likelihood(x: FloatArray, y: FloatArray, log_p: FloatArray, log_q: FloatArray) -> FloatArray:
    """Return ``x log p + y log q``, 0 log 0 being 0."""
    shape = np.broadcast_shapes(x.shape, log_p.shape)
    with np.errstate(over="ignore"):
        total = np.multiply(x, log_p, where=x > 0, out=np.zeros(shape))
        total += np.multiply(y, log_q, where=y > 0, out=np.zeros(shape))
    return total
