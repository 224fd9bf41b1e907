"""Three hundred files that are broken, hostile or no table; ``files(folder)`` writes them, always the same.

Each comes with the right answer where there is one: counts that a reader may find in it, or None where every
answer but a refusal is wrong.
"""

import io
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

Rows = list[tuple[int, int]]
RIGHT: Rows = [(13, 18), (4, 7), (9, 15)]
TABLE = "study,events,n\nXu 2012,13,18\nLi 2013,4,7\nWang 2014,9,15\n"
SUFFIXES = ("csv", "tsv", "txt", "json", "xlsx", "xls", "parquet", "ods", "dta", "sav")
COUNT = 300

#: Texts that hold no table of studies that may be pooled.
NO_TABLE = {
    "empty": "",
    "blank lines": "\n" * 5000,
    "spaces": " " * 10_000,
    "commas": "," * 5000 + "\n" + "," * 5000,
    "only a head": "study,events,n\n",
    "head of numbers": "1,2,3\n4,5,6\n7,8,9\n",
    "one word": "hello",
    "prose": "The patients were treated. Thirteen of eighteen responded, as we report here.\n" * 20,
    "html": "<html><body><table><tr><td>study</td></tr></table></body></html>",
    "html page": "<!DOCTYPE html>\n<html>\n<head><title>404</title></head>\n<body>Lost</body>\n</html>\n",
    "xml": "<?xml version='1.0'?><studies><study events='13' n='18'/></studies>",
    "yaml": "- study: Xu\n  events: 13\n",
    "python": "import os\nos.remove('trials.csv')\n",
    "rtf": r"{\rtf1\ansi study events n\par}",
    "pdf": "%PDF-1.7\n%âãÏÓ\n",
    "sql": "INSERT INTO trials VALUES ('Xu', 13, 18);\n",
    "svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "same head twice": "study,events,events,n\nXu,13,12,18\n",
    "heads without words": "a,b,c\nXu,13,18\n",
    "only events": "study,events\nXu,13\n",
    "only n": "study,n\nXu,18\n",
    "only labels": "study\nXu\nLi\n",
    "events above n": "study,events,n\nXu,19,18\n",
    "negative": "study,events,n\nXu,-3,18\n",
    "minus sign": "study,events,n\nXu,−3,18\n",
    "fraction": "study,events,n\nXu,13.5,18\n",
    "no patient": "study,events,n\nXu,0,0\n",
    "nan": "study,events,n\nXu,nan,18\n",
    "inf": "study,events,n\nXu,1,inf\n",
    "minus inf": "study,events,n\nXu,-inf,18\n",
    "huge": "study,events,n\nXu,1,1" + "0" * 400 + "\n",
    "exponent": "study,events,n\nXu,1,1e999\n",
    "exponent within": "study,events,n\nXu,1,1e400000000\n",
    "hexadecimal": "study,events,n\nXu,0xD,0x12\n",
    "words": "study,events,n\nXu,thirteen,eighteen\n",
    "dates": "study,events,n\nXu,2012-01-13,2012-01-18\n",
    "spreadsheet date": "study,response\nXu,13-Jan\nLi,04-Jul\n",
    "error cells": "study,events,n\nXu,#REF!,#DIV/0!\n",
    "formula": "study,events,n\nXu,=1+12,18\n",
    "command": "study,events,n\nXu,=cmd|'/c calc'!A1,18\n",
    "at command": "study,events,n\nXu,@SUM(A1),18\n",
    "unclosed quote": 'study,events,n\n"Xu,13,18\nLi,4,7\n',
    "quote inside": 'study,events,n\nX"u"y,"13"4,18\n',
    "letters in a count": "study,events,n\nXu,1a3,18\n",
    "a long cell": "study,events,n\nXu," + "x" * 5000 + ",18\n",
    "a long head": "study," + "y" * 5000 + ",n\nXu,13,18\n",
    "bars and commas": "study|events,n\nXu|13,18;3\nLi;4|7\n",
    "true and false": "study,events,n\nXu,TRUE,FALSE\n",
    "more cells than heads": "study,events,n\nXu,13,18,99,98\nLi,4,7\n",
    "separator at a loss": "study;events,n\nXu;13,18\nLi,4;7\n",
    "less than": "study,events,n\nXu,<5,18\nLi,>4,7\n",
    "range": "study,events,n\nXu,6-7,18\n",
    "about": "study,events,n\nXu,~13,18\n",
    "complex": "study,events,n\nXu,13+0j,18\n",
    "underscores": "study,events,n\nXu,1_3,1_8\n",
    "roman": "study,events,n\nXu,XIII,XVIII\n",
    "two denominators": "study,response,n\nXu,13/18,19\n",
    "no denominator": "study,response\nXu,13/\nLi,/7\n",
    "three parts": "study,response\nXu,13/18/20\n",
    "rates above 100": "study,n,percent\nXu,18,172.2\n",
    "rate of no count": "study,n,percent\nXu,18,71.0\n",
    "nul only": "\0" * 4096,
    "bell": "\a\b\f\v" * 200,
    "escape": "\x1b[2J\x1b[31mstudy\x1b[0m\n",
    "bidi": "\u202estudy\u202c\n\u202e13\u202c\n",
}
#: JSON that holds no studies.
NO_JSON = [
    "",
    "{",
    "[",
    "null",
    "13",
    '"13/18"',
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    "[1, 2, 3]",
    '[{"events": 13}',
    "[" * 50_000,
    '{"a": ' * 20_000,
    '[{"study": "Xu", "events": {"of": 13}, "n": 18}]',
    '[{"study": "Xu", "events": [13], "n": 18}]',
    '[{"study": "Xu", "events": NaN, "n": 18}]',
    '[{"study": "Xu", "events": 1, "n": Infinity}]',
    '[{"study": "Xu", "events": 13.5, "n": 18}]',
    '[{"study": "Xu", "events": true, "n": 18}]',
    '[{"study": "Xu", "events": "13", "n": 1' + "0" * 5000 + "}]",
    '[{"events": 1, "n": 1e999}]',
    "{'events': [13]}",
    '{"study": ["Xu", "Li"], "events": [13], "n": [18, 7]}',
    '[{"events": 13, "n": 18},]',
    "[null, null]",
    "\ufeff",
    '[{"events": 13, "events": 12, "n": 18}]',
    '{"events": "13", "n": "18", "study": {"a": 1}}',
    '[{"\\ud800": 1}]',
    '[{"study": "\\ud800", "events": -1, "n": 18}]',
    '{"studies": 5}',
    '[{"events": 19, "n": 18}]',
    "// nothing\n[]",
]


