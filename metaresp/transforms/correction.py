"""Continuity corrections: which studies get one, and what it adds."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from metaresp.arrays import ArrayLike, BoolArray, FloatArray
from metaresp.registry import Registry
from metaresp.transforms.scales import Transform, as_floats

CorrectRule: TypeAlias = Callable[[BoolArray, BoolArray], BoolArray]

CORRECT: Registry[CorrectRule] = Registry("correct")
#: Rules that are made for one scale, since they leave a study at 0 or n without an effect on another.
SCALE_OF_RULE = {"variance": "identity", "events": "log"}
LEAVE_OUT = "leave-out"


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


@CORRECT.add("variance")
def variance_alone(extreme: BoolArray, present: BoolArray) -> BoolArray:
    """Correct the variance, not the rate, of the studies at 0 or n.  R: ``meta::metaprop(sm = "PRAW")``.

    Identity scale: ``p = x / n`` with the variance of the corrected rate; Hartung and Knapp (2001),
    Statistics in Medicine 20:3875, eq. (18).
    """
    return extreme & present


@CORRECT.add("events")
def events_alone(extreme: BoolArray, present: BoolArray) -> BoolArray:
    """Correct the events of the studies at 0 or n, not their non-events.  R: ``meta::metaprop(sm = "PLN")``.

    Log scale: ``log((x + c) / (n + c))`` with variance ``1/(x + c) - 1/(n + c)``, whose first term is ``1/x``
    where x = n; Pettigrew, Gart and Thomas (1986), Biometrika 73:425.
    """
    return extreme & present


@CORRECT.add(LEAVE_OUT)
def left_out(extreme: BoolArray, present: BoolArray) -> BoolArray:
    """Correct no study; those at 0 or n take no part.  Stata: ``metaprop`` without ``cc()``."""
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
        Corrected counts; "events" adds *amount* to the sizes too.
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
    size[corrected] += amount if rule == "events" else 2.0 * amount
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
    y, v = transform.forward(events, size)
    if corrected.any() and rule == "variance":
        y = np.where(corrected, transform.forward(x, n)[0], y)
    elif corrected.any() and rule == "events":
        # R's meta takes 1/x for 1/(x + c) where all responded: the variance would be 0
        at_n = corrected & (events == size)
        v = np.where(at_n, 1.0 / (events - amount * at_n) - 1.0 / size, v)
    return y, v, corrected
