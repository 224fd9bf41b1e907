"""What the values of a column can be: counts, fractions, rates, a row number."""

from collections import Counter
from itertools import pairwise
from typing import NamedTuple

from metaresp.read.heads import Head, read_head
from metaresp.read.rows import labelled_totals
from metaresp.read.table import Table
from metaresp.read.writing import Cell, read_cell

_NUMBERS = ("fraction", "counted", "rate", "number", "count", "about")


class Column(NamedTuple):
    """One column as the matcher sees it.

    Attributes
    ----------
    place : int
    name : str
    head : Head
        What its name says.
    cells : tuple of Cell
        What each cell says, every row.
    kind : str
        What most cells are: ``count``, ``number``, ``rate``, ``counted``, ``fraction``, ``text``, ``blank``.
    numbered : bool
        Whether it counts rows: 1..k or 0..k-1.
    """

    place: int
    name: str
    head: Head
    cells: tuple[Cell, ...]
    kind: str
    numbered: bool

    @property
    def counts(self) -> tuple[int | None, ...]:
        """The count in each row."""
        return tuple(cell.events for cell in self.cells)


def column_cells(table: Table, place: int) -> tuple[Cell, ...]:
    """Return what each cell of a column says; equal cells are read once."""
    known: dict[object, Cell] = {}
    cells: list[Cell] = []
    for value in table.columns[place]:
        key = (type(value), value) if isinstance(value, str | int | float) else id(value)
        found = known.get(key)
        if found is None:
            found = known[key] = read_cell(value, table.decimal)
        cells.append(found)
    return tuple(cells)


def profile(table: Table) -> tuple[list[Column], list[int]]:
    """Return every column as the matcher sees it, and the rows that it is judged by.

    Rows whose label says that they are totals take no part.
    """
    totals = set(labelled_totals(table))
    rows = [row for row in range(len(table)) if row not in totals]
    if len(rows) * 2 < len(table) and len(rows) < 2:
        rows = rows or list(range(len(table)))
    columns = []
    for place, name in enumerate(table.names):
        cells = column_cells(table, place)
        judged = [cells[row] for row in rows]
        head = Head({}, "") if place in table.unnamed else read_head(table.heads[place])
        columns.append(Column(place, name, head, cells, _kind(judged), _numbered(judged)))
    return columns, rows


def _kind(cells: list[Cell]) -> str:
    found = Counter(cell.kind for cell in cells if cell.kind != "missing")
    found["text"] = found.pop("other", 0)
    found["count"] += found.pop("formula", 0)
    present = sum(found.values())
    if not present:
        return "blank"
    numeric = sum(found[kind] for kind in _NUMBERS)
    if numeric * 2 < present:
        return "text"
    if found["counted"]:
        return "counted"
    if found["fraction"] * 2 > numeric:
        return "fraction"
    if found["rate"] and (found["rate"] + found["number"]) * 2 > numeric:
        return "rate"
    # 0.00 and 1.00: whole, but written as the rates that they are (13.0 is how programs write a count)
    least = 1 if found["number"] else 2
    pointed = sum(cell.kind == "count" and len(cell.rate.partition(".")[2]) >= least for cell in cells)
    return "number" if (found["number"] + pointed) * 2 > numeric else "count"


def _numbered(cells: list[Cell]) -> bool:
    numbers = [cell.events for cell in cells]
    if len(numbers) < 2 or any(cell.kind != "count" or cell.mark for cell in cells):
        return False
    first = numbers[0]
    return first in {0, 1} and numbers == list(range(first, first + len(numbers)))


def is_ascending(column: Column, rows: list[int]) -> bool:
    """Whether a column holds growing whole numbers, as row names that are left of a longer table."""
    numbers = [column.cells[row].events for row in rows]
    whole = [number for number in numbers if number is not None]
    return len(whole) == len(numbers) > 1 and all(a < b for a, b in pairwise(whole))
