"""Studies nested in clusters: nodes that all studies of all clusters share, many points at once.

At a point (mu, tau_between, tau_within) the clusters' logits ``m = mu + tau_between z`` are one row of nodes
for all clusters.  What a study says there, ``integral B(theta) phi((theta - m) / tau_within)``, is

* for a large tau_within a product of matrices: its binomial part B on one row of logits theta, times normal
  densities that no count enters, times powers 0 to 4 of their argument;
* for a small one a sum over nodes ``theta = m + tau_within z`` of posterior products of z and of
  ``r = p(theta) - p(m)``, from which the moments of the score ``x - n p`` follow without a division;
* for 0 the binomial likelihood at m.

Both rules are the trapezoidal one on nodes that every study needs, fine enough for the narrowest.  Where
that takes too many, or a study lies so far off that exponentials underflow, nodes about each cluster's own
mode are used: see :mod:`metaresp.kernel.two_level_nodes`.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel import quadrature
from metaresp.kernel.moments import by_positions
from metaresp.kernel.special import HALF_LOG_2PI
from metaresp.kernel.two_level_nodes import Nested, Nodes

_SPARE = 6.0  # e-foldings more than asked for: derivatives need finer nodes than the value
_SMALL = 0.1  # tau_within below which scores are summed
_MOST_PATIENTS = 2_000.0  # sums over nodes lose about n times the rounding of a float
_MOST = 1_000_000  # numbers of one point beyond which a cluster's own nodes are quicker
_TOGETHER = 150_000  # numbers worked on at once, to stay in cache
_LEAST = 1e-300
_AT_ZERO, _BY_SCORES, _BY_POSITIONS, _NONE = range(4)


class _Plan(NamedTuple):
    """Where the nodes of each point lie; arrays of shape (lanes,)."""

    at: FloatArray  # (lanes, 3)
    low: FloatArray  # of z
    high: FloatArray
    nodes: IntArray
    start: FloatArray  # of the inner nodes: logits, or z within the cluster
    end: FloatArray
    inner: IntArray
    way: IntArray

    def take(self, rows: IntArray) -> "_Plan":
        return _Plan(*(field[rows] for field in self))  # type: ignore[arg-type]


def _step(width: FloatArray, pole: FloatArray, nats: float) -> FloatArray:
    """Return the spacing for an error of ``exp(-nats)``; as :func:`quadrature.nodes_needed`."""
    y = np.minimum(quadrature.STRIP * pole, width * np.sqrt(2 * nats))
    result: FloatArray = 2 * np.pi * y / (nats + 0.5 * (y / width) ** 2)
    return result


def _plan(data: Nested, at: FloatArray, nats: float, refine: int) -> _Plan:
    mu, between, within = at.T
    x, n = data.x, data.n
    reach = np.sqrt(2 * nats)
    nats = nats + _SPARE
    own = np.log((x + 0.5) / (n - x + 0.5))
    # the mode of a cluster lies on the way to its studies' own logits, no farther than their scores pull
    gap = own - mu[:, None]
    score = 2 * between[:, None] * data.groups.sums(np.abs(x - n * special.expit(mu)[:, None]))
    pull = np.minimum(np.abs(gap) / np.maximum(between, 1e-9)[:, None], score[:, data.groups.owner])
    low = np.where(gap < 0, -pull, 0.0).min(axis=-1) - reach
    high = np.where(gap > 0, pull, 0.0).max(axis=-1) + reach
    # the logit nearest to 0, where a patient tells most, on the way from mu to a study's own
    nearest = np.where((own > 0) == (mu > 0)[:, None], np.minimum(np.abs(own), np.abs(mu)[:, None]), 0.0)
    e = np.exp(-nearest)
    tells = n * e / (1 + e) ** 2
    tau2 = within * within
    through = data.groups.sums(tells / (1 + tau2[:, None] * tells)).max(axis=-1)
    step = _step(1 / np.sqrt(1 + between**2 * through), np.pi / np.maximum(between, 1e-9), nats)
    # a smeared likelihood has no pole: y off the real axis it grows by exp((between y / within)^2 / 2)
    spread = np.where(within > 0, within, 1.0)
    growth = 1 + np.bincount(data.groups.owner).max() * (between / spread) ** 2
    step = np.where(within > 0, np.maximum(step, np.pi * np.sqrt(2 / (growth * nats))), step)
    count = np.ceil((high - low) / step) * refine + 1
    # inner nodes: logits of every study under both deviations, or z of a study within its cluster
    most = tells.max(axis=-1)
    total = reach * np.hypot(between, within)
    ends = mu + between * low, mu + between * high
    up, down = (
        np.minimum(
            np.abs(x - n * special.expit(end)[:, None]) * within[:, None],
            np.abs(own - end[:, None]) / spread[:, None],
        ).max(axis=-1)
        for end in ends
    )
    scores = within < _SMALL
    start = np.where(scores, -reach - down, np.minimum(own.min(), mu) - total)
    end = np.where(scores, reach + up, np.maximum(own.max(), mu) + total)
    width = np.where(scores, 1 / np.sqrt(1 + tau2 * most), 1 / np.sqrt(1 / spread**2 + most))
    fine = _step(width, np.where(scores, np.pi / spread, np.pi), nats)
    inner = np.where(within > 0, np.ceil((end - start) / fine) * refine + 1, 1)
    way = np.where(within <= 0, _AT_ZERO, np.where(scores, _BY_SCORES, _BY_POSITIONS))
    size = count * inner * np.where(way == _BY_POSITIONS, 10, x.size)
    unusable = (size > _MOST * refine**2) | (n.max() > _MOST_PATIENTS)
    way = np.where(unusable, _NONE, way)
    whole = (np.where(unusable, 1, field).astype(np.int64) for field in (count, inner))
    count, inner = whole
    return _Plan(at, low, high, count, start, end, inner, way)


def shared_nodes(data: Nested, at: FloatArray, nats: float, refine: int) -> Iterator[tuple[IntArray, Nodes]]:
    """Yield points, by their position, and their nodes; points that have none are left out.

    Parameters
    ----------
    data : Nested
    at : float array, shape (lanes, 3)
    nats, refine
        As in :func:`metaresp.kernel.two_level_likelihood.evaluate`.
    """
    plan = _plan(data, at, nats, refine)
    deepest = special.xlogy(data.x, data.x / data.n) + special.xlogy(data.n - data.x, 1 - data.x / data.n)
    terms = np.stack([data.x, -data.n, -deepest], axis=1)
    order = np.lexsort((plan.nodes, plan.inner, plan.way))
    order = order[plan.way[order] != _NONE]
    begin = 0
    while begin < order.size:
        last, way, most, inner = begin, plan.way[order[begin]], 0, 0
        wide = 10 if way == _BY_POSITIONS else data.x.size
        while last < order.size and plan.way[order[last]] == way:
            new = max(most, plan.nodes[order[last]]), max(inner, plan.inner[order[last]])
            size = new[0] * new[1] * wide * (last - begin + 1)
            if last > begin and size > _TOGETHER:
                break
            (most, inner), last = new, last + 1
        rows = order[begin:last]
        yield rows, _WAYS[way](data, terms, plan.take(rows), int(most), int(inner))
        begin = last


@cache
def _unit(count: int) -> FloatArray:
    return np.linspace(0.0, 1.0, count)


def _line(low: FloatArray, high: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Return *count* nodes of each lane, shape (lanes, count), and their spacing, shape (lanes, 1)."""
    span = (high - low)[:, None]
    return low[:, None] + span * _unit(count), span / max(count - 1, 1)


