"""Designs: columns that hang together, bases of coefficients, and rearrangements of the rows.

A design has shape (k, p), a row a study.  Searches walk in a basis in which the columns are orthogonal and of
size 1, so that a year of 2,010 beside an intercept costs no digits.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from metaresp.arrays import FloatArray, IntArray

_DEPENDENT = 1e-9  # share of a column that the columns before it leave


class Basis(NamedTuple):
    """Columns ``z`` and coordinates ``c`` of the same linear predictor: ``x beta = z c``."""

    z: FloatArray  # (..., k, p): columns orthogonal, mean square 1
    turn: FloatArray  # (..., p, p): beta = turn @ c

    def beta(self, c: FloatArray) -> FloatArray:
        """Return the coefficients of coordinates, shape (..., p)."""
        out: FloatArray = np.einsum("...ij,...j->...i", self.turn, c)
        return out


def orthogonal(x: FloatArray) -> Basis:
    """Return a basis of full-rank designs, shape (..., k, p)."""
    k, p = x.shape[-2:]
    size = np.sqrt((x * x).mean(axis=-2))
    size = np.where(size > 0, size, 1.0)
    q, r = np.linalg.qr(x / size[..., None, :])
    root = np.sqrt(k)
    turn = np.linalg.solve(r / root, np.broadcast_to(np.eye(p), r.shape)) / size[..., :, None]
    return Basis(q * root, turn)


class Turn(NamedTuple):
    """A basis turned towards some contrasts."""

    basis: Basis
    rotation: FloatArray  # (..., p, p): old coordinates = rotation @ new ones
    unit: FloatArray  # (...): for one contrast, what it is where the first coordinate is 1


def turned(basis: Basis, contrasts: FloatArray) -> Turn:
    """Turn a basis so that its first coordinates span some contrasts of the coefficients.

    Parameters
    ----------
    basis : Basis
        Of one design.
    contrasts : float array, shape (..., p, m)
        Each column gives a sum ``column' beta``; the columns of a set are independent.

    Returns
    -------
    Turn
        With leading axes of the contrasts; the first m coordinates are 0 where all the sums are.
    """
    p, m = contrasts.shape[-2:]
    direction = np.swapaxes(basis.turn, -1, -2) @ contrasts
    whole = np.concatenate([direction, np.broadcast_to(np.eye(p), (*direction.shape[:-2], p, p))], axis=-1)
    q, r = np.linalg.qr(whole)
    sign = np.where(r[..., 0, 0] < 0, -1.0, 1.0)
    if m == 1:
        q = q.copy()
        q[..., :, 0] *= sign[..., None]
    return Turn(Basis(basis.z @ q, basis.turn @ q), q, np.abs(r[..., 0, 0]))


def dependent(x: FloatArray) -> list[tuple[int, tuple[int, ...]]]:
    """Return the columns that are sums of earlier ones, and of which ones.

    Examples
    --------
    >>> x = np.array([[1.0, 1, 0, 3], [1, 1, 0, 5], [1, 0, 1, 4], [1, 0, 1, 7]])
    >>> dependent(x)
    [(2, (0, 1))]
    """
    size = np.sqrt((x * x).sum(axis=0))
    unit = x / np.where(size > 0, size, 1.0)
    kept: list[int] = []
    found: list[tuple[int, tuple[int, ...]]] = []
    for j in range(x.shape[1]):
        before = unit[:, kept]
        share = np.linalg.lstsq(before, unit[:, j], rcond=None)[0]
        if size[j] > 0 and np.linalg.norm(unit[:, j] - before @ share) > _DEPENDENT:
            kept.append(j)
        else:
            found.append((j, tuple(i for i, part in zip(kept, share, strict=True) if abs(part) > 1e-6)))
    return found


def rearrangements(rows: IntArray, most: int, rng: Generator) -> tuple[IntArray, bool]:
    """Return orders of the studies' rows, and whether they are all that differ.

    Parameters
    ----------
    rows : int array, shape (k,)
        Number of each study's row; equal rows have the same.
    most : int
        Where there are more that differ, so many are drawn.

    Returns
    -------
    order : int array, shape (orders, k)
        Position of the study whose row each study gets.  All that differ, the given one among them, or the
        given one and *most* - 1 drawn ones.
    complete : bool
    """
    count = _multinomial(rows, most)
    if count <= most:
        kinds, members = np.unique(rows, return_inverse=True)
        first = [int(np.flatnonzero(members == i)[0]) for i in range(kinds.size)]
        left = np.bincount(members).tolist()
        found = np.array(list(islice(_arranged(left, rows.size), most)), dtype=np.int64)
        return np.array(first, dtype=np.int64)[found], True
    drawn = rng.permuted(np.broadcast_to(np.arange(rows.size), (most - 1, rows.size)), axis=1)
    return np.concatenate([np.arange(rows.size)[None], drawn]).astype(np.int64), False


def _multinomial(rows: IntArray, most: int) -> int:
    """Return how many arrangements differ, or a number beyond *most*."""
    total, placed = 1, 0
    for size in np.unique(rows, return_counts=True)[1].tolist():
        for i in range(1, size + 1):
            placed += 1
            total = total * placed // i
        if total > most:
            return total
    return total


def _arranged(left: list[int], length: int) -> Iterator[Sequence[int]]:
    """Yield every arrangement of so many of each kind."""
    if not length:
        yield ()
        return
    for kind, count in enumerate(left):
        if count:
            left[kind] -= 1
            for rest in _arranged(left, length - 1):
                yield (kind, *rest)
            left[kind] += 1
