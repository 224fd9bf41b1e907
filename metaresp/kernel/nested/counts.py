"""Binomial-normal model for studies nested in clusters: maximum likelihood and profile limits of mu.

The theta (logit, or another link of the rate) of study j in cluster i is ``mu + b_i + c_ij`` with normal b
and c of standard deviations ``tau_between`` and ``tau_within``; its count is binomial given the rate.  R:
``lme4::glmer(cbind(x, n - x) ~ 1 + (1 | cluster / study))``, which has only Laplace's approximation for two
nested effects.
"""

from typing import Any, NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts import quadrature
from metaresp.kernel.counts.beta_binomial import NO_MEAN
from metaresp.kernel.counts.binomial_normal import NOT_CONVERGED, OK, TAU_UNBOUNDED
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.nested.climb import Best, Tops, climb, deviations, usual_taus
from metaresp.kernel.nested.effects import ONE_EACH
from metaresp.kernel.nested.likelihood import Points
from metaresp.kernel.nested.nodes import Nested
from metaresp.kernel.nested.profile import fall, highest_beside, mu_limits, of_mu
from metaresp.kernel.nested.robust import groups
from metaresp.kernel.numerics.special import saturated

WITHIN_UNKNOWN = 7  # every study holds one patient: studies within a cluster cannot be told to differ
_CLOSE = 1e-10  # log-likelihoods nearer than this (relative) are equal: the simpler model is reported
_FLATTER = {"logit": 0.34, "probit": 1.0}  # a mean rate has the theta mu / sqrt(1 + this tau2), nearly
_ROUGH = 12.0  # e-foldings: accuracy of the likelihood at which climbs begin
_APART, _NEARLY = 0.05, 0.1  # in coordinates, in log-likelihood: climbs that may lead to different hills
_OFF = 0.05  # from an edge, where there is no slope
_COMMON, _BETWEEN, _WITHIN, _BOTH = range(4)
_MODELS = np.array([[True, bool(model & 1), bool(model & 2)] for model in range(4)])


class NestedFit(NamedTuple):
    """Maximum likelihood estimates of lanes of nested counts, shape (lanes,); NaN where there is no mu."""

    mu: FloatArray
    se: FloatArray  # from the observed information of mu and of the standard deviations that are not 0
    tau_between: FloatArray
    tau_within: FloatArray
    loglik: FloatArray  # with the binomial coefficients
    loglik_between_zero: FloatArray  # maximum at tau_between = 0: studies as if in no cluster
    loglik_within_zero: FloatArray
    loglik_common: FloatArray  # maximum at both 0
    loglik_saturated: FloatArray
    reason: IntArray
    hills: FloatArray  # (lanes, hills, 3): other places of the likelihood, not as high
    heights: FloatArray  # (lanes, hills): less the saturated one

    def take(self, rows: IntArray) -> "NestedFit":
        """Return the lanes at *rows*."""
        return NestedFit(*(field[rows] for field in self))  # type: ignore[arg-type]

    @property
    def at(self) -> FloatArray:
        """The estimates, shape (lanes, 3): mu, tau_between and tau_within."""
        return np.stack([self.mu, self.tau_between, self.tau_within], axis=-1)

    @property
    def best(self) -> Best:
        """Where the likelihood is highest, and its height less the saturated one."""
        return Best(self.at, self.loglik - self.loglik_saturated, self.hills, self.heights)


def arrange(
    x: FloatArray, n: FloatArray, cluster: IntArray, copies: FloatArray | None = None, link: str = "logit"
) -> Nested:
    """Return lanes of studies in the order of their clusters.

    Parameters
    ----------
    x, n : float array, shape (lanes, k) or (k,)
        Counts; n at least 1, also where *copies* is 0.
    cluster : int array, shape (k,)
        Which cluster each study belongs to, in every lane.
    copies : float array, shape (lanes, k), optional
        How often each study counts.
    link : str
        A name of ``metaresp.kernel.counts.links.LINKS``.
    """
    g = groups(cluster)
    x, n = np.atleast_2d(x), np.atleast_2d(n)
    copies = np.ones_like(x) if copies is None else copies
    return Nested(x[:, g.order], n[:, g.order], copies[:, g.order], g, link)


def free_of(data: Nested) -> BoolArray:
    """Return which of the three parameters are free, shape (lanes, 3).

    A standard deviation is free unless the design cannot show it: one cluster has no between; one study a
    cluster, or one patient a study, no within.
    """
    return np.stack([np.ones(len(data.x), dtype=np.bool_), clusters_of(data) > 1, _within_seen(data)], axis=1)


def clusters_of(data: Nested) -> FloatArray:
    """Return the number of clusters of each lane, shape (lanes,)."""
    count: FloatArray = (data.sizes > 0).sum(axis=-1).astype(np.float64)
    return count


def _within_seen(data: Nested) -> BoolArray:
    patients = np.where(data.copies > 0, data.n, 0.0).max(axis=-1)
    seen: BoolArray = (data.sizes.max(axis=-1) > 1) & (patients > 1)
    return seen


