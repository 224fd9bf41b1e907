"""Continuity corrections: which studies get one, and what it adds."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from metaresp.arrays import ArrayLike, BoolArray, FloatArray
from metaresp.registry import Registry
from metaresp.transforms.scales import Transform, as_floats

CorrectRule: TypeAlias = Callable[[BoolArray, BoolArray], BoolArray]

CORRECT: Registry[CorrectRule] = Registry("correct")


@CORRECT.add("only-zero")
def only_zero(extreme: BoolArray, present: BoolArray) -> BoolArray:
    """Correct the studies at 0 or n and no other.  R: ``metafor::escalc(to = "only0")``."""
    return extreme & present


@CORRECT.add("if-any")
def if_any(extreme: BoolArray, present: BoolArray) -> BoolArray:
    """Correct every study of a lane that has one at 0 or n.  R: ``metafor::escalc(to = "if0all")``."""
    return present & (extreme & present).any(axis=-1, keepdims=True)


@CORRECT.add("all")
def every(extreme: BoolArray, present: BoolArray) -> BoolArray:
    """Correct every study.  R: ``metafor::escalc(to = "all")``."""
    return present & np.ones_like(extreme)


@CORRECT.add("none")
def none(extreme: BoolArray, present: BoolArray) -> BoolArray:
    """Correct no study; those at 0 or n have no finite variance.  R: ``metafor::escalc(to = "none")``."""
    return present & np.zeros_like(extreme)


def apply_correction(
    x: ArrayLike, n: ArrayLike, copies: ArrayLike, rule: str, amount: float
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Add *amount* to the events, and twice that to the sizes, of the studies that *rule* picks.

    Parameters
    ----------
    x, n, copies : float array, shape (..., k)
        Events, sizes and multiplicities.
    rule : str
        A name in ``CORRECT``.
    amount : float
        What is added to events and to non-events, usually 0.5.

    Returns
    -------
    x, n : float array, shape (..., k)
        Corrected counts.
    corrected : bool array, shape (..., k)
        Which studies were changed.

    Raises
    ------
    UnknownName
        If *rule* is not in ``CORRECT``.

    Examples
    --------
    >>> x, n, corrected = apply_correction([0, 3], [5, 9], [1, 1], "only-zero", 0.5)
    >>> x.tolist(), n.tolist(), corrected.tolist()
    ([0.5, 3.0], [6.0, 9.0], [True, False])
    """
    events, size = as_floats(x, n)
    present = np.asarray(copies) > 0
    corrected = CORRECT[rule]((events == 0) | (events == size), present)
    shape = corrected.shape
    if amount == 0 or not corrected.any():
        return _spread(events, shape), _spread(size, shape), np.zeros(shape, dtype=np.bool_)
    events, size = _spread(events, shape).copy(), _spread(size, shape).copy()
    events[corrected] += amount
    size[corrected] += 2.0 * amount
    return events, size, corrected


def _spread(values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return *values* broadcast to a shape, as they are where they have it."""
    return values if values.shape == shape else np.broadcast_to(values, shape)


def study_effects(
    transform: Transform, x: ArrayLike, n: ArrayLike, copies: ArrayLike, rule: str, amount: float
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return effects, variances and which studies were corrected, on a scale that may need no correction.

    Parameters
    ----------
    transform : Transform
        An entry of ``TRANSFORMS``.
    x, n, copies : float array, shape (..., k)
        Events, sizes and multiplicities.
    rule, amount
        As in :func:`apply_correction`; ignored by scales that need no correction.

    Returns
    -------
    y, v : float array, shape (..., k)
    corrected : bool array, shape (..., k)

    Examples
    --------
    >>> from metaresp.transforms import TRANSFORMS
    >>> y, v, corrected = study_effects(TRANSFORMS["arcsine"], [0, 3], [5, 9], [1, 1], "only-zero", 0.5)
    >>> round(float(y[0]), 6), round(float(v[0]), 6), corrected.tolist()
    (0.0, 0.05, [False, False])
    """
    if not transform.corrected:
        y, v = transform.forward(x, n)
        return y, v, np.zeros(np.broadcast_shapes(y.shape, np.shape(copies)), dtype=np.bool_)
    events, size, corrected = apply_correction(x, n, copies, rule, amount)
    return *transform.forward(events, size), corrected
