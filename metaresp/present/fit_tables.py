"""Tables of what a fit is made of and hands out, and of many fits at once."""

import math
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.outcome_words import outcome_words
from metaresp.present.numbers import level_percent, pvalue, significant
from metaresp.present.rates import (
    SCALES,
    UNKNOWN,
    interval_texts,
    percent_text,
    rate_text,
    rates_and_intervals,
    with_digits,
)
from metaresp.present.summary import level_words
from metaresp.present.text_tables import FIRST_ROWS, MOST_ROWS, TABLES, Summary
from metaresp.present.trial_tables import bare_p, flat, test_notes, unseen
from metaresp.present.wording import typical_words

if TYPE_CHECKING:
    from metaresp.analyses.subgroups import Subgroups
    from metaresp.forecast import EventForecast
    from metaresp.model import Batch
    from metaresp.model.spec import Spec
    from metaresp.outcome import Heterogeneity, Levels, TestResult
    from metaresp.shrinkage import StudyRates

PERCENT = SCALES["percent"]
# Counts of a forecast are put together so that there are no more rows.
MOST_COUNTS = 25


@TABLES.add("Batch")
def lanes(batch: "Batch") -> Summary:
    """Show one meta-analysis a row, beneath the shape and the model."""
    level = level_percent(batch.spec.level)
    names = ("k", "events", "n", "rate", "low", "high", "mean_rate", "prediction_low", "prediction_high")
    k, events, n, rates, lows, highs, means, starts, ends = flat(batch, *names)
    scale = with_digits(PERCENT, batch.spec.digits)
    pooled = rates_and_intervals(rates, lows, highs, scale)
    new = [text for _, text in rates_and_intervals(means, starts, ends, scale)]
    lane = [str(index if len(index) > 1 else index[0]) for index in indices(batch.rate)]
    mean = [rate_text(value, scale, 1) for value in means]
    spread = [_number(value) for value in flat(batch, "tau2")[0]]
    counts = [f"{x:.0f}/{m:.0f}" for x, m in zip(events, n, strict=True)]
    studies = [f"{value:.0f}" for value in k]
    head = f"{outcome_words(batch.spec.outcome).events}/n"
    columns = ("Lane", "Studies", head, "Rate", f"{level} CI", "Mean", "New trial", "tau2")
    rows = tuple(
        (where, many, count, *text, average, trial, tau2)
        for where, many, count, text, average, trial, tau2 in zip(
            lane, studies, counts, pooled, mean, new, spread, strict=True
        )
    )
    total = int(np.size(batch.rate))
    shape = f", shape {np.shape(batch.rate)}" if np.ndim(batch.rate) != 1 else ""
    title = f"{total:,} meta-analys{'i' if total == 1 else 'e'}s{shape}: {options_words(batch.spec)}"
    notes = tuple(f"{many:,} of {total:,}: {words}." for words, many in batch.reasons().items())
    return Summary((), columns, rows, notes, title, unseen(batch.rate))


def indices(values: Any) -> list[tuple[int, ...]]:
    """Return the places of the first rows in an array of any shape."""
    shape = np.shape(values) or (1,)
    return [
        tuple(int(i) for i in np.unravel_index(place, shape))
        for place in range(min(int(np.prod(shape)), FIRST_ROWS))
    ]


def options_words(spec: "Spec") -> str:
    """Return the model with its options in a line."""
    shown = {name: value for name, value in spec.options().items() if name not in {"model", "level"}}
    shown = {name: value for name, value in shown.items() if name in {"link", "transform", "tau2", "ci"}}
    return ", ".join([spec.model, *(f"{name} {value}" for name, value in shown.items())])


