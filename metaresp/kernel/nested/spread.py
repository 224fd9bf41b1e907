"""Profile-likelihood intervals of the variances of nested studies: between, within, and their sum.

A limit is where twice the profile log-likelihood has fallen by a critical value.  R: none for counts;
``metafor::confint(rma.mv(...))`` for effects, which profiles each component by itself.
"""

import math
from collections.abc import Callable

import numpy as np

from metaresp.arrays import FloatArray
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.nested.climb import Best, deviations, polar
from metaresp.kernel.nested.effects import Effects, GaussianFit, restricted
from metaresp.kernel.nested.nodes import Nested
from metaresp.kernel.nested.profile import ANGLES, Profile, limits, scanned_taus, total_of

BETWEEN, WITHIN, TOTAL = "between", "within", "total"
_LEAST = 1e-5  # tau below which the profile is that at 0
_CROSSING = 1e-9  # of log tau
_ZOOMS, _POINTS = 9, 33
_LARGEST = 1e4  # tau2 of effects is searched up to this multiple of their spread

Height = Callable[[float], float]


def _interval(height: Height, top: float, at: float, most: float, fall: float) -> tuple[float, float]:
    """Return where *height* of a standard deviation has fallen by half of *fall*; 0, infinity if nowhere."""
    from scipy.optimize import brentq

    target = top - 0.5 * fall
    inside = min(max(at, _LEAST), most)

    def missing(log_tau: float) -> float:
        return math.sqrt(2 * max(top - height(math.exp(log_tau)), 0.0)) - math.sqrt(fall)

    def crossing(outer: float) -> float:
        # a fall that rounding hides at either end, as of a level near 0, has its limit there
        if missing(math.log(inside)) >= 0:
            return inside
        if missing(math.log(outer)) <= 0:
            return outer
        return math.exp(brentq(missing, math.log(inside), math.log(outer), xtol=_CROSSING))

    low, high = 0.0, math.inf
    if at > _LEAST and height(0.0) < target:
        low = crossing(_LEAST)
    if height(most) < target:
        high = crossing(most)
    return low, high


def count_limits(data: Nested, best: Best, fall: FloatArray, which: str) -> tuple[FloatArray, FloatArray]:
    """Return the profile-likelihood interval of a standard deviation of the count model.

    Parameters
    ----------
    data : Nested
    best : Best
        The maximum of these lanes.
    fall : float array, shape (lanes,)
        Critical value of twice the log-likelihood.
    which : {"between", "within", "total"}
        The total is the root of the sum of both variances.

    Returns
    -------
    low, high : float array, shape (lanes,)
        0 and infinity where the data set no limit.
    """
    lanes, most = len(data.x), LINKS[data.link].tau_max
    if which == TOTAL:
        at = total_of(best.at)
        chart, one, scanned = polar(data), 1, np.broadcast_to(ANGLES, (lanes, ANGLES.size))
    else:
        chart, one = deviations(data), 1 if which == BETWEEN else 2
        at, scanned = best.at, scanned_taus(data)
    free = np.broadcast_to(np.arange(3) != one, (lanes, 3))
    profile = Profile(chart, one, free, {2 if one == 1 else 1: scanned})
    low, high = limits(profile, Best.alone(at, best.value), fall, (0.0, most))
    return np.where(low > _LEAST, low, 0.0), np.where(high < most, high, np.inf)


def effect_limits(data: Effects, fit: GaussianFit, fall: float, which: str) -> tuple[float, float]:
    """Return the interval of a standard deviation by the restricted profile likelihood of effects.

    Parameters
    ----------
    data : Effects
        One lane, each study once.
    fit : GaussianFit
    fall : float
        Critical value of twice the log-likelihood.
    which : {"between", "within", "total"}

    Returns
    -------
    low, high : float
        0 and infinity where the data set no limit.
    """
    y, v = data.y[0], data.v[0]
    most = _LARGEST * (float(np.var(y)) + float(v.max()))
    unit = 1 / float(np.mean(1 / v))
    parts = {BETWEEN: float(fit.tau2_between[0]), WITHIN: float(fit.tau2_within[0])}
    total = sum(parts.values())

    def height(tau: float) -> float:
        given = tau * tau
        if which == TOTAL:
            return _zoom(lambda s: restricted(data, given * s, given * (1 - s)).value, 1.0)
        far = math.log1p(most / unit)
        if which == BETWEEN:
            return _zoom(lambda u: restricted(data, unit * np.expm1(u), np.full(u.size, given)).value, far)
        return _zoom(lambda u: restricted(data, np.full(u.size, given), unit * np.expm1(u)).value, far)

    return _interval(height, float(fit.loglik[0]), math.sqrt(parts.get(which, total)), math.sqrt(most), fall)


def _zoom(values: Callable[[FloatArray], FloatArray], far: float) -> float:
    """Return the greatest value on [0, *far*]: a grid, again and again about its best point."""
    low, high, best = 0.0, far, -math.inf
    for _ in range(_ZOOMS):
        line = np.linspace(low, high, _POINTS)
        found = values(line)
        top = int(found.argmax())
        best = max(best, float(found[top]))
        low, high = float(line[max(top - 1, 0)]), float(line[min(top + 1, _POINTS - 1)])
    return best
