"""Intervals for tau2, by model and method."""

from collections.abc import Mapping

import numpy as np

from metaresp.arrays import FloatArray
from metaresp.checks import check_level
from metaresp.counts import Counts
from metaresp.errors import CannotEstimate, known_name, option
from metaresp.kernel.likelihood_interval import Maximum, tau_limits
from metaresp.kernel.quantiles import t_quantile
from metaresp.kernel.tau2_interval import TAU2_CI
from metaresp.model.count import surface
from metaresp.model.estimates import Estimates
from metaresp.model.inverse_variance import effects
from metaresp.spec import Spec

# What each model can give, the first being its default.
METHODS: Mapping[str, tuple[str, ...]] = {
    "binomial-normal": ("profile",),
    "inverse-variance": tuple(TAU2_CI),
    "beta-binomial": (),
    "common": (),
}


def maximum(found: Estimates) -> Maximum:
    """Return the maximum that the estimates describe; Q is twice the fall from saturated to common."""
    top_common = -found.Q / 2
    return Maximum(found.estimate, np.sqrt(found.tau2), found.se, top_common + found.lrt / 2, top_common)


def tau2_interval(
    counts: Counts, spec: Spec, found: Maximum, method: str | None, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return low and high of tau2 for every lane.

    Parameters
    ----------
    counts : Counts
        Lanes that the model can fit.
    spec : Spec
    found : Maximum
        What the binomial-normal model found for these lanes.
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
    known = METHODS[spec.model]
    if not known:
        raise CannotEstimate(f"tau2_ci: {option('model', spec.model)} has no tau2")
    chosen = known[0] if method is None else known_name("method", method, known)
    tail = (1 - check_level(level)) / 2
    if spec.model == "binomial-normal":
        fall = t_quantile(np.full(counts.k.size, np.inf), tail) ** 2
        limits = tau_limits(surface(counts, spec), found, fall)
        with np.errstate(over="ignore"):
            return limits.low**2, limits.high**2
    y, v, _ = effects(counts, spec)
    return TAU2_CI[chosen](y, v, counts.copies, tail)
