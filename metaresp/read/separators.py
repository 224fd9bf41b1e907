"""Which separator cuts the lines of a text into cells; and the cutting of one line."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from metaresp.errors import UnreadableFile
from metaresp.read.patterns import plain

# Stands in no line, so that a file of one column is not cut at anything.
NO_SEPARATOR = "\x1f"
# Two spaces or more, one space or more, one or more with the label in front made of several words.
WIDE, SPACE, WORDS = "  ", " ", " +"
MARKS = ("\t", ";", "|", ",", "，", "；")
# Lines looked at to tell the separator.
SAMPLE = 300

# A line of these alone is a blank row of some spreadsheet.
NOTHING = " \t\r\n\xa0,;|\"'"
COMMENTS = ("#", "%", "//")

_NUMBER = r"[-+]?[0-9]+(?:[.,'\u2019][0-9]+|[ \xa0\u2009\u202f][0-9]{3}(?![0-9]))*"
_COUNTED = re.compile(
    rf"['\"]?[<>≤≥~=]?\s*{_NUMBER}\s*%?(?:\s*(?:/|of|out of)\s*{_NUMBER})?\s*%?(?:\s*[(\[].*[)\]])?['\"]?",
    re.IGNORECASE | re.DOTALL,
)
_TOKEN = re.compile(
    r'"(?:[^"]|"")*"(?=\s|$)|\'(?:[^\']|\'\')*\'(?=\s|$)|[^\s(\[][^\s]*(?:\s[(\[][^()\[\]]*[)\]])?|\S+'
)
_YEAR = re.compile(r"[(\[]?(?:19|20)[0-9]{2}[a-z]?[)\]]?,?")
_BETWEEN = re.compile(r"[0-9] *(?:/|\bof\b|\bout of\b) *[0-9]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a separator cuts a text: higher is better, in the order of the fields.

    Attributes
    ----------
    counts : bool
        Whether a column of numbers stands out.
    header : int
        2 when the line above the numbers has as many cells as they have, 1 when it has one fewer or
        more, else 0.
    even : float
        Share of the lines with the commonest number of cells, to one decimal.
    numeric : int
        Number of columns of numbers.
    width : int
        The commonest number of cells.
    """

    counts: bool
    header: int
    even: float
    numeric: int
    width: int

    @property
    def is_sure(self) -> bool:
        """Whether every line is cut alike, or names stand above numbers; by chance spaces may be."""
        named = self.counts and self.header == 2 and self.even >= 0.8
        return self.width > 1 and (self.even == 1.0 or named)

    def rank(self, numbers: bool) -> tuple[bool, int, float, int]:
        """Return what fits are compared by, with the columns of numbers or without."""
        return self.counts, self.header, self.even, self.numeric if numbers else 0


def choose_separator(lines: Sequence[str], cut: Callable[[str, str], Sequence[str]], ending: str) -> str:
    """Return the separator of a text: one of :data:`MARKS`, a colon, runs of spaces, or none.

    Lines of comments and lines that differ from the table, such as titles above it and notes beneath,
    count little: what is asked is whether one line of names stands above even lines with numbers.
    """
    sample: list[str] = []
    letters = 0
    for line in lines:
        if line.strip(NOTHING):
            sample.append(line)
            letters += len(line)
            if len(sample) >= (SAMPLE if letters < 100_000 else 5):
                break
    told = [line for line in sample if not line.lstrip().startswith(COMMENTS)]
    sample = told if len(told) > 1 else sample
    if ending in {".tsv", ".tab"} and any("\t" in line for line in sample):
        return "\t"
    best, best_fit = NO_SEPARATOR, None
    marks = [mark for mark in MARKS if any(mark in line for line in sample)]
    for separator in [*marks, WIDE, WORDS, SPACE, ":"]:
        if separator not in MARKS and best_fit is not None and best_fit.is_sure:
            break
        if separator not in MARKS and any(map(_BETWEEN.search, sample)) and separator != WIDE:
            rows = [_BETWEEN.sub(lambda found: found[0].replace(" ", "\x00"), line) for line in sample]
            cells = [cut(row, separator) for row in rows]
        else:
            cells = [cut(line, separator) for line in sample]
        fit = _fit(cells, separator)
        if fit is None or not (separator in MARKS or (fit.counts and fit.header)):
            continue
        if separator in {SPACE, WORDS} and best == WIDE and best_fit is not None and best_fit.header == 2:
            continue  # the wide gaps part the columns; single spaces stand in labels
        # Spaces stand in cells that a mark parts: more columns of numbers are no reason for them.
        numbers = separator in MARKS or best not in MARKS
        if best_fit is None or fit.rank(numbers) > best_fit.rank(numbers):
            best, best_fit = separator, fit
    if best_fit is None and not sample:
        return ","
    return best


def cut_spaces(line: str, separator: str) -> list[str]:
    """Return the cells of a line that is cut at spaces, without the quotes around them."""
    if separator == WIDE:
        return [_unquoted(cell) for cell in re.split(r" {2,}", line.strip(" "))]
    return [_unquoted(token) for token in _TOKEN.findall(line)]


