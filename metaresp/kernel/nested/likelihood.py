"""The likelihood of counts nested in clusters, by quadrature inside quadrature, with its derivatives.

The logit of study j in cluster i is ``mu + tau_between z_i + tau_within z_ij`` with standard normal z.
Given ``z_i`` the studies of a cluster are independent, each with a marginal likelihood of its own; their
product is integrated over ``z_i`` by the trapezoidal rule.  Derivatives are posterior means of the inner
ones (Louis 1982, JRSS B 44:226): the score is the mean of the score given ``z_i``, the Hessian the mean of
the Hessian plus the covariance of the score.  A call takes any number of points.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts import quadrature
from metaresp.kernel.nested.link_nodes import panel_nodes
from metaresp.kernel.nested.nodes import Nested, Nodes, own_nodes
from metaresp.kernel.nested.shared_nodes import shared_nodes
from metaresp.kernel.numerics.special import HALF_LOG_2PI

_LANES = 16  # points of own nodes at once
_DEEPEST = -250.0  # log-likelihood of a cluster below which exponentials on shared nodes reach their floor


class Points(NamedTuple):
    """Log-likelihood, less the saturated one, with derivatives by (mu, tau_between, tau_within)."""

    value: FloatArray  # (...)
    gradient: FloatArray  # (..., 3)
    hessian: FloatArray  # (..., 3, 3)

    def take(self, rows: BoolArray | IntArray | int) -> "Points":
        """Return the points at *rows*."""
        return Points(self.value[rows], self.gradient[rows], self.hessian[rows])

    def put(self, rows: BoolArray | IntArray | int, other: "Points") -> None:
        """Write *other* into the points at *rows*."""
        for mine, theirs in zip(self, other, strict=True):
            mine[rows] = theirs


class _Posterior(NamedTuple):
    """What is known of the clusters' effects at some points."""

    nodes: Nodes
    inner: FloatArray  # (6, lanes, clusters, nodes): sums over the studies of a cluster
    top: FloatArray  # (lanes, clusters): log of the integrand where it is highest
    mass: FloatArray  # (lanes, clusters): sum of the integrand over that
    share: FloatArray  # (lanes, clusters, nodes): the integrand, its sum being 1


def _posterior(data: Nested, nodes: Nodes) -> _Posterior:
    inner = data.clustered(nodes.each)
    log = inner[0] - 0.5 * nodes.z * nodes.z
    if nodes.log_weight is not None:
        log = log + nodes.log_weight
    top = log.max(axis=-1)
    share = np.exp(log - top[..., None])
    mass = share.sum(axis=-1)
    share /= mass[..., None]
    return _Posterior(nodes, inner, top, mass, share)


def _posteriors(
    data: Nested, at: FloatArray, nats: float, refine: int
) -> Iterator[tuple[IntArray, _Posterior]]:
    """Yield points, by their position, and their posteriors: by shared nodes, or else by a cluster's own."""
    own = own_nodes if data.link == "logit" else panel_nodes
    left = np.ones(len(at), dtype=np.bool_)
    for rows, nodes in shared_nodes(data, at, nats, refine):
        mine = data.take(rows)
        found = _posterior(mine, nodes)
        good = found.top.min(axis=-1) > _DEEPEST
        if not good.all():
            rows = rows[good]
            nodes = Nodes(nodes.z[good], nodes.spacing[good], nodes.each[:, good])
            found = _posterior(mine.take(good), nodes)
        left[rows] = False
        yield rows, found
    for rows in np.split(np.flatnonzero(left), range(_LANES, len(at), _LANES)):
        if rows.size:
            mine = data.take(rows)
            yield rows, _posterior(mine, own(mine, at[rows], nats, refine))


def evaluate(data: Nested, at: FloatArray, nats: float = quadrature.FULL, refine: int = 1) -> Points:
    """Return the log-likelihood and its derivatives.

    Parameters
    ----------
    data : Nested
        One lane a point.
    at : float array, shape (lanes, 3)
        mu, tau_between and tau_within: mean, standard deviations of clusters and of studies in them.
    nats : float
        Accuracy: errors are about ``exp(-nats)``.
    refine : int
        Multiplies the number of nodes, outside and inside.

    Returns
    -------
    Points
    """
    out = Points(np.empty(len(at)), np.empty((len(at), 3)), np.empty((len(at), 3, 3)))
    for rows, found in _posteriors(data, at, min(nats, data.nats), refine):
        out.put(rows, _derivatives(data.take(rows), found))
    return out


def _derivatives(data: Nested, at: _Posterior) -> Points:
    z, f = at.nodes.z, at.share
    _, d_mu, d_tau, d_mu_mu, d_mu_tau, d_tau_tau = at.inner
    score = np.stack([d_mu, z * d_mu, d_tau])
    mean = np.einsum("ilcm,lcm->lci", score, f)
    score -= np.moveaxis(mean, -1, 0)[..., None]
    spread = np.einsum("ilcm,jlcm->lij", score * f, score)
    bend = f * d_mu_mu
    turn = f * d_mu_tau
    mm, mb, bb = (part.sum(axis=(-2, -1)) for part in (bend, bend * z, bend * z * z))
    mw, bw, ww = (part.sum(axis=(-2, -1)) for part in (turn, turn * z, f * d_tau_tau))
    second = np.stack([mm, mb, mw, mb, bb, bw, mw, bw, ww], axis=-1).reshape(-1, 3, 3)
    each = at.top + np.log(at.mass * at.nodes.spacing) - HALF_LOG_2PI
    value = np.where(data.sizes > 0, each, 0.0).sum(axis=-1)
    return Points(value, mean.sum(axis=1), second + spread)


def information(data: Nested, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what each cluster and each study tells about mu given the standard deviations.

    The information of a cluster is minus the second derivative of its log-likelihood; its studies share
    it by their own information given the cluster's effect, averaged over what is known of that.

    Parameters
    ----------
    data, at
        As in :func:`evaluate`.

    Returns
    -------
    clusters : float array, shape (lanes, clusters)
    studies : float array, shape (lanes, k)
        Of one copy, by cluster; they sum to those of the clusters.
    """
    clusters, studies = np.empty((len(at), data.groups.first.size)), np.empty(data.x.shape)
    for rows, found in _posteriors(data, at, quadrature.FULL, 1):
        f, d_mu, d_mu_mu = found.share, found.inner[1], found.inner[3]
        score = d_mu - (d_mu * f).sum(axis=-1, keepdims=True)
        clusters[rows] = -((d_mu_mu + score * score) * f).sum(axis=-1)
        own = -(found.nodes.each[3] * f[:, data.groups.owner]).sum(axis=-1)
        total = data.groups.sums(data.copies[rows] * own)
        share = clusters[rows] / np.where(total == 0, 1.0, total)
        studies[rows] = share[:, data.groups.owner] * own
    return clusters, studies
