"""Inverse-variance sums over the studies of a lane.

The only file that forms ``1 / (v + tau2)`` and reduces over studies.  Inside, the study axis comes
first in memory, so that a reduction adds whole rows of lanes; outside it is last, as everywhere.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from metaresp.arrays import ArrayLike, FloatArray, IntArray, chunked

SMALL = 512  # below, a product and a sum cost less than the start of an einsum
ESTIMATED = 0
NO_STUDIES = 1
NOT_FINITE = 2
NOT_CONVERGED = 3


class MeanSums(NamedTuple):
    """Weighted mean and spread at one ``tau2``; each field of the shape of ``tau2``."""

    weight: FloatArray
    """Sum of the weights ``w = 1 / (v + tau2)``."""
    mean: FloatArray
    """Weighted mean of the effects."""
    q: FloatArray
    """Sum of ``w * (y - mean)**2``."""


class SlopeSums(NamedTuple):
    """The generalised Q and its derivative."""

    q: FloatArray
    """Sum of ``w * (y - mean)**2``."""
    fall: FloatArray
    """Minus the derivative of ``q`` by ``tau2``: sum of ``w**2 * (y - mean)**2``."""


class ScoreSums(NamedTuple):
    """The two halves of a likelihood's score in ``tau2`` and their derivatives.

    Twice the score is ``data - trace``; both halves are positive, decreasing and convex.
    """

    data: FloatArray
    """``y'PPy``, the sum of ``w**2 * (y - mean)**2``."""
    trace: FloatArray
    """``tr P`` (restricted likelihood) or the sum of the weights (likelihood)."""
    data_slope: FloatArray
    """Derivative of ``data`` by ``tau2``."""
    trace_slope: FloatArray
    """Derivative of ``trace`` by ``tau2``."""


def total(a: FloatArray, b: FloatArray) -> FloatArray:
    """Sum ``a * b`` over the studies, the first axis here."""
    if a.size < SMALL:
        small: FloatArray = np.add.reduce(a * b, axis=0)
        return small
    large: FloatArray = np.einsum("k...,k...->...", a, b)
    return large


