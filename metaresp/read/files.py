"""A path to sheets of raw cells, or to named columns: the formats, told by ending and first bytes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from metaresp.errors import InvalidArgument, UnreadableFile, option
from metaresp.read.content import Content, get_content, kind_of
from metaresp.read.encoding import decode
from metaresp.read.html import html_sheets, is_html, refuse_xml
from metaresp.read.jsonfile import json_table
from metaresp.read.oldbooks import read_old_workbook
from metaresp.read.packages import PACKAGES, read_package
from metaresp.read.sheet import EvenRows, Sheet
from metaresp.read.table import Table
from metaresp.read.text import text_grid
from metaresp.read.workbook import read_workbook

# Ending -> kind of file.
FORMATS: Mapping[str, str] = MappingProxyType({
    ".csv": "text", ".tsv": "text", ".tab": "text", ".txt": "text", ".dat": "text", ".md": "text",
    ".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls", ".xlsb": "xlsb", ".ods": "ods",
    ".parquet": "parquet", ".json": "json", ".jsonl": "json", ".ndjson": "json",
    ".htm": "text", ".html": "text",
    ".sav": "sav", ".zsav": "sav", ".dta": "dta", ".sas7bdat": "sas7bdat", ".xpt": "xpt",
})  # fmt: skip

_WORKBOOKS = frozenset(["xlsx", "xls", "xlsb", "ods"])


def read_sheets(
    path: Any, *, encoding: str | None = None, sheet: int | str | None = None
) -> tuple[Sheet, ...] | Table:
    """Read a file into the raw cells of its sheets, or into named columns where the format has them.

    Parameters
    ----------
    path : path, file object or str
        A file that ends in one of :data:`FORMATS`; ``"-"`` for standard input; ``"clipboard"``, where no
        file has that name; or an object with a ``read`` method.  Where the first bytes tell another
        format than the ending, they are right.
    encoding : str, optional
        Of a text file, instead of what :func:`metaresp.read.encoding.decode` tells.
    sheet : int or str, optional
        One sheet of a workbook, by position from 0 or by name, instead of all that are not hidden.

    Returns
    -------
    tuple of Sheet, or Table
        For a text the one sheet; for a workbook each that holds any cell, or the chosen one.

    Raises
    ------
    InvalidArgument
        If an option has no meaning for the file.
    UnknownName
        If there is no such sheet.
    UnreadableFile
        If there is no such file, its ending is not known, or its content is damaged or holds no table.
    InvalidStudies
        If named columns differ in length or share a name.
    MissingDependency
        If the format needs a package that is not installed.
    """
    if not (sheet is None or isinstance(sheet, int | str)) or isinstance(sheet, bool):
        raise InvalidArgument(f"{option('sheet', sheet)} must be a position or a name")
    if not (encoding is None or isinstance(encoding, str)):
        raise InvalidArgument(f"{option('encoding', encoding)} must be a name such as 'utf-8'")
    content = get_content(path, tuple(FORMATS))
    name = content.name
    kind = _kind(content)
    if kind in _WORKBOOKS:
        _no_meaning("encoding", encoding, name, "which is no text file")
        return (read_workbook if kind == "xlsx" else read_old_workbook)(content, sheet)
    if sheet not in (None, 0, -1):
        _no_meaning("sheet", sheet, name, "which is no workbook")
    if kind in PACKAGES:
        _no_meaning("encoding", encoding, name, "which is no text file")
        return read_package(content, kind)
    text, guessed = (content.text, "") if content.text is not None else decode(content.data, name, encoding)
    if kind == "json" or (kind == "" and text.lstrip()[:1] in {"{", "["}):
        return json_table(text, name)
    refuse_xml(text, name)
    notes = [guessed] if guessed else []
    if FORMATS.get(content.ending) in _WORKBOOKS:
        what = "an HTML table" if is_html(text) else "text"
        notes.append(f"{what}, not a workbook as its ending {content.ending} says")
    if is_html(text):
        return html_sheets(text, name, tuple(notes))
    rows, separator = text_grid(text, name, content.ending)
    rows = rows if isinstance(rows, EvenRows) else tuple(rows)
    return (Sheet("", rows, "." if separator == "," else "", tuple(notes)),)


def _kind(content: Content) -> str:
    """Return the kind of a file by its first bytes, else by its ending; empty for text without an ending."""
    told = "" if content.text is not None else kind_of(content)
    if told:
        return told
    if not content.ending or content.ending not in FORMATS:
        if content.is_file:
            ending = content.ending or "no ending"
            raise UnreadableFile(f"{content.path}: {ending} is not known, use one of {', '.join(FORMATS)}")
        return ""
    named = FORMATS[content.ending]
    return "text" if named in _WORKBOOKS and _is_text(content) else named


def _is_text(content: Content) -> bool:
    """Whether nothing that only binary files hold stands at the start of a file."""
    start = content.data[:4096]
    if content.text is not None or start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return not any(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in start)


def _no_meaning(argument: str, value: object, name: str, why: str) -> None:
    if value is not None:
        raise InvalidArgument(f"{option(argument, value)} has no meaning for {name}, {why}: leave it out")
