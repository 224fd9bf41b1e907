"""The written forms of a table: text with titles, comments and footnotes, workbooks, JSON; encodings."""

import csv
import io
import json
import random
from typing import TYPE_CHECKING

from tests.reading.disguise_cells import ASK, EITHER, READ
from tests.reading.disguise_words import ENCODINGS

if TYPE_CHECKING:
    from tests.reading.disguise import Case, Grid

TITLES = ["Table 2. Overall response", "Supplementary table S1", "Extracted 2024-01-02", "Response by study"]
FOOTNOTES = [
    "CR = complete response",
    "Note: CR only",
    "* estimated from the figure",
    "Abbreviations: NR, not reported",
    "Source: Smith et al.",
]
COMMENTS = ["# extracted 2024-01-02", "# source: table 3", "#"]


def save(rng: random.Random, case: "Case", grid: "Grid", language: str, *, comma: bool) -> None:
    """Write the table to a file of a random kind, into the folder that ``case.path`` still is."""
    lines = grid.lines()
    kind = rng.choices(["text", "r", "xlsx", "json"], [10, 3, 1, 1])[0]
    if kind == "json" and (len(set(grid.heads)) < len(grid.heads) or "" in grid.heads):
        kind = "text"
    case.tags.append(kind)
    if kind == "json":
        records = [dict(zip(grid.heads, map(_typed, line), strict=True)) for line in lines]
        _put(case, "trials.json", json.dumps(records, ensure_ascii=rng.random() < 0.5).encode())
    elif kind == "xlsx":
        _workbook(rng, case, grid.heads, lines)
    elif kind == "r":
        _from_r(rng, case, grid.heads, lines, comma=comma)
    else:
        text = _delimited(rng, case, grid, lines, comma=comma)
        _put(
            case,
            rng.choice(["trials.csv", "trials.txt", "trials.tsv", "TRIALS.CSV"]),
            _encoded(rng, case, text, language),
        )


def _put(case: "Case", name: str, content: bytes) -> None:
    case.path = case.path / name
    case.path.write_bytes(content)


def _typed(cell: str) -> str | int | None:
    if cell == "":
        return None
    return int(cell) if cell.isascii() and cell.isdigit() else cell


def _delimited(rng: random.Random, case: "Case", grid: "Grid", lines: list[list[str]], *, comma: bool) -> str:
    """Return the table as text, with what people put around it."""
    separator = rng.choice([";", ";", "\t"] if comma else [",", ",", ",", ";", "\t", "|"])
    heads, columns = grid.heads, grid.columns
    rows = [heads, *lines]
    width = len(heads)
    blank = [""] * (width - 1)
    if rng.random() < 0.08:
        units = [
            "(count)" if column.kind == "counts" else "(patients)" if column.kind == "others" else ""
            for column in columns
        ]
        rows.insert(1, units)
        case.doubt(EITHER, "row of units")
    if rng.random() < 0.06 and len(lines) > 3:
        rows.insert(rng.randint(2, len(lines)), heads)
        case.doubt(READ, "head repeated")
    if rng.random() < 0.06:
        rows.insert(rng.randint(1, len(rows)), [""] * width)
        case.tags.append("blank row")
    if rng.random() < 0.08:
        rows = [[rng.choice(TITLES), *blank], *([[""] * width] if rng.random() < 0.4 else []), *rows]
        case.doubt(READ if width > 1 else EITHER, "title")
    if rng.random() < 0.08:
        rows += [*([[""] * width] if rng.random() < 0.5 else []), [rng.choice(FOOTNOTES), *blank]]
        case.doubt(READ if width > 1 and case.labels else EITHER, "footnote")
    if rng.random() < 0.04:
        rows = [[*row, ""] for row in rows]
        case.tags.append("empty column")
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    out = io.StringIO()
    end = rng.choice(["\n", "\n", "\r\n", "\r"])
    csv.writer(out, delimiter=separator, quoting=quoting, lineterminator=end).writerows(rows)
    text = out.getvalue()
    if rng.random() < 0.08:
        text = end.join(rng.sample(COMMENTS, rng.randint(1, 2))) + end + text
        case.tags.append("comments")
    if rng.random() < 0.04:
        text = text.rstrip(end)
        case.tags.append("no last line end")
    case.tags.append(f"sep {separator!r}")
    return text


