"""Array aliases and read-only arrays shared by every room."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]

__all__ = ["ArrayLike", "BoolArray", "FloatArray", "IntArray", "frozen"]


def frozen(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return *values* as an array that cannot be written to (a copy if someone else owns it)."""
    result = np.array(values, copy=True)
    result.setflags(write=False)
    return result
