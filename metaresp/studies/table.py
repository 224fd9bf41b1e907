"""Studies: the frozen, validated table of counts that every analysis starts from."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from metaresp import read
from metaresp.arrays import FloatArray, IntArray, owned
from metaresp.errors import UnknownName, known_name
from metaresp.records import Record
from metaresp.studies.arguments import checked_fields
from metaresp.studies.choosing import Selection, cluster_members, largest_reports, order_of, positions
from metaresp.studies.parts import ExcludedStudy, Value, choices, frame_columns
from metaresp.studies.patients import count_patients

if TYPE_CHECKING:
    import pandas as pd

# One column, or several (or names joined by a plus) whose sum is taken.
Columns: TypeAlias = str | Sequence[str] | None


@dataclass(frozen=True, eq=False, slots=True, init=False, repr=False)
class Studies(Record):
    """Counts of single-arm studies: responders out of patients, one row per study.

    Parameters
    ----------
    events : int array-like, shape (k,)
        Responders of each study, 0 or more.  Whole floats and text of digits are taken too.
    n : int array-like, shape (k,)
        Patients of each study, at least 1 and at least *events*.
    study : sequence of str, optional
        Labels; by default ``Study 1``, ``Study 2``, ...  A label may occur twice.
    covariates : mapping of str to sequence, optional
        Further columns: numbers, text, or None where missing.
    response : sequence of str, optional
        Fractions such as ``"13/18"`` or ``"13/18 (72.2%)"``, instead of *events* and *n*.
    enrolled : int array-like, shape (k,), optional
        Patients enrolled in each study, at least *n* (those that could be evaluated).
    excluded : sequence of ExcludedStudy, optional
        Studies that are known of and take no part.
    source : Source, optional
        What they were read from, and how; no part of equality.

    Raises
    ------
    InvalidStudies
        Naming the study, the value and the rule, if a count breaks one, or the lengths differ.

    Notes
    -----
    Frozen: arrays cannot be written to, and methods return new studies.  Two are equal when their
    content is.  In R: the data frame given to ``meta::metaprop(events, n, studlab)``.

    Examples
    --------
    >>> from metaresp.studies import Studies
    >>> studies = Studies(events=[13, 4], n=[18, 7], study=["Xu 2012", "Li 2013"])
    >>> studies
    Studies(k=2, events=17, n=25)
    >>> studies.rates.round(3).tolist()
    [0.722, 0.571]
    >>> Studies(response=["13/18 (72.2%)", "4/7"]).events.tolist()
    [13, 4]
    """

    events: IntArray
    n: IntArray
    study: tuple[str, ...]
    covariates: Mapping[str, tuple[int | float | str | None, ...]]
    excluded: tuple[ExcludedStudy, ...]
    enrolled: IntArray | None
    source: read.Source | None = field(default=None, compare=False)

    def __init__(
        self,
        events: Any = None,
        n: Any = None,
        study: Any = None,
        covariates: Mapping[str, Any] | None = None,
        *,
        response: Any = None,
        enrolled: Any = None,
        excluded: Iterable[ExcludedStudy] = (),
        source: read.Source | None = None,
    ) -> None:
        checked = checked_fields(events, n, study, covariates, response, enrolled, excluded)
        for name, value in {**checked, "source": source}.items():
            object.__setattr__(self, name, value)
        Record.__post_init__(self)

    @classmethod
    def from_frame(
        cls,
        df: Any,
        *,
        events: Columns = None,
        n: Columns = None,
        study: str | None = None,
        response: str | None = None,
        percent: str | None = None,
        enrolled: str | None = None,
        covariates: Sequence[str] | None = None,
        missing: str = "raise",
        totals: str = "raise",
        unit: str | None = None,
        nearest: bool = False,
    ) -> Self:
        """Return the studies of a data frame.

        Parameters
        ----------
        df : pandas.DataFrame, polars.DataFrame, mapping of columns, or list of records
            One row per study.  A named index counts as a column.
        events, n, study, response, percent, enrolled : str, optional
            Column names; see :func:`read_studies`.
        covariates : sequence of str, optional
            Columns to keep beside the counts; by default all others.
        missing, totals, unit, nearest
            As in :func:`read_studies`.

        Raises
        ------
        InvalidStudies
            Naming row (by its index), column, value and rule.
        UnknownName
            If a named column is not there.

        Examples
        --------
        >>> from metaresp.studies import Studies
        >>> frame = {"trial": ["Xu", "Li"], "orr": ["13/18", "4/7"], "year": [2012, 2013]}
        >>> studies = Studies.from_frame(frame)
        >>> studies.study, studies.n.tolist(), studies.covariates
        (('Xu', 'Li'), [18, 7], {'year': (2012, 2013)})
        """
        named = dict(zip(read.ROLES, (events, n, study, response, percent, enrolled), strict=True))
        options = read.Options(missing, totals, unit, nearest)
        return cls.from_table(read.frame_table(df), named, covariates, options)

    @classmethod
    def from_patients(
        cls,
        frame: Any,
        *,
        by: str,
        response: str,
        responders: Iterable[Any] | None = None,
        missing: str = "raise",
    ) -> Self:
        """Return the studies of a table with one row a patient.

        Parameters
        ----------
        frame : pandas.DataFrame, polars.DataFrame, mapping of columns, or list of records
            One row per patient.
        by : str
            Column that tells the study.
        response : str
            Column of responses: categories such as CR and PD, or 1 and 0, yes and no.
        responders : sequence, optional
            The categories that count as a response; without them the column must hold 1 and 0, or yes and
            no.  Case is not regarded.
        missing : {"raise", "drop"}
            Patients without a response are an error, or left out with a note.

        Raises
        ------
        InvalidStudies
            Naming the row of a patient without a study or response, or the categories to choose from.

        Notes
        -----
        In R: ``table(trial, best %in% c("CR", "PR"))``.

        Examples
        --------
        >>> from metaresp.studies import Studies
        >>> patients = {"trial": ["Xu", "Xu", "Li"], "best": ["CR", "PD", "PR"]}
        >>> studies = Studies.from_patients(patients, by="trial", response="best", responders=("CR", "PR"))
        >>> studies.study, studies.events.tolist(), studies.n.tolist()
        (('Xu', 'Li'), [1, 1], [2, 1])
        """
        known_name("missing", missing, ("raise", "drop"))
        columns, notes = count_patients(frame, by, response, responders, missing)
        source = read.Source("patients", "", None, {by: "study", response: "response"}, {}, (), tuple(notes))
        return cls(columns["events"], columns["n"], columns["study"], source=source)

    @classmethod
    def from_table(
        cls,
        table: read.Table,
        roles: Mapping[str, Any],
        covariates: Sequence[str] | None,
        options: read.Options = read.AS_THEY_STAND,
    ) -> Self:
        """Return the studies of a raw table; ``from_frame`` and ``read_studies`` end here."""
        counts = read.read_counts(table, {**roles, "covariates": covariates}, options)
        return cls(
            np.array(counts.events, dtype=np.int64),
            np.array(counts.n, dtype=np.int64),
            counts.study,
            counts.covariates,
            enrolled=None if counts.enrolled is None else np.array(counts.enrolled, dtype=np.int64),
            excluded=counts.excluded,
            source=counts.source,
        )

    @property
    def rates(self) -> FloatArray:
        """Observed response rate of each study, ``events / n``, shape (k,)."""
        return owned(self.events / self.n)

    def __len__(self) -> int:
        """Return the number of studies that take part."""
        return len(self.study)

    def __repr__(self) -> str:
        left_out = f", excluded={len(self.excluded)}" if self.excluded else ""
        return f"Studies(k={len(self)}, events={self.events.sum()}, n={self.n.sum()}{left_out})"

    def __getitem__(self, chosen: Selection) -> "Studies":
        """Return the chosen studies: a mask of length k, a slice, positions, or one position."""
        return self._take(positions(chosen, len(self)))

    def __iter__(self) -> Iterator["Studies"]:
        """Iterate over the studies, each as Studies of one."""
        return (self._take(np.array([i])) for i in range(len(self)))

    @property
    def names(self) -> tuple[str, ...]:
        """Names that :meth:`column` knows."""
        return ("study", "events", "n", "rate", *["enrolled"] * (self.enrolled is not None), *self.covariates)

    def column(self, name: str) -> tuple[Value, ...]:
        """Return one column: study, events, n, rate, enrolled or a covariate.

        Raises
        ------
        UnknownName
            If there is none of that name.

        Examples
        --------
        >>> Studies([13, 4], [18, 7], covariates={"dose": [1, 2]}).column("dose")
        (1, 2)
        """
        if name == "study":
            return self.study
        own = {"events": self.events, "n": self.n, "rate": self.rates, "enrolled": self.enrolled}
        if (found := own.get(name) if isinstance(name, str) else None) is not None:
            return tuple(found.tolist())
        if name not in self.covariates:
            raise UnknownName(f"column {name!r} is not known{choices(name, self.names)}")
        return self.covariates[name]

    def sort_by(self, name: str, *, descending: bool = False) -> "Studies":
        """Return the studies in order of study, events, n, rate or a covariate.

        Equal studies keep their order; numbers come before text and missing values last, either way.

        Examples
        --------
        >>> from metaresp.studies import Studies
        >>> Studies([13, 4, 7], [18, 7, 12]).sort_by("rate", descending=True).events.tolist()
        [13, 7, 4]
        """
        return self._take(np.array(order_of(self.column(name), descending), dtype=np.int64))

    def clusters(self, name: str) -> dict[Value, tuple[int, ...]]:
        """Return the positions of the studies of each cluster, in order of first appearance.

        Raises
        ------
        InvalidStudies
            If a study has no value there.

        Examples
        --------
        >>> from metaresp.studies import Studies
        >>> Studies([1, 2, 3], [9, 9, 9], covariates={"centre": ["A", "B", "A"]}).clusters("centre")
        {'A': (0, 2), 'B': (1,)}
        """
        return cluster_members(self, name)

    def cluster_codes(self, name: str) -> IntArray:
        """Return the number of each study's cluster, shape (k,), in order of first appearance.

        Raises
        ------
        InvalidStudies
            If a study has no value there.
        """
        codes = {i: code for code, members in enumerate(self.clusters(name).values()) for i in members}
        return np.array([codes[i] for i in range(len(self))], dtype=np.int64)

    def largest_per(self, name: str) -> "Studies":
        """Return the studies with only the largest report of each cluster; the others move to excluded.

        Reports that may share patients must not be pooled as if they were independent: this gives the
        set with one report per centre.  ``pool(..., cluster=)`` is for another matter, *different* patients
        of one centre, and does not undo counting a patient twice.  Reports whose events are unknown take
        part by their n: where such a one is the largest, its centre contributes nothing.  Of reports of
        the same size the first stays.

        Parameters
        ----------
        name : str
            The covariate that tells the cluster, such as ``"centre"``.

        Examples
        --------
        >>> from metaresp.studies import Studies
        >>> reports = Studies([5, 9, 3], [10, 20, 8], ["A 2012", "A 2014", "B"],
        ...                   covariates={"centre": ["A", "A", "B"]})
        >>> largest = reports.largest_per("centre")
        >>> largest.study, largest.excluded[0].reason
        (('A 2014', 'B'), "smaller report of centre 'A' (largest: 'A 2014', n = 20)")
        """
        kept, excluded = largest_reports(self, name)
        return self._take(np.array(kept, dtype=np.int64), excluded)

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas frame with study, events, n, enrolled where given, and the covariates."""
        import pandas as pd

        own = {"study": list(self.study), "events": self.events, "n": self.n, "enrolled": self.enrolled}
        given: dict[str, Any] = {name: column for name, column in own.items() if column is not None}
        return pd.DataFrame(given | frame_columns(self.covariates))

    def forest(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw each study's exact interval, with no pooled diamond; see the plots room for *style*."""
        from metaresp.plots.forest import forest_studies

        return forest_studies(self, path, **style)

    def _take(self, positions: IntArray, excluded: Sequence[ExcludedStudy] | None = None) -> "Studies":
        return Studies(
            self.events[positions],
            self.n[positions],
            [self.study[i] for i in positions],
            {name: [column[i] for i in positions] for name, column in self.covariates.items()},
            enrolled=None if self.enrolled is None else self.enrolled[positions],
            excluded=self.excluded if excluded is None else excluded,
            source=self.source,
        )