def fit_nested_binomial(data: Nested, refine: int = 1) -> NestedFit:
    """Maximise the likelihood over mu and both standard deviations, boundaries compared.

    Parameters
    ----------
    data : Nested
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
    >>> fit = fit_nested_binomial(arrange(x, n, np.array([0, 0, 1, 1, 1, 0])))
    >>> fit.mu.round(2), fit.tau_between.round(2), fit.tau_within.round(2)
    (array([-0.78]), array([1.21]), array([0.]))
    """
    rows = np.flatnonzero(_has_mean(data))
    if rows.size == len(data.x):
        return _fit(data, refine)
    found: Any = _fit(data.take(rows), refine)
    fit = NestedFit(*(np.full((len(data.x), *field.shape[1:]), np.nan) for field in found))
    fit = fit._replace(reason=np.full(len(data.x), NO_MEAN))
    fit.loglik_saturated[:] = (data.copies * saturated(data.x, data.n)).sum(axis=-1)
    for field, part in zip(fit, found, strict=True):
        field[rows] = part
    return fit


def _has_mean(data: Nested) -> BoolArray:
    events, total = ((data.copies * field).sum(axis=-1) for field in (data.x, data.n))
    seen: BoolArray = (events > 0) & (events < total)
    return seen


def _fit(data: Nested, refine: int) -> NestedFit:
    free = free_of(data)
    tops = _tops(data, free, refine)
    lanes, height = np.arange(len(free)), tops.points.value
    best = np.zeros(lanes.size, dtype=np.int64)
    for model in range(1, len(_MODELS)):
        mine = height[lanes, best]
        best = np.where(height[:, model] > mine + _CLOSE * (1 + np.abs(mine)), model, best)
    at, point = tops.at[lanes, best], Points(*(field[lanes, best] for field in tops.points))
    held = at[:, 1:] >= LINKS[data.link].tau_max
    present = np.concatenate([free[:, :1], (at[:, 1:] > 0) & ~held], axis=1)
    curve = np.abs(np.einsum("lii->li", point.hessian))
    settled = ((np.abs(point.gradient) < 1e-5 * (1 + curve)) | ~present).all(axis=-1)
    single = ((data.n == 1) | (data.copies == 0)).all(axis=-1)
    reason = np.select(
        [(data.sizes <= 1).all(axis=-1), single, held.any(axis=-1), settled],
        [ONE_EACH, WITHIN_UNKNOWN, TAU_UNBOUNDED, OK],
        NOT_CONVERGED,
    )
    constant = (data.copies * saturated(data.x, data.n)).sum(axis=-1)
    height = height + constant[:, None]
    return NestedFit(
        mu=at[:, 0],
        se=_standard_error(point, present),
        tau_between=at[:, 1],
        tau_within=at[:, 2],
        loglik=height[lanes, best],
        loglik_between_zero=height[:, [_COMMON, _WITHIN]].max(axis=-1),
        loglik_within_zero=height[:, [_COMMON, _BETWEEN]].max(axis=-1),
        loglik_common=height[:, _COMMON],
        loglik_saturated=constant,
        reason=reason,
        hills=tops.at,
        heights=tops.points.value,
    )


def mu_interval(data: Nested, best: Best, fall: FloatArray, refine: int = 1) -> tuple[FloatArray, FloatArray]:
    """Return the profile-likelihood limits of mu.

    Parameters
    ----------
    data : Nested
    best : Best
        The maximum of these lanes.
    fall : float array, shape (lanes,)
        Critical value of twice the log-likelihood: a chi-square or squared t quantile.
    refine : int
        As in :func:`fit_nested_binomial`.
    """
    return mu_limits(data, best, free_of(data), fall, refine)


def fall_at(data: Nested, best: Best, mu: FloatArray, rows: IntArray) -> FloatArray:
    """Return twice the fall of the profile of the lanes at *rows* from the maximum to *mu* or farther."""
    return fall(of_mu(data, free_of(data)), best, mu, rows)


def _standard_error(point: Points, present: BoolArray) -> FloatArray:
    own = -point.hessian[:, 0, 0]
    both = present[:, :, None] & present[:, None, :]
    inner = np.where(both, -point.hessian, own[:, None, None] * np.eye(3))
    singular = np.linalg.eigvalsh(inner)[:, 0] <= 1e-8 * own
    inner[singular] = own[singular, None, None] * np.eye(3)
    return np.sqrt(np.linalg.inv(inner)[:, 0, 0])


