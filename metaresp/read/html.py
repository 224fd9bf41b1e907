"""Tables of an HTML page, as many programs on the web export them under the name of a workbook."""

import re
from html.parser import HTMLParser

from metaresp.errors import UnreadableFile
from metaresp.read.sheet import Sheet
from metaresp.read.text import MAX_CELLS, MAX_LINES

_START = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|table|head|body|meta|style|div)\b",
    re.IGNORECASE | re.DOTALL,
)
_EXCEL_XML = "urn:schemas-microsoft-com:office:spreadsheet"
_WIDEST = 16_384


def is_html(text: str) -> bool:
    """Whether a text is a page of HTML rather than a table."""
    return _START.match(text[:20_000]) is not None


def html_sheets(text: str, source: str, notes: tuple[str, ...]) -> tuple[Sheet, ...]:
    """Return one sheet for each table of a page that holds any cell.

    Raises
    ------
    UnreadableFile
        If there is none.
    """
    page = _Page(source)
    page.feed(text)
    page.close()
    filled = [i for i, table in enumerate(page.tables) if any(map(any, table))]
    tables = [([tuple(row) for row in page.tables[i]], tuple(page.merged[i])) for i in filled]
    if not tables:
        raise UnreadableFile(f"{source} is an HTML page without a table")
    several = len(tables) > 1
    return tuple(
        Sheet(f"table {number}" if several else "", tuple(rows), "", notes, merged)
        for number, (rows, merged) in enumerate(tables, start=1)
    )


def refuse_xml(text: str, source: str) -> None:
    """Refuse the XML spreadsheets of Excel 2003, which look like text."""
    if text.lstrip()[:5].lower() == "<?xml" and _EXCEL_XML in text[:20_000]:
        raise UnreadableFile(f"{source} is an XML spreadsheet of Excel 2003: save it as .xlsx")


class _Page(HTMLParser):
    """Collects the cells of the tables of a page; a cell that spans several leaves the others blank."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = source
        self.tables: list[list[list[str | None]]] = []
        self.merged: list[list[tuple[int, int, int, int]]] = []
        self.room = MAX_CELLS
        self._cell: list[str] | None = None
        self._span = (1, 1)
        self._below: dict[int, int] = {}
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "style"}:
            self._silent += 1
        elif tag == "table":
            self._end_cell()
            self.tables.append([])
            self.merged.append([])
            self._below = {}
        elif tag == "tr" and self.tables:
            self._end_cell()
            if len(self.tables[-1]) >= MAX_LINES:
                raise UnreadableFile(f"{self.source} has a table of more than {MAX_LINES:,} rows")
            self.tables[-1].append([])
        elif tag in {"td", "th"} and self.tables:
            self._end_cell()
            if not self.tables[-1]:
                self.tables[-1].append([])
            given = dict(attrs)
            self._span = (_number(given.get("rowspan")), _number(given.get("colspan")))
            self._cell = []
        elif tag == "br" and self._cell is not None:
            self._cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._silent = max(0, self._silent - 1)
        elif tag in {"td", "th", "tr", "table"}:
            self._end_cell()

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._silent:
            self._cell.append(data)

    def close(self) -> None:
        super().close()
        self._end_cell()

    def _end_cell(self) -> None:
        if self._cell is None:
            return
        row = self.tables[-1][-1]
        while self._below.get(len(row), 0) >= len(self.tables[-1]):
            row.append(None)
        high, wide = self._span
        if high > 1:
            top = len(self.tables[-1])
            self.merged[-1].append((top, top + high - 1, len(row) + 1, len(row) + wide))
            for column in range(len(row), len(row) + wide):
                self._below[column] = len(self.tables[-1]) + high - 1
        row.append(" ".join("".join(self._cell).split()) or None)
        row.extend([None] * (wide - 1))
        self._cell = None
        self.room -= wide
        if self.room < 0 or len(row) > _WIDEST:
            raise UnreadableFile(f"{self.source} has more cells than a table of studies")


def _number(span: str | None) -> int:
    return min(int(span), _WIDEST) if span and span.isdecimal() and int(span) else 1
