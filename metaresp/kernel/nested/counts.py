"""Binomial-normal model for studies nested in clusters: maximum likelihood and profile limits of mu.

The logit of study j in cluster i is ``mu + b_i + c_ij`` with normal b and c of standard deviations
``tau_between`` and ``tau_within``; its count is binomial given the logit.  R: ``lme4::glmer(cbind(x, n - x)
~ 1 + (1 | cluster / study))``, which has only Laplace's approximation for two nested effects.  One set of
studies at a time: clusters differ in how many studies they hold, and the outer nodes follow each cluster.
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts import binomial_normal, quadrature
from metaresp.kernel.counts.beta_binomial import NO_MEAN
from metaresp.kernel.counts.binomial_normal import NOT_CONVERGED, OK, TAU_MAX, TAU_UNBOUNDED
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.nested.effects import ONE_EACH
from metaresp.kernel.nested.likelihood import Nested, Point, climb, evaluate
from metaresp.kernel.nested.profile import Best, height_at, mu_limit, usual_taus
from metaresp.kernel.nested.robust import groups
from metaresp.kernel.numerics.special import saturated

WITHIN_UNKNOWN = 7  # every study holds one patient: studies within a cluster cannot be told to differ
_CLOSE = 1e-10  # log-likelihoods nearer than this (relative) are equal: the simpler model is reported
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
    constant = float(saturated(x, n).sum())
    if events == 0 or rest == 0:
        nan = np.nan
        return NestedFit(nan, nan, nan, nan, nan, nan, nan, nan, constant, nan, nan, NO_MEAN)
    data, free = arrange(x, n, cluster)
    one_each, single = data.groups.first.size == x.size, bool((n == 1).all())
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
        ends = [mu_limit(data, best, free, fall, side, refine) for side in (-1.0, 1.0)]
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


def arrange(x: FloatArray, n: FloatArray, cluster: IntArray) -> tuple[Nested, BoolArray]:
    """Return the studies in the order of their clusters, and which of the three parameters are free.

    A standard deviation is free unless the design cannot show it: one cluster has no between; one study a
    cluster, or one patient a study, no within.
    """
    g = groups(cluster)
    seen = g.first.size < x.size and not bool((n == 1).all())
    return Nested(x[g.order], n[g.order], g), np.array([True, g.first.size > 1, seen])


def mu_interval(
    x: FloatArray, n: FloatArray, cluster: IntArray, best: Best, fall: float, refine: int = 1
) -> tuple[float, float]:
    """Return the profile-likelihood limits of mu of a fit that has been made.

    Parameters
    ----------
    x, n, cluster, fall, refine
        As in :func:`fit_nested_binomial`.
    best : Best
        Its maximum, see :func:`top_of`.
    """
    data, free = arrange(x, n, cluster)
    low, high = (mu_limit(data, best, free, fall, side, refine) for side in (-1.0, 1.0))
    return low, high


def top_of(fit: NestedFit) -> Best:
    """Return where the likelihood of a fit is highest, and its height less the saturated one."""
    at = np.array([fit.mu, fit.tau_between, fit.tau_within])
    return Best(at, fit.loglik - fit.loglik_saturated)


def fall_at(x: FloatArray, n: FloatArray, cluster: IntArray, best: Best, mu: float) -> float:
    """Return twice the fall of the profile log-likelihood from its maximum to *mu*, at least 0.

    Parameters as in :func:`mu_interval`; *mu* is any mean.
    """
    data, free = arrange(x, n, cluster)
    return max(0.0, 2 * (best.value - height_at(data, mu, best, free)))


def _standard_error(point: Point, present: BoolArray) -> float:
    information = -point.hessian[np.ix_(present, present)]
    if np.linalg.eigvalsh(information)[0] <= 1e-8 * information[0, 0]:
        return float(information[0, 0] ** -0.5)
    return float(np.sqrt(np.linalg.inv(information)[0, 0]))


def _fits(data: Nested, free: BoolArray, refine: int) -> dict[str, Best]:
    """Return the best point with neither, one or both standard deviations free to be positive."""
    mu = float(np.log(data.x.sum()) - np.log((data.n - data.x).sum()))
    zero = np.array([mu, 0.0, 0.0])
    found = {"common": Best(zero, evaluate(data, zero, refine=refine).value)}
    taus = usual_taus(data)
    if free[1]:
        starts = _hills(data, mu, taus, np.zeros(1))
        found["between"] = _highest(data, starts, np.array([True, True, False]), refine)
    if free[2]:
        x, n = data.x[None], data.n[None]
        flat = binomial_normal.fit(CountSurface(x, n, np.ones_like(x)), refine)
        at = np.array([float(flat.mu[0]), 0.0, float(flat.tau[0])])
        found["within"] = Best(at, float(flat.loglik[0] - flat.loglik_saturated[0]))
    if free.all():
        starts = [found["between"].at, found["within"].at, *_hills(data, mu, taus, taus)]
        found["both"] = _highest(data, starts, _ALL, refine)
    return found


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


def _highest(data: Nested, starts: list[FloatArray], free: BoolArray, refine: int) -> Best:
    best = Best(starts[0], -np.inf)
    for start in starts:
        at, point = climb(data, start, free, TAU_MAX, refine)
        if point.value > best.value:
            best = Best(at, point.value)
    return best
