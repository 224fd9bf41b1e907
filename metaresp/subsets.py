"""Which studies each fit of an analysis has: arrays of copies for :func:`metaresp.pool_batch`.

``copies[lane, study]`` is how often a study counts in a lane: 0 leaves it out.
"""

import numpy as np
from numpy.random import Generator

from metaresp.arrays import ByteArray, IntArray

_LISTED = 1 << 22  # subsets up to which random ones are drawn from a list of all


def without_each(groups: IntArray) -> IntArray:
    """Return one lane a group, without the studies of that group.

    Parameters
    ----------
    groups : int array, shape (k,)
        Number of the group of each study, from 0; ``arange(k)`` leaves out one study at a time.

    Returns
    -------
    int array, shape (groups, k)

    Examples
    --------
    >>> without_each(np.array([0, 0, 1])).tolist()
    [[0, 0, 1], [1, 1, 0]]
    """
    copies: IntArray = (groups != np.arange(groups.max(initial=-1) + 1)[:, None]).astype(np.int64)
    return copies


def growing(order: IntArray) -> IntArray:
    """Return lanes of the first study, the first two, ... in an *order* of positions, shape (k, k).

    Examples
    --------
    >>> growing(np.array([2, 0, 1])).tolist()
    [[0, 0, 1], [1, 0, 1], [1, 1, 1]]
    """
    place = np.argsort(order)
    copies: IntArray = (place <= np.arange(order.size)[:, None]).astype(np.int64)
    return copies


def all_subsets(units: int) -> ByteArray:
    """Return every subset but the empty one, a bit a unit, as :func:`members` unpacks them.

    Returns
    -------
    uint8 array, shape (2**units - 1, bytes)

    Examples
    --------
    >>> members(all_subsets(2), 2).tolist()
    [[1, 0], [0, 1], [1, 1]]
    """
    return _packed(np.arange(1, 1 << units, dtype=np.int64), units)


def random_subsets(units: int, count: int, rng: Generator) -> ByteArray:
    """Return *count* different subsets, none empty, of which every set of as many is as likely.

    Parameters
    ----------
    units : int
    count : int
        Fewer than ``2**units - 1``.
    rng : Generator

    Returns
    -------
    uint8 array, shape (count, bytes)

    Examples
    --------
    >>> np.unique(random_subsets(100, 50, np.random.default_rng(1)), axis=0).shape
    (50, 13)
    """
    if (1 << units) <= _LISTED:
        return _packed(rng.choice((1 << units) - 1, count, replace=False) + 1, units)
    width = -(-units // 8)
    found = np.zeros((0, width), dtype=np.uint8)
    while len(found) < count:
        more = rng.integers(0, 256, (count, width), dtype=np.uint8)
        more[:, -1] &= np.uint8(255 >> (8 * width - units))
        found = np.concatenate([found, more[more.any(axis=1)]])
        found = found[np.sort(np.unique(found, axis=0, return_index=True)[1])]
    return found[:count]


def _packed(codes: IntArray, units: int) -> ByteArray:
    whole = np.ascontiguousarray(codes, dtype="<i8").view(np.uint8).reshape(-1, 8)
    return np.ascontiguousarray(whole[:, : -(-units // 8)])


def members(packed: ByteArray, units: int) -> ByteArray:
    """Return which units packed subsets have, 0 or 1, shape (subsets, units)."""
    return np.unpackbits(packed, axis=1, count=units, bitorder="little")
