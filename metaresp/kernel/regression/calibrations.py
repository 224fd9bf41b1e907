"""References of the likelihood ratio of some coefficients of a regression of counts."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.kernel.regression.lanes import inverted

_MOST = 3.0


class Reference(NamedTuple):
    """What a likelihood ratio of *m* coefficients is held against; arrays of shape (lanes,)."""

    k: FloatArray  # studies
    df: FloatArray  # k less the number of coefficients
    m: int
    factor: FloatArray  # see :func:`bartlett_factor`


class Calibration(NamedTuple):
    """The distribution of twice the fall of the log-likelihood."""

    critical: Callable[[Reference, float], FloatArray]  # of one coefficient; of the tail on each side
    pvalue: Callable[[FloatArray, Reference], FloatArray]


def _squared_normal(r: Reference, tail: float) -> FloatArray:
    return t_quantile(np.full_like(r.k, np.inf), tail) ** 2


def _chi_square(df: float, value: FloatArray) -> FloatArray:
    return np.asarray(special.chdtrc(float(df), value), dtype=np.float64)


def _f(r: Reference, value: FloatArray) -> FloatArray:
    return np.asarray(special.fdtrc(float(r.m), r.df, value), dtype=np.float64)


CALIBRATIONS: Mapping[str, Calibration] = {
    "bartlett": Calibration(
        lambda r, tail: _squared_normal(r, tail) * r.factor,
        lambda fall, r: _chi_square(r.m, fall / r.factor),
    ),
    "profile-f": Calibration(
        lambda r, tail: r.k * np.log1p(t_quantile(r.df, tail) ** 2 / r.df),
        lambda fall, r: _f(r, r.df / r.m * np.expm1(np.minimum(fall / r.k, 700.0))),
    ),
    "profile": Calibration(_squared_normal, lambda fall, r: _chi_square(r.m, fall)),
}


def bartlett_factor(w: FloatArray, z: FloatArray, m: int) -> FloatArray:
    """Return the mean of the likelihood ratio of *m* coefficients over m, where they are what is tested.

    For equal normal studies it is ``k (psi((df + m) / 2) - psi(df / 2)) / m``.  Where they differ, the excess
    over 1 is multiplied by the ratio of what the expansion in the information about tau2 is for them and for
    equal ones: with ``1 / w = v + tau2``, ``P = W - W Z (Z'WZ)^-1 Z'W`` of all columns, ``P0`` of all but the
    first m, and ``a_r = tr P0**r - tr P**r``, that is

        ``(a_1**2 + 2 a_2) / (2 tr P0**2)`` .

    To first order ``m + a_1 (tr W - tr P0) / tr W**2 + (a_1**2 + 2 a_2) / (2 tr W**2)`` is the mean of the
    ratio, which for one mean is Lawley's (1956, Biometrika 43:295); the middle term, from the bias of tau2,
    and the whole information about tau2 break down where one study outweighs the others, so that the first is
    left to the exact mean for equal studies, and the second taken of the residuals.  Never below that for
    equal studies, and at most 3 times its excess.

    Parameters
    ----------
    w : float array, shape (lanes, k)
        What each study tells about its mean given tau.
    z : float array, shape (lanes, k, p)
        The design, in columns about orthogonal.
    m : int

    Returns
    -------
    float array, shape (lanes,)
    """
    k, p = z.shape[-2:]
    share = w / np.maximum(w.max(axis=-1, keepdims=True), 1e-300)
    (t1, t2), (r1, r2) = _traces(share, z), _traces(share, z[..., m:])
    a1, a2 = r1 - t1, r2 - t2
    ratio = (a1 * a1 + 2 * a2) / np.where(r2 > 0, r2, 1.0) * (k - p + m) / (m * (m + 2))
    exact = k * (special.digamma((k - p + m) / 2) - special.digamma((k - p) / 2)) / m - 1
    factor: FloatArray = 1 + exact * np.clip(np.where(ratio == ratio, ratio, 1.0), 1.0, _MOST)
    return factor


def size_factor(w: FloatArray, copies: FloatArray, tau: FloatArray) -> FloatArray:
    """Return what twice the gain of one slope is to be divided by to be about chi-square.

    For k normal effects with one unknown variance the gain is ``k log(1 + F / (k - 2))`` with F on 1 and
    k - 2 degrees of freedom, whose mean is ``b = k (psi((k - 1) / 2) - psi((k - 2) / 2))``; with known
    variances it is 1.  Counts are between the two: ``1 + sqrt(s) (b - 1)`` with s the mean over studies of
    the share of tau2 in the variance of an effect.  Its size was measured, see
    ``docs/decisions/small-study-effects.md``.

    Parameters
    ----------
    w : float array, shape (lanes, k)
        What each of three studies or more tells about its mean given tau, at the maximum without a slope.
    copies : float array, shape (lanes, k)
    tau : float array, shape (lanes,)
    """
    k = copies.sum(axis=-1)
    share = np.clip(tau[:, None] ** 2 * w, 0.0, 1.0)
    between = (copies * share).sum(axis=-1) / k
    mean = k * (special.digamma((k - 1) / 2) - special.digamma((k - 2) / 2))
    factor: FloatArray = 1 + np.sqrt(between) * (mean - 1)
    return factor


def _traces(w: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the traces of P and of its square."""
    s1, s2 = w.sum(axis=-1), (w * w).sum(axis=-1)
    if not z.shape[-1]:
        return s1, s2
    across = np.swapaxes(z, -1, -2)
    a, b, c = (across @ (w[..., None] ** power * z) for power in (1, 2, 3))
    inverse = inverted(a)
    once = inverse @ b
    lost = np.einsum("lii->l", once)
    cubes = np.einsum("lij,lji->l", inverse, c)
    return s1 - lost, s2 - 2 * cubes + np.einsum("lij,lji->l", once, once)
