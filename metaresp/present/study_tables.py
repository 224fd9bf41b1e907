"""Tables of studies, and of what the pictures of studies show."""

from typing import TYPE_CHECKING

import numpy as np

from metaresp.outcome_words import outcome_words
from metaresp.present.numbers import level_percent, significant
from metaresp.present.rates import SCALES, decimals_for_widths, rate_text
from metaresp.present.text_tables import MOST_ROWS, TABLES, Summary
from metaresp.present.trial_tables import bare_p, flat, unseen

if TYPE_CHECKING:
    from metaresp.analyses.baujat import Baujat
    from metaresp.analyses.funnel import Drapery, Funnel
    from metaresp.studies import ExcludedStudy, Studies

PERCENT = SCALES["percent"]
# Benchmarks of a drapery that are printed.
BENCHMARKS = 11


@TABLES.add("Studies")
def studies(found: "Studies") -> Summary:
    """Show counts, rates and covariates; studies that take no part as notes."""
    k = len(found)
    events, n = flat(found, "events", "n", most=MOST_ROWS)
    columns = {"Study": list(found.study[:MOST_ROWS])}
    columns["Events/n"] = [f"{x}/{m}" for x, m in zip(events, n, strict=True)]
    columns["Rate"] = _rates([x / m for x, m in zip(events, n, strict=True)], n)
    if found.enrolled is not None:
        columns["Enrolled"] = list(map(str, flat(found, "enrolled", most=MOST_ROWS)[0]))
    for name, values in found.covariates.items():
        columns[name] = ["" if value is None else str(value) for value in values[:MOST_ROWS]]
    noun = "study" if k == 1 else "studies"
    title = f"{k:,} {noun}, {int(found.events.sum()):,} events in {int(found.n.sum()):,} patients"
    source = getattr(found, "source", None)
    facts = () if source is None else (("Studies", title), ("Read", str(source)))
    notes = [f"{item.study} takes no part: {item.reason}" for item in found.excluded[:MOST_ROWS]]
    if len(found.excluded) > MOST_ROWS:
        notes.append(f"{len(found.excluded) - MOST_ROWS:,} more take no part")
    rows = tuple(zip(*columns.values(), strict=True))
    more = unseen(found.n, MOST_ROWS)
    return Summary(facts, tuple(columns), rows, tuple(notes), "" if facts else title, more)


def _rates(rates: list[float], sizes: list[int]) -> list[str]:
    """Return rates with decimals as for intervals about as wide as a patient of the study is worth."""
    decimals = decimals_for_widths([4 / size for size in sizes], PERCENT)
    return [rate_text(rate, PERCENT, decimals) for rate in rates]


@TABLES.add("ExcludedStudy")
def excluded(found: "ExcludedStudy") -> Summary:
    """Show a study that takes no part, in a line."""
    counts = ("?" if value is None else str(value) for value in (found.events, found.n))
    row = "" if found.row is None else f" (row {found.row})"
    return Summary(title=f"{found.study}, {'/'.join(counts)}{row}: {found.reason}")


@TABLES.add("Baujat")
def shares(found: "Baujat") -> Summary:
    """Show each study's share of the heterogeneity and its influence."""
    pairs = zip(*flat(found, "contribution", "influence", most=MOST_ROWS), strict=True)
    rows = tuple(
        (study, *("-" if np.isnan(value) else significant(value) for value in pair))
        for study, pair in zip(found.study[:MOST_ROWS], pairs, strict=True)
    )
    notes = (f"Contribution: {found.contribution_label[0].lower()}{found.contribution_label[1:]}.",)
    columns = ("Study", "Contribution", "Influence")
    return Summary((), columns, rows, notes, more=unseen(found.influence, MOST_ROWS))


@TABLES.add("Funnel")
def funnels(found: "Funnel") -> Summary:
    """Show where each study stands, and what the contours are of."""
    x, y = flat(found, "x", "y", most=MOST_ROWS)
    words = outcome_words(found.outcome)
    if found.size == "n":
        places = zip(_rates(x, [int(size) for size in y]), (f"{size:.0f}" for size in y), strict=True)
        columns, centre = ("Study", "Rate", "Patients"), rate_text(found.centre, PERCENT, 1)
    else:
        logits = (f"{value:.3f}" + "*" * mark for value, mark in zip(x, found.corrected, strict=False))
        places = zip(logits, map(significant, y), strict=True)
        columns, centre = ("Study", "Logit", "Standard error"), f"a logit of {found.centre:.3f}"
    rows = tuple((study, *place) for study, place in zip(found.study[:MOST_ROWS], places, strict=True))
    levels = ", ".join(map(level_percent, found.levels))
    facts = ((words.pooled, centre), ("Contours", f"{levels} limits of chance, at {found.sizes.size} sizes"))
    corrected = any(found.corrected) and found.size != "n"
    notes = ("* 0.5 added to events and non-events.",) if corrected else ()
    return Summary(facts, columns, rows, notes, more=unseen(found.x, MOST_ROWS))


@TABLES.add("Drapery")
def draperies(found: "Drapery") -> Summary:
    """Show p-values of the pooled rate at some benchmarks, and how many studies are compatible with each."""
    places = np.unique(np.linspace(0, found.rates.size - 1, BENCHMARKS).round().astype(int)).tolist()
    alpha = 1 - found.level
    inside = (found.pvalues > alpha).sum(axis=0)
    rows = tuple(
        (rate_text(float(found.rates[i]), PERCENT, 1), bare_p(float(found.pooled[i])), str(int(inside[i])))
        for i in places
    )
    pooled = rate_text(found.rate, PERCENT, 1)
    facts = (
        (outcome_words(found.outcome).pooled, pooled),
        ("Curves", f"{len(found.study)} studies and the pooled rate, at {found.rates.size} benchmarks"),
    )
    columns = ("Benchmark", "p, pooled rate", f"Studies with p > {alpha:.3g}")
    return Summary(facts, columns, rows, more=found.rates.size - len(places))