def joined(rows: list[list[str]]) -> list[list[str]]:
    """Join the words in front of rows that have more cells than the line of names.

    ``Xu et al 2012 13 18`` beneath ``study events n`` has three cells; where the rows are numbered in
    front, as R and pandas print them, the number stays a cell of its own.
    """
    width = _names_above(rows)
    longer = [row for row in rows if 1 < width < len(row)]
    front = [row[0] for row in longer]
    start = int(front[0] in {"1", "2"}) if front else 0
    first = int(front == [str(number) for number in range(start, start + len(front))])
    done = [_joined(row, width, first) if 1 < width < len(row) else row for row in rows]
    if any(
        _YEAR.fullmatch(row[first].split(" ")[-1]) for row, old in zip(done, rows, strict=True) if row != old
    ):
        # Labels end in a year: one that stands second in a shorter row is of the label, and a cell lacks.
        return [
            [f"{row[0]} {row[1]}", *row[2:]] if 1 < len(row) <= width and _YEAR.fullmatch(row[1]) else row
            for row in done
        ]
    return done


def _joined(row: list[str], width: int, first: int) -> list[str]:
    words = row[first : len(row) - width + 1]
    if any(is_counted(word) and not _YEAR.fullmatch(word) for word in words[1:]):
        return row  # these are cells
    return [*row[:first], " ".join(words), *row[len(row) - width + 1 :]]


def aligned(rows: list[list[str]], lines: Sequence[str], source: str) -> list[list[str]]:
    """Give rows of a table cut at spaces that lack a cell a blank one, where their places tell which.

    Raises
    ------
    UnreadableFile
        If the places do not tell it: each cell would be taken for its neighbour.
    """
    width = max((len(row) for row in rows if any(map(is_counted, row))), default=0)
    above = next((i for i, row in enumerate(rows) if len(row) in {width, width - 1} and len(row) > 1), None)
    if above is None:
        return rows
    names = len(rows[above])
    for place, row in enumerate(rows):
        if place > above and 1 < len(row) < names and any(map(is_counted, row)):
            rows[place] = _at_names(
                row, lines[place], rows[above], lines[above], f"{source}, row {place + 1}"
            )
    return rows


def _at_names(row: list[str], line: str, names: list[str], heading: str, where: str) -> list[str]:
    spans = _spans(names, heading)
    cells = [""] * len(names)
    for cell, (start, end) in zip(row, _spans(row, line), strict=True):
        under = [i for i, (first, last) in enumerate(spans) if start < last and first < end]
        if len(under) != 1 or cells[under[0]] or not (line.isascii() and heading.isascii()):
            raise UnreadableFile(
                f"{where}: {len(row)} cells, but the names above have {len(names)}"
                " (a table cut at spaces needs a word such as NA in each empty cell)"
            )
        cells[under[0]] = cell
    return cells


def _spans(cells: list[str], line: str) -> list[tuple[int, int]]:
    spans, end = [], 0
    for cell in cells:
        start = max(line.find(cell, end), end)
        end = start + max(1, len(cell))
        spans.append((start, end))
    return spans


def is_counted(cell: str) -> bool:
    """Whether a cell looks like a number, a percentage or a fraction."""
    cell = cell.strip().replace("\x00", " ")
    if not cell.isascii() and len(cell) <= 60:
        cell = plain(cell)
    return len(cell) <= 60 and _COUNTED.fullmatch(cell) is not None


def _unquoted(cell: str) -> str:
    if len(cell) >= 2 and cell[0] == cell[-1] and cell[0] in "\"'":
        return cell[1:-1].replace(cell[0] * 2, cell[0])
    return cell


def _names_above(rows: Sequence[Sequence[str]]) -> int:
    """Return the number of cells of the last line before the first that ends in a number."""
    above = 0
    for row in rows:
        if above > 1 and row and is_counted(row[-1]):
            return above
        above = len(row)
    return 0


def _fit(rows: Sequence[Sequence[str]], separator: str) -> Fit | None:
    if separator == WORDS:
        tokens = [list(row) for row in rows]
        rows = joined(tokens)
        if all(len(row) == len(token) for row, token in zip(rows, tokens, strict=True)):
            return None
    widths = Counter(len(row) for row in rows if len(row) > 1)
    if not widths:
        return None
    width = max(widths, key=lambda key: (widths[key], key))
    even = round(widths[width] / len(rows), 1)
    # The line of names is of that width too, where it is not one shorter.
    places = [place for place, row in enumerate(rows) if len(row) == width]
    names = _names(rows, places)
    body = [rows[place] for place in places if place > names]
    numeric = 0
    for column in zip(*body, strict=True):
        filled = [cell for cell in column if cell.strip()]
        numeric += bool(filled) and sum(map(is_counted, filled)) >= 0.6 * len(filled)
    header = 0
    if names >= 0 and len(rows[names]) >= width - 1 and len(rows[names]) > 1:
        header = 2 if len(rows[names]) == width else 1
    if separator == SPACE and header == 1 and not _numbered(body):
        return None  # the label is of several words
    return Fit(numeric > 0, header, even, numeric, width)


def _names(rows: Sequence[Sequence[str]], places: list[int]) -> int:
    """Return the place of the line of names: the first without a number above one with a number."""
    for place, below in pairwise(places):
        if any(map(is_counted, rows[below])) and not any(map(is_counted, rows[place])):
            return place
    return places[0] if not any(map(is_counted, rows[places[0]])) else places[0] - 1


def _numbered(body: Sequence[Sequence[str]]) -> bool:
    """Whether the rows have a number or a single name in front, as R writes them, not name and year."""
    front = [row[0] for row in body]
    if all(cell.isdecimal() for cell in front):
        return front == [str(number) for number in range(1, len(front) + 1)]
    return not any(_YEAR.fullmatch(row[1]) for row in body)
