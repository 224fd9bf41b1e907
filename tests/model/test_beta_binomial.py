"""The beta-binomial model as pool shows it: defaults, rho, one distribution behind all answers on a trial."""

import numpy as np
import pytest

import metaresp as mr

EVENTS, N = [13, 4, 9, 10, 7, 2], [18, 7, 15, 41, 16, 20]


def fitted(**options):
    return mr.pool(events=EVENTS, n=N, model="beta-binomial", **options)


def test_defaults():
    fit = fitted()
    assert (fit.spec.ci, fit.spec.prediction) == ("bartlett", "likelihood")
    assert fit.rate_ci.low < fitted(ci="profile").rate_ci.low
    assert fit.mean_rate_ci == fit.rate_ci
    assert fit.test(fit.rate_ci.high).pvalue == pytest.approx(0.05, abs=1e-6)


def test_rho():
    fit = fitted()
    low, high = fit.rho_ci()
    inner, profile = fit.rho_ci(level=0.5), fit.rho_ci("profile")
    assert 0 <= low <= inner.low <= fit.rho <= inner.high <= high <= 1
    assert profile.high < high
    with pytest.raises(mr.UnknownName, match="cox-reid"):
        fit.rho_ci("wald")
    with pytest.raises(mr.CannotEstimate, match="has no rho"):
        mr.pool(events=EVENTS, n=N).rho_ci()
    with pytest.raises(mr.CannotEstimate, match="not estimable"):
        mr.pool(events=[0, 0], n=[4, 9], model="beta-binomial").rho_ci()


def test_a_bootstrap_has_its_own_p_value_and_keeps_its_seed():
    fit = fitted(ci="bootstrap", seed=3)
    assert fit.rate_ci == fitted(ci="bootstrap", seed=3).rate_ci
    assert fit.rate_ci != fitted(ci="bootstrap", seed=4).rate_ci
    assert fit.test(fit.rate_ci.low).pvalue == pytest.approx(0.05, abs=2e-3)


def test_one_distribution_of_a_new_trial():
    fit = fitted()
    again = type(fit).from_dict(fit.to_dict())
    assert again.prediction_interval == fit.prediction_interval
    assert again.probability_above(0.3) == pytest.approx(fit.probability_above(0.3), abs=1e-12)
    batch = mr.pool_batch([EVENTS], [N], model="beta-binomial")
    assert batch.prediction_low[0] == pytest.approx(fit.prediction_interval.low, abs=1e-7)
    assert batch.prediction_high[0] == pytest.approx(fit.prediction_interval.high, abs=1e-7)


def test_no_variation_found_does_not_mean_none():
    """An estimate of rho of 0 leaves room in every answer about a single trial."""
    fit = mr.pool(events=[5, 6, 5], n=[20, 20, 20], model="beta-binomial")
    assert fit.rho == 0
    assert fit.rho_ci().high > 0.2
    assert fit.prediction_interval.high > fit.rate_ci.high
    rates = fit.study_rates()
    assert rates.shrunken_low[1] > rates.shrunken_low[0]


def test_a_study_that_outweighs_all_is_named():
    outweighed = mr.pool(events=[90, 1, 2], n=[2000, 20, 30], model="beta-binomial")
    assert any("holds 98% of the patients" in note for note in outweighed.notes)
    assert not any("of the patients" in note for note in fitted().notes)


@pytest.mark.parametrize(
    ("events", "n"), [([0, 0, 1], [10**9] * 3), ([0, 5, 0], [9, 5, 4]), ([1, 9], [10**9, 9])]
)
def test_finite_at_the_edges(events, n):
    fit = mr.pool(events=events, n=n, model="beta-binomial")
    low, high = fit.prediction_interval
    assert 0 <= low <= fit.rate <= high <= 1
    assert np.isfinite(fit.predict_events(12).pmf).all()
    rates = fit.study_rates()
    assert ((rates.shrunken_low <= rates.shrunken_high) & (rates.shrunken_low >= 0)).all()
