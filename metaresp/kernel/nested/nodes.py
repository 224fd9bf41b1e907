"""Lanes of studies nested in clusters: nodes of the outer integral about each cluster's own mode.

Given the cluster's ``z`` the studies are independent, each with the marginal likelihood of
:mod:`metaresp.kernel.counts.quadrature`; their product is log-concave in z and is integrated by the
trapezoidal rule, on a window around its own mode.  This serves any counts and any standard deviations; nodes
that all studies share (:mod:`metaresp.kernel.nested.shared_nodes`) are far quicker where they do.
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray, chunked
from metaresp.kernel.counts import quadrature
from metaresp.kernel.nested.robust import Groups

_MODE_STEPS = 60
_LEAP = 4.0  # longest step of the logit
_NEAR = 0.05  # the window's centre may miss the mode by this share of its width
_NODES = np.array([12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048])


class Nested(NamedTuple):
    """Lanes of studies in the order of their clusters, one arrangement for all of them.

    ``copies`` tells how often a study counts in a lane: 0 leaves it out, and so a cluster all of whose
    studies are left out; 2 makes it two studies of its cluster.  ``nats`` is the accuracy at most: errors of
    the log-likelihood are about ``exp(-nats)``.
    """

    x: FloatArray  # (lanes, k)
    n: FloatArray
    copies: FloatArray
    groups: Groups
    link: str = "logit"
    nats: float = quadrature.FULL

    def take(self, rows: IntArray | BoolArray | slice) -> "Nested":
        """Return the lanes at *rows*."""
        return self._replace(x=self.x[rows], n=self.n[rows], copies=self.copies[rows])

    @property
    def sizes(self) -> FloatArray:
        """Number of studies in each cluster, multiplicities counted, shape (lanes, clusters)."""
        return self.groups.sums(self.copies)

    def clustered(self, each: FloatArray) -> FloatArray:
        """Return sums over each cluster, of (..., lanes, k, points): (..., lanes, clusters, points)."""
        of = np.arange(self.groups.first.size)[:, None] == self.groups.owner
        result: FloatArray = np.where(of, self.copies[:, None, :], 0.0) @ each
        return result


class Nodes(NamedTuple):
    """Nodes of the outer integrals of some lanes, and what the studies say there."""

    z: FloatArray  # (lanes, clusters or 1, nodes): standard normal effect of the cluster
    spacing: FloatArray  # (lanes, clusters or 1)
    each: FloatArray  # (6, lanes, k, nodes): log-likelihood of each study and its derivatives
    log_weight: FloatArray | None = None  # (lanes, 1, nodes): of a rule with unequal weights


def _given(data: Nested, logit: FloatArray, within: FloatArray, nats: float) -> FloatArray:
    """Return the likelihood of each cluster at *logit*, shape (lanes, clusters, points), and derivatives."""
    return data.clustered(_at_logits(data, logit, within, nats, 1))


def _at_logits(data: Nested, logit: FloatArray, within: FloatArray, nats: float, refine: int) -> FloatArray:
    """Return log-likelihood and derivatives of each study, shape (6, lanes, k, points)."""
    each = logit[:, data.groups.owner]
    mu, tau = each.ravel(), np.repeat(within, each[0].size)
    x, n = (np.broadcast_to(field[..., None], each.shape).reshape(-1, 1) for field in (data.x, data.n))
    out = np.empty((6, mu.size))
    for part in chunked(mu.size, 24):
        study = quadrature.moments(x[part], n[part], mu[part], tau[part], nats, refine)
        for row, field in zip(out, study, strict=True):
            row[part] = field[:, 0]
    result: FloatArray = out.reshape(6, *each.shape)
    return result


def each_study(data: Nested, logit: FloatArray, within: float) -> FloatArray:
    """Return the log-likelihood of each study of the one lane at logits of its cluster, shape (k, points).

    *logit* has the shape (clusters, points).
    """
    result: FloatArray = _at_logits(data, logit[None], np.array([within]), quadrature.FULL, 1)[0, 0]
    return result


def _mode(data: Nested, at: FloatArray, nats: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return where each cluster's integrand is highest, the width it has there, and its height.

    The slope ``tau_between score(mu + tau_between z) - z`` falls in z and falls at least as fast as -z:
    the mode lies between 0 and the slope at 0.  Newton, halving where it would leave.
    """
    mu, between = at[:, 0, None, None], at[:, 1, None, None]
    z = np.zeros((len(at), data.groups.first.size, 1))
    low, high = np.full_like(z, -np.inf), np.full_like(z, np.inf)
    leap = _LEAP / np.maximum(between, 1e-3)
    for step in range(_MODE_STEPS):
        value, d_mu, _, d_mu_mu, _, _ = _given(data, mu + between * z, at[:, 2], nats)
        slope = between * d_mu - z
        curve = 1 - between * between * np.minimum(d_mu_mu, 0.0)
        if step == 0:
            low, high = np.minimum(slope, 0.0), np.maximum(slope, 0.0)
        low, high = np.where(slope > 0, z, low), np.where(slope > 0, high, z)
        if (np.abs(slope) < _NEAR * np.sqrt(curve)).all():
            break
        new = z + slope / curve
        new = np.where((new >= low) & (new <= high), new, 0.5 * (low + high))
        z = np.clip(new, z - leap, z + leap)
    return z, 1 / np.sqrt(curve), value - 0.5 * z * z


