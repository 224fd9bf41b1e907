"""The table of what each study does to the subsets that hold it."""

from typing import TYPE_CHECKING

import numpy as np

from metaresp.outcome_words import outcome_words
from metaresp.present.numbers import significant
from metaresp.present.rates import SCALES, percent_text, rate_text
from metaresp.present.text_tables import MOST_ROWS, TABLES, Summary
from metaresp.present.trial_tables import flat, unseen

if TYPE_CHECKING:
    from metaresp.analyses.gosh import Gosh

PERCENT = SCALES["percent"]
# How a measure of the spread inside a subset is called.
MEASURES = {"I2": "I2", "rho": "Intraclass correlation", "k": "Studies"}
# The largest score is above it in less than a tenth of sets of studies without an outlier.
HIGH_SCORE = 0.7


@TABLES.add("Gosh")
def gosh_table(found: "Gosh") -> Summary:
    """Show the medians with and without each study, and its score."""
    rate, names = outcome_words(found.outcome).rate, ("rate_with", "rate_without")
    columns = {"Study" if found.by == "study" else found.by: list(found.study[:MOST_ROWS])}
    for name, side in zip(names, ("with", "without"), strict=True):
        columns[f"{rate} {side}"] = [
            rate_text(value, PERCENT, 1) for value in flat(found, name, most=MOST_ROWS)[0]
        ]
    if found.measure != "k":
        word = {"I2": "I2", "rho": "rho"}[found.measure]
        for name, side in (("measure_with", "with"), ("measure_without", "without")):
            values = flat(found, name, most=MOST_ROWS)[0]
            columns[f"{word} {side}"] = [measure_text(found.measure, value) for value in values]
    scores = found.score
    columns["Score"] = ["-" if np.isnan(score) else f"{score:.2f}" for score in scores[:MOST_ROWS].tolist()]
    size = f"{found.k.size:,}, {'all' if found.complete else 'random'}"
    facts: tuple[tuple[str, str], ...] = (
        ("Subsets", size),
        ("All studies", f"{rate_text(found.whole_rate, PERCENT, 1)}{_whole(found)}"),
    )
    inside = "" if found.measure == "k" else f" and {columns_word(found.measure)}"
    notes = (
        f"Medians over the subsets with and without a study. Score: the part of the scatter of {rate.lower()}"
        f"{inside} over the subsets that its being in or out explains, 0 to 1; without an outlying study the "
        f"largest is above {HIGH_SCORE:g} in less than a tenth of data sets.",
        *found.notes,
    )
    rows = tuple(zip(*columns.values(), strict=True))
    return Summary(facts, tuple(columns), rows, notes, more=unseen(scores, MOST_ROWS))


def columns_word(measure: str) -> str:
    """Return a measure as it is called inside a sentence."""
    return MEASURES[measure] if measure == "I2" else MEASURES[measure].lower()


def measure_text(measure: str, value: float) -> str:
    """Return I2 in percent, an intraclass correlation as a number."""
    if np.isnan(value):
        return "-"
    return percent_text(value, 0) if measure == "I2" else significant(value)


def _whole(found: "Gosh") -> str:
    if found.measure == "k" or np.isnan(found.whole_measure):
        return ""
    return f", {columns_word(found.measure)} {measure_text(found.measure, found.whole_measure)}"
