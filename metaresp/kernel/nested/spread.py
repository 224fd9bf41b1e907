"""Profile-likelihood intervals of the variances of nested studies: between, within, and their sum.

A limit is where twice the profile log-likelihood has fallen by a critical value.  R: none for counts;
``metafor::confint(rma.mv(...))`` for effects, which profiles each component by itself.
"""

import math
from collections.abc import Callable

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts import quadrature
from metaresp.kernel.counts.binomial_normal import TAU_MAX
from metaresp.kernel.nested.counts import arrange
from metaresp.kernel.nested.effects import GaussianFit, restricted
from metaresp.kernel.nested.likelihood import Nested, Point, climb, evaluate, newton_step
from metaresp.kernel.nested.profile import Best, usual_taus
from metaresp.kernel.nested.robust import groups

BETWEEN, WITHIN, TOTAL = "between", "within", "total"
_LEAST = 1e-5  # tau below which the profile is that at 0
_CROSSING = 1e-9  # of log tau
_ZOOMS, _POINTS = 9, 33
_LARGEST = 1e4  # tau2 of effects is searched up to this multiple of their spread
_ANGLES = (0.15, 0.8, 1.42)  # where the split of the total is first looked for
_STEPS = 60
_DECREMENT = 1e-14

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
    if which == TOTAL:
        return _interval(_total(data, best), best.value, math.hypot(*best.at[1:]), TAU_MAX, fall)
    one = 1 if which == BETWEEN else 2
    return _interval(_single(data, best, one), best.value, float(best.at[one]), TAU_MAX, fall)


def _single(data: Nested, best: Best, one: int) -> Height:
    """Return the height over mu and the other standard deviation, given that at position *one*."""
    free = np.array([True, one == 2, one == 1])
    warm = best.at.copy()

    def height(tau: float) -> float:
        nonlocal warm
        starts = [_at(warm, one, tau), *_hill(data, warm, one, tau)]
        tops = [climb(data, start, free, TAU_MAX) for start in starts]
        at, point = max(tops, key=lambda top: top[1].value)
        warm = at
        return point.value

    return height


def _at(point: FloatArray, one: int, tau: float, other: float | None = None) -> FloatArray:
    moved = point.copy()
    moved[one] = tau
    if other is not None:
        moved[3 - one] = other
    return moved


def _hill(data: Nested, warm: FloatArray, one: int, tau: float) -> list[FloatArray]:
    """Return a place to start from where a scan of the other deviation is higher than beside *warm*."""
    here = evaluate(data, _at(warm, one, tau), quadrature.SCAN).value
    places = [_at(warm, one, tau, float(other)) for other in (0.0, *usual_taus(data))]
    values = [evaluate(data, place, quadrature.SCAN).value for place in places]
    best = int(np.argmax(values))
    return [places[best]] if values[best] > here else []


def _total(data: Nested, best: Best) -> Height:
    """Return the height over mu and how the sum of both variances is split, given its root."""
    warm = np.array([best.at[0], math.atan2(best.at[2], best.at[1])])

    def height(tau: float) -> float:
        nonlocal warm
        if tau == 0:
            flat = climb(data, np.array([warm[0], 0.0, 0.0]), np.array([True, False, False]), TAU_MAX)
            return flat[1].value
        angles = [warm[1], *_ANGLES]
        scan = [_on_circle(data, tau, np.array([warm[0], angle]), quadrature.SCAN).value for angle in angles]
        starts = [warm] if int(np.argmax(scan)) == 0 else [warm, np.array([warm[0], angles[np.argmax(scan)]])]
        tops = [_climb_split(data, tau, _off_edge(start)) for start in starts]
        warm, value = max(tops, key=lambda top: top[1])
        return value

    return height


def _off_edge(at: FloatArray) -> FloatArray:
    """Return *at* with the angle moved off 0 and a right angle, where no slope is seen."""
    return np.array([at[0], min(max(at[1], _ANGLES[0]), _ANGLES[-1])])


def _climb_split(data: Nested, tau: float, at: FloatArray) -> tuple[FloatArray, float]:
    """Climb over mu and the angle whose cosine and sine times *tau* are the deviations.

    The likelihood is even in both, so that the angle is reflected at 0 and at a right angle.
    """
    moving = np.array([True, True, False])
    here, length = _on_circle(data, tau, at), 1.0
    for _ in range(_STEPS):
        step = newton_step(here, moving)[:2]
        if abs(float(step @ here.gradient[:2])) < _DECREMENT * (1 + abs(here.value)) or length < 1e-7:
            break
        new = at + length * step
        new[1] = abs((new[1] + math.pi / 2) % math.pi - math.pi / 2)
        found = _on_circle(data, tau, new)
        if found.value >= here.value - 1e-13 * (1 + abs(here.value)):
            at, here, length = new, found, min(1.0, 4 * length)
        else:
            length *= 0.25
    return at, here.value


def _on_circle(data: Nested, tau: float, at: FloatArray, nats: float = quadrature.FULL) -> Point:
    """Return the log-likelihood with derivatives by mu and the angle, the third being 0."""
    between, within = tau * math.cos(at[1]), tau * math.sin(at[1])
    point = evaluate(data, np.array([at[0], max(between, 0.0), within]), nats)
    turn = np.array([0.0, -within, between])
    gradient, hessian = np.zeros(3), np.zeros((3, 3))
    gradient[0], gradient[1] = point.gradient[0], turn @ point.gradient
    hessian[0, 0] = point.hessian[0, 0]
    hessian[0, 1] = hessian[1, 0] = point.hessian[0] @ turn
    inward = np.array([0.0, between, within])
    hessian[1, 1] = turn @ point.hessian @ turn - inward @ point.gradient
    return Point(point.value, gradient, hessian)


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
