"""Clusters of studies, and standard errors of a mean that do not trust the model within them."""

from typing import NamedTuple, Protocol

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray

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


class Clustered(Protocol):
    """Effects of studies in clusters; shape (lanes, k)."""

    @property
    def y(self) -> FloatArray:
        """Effects."""

    @property
    def v(self) -> FloatArray:
        """Sampling variances."""

    @property
    def copies(self) -> FloatArray:
        """How often each counts."""

    @property
    def groups(self) -> Groups:
        """Their clusters, in whose order they stand."""


class Robust(NamedTuple):
    """Standard errors and degrees of freedom, shape (lanes,); NaN for one cluster."""

    se_cr1: FloatArray
    df_cr1: FloatArray
    se_cr2: FloatArray
    df_cr2: FloatArray


def cluster_robust(
    data: Clustered, mu: FloatArray, within: FloatArray, between: FloatArray, one: FloatArray
) -> Robust:
    """Return cluster-robust standard errors: CR1, and CR2 with Satterthwaite degrees of freedom.

    Parameters
    ----------
    data : Clustered
    mu : float array, shape (lanes,)
        The weighted mean.
    within, between : float array, shape (lanes,)
        Variances: the working covariance V is diagonal, ``v + within``, plus *between* by cluster.
    one : float array, shape (lanes, k)
        ``V^-1 1``, the weights of the mean.

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
    g, copies = data.groups, data.copies
    clusters = (g.sums(copies) > 0).sum(axis=-1).astype(np.float64)
    m = 1 / (copies * one).sum(axis=-1)
    e = data.y - mu[:, None]
    score = g.sums(copies * one * e)
    place, here = _singles(copies)
    first = np.flatnonzero(np.diff(g.owner[place], prepend=-1))
    sizes = np.diff(np.append(first, place.size))
    part, variance, through = np.zeros((3, *score.shape))
    own = data.v + within[:, None]
    for size in np.unique(sizes):
        which = np.flatnonzero(sizes == size)
        index = first[which][:, None] + np.arange(size)
        study, seen = place[index], here[:, index]
        both = seen[..., :, None] & seen[..., None, :]
        phi = np.where(both, between[:, None, None, None], 0.0)
        scale = np.where(seen, own[:, study], 0.0).max(axis=-1, keepdims=True)
        scale = np.where(scale > 0, scale, 1.0)  # stands for what is left out, which nothing is tied to
        phi[..., np.arange(size), np.arange(size)] += np.where(seen, own[:, study], scale)
        adjusted = _adjust(phi, np.where(both, m[:, None, None, None], 0.0), np.where(seen, one[:, study], 0))
        part[:, which] = (adjusted * e[:, study]).sum(axis=-1)
        variance[:, which] = np.einsum("lci,lcij,lcj->lc", adjusted, phi, adjusted)
        through[:, which] = adjusted.sum(axis=-1)
    # covariances of the parts under the working model: residuals have covariance V - m 11'
    spread = np.einsum("lc,cd->lcd", variance, np.eye(len(first)))
    spread -= m[:, None, None] * through[:, :, None] * through[:, None, :]
    several = clusters > 1
    grown = np.where(several, clusters / np.where(several, clusters - 1, 1.0), np.nan)
    known = np.where(several, 1.0, np.nan)
    trace = np.einsum("lcc->l", spread)
    squares = np.where(several, (spread * spread).sum(axis=(-2, -1)), 1.0)
    return Robust(
        se_cr1=m * np.sqrt((score * score).sum(axis=-1) * grown),
        df_cr1=known * (clusters - 1),
        se_cr2=known * m * np.sqrt((part * part).sum(axis=-1)),
        df_cr2=known * trace**2 / squares,
    )


def _singles(copies: FloatArray) -> tuple[IntArray, BoolArray]:
    """Return a place for each copy that some lane has of a study: which study, and whether a lane has it."""
    most = np.maximum(copies.max(axis=0), 1).astype(np.int64)
    place = np.repeat(np.arange(most.size), most)
    nth = np.arange(place.size) - np.repeat(np.cumsum(most) - most, most)
    return place, copies[:, place] > nth


def _adjust(phi: FloatArray, m: FloatArray, one: FloatArray) -> FloatArray:
    """Return ``A' W 1`` of clusters of one size: ``A = D' (D (phi - m 11') D')^(-1/2) D``, ``phi = D'D``."""
    lower = np.linalg.cholesky(phi)
    upper = np.swapaxes(lower, -1, -2)
    inner = upper @ (phi - m) @ lower
    roots, vectors = np.linalg.eigh(0.5 * (inner + np.swapaxes(inner, -1, -2)))
    keep = roots > _ROUNDING * roots.max(axis=-1, keepdims=True)
    power = np.where(keep, 1 / np.sqrt(np.where(keep, roots, 1.0)), 0.0)
    half = (vectors * power[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    a = lower @ half @ upper
    result: FloatArray = np.einsum("...ij,...i->...j", a, one)
    return result