@TABLES.add("Subgroups")
def groups(found: "Subgroups") -> Summary:
    """Show one group a row, beneath the test between them."""
    spec = found.fit.spec
    scale = with_digits(PERCENT, spec.digits)
    k, events, n, rates, lows, highs = flat(found, "k", "events", "n", "rate", "low", "high", most=MOST_ROWS)
    tau2, share, p = flat(found, "tau2", "I2", "within_pvalue", most=MOST_ROWS)
    texts = rates_and_intervals(rates, lows, highs, scale)
    means: list[tuple[str, ...]] = [()] * len(rates)
    if typical_words(found.fit):
        centres, below, above = flat(found, "mean_rate", "mean_low", "mean_high", most=MOST_ROWS)
        means = [
            (f"{rate} ({limits})",) for rate, limits in rates_and_intervals(centres, below, above, scale)
        ]
    below, above = flat(found, "prediction_low", "prediction_high", most=MOST_ROWS)
    new: list[tuple[str, ...]] = [()] * len(rates)
    if any(low == low for low in below):
        new = [(text,) for text in interval_texts(below, above, scale)]
    rows = tuple(
        (name, str(k[i]), f"{events[i]}/{n[i]}", *texts[i], *means[i], *new[i], _number(tau2[i]),
         percent_text(share[i], 0), bare_p(p[i]))
        for i, name in enumerate(found.group[:MOST_ROWS])
    )  # fmt: skip
    head = f"{outcome_words(spec.outcome).events}/n"
    limits, mean = f"{level_percent(spec.level)} CI", ("Mean over trials",) if any(means) else ()
    ahead = ("New trial",) if any(new) else ()
    columns = (found.by, "Studies", head, "Rate", limits, *mean, *ahead, "tau2", "I2", "p within")
    one = ", one tau2 for all groups" if found.common_tau2 else ""
    facts = [("Groups", f"{len(found.group)} by {found.by}{one}"), ("Between groups", _between(found))]
    return Summary(tuple(facts), columns, rows, found.notes, more=unseen(found.rate, MOST_ROWS))


def _number(value: float) -> str:
    return UNKNOWN if math.isnan(value) else significant(value)


def _between(found: "Subgroups") -> str:
    if math.isnan(found.pvalue):
        return "no test"
    if found.reference == "permutation":
        value = f"{found.statistic:.2f}"
    elif found.reference == "F":
        value = f"F = {found.F:.2f} on {found.df:.0f} and {significant(found.df2)} df"
    else:
        value = f"chi-square = {found.statistic:.2f} on {found.df:.0f} df"
    test = found.test.replace("τ²", "tau2")
    return f"{test}, {value}, {pvalue(found.pvalue)}"


@TABLES.add("StudyRates")
def shrunken(found: "StudyRates") -> Summary:
    """Show the observed and the shrunken rate of each study."""
    level = level_percent(found.level)
    events, n, rates, lows, highs = flat(found, "events", "n", "rate", "low", "high", most=MOST_ROWS)
    scale = with_digits(PERCENT, found.digits)
    own = rates_and_intervals(rates, lows, highs, scale)
    names = ("shrunken", "shrunken_low", "shrunken_high")
    rates, lows, highs = flat(found, *names, most=MOST_ROWS)
    drawn = rates_and_intervals(rates, lows, highs, scale)
    rows: tuple[tuple[str, ...], ...] = tuple(
        (found.study[i], f"{events[i]}/{n[i]}", *own[i], *drawn[i]) for i in range(len(events))
    )
    head = f"{outcome_words(found.outcome).events}/n"
    columns: tuple[str, ...] = ("Study", head, "Rate", f"{level} CI", "Shrunken", f"{level} interval")
    if found.outlier is not None:
        columns += ("P(outlier)",)
        rows = tuple((*row, f"{share:.2f}") for row, share in zip(rows, found.outlier, strict=False))
    return Summary((), columns, rows, (found.note,) if found.note else (), more=unseen(found.rate, MOST_ROWS))


