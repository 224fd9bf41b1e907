"""Workbooks of other programs and years (.xls, .xlsb, .ods) to sheets of cells, with python-calamine."""

import io
from collections.abc import Iterator
from typing import Any

from metaresp.errors import InvalidArgument, MissingDependency, UnreadableFile
from metaresp.read.content import Content
from metaresp.read.sheet import Sheet
from metaresp.read.workbook import chosen_sheets, dense, finished, first_line


def read_old_workbook(content: Content, sheet: int | str | None) -> tuple[Sheet, ...]:
    """Return the sheets that hold any cell, or the one that was chosen; see ``read_workbook``.

    Raises
    ------
    MissingDependency
        If python-calamine is not installed.
    UnknownName
        If there is no such sheet.
    UnreadableFile
        If it is no workbook.
    """
    try:
        from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum
    except ImportError:
        raise MissingDependency(
            f"{content.name}: reading {content.ending or 'such'} workbooks needs python-calamine:"
            ' pip install "metaresp[files]"'
        ) from None
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content.data))
        pages = [page for page in book.sheets_metadata if page.typ == SheetTypeEnum.WorkSheet]
        hidden = [page.name for page in pages if page.visible != SheetVisibleEnum.Visible]
        titles = [page.name for page in pages]
        chosen = chosen_sheets(titles, hidden, sheet, content.name)
        read = [_read_page(book.get_sheet_by_name(titles[i]), content.name) for i in chosen]
    except (InvalidArgument, UnreadableFile):
        raise
    except MemoryError:
        raise UnreadableFile(f"{content.name} has more cells than the memory holds") from None
    except Exception as error:  # a broken file fails in many ways inside the library
        raise UnreadableFile(f"{content.name} is not a readable workbook: {first_line(error)}") from None
    return finished(read, hidden, sheet)


def _read_page(page: Any, source: str) -> Sheet:
    ranges = getattr(page, "merged_cell_ranges", None) or []
    tall = [(first, last) for first, last in ranges if first[0] != last[0]]
    notes = ("merged cells: the value stands in the first",) if tall else ()
    return Sheet(page.name, dense(_numbered(page), source, page.name), "", notes)


def _numbered(page: Any) -> Iterator[tuple[int, list[object]]]:
    first_row, first_column = page.start or (0, 0)
    for number, row in enumerate(page.iter_rows(), start=first_row + 1):
        cells = [None if cell == "" else _whole(cell) for cell in row]
        yield number, [None] * first_column + cells if any(cell is not None for cell in cells) else []


def _whole(cell: object) -> object:
    """Return a whole number as such: these formats keep every number with a fraction."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell
