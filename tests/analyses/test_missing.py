"""missing_responses: patients without a response, from none of them to all."""

import itertools
import json

import numpy as np
import pytest

import metaresp as mr

STUDIES = mr.Studies([13, 4, 9, 2], [18, 7, 20, 11], enrolled=[20, 9, 20, 15])


def test_the_ends_and_the_middle_are_poolings():
    found = mr.missing_responses(STUDIES, odds=[0, 1, np.inf])
    worst = mr.pool(events=STUDIES.events, n=STUDIES.enrolled)
    best = mr.pool(events=STUDIES.events + STUDIES.enrolled - STUDIES.n, n=STUDIES.enrolled)
    for i, fit in enumerate((worst, mr.pool(events=STUDIES.events, n=STUDIES.n), best)):
        got = (found.rate[i], found.low[i], found.high[i])
        assert got == pytest.approx((fit.rate, *fit.rate_ci), rel=1e-7)
    assert found.evaluated == mr.pool(STUDIES)
    assert found.missing.tolist() == [2, 2, 0, 4]


def test_rates_rise_with_the_odds_and_stay_between_the_ends():
    found = mr.missing_responses(STUDIES, odds=[0, 0.1, 0.3, 3, 10, np.inf], imputations=30)
    assert (np.diff(found.rate) >= 0).all()
    assert ((found.low <= found.rate) & (found.rate <= found.high)).all()


def test_imputation_widens_the_interval():
    many = mr.Studies([10, 12, 8], [20, 25, 18], enrolled=[60, 70, 50])
    found = mr.missing_responses(many, odds=[2.0], imputations=100)
    known = mr.missing_responses(many, odds=[0, np.inf])
    assert found.high[0] - found.low[0] > 1.2 * (known.high - known.low).min()


def test_a_study_without_any_count_takes_part():
    frame = {"study": ["a", "b", "c"], "events": [5, None, 9], "n": [12, 30, 20]}
    studies = mr.Studies.from_frame(frame, missing="drop")
    found = mr.missing_responses(studies, odds=[0, np.inf])
    assert found.study == ("a", "c", "b")
    assert found.missing.tolist() == [0, 0, 30]
    worst = mr.pool(events=[5, 9, 0], n=[12, 20, 30])
    assert found.rate[0] == pytest.approx(worst.rate, rel=1e-7)
    assert "without any count" in found.notes[1]


@pytest.mark.parametrize("model", ["inverse-variance", "beta-binomial", "common"])
def test_every_model_and_the_same_seed(model):
    found = mr.missing_responses(STUDIES, model=model, imputations=5)
    assert found == mr.missing_responses(mr.pool(STUDIES, model=model), imputations=5)
    assert np.isfinite([found.rate, found.low, found.high]).all()
    assert mr.MissingResponses.from_dict(json.loads(found.to_json())) == found
    assert "like the others" in str(found)
    assert list(found.to_frame().columns) == ["odds", "rate", "low", "high"]


def test_all_zero_and_one_study():
    found = mr.missing_responses(mr.Studies([0, 0], [9, 7], enrolled=[12, 7]), imputations=5)
    assert found.rate[0] == 0
    assert np.isfinite([found.low, found.high]).all()
    one = mr.missing_responses(mr.Studies([3], [9], enrolled=[12]), odds=[0])
    exact = mr.binomial_ci(3, 12)
    assert (one.low[0], one.high[0]) == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize("odds", [[-1], ["x"], [], 3, [np.nan], [True], "0"])
def test_bad_odds(odds):
    with pytest.raises(mr.InvalidArgument, match="odds"):
        mr.missing_responses(STUDIES, odds=odds)


def test_errors():
    with pytest.raises(mr.CannotEstimate, match="every patient has a response"):
        mr.missing_responses(mr.Studies([3, 4], [9, 9]))
    with pytest.raises(mr.InvalidArgument, match="imputations"):
        mr.missing_responses(STUDIES, imputations=1)
    with pytest.raises(mr.InvalidArgument, match="seed"):
        mr.missing_responses(STUDIES, seed=-1)
    with pytest.raises(mr.InvalidArgument, match="level"):
        mr.missing_responses(mr.pool(STUDIES), level=0.9)


def test_rates_rise_with_the_odds_where_studies_have_no_count():
    found = mr.missing_responses(mr.datasets.load("lupus_cohorts"), imputations=40)
    assert (np.diff(found.rate) > 0).all()


@pytest.mark.parametrize("model", ["binomial-normal", "inverse-variance", "common"])
def test_bounds_are_those_of_every_pattern_of_all_or_none(model):
    """Not those of odds 0 and infinity: responses that differ between the studies widen the interval."""
    studies = mr.Studies([0, 2, 6], [20, 15, 19], enrolled=[22, 17, 21])
    found = mr.missing_responses(studies, odds=[0, np.inf], model=model)
    fits = [
        mr.pool(events=studies.events + np.array(added), n=studies.enrolled, model=model)
        for added in itertools.product((0, 2), repeat=3)
    ]
    low, high = min(fit.rate_ci.low for fit in fits), max(fit.rate_ci.high for fit in fits)
    assert found.bounds == pytest.approx((low, high), rel=1e-6)
    assert found.bounds.low <= found.low.min() + 1e-12
    assert found.bounds.high >= found.high.max() - 1e-12
    if model == "binomial-normal":
        assert found.bounds.high > found.high[1] + 0.2
    assert any("whichever studies' have not" in note for note in found.notes)


def test_no_bounds_of_many_studies():
    many = mr.Studies([2] * 9, [9] * 9, enrolled=[10] * 9)
    assert mr.missing_responses(many, odds=[0], model="common").bounds is None
