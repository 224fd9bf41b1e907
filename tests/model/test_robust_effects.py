"""Robust effects as options of a pooling: symmetries, batches, p-values, outlying studies, words."""

import json

import numpy as np
import pytest

import metaresp as mr
from metaresp.cli import main
from metaresp.errors import InvalidArgument

ROBUST = ("t", "mixture")
SAME = 1e-8  # two searches for one number
OUTLYING = {"events": [9, 10, 12, 8, 11, 13, 50], "n": [40, 42, 45, 38, 44, 47, 60]}
READ = (
    "rate",
    "low",
    "high",
    "mean_rate",
    "mean_low",
    "mean_high",
    "tau2",
    "prediction_low",
    "prediction_high",
)


def random_sets(sets, k, seed, most=200):
    """Sets in which some studies are far off, at 0 or at n."""
    rng = np.random.default_rng(seed)
    n = rng.integers(4, most, (sets, k))
    theta = rng.uniform(-3, 2, (sets, 1)) + rng.standard_t(2, (sets, k)) * rng.uniform(0, 1, (sets, 1))
    return rng.binomial(n, 1 / (1 + np.exp(-theta))), n


@pytest.mark.parametrize("effects", ROBUST)
def test_batch_equals_loop(effects):
    events, n = random_sets(12, 5, 1)
    batch = mr.pool_batch(events, n, effects=effects)
    for i in range(len(events)):
        fit = mr.pool(events=events[i], n=n[i], effects=effects)
        ours = (fit.rate, *fit.rate_ci, fit.mean_rate, *fit.mean_rate_ci, fit.tau2, *fit.prediction_interval)
        np.testing.assert_allclose([getattr(batch, name)[i] for name in READ], ours, rtol=SAME, atol=SAME)


@pytest.mark.parametrize("effects", ROBUST)
def test_copies_equal_repeats(effects):
    events, n = random_sets(1, 4, 2)
    copies = np.array([[2, 0, 3, 1]])
    once = mr.pool_batch(events, n, copies, effects=effects)
    each = mr.pool_batch(*(np.repeat(field, copies[0], axis=1) for field in (events, n)), effects=effects)
    for name in READ:
        np.testing.assert_allclose(getattr(once, name), getattr(each, name), rtol=SAME, atol=SAME)


