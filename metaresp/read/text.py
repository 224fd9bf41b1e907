"""A delimited text to a grid of text cells: separator, quotes, tables drawn with bars and lines."""

import csv
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, repeat

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
from metaresp.read.sheet import EvenRows

# Cells of one text or sheet; what is larger is no table of studies, and would fill the memory.
MAX_CELLS, MAX_DIFFERENT = 20_000_000, 8_000_000
MAX_LINES = 2_000_000
# Different cells that are remembered at a time.
_KEPT = 1_000_000

# A line of a drawn table that only separates: |---|:-:|, +----+, =====.
_RULE = re.compile(r"[\s|+:=\-_─━═│┼├┤┌┐└┘┬┴]*[-=_─━═]{2,}[\s|+:=\-_─━═│┼├┤┌┐└┘┬┴]*")
_BLANKS = re.compile(r"[ \t]*")

# Lines that begin so may be comments, in which quotes are letters.
_COMMENT_STARTS = frozenset(comment[0] for comment in COMMENTS)

Rows = Sequence[tuple[object, ...]]


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
    if text.count("\n") >= MAX_LINES:
        raise UnreadableFile(f"{source} has more than {MAX_LINES:,} lines: that is no table of studies")
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
        rows = [tuple(str(cell).strip() for cell in row) for row in rows]
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
    # spaces may stand about the quotes, but a tab that separates is none of them
    space = rf"[^\S{mark}]*"
    quoted = rf'{space}"((?:[^"]|"")*)"{space}|{space}\'((?:[^\']|\'\')*)\'{space}'
    return re.compile(rf"(?:(?:{quoted})(?={mark}|$)|([^{mark}]*))(?:{mark}|$)", re.DOTALL)


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
    mark = re.escape(separator)
    text = f"{separator}\n".join(lines)
    # A quote within a cell is a letter; one that begins a cell has a meaning.
    if ('"' in text or "'" in text) and re.search(rf"(?:^|{mark})\s*['\"]", text):
        whole = _quoted_rows(lines, separator)
        return _cut_rows(lines, separator, source, first) if whole is None else _bounded(whole, source)
    even = _even_rows(lines, text, separator, source)
    return _cut_rows(lines, separator, source, first) if even is None else even


def _even_rows(lines: list[str], text: str, separator: str, source: str) -> EvenRows | None:
    """Cut lines in which quotes are letters, by columns; None where they differ in their number of cells.

    *text* is the lines with separator and line end between them.
    """
    width = lines[0].count(separator) + 1
    count = width * len(lines)
    if text.count(separator) != count - 1 or "" in lines:
        return None
    _refuse_cells(count, source)
    seen = _Seen(source) if count > _KEPT else None
    columns: list[list[str]] = [[] for _ in range(width)]
    step = len(lines) if seen is None else max(1, _KEPT // 8 // width)
    for start in range(0, len(lines), step):
        some = lines[start : start + step]
        cells = (text if len(some) == len(lines) else f"{separator}\n".join(some)).split(separator)
        # the cell that a line begins with bears its end: lines are even where the first column has them all
        first = "".join(cells[::width]).split("\n")
        if len(cells) != width * len(some) or len(first) != len(some):
            return None
        cells[::width] = first
        if seen is not None:
            cells = seen.same(cells)
        for place, column in enumerate(columns):
            more = cells[place::width]
            few = seen is None and 2 * len(set(more[:1000])) < len(more[:1000])
            # all that follows is faster on few objects
            column.extend(_Seen(source).same(more) if few else more)
    return EvenRows(columns)


def _quoted_rows(lines: list[str], separator: str) -> list[list[str]] | None:
    """Cut lines with cells in double quotes all at once; None where each must be looked at."""
    mark = re.escape(separator)
    if any(first in _COMMENT_STARTS or first.isspace() for first in {line[:1] for line in lines}):
        return None
    text = separator.join(lines)
    if "'" in text and re.search(rf"(?:^|{mark})\s*'|(?:^|{mark})\s+\"", text):
        return None
    lines_ended = map(str.__add__, lines, repeat("\n"))
    try:
        return list(csv.reader(lines_ended, delimiter=separator, strict=True, skipinitialspace=True))
    except csv.Error:
        return None


def _bounded(rows: list[list[str]], source: str) -> Rows:
    """Return rows with equal cells as one object, by columns where they are of one length."""
    count = sum(map(len, rows))
    _refuse_cells(count, source)
    if len(set(map(len, rows))) == 1 and rows[0]:
        columns = list(map(list, zip(*rows, strict=True)))
        del rows
        if count > _KEPT:
            seen = _Seen(source)
            columns = [seen.same(column) for column in columns]
        return EvenRows(columns)
    seen = _Seen(source)
    return [tuple(seen.same(row)) for row in rows]


def _cut_rows(lines: list[str], separator: str, source: str, first: int) -> Rows:
    """Cut lines one by one."""
    rows: list[tuple[str, ...]] = []
    room = MAX_CELLS
    seen = _Seen(source)
    rest = iter(lines)
    for line in rest:
        if not line or line.isspace():
            rows.append(())
            continue
        if '"' in line or "'" in line:
            cells = _quoted_row(line, rest, separator, f"{source}, row {first + len(rows)}")
        else:
            cells = line.split(separator)
        room -= len(cells)
        if room < 0:
            _refuse_cells(MAX_CELLS + 1, source)
        rows.append(tuple(seen.same(cells)))
    return rows


class _Seen:
    """Makes cells that are equal one object: a table of small counts takes little memory."""

    def __init__(self, source: str) -> None:
        self.source, self.different = source, 0
        self.cells: dict[str, str] = {}

    def same(self, cells: list[str]) -> list[str]:
        """Return cells as the objects that stand for them."""
        found = list(map(self.cells.setdefault, cells, cells))
        if len(self.cells) > _KEPT:
            self.cells.clear()
            self.different += _KEPT
            if self.different >= MAX_DIFFERENT:
                raise UnreadableFile(
                    f"{self.source} has more than {MAX_DIFFERENT:,} different cells: that is no table of "
                    "studies"
                )
        return found


def _refuse_cells(count: int, source: str) -> None:
    if count > MAX_CELLS:
        raise UnreadableFile(f"{source} has more than {MAX_CELLS:,} cells: that is no table of studies")


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
