"""Rates of groups of studies that share one tau2: a regression on indicators of the groups."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.counts import clean
from metaresp.errors import InvalidArgument, few, option
from metaresp.model import Batch
from metaresp.model.estimates import EXACT
from metaresp.model.registry import model_of
from metaresp.model.regression import Regressor
from metaresp.model.regressions import REGRESSIONS
from metaresp.model.spec import Spec, resolve
from metaresp.records import Later
from metaresp.result import Fit
from metaresp.sentences import names

# Fields of a batch that are those of groups.
NUMBERS = (
    *("rate", "low", "high", "mean_rate", "prediction_low", "prediction_high"),
    *("tau2", "I2", "estimate", "se", "estimate_low", "estimate_high"),
)


class OneTau2(NamedTuple):
    """Groups of one model.

    Attributes
    ----------
    model : Regressor or None
        An intercept and an indicator of each further group; None where the studies tell no common tau2.
    inside : int array
        The groups that take part.
    notes : tuple of str
    """

    model: Regressor | None
    inside: IntArray
    notes: tuple[str, ...]


def check_offered(spec: Spec) -> None:
    """Refuse fits whose groups cannot have one tau2."""
    wanted, kind = option("common_tau2", True), model_of(spec)
    if spec.cluster is not None:
        raise InvalidArgument(
            f"{wanted} is not offered with {option('cluster', spec.cluster)}, where each group has two "
            "variances: leave it out"
        )
    if kind.spread is None or spec.tau2 == "common":
        which = option("tau2", spec.tau2) if kind.spread else option("model", spec.model)
        raise InvalidArgument(f"{wanted} has no meaning for {which}, which knows no spread: leave it out")
    regression = REGRESSIONS.get(spec.model)
    if regression is None:
        raise InvalidArgument(
            f"{wanted} is not offered for {option('model', spec.model)}: leave it out, or pool with one of "
            f"{', '.join(map(repr, REGRESSIONS))}"
        )
    possible = regression.intervals
    if spec.ci not in possible:
        raise InvalidArgument(
            f"{option('ci', spec.ci)} is not offered with {wanted}: pool with one of "
            f"{', '.join(map(repr, possible))}"
        )


def fit_one_tau2(fit: Fit, batch: Batch, copies: IntArray, labels: Sequence[str]) -> OneTau2:
    """Fit the groups with one tau2.

    Parameters
    ----------
    fit : Fit
    batch : Batch
        Of each group by itself.
    copies : int array, shape (groups, k)
    labels : sequence of str
        Of the groups.

    Notes
    -----
    A group all at 0 or all at n has its likelihood's supremum at a rate of 0 or 1, whatever tau2 is, so that
    maximum likelihood gives the others what it gives them without that group.
    """
    edge = (batch.events == 0) | (batch.events == batch.n)
    inside = np.flatnonzero(~edge)
    said = [labels[i] for i in np.flatnonzero(edge).tolist()]
    notes = [
        f"{few(said)}: all at 0% or 100%: exact binomial interval on the totals; nothing is known of tau2 "
        "there, and the one tau2 is that of the other groups."
    ] * bool(said)
    if inside.size < 2 or np.isin(batch.reason[inside], EXACT).all():
        why = f"only {labels[inside[0]]} tells of it" if inside.size == 1 else "no group tells of it"
        notes = [f"No common tau2: {why}, and each group has the answer of its own studies."]
        return OneTau2(None, inside, tuple(notes))
    rows = np.flatnonzero(copies[inside].any(axis=0))
    used = fit.studies[rows]
    members = copies[np.ix_(inside, rows)].T.astype(np.float64)
    options = fit.spec.options() | {"prediction": None if fit.spec.prediction is None else "hts"}
    spec, counts = resolve(**options), clean(used.events, used.n, None)[0]
    model = REGRESSIONS[spec.model](spec, counts, members @ _coded(inside.size), None)
    notes += model.notes(lambda positions: names(used, positions), [labels[i] for i in inside.tolist()])
    if np.isnan(model.tau2_limits[0]):
        notes.append("The one tau2 has no interval.")
    if spec.prediction is not None and model.k - model.p < 2:
        notes.append(f"No interval of a new trial: {model.k} studies leave too little for {model.p} groups.")
    return OneTau2(model, inside, tuple(notes))


def _coded(groups: int) -> FloatArray:
    """Return the row of the design of each group."""
    rows = np.eye(groups)
    rows[:, 0] = 1.0
    return rows


def group_numbers(fit: Fit, batch: Batch, copies: IntArray, shared: OneTau2) -> dict[str, Any]:
    """Return what the one model says of the groups that take part, the others having their own answer."""
    model, inside = shared.model, shared.inside
    if model is None:
        return {}
    own: dict[str, Any] = {name: np.array(getattr(batch, name)) for name in NUMBERS}
    mean = model.predicted(_coded(inside.size))
    lanes = clean(np.broadcast_to(fit.studies.events, copies.shape), fit.studies.n, copies)[0].take(inside)
    rate, low, high, new_low, new_high = (
        model.back(end, lanes)
        for end in (mean.estimate, mean.low, mean.high, mean.prediction_low, mean.prediction_high)
    )
    tau2 = np.full(inside.size, model.residual.tau2)
    pooled = model_of(fit.spec)(lanes, fit.spec)
    centre, below, above = (pooled.mean_rates(end, tau2) for end in (mean.estimate, mean.low, mean.high))
    low, high = np.fmin(low, rate), np.fmax(high, rate)
    found = {
        "rate": rate,
        "low": low,
        "high": high,
        "mean_rate": centre,
        # a new trial is never told better than the typical one
        "prediction_low": np.minimum(new_low, low + 0 * new_low),
        "prediction_high": np.maximum(new_high, high + 0 * new_high),
        "tau2": tau2,
        "I2": np.full(inside.size, model.residual.I2),
        "estimate": mean.estimate,
        "se": mean.se,
        "estimate_low": mean.low,
        "estimate_high": mean.high,
    }
    for name, values in found.items():
        own[name][inside] = values
    low, high = np.full((2, len(batch.rate)), np.nan)
    low[inside], high[inside] = model.tau2_limits
    return own | {
        "tau2_low": low,
        "tau2_high": high,
        "mean_low": _mean_limit(batch, "mean_low", inside, np.fmin(below, centre)),
        "mean_high": _mean_limit(batch, "mean_high", inside, np.fmax(above, centre)),
    }


def _mean_limit(batch: Batch, name: str, inside: IntArray, values: FloatArray) -> Any:
    """Return the limit, that of groups which take no part being looked up when it is asked for."""

    def limit() -> FloatArray:
        own = np.array(getattr(batch, name))
        own[inside] = values
        return own

    return values if inside.size == len(batch.rate) else Later(limit)
