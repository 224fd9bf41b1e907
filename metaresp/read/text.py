"""Bytes of a delimited file to a grid of text cells: encoding, separator and quotes."""

import csv
import io

from metaresp.errors import InvalidArgument, UnreadableFile

SEPARATORS = (",", ";", "\t", "|")
# Rows looked at to tell the separator.
SNIFF_ROWS = 200
# Stands in no file, so that a file of one column is not cut at anything.
_NO_SEPARATOR = "\x1f"
# A line of these alone is a blank row of some spreadsheet.
_NOTHING = ' \t\r\n\xa0,;|"'

_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def decode(data: bytes, source: str, encoding: str | None = None) -> str:
    """Return the text of a file.

    Parameters
    ----------
    data : bytes
        The whole file.
    source : str
        Its name, for errors.
    encoding : str, optional
        By default that of the byte order mark, else UTF-8, else Windows-1252 (what Excel writes in
        Western Europe and the Americas).

    Raises
    ------
    InvalidArgument
        If *encoding* is unknown.
    UnreadableFile
        If the bytes are no text in that encoding.
    """
    if encoding is not None:
        return _decode_as(data, source, encoding)
    if data[:4] == b"PK\x03\x04":
        raise UnreadableFile(f"{source} is a workbook or another zip file, not text: name it .xlsx")
    if data[:4] == b"PAR1":
        raise UnreadableFile(f"{source} is a parquet file, not text: name it .parquet")
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _decode_as(data, source, name)
    if b"\x00" in data:
        return _decode_wide(data, source)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_as(data, source, "cp1252")


def text_grid(text: str, source: str, ending: str = ".csv") -> tuple[list[list[str]], str]:
    """Return the rows of a delimited text, blank ones included, and its separator.

    The separator is the one of comma, semicolon, tab and bar that cuts the rows most evenly.

    Raises
    ------
    UnreadableFile
        If a quote is not closed, or stands where it cannot.
    """
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip("\r\n ")) <= 5:
        # Excel's own directive: it counts as row 1.
        separator = first.strip("\r\n")[4:5] or "\t"
        return [[], *_rows(rest, separator, source, 2)], separator
    separator = _separator(text, ending)
    return _rows(text, separator, source, 1), separator


def _decode_as(data: bytes, source: str, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except LookupError:
        raise InvalidArgument(f"encoding={encoding!r} is not known: use 'utf-8', 'cp1252', ...") from None
    except UnicodeError:
        raise UnreadableFile(
            f"{source} is not text in {encoding}: save it as UTF-8 or give encoding="
        ) from None
    text = text.removeprefix("\ufeff")
    if "\x00" in text:
        raise UnreadableFile(f"{source} is not text (it holds zero bytes)")
    return text


def _decode_wide(data: bytes, source: str) -> str:
    """Decode UTF-16 without a mark: Latin letters leave every second byte at zero."""
    half = len(data) // 2
    for name, zeros in (("utf-16-le", data[1::2]), ("utf-16-be", data[0::2])):
        if len(data) % 2 == 0 and zeros.count(0) > 0.7 * half:
            return _decode_as(data, source, name)
    raise UnreadableFile(f"{source} is not text (it holds zero bytes)")


def _separator(text: str, ending: str) -> str:
    header = next((line for line in text.splitlines() if line.strip(_NOTHING)), ",")
    if ending in {".tsv", ".tab"} and "\t" in header:
        return "\t"
    best, best_score = "," if header == "," else _NO_SEPARATOR, (0.0, 0)
    for separator in SEPARATORS:
        if separator not in header:
            continue
        widths = _widths(text, separator)
        if widths and widths[0] > 1:
            even = sum(width == widths[0] for width in widths) / len(widths)
            score = (round(even, 1), widths[0])
            if score > best_score:
                best, best_score = separator, score
    return best


def _widths(text: str, separator: str) -> list[int]:
    widths: list[int] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if any(cell.strip(_NOTHING) for cell in row):
                widths.append(len(row))
            if len(widths) >= SNIFF_ROWS:
                break
    except csv.Error:
        pass
    return widths


def _rows(text: str, separator: str, source: str, first: int) -> list[list[str]]:
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        rows.extend(reader)
    except csv.Error as error:
        where = f"{source}, row {first + len(rows)}"
        raise UnreadableFile(f"{where}: {_told(error)}") from None
    return rows


def _told(error: csv.Error) -> str:
    text = str(error)
    if "end of data" in text:
        return "a quotation mark is opened and never closed"
    if "expected after" in text:
        return "text stands beside a quoted cell (write a quotation mark inside quotes twice)"
    return text
