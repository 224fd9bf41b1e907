"""Workbooks, files of statistical packages, streams; and content that is not what the ending says."""

import datetime
import io
import json
import subprocess
import sys
import zipfile

import pandas as pd
import pytest

from metaresp.errors import InvalidArgument, InvalidStudies, MetaRespError, UnknownName, UnreadableFile
from metaresp.read.cells import Formula, ShownPercent
from metaresp.read.content import source_name
from metaresp.read.files import read_sheets

FRAME = pd.DataFrame({"study": ["Xu", "Бета"], "events": [13, 4], "n": [18, 7], "arm": [1, 2]})
GRID = (("study", "events", "n", "arm"), ("Xu", 13, 18, 1), ("Бета", 4, 7, 2))
TEXT = "study\tevents\tn\tarm\nXu\t13\t18\t1\nБета\t4\t7\t2\n"


def book(path, fill):
    from openpyxl import Workbook

    made = Workbook()
    made.active.title = "Data"
    fill(made)
    made.save(path)
    return path


def sheet_xml(path, rows):
    """Write a workbook whose one sheet is the XML given."""
    book(path, lambda made: None)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'
    parts["xl/worksheets/sheet1.xml"] = sheet.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return path


# ---- workbooks --------------------------------------------------------------------------------------


def test_cells_of_a_workbook_are_as_they_stand(tmp_path):
    day = datetime.datetime(2026, 7, 4)

    def fill(made):
        sheet = made.active
        for row in [
            ["study", "events", "n", "rate"],
            [],
            ["Xu", 13, 18, 0.722],
            ["Li", "=1+1", "#DIV/0!", day],
        ]:
            sheet.append(row)
        sheet["D3"].number_format = "0.0%"

    (sheet,) = read_sheets(book(tmp_path / "a.xlsx", fill))
    assert sheet.rows[0] == ("study", "events", "n", "rate")
    assert sheet.rows[1] == ()
    assert sheet.rows[3] == ("Li", "=1+1", "#DIV/0!", day)
    assert type(sheet.rows[3][1]) is Formula
    assert type(sheet.rows[2][3]) is ShownPercent
    assert sheet.rows[2][3].percent == "72.2"
    assert (sheet.title, sheet.decimal, sheet.notes) == ("Data", "", ())


def test_what_is_hidden_is_noted_or_left_out(tmp_path):
    def fill(made):
        for row in GRID:
            made.active.append(row)
        made.active.row_dimensions[3].hidden = True
        made.active.column_dimensions["B"].hidden = True
        made.active.merge_cells("A2:A3")
        made.create_sheet("Empty")
        made.create_sheet("Old").append(["x"])
        made["Old"].sheet_state = "hidden"

    path = book(tmp_path / "a.xlsx", fill)
    (sheet,) = read_sheets(path)
    assert sheet.notes == (
        "hidden row 3 read", "hidden column B read", "merged cells A2:A3: the value stands in the first",
        "hidden sheet 'Old' not read",
    )  # fmt: skip
    for chosen in ("Old", -1, 2):
        (old,) = read_sheets(path, sheet=chosen)
        assert (old.title, old.rows, old.notes) == ("Old", (("x",),), ("this sheet is hidden",))
    (empty,) = read_sheets(path, sheet="Empty")
    assert empty.rows == ()
    with pytest.raises(
        UnknownName, match=r"sheet='Dat' is not in a.xlsx.*'Old' \(hidden\); did you mean 'Data'"
    ):
        read_sheets(path, sheet="Dat")


CELL = '<c r="{0}"><v>9</v></c>'
FAR = {
    "stray cell": ('<row r="1048576">' + CELL.format("C1048576") + "</row>", ""),
    "stray column": ('<row r="2">' + CELL.format("XFD2") + "</row>", ""),
    "row too far": ('<row r="2000000000">' + CELL.format("A2000000000") + "</row>", "beyond the last row"),
    "column too far": ('<row r="2">' + CELL.format("ZZZ2") + "</row>", "row 2: there is no column 18278"),
    "row twice": ('<row r="1">' + CELL.format("A1") + "</row>", "row 1 stands there twice"),
    "wide and long": (
        "".join(f'<row r="{i}">{CELL.format(f"XFD{i}")}</row>' for i in range(2, 1400)),
        "more than 20,000,000 cells",
    ),
}


