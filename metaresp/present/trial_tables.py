"""Tables of what the binomial room answers: intervals, tests, methods, bounds, recovered counts, coverage."""

from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.present.numbers import level_percent, pvalue
from metaresp.present.rates import (
    SCALES,
    limit_text,
    rate_text,
    rates_and_intervals,
    with_digits,
)
from metaresp.present.text_tables import FIRST_ROWS, MOST_ROWS, TABLES, Summary

if TYPE_CHECKING:
    from metaresp.binomial import (
        BinomialCI,
        BinomialTest,
        Coverage,
        MethodIntervals,
        MissingBounds,
        RecoveredCounts,
    )

PERCENT = SCALES["percent"]
SIDES = {"less": "upper bound", "greater": "lower bound"}


def side_words(alternative: str) -> str:
    """Return what an interval of that alternative is called."""
    return SIDES.get(alternative, "interval")


def prior_words(prior: tuple[float, ...] | None) -> str:
    """Return the prior, after what goes before it."""
    return "" if prior is None else f", Beta({prior[0]:g}, {prior[1]:g}) prior"


def flat(record: Any, *names: str, most: int = FIRST_ROWS) -> list[list[Any]]:
    """Return fields of numbers or arrays as lists: their first rows, as many as are printed."""
    return [np.ravel(getattr(record, name))[:most].tolist() for name in names]


def unseen(values: Any, most: int = FIRST_ROWS) -> int:
    """Return how many values are beyond the rows that are printed."""
    return max(0, int(np.size(values)) - most)


@TABLES.add("BinomialCI")
def intervals(ci: "BinomialCI") -> Summary:
    """Show one trial in a line, several in a table."""
    scale = with_digits(PERCENT, ci.digits)
    events, n, rates, lows, highs = flat(ci, "events", "n", "rate", "low", "high")
    if len(events) != 1:
        title = f"{level_percent(ci.level)} {side_words(ci.alternative)}, {ci.method}{prior_words(ci.prior)}"
        if not events:
            return Summary(title=f"no trials, {ci.method}, {level_percent(ci.level)}")
        if np.ndim(ci.events) > 1:
            title += f"; trials of shape {np.shape(ci.events)}"
        columns = ("Trial", "Rate", side_words(ci.alternative).capitalize())
        texts = rates_and_intervals(rates, lows, highs, scale, ci.alternative)
        rows = tuple((f"{x}/{m}", *text) for x, m, text in zip(events, n, texts, strict=True))
        return Summary(columns=columns, rows=rows, title=title, more=unseen(ci.events))
    side = f", {SIDES[ci.alternative]}" if ci.alternative in SIDES else ""
    how = f"{ci.method}, {level_percent(ci.level)}{side}{prior_words(ci.prior)}"
    ((rate, interval),) = rates_and_intervals(rates, lows, highs, scale)
    return Summary(title=f"{events[0]}/{n[0]}: {rate} ({interval}), {how}")


def test_notes(method: str, alternative: str) -> tuple[str, ...]:
    """Return what a reader must know who holds the p-value against the interval of the same method."""
    if not method.endswith("blyth-still-casella") or alternative != "two-sided":
        return ()
    return (
        "Blyth-Still-Casella intervals of different levels are not nested: a rate inside one is never "
        "rejected at its level, but a rate just outside may not be either.",
    )


@TABLES.add("BinomialTest")
def tests(test: "BinomialTest") -> Summary:
    """Show one test in a line, several in a table."""
    events, n, rates, pvalues = flat(test, "events", "n", "rate", "pvalue")
    how = f"{test.method}, {test.alternative}{prior_words(test.prior)}"
    tested = [rate_text(rate, PERCENT, 1) for rate in rates]
    if len(events) == 1:
        title = f"{events[0]}/{n[0]} against {tested[0]}: {pvalue(pvalues[0])}, {how}"
        return Summary(title=title, notes=test_notes(test.method, test.alternative))
    trials = (f"{x}/{m}" for x, m in zip(events, n, strict=True))
    rows = zip(trials, tested, map(bare_p, pvalues), strict=True)
    shape = f"; tests of shape {np.shape(test.pvalue)}" if np.ndim(test.pvalue) > 1 else ""
    columns = ("Trial", "Rate tested", "p-value")
    notes = test_notes(test.method, test.alternative)
    return Summary((), columns, tuple(rows), notes, f"Test of a rate, {how}{shape}", unseen(test.pvalue))


