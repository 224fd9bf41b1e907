"""Tables of fits without some studies, of growing sets of studies, and of what each study does to a fit."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from metaresp.model.registry import model_of
from metaresp.outcome_words import outcome_words
from metaresp.present.forest_columns import headline
from metaresp.present.numbers import level_percent, significant
from metaresp.present.rates import (
    SCALES,
    UNKNOWN,
    decimals_for_widths,
    interval_text,
    percent_text,
    rate_with_interval,
    rates_and_intervals,
    told_apart,
    with_digits,
)
from metaresp.present.text_tables import MOST_ROWS, TABLES, Summary
from metaresp.present.trial_tables import bare_p, flat, unseen

if TYPE_CHECKING:
    from metaresp.analyses.influence import Influence
    from metaresp.analyses.refits import Cumulative, LeaveOneOut, Refits
    from metaresp.result import Fit

PERCENT = SCALES["percent"]


@TABLES.add("LeaveOneOut")
def left_out(found: "LeaveOneOut") -> Summary:
    """Show the rate without each study, beneath that of all and the range."""
    scale = with_digits(PERCENT, found.spec.digits)
    fit, known = found.fit, [rate for rate in found.rate.tolist() if math.isfinite(rate)]
    d = decimals_for_widths((found.high - found.low).tolist(), scale)
    level = level_percent(found.spec.level)
    whole = rate_with_interval(fit.rate, *fit.rate_ci, scale, d).replace("(", f"({level} CI ")
    facts = [("All studies", whole)]
    if known:
        ends = (min(known), max(known))
        facts.append(
            (f"Without one {found.by or 'study'}", interval_text(*ends, scale, told_apart(ends, scale, d)))
        )
    return _table(found, f"{headline(found.by or 'study')} left out", facts)


@TABLES.add("Cumulative")
def grown(found: "Cumulative") -> Summary:
    """Show the rate of the first study, the first two, ..."""
    own: list[tuple[str, Sequence[str]]] = []
    if found.by is not None and found.by != "study":
        own.append((found.by, [value_text(value) for value in found.value[:MOST_ROWS]]))
    return _table(found, "Study added", (), own)


def value_text(value: object) -> str:
    """Return the value that a study is ordered by."""
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _table(
    found: "Refits",
    head: str,
    facts: Sequence[tuple[str, str]],
    own: Sequence[tuple[str, Sequence[str]]] = (),
) -> Summary:
    spec = found.spec
    scale = with_digits(PERCENT, spec.digits)
    k, events, n, rates, lows, highs = flat(found, "k", "events", "n", "rate", "low", "high", most=MOST_ROWS)
    spread, i2, q, p = flat(found, spread_name(found.fit), "I2", "Q", "Q_pvalue", most=MOST_ROWS)
    texts = rates_and_intervals(rates, lows, highs, scale)
    columns = {head: [*found.study[:MOST_ROWS]], **dict(own), "Studies": list(map(str, k))}
    columns[f"{outcome_words(spec.outcome).events}/n"] = [f"{x}/{m}" for x, m in zip(events, n, strict=True)]
    columns["Rate"], columns[f"{level_percent(spec.level)} CI"] = zip(*texts, strict=True)
    if any(map(math.isfinite, found.prediction_low.tolist())):
        means, lows, highs = flat(found, "mean_rate", "prediction_low", "prediction_high", most=MOST_ROWS)
        columns["New trial"] = [text for _, text in rates_and_intervals(means, lows, highs, scale)]
    columns[spread_name(found.fit)] = list(map(number, spread))
    columns |= {
        "I2": [percent_text(v, 0) for v in i2],
        "Q": list(map(decimals(1), q)),
        "p": list(map(bare_p, p)),
    }
    shown = {name: cells for name, cells in columns.items() if set(cells) != {UNKNOWN}}
    rows = tuple(zip(*shown.values(), strict=True))
    return Summary(tuple(facts), tuple(shown), rows, found.notes, more=unseen(found.rate, MOST_ROWS))


def spread_name(fit: "Fit") -> str:
    """Return which number says how much trials differ."""
    return model_of(fit.spec).spread or "tau2"


def spread_of(fit: "Fit") -> float:
    """Return that number."""
    return float(getattr(fit, spread_name(fit)))


def number(value: float) -> str:
    """Return a number of three digits, or that there is none."""
    return UNKNOWN if math.isnan(value) else "inf" if math.isinf(value) else significant(value)


def decimals(digits: int) -> Callable[[float], str]:
    """Return the writer of numbers with that many decimals."""
    return lambda value: UNKNOWN if math.isnan(value) else f"{value:.{digits}f}"


_DIAGNOSTICS: dict[str, tuple[str, Callable[[float], str]]] = {
    "rstudent": ("Residual", decimals(2)),
    "dffits": ("DFFITS", decimals(2)),
    "cooks_distance": ("Cook's D", decimals(3)),
    "cov_ratio": ("Cov. ratio", decimals(2)),
    "tau2_deleted": ("tau2 without", number),
    "rho_deleted": ("rho without", number),
    "Q_deleted": ("Q without", decimals(1)),
    "dfbetas": ("DFBETAS", decimals(2)),
    "weight": ("Weight", percent_text),
}


@TABLES.add("Influence")
def influences(found: "Influence") -> Summary:
    """Show the diagnostics of each study, the influential ones marked."""
    cells = {}
    for name, (head, write) in _DIAGNOSTICS.items():
        cells[head] = [write(value) for value in flat(found, name, most=MOST_ROWS)[0]]
    cells["Influential"] = ["yes" if flag else "no" for flag in found.influential[:MOST_ROWS].tolist()]
    shown = {head: column for head, column in cells.items() if set(column) != {UNKNOWN}}
    columns = (f"{headline(found.by or 'study')} left out", *shown)
    rows = tuple(zip(found.study[:MOST_ROWS], *shown.values(), strict=True))
    return Summary((), columns, rows, found.notes, more=unseen(found.weight, MOST_ROWS))
