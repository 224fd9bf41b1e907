"""Broken files, workbooks, parquet, JSON and frames; and whatever bytes come."""

import datetime
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metaresp.errors import (
    InvalidArgument,
    InvalidStudies,
    MetaRespError,
    MissingDependency,
    UnknownName,
    UnreadableFile,
)
from metaresp.studies import Studies, read_studies

EXPECTED = Studies([13, 4], [18, 7], ["Xu 2012", "Li 2013"], {"dose": [4.5, 10.0]})
PLAIN = "study,events,n,dose\nXu 2012,13,18,4.5\nLi 2013,4,7,10\n"


@pytest.fixture
def write(tmp_path):
    def write(content, name="trials.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return write


def test_options_of_other_formats_are_refused(write, tmp_path):
    with pytest.raises(InvalidArgument, match="sheet=1 has no meaning"):
        read_studies(write(PLAIN), sheet=1)
    workbook(tmp_path / "a.xlsx", ("one", [["events", "n"], [1, 2]]))
    with pytest.raises(InvalidArgument, match="encoding='utf-8' has no meaning"):
        read_studies(tmp_path / "a.xlsx", encoding="utf-8")


def workbook(path, *sheets, formats=None):
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        for cell, number_format in (formats or {}).items():
            sheet[cell].number_format = number_format
    book.save(path)
    return path


# ---- broken files -----------------------------------------------------------------------------------

BROKEN = {
    "empty": ("trials.csv", b"", UnreadableFile, "is empty"),
    "blank": ("trials.csv", b" \n\n ,, \n", InvalidStudies, "is empty"),
    "only a mark": ("trials.csv", b"\xef\xbb\xbf", InvalidStudies, "is empty"),
    "header only": (
        "trials.csv",
        b"study,events,n\n",
        InvalidStudies,
        "header in row 1 ('study', 'events', 'n') but",
    ),
    "ragged": (
        "trials.csv",
        b"study,events,n\nXu, 2012,13,18\n",
        InvalidStudies,
        "row 2: 4 cells, but the header has 3",
    ),
    "open quote": (
        "trials.csv",
        b'study,events,n\n"Xu,13,18\n',
        UnreadableFile,
        "quotation mark is opened and never closed",
    ),
    "text after a quote": (
        "trials.csv",
        b'study,events,n\nA,1,9\n"Xu"x,1,9\n',
        UnreadableFile,
        "row 3: text stands beside",
    ),
    "zero bytes": ("trials.csv", b"study,events,n\nA,1\x00,9\n", UnreadableFile, "not text"),
    "undecodable": (
        "trials.csv",
        b"study,events,n\n" + bytes(range(128, 256)) + b",1,9\n",
        UnreadableFile,
        "encoding=",
    ),
    "half of utf-16": ("trials.csv", b"\xff\xfes", UnreadableFile, "not text in utf-16"),
    "workbook in disguise": ("trials.csv", b"PK\x03\x04rest", UnreadableFile, "damaged workbook or zip file"),
    "parquet in disguise": (
        "trials.csv",
        b"PAR1rest",
        UnreadableFile,
        "trials.csv is not a readable parquet file",
    ),
    "no workbook": (
        "trials.xlsx",
        b"PK\x03\x04rest",
        UnreadableFile,
        "trials.xlsx is a damaged workbook",
    ),
    "no parquet": (
        "trials.parquet",
        b"study,events,n\n",
        UnreadableFile,
        "trials.parquet is not a readable parquet file",
    ),
    "no json": ("trials.json", b"study,events,n\n", UnreadableFile, "trials.json is not JSON: line 1"),
    "deep json": ("trials.json", b"[" * 100_000, UnreadableFile, "not JSON"),
    "json number": ("trials.json", b"13", InvalidStudies, "it must be a list of records"),
    "json of numbers": ("trials.json", b"[13]", InvalidStudies, "record 1: 13 is not a record"),
    "empty json": ("trials.json", b"[]", InvalidStudies, "no record"),
    "empty json object": ("trials.json", b"{}", InvalidStudies, "no record"),
    "json scalars": (
        "trials.json",
        b'{"events": 13, "n": 18}',
        InvalidStudies,
        "key 'events': 13 is not a column",
    ),
    "json lengths": (
        "trials.json",
        b'{"events": [13], "n": [18, 2]}',
        InvalidStudies,
        "differ in length (events has 1, n has 2)",
    ),
    "unknown ending": ("trials.doc", b"x", UnreadableFile, ".doc is not known, use one of .csv"),
    "no ending": ("trials", b"x", UnreadableFile, "no ending is not known"),
}


@pytest.mark.parametrize(("name", "content", "kind", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_told(write, name, content, kind, words):
    with pytest.raises(kind) as caught:
        read_studies(write(content, name))
    assert words in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_no_such_file(tmp_path, write):
    write(PLAIN, "trials.csv")
    with pytest.raises(UnreadableFile, match=r"does not exist; did you mean 'trials.csv'"):
        read_studies(tmp_path / "trails.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UnreadableFile, match="is a directory"):
        read_studies(tmp_path / "folder.csv")
    with pytest.raises(MetaRespError):
        read_studies(str(tmp_path / "a\x00b.csv"))
    for path in (None, 13, b"trials.csv", [PLAIN]):
        with pytest.raises(InvalidArgument, match="path must be a file name"):
            read_studies(path)


# ---- workbooks, parquet, JSON, frames ---------------------------------------------------------------

ROWS = [["study", "events", "n", "dose"], ["Xu 2012", 13, 18, 4.5], [], ["Li 2013", 4, 7, 10.0], [None, None]]


def test_workbook(tmp_path):
    path = workbook(tmp_path / "trials.xlsx", ("first", ROWS), ("second", [["orr"], ["1/2"]]))
    with pytest.raises(InvalidStudies, match="2 sheets hold studies: say which, as in sheet='first'"):
        read_studies(path)
    read = read_studies(path, sheet=0)
    assert read.study == EXPECTED.study
    assert read.events.tolist() == [13, 4]
    assert read.covariates["dose"] == (4.5, 10)
    assert read_studies(path, sheet="second").n.tolist() == [2]
    assert read_studies(path, sheet=-1).n.tolist() == [2]
    for sheet in ("secnod", 2):
        with pytest.raises(UnknownName, match="it has 'first', 'second'"):
            read_studies(path, sheet=sheet)
    with pytest.raises(InvalidArgument, match="sheet="):
        read_studies(path, sheet=True)


def test_a_stray_cell_at_the_end_of_a_sheet_costs_nothing(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    for row in ROWS:
        book.active.append(row)
    book.active.cell(200_000, 2).value = " "
    book.save(tmp_path / "long.xlsx")
    assert read_studies(tmp_path / "long.xlsx").n.tolist() == [18, 7]


@given(st.integers(0, 10**6), st.integers(0, 255), st.sampled_from(["xlsx", "parquet"]))
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_raises_nothing_of_its_own(tmp_path_factory, place, byte, ending):
    folder = tmp_path_factory.getbasetemp()
    whole = folder / f"whole.{ending}"
    if not whole.exists():
        if ending == "xlsx":
            workbook(whole, ("s", ROWS))
        else:
            EXPECTED.to_frame().to_parquet(whole)
    data = bytearray(whole.read_bytes())
    data[place % len(data)] = byte
    (folder / f"damaged.{ending}").write_bytes(bytes(data))
    studies, told = outcome(lambda: read_studies(folder / f"damaged.{ending}"))
    assert studies is not None or told


def test_workbook_traps(tmp_path):
    date = workbook(
        tmp_path / "date.xlsx", ("s", [["study", "orr"], ["A", "1/9"], ["B", datetime.datetime(2026, 7, 4)]])
    )
    with pytest.raises(InvalidStudies, match=r"row 3, column 'orr': 2026-07-04 .* is a date"):
        read_studies(date)
    truth = workbook(tmp_path / "truth.xlsx", ("s", [["events", "n"], [True, 9]]))
    with pytest.raises(InvalidStudies, match="row 2, column 'events': True is a truth value"):
        read_studies(truth)
    formula = workbook(tmp_path / "formula.xlsx", ("s", [["events", "n"], ["=1+1", 9]]))
    with pytest.raises(InvalidStudies, match=r"row 2, column 'events': .*=1\+1"):
        read_studies(formula)
    floats = workbook(tmp_path / "floats.xlsx", ("s", [["events", "n"], ["13", 18.0], [3.5, 9]]))
    with pytest.raises(InvalidStudies, match=r"row 3, column 'events': 3\.5 is not a whole number"):
        read_studies(floats)
    empty = workbook(tmp_path / "empty.xlsx", ("s", []))
    with pytest.raises(InvalidStudies, match=r"empty.xlsx.* is empty"):
        read_studies(empty)


@pytest.mark.parametrize(
    ("value", "shown"), [(0.722, "0.0%"), (0.72, "0%"), (13 / 18, "0.0%"), ("72.2%", "General")]
)
def test_percentages_of_a_workbook_are_those_shown(tmp_path, value, shown):
    rows = [["study", "n", "ORR"], ["A", 18, value]]
    path = workbook(tmp_path / "trials.xlsx", ("s", rows), formats={"C2": shown})
    assert read_studies(path).events.tolist() == [13]


def test_parquet(tmp_path):
    frame = pd.DataFrame(
        {"trial": ["A", "B"], "r": pd.array([13, None], dtype="Int64"), "n": [18, 10**9], "year": [1.5, None]}
    )
    frame.to_parquet(tmp_path / "trials.parquet")
    read = read_studies(tmp_path / "trials.parquet", missing="drop")
    assert read == Studies([13], [18], ["A"], {"year": [1.5]}, excluded=read.excluded)
    assert (read.excluded[0].n, read.excluded[0].row) == (10**9, 2)
    frame["r"] = [13.5, 2]
    frame.to_parquet(tmp_path / "trials.parquet")
    with pytest.raises(
        InvalidStudies, match=r"trials.parquet, record 1, column 'r': 13.5 is not a whole number"
    ):
        read_studies(tmp_path / "trials.parquet")


JSONS = {
    "records": [{"study": "A", "events": 13, "n": 18, "dose": 1.5}, {"study": "B", "events": 4, "n": 7}],
    "columns": {"study": ["A", "B"], "events": [13, 4], "n": [18, 7], "dose": [1.5, None]},
    "frame": {
        "study": {"0": "A", "1": "B"},
        "events": {"0": 13, "1": 4},
        "n": {"0": 18, "1": 7},
        "dose": {"0": 1.5},
    },
    "fractions": [{"study": "A", "orr": "13/18", "dose": 1.5}, {"study": "B", "orr": "4/7", "dose": None}],
}


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("content", JSONS.values(), ids=JSONS)
def test_json(write, content, wrap):
    path = write(json.dumps({"studies": content} if wrap else content), "trials.json")
    assert read_studies(path) == Studies([13, 4], [18, 7], ["A", "B"], {"dose": [1.5, None]})


def test_json_traps(write):
    for events, words in [
        ("true", "truth value"),
        ("1.5", "whole"),
        ("[1]", "number"),
        ("NaN", "missing"),
        ("1e400", "finite"),
    ]:
        with pytest.raises(InvalidStudies, match=f"trials.json, record 1, column 'events': .*{words}"):
            read_studies(write(f'[{{"events": {events}, "n": 9}}]', "trials.json"))
    surrogate = read_studies(write('[{"study": "\\ud800", "events": 1, "n": 9}]', "trials.json"))
    assert surrogate.study == ("\ufffd",)


def test_frames():
    frame = pd.DataFrame(
        {"trial": ["A", "B"], "r": [13.0, 4.0], "n": [18, 7], "year": pd.array([2001, None], dtype="Int64")}
    )
    expected = Studies([13, 4], [18, 7], ["A", "B"], {"year": [2001, None]})
    assert Studies.from_frame(frame) == expected
    assert Studies.from_frame(frame.set_index("trial")) == expected
    assert Studies.from_frame(frame.to_dict("list")) == expected
    assert Studies.from_frame(frame.astype({"trial": "category"})) == expected
    frame.index = [7, 9]
    frame["r"] = [13.0, np.nan]
    with pytest.raises(InvalidStudies, match="data frame, index 9, column 'r': events are missing"):
        Studies.from_frame(frame)
    dropped = Studies.from_frame(frame, missing="drop")
    assert [(e.study, e.row) for e in dropped.excluded] == [("B", 9)]
    for wrong in (13, "trials.csv", None, [1, 2]):
        with pytest.raises(InvalidArgument, match="must be a data frame"):
            Studies.from_frame(wrong)


def test_frame_of_odd_columns():
    frame = pd.DataFrame([[13, 18, "a", "b"]], columns=["x", "n", "note", "note"])
    assert dict(Studies.from_frame(frame).covariates) == {"note": ("a",), "note (2)": ("b",)}
    times = pd.DataFrame(
        {"x": [1], "n": [9], "day": [pd.Timestamp("2026-07-04")], "gone": [pd.NaT], "yes": [True]}
    )
    assert dict(Studies.from_frame(times).covariates) == {
        "day": ("2026-07-04",),
        "gone": (None,),
        "yes": ("True",),
    }
    with pytest.raises(InvalidStudies, match="column 'dose': inf is not finite"):
        Studies.from_frame({"x": [1], "n": [9], "dose": [np.inf]})


NEEDS = {
    "trials.xlsx": ("openpyxl", "openpyxl"),
    "trials.parquet": ("pyarrow", '"metaresp[parquet]"'),
    "trials.ods": ("python_calamine", '"metaresp[files]"'),
    "trials.sav": ("pyreadstat", '"metaresp[files]"'),
}


@pytest.mark.parametrize(("name", "package", "install"), [(name, *need) for name, need in NEEDS.items()])
def test_a_missing_package_is_named_with_what_installs_it(
    write, tmp_path, monkeypatch, name, package, install
):
    content = b"\x00\x01"
    if name.endswith("xlsx"):
        content = workbook(tmp_path / "a.xlsx", ("s", ROWS)).read_bytes()
    for module in [module for module in sys.modules if module.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependency) as caught:
        read_studies(write(content, name))
    assert f"pip install {install}" in str(caught.value)


def test_reading_text_loads_nothing_heavy(write):
    path = write(PLAIN)
    code = (
        "import sys, metaresp as mr; mr.read_studies(sys.argv[1]);"
        "print(sorted({'pandas', 'matplotlib', 'statsmodels', 'openpyxl', 'pyarrow',"
        "'python_calamine', 'pyreadstat'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# ---- whatever bytes come ----------------------------------------------------------------------------


def outcome(call):
    """Return the studies, or the text of the package's own error; any other error fails the test."""
    try:
        return call(), ""
    except MetaRespError as error:
        return None, str(error)


pieces = st.sampled_from(
    [b"study", b"events", b"n", b"orr", b"pct", b",", b";", b"\t", b"|", b"\n", b"\r\n", b"\r", b'"', b"'",
     b"13", b"18", b"13/18", b"(72.2%)", b"72,2", b"-1", b"1.5", b"1,234", b"1e999", b"NaN", b"inf", b"",
     b" ", b"\xa0", b"\xc2\xa0", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\x81", b"=1+1", b"True", b"null",
     b"[", b"]", b"{", b"}", b":", b"PAR1"]
)  # fmt: skip
content = st.one_of(st.binary(max_size=200), st.lists(pieces, max_size=60).map(b"".join))
table = st.lists(
    st.lists(
        st.one_of(pieces, st.integers(-2, 30).map(lambda i: str(i).encode())), min_size=3, max_size=3
    ).map(b",".join),
    min_size=1,
    max_size=5,
).map(lambda rows: b"study,events,n\n" + b"\n".join(rows))


@given(
    st.one_of(content, table),
    st.sampled_from([".csv", ".tsv", ".txt", ".json", ".xlsx", ".parquet"]),
    st.booleans(),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_bytes_raise_nothing_of_their_own(tmp_path, data, ending, drop):
    path = tmp_path / f"fuzz{ending}"
    path.write_bytes(data)
    studies, told = outcome(lambda: read_studies(path, missing="drop" if drop else "raise"))
    if studies is None:
        assert 0 < len(told) < 3000
    else:
        assert ((studies.events >= 0) & (studies.events <= studies.n) & (studies.n >= 1)).all()
        assert Studies.from_dict(json.loads(studies.to_json())) == studies


cell = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates(),
    st.binary(max_size=3), st.sampled_from(["13/18", "1,2", "5%", "NA", pd.NA, pd.NaT, 3, 9, [1], {}]),
)  # fmt: skip


@given(
    st.lists(st.tuples(cell, cell, cell, cell), min_size=1, max_size=4),
    st.permutations(["study", "events", "n", "orr"]),
)
@settings(max_examples=100, deadline=None)
def test_random_frames_raise_nothing_of_their_own(rows, names):
    frame = pd.DataFrame(rows, columns=names, dtype=object)
    studies, told = outcome(lambda: Studies.from_frame(frame, missing="drop"))
    if studies is None:
        assert told
    else:
        assert Studies.from_dict(json.loads(studies.to_json())) == studies