def bare_p(p: float) -> str:
    """Return a p-value for a column of them."""
    return "-" if np.isnan(p) else pvalue(p).removeprefix("p ").removeprefix("= ").replace(" ", "")


@TABLES.add("MethodIntervals")
def methods(table: "MethodIntervals") -> Summary:
    """Show one method a row, beneath the trial and its rate."""
    lows, highs = flat(table, "low", "high", most=MOST_ROWS)
    rates = [table.rate] * len(lows)
    texts = rates_and_intervals(rates, lows, highs, PERCENT, table.alternative)
    words = side_words(table.alternative)
    head = f"{table.events}/{table.n}: {texts[0][0]}, {level_percent(table.level)} {words}" if texts else ""
    rows = tuple((name, text) for name, (_, text) in zip(table.methods, texts, strict=True))
    return Summary(columns=("Method", words.capitalize()), rows=rows, title=head)


@TABLES.add("MissingBounds")
def bounds(found: "MissingBounds") -> Summary:
    """Show the three cases of each trial."""
    cases = {"evaluable": found.evaluable, "worst": found.worst, "best": found.best}
    ci = found.evaluable
    trials, texts = [], []
    for case in cases.values():
        events, n, rates, lows, highs = flat(case, "events", "n", "rate", "low", "high")
        trials.append([f"{x}/{m}" for x, m in zip(events, n, strict=True)])
        texts.append(rates_and_intervals(rates, lows, highs, PERCENT, ci.alternative))
    rows = tuple(
        (name, trials[j][i], *texts[j][i]) for i in range(len(trials[0])) for j, name in enumerate(cases)
    )
    title = f"{level_percent(ci.level)} {side_words(ci.alternative)}, {ci.method}{prior_words(ci.prior)}"
    heads = ("Case", "Trial", "Rate", side_words(ci.alternative).capitalize())
    return Summary(columns=heads, rows=rows, title=title, more=3 * unseen(ci.events))


@TABLES.add("RecoveredCounts")
def recovered(found: "RecoveredCounts") -> Summary:
    """Show the one candidate, or a table of all of them."""
    events, n, rates, lows, highs = flat(found, "events", "n", "rate", "low", "high")
    if not events:
        return Summary(title=f"no counts up to n={found.n_max} give this rate and {found.method} interval")
    if len(events) == 1:
        return Summary(title=f"{events[0]}/{n[0]}")
    texts = rates_and_intervals(rates, lows, highs, PERCENT)
    rows = tuple((f"{x}/{m}", *text) for x, m, text in zip(events, n, texts, strict=True))
    title = f"{len(found)} counts up to n = {found.n_max} give this rate and {found.method} interval"
    columns = ("Trial", "Rate", f"{level_percent(found.level)} interval")
    return Summary(columns=columns, rows=rows, title=title, more=unseen(found.n))


@TABLES.add("Coverage")
def coverages(found: "Coverage") -> Summary:
    """Show lowest and mean coverage of each method, and its width where the rate is 10% and 50%."""
    places = [int(np.abs(found.rates - rate).argmin()) for rate in (0.1, 0.5)] if found.rates.size else []
    at = [f"Width at {rate_text(float(found.rates[place]), PERCENT, 0)}" for place in dict.fromkeys(places)]
    rows = tuple(
        (
            method,
            limit_text(float(found.minimum[i]), PERCENT, 1),
            limit_text(float(found.mean[i]), PERCENT, 1),
            *(limit_text(float(found.expected_width[i, j]), PERCENT, 1) for j in dict.fromkeys(places)),
        )
        for i, method in enumerate(found.methods)
    )
    side = "" if found.alternative == "two-sided" else f", {side_words(found.alternative)}s"
    title = f"Coverage of {level_percent(found.level)} intervals, n = {found.n}{side}"
    return Summary(columns=("Method", "Lowest", "Mean", *at), rows=rows, title=title)
