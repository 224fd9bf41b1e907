"""Studies: what it accepts, what it refuses, what its methods return, and that nothing changes it."""

import copy
import json
import math
import pickle
from dataclasses import FrozenInstanceError, fields
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metaresp as mr
from metaresp.errors import InvalidArgument, InvalidStudies, UnknownName
from metaresp.studies import ExcludedStudy, Studies


@pytest.fixture
def trials():
    return Studies(
        events=[13, 4, 7, 0],
        n=[18, 7, 12, 18],
        study=["Xu", "Li", "Ma", "Xu"],
        covariates={"year": [2012, 2011, None, 2010], "centre": ["A", "B", "B", "A"]},
        enrolled=[20, 7, 12, 18],
        excluded=[ExcludedStudy("Wu", None, 5, 6, "events are missing", {"centre": "B"})],
    )


WAYS = {
    "lists": ([13, 4], [18, 7]),
    "tuples": ((13, 4), (18, 7)),
    "arrays": (np.array([13, 4]), np.array([18, 7])),
    "small integers": (np.array([13, 4], dtype=np.uint8), np.array([18, 7], dtype=np.int16)),
    "whole floats": ([13.0, 4.0], np.array([18.0, 7.0])),
    "text": (["13", " 4 "], ["18", "7.0"]),
    "series": (pd.Series([13, 4], index=[5, 6]), pd.Series([18, 7], dtype="Int64")),
    "decimals": ([Decimal(13), Decimal(4)], [18, 7]),
    "mixed": ([13, "4"], [np.int8(18), 7.0]),
    "iterators": (iter([13, 4]), range(18, 6, -11)),
    "masked": (np.ma.array([13, 4]), np.ma.array([18, 7])),
    "not contiguous": (np.array([13, 9, 4])[::2], np.array([[18, 0], [7, 0]])[:, 0]),
}


@pytest.mark.parametrize(("events", "n"), WAYS.values(), ids=WAYS)
def test_counts_in_many_ways(events, n):
    studies = Studies(events, n)
    assert studies == Studies([13, 4], [18, 7])
    for column in (studies.events, studies.n):
        assert column.dtype == np.int64
        assert column.flags.c_contiguous
        assert not column.flags.writeable


def test_fractions_and_single_studies():
    assert Studies(response=["13/18 (72.2%)", "4 of 7"]) == Studies([13, 4], [18, 7])
    assert Studies(response="13/18") == Studies(13, 18) == Studies([13], [18])


def test_labels():
    assert Studies([1, 2], [9, 9]).study == ("Study 1", "Study 2")
    assert Studies([1, 2, 3], [9, 9, 9], ["A", None, "  "]).study == ("A", "Study 2", "Study 3")
    assert Studies([1, 2], [9, 9], ["A", "A"]).study == ("A", "A")
    assert Studies([1, 2], [9, 9], [2012, 2013.0]).study == ("2012", "2013")
    assert Studies([1], [9], ["two\nlines\u00a0\x07"]).study == ("two lines",)


def test_giant_and_tiny():
    studies = Studies([10**9, 0], [10**9, 1])
    assert studies.rates.tolist() == [1.0, 0.0]


WRONG = {
    "events above n": (([19], [18]), "study 1, column 'events': events = 19 is more than n = 18"),
    "negative": (([3, -1], [9, 9]), "study 2, column 'events': -1 is negative"),
    "negative array": ((np.array([3, -1]), np.array([9, 9])), "study 2, column 'events': -1 is negative"),
    "n of zero": ((np.array([0]), np.array([0])), "study 1, column 'n': n = 0"),
    "fraction": (([1.5], [9]), "1.5 is not a whole number"),
    "nan": (([math.nan], [9]), "events are missing"),
    "none": (([3, None], [9, 9]), "study 2, column 'events': events are missing"),
    "neither": (([3, None], [9, None]), "a study without events and n"),
    "infinite": (([math.inf], [9]), "inf is not finite"),
    "truth value": (([True], [9]), "True is a truth value"),
    "array of truth values": ((np.array([True]), np.array([9])), "True is a truth value"),
    "text": ((["a"], [9]), "'a' is not a number"),
    "fraction text": ((["1/9"], [9]), "is a fraction"),
    "complex": (([1j], [9]), "1j is not a number"),
    "date": ((np.array(["2026-07-04"], dtype="datetime64[D]"), [9]), "'2026-07-04' is not a number"),
    "masked": (
        (np.ma.array([1, 2], mask=[0, 1]), np.array([9, 9])),
        "study 2, column 'events': events are missing",
    ),
    "beyond": (([1], [10**16]), "beyond the largest count"),
    "beyond array": ((np.array([1]), np.array([10**16])), "beyond the largest count"),
    "lengths": (([1, 2], [9]), "events has 2, n has 1"),
    "array lengths": ((np.array([1, 2]), np.array([9])), "events has 2, n has 1"),
    "two dimensions": ((np.ones((2, 2), int), [9]), "must have one dimension"),
    "mapping": (({"a": 1}, [9]), "must be a sequence, not a dict"),
    "set": (({1}, {9}), "must be a sequence, not a set"),
    "nothing": (([], []), "there is no study"),
    "empty arrays": ((np.array([], dtype=int), np.array([], dtype=int)), "there is no study"),
    "labels": (([1], [9], ["A", "B"]), "study has 2 labels for 1 studies"),
    "covariates": (([1], [9], None, {"year": [1, 2]}), "covariate 'year' has 2 values for 1 studies"),
    "infinite covariate": (([1], [9], None, {"dose": [math.inf]}), "covariate 'dose': inf is not finite"),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=WRONG)
