"""What an inverse-variance fit says of its interval, its correction and its scale."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.transforms import apply_correction

if TYPE_CHECKING:
    from metaresp.model.inverse_variance import InverseVariance

# Intervals whose centre is not the mean at the tau2 that was asked for.
OWN_CENTRE = {
    "profile": "the maximum likelihood mean",
    "henmi-copas": "the common-effect mean, about which tau2 (DL) only widens the interval",
    "ivhet": "the common-effect mean, about which tau2 (DL) only widens the interval",
}
_ADDED = {"variance": "events and non-events, for their variances alone,", "events": "events alone"}
_ALIKE = 10  # sizes that differ more than this many times make the Freeman-Tukey rate doubtful
_ENDS = {"identity": (0.0, 1.0), "log": (-np.inf, 0.0)}  # of scales that a limit can leave


def effect_notes(
    model: "InverseVariance", one: Mapping[str, Any], named: Callable[[Sequence[int]], str]
) -> list[str]:
    """Say what the interval, the correction and the transform did."""
    spec, counts, notes = model.spec, model.counts, list[str]()
    if spec.tau2 == "common":
        notes.append("No interval of a new trial: by one common effect its rate is the pooled one.")
    if spec.ci in OWN_CENTRE:
        notes.append(f"ci={spec.ci!r} has its own centre: the pooled rate is {OWN_CENTRE[spec.ci]}.")
    if spec.ci == "hartung-knapp" and _narrower_than_normal(one, model.tail):
        notes.append(
            "The studies differ less than chance alone would have them: the Hartung-Knapp interval is "
            "narrower than the normal one; ci='hartung-knapp-floor' never is."
        )
    n = counts.n
    corrected = np.zeros(0, dtype=np.int64)
    if model.transform.corrected:
        corrected = np.flatnonzero(apply_correction(counts.x, n, counts.copies, *model.rule)[2][0])
    if corrected.size:
        what = _ADDED.get(str(spec.correct), "events and non-events")
        notes.append(
            f"{spec.correction:g} was added to {what} of {corrected.size} of {n.size} "
            f"studies for the pooling ({named(corrected.tolist())}); their own rates and intervals "
            "are those of the counts."
        )
    if spec.transform == "freeman-tukey":
        notes.append(_one_size(spec.back_n, float(n.min()), float(n.max())))
    if spec.transform in _ENDS:
        limits = _ENDS[spec.transform]
        values = [one["estimate_low"], one["estimate_high"]]
        if spec.prediction is not None and not np.isnan(one["prediction_low"]):
            values += [one["estimate_prediction_low"], one["estimate_prediction_high"]]
        if min(values) < limits[0] or max(values) > limits[1]:
            notes.append(f"Limits beyond 0% or 100% on the {spec.transform} scale are clipped there.")
    return notes


def _one_size(kind: str | None, least: float, most: float) -> str:
    """Say what the back-transform with one size does, the more the sizes differ."""
    if kind == "none":
        return "The Freeman-Tukey mean is turned back as an arcsine, which no trial's double arcsine is."
    note = (
        f"The Freeman-Tukey back-transform takes one size ({kind}) for all studies, here of "
        f"{least:.0f} to {most:.0f}: the pooled rate depends on it"
    )
    if most <= _ALIKE * least:
        return f"{note}."
    return f"{note} and can mislead; compare another transform or the binomial-normal model."


def _narrower_than_normal(one: Mapping[str, Any], tail: float) -> bool:
    """Whether Hartung-Knapp's is narrower than ``estimate +- z se``; with tau2 = 0 by Q alone."""
    if one["tau2"] != 0 or not one["Q_df"] > 0:
        return False
    t, z = t_quantile(np.array([one["Q_df"], np.inf]), tail)
    return bool(t * np.sqrt(one["Q"] / one["Q_df"]) < z)
