"""Raw tables: columns of untouched cells with the place each row came from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from metaresp.errors import InvalidArgument, InvalidStudies
from metaresp.read.cells import clean, clean_column, label_text, label_texts
from metaresp.read.patterns import decimal_evidence
from metaresp.read.text import MAX_CELLS
from metaresp.records import Record


@dataclass(frozen=True, eq=False, slots=True)
class LeftOut(Record):
    """A row that was read and is no study, or a study that cannot be used.

    Attributes
    ----------
    row : int or str
        As a person finds it in the source; the header of a file is row 1 unless lines stand above it.
    text : str
        What stands there, shortened.
    reason : str
        Why it is left out.
    """

    row: int | str
    text: str
    reason: str


@dataclass(frozen=True, eq=False, slots=True)
class Table(Record):
    """Columns of cells as they stand in a file, a data frame or an argument.

    Attributes
    ----------
    source : str
        Name of the file, or ``data frame``.
    place : str
        What a row is called there: ``row``, ``record``, ``index``, ``study``.
    names : tuple of str
        Column names, in order.
    columns : tuple of tuple
        Cells of each column: text trimmed, None where blank.
    rows : tuple
        The row of each line of cells as a person sees it in the source (the header of a file is row 1).
    decimal : str
        The decimal mark of text cells, ``"."`` or ``","``, or ``""`` when it is not certain.
    written : bool
        Whether numbers stand as text (a delimited file, a sheet), so that text of digits is a number.
    sheet : str
        The sheet of a workbook.
    header_row : int or None
        The row of the column names.
    heads : tuple of str
        Column names with the row of units, or the upper of two head rows, joined on: what is matched.
    unnamed : tuple of int
        Columns without a name of their own: row names of R, the index of a frame.
    left_out : tuple of LeftOut
        Rows that were seen to be no study.
    notes : tuple of str
        What was done to the layout, in sentences.
    """

    source: str
    place: str
    names: tuple[str, ...]
    columns: tuple[tuple[object, ...], ...]
    rows: tuple[object, ...]
    decimal: str
    written: bool = False
    sheet: str = ""
    header_row: int | None = None
    heads: tuple[str, ...] = ()
    unnamed: tuple[int, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    _known: dict[object, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def known(self, question: object, answer: Callable[[], Any]) -> Any:
        """Return the answer to a question about the cells, found once a table."""
        if question not in self._known:
            self._known[question] = answer()
        return self._known[question]

    def texts(self, place: int) -> list[str]:
        """Return a column as labels."""
        found: list[str] = self.known(("texts", place), lambda: label_texts(self.columns[place]))
        return found

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def at(self, row: int) -> str:
        """Return the words for one row, such as ``row 5``."""
        return f"{self.place} {self.rows[row]}"

    def number(self, row: int) -> int | str:
        """Return what a row is known by in the source."""
        number = self.rows[row]
        return number if isinstance(number, int) and not isinstance(number, bool) else str(number)

    def without(self, dropped: Sequence[int], left_out: Sequence[LeftOut]) -> "Table":
        """Return the table without some rows, which are listed as *left_out*."""
        gone = set(dropped)
        keep = [row for row in range(len(self)) if row not in gone]
        return replace(
            self,
            columns=tuple(tuple(column[row] for row in keep) for column in self.columns),
            rows=tuple(self.rows[row] for row in keep),
            left_out=(*self.left_out, *left_out),
        )


def told_name(table: Table, place: int) -> str:
    """Return the name of a column as a caller can give it: with its place, where several bear it."""
    name = table.names[place]
    return f"{name} (column {place + 1})" if table.names.count(name) > 1 else name


def columns_table(source: str, place: str, columns: Mapping[str, object], first: int = 1) -> Table:
    """Return the table of named columns (arguments of a call, columns of a JSON file).

    Raises
    ------
    InvalidStudies
        If the columns differ in length or are not one-dimensional.
    """
    names = [label_text(str(name)) for name in columns]
    values = [
        cell_list(column, f"{source}: {name}") for name, column in zip(names, columns.values(), strict=True)
    ]
    lengths = [len(column) for column in values]
    if len(set(lengths)) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in zip(names, lengths, strict=True))
        raise InvalidStudies(f"{source}: the columns differ in length ({told})")
    count = lengths[0] if lengths else 0
    cleaned = [tuple(clean_column(column)) for column in values]
    return plain_table(source, place, names, cleaned, list(range(first, first + count)))


def records_table(source: str, records: Sequence[Mapping[str, object]]) -> Table:
    """Return the table of a list of records; keys that a record lacks are missing there."""
    keys = list(dict.fromkeys(key for record in records for key in record))
    refuse_size(source, len(records), len(keys))
    columns = [tuple(clean(record.get(key)) for record in records) for key in keys]
    names = [label_text(str(key)) for key in keys]
    return plain_table(source, "record", names, columns, list(range(1, len(records) + 1)))


def refuse_size(source: str, rows: int, columns: int) -> None:
    """Refuse rows and columns that make more cells than the memory holds, however many are blank."""
    if rows * columns > 2 * MAX_CELLS:
        raise InvalidStudies(
            f"{source}: {rows:,} rows of {columns:,} columns are more than {2 * MAX_CELLS:,} cells: that is "
            "no table of studies"
        )


def frame_table(frame: Any) -> Table:
    """Return the table of a pandas or polars data frame, or of a mapping of columns.

    A named index of a pandas frame is taken as columns, an unnamed one of text as a column without a name;
    rows are called by their index label.

    Raises
    ------
    InvalidArgument
        If *frame* is none of these.
    """
    if hasattr(frame, "iloc") and hasattr(frame, "columns"):
        return _pandas_table(frame)
    if hasattr(frame, "columns") and hasattr(frame, "to_dict") and not isinstance(frame, Mapping):
        frame = {name: frame[name].to_list() for name in frame.columns}
    if isinstance(frame, Mapping):
        return columns_table("data frame", "row", frame, first=0)
    if isinstance(frame, list | tuple) and frame and all(isinstance(record, Mapping) for record in frame):
        return records_table("records", frame)
    kind = type(frame).__name__
    raise InvalidArgument(
        f"studies must be a data frame, a mapping of columns or a list of records, not {kind}"
    )


def _pandas_table(frame: Any) -> Table:
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    labels = frame.index.tolist()
    if named:
        frame = frame.reset_index(level=named)
    names = [" ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns]
    names = [label_text(name) or f"column {i}" for i, name in enumerate(names, start=1)]
    columns = [tuple(clean_column(frame.iloc[:, i].tolist())) for i in range(len(names))]
    if not named and labels and all(isinstance(label, str) for label in labels):
        columns = [tuple(clean_column(labels)), *columns]
        return plain_table("data frame", "index", ["index", *names], columns, labels, unnamed=(0,))
    return plain_table("data frame", "index", names, columns, labels)


def cell_list(values: Any, name: str) -> list[object]:
    """Return a one-dimensional argument as a list of cells; a single value counts as one study.

    Raises
    ------
    InvalidStudies
        If it has two dimensions, or is a mapping or a set.
    """
    if isinstance(values, str | bytes) or values is None:
        return [values]
    if isinstance(values, Mapping | set | frozenset):
        raise InvalidStudies(f"{name} must be a sequence, not a {type(values).__name__}")
    if isinstance(values, np.ndarray):
        if values.ndim > 1:
            raise InvalidStudies(f"{name} must have one dimension, not the shape {values.shape}")
        cells = values.reshape(-1)
        return [str(cell) for cell in cells] if values.dtype.kind in "mM" else list(cells.tolist())
    if hasattr(values, "tolist") and hasattr(values, "index") and getattr(values, "ndim", 1) == 1:
        return list(values.tolist())
    try:
        return list(values)
    except TypeError:
        return [values]


def blank_rows(columns: Sequence[Sequence[object]], count: int) -> list[int]:
    """Return the rows of *count* that hold nothing in any column."""
    blank: Sequence[int] = range(count)
    for column in columns:
        if len(blank) == count and None not in column:
            return []
        blank = [row for row in blank if column[row] is None]
    return list(blank)


def plain_table(
    source: str,
    place: str,
    names: Sequence[str],
    columns: Sequence[tuple[object, ...]],
    rows: Sequence[object],
    decimal: str = "",
    **more: Any,
) -> Table:
    """Return a table without the rows that are blank throughout, its decimal mark settled."""
    blank = set(blank_rows(columns, len(rows)))
    if blank:
        keep = [i for i in range(len(rows)) if i not in blank]
        columns = [tuple(column[i] for i in keep) for column in columns]
        rows = [rows[i] for i in keep]
    mark = decimal_evidence(columns) or decimal
    more.setdefault("heads", tuple(names))
    return Table(source, place, tuple(names), tuple(columns), tuple(rows), mark, **more)
