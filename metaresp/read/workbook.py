"""Workbooks of Excel 2007 and later to sheets of cells, with openpyxl."""

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeAlias

from metaresp.errors import (
    InvalidArgument,
    MissingDependency,
    UnknownName,
    UnreadableFile,
    closest,
    few,
    option,
)
from metaresp.read.cells import Formula, ShownPercent, shown
from metaresp.read.content import Content
from metaresp.read.sheet import Sheet
from metaresp.read.text import MAX_CELLS

# The last row and column that the format has.
MAX_ROW, MAX_COLUMN = 1_048_576, 16_384
Grid: TypeAlias = tuple[tuple[object, ...], ...]
# Tags of one row, or of a part that is read as a whole.
_MAX_TAGS = 5_000_000


def read_workbook(content: Content, sheet: int | str | None) -> tuple[Sheet, ...]:
    """Return the sheets that hold any cell, or the one that was chosen.

    Hidden sheets are read where they are chosen, or where there is no other; a note names them.

    Raises
    ------
    MissingDependency
        If openpyxl is not installed.
    UnknownName
        If there is no such sheet.
    UnreadableFile
        If it is no workbook, or has more rows or cells than one can have.
    """
    try:
        from openpyxl.reader.excel import ExcelReader
        from openpyxl.styles.stylesheet import apply_stylesheet
    except ImportError:
        raise MissingDependency(
            f"{content.name}: reading workbooks needs openpyxl: pip install openpyxl"
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and validation rules that no count depends on
            _bound_parts(content)
            # The steps of load_workbook but for its look through each sheet for a size, which may be wrong,
            # and for the parts that no cell needs.
            reader = ExcelReader(io.BytesIO(content.data), read_only=True, data_only=True)
            with closing(reader.archive):
                reader.read_manifest()
                reader.read_strings()
                reader.read_workbook()
                apply_stylesheet(reader.archive, reader.wb)
                pages = [
                    (page.name, page.state, place.target)
                    for page, place in reader.parser.find_sheets()
                    if place.Type.endswith("/worksheet") and place.target in reader.valid_files
                ]
                hidden = [name for name, state, _ in pages if state != "visible"]
                chosen = chosen_sheets([name for name, _, _ in pages], hidden, sheet, content.name)
                read = [_read_page(reader, pages[i][0], pages[i][2], content.name) for i in chosen]
    except (InvalidArgument, UnreadableFile):
        raise
    except Exception as error:  # a broken file fails in many ways inside the library
        raise UnreadableFile(f"{content.name} is not a readable workbook: {first_line(error)}") from None
    return finished(read, hidden, sheet)


def chosen_sheets(titles: list[str], hidden: list[str], sheet: int | str | None, source: str) -> list[int]:
    """Return the positions of the sheets to read."""
    if sheet is None:
        visible = [i for i, title in enumerate(titles) if title not in hidden]
        return visible or list(range(len(titles)))
    if isinstance(sheet, str) and sheet in titles:
        return [titles.index(sheet)]
    if isinstance(sheet, int) and -len(titles) <= sheet < len(titles):
        return [sheet % len(titles)]
    hint = closest(sheet, titles) if isinstance(sheet, str) else ""
    has = ", ".join(repr(title) + (" (hidden)" if title in hidden else "") for title in titles)
    raise UnknownName(f"{option('sheet', sheet)} is not in {source}: it has {has}{hint}")


def finished(read: list[Sheet], hidden: list[str], sheet: int | str | None) -> tuple[Sheet, ...]:
    """Leave out sheets without a cell, and note what is hidden."""
    if sheet is not None:
        return tuple(_noted(one, "this sheet is hidden") if one.title in hidden else one for one in read)
    filled = [one for one in read if one.rows]
    if {one.title for one in read} & set(hidden):
        return tuple(_noted(one, "this sheet is hidden") for one in filled)
    if hidden:
        names = ", ".join(map(repr, hidden))
        words = "hidden sheet" if len(hidden) == 1 else "hidden sheets"
        filled = [_noted(one, f"{words} {names} not read") for one in filled]
    return tuple(filled)


def dense(
    rows: Iterator[tuple[int, list[object]]], source: str, title: str
) -> tuple[tuple[object, ...], ...]:
    """Return rows from row 1 on, with those that the file leaves out, to the last that holds anything."""
    grid: list[tuple[object, ...]] = []
    room = MAX_CELLS
    where = f"{source} (sheet {title!r})"
    for count, (number, cells) in enumerate(rows, start=1):
        if max(number, count) > MAX_ROW:
            last = number if number > MAX_ROW else count
            raise UnreadableFile(f"{where}: row {last} is beyond the last row of a sheet, {MAX_ROW:,}")
        while cells and (cells[-1] is None or cells[-1] == ""):
            cells.pop()
        if not cells:
            continue
        room -= len(cells)
        if room < 0:
            raise UnreadableFile(f"{where} has more than {MAX_CELLS:,} cells: that is no table of studies")
        if number > len(grid):
            grid.extend([()] * (number - 1 - len(grid)))
            grid.append(tuple(cells))
        else:
            raise UnreadableFile(f"{where}: row {number} stands there twice or out of order")
    return tuple(grid)


def first_line(error: Exception) -> str:
    """Return the text of an error of a library as it is quoted in ours."""
    return shown((str(error).splitlines() or [type(error).__name__])[0])


def _noted(sheet: Sheet, note: str) -> Sheet:
    return replace(sheet, notes=(*sheet.notes, note))


class _Bounded:
    """The XML of a part, read no further than where it holds more than a sheet can have."""

    def __init__(self, file: Any, where: str) -> None:
        self.file, self.where, self.tags = file, where, 0

    def read(self, size: int = -1) -> bytes:
        data: bytes = self.file.read(size)
        row = data.rfind(b"<row")
        self.tags = data.count(b"<", row) if row >= 0 else self.tags + data.count(b"<")
        if self.tags > _MAX_TAGS:
            raise UnreadableFile(f"{self.where} has a part that unpacks to more than the memory holds")
        return data


def _bound_parts(content: Content) -> None:
    """Refuse a workbook whose texts or styles, which are read as a whole, unpack to a bomb."""
    with zipfile.ZipFile(io.BytesIO(content.data)) as archive:
        for member in archive.infolist():
            if member.file_size < 20_000_000 or "worksheets/" in member.filename:
                continue
            with archive.open(member) as file:
                bounded = _Bounded(file, content.name)
                while bounded.read(1 << 20):
                    pass


def _read_page(reader: Any, title: str, part: str, source: str) -> Sheet:
    from openpyxl.worksheet._reader import WorkSheetParser

    book = reader.wb
    formats = book._number_formats
    styles = book._cell_styles

    class Parser(WorkSheetParser):  # type: ignore[misc]
        """The parser of openpyxl, which also tells formulas that were saved without a value."""

        def parse_cell(self, element: Any) -> dict[str, Any]:
            cell: dict[str, Any] = super().parse_cell(element)
            value = cell["value"]
            if value is None:
                formula = next((part for part in element if part.tag.endswith("}f")), None)
                if formula is not None:
                    cell["value"] = Formula(f"={formula.text or ''}")
            elif type(value) in (int, float) and cell["style_id"]:
                number = styles[cell["style_id"]].numFmtId
                cell["value"] = shown_value(value, _format(number, formats))
            return cell

    with reader.archive.open(part) as file:
        parser = Parser(
            _Bounded(file, f"{source} (sheet {title!r})"),
            reader.shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        rows = dense(_numbered(parser, source, title), source, title)
        return Sheet(title, rows, "", tuple(_notes(parser, rows)), _merged(parser))


def _numbered(parser: Any, source: str, title: str) -> Iterator[tuple[int, list[object]]]:
    for number, found in parser.parse():
        cells: list[object] = []
        for cell in found:
            if cell["value"] is None:
                continue
            column = cell["column"]
            if not 1 <= column <= MAX_COLUMN:
                raise UnreadableFile(f"{source} (sheet {title!r}), row {number}: there is no column {column}")
            if column > len(cells):
                cells.extend([None] * (column - len(cells)))
            cells[column - 1] = cell["value"]
        yield number, cells


def _format(number: int, formats: Any) -> str:
    if number >= 164:
        return str(formats[number - 164]) if number - 164 < len(formats) else ""
    return {9: "0%", 10: "0.00%"}.get(number, "")


def _merged(parser: Any) -> tuple[tuple[int, int, int, int], ...]:
    """Return the ranges of cells that are merged over several rows."""
    from openpyxl.utils import range_boundaries

    found = []
    for cells in parser.merged_cells.mergeCell if parser.merged_cells else []:
        left, top, right, bottom = range_boundaries(str(cells.ref))
        if None not in {left, top, right, bottom} and top < bottom:
            found.append((top, bottom, left, right))
    return tuple(sorted(found))


def _notes(parser: Any, rows: Grid) -> Iterator[str]:
    hidden = [
        int(number)
        for number, row in parser.row_dimensions.items()
        if row.get("hidden") in {"1", "true"} and int(number) <= len(rows) and rows[int(number) - 1]
    ]
    if hidden:
        yield f"hidden {'row' if len(hidden) == 1 else 'rows'} {few(list(map(str, hidden)))} read"
    columns = [
        f"{letters}:{_letters(int(column['max']))}" if column["min"] != column["max"] else letters
        for letters, column in parser.column_dimensions.items()
        if column.get("hidden") in {"1", "true"} and _used(rows, int(column["min"]), int(column["max"]))
    ]
    if columns:
        yield f"hidden {'column' if len(columns) == 1 else 'columns'} {', '.join(columns)} read"
    merged = [str(cells.ref) for cells in parser.merged_cells.mergeCell] if parser.merged_cells else []
    tall = [ref for ref in merged if len(set(re.findall("[0-9]+", ref))) > 1]
    if tall:
        yield f"merged cells {few(tall)}: the value stands in the first"


def _used(rows: Grid, first: int, last: int) -> bool:
    return any(cell is not None for row in rows for cell in row[first - 1 : last])


def _letters(column: int) -> str:
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(column))


def shown_value(value: int | float, number_format: str) -> object:
    """Return a number formatted as a percentage with the percentage that the reader of the sheet sees."""
    if "%" not in number_format:
        return value
    decimals = number_format.partition("%")[0].partition(".")[2].count("0")
    digits = format(Decimal(repr(value)).scaleb(2), "f")
    whole, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0").ljust(decimals, "0")
    if len(fraction) > 10:
        return ShownPercent(value, f"{100 * value:.10f}")
    return ShownPercent(value, f"{whole}.{fraction}" if fraction else whole)