@pytest.mark.parametrize(("rows", "told"), FAR.values(), ids=FAR)
def test_sheets_of_any_extent_are_read_or_told(tmp_path, rows, told):
    path = sheet_xml(tmp_path / "a.xlsx", f'<row r="1">{CELL.format("A1")}</row>{rows}')
    if told:
        with pytest.raises(UnreadableFile, match=told):
            read_sheets(path)
    else:
        assert read_sheets(path)[0].rows[0] == (9,)


@pytest.mark.slow
@pytest.mark.parametrize(
    "bomb", ["<row/>" * 30_000_000, "<row>" + "<c/>" * 30_000_000 + "</row>", "<row/>" * 90_000_000]
)
def test_a_bomb_is_told(tmp_path, bomb):
    with pytest.raises(UnreadableFile, match=r"beyond the last row|unpacks to"):
        read_sheets(sheet_xml(tmp_path / "a.xlsx", bomb))


def test_open_document(tmp_path):
    pytest.importorskip("python_calamine")
    pytest.importorskip("odf")
    FRAME.to_excel(tmp_path / "a.ods", index=False, sheet_name="Data")
    (sheet,) = read_sheets(tmp_path / "a.ods")
    assert (sheet.title, sheet.rows) == ("Data", GRID)
    with pytest.raises(UnknownName, match="it has 'Data'"):
        read_sheets(tmp_path / "a.ods", sheet=1)


# ---- statistical packages ---------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["dta", "sav", "zsav", "xpt", "parquet"])
def test_files_of_statistical_packages(tmp_path, ending):
    path = tmp_path / f"trials.{ending}"
    labels = {"arm": {1: "low", 2: "high"}}
    if ending == "parquet":
        FRAME.to_parquet(path)
    elif ending == "dta":
        FRAME.to_stata(path, write_index=False, value_labels=labels, version=118)
    else:
        written = pytest.importorskip("pyreadstat")
        if ending == "xpt":
            written.write_xport(FRAME, path, file_format_version=5)
        else:
            written.write_sav(FRAME, path, variable_value_labels=labels, row_compress=ending == "zsav")
    table = read_sheets(path)
    arm = (1, 2) if ending in {"parquet", "xpt"} else ("low", "high")
    assert table.names == GRID[0]
    assert table.columns == (("Xu", "Бета"), (13, 4), (18, 7), arm)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    if ending != "xpt":  # that format states no length
        with pytest.raises(MetaRespError, match=f"trials.{ending}"):
            read_sheets(path)


