"""The rows beneath the head of a sheet, by columns."""

from collections import Counter
from collections.abc import Sequence
from itertools import compress, zip_longest

from metaresp.read.cells import clean, clean_column, label_text
from metaresp.read.sheet import EvenRows, RawRow
from metaresp.read.table import LeftOut, blank_rows, refuse_size
from metaresp.read.vocabulary import folded


class Body:
    """Rows that hold anything, each with its number in the sheet.

    Attributes
    ----------
    numbers : sequence of int
        As a person sees them: the first row of a sheet is 1.
    columns : list of list
        Cells trimmed, None where blank; as many columns as were asked for.
    longer : mapping of int to list
        The rows with cells beyond these columns, whole.
    """

    def __init__(
        self, numbers: Sequence[int], columns: list[list[object]], longer: dict[int, list[object]]
    ) -> None:
        self.numbers, self.columns, self.longer = numbers, columns, longer

    @classmethod
    def beneath(cls, rows: Sequence[RawRow], start: int, width: int, source: str) -> "Body":
        """Return the rows from a place on, cut into *width* columns.

        Raises
        ------
        InvalidStudies
            If rows and columns make more cells than the memory holds.
        """
        count = len(rows) - start
        numbers: Sequence[int] = range(start + 1, start + 1 + count)
        longer: dict[int, list[object]] = {}
        raw: list[Sequence[object]]
        if isinstance(rows, EvenRows) and len(rows.columns) <= width:
            raw = [column[start:] for column in rows.columns]
        else:
            beneath = rows[start:]
            numbers = [number for number, row in enumerate(beneath, start=start + 1) if row]
            beneath = list(filter(None, beneath))
            count = len(beneath)
            refuse_size(source, count, width - 1)
            if any(len(row) > width for row in beneath):
                longer = {
                    place: cells
                    for place, row in enumerate(beneath)
                    if len(row) > width and len(cells := trimmed(row)) > width
                }
                beneath = [row[:width] for row in beneath]
            raw = list(zip_longest(*beneath))
        columns = [clean_column(column) for column in raw]
        blank: list[object] = [None] * count
        columns += [blank] * (width - len(columns))
        body = cls(numbers, columns, longer)
        gone = set(blank_rows(columns, count)) - longer.keys()
        body.keep(range(count), gone)
        return body

    def __len__(self) -> int:
        return len(self.numbers)

    def row(self, place: int) -> list[object]:
        """Return the cells of a row, without the blank ones at its end."""
        return self.longer.get(place) or trimmed([column[place] for column in self.columns])

    def keep(self, rows: range, gone: set[int]) -> None:
        """Keep a range of rows without those that are *gone*."""
        if gone:
            kept = [place in rows and place not in gone for place in range(len(self))]
            self.columns = [list(compress(column, kept)) for column in self.columns]
            self.numbers = list(compress(self.numbers, kept))
            places = {place: new for new, place in enumerate(compress(range(len(kept)), kept))}
            self.longer = {places[place]: cells for place, cells in self.longer.items() if place in places}
        elif len(rows) < len(self):
            self.columns = [column[rows.start : rows.stop] for column in self.columns]
            self.numbers = self.numbers[rows.start : rows.stop]
            self.longer = {place - rows.start: cells for place, cells in self.longer.items() if place in rows}

    def rows_like(self, head: Sequence[object]) -> list[int]:
        """Return the rows of which two cells or more are the names above them, case aside."""
        named = [
            (column, folded(str(name)))
            for column, name in zip(self.columns, head, strict=False)
            if name is not None
        ]
        named.sort(key=lambda item: len(set(item[0][:1000])))
        times: Counter[int] = Counter()
        for number, (column, name) in enumerate(named, start=1):
            if number == len(named) and not times:
                break  # one cell alone is not enough: the column with the most different ones comes last
            same = {
                cell
                for cell in set(column)
                if isinstance(cell, str)
                and (len(cell) == len(name) or not cell.isascii())
                and folded(cell) == name
            }
            if same:
                times.update(place for place, cell in enumerate(column) if cell in same)
        return sorted(place for place, count in times.items() if count > 1)

    def rows_marked(self) -> list[int]:
        """Return the rows that begin with a sign of comments."""
        column = self.columns[0]
        texts = column if set(map(type, column)) == {str} else [str(c) for c in column if isinstance(c, str)]
        joined = "\n".join(["", *texts])
        if not any(f"\n{sign}" in joined for sign in "#%/"):
            return []
        return [place for place, cell in enumerate(column) if isinstance(cell, str) and cell[0] in "#%/"]

    def rows_beyond(self, width: int) -> list[int]:
        """Return the rows with more cells than *width*, in order."""
        found = set(self.longer)
        for column in self.columns[width:]:
            if column.count(None) == len(column):
                continue
            found |= {place for place, cell in enumerate(column) if cell is not None}
        return sorted(found)

    def left_out(self, place: int, reason: str) -> LeftOut:
        """Return a row as it is listed among those that are no study."""
        return LeftOut(self.numbers[place], told(self.row(place)), reason)


def trimmed(raw: Sequence[object]) -> list[object]:
    """Return cells cleaned, without the blank ones at the end."""
    cells = [clean(cell) for cell in raw]
    while cells and cells[-1] is None:
        cells.pop()
    return cells


def told(cells: Sequence[object]) -> str:
    """Return a line as it is quoted in a note: short."""
    text = ", ".join(label_text(cell) for cell in cells if cell is not None)
    return text if len(text) <= 80 else f"{text[:77]}..."
