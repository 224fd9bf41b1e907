"""Checked counts of many meta-analyses, one a row, made safe for arithmetic once."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaresp.arrays import BoolArray, FloatArray, IntArray, refuse_masked
from metaresp.checks import LARGEST_N
from metaresp.errors import InvalidArgument, InvalidStudies, option

# Studies from which on equal ones are computed once.
_MANY = 200


class Counts(NamedTuple):
    """Counts of shape (lanes, k) and their totals of shape (lanes,).

    Where ``copies`` is 0 the counts are 1 of 2, so that no arithmetic on them fails.
    """

    x: FloatArray
    n: FloatArray
    copies: FloatArray
    k: FloatArray
    events: FloatArray
    total: FloatArray

    def take(self, rows: IntArray) -> "Counts":
        """Return the lanes at *rows*, which ascend and do not repeat."""
        return self if rows.size == self.k.size else Counts(*(field[rows] for field in self))

    def without(self, studies: BoolArray) -> "Counts":
        """Return the lanes without some studies, of shape (lanes, k); a lane of these alone stays whole."""
        kept = (self.copies > 0) & ~studies
        kept |= ~kept.any(axis=-1, keepdims=True)
        if kept.all():
            return self
        x, n, c = np.where(kept, self.x, 1.0), np.where(kept, self.n, 2.0), np.where(kept, self.copies, 0.0)
        return Counts(x, n, c, c.sum(axis=-1), np.einsum("lk,lk->l", c, x), np.einsum("lk,lk->l", c, n))


def clean(events: ArrayLike, n: ArrayLike, copies: ArrayLike | None) -> tuple[Counts, tuple[int, ...]]:
    """Check counts, broadcast them, and lay them out as lanes.

    Parameters
    ----------
    events, n : array_like of shape (..., k)
        Whole numbers, ``0 <= events <= n`` and ``1 <= n <= 1e9`` wherever ``copies`` is not 0.
    copies : array_like of shape (..., k), optional
        Nonnegative whole multiplicities; 1 by default.

    Returns
    -------
    lanes : Counts
    shape : tuple of int
        The batch shape ``(...)``.
    """
    if copies is None and _plain(events, n):
        return _one_lane(events, n), ()  # type: ignore[arg-type]
    x, m = _whole("events", events), _whole("n", n)
    c = None if copies is None else _whole("copies", copies)
    try:
        shape = np.broadcast_shapes(x.shape, m.shape, () if c is None else c.shape)
    except ValueError:
        shapes = f"events {x.shape}, n {m.shape}" + ("" if c is None else f", copies {c.shape}")
        raise InvalidArgument(f"{shapes}: shapes must broadcast; the last axis is the studies") from None
    if not shape:
        raise InvalidArgument("events and n must have at least one axis, the studies")
    x, m = np.broadcast_to(x, shape), np.broadcast_to(m, shape)
    flat = (int(np.prod(shape[:-1])), shape[-1])
    if c is None:
        _check(x, m, None)
        x, m, c = x.reshape(flat), m.reshape(flat), np.ones(flat)
        k = np.full(flat[0], float(shape[-1]))
    else:
        c = np.broadcast_to(c, shape)
        if (c < 0).any():
            _fail("copies", c, c < 0, "must not be negative")
        absent = c == 0
        x, m = np.where(absent, 1.0, x), np.where(absent, 2.0, m)
        _check(x, m, c)
        x, m, c = (field.reshape(flat) for field in (x, m, c))
        k = c.sum(axis=-1)
    x, m, c = (np.ascontiguousarray(field) for field in (x, m, c))
    return (
        Counts(x, m, c, k, np.einsum("lk,lk->l", c, x), np.einsum("lk,lk->l", c, m)),
        shape[:-1],
    )


def _plain(events: ArrayLike, n: ArrayLike) -> bool:
    """Whether both are one row of integers that break no rule."""
    return (
        type(events) is type(n) is np.ndarray
        and events.dtype == n.dtype == np.int64
        and events.ndim == 1
        and events.shape == n.shape
        and events.size > 0
        and bool(((events >= 0) & (events <= n) & (n >= 1) & (n <= LARGEST_N)).all())
    )


def _one_lane(events: IntArray, n: IntArray) -> Counts:
    x, m = events.astype(np.float64)[None], n.astype(np.float64)[None]
    c = np.ones(x.shape)
    # sums of whole numbers are exact in any order
    return Counts(x, m, c, np.array([float(c.size)]), x.sum(axis=-1), m.sum(axis=-1))


def distinct(lanes: Counts) -> tuple[IntArray, IntArray]:
    """Return places of one study of each pair of counts in the one lane, and for each study its pair.

    Examples
    --------
    >>> lane, _ = clean([13, 4, 13], [18, 7, 18], None)
    >>> distinct(lane)
    (array([1, 0]), array([1, 0, 1]))
    """
    codes = lanes.n[0].astype(np.int64) * (LARGEST_N + 1) + lanes.x[0].astype(np.int64)
    _, places, pair = np.unique(codes, return_index=True, return_inverse=True)
    return places, pair


def grouped(lanes: Counts) -> tuple[Counts, IntArray]:
    """Return one lane with each pair of counts once, counted as often as it stands there.

    Few studies, or studies that nearly all differ, stay as they are.

    Returns
    -------
    Counts
    IntArray
        The place of each study in it, shape (k,).
    """
    k = lanes.x.shape[1]
    places, pair = distinct(lanes) if k >= _MANY else (np.arange(k), np.arange(k))
    if 4 * places.size > 3 * k:
        return lanes, np.arange(k)
    copies = np.bincount(pair, weights=lanes.copies[0]).astype(np.float64)[None]
    return lanes._replace(x=lanes.x[:, places], n=lanes.n[:, places], copies=copies), pair


def _whole(name: str, values: ArrayLike) -> FloatArray:
    refuse_masked(name, values)
    try:
        array: NDArray[Any] = np.asarray(values)
    except (ValueError, TypeError, OverflowError):
        raise InvalidArgument(f"{option(name, values)}: is not an array of one shape") from None
    if array.dtype.kind not in "iuf":
        raise InvalidArgument(f"{name}: must be whole numbers, not {array.dtype}")
    result = array.astype(np.float64)
    if array.dtype.kind == "f" and name == "copies" and not np.isfinite(result).all():
        _fail(name, result, ~np.isfinite(result), "must be a whole number")
    if array.dtype.kind == "f":
        wrong = np.isfinite(result) & (result != np.floor(result))
        if wrong.any():
            _fail(name, result, wrong, "must be a whole number")
    return result


def _check(x: FloatArray, n: FloatArray, copies: FloatArray | None) -> None:
    good = (x >= 0) & (x <= n) & (n >= 1) & (n <= LARGEST_N)
    if good.all():
        return
    for name, values, wrong, rule in (
        ("n", n, ~((n >= 1) & (n <= LARGEST_N)), f"must be a whole number from 1 to {LARGEST_N}"),
        ("events", x, ~(x >= 0), "must be a whole number of 0 or more"),
        ("events", x, x > n, "must not exceed n"),
    ):
        if wrong.any():
            _fail(name, values, wrong, rule, n if "exceed" in rule else None)


def _fail(name: str, values: FloatArray, wrong: BoolArray, rule: str, n: FloatArray | None = None) -> None:
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = index[0] if len(index) == 1 else index
    also = "" if n is None else f" (n={n[index]:.16g})"
    raise InvalidStudies(f"{name}[{where}]={values[index]:.16g}{also}: {rule}")
