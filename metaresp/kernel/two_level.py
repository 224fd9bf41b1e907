"""Binomial-normal model for studies nested in clusters: maximum likelihood and profile limits of mu.

The logit of study j in cluster i is ``mu + b_i + c_ij`` with normal b and c of standard deviations
``tau_between`` and ``tau_within``; its count is binomial given the logit.  R: ``lme4::glmer(cbind(x, n - x)
~ 1 + (1 | cluster / study))``, which has only Laplace's approximation for two nested effects.  One set of
studies at a time: clusters differ in how many studies they hold, and the outer nodes follow each cluster.
"""

import math
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel import binomial_normal, quadrature
from metaresp.kernel.beta_binomial import FARTHEST, NO_MEAN
from metaresp.kernel.binomial_normal import NOT_CONVERGED, OK, TAU_MAX, TAU_UNBOUNDED
from metaresp.kernel.cluster_robust import groups
from metaresp.kernel.two_level_gaussian import ONE_EACH
from metaresp.kernel.two_level_likelihood import Nested, Point, climb, evaluate

WITHIN_UNKNOWN = 7  # every study holds one patient: studies within a cluster cannot be told to differ
_GRID = np.array([0.08, 0.25, 0.7])  # of either standard deviation, in ranges of the empirical logits
_CLOSE = 1e-10  # log-likelihoods nearer than this (relative) are equal: the simpler model is reported
_HIGHER = 1e-8  # another hill of the standard deviations counts from this height on
_VALUE = 1e-10  # log-likelihood: accuracy of a limit
_ALL = np.array([True, True, True])


class NestedFit(NamedTuple):
    """Maximum likelihood estimates of one set of nested counts; NaN where there is no mu."""

    mu: float
    se: float  # from the observed information of mu and of the standard deviations that are not 0
    tau_between: float
    tau_within: float
    loglik: float  # with the binomial coefficients
    loglik_between_zero: float  # maximum at tau_between = 0: studies as if in no cluster
    loglik_within_zero: float
    loglik_common: float  # maximum at both 0
    loglik_saturated: float
    low: float  # profile-likelihood limits of mu; NaN if no fall was given
    high: float
    reason: int


class _Best(NamedTuple):
    at: FloatArray  # (mu, tau_between, tau_within)
    value: float


def fit_nested_binomial(
    x: FloatArray, n: FloatArray, cluster: IntArray, fall: float | None = None, refine: int = 1
) -> NestedFit:
    """Maximise the likelihood over mu and both standard deviations, boundaries compared.

    Parameters
    ----------
    x, n : float array, shape (k,)
        Counts; n at least 1.
    cluster : int array, shape (k,)
        Which cluster each study belongs to.
    fall : float, optional
        Critical value of twice the log-likelihood for the profile limits of mu: a chi-square or squared
        t quantile.
    refine : int
        Multiplies the number of quadrature nodes, to show that more change nothing.

    Returns
    -------
    NestedFit
        ``reason`` is NO_MEAN without an event or without a non-event; ONE_EACH where every cluster holds
        one study, whose two standard deviations cannot be told apart (all is called *between*);
        WITHIN_UNKNOWN where every study holds one patient (``tau_within`` is 0); TAU_UNBOUNDED where a
        standard deviation is held at its limit.

    References
    ----------
    Stijnen, Hamza & Ozdemir (2010), Statistics in Medicine 29:3046, model 8, with a level added.

    Examples
    --------
    >>> x, n = np.array([1.0, 2, 9, 7, 4, 0]), np.array([9.0, 12, 14, 11, 8, 6])
    >>> fit = fit_nested_binomial(x, n, np.array([0, 0, 1, 1, 1, 0]), fall=3.841)
    >>> round(fit.mu, 2), round(fit.tau_between, 2), round(fit.tau_within, 2)
    (-0.78, 1.21, 0.0)
    >>> fit.low < fit.mu < fit.high
    True
    """
    events, rest = float(x.sum()), float((n - x).sum())
    constant = float(quadrature.saturated(x, n).sum())
    if events == 0 or rest == 0:
        nan = np.nan
        return NestedFit(nan, nan, nan, nan, nan, nan, nan, nan, constant, nan, nan, NO_MEAN)
    g = groups(cluster)
    data = Nested(x[g.order], n[g.order], g)
    one_each, single = g.first.size == x.size, bool((n == 1).all())
    free = np.array([True, g.first.size > 1, not (one_each or single)])
    fits = _fits(data, free, refine)
    names = ["common", "between", "within", "both"]
    best = fits["common"]
    for name in names[1:]:
        if name in fits and fits[name].value > best.value + _CLOSE * (1 + abs(best.value)):
            best = fits[name]
    point = evaluate(data, best.at, refine=refine)
    held = best.at[1:] >= TAU_MAX
    present = np.array([True, *(best.at[1:] > 0) & ~held])
    reason = (
        ONE_EACH
        if one_each
        else WITHIN_UNKNOWN
        if single
        else TAU_UNBOUNDED
        if held.any()
        else OK
        if (np.abs(point.gradient[present]) < 1e-5 * (1 + np.abs(np.diag(point.hessian)[present]))).all()
        else NOT_CONVERGED
    )
    ends = [np.nan, np.nan]
    if fall is not None:
        ends = [_limit(data, best, free, fall, side, refine) for side in (-1.0, 1.0)]
    flat = fits["common"].value
    return NestedFit(
        mu=float(best.at[0]),
        se=_standard_error(point, present),
        tau_between=float(best.at[1]),
        tau_within=float(best.at[2]),
        loglik=best.value + constant,
        loglik_between_zero=max(flat, fits["within"].value if "within" in fits else flat) + constant,
        loglik_within_zero=max(flat, fits["between"].value if "between" in fits else flat) + constant,
        loglik_common=flat + constant,
        loglik_saturated=constant,
        low=ends[0],
        high=ends[1],
        reason=reason,
    )


