"""Intervals for tau2, by model and method."""

from collections.abc import Mapping

import numpy as np

from metaresp.arrays import FloatArray
from metaresp.checks import check_level
from metaresp.errors import CannotEstimate, known_name, option
from metaresp.kernel.counts.profile_limits import tau_limits
from metaresp.kernel.effects.tau2_interval import TAU2_CI
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.model.fitted import Fitted
from metaresp.model.inverse_variance import effects

# What each model can give, the first being its default.
METHODS: Mapping[str, tuple[str, ...]] = {
    "binomial-normal": ("profile",),
    "inverse-variance": tuple(TAU2_CI),
    "beta-binomial": (),
    "common": (),
}


def tau2_interval(model: Fitted, method: str | None, level: float) -> tuple[FloatArray, FloatArray]:
    """Return low and high of tau2 for every lane.

    Parameters
    ----------
    model : Fitted
        Lanes that the model can fit.
    method : str or None
        None takes the model's default.
    level : float

    Raises
    ------
    CannotEstimate
        If the model has no tau2.
    UnknownName
        If the model has no such method.
    """
    counts, spec = model.counts, model.spec
    known = METHODS[spec.model]
    if not known:
        raise CannotEstimate(f"tau2_ci: {option('model', spec.model)} has no tau2")
    chosen = known[0] if method is None else known_name("method", method, known)
    tail = (1 - check_level(level)) / 2
    if spec.model == "binomial-normal":
        fall = t_quantile(np.full(counts.k.size, np.inf), tail) ** 2
        limits = tau_limits(model.data, model.maximum, fall)
        with np.errstate(over="ignore"):
            return limits.low**2, limits.high**2
    y, v, _ = effects(counts, spec)
    return TAU2_CI[chosen](y, v, counts.copies, tail)
