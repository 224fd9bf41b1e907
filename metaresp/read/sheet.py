"""Sheet: the untouched cells of one sheet of a workbook, or of a text file."""

from dataclasses import dataclass

from metaresp.records import Record


@dataclass(frozen=True, eq=False, slots=True)
class Sheet(Record):
    """Every row of a sheet or a text file, as it stands there.

    Attributes
    ----------
    title : str
        Name of the sheet; empty for a text file.
    rows : tuple of tuple
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
    rows: tuple[tuple[object, ...], ...]
    decimal: str
    notes: tuple[str, ...]
    merged: tuple[tuple[int, int, int, int], ...] = ()
