"""Studies nested in clusters: nodes of the outer integral about each cluster's own mode, one point at a time.

Given the cluster's ``z`` the studies are independent, each with the marginal likelihood of
:mod:`metaresp.kernel.counts.quadrature`; their product is log-concave in z and is integrated by the
trapezoidal rule, on a window around its own mode.  This serves any counts and any standard deviations; nodes
that all studies share (:mod:`metaresp.kernel.nested.shared_nodes`) are far quicker where they do.
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, chunked
from metaresp.kernel.counts import quadrature
from metaresp.kernel.nested.robust import Groups

_MODE_STEPS = 60
_LEAP = 4.0  # longest step of the logit
_NEAR = 0.05  # the window's centre may miss the mode by this share of its width
_NODES = np.array([12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048])


class Nested(NamedTuple):
    """One set of studies in the order of their clusters."""

    x: FloatArray  # (k,)
    n: FloatArray
    groups: Groups


class Nodes(NamedTuple):
    """Nodes of the outer integrals of some lanes, and what the studies say there."""

    z: FloatArray  # (lanes, clusters or 1, nodes): standard normal effect of the cluster
    spacing: FloatArray  # (lanes, clusters or 1)
    each: FloatArray  # (6, lanes, k, nodes): log-likelihood of each study and its derivatives


class Inner(NamedTuple):
    """Sums over the studies of each cluster, given the cluster's logit; shape (clusters, points)."""

    value: FloatArray
    d_mu: FloatArray
    d_tau: FloatArray
    d_mu_mu: FloatArray
    d_mu_tau: FloatArray
    d_tau_tau: FloatArray


def _given(data: Nested, logit: FloatArray, within: float, nats: float, refine: int) -> Inner:
    """Return the likelihood of each cluster at *logit*, shape (clusters, points)."""
    each = _at_logits(data, logit, within, nats, refine)
    return Inner(*np.add.reduceat(each, data.groups.first, axis=1))


def _at_logits(data: Nested, logit: FloatArray, within: float, nats: float, refine: int) -> FloatArray:
    """Return log-likelihood and derivatives of each study, shape (6, k, points)."""
    points = logit.shape[1]
    mu = logit[data.groups.owner].ravel()
    x, n = (np.repeat(field, points)[:, None] for field in (data.x, data.n))
    out = np.empty((6, mu.size))
    for part in chunked(mu.size, 24):
        tau = np.full(mu[part].size, within)
        study = quadrature.moments(x[part], n[part], mu[part], tau, nats, refine)
        for row, field in zip(out, study, strict=True):
            row[part] = field[:, 0]
    result: FloatArray = out.reshape(6, -1, points)
    return result


def each_study(data: Nested, logit: FloatArray, within: float) -> FloatArray:
    """Return the log-likelihood of each study at logits of its cluster, shape (k, points).

    *logit* has the shape (clusters, points).
    """
    result: FloatArray = _at_logits(data, logit, within, quadrature.FULL, 1)[0]
    return result


def _mode(
    data: Nested, mu: float, between: float, within: float, nats: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return where each cluster's integrand is highest, the width it has there, and its height.

    The slope ``tau_between score(mu + tau_between z) - z`` falls in z and falls at least as fast as -z:
    the mode lies between 0 and the slope at 0.  Newton, halving where it would leave.
    """
    z = np.zeros((data.groups.first.size, 1))
    low, high = np.full_like(z, -np.inf), np.full_like(z, np.inf)
    leap = _LEAP / max(between, 1e-3)
    for step in range(_MODE_STEPS):
        inner = _given(data, mu + between * z, within, nats, 1)
        slope = between * inner.d_mu - z
        curve = 1 - between * between * np.minimum(inner.d_mu_mu, 0.0)
        if step == 0:
            low, high = np.minimum(slope, 0.0), np.maximum(slope, 0.0)
        low, high = np.where(slope > 0, z, low), np.where(slope > 0, high, z)
        if (np.abs(slope) < _NEAR * np.sqrt(curve)).all():
            break
        new = z + slope / curve
        new = np.where((new >= low) & (new <= high), new, 0.5 * (low + high))
        z = np.clip(new, z - leap, z + leap)
    return z, 1 / np.sqrt(curve), inner.value - 0.5 * z * z


def cluster_window(data: Nested, mu: float, between: float, within: float) -> FloatArray:
    """Return the standard normal z of each cluster beyond which nothing matters, shape (clusters, 2)."""
    return _window(data, mu, between, within, quadrature.FULL)[0]


def _window(
    data: Nested, mu: float, between: float, within: float, nats: float
) -> tuple[FloatArray, FloatArray]:
    """Return where each cluster's integrand ends, shape (clusters, 2), and its width at the mode."""
    z, scale, height = _mode(data, mu, between, within, nats)
    widest = np.sqrt(2 * nats)
    d = np.concatenate([-widest * scale, widest * scale], axis=1)
    for _ in range(2):
        at = z + d
        inner = _given(data, mu + between * at, within, nats, 1)
        fall = inner.value - 0.5 * at * at - height + nats
        d = np.clip(d - fall / (between * inner.d_mu - at), -widest, widest)
    return z + d, scale


def own_nodes(data: Nested, at: FloatArray, nats: float, refine: int) -> Nodes:
    """Return nodes about the mode of each cluster, for one point *at* of shape (3,): one lane.

    Other parameters as in :func:`metaresp.kernel.nested.likelihood.evaluate`.
    """
    mu, between, within = (float(value) for value in at)
    ends, scale = _window(data, mu, between, within, nats)
    span = ends[:, 1:] - ends[:, :1]
    step = _spacing(data, between, within, scale, nats)
    wanted = float((span / step).max()) + 1
    count = int(_NODES[min(int(np.searchsorted(_NODES, wanted)), _NODES.size - 1)]) * refine
    z = ends[:, :1] + span * np.linspace(0.0, 1.0, count)
    each = _at_logits(data, mu + between * z, within, nats, refine)
    return Nodes(z[None], (span / (count - 1)).T, each[:, None])


def _spacing(data: Nested, between: float, within: float, scale: FloatArray, nats: float) -> FloatArray:
    """Return the spacing of nodes for an error of about ``exp(-nats)``, shape (clusters, 1).

    The larger of two that suffice.  One stays below the nearest pole, as
    :func:`metaresp.kernel.counts.quadrature.nodes_needed` does.  The other holds for any ``tau_within``
    above 0: a study's likelihood is then a normal smear, has no pole, and y off the real axis is at most
    ``exp((tau_between y / tau_within)**2 / 2)`` times what it is on it.
    """
    y = np.minimum(quadrature.STRIP * np.pi / max(between, 1e-9), scale * np.sqrt(2 * nats))
    below_pole: FloatArray = 2 * np.pi * y / (nats + 0.5 * (y / scale) ** 2)
    if within <= 0:
        return below_pole
    studies = np.bincount(data.groups.owner)[:, None]
    growth = 1 + studies * (between / within) ** 2
    smeared: FloatArray = np.pi * np.sqrt(2 / (growth * nats))
    return np.maximum(below_pole, smeared)
