"""Raw tables: columns of untouched cells with the place each row came from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metaresp.errors import InvalidArgument, InvalidStudies
from metaresp.read.cells import clean, decimal_evidence, label_text
from metaresp.records import Record


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
    """

    source: str
    place: str
    names: tuple[str, ...]
    columns: tuple[tuple[object, ...], ...]
    rows: tuple[object, ...]
    decimal: str
    written: bool = False

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def at(self, row: int) -> str:
        """Return the words for one row, such as ``row 5``."""
        return f"{self.place} {self.rows[row]}"


def grid_table(source: str, grid: Iterable[Sequence[object]], decimal: str = "") -> Table:
    """Return the table of a grid of cells whose first row that is not blank is the header.

    Parameters
    ----------
    source : str
        Name of the file.
    grid : iterable of sequences
        Every row of the file from row 1, blank ones included.
    decimal : str
        The decimal mark, when the format already tells it.

    Raises
    ------
    InvalidStudies
        If there is no header, no row beneath it, or a row with more cells than the header has names.
    """
    header: list[object] = []
    rows: list[int] = []
    lines: list[list[object]] = []
    for number, raw in enumerate(grid, start=1):
        cells = [clean(cell) for cell in raw]
        while cells and cells[-1] is None:
            cells.pop()
        if not cells:
            continue
        if not header:
            header, header_row = cells, number
        else:
            rows.append(number)
            lines.append(cells)
    if not header:
        raise InvalidStudies(f"{source} is empty: a header and one row per study are needed")
    if not lines:
        names = ", ".join(map(repr, _named(header)))
        raise InvalidStudies(f"{source} has a header in row {header_row} ({names}) but no study beneath it")
    for number, cells in zip(rows, lines, strict=True):
        if len(cells) > len(header):
            raise InvalidStudies(
                f"{source}, row {number}: {len(cells)} cells, but the header has {len(header)}"
                " (text that holds the separator must stand in quotes)"
            )
    padded = [cells + [None] * (len(header) - len(cells)) for cells in lines]
    columns = tuple(zip(*padded, strict=True))
    keep = [i for i, name in enumerate(header) if name is not None or any(c is not None for c in columns[i])]
    return _table(
        source, "row", [_named(header)[i] for i in keep], [columns[i] for i in keep], rows, decimal, True
    )


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
    cleaned = [tuple(map(clean, column)) for column in values]
    return _table(source, place, names, cleaned, list(range(first, first + count)))


def records_table(source: str, records: Sequence[Mapping[str, object]]) -> Table:
    """Return the table of a list of records; keys that a record lacks are missing there."""
    keys = list(dict.fromkeys(key for record in records for key in record))
    columns = [tuple(clean(record.get(key)) for record in records) for key in keys]
    names = [label_text(str(key)) for key in keys]
    return _table(source, "record", names, columns, list(range(1, len(records) + 1)))


def frame_table(frame: Any) -> Table:
    """Return the table of a pandas or polars data frame, or of a mapping of columns.

    A named index of a pandas frame is taken as columns; rows are called by their index label.

    Raises
    ------
    InvalidArgument
        If *frame* is none of these.
    """
    if hasattr(frame, "iloc") and hasattr(frame, "columns"):
        named = [name for name in frame.index.names if name is not None and name not in frame.columns]
        labels = frame.index.tolist()
        if named:
            frame = frame.reset_index(level=named)
        names = [label_text(str(name)) for name in frame.columns]
        columns = [tuple(map(clean, frame.iloc[:, i].tolist())) for i in range(len(names))]
        return _table("data frame", "index", names, columns, labels)
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


def _named(header: Sequence[object]) -> list[str]:
    return [label_text(name) or f"column {i}" for i, name in enumerate(header, start=1)]


def _table(
    source: str,
    place: str,
    names: Sequence[str],
    columns: Sequence[tuple[object, ...]],
    rows: Sequence[object],
    decimal: str = "",
    written: bool = False,
) -> Table:
    """Drop rows that are blank throughout and settle the decimal mark."""
    keep = [i for i in range(len(rows)) if any(column[i] is not None for column in columns)]
    if len(keep) < len(rows):
        columns = [tuple(column[i] for i in keep) for column in columns]
        rows = [rows[i] for i in keep]
    mark = decimal_evidence([cell for column in columns for cell in column]) or decimal
    return Table(source, place, tuple(names), tuple(columns), tuple(rows), mark, written)
