"""The nested kernel asked for one set of studies at a time, in numbers and arrays without a lane axis."""

from typing import NamedTuple

import numpy as np

from metaresp.kernel.nested import climb as _climb
from metaresp.kernel.nested import counts as _counts
from metaresp.kernel.nested import effects as _effects
from metaresp.kernel.nested import likelihood as _likelihood
from metaresp.kernel.nested import profile as _profile
from metaresp.kernel.nested import spread as _spread
from metaresp.kernel.nested.climb import Best

NO_MEAN, OK, ONE_EACH = _counts.NO_MEAN, _counts.OK, _counts.ONE_EACH
TAU_UNBOUNDED, WITHIN_UNKNOWN = _counts.TAU_UNBOUNDED, _counts.WITHIN_UNKNOWN


class One(NamedTuple):
    mu: float
    se: float
    tau_between: float
    tau_within: float
    loglik: float
    loglik_between_zero: float
    loglik_within_zero: float
    loglik_common: float
    loglik_saturated: float
    low: float
    high: float
    reason: int


def arrange(x, n, cluster, link="logit"):
    data = _counts.arrange(np.asarray(x, float), np.asarray(n, float), cluster, link=link)
    return data, _counts.free_of(data)[0]


def fit_nested_binomial(x, n, cluster, fall=None, refine=1):
    data, _ = arrange(x, n, cluster)
    fit = _counts.fit_nested_binomial(data, refine)
    ends = (np.full(1, np.nan),) * 2
    if fall is not None and np.isfinite(fit.mu[0]):
        ends = _counts.mu_interval(data, fit.best, np.array([fall]), refine)
    return One(*(field.item() for field in (*fit[:9], *ends, fit.reason)))


def top_of(fit):
    at = np.array([[fit.mu, fit.tau_between, fit.tau_within]])
    return Best.alone(at, np.array([fit.loglik - fit.loglik_saturated]))


def evaluate(data, at, **options):
    points = at.reshape(-1, 3)
    found = _likelihood.evaluate(data.take(np.zeros(len(points), np.int64)), points, **options)
    return type(found)(*(field.reshape((*at.shape[:-1], *field.shape[1:])) for field in found))


def climb(chart, starts, free):
    return _climb.climb(chart, np.zeros(len(starts), np.int64), starts, free)


def at_chart(chart, at, nats, refine):
    return chart.evaluate(np.zeros(len(at), np.int64), at, nats, refine)


def mu_limits(data, top, free, fall):
    return tuple(end.item() for end in _profile.mu_limits(data, top, free[None], np.array([fall])))


def mu_interval(x, n, cluster, top, fall):
    data, free = arrange(x, n, cluster)
    return mu_limits(data, top, free, fall)


def fall_at(x, n, cluster, top, mu):
    return _counts.fall_at(arrange(x, n, cluster)[0], top, np.array([mu]), np.array([0])).item()


def height_at(data, mu, top, free):
    start = np.array([[mu, *top.at[0, 1:]]])
    profile = _profile.of_mu(data, free[None])
    return _profile.ridge(profile, np.array([0]), start, np.array([np.inf])).points.value.item()


def count_limits(x, n, cluster, top, fall, which):
    data, _ = arrange(x, n, cluster)
    return tuple(end.item() for end in _spread.count_limits(data, top, np.array([fall]), which))


def contributions(data, at):
    return _likelihood.information(data, at[None])[1][0]


def fit_nested_gaussian(y, v, cluster):
    fit = _effects.fit_nested_gaussian(_effects.effects_of(y, v, cluster))
    return type(fit)(*(field.item() for field in fit))


def restricted(y, v, cluster, within, between):
    return _effects.restricted(_effects.effects_of(y, v, cluster), within, between)


def effect_limits(y, v, cluster, fall, which):
    data = _effects.effects_of(y, v, cluster)
    return _spread.effect_limits(data, _effects.fit_nested_gaussian(data), fall, which)


def nested_weights(v, cluster, within, between):
    data = _effects.effects_of(np.zeros_like(v), v, cluster)
    found = np.empty_like(v)
    found[data.groups.order] = _effects.nested_weights(data, np.array([within]), np.array([between]))[0]
    return found
