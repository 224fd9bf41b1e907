"""Binomial-normal regression: counts whose means on a link scale are rows of a design times coefficients.

The count of study i is binomial with a rate whose theta is normal with mean ``z_i c`` and standard deviation
tau.  A point of a search is (c, tau).  R: ``metafor::rma.glmm(mods = ~ x)``, ``lme4::glmer`` with many nodes.
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray, chunked
from metaresp.kernel.counts import quadrature
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.surface import PENALTIES, CountSurface, Penalty
from metaresp.kernel.effects.sums import inverse_variance
from metaresp.kernel.nested.climb import Chart, climb
from metaresp.kernel.nested.likelihood import Points
from metaresp.kernel.regression.lanes import inverted

_ELEMENTS = 24_000  # studies at once
_DECREMENT = 1e-16  # squared Newton step in standard errors at which a climb ends
_GRID = np.array([0.15, 0.4, 0.8])  # tau to start from, in ranges of the residuals
_KEPT = 2  # starts that are climbed from, beside tau = 0
_FARTHEST = 0.5  # coordinate that is not passed, as a share of where rates are 0 or 1


class DesignCounts(NamedTuple):
    """Lanes of counts with a design each.

    Attributes
    ----------
    data : CountSurface
        Of arrays of shape (lanes, k); its penalty is not looked at.
    z : float array, shape (lanes, k, p)
        Columns about orthogonal and of mean square 1.
    pseudo : float array, shape (lanes, s, p)
        Each row is a sum of coordinates that is penalised as half a response and half a non-response at it
        would: the density log-F(1, 1) of a coefficient (Greenland & Mansournia 2015, Statistics in Medicine
        34:3133).
    penalty : Penalty or None
        On tau.
    """

    data: CountSurface
    z: FloatArray
    pseudo: FloatArray
    penalty: Penalty | None = None

    @classmethod
    def plain(cls, data: CountSurface, z: FloatArray) -> "DesignCounts":
        """Return lanes of which nothing is penalised."""
        return cls(data, np.ascontiguousarray(z), np.zeros((len(z), 0, z.shape[-1])))

    @property
    def lanes(self) -> int:
        """Number of lanes."""
        return len(self.z)

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return int(self.z.shape[-1])

    def take(self, rows: IntArray | BoolArray | slice) -> "DesignCounts":
        """Return the lanes at *rows*."""
        return self._replace(data=self.data.take(rows), z=self.z[rows], pseudo=self.pseudo[rows])

    def at(self, points: FloatArray, nats: float = quadrature.FULL, refine: int = 1) -> Points:
        """Return log-likelihood (less the saturated one) with penalties, gradient and Hessian.

        Parameters
        ----------
        points : float array, shape (lanes, p + 1)
            Coordinates and tau.
        """
        lanes, k = self.data.x.shape
        if lanes * k > _ELEMENTS and lanes > 1:
            parts = [self.take(rows).at(points[rows], nats, refine) for rows in chunked(lanes, k, _ELEMENTS)]
            return Points(*(np.concatenate(field) for field in zip(*parts, strict=True)))
        p = self.p
        eta, tau = np.einsum("lkp,lp->lk", self.z, points[:, :p]), points[:, p]
        each = self._each(eta, tau, nats, refine)
        c = self.data.copies
        value, d_mu, d_tau, d_mu_mu, d_mu_tau, d_tau_tau = (c * field for field in each)
        gradient, hessian = np.empty((lanes, p + 1)), np.empty((lanes, p + 1, p + 1))
        across = np.swapaxes(self.z, -1, -2)
        gradient[:, :p] = (across @ d_mu[..., None])[..., 0]
        gradient[:, p] = d_tau.sum(axis=-1)
        hessian[:, :p, :p] = across @ (d_mu_mu[..., None] * self.z)
        hessian[:, :p, p] = hessian[:, p, :p] = (across @ d_mu_tau[..., None])[..., 0]
        hessian[:, p, p] = d_tau_tau.sum(axis=-1)
        return self._penalised(points, Points(value.sum(axis=-1), gradient, hessian))

    def _each(self, eta: FloatArray, tau: FloatArray, nats: float, refine: int) -> list[FloatArray]:
        """Return the moments of every study as a lane of its own, shape (lanes, k) each."""
        lanes, k = eta.shape
        x, n = self.data.x.reshape(-1, 1), self.data.n.reshape(-1, 1)
        single = self.data._replace(x=x, n=n, copies=np.ones_like(x))
        each = single.each(eta.ravel(), np.repeat(tau, k), nats, refine)
        return [field.reshape(lanes, k) for field in each]

    def information(self, points: FloatArray) -> FloatArray:
        """Return what each study tells about its mean given tau, shape (lanes, k)."""
        eta = np.einsum("lkp,lp->lk", self.z, points[:, : self.p])
        return -self._each(eta, points[:, self.p], quadrature.FULL, 1)[3]

    def _penalised(self, points: FloatArray, s: Points) -> Points:
        p = self.p
        value, gradient, hessian = s
        if self.pseudo.shape[1]:
            b = np.einsum("lsp,lp->ls", self.pseudo, points[:, :p])
            rate = 1 / (1 + np.exp(-np.clip(b, -700, 700)))
            value = value + (0.5 * b - np.logaddexp(0.0, b) + np.log(2.0)).sum(axis=-1)
            gradient[:, :p] += np.einsum("lsp,ls->lp", self.pseudo, 0.5 - rate)
            hessian[:, :p, :p] -= np.einsum("lsp,ls,lsq->lpq", self.pseudo, rate * (1 - rate), self.pseudo)
        if self.penalty is not None:
            tau = points[:, p]
            terms = PENALTIES[self.penalty.name](np.zeros_like(tau), tau, self.penalty.scale)
            value = value + terms[0]
            gradient[:, p] += terms[2]
            hessian[:, p, p] += terms[4]
        return Points(value, gradient, hessian)

    def chart(self) -> Chart:
        """Return the coordinates as a climb asks for them: tau is even at 0."""
        p, most = self.p, LINKS[self.data.link].tau_max
        low, high = np.full(p + 1, -np.inf), np.full(p + 1, np.inf)
        low[p], high[p] = 0.0, most
        even = np.zeros((2, p + 1), dtype=np.bool_)
        even[0, p] = True
        far = _FARTHEST * self.data.farthest

        def fold(points: FloatArray) -> FloatArray:
            points = np.clip(points, -far, far)
            points[:, p] = np.minimum(np.abs(points[:, p]), most)
            return points

        def at(rows: IntArray, points: FloatArray, nats: float, refine: int) -> Points:
            return self.take(rows).at(points, nats, refine)

        def longest(points: FloatArray) -> FloatArray:
            size = np.abs(points)
            size[:, :p] = 0.5 * size[:, :p].max(axis=-1, keepdims=True)
            return np.maximum(size, 2.0)  # far out, where long tails reach, a climb goes on in its direction

        ends = _DECREMENT if self.data.exact else 3 * self.data.error
        return Chart(at, fold, low, high, even, ends, longest)


class CountsFit(NamedTuple):
    """Maxima; leading shape (lanes,)."""

    at: FloatArray  # (lanes, p + 1): coordinates and tau
    local: Points
    common: FloatArray  # (lanes, p + 1): the maximum with tau = 0
    common_value: FloatArray

    def take(self, rows: IntArray) -> "CountsFit":
        """Return the lanes at *rows*."""
        return CountsFit(self.at[rows], self.local.take(rows), self.common[rows], self.common_value[rows])


def rotated(best: CountsFit, rotation: FloatArray) -> CountsFit:
    """Return one maximum in the coordinates of turned bases, a lane a turn.

    Parameters
    ----------
    best : CountsFit
        One lane.
    rotation : float array, shape (lanes, p, p)
        See :class:`metaresp.kernel.regression.designs.Turn`.
    """
    lanes, p = rotation.shape[:2]
    whole = np.zeros((lanes, p + 1, p + 1))
    whole[:, :p, :p], whole[:, p, p] = rotation, 1.0
    back = np.swapaxes(whole, -1, -2)
    s = best.local
    local = Points(np.repeat(s.value, lanes), back @ s.gradient[0], back @ s.hessian[0] @ whole)
    return CountsFit(back @ best.at[0], local, back @ best.common[0], np.repeat(best.common_value, lanes))


def fit(counts: DesignCounts, free: BoolArray | None = None) -> CountsFit:
    """Maximise over the free coordinates and tau >= 0, the others being 0.

    Parameters
    ----------
    counts : DesignCounts
    free : bool array, shape (lanes, p), optional
        Columns that are left out are held at 0; without it none is.
    """
    lanes, p = counts.lanes, counts.p
    free = np.ones((lanes, p), dtype=np.bool_) if free is None else free
    tau, c = starts(counts, free)
    points = np.concatenate([c, tau[..., None]], axis=-1)  # (lanes, starts, p + 1)
    count = points.shape[1]
    owner = np.repeat(np.arange(lanes), count)
    value = counts.take(owner).at(points.reshape(-1, p + 1), quadrature.SCAN).value.reshape(lanes, count)
    best = np.argsort(-value[:, 1:], axis=-1, kind="stable")[:, :_KEPT] + 1
    chosen = np.concatenate([np.zeros((lanes, 1), dtype=np.int64), best], axis=1)
    begin = np.take_along_axis(points, chosen[..., None], axis=1)
    each = chosen.shape[1]
    rows = np.repeat(np.arange(lanes), each)
    loose = np.repeat(np.concatenate([free, np.ones((lanes, 1), dtype=np.bool_)], axis=1), each, axis=0)
    loose[::each, p] = False  # tau = 0 is a maximum of its own, and compared
    tops = climb(counts.chart(), rows, begin.reshape(-1, p + 1), loose)
    reached = tops.points.value.reshape(lanes, each)
    top = np.arange(lanes) * each + np.argmax(np.where(np.isfinite(reached), reached, -np.inf), axis=-1)
    zero = np.arange(lanes) * each
    return CountsFit(tops.at[top], tops.points.take(top), tops.at[zero], tops.points.value[zero])


def starts(counts: DesignCounts, free: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return tau to start from, 0 first, shape (lanes, starts), and weighted least-squares coordinates."""
    x, n, copies, link = counts.data[:4]
    y, v = LINKS[link].empirical(x, n)
    there = copies > 0
    spread = np.where(there, y, -np.inf).max(axis=-1) - np.where(there, y, np.inf).min(axis=-1)
    tau = np.maximum(spread, 0.5)[:, None] * np.concatenate([[0.0], _GRID])
    tau = np.minimum(tau, 0.5 * LINKS[link].tau_max)
    w = copies[:, None, :] * inverse_variance(v[:, None, :], tau[..., None] ** 2)  # (lanes, starts, k)
    z = np.where(free[:, None, :], counts.z, 0.0)
    a = np.einsum("lkp,lsk,lkq->lspq", z, w, z, optimize=True)
    a[..., np.arange(counts.p), np.arange(counts.p)] += np.where(free, 0.0, 1.0)[:, None, :]
    b = np.einsum("lkp,lsk,lk->lsp", z, w, y, optimize=True)
    c = np.einsum("lspq,lsq->lsp", inverted(a), b)
    return tau, np.where(np.isfinite(c), c, 0.0)


def covariance(local: Points, tau: FloatArray) -> FloatArray:
    """Return the covariance of the coordinates by the observed information, tau being known where it is 0.

    Where the likelihood is not concave in all, the spread is taken as known.
    """
    p = local.gradient.shape[-1] - 1
    h = -local.hessian
    alone = inverted(h[:, :p, :p])
    curved = (tau > 0) & (h[:, p, p] > 0)
    lost = h[:, :p, p, None] * h[:, None, p, :p] / np.where(curved, h[:, p, p], 1.0)[:, None, None]
    both = inverted(h[:, :p, :p] - lost)
    good = curved & np.isfinite(both).all(axis=(-2, -1))
    out: FloatArray = np.where(good[:, None, None], both, alone)
    return out
