"""Sentences that say what a pooling did to awkward data."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from metaresp.counts import Counts
from metaresp.errors import few
from metaresp.kernel.counts.binomial_normal import OK
from metaresp.model.base import Model
from metaresp.model.batch import estimate
from metaresp.model.estimates import ALL_EXTREME, CLUSTERS_EXTREME, EXACT, ONE_STUDY
from metaresp.model.registry import model_of
from metaresp.model.spec import Spec, resolve
from metaresp.outcome import Levels
from metaresp.outcome_words import outcome_words
from metaresp.studies import Studies

# A study with more than this share of the patients, among so many studies or more, outweighs the others.
_OUTWEIGHS, _MANY = 0.5, 10
# An interval whose ends are this many times one another, or this far apart, says nearly nothing.
_NEARLY_EVERYTHING, _MOST_RATES = 1000.0, 0.9
# What a note offers: the narrowest penalty that covers .935 up to tau = 1 (docs/decisions/few-events.md)
_USUAL = ("half-normal", 2.0)

_FEW = 4  # Satterthwaite degrees of freedom: Tipton (2015), Psychological Methods 20:375


def names(studies: Studies, positions: Sequence[int]) -> str:
    """Return the labels of the studies at *positions*, the first five."""
    return ", ".join(studies.study[i] for i in positions[:5]) + (", ..." if len(positions) > 5 else "")


def listed(studies: Studies) -> str:
    """Return which studies were left out and why, the first three."""
    return few([f"{item.study}: {item.reason}" for item in studies.excluded], 3, "; ")


def say(studies: Studies, model: Model, one: dict[str, Any], reason: str) -> list[str]:
    """Say in sentences what was done to awkward data; *one* holds the estimates of the one lane.

    *reason* is why the answer is not the model's, or empty.
    """
    spec = model.spec
    notes = list(studies.source.notes) if studies.source is not None else []
    told = {item.text for item in studies.source.left_out} if studies.source is not None else set()
    if any(item.study not in told for item in studies.excluded):
        left_out = len(studies.excluded)
        notes.append(f"{left_out} of {len(studies) + left_out} studies take no part: {listed(studies)}.")
    out = np.flatnonzero(model.counts.copies[0] == 0).tolist()  # by a rule of the model
    if out:
        notes.append(
            f"{len(out)} of {len(studies)} studies at 0% or 100% take no part in the pooling "
            f"({names(studies, out)}), by {spec.correct!r}: the pooled rate is that of the others."
        )
    if reason:
        if model.exact:
            reason = reason.replace("exact binomial interval", f"{spec.ci} interval")
        notes.append(f"{reason[0].upper()}{reason[1:]}.")
    if one["reason"] in {ALL_EXTREME, CLUSTERS_EXTREME}:
        notes.append(_two_answers(model, one))
    if one["reason"] in EXACT:
        return notes
    k, nested = round(one["k"]), spec.cluster is not None
    if k == 2 and model.spread:
        notes.append(f"With two studies the data say next to nothing about {model.spread}.")
    if spec.prediction not in {None, "likelihood"} and np.isnan(one["prediction_low"]) and not nested:
        notes.append(f"No prediction interval: prediction={spec.prediction!r} needs more than {k} studies.")
    if model.spread and spec.tau2 not in {"common", 0.0} and one[model.spread] == 0 and one["reason"] == OK:
        notes.append(f"{model.spread} is estimated as 0: the fit is that of one common rate.")
    largest = int(studies.n.argmax())
    share = float(studies.n[largest] / studies.n.sum())
    if spec.prediction == "likelihood" and k >= _MANY and share > _OUTWEIGHS and one["reason"] == OK:
        notes.append(
            f"{names(studies, [largest])} has {share:.0%} of the patients: the interval of a new trial then "
            "holds its rate a little less often than it says (93.3% where 95% is said, for one of 2,000 "
            "patients among nineteen of 7 to 40)."
        )
    return notes + model.notes(one, lambda positions: names(studies, positions))


def _two_answers(model: Model, one: dict[str, Any]) -> str:
    """Say that studies counted as patients give the mean over trials, and what the model would give."""
    mean = f"{_percent(one['rate'])} ({_percent(one['low'])} to {_percent(one['high'])})"
    limits = None if model.spec.cluster is not None else model.typical_limits()
    typical = "" if limits is None else f" ({_percent(limits[0])} to {_percent(limits[1])} here)"
    return (
        f"That is the mean rate over trials, {mean}. With a study that is at neither end the answer is the "
        f"model's, of the typical trial{typical}: the two do not meet."
    )


def say_sparse(
    model: Model, one: dict[str, Any], spread_of: Callable[[], tuple[float, float] | None]
) -> list[str]:
    """Say why an interval is nearly everything, and what helps, with numbers.

    *spread_of* gives the interval of H2, infinite where the data do not bound tau.
    """
    spec = model.spec
    if not model.explains or spec.penalty is not None or one["reason"] in EXACT:
        return []
    low, high = one["low"], one["high"]
    upper = spec.link != "log" and (1 - low) > _NEARLY_EVERYTHING * (1 - high)
    wide = high > _NEARLY_EVERYTHING * low or upper or high - low > _MOST_RATES
    interval = spread_of()
    bounded = interval is None or math.isfinite(interval[1])
    if not wide and bounded:
        return []
    words = outcome_words(spec.outcome)
    events, n = int(model.counts.events[0]), int(model.counts.total[0])
    counted = f"{events} of {n} patients {words.happened}"
    spread = (
        "the data say little of how much trials differ, and much would leave nearly any rate open"
        if bounded
        else "the data do not bound how much trials differ"
    )
    helps: list[tuple[str, dict[str, Any]]] = [
        ("one common rate, exactly", {"model": "common"}),
        ("the mean of beta-distributed rates", {"model": "beta-binomial"}),
        ("the typical trial with a penalty on large tau", {"penalty": _USUAL, "link": spec.link}),
    ]
    told = [
        f"{what} ({', '.join(f'{key}={value!r}' for key, value in options.items() if key != 'link')}): "
        f"{_answer(model.counts, options, spec.level)}"
        for what, options in helps
    ]
    return [f"{counted}: {spread}. What helps: {'; '.join(told)}."]


def _answer(counts: Counts, options: dict[str, Any], level: float) -> str:
    """Return the rate that another model finds for the same counts, with its interval."""
    spec = resolve(**options, level=level)
    found = estimate(model_of(spec)(counts, spec))
    rate, low, high = (float(field[0]) for field in (found.rate, found.low, found.high))
    return f"{_percent(rate)} ({_percent(low)} to {_percent(high)})"


def without_options(note: str) -> str:
    """Return a note as the reader of a figure needs it: without the options that it names in brackets.

    Examples
    --------
    >>> without_options("one common rate (model='common'): 4.9% (1.0% to 13.7%)")
    'one common rate: 4.9% (1.0% to 13.7%)'
    """
    return re.sub(r" \([a-z_]+=(?:'[^']*'|\([^()]*\))\)", "", note)


def _percent(rate: float) -> str:
    if 0 < rate < 0.0005:
        return "<0.1%"
    return ">99.9%" if 0.9995 < rate < 1 else f"{100 * rate:.1f}%"


def nothing_nested(cluster: str, clusters: int, k: int) -> str:
    """Return why clustered studies got the ordinary model."""
    if k == 1:
        return ""
    if clusters == k:
        return f"Every {cluster} has one study: nothing is nested, and the model is the ordinary one."
    return (
        f"All {k} studies have one {cluster}: how much clusters differ is not estimable; the model is the "
        f"ordinary one, and speaks of studies of that {cluster} alone."
    )


def say_nested(spec: Spec, one: dict[str, Any], levels: Levels | None) -> list[str]:
    """Say what a fit of studies nested in clusters did, and what it cannot do."""
    if levels is None:
        return []
    many = levels.words
    if one["reason"] in EXACT:
        if one["reason"] in {ONE_STUDY, CLUSTERS_EXTREME}:
            return []
        units = "studies of one cluster" if one["reason"] == ALL_EXTREME else "patients"
        return [
            f"The exact interval takes {units} as independent although studies are nested in {many}: these "
            "data cannot show how alike a cluster is, and the interval may be too narrow."
        ]
    notes = [
        f"Studies are nested in {many}, as groups of different patients. Reports that share patients would "
        f"be counted twice: of those keep one, studies.largest_per({levels.cluster!r})."
    ]
    if spec.prediction not in {None, "likelihood"} and np.isnan(one["prediction_low"]):
        notes.append(
            f"No prediction interval: prediction={spec.prediction!r} needs more than {levels.clusters} "
            "clusters."
        )
    if one["se"] == 0:
        notes.append("The studies agree exactly: the standard error is 0, and the intervals have no width.")
    if levels.clusters == 2 and one["tau2"] > 0:
        notes.append("With two clusters the data say next to nothing about how much clusters differ.")
    if one["tau2"] > 0:
        notes += [
            f"tau2 {name} clusters is estimated as 0: {what}."
            for name, value, what in (
                ("between", levels.tau2_between, "studies differ no less within clusters than across them"),
                ("within", levels.tau2_within, "the studies of a cluster share its rate"),
            )
            if value == 0
        ]
    if spec.ci == "CR2" and one["df"] < _FEW:
        notes.append(
            f"The CR2 interval has {one['df']:.1f} degrees of freedom; below {_FEW} its level is not "
            "reliable."
        )
    return notes
