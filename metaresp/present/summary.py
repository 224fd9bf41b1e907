"""The summary of a fit as text and as HTML."""

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metaresp.arrays import silent
from metaresp.present.numbers import level_percent, pvalue, significant
from metaresp.present.rates import SCALES, decimals_for_widths, interval_text, rate_text, rate_with_interval
from metaresp.records import Record

if TYPE_CHECKING:
    from metaresp.outcome import Levels
    from metaresp.result import Fit

PERCENT = SCALES["percent"]
_CI_WORDS = {
    "normal": "normal quantile",
    "t": "t quantile",
    "hartung-knapp": "Hartung-Knapp",
    "hartung-knapp-floor": "Hartung-Knapp, never narrower than the normal interval",
    "kenward-roger": "Kenward-Roger",
    "henmi-copas": "Henmi-Copas",
    "profile": "profile likelihood",
    "profile-t": "profile likelihood with a t quantile",
    "profile-f": "profile likelihood, exact for equal normal studies",
    "bartlett": "profile likelihood with Bartlett's correction",
    "bootstrap": "parametric bootstrap",
    "CR1": "cluster-robust (CR1)",
    "CR2": "cluster-robust (CR2, Satterthwaite)",
}


@dataclass(frozen=True, eq=False, slots=True)
class Summary(Record):
    """A result in words; printing it gives the table.

    Attributes
    ----------
    facts : tuple of (str, str)
        What, and its value.
    columns : tuple of str
        Heads of the study table.
    rows : tuple of tuple of str
        One row a study.
    notes : tuple of str
    """

    facts: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self.facts)
        lines = [f"{name:<{width}}  {value}" for name, value in self.facts]
        return "\n".join([*lines, "", *text_table(self.columns, self.rows), *_note_lines(self.notes)])

    def _repr_html_(self) -> str:
        facts = "".join(f"<tr><th>{html.escape(a)}</th><td>{html.escape(b)}</td></tr>" for a, b in self.facts)
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in self.rows
        )
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        studies = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        return (
            f'<table class="metaresp-facts">{facts}</table>'
            f'<table class="metaresp-studies">{studies}</table>{notes}'
        )


def text_table(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> list[str]:
    """Return lines with the first column to the left and the others to the right."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    lines = []
    for row in (columns, *rows):
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines


def _note_lines(notes: tuple[str, ...]) -> list[str]:
    return ["", *(f"Note: {note}" for note in notes)] if notes else []


@silent
def summarise(fit: "Fit") -> Summary:
    """Return the summary of *fit*."""
    rates, lows, highs = (np.ravel(getattr(fit.study_ci, name)).tolist() for name in ("rate", "low", "high"))
    level = level_percent(fit.spec.level)
    d = decimals_for_widths([b - a for a, b in zip(lows, highs, strict=True)], PERCENT)
    rows = tuple(
        (
            label,
            f"{x}/{n}",
            rate_text(rate, PERCENT, d),
            interval_text(low, high, PERCENT, d),
            f"{weight:.1f}%",
        )
        for label, x, n, rate, low, high, weight in zip(
            fit.studies.study,
            fit.studies.events.tolist(),
            fit.studies.n.tolist(),
            rates,
            lows,
            highs,
            fit.weights.tolist(),
            strict=True,
        )
    )
    columns = ("Study", "Events/n", "Rate", f"{level} CI", "Weight")
    return Summary(tuple(_facts(fit, level, d)), columns, rows, fit.notes)


def _facts(fit: "Fit", level: str, d: int) -> list[tuple[str, str]]:
    pooled = rate_with_interval(fit.rate, *fit.rate_ci, PERCENT, d).replace("(", f"({level} CI ")
    facts = [("Pooled response rate", pooled)]
    if fit.tau2 > 0:
        facts.append(("Mean over trials", rate_text(fit.mean_rate, PERCENT, d)))
    if fit.prediction_interval is not None:
        new = interval_text(*fit.prediction_interval, PERCENT, d)
        facts.append(("A new trial", f"{new} ({level} prediction interval)"))
    between = heterogeneity_words(fit)
    if between:
        facts.append(("Between trials", between))
    if fit.levels is not None and math.isfinite(fit.levels.tau2_between):
        facts.append(("Levels", _level_words(fit.levels)))
    noun = "study" if fit.k == 1 else "studies"
    crude = rate_text(fit.events / fit.n, PERCENT, d)
    facts.append(("Data", f"{fit.k} {noun}, {fit.events} of {fit.n} patients responded ({crude})"))
    facts.append(("Model", f"{fit.model_label}; {_interval_words(fit)}"))
    return facts


def heterogeneity_words(fit: "Fit") -> str:
    """Return one line on the variation between trials; empty where there is nothing to say."""
    h = fit.heterogeneity
    if math.isnan(fit.tau2) and math.isnan(fit.rho):
        return ""
    parts = []
    if not math.isnan(fit.rho):
        parts.append(f"rho = {significant(fit.rho)} (intraclass correlation)")
    elif fit.spec.model != "common":
        parts.append(f"tau = {significant(fit.tau)} ({fit.scale} scale), tau2 = {significant(fit.tau2)}")
        parts.append(f"I2 = {h.I2:.0f}%")
    if not math.isnan(h.lrt):
        name = "tau2" if math.isnan(fit.rho) else "rho"
        parts.append(f"likelihood-ratio test of {name} = 0: {pvalue(h.lrt_pvalue)}")
    elif not math.isnan(h.Q):
        parts.append(f"Q = {h.Q:.1f} on {h.df:.0f} df, {pvalue(h.pvalue)}")
    return "; ".join(parts)


def _level_words(levels: "Levels") -> str:
    """Return one line on both levels: clusters, and the studies of a cluster."""
    parts = [
        f"between clusters tau = {significant(math.sqrt(levels.tau2_between))}, "
        f"I2 = {levels.I2_between:.0f}%, test of no clustering: {pvalue(levels.lrt_between_pvalue)}"
    ]
    if math.isfinite(levels.tau2_within):
        parts.append(
            f"within clusters tau = {significant(math.sqrt(levels.tau2_within))}, "
            f"I2 = {levels.I2_within:.0f}%, {pvalue(levels.lrt_within_pvalue)}"
        )
    return "; ".join(parts)


def _interval_words(fit: "Fit") -> str:
    if fit.is_exact:
        return f"{fit.spec.ci if fit.spec.model == 'common' else 'clopper-pearson'} interval"
    words = _CI_WORDS.get(fit.spec.ci, fit.spec.ci)
    return f"{words}, {fit.df:.4g} df" if math.isfinite(fit.df) else words


def notebook(fit: "Fit") -> str:
    """Return the summary as HTML."""
    return summarise(fit)._repr_html_()