class Lanes:
    """A flat batch of meta-analyses, studies first in memory.

    Parameters
    ----------
    y, v, copies : float array, shape (lanes, k)
        Effects, sampling variances and multiplicities.  Where ``copies`` is 0 the others are ignored.

    Attributes
    ----------
    y, v : float array, shape (k, lanes)
        Clean values (0 and 1 where a study is absent).
    copies : float array of shape (k, lanes), or None when every multiplicity is one
    k : float array, shape (lanes,)
        Number of studies, copies counted.
    """

    __slots__ = ("copies", "k", "v", "y")

    def __init__(self, y: FloatArray, v: FloatArray, copies: FloatArray) -> None:
        # study-major copies: lanes are contiguous for each study
        self.y: FloatArray = np.ascontiguousarray(y.T)
        self.v: FloatArray = np.ascontiguousarray(v.T)
        self.copies: FloatArray | None = None
        if (copies == 1).all():
            self.k: FloatArray = np.full(self.y.shape[1:], float(self.y.shape[0]))
        else:
            self.copies = np.ascontiguousarray(copies.T)
            self.k = np.add.reduce(self.copies, axis=0)
            absent = self.copies == 0
            if absent.any():
                self.y = np.where(absent, 0.0, self.y)
                self.v = np.where(absent, 1.0, self.v)

    def __len__(self) -> int:
        return int(self.y.shape[1])

    @property
    def df(self) -> FloatArray:
        """Degrees of freedom that the coefficients leave, here of one mean."""
        return self.k - 1.0

    def take(self, index: IntArray) -> "Lanes":
        """Return the lanes at *index* (repeats allowed)."""
        part = object.__new__(Lanes)
        part.y, part.v, part.k = self.y[:, index], self.v[:, index], self.k[index]
        part.copies = None if self.copies is None else self.copies[:, index]
        return part

    def copies_of(self, tau2: FloatArray) -> FloatArray | float:
        """Return the multiplicities in the shape that goes with *tau2*."""
        if self.copies is None:
            return 1.0
        return self.copies[:, None, :] if tau2.ndim == 2 else self.copies

    def _at(self, tau2: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Effects, weights, and copies times weights at *tau2*, shape (lanes,) or (points, lanes)."""
        y, v = self.y, self.v
        if tau2.ndim == 2:
            y, v = y[:, None, :], v[:, None, :]
        w = v + tau2
        np.divide(1.0, w, out=w)
        return y, w, w if self.copies is None else self.copies_of(tau2) * w

    def precision(self, tau2: FloatArray) -> FloatArray:
        """Return ``1 / (v + tau2)``, shape (k, lanes), copies not in it."""
        return self._at(tau2)[1]

    def mean(self, tau2: FloatArray) -> MeanSums:
        """Return the weighted mean and spread at *tau2*."""
        y, _, cw = self._at(tau2)
        weight = np.add.reduce(cw, axis=0)
        mean = total(cw, y) / weight
        r = y - mean
        return MeanSums(weight, mean, total(cw, r * r))

    def common(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the sums of the weights and of their squares, and Q, at ``tau2 = 0``."""
        y, w, cw = self._at(np.zeros(len(self)))
        weight = np.add.reduce(cw, axis=0)
        r = y - total(cw, y) / weight
        return weight, np.add.reduce(cw * w, axis=0), total(cw, r * r)

    def cochran(self) -> tuple[FloatArray, FloatArray]:
        """Return Q at ``tau2 = 0`` and the slope of its mean in ``tau2``."""
        s1, s2, q = self.common()
        return q, s1 - s2 / s1

    def slope(self, tau2: FloatArray) -> SlopeSums:
        """Return the generalised Q and minus its derivative at *tau2*, shape (lanes,)."""
        y, w, cw = self._at(tau2)
        r = y - total(cw, y) / np.add.reduce(cw, axis=0)
        cwrr = cw * r * r
        return SlopeSums(np.add.reduce(cwrr, axis=0), total(cwrr, w))

    def score(self, tau2: FloatArray, restricted: bool) -> ScoreSums:
        """Return the halves of the score at *tau2*, shape (lanes,) or (points, lanes)."""
        y, w, cw = self._at(tau2)
        s1 = np.add.reduce(cw, axis=0)
        wr = y - total(cw, y) / s1
        wr *= w
        cwr = wr if self.copies is None else self.copies_of(tau2) * wr
        cwwr = cwr * w
        data = total(cwr, wr)
        wwr_sum = np.add.reduce(cwwr, axis=0)
        data_slope = 2.0 * (wwr_sum * wwr_sum / s1 - total(cwwr, wr))
        s2 = total(cw, w)
        if not restricted:
            return ScoreSums(data, s1, data_slope, -s2)
        ratio = s2 / s1
        s3 = total(np.multiply(w, w, out=cwwr), cw)
        return ScoreSums(data, s1 - ratio, data_slope, 2.0 * s3 / s1 - s2 - ratio * ratio)

    def score_one(self, tau2: float, restricted: bool) -> ScoreSums:
        """Return :meth:`score` of a single lane at one *tau2*, as numbers."""
        y, w = self.y[:, 0], 1.0 / (self.v[:, 0] + tau2)
        cw = w if self.copies is None else self.copies[:, 0] * w
        s1 = np.add.reduce(cw)
        wr = (y - np.dot(cw, y) / s1) * w
        cwr = wr if self.copies is None else self.copies[:, 0] * wr
        cwwr = cwr * w
        data = np.dot(cwr, wr)
        wwr_sum = np.add.reduce(cwwr)
        data_slope = 2.0 * (wwr_sum * wwr_sum / s1 - np.dot(cwwr, wr))
        s2 = np.dot(cw, w)
        if not restricted:
            return ScoreSums(data, s1, data_slope, -s2)
        ratio = s2 / s1
        s3 = np.dot(w * w, cw)
        return ScoreSums(data, s1 - ratio, data_slope, 2.0 * s3 / s1 - s2 - ratio * ratio)

    def powers(self, tau2: FloatArray, highest: int) -> list[FloatArray]:
        """Return the sums of ``w``, ``w**2``, ... up to the *highest* power."""
        _, w, cw = self._at(tau2)
        sums = [np.add.reduce(cw, axis=0)]
        for _ in range(highest - 1):
            cw = cw * w
            sums.append(np.add.reduce(cw, axis=0))
        return sums

    def deviance(self, tau2: FloatArray, restricted: bool) -> FloatArray:
        """Return minus twice the profile log-likelihood at *tau2*, up to a constant."""
        v = self.v[:, None, :] if tau2.ndim == 2 else self.v
        logs = np.log(v + tau2)
        log_sum = np.add.reduce(logs if self.copies is None else self.copies_of(tau2) * logs, axis=0)
        sums = self.mean(tau2)
        result: FloatArray = log_sum + sums.q + (np.log(sums.weight) if restricted else 0.0)
        return result

    def variance_range(self) -> tuple[FloatArray, FloatArray]:
        """Return the smallest and largest sampling variance of the studies present."""
        if self.copies is None:
            return np.minimum.reduce(self.v, axis=0), np.maximum.reduce(self.v, axis=0)
        present = self.copies > 0
        return np.where(present, self.v, np.inf).min(axis=0), np.where(present, self.v, 0.0).max(axis=0)

    def expanded_variances(self) -> FloatArray:
        """Return the sampling variances of a single lane, each as often as its study is counted."""
        v = self.v[:, 0]
        return v if self.copies is None else np.repeat(v, self.copies[:, 0].astype(np.int64))

    def plain(self) -> tuple[FloatArray, FloatArray]:
        """Return the unweighted sum of squares of the residuals, and its mean a df at ``tau2 = 0``."""
        y, v, c = self.y, self.v, self.copies
        if c is None:
            r = y - np.add.reduce(y, axis=0) / self.k
            return total(r, r), np.add.reduce(v, axis=0) / self.k
        r = y - total(c, y) / self.k
        return total(c * r, r), total(c, v) / self.k

    def variance(self) -> FloatArray:
        """Return the unweighted variance of the effects, their number being the divisor."""
        return self.plain()[0] / self.k

    def generalised(self, a: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return Q, its mean at ``tau2 = 0`` and that mean's slope in ``tau2``, for weights *a*.

        *a* has shape (k, lanes) and does not hold the copies.  DerSimonian & Kacker (2007), eq. (6).
        """
        c = self.copies
        ca = a if c is None else c * a
        s1, s2 = np.add.reduce(ca, axis=0), total(ca, a)
        r = self.y - total(ca, self.y) / s1
        return total(ca * r, r), total(ca, self.v) - total(ca * a, self.v) / s1, s1 - s2 / s1

    def reasons(self) -> IntArray:
        """Return NO_STUDIES, NOT_FINITE or ESTIMATED for each lane."""
        check = np.add.reduce(self.y * 0.0 + self.v * 0.0, axis=0) + self.k * 0.0
        finite = np.isfinite(check)
        if finite.all() and self.k.all():
            return np.zeros(finite.shape, dtype=np.int64)
        code = np.where(finite, ESTIMATED, NOT_FINITE)
        code[self.k == 0] = NO_STUDIES
        return code


def inverse_variance(v: FloatArray, tau2: FloatArray) -> FloatArray:
    """Return ``1 / (v + tau2)``; *tau2* has the shape of *v* or broadcasts to it."""
    return 1.0 / (v + tau2)


def study_weights(v: ArrayLike, copies: ArrayLike, tau2: ArrayLike) -> FloatArray:
    """Return each study's share of the pooled mean in percent, copies counted.

    Parameters
    ----------
    v, copies : float array, shape (..., k)
        Sampling variances and multiplicities.
    tau2 : float array, shape (...)
        Between-study variance.

    Returns
    -------
    float array, shape (..., k)
        Percentages that sum to 100 over the studies; 0 where ``copies`` is 0.

    Examples
    --------
    >>> study_weights([1.0, 3.0], [1, 1], 0.0).round(6).tolist()
    [75.0, 25.0]
    """
    c = np.asarray(copies, dtype=np.float64)
    v, t = np.broadcast_arrays(np.where(c > 0, v, 1.0), np.asarray(tau2, dtype=np.float64)[..., None])
    w = c * inverse_variance(v, t)
    result: FloatArray = 100.0 * w / w.sum(axis=-1, keepdims=True)
    return result


def run_lanes(
    function: Callable[..., tuple[NDArray[Any], ...]],
    y: ArrayLike,
    v: ArrayLike,
    copies: ArrayLike,
    *per_lane: ArrayLike,
) -> tuple[NDArray[Any], ...]:
    """Call *function* on cache-sized batches of lanes and put the answers back in shape.

    Parameters
    ----------
    function : callable
        ``function(lanes, *per_lane)`` with ``per_lane`` of shape (lanes,), giving a tuple of such arrays.
    y, v, copies : float array, shape (..., k)
        Effects, sampling variances and multiplicities; leading axes broadcast.
    *per_lane : float array, shape (...)
        What is known of each lane already, such as ``tau2``.

    Returns
    -------
    tuple of arrays, each of the broadcast shape (...)
    """
    studies = [np.asarray(item, dtype=np.float64) for item in (y, v, copies)]
    known = [np.asarray(item, dtype=np.float64) for item in per_lane]
    shape = studies[0].shape[:-1]
    alike = all(item.shape == studies[0].shape for item in studies)
    if alike and shape == (1,) and all(item.shape == shape for item in known):  # one lane, as it is
        with np.errstate(all="ignore"):
            return function(Lanes(*studies), *known)
    k = studies[0].shape[-1]
    if not alike or any(item.shape != shape for item in known):
        shape = np.broadcast_shapes(*(item.shape[:-1] for item in studies), *(item.shape for item in known))
        k = max(item.shape[-1] for item in studies)
        studies = [np.broadcast_to(item, (*shape, k)) for item in studies]
        known = [np.broadcast_to(item, shape) for item in known]
    wide = [item.reshape(-1, k) for item in studies]
    flat = [item.reshape(-1) for item in known]
    count = wide[0].shape[0]
    with np.errstate(all="ignore"):
        answers = [
            function(Lanes(*(item[part] for item in wide)), *(item[part] for item in flat))
            for part in chunked(count, k)
        ] or [function(Lanes(*wide), *flat)]
    if len(answers) == 1:
        return tuple(item.reshape(shape) for item in answers[0])
    return tuple(np.concatenate(items).reshape(shape) for items in zip(*answers, strict=True))
