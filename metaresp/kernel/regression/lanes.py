"""Sums of an inverse-variance fit with moderators: what estimators of tau2 and coefficients are made of."""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.effects.sums import Lanes, MeanSums, ScoreSums, SlopeSums, total


class Weighted(NamedTuple):
    """A weighted least-squares fit; lanes (or points and lanes) last."""

    w: FloatArray  # (k, ...)
    cw: FloatArray  # the same times copies
    xw: FloatArray  # (p, k, ...): columns times cw
    inverse: FloatArray  # (..., p, p): of X'WX
    beta: FloatArray  # (..., p)
    r: FloatArray  # (k, ...): residuals


class DesignLanes(Lanes):
    """Lanes whose means are rows of a design times coefficients.

    Everything that the estimators of tau2 ask of :class:`Lanes` has its form with residuals about the
    regression: ``P = W - W X (X'WX)^-1 X'W`` in the place of the centred weights.

    Parameters
    ----------
    y, v, copies : float array, shape (lanes, k)
    x : float array, shape (lanes, k, p)
        Of columns about orthogonal, see :func:`metaresp.kernel.regression.designs.orthogonal`.

    References
    ----------
    Viechtbauer, Lopez-Lopez, Sanchez-Meca and Marin-Martinez (2015), Psychological Methods 20:360-374.
    """

    __slots__ = ("x",)

    def __init__(self, y: FloatArray, v: FloatArray, copies: FloatArray, x: FloatArray) -> None:
        super().__init__(y, v, copies)
        self.x: FloatArray = np.ascontiguousarray(np.transpose(x, (2, 1, 0)))

    @property
    def df(self) -> FloatArray:
        """Degrees of freedom of the residuals."""
        return self.k - float(self.x.shape[0])

    def take(self, index: IntArray) -> "DesignLanes":
        """Return the lanes at *index*."""
        part = object.__new__(DesignLanes)
        part.y, part.v, part.k, part.x = self.y[:, index], self.v[:, index], self.k[index], self.x[..., index]
        part.copies = None if self.copies is None else self.copies[:, index]
        return part

    def weighted(self, tau2: FloatArray) -> Weighted:
        """Return the fit at *tau2*, shape (lanes,) or (points, lanes)."""
        y, w, cw = self._at(tau2)
        return self._fitted(y, w, cw)

    def _fitted(self, y: FloatArray, w: FloatArray, cw: FloatArray) -> Weighted:
        x = self.x if w.ndim == 2 else self.x[:, :, None, :]
        xw = x * cw
        inverse = inverted(np.einsum("ik...,jk...->...ij", xw, x))
        beta = np.einsum("...ij,...j->...i", inverse, np.einsum("ik...,k...->...i", xw, y))
        r = y - np.einsum("ik...,...i->k...", x, beta)
        return Weighted(w, cw, xw, inverse, beta, r)

    def _products(self, fit: Weighted, weights: FloatArray) -> FloatArray:
        """Return ``X' diag(weights) X``, shape (..., p, p), *weights* having copies in them."""
        x = self.x if weights.ndim == 2 else self.x[:, :, None, :]
        out: FloatArray = np.einsum("ik...,jk...->...ij", x * weights, x)
        return out

    def mean(self, tau2: FloatArray) -> MeanSums:
        """Return the sum of the weights and the residual spread; a mean of all studies there is none."""
        fit = self.weighted(tau2)
        weight = np.add.reduce(fit.cw, axis=0)
        return MeanSums(weight, np.full_like(weight, np.nan), total(fit.cw, fit.r * fit.r))

    def cochran(self) -> tuple[FloatArray, FloatArray]:
        """Return the residual Q at ``tau2 = 0`` and the slope of its mean in tau2, ``tr P``."""
        fit = self.weighted(np.zeros(len(self)))
        return total(fit.cw, fit.r * fit.r), self._trace(fit)

    def _trace(self, fit: Weighted) -> FloatArray:
        squares = self._products(fit, fit.cw * fit.w)
        out: FloatArray = np.add.reduce(fit.cw, axis=0) - np.einsum("...ij,...ji->...", fit.inverse, squares)
        return out

    def slope(self, tau2: FloatArray) -> SlopeSums:
        """Return the residual Q and minus its derivative."""
        fit = self.weighted(tau2)
        cwrr = fit.cw * fit.r * fit.r
        return SlopeSums(np.add.reduce(cwrr, axis=0), total(cwrr, fit.w))

    def score(self, tau2: FloatArray, restricted: bool) -> ScoreSums:
        """Return the halves of the score: ``y'PPy`` and ``tr P`` or the sum of the weights."""
        fit = self.weighted(tau2)
        u = fit.w * fit.r
        cu = u if self.copies is None else self.copies_of(tau2) * u
        lost = np.einsum("ik...,k...->...i", fit.xw, u)
        data_slope = -2.0 * (
            total(cu * fit.w, u) - np.einsum("...i,...ij,...j->...", lost, fit.inverse, lost)
        )
        s2 = total(fit.cw, fit.w)
        if not restricted:
            return ScoreSums(total(cu, u), np.add.reduce(fit.cw, axis=0), data_slope, -s2)
        squares = fit.inverse @ self._products(fit, fit.cw * fit.w)
        cubes = np.einsum("...ij,...ji->...", fit.inverse, self._products(fit, fit.cw * fit.w * fit.w))
        trace = np.add.reduce(fit.cw, axis=0) - np.einsum("...ii->...", squares)
        trace_slope = 2.0 * cubes - s2 - np.einsum("...ij,...ji->...", squares, squares)
        return ScoreSums(total(cu, u), trace, data_slope, trace_slope)

    def score_one(self, tau2: float, restricted: bool) -> ScoreSums:
        """Return :meth:`score` of a single lane at one *tau2*, as numbers."""
        return ScoreSums(*(field[0] for field in self.score(np.array([tau2]), restricted)))

    def deviance(self, tau2: FloatArray, restricted: bool) -> FloatArray:
        """Return minus twice the profile log-likelihood at *tau2*, up to a constant."""
        v = self.v[:, None, :] if tau2.ndim == 2 else self.v
        logs = np.log(v + tau2)
        log_sum = np.add.reduce(logs if self.copies is None else self.copies_of(tau2) * logs, axis=0)
        fit = self.weighted(tau2)
        q = total(fit.cw, fit.r * fit.r)
        result: FloatArray = log_sum + q - (np.linalg.slogdet(fit.inverse)[1] if restricted else 0.0)
        return result

    def plain(self) -> tuple[FloatArray, FloatArray]:
        """Return the unweighted sum of squares of the residuals, and its mean a df at ``tau2 = 0``."""
        fit = self._equal()
        cv = self.v if self.copies is None else self.copies * self.v
        lost = np.einsum("...ij,...ji->...", fit.inverse, self._products(fit, cv))
        return total(fit.cw, fit.r * fit.r), (np.add.reduce(cv, axis=0) - lost) / self.df

    def _equal(self) -> Weighted:
        ones = np.ones_like(self.y)
        return self._fitted(self.y, ones, ones if self.copies is None else self.copies)

    def variance(self) -> FloatArray:
        """Return the unweighted variance of the effects about their mean, not of the residuals."""
        return super().plain()[0] / self.k

    def generalised(self, a: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the residual Q of weights *a*, its mean at ``tau2 = 0`` and that mean's slope."""
        ca = a if self.copies is None else self.copies * a
        fit = self._fitted(self.y, a, ca)
        squares = np.einsum("...ij,...ji->...", fit.inverse, self._products(fit, ca * a))
        weighted = np.einsum("...ij,...ji->...", fit.inverse, self._products(fit, ca * a * self.v))
        at_zero = total(ca, self.v) - weighted
        return total(ca, fit.r * fit.r), at_zero, np.add.reduce(ca, axis=0) - squares


def inverted(a: FloatArray) -> FloatArray:
    """Return the inverses of symmetric matrices, shape (..., p, p); of NaN where there is none."""
    size = np.sqrt(np.maximum(np.einsum("...ii->...i", a), 0.0))
    usable = np.isfinite(size).all(axis=-1) & (size > 0).all(axis=-1)
    size = np.where(usable[..., None], size, 1.0)
    scaled = a / (size[..., :, None] * size[..., None, :])
    usable &= np.isfinite(scaled).all(axis=(-2, -1))
    scaled = np.where(usable[..., None, None], scaled, np.eye(a.shape[-1]))
    roots, vectors = np.linalg.eigh(scaled)
    regular = usable & (roots[..., 0] > 0)
    roots = np.where(regular[..., None], roots, np.nan)
    inverse = (vectors / roots[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    out: FloatArray = inverse / (size[..., :, None] * size[..., None, :])
    return out
