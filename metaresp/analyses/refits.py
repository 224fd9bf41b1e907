"""Leave-one-out and cumulative meta-analysis: the same fit of some of its studies, as one batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.analyses.clusters import check_fit, column_by, refitted
from metaresp.analyses.subgroups import group_label
from metaresp.arrays import FloatArray, IntArray, silent
from metaresp.checks import check_bool
from metaresp.errors import CannotEstimate, InvalidArgument, few, option
from metaresp.model.spec import Spec
from metaresp.records import Answered, Later, on_demand
from metaresp.result import Fit
from metaresp.studies.choosing import order_of
from metaresp.studies.parts import Value
from metaresp.subsets import growing, without_each

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 3  # labels in a sentence
_SAME = 1e-12  # of rates that differ by rounding


@on_demand("mean_low", "mean_high")
@dataclass(frozen=True, eq=False, slots=True)
class Refits(Answered):
    """Fits of some of the studies of a fit, one a row.  Arrays have shape (rows,).

    Attributes
    ----------
    fit : Fit
        Of all studies.
    by : str or None
        The covariate whose groups are left out, or that orders the studies; None: study by study, in the
        order of the data.
    study : tuple of str
        Of each row: which study (or group of studies) is left out, or which was added last.
    k, events, n : int array
        Studies, responders and patients in the row.
    rate, low, high : float array
        Pooled rate and its interval, between 0 and 1; exact where no model applies.
    mean_rate, mean_low, mean_high : float array
        Rate averaged over trials and its interval, which is computed when it is first read.
    prediction_low, prediction_high : float array
        Interval of a new trial; NaN where it was not asked for.
    estimate, se : float array
        On the model's scale.
    tau2, rho, I2, Q, Q_pvalue : float array
        Heterogeneity of the studies in the row, I2 in percent; NaN where it is not estimable.
    note : tuple of str
        Why a row has another answer than the model's, or empty.
    notes : tuple of str
    """

    fit: Fit
    by: str | None
    study: tuple[str, ...]
    k: IntArray
    events: IntArray
    n: IntArray
    rate: FloatArray
    low: FloatArray
    high: FloatArray
    mean_rate: FloatArray
    mean_low: FloatArray
    mean_high: FloatArray
    prediction_low: FloatArray
    prediction_high: FloatArray
    estimate: FloatArray
    se: FloatArray
    tau2: FloatArray
    rho: FloatArray
    I2: FloatArray
    Q: FloatArray
    Q_pvalue: FloatArray
    note: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def spec(self) -> Spec:
        """The options of every fit."""
        return self.fit.spec

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a fit: study, k, counts, rate, low, high, mean_rate, estimate, se, tau2, I2, Q."""
        import pandas as pd

        names = ["study", "k", "events", "n", "rate", "low", "high", "mean_rate"]
        names += ["prediction_low", "prediction_high"] * bool(np.isfinite(self.prediction_low).any())
        names += ["estimate", "se", "tau2", *["rho"] * bool(np.isfinite(self.rho).any())]
        columns = {name: getattr(self, name) for name in (*names, "I2", "Q", "Q_pvalue", "note")}
        return pd.DataFrame({name: list(v) if isinstance(v, tuple) else v for name, v in columns.items()})


@dataclass(frozen=True, eq=False, slots=True)
class LeaveOneOut(Refits):
    """The fit without each study, or without each group of them; see :class:`Refits`."""


