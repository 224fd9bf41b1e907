"""Tables of several answers to one question: models, choices among reports, what is assumed missing."""

from typing import TYPE_CHECKING

from metaresp.outcome_words import outcome_words
from metaresp.present.numbers import level_percent, significant
from metaresp.present.rates import SCALES, UNKNOWN, interval_texts, rates_and_intervals, with_digits
from metaresp.present.text_tables import TABLES, Summary

if TYPE_CHECKING:
    from metaresp.analyses.compare import Comparison
    from metaresp.analyses.missing import MissingResponses
    from metaresp.analyses.overlap import Overlap


@TABLES.add("Comparison")
def models(found: "Comparison") -> Summary:
    """Show one model a row, the default first."""
    fit = found.fits[0]
    spec, words = fit.spec, outcome_words(fit.spec.outcome)
    scale = with_digits(SCALES["percent"], spec.digits)
    texts = rates_and_intervals(found.rate.tolist(), found.low.tolist(), found.high.tolist(), scale)
    means = rates_and_intervals(found.mean_rate.tolist(), found.low.tolist(), found.high.tolist(), scale)
    new = interval_texts(found.prediction_low.tolist(), found.prediction_high.tolist(), scale)
    tau2 = [UNKNOWN if value != value else significant(value) for value in found.tau2.tolist()]
    rows = tuple(
        (name, *text, mean[0], ahead, spread, note)
        for name, text, mean, ahead, spread, note in zip(
            found.model, texts, means, new, tau2, found.note, strict=True
        )
    )
    level = level_percent(spec.level)
    columns = ("Model", "Rate", f"{level} CI", "Mean rate", f"{level} prediction", "tau2", "Which rate")
    noun = "study" if fit.k == 1 else "studies"
    facts = (("Data", f"{fit.k} {noun}, {fit.events} of {fit.n} patients {words.happened}"),)
    return Summary(facts, columns, rows, found.notes)


@TABLES.add("Overlap")
def choices(found: "Overlap") -> Summary:
    """Show one choice among reports a row."""
    scale, level = with_digits(SCALES["percent"], found.spec.digits), level_percent(found.spec.level)
    texts = rates_and_intervals(found.rate.tolist(), found.low.tolist(), found.high.tolist(), scale)
    new = interval_texts(found.prediction_low.tolist(), found.prediction_high.tolist(), scale)
    counts = zip(found.k.tolist(), found.events.tolist(), found.n.tolist(), strict=True)
    rows = tuple(
        (name, str(k), f"{events}/{n}", *text, ahead)
        for name, (k, events, n), text, ahead in zip(
            found.choice,
            counts,
            texts,
            new,
            strict=True,
        )
    )
    pairs = int(found.share.sum()) // 2
    facts = (
        ("Reports", f"{len(found.study)}; {pairs:,} pairs with the same {found.by} may share patients"),
        ("Disjoint sets", f"{found.sets:,} with one report of each {found.by}"),
    )
    head = f"{outcome_words(found.spec.outcome).events}/n"
    columns = ("Pooled", "Reports", head, "Rate", f"{level} CI", f"{level} prediction")
    return Summary(facts, columns, rows, found.notes)


@TABLES.add("MissingResponses")
def missing(found: "MissingResponses") -> Summary:
    """Show one assumption on patients without a response a row."""
    spec = found.evaluated.spec
    scale, level = with_digits(SCALES["percent"], spec.digits), level_percent(spec.level)
    texts = rates_and_intervals(found.rate.tolist(), found.low.tolist(), found.high.tolist(), scale)
    rows = tuple(
        (assumption(odds, spec.outcome), *text) for odds, text in zip(found.odds.tolist(), texts, strict=True)
    )
    columns = ("Patients without a response", "Rate", f"{level} CI")
    return Summary((), columns, rows, found.notes)


def assumption(odds: float, outcome: str | None) -> str:
    """Return what is assumed of patients without a response, in words."""
    happened = outcome_words(outcome).happened
    told = {0.0: f"none {happened}", 1.0: "like the others", float("inf"): f"all {happened}"}
    return told.get(odds, f"odds times {odds:g}")
