"""From a fit, or from studies alone, to the finished rows of a forest plot."""

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from metaresp.errors import InvalidArgument, UnknownName, closest
from metaresp.present.forest_table import Column, ForestRow, ForestTable
from metaresp.present.numbers import level_percent, pvalue, significant
from metaresp.present.rates import (
    RateScale,
    decimals_for_widths,
    interval_text,
    rate_scale,
    rate_with_interval,
)

if TYPE_CHECKING:
    from metaresp.binomial import BinomialCI
    from metaresp.result import Fit
    from metaresp.studies import Studies

SORTS = ("study", "events", "n", "rate", "weight")

_INTERVAL_WORDS = {
    "clopper-pearson": "exact (Clopper-Pearson)",
    "blaker": "exact (Blaker)",
    "sterne": "exact (Sterne)",
    "blyth-still-casella": "exact (Blyth-Still-Casella)",
}


def forest_rows(
    fit: "Fit",
    *,
    scale: str = "percent",
    sort: str | None = None,
    descending: bool = False,
    notes: bool = True,
    title: str = "",
    axis_label: str = "Response rate",
) -> ForestTable:
    """Return the rows of a fit: studies, pooled rate, prediction interval, and the lines beneath.

    Parameters
    ----------
    fit : Fit
    scale : {"percent", "proportion", "per 1000", "per 10000", "per 100000"}
        The unit of the printed rates and of the axis.
    sort : {"study", "events", "n", "rate", "weight"}, optional
        Order of the studies; the order of the data when not given.
    descending : bool
        Sort from the largest to the smallest.
    notes : bool
        Whether to print what the fit has to say about awkward data.
    title, axis_label : str

    Returns
    -------
    ForestTable

    Raises
    ------
    UnknownName
        If *scale* or *sort* is not known.

    Examples
    --------
    >>> import metaresp as mr
    >>> table = forest_rows(mr.pool(events=[13, 4, 9], n=[18, 7, 20]))
    >>> [row.kind for row in table.rows]
    ['study', 'study', 'study', 'pooled', 'prediction']
    >>> table.rows[0].text("rate")
    '72.2% (46.5% to 90.3%)'
    """
    unit = rate_scale(scale)
    ci, weights = fit.study_ci, np.asarray(fit.weights, dtype=float)
    decimals = _decimals(ci, fit.rate_ci, unit)
    level = level_percent(fit.spec.level)
    weighted = bool(np.isfinite(weights).any())
    order = _order(fit.studies, weights, sort, descending)
    rows = [
        *_study_rows(fit.studies, ci, weights, order, unit, decimals),
        *_missing_rows(fit.studies),
        _pooled_row(fit, unit, decimals, weighted),
        *_prediction_rows(fit, level, unit, decimals),
    ]
    lines = [*heterogeneity_lines(fit), f"{_model_line(fit)}{_interval_line(ci.method, level)}"]
    return ForestTable(
        columns=_columns(level, unit, weighted),
        rows=tuple(rows),
        notes=tuple(_greek(line) for line in (*lines, *(fit.notes if notes else ())) if line),
        axis_label=_with_unit(axis_label, unit),
        title=title,
        reference=float(fit.rate),
        factor=unit.factor,
        unit=unit.unit,
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
    title: str = "",
    axis_label: str = "Response rate",
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
    scale, sort, descending, title, axis_label
        As for :func:`forest_rows`; ``sort="weight"`` has no meaning here.

    Returns
    -------
    ForestTable

    Raises
    ------
    UnknownName
        If *method*, *scale* or *sort* is not known.

    Examples
    --------
    >>> import metaresp as mr
    >>> table = forest_rows_studies(mr.Studies(events=[0, 13], n=[18, 18], study=["Harm", "Response"]))
    >>> [row.text("rate") for row in table.rows]
    ['0.0% (0.0% to 18.5%)', '72.2% (46.5% to 90.3%)']
    """
    from metaresp.binomial import binomial_ci

    unit = rate_scale(scale)
    found = binomial_ci(studies.events, studies.n, method=method, level=level) if ci is None else ci
    words = level_percent(found.level)
    order = _order(studies, None, sort, descending)
    nothing = np.full(len(studies), math.nan)
    rows = _study_rows(studies, found, nothing, order, unit, _decimals(found, None, unit))
    return ForestTable(
        columns=_columns(words, unit, weighted=False),
        rows=(*rows, *_missing_rows(studies)),
        notes=(_interval_line(found.method, words),) if len(studies) else (),
        axis_label=_with_unit(axis_label, unit),
        title=title,
        factor=unit.factor,
        unit=unit.unit,
    )


def heterogeneity_lines(fit: "Fit") -> tuple[str, ...]:
    """Return what there is to say about the differences between studies, or nothing.

    Examples
    --------
    >>> import metaresp as mr
    >>> heterogeneity_lines(mr.pool(events=[0, 0, 0], n=[18, 12, 7]))
    ('Heterogeneity: not estimable',)
    """
    if fit.k < 2 or fit.spec.model == "common":
        return ()
    h, parts = fit.heterogeneity, []
    if _known(fit.tau2):
        parts.append(f"τ² = {significant(fit.tau2)}")
    if _known(h.I2):
        parts.append(f"I² = {_share(h.I2)}")
    if _known(h.lrt_pvalue):
        parts.append(f"likelihood-ratio test of τ² = 0: {pvalue(h.lrt_pvalue)}")
    elif _known(h.pvalue):
        parts.append(f"Q = {h.Q:.2f}, df = {h.df:.0f}, {pvalue(h.pvalue)}")
    return (f"Heterogeneity: {'; '.join(parts) if parts else 'not estimable'}",)


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _share(percent: float) -> str:
    """Return I2 so that only an I2 of 0 or 100 reads so."""
    return f"{percent:.2f}%" if 0 < percent < 0.05 or 99.95 <= percent < 100 else f"{percent:.1f}%"


def _columns(level: str, scale: RateScale, weighted: bool) -> tuple[Column, ...]:
    columns = [
        Column("study", "Study"),
        Column("events", "Events/n", align="/"),
        Column("rate", f"{_with_unit('Rate', scale)} ({level} CI)", "right", "("),
    ]
    if weighted:
        columns.append(Column("weight", "Weight", "right", "right"))
    return tuple(columns)


def _with_unit(words: str, scale: RateScale) -> str:
    return f"{words} {scale.per}" if scale.per else words


def _decimals(ci: "BinomialCI", pooled: Sequence[float] | None, scale: RateScale) -> int:
    """Return the decimals of the table: those of the typical study, or of the pooled rate if more."""
    widths = np.asarray(ci.high) - np.asarray(ci.low)
    extra = [] if pooled is None else [pooled[1] - pooled[0]]
    several = decimals_for_widths(np.ravel(widths).tolist(), scale)
    return max(several, min(several + 1, decimals_for_widths(extra, scale))) if several > 1 else several


def _order(
    studies: "Studies", weights: np.ndarray | None, sort: str | None, descending: bool
) -> Sequence[int]:
    k = len(studies)
    if sort is None:
        return range(k)
    keys = {
        "study": studies.study,
        "events": studies.events,
        "n": studies.n,
        "rate": studies.events / studies.n,
    }
    if weights is not None:
        keys["weight"] = weights
    if sort not in keys and sort not in studies.covariates:
        names = [*keys, *studies.covariates]
        raise UnknownName(
            f"sort={sort!r} is not known: choose {', '.join(map(repr, names))}{closest(str(sort), names)}"
        )
    values = list(keys.get(sort, studies.covariates.get(sort, ())))
    known = [i for i in range(k) if values[i] is not None]
    try:
        known.sort(key=lambda i: values[i], reverse=descending)
    except TypeError:
        raise InvalidArgument(
            f"sort={sort!r}: the column mixes numbers and text, which have no order"
        ) from None
    return known + [i for i in range(k) if values[i] is None]


def _study_rows(
    studies: "Studies",
    ci: "BinomialCI",
    weights: np.ndarray,
    order: Sequence[int],
    scale: RateScale,
    decimals: int,
) -> list[ForestRow]:
    rates, lows, highs = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (ci.rate, ci.low, ci.high))
    rows = []
    for i in order:
        rate, low, high, weight = (float(v[i]) for v in (rates, lows, highs, weights))
        cells = {
            "events": f"{studies.events[i]}/{studies.n[i]}",
            "rate": rate_with_interval(rate, low, high, scale, decimals),
        }
        if math.isfinite(weight):
            cells["weight"] = f"{weight:.1f}%"
        rows.append(ForestRow("study", str(studies.study[i]), rate, low, high, weight, cells))
    return rows


def _missing_rows(studies: "Studies") -> list[ForestRow]:
    rows = []
    for study in studies.excluded:
        n = "?" if study.n is None else study.n
        unknown = study.events is None or study.n is None
        cells = {
            "events": f"{'?' if study.events is None else study.events}/{n}",
            "rate": "not reported" if unknown else "left out",
        }
        rows.append(ForestRow("missing", str(study.study), cells=cells))
    return rows


def _pooled_row(fit: "Fit", scale: RateScale, decimals: int, weighted: bool) -> ForestRow:
    cells = {
        "events": f"{fit.events}/{fit.n}",
        "rate": rate_with_interval(fit.rate, *fit.rate_ci, scale, decimals),
    }
    if weighted:
        cells["weight"] = "100.0%"
    low, high = fit.rate_ci
    return ForestRow("pooled", _model_words(fit)[0], float(fit.rate), float(low), float(high), 100.0, cells)


def _prediction_rows(fit: "Fit", level: str, scale: RateScale, decimals: int) -> list[ForestRow]:
    if fit.prediction_interval is None:
        return []
    low, high = map(float, fit.prediction_interval)
    cells = {"rate": f"({interval_text(low, high, scale, decimals)})"}
    return [ForestRow("prediction", f"{level} prediction interval", low=low, high=high, cells=cells)]


def _model_words(fit: "Fit") -> tuple[str, str]:
    """Return the kind of model, for the table, and its details, for the line beneath."""
    kind, _, details = fit.model_label.partition(" (")
    return kind, details.removesuffix(")")


def _model_line(fit: "Fit") -> str:
    kind, details = _model_words(fit)
    return f"{kind}: {details}. " if details else ""


def _greek(words: str) -> str:
    return re.sub(r"\btau2\b", "τ²", words)


def _interval_line(method: str, level: str) -> str:
    return f"Study intervals: {level}, {_INTERVAL_WORDS.get(method, method)}."
