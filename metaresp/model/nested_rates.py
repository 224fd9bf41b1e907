"""Rates of studies nested in clusters: each study's own count and those of its cluster, shrunken."""

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, IntArray
from metaresp.counts import Counts
from metaresp.kernel.nested.counts import arrange
from metaresp.kernel.nested.effects import effect_posteriors
from metaresp.kernel.nested.robust import groups
from metaresp.kernel.nested.study_rate import StudyPosterior, study_posteriors
from metaresp.model.inverse_variance import effects
from metaresp.spec import Spec
from metaresp.transforms import TRANSFORMS


def nested_rates(
    counts: Counts, cluster: IntArray, spec: Spec, mu: float, between: float, within: float
) -> StudyPosterior:
    """Return the rate of every study given all counts of its cluster, at the fitted mean and variances.

    Parameters
    ----------
    counts : Counts
        One lane that the model has fitted.
    cluster : int array, shape (k,)
    spec : Spec
        With ``cluster``.
    mu, between, within : float
        Mean and both variances on the model's scale; a variance that is NaN is taken as 0.

    Returns
    -------
    StudyPosterior
        In the order of the studies, between 0 and 1.  Count model: mean and equal-tailed interval of the
        rate.  Inverse variance: the normal posterior of the effect, its mean and limits turned back into
        rates, each with the study's own n.
    """
    tail = (1 - spec.level) / 2
    between, within = float(np.nan_to_num(between)), float(np.nan_to_num(within))
    if spec.model == "binomial-normal":
        data, _ = arrange(counts.x[0], counts.n[0], cluster)
        found = study_posteriors(data, np.array([mu, between**0.5, within**0.5]), tail)
        return StudyPosterior(*(_in_place(field, groups(cluster).order) for field in found))
    transform = TRANSFORMS[str(spec.transform)]
    y, v, _ = effects(counts, spec)
    centre, sd = effect_posteriors(y[0], v[0], cluster, mu, within, between)
    z = -float(special.ndtri(tail))
    ends = (centre, centre - z * sd, centre + z * sd)
    return StudyPosterior(
        *(transform.inverse(np.clip(value, *transform.limits), counts.n[0]) for value in ends)
    )


def _in_place(values: FloatArray, order: IntArray) -> FloatArray:
    result = np.empty_like(values)
    result[order] = values
    return result