def _binomial(terms: FloatArray, logit: FloatArray) -> FloatArray:
    """Return the log-likelihood of each study, less the saturated one, (lanes, k, points)."""
    basis = np.empty((len(logit), 3, logit.shape[1]))
    basis[:, 0] = logit
    basis[:, 1] = np.maximum(logit, 0.0) + np.log1p(np.exp(-np.abs(logit)))
    basis[:, 2] = 1.0
    result: FloatArray = terms @ basis
    return result


def _at_zero(data: Nested, terms: FloatArray, plan: _Plan, count: int, inner: int) -> Nodes:
    z, spacing = _line(plan.low, plan.high, count)
    m = plan.at[:, :1] + plan.at[:, 1:2] * z
    p = special.expit(m)[:, None]
    n = data.n[:, None]
    each = np.zeros((6, len(m), data.x.size, count))
    each[0] = _binomial(terms, m)
    each[1] = data.x[:, None] - n * p
    each[3] = -n * p * special.expit(-m)[:, None]
    each[5] = each[1] ** 2 + each[3]
    return Nodes(z[:, None], spacing, each)


def _by_positions(data: Nested, terms: FloatArray, plan: _Plan, count: int, inner: int) -> Nodes:
    z, spacing = _line(plan.low, plan.high, count)
    logit, step = _line(plan.start, plan.end, inner)
    within = plan.at[:, 2, None, None]
    b = np.exp(_binomial(terms, logit))
    m = plan.at[:, :1] + plan.at[:, 1:2] * z
    basis = np.empty((5, len(z), inner, count))
    d = (logit[:, :, None] - m[:, None, :]) / within
    np.exp(-0.5 * d * d, out=basis[0])
    for r in range(4):
        np.multiply(basis[r], d, out=basis[r + 1])
    s = b @ basis
    mass = np.maximum(s[0], _LEAST)
    t1, t2, t3, t4 = s[1:] / mass
    v2 = t2 - t1 * t1
    v3 = t3 - t1 * (3 * t2 - 2 * t1 * t1)
    v4 = t4 - t1 * (4 * t3 - t1 * (6 * t2 - 3 * t1 * t1))
    value = np.log(mass) + (np.log(step[..., None] / within) - HALF_LOG_2PI)
    return Nodes(z[:, None], spacing, np.stack(by_positions(value, t1, (v2, v3, v4), within)))


