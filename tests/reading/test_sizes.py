"""Large tables: work by columns and distinct values, the same answers as cell by cell; bounds."""

import io
from collections import Counter
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaresp.errors import InvalidStudies, UnreadableFile
from metaresp.read import cells, column_cells, rows, text, writing
from metaresp.read.body import Body
from metaresp.read.sheet import EvenRows
from metaresp.studies import Studies, read_studies

NAMES = ("Xu", "Müller", "O'Brien", "Lee-Kim", "李", "Smith, J", "Dupont")
WORDS = (
    *NAMES,
    *("Total", "total", "Totals", "Overall", "Subtotal East", "gesamt", "Gesamtsumme", "Ansprechsumme", "Σ"),
    *(
        "合计",
        "Подытог",
        "Mean",
        "all",
        "Wallace",
        "EventsTotal",
        "n",
        "N=3",
        "no: 4",
        "ca. 5",
        "Circa",
        "under",
    ),
    *("not reported", "NA", "nr", "K.A.", "non rapporté", "2012", "13*", "(n = 40)", "1,5", "7.5", "-", "—"),
    *("at leaſt 5", "cırca 5", "É", "\u200bXu", "Xu\n13", "a b", "5 patients", "cases", "13/18", "13 (72%)"),
)
labels = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
column = st.lists(labels | st.text(max_size=8), min_size=1, max_size=12)


def table(count, label="Study {}"):
    lines = [f"{label.format(i)},{i * 7 % 20},{20 + i % 10}" for i in range(count)]
    return "\n".join(["study,events,n", *lines, ""])


def read(content, **options):
    return read_studies(io.StringIO(content), **options)


@pytest.fixture
def calls(monkeypatch):
    """Counts how often the functions that look at one cell or one label are called."""
    found = Counter()

    def counted(name, function, *args, **kwargs):
        found[name] += 1
        return function(*args, **kwargs)

    for module, name in (
        (column_cells, "read_cell"),
        (rows, "says_total"),
        (rows, "led_by_total"),
        (cells, "label_text"),
        (cells, "as_value"),
        (cells, "clean"),
    ):
        monkeypatch.setattr(module, name, partial(counted, name, getattr(module, name)))
    return found


@pytest.mark.parametrize("label", ["Study {}", "Müller {}", "O'Brien {}", '"Smith, J {}"', "Wallace 2012 {}"])
def test_rows_cost_no_look_of_their_own(calls, label):
    read(table(300, label))
    few = dict(calls)
    calls.clear()
    assert len(read(table(6000, label))) == 6000
    assert dict(calls) == few


def test_only_what_is_unusual_is_looked_at(calls):
    content = table(3000)
    read(content)
    usual = dict(calls)
    calls.clear()
    unusual = content.replace("Study 17,", "Total response trial,").replace("Study 18,", "n = 5,")
    assert read(unusual).study[17:19] == ("Total response trial", "n = 5")
    assert 0 < calls["says_total"] <= 4
    assert calls["read_cell"] <= usual["read_cell"] + 2


def test_frames_and_workbook_cells_are_read_by_value(calls):
    for count in (200, 4000):
        calls.clear()
        frame = {
            "study": [f"Study {i}" for i in range(count)],
            "events": [3] * count,
            "n": [9, 10] * (count // 2),
        }
        assert len(Studies.from_frame(frame)) == count
        assert calls["read_cell"] <= 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.integers(0, 20), st.integers(20, 40)), min_size=6, max_size=40
    )
)
def test_a_table_is_its_parts(studies):
    studies = [(f'"{name} {i}"', x, n) for i, (name, x, n) in enumerate(studies)]

    def of(part):
        lines = [",".join(map(str, study)) for study in part]
        found = read("\n".join(["study,events,n", *lines, ""]), totals="keep")
        return list(zip(found.study, found.events.tolist(), found.n.tolist(), strict=True))

    assert of(studies) == [study for i in range(0, len(studies), 3) for study in of(studies[i : i + 3])]


