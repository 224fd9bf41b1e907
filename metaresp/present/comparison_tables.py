"""The table of several models of the same studies."""

from typing import TYPE_CHECKING

from metaresp.outcome_words import outcome_words
from metaresp.present.numbers import level_percent, significant
from metaresp.present.rates import (
    SCALES,
    UNKNOWN,
    interval_text,
    rates_and_intervals,
    told_apart,
    with_digits,
)
from metaresp.present.text_tables import TABLES, Summary

if TYPE_CHECKING:
    from metaresp.analyses.compare import Comparison


@TABLES.add("Comparison")
def models(found: "Comparison") -> Summary:
    """Show one model a row, the default first."""
    fit = found.fits[0]
    spec, words = fit.spec, outcome_words(fit.spec.outcome)
    scale = with_digits(SCALES["percent"], spec.digits)
    texts = rates_and_intervals(found.rate.tolist(), found.low.tolist(), found.high.tolist(), scale)
    means = rates_and_intervals(found.mean_rate.tolist(), found.low.tolist(), found.high.tolist(), scale)
    new = []
    for low, high in zip(found.prediction_low.tolist(), found.prediction_high.tolist(), strict=True):
        if low != low:
            new.append(UNKNOWN)
        else:
            new.append(interval_text(low, high, scale, told_apart((low, high), scale, 1)))
    tau2 = [UNKNOWN if value != value else significant(value) for value in found.tau2.tolist()]
    rows = tuple(
        (name, *text, mean[0], ahead, spread, note)
        for name, text, mean, ahead, spread, note in zip(
            found.model, texts, means, new, tau2, found.note, strict=True
        )
    )
    level = level_percent(spec.level)
    columns = ("Model", "Rate", f"{level} CI", "Mean rate", f"{level} prediction", "tau2", "Which rate")
    facts = (("Data", f"{fit.k} studies, {fit.events} of {fit.n} patients {words.happened}"),)
    return Summary(facts, columns, rows, found.notes)