def test_names_that_stand_twice_are_refused(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    write_table(arrow.table([[1], [2]], names=["n", "n"]), tmp_path / "a.parquet")
    (tmp_path / "a.json").write_text('[{"n": 1, "n": 2}]')
    for name in ("a.parquet", "a.json"):
        with pytest.raises(InvalidStudies, match=f"{name} has two (columns|keys) named 'n'"):
            read_sheets(tmp_path / name)


# ---- content and ending -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.xls", "a.dat", "no ending"])
def test_a_workbook_is_one_whatever_its_name(tmp_path, name):
    FRAME.to_excel(tmp_path / "a.xlsx", index=False)
    (tmp_path / "a.xlsx").rename(tmp_path / name)
    assert read_sheets(tmp_path / name)[0].rows == GRID


@pytest.mark.parametrize("ending", [".xls", ".xlsx", ".ods"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1251"])
def test_text_is_text_under_the_name_of_a_workbook(tmp_path, ending, encoding):
    path = tmp_path / f"a{ending}"
    path.write_bytes(TEXT.encode(encoding))
    (sheet,) = read_sheets(path)
    assert sheet.rows == tuple(tuple(map(str, row)) for row in GRID)
    assert f"text, not a workbook as its ending {ending} says" in sheet.notes


def test_a_page_under_the_name_of_a_workbook(tmp_path):
    page = (
        "<html><head><style>td {color: red}</style></head><body><p>x</p><table><tr><th>study</th>"
        "<th colspan=2>counts</th></tr><tr><td rowspan=2>Xu &amp;\nLi</td><td>13</td><td>18</td></tr>"
        "<tr><td>4<td>7</table></body></html>"
    )
    (tmp_path / "a.xls").write_text(page)
    (sheet,) = read_sheets(tmp_path / "a.xls")
    assert sheet.rows == (("study", "counts", None), ("Xu & Li", "13", "18"), (None, "4", "7"))
    assert sheet.notes == ("an HTML table, not a workbook as its ending .xls says",)
    (tmp_path / "b.html").write_text(page + page)
    assert [sheet.title for sheet in read_sheets(tmp_path / "b.html")] == ["table 1", "table 2"]


REFUSED = {
    "a.csv": (b"%PDF-1.7", "is a PDF"),
    "b.csv": (b"\x1f\x8b\x08", "compressed"),
    "c.xls": (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
              "Excel 2003"),
    "d.html": (b"<html><p>no</p></html>", "HTML page without a table"),
    "e.dta": (b"<stata_dta>junk", "not a readable Stata file"),
    "f.sav": (b"$FL2@(#) junk", "not a readable SPSS file"),
    "g.sas7bdat": (b"junk" * 50, "not a readable SAS file"),
    "h.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "not a readable workbook"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_holds_no_table_is_told(tmp_path, name):
    content, words = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        read_sheets(tmp_path / name)
    assert words in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


# ---- streams ----------------------------------------------------------------------------------------


def test_file_objects(tmp_path):
    expected = tuple(tuple(map(str, row)) for row in GRID)
    assert read_sheets(io.StringIO(TEXT))[0].rows == expected
    assert read_sheets(io.BytesIO(TEXT.encode("utf-16")))[0].rows == expected
    FRAME.to_excel(tmp_path / "a.xlsx", index=False)
    with (tmp_path / "a.xlsx").open("rb") as file:
        assert source_name(file) == "a.xlsx"
        assert read_sheets(file)[0].rows == GRID
    assert len(read_sheets(io.StringIO(json.dumps([{"n": 1}, {"n": 2}])))) == 2
    assert len(read_sheets(io.StringIO('{"n": 1}\n{"n": 2}\n'.replace("{", " {", 1)), encoding=None)) == 2
    with pytest.raises(UnreadableFile, match="text is empty"):
        read_sheets(io.StringIO(""))
    with pytest.raises(InvalidArgument, match="sheet=1 has no meaning for text"):
        read_sheets(io.StringIO(TEXT), sheet=1)


def test_standard_input(tmp_path):
    code = "from metaresp.read.files import read_sheets; print(len(read_sheets('-')[0].rows))"
    FRAME.to_excel(tmp_path / "a.xlsx", index=False)
    for content in (TEXT.encode(), (tmp_path / "a.xlsx").read_bytes()):
        out = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True, check=True)
        assert out.stdout.strip() == b"3"
    assert source_name("-") == "standard input"


def test_the_clipboard(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    import pandas.io.clipboard

    monkeypatch.setattr(pandas.io.clipboard, "clipboard_get", lambda: TEXT)
    assert len(read_sheets("clipboard")[0].rows) == 3
    monkeypatch.setattr(pandas.io.clipboard, "clipboard_get", lambda: "")
    with pytest.raises(UnreadableFile, match="the clipboard is empty"):
        read_sheets("clipboard")
    (tmp_path / "clipboard").write_text(TEXT)
    with pytest.raises(UnreadableFile, match="no ending is not known"):
        read_sheets("clipboard")


def test_names_in_errors_are_short_and_plain(tmp_path):
    for path in ("y" * 5000 + ".csv", "a\x1b[31m.csv", "a\nb.csv", tmp_path / "no.csv"):
        with pytest.raises(UnreadableFile) as caught:
            read_sheets(path)
        assert len(str(caught.value)) < 400
        assert str(caught.value).isprintable()
