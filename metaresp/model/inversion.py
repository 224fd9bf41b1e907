"""From a benchmark back to the interval that just leaves it out: p-values of intervals without a t."""

from dataclasses import replace

import numpy as np

from metaresp.model.base import Model
from metaresp.model.batch import estimate

LEAST = 1e-10  # nothing is looked for below this: no interval is trusted at such levels
_STEP = 3.0  # of log alpha; levels near 1 are slow and are tried only where they are needed


def least_alpha(target: float, model: Model, which: str = "estimate") -> float:
    """Return the least ``1 - level`` whose interval leaves out *target*: its two-sided p-value.

    Parameters
    ----------
    target : float
        On the model's scale.
    model : Model
        One lane; its level is where the search starts.
    which : {"estimate", "estimate_prediction"}
        Interval of the mean, or of a new trial.

    Returns
    -------
    float
        From ``LEAST`` to 1.
    """
    from scipy.optimize import brentq

    def beyond(log_alpha: float) -> float:
        spec = replace(model.spec, level=1 - float(np.exp(log_alpha)))
        found = estimate(type(model)(model.counts, spec, model.cluster))
        low, high = getattr(found, f"{which}_low"), getattr(found, f"{which}_high")
        return max(float(low[0]) - target, target - float(high[0]))

    least, most = float(np.log(LEAST)), float(np.log1p(-1e-9))
    if beyond(most) <= 0:
        return 1.0
    inner = float(np.log(model.tail))
    while inner > least and beyond(inner) > 0:
        most, inner = inner, inner - _STEP
    inner = max(inner, least)
    if beyond(inner) > 0:
        return LEAST
    return float(np.exp(brentq(beyond, inner, most, xtol=1e-9)))