def test_wrong_counts_are_named(arguments, words):
    with pytest.raises(InvalidStudies) as caught:
        Studies(*arguments)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "events and n must be given"),
        ({"events": [1]}, "n must be given"),
        ({"response": ["1/9"], "n": [9]}, "either response or events and n"),
        ({"events": [1], "n": [9], "covariates": {"n": [1]}}, "covariate 'n' has the name of another column"),
        (
            {"events": [1], "n": [9], "covariates": {1: [1], "1": [1]}},
            "covariate '1' has the name of another",
        ),
        ({"events": [1], "n": [9], "covariates": [1]}, "covariates must map names to columns, not be a list"),
        ({"events": [1], "n": [9], "excluded": ["Wu"]}, "excluded must hold ExcludedStudy"),
        ({"events": [1], "n": [9], "enrolled": [8]}, "enrolled = 8 is less than n = 9"),
        ({"events": [1], "n": [9], "enrolled": [9, 9]}, "differ in length"),
    ],
)
def test_wrong_arguments_are_named(options, words):
    with pytest.raises(InvalidArgument) as caught:
        Studies(**options)
    assert words in str(caught.value)


def test_nothing_can_be_changed(trials):
    with pytest.raises(ValueError, match="read-only"):
        trials.events[0] = 1
    with pytest.raises(FrozenInstanceError):
        trials.n = trials.n
    with pytest.raises(TypeError):
        trials.covariates["year"] = (1,)
    events = np.array([1, 2])
    studies = Studies(events, np.array([9, 9]))
    events[0] = 5
    assert studies.events[0] == 1


@pytest.mark.parametrize("again", [
    lambda s: pickle.loads(pickle.dumps(s)),
    copy.copy,
    copy.deepcopy,
    lambda s: Studies.from_dict(s.to_dict()),
    lambda s: Studies.from_dict(json.loads(s.to_json())),
    lambda s: Studies(**{f.name: getattr(s, f.name) for f in fields(s)}),
    lambda s: s[:],
])  # fmt: skip
def test_content_survives(trials, again):
    copied = again(trials)
    assert copied == trials
    assert not copied.events.flags.writeable
    assert not copied.enrolled.flags.writeable
    assert again(trials[:1]) != trials


def test_equality_looks_at_everything(trials):
    assert trials != trials.sort_by("n")
    assert Studies([1], [9]) != Studies([1], [9], enrolled=[9])
    assert Studies([1], [9], covariates={"a": [1]}) != Studies([1], [9], covariates={"a": [1.0]})
    assert Studies([1], [9]) != "studies"


def test_frame_and_back(trials):
    frame = trials.to_frame()
    assert list(frame) == ["study", "events", "n", "enrolled", "year", "centre"]
    assert Studies.from_frame(frame, study="study") == Studies(
        **{**trials.__class__.to_dict(trials), "excluded": ()}
    )
    frame.loc[0, "events"] = 1
    assert trials.events[0] == 13


def test_choosing(trials):
    assert len(trials) == 4
    assert trials[1].study == ("Li",)
    assert trials[-1].events.tolist() == [0]
    assert trials[1:3].covariates["year"] == (2011, None)
    assert trials[[2, 0]].study == ("Ma", "Xu")
    assert trials[[0, 0]].events.tolist() == [13, 13]
    assert trials[trials.rates > 0.57].enrolled.tolist() == [20, 7, 12]
    assert trials[[True, False, False, True]].n.tolist() == [18, 18]
    assert trials[np.zeros(4, dtype=bool)].excluded == trials.excluded
    assert trials[[]].excluded == trials.excluded
    assert [one.study[0] for one in trials] == ["Xu", "Li", "Ma", "Xu"]


@pytest.mark.parametrize("chosen", [4, -5, [0, 9], [True], np.ones(5, dtype=bool), "Xu", 1.0, None, [[0]]])
def test_choosing_wrongly(trials, chosen):
    with pytest.raises(InvalidArgument):
        trials[chosen]


def test_beyond_is_an_index_error_too(trials):
    with pytest.raises(IndexError, match="position 4 is beyond the 4 studies"):
        trials[4]


