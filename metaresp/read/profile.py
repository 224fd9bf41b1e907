"""What the values of a column can be: counts, fractions, rates, a row number."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from operator import le
from typing import NamedTuple

from metaresp.read.column_cells import Cells, column_cells
from metaresp.read.heads import Head, read_head
from metaresp.read.rows import labelled_totals
from metaresp.read.table import Table
from metaresp.read.writing import Cell

_NUMBERS = ("fraction", "counted", "rate", "number", "count", "about")


class Column(NamedTuple):
    """One column as the matcher sees it.

    Attributes
    ----------
    place : int
    name : str
    head : Head
        What its name says.
    cells : sequence of Cell
        What each cell says, every row.
    kind : str
        What most cells are: ``count``, ``number``, ``rate``, ``counted``, ``fraction``, ``text``, ``blank``.
    numbered : bool
        Whether it counts rows: 1..k or 0..k-1.
    """

    place: int
    name: str
    head: Head
    cells: Sequence[Cell]
    kind: str
    numbered: bool

    @property
    def counts(self) -> tuple[int | None, ...]:
        """The count in each row."""
        return self.cells.events if isinstance(self.cells, Cells) else tuple(c.events for c in self.cells)

    def counts_in(self, rows: Sequence[int]) -> tuple[int | None, ...]:
        """Return the counts in some rows, which ascend."""
        return chosen(self.counts, rows)


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
        said, words = cells.times(rows)
        head = Head({}, "") if place in table.unnamed else read_head(table.heads[place])
        numbered = not words and _numbered(cells, rows, said)
        columns.append(Column(place, name, head, cells, _kind(said, words), numbered))
    return columns, rows


def _kind(said: Mapping[Cell, int], words: int) -> str:
    found: Counter[str] = Counter({"text": words})
    for cell, times in said.items():
        found[{"other": "text", "formula": "count"}.get(cell.kind, cell.kind)] += times
    del found["missing"]
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
    pointed = sum(
        times
        for cell, times in said.items()
        if cell.kind == "count" and len(cell.rate.partition(".")[2]) >= least
    )
    return "number" if (found["number"] + pointed) * 2 > numeric else "count"


def _numbered(cells: Cells, rows: Sequence[int], said: Iterable[Cell]) -> bool:
    if len(rows) < 2 or any(cell.kind != "count" or cell.mark for cell in said):
        return False
    first = cells[rows[0]].events
    return first in {0, 1} and chosen(cells.events, rows) == tuple(range(first, first + len(rows)))


def is_ascending(column: Column, rows: list[int]) -> bool:
    """Whether a column holds growing whole numbers, as row names that are left of a longer table."""
    numbers = column.counts_in(rows)
    whole = [number for number in numbers if number is not None]
    return len(whole) == len(numbers) > 1 and all(a < b for a, b in pairwise(whole))


def chosen(counts: tuple[int | None, ...], rows: Sequence[int]) -> tuple[int | None, ...]:
    """Return the counts in some rows, which ascend."""
    return counts if len(rows) == len(counts) else tuple(map(counts.__getitem__, rows))


def lawful(events: Sequence[int | None], n: Sequence[int | None]) -> bool:
    """Whether every row has both counts, and ``0 <= events <= n``."""
    x, m = (column if None not in column else () for column in (events, n))
    return len(x) == len(m) > 0 and min(x) >= 0 and all(map(le, x, m))  # type: ignore[type-var,operator,arg-type]
