"""Text files to studies: every way a cell can be written, and every way it can be wrong."""

import pytest

from metaresp.errors import InvalidArgument, InvalidStudies, UnknownName, UnreadableFile
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


# ---- text files -------------------------------------------------------------------------------------

TEXTS = {
    "plain": PLAIN,
    "windows line ends": PLAIN.replace("\n", "\r\n"),
    "old mac line ends": PLAIN.replace("\n", "\r"),
    "no last line end": PLAIN.rstrip(),
    "semicolons and decimal commas": "study;events;n;dose\nXu 2012;13;18;4,5\nLi 2013;4;7;10\n",
    "tabs": PLAIN.replace(",", "\t"),
    "bars": PLAIN.replace(",", " | "),
    "quotes": '"study","events","n","dose"\n"Xu 2012","13","18","4.5"\n"Li 2013","4","7","10"\n',
    "blank lines": "\n\nstudy,events,n,dose\n\nXu 2012,13,18,4.5\n,,,\n  ,\nLi 2013,4,7,10\n\n\n",
    "stray spaces": " study , events,n ,dose\n  Xu 2012 , 13 ,18, 4.5\nLi 2013\u00a0,\u00a04,\u202f7,10 \n",
    "no-break space inside": PLAIN.replace("Xu 2012", "Xu\u00a02012"),
    "empty columns": "study,events,n,dose,,\nXu 2012,13,18,4.5,,\nLi 2013,4,7,10,,\n,,,,,\n",
    "sep directive": "sep=;\nstudy;events;n;dose\nXu 2012;13;18;4,5\nLi 2013;4;7;10\n",
    "whole floats": "study,events,n,dose\nXu 2012,13.0,18.0,4.5\nLi 2013,4.0,7,10\n",
    "upper case": PLAIN.replace("study,events,n", "STUDY,Events,N"),
    "fractions": "trial,orr,dose\nXu 2012,13/18,4.5\nLi 2013,4 / 7,10\n",
    "fractions and percentages": "trial,orr,dose\nXu 2012,13/18 (72.2%),4.5\nLi 2013,4 of 7 (57%),10\n",
    "decimal comma percentages": 'trial;response;dose\nXu 2012;13/18 (72,2 %);4,5\nLi 2013;"4/7; 57,1%";10\n',
    "percentage first": "trial,orr,dose\nXu 2012,72.2% (13/18),4.5\nLi 2013,57% [4/7],10\n",
    "percentage with its interval": (
        'label,orr,dose\nXu 2012,"13/18 (72.2%, 46.5-90.3)",4.5\nLi 2013,4/7 (0.57),10\n'
    ),
    "percent column": "author,n,ORR (%),dose\nXu 2012,18,72.2,4.5\nLi 2013,7,57.1,10\n",
    "percent signs in orr": "author,n,orr,dose\nXu 2012,18,72.2%,4.5\nLi 2013,7,57%,10\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_one_table_in_many_writings(write, text, encoding):
    assert read_studies(write(text.encode(encoding))) == EXPECTED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings_are_told(write, encoding):
    text = "study;events;n;dose\nMüller – 2012;13;18;4,5\nGarcía 2013;4;7;10\n"
    read = read_studies(write(text.encode(encoding)))
    assert read.study == ("Müller – 2012", "García 2013")


def test_encoding_can_be_given(write):
    path = write("study,events,n\nЖуков,13,18\n".encode("cp1251"))
    assert read_studies(path, encoding="cp1251").study == ("Жуков",)
    with pytest.raises(UnreadableFile, match="encoding="):
        read_studies(path, encoding="ascii")
    for unknown in ("no such", "hex", "rot13"):
        with pytest.raises(InvalidArgument, match="encoding="):
            read_studies(path, encoding=unknown)


def test_large_counts_are_exact(write):
    read = read_studies(write("study,events,n\nA,999999999,1000000000\nB,123456789,987654321\n"))
    assert read.n.tolist() == [1_000_000_000, 987_654_321]


THOUSANDS = {
    "space": ("study;events;n\nA;1 234;5 678\n", (1234, 5678)),
    "no-break space": ("study;events;n\nA;1\u00a0234;5\u202f678\n", (1234, 5678)),
    "apostrophe": ("study;events;n\nA;1'234;5'678\n", (1234, 5678)),
    "two groups": ("study;events;n\nA;1.234.567;5.678.901\n", (1234567, 5678901)),
    "quoted in a comma file": ('study,events,n\nA,"1,234","5,678"\n', (1234, 5678)),
    "points beside decimal commas": ("study;events;n;dose\nA;1.234;5.678;4,5\n", (1234, 5678)),
    "commas beside decimal points": ("study;events;n;dose\nA;1,234;5,678;4.5\n", (1234, 5678)),
    "in a fraction": ("study;orr;dose\nA;1.234/5.678;4,5\n", (1234, 5678)),
}


@pytest.mark.parametrize(("text", "counts"), THOUSANDS.values(), ids=THOUSANDS)
def test_thousands_marks(write, text, counts):
    read = read_studies(write(text))
    assert (read.events[0], read.n[0]) == counts


@pytest.mark.parametrize("cell", ["1,234", "1.234"])
def test_a_mark_that_may_be_either_is_an_error(write, cell):
    with pytest.raises(InvalidStudies, match=r"row 2, column 'events': .*thousand or a fraction"):
        read_studies(write(f"study;events;n\nA;{cell};5000\n"))


def test_a_decimal_mark_is_no_thousands_mark(write):
    with pytest.raises(InvalidStudies, match=r"'1.234' is not a whole number"):
        read_studies(write("study,events,n,dose\nA,1.234,5678,4.5\n"))


def test_covariates_are_typed_by_column(write):
    header = "study,events,n,year,dose,note,code,arm\n"
    text = f"{header}A,1,9,2001,1.5,x,01,NA\nB,4,9,,,2,02,none\nC,3,9,2003,1e2,,03,\n"
    covariates = read_studies(write(text)).covariates
    assert dict(covariates) == {
        "year": (2001, None, 2003),
        "dose": (1.5, None, 100.0),
        "note": ("x", "2", None),
        "code": ("01", "02", "03"),
        "arm": (None, "none", None),
    }


def test_rows_are_those_a_spreadsheet_shows(write):
    text = 'study,events,n\n\n"two\nlines",1,9\n\nB,10,9\n'
    with pytest.raises(InvalidStudies, match="row 5, column 'events'"):
        read_studies(write(text))


# ---- columns ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("events", ["events", "Event", "x", "XI", "r", "Responders", "cases"])
@pytest.mark.parametrize("n", ["n", "N", "ni", "Total"])
@pytest.mark.parametrize("study", ["study", "Trial", "AUTHOR", "label"])
def test_columns_are_recognised(events, n, study):
    assert Studies.from_frame({n: [18], events: [13], study: ["A"]}) == Studies([13], [18], ["A"])


def test_named_columns_win(write):
    path = write("study,events,n,foo,bar,trial\nA,1,9,2,8,T\n")
    read = read_studies(path, events="foo", n="bar", study="trial")
    assert (read.events[0], read.n[0], read.study) == (2, 8, ("T",))
    assert list(read.covariates) == ["study (column)", "events (column)", "n (column)"]
    assert dict(read_studies(path, study="trial", covariates=["bar"]).covariates) == {"bar": (8,)}
    assert dict(read_studies(path, study="trial", covariates=[]).covariates) == {}


COLUMN_ERRORS = {
    "two for events": ("x,r,n\n1,2,9\n", {}, InvalidStudies, "columns 'x', 'r' could each hold events"),
    "two for n": ("x,n,total\n1,9,12\n", {}, InvalidStudies, "columns 'n', 'total' could each hold n"),
    "the same name twice": ("x,n,n\n1,9,12\n", {}, InvalidStudies, "n='n (column 2)' or n='n (column 3)'"),
    "given name twice": (
        "x,n,n\n1,9,9\n",
        {"n": "n"},
        InvalidStudies,
        "names several columns: give n='n (column 2)' or",
    ),
    "none for events": (
        "study,n,foo\nA,9,1\n",
        {},
        InvalidStudies,
        "no column holds events among 'study', 'n', 'foo'",
    ),
    "none at all": (
        "a,b\n1,2\n",
        {},
        InvalidStudies,
        "no column holds events or n among 'a', 'b'. Name the columns with events= and n=, or response=",
    ),
    "unknown name": (
        "x,n\n1,9\n",
        {"events": "y"},
        UnknownName,
        "events='y' is no column of trials.csv: it has 'x', 'n'",
    ),
    "nearly the name": ("resp,n\n1,9\n", {"events": "rsep"}, UnknownName, "did you mean 'resp'"),
    "one column for two": ("x,n\n1,9\n", {"events": "x", "n": "x"}, InvalidArgument, "are the same column"),
    "percent without n": ("pct\n50\n", {"percent": "pct"}, InvalidStudies, "needs a column n"),
    "two fractions": (
        "orr,response\n1/2,1/3\n",
        {},
        InvalidStudies,
        "could each hold fractions: say which, as in response=",
    ),
}


@pytest.mark.parametrize(("text", "options", "kind", "words"), COLUMN_ERRORS.values(), ids=COLUMN_ERRORS)
def test_doubt_about_columns_is_an_error(write, text, options, kind, words):
    with pytest.raises(kind) as caught:
        read_studies(write(text), **options)
    assert words in str(caught.value)


# ---- wrong cells ------------------------------------------------------------------------------------

WRONG = {
    "events above n": ("19", "18", "events", "events = 19 is more than n = 18"),
    "negative events": ("-1", "18", "events", "-1 is negative"),
    "fractional events": ("1.5", "18", "events", "'1.5' is not a whole number"),
    "fractional n": ("1", "18.5", "n", "'18.5' is not a whole number"),
    "n of zero": ("0", "0", "n", "n = 0"),
    "negative n": ("0", "-7", "n", "n = -7"),
    "missing events": ("", "18", "events", "events are missing"),
    "missing n": ("3", "NR", "n", "n is missing"),
    "not a number": ("NaN", "18", "events", "events are missing"),
    "infinite": ("inf", "18", "events", "'inf' is not a number"),
    "text": ("many", "18", "events", "'many' is not a number"),
    "truth value": ("True", "18", "events", "'True' is not a number"),
    "formula": ("=1+1", "18", "events", "'=1+1' is not a number"),
    "fraction in the events": ("3/18", "18", "events", "name this column with response="),
    "percent": ("50%", "18", "events", "'50%' is a rate, not a count"),
    "beyond the largest": ("1", "9" * 30, "n", "beyond the largest count"),
    "one beyond the largest": (
        "1",
        "1000000001",
        "n",
        "n = 1000000001 is beyond the largest count, 1000000000",
    ),
    "thousands of digits": ("1", "9" * 5000, "n", "is not a number"),
    "exponent": ("1e2", "180", "events", "'1e2' is not a number"),
    "about": ("<5", "18", "events", "'<5' is no single count (missing='drop'"),
    "range": ("6–7", "18", "events", "'6–7' is no single count"),
}


@pytest.mark.parametrize(("events", "n", "column", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_cell_is_named(write, events, n, column, words):
    path = write(f"study,events,n\nfine,3,9\nwrong,{events},{n}\n")
    with pytest.raises(InvalidStudies) as caught:
        read_studies(path)
    assert f"trials.csv, row 3, column '{column}': " in str(caught.value)
    assert words in str(caught.value)
    assert isinstance(caught.value, ValueError)


BESIDE_FRACTIONS = {
    "complement": ("percent", "27"),
    "another outcome": ("CR (%)", "57.1"),
    "proportion": ("response rate", "0.5"),
    "other count": ("events", "5"),
}


@pytest.mark.parametrize(("head", "cell"), BESIDE_FRACTIONS.values(), ids=BESIDE_FRACTIONS)
def test_what_contradicts_a_fraction_beside_it_is_named(write, head, cell):
    right = {"events": "4", "response rate": "0.571"}.get(head, "57.1")
    path = write(f"study,response,{head}\nfine,4/7,{right}\nwrong,13/18,{cell}\n")
    with pytest.raises(InvalidStudies) as caught:
        read_studies(path)
    assert f"trials.csv, row 3, column {head!r}: {cell!r} contradicts 13/18 = 72.22%" in str(caught.value)
    assert read_studies(path, response="response").events.tolist() == [4, 13]


@pytest.mark.parametrize(("head", "cells"), [("percent", ("57.1", "72.2")), ("events", ("4", "13"))])
def test_what_agrees_with_fractions_is_read_beside_them(write, head, cells):
    path = write(f"study,response,{head}\na,4/7,{cells[0]}\nb,13/18,{cells[1]}\n")
    assert read_studies(path).n.tolist() == [7, 18]


WRONG_FRACTIONS = {
    "contradicting percentage": ("13/18 (72.3%)", "13/18 is 72.22%"),
    "contradicting proportion": ("13/18 (0.73)", "contradicts itself"),
    "percentage above 100": ("13/18 (722%)", "contradicts itself"),
    "above n": ("19/18", "events = 19 is more than n = 18"),
    "of nothing": ("0/0", "n = 0"),
    "negative": ("-1/18", "-1 is negative"),
    "half": ("13/", "is not like 13/18"),
    "three": ("13/18/20", "is not like 13/18"),
    "words": ("thirteen of 18", "is not like 13/18"),
    "fractional": ("1.5/18", "not a whole number"),
    "number": ("13", "is not like 13/18"),
}


@pytest.mark.parametrize(("cell", "words"), WRONG_FRACTIONS.values(), ids=WRONG_FRACTIONS)
def test_a_wrong_fraction_is_named(write, cell, words):
    path = write(f"study,orr\nfine,3/9\n\nwrong,{cell}\nfine too,4/9\n")
    with pytest.raises(InvalidStudies) as caught:
        read_studies(path)
    assert "trials.csv, row 4, column 'orr': " in str(caught.value)
    assert words in str(caught.value)


WRONG_PERCENTS = {
    "impossible": ("72.3", "18", "is no percentage of n = 18: the nearest is 13/18 = 72.22%"),
    "ambiguous": ("50", "300", "fits 3 counts (149 to 151): give the events"),
    "above 100": ("172", "18", "from 0 to 100"),
    "text": ("high", "18", "must be a number from 0 to 100"),
    "missing": ("", "18", "events are missing"),
}


@pytest.mark.parametrize(("percent", "n", "words"), WRONG_PERCENTS.values(), ids=WRONG_PERCENTS)
def test_a_wrong_percentage_is_named(write, percent, n, words):
    path = write(f"study,n,rate_percent\nfine,18,72.2%\nwrong,{n},{percent}\n")
    with pytest.raises(InvalidStudies) as caught:
        read_studies(path)
    assert "trials.csv, row 3, column 'rate_percent': " in str(caught.value)
    assert words in str(caught.value)


def test_what_stands_beside_the_counts_must_agree(write):
    good = "study,events,n,orr,pct\nA,13,18,13/18 (72.2%),72.2\n"
    assert read_studies(write(good), percent="pct").covariates["orr"] == ("13/18 (72.2%)",)
    with pytest.raises(InvalidStudies, match="column 'orr': '12/18' contradicts events = 13 and n = 18"):
        read_studies(write(good.replace("13/18 (72.2%)", "12/18")))
    with pytest.raises(InvalidStudies, match=r"column 'pct': '66\.7' contradicts 13/18 = 72.22%"):
        read_studies(write(good.replace(",72.2\n", ",66.7\n")), percent="pct")
    with pytest.raises(InvalidStudies, match="column 'size': 19 contradicts the n = 18"):
        read_studies(write("study,orr,size\nA,13/18,19\n"), response="orr", n="size")


def test_several_wrong_cells_are_listed_then_counted(write):
    rows = "\n".join(f"S{i},{i + 10},9" for i in range(8))
    with pytest.raises(InvalidStudies) as caught:
        read_studies(write(f"study,events,n\n{rows}\n"))
    text = str(caught.value)
    assert [f"row {row}," in text for row in range(2, 10)] == [True] * 5 + [False] * 3
    assert text.endswith("; and 3 more")
    assert "\n" not in text


def test_missing_counts_can_be_dropped(write):
    path = write("study,events,n,year\nA,13,18,2001\nB,,7,2002\n\nC,3,NA,2003\nD,-,not reported,\n")
    with pytest.raises(InvalidStudies, match="missing='drop'"):
        read_studies(path)
    read = read_studies(path, missing="drop")
    assert read.study == ("A",)
    told = [(e.study, e.events, e.n, e.row, e.reason, e.covariates["year"]) for e in read.excluded]
    assert told == [
        ("B", None, 7, 3, "events are missing", 2002),
        ("C", 3, None, 5, "n is missing", 2003),
        ("D", None, None, 6, "events and n are missing", None),
    ]


@pytest.mark.parametrize("row", ["B,-1,", "B,3,-1", "B,9/x,", "B,,1.5", "B,8,7"])
def test_wrong_values_are_never_dropped(write, row):
    with pytest.raises(InvalidStudies, match="row 3"):
        read_studies(write(f"study,events,n\nA,13,18\n{row}\n"), missing="drop")


def test_counts_of_no_patients_are_dropped_and_listed(write):
    path = write("study,events,n\nA,13,18\nB,3,0\nC,0,0\n")
    with pytest.raises(InvalidStudies, match=r"row 3, column 'n': n = 0.*missing='drop'"):
        read_studies(path)
    studies = read_studies(path, missing="drop")
    assert [(row.study, row.reason) for row in studies.excluded] == [("B", "3 of n = 0"), ("C", "n = 0")]


def test_missing_has_two_values(write):
    with pytest.raises(InvalidArgument, match="missing='ignore' is not known: choose 'raise', 'drop'"):
        read_studies(write(PLAIN), missing="ignore")


def test_a_row_of_totals_is_refused(write):
    path = write("study,events,n\nA,1,9\nB,2,9\nTotal,3,18\n")
    with pytest.raises(InvalidStudies, match=r"row 4: 'Total' is a total .*totals='drop'"):
        read_studies(path)
    assert len(read_studies(path, totals="drop")) == 2
    assert len(read_studies(path, totals="keep")) == 3
    with pytest.raises(InvalidStudies, match="row 4: 'Total'"):
        read_studies(write("study,events,n\nA,1,9\nB,2,9\nTotal,4,18\n"))


def test_enrolled_is_at_least_n(write):
    read = read_studies(write("study,events,n,enrolled\nA,1,9,10\nB,2,9,9\n"))
    assert read.enrolled.tolist() == [10, 9]
    with pytest.raises(InvalidStudies, match="row 2, column 'enrolled': enrolled = 8 is less than n = 9"):
        read_studies(write("study,events,n,enrolled\nA,1,9,8\n"))
    with pytest.raises(InvalidStudies, match="row 3, column 'enrolled': enrolled is missing"):
        read_studies(write("study,events,n,enrolled\nA,1,9,10\nB,2,9,\n"))
