"""Cells that are merged downwards stand for each of their rows; blank cells stay blank."""

import pytest
from openpyxl import Workbook

import metaresp as mr

HEAD = ["Study", "Region", "Events", "N"]
ROWS = [["Xu", "Asia", 13, 18], ["Li", None, 4, 7], ["Hu", "Europe", 9, 15], ["Ha", None, 3, 9]]


def book(path, rows, merged):
    made = Workbook()
    for row in rows:
        made.active.append(row)
    for cells in merged:
        made.active.merge_cells(cells)
    made.save(path)
    return path


def test_merged_groups_are_filled_downwards(tmp_path):
    path = book(tmp_path / "a.xlsx", [HEAD, *ROWS], ["B2:B3", "B4:B5"])
    studies = mr.read_studies(path)
    assert list(studies.covariates["Region"]) == ["Asia", "Asia", "Europe", "Europe"]
    assert studies.source.notes == ("Merged cells of 'Region' were filled downwards.",)


def test_blank_cells_that_are_not_merged_stay_blank(tmp_path):
    path = book(tmp_path / "a.xlsx", [HEAD, *ROWS], ["B2:B3"])
    assert list(mr.read_studies(path).covariates["Region"]) == ["Asia", "Asia", "Europe", None]


def test_merged_labels_are_joined_with_the_arm(tmp_path):
    rows = [["Study", "Arm", "Events", "N"], ["Xu 2012", "A", 13, 18], [None, "B", 4, 7], ["Hu", "A", 9, 15]]
    path = book(tmp_path / "a.xlsx", rows, ["A2:A3"])
    assert list(mr.read_studies(path).study) == ["Xu 2012 A", "Xu 2012 B", "Hu A"]


def test_years_are_filled_and_counts_are_not(tmp_path):
    rows = [
        ["Study", "Year", "Events", "N"],
        ["Xu", 2012, 13, 18],
        ["Li", None, 4, None],
        ["Hu", 2014, 9, 15],
    ]
    path = book(tmp_path / "a.xlsx", rows, ["B2:B3", "D2:D3"])
    with pytest.raises(mr.InvalidStudies, match="row 3, column 'N': n is missing"):
        mr.read_studies(path)
    rows[2][3] = 7
    path = book(tmp_path / "b.xlsx", rows, ["B2:B3"])
    assert list(mr.read_studies(path).covariates["Year"]) == [2012, 2012, 2014]


def test_cells_of_a_page_that_span_rows(tmp_path):
    lines = [HEAD, ROWS[0], [ROWS[1][0], *ROWS[1][2:]], ROWS[2], [ROWS[3][0], *ROWS[3][2:]]]
    spans = {"Asia", "Europe"}
    cells = "".join(
        "<tr>" + "".join(f"<td{' rowspan=2' if c in spans else ''}>{c}</td>" for c in line) + "</tr>"
        for line in lines
    )
    path = tmp_path / "a.html"
    path.write_text(f"<html><body><table>{cells}</table></body></html>")
    studies = mr.read_studies(path)
    assert list(studies.covariates["Region"]) == ["Asia", "Asia", "Europe", "Europe"]
    assert studies.n.tolist() == [18, 7, 15, 9]


def test_cells_of_an_open_document_that_span_rows(tmp_path):
    odf = pytest.importorskip("odf.opendocument")
    from odf.table import CoveredTableCell, Table, TableCell, TableRow
    from odf.text import P

    made = odf.OpenDocumentSpreadsheet()
    table = Table(name="S")
    for row in [HEAD, *ROWS]:
        line = TableRow()
        for value in row:
            kind = (
                {"valuetype": "float", "value": value} if isinstance(value, int) else {"valuetype": "string"}
            )
            span = {"numberrowsspanned": 2, "numbercolumnsspanned": 1} if value in {"Asia", "Europe"} else {}
            cell = CoveredTableCell() if value is None else TableCell(**kind, **span)
            if value is not None:
                cell.addElement(P(text=str(value)))
            line.addElement(cell)
        table.addElement(line)
    made.spreadsheet.addElement(table)
    made.save(tmp_path / "a.ods")
    studies = mr.read_studies(tmp_path / "a.ods")
    assert list(studies.covariates["Region"]) == ["Asia", "Asia", "Europe", "Europe"]