def test_an_empty_choice_needs_something_excluded():
    with pytest.raises(InvalidStudies, match="no study"):
        Studies([1], [9])[[]]


def test_columns(trials):
    assert trials.column("study") == trials.study
    assert trials.column("events") == (13, 4, 7, 0)
    assert trials.column("enrolled") == (20, 7, 12, 18)
    assert trials.column("rate")[0] == 13 / 18
    assert trials.column("centre") == ("A", "B", "B", "A")
    with pytest.raises(UnknownName, match=r"'center' is not known: choose 'study', .*did you mean 'centre'"):
        trials.column("center")
    with pytest.raises(UnknownName, match=r"covariate 'yaer' is not known.*did you mean 'year'"):
        trials.covariates["yaer"]
    with pytest.raises(UnknownName):
        trials.column(["year"])


def test_sorting(trials):
    assert trials.sort_by("year").column("year") == (2010, 2011, 2012, None)
    assert trials.sort_by("year", descending=True).column("year") == (2012, 2011, 2010, None)
    assert trials.sort_by("study").column("events") == (4, 7, 13, 0)
    assert trials.sort_by("rate").column("study") == ("Xu", "Li", "Ma", "Xu")
    assert trials.sort_by("n", descending=True).column("events") == (13, 0, 7, 4)
    mixed = Studies([1, 2, 3, 4], [9] * 4, covariates={"a": ["b", 2, None, "A"]})
    assert mixed.sort_by("a").column("a") == (2, "A", "b", None)


def test_clusters(trials):
    assert trials.clusters("centre") == {"A": (0, 3), "B": (1, 2)}
    assert trials.clusters("study") == {"Xu": (0, 3), "Li": (1,), "Ma": (2,)}
    with pytest.raises(InvalidStudies, match="study 'Ma' has no year"):
        trials.clusters("year")


def test_largest_report(trials):
    largest = trials.largest_per("centre")
    # Of two reports of 18 the first stays; the report of 5 without events is smaller than that of 12.
    assert largest.events.tolist() == [13, 7]
    assert [(e.study, e.events, e.n, e.reason) for e in largest.excluded] == [
        ("Li", 4, 7, "smaller report of centre 'B' (largest: 'Ma', n = 12)"),
        ("Xu", 0, 18, "no larger report of centre 'A' (largest: 'Xu', n = 18)"),
        ("Wu", None, 5, "events are missing; smaller report of centre 'B' (largest: 'Ma', n = 12)"),
    ]
    assert largest.excluded[0].covariates == {"year": 2011, "centre": "B"}
    assert largest.largest_per("centre").events.tolist() == [13, 7]


def test_the_largest_report_may_have_unknown_events():
    unknown = ExcludedStudy("C", None, 87, 4, "events are missing", {"centre": "X"})
    elsewhere = ExcludedStudy("D", None, 99, 5, "events are missing", {"centre": None})
    sizeless = ExcludedStudy("E", 3, None, 6, "n is missing", {"centre": "X"})
    studies = Studies([5, 9, 3], [10, 20, 8], ["A", "B", "F"], {"centre": ["X", "X", "Y"]},
                      excluded=[unknown, elsewhere, sizeless])  # fmt: skip
    largest = studies.largest_per("centre")
    assert largest.study == ("F",)
    assert [e.study for e in largest.excluded] == ["A", "B", "C", "D", "E"]
    assert largest.excluded[2:] == (unknown, elsewhere, sizeless)
    alone = studies[:2].largest_per("centre")
    assert len(alone) == 0
    assert alone.events.dtype == np.int64


def test_short_words(trials):
    assert repr(trials) == "Studies(k=4, events=24, n=55, excluded=1)"
    assert repr(Studies([1], [9])) == "Studies(k=1, events=1, n=9)"


counts = st.lists(
    st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=8
)
values = st.one_of(
    st.none(), st.integers(-(10**15), 10**15), st.floats(allow_infinity=False), st.text(max_size=9)
)


@given(counts, st.data())
@settings(max_examples=100, deadline=None)
def test_any_valid_studies_survive(pairs, data):
    k = len(pairs)
    events, n = zip(*pairs, strict=True)
    columns = data.draw(
        st.dictionaries(st.text(max_size=5), st.lists(values, min_size=k, max_size=k), max_size=3)
    )
    labels = data.draw(st.lists(st.text(max_size=9), min_size=k, max_size=k))
    studies = Studies(events, n, labels, {f"({name})": column for name, column in columns.items()})
    assert studies.events.tolist() == list(events)
    assert Studies.from_dict(json.loads(studies.to_json())) == studies
    assert pickle.loads(pickle.dumps(studies)) == studies
    order = data.draw(st.permutations(range(k)))
    assert studies[list(order)].n.tolist() == [n[i] for i in order]


def test_public_names():
    assert mr.Studies is Studies
    assert mr.read_studies is not None
