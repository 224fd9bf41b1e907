"""From a benchmark back to the interval that just leaves it out: p-values of intervals without a t."""

from dataclasses import replace

import numpy as np

from metaresp.arrays import FloatArray
from metaresp.counts import Counts
from metaresp.kernel.counts.beta_intervals import pvalues as beta_pvalues
from metaresp.kernel.counts.calibrations import pvalues
from metaresp.model.batch import estimate
from metaresp.model.fitted import Fitted
from metaresp.model.inverse_variance import turning_size
from metaresp.model.scales import scale_of
from metaresp.spec import Spec
from metaresp.transforms import TRANSFORMS

LEAST = 1e-10  # nothing is looked for below this: no interval is trusted at such levels
_STEP = 3.0  # of log alpha; levels near 1 are slow and are tried only where they are needed


def effect_of(rate: float, counts: Counts, spec: Spec, tau2: float) -> float:
    """Return the effect of one lane that turns back into *rate*, on the model's scale.

    Parameters
    ----------
    rate : float
        Between 0 and 1.
    counts : Counts
        The one lane; its sizes matter to the Freeman-Tukey transform.
    spec : Spec
    tau2 : float
        Of the lane.
    """
    if spec.transform != "freeman-tukey":
        return float(scale_of(spec)(np.array([rate]))[0])
    size = turning_size(counts, spec, tau2)
    return float(TRANSFORMS["freeman-tukey"].forward(rate * size, size)[0][0])


def likelihood_alphas(targets: FloatArray, model: Fitted) -> FloatArray:
    """Return :func:`least_alpha` of each target for a likelihood interval of a count model.

    Parameters
    ----------
    targets : float array, shape (points,)
        On the model's scale.
    model : Fitted
        One lane, whose ci is a name of ``count_likelihood.CALIBRATIONS`` or ``beta_interval.LIKELIHOOD``.
    """
    if model.spec.model == "beta-binomial":
        return beta_pvalues(model.spec.ci, model.beta, targets)
    return pvalues(model.spec.ci, model.lanes, targets)


def least_alpha(target: float, counts: Counts, spec: Spec, which: str = "estimate") -> float:
    """Return the least ``1 - level`` whose interval leaves out *target*: its two-sided p-value.

    Parameters
    ----------
    target : float
        On the model's scale.
    counts : Counts
        The one lane.
    spec : Spec
        Its level is where the search starts.
    which : {"estimate", "estimate_prediction"}
        Interval of the mean, or of a new trial.

    Returns
    -------
    float
        From ``LEAST`` to 1.
    """
    from scipy.optimize import brentq

    def beyond(log_alpha: float) -> float:
        found = estimate(counts, replace(spec, level=1 - float(np.exp(log_alpha))))
        low, high = getattr(found, f"{which}_low"), getattr(found, f"{which}_high")
        return max(float(low[0]) - target, target - float(high[0]))

    least, most = float(np.log(LEAST)), float(np.log1p(-1e-9))
    if beyond(most) <= 0:
        return 1.0
    inner = float(np.log((1 - spec.level) / 2))
    while inner > least and beyond(inner) > 0:
        most, inner = inner, inner - _STEP
    inner = max(inner, least)
    if beyond(inner) > 0:
        return LEAST
    return float(np.exp(brentq(beyond, inner, most, xtol=1e-9)))
