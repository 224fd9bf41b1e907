"""Rates that a regression gives studies with certain moderators, and what its picture shows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.analyses.moderators import Term, design_of, level_text
from metaresp.arrays import FloatArray
from metaresp.errors import InvalidArgument, UnknownName, few, known_name, option
from metaresp.model.kept import recalled
from metaresp.model.regression import Regressor
from metaresp.records import Record
from metaresp.studies import Studies
from metaresp.studies.parts import choices

if TYPE_CHECKING:
    import pandas as pd

    from metaresp.analyses.regression import Regression

_POINTS = 61  # of a fitted line


@dataclass(frozen=True, eq=False, slots=True)
class RegressionRates(Record):
    """Rates of studies with certain moderators.  Arrays have shape (rows,).

    Attributes
    ----------
    label : tuple of str
        Of the study, or a number.
    covariates : mapping
        The moderators of each row.
    rate, low, high : float array
        Rate of the typical study with such moderators, and its confidence interval.
    prediction_low, prediction_high : float array
        Interval of the true rate of a new study; NaN where there is none.
    estimate, se : float array
        On the scale of the model.
    level : float
    notes : tuple of str
    """

    label: tuple[str, ...]
    covariates: Mapping[str, tuple[int | float | str | None, ...]]
    rate: FloatArray
    low: FloatArray
    high: FloatArray
    prediction_low: FloatArray
    prediction_high: FloatArray
    estimate: FloatArray
    se: FloatArray
    level: float
    notes: tuple[str, ...] = ()

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a study: study, moderators, rate, low, high, prediction limits, estimate, se."""
        import pandas as pd

        names = ("rate", "low", "high", "prediction_low", "prediction_high", "estimate", "se")
        columns = {"study": list(self.label)} | {
            name: list(column) for name, column in self.covariates.items()
        }
        return pd.DataFrame(columns | {name: getattr(self, name) for name in names})


@dataclass(frozen=True, eq=False, slots=True)
class Bubbles(Record):
    """Studies against one moderator, and the fitted rates.

    Attributes
    ----------
    moderator, outcome : str
    study : tuple of str
    x : float array, shape (k,)
        The moderator; the place of a level where it has levels.
    rate, weight : float array, shape (k,)
        Observed rates, and shares in the regression in percent.
    levels : tuple of str
        Of a moderator that is text, in the order of their places 0, 1, ...
    at, fitted, low, high, prediction_low, prediction_high : float array, shape (points,)
        The fitted rate along the moderator, or of each level.
    level : float
    held : str
        At what the other moderators are held; empty for one moderator.
    """

    moderator: str
    outcome: str
    study: tuple[str, ...]
    x: FloatArray
    rate: FloatArray
    weight: FloatArray
    levels: tuple[str, ...]
    at: FloatArray
    fitted: FloatArray
    low: FloatArray
    high: FloatArray
    prediction_low: FloatArray
    prediction_high: FloatArray
    level: float
    held: str


def rates_at(found: "Regression", model: Regressor, new: Any) -> RegressionRates:
    """Return rates at *new* moderators, at the studies' own when it is None."""
    if new is None:
        columns = {name: found.studies.column(name) for name in found.on}
        return _rates(found, model, found.design.x, found.studies.study, columns)
    columns = _columns(found, new)
    rows = len(next(iter(columns.values())))
    labels = new.study if isinstance(new, Studies) else tuple(f"{i + 1}" for i in range(rows))
    return _rates(found, model, _design(found, columns), labels, columns)


def _rates(
    found: "Regression", model: Regressor, x: FloatArray, labels: tuple[str, ...], columns: Mapping[str, Any]
) -> RegressionRates:
    mean = model.predicted(x)
    # a transform that falls has its limits in the other order
    low, high = np.sort(np.stack([model.back(mean.low), model.back(mean.high)]), axis=0)
    ends = [model.back(limit) for limit in (mean.prediction_low, mean.prediction_high)]
    new_low, new_high = np.sort(np.stack(ends), axis=0)
    rate = model.back(mean.estimate)
    return RegressionRates(
        tuple(labels), {name: tuple(column) for name, column in columns.items()}, rate,
        np.minimum(low, rate), np.maximum(high, rate), np.fmin(new_low, low + 0 * new_low),
        np.fmax(new_high, high + 0 * new_high), mean.estimate, mean.se, found.spec.level,
    )  # fmt: skip