def _from_r(
    rng: random.Random, case: "Case", heads: list[str], lines: list[list[str]], *, comma: bool
) -> None:
    """Write what write.csv, write.csv2 or write.table of R give: texts in quotes, numbers without."""
    form = rng.choice(["csv", "csv2"] if comma else ["csv", "csv2", "table"])
    separator = {"csv": ",", "csv2": ";", "table": " "}[form]
    if comma and form == "csv":
        separator = ";"
    numeric = [
        all(_number(line[place], comma=separator == ";") for line in lines) for place in range(len(heads))
    ]
    quote = '""' if form != "table" else '\\"'
    body = []
    for number, line in enumerate(lines, 1):
        cells = [
            "NA" if cell == "" else cell if number_like else '"' + cell.replace('"', quote) + '"'
            for cell, number_like in zip(line, numeric, strict=True)
        ]
        body.append([f'"{number}"', *cells])
    named = [f'"{head.replace(chr(34), quote)}"' for head in heads]
    if form != "table":
        named = ['""', *named]
    if rng.random() < 0.3:
        named, body = named[form != "table" :], [row[1:] for row in body]
    text = "\n".join(separator.join(row) for row in [named, *body]) + "\n"
    case.tags.append(f"R {form}")
    if any(line.count("") for line in lines):
        case.doubt(case.must if case.must != READ else EITHER, "blanks as NA")
    _put(case, "trials.txt" if form == "table" else "trials.csv", text.encode("utf-8"))


def _number(cell: str, *, comma: bool) -> bool:
    if not cell:
        return True
    try:
        float(cell.replace(",", ".") if comma else cell)
    except ValueError:
        return False
    return cell.isascii()


def _workbook(rng: random.Random, case: "Case", heads: list[str], lines: list[list[str]]) -> None:
    """Write a workbook, the table on one of its sheets, under a title now and then."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = rng.choice(["Sheet1", "Data", "Tabelle1"])
    if rng.random() < 0.3:
        sheet.title = "Read me"
        sheet.append(["Extraction by two readers"])
        sheet.append(["See the protocol"])
        sheet = book.create_sheet("Table 2")
        case.tags.append("second sheet")
    if rng.random() < 0.3:
        book.create_sheet("Empty")
    if rng.random() < 0.2:
        sheet.append([rng.choice(TITLES)])
        case.tags.append("title")
    as_text = rng.random() < 0.2
    sheet.append(heads)
    for line in lines:
        sheet.append([cell if as_text else _typed(cell) for cell in line])
    for row in sheet.iter_rows():
        for cell in row:
            if cell.data_type == "f":  # a label such as '=A1 trial' is a text, as it was typed
                cell.data_type = "s"
                cell.quotePrefix = True
                case.doubt(EITHER, "text that begins with =")
    case.path = case.path / "trials.xlsx"
    book.save(case.path)


def _encoded(rng: random.Random, case: "Case", text: str, language: str) -> bytes:
    """Return the text in an encoding of its language; labels are checked where the bytes can tell it."""
    usual = ["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16"]
    encoding, told = rng.choice(
        [(name, True) for name in usual] + ENCODINGS.get(language, [("cp1252", True)]) * 2
    )
    try:
        content = text.encode(encoding)
    except UnicodeEncodeError:
        encoding, told, content = "utf-8", True, text.encode()
    strange = sum(not letter.isascii() for letter in text)
    case.tags.append(encoding)
    hard = not told or (encoding != "cp1252" and strange < 24)
    if hard and strange and not encoding.startswith("utf"):
        case.doubt(EITHER, "few letters to tell the encoding")
        case.labels = None
    if case.must == ASK:
        case.labels = None
    return content