def _workbook(cells: list[list[object]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    for line in cells:
        book.active.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _members(content: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    """Return a zip with its members changed, or dropped where *change* gives None."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            changed = change(name, old.read(name))
            if changed is not None:
                new.writestr(name, changed)
    return out.getvalue()


def _workbooks() -> Iterator[tuple[str, bytes, Rows | None]]:
    plain = _workbook(
        [["study", "events", "n"], ["Xu 2012", 13, 18], ["Li 2013", 4, 7], ["Wang 2014", 9, 15]]
    )
    for share in range(1, 11):
        yield f"cut {share}", plain[: len(plain) * share // 11], None
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        names = archive.namelist()
    sheet = "xl/worksheets/sheet1.xml"
    for name in names:
        yield (
            f"without {name}",
            _members(plain, lambda one, data, name=name: None if one == name else data),
            RIGHT,
        )
        yield (
            f"garbled {name}",
            _members(plain, lambda one, data, name=name: b"\xff\0<<&" if one == name else data),
            RIGHT,
        )
        yield (
            f"empty {name}",
            _members(plain, lambda one, data, name=name: b"" if one == name else data),
            RIGHT,
        )
    bomb = b"<worksheet><sheetData>" + b"<row/>" * 3_000_000
    laughs = (
        b'<!DOCTYPE l [<!ENTITY a "ha">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9))
        + b"]><worksheet><sheetData><row><c t='str'><v>&j;</v></c></row></sheetData></worksheet>"
    )
    for title, data in {"rows without end": bomb, "entities within entities": laughs}.items():
        yield title, _members(plain, lambda one, old, data=data: data if one == sheet else old), None
    far = plain_far(plain, sheet)
    yield "row two thousand million", far, RIGHT
    yield "no zip at all", b"PK\3\4" + b"\0" * 200, None
    yield "other zip", _zip({"readme.txt": b"hello"}), None
    yield "document", _zip({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"}), None
    yield "deep names", _zip({"../../evil.txt": b"x", "/etc/evil": b"y"}), None
    yield "formulas", _workbook([["study", "events", "n"], ["Xu", "=1+12", 18]]), None
    yield "outside link", _workbook([["study", "events", "n"], ["Xu", "=[other.xlsx]Sheet1!A1", 18]]), None
    yield "command", _workbook([["study", "events", "n"], ["Xu", "=cmd|'/c calc'!A1", 18]]), None
    yield "no cells", _workbook([]), None
    yield "one cell", _workbook([["study"]]), None
    yield (
        "far cell",
        _workbook([["study", "events", "n"], ["Xu", 13, 18], *[[]] * 2000, ["end of the data"]]),
        [(13, 18)],
    )
    yield "dates", _workbook([["study", "events", "n"], ["Xu", "2012-01-13", "2012-01-18"]]), None
    yield "text", TABLE.encode(), RIGHT
    yield "page", NO_TABLE["html"].encode(), None
    yield "old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000, None


def plain_far(plain: bytes, sheet: str) -> bytes:
    """Return the workbook with one more row, numbered 2,000,000,000."""
    row = b'<row r="2000000000"><c r="A2000000000"><v>1</v></c></row></sheetData>'
    return _members(plain, lambda one, data: data.replace(b"</sheetData>", row) if one == sheet else data)


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def _bytes(rng: random.Random) -> Iterator[tuple[str, bytes, Rows | None]]:
    """Yield tables whose bytes were damaged; what a reader may still find in them is known for some."""
    yield "nul in a count", TABLE.replace("13", "1\0003").encode(), None
    yield "nul at the end", TABLE.encode() + b"\0", RIGHT
    yield "control in a count", TABLE.replace("13", "1\x0e3").encode(), None
    yield "two marks of order", b"\xef\xbb\xbf" * 2 + TABLE.encode(), RIGHT
    yield "mark of the other order", b"\xfe\xff" + TABLE.encode("utf-16-le"), None
    yield "half of a letter", TABLE.encode("utf-16")[:-1], RIGHT
    yield "utf-32 cut", TABLE.encode("utf-32")[:-2], RIGHT
    yield "lone surrogate", TABLE.replace("Xu", "X\ud800").encode("utf-8", "surrogatepass"), RIGHT
    yield "mark within", TABLE.replace("Xu", "\ufeffXu").encode(), RIGHT
    yield (
        "mixed encodings",
        TABLE.encode() + "Müller,1,5\n".encode("cp1252") + "王,2,6\n".encode(),
        [*RIGHT, (1, 5), (2, 6)],
    )
    yield "mixed line ends", b"study,events,n\r\nXu,13,18\rLi,4,7\n\rWang,9,15\r\n", RIGHT
    yield "line separators", TABLE.replace("\n", "\u2028").encode(), RIGHT
    yield "form feeds", TABLE.replace("\n", "\f").encode(), RIGHT
    yield (
        "very wide",
        ("study,events,n" + ",c" * 3000 + "\nXu,13,18" + ",1" * 3000 + "\n").encode(),
        [(13, 18)],
    )
    yield (
        "very long",
        b"study,events,n\n" + b"".join(b"S%d,1,5\n" % i for i in range(20_000)),
        [(1, 5)] * 20_000,
    )
    yield "blank lines between", TABLE.replace("\n", "\n" * 20_000).encode(), RIGHT
    yield "ragged", b"study,events,n\nXu,13,18\nLi,4\nWang\n", None
    yield "gzip", b"\x1f\x8b\x08\0" + rng.randbytes(300), None
    yield "png", b"\x89PNG\r\n\x1a\n" + rng.randbytes(300), None
    yield "elf", b"\x7fELF" + rng.randbytes(300), None
    yield "parquet mark", b"PAR1" + rng.randbytes(100) + b"PAR1", None
    yield "pickle", b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x02os\x94\x8c\x06system\x94\x93\x94.", None
    for size in (1, 2, 3, 10, 100, 1000, 20_000):
        yield f"noise of {size}", rng.randbytes(size), None


def files(folder: Path) -> list[tuple[Path, Rows | None]]:
    """Write the files into *folder*; return each with the counts that alone may be read from it."""
    rng = random.Random(11)
    made: list[tuple[str, str, bytes, Rows | None]] = []
    made += [
        (title, rng.choice(["csv", "txt", "csv"]), text.encode(), None) for title, text in NO_TABLE.items()
    ]
    made += [("json", "json", text.encode("utf-8", "surrogatepass"), None) for text in NO_JSON]
    made += [(title, "xlsx", content, right) for title, content, right in _workbooks()]
    made += [(title, "csv", content, right) for title, content, right in _bytes(rng)]
    made += [("text", suffix, TABLE.encode(), RIGHT) for suffix in SUFFIXES]
    made += [("noise", suffix, rng.randbytes(500), None) for suffix in SUFFIXES]
    made += [("nothing", suffix, b"", None) for suffix in SUFFIXES]
    made += [("cut", "csv", TABLE.encode()[:at], _prefix(at)) for at in range(2, len(TABLE), 3)]
    while len(made) < COUNT:
        content = bytearray(TABLE.encode(rng.choice(["utf-8", "utf-16"])))
        for _ in range(rng.randint(1, 6)):
            content[rng.randrange(len(content))] = rng.choice(b'\0\xff\x80"\r\n;,\t\x1a')
        made.append(("damaged", "csv", bytes(content), []))
    found = []
    for number, (title, suffix, content, right) in enumerate(made[:COUNT]):
        name = "".join(letter if letter.isalnum() else "_" for letter in title)[:40]
        path = folder / f"{number:03d}_{name}.{suffix}"
        path.write_bytes(content)
        found.append((path, right))
    return found


def _prefix(at: int) -> Rows | None:
    """Return what whole lines and a last count tell of the table cut at a letter."""
    rows: Rows = []
    for line in TABLE[:at].splitlines()[1:]:
        cells = line.split(",")
        if len(cells) == 3 and cells[2] and int(cells[2]) >= int(cells[1]):
            rows.append((int(cells[1]), int(cells[2])))
        elif line:
            return None
    return rows or None