def _columns(found: "Regression", new: Any) -> dict[str, tuple[Any, ...]]:
    """Return the moderators of new studies, checked, one value a row each."""
    if isinstance(new, Sequence) and new and all(isinstance(row, Mapping) for row in new):
        odd = next((row for row in new if row.keys() != new[0].keys()), None)
        if odd is not None:
            raise InvalidArgument(f"{option('new', odd)}: has other moderators than the first row")
        given: Any = {name: [row[name] for row in new] for name in new[0]}
        new = given
    elif isinstance(new, Studies):
        given = {name: new.column(name) for name in ["study", *new.covariates]}
    elif isinstance(new, Mapping):
        given = new
    elif hasattr(new, "columns") and hasattr(new, "__getitem__"):
        given = {str(name): list(new[name]) for name in new.columns}
    else:
        raise InvalidArgument(
            f"{option('new', new)}: must be a mapping of moderators to values, a data frame or Studies"
        )
    lacking = [name for name in found.on if name not in given]
    if lacking:
        raise InvalidArgument(f"{option('new')}: needs a value of {few(list(map(repr, lacking)))}")
    unknown = [name for name in given if name not in found.on] if isinstance(new, Mapping) else []
    if unknown:
        raise InvalidArgument(f"{option('new')}: {few(list(map(repr, unknown)))} is no moderator here")
    columns = {name: _listed(given[name]) for name in found.on}
    rows = max(len(column) for column in columns.values())
    for name, column in columns.items():
        if len(column) not in {1, rows} or not column:
            raise InvalidArgument(
                f"{option('new')}: {name!r} has {len(column)} values, another moderator {rows}"
            )
        if any(value is None or (isinstance(value, float) and not math.isfinite(value)) for value in column):
            raise InvalidArgument(f"{option('new')}: {name!r} has a missing value")
    return {name: column if len(column) == rows else column * rows for name, column in columns.items()}


def _listed(values: Any) -> tuple[Any, ...]:
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        values = [values]
    return tuple(value.item() if isinstance(value, np.generic) else value for value in values)


def _design(found: "Regression", columns: Mapping[str, tuple[Any, ...]]) -> FloatArray:
    """Return the design of new studies."""
    for term in found.design.terms if found.formula is None else ():
        _check_values(term, columns[term.name])
    rows = len(next(iter(columns.values())))
    covariates = {name: column for name, column in columns.items() if name != "study"}
    labels = columns.get("study", tuple(map(str, range(rows))))
    studies = Studies([0] * rows, [1] * rows, [str(label) for label in labels], covariates)
    if found.formula is None:
        levels = {term.name: term.levels for term in found.design.terms if term.levels}
        return design_of(studies, found.on, "first", levels).x
    kept = recalled(found)
    if kept is None or kept[1] is None:
        raise InvalidArgument(
            f"{option('new')}: this result was read from a file or copied, and a formula is not evaluated "
            "out of one: regress again"
        )
    import pandas as pd

    try:
        x = np.asarray(kept[1].get_model_matrix(pd.DataFrame(columns)), dtype=np.float64)
    except Exception as error:
        raise InvalidArgument(f"{option('new')}: the formula has no value there ({error})") from None
    if x.shape != (rows, found.design.x.shape[1]) or not np.isfinite(x).all():
        raise InvalidArgument(f"{option('new')}: the formula has no finite value in every row")
    return x


def _check_values(term: Term, column: tuple[Any, ...]) -> None:
    """Refuse levels that no study has, and text where numbers are."""
    for value in column:
        if term.levels and level_text(value) not in term.levels:
            raise UnknownName(
                f"{option('new', value, term.name)} is no level in the studies{choices(value, term.levels)}"
            )
        if not term.levels and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise InvalidArgument(
                f"{option('new', value, term.name)}: {term.name!r} is a number in the studies"
            )


def bubbles(found: "Regression", model: Regressor, on: str | None) -> Bubbles:
    """Return studies and fitted rates against one moderator, the others at their mean or reference."""
    if on is None and len(found.on) > 1:
        raise InvalidArgument(
            f"{option('on')}: say which moderator is drawn: {', '.join(map(repr, found.on))}"
        )
    name = found.on[0] if on is None else known_name("on", on, found.on)
    values = {other: found.studies.column(other) for other in found.on}
    numeric = {key: all(isinstance(v, int | float) for v in column) for key, column in values.items()}
    held: dict[str, Any] = {
        key: float(np.mean(np.array(column, dtype=np.float64))) if numeric[key] else _reference(found, key)
        for key, column in values.items()
        if key != name
    }
    levels: tuple[str, ...] = ()
    if numeric[name]:
        x = np.array(values[name], dtype=np.float64)
        at = np.linspace(x.min(), x.max(), _POINTS)
        points: tuple[Any, ...] = tuple(at.tolist())
    else:
        levels = _levels(found, name)
        texts = [level_text(value) for value in values[name]]
        x = np.array([levels.index(text) for text in texts], dtype=np.float64)
        at, points = np.arange(len(levels), dtype=np.float64), levels
    columns = {key: points if key == name else (held[key],) * len(points) for key in found.on}
    fitted = _rates(found, model, _design(found, columns), tuple(map(str, points)), columns)
    words = ", ".join(
        f"{key} {value:.4g}" if numeric[key] else f"{key} {value}" for key, value in held.items()
    )
    return Bubbles(
        name, found.spec.outcome or "", found.studies.study, x, found.studies.rates, found.weight, levels, at,
        fitted.rate, fitted.low, fitted.high, fitted.prediction_low, fitted.prediction_high, fitted.level,
        words,
    )  # fmt: skip


def _levels(found: "Regression", name: str) -> tuple[str, ...]:
    term = next((term for term in found.design.terms if term.name == name and term.levels), None)
    return term.levels if term else tuple(sorted({level_text(v) for v in found.studies.column(name)}))


def _reference(found: "Regression", name: str) -> str:
    return _levels(found, name)[0]
