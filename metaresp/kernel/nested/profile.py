"""Profile likelihood of counts nested in clusters: limits of mu, and its height at any mu."""

import math
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray
from metaresp.kernel.counts import quadrature
from metaresp.kernel.counts.beta_binomial import FARTHEST
from metaresp.kernel.counts.binomial_normal import TAU_MAX
from metaresp.kernel.nested.likelihood import Nested, climb, evaluate

_GRID = np.array([0.08, 0.25, 0.7])  # of either standard deviation, in ranges of the empirical logits
_HIGHER = 1e-8  # another hill of the standard deviations counts from this height on
_VALUE = 1e-10  # log-likelihood: accuracy of a limit


class Best(NamedTuple):
    """A point and its log-likelihood less the saturated one."""

    at: FloatArray  # (mu, tau_between, tau_within)
    value: float


def usual_taus(data: Nested) -> FloatArray:
    """Return standard deviations to scan, by the range of the empirical logits."""
    y = np.log((data.x + 0.5) / (data.n - data.x + 0.5))
    result: FloatArray = np.minimum(max(float(np.ptp(y)), 0.5) * _GRID, 0.5 * TAU_MAX)
    return result


def mu_limit(data: Nested, best: Best, free: BoolArray, fall: float, side: float, refine: int) -> float:
    """Return where the profile of mu has fallen by half of *fall*: Newton on the root of the fall.

    Parameters
    ----------
    data : Nested
    best : Best
        The maximum.
    free : bool array, shape (3,)
        Which parameters may differ from 0; mu is the one that is profiled.
    fall : float
        Critical value of twice the log-likelihood.
    side : {-1, 1}
        Below or above the maximum.
    refine : int
        Multiplies the number of nodes.
    """
    spreads = free & np.array([False, True, True])
    target, wanted = best.value - 0.5 * fall, math.sqrt(fall)
    curve = max(-float(evaluate(data, best.at, quadrature.SCAN).hessian[0, 0]), 1e-3)
    inside: float = float(best.at[0])
    outside: float = side * float(np.inf)
    mu, spread = inside + side * min(wanted / math.sqrt(curve), 5.0), best.at[1:]
    for _ in range(60):
        found, slope = _ridge(data, mu, spread, spreads, refine)
        if found.value <= target + _VALUE * (1 + abs(target)) * 10:
            other = _other_hill(data, mu, spreads, found, target, refine)
            found, slope = other or (found, slope)
        spread = found.at[1:]
        miss = found.value - target
        if abs(miss) < _VALUE * (1 + abs(target)):
            return mu - miss / slope if slope else mu
        if miss > 0:
            inside = mu
        else:
            outside = mu
        root = math.sqrt(2 * max(best.value - found.value, 0.0))
        step = (root - wanted) * root / slope if slope * side < 0 and root > 0.05 * wanted else np.nan
        new = mu + step
        between = side * (new - inside) > 0 and side * (outside - new) > 0
        if not between:
            far = inside + side * 2 * max(abs(inside - best.at[0]), 0.5)
            new = 0.5 * (inside + outside) if np.isfinite(outside) else far
        new = float(np.clip(new, inside - 10, inside + 10))
        if abs(new) >= FARTHEST:
            return float(np.clip(new, -FARTHEST, FARTHEST))
        if new == mu:
            return mu
        mu = new
    return mu


def height_at(data: Nested, mu: float, best: Best, free: BoolArray) -> float:
    """Return the profile log-likelihood of *mu*: its highest value over the standard deviations."""
    spreads = free & np.array([False, True, True])
    found, _ = _ridge(data, mu, best.at[1:], spreads, 1)
    other = _other_hill(data, mu, spreads, found, -np.inf, 1)
    return found.value if other is None else max(found.value, other[0].value)


def _ridge(data: Nested, mu: float, spread: FloatArray, free: BoolArray, refine: int) -> tuple[Best, float]:
    """Return the top over the standard deviations at *mu* near *spread*, and its slope in mu."""
    start = np.array([mu, *spread])
    if not free.any():
        point, at = evaluate(data, start, refine=refine), start
    else:
        at, point = climb(data, start, free, TAU_MAX, refine)
    return Best(at, point.value), float(point.gradient[0])


def _other_hill(
    data: Nested, mu: float, free: BoolArray, known: Best, target: float, refine: int
) -> tuple[Best, float] | None:
    """Look for standard deviations with a higher likelihood at *mu* than the hill that is known."""
    taus = np.concatenate([[0.0], usual_taus(data), [2 * float(usual_taus(data)[-1])]])
    best = None
    for tb in taus if free[1] else taus[:1]:
        for tw in taus if free[2] else taus[:1]:
            s = evaluate(data, np.array([mu, tb, tw]), quadrature.SCAN)
            if s.value > max(known.value, target) + _HIGHER and (best is None or s.value > best[0]):
                best = (s.value, np.array([tb, tw]))
    if best is None:
        return None
    found, slope = _ridge(data, mu, best[1], free, refine)
    return (found, slope) if found.value > known.value + _HIGHER else None
