"""Where nodes that all studies of all clusters share lie, and how many there must be; many points at once.

Integrands are log-concave and fall at least as fast as the normal density in them, from modes that lie on the
way from mu to the studies' own logits.  That bounds the range; the spacing is that of the trapezoidal rule,
see :func:`metaresp.kernel.counts.quadrature.nodes_needed`, for the narrowest integrand.
"""

from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts import quadrature
from metaresp.kernel.nested.nodes import Nested

AT_ZERO, BY_SCORES, BY_POSITIONS = range(3)
_SPARE = 6.0  # e-foldings more than asked for: derivatives need finer nodes than the value
_SMALL = 0.1  # tau_within below which scores are summed


class Plan(NamedTuple):
    """Nodes of each point; arrays of shape (lanes,) or (lanes, ...)."""

    at: FloatArray  # (lanes, 3)
    low: FloatArray  # ends of z, the standard normal effect of a cluster
    high: FloatArray
    step: FloatArray  # of z, the longest that will do
    nodes: IntArray
    start: FloatArray  # ends of the inner nodes: logits, or z within the cluster
    end: FloatArray
    inner: IntArray
    way: IntArray

    def take(self, rows: IntArray) -> "Plan":
        """Return the points at *rows*."""
        return Plan(*(field[rows] for field in self))  # type: ignore[arg-type]

    def put(self, rows: IntArray, other: "Plan") -> None:
        """Write *other* into the points at *rows*."""
        for mine, theirs in zip(self, other, strict=True):
            mine[rows] = theirs


def _step(width: FloatArray, pole: FloatArray, nats: float) -> FloatArray:
    """Return the spacing for an error of ``exp(-nats)``, poles being so far from the real axis."""
    y = np.minimum(quadrature.STRIP * pole, width * np.sqrt(2 * nats))
    result: FloatArray = 2 * np.pi * y / (nats + 0.5 * (y / width) ** 2)
    return result


def _count(span: FloatArray, step: FloatArray, refine: int) -> IntArray:
    # beyond the clip nobody would use them
    result: IntArray = (np.ceil(np.minimum(span / step, 1e6)) * refine + 1).astype(np.int64)
    return result


def _own(data: Nested, mu: FloatArray) -> FloatArray:
    """Return the studies' own logits, shape (lanes, k); *mu* for those that are left out."""
    own = np.log((data.x + 0.5) / (data.n - data.x + 0.5))
    return np.where(data.copies > 0, own, mu[:, None])


def _tells(data: Nested, mu: FloatArray) -> FloatArray:
    """Return the most that a study's patients tell of its logit, on the way from mu to its own.

    Shape (lanes, k).
    """
    own = _own(data, mu)
    nearest = np.where((own > 0) == (mu > 0)[:, None], np.minimum(np.abs(own), np.abs(mu)[:, None]), 0.0)
    e = np.exp(-nearest)
    return np.where(data.copies > 0, data.n * e / (1 + e) ** 2, 0.0)


def planned(data: Nested, at: FloatArray, nats: float, refine: int) -> Plan:
    """Return where the nodes of each point may lie at the most; parameters as in :func:`shared_nodes`."""
    mu, between, within = at.T
    reach = np.sqrt(2 * nats)
    nats = nats + _SPARE
    gap = _own(data, mu) - mu[:, None]
    # a cluster's mode is no farther off than its studies' own logits, nor than their scores pull
    score = (
        2
        * between[:, None]
        * data.groups.sums(data.copies * np.abs(data.x - data.n * special.expit(mu)[:, None]))
    )
    pull = np.minimum(np.abs(gap) / np.maximum(between, 1e-9)[:, None], score[:, data.groups.owner])
    low = np.where(gap < 0, -pull, 0.0).min(axis=-1) - reach
    high = np.where(gap > 0, pull, 0.0).max(axis=-1) + reach
    tells = _tells(data, mu)
    through = data.groups.sums(data.copies * tells / (1 + (within * within)[:, None] * tells)).max(axis=-1)
    step = _step(1 / np.sqrt(1 + between**2 * through), np.pi / np.maximum(between, 1e-9), nats)
    # a smeared likelihood has no pole: y off the real axis it grows by exp((between y / within)^2 / 2)
    growth = 1 + data.sizes.max(axis=-1) * (between / np.maximum(within, 1e-9)) ** 2
    step = np.where(within > 0, np.maximum(step, np.pi * np.sqrt(2 / (growth * nats))), step)
    way = np.where(within <= 0, AT_ZERO, np.where(within < _SMALL, BY_SCORES, BY_POSITIONS))
    start, end, inner = _inside(data, at, low, high, tells, nats - _SPARE, refine)
    return Plan(at, low, high, step, _count(high - low, step, refine), start, end, inner, way)


def _inside(
    data: Nested,
    at: FloatArray,
    low: FloatArray,
    high: FloatArray,
    tells: FloatArray,
    nats: float,
    refine: int,
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return ends and number of the inner nodes: logits of studies, or their z within a cluster."""
    mu, between, within = at.T
    own = _own(data, mu)
    reach = np.sqrt(2 * nats)
    spread = np.maximum(within, 1e-9)
    ends = mu + between * low, mu + between * high
    least, greatest = own.min(axis=-1), own.max(axis=-1)
    present = (data.copies > 0).astype(np.float64)
    up, down = (
        np.minimum(
            present * np.abs(data.x - data.n * special.expit(end)[:, None]) * within[:, None],
            np.abs(own - end[:, None]) / spread[:, None],
        ).max(axis=-1)
        for end in ends
    )
    far, near = reach * np.hypot(between, within), reach * within
    bottom = np.maximum(np.minimum(least, mu) - far, np.minimum(least, ends[0]) - near)
    top = np.minimum(np.maximum(greatest, mu) + far, np.maximum(greatest, ends[1]) + near)
    scores = within < _SMALL
    most = tells.max(axis=-1)
    width = np.where(scores, 1 / np.sqrt(1 + within * within * most), 1 / np.sqrt(1 / spread**2 + most))
    step = _step(width, np.where(scores, np.pi / spread, np.pi), nats + _SPARE)
    start, end = np.where(scores, -reach - down, bottom), np.where(scores, reach + up, top)
    return start, end, np.where(within > 0, _count(end - start, step, refine), 1)


def narrowed(data: Nested, plan: Plan, z: FloatArray, log: FloatArray, nats: float, refine: int) -> Plan:
    """Return a plan whose nodes lie where some cluster's integrand matters.

    Parameters
    ----------
    data : Nested
    plan : Plan
    z : float array, shape (lanes, 1, points)
        Any rising z over the range of the plan.
    log : float array, shape (lanes, clusters, points)
        Logarithms of the integrands there.  They are concave: beyond the neighbours of those that are
        within *nats* of the highest nothing is.
    nats, refine
        As in :func:`planned`.
    """
    matters = (log > log.max(axis=-1, keepdims=True) - nats).any(axis=1)
    points = z.shape[-1]
    first = np.maximum(matters.argmax(axis=-1) - 1, 0)
    last = np.minimum(points - matters[:, ::-1].argmax(axis=-1), points - 1)
    lanes = np.arange(len(z))
    low, high = z[lanes, 0, first], z[lanes, 0, last]
    start, end, inner = _inside(data, plan.at, low, high, _tells(data, plan.at[:, 0]), nats, refine)
    nodes = _count(high - low, plan.step, refine)
    return plan._replace(low=low, high=high, nodes=nodes, start=start, end=end, inner=inner)