def cluster_window(data: Nested, mu: float, between: float, within: float) -> FloatArray:
    """Return the z of each cluster of the one lane beyond which nothing matters, shape (clusters, 2)."""
    result: FloatArray = _window(data, np.array([[mu, between, within]]), quadrature.FULL)[0][0]
    return result


def _window(data: Nested, at: FloatArray, nats: float) -> tuple[FloatArray, FloatArray]:
    """Return where each cluster's integrand ends, shape (lanes, clusters, 2), and its width at the mode."""
    mu, between = at[:, 0, None, None], at[:, 1, None, None]
    z, scale, height = _mode(data, at, nats)
    widest = np.sqrt(2 * nats)
    d = np.concatenate([-widest * scale, widest * scale], axis=2)
    for _ in range(2):
        there = z + d
        value, d_mu = _given(data, mu + between * there, at[:, 2], nats)[:2]
        fall = value - 0.5 * there * there - height + nats
        d = np.clip(d - fall / (between * d_mu - there), -widest, widest)
    return z + d, scale


def own_nodes(data: Nested, at: FloatArray, nats: float, refine: int) -> Nodes:
    """Return nodes about the mode of each cluster.

    Parameters as in :func:`metaresp.kernel.nested.shared_nodes.shared_nodes`.
    """
    ends, scale = _window(data, at, nats)
    span = ends[..., 1:] - ends[..., :1]
    step = _spacing(data, at, scale, nats)
    wanted = float((span / step).max()) + 1
    count = int(_NODES[min(int(np.searchsorted(_NODES, wanted)), _NODES.size - 1)]) * refine
    z = ends[..., :1] + span * np.linspace(0.0, 1.0, count)
    each = _at_logits(data, at[:, 0, None, None] + at[:, 1, None, None] * z, at[:, 2], nats, refine)
    return Nodes(z, span[..., 0] / (count - 1), each)


def _spacing(data: Nested, at: FloatArray, scale: FloatArray, nats: float) -> FloatArray:
    """Return the spacing of nodes for an error of about ``exp(-nats)``, shape (lanes, clusters, 1).

    The larger of two that suffice.  One stays below the nearest pole, as
    :func:`metaresp.kernel.counts.quadrature.nodes_needed` does.  The other holds for any ``tau_within`` above
    0: a study's likelihood is then a normal smear, has no pole, and y off the real axis is at most
    ``exp((tau_between y / tau_within)**2 / 2)`` times what it is on it.
    """
    between, within = at[:, 1, None, None], at[:, 2, None, None]
    y = np.minimum(quadrature.STRIP * np.pi / np.maximum(between, 1e-9), scale * np.sqrt(2 * nats))
    below_pole: FloatArray = 2 * np.pi * y / (nats + 0.5 * (y / scale) ** 2)
    growth = 1 + data.sizes[..., None] * (between / np.maximum(within, 1e-9)) ** 2
    smeared: FloatArray = np.where(within > 0, np.pi * np.sqrt(2 / (growth * nats)), 0.0)
    return np.maximum(below_pole, smeared)
