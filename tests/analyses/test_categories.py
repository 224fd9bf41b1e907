"""pool_categories: ordered categories, never in a contradiction."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metaresp as mr

NAMES = ["CR", "PR", "SD", "PD"]
TRIALS = {
    "trial": ["Xu 2012", "Li 2013", "Ma 2015", "Wu 2016"],
    "CR": [2, 1, 4, 0],
    "PR": [5, 3, 6, 2],
    "SD": [6, 4, 5, 8],
    "PD": [7, 4, 9, 5],
}


def test_each_definition_is_what_pool_finds():
    found = mr.pool_categories(TRIALS, categories=NAMES)
    assert found.study == tuple(TRIALS["trial"])
    assert found.definition[:2] == ("CR", "CR + PR")
    x, n = np.zeros(4, dtype=int), np.sum([TRIALS[name] for name in NAMES], axis=0)
    for i, name in enumerate(NAMES[:-1]):
        x = x + np.array(TRIALS[name])
        fit = mr.pool(events=x, n=n)
        assert (found.rate[i], found.low[i], found.high[i]) == pytest.approx(
            (fit.rate, *fit.rate_ci), rel=1e-7
        )
        assert (found.mean_low[i], found.mean_high[i]) == pytest.approx(fit.mean_rate_ci, rel=1e-6)
        assert (found.prediction_low[i], found.prediction_high[i]) == pytest.approx(
            fit.prediction_interval, rel=1e-5
        )
        assert found.pool(found.definition[i]).rate == pytest.approx(fit.rate, rel=1e-12)
    assert (found.rate[-1], found.low[-1], found.high[-1]) == (1, 1, 1)
    assert found.share.sum() == pytest.approx(1)


counts = st.lists(st.lists(st.integers(0, 15), min_size=4, max_size=4).filter(any), min_size=1, max_size=5)


@settings(max_examples=25, deadline=None)
@given(counts)
def test_stricter_is_never_more_frequent(rows):
    found = mr.pool_categories(
        dict(zip(NAMES, map(list, zip(*rows, strict=True)), strict=True)), categories=NAMES
    )
    for rate, low, high in (
        (found.rate, found.low, found.high),
        (found.mean_rate, found.mean_low, found.mean_high),
    ):
        for values in (rate, low, high):
            assert (np.diff(values) >= 0).all()
            assert ((values >= 0) & (values <= 1)).all()
        assert ((low <= rate) & (rate <= high)).all()
    assert (found.share >= 0).all()
    assert found.share.sum() == pytest.approx(1)
    assert ((found.share_low <= found.share) & (found.share <= found.share_high)).all()
    assert mr.Categories.from_dict(json.loads(found.to_json())) == found
    str(found)


def test_estimates_in_the_wrong_order_are_given_their_common_value():
    # CR is common in one huge trial, and PR is seen in none: both rates are the same data
    found = mr.pool_categories(
        {"CR": [3, 0, 500], "PR": [0, 0, 0], "SD": [9, 20, 1]}, categories=["CR", "PR", "SD"]
    )
    assert found.rate[0] == found.rate[1]


def test_one_trial_by_every_definition():
    found = mr.pool_categories(
        {"complete": [3], "good": [7], "fair": [1], "minor": [2], "none": [5]},
        categories=["complete", "good", "fair", "minor", "none"],
    )
    assert found.rate.round(3).tolist() == [0.167, 0.556, 0.611, 0.722, 1.0]
    exact = mr.binomial_ci([3, 10, 11, 13], 18)
    np.testing.assert_allclose(found.low[:-1], exact.low, rtol=1e-12)
    np.testing.assert_allclose(found.high[:-1], exact.high, rtol=1e-12)


def test_patients_beyond_the_categories_are_others():
    found = mr.pool_categories({"CR": [1, 2], "PR": [3, 4], "N": [10, 12]}, categories=["CR", "PR"], n="N")
    assert found.category == ("CR", "PR", "other")
    assert found.events.tolist() == [3, 7, 12]


def test_patients_that_nobody_named_are_told():
    trials = {"CR": [1, 2], "PR": [3, 4], "N": [10, 12]}
    found = mr.pool_categories(trials, ["CR", "PR"])
    assert found.category == ("CR", "PR")
    assert found.notes == (
        "Column 'N' holds 12 patients more than the categories, who take no part: n='N' counts them as "
        "other.",
    )
    assert "Note: Column 'N' holds 12" in str(found)
    assert mr.pool_categories(trials, ["CR", "PR"], n="N").notes == ()
    assert mr.pool_categories(trials | {"N": [4, 6]}, ["CR", "PR"]).notes == ()
    assert mr.pool_categories(trials | {"N": ["10 or so", "12"]}, ["CR", "PR"]).notes == ()
    with pytest.raises(mr.InvalidStudies, match="column 'N': 3 patients, and 4 in the categories"):
        mr.pool_categories(trials | {"N": [3, 12]}, ["CR", "PR"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"PR": [5, "x", 6, 2]}, "column 'PR': 'x' must be a whole number"),
        ({"PR": [5, -1, 6, 2]}, "column 'PR'"),
        ({"PR": [5, 2.5, 6, 2]}, "2.5"),
        ({"PR": [5, None, 6, 2]}, "column 'PR': None"),
        ({"CR": [0] * 4, "PR": [0] * 4, "SD": [1, 1, 1, 0], "PD": [1, 1, 1, 0]}, "no patient"),
    ],
)
def test_bad_cells(change, said):
    with pytest.raises(mr.InvalidStudies, match=said):
        mr.pool_categories(TRIALS | change, categories=NAMES)


def test_bad_arguments():
    with pytest.raises(mr.InvalidArgument, match="categories"):
        mr.pool_categories(TRIALS, categories="CR")
    with pytest.raises(mr.InvalidArgument, match="named twice"):
        mr.pool_categories(TRIALS, categories=["CR", "CR"])
    with pytest.raises(mr.UnknownName, match="NE"):
        mr.pool_categories(TRIALS, categories=["CR", "NE"])
    with pytest.raises(mr.InvalidArgument, match="of="):
        mr.pool_categories(TRIALS, categories=NAMES).studies("ORR")
    with pytest.raises(mr.InvalidArgument, match="level"):
        mr.pool_categories(TRIALS, categories=NAMES, level=95)
    with pytest.raises(mr.InvalidStudies):
        mr.pool_categories({"CR": [5], "PR": [6], "N": [10]}, categories=["CR", "PR"], n="N")


def test_tables_and_pictures(tmp_path):
    path = tmp_path / "trials.csv"
    pd.DataFrame(TRIALS).to_csv(path, index=False)
    found = mr.pool_categories(path, categories=NAMES, study="trial", level=0.9)
    assert "90% CI" in str(found)
    frame = found.to_frame()
    assert list(frame.columns[:2]) == ["category", "definition"]
    assert len(frame) == 4
    found.plot(tmp_path / "bars.png", width="85mm")
    found.forest("CR + PR", tmp_path / "forest.svg")
    assert (tmp_path / "bars.png").stat().st_size > 3000
    assert "CR" in found.plot().alt


def test_a_definition_without_an_answer_is_an_error_that_names_it():
    """Not a table of NaN: with correct='none' a trial at 0% has no variance on the identity scale."""
    trials = {"CR": [0, 2, 1], "PR": [4, 1, 1], "SD": [3, 1, 3]}
    options = {"model": "inverse-variance", "transform": "identity", "correct": "none"}
    with pytest.raises(mr.CannotEstimate, match="pool_categories: CR: the estimator has no value"):
        mr.pool_categories(trials, categories=list(trials), **options)
