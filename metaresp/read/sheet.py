"""Sheet: the untouched cells of one sheet of a workbook, or of a text file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from metaresp.records import Record

RawRow = tuple[object, ...]


class EvenRows(Sequence[RawRow]):
    """Rows of the same number of cells, one or more, held by columns and made when asked for."""

    __slots__ = ("columns",)

    def __init__(self, columns: Sequence[Sequence[object]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    @overload
    def __getitem__(self, place: int) -> RawRow: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[RawRow, ...]: ...
    def __getitem__(self, place: int | slice) -> RawRow | tuple[RawRow, ...]:
        if isinstance(place, slice):
            return tuple(zip(*(column[place] for column in self.columns), strict=True))
        return tuple(column[place] for column in self.columns)

    def __iter__(self) -> Iterator[RawRow]:
        return zip(*self.columns, strict=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False, slots=True)
class Sheet(Record):
    """Every row of a sheet or a text file, as it stands there.

    Attributes
    ----------
    title : str
        Name of the sheet; empty for a text file.
    rows : sequence of tuple
        Cells of each row from row 1 on, blank rows included, so that ``rows[i]`` is row ``i + 1`` of the
        file as a person sees it.  Text is untouched; a number shown as a percentage is a
        :class:`~metaresp.read.cells.ShownPercent`, a formula without a value a
        :class:`~metaresp.read.cells.Formula`.
    decimal : str
        The decimal mark of its text cells, ``"."`` or ``","``, where the format tells it; else ``""``.
    notes : tuple of str
        What a reader should know of the file: hidden rows that were read, an encoding that was guessed.
    merged : tuple of (int, int, int, int)
        First and last row, first and last column (counted from 1) of cells that were merged over several
        rows; their value stands in the first.
    """

    title: str
    rows: Sequence[RawRow]
    decimal: str
    notes: tuple[str, ...]
    merged: tuple[tuple[int, int, int, int], ...] = ()
