"""Texts as people keep them to rows of cells: separators, quotes, comments, drawn tables, spaces."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaresp.errors import UnreadableFile
from metaresp.read.files import read_sheets

ROWS = (("study", "events", "n"), ("Xu 2012", "13", "18"), ("Li et al 2013", "4", "7"))
NUMBERED = (ROWS[0], ("1", *ROWS[1]), ("2", *ROWS[2]))


def rows(text):
    """Return the rows of a text that hold any cell, cells trimmed."""
    (sheet,) = read_sheets(io.StringIO(text))
    trimmed = (tuple(cell.strip() for cell in row) for row in sheet.rows)
    return tuple(row for row in trimmed if any(row))


TEXTS = {
    "comma": "study,events,n\nXu 2012,13,18\nLi et al 2013,4,7\n",
    "semicolon": "study;events;n\nXu 2012;13;18\nLi et al 2013;4;7",
    "full-width comma": "study，events，n\nXu 2012，13，18\nLi et al 2013，4，7",
    "colon": "study:events:n\nXu 2012:13:18\nLi et al 2013:4:7",
    "old Mac": "study\tevents\tn\rXu 2012\t13\t18\rLi et al 2013\t4\t7\r",
    "quotes": 'study,events,n\n"Xu 2012","13","18"\n\'Li et al 2013\',4,7\n',
    "spaces about quotes": 'study, events, n\n"Xu 2012" , 13, 18\n "Li et al 2013", 4, 7\n',
    "wide": "study          events   n\nXu 2012            13  18\nLi et al 2013       4   7\n",
    "words": "study events n\nXu 2012 13 18\nLi et al 2013 4 7\n",
    "quoted words": '"study" "events" "n"\n"Xu 2012" 13 18\n"Li et al 2013" 4 7\n',
    "Markdown": "| study | events | n |\n|:--|--:|--:|\n| Xu 2012 | 13 | 18 |\n| Li et al 2013 | 4 | 7 |\n",
    "PostgreSQL": " study | events | n\n----+----+----\n Xu 2012 | 13 | 18\n Li et al 2013 | 4 | 7\n",
    "drawn": "+--+--+--+\n|study|events|n|\n+==+==+==+\n|Xu 2012|13|18|\n|Li et al 2013|4|7|\n+--+--+--+",
    "boxes": "│study│events│n│\n├─────┼──┼──┤\n│Xu 2012│13│18│\n│Li et al 2013│4│7│\n",
    "directive": "sep=|\nstudy|events|n\nXu 2012|13|18\nLi et al 2013|4|7\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_is_cut_into_its_cells(text):
    assert rows(text) == ROWS


PRINTED = {
    "write.table": '"study" "events" "n"\n"1" "Xu 2012" 13 18\n"2" "Li et al 2013" 4 7\n',
    "write.table sep": '"study","events","n"\n"1","Xu 2012",13,18\n"2","Li et al 2013",4,7\n',
    "print": "          study events  n\n1       Xu 2012     13 18\n2 Li et al 2013      4  7\n",
}


@pytest.mark.parametrize("text", PRINTED.values(), ids=PRINTED)
def test_numbered_rows_have_one_cell_more_than_names(text):
    assert rows(text) == NUMBERED


OTHERS = {
    "decimal commas": ("study;n;age\nXu;18;61,5\nLi;7;58,2", ("study", "n", "age"), ("Xu", "18", "61,5")),
    "commas in labels": ("study\tn\nXu, 2012\t18\nLi, 2013\t7", ("study", "n"), ("Xu, 2012", "18")),
    "pasted cells": (
        "Study\tORR, n/N (%)\nXu 2012\t13/18 (72.2)\nLi 2013\t4/7 (57.1)",
        ("Study", "ORR, n/N (%)"),
        ("Xu 2012", "13/18 (72.2)"),
    ),
    "thousands": ("study;n\nXu;1 234\nLi;5 678", ("study", "n"), ("Xu", "1 234")),
    "one column": ("orr\n13 / 18\n4 / 7", ("orr",), ("13 / 18",)),
    "one column of words": ("Response rate\n13 of 18\n4 of 7", ("Response rate",), ("13 of 18",)),
    "fractions": ("study ORR\nXu 13/18 (72.2%)\nLi 4/7 (57.1%)", ("study", "ORR"), ("Xu", "13/18 (72.2%)")),
    "intervals": (
        "Study        Rate (95% CI)          N\nXu 2012      72.2 (46.5, 90.3)     18\n",
        ("Study", "Rate (95% CI)", "N"),
        ("Xu 2012", "72.2 (46.5, 90.3)", "18"),
    ),
    "names in front": ("events n\nXu 13 18\nLi 4 7", ("events", "n"), ("Xu", "13", "18")),
    "quoted newline": ('study,n\n"Xu\n2012",18\nLi,7', ("study", "n"), ("Xu\n2012", "18")),
    "apostrophes": ("study,n\nO'Neil,18\n't Hooft,7", ("study", "n"), ("O'Neil", "18")),
}


@pytest.mark.parametrize(("text", "names", "first"), OTHERS.values(), ids=OTHERS)
def test_cells_are_kept_whole(text, names, first):
    assert rows(text)[:2] == (names, first)


AROUND = [
    ("# made by, me; today\n# a,b\n", "# end, of, it\n"),
    ("Response rates, all trials, 2020\nSource: registry\n\n", "\nNote: CR only, by RECIST, page 4\n"),
    ("% x, y\n", '"Events" are responders, see text\n'),
    ("// x | y\n\n\n", "* one; two; three\n"),
]


@pytest.mark.parametrize(("above", "beneath"), AROUND)
@pytest.mark.parametrize("separator", [";", "\t", ",", "|"])
def test_lines_around_a_table_do_not_choose_the_separator(above, beneath, separator):
    table = "\n".join(separator.join(row) for row in ROWS)
    assert [row for row in rows(f"{above}{table}\n{beneath}") if row in ROWS] == list(ROWS)


def test_blank_rows_are_counted():
    (sheet,) = read_sheets(io.StringIO("\n\nstudy,n\n\nXu,18\n\n\n"))
    assert sheet.rows == ((), (), ("study", "n"), (), ("Xu", "18"))
    assert sheet.decimal == "."


def test_a_cell_that_lacks_under_spaces_is_placed_or_refused():
    wide = "study      arm    events    n\nXu 2012    A          13   18\n           B           4    7\n"
    assert rows(wide)[2] == ("", "B", "4", "7")
    middle = "study      events    n  age\nXu 2012        13   18   61\nLi 2013              7   58\n"
    assert rows(middle)[2] == ("Li 2013", "", "7", "58")
    for text in ("study events n age\nXu 13 18 61\nLi 7 58\n", "study n events\nXu 2012 18 13\nLi 2013 7\n"):
        with pytest.raises(UnreadableFile, match=r"text, row 3: .* the names above have"):
            rows(text)


label = st.text(st.sampled_from("abcXYZ éß,;|:'-()2013"), min_size=1, max_size=12).filter(
    lambda text: text.strip() == text and any(map(str.isalpha, text)) and text[0].isalpha()
)


@given(st.lists(st.tuples(label, st.integers(0, 99), st.integers(100, 999)), min_size=1, max_size=8),
       st.sampled_from(",;\t|"), st.booleans())  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_what_a_program_writes_comes_back(studies, separator, always):
    import csv

    out = io.StringIO()
    writer = csv.writer(
        out, delimiter=separator, quoting=csv.QUOTE_NONNUMERIC if always else csv.QUOTE_MINIMAL
    )
    writer.writerow(["study", "events", "n"])
    writer.writerows(studies)
    (sheet,) = read_sheets(io.StringIO(out.getvalue()))
    assert sheet.rows[1:] == tuple((name, str(events), str(n)) for name, events, n in studies)
