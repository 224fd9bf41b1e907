"""Large fits: equal studies are computed once, with the same answers; nothing unseen is worded."""

import numpy as np
import pytest

import metaresp as mr
from metaresp import counts
from metaresp.kernel.counts import quadrature
from metaresp.present import rates

# Sums in another order; the searches end where no more is gained.
ONCE = 1e-9


def studies(times, kinds=60):
    rng = np.random.default_rng(5)
    n = rng.integers(8, 30, kinds)
    x = rng.binomial(n, 1 / (1 + np.exp(-rng.normal(-1.2, 0.6, kinds))))
    return mr.Studies(np.tile(x, times), np.tile(n, times))


def different(found):
    return len(set(zip(found.events.tolist(), found.n.tolist(), strict=True)))


@pytest.mark.parametrize("times", [10, 100])
def test_the_likelihood_sees_each_pair_once(monkeypatch, times):
    data, widths, moments = studies(times), [], quadrature.moments

    def counted(x, *args, **kwargs):
        widths.append(x.shape[-1])
        return moments(x, *args, **kwargs)

    monkeypatch.setattr(quadrature, "moments", counted)
    fit = mr.pool(data)
    assert fit.k == len(data) == 60 * times
    assert max(widths) <= different(data)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ci": "profile-t", "prediction": "t"},
        {"link": "cauchit", "ci": "t"},
        {"link": "log", "ci": "profile-f"},
        {"model": "beta-binomial"},
    ],
    ids=str,
)
def test_equal_studies_together_are_as_one_by_one(monkeypatch, options):
    data = studies(5)

    def answers():
        fit = mr.pool(data, **options)
        ends = [*fit.rate_ci, *fit.prediction_interval, fit.loglik, fit.heterogeneity.Q, fit.heterogeneity.I2]
        shrunken = fit.study_rates()
        asked = [fit.test(0.2).pvalue, fit.probability_above(0.3), fit.predict_events(20).mean]
        if options.get("model") is None:
            asked += [*fit.tau2_ci(), *fit.heterogeneity.I2_ci]
        return np.concatenate(
            [[fit.rate, fit.se], ends, asked, fit.weights, shrunken.shrunken, shrunken.shrunken_low]
        )

    together = answers()
    monkeypatch.setattr(counts, "_MANY", 10**9)
    np.testing.assert_allclose(together, answers(), rtol=ONCE, atol=1e-12)


def test_draws_are_study_by_study(monkeypatch):
    data = studies(4)
    together = mr.pool(data, model="inverse-variance", ci="bootstrap", seed=3).rate_ci
    monkeypatch.setattr(counts, "_MANY", 10**9)
    assert together == mr.pool(data, model="inverse-variance", ci="bootstrap", seed=3).rate_ci


def test_few_or_different_studies_stay_as_they_are():
    for x, n in (([3, 3], [9, 9]), (np.arange(400), np.full(400, 500))):
        lane, _ = counts.clean(x, n, None)
        same, place = counts.grouped(lane)
        assert same is lane
        assert place.tolist() == list(range(len(x)))


def test_printing_words_the_studies_that_it_shows(monkeypatch):
    fit, asked, told = mr.pool(studies(100)), [], rates.told_apart
    monkeypatch.setattr(rates, "told_apart", lambda *args: asked.append(args) or told(*args))
    printed = str(fit)
    assert len(asked) <= 110
    assert "... and 5,900 more rows" in printed
    assert printed == str(fit.summary())
    assert len(fit.summary().rows) == fit.k
