"""Reports that may share patients: which they are, and what every defensible choice among them gives."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from metaresp.analyses.clusters import batch_options, column_by, fit_of
from metaresp.arrays import BoolArray, FloatArray, IntArray, silent
from metaresp.errors import InvalidArgument, option
from metaresp.model import pool_batch
from metaresp.model.registry import nested_form
from metaresp.model.spec import Spec
from metaresp.pooling import pool
from metaresp.records import Answered
from metaresp.result import Fit

if TYPE_CHECKING:
    import pandas as pd

# Sets of disjoint reports that are all pooled; beyond, the sets of the lowest and the highest rates are.
MOST_SETS = 5000
_RATES = ("rate", "low", "high", "prediction_low", "prediction_high")
_Row: TypeAlias = tuple[str, int, int, int, float, float, float, float, float, str]
# Options of a fit that its nested form has too.
_SHARED = ("model", "link", "transform", "level", "outcome", "digits")


@dataclass(frozen=True, eq=False, slots=True)
class Overlap(Answered):
    """What a pooled rate may be, where reports may describe the same patients.

    Attributes
    ----------
    by : str
        The covariate whose values tell which reports may share patients.
    study : tuple of str
    share : bool array, shape (k, k)
        Whether two reports may share patients.
    sets : int
        How many largest sets of reports there are that share none: one report of each value of *by*.
    fit : Fit
        Of all reports.
    choice : tuple of str
        What was pooled.
    k, events, n : int array, shape (choices,)
    rate, low, high, prediction_low, prediction_high : float array, shape (choices,)
        Between 0 and 1; NaN where there is no prediction interval.
    members : tuple of str
        The reports of each choice, where it leaves some out.
    notes : tuple of str
    """

    by: str
    study: tuple[str, ...]
    share: BoolArray
    sets: int
    fit: Fit
    choice: tuple[str, ...]
    k: IntArray
    events: IntArray
    n: IntArray
    rate: FloatArray
    low: FloatArray
    high: FloatArray
    prediction_low: FloatArray
    prediction_high: FloatArray
    members: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def spec(self) -> Spec:
        """The options of every fit."""
        return self.fit.spec

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a choice: choice, k, events, n, rate, low, high, prediction limits, members."""
        import pandas as pd

        arrays = ("k", "events", "n", "rate", "low", "high", "prediction_low", "prediction_high")
        columns: dict[str, Any] = {"choice": list(self.choice)}
        columns |= {name: getattr(self, name) for name in arrays}
        return pd.DataFrame(columns | {"members": list(self.members)})

    def matrix(self) -> "pd.DataFrame":
        """Return which reports may share patients, a row and a column for each."""
        import pandas as pd

        return pd.DataFrame(self.share, index=list(self.study), columns=list(self.study))


@silent
def overlap(data: Any, by: str, **options: Any) -> Overlap:
    """Pool reports that may share patients by every defensible choice.

    Parameters
    ----------
    data : Studies or Fit
    by : str
        Covariate that tells which reports may share patients: those with the same value, such as
        ``"centre"``.  A study without a value shares none.
    **options
        Of :func:`metaresp.pool`, where *data* is no fit.

    Returns
    -------
    Overlap

    Raises
    ------
    UnknownName
        If the studies have no such column.
    InvalidArgument
        If options are given beside a fit, or studies are nested in clusters already.

    Notes
    -----
    - *All reports*, as if each had patients of its own: too narrow where they share some.
    - *Largest of each*: one report a centre, of the same size the first.
    - *Lowest and highest of the disjoint sets*: every set with one report a centre is pooled, all of them in
      one batch, up to 5,000; beyond, as many at random, and the sets of each centre's lowest, and highest,
      rate.
    - *Nested*: all reports, those of a centre being alike.  It takes their patients as different ones, and
      so is right only where they do not overlap.
    - *Least and greatest union*: whatever the overlap, a centre has treated at least as many responders as
      its report with most of them, and at most the sum; the same is true of those who did not respond.  The
      two choices give each centre the fewest responders with the most others, and the reverse.

    R: none; ``metafor::rma.mv(random = ~ 1 | centre)`` is the nested model.

    Examples
    --------
    >>> import metaresp as mr
    >>> reports = mr.Studies([5, 9, 3, 7], [10, 20, 8, 15], ["A 2012", "A 2014", "B", "C"],
    ...                      covariates={"centre": ["A", "A", "B", "C"]})
    >>> found = mr.overlap(reports, "centre")
    >>> found.sets, found.choice[1], found.n.tolist()
    (2, 'largest of each centre', [53, 43, 43, 33, 53, 48, 48])
    """
    fit = fit_of(data, options)
    if fit.spec.cluster is not None:
        raise InvalidArgument(
            f"{option('cluster', fit.spec.cluster)}: leave it out, the nested model is one of the choices"
        )
    studies = fit.studies
    values = column_by(studies, by)
    members: dict[object, list[int]] = {}
    for i, value in enumerate(values):
        members.setdefault(("alone", i) if value is None else value, []).append(i)
    groups = [np.array(places) for places in members.values()]
    alike = np.zeros((len(studies), len(studies)), dtype=np.bool_)
    for places in groups:
        alike[np.ix_(places, places)] = True
    np.fill_diagonal(alike, False)
    found = _pooled(fit, groups, by)
    notes = _notes(fit, groups, by)
    nested, why = _nested(fit, groups, by, blank=None in values)
    if nested is not None:
        found.insert(-2, nested)
    columns = list(zip(*found, strict=True))
    return Overlap(
        by=by,
        study=studies.study,
        share=alike,
        sets=math.prod(map(len, groups)),
        fit=fit,
        choice=columns[0],
        k=np.array(columns[1]),
        events=np.array(columns[2]),
        n=np.array(columns[3]),
        **{name: np.array(columns[4 + i], dtype=np.float64) for i, name in enumerate(_RATES)},
        members=columns[9],
        notes=(*notes, *why),
    )


