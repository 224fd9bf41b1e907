"""Array aliases and read-only arrays shared by every room."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaresp.errors import InvalidArgument

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
ByteArray: TypeAlias = NDArray[np.uint8]

__all__ = [
    "ArrayLike",
    "BoolArray",
    "ByteArray",
    "FloatArray",
    "IntArray",
    "chunked",
    "frozen",
    "owned",
    "refuse_masked",
    "silent",
]

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A", bound=NDArray[Any])


def frozen(values: A) -> A:
    """Return *values* as an array that nobody can write to: itself if it is one already, or a copy.

    A read-only view of an array that its owner may still write to is copied too.

    Examples
    --------
    >>> mine = np.array([1.0, 2.0])
    >>> held = frozen(mine)
    >>> held is mine, held.flags.writeable, frozen(held) is held
    (False, False, True)
    """
    part: Any = values
    while isinstance(part, np.ndarray) and not part.flags.writeable:
        part = part.base
    if part is None:
        return values
    return owned(np.array(values))  # type: ignore[return-value]


def owned(values: A) -> A:
    """Return *values*, which nobody else holds, made read-only where they are."""
    values.setflags(write=False)
    return values


def silent(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function to compute by its own rules, whatever ``numpy.seterr`` the user has chosen.

    A study at 0 or n, a limit at infinity and a tail that underflows are ordinary here: what comes of them
    is looked at, and said in words.

    Examples
    --------
    >>> with np.errstate(all="raise"):
    ...     silent(np.log)(0.0).item()
    -inf
    """

    @wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return inner


def refuse_masked(name: str, values: object) -> None:
    """Refuse a masked array with anything masked: what stands under a mask is no datum.

    Examples
    --------
    >>> refuse_masked("events", np.ma.array([1, 99], mask=[False, True]))
    Traceback (most recent call last):
    metaresp.errors.InvalidArgument: events[1] is masked (1 of 2 are): leave such studies out first
    """
    if isinstance(values, list | tuple):
        if not any(value is np.ma.masked for value in values):
            return
        values = np.ma.array(np.zeros(len(values)), mask=[value is np.ma.masked for value in values])
    if not isinstance(values, np.ma.MaskedArray):
        return
    mask = np.ma.getmaskarray(values)
    if mask.any():
        where = ", ".join(map(str, np.argwhere(mask)[0].tolist()))
        place = f"{name}[{where}]" if where else name
        raise InvalidArgument(
            f"{place} is masked ({mask.sum()} of {mask.size} are): leave such studies out first"
        )


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
