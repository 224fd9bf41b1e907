"""Workbooks of other programs and years (.xls, .xlsb, .ods) to sheets of cells, with python-calamine."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any, TypeAlias
from xml.etree import ElementTree

from metaresp.errors import InvalidArgument, MissingDependency, UnreadableFile
from metaresp.read.content import Content
from metaresp.read.sheet import Sheet
from metaresp.read.workbook import chosen_sheets, dense, finished, first_line

# First and last row, first and last column.
Span: TypeAlias = tuple[int, int, int, int]
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"


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
        merged = merged_of_ods(content.data)
        read = [
            _read_page(book.get_sheet_by_name(titles[i]), content.name, merged.get(titles[i], ()))
            for i in chosen
        ]
    except (InvalidArgument, UnreadableFile):
        raise
    except MemoryError:
        raise UnreadableFile(f"{content.name} has more cells than the memory holds") from None
    except Exception as error:  # a broken file fails in many ways inside the library
        raise UnreadableFile(f"{content.name} is not a readable workbook: {first_line(error)}") from None
    return finished(read, hidden, sheet)


def _read_page(page: Any, source: str, spans: tuple[Span, ...]) -> Sheet:
    ranges = getattr(page, "merged_cell_ranges", None) or []
    told = tuple((a[0] + 1, b[0] + 1, a[1] + 1, b[1] + 1) for a, b in ranges if a[0] != b[0])
    merged = told or spans
    notes = ("merged cells: the value stands in the first",) if merged else ()
    return Sheet(page.name, dense(_numbered(page), source, page.name), "", notes, merged)


def merged_of_ods(data: bytes) -> dict[str, tuple[Span, ...]]:
    """Return the cells of each sheet of an OpenDocument that span several rows, unknown to calamine."""
    if not data.startswith(b"PK"):
        return {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if "content.xml" not in archive.namelist():
            return {}
        text = archive.read("content.xml")
    if b"number-rows-spanned" not in text:
        return {}
    found: dict[str, tuple[Span, ...]] = {}
    for table in ElementTree.fromstring(text).iter(f"{_TABLE}table"):
        spans, row = [], 1
        for line in table.iter(f"{_TABLE}table-row"):
            column = 1
            for cell in line:
                wide = int(cell.get(f"{_TABLE}number-columns-spanned", 1))
                high = int(cell.get(f"{_TABLE}number-rows-spanned", 1))
                if high > 1:
                    spans.append((row, row + high - 1, column, column + wide - 1))
                column += int(cell.get(f"{_TABLE}number-columns-repeated", 1))
            row += int(line.get(f"{_TABLE}number-rows-repeated", 1))
        found[table.get(f"{_TABLE}name", "")] = tuple(spans)
    return found


def _numbered(page: Any) -> Iterator[tuple[int, list[object]]]:
    first_row, first_column = page.start or (0, 0)
    for number, row in enumerate(page.iter_rows(), start=first_row + 1):
        cells = [None if cell == "" else _whole(cell) for cell in row]
        yield number, [None] * first_column + cells if any(cell is not None for cell in cells) else []


def _whole(cell: object) -> object:
    """Return a whole number as such: these formats keep every number with a fraction."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell
