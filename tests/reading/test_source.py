"""What was read is said; doubtful rows and cells are taken as the caller says; one row a patient."""

import json

import numpy as np
import pandas as pd
import pytest

import metaresp as mr
from metaresp.read.rows import says_total
from metaresp.read.vocabulary import vocabulary


@pytest.fixture
def write(tmp_path):
    def write(text, name="trials.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_what_was_read_is_said(write):
    path = write(
        "Table 2,,,\nNo.,Author,Positive (n),Tested\n1,Xu,13*,18\n2,Li,4,7\n3,Wu,NR,9\nTotal,,17,34\n"
    )
    studies = mr.read_studies(path, missing="drop", totals="drop")
    source = studies.source
    assert (source.file, source.header_row) == ("trials.csv", 2)
    assert {name: role for name, role in source.columns.items() if role != "covariate"} == {
        "Positive (n)": "events", "Tested": "n", "Author": "study",
    }  # fmt: skip
    assert [(item.row, item.text) for item in source.left_out] == [(1, "Table 2"), (6, "Total"), (5, "Wu")]
    for words in ("13*", "Table 2", "Total", "Wu"):
        assert any(words in note for note in source.notes)
    fit = mr.pool(studies)
    assert set(source.notes) <= set(fit.notes)
    told = "trials.csv: 'Positive (n)' as events, 'Tested' as n, 'Author' as study, header in row 2"
    assert told in " ".join(str(fit).split())
    written = json.loads(fit.to_json())
    assert written["studies"]["source"]["columns"]["Tested"] == "n"
    assert mr.Fit.from_dict(written).studies.source == source


def test_the_source_is_no_part_of_equality(write):
    read = mr.read_studies(write("study,events,n\nXu,13,18\n"))
    assert read == mr.Studies([13], [18], ["Xu"])
    assert mr.Studies([13], [18]).source is None
    assert read[[0]].source == read.source


def test_parts_of_an_outcome_are_added(write):
    path = write("study,CR,PR,n\nXu,5,8,18\nLi,1,3,7\n")
    with pytest.raises(mr.InvalidStudies, match=r"'CR', 'PR' could each hold events.*events='CR \+ PR'"):
        mr.read_studies(path)
    for events in ("CR + PR", "CR+PR", ["CR", "PR"]):
        assert mr.read_studies(path, events=events).events.tolist() == [13, 4]
    outcome = write("study,yes,no\nXu,13,5\n")
    assert mr.read_studies(outcome, events="yes", n="yes + no").n.tolist() == [18]


def test_units_and_nearest_counts(write):
    path = write("study,n,percent\nA,400,0.25\nB,200,0.50\n")
    with pytest.raises(mr.InvalidStudies, match="unit='proportion' or unit='percent'"):
        mr.read_studies(path)
    assert mr.read_studies(path, unit="proportion").events.tolist() == [100, 100]
    assert mr.read_studies(path, unit="percent").events.tolist() == [1, 1]
    rough = write("study,n,percent\nA,5000,12.3\nB,800,10.1\n")
    read = mr.read_studies(rough, nearest=True)
    assert read.events.tolist() == [615, 81]
    assert any("613 to 617" in note for note in read.source.notes)
    cut = write("study,n,percent\nA,3,66.6\nB,3,33.3\n")
    assert mr.read_studies(cut).events.tolist() == [2, 1]


def test_an_index_of_labels_is_used():
    frame = pd.DataFrame({"events": [13, 4], "n": [18, 7]}, index=["Xu", "Li"])
    assert mr.Studies.from_frame(frame).study == ("Xu", "Li")
    assert mr.Studies.from_frame(frame.rename_axis("trial")).study == ("Xu", "Li")
    assert mr.Studies.from_frame(frame.reset_index(drop=True)).study == ("Study 1", "Study 2")


def test_one_row_a_patient():
    frame = pd.DataFrame(
        {"trial": ["Xu", "Xu", "Li", "Xu", "Li"], "best": ["CR", "PD", "pr", "SD", None], "age": range(5)}
    )
    with pytest.raises(mr.InvalidStudies, match="index 4, column 'best': the response is missing"):
        mr.Studies.from_patients(frame, by="trial", response="best", responders=("CR", "PR"))
    read = mr.Studies.from_patients(
        frame, by="trial", response="best", responders=("CR", "PR"), missing="drop"
    )
    assert (read.study, read.events.tolist(), read.n.tolist()) == (("Xu", "Li"), [1, 1], [3, 1])
    assert any("1 patients without a response" in note for note in read.source.notes)
    with pytest.raises(mr.InvalidStudies, match=r"'best' holds 'CR', 'PD', 'SD', 'pr': say which"):
        mr.Studies.from_patients(frame, by="trial", response="best")
    with pytest.raises(mr.InvalidArgument, match="holds none of them"):
        mr.Studies.from_patients(frame, by="trial", response="best", responders=["complete"])
    coded = frame.assign(best=[1, 0, 1, 0, 0])
    assert mr.Studies.from_patients(coded, by="trial", response="best").events.tolist() == [1, 1]
    rng = np.random.default_rng(1)
    trials, hits = rng.integers(0, 9, 500), rng.integers(0, 2, 500)
    many = mr.Studies.from_patients({"t": trials, "r": hits}, by="t", response="r")
    slow = {str(t): (hits[trials == t].sum(), (trials == t).sum()) for t in set(trials.tolist())}
    assert {name: (x, n) for name, x, n in zip(many.study, many.events, many.n, strict=True)} == slow


def test_every_word_for_a_total_is_one_alone_and_among_patients():
    known = vocabulary("rows").phrases
    totals = [" ".join(words) for words, meanings in known.items() if meanings & {"total", "subtotal"}]
    assert len(totals) > 250
    missed = [word for word in totals if not (says_total(word.title()) and says_total(f"{word} (n = 40)"))]
    assert not missed
    for study in (
        "Total Body Irradiation trial",
        "Total Therapy 3",
        "Allen 2012",
        "Sumner",
        "Overall Survival Trial",
    ):
        assert not says_total(study)
