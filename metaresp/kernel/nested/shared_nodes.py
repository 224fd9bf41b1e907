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
mode are used: see :mod:`metaresp.kernel.nested.nodes`.
"""

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts.moments import by_positions
from metaresp.kernel.nested.nodes import Nested, Nodes
from metaresp.kernel.nested.plan import AT_ZERO, BY_POSITIONS, BY_SCORES, Plan, narrowed, planned
from metaresp.kernel.numerics.special import HALF_LOG_2PI

_MOST_PATIENTS = 2_000.0  # sums over nodes lose about n times the rounding of a float
_MOST = 2e6  # nanoseconds of one point beyond which a cluster's own nodes are quicker
_LONG = 4e5  # from which on it pays to look where nodes are needed
_COARSE, _LOOKS = 24, 3  # nodes of such a look, and how often
_PER_PAIR = {AT_ZERO: (0, 20), BY_SCORES: (60, 5), BY_POSITIONS: (8, 0.5)}  # nanoseconds, and of each study
_TOGETHER = 150_000  # numbers worked on at once, to stay in cache
_FLOOR = -345.0  # of logarithms: products of two exponentials are still normal numbers, and quick


def shared_nodes(data: Nested, at: FloatArray, nats: float, refine: int) -> Iterator[tuple[IntArray, Nodes]]:
    """Yield points, by their position, and their nodes; points that have none are left out.

    Parameters
    ----------
    data : Nested
    at : float array, shape (lanes, 3)
    nats, refine
        As in :func:`metaresp.kernel.nested.likelihood.evaluate`.
    """
    if data.link != "logit":
        return
    small = np.flatnonzero((data.n * (data.copies > 0)).max(axis=-1) <= _MOST_PATIENTS)
    if small.size < len(at):
        if small.size:
            for rows, nodes in shared_nodes(data.take(small), at[small], nats, refine):
                yield small[rows], nodes
        return
    plan = planned(data, at, nats, refine)
    for _ in range(_LOOKS):
        look = plan._replace(nodes=np.minimum(plan.nodes, _COARSE))
        time = _time(data, plan)
        some = np.flatnonzero((time > _LONG * refine) & (_time(data, look) < 0.3 * np.minimum(time, _MOST)))
        if not some.size:
            break
        for rows, nodes in _in_batches(data, look, some):
            mine = data.take(rows)
            log = mine.clustered(nodes.each[0]) - 0.5 * nodes.z**2
            plan.put(rows, narrowed(mine, plan.take(rows), nodes.z, log, nats, refine))
        if not (_time(data, plan) < 0.7 * time)[some].any():
            break
    yield from _in_batches(data, plan, np.flatnonzero(_time(data, plan) <= _MOST * refine**2))


def _time(data: Nested, plan: Plan) -> FloatArray:
    """Return about how long each point takes, in nanoseconds."""
    pair, study = np.array([_PER_PAIR[way] for way in range(3)])[plan.way].T
    result: FloatArray = plan.nodes * plan.inner * (pair + study * data.x.shape[1])
    return result


def _in_batches(data: Nested, plan: Plan, rows: IntArray) -> Iterator[tuple[IntArray, Nodes]]:
    """Yield the points at *rows* with their nodes, those of about equal numbers together."""
    order = rows[np.lexsort((plan.nodes[rows], plan.inner[rows], plan.way[rows]))]
    begin = 0
    while begin < order.size:
        last, way, nodes, inner = begin, int(plan.way[order[begin]]), 0, 0
        wide = 8 if way == BY_POSITIONS else data.x.shape[1]
        while last < order.size and plan.way[order[last]] == way:
            wanted = max(nodes, int(plan.nodes[order[last]])), max(inner, int(plan.inner[order[last]]))
            if last > begin and wanted[0] * wanted[1] * wide * (last - begin + 1) > _TOGETHER:
                break
            (nodes, inner), last = wanted, last + 1
        some = order[begin:last]
        yield some, _WAYS[way](data.take(some), plan.take(some), nodes, inner)
        begin = last


@cache
def _unit(count: int) -> FloatArray:
    return np.linspace(0.0, 1.0, count)


def _line(low: FloatArray, high: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Return *count* nodes of each lane, shape (lanes, count), and their spacing, shape (lanes, 1)."""
    span = (high - low)[:, None]
    return low[:, None] + span * _unit(count), span / max(count - 1, 1)


