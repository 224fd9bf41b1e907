"""A path to a table of raw cells: the formats by their ending, and every way a file can be broken."""

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from metaresp.errors import InvalidArgument, MissingDependency, UnknownName, UnreadableFile, closest
from metaresp.read.cells import ShownPercent, shown
from metaresp.read.jsonfile import json_table
from metaresp.read.sheet import Sheet
from metaresp.read.table import Table, columns_table
from metaresp.read.text import decode, text_grid

Reader = Callable[[Path, str | None, int | str | None], tuple[Sheet, ...] | Table]


def source_name(path):
    return Path(path).name


def read_sheets(path, *, encoding=None, sheet=None):
    """Read a file into a table of raw cells.

    Parameters
    ----------
    path : path
        A file that ends in one of :data:`FORMATS`.
    encoding : str, optional
        Of a text file; see :func:`metaresp.read.text.decode`.
    sheet : int or str
        Which sheet of a workbook, by position from 0 or by name.

    Returns
    -------
    Table
        Cells with the row each came from.

    Raises
    ------
    UnreadableFile
        If there is no such file, its ending is not known, or its content is not what the ending says.
    MissingDependency
        If the format needs a package that is not installed.
    InvalidStudies
        If it holds no header or no row.
    """
    if not isinstance(path, str | os.PathLike) or isinstance(os.fspath(path), bytes):
        raise InvalidArgument(f"path must be a file name, not {shown(path)}")
    if (sheet is not None and not isinstance(sheet, int | str)) or isinstance(sheet, bool):
        raise InvalidArgument(f"sheet={sheet!r} must be a position or a name")
    if not (encoding is None or isinstance(encoding, str)):
        raise InvalidArgument(f"encoding={encoding!r} must be a name such as 'utf-8'")
    file = Path(path)
    reader = FORMATS.get(file.suffix.lower())
    if reader is None:
        ending = file.suffix or "no ending"
        raise UnreadableFile(f"{shown(str(file))}: {ending} is not known, use one of {', '.join(FORMATS)}")
    if sheet is not None and reader is not _read_workbook:
        raise InvalidArgument(
            f"sheet={sheet!r} has no meaning for {file.name}, which is no workbook: leave it out"
        )
    if encoding is not None and reader in (_read_workbook, _read_parquet):
        raise InvalidArgument(
            f"encoding={encoding!r} has no meaning for {file.name}, which is no text file: leave it out"
        )
    try:
        if file.is_dir():
            raise UnreadableFile(f"{file} is a directory, not a file")
        if not file.exists():
            raise UnreadableFile(f"{file} does not exist{_beside(file)}")
        if file.stat().st_size == 0:
            raise UnreadableFile(f"{file} is empty")
        return reader(file, encoding, sheet)
    except UnreadableFile:
        raise
    except OSError as error:
        raise UnreadableFile(f"{file} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        if isinstance(error, InvalidArgument):
            raise
        raise UnreadableFile(f"{shown(str(file))} cannot be read: {error}") from None


def _beside(file: Path) -> str:
    """Return a hint at a file of nearly that name."""
    folder = file.parent
    entries = folder.iterdir() if folder.is_dir() else ()
    names = [entry.name for entry in entries if entry.suffix.lower() in FORMATS]
    return closest(file.name, names)


def _read_text(file: Path, encoding: str | None, sheet: int | str) -> Table:
    text = decode(file.read_bytes(), file.name, encoding)
    grid, separator = text_grid(text, file.name, file.suffix.lower())
    return (Sheet("", tuple(map(tuple, grid)), "." if separator == "," else "", ()),)


def _read_json(file: Path, encoding: str | None, sheet: int | str) -> Table:
    return json_table(decode(file.read_bytes(), file.name, encoding), file.name)


def _read_parquet(file: Path, encoding: str | None, sheet: int | str) -> Table:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise MissingDependency(
            f'{file.name}: reading parquet needs pyarrow: pip install "metaresp[parquet]"'
        ) from None
    try:
        with ParquetFile(file) as content:
            table = content.read()
        columns = {
            name: column.to_pylist() for name, column in zip(table.column_names, table.columns, strict=True)
        }
    except Exception as error:  # a broken file fails in many ways inside the library
        raise UnreadableFile(f"{file.name} is not a readable parquet file: {_first_line(error)}") from None
    named = {name: column for name, column in columns.items() if not name.startswith("__index_level_")}
    return columns_table(file.name, "record", named)


def _read_workbook(file: Path, encoding: str | None, sheet: int | str) -> Table:
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise MissingDependency(
            f'{file.name}: reading workbooks needs openpyxl: pip install "metaresp[excel]"'
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and validation rules that no count depends on
            with closing(load_workbook(file, data_only=True, read_only=True)) as book:
                titles = [worksheet.title for worksheet in book.worksheets]
                wanted = range(len(titles)) if sheet is None else [_sheet(titles, sheet, file.name)]
                return tuple(
                    Sheet(titles[i], tuple(map(tuple, _cells(book.worksheets[i]))), "", ()) for i in wanted
                )
    except InvalidArgument:
        raise
    except Exception as error:  # a broken file fails in many ways inside the library
        raise UnreadableFile(f"{file.name} is not a readable workbook: {_first_line(error)}") from None


def _sheet(titles: list[str], sheet: int | str, source: str) -> int:
    if isinstance(sheet, str) and sheet in titles:
        return titles.index(sheet)
    if isinstance(sheet, int) and -len(titles) <= sheet < len(titles):
        return sheet % len(titles)
    hint = closest(sheet, titles) if isinstance(sheet, str) else ""
    raise UnknownName(f"sheet={sheet!r} is not in {source}: it has {', '.join(map(repr, titles))}{hint}")


def _cells(worksheet: Any) -> Iterator[list[object]]:
    worksheet.reset_dimensions()  # some writers state them wrongly
    for row in worksheet.iter_rows():
        yield [_shown_value(cell.value, cell.number_format) for cell in row]


def _shown_value(value: object, number_format: object) -> object:
    """Return a number formatted as a percentage with the percentage that the reader of the sheet sees."""
    percent = isinstance(number_format, str) and "%" in number_format
    if not percent or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    decimals = str(number_format).partition("%")[0].partition(".")[2].count("0")
    digits = format(Decimal(repr(value)).scaleb(2), "f")
    whole, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0").ljust(decimals, "0")
    if len(fraction) > 10:
        return ShownPercent(value, f"{100 * value:.10f}")
    return ShownPercent(value, f"{whole}.{fraction}" if fraction else whole)


def _first_line(error: Exception) -> str:
    return shown((str(error).splitlines() or [type(error).__name__])[0])


FORMATS: Mapping[str, Reader] = {
    ".csv": _read_text,
    ".tsv": _read_text,
    ".tab": _read_text,
    ".txt": _read_text,
    ".xlsx": _read_workbook,
    ".xlsm": _read_workbook,
    ".parquet": _read_parquet,
    ".json": _read_json,
}
