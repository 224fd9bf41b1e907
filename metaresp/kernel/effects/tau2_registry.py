"""The registry of estimators of the between-study variance, and what they share."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from metaresp.arrays import ArrayLike, BoolArray, FloatArray, IntArray
from metaresp.kernel.effects.sums import ESTIMATED, NOT_CONVERGED, Lanes, run_lanes
from metaresp.registry import Registry


class Tau2(NamedTuple):
    """Between-study variance of each lane, shape (...)."""

    value: FloatArray
    """The estimate, at least 0; nan where ``reason`` is not 0 (1 no studies, 2 values not finite)."""
    converged: BoolArray
    """False where an iteration stopped early (``reason`` 3; the last value is kept)."""
    reason: IntArray
    """Code of :mod:`metaresp.kernel.effects.sums`: 0 means estimated."""


Tau2Method: TypeAlias = Callable[[ArrayLike, ArrayLike, ArrayLike], Tau2]

TAU2: Registry[Tau2Method] = Registry("tau2")


def estimate(
    body: Callable[[Lanes], tuple[FloatArray, BoolArray] | FloatArray],
    y: ArrayLike,
    v: ArrayLike,
    copies: ArrayLike,
) -> Tau2:
    """Run *body* on batches of lanes; 0 for a single study, nan where there is nothing to estimate."""

    def finished(lanes: Lanes) -> tuple[FloatArray, BoolArray, IntArray]:
        answer = body(lanes)
        value, converged = answer if isinstance(answer, tuple) else (answer, None)
        reason = lanes.reasons()
        if converged is not None and not converged.all():
            reason[~converged & (reason == ESTIMATED)] = NOT_CONVERGED
        value = np.where(lanes.k > 1, np.fmax(value, 0.0), 0.0)
        if reason.any():
            value[(reason != ESTIMATED) & (reason != NOT_CONVERGED)] = np.nan
        return value, reason == ESTIMATED, reason

    value, converged, reason = run_lanes(finished, y, v, copies)
    return Tau2(value, converged, reason)
