"""Sizes at which a pooled Freeman-Tukey effect is turned back into a rate."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from metaresp.arrays import ArrayLike, FloatArray
from metaresp.registry import Registry
from metaresp.transforms.scales import as_floats

BackSize: TypeAlias = Callable[[FloatArray, FloatArray, FloatArray | None, FloatArray | None], FloatArray]

BACK_N: Registry[BackSize] = Registry("back_n")


def _present(n: FloatArray, copies: FloatArray) -> FloatArray:
    return np.where(copies > 0, n, 1.0)


@BACK_N.add("harmonic")
def harmonic(n: FloatArray, copies: FloatArray, v: FloatArray | None, tau2: FloatArray | None) -> FloatArray:
    """Harmonic mean of the sizes; Miller (1978), The American Statistician 32:138."""
    result: FloatArray = copies.sum(axis=-1) / (copies / _present(n, copies)).sum(axis=-1)
    return result


@BACK_N.add("geometric")
def geometric(n: FloatArray, copies: FloatArray, v: FloatArray | None, tau2: FloatArray | None) -> FloatArray:
    """Geometric mean of the sizes."""
    result: FloatArray = np.exp((copies * np.log(_present(n, copies))).sum(axis=-1) / copies.sum(axis=-1))
    return result


@BACK_N.add("arithmetic")
def arithmetic(
    n: FloatArray, copies: FloatArray, v: FloatArray | None, tau2: FloatArray | None
) -> FloatArray:
    """Arithmetic mean of the sizes."""
    result: FloatArray = (copies * _present(n, copies)).sum(axis=-1) / copies.sum(axis=-1)
    return result


@BACK_N.add("inverse-variance")
def inverse_variance(
    n: FloatArray, copies: FloatArray, v: FloatArray | None, tau2: FloatArray | None
) -> FloatArray:
    """Size of one trial as precise as the pooled mean, ``1/(4 se**2)``; Barendregt et al. (2013)."""
    variances = 1.0 / (4.0 * n + 2.0) if v is None else v
    between = np.zeros(()) if tau2 is None else tau2
    total = np.where(copies > 0, variances, 1.0) + between[..., None]
    result: FloatArray = 0.25 * (copies / total).sum(axis=-1)
    return result


@BACK_N.add("none")
def none(n: FloatArray, copies: FloatArray, v: FloatArray | None, tau2: FloatArray | None) -> FloatArray:
    """No size: the square of the sine, as of an arcsine; Freeman & Tukey (1950) for large n."""
    return np.full(copies.shape[:-1], np.inf)


def back_size(
    n: ArrayLike, copies: ArrayLike, kind: str, v: ArrayLike | None = None, tau2: ArrayLike | None = None
) -> FloatArray:
    """Return the size at which a pooled Freeman-Tukey effect is turned back into a rate.

    Parameters
    ----------
    n, copies : float array, shape (..., k)
        Sizes and multiplicities.
    kind : str
        A name in ``BACK_N``.
    v : float array, shape (..., k), optional
        Sampling variances, for "inverse-variance".
    tau2 : float array, shape (...), optional
        Between-study variance, for "inverse-variance".

    Returns
    -------
    float array, shape (...)

    Raises
    ------
    UnknownName
        If *kind* is not in ``BACK_N``.

    Notes
    -----
    R: ``metafor::transf.ipft.hm()`` uses the harmonic mean, as does ``meta``; the first four are those of
    Stata's ``metan``.

    Examples
    --------
    >>> [round(float(back_size([10, 40], [1, 1], kind)), 3) for kind in BACK_N]
    [16.0, 20.0, 25.0, 51.0, inf]
    """
    sizes, c = np.broadcast_arrays(*as_floats(n, copies))
    given_v = None if v is None else np.asarray(v, dtype=np.float64)
    given_tau2 = None if tau2 is None else np.asarray(tau2, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return BACK_N[kind](sizes, c, given_v, given_tau2)
