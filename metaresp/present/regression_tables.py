"""Tables of a regression on moderators: coefficients, and rates at certain moderators."""

import math
from typing import TYPE_CHECKING

import numpy as np

from metaresp.model.registry import model_of
from metaresp.outcome_words import outcome_words
from metaresp.present.numbers import level_percent, pvalue, significant
from metaresp.present.rates import SCALES, UNKNOWN, percent_text, rates_and_intervals, with_digits
from metaresp.present.summary import interval_words
from metaresp.present.text_tables import MOST_ROWS, TABLES, Summary
from metaresp.present.trial_tables import bare_p, flat, unseen

if TYPE_CHECKING:
    from metaresp.analyses.predicted import Bubbles, RegressionRates
    from metaresp.analyses.regression import Regression

PERCENT = SCALES["percent"]
_LONGEST = 28  # name of a moderator to the left of its test
_FARTHEST_RATIO = 1e4  # odds ratios beyond are said to be


@TABLES.add("Regression")
def regression(found: "Regression") -> Summary:
    """Show one coefficient a row, beneath the tests and what is left between studies."""
    level = level_percent(found.spec.level)
    ratios = found.scale == "logit"
    permuted = found.permutations > 0
    rows = []
    for j, name in enumerate(found.term):
        row = [_named(found, j, name), _decimals(found.estimate[j], found.se[j])]
        row.append(_interval(found.low[j], found.high[j], found.se[j]))
        if ratios:
            odds = [
                _ratio(float(log), float(found.se[j]))
                for log in (found.estimate[j], found.low[j], found.high[j])
            ]
            row += ["", ""] if j == 0 else [odds[0], f"{odds[1]} to {odds[2]}"]
        row.append(bare_p(float(found.pvalue[j])))
        if permuted:
            row.append(bare_p(float(found.permutation_pvalue[j])) if j else "")
        rows.append(tuple(row))
    heads = ["Term", f"Estimate ({found.scale})", f"{level} CI"]
    heads += ["Odds ratio", f"{level} CI"] if ratios else []
    heads += ["p", *(["p, permuted"] if permuted else [])]
    return Summary(tuple(_facts(found)), tuple(heads), tuple(rows[:MOST_ROWS]), found.notes)


def _named(found: "Regression", j: int, name: str) -> str:
    """Return a coefficient with what it is per, or against."""
    for term in found.design.terms:
        if j in term.columns:
            if term.levels:
                return f"{name} (against {term.levels[0]})"
            return f"{name} (per unit)" if name in found.on else name
    return name if j else "Intercept"


def _decimals(value: float, se: float) -> str:
    """Return a coefficient with about two digits of its standard error."""
    if not math.isfinite(se) or se <= 0:
        return significant(value)
    places = min(max(1 - math.floor(math.log10(se)), 0), 10)
    return f"{round(value, places) + 0.0:.{places}f}"


def _interval(low: float, high: float, se: float) -> str:
    return f"{_decimals(low, se)} to {_decimals(high, se)}"


def _ratio(log: float, se: float) -> str:
    """Return an odds ratio from its logarithm, so that it is told from 1 where the logarithm is from 0."""
    if log > math.log(_FARTHEST_RATIO):
        return f">{_FARTHEST_RATIO:,.0f}"
    if log < -math.log(_FARTHEST_RATIO):
        return f"<{1 / _FARTHEST_RATIO:g}"
    value = math.exp(log)
    places = min(max(1 - math.floor(math.log10(se)), 2), 10) if 0 < se < math.inf else 2
    return significant(value) if value < 0.1 or value >= 100 else f"{value:.{places if abs(log) < 1 else 2}f}"