def _pooled(fit: Fit, groups: Sequence[IntArray], by: str) -> list[_Row]:
    """Return the choices that are pooled in one batch, the two unions last."""
    events, n = fit.studies.events, fit.studies.n
    first = np.array([places[0] for places in groups])
    largest = np.array([places[np.argmax(n[places])] for places in groups])
    every = np.arange(n.size)
    unions = [_union(events, n, groups, least) for least in (True, False)]
    lanes = [(events, n, every), (events, n, largest), *((x, m, first) for x, m in unions)]
    lanes += [(events, n, np.array(chosen)) for chosen in _sets(fit.studies.rates, groups)]
    copies = np.zeros((len(lanes), n.size), dtype=np.int64)
    for lane, (_, _, chosen) in enumerate(lanes):
        copies[lane, chosen] = 1
    x, m = (np.array([lane[i] for lane in lanes]) for i in (0, 1))
    batch = pool_batch(x, m, copies, **batch_options(fit))
    sets = batch.rate[4:]
    order = {"all reports": 0, f"largest of each {by}": 1}
    if sets.size > 1:
        order |= {
            "disjoint reports, lowest rate": 4 + int(np.nanargmin(sets)),
            "disjoint reports, highest rate": 4 + int(np.nanargmax(sets)),
        }
    order |= {"union with the fewest responders": 2, "union with the most responders": 3}
    rows: list[_Row] = []
    for name, lane in order.items():
        chosen = lanes[lane][2]
        left_out = chosen.size < n.size and lane not in (2, 3)
        rate, low, high, new_low, new_high = (float(getattr(batch, field)[lane]) for field in _RATES)
        told = ", ".join(fit.studies.study[i] for i in chosen) if left_out else ""
        total = int(x[lane, chosen].sum()), int(m[lane, chosen].sum())
        rows.append((name, chosen.size, *total, rate, low, high, new_low, new_high, told))
    return rows


def _sets(rates: FloatArray, groups: Sequence[IntArray]) -> list[tuple[int, ...]]:
    """Return sets with one report of each group: all, or those of the extreme rates and a random sample."""
    if math.prod(map(len, groups)) <= MOST_SETS:
        return list(product(*(places.tolist() for places in groups)))
    draws = np.random.default_rng(0)
    sampled = np.stack([draws.choice(places, MOST_SETS - 2) for places in groups], axis=1).tolist()
    extremes = [[places[pick(rates[places])] for places in groups] for pick in (np.argmin, np.argmax)]
    return [tuple(map(int, chosen)) for chosen in (*extremes, *sampled)]


def _union(
    events: IntArray, n: IntArray, groups: Sequence[IntArray], least: bool
) -> tuple[IntArray, IntArray]:
    """Return counts with those of each group's union in the place of its first report.

    The union has between the largest and the sum of the responders of its reports, and of the others
    likewise: *least* takes the fewest responders with the most others, otherwise the reverse.
    """
    x, m = events.copy(), n.copy()
    for places in groups:
        responders, others = events[places], (n - events)[places]
        few, many = (responders, others) if least else (others, responders)
        kept, added = int(few.max()), int(many.sum())
        x[places[0]] = kept if least else added
        m[places[0]] = kept + added
    return x, m


def _nested(
    fit: Fit, groups: Sequence[IntArray], by: str, *, blank: bool
) -> tuple[_Row | None, tuple[str, ...]]:
    """Return the fit of all reports nested in groups, or why there is none."""
    if not 1 < len(groups) < fit.k or nested_form(fit.spec) is None:
        return None, ()
    if blank:
        return None, (f"There is no nested model: a report has no {by}.",)
    options = {name: value for name, value in fit.spec.options().items() if name in _SHARED}
    nested = pool(fit.studies, **options, cluster=by)
    new = nested.prediction_interval or (np.nan, np.nan)
    words = f"all reports, nested in {by}"
    counts = (nested.k, nested.events, nested.n)
    return (words, *counts, nested.rate, *nested.rate_ci, *new, ""), ()


def _notes(fit: Fit, groups: Sequence[IntArray], by: str) -> tuple[str, ...]:
    notes = []
    several = [places for places in groups if places.size > 1]
    if not several:
        notes.append(f"No two reports have the same {by}: none may share patients by it.")
    if math.prod(map(len, groups)) > MOST_SETS:
        notes.append(
            f"There are more than {MOST_SETS:,} sets of disjoint reports: as many were drawn at random, and "
            f"of each {by} the report of the lowest rate, and of the highest, was taken."
        )
    if fit.studies.excluded:
        noun = "report takes" if len(fit.studies.excluded) == 1 else "reports take"
        notes.append(f"{len(fit.studies.excluded)} {noun} no part: see studies.excluded.")
    if several:
        notes.append(
            "All reports and the nested model count a patient twice who is in two reports: they are right "
            "only where patients are different ones."
        )
    return tuple(notes)
