"""Clusters of studies, and standard errors of a mean that do not trust the model within them."""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray

_ROUNDING = 1e-12  # eigenvalues below this share of the largest are zeros


class Groups(NamedTuple):
    """Studies in the order of their clusters."""

    order: IntArray  # (k,): where each study stood
    first: IntArray  # (clusters,): where each cluster starts
    owner: IntArray  # (k,): the cluster of each study

    def sums(self, values: FloatArray) -> FloatArray:
        """Return sums over the clusters, the last axis of *values* being the studies."""
        result: FloatArray = np.add.reduceat(values, self.first, axis=-1)
        return result


def groups(cluster: IntArray) -> Groups:
    """Sort studies by their cluster.

    Parameters
    ----------
    cluster : int array, shape (k,)
        Any labels; studies with the same label share a cluster.
    """
    order = np.argsort(cluster, kind="stable")
    ordered = cluster[order]
    new = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    return Groups(order, np.flatnonzero(new), np.cumsum(new) - 1)


class Robust(NamedTuple):
    """Standard errors and degrees of freedom; NaN for one cluster."""

    se_cr1: float
    df_cr1: float
    se_cr2: float
    df_cr2: float


def cluster_robust(e: FloatArray, own: FloatArray, between: float, one: FloatArray, g: Groups) -> Robust:
    """Return cluster-robust standard errors: CR1, and CR2 with Satterthwaite degrees of freedom.

    Parameters
    ----------
    e : float array, shape (k,)
        Residuals from the weighted mean, in the order of *g*.
    own : float array, shape (k,)
        Variance of each study about its cluster's mean, under the working model.
    between : float
        Variance of the clusters' means: the working covariance V is diagonal plus this, by cluster.
    one : float array, shape (k,)
        ``V^-1 1``, the weights of the mean.
    g : Groups

    Returns
    -------
    Robust
        CR1 is the sandwich times C / (C - 1), on C - 1 degrees of freedom.  CR2 multiplies the residuals
        of each cluster by the matrix that makes the sandwich unbiased under the working model.

    References
    ----------
    Pustejovsky & Tipton (2018), Journal of Business & Economic Statistics 36:672, eqs. (6) to (11).
    R: ``metafor::robust(clubSandwich = FALSE)`` and ``(clubSandwich = TRUE)``.
    """
    clusters = g.first.size
    if clusters < 2:
        return Robust(np.nan, np.nan, np.nan, np.nan)
    m = 1 / float(one.sum())
    score = g.sums(one * e)
    sizes = np.diff(np.append(g.first, e.size))
    part, variance, through = np.empty(clusters), np.empty(clusters), np.empty(clusters)
    for size in np.unique(sizes):
        which = np.flatnonzero(sizes == size)
        index = g.first[which][:, None] + np.arange(size)
        phi = np.full((which.size, size, size), between)
        phi[:, np.arange(size), np.arange(size)] += own[index]
        adjusted = _adjust(phi, m, one[index])
        part[which] = (adjusted * e[index]).sum(axis=-1)
        variance[which] = np.einsum("ci,cij,cj->c", adjusted, phi, adjusted)
        through[which] = adjusted.sum(axis=-1)
    # covariances of the parts under the working model: residuals have covariance V - m 11'
    spread = np.diag(variance) - m * np.outer(through, through)
    return Robust(
        se_cr1=float(m * np.sqrt((score * score).sum() * clusters / (clusters - 1))),
        df_cr1=clusters - 1.0,
        se_cr2=float(m * np.sqrt((part * part).sum())),
        df_cr2=float(np.trace(spread) ** 2 / (spread * spread).sum()),
    )


def _adjust(phi: FloatArray, m: float, one: FloatArray) -> FloatArray:
    """Return ``A' W 1`` of clusters of one size: ``A = D' (D (phi - m 11') D')^(-1/2) D``, ``phi = D'D``."""
    lower = np.linalg.cholesky(phi)
    upper = np.swapaxes(lower, -1, -2)
    inner = upper @ (phi - m) @ lower
    roots, vectors = np.linalg.eigh(0.5 * (inner + np.swapaxes(inner, -1, -2)))
    keep = roots > _ROUNDING * roots.max(axis=-1, keepdims=True)
    power = np.where(keep, 1 / np.sqrt(np.where(keep, roots, 1.0)), 0.0)
    half = (vectors * power[:, None, :]) @ np.swapaxes(vectors, -1, -2)
    a = lower @ half @ upper
    result: FloatArray = np.einsum("cij,ci->cj", a, one)
    return result
