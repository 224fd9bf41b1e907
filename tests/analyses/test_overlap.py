"""overlap: which reports may share patients, and what each choice among them gives."""

import json
from itertools import product

import numpy as np
import pytest

import metaresp as mr
from metaresp.analyses import overlap as module

REPORTS = mr.Studies(
    [5, 9, 3, 7, 1, 6],
    [10, 20, 8, 15, 9, 12],
    ["A 2012", "A 2014", "B", "C 2010", "C 2011", "D"],
    covariates={"centre": ["A", "A", "B", "C", "C", "D"], "none": [None] * 6},
)


def row(found, choice):
    i = found.choice.index(choice)
    return found.rate[i], found.low[i], found.high[i]


def test_every_choice_is_a_pooling():
    found = mr.overlap(REPORTS, "centre")
    close = pytest.approx
    whole, largest = mr.pool(REPORTS), mr.pool(REPORTS.largest_per("centre"))
    nested = mr.pool(REPORTS, cluster="centre")
    for choice, fit in (
        ("all reports", whole),
        ("largest of each centre", largest),
        ("all reports, nested in centre", nested),
    ):
        assert row(found, choice) == close((fit.rate, *fit.rate_ci), rel=1e-7)
    sets = [mr.pool(REPORTS[list(chosen)]) for chosen in product([0, 1], [2], [3, 4], [5])]
    assert found.sets == len(sets)
    lowest, highest = (pick(sets, key=lambda fit: fit.rate) for pick in (min, max))
    assert row(found, "disjoint reports, lowest rate") == close((lowest.rate, *lowest.rate_ci), rel=1e-7)
    assert row(found, "disjoint reports, highest rate") == close((highest.rate, *highest.rate_ci), rel=1e-7)
    assert found.members[found.choice.index("disjoint reports, lowest rate")].startswith("A 2012, B, C 2011")


def test_unions_hold_every_possible_overlap():
    found = mr.overlap(REPORTS, "centre")
    least = mr.pool(events=[9, 3, 7, 6], n=[9 + 16, 8, 7 + 16, 12])
    most = mr.pool(events=[14, 3, 8, 6], n=[14 + 11, 8, 8 + 8, 12])
    assert row(found, "union with the fewest responders") == pytest.approx(
        (least.rate, *least.rate_ci), rel=1e-7
    )
    assert row(found, "union with the most responders") == pytest.approx((most.rate, *most.rate_ci), rel=1e-7)
    rates = found.rate
    rng = np.random.default_rng(2)
    for _ in range(40):  # patients of C in both reports: r responders, f others
        r, f = rng.integers(0, 2), rng.integers(0, 9)
        a, b = rng.integers(0, 6), rng.integers(0, 6)
        fit = mr.pool(events=[14 - a, 3, 8 - r, 6], n=[30 - a - b, 8, 24 - r - f, 12])
        assert rates.min() - 1e-9 <= fit.rate <= rates[-1] + 1e-9


def test_matrix():
    found = mr.overlap(REPORTS, "centre")
    matrix = found.matrix()
    assert matrix.loc["A 2012", "A 2014"]
    assert not matrix.loc["A 2012", "B"]
    assert found.share.sum() == 4
    assert not np.diag(found.share).any()


def test_too_many_sets(monkeypatch):
    whole = mr.overlap(REPORTS, "centre")
    monkeypatch.setattr(module, "MOST_SETS", 3)
    few = mr.overlap(REPORTS, "centre")
    assert any("more than 3 sets" in note for note in few.notes)
    for choice in ("disjoint reports, lowest rate", "disjoint reports, highest rate"):
        assert whole.rate[2] <= row(few, choice)[0] <= whole.rate[3]


@pytest.mark.parametrize("model", ["beta-binomial", "common", "inverse-variance"])
def test_other_models(model):
    found = mr.overlap(mr.pool(REPORTS, model=model, level=0.9), "centre")
    assert row(found, "all reports")[0] == pytest.approx(mr.pool(REPORTS, model=model).rate, rel=1e-7)
    assert ("all reports, nested in centre" in found.choice) == (model == "inverse-variance")
    assert "90% CI" in str(found)


@pytest.mark.parametrize(
    ("events", "n", "centre"),
    [([0, 0, 0], [5, 6, 7], "aab"), ([5, 6], [5, 6], "aa"), ([3], [9], "a"), ([4, 5], [10**9, 7], "ab")],
)
def test_awkward_data(events, n, centre):
    found = mr.overlap(mr.Studies(events, n, covariates={"centre": list(centre)}), "centre")
    assert np.isfinite([found.rate, found.low, found.high]).all()
    assert mr.Overlap.from_dict(json.loads(found.to_json())) == found
    assert len(found.to_frame()) == len(found.choice)
    str(found)


def test_no_value_shares_nothing():
    found = mr.overlap(REPORTS, "none")
    assert not found.share.any()
    assert "none may share patients" in found.notes[0]


def test_errors():
    with pytest.raises(mr.UnknownName, match="center"):
        mr.overlap(REPORTS, "center")
    with pytest.raises(mr.InvalidArgument, match="nested"):
        mr.overlap(mr.pool(REPORTS, cluster="centre"), "centre")
    with pytest.raises(mr.InvalidArgument, match="level"):
        mr.overlap(mr.pool(REPORTS), "centre", level=0.9)