def _by_scores(data: Nested, terms: FloatArray, plan: _Plan, count: int, inner: int) -> Nodes:
    z, spacing = _line(plan.low, plan.high, count)
    own, step = _line(plan.start, plan.end, inner)
    m = plan.at[:, :1] + plan.at[:, 1:2] * z
    p, q = special.expit(m)[..., None], special.expit(-m)[..., None]
    d = (plan.at[:, 2:] * own)[:, None, :]
    square = np.broadcast_to((own * own)[:, None, :], (*m.shape, inner))
    e = np.expm1(d)
    lift = 1 + p * e
    powers = np.empty((*m.shape, 3, inner))  # what counts multiply: distance, growth, 1
    powers[:, :, 0] = d
    powers[:, :, 1] = np.log1p(p * e)
    powers[:, :, 2] = -0.5 * square
    weight = np.stack([data.x, -data.n, np.ones_like(data.x)], axis=1)
    f = weight @ powers
    f += np.swapaxes(_binomial(terms, m), 1, 2)[..., None]
    np.exp(f, out=f)
    r = p * q * e / lift
    basis = np.empty((*m.shape, 9, inner))  # 1, z, z^2 times 1, r, r^2
    for i, factor in enumerate((1.0, r, r * r)):
        basis[:, :, 3 * i] = factor
        np.multiply(basis[:, :, 3 * i], own[:, None, :], out=basis[:, :, 3 * i + 1])
        np.multiply(basis[:, :, 3 * i], square, out=basis[:, :, 3 * i + 2])
    s = np.moveaxis(f @ np.swapaxes(basis, -1, -2), -1, 0)
    mass = np.maximum(s[0], _LEAST)
    value = np.log(mass) + (np.log(step) - HALF_LOG_2PI)[..., None]
    each = _from_products(value, s[1:] / mass, data, p, q)
    return Nodes(z[:, None], spacing, np.moveaxis(each, -1, 2))


def _from_products(
    value: FloatArray, means: FloatArray, data: Nested, p: FloatArray, q: FloatArray
) -> FloatArray:
    """Return log-likelihood and derivatives from posterior means of products of z and ``r = p - p(m)``."""
    z, zz, r, rz, rzz, rr, rrz, rrzz = means
    n = data.n
    u = data.x - n * p
    pq, slope = p * q, q - p
    nn, cross, uu = n * n, 2 * n * u, u * u
    mean_u, mean_uz = u - n * r, u * z - n * rz
    var_u = nn * (rr - r * r)
    cov = uu * z - cross * rz + nn * rrz - mean_u * mean_uz
    var_uz = uu * zz - cross * rzz + nn * rrzz - mean_uz * mean_uz
    return np.stack(
        [
            value,
            mean_u,
            mean_uz,
            var_u - n * (pq + slope * r - rr),
            cov - n * (pq * z + slope * rz - rrz),
            var_uz - n * (pq * zz + slope * rzz - rrzz),
        ]
    )


_WAYS: tuple[Callable[[Nested, FloatArray, _Plan, int, int], Nodes], ...] = (
    _at_zero,
    _by_scores,
    _by_positions,
)
