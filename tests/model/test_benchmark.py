"""Tests against a benchmark rate agree with the intervals, whatever interval it is."""

import numpy as np
import pytest

import metaresp as mr
from metaresp.datasets import load

INVERTED = [{"ci": "profile"}, {"ci": "profile-t"}, {"ci": "bartlett"}] + [
    {"model": "inverse-variance", "transform": transform, "ci": ci, "seed": 1}
    for transform in ("logit", "freeman-tukey")
    for ci in ("profile", "henmi-copas", "bootstrap", "hartung-knapp")
]


@pytest.mark.parametrize("options", INVERTED)
def test_test_agrees_with_intervals_that_are_no_t_interval(options):
    fit = mr.pool(load("pritz1997"), **options)
    tolerance = 2e-3 if options["ci"] == "bootstrap" else 1e-6  # a bootstrap's quantiles are a staircase
    assert fit.test(fit.rate_ci.low).pvalue == pytest.approx(0.05, abs=tolerance)
    assert fit.test(fit.rate_ci.high, alternative="less").pvalue == pytest.approx(0.025, abs=tolerance)
    assert fit.test(fit.rate_ci.high, alternative="greater").pvalue == pytest.approx(0.975, abs=tolerance)


@pytest.mark.parametrize("ci", ["hartung-knapp", "normal"])
def test_studies_that_agree_exactly(ci):
    fit = mr.pool(
        events=[8, 8, 8], n=[15, 15, 15], model="inverse-variance", ci=ci, prediction="hartung-knapp"
    )
    if ci == "normal":
        assert 0 < fit.test(0.3).pvalue < 0.05
        assert not any("narrower" in note for note in fit.notes)
        return
    assert any("narrower" in note for note in fit.notes)
    with pytest.raises(mr.CannotEstimate, match="standard error is 0"):
        fit.test(0.3)
    with pytest.raises(mr.CannotEstimate, match="no width"):
        fit.probability_above(0.3)


def test_hartung_knapp_note_only_where_it_is_narrower():
    options = {"model": "inverse-variance", "prediction": None}
    for events, n in (
        ([5, 6], [20, 20]),
        ([5, 5], [20, 20]),
        ([5, 6, 5, 5], [20] * 4),
        ([2, 9, 5], [20] * 3),
    ):
        knapp = mr.pool(events=events, n=n, ci="hartung-knapp", **options)
        normal = mr.pool(events=events, n=n, ci="normal", **options)
        narrower = np.diff(knapp.estimate_ci) < np.diff(normal.estimate_ci)
        assert any("narrower" in note for note in knapp.notes) == bool(narrower)


def test_probability_above_a_bootstrap_limit():
    for transform in ("logit", "freeman-tukey"):
        fit = mr.pool(
            load("pritz1997"), model="inverse-variance", transform=transform, prediction="bootstrap", seed=1
        )
        assert fit.probability_above(fit.prediction_interval.low) == pytest.approx(0.975, abs=2e-3)