def _binomial(data: Nested, logit: FloatArray) -> FloatArray:
    """Return the log-likelihood of each study, less the saturated one, (lanes, k, points)."""
    x, y = data.x, data.n - data.x
    terms = np.stack([x, -data.n, -special.xlogy(x, x / data.n) - special.xlogy(y, y / data.n)], axis=-1)
    basis = np.empty((len(logit), 3, logit.shape[1]))
    basis[:, 0] = logit
    basis[:, 1] = np.maximum(logit, 0.0) + np.log1p(np.exp(-np.abs(logit)))
    basis[:, 2] = 1.0
    result: FloatArray = terms @ basis
    return result


def _at_zero(data: Nested, plan: Plan, count: int, inner: int) -> Nodes:
    z, spacing = _line(plan.low, plan.high, count)
    m = plan.at[:, :1] + plan.at[:, 1:2] * z
    p = special.expit(m)[:, None]
    n = data.n[..., None]
    each = np.zeros((6, len(m), data.x.shape[1], count))
    each[0] = _binomial(data, m)
    each[1] = data.x[..., None] - n * p
    each[3] = -n * p * special.expit(-m)[:, None]
    each[5] = each[1] ** 2 + each[3]
    return Nodes(z[:, None], spacing, each)


def _by_positions(data: Nested, plan: Plan, count: int, inner: int) -> Nodes:
    z, spacing = _line(plan.low, plan.high, count)
    logit, step = _line(plan.start, plan.end, inner)
    within = plan.at[:, 2, None, None]
    b = np.exp(np.maximum(_binomial(data, logit), _FLOOR))
    m = plan.at[:, :1] + plan.at[:, 1:2] * z
    basis = np.empty((5, len(z), inner, count))
    d = (logit[:, :, None] - m[:, None, :]) / within
    np.exp(np.maximum(-0.5 * d * d, _FLOOR), out=basis[0])
    for r in range(4):
        np.multiply(basis[r], d, out=basis[r + 1])
    s = b @ basis
    mass = s[0]
    t1, t2, t3, t4 = s[1:] / mass
    v2 = t2 - t1 * t1
    v3 = t3 - t1 * (3 * t2 - 2 * t1 * t1)
    v4 = t4 - t1 * (4 * t3 - t1 * (6 * t2 - 3 * t1 * t1))
    value = np.log(mass) + (np.log(step[..., None] / within) - HALF_LOG_2PI)
    return Nodes(z[:, None], spacing, np.stack(by_positions(value, t1, (v2, v3, v4), within)))


def _by_scores(data: Nested, plan: Plan, count: int, inner: int) -> Nodes:
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
    weight = np.stack([data.x, -data.n, np.ones_like(data.x)], axis=-1)
    f = weight[:, None] @ powers
    f += np.swapaxes(_binomial(data, m), 1, 2)[..., None]
    np.exp(np.maximum(f, _FLOOR, out=f), out=f)
    r = p * q * e / lift
    basis = np.empty((*m.shape, 9, inner))  # 1, z, z^2 times 1, r, r^2
    for i, factor in enumerate((1.0, r, r * r)):
        basis[:, :, 3 * i] = factor
        np.multiply(basis[:, :, 3 * i], own[:, None, :], out=basis[:, :, 3 * i + 1])
        np.multiply(basis[:, :, 3 * i], square, out=basis[:, :, 3 * i + 2])
    s = np.moveaxis(f @ np.swapaxes(basis, -1, -2), -1, 0)
    mass = s[0]
    value = np.log(mass) + (np.log(step) - HALF_LOG_2PI)[..., None]
    each = _from_products(value, s[1:] / mass, data, p, q)
    return Nodes(z[:, None], spacing, np.moveaxis(each, -1, 2))


def _from_products(
    value: FloatArray, means: FloatArray, data: Nested, p: FloatArray, q: FloatArray
) -> FloatArray:
    """Return log-likelihood and derivatives from posterior means of products of z and ``r = p - p(m)``."""
    z, zz, r, rz, rzz, rr, rrz, rrzz = means
    n = data.n[:, None]
    u = data.x[:, None] - n * p
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


_WAYS: tuple[Callable[[Nested, Plan, int, int], Nodes], ...] = (
    _at_zero,
    _by_scores,
    _by_positions,
)