@dataclass(frozen=True, eq=False, slots=True)
class Cumulative(Refits):
    """The fit of the first study, the first two, ...; see :class:`Refits`.

    Attributes
    ----------
    value : tuple
        Of the study that was added, in the column that orders them; its label where none does.
    """

    value: tuple[Value, ...]

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a fit as :meth:`Refits.to_frame`, the column that orders after the study."""
        frame = Refits.to_frame(self)
        if self.by is not None and self.by != "study":
            frame.insert(1, f"study_{self.by}" if self.by in frame else self.by, list(self.value))
        return frame


@silent
def leave_one_out(fit: Fit, *, by: str | None = None, prediction: bool = False) -> LeaveOneOut:
    """Fit all studies but one, for each of them, as *fit* was made.

    Parameters
    ----------
    fit : Fit
        Of any model, of nested studies too.
    by : str, optional
        A covariate: leave out all studies of one value of it at a time, such as one centre of studies
        nested in centres.  Study by study when not given.
    prediction : bool
        Whether with the interval of a new trial, which takes as long as all else.

    Returns
    -------
    LeaveOneOut
        Its notes name the study without which the rate moves most, and say whether that is outside the
        interval of all studies.

    Raises
    ------
    InvalidArgument
        If *fit* or an option is none.
    UnknownName
        If the studies have no column *by*.
    CannotEstimate
        If nothing is left: one study, or one value of *by*.

    Notes
    -----
    All fits are one batch.  R: ``metafor::leave1out(rma(...))``, none for ``rma.glmm`` or ``rma.mv``;
    ``meta::metainf(metaprop(...))``.

    Examples
    --------
    >>> import metaresp as mr
    >>> found = leave_one_out(mr.pool(events=[13, 4, 9, 2], n=[18, 7, 15, 19]))
    >>> found.rate.round(2).tolist()
    [0.38, 0.45, 0.43, 0.65]
    >>> found.notes[0]
    'Without Study 4 the rate moves most.'
    """
    check_fit(fit)
    labels, groups = left_out(fit, by)
    if len(labels) < 2:
        what = "one study" if by is None or fit.k < 2 else f"all studies have the same {by}"
        raise CannotEstimate(f"leave_one_out: nothing is left ({what})")
    fields = _rows(fit, without_each(groups), labels, prediction, "Without ")
    return LeaveOneOut(**fields, notes=_moves(fit, fields, by), by=by)


@silent
def cumulative(
    fit: Fit, by: str | None = None, *, descending: bool = False, prediction: bool = False
) -> Cumulative:
    """Fit the first study, the first two, and so on, as *fit* was made.

    Parameters
    ----------
    fit : Fit
        Of any model, of nested studies too.
    by : str, optional
        What orders the studies: ``n``, ``events``, ``rate``, ``study`` or a covariate such as a year; the
        order of the data when not given.  Equal ones keep the order of the data; numbers come before text,
        and studies without a value last, which a note says.
    descending : bool
        From the largest to the smallest.
    prediction : bool
        Whether with the interval of a new trial, which takes as long as all else.

    Returns
    -------
    Cumulative

    Raises
    ------
    InvalidArgument
        If *fit* or an option is none.
    UnknownName
        If the studies have no column *by*.

    Notes
    -----
    All fits are one batch.  The first row is one study with its exact interval.
    R: ``metafor::cumul(rma(...), order = year)``, none for ``rma.glmm`` or ``rma.mv``;
    ``meta::metacum(metaprop(...))``.

    Examples
    --------
    >>> import metaresp as mr
    >>> studies = mr.Studies([13, 4, 9], [18, 7, 15], list("ABC"), {"year": [2012, 2009, 2015]})
    >>> found = cumulative(mr.pool(studies), by="year")
    >>> found.study, found.k.tolist(), found.rate.round(3).tolist()
    (('B', 'A', 'C'), [1, 2, 3], [0.571, 0.68, 0.65])
    """
    check_fit(fit)
    descending = check_bool("descending", descending)
    if by is None and descending:
        raise InvalidArgument(f"{option('descending', True)}: name the column in {option('by')} too")
    column = column_by(fit.studies, "study" if by is None else by)
    order = list(range(fit.k)) if by is None else order_of(column, descending)
    value = tuple(column[i] for i in order)
    labels = [fit.studies.study[i] for i in order]
    fields = _rows(fit, growing(np.array(order)), labels, prediction, "Up to ")
    notes = []
    if by is not None:
        blank = [label for label, own in zip(labels, value, strict=True) if own is None]
        if blank:
            come = "studies without it come" if len(blank) > 1 else "study without it comes"
            notes.append(f"Ordered by {by}; the {come} last: {few(blank, _NAMED)}.")
        if len(set(value) - {None}) < fit.k - len(blank):
            notes.append(f"Studies of the same {by} keep the order of the data.")
    return Cumulative(**fields, notes=(*notes, *_reasons(fields, "Up to ")), by=by, value=value)


def left_out(fit: Fit, by: str | None) -> tuple[list[str], IntArray]:
    """Return what is left out one at a time, and which of these each study is, in order of appearance."""
    if by is None:
        return list(fit.studies.study), np.arange(fit.k)
    values = [group_label(value) for value in column_by(fit.studies, by)]
    labels = list(dict.fromkeys(values))
    return labels, np.array([labels.index(value) for value in values], dtype=np.int64)


def _rows(fit: Fit, copies: IntArray, labels: Sequence[str], prediction: bool, before: str) -> dict[str, Any]:
    """Return the fields of all rows: one batch."""
    batch = refitted(fit, copies, prediction=check_bool("prediction", prediction))
    counts = {name: getattr(batch, name).astype(np.int64) for name in ("k", "events", "n")}
    names = ("rate", "low", "high", "mean_rate", "prediction_low", "prediction_high", "estimate", "se")
    numbers = {name: getattr(batch, name) for name in (*names, "tau2", "rho", "I2", "Q", "Q_pvalue")}
    means = {"mean_low": Later(lambda: batch.mean_low), "mean_high": Later(lambda: batch.mean_high)}
    return {"fit": fit, "study": tuple(labels), **counts, **numbers, **means, "note": tuple(batch.told)}


def _moves(fit: Fit, rows: Mapping[str, Any], by: str | None) -> tuple[str, ...]:
    """Say without which study the rate moves most, and whether that is beyond the interval of all."""
    rates, labels = rows["rate"], rows["study"]
    known = np.flatnonzero(np.isfinite(rates))
    notes = _reasons(rows, "Without ")
    if not known.size:
        return notes
    farthest = known[np.abs(rates[known] - fit.rate).argmax()]
    if abs(rates[farthest] - fit.rate) < _SAME:
        return ("The rate is the same without any one of them.", *notes)
    low, high = fit.rate_ci
    beyond = [
        labels[i]
        for i in known
        if not (low <= rates[i] <= high and rows["low"][i] <= fit.rate <= rows["high"][i])
    ]
    return (
        f"Without {labels[farthest]} the rate moves most.",
        f"Fragile: without {few(beyond, _NAMED)} the rate and that of all studies are not each inside the "
        "interval of the other."
        if beyond
        else f"No single {by or 'study'} decides: each rate lies in the interval of all studies, and theirs "
        "in its.",
        *notes,
    )


def _reasons(rows: Mapping[str, Any], before: str) -> tuple[str, ...]:
    """Say which rows have another answer than the model's, and why."""
    which: dict[str, list[str]] = {}
    for label, reason in zip(rows["study"], rows["note"], strict=True):
        if reason:
            which.setdefault(reason, []).append(label)
    return tuple(f"{before}{few(labels, _NAMED)}: {reason}." for reason, labels in which.items())
