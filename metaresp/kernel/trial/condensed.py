"""A mixture over tau with few parts that has the means of one with many.

The places of a mixture with their weights are a discrete measure; its Gauss rule of sixteen nodes has the
same integrals of all polynomials of degree up to 31, and what depends on tau here is analytic in the place.
"""

from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre

from metaresp.arrays import FloatArray
from metaresp.kernel.counts.confidence import PLACES
from metaresp.kernel.counts.new_trial import Mixture
from metaresp.kernel.numerics.panels import legendre_series

_PARTS = 16
_NOTHING = 1e-13  # a measure with fewer points than nodes ends here
_INNER = PLACES[1:-1]
_SERIES = legendre_series(_INNER, legendre.leggauss(_INNER.size)[1])


class Spread(NamedTuple):
    """Values of tau with their weights and the mu that belongs to each; shape (parts,)."""

    weight: FloatArray  # sums to 1
    mu: FloatArray
    tau: FloatArray


def condensed(parts: Mixture, k: float) -> Spread:
    """Return few values of tau that stand for the mixture of one lane with *k* studies."""
    at, weight = gauss_rule(PLACES, parts.weight[0])
    tau, inner = parts.tau[0], slice(1, -1)
    # about the unit on which the window of tau is laid out, so that this is nearly linear in the place
    unit = np.sqrt(k * max(parts.sd[0, 0] ** 2 - tau[0] ** 2, 1e-300))
    values = np.stack([parts.mean[0, inner], np.arcsinh(tau[inner] / unit)])
    mu, stretched = legendre.legval(np.clip(at, -1.0, 1.0), _SERIES @ values.T)
    return Spread(weight, mu, unit * np.sinh(np.maximum(stretched, 0.0)))


def gauss_rule(x: FloatArray, weight: FloatArray, nodes: int = _PARTS) -> tuple[FloatArray, FloatArray]:
    """Return the Gauss rule of a discrete measure: at most *nodes* places and weights.

    By Lanczos's recursion and the eigenvalues of its Jacobi matrix (Golub and Welsch 1969, Mathematics of
    Computation 23:221).

    Parameters
    ----------
    x, weight : float array, shape (points,)
        Weights sum to 1.
    nodes : int

    Examples
    --------
    >>> at, weight = gauss_rule(np.array([-1.0, 0.0, 1.0, 2.0]), np.full(4, 0.25), 2)
    >>> (at @ weight).round(12).item(), (at**3 @ weight).round(12).item()
    (0.5, 2.0)
    """
    basis = [np.sqrt(weight)]
    diagonal, beside = [], []
    for _ in range(nodes):
        new = x * basis[-1]
        diagonal.append(float(new @ basis[-1]))
        for _ in range(2):  # twice is enough
            known = np.array(basis)
            new = new - (known @ new) @ known
        length = float(np.linalg.norm(new))
        if length < _NOTHING:
            break
        beside.append(length)
        basis.append(new / length)
    off = beside[: len(diagonal) - 1]
    at, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1))
    return at, vectors[0] ** 2