@TABLES.add("EventForecast")
def forecasts(found: "EventForecast") -> Summary:
    """Show probabilities of the counts, put together where they are many."""
    step = next(step for step in _round_numbers() if found.n < step * MOST_COUNTS)
    counts, chance, at_least = [], [], []
    for start in range(0, found.n + 1, step):
        stop = min(start + step, found.n + 1)
        counts.append(str(start) if step == 1 else f"{start} to {stop - 1}")
        chance.append(_probability(float(found.pmf[start:stop].sum())))
        at_least.append(_probability(found.probability_at_least(start)))
    words = outcome_words(found.outcome)
    head = "Responders" if found.outcome is None else words.events
    facts = (
        ("New trial", f"{found.n:,} patients"),
        (head, f"median {found.median:,}, mean {significant(found.mean)}"),
        (f"{level_percent(found.level)} interval", f"{found.low:,} to {found.high:,}"),
    )
    columns = (head, "Probability", "That many or more")
    return Summary(facts, columns, tuple(zip(counts, chance, at_least, strict=True)))


def _round_numbers() -> Iterator[int]:
    """Yield 1, 2, 5, 10, 20, ..."""
    for power in count():
        yield from (times * 10**power for times in (1, 2, 5))


def _probability(value: float) -> str:
    return percent_text(100 * value)


@TABLES.add("TestResult")
def benchmark(test: "TestResult") -> Summary:
    """Show the pooled rate against a benchmark, in lines."""
    what = "mean rate over trials" if test.of == "mean" else "pooled rate"
    facts = [
        ("Test", f"{what} against {rate_text(test.benchmark, PERCENT, 1)}, {test.alternative}"),
        ("Result", pvalue(test.pvalue)),
    ]
    if math.isfinite(test.statistic):
        reference = f"t on {test.df:.4g} df" if math.isfinite(test.df) else "normal"
        facts.append(("Statistic", f"{significant(test.statistic)} ({reference})"))
    return Summary((*facts, ("Method", test.method)), notes=test_notes(test.method, test.alternative))


@TABLES.add("Heterogeneity")
def heterogeneity(found: "Heterogeneity") -> Summary:
    """Show what is known of the variation between studies, in lines."""
    facts = []
    if math.isfinite(found.Q):
        facts.append(("Q", f"{found.Q:.2f} on {found.df:.0f} df, {pvalue(found.pvalue)}"))
        facts.append(("", found.Q_definition))
    if math.isfinite(found.lrt):
        facts.append(("Likelihood ratio", f"{found.lrt:.2f}, {pvalue(found.lrt_pvalue)} (no spread)"))
    if math.isfinite(found.I2):
        facts += [("I2", percent_text(found.I2) + _share_limits(found.I2_ci)), ("", found.I2_definition)]
    if math.isfinite(found.I2_Q):
        facts.append(("I2 by Q", percent_text(found.I2_Q) + _share_limits(found.I2_Q_ci)))
    if math.isfinite(found.H2):
        limits = found.H2_ci
        ends = "" if limits is None else f" ({significant(limits.low)} to {significant(limits.high)})"
        facts.append(("H2", significant(found.H2) + ends))
    return Summary(tuple(facts), title="" if facts else "heterogeneity is not estimable")


def _share_limits(limits: Any) -> str:
    return "" if limits is None else f" ({percent_text(limits.low)} to {percent_text(limits.high)})"


@TABLES.add("Levels")
def levels(found: "Levels") -> Summary:
    """Show variation between clusters and within them, in lines."""
    facts = [("Clusters", found.words)]
    if math.isfinite(found.tau2_between):
        facts += [(name.capitalize(), text) for name, _, text in _split(level_words(found))]
    return Summary(tuple(facts))


def _split(words: str) -> list[tuple[str, str, str]]:
    return [part.partition(" clusters ") for part in words.split("; ")]


@TABLES.add("Spec")
def options(spec: "Spec") -> Summary:
    """Show the options of a pooling, in lines, without those that the model has no use for."""
    shown = {"model": spec.model, **spec.options()}
    shown["level"] = level_percent(spec.level)
    return Summary(tuple((name, "none" if value is None else str(value)) for name, value in shown.items()
                         if value is not None or name == "prediction"))  # fmt: skip