@given(column)
def test_columns_are_read_as_their_cells(texts):
    raw = [*texts, None] if len(texts) % 2 else texts
    assert cells.clean_column(raw) == list(map(cells.clean, raw))
    assert cells.label_texts(raw) == list(map(cells.label_text, raw))
    assert cells.values_of(raw) == list(map(cells.as_value, raw))
    numbers = [1, 2, None, 10**16, 3.5, float("nan"), True, np.int64(4)]
    mixed = [*texts, *numbers]
    assert list(map(repr, cells.values_of(mixed))) == list(map(repr, map(cells.as_value, mixed)))
    for whole in ([3, 10**16], [-(10**16), 3], [1, 2]):
        assert cells.values_of(whole) == list(map(cells.as_value, whole))
    barred = [*texts, "a|", "| b", "c |d"]
    assert cells.clean_column(barred) == list(map(cells.clean, barred))
    assert cells.label_texts(barred) == list(map(cells.label_text, barred))


@given(labels | st.text(max_size=12), st.sampled_from([".", ",", ""]))
def test_what_is_told_to_be_words_is_no_number(label, decimal):
    label = cells.clean(label)
    if not label or not writing.is_prose(label):
        return
    assert writing._written(label, decimal) == writing.read_cell(label, decimal)
    assert writing.read_cell(label, decimal).kind == "other"


@given(column, st.sampled_from([".", ","]))
def test_words_of_a_column_are_those_of_its_cells(texts, decimal):
    values = [cell for cell in map(cells.clean, texts) if cell]
    read_ = column_cells.Cells(values, decimal)
    words = set(values) if read_.words is None else read_.words
    assert words == {value for value in values if writing.is_prose(value)}
    said, count = read_.times(range(len(values)))
    kinds = Counter(writing.read_cell(value, decimal).kind for value in values)
    found = Counter({"other": count})
    for cell, times in said.items():
        found[cell.kind] += times
    assert +found == kinds


@given(column)
def test_no_total_is_overlooked(texts):
    total = {label for label in texts if rows.says_total(label) or rows.led_by_total(label)}
    assert total <= rows.may_say_total(texts)


@given(
    st.lists(
        st.lists(
            st.sampled_from(
                ["Xu", "O'Brien", '"Li, J"', '"a ""b"""', "'Ma'", '5" gun', "", " 3", "13", '"7"', "# c"]
            ),
            min_size=1,
            max_size=4,
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([",", ";", "\t"]),
)
def test_lines_are_cut_together_as_one_by_one(lines, separator):
    content = [separator.join(line) for line in lines]

    def cut(function):
        try:
            found = [list(map(cells.clean, row)) for row in function(content, separator, "text", 1)]
        except UnreadableFile as error:
            return str(error)
        return [row if any(row) else [None] for row in found]  # how many blank cells a row has is no matter

    assert cut(text._rows) == cut(text._cut_rows)


@given(
    st.lists(st.lists(st.sampled_from(["", "x", "y ", "#"]), min_size=3, max_size=3), min_size=1, max_size=5)
)
def test_even_rows_are_rows(lines):
    plain = tuple(map(tuple, lines))
    even = EvenRows(list(zip(*lines, strict=True)))
    assert even == plain
    assert (len(even), even[0], even[1:]) == (len(plain), plain[0], plain[1:])
    one, other = (Body.beneath(found, 0, 4, "text") for found in (even, plain))
    assert (list(one.numbers), one.columns) == (list(other.numbers), other.columns)


def test_an_empty_cell_behind_a_quoted_one_stays_a_cell():
    studies = read('study\tarm\tevents\tn\nO\'Brien\t"A"\t\t1\nXu\t"B"\t3\t9\n', missing="drop")
    assert (studies.study, studies.excluded[0].n) == (("Xu",), 1)


def test_what_no_table_of_studies_is_ends_in_a_line(monkeypatch):
    monkeypatch.setattr(text, "MAX_LINES", 50)
    with pytest.raises(UnreadableFile, match=r"^text has more than 50 lines: that is no table of studies$"):
        read("study,events,n\nXu,3,9\n" + "\n" * 60 + "Li,3,9\n")
    monkeypatch.undo()
    heads = ",".join(f"v{i}" for i in range(30_000))
    with pytest.raises(InvalidStudies, match=r"^text: 1,500 rows of 30,003 columns are more than"):
        read(f"study,events,n,{heads}\n" + "Xu,3,9\n" * 1500)
    records = ",".join(f'{{"study": "S{i}", "k{i}": 1}}' for i in range(8000))
    with pytest.raises(InvalidStudies, match=r"^text: 8,000 rows of 8,001 columns are more than"):
        read(f"[{records}]")


def test_blank_rows_are_no_cells():
    studies = read("study,events,n\nXu,3,9\n" + "\n" * 9000 + "Li,4,9\n")
    assert studies.study == ("Xu", "Li")
