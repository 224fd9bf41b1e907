"""Array aliases and read-only arrays shared by every room."""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]

__all__ = ["ArrayLike", "BoolArray", "FloatArray", "IntArray", "chunked", "frozen"]


def frozen(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return *values* as an array that cannot be written to (a copy if someone else owns it)."""
    result = np.array(values, copy=True)
    result.setflags(write=False)
    return result


def chunked(count: int, width: int, budget: int = 1 << 17) -> Iterator[slice]:
    """Cut *count* lanes into slices whose working arrays stay in a processor's cache.

    Parameters
    ----------
    count : int
        Number of lanes.
    width : int
        Floats that one lane occupies in one working array.
    budget : int
        Floats that one working array may hold; the default is half a megabyte.

    Yields
    ------
    slice
        Consecutive slices that cover ``range(count)``.

    Examples
    --------
    >>> [(part.start, part.stop) for part in chunked(5, width=2, budget=4)]
    [(0, 2), (2, 4), (4, 5)]
    """
    size = max(1, budget // max(1, width))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