@pytest.mark.parametrize("effects", ROBUST)
def test_mirror(effects):
    events, n = random_sets(20, 4, 3)
    here, there = (mr.pool_batch(x, n, effects=effects) for x in (events, n - events))
    for name, other in (
        ("rate", "rate"),
        ("low", "high"),
        ("mean_rate", "mean_rate"),
        ("mean_low", "mean_high"),
    ):
        np.testing.assert_allclose(getattr(here, name), 1 - getattr(there, other), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(here.tau2, there.tau2, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("effects", ROBUST)
@pytest.mark.parametrize("of", ["typical", "mean"])
def test_pvalues_rise_to_the_estimate(effects, of):
    for events, n in zip(*random_sets(12, 6, 4), strict=True):
        fit = mr.pool(events=events, n=n, effects=effects)
        (low, high), middle = (
            (fit.rate_ci, fit.rate) if of == "typical" else (fit.mean_rate_ci, fit.mean_rate)
        )
        assert 0 <= low < middle < high <= 1
        for end in (low, high):
            if 1e-9 < end < 1 - 1e-9:
                assert fit.test(end, of=of).pvalue == pytest.approx(0.05, abs=1e-6)
            between = [fit.test(end + share * (middle - end), of=of).pvalue for share in (0.2, 0.5, 0.8)]
            assert between == sorted(between)


@pytest.mark.parametrize("effects", ROBUST)
def test_awkward_data_have_an_answer(effects):
    sets = [
        ([0, 18, 12], [18, 18, 12]),
        ([1, 18], [18, 18]),
        ([0, 0, 1], [5, 7, 9]),
        ([10, 20], [10**9, 20]),
        ([500_000_000, 3, 0, 4], [10**9, 7, 5, 4]),
        ([0, 0], [3, 4]),
        ([3], [7]),
    ]
    with np.errstate(all="raise"):
        for events, n in sets:
            fit = mr.pool(events=events, n=n, effects=effects)
            assert 0 <= fit.rate_ci.low <= fit.rate <= fit.rate_ci.high <= 1
            assert 0 <= fit.mean_rate_ci.low <= fit.mean_rate <= fit.mean_rate_ci.high <= 1
            assert fit.weights.sum() == pytest.approx(100)
            rates = fit.study_rates()
            assert fit.is_exact or ((rates.shrunken_low <= rates.shrunken_high) & (rates.shrunken <= 1)).all()


def test_an_outlying_study_pulls_less():
    fits = {name: mr.pool(**OUTLYING, effects=name) for name in ("normal", *ROBUST)}
    own = 113 - 50  # of the six that agree
    usual = own / (316 - 60)
    assert fits["mixture"].rate - usual < fits["t"].rate - usual < 0.4 * (fits["normal"].rate - usual)
    for name in ROBUST:
        assert fits[name].weights[-1] < 0.5 * fits[name].weights[:-1].min()
        assert np.diff(fits[name].rate_ci) < np.diff(fits["normal"].rate_ci)


def test_outliers_have_probabilities():
    fit = mr.pool(**OUTLYING, effects="mixture")
    rates = fit.study_rates()
    assert rates.outlier[-1] > 0.8
    assert (rates.outlier[:-1] < 0.1).all()
    np.testing.assert_array_equal(fit.to_frame()["outlier"], rates.outlier)
    np.testing.assert_array_equal(rates.to_frame()["outlier"], rates.outlier)
    assert "P(outlier)" in str(rates)
    assert fit.notes[-1].startswith("1 of 7 studies is more probably outlying than not")
    for name in ("normal", "t"):
        other = mr.pool(**OUTLYING, effects=name)
        assert other.study_rates().outlier is None
        assert "outlier" not in other.to_frame()


@pytest.mark.parametrize("effects", ROBUST)
def test_new_trials_agree_with_their_interval(effects):
    fit = mr.pool(**OUTLYING, effects=effects)
    low, high = fit.prediction_interval
    assert fit.probability_above(low) == pytest.approx(0.975, abs=1e-6)
    assert fit.probability_above(high) == pytest.approx(0.025, abs=1e-6)
    assert fit.predict_events(n=1).mean == pytest.approx(
        sum(fit.probability_above(rate) for rate in (np.arange(2000) + 0.5) / 2000) / 2000, abs=1e-5
    )


def test_drawn_sets_have_the_same_effects():
    found = [
        mr.pool(**OUTLYING, effects=name, ci="bootstrap", seed=1).rate_ci for name in ("normal", *ROBUST)
    ]
    assert np.diff(found[1]) < np.diff(found[0])
    assert np.diff(found[2]) < np.diff(found[0])


def test_normal_effects_are_the_default():
    fit = mr.pool(**OUTLYING)
    assert fit.spec.effects == "normal"
    assert fit == mr.pool(**OUTLYING, effects="Normal")
    assert "spread" not in str(fit)


def test_words():
    fit = mr.pool(**OUTLYING, effects="t")
    assert "logit link, t effects with 4 df" in str(fit)
    assert 'metaplus::metaplus(y$yi, sqrt(y$vi), random = "t-dist")' in fit.to_r()
    assert "10% are 3 times as far spread" in str(mr.pool(**OUTLYING, effects="mixture"))
    assert mr.Fit.from_dict(json.loads(fit.to_json())) == fit


def test_where_it_has_no_meaning():
    with pytest.raises(InvalidArgument, match="effects='t' has no meaning for model='beta-binomial'"):
        mr.pool(**OUTLYING, model="beta-binomial", effects="t")
    with pytest.raises(InvalidArgument, match="effects='t' is not possible with cluster="):
        mr.pool(**OUTLYING, cluster=list("aabbccc"), effects="t")


def test_command_line(tmp_path, capsys):
    path = tmp_path / "trials.csv"
    rows = zip(OUTLYING["events"], OUTLYING["n"], strict=True)
    path.write_text("study,events,n\n" + "".join(f"S{i},{x},{n}\n" for i, (x, n) in enumerate(rows)))
    assert main(["pool", str(path), "--effects", "mixture"]) == 0
    assert "3 times as far spread" in capsys.readouterr().out
    assert main(["pool", str(path), "--effects", "cauchy"]) == 2
    assert "--effects cauchy is not known" in capsys.readouterr().err
