"""Profile-likelihood intervals of the variances of nested studies: between, within, and their sum.

A limit is where twice the profile log-likelihood has fallen by a critical value.  R: none for counts;
``metafor::confint(rma.mv(...))`` for effects, which profiles each component by itself.
"""

import math
from collections.abc import Callable

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts.binomial_normal import TAU_MAX
from metaresp.kernel.nested.climb import Best, deviations, polar
from metaresp.kernel.nested.counts import arrange
from metaresp.kernel.nested.effects import GaussianFit, restricted
from metaresp.kernel.nested.profile import Profile, limits, scanned_taus
from metaresp.kernel.nested.robust import groups

BETWEEN, WITHIN, TOTAL = "between", "within", "total"
_LEAST = 1e-5  # tau below which the profile is that at 0
_CROSSING = 1e-9  # of log tau
_ZOOMS, _POINTS = 9, 33
_LARGEST = 1e4  # tau2 of effects is searched up to this multiple of their spread
_ANGLES = np.array([0.0, 0.2, 0.45, 0.7, 0.95, 1.2, 0.5 * math.pi])  # where the split of the total is scanned

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


def count_limits(
    x: FloatArray, n: FloatArray, cluster: IntArray, best: Best, fall: float, which: str
) -> tuple[float, float]:
    """Return the profile-likelihood interval of a standard deviation of the count model.

    Parameters
    ----------
    x, n, cluster
        As in :func:`metaresp.kernel.nested.counts.fit_nested_binomial`.
    best : Best
        The maximum.
    fall : float
        Critical value of twice the log-likelihood.
    which : {"between", "within", "total"}
        The total is the root of the sum of both variances.

    Returns
    -------
    low, high : float
        0 and infinity where the data set no limit.
    """
    data, _ = arrange(x, n, cluster)
    mu, between, within = (float(value) for value in best.at)
    if which == TOTAL:
        angle = math.atan2(within, between)
        top = np.array([mu, math.hypot(between, within), angle])
        chart, one, scanned = polar(data), 1, _ANGLES
    else:
        chart, one, scanned, top = deviations(data), 1 if which == BETWEEN else 2, scanned_taus(data), best.at
    profile = Profile(chart, one, np.arange(3) != one, {2 if one == 1 else 1: scanned})
    low, high = limits(profile, Best(top, best.value), fall, (0.0, TAU_MAX))
    return low if low > _LEAST else 0.0, high if high < TAU_MAX else math.inf


def effect_limits(
    y: FloatArray, v: FloatArray, cluster: IntArray, fit: GaussianFit, fall: float, which: str
) -> tuple[float, float]:
    """Return the interval of a standard deviation by the restricted profile likelihood of effects.

    Parameters
    ----------
    y, v, cluster
        As in :func:`metaresp.kernel.nested.effects.fit_nested_gaussian`.
    fit : GaussianFit
    fall : float
        Critical value of twice the log-likelihood.
    which : {"between", "within", "total"}

    Returns
    -------
    low, high : float
        0 and infinity where the data set no limit.
    """
    g = groups(cluster)
    y, v = y[g.order], v[g.order]
    most = _LARGEST * (float(np.var(y)) + float(v.max()))
    unit = 1 / float(np.mean(1 / v))
    parts = {BETWEEN: fit.tau2_between, WITHIN: fit.tau2_within}
    total = fit.tau2_between + fit.tau2_within

    def height(tau: float) -> float:
        given = tau * tau
        if which == TOTAL:
            return _zoom(lambda s: restricted(y, v, g, given * s, given * (1 - s)).value, 1.0)
        far = math.log1p(most / unit)
        if which == BETWEEN:
            return _zoom(lambda u: restricted(y, v, g, unit * np.expm1(u), np.full(u.size, given)).value, far)
        return _zoom(lambda u: restricted(y, v, g, np.full(u.size, given), unit * np.expm1(u)).value, far)

    return _interval(height, fit.loglik, math.sqrt(parts.get(which, total)), math.sqrt(most), fall)


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
