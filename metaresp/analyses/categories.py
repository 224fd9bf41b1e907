"""Ordered response categories pooled together, so that CR <= ORR <= DCR."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp import read
from metaresp.arrays import FloatArray, IntArray, silent
from metaresp.checks import LARGEST_N
from metaresp.errors import CannotEstimate, InvalidArgument, InvalidStudies, option
from metaresp.model import Batch, pool_batch
from metaresp.model.spec import resolve
from metaresp.pooling import pool
from metaresp.records import Record
from metaresp.studies import Studies

if TYPE_CHECKING:
    import pandas as pd

    from metaresp.result import Fit

REST = "other"
TYPICAL = ("rate", "low", "high")
MEAN = ("mean_rate", "mean_low", "mean_high")
NEW = ("rate", "prediction_low", "prediction_high")


@dataclass(frozen=True, eq=False, slots=True)
class Categories(Record):
    """Ordered categories of response, pooled together.  Arrays have shape (categories,) if nothing is said.

    Attributes
    ----------
    category : tuple of str
        From the best to the worst; the last is ``other`` where the counts do not add up to n.
    definition : tuple of str
        Who has responded if this category is the last that counts: ``CR``, ``CR + PR``, ...
    study : tuple of str
    counts : int array, shape (k, categories)
        Patients of each study.
    events : int array
        Patients in each category.
    rate, low, high : float array
        Rate of response by each definition, in a typical trial: it never falls from one definition to the
        next, and is 1 for the last.
    mean_rate, mean_low, mean_high : float array
        The same, averaged over trials.
    prediction_low, prediction_high : float array
        Limits of the true rate of a new trial; NaN without a prediction interval.
    share, share_low, share_high : float array
        Of the patients in each category: differences of *mean_rate*, which add up to 1, with the limits of
        the mean rate of that category pooled by itself.
    tau2 : float array
        Between-study variance of the rate by each definition; NaN for the last.
    level : float
    outcome : str or None
    notes : tuple of str
        Of a column of patients that was not named and holds more than the categories.
    """

    category: tuple[str, ...]
    definition: tuple[str, ...]
    study: tuple[str, ...]
    counts: IntArray
    events: IntArray
    rate: FloatArray
    low: FloatArray
    high: FloatArray
    mean_rate: FloatArray
    mean_low: FloatArray
    mean_high: FloatArray
    prediction_low: FloatArray
    prediction_high: FloatArray
    share: FloatArray
    share_low: FloatArray
    share_high: FloatArray
    tau2: FloatArray
    level: float
    outcome: str | None
    notes: tuple[str, ...] = ()

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a category, with the rate by the definition that ends with it."""
        import pandas as pd

        left_out = {"category", "definition", "study", "counts", "level", "outcome", "notes"}
        arrays = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in left_out}
        return pd.DataFrame({"category": list(self.category), "definition": list(self.definition), **arrays})

    def studies(self, of: str) -> Studies:
        """Return the studies with the responders by one of the definitions."""
        if of not in self.definition:
            raise InvalidArgument(
                f"{option('of', of)}: choose one of {', '.join(map(repr, self.definition))}"
            )
        events = self.counts[:, : self.definition.index(of) + 1].sum(axis=1)
        return Studies(events, self.counts.sum(axis=1), list(self.study))

    def pool(self, of: str, **options: Any) -> "Fit":
        """Pool the rate by one of the definitions by itself; *options* are those of :func:`metaresp.pool`."""
        return pool(self.studies(of), **({"level": self.level} | options))

    def forest(self, of: str | None = None, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw the studies by one of the definitions, as :meth:`metaresp.Fit.forest`, or the definitions.

        Without *of* a row a definition, from strict to lenient: see
        :func:`metaresp.plots.answers.forest_answers` for *style*.
        """
        from metaresp.plots.answers import forest_answers

        return forest_answers(self, path, **style) if of is None else self.pool(of).forest(path, **style)

    def plot(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw a bar a study; see :func:`metaresp.plots.categories.draw_categories` for *style*."""
        from metaresp.plots.categories import draw_categories

        return draw_categories(self, path, **style)


@silent
def pool_categories(
    data: Any,
    categories: Sequence[str],
    *,
    n: str | None = None,
    study: str | None = None,
    **options: Any,
) -> Categories:
    """Pool ordered categories of response together.

    Parameters
    ----------
    data : DataFrame, mapping of columns, list of records, or path
        One row a study.
    categories : sequence of str
        Columns of counts, from the best response to the worst: ``["CR", "PR", "SD", "PD"]``.  Patients who
        were not evaluated (``"NE"``) come last, or are what the others leave of *n*.
    n : str, optional
        Column of all patients; without it the categories add up to all of them, and a note says where a
        column of patients holds more.
    study : str, optional
        Column of labels.
    **options
        Of :func:`metaresp.pool_batch`: ``model``, ``link``, ``level``, ``ci``, ``prediction``, ...

    Returns
    -------
    Categories

    Raises
    ------
    InvalidStudies
        Naming row, column and value of a count that breaks its rule.
    InvalidArgument
        If there are fewer than two categories, or one is named twice.
    CannotEstimate
        If the model has no answer for a definition or a category, which is named.

    Notes
    -----
    Each definition, and each category, is pooled by the model, all in one batch, and what logic demands is
    then applied: a complete response is a response, so that the limits of a rate may be moved inward to a
    lower limit of a stricter definition and to an upper limit of a more lenient one, and estimates in the
    wrong order, which need very different trials, are given their common value.  Nearly always nothing
    moves, and the rate by a definition is the one that :func:`metaresp.pool` gives.

    The other way, taking the counts apart into steps with effects of their own (sequential models, Tutz
    1991), is as coherent, but takes for granted that trials with more complete responses have no more
    partial ones; where the better trials are better throughout its 95% intervals cover down to .83
    (``docs/decisions/categories.md``).

    R: none; ``lme4`` or ``mclogit`` with the counts in long form.

    References
    ----------
    Tutz (1991), Computational Statistics and Data Analysis 11:275 (sequential models of ordered categories).

    Examples
    --------
    >>> import metaresp as mr
    >>> trials = {"CR": [2, 1, 4], "PR": [5, 3, 6], "SD": [6, 4, 5], "PD": [7, 4, 9]}
    >>> found = mr.pool_categories(trials, categories=["CR", "PR", "SD", "PD"])
    >>> found.definition
    ('CR', 'CR + PR', 'CR + PR + SD', 'CR + PR + SD + PD')
    >>> found.rate.round(3).tolist()
    [0.125, 0.375, 0.643, 1.0]
    """
    names, labels, counts, notes = _read(data, categories, n, study)
    spec = resolve(**options)
    ended = np.cumsum(counts, axis=1)
    definitions = len(names) - 1
    # lanes: the definitions but for the last, by which everybody has responded, then the categories
    batch = pool_batch(np.concatenate([ended[:, :-1].T, counts.T]), ended[:, -1], **options)
    named = [" + ".join(names[: i + 1]) for i in range(len(names))]
    unknown = np.isnan([getattr(batch, name) for name in (*TYPICAL, *MEAN)]).any(axis=0)
    if unknown.any():
        first = int(unknown.argmax())
        reason = batch.told[first] or "the model has no limits for these data"
        raise CannotEstimate(f"pool_categories: {[*named[:-1], *names][first]}: {reason}")
    whole = [_in_order(batch, definitions, *fields) for fields in (TYPICAL, MEAN, NEW)]
    (rate, low, high), (mean, mean_low, mean_high), (_, new_low, new_high) = whole
    share = np.diff(mean, prepend=0.0)
    own_low, own_high = (getattr(batch, name)[definitions:] for name in MEAN[1:])
    return Categories(
        category=names,
        definition=tuple(named),
        study=labels,
        counts=counts,
        events=counts.sum(axis=0),
        rate=rate,
        low=low,
        high=high,
        mean_rate=mean,
        mean_low=mean_low,
        mean_high=mean_high,
        prediction_low=new_low,
        prediction_high=new_high,
        share=share,
        share_low=np.minimum(own_low, share),
        share_high=np.maximum(own_high, share),
        tau2=np.append(batch.tau2[:definitions], np.nan),
        level=spec.level,
        outcome=spec.outcome,
        notes=notes,
    )


def _in_order(batch: Batch, definitions: int, *fields: str) -> tuple[FloatArray, ...]:
    """Return rates and limits that never fall from a definition to a more lenient one, and end with 1."""
    rate, low, high = (np.append(getattr(batch, name)[:definitions], 1.0) for name in fields)
    # the mean of the least and the greatest curve that do not fall and do not cross it
    rising, falling = np.maximum.accumulate(rate), np.minimum.accumulate(rate[::-1])[::-1]
    rate = (rising + falling) / 2
    low = np.minimum(np.fmax.accumulate(low), rate)
    high = np.maximum(np.fmin.accumulate(high[::-1])[::-1], rate)
    known = [np.isfinite(np.append(getattr(batch, name)[:definitions], 1.0)) for name in fields[1:]]
    return rate, np.where(known[0], low, np.nan), np.where(known[1], high, np.nan)


def _read(
    data: Any, categories: Sequence[str], n: str | None, study: str | None
) -> tuple[tuple[str, ...], tuple[str, ...], IntArray, tuple[str, ...]]:
    """Return the names of the categories, the labels, the counts, every cell checked, and notes."""
    if isinstance(categories, str) or not isinstance(categories, Sequence) or len(categories) < 2:
        raise InvalidArgument(
            f"{option('categories', categories)}: must name two columns or more, from the best response to "
            "the worst"
        )
    twice = [name for i, name in enumerate(categories) if name in categories[:i]]
    if twice:
        raise InvalidArgument(f"{option('categories', tuple(categories))}: {twice[0]!r} is named twice")
    table = read.read_file(data, {}) if isinstance(data, str | os.PathLike) else read.frame_table(data)
    columns = [_whole(table, "categories", name) for name in categories]
    counts = np.array(columns, dtype=np.int64).T.reshape(-1, len(categories))
    names = tuple(map(str, categories))
    rows = range(len(table))
    if n is None:
        lone = [row for row in rows if counts[row].sum() == 0]
        if lone:
            raise InvalidStudies(f"{table.source}, {table.at(lone[0])}: no patient in any category")
    notes: tuple[str, ...] = ()
    whole = _n_column(table, names) if n is None else n
    if whole is not None:
        total = np.array(_whole(table, "n", whole), dtype=np.int64)
        for row in rows:
            if not max(counts[row].sum(), 1) <= total[row]:
                raise InvalidStudies(
                    f"{table.source}, {table.at(row)}, column {whole!r}: {total[row]} patients, and "
                    f"{counts[row].sum()} in the categories"
                )
        rest = total - counts.sum(axis=1)
        if rest.any() and n is None:
            notes = (
                f"Column {whole!r} holds {rest.sum()} patients more than the categories, who take no part: "
                f"n={whole!r} counts them as {REST}.",
            )
        elif rest.any():
            names, counts = (*names, REST), np.column_stack([counts, rest])
    if not len(table):
        raise InvalidStudies(f"{table.source}: there is no study")
    labels = [f"Study {i + 1}" for i in rows]
    if study is not None:
        labels = table.texts(read.column_place(table, "study", study))
    else:
        found = _label_column(table, {*map(str, categories), str(n)})
        labels = labels if found is None else table.texts(found)
    return names, tuple(label or f"Study {i + 1}" for i, label in enumerate(labels)), counts, notes


def _n_column(table: read.Table, taken: Sequence[str]) -> str | None:
    """Return the one column that is called patients and holds whole numbers of them, if there is one."""
    called = [name for name in table.names if name not in taken and read.read_head(name).roles == {"n": 2}]
    if len(called) != 1:
        return None
    try:
        _whole(table, "n", called[0])
    except InvalidStudies:
        return None
    return called[0]


def _label_column(table: read.Table, taken: set[str]) -> int | None:
    """Return the first column of text that has no other part."""
    for place, name in enumerate(table.names):
        cells = table.columns[place]
        if name not in taken and cells and all(isinstance(cell, str) for cell in cells):
            return place
    return None


def _whole(table: read.Table, role: str, name: object) -> list[int]:
    """Return a column of whole numbers of patients."""
    place = read.column_place(table, role, name)
    values = []
    for row, cell in enumerate(table.columns[place]):
        try:
            value = float(cell) if not isinstance(cell, bool) else np.nan  # type: ignore[arg-type]
        except (TypeError, ValueError):
            value = np.nan
        if not (value >= 0 and value == np.floor(value) and value <= LARGEST_N):
            raise InvalidStudies(
                f"{table.source}, {table.at(row)}, column {str(name)!r}: {cell!r} must be a whole number of "
                f"patients from 0 to {LARGEST_N:,}"
            )
        values.append(int(value))
    return values