def _tops(data: Nested, free: BoolArray, refine: int) -> Tops:
    """Return the best points of the four models, shape (lanes, 4): neither standard deviation, one, or both.

    All climbs are lanes of one call: from the hills of a scan with both deviations, from those of its edges,
    where one is 0, along the edge and off it, and from the common rate.  They begin with fewer nodes.
    """
    rows, starts, models = _hills(data, free)
    chart = deviations(data)
    edge = ((models == _BETWEEN) | (models == _WITHIN)) & free[rows].all(axis=-1)
    beside = np.where(starts[edge] == 0, _OFF, starts[edge])
    rows, starts = np.concatenate([rows, rows[edge]]), np.concatenate([starts, beside])
    models = np.append(models, np.full(len(beside), _BOTH))
    rough = climb(deviations(data._replace(nats=min(data.nats, _ROUGH))), rows, starts, _MODELS[models])
    some = _worth(rough, rows, models)
    rows, models = rows[some], models[some]
    best = _best_of(climb(chart, rows, rough.at[some], _MODELS[models], refine), rows, models)
    height = best.points.value
    bend = best.points.hessian[:, [_BETWEEN, _WITHIN], [2, 1], [2, 1]]
    lost = (bend > 0) & (height[:, [_BETWEEN, _WITHIN]] > height[:, [_BOTH]] + _CLOSE)
    lanes, which = np.nonzero(lost & (free.sum(axis=-1) == 3)[:, None])
    if lanes.size:
        models = np.full(lanes.size, _BOTH)
        more = climb(chart, lanes, best.at[lanes, which + _BETWEEN], _MODELS[models], refine)
        _keep_higher(best, more, lanes, models)
    return best


def _worth(found: Tops, rows: IntArray, models: IntArray) -> IntArray:
    """Return rough climbs to be finished: the highest of each lane and model, others as high elsewhere."""
    value, group = found.points.value, rows * len(_MODELS) + models
    order = np.lexsort((-value, group))
    first = np.diff(group[order], prepend=-1) != 0
    top = order[np.maximum.accumulate(np.where(first, np.arange(order.size), 0))]
    apart = (np.abs(found.at[order] - found.at[top]) > _APART).any(axis=-1)
    keep = first | (apart & (value[order] > value[top] - _NEARLY))
    return np.sort(order[keep])


def _best_of(found: Tops, rows: IntArray, models: IntArray) -> Tops:
    """Return the best climb of each lane and model; of the common rate where a model has none."""
    common = np.flatnonzero(models == _COMMON)  # one a lane, in their order
    best = Tops(
        np.repeat(found.at[common, None], len(_MODELS), axis=1),
        Points(*(np.repeat(field[common, None], len(_MODELS), axis=1) for field in found.points)),
    )
    _keep_higher(best, found, rows, models)
    return best


def _keep_higher(best: Tops, found: Tops, rows: IntArray, models: IntArray) -> None:
    """Write the climbs that ended higher over the best of their lane and model."""
    order = np.argsort(found.points.value, kind="stable")  # the highest comes last
    order = order[found.points.value[order] > best.points.value[rows[order], models[order]]]
    lane, model = rows[order], models[order]
    best.at[lane, model] = found.at[order]
    for mine, theirs in zip(best.points, found.points, strict=True):
        mine[lane, model] = theirs[order]


def _hills(data: Nested, free: BoolArray) -> tuple[IntArray, FloatArray, IntArray]:
    """Return starts of climbs, the lane and model of each: the common rate, then the local tops of a scan.

    Mu follows by a step of Newton's, from where normal deviations about it give the common rate.  Along an
    edge, where the other deviation is 0, tops are those of the edge.
    """
    lanes, link = len(free), LINKS[data.link]
    events, total = ((data.copies * field).sum(axis=-1) for field in (data.x, data.n))
    rate = events / total
    mu = np.log(events) - np.log(total - events) if data.link == "logit" else link.forward(rate)
    taus = np.concatenate([np.zeros((lanes, 1)), usual_taus(data)], axis=1)
    count = taus.shape[1]
    lane, i, j = np.nonzero(
        (free[:, 1, None] | (np.arange(count) == 0))[:, :, None]
        & (free[:, 2, None] | (np.arange(count) == 0))[:, None, :]
    )
    at = np.stack([mu[lane], taus[lane, i], taus[lane, j]], axis=-1)
    at[:, 0] *= np.sqrt(1 + _FLATTER.get(data.link, 0.0) * (at[:, 1] ** 2 + at[:, 2] ** 2))
    s = deviations(data).evaluate(lane, at, quadrature.SCAN, 1)
    step = np.clip(-s.gradient[:, 0] / np.minimum(s.hessian[:, 0, 0], -1e-12), -2, 2)
    at[:, 0] += step
    value = np.full((lanes, count, count), -np.inf)
    value[lane, i, j] = s.value + 0.5 * step * s.gradient[:, 0]
    top = np.isfinite(value)
    top[:, 1:, :1] &= value[:, 1:, :1] >= highest_beside(value[:, 1:, :1], 1)
    top[:, :1, 1:] &= value[:, :1, 1:] >= highest_beside(value[:, :1, 1:], 2)
    inner = value[:, 1:, 1:]
    top[:, 1:, 1:] &= inner >= highest_beside(highest_beside(inner, 1), 2)
    top[:, 0, 0] = False
    mine = top[lane, i, j]
    none = np.zeros(lanes, dtype=np.int64)
    return (
        np.concatenate([np.arange(lanes), lane[mine]]),
        np.concatenate([np.stack([mu, none, none], axis=-1), at[mine]]),
        np.concatenate([none, (_BETWEEN * (i > 0) + _WITHIN * (j > 0))[mine]]),
    )
