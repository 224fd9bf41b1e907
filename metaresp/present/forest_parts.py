"""The kinds of rows and lines that a forest plot is put together from."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.checks import as_float, check_bool
from metaresp.errors import InvalidArgument, known_name, option
from metaresp.model.registry import model_of
from metaresp.present.forest_columns import Extras
from metaresp.present.forest_table import Column, ForestRow, LegendItem, Zone
from metaresp.present.numbers import pvalue, significant
from metaresp.present.rates import RateScale, decimals_for_widths, percent_text
from metaresp.present.wording import WORDS, Writer, typical_words

if TYPE_CHECKING:
    from metaresp.binomial import BinomialCI
    from metaresp.result import Fit
    from metaresp.studies import Studies

PREDICTIONS = ("bar", "line", "density")
DENSITY_POINTS = 120

_EXACT_INTERVALS = {
    "clopper-pearson": "Clopper-Pearson",
    "blaker": "Blaker",
    "sterne": "Sterne",
    "blyth-still-casella": "Blyth-Still-Casella",
}
_MODEL_KEYS = {
    "Random effects": "random_effects",
    "Common effect": "common_effect",
    "Exact binomial on the totals": "exact",
    "Exact binomial on the studies": "exact_studies",
    "Beta-binomial": "beta_binomial",
}
# What of a model's details has words of its own.
_DETAIL_KEYS = ("binomial_normal", "inverse_variance", "link")
COUNTS = ("joined", "split")


def columns(writer: Writer, weights: Sequence[str], extras: Extras, counts: str | None) -> tuple[Column, ...]:
    """Return the columns: study, extras to the left, counts; rate, weights, extras to the right."""
    if counts is not None:
        counts = known_name("counts", counts, COUNTS, option("counts", None))
    words = writer.words
    head = words["rate_head"].format(rate=writer.with_unit(words["rate"]), level=writer.level)
    own = {
        "joined": [Column("events", words["events"], align="/")],
        "split": [
            Column("responders", words["responders"], align="right"),
            Column("total", words["total"], align="right"),
        ],
        None: [],
    }[counts]
    return (
        Column("study", words["study"]),
        *extras.columns["left"],
        *own,
        Column("rate", head, "right", writer.bracket),
        *(
            Column("weight" if i == 0 else f"weight {i}", title, "right", "right")
            for i, title in enumerate(weights)
        ),
        *extras.columns["right"],
    )


def decimals(ci: "BinomialCI", pooled: Sequence[float] | None, scale: RateScale) -> int:
    """Return the decimals of the table: those of the typical study, or of the pooled rate if more."""
    widths = np.asarray(ci.high) - np.asarray(ci.low)
    extra = [] if pooled is None else [pooled[1] - pooled[0]]
    several = decimals_for_widths(np.ravel(widths).tolist(), scale)
    return max(several, min(several + 1, decimals_for_widths(extra, scale))) if several > 1 else several


def order(studies: "Studies", weights: np.ndarray | None, sort: str | None, descending: bool) -> list[int]:
    """Return the positions of the studies in the order asked for; missing values come last."""
    k = len(studies)
    if sort is None:
        if check_bool("descending", descending):
            raise InvalidArgument(f"{option('descending', True)}: name the column in {option('sort')} too")
        return list(range(k))
    keys = {
        "study": studies.study,
        "events": studies.events,
        "n": studies.n,
        "rate": studies.events / studies.n,
    }
    if weights is not None:
        keys["weight"] = weights
    sort = known_name("sort", sort, dict.fromkeys([*keys, *studies.covariates]))
    values = list(keys.get(sort, studies.covariates.get(sort, ())))
    known = [i for i in range(k) if values[i] is not None]
    try:
        known.sort(key=lambda i: values[i], reverse=check_bool("descending", descending))
    except TypeError:
        raise InvalidArgument(
            f"{option('sort', sort)}: the column mixes numbers and text, which have no order"
        ) from None
    return known + [i for i in range(k) if values[i] is None]


def counted(events: Any, n: Any) -> dict[str, str]:
    """Return the counts of a row, in one cell and in two."""
    return {"events": f"{events}/{n}", "responders": f"{events}", "total": f"{n}"}


def study_rows(
    studies: "Studies",
    ci: "BinomialCI",
    weights: Sequence[np.ndarray],
    positions: Sequence[int],
    writer: Writer,
    extras: Extras,
    shrunken: Sequence[np.ndarray] = (),
    indent: int = 0,
) -> list[ForestRow]:
    """Return one row a study; the first of *weights* sizes the mark, all are printed."""
    rates, lows, highs = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (ci.rate, ci.low, ci.high))
    rows = []
    for i in positions:
        rate, low, high = (float(v[i]) for v in (rates, lows, highs))
        cells = {
            **counted(studies.events[i], studies.n[i]),
            "rate": writer.estimate(rate, low, high),
        }
        for j, share in enumerate(weights):
            cells["weight" if j == 0 else f"weight {j}"] = writer.percent(float(share[i]))
        cells |= extras.cells(_value_of(studies, i))
        rows.append(
            ForestRow(
                "study",
                str(studies.study[i]),
                rate,
                low,
                high,
                float(weights[0][i]) if weights else math.nan,
                cells,
                tuple(float(v[i]) for v in shrunken),
                indent=indent,
            )
        )
    return rows


def _value_of(studies: "Studies", i: int) -> Callable[[str], Any]:
    return lambda name: studies.column(name)[i]


def missing_rows(
    studies: "Studies",
    writer: Writer,
    extras: Extras,
    indent: int = 0,
    excluded: Sequence[Any] | None = None,
) -> list[ForestRow]:
    """Return the studies that take no part, those whose counts are unknown as not reported."""
    rows = []
    for study in studies.excluded if excluded is None else excluded:
        n = "?" if study.n is None else study.n
        unknown = study.events is None or study.n is None
        cells = extras.cells(study.covariates.get)
        cells |= {
            **counted("?" if study.events is None else study.events, n),
            "rate": writer.words["not_reported" if unknown else "left_out"],
        }
        rows.append(ForestRow("missing", str(study.study), cells=cells, indent=indent))
    return rows


def pooled(fit: "Fit", of: str) -> tuple[float, float, float]:
    """Return the pooled rate with its limits: that of the typical trial, or the mean over trials."""
    mean = of == "mean" and typical_words(fit)  # where the rate is not the mean itself
    rate, limits = (fit.mean_rate, fit.mean_rate_ci) if mean else (fit.rate, fit.rate_ci)
    return float(rate), float(limits[0]), float(limits[1])


def pooled_row(
    fit: "Fit", label: str, writer: Writer, weights: int, tone: int = 0, of: str = "typical"
) -> ForestRow:
    """Return the row of the diamond."""
    rate, low, high = pooled(fit, of)
    cells = {**counted(fit.events, fit.n), "rate": writer.estimate(rate, low, high)}
    if of == "mean" and typical_words(fit):
        label = writer.words["mean_row"].format(model=label, mean=writer.words["mean"])
    if tone < max(weights, 1) and weights:
        cells["weight" if tone == 0 else f"weight {tone}"] = writer.percent(100.0)
    return ForestRow("pooled", label, rate, low, high, 100.0, cells, tone=tone)


def pooled_lines(fit: "Fit", writer: Writer, of: str) -> tuple[str, ...]:
    """Return which rate the diamond is, and the other one; nothing where the two are one."""
    words = writer.words
    typical, mean = typical_words(fit, words), words["mean"]
    if not typical:
        spread = model_of(fit.spec).rate_is_mean and not fit.is_exact
        return (words["pooled_only"].format(mean=mean),) if spread else ()
    line, other = ("pooled_mean", "typical") if of == "mean" else ("pooled_typical", "mean")
    return (words[line].format(typical=typical, mean=mean, estimate=writer.estimate(*pooled(fit, other))),)


def prediction_rows(fit: "Fit", writer: Writer, kind: str | None, tone: int = 0) -> list[ForestRow]:
    """Return the row of the prediction interval: a bar, a line or a density; none if not asked for."""
    if kind is not None:
        kind = known_name("prediction", kind, PREDICTIONS, option("prediction", None))
    if fit.prediction_interval is None or kind is None:
        return []
    low, high = map(float, fit.prediction_interval)
    label = writer.words["prediction"].format(level=writer.level)
    row_kind = {"bar": "prediction", "line": "prediction line", "density": "density"}[kind]
    curve = density(fit) if kind == "density" else ()
    cells = {"rate": writer.limits(low, high)}
    return [ForestRow(row_kind, label, low=low, high=high, cells=cells, curve=curve, tone=tone)]


def density(fit: "Fit") -> tuple[tuple[float, ...], ...]:
    """Return rates and heights of the density of a new trial's rate, the greatest height being 1.

    The heights are differences of :meth:`metaresp.result.Fit.probability_above`.
    """
    edges = np.linspace(0.0, 1.0, DENSITY_POINTS + 1)
    above = np.array([1.0, *(fit.probability_above(float(rate)) for rate in edges[1:-1]), 0.0])
    heights = np.maximum(-np.diff(above), 0.0)
    middles = (edges[1:] + edges[:-1]) / 2
    return tuple((float(x), float(y)) for x, y in zip(middles, heights / heights.max(), strict=True))


def model_words(fit: "Fit", words: Mapping[str, str] = WORDS) -> tuple[str, str]:
    """Return the kind of model, for the table, and its details, for the line beneath."""
    kind, _, details = fit.model_label.partition(" (")
    for key in _DETAIL_KEYS:
        details = re.sub(rf"\b{WORDS[key]}\b", words[key].replace("\\", r"\\"), details)
    return words[_MODEL_KEYS[kind]] if kind in _MODEL_KEYS else kind, details.removesuffix(")")


def heterogeneity_lines(fit: "Fit", words: Mapping[str, str] = WORDS) -> tuple[str, ...]:
    """Return what there is to say about the differences between studies, or nothing.

    Examples
    --------
    >>> import metaresp as mr
    >>> heterogeneity_lines(mr.pool(events=[0, 0, 0], n=[18, 12, 7]))
    ('Heterogeneity: not estimable',)
    """
    if fit.k < 2 or not model_of(fit.spec).spread:
        return ()
    h, parts = fit.heterogeneity, []
    point = words["decimal"]
    if known(fit.tau2):
        parts.append(f"τ² = {significant(fit.tau2).replace('.', point)}")
    if known(fit.rho):
        parts.append(f"ρ = {significant(fit.rho)}".replace(".", point))
    if fit.levels is not None and known(fit.levels.tau2_within):
        shares = (significant(value) for value in (fit.levels.tau2_between, fit.levels.tau2_within))
        between, within = (text.replace(".", point) for text in shares)
        parts[-1] += f" ({words['levels'].format(between=between, within=within)})"
    if known(h.I2):
        parts.append(f"I² = {share(h.I2).replace('.', point)}")
    if known(h.pvalue):
        test = f"{h.Q:.2f}, df = {h.df:.0f}, {pvalue(h.pvalue)}".replace(".", point)
        symbol = model_of(fit.spec).Q_symbol.replace("Pearson's X2", words["pearson"])
        parts.append(f"{symbol} = {test}")
    details = "; ".join(parts) if parts else words["not_estimable"]
    return (words["heterogeneity"].format(details=details),)


def known(value: float | None) -> bool:
    """Whether there is a number."""
    return value is not None and math.isfinite(value)


def share(percent: float) -> str:
    """Return I2 so that only an I2 of 0 or 100 reads so."""
    return percent_text(percent)


def interval_line(method: str, writer: Writer) -> str:
    """Return what the intervals of the studies are."""
    if method in _EXACT_INTERVALS:
        method = writer.words["exact_interval"].format(name=_EXACT_INTERVALS[method])
    return writer.words["study_intervals"].format(level=writer.level, method=method)


def benchmarks(given: Any, writer: Writer) -> tuple[Zone, ...]:
    """Return the lines across the rows: a rate, several, or a mapping of labels to rates."""
    if given is None:
        return ()
    if isinstance(given, Mapping):
        pairs = list(given.items())
    else:
        rates = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
        pairs = [(None, rate) for rate in rates]
    found = []
    for label, value in pairs:
        rate = checked_rate("benchmark", value)
        words = writer.words["benchmark"].format(rate=writer.rate(rate)) if label is None else str(label)
        found.append(Zone(rate, rate, words))
    return tuple(found)


def zones(given: Any) -> tuple[Zone, ...]:
    """Return the shaded parts: a mapping of labels to (low, high)."""
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        raise InvalidArgument(
            f"{option('zones', given)}: must be two rates by label, such as "
            f"{option('zones', (0, 0.2), key='Futile')}"
        )
    found = []
    for label, limits in given.items():
        try:
            low, high = limits
        except (TypeError, ValueError):
            raise InvalidArgument(
                f"{option('zones', limits, key=label)}: must be two rates, (low, high)"
            ) from None
        ends = [checked_rate("zones", value, label) for value in (low, high)]
        if ends[0] >= ends[1]:
            raise InvalidArgument(
                f"{option('zones', limits, key=label)}: the first rate must be below the second"
            )
        found.append(Zone(ends[0], ends[1], str(label)))
    return tuple(found)


def checked_rate(name: str, value: Any, key: object = ...) -> float:
    """Return *value* as a rate between 0 and 1; *key* tells the entry of a mapping."""
    rate = None if isinstance(value, bool | str) else as_float(value)
    if rate is None or not 0 <= rate <= 1:
        raise InvalidArgument(f"{option(name, value, key)}: must be a rate between 0 and 1, such as 0.2")
    return rate


def legend(lines: Sequence[Zone], shaded: Sequence[Zone]) -> list[LegendItem]:
    """Return the legend of benchmarks and shaded parts."""
    return [
        *(LegendItem("line", line.label, i) for i, line in enumerate(lines)),
        *(LegendItem("zone", zone.label, i) for i, zone in enumerate(shaded)),
    ]
