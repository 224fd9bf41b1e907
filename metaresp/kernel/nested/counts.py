"""Binomial-normal model for studies nested in clusters: maximum likelihood and profile limits of mu.

The logit of study j in cluster i is ``mu + b_i + c_ij`` with normal b and c of standard deviations
``tau_between`` and ``tau_within``; its count is binomial given the logit.  R: ``lme4::glmer(cbind(x, n - x)
~ 1 + (1 | cluster / study))``, which has only Laplace's approximation for two nested effects.  One set of
studies at a time: clusters differ in how many studies they hold.
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts import quadrature
from metaresp.kernel.counts.beta_binomial import NO_MEAN
from metaresp.kernel.counts.binomial_normal import NOT_CONVERGED, OK, TAU_MAX, TAU_UNBOUNDED
from metaresp.kernel.nested.climb import Best, Tops, climb, deviations
from metaresp.kernel.nested.effects import ONE_EACH
from metaresp.kernel.nested.likelihood import Points, evaluate
from metaresp.kernel.nested.nodes import Nested
from metaresp.kernel.nested.profile import height_at, mu_limits, usual_taus
from metaresp.kernel.nested.robust import groups
from metaresp.kernel.numerics.special import saturated

WITHIN_UNKNOWN = 7  # every study holds one patient: studies within a cluster cannot be told to differ
_CLOSE = 1e-10  # log-likelihoods nearer than this (relative) are equal: the simpler model is reported
_FLATTER = 0.34  # a mean rate has the logit mu / sqrt(1 + this tau2), nearly
_OFF = 0.05  # from an edge, where there is no slope
_COMMON, _BETWEEN, _WITHIN, _BOTH = range(4)
_MODELS = np.array([[True, bool(model & 1), bool(model & 2)] for model in range(4)])


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
    tops = _tops(data, free, refine)
    height = tops.points.value
    best = 0
    for model in range(1, len(height)):
        if height[model] > height[best] + _CLOSE * (1 + abs(height[best])):
            best = model
    at, point = tops.at[best], tops.points.take(best)
    held = at[1:] >= TAU_MAX
    present = np.array([True, *(at[1:] > 0) & ~held])
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
    height = height + constant
    fit = NestedFit(
        mu=float(at[0]),
        se=_standard_error(point, present),
        tau_between=float(at[1]),
        tau_within=float(at[2]),
        loglik=float(height[best]),
        loglik_between_zero=float(height[[_COMMON, _WITHIN]].max()),
        loglik_within_zero=float(height[[_COMMON, _BETWEEN]].max()),
        loglik_common=float(height[_COMMON]),
        loglik_saturated=constant,
        low=np.nan,
        high=np.nan,
        reason=reason,
    )
    if fall is None:
        return fit
    low, high = mu_limits(data, top_of(fit), free, fall, refine)
    return fit._replace(low=low, high=high)


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
    return mu_limits(data, best, free, fall, refine)


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


def _standard_error(point: Points, present: BoolArray) -> float:
    information = -point.hessian[np.ix_(present, present)]
    if np.linalg.eigvalsh(information)[0] <= 1e-8 * information[0, 0]:
        return float(information[0, 0] ** -0.5)
    return float(np.sqrt(np.linalg.inv(information)[0, 0]))


def _tops(data: Nested, free: BoolArray, refine: int) -> Tops:
    """Return the best points of the four models: neither standard deviation, one, or both not 0.

    All climbs are lanes of one call: from the hills of a scan with both deviations, from those of its edges,
    where one is 0, along the edge and off it, and from the common rate.
    """
    usual = usual_taus(data)
    taus = [np.array([0.0, *usual]) if may else np.zeros(1) for may in free[1:]]
    starts, models = _hills(data, *taus)
    chart = deviations(data)
    if free.all():
        edge = (models == _BETWEEN) | (models == _WITHIN)
        beside = np.where(starts[edge] == 0, _OFF, starts[edge])
        starts, models = np.concatenate([starts, beside]), np.append(models, np.full(len(beside), _BOTH))
    best = _best_of(climb(chart, starts, _MODELS[models], refine), models)
    if free.all():
        height = best.points.value
        bend = best.points.hessian[[_BETWEEN, _WITHIN], [2, 1], [2, 1]]
        lost = (bend > 0) & (height[[_BETWEEN, _WITHIN]] > height[_BOTH] + _CLOSE)
        if lost.any():
            more = climb(
                chart, best.at[[_BETWEEN, _WITHIN]][lost], _MODELS[[_BOTH] * int(lost.sum())], refine
            )
            top = int(more.points.value.argmax())
            if more.points.value[top] > height[_BOTH]:
                best.put(_BOTH, Tops(more.at[top], more.points.take(top)))
    return best


def _best_of(found: Tops, models: IntArray) -> Tops:
    """Return the best lane of each model; of the common rate where a model has none."""
    rows = np.zeros(4, dtype=np.int64)
    for row, model in enumerate(models):
        if found.points.value[row] > found.points.value[rows[model]]:
            rows[model] = row
    return Tops(found.at[rows], found.points.take(rows))


def _hills(data: Nested, between: FloatArray, within: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return starts of climbs and the model of each: the common rate, then the local tops of a scan.

    Mu follows by a step of Newton's, from where normal deviations about it give the common rate.  Along an
    edge, where the other deviation is 0, tops are those of the edge.
    """
    mu = float(np.log(data.x.sum()) - np.log((data.n - data.x).sum()))
    shape = between.size, within.size
    at = np.empty((*shape, 3))
    at[..., 1], at[..., 2] = between[:, None], within
    at[..., 0] = mu * np.sqrt(1 + _FLATTER * (at[..., 1] ** 2 + at[..., 2] ** 2))
    s = evaluate(data, at, quadrature.SCAN)
    step = np.clip(-s.gradient[..., 0] / np.minimum(s.hessian[..., 0, 0], -1e-12), -2, 2)
    at[..., 0] += step
    value = s.value + 0.5 * step * s.gradient[..., 0]
    starts, models = [np.array([mu, 0.0, 0.0])], [_COMMON]
    for i, j in np.ndindex(*shape):
        model = _BETWEEN * (i > 0) + _WITHIN * (j > 0)
        rivals = value[_beside(i), _beside(j)]
        if model and value[i, j] >= rivals.max():
            starts.append(at[i, j])
            models.append(model)
    return np.array(starts), np.array(models)


def _beside(i: int) -> slice:
    return slice(max(i - 1, 1), i + 2) if i else slice(0, 1)
