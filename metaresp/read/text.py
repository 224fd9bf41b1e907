"""A delimited text to a grid of text cells: separator, quotes, tables drawn with bars and lines."""

import csv
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain

from metaresp.errors import UnreadableFile
from metaresp.read.separators import (
    COMMENTS,
    SPACE,
    WIDE,
    WORDS,
    aligned,
    choose_separator,
    cut_spaces,
    is_counted,
    joined,
)

# Cells of one text or sheet; what is larger is no table of studies, and would fill the memory.
MAX_CELLS, MAX_DIFFERENT = 20_000_000, 8_000_000
# Different cells that are remembered at a time.
_KEPT = 1_000_000

# One cell of a line, in either kind of quotes or in none, where spaces may stand about the quotes.
_QUOTED = r'\s*"((?:[^"]|"")*)"\s*|\s*\'((?:[^\']|\'\')*)\'\s*'
# A line of a drawn table that only separates: |---|:-:|, +----+, =====.
_RULE = re.compile(r"[\s|+:=\-_─━═│┼├┤┌┐└┘┬┴]*[-=_─━═]{2,}[\s|+:=\-_─━═│┼├┤┌┐└┘┬┴]*")
_BLANKS = re.compile(r"[ \t]*")

Rows = list[tuple[str, ...]]


def text_grid(text: str, source: str, ending: str = ".csv") -> tuple[Rows, str]:
    """Return the rows of a text, blank ones included, and its separator.

    The separator is a comma, semicolon, tab, bar, colon, or runs of spaces, whichever cuts the rows most
    evenly into a line of names above columns of numbers; ``sep=;`` in the first line settles it.

    Parameters
    ----------
    text : str
        The whole text.
    source : str
        Its name, for errors.
    ending : str
        The ending of its name, which tells tabs.

    Raises
    ------
    UnreadableFile
        If a quote is not closed, or stands where it cannot, or there are too many cells.
    """
    body = text.rstrip("\r\n \t\f\x1a")
    # separators at the end of the last row part blank cells of it
    text = body + _BLANKS.match(text, len(body))[0]  # type: ignore[index]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if '\\"' in text and text.lstrip()[:1] == '"':
        text = text.replace('\\"', '""')  # as R's write.table writes a quote inside quotes
    lines = text.split("\n")
    if lines[0].strip().lower().startswith("sep=") and len(lines[0].strip("\r\n ")) <= 5:
        # Excel's own directive: it counts as row 1.
        separator = lines[0][4:5] or "\t"
        return [(), *_rows(lines[1:], separator, source, 2)], separator
    drawn = any(map(_is_rule, lines[:200]))
    if drawn or "│" in text[:20_000]:
        lines = [line.replace("│", "|").replace("┃", "|").replace("║", "|") for line in lines]
        lines = ["" if _is_rule(line) else line for line in lines]
    framed = _framed(lines)
    if framed:
        lines = [line.strip()[1:-1] if line.strip()[:1] == "|" else line for line in lines]
        separator = "|"
    else:
        separator = choose_separator(lines, cut_line, ending)
    rows = _rows(lines, separator, source, 1)
    if drawn or framed:
        rows = [tuple(cell.strip() for cell in row) for row in rows]
    return rows, separator


def cut_line(line: str, separator: str) -> list[str]:
    """Return the cells of one line; quotes that make no sense are taken as letters."""
    if separator in {SPACE, WIDE, WORDS}:
        return cut_spaces(line, separator)
    if '"' not in line and "'" not in line:
        return line.split(separator)
    cells = _quoted_cells(line, separator)
    return line.split(separator) if cells is None else cells


def _is_rule(line: str) -> bool:
    return len(line) < 2000 and _RULE.fullmatch(line) is not None


def _framed(lines: list[str]) -> bool:
    """Whether every line of the table begins and ends with a bar, as in Markdown."""
    barred = [line.strip() for line in lines[:300] if "|" in line]
    return len(barred) > 1 and all(len(line) > 1 and line[0] == line[-1] == "|" for line in barred)


@lru_cache
def _cell_pattern(separator: str) -> re.Pattern[str]:
    mark = re.escape(separator)
    return re.compile(rf"(?:(?:{_QUOTED})(?={mark}|$)|([^{mark}]*))(?:{mark}|$)", re.DOTALL)


def _quoted_cells(line: str, separator: str) -> list[str] | None:
    """Return the cells of a line in which quotes stand around whole cells only, else None."""
    pattern = _cell_pattern(separator)
    cells: list[str] = []
    place = 0
    while True:
        found = pattern.match(line, place)
        if found is None:
            return None
        double, single, plain = found.groups()
        if double is not None:
            cells.append(double.replace('""', '"'))
        elif single is not None:
            cells.append(single.replace("''", "'"))
        elif plain.lstrip().startswith('"'):
            return None
        else:
            cells.append(plain)
        if found.end() == len(line) and not found[0].endswith(separator):
            return cells
        if found.end() == len(line):
            return [*cells, ""]
        place = found.end()


def _rows(lines: list[str], separator: str, source: str, first: int) -> Rows:
    if separator in {SPACE, WIDE, WORDS}:
        cut = [cut_spaces(line, separator) for line in lines]
        cut = aligned(joined(cut) if separator == WORDS else cut, lines, source)
        return [tuple(row) for row in cut]
    rows: Rows = []
    room, different = MAX_CELLS, 0
    # Cells that are equal are one object: a wide table of small counts takes little memory.
    same: dict[str, str] = {}
    intern = same.setdefault
    rest = iter(lines)
    for line in rest:
        if not line:
            rows.append(())
            continue
        if '"' in line or "'" in line:
            cells = _quoted_row(line, rest, separator, f"{source}, row {first + len(rows)}")
        else:
            cells = line.split(separator)
        room -= len(cells)
        if room < 0:
            raise UnreadableFile(f"{source} has more than {MAX_CELLS:,} cells: that is no table of studies")
        rows.append(tuple(map(intern, cells, cells)))
        if len(same) > _KEPT:
            same.clear()
            different += _KEPT
            if different >= MAX_DIFFERENT:
                raise UnreadableFile(
                    f"{source} has more than {MAX_DIFFERENT:,} different cells: that is no table of studies"
                )
    return rows


def _quoted_row(line: str, rest: Iterator[str], separator: str, where: str) -> list[str]:
    """Return the cells of a line with quotes in it, and of those after it that a quoted cell runs over."""
    if line.lstrip().startswith(COMMENTS):
        return cut_line(line, separator)
    if "'" in line:
        cells = _quoted_cells(line, separator)
        if cells is not None:
            return cells
    reader = csv.reader(
        (text + "\n" for text in chain([line], rest)),
        delimiter=separator,
        strict=True,
        skipinitialspace=True,
    )
    try:
        return next(reader)
    except csv.Error as error:
        if reader.line_num <= 1 and "expected after" in str(error):
            cells = _quoted_cells(line, separator)
            if cells is None and not any(map(is_counted, line.split(separator)[1:])):
                cells = line.split(separator)  # a title or a note that begins with a quoted word
            if cells is not None:
                return cells
        raise UnreadableFile(f"{where}: {_told(error)}") from None


def _told(error: csv.Error) -> str:
    text = str(error)
    if "end of data" in text:
        return "a quotation mark is opened and never closed"
    if "expected after" in text:
        return "text stands beside a quoted cell (write a quotation mark inside quotes twice)"
    return text