def _facts(found: "Regression") -> list[tuple[str, str]]:
    words = outcome_words(found.spec.outcome)
    studies, df = found.studies, found.QM_df
    tests = []
    if len(found.design.terms) > 1:
        tests.append(("All moderators", _tested(found, found.QM, df, found.QM_df2, found.QM_pvalue)))
    values = (found.moderator_statistic, found.moderator_df, found.moderator_df2, found.moderator_pvalue)
    for term, *test in zip(found.design.terms, *(field.tolist() for field in values), strict=True):
        name = term.name if len(term.name) <= _LONGEST else f"{term.name[: _LONGEST - 3]}..."
        tests.append((name, _tested(found, *test)))
    if found.permutations:
        which = "all" if found.all_permutations else "drawn"
        tests.append(
            (
                "Permuted",
                f"{pvalue(found.QM_permutation_pvalue)} ({found.permutations:,} rearrangements, {which})",
            )
        )
    left = [
        f"tau = {significant(math.sqrt(found.tau2))} ({found.scale} scale), tau2 = {significant(found.tau2)}"
    ]
    if not math.isnan(found.R2):
        left.append(f"R2 = {percent_text(found.R2, 0)} of tau2 explained")
    left.append(f"I2 = {percent_text(found.I2, 0)}")
    left.append(f"QE = {found.QE:.1f} on {found.QE_df:.0f} df, {pvalue(found.QE_pvalue)}")
    events, n = int(studies.events.sum()), int(studies.n.sum())
    label = model_of(found.spec).label(found.spec, "")
    return [
        *tests,
        ("Left between studies", "; ".join(left)),
        ("Data", f"{found.k} studies, {events} of {n} patients {words.happened}"),
        (
            "Model",
            f"{label}, regressed on {found.formula or ', '.join(found.on)}; {interval_words(found.spec.ci)}",
        ),
    ]


def _tested(found: "Regression", statistic: float, df: float, df2: float, p: float) -> str:
    if "likelihood" in found.test:
        value = f"{statistic:.2f} on {df:.0f} df"
    elif math.isinf(df2):
        value = f"chi-square = {statistic:.2f} on {df:.0f} df"
    else:
        value = f"F = {statistic:.2f} on {df:.0f} and {significant(df2)} df"
    return f"{pvalue(p)} ({found.test}, {value})"


@TABLES.add("RegressionRates")
def rates(found: "RegressionRates") -> Summary:
    """Show one row of moderators a line with its rate, its interval and that of a new study."""
    scale = with_digits(PERCENT)
    values, lows, highs, starts, ends = flat(
        found, "rate", "low", "high", "prediction_low", "prediction_high", most=MOST_ROWS
    )
    texts = rates_and_intervals(values, lows, highs, scale)
    known = not np.isnan(found.prediction_low).any()
    new = (
        [text for _, text in rates_and_intervals(values, starts, ends, scale)] if known else [""] * len(texts)
    )
    level = level_percent(found.level)
    columns = [list(found.label[:MOST_ROWS])]
    columns += [[_value(value) for value in column[:MOST_ROWS]] for column in found.covariates.values()]
    heads = ["Study", *found.covariates, "Rate", f"{level} CI", *(["New study"] if known else [])]
    rows = tuple(
        (*cells, *text, *([trial] if known else []))
        for *cells, text, trial in zip(*columns, texts, new, strict=True)
    )
    return Summary((), tuple(heads), rows, found.notes, more=unseen(found.rate, MOST_ROWS))


def _value(value: object) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:g}" if isinstance(value, float) else str(value)


@TABLES.add("Bubbles")
def points(found: "Bubbles") -> Summary:
    """Show one study a row: the moderator, the rate and the weight."""
    texts = [f"{100 * rate:.1f}%" for rate in found.rate[:MOST_ROWS].tolist()]
    where = [found.levels[int(x)] if found.levels else f"{x:g}" for x in found.x[:MOST_ROWS].tolist()]
    weights = [percent_text(weight) for weight in found.weight[:MOST_ROWS].tolist()]
    rows = tuple(zip(found.study[:MOST_ROWS], where, texts, weights, strict=True))
    return Summary((), ("Study", found.moderator, "Rate", "Weight"), rows, more=unseen(found.rate, MOST_ROWS))
