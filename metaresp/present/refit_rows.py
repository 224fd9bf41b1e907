"""From leave-one-out and cumulative fits to the finished rows of a forest plot."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from metaresp.checks import check_bool, check_digits, check_text
from metaresp.errors import known_name
from metaresp.present import forest_parts as parts
from metaresp.present.around_tables import number, spread_name, spread_of, value_text
from metaresp.present.forest_columns import headline
from metaresp.present.forest_table import Column, ForestRow, ForestTable
from metaresp.present.numbers import level_percent
from metaresp.present.rates import UNKNOWN, decimals_for_widths, rate_scale, with_digits
from metaresp.present.wording import Writer, greek, outcome_labels, wording

if TYPE_CHECKING:
    from metaresp.analyses.refits import Refits


def refit_rows(
    found: "Refits",
    *,
    scale: str = "percent",
    of: str = "typical",
    prediction: str | None = None,
    benchmark: Any = None,
    zones: Any = None,
    notes: bool = True,
    title: str = "",
    axis_label: str | None = None,
    labels: Mapping[str, str] | None = None,
    outcome: str | None = None,
    digits: int | None = None,
) -> ForestTable:
    """Return a row for each fit, and the diamond of all studies beneath.

    Parameters
    ----------
    found : Refits
        What ``mr.leave_one_out`` or ``mr.cumulative`` found.
    scale, of, prediction, benchmark, zones, notes, title, axis_label, labels, outcome, digits
        As for :func:`metaresp.present.forest_rows.forest_rows`.

    Returns
    -------
    ForestTable

    Examples
    --------
    >>> import metaresp as mr
    >>> table = refit_rows(mr.leave_one_out(mr.pool(events=[13, 4, 9], n=[18, 7, 20])))
    >>> [(row.kind, row.label) for row in table.rows][:2], table.rows[-1].kind
    ([('estimate', 'Study 1'), ('estimate', 'Study 2')], 'pooled')
    """
    fit = found.fit
    counted = fit.spec.outcome if outcome is None else outcome
    words = wording({**outcome_labels(counted), **(labels or {})})
    unit = with_digits(rate_scale(scale), fit.spec.digits, check_digits(digits))
    of = known_name("of", of, ("typical", "mean"))
    names = ("mean_rate", "mean_low", "mean_high") if of == "mean" else ("rate", "low", "high")
    rates, lows, highs = (getattr(found, name).tolist() for name in names)
    widths = [high - low for low, high in zip(lows, highs, strict=True)]
    writer = Writer(unit, decimals_for_widths(widths, unit), words, level_percent(fit.spec.level))
    values = () if found.by is None else getattr(found, "value", ())
    head = (
        words["added"]
        if hasattr(found, "value")
        else words["without"].format(what=headline(found.by or words["study"]))
    )
    spread = getattr(found, spread_name(fit)).tolist()
    rows: list[ForestRow] = []
    for i, label in enumerate(found.study):
        cells = {
            "rate": writer.estimate(rates[i], lows[i], highs[i]),
            "k": str(found.k[i]),
            "spread": writer.number(number(spread[i])),
            "value": value_text(values[i]) if values else "",
        }
        rows.append(ForestRow("estimate", label, rates[i], lows[i], highs[i], cells=cells))
    whole = parts.pooled_row(fit, words["all_studies"], writer, 0, of=of)
    whole = replace(
        whole, cells={**whole.cells, "k": str(fit.k), "spread": writer.number(number(spread_of(fit)))}
    )
    lines, shaded = parts.benchmarks(benchmark, writer), parts.zones(zones)
    rate = words["rate_head"].format(rate=writer.with_unit(words["rate"]), level=writer.level)
    by = [Column("value", headline(str(found.by)), align="right")] * any(row.text("value") for row in rows)
    tau = [Column("spread", {"tau2": "τ²", "rho": "ρ"}[spread_name(fit)], "right", "right")]
    kind, details = parts.model_words(fit, words)
    said = (f"{kind}: {details}." if details else f"{kind}.", *parts.pooled_lines(fit, writer, of))
    axis_label = words["axis"] if axis_label is None else check_text("axis_label", axis_label)
    return ForestTable(
        columns=(
            Column("study", head),
            *by,
            Column("k", words["how_many"], align="right"),
            Column("rate", rate, "right", writer.bracket),
            *tau * any(row.text("spread") != UNKNOWN for row in rows),
        ),
        rows=(*rows, whole, *parts.prediction_rows(fit, writer, prediction)),
        notes=tuple(map(greek, (*said, *(found.notes if check_bool("notes", notes) else ())))),
        axis_label=writer.with_unit(axis_label),
        title=check_text("title", title),
        reference=parts.pooled(fit, of)[0],
        factor=unit.factor,
        unit=unit.unit,
        decimal=words["decimal"],
        lines=lines,
        zones=shaded,
        legend=tuple(parts.legend(lines, shaded)),
    )
