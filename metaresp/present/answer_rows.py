"""From several answers to one question, such as models or choices, to the rows of a forest plot."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaresp.checks import check_bool, check_digits, check_text
from metaresp.errors import InvalidArgument, known_name, option
from metaresp.present import forest_parts as parts
from metaresp.present.forest_table import Column, ForestRow, ForestTable, LegendItem
from metaresp.present.numbers import level_percent
from metaresp.present.rates import UNKNOWN, decimals_for_widths, rate_scale, with_digits
from metaresp.present.wording import Writer, greek, outcome_labels, wording
from metaresp.registry import Registry
from metaresp.sentences import without_options

if TYPE_CHECKING:
    from metaresp.result import Fit

TYPICAL, MEAN, NEW = (
    ("rate", "low", "high"),
    ("mean_rate", "mean_low", "mean_high"),
    ("prediction_low", "prediction_high"),
)


@dataclass(frozen=True, slots=True)
class Answers:
    """Several answers to one question, before they are written.

    Attributes
    ----------
    head : str
        Of the column of labels.
    labels : sequence of str
    estimates : sequence of (float, float, float)
        Rate, low and high of each.
    ahead : sequence of (float, float)
        Limits of a new trial of each; NaN, or nothing at all, where there are none.
    columns : tuple of (Column, sequence of str)
        Further columns; one without a text in any row is left out.
    main : int or None
        The row whose answer is the diamond.
    fit : Fit or None
        Whose answer that is, where there is a main one.
    whose : str
        What the line on its rates begins with, where that is not plain.
    reference : float
        Where the dashed line stands if there is no diamond; NaN for none.
    title, axis : str
        If none is given.
    told : tuple of str
        What stands beneath in any case.
    notes : tuple of str
        What stands beneath unless notes are not wanted.
    """

    head: str
    labels: Sequence[str]
    estimates: Sequence[tuple[float, float, float]]
    ahead: Sequence[tuple[float, float]] = ()
    columns: tuple[tuple[Column, Sequence[str]], ...] = ()
    main: int | None = None
    fit: "Fit | None" = None
    whose: str = ""
    reference: float = math.nan
    title: str = ""
    axis: str = ""
    told: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


#: By the name of the record: its answers, with the words of the figure and which rate is asked for.
ANSWERS: Registry[Callable[[Any, Mapping[str, str], str], Answers]] = Registry("answers")


def answer_rows(
    found: Any,
    *,
    scale: str = "percent",
    of: str = "typical",
    prediction: str | None = "line",
    benchmark: Any = None,
    zones: Any = None,
    notes: bool = True,
    title: str = "",
    axis_label: str | None = None,
    labels: Mapping[str, str] | None = None,
    outcome: str | None = None,
    digits: int | None = None,
) -> ForestTable:
    """Return a row for each answer, the main one with a diamond.

    Parameters
    ----------
    found : Comparison, Overlap, MissingResponses, LeaveOneOut, Cumulative, Subgroups, ...
        A record that :data:`ANSWERS` knows.
    prediction : {"line", "bar", "density"} or None
        How the interval of a new trial is drawn: through the row of each answer that has one, or in a row of
        its own beneath the diamond.
    scale, of, benchmark, zones, notes, title, axis_label, labels, outcome, digits
        As for :func:`metaresp.present.forest_rows.forest_rows`.

    Returns
    -------
    ForestTable

    Raises
    ------
    UnknownName
        If *scale*, *of* or *prediction* is not known.
    InvalidArgument
        If another option has no such value, or the answers have no mean over trials.

    Examples
    --------
    >>> import metaresp as mr
    >>> table = answer_rows(mr.leave_one_out(mr.pool(events=[13, 4, 9], n=[18, 7, 20])))
    >>> [(row.kind, row.label) for row in table.rows][:2], table.rows[-1].kind
    ([('estimate', 'Study 1'), ('estimate', 'Study 2')], 'pooled')
    """
    spec = getattr(found, "spec", found)
    words = wording(
        {**outcome_labels(getattr(spec, "outcome", None) if outcome is None else outcome), **(labels or {})}
    )
    unit = with_digits(rate_scale(scale), getattr(spec, "digits", None), check_digits(digits))
    of = known_name("of", of, ("typical", "mean"))
    if prediction is not None:
        prediction = known_name("prediction", prediction, parts.PREDICTIONS, option("prediction", None))
    answers = ANSWERS[type(found).__name__](found, words, of)
    decimals = decimals_for_widths([high - low for _, low, high in answers.estimates], unit)
    writer = Writer(unit, decimals, words, level_percent(spec.level))
    shown = [pair for pair in answers.columns if any(text not in ("", UNKNOWN) for text in pair[1])]
    sides = {side: [column for column, _ in shown if column.side == side] for side in ("left", "right")}
    rate = words["rate_head"].format(rate=writer.with_unit(words["rate"]), level=writer.level)
    lines, shaded = parts.benchmarks(benchmark, writer), parts.zones(zones)
    legend = parts.legend(lines, shaded)
    rows = _rows(answers, shown, writer, ahead=prediction == "line")
    if any(row.ahead for row in rows):
        legend.append(LegendItem("ahead", words["prediction"].format(level=writer.level)))
    said = list(answers.told)
    if answers.fit is not None:
        main = [row.kind for row in rows].index("pooled")
        said += [answers.whose + line for line in parts.pooled_lines(answers.fit, writer, of)]
        if prediction != "line":
            rows[main + 1 : main + 1] = parts.prediction_rows(answers.fit, writer, prediction)
    said += answers.notes if check_bool("notes", notes) else ()
    axis_label = answers.axis or words["axis"] if axis_label is None else check_text("axis_label", axis_label)
    return ForestTable(
        columns=(
            Column("study", answers.head),
            *sides["left"],
            Column("rate", rate, "right", writer.bracket),
            *sides["right"],
        ),
        rows=tuple(rows),
        notes=tuple(greek(without_options(line)) for line in said),
        axis_label=writer.with_unit(axis_label),
        title=check_text("title", title) or answers.title,
        reference=answers.reference if answers.main is None else answers.estimates[answers.main][0],
        factor=unit.factor,
        unit=unit.unit,
        decimal=words["decimal"],
        lines=lines,
        zones=shaded,
        legend=tuple(legend),
    )


def _rows(
    answers: Answers, shown: Sequence[tuple[Column, Sequence[str]]], writer: Writer, *, ahead: bool
) -> list[ForestRow]:
    """Return the rows of the answers, each with the limits of its new trial where they are wanted."""
    main = None if answers.main is None else answers.main % len(answers.labels)
    rows = []
    for i, (label, estimate) in enumerate(zip(answers.labels, answers.estimates, strict=True)):
        cells = {
            column.key: writer.number(texts[i]) if column.align != "left" else texts[i]
            for column, texts in shown
        }
        known = all(map(math.isfinite, estimate))
        cells["rate"] = writer.estimate(*estimate) if known else UNKNOWN
        new = answers.ahead[i] if ahead and answers.ahead else ()
        kind = "pooled" if i == main else "estimate"
        new = new if all(map(math.isfinite, new)) else ()
        rows.append(ForestRow(kind, label, *estimate, cells=cells, ahead=new))
    return rows


def estimates(found: Any, of: str) -> list[tuple[float, float, float]]:
    """Return rate, low and high of each row of a record: of a typical trial, or the mean over trials.

    Raises
    ------
    InvalidArgument
        If the record has no interval of the mean.
    """
    names = MEAN if of == "mean" else TYPICAL
    if not hasattr(found, names[1]):
        only_typical(of, "the rates of a typical trial")
    return list(zip(*(getattr(found, name).tolist() for name in names), strict=True))


def only_typical(of: str, what: str) -> None:
    """Refuse the mean over trials where there is none."""
    if of == "mean":
        raise InvalidArgument(f"{option('of', of)}: these are {what}, with no mean over trials")


def news(found: Any) -> list[tuple[float, float]]:
    """Return the limits of a new trial of each row of a record."""
    return list(zip(*(getattr(found, name).tolist() for name in NEW), strict=True))
