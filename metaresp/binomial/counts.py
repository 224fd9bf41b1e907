"""What users write for counts -> checked whole numbers; every error names argument, place, value and rule."""

import re
from collections.abc import Iterator, Mapping, Set
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from metaresp.arrays import ArrayLike, IntArray, refuse_masked
from metaresp.checks import LARGEST_N
from metaresp.errors import InvalidArgument, option, shown

_FRACTION = re.compile(r"\s*(\d+)\s*/\s*(\d+)\s*")


def read_counts(events: Any, n: Any = None) -> tuple[int, int] | tuple[IntArray, IntArray]:
    """Return ``(events, n)`` as two whole numbers, or as two arrays of one shape.

    Parameters
    ----------
    events : int, array of whole numbers, "x/n" text, or a sequence of such texts
        Responders, or responders and patients in one text.
    n : int or array of whole numbers, optional
        Patients; broadcasts against *events*; left out exactly when *events* is text.

    Returns
    -------
    tuple
        Two ints when both are scalars (or zero-dimensional), otherwise two int64 arrays of the
        broadcast shape that share no memory with the input.

    Raises
    ------
    InvalidArgument
        For text that is not x/n, bool, NaN, fractional or negative numbers, ``n`` below 1,
        ``events`` above ``n``, and shapes that do not broadcast.

    Examples
    --------
    >>> from metaresp.binomial.counts import read_counts
    >>> read_counts("13/18")
    (13, 18)
    >>> read_counts([0, 4], 7)
    (array([0, 4]), array([7, 7]))
    """
    if type(events) is int and type(n) is int:
        _check_pair(events, n)
        return events, n
    if n is None:
        x, size = _split(events)
    else:
        x, size = whole_numbers("events", events), whole_numbers("n", n)
        try:
            x, size = np.broadcast_arrays(x, size)
        except ValueError:
            raise InvalidArgument(
                f"events of shape {x.shape} and n of shape {size.shape} do not broadcast to one shape"
            ) from None
    if x.ndim == 0:
        _check_pair(int(x), int(size))
        return int(x), int(size)
    _check_arrays(x, size)
    return np.array(x), np.array(size)


def whole_numbers(name: str, values: ArrayLike) -> IntArray:
    """Return *values* as int64, naming the first one that is no whole number.

    Parameters
    ----------
    name : str
        The argument, for the error text.
    values : array_like
        Numbers of any shape; floats are accepted when they are whole.

    Returns
    -------
    int64 array
        Of the shape of *values*.

    Raises
    ------
    InvalidArgument
        For bool, text, missing, infinite or fractional values.
    """
    array = _as_array(name, values)
    if array.dtype.kind in "iu":
        if array.dtype.kind == "u" and array.size and int(array.max()) > LARGEST_N:
            _refuse(name, array, array > LARGEST_N, f"above the largest count, {LARGEST_N}")
        return array.astype(np.int64)
    if array.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = np.isfinite(array) & (np.floor(array) == array) & (np.abs(array) <= 2.0**62)
        if not whole.all():
            _refuse(name, array, ~whole, "not a whole number")
        return array.astype(np.int64)
    if array.dtype.kind == "O" or array.dtype.kind in "US":
        return _from_objects(name, array.astype(object))
    return _refuse(name, array, np.ones(array.shape, bool), "not a whole number")


def _as_array(name: str, values: ArrayLike) -> NDArray[Any]:
    refuse_masked(name, values)
    if isinstance(values, Set | Mapping | Iterator):
        raise InvalidArgument(f"{option(name, values)}: must be a number or a list, which has an order")
    try:
        array = np.asarray(values)
        # A bool inside a list would become the number 1 without a word.
        mixed = isinstance(values, list | tuple) and array.dtype.kind in "if"
        if mixed and any(isinstance(item, bool | np.bool_) for item in np.array(values, dtype=object).flat):
            return np.array(values, dtype=object)
    except (ValueError, TypeError):
        raise InvalidArgument(f"{name} is not an array of one shape: {shown(values)}") from None
    return array


def _from_objects(name: str, array: NDArray[np.object_]) -> IntArray:
    result = np.zeros(array.shape, np.int64)
    value: Any
    for index, value in np.ndenumerate(array):
        try:
            number = int(value)
            text = isinstance(value, str | bytes | bool | np.bool_)
            whole = not text and bool(number == value) and abs(number) <= 2**62
        except (TypeError, ValueError, OverflowError):
            whole = False
        if not whole:
            bad = np.zeros(array.shape, bool)
            bad[index] = True
            _refuse(name, array, bad, "not a whole number")
        result[index] = number
    return result


def _split(events: Any) -> tuple[IntArray, IntArray]:
    """Split "x/n" texts."""
    array = _as_array("events", events)
    texts = array.astype(object) if array.dtype.kind in "OU" else array
    x, size = np.zeros(array.shape, np.int64), np.zeros(array.shape, np.int64)
    for index, value in np.ndenumerate(texts):
        if not isinstance(value, str):
            where = place("events", index)
            raise InvalidArgument(
                f"n is missing: give n beside {option(where, value)}, or text like '13/18' for events"
            )
        match = _FRACTION.fullmatch(value)
        if match is None or max(map(len, match.groups())) > 18:
            raise InvalidArgument(
                f"{option(place('events', index), value)} is not events/n: write two whole numbers like "
                "'13/18'"
            )
        x[index], size[index] = int(match[1]), int(match[2])
    return x, size


def _check_pair(events: int, n: int) -> None:
    if n < 1:
        raise InvalidArgument(f"{option('n', n)} is not a number of patients: n must be at least 1")
    if n > LARGEST_N:
        raise InvalidArgument(f"{option('n', n)} is above the largest count, {LARGEST_N}")
    if events < 0:
        raise InvalidArgument(f"{option('events', events)} is negative: events must be from 0 to n")
    if events > n:
        raise InvalidArgument(
            f"{option('events', events)} is more than {option('n', n)}: events must be from 0 to n"
        )


def _check_arrays(x: IntArray, n: IntArray) -> None:
    if not x.size:
        return
    if n.min() < 1:
        _refuse("n", n, n < 1, "not a number of patients: n must be at least 1")
    if n.max() > LARGEST_N:
        _refuse("n", n, n > LARGEST_N, f"above the largest count, {LARGEST_N}")
    if x.min() < 0:
        _refuse("events", x, x < 0, "negative: events must be from 0 to n")
    above = x > n
    if above.any():
        index = tuple(int(i) for i in np.argwhere(above)[0])
        raise InvalidArgument(
            f"{option(place('events', index), x[index])} is more than {option(place('n', index), n[index])}: "
            f"events must be from 0 to n{_and_others(above)}"
        )


def place(name: str, index: tuple[int, ...]) -> str:
    """Return ``name`` for a scalar and ``name[i, j]`` for an element of an array."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def _refuse(name: str, array: NDArray[Any], bad: NDArray[np.bool_], rule: str) -> NoReturn:
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    raise InvalidArgument(f"{option(place(name, index), array[index])} is {rule}{_and_others(bad)}")


def _and_others(bad: NDArray[np.bool_]) -> str:
    others = int(bad.sum()) - 1
    return f" (and {others} more like it)" if others else ""
