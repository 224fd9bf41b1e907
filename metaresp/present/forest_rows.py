"""From a fit, or from studies alone, to the finished rows of a forest plot."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.checks import check_bool, check_digits, check_text
from metaresp.errors import InvalidArgument, known_name, option
from metaresp.outcome_words import outcome_words
from metaresp.present import forest_parts as parts
from metaresp.present.forest_columns import Extras
from metaresp.present.forest_groups import between_line, group_rows
from metaresp.present.forest_parts import heterogeneity_lines
from metaresp.present.forest_table import ForestTable, LegendItem
from metaresp.present.numbers import level_percent
from metaresp.present.rates import rate_scale, with_digits
from metaresp.present.wording import Writer, greek, outcome_labels, wording
from metaresp.sentences import without_options

if TYPE_CHECKING:
    from metaresp.analyses.subgroups import Subgroups
    from metaresp.binomial import BinomialCI
    from metaresp.result import Fit
    from metaresp.studies import Studies

__all__ = ["forest_rows", "forest_rows_studies", "heterogeneity_lines"]


def forest_rows(
    fit: "Fit",
    *,
    groups: "Subgroups | None" = None,
    scale: str = "percent",
    sort: str | None = None,
    descending: bool = False,
    left: Any = (),
    right: Any = (),
    formats: Mapping[str, Any] | None = None,
    align: Mapping[str, str] | None = None,
    risk_of_bias: Any = (),
    counts: str | None = "joined",
    weights: bool | str = True,
    of: str = "typical",
    prediction: str | None = "bar",
    shrunken: bool = False,
    also: Any = (),
    benchmark: Any = None,
    zones: Any = None,
    notes: bool = True,
    title: str = "",
    axis_label: str | None = None,
    labels: Mapping[str, str] | None = None,
    outcome: str | None = None,
    digits: int | None = None,
) -> ForestTable:
    """Return the rows of a fit: studies, pooled rate, prediction interval, and the lines beneath.

    Parameters
    ----------
    fit : Fit
    groups : Subgroups, optional
        The same fit by groups: headings, diamonds and heterogeneity of each, and the test between them.
    scale : {"percent", "proportion", "per 1000", "per 10000", "per 100000"}
        The unit of the printed rates and of the axis.
    sort : {"study", "events", "n", "rate", "weight"} or a covariate, optional
        Order of the studies; the order of the data when not given.
    descending : bool
        Sort from the largest to the smallest.
    left, right : str, sequence of str, or mapping of str to str
        Covariates to show as columns left and right of the axis, with their heads in a mapping.
    formats : mapping, optional
        How to write a column: a format such as ``".1f"``, or a function of the value.
    align : mapping, optional
        ``left``, ``right``, ``centre`` or one character that stands above itself, by column.
    risk_of_bias : str, sequence of str, or mapping of str to str
        Covariates that hold judgements: low, some concerns, high, no information.
    counts : {"joined", "split"} or None
        Events and patients in one column (13/18), in two, or not at all.
    weights : bool or "all"
        Whether to print the weights; ``"all"``: those of each fit in *also* too.
    of : {"typical", "mean"}
        What the diamonds are: the rate of a typical trial, or the mean rate over trials; a line beneath
        says the other.
    prediction : {"bar", "line", "density"} or None
        How the prediction interval is drawn.
    shrunken : bool
        Whether to draw each study's shrunken rate (:meth:`metaresp.Fit.study_rates`) below its own.
    also : Fit or sequence of Fit
        Other models of the same studies, each with its diamond.
    benchmark : float, sequence of float, or mapping of str to float
        Rates to draw a line at.
    zones : mapping of str to (float, float)
        Parts of the axis to shade.
    notes : bool
        Whether to print what the fit has to say about awkward data.
    title, axis_label : str
    labels : mapping of str to str, optional
        Words in the place of ours, see :data:`metaresp.present.wording.WORDS`.
    outcome : str, optional
        What is counted, in words; that of the fit when not given.
    digits : int, optional
        Decimals of the rates in their unit; those of the fit when not given.

    Returns
    -------
    ForestTable

    Raises
    ------
    UnknownName
        If *scale*, *sort*, *prediction* or a column is not known.
    InvalidArgument
        If another option has no such value.

    Examples
    --------
    >>> import metaresp as mr
    >>> table = forest_rows(mr.pool(events=[13, 4, 9], n=[18, 7, 20]))
    >>> [row.kind for row in table.rows]
    ['study', 'study', 'study', 'pooled', 'prediction']
    >>> table.rows[0].text("rate")
    '72.2% (46.5% to 90.3%)'
    """
    counted = fit.spec.outcome if outcome is None else outcome
    words = wording({**outcome_labels(counted), **(labels or {})})
    unit = with_digits(rate_scale(scale), fit.spec.digits, check_digits(digits))
    axis_label = words["axis"] if axis_label is None else check_text("axis_label", axis_label)
    fits = [fit, *_others(fit, also)]
    level = level_percent(fit.spec.level)
    of = known_name("of", of, ("typical", "mean"))
    rate, *limits = parts.pooled(fit, of)
    writer = Writer(unit, parts.decimals(fit.study_ci, limits, unit), words, level)
    extras = Extras(fit.studies, left, right, formats, align, risk_of_bias)
    shown = _weights(fits, weights)
    first = np.asarray(fit.weights, dtype=float)
    order = parts.order(fit.studies, first, sort, descending)
    second, about = _shrunken(fit) if check_bool("shrunken", shrunken) else ((), "")
    making = (fit.studies, fit.study_ci, shown, order, writer, extras, second)
    if groups is None:
        body = [*parts.study_rows(*making), *parts.missing_rows(fit.studies, writer, extras)]
    else:
        body = group_rows(groups, *making, of=of)
    for tone, one in enumerate(fits):
        body.append(parts.pooled_row(one, _model_name(fits, tone, words), writer, len(shown), tone, of))
        body += parts.prediction_rows(one, writer, prediction, tone)
    lines, shaded = parts.benchmarks(benchmark, writer), parts.zones(zones)
    legend = parts.legend(lines, shaded) + extras.legend_items(words)
    if second:
        legend.append(LegendItem("second", words["shrunken"].format(level=level)))
    return ForestTable(
        columns=parts.columns(writer, _weight_titles(fits, shown, words), extras, counts),
        rows=tuple(body),
        notes=tuple(
            greek(line)
            for line in [*_lines(fits, groups, writer, check_bool("notes", notes), counted, of), about]
            if line
        ),
        axis_label=writer.with_unit(axis_label),
        title=check_text("title", title),
        reference=rate,
        factor=unit.factor,
        unit=unit.unit,
        decimal=words["decimal"],
        lines=lines,
        zones=shaded,
        legend=tuple(legend),
    )


def forest_rows_studies(
    studies: "Studies",
    ci: "BinomialCI | None" = None,
    *,
    method: str = "clopper-pearson",
    level: float = 0.95,
    scale: str = "percent",
    sort: str | None = None,
    descending: bool = False,
    left: Any = (),
    right: Any = (),
    formats: Mapping[str, Any] | None = None,
    align: Mapping[str, str] | None = None,
    risk_of_bias: Any = (),
    counts: str | None = "joined",
    benchmark: Any = None,
    zones: Any = None,
    title: str = "",
    axis_label: str | None = None,
    labels: Mapping[str, str] | None = None,
    outcome: str | None = None,
    digits: int | None = None,
) -> ForestTable:
    """Return the rows of studies alone: intervals, with no pooled rate.

    Parameters
    ----------
    studies : Studies
    ci : BinomialCI, optional
        Their intervals; made by *method* at *level* when not given.
    method : str
        Name in ``BINOMIAL_CI``.
    level : float
        Confidence level.
    scale, sort, descending, left, right, formats, align, risk_of_bias, counts
        As for :func:`forest_rows`; ``sort="weight"`` has no meaning here.
    benchmark, zones, title, axis_label, labels, outcome, digits
        As for :func:`forest_rows`.

    Returns
    -------
    ForestTable

    Raises
    ------
    UnknownName
        If *method*, *scale*, *sort* or a column is not known.

    Examples
    --------
    >>> import metaresp as mr
    >>> table = forest_rows_studies(mr.Studies(events=[0, 13], n=[18, 18], study=["Harm", "Response"]))
    >>> [row.text("rate") for row in table.rows]
    ['0.0% (0.0% to 18.5%)', '72.2% (46.5% to 90.3%)']
    """
    from metaresp.binomial import binomial_ci

    words = wording({**outcome_labels(outcome), **(labels or {})})
    unit = with_digits(rate_scale(scale), own=check_digits(digits))
    axis_label = words["axis"] if axis_label is None else check_text("axis_label", axis_label)
    found = binomial_ci(studies.events, studies.n, method=method, level=level) if ci is None else ci
    writer = Writer(unit, parts.decimals(found, None, unit), words, level_percent(found.level))
    extras = Extras(studies, left, right, formats, align, risk_of_bias)
    order = parts.order(studies, None, sort, descending)
    rows = parts.study_rows(studies, found, (), order, writer, extras)
    lines, shaded = parts.benchmarks(benchmark, writer), parts.zones(zones)
    return ForestTable(
        columns=parts.columns(writer, (), extras, counts),
        rows=(*rows, *parts.missing_rows(studies, writer, extras)),
        notes=(parts.interval_line(found.method, writer),) if len(studies) else (),
        axis_label=writer.with_unit(axis_label),
        title=check_text("title", title),
        factor=unit.factor,
        unit=unit.unit,
        decimal=words["decimal"],
        lines=lines,
        zones=shaded,
        legend=tuple(parts.legend(lines, shaded) + extras.legend_items(words)),
    )


def _others(fit: "Fit", also: Any) -> list["Fit"]:
    others = list(also) if isinstance(also, Sequence) and not isinstance(also, str) else [also]
    for other in others:
        if type(other) is not type(fit):
            raise InvalidArgument(f"{option('also', other)}: must be another result of mr.pool, or several")
        if other.studies != fit.studies:
            raise InvalidArgument(
                f"{option('also')}: every fit must be of the same studies in the same order"
            )
        if other.spec.level != fit.spec.level:
            raise InvalidArgument(f"{option('also')}: every fit must have the same level")
    return others


def _weights(fits: Sequence["Fit"], wanted: bool | str) -> list[np.ndarray]:
    """Return the columns of weights to print."""
    if not isinstance(wanted, bool):
        wanted = known_name("weights", wanted, ["all"], "True or False")
    if not wanted:
        return []
    chosen = fits if wanted == "all" else fits[:1]
    columns = [np.asarray(fit.weights, dtype=float) for fit in chosen]
    return [column for column in columns if np.isfinite(column).all()]


def _weight_titles(fits: Sequence["Fit"], shown: Sequence[np.ndarray], words: Mapping[str, str]) -> list[str]:
    if len(shown) < 2:
        return [words["weight"]] * len(shown)
    names = [_told_apart(fits, i, words) for i in range(len(shown))]
    return [f"{words['weight']}, {details or kind}" for kind, details in names]


def _model_name(fits: Sequence["Fit"], which: int, words: Mapping[str, str]) -> str:
    """Return the name of a model, with as much of its details as tells it from the others."""
    kind, details = _told_apart(fits, which, words)
    return f"{kind} ({details})" if details else kind


def _told_apart(fits: Sequence["Fit"], which: int, words: Mapping[str, str]) -> tuple[str, str]:
    """Return the kind of a model, and what of its details tells it from others of that kind."""
    kinds = [parts.model_words(fit, words) for fit in fits]
    kind, details = kinds[which]
    others = [other.split(", ") for i, (same, other) in enumerate(kinds) if same == kind and i != which]
    if not others or not details:
        return kind, ""
    own = details.split(", ")
    enough = (size for size in range(1, len(own)) if all(own[:size] != other[:size] for other in others))
    return kind, greek(", ".join(own[: next(enough, len(own))]))


def _shrunken(fit: "Fit") -> tuple[tuple[np.ndarray, ...], str]:
    """Return shrunken rate, low and high of each study, and what there is to say where they tell nothing.

    A fit that gave way to an exact answer has none; without variation between studies all are the pooled.
    """
    found = fit.study_rates()
    if np.isnan(found.shrunken).any():
        return (), found.note
    alike = fit.k > 1 and bool((found.shrunken == found.shrunken[0]).all())
    return (found.shrunken, found.shrunken_low, found.shrunken_high), found.note if alike else ""


def _lines(
    fits: Sequence["Fit"],
    groups: "Subgroups | None",
    writer: Writer,
    notes: bool,
    outcome: str | None,
    of: str,
) -> list[str]:
    fit, words = fits[0], writer.words
    lines = [*heterogeneity_lines(fit, words)]
    if groups is not None:
        lines.append(between_line(groups, words))
    lines += parts.pooled_lines(fit, writer, of)
    kind, details = parts.model_words(fit, words)
    model = f"{kind}: {details}. " if details else ""
    lines.append(model + parts.interval_line(fit.study_ci.method, writer))
    for which, other in enumerate(fits[1:], start=1):
        described = (*heterogeneity_lines(other, words), *parts.pooled_lines(other, writer, of))
        lines += [f"{_model_name(fits, which, words)}: {line}" for line in described]
    if notes:
        told = outcome_words(outcome).retold
        # how the table was read concerns its author, not the reader of the figure
        reading = fit.studies.source.notes if fit.studies.source is not None else ()
        said = dict.fromkeys(
            told(without_options(note), outcome_words(one.spec.outcome))
            for one in fits
            for note in one.notes
            if note not in reading
        )
        lines += [*said, *(groups.notes if groups is not None else ())]
    return lines