def _standard_error(point: Point, present: BoolArray) -> float:
    information = -point.hessian[np.ix_(present, present)]
    if np.linalg.eigvalsh(information)[0] <= 1e-8 * information[0, 0]:
        return float(information[0, 0] ** -0.5)
    return float(np.sqrt(np.linalg.inv(information)[0, 0]))


def _fits(data: Nested, free: BoolArray, refine: int) -> dict[str, _Best]:
    """Return the best point with neither, one or both standard deviations free to be positive."""
    mu = float(np.log(data.x.sum()) - np.log((data.n - data.x).sum()))
    zero = np.array([mu, 0.0, 0.0])
    found = {"common": _Best(zero, evaluate(data, zero, refine=refine).value)}
    taus = _taus(data)
    if free[1]:
        starts = _hills(data, mu, taus, np.zeros(1))
        found["between"] = _highest(data, starts, np.array([True, True, False]), refine)
    if free[2]:
        x, n = data.x[None], data.n[None]
        flat = binomial_normal.fit(x, n, np.ones_like(x), refine)
        at = np.array([float(flat.mu[0]), 0.0, float(flat.tau[0])])
        found["within"] = _Best(at, float(flat.loglik[0] - flat.loglik_saturated[0]))
    if free.all():
        starts = [found["between"].at, found["within"].at, *_hills(data, mu, taus, taus)]
        found["both"] = _highest(data, starts, _ALL, refine)
    return found


def _taus(data: Nested) -> FloatArray:
    y = np.log((data.x + 0.5) / (data.n - data.x + 0.5))
    result: FloatArray = np.minimum(max(float(np.ptp(y)), 0.5) * _GRID, 0.5 * TAU_MAX)
    return result


def _hills(data: Nested, mu: float, between: FloatArray, within: FloatArray) -> list[FloatArray]:
    """Return the local tops of a scan over the standard deviations; mu follows by Newton's steps."""
    value = np.full((between.size + 2, within.size + 2), -np.inf)
    mus = np.zeros((between.size, within.size))
    for i, tb in enumerate(between):
        for j, tw in enumerate(within):
            at = mu
            for _ in range(2):
                s = evaluate(data, np.array([at, tb, tw]), quadrature.SCAN)
                step = float(np.clip(-s.gradient[0] / min(s.hessian[0, 0], -1e-12), -2, 2))
                at += step
            value[i + 1, j + 1] = s.value + 0.5 * step * s.gradient[0]
            mus[i, j] = at
    return [
        np.array([mus[i, j], between[i], within[j]])
        for i in range(between.size)
        for j in range(within.size)
        if value[i + 1, j + 1] >= value[i : i + 3, j : j + 3].max()
    ]


def _highest(data: Nested, starts: list[FloatArray], free: BoolArray, refine: int) -> _Best:
    best = _Best(starts[0], -np.inf)
    for start in starts:
        at, point = climb(data, start, free, TAU_MAX, refine)
        if point.value > best.value:
            best = _Best(at, point.value)
    return best


def _limit(data: Nested, best: _Best, free: BoolArray, fall: float, side: float, refine: int) -> float:
    """Return where the profile of mu has fallen by half of *fall*: Newton on the root of the fall."""
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


def _ridge(data: Nested, mu: float, spread: FloatArray, free: BoolArray, refine: int) -> tuple[_Best, float]:
    """Return the top over the standard deviations at *mu* near *spread*, and its slope in mu."""
    start = np.array([mu, *spread])
    if not free.any():
        point, at = evaluate(data, start, refine=refine), start
    else:
        at, point = climb(data, start, free, TAU_MAX, refine)
    return _Best(at, point.value), float(point.gradient[0])


def _other_hill(
    data: Nested, mu: float, free: BoolArray, known: _Best, target: float, refine: int
) -> tuple[_Best, float] | None:
    """Look for standard deviations with a higher likelihood at *mu* than the hill that is known."""
    taus = np.concatenate([[0.0], _taus(data), [2 * float(_taus(data)[-1])]])
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
