"""pool and pool_batch: references, degenerate data, options, notes, records."""

import json
import pickle

import numpy as np
import pytest

import metaresp as mr
from metaresp.model.registry import MODELS
from metaresp.model.spec import resolve
from tests.datasets import NAMES, counts, reference

CLOSED = 1e-10  # closed forms, relative
ITERATED = 1e-6  # metafor's own stopping rule, relative
SCALES = {"logit": "PLO", "arcsine": "PAS"}  # tests/kernel/test_reference.py has every scale and estimator
CI = {"normal": "z", "t": "t", "hartung-knapp": "knha"}
TAU2 = {
    "common": "EE",
    "DL": "DL",
    "PM": "EB",
    "REML": "REML",
}  # EB solves the equation of PM, to more digits


def load(name):
    events, n = counts(name)
    return mr.Studies(events=events, n=n)


def test_pritz1997_default():
    fit = mr.pool(load("pritz1997"))
    assert fit.estimate == pytest.approx(1.376594, abs=1e-5)
    assert fit.tau2 == pytest.approx(0.589310, abs=1e-5)
    assert (fit.spec.ci, fit.spec.prediction) == ("bartlett", "likelihood")
    t = reference("pritz1997")["glmm"]["metafor_PLO_nAGQ7_t"]
    np.testing.assert_allclose(mr.pool(load("pritz1997"), ci="t").estimate_ci, t["ci"], atol=2e-4)
    assert mr.pool(load("pritz1997"), model="inverse-variance").tau2 == pytest.approx(0.364588, abs=1e-6)


PREDICTED = 1e-7  # the curves behind a likelihood prediction are interpolated to 1e-7
GRID = [
    (name, transform, tau2, ci)
    for name in NAMES
    for transform in SCALES
    for tau2 in TAU2
    for ci in CI
    if f"{TAU2[tau2]}_{CI[ci]}" in reference(name)["inverse_variance"][SCALES[transform]]
]


def test_grid_is_complete():
    """Six data sets, two scales; metafor gives the common effect with z only."""
    assert len(NAMES) == 6
    assert len(GRID) == 6 * 2 * 10


@pytest.mark.parametrize(("name", "transform", "tau2", "ci"), GRID)
def test_metafor(name, transform, tau2, ci):
    expected = reference(name)["inverse_variance"][SCALES[transform]][f"{TAU2[tau2]}_{CI[ci]}"]
    if "error" in expected:
        pytest.fail(f"the reference holds an error: {expected['error']}")
    options = {"correct": "only-zero"} if transform == "logit" else {}
    fit = mr.pool(
        load(name),
        model="inverse-variance",
        transform=transform,
        tau2=tau2,
        ci=ci,
        prediction="hts",
        **options,
    )
    rel = CLOSED if tau2 in {"common", "DL"} else ITERATED
    assert fit.estimate == pytest.approx(expected["estimate"], rel=rel)
    assert fit.se == pytest.approx(expected["se"], rel=rel)
    np.testing.assert_allclose(fit.estimate_ci, expected["ci"], rtol=rel, atol=1e-12)
    assert fit.tau2 == pytest.approx(expected["tau2"], rel=rel, abs=1e-12)
    assert pytest.approx(expected["Q"], rel=CLOSED) == fit.heterogeneity.Q
    assert fit.heterogeneity.pvalue == pytest.approx(expected["Q_p"], rel=1e-8, abs=1e-300)
    assert pytest.approx(expected["I2"], rel=rel, abs=1e-8) == fit.heterogeneity.I2
    np.testing.assert_allclose(fit.weights, expected["weights"], rtol=rel)
    if tau2 != "common":
        np.testing.assert_allclose(
            fit.estimate_prediction, expected["prediction_riley"], rtol=rel, atol=1e-12
        )


@pytest.mark.parametrize("name", NAMES)
def test_beta_binomial_reference(name):
    expected, fit = reference(name)["beta_binomial"], mr.pool(load(name), model="beta-binomial")
    assert fit.loglik >= expected["logLik"] - 1e-8  # the reference is Nelder-Mead's, from three starts
    if fit.loglik < expected["logLik"] + 1e-6:
        assert fit.estimate == pytest.approx(expected["logit_mu"], abs=1e-4)
        assert fit.rho == pytest.approx(expected["rho"], rel=1e-3)
    else:
        assert name == "crisafulli2020"  # rho of 1e-6: the search on its logit ends early


@pytest.mark.parametrize("name", NAMES)
def test_intervals_of_tau2_i2_and_h2(name):
    scale = reference(name)["inverse_variance"]["PLO"]
    fit = mr.pool(load(name), model="inverse-variance")
    for method, key in (
        ("q-profile", "tau2_ci_QP"),
        ("profile", "tau2_ci_PL_REML"),
        ("generalised-q", "tau2_ci_BJ_GENQ"),
    ):
        np.testing.assert_allclose(
            fit.tau2_ci(method), scale[key]["tau2"][1:], rtol=3e-4, atol=1e-5, err_msg=method
        )
    assert fit.tau2_ci() == fit.tau2_ci("q-profile")
    np.testing.assert_allclose(
        fit.heterogeneity.I2_ci, scale["tau2_ci_QP"]["I2"][1:], rtol=ITERATED, atol=1e-6
    )
    np.testing.assert_allclose(fit.heterogeneity.H2_ci, scale["tau2_ci_QP"]["H2"][1:], rtol=ITERATED)
    np.testing.assert_allclose(
        fit.heterogeneity.I2_Q_ci,
        100 * np.array(reference(name)["metaprop"]["PLOGIT_HK"]["I2_ci"]),
        rtol=1e-6,
        atol=1e-9,
    )


def test_tau2_interval_of_the_count_model():
    fit = mr.pool(load("pritz1997"))
    low, high = fit.tau2_ci()
    assert 0 < low < fit.tau2 < high
    assert fit.tau2_ci(level=0.99).high > high
    assert fit.tau2_ci("cox-reid") == (low, high)
    narrow = fit.tau2_ci("profile")
    assert low < fit.tau2 < narrow.high < high
    assert "tau2" in fit.heterogeneity.I2_definition.partition(";")[2]
    assert fit.heterogeneity.I2_ci.low < fit.heterogeneity.I2 < fit.heterogeneity.I2_ci.high
    zero = mr.pool(events=[3, 4, 3], n=[10, 11, 9])
    assert zero.tau2 == 0
    assert zero.tau2_ci().low == 0
    assert zero.tau2_ci().high > 0
    with pytest.raises(mr.UnknownName, match=r"'cox-reid'.*'profile'"):
        fit.tau2_ci("q-profile")
    with pytest.raises(mr.CannotEstimate, match="not estimable"):
        mr.pool(events=[0, 0], n=[9, 9]).tau2_ci()


def test_to_r_names_the_counts_and_the_call():
    script = mr.pool(load("pritz1997"), model="inverse-variance", tau2="PM").to_r()
    for words in ("metafor", "c(16, 10, 4", 'method = "PM"', "knha"):
        assert words in script


def test_simulating_methods_repeat_themselves():
    options = {"model": "inverse-variance", "ci": "bootstrap"}
    a, b = (mr.pool(load("baeten2013"), **options) for _ in range(2))
    assert a == b
    assert a.rate_ci != mr.pool(load("baeten2013"), seed=5, **options).rate_ci
    x, n = counts("baeten2013")
    batch = mr.pool_batch([x, x], [n, n], seed=5, **options)
    assert batch.low[0] == pytest.approx(mr.pool(events=x, n=n, seed=5, **options).rate_ci.low, rel=1e-12)


def test_every_study_at_zero():
    fit = mr.pool(events=[0, 0, 0], n=[18, 12, 7])
    assert fit.rate == 0
    assert fit.rate_ci.low == 0
    assert fit.rate_ci.high == pytest.approx(1 - 0.025 ** (1 / 37), rel=1e-12)
    assert round(100 * fit.rate_ci.high, 1) == 9.5
    assert "No event in any study" in fit.notes[0]
    assert np.isnan(fit.tau2)
    assert fit.prediction_interval is None


@pytest.mark.parametrize("model", list(MODELS))
def test_degenerate_data_of_every_model(model):
    full = mr.pool(events=[18, 12, 7], n=[18, 12, 7], model=model)
    assert full.rate_ci == (pytest.approx(0.025 ** (1 / 37)), 1.0)
    one = mr.pool(events=[13], n=[18], model=model)
    exact = mr.binomial_ci(13, 18)
    assert one.rate_ci == (exact.low, exact.high)
    assert one.notes


def test_one_trial_of_fourteen_at_100_percent():
    """Every study at 0% or 100%: the rate is that of trials, not 0 with a limit of 5e-06."""
    n = [45, 23, 14, 9, 31, 59, 11, 42, 44, 20, 13, 17, 18, 13]
    fit = mr.pool(events=[45] + [0] * 13, n=n)
    exact = mr.binomial_ci(1, 14)
    assert (fit.rate, *fit.rate_ci) == pytest.approx((exact.rate, exact.low, exact.high), rel=1e-12)
    assert "every study is at 0% or at 100%" in fit.notes[0].lower()
    assert fit.model_label == "Exact binomial on the studies"
    np.testing.assert_allclose(fit.weights, 100 / 14)
    assert fit.test(0.5).pvalue == pytest.approx(mr.binomial_test(1, 14, 0.5).pvalue)
    mirror = mr.pool(events=[0, *n[1:]], n=n)
    assert mirror.rate == pytest.approx(1 - fit.rate)


def test_uncorrected_zeros_name_the_study_and_the_cure():
    options = {"model": "inverse-variance", "correct": "none"}
    with pytest.raises(mr.CannotEstimate, match="leaves B at 0 or n without a variance"):
        mr.pool(events=[3, 0, 5], n=[9, 8, 11], study=["A", "B", "C"], **options)
    batch = mr.pool_batch([[3, 0, 5], [3, 2, 5]], [9, 8, 11], **options)
    assert batch.converged.tolist() == [False, True]
    assert batch.reasons() == {"the estimator has no value for these data": 1}


def test_i2_does_not_collapse_beside_a_large_tau():
    for events, n in (([0, 0, 0, 0, 18], 20), ([0, 0, 10, 0, 0, 0, 9], 10)):
        fit = mr.pool(events=events, n=[n] * len(events))
        assert fit.tau > 5
        assert fit.heterogeneity.I2 > 95


@pytest.mark.parametrize("options", [{}, {"model": "common"}])
def test_totals_beyond_four_thousand_million(options):
    n = [10**9] * 5
    assert mr.pool(events=[0] * 5, n=n, **options).rate_ci.high == pytest.approx(
        -np.log(0.025) / 5e9, rel=1e-8
    )
    fit = mr.pool(events=[10**8, 2 * 10**8, 10**8, 10**8, 10**8], n=n, **options)
    assert 0.1 <= fit.rate <= 0.13
    batch = mr.pool_batch([[0] * 5, [10**9] * 5], [n, n], **options)
    assert batch.rate.tolist() == [0, 1]


def test_flat_likelihoods_leak_no_warning():
    for events, n in (([1, 0], [7, 42]), ([2, 1], [77, 92])):
        for level in (0.95, 1 - 1e-9):
            fit = mr.pool(events=events, n=n, ci="profile-t", level=level)
            assert 0 <= fit.rate_ci.low <= fit.rate <= fit.rate_ci.high <= 1


def test_two_opposite_studies_have_a_rate_of_one_half():
    for options in ({}, {"model": "inverse-variance"}, {"model": "common"}):
        fit = mr.pool(events=[0, 7], n=[7, 7], **options)
        assert fit.rate == pytest.approx(0.5, abs=1e-9)
        assert 0 <= fit.rate_ci.low <= fit.rate <= fit.rate_ci.high <= 1


def random_batch(seed, size, k, largest=1000):
    rng = np.random.default_rng(seed)
    n = np.floor(largest ** rng.uniform(0, 1, (size, k))).astype(int)
    p = rng.beta(0.5, 0.5, (size, k)) * (rng.uniform(size=(size, 1)) < 0.9)
    p = np.where(rng.uniform(size=(size, 1)) < 0.1, 1, p)
    return rng.binomial(n, p), n


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ci": "normal", "prediction": "normal"},
        {"model": "common"},
        {"model": "beta-binomial"},
        {"ci": "profile"},
        {"ci": "bartlett"},
        {"ci": "profile-t"},
        *({"model": "inverse-variance", "transform": t} for t in SCALES),
        {"model": "inverse-variance", "tau2": "DL", "ci": "normal"},
        {"model": "inverse-variance", "tau2": 0.2, "ci": "t"},
    ],
)
@pytest.mark.parametrize("k", [1, 2, 3, 8])
def test_valid_data_never_fail(options, k):
    x, n = random_batch(k, 300, k)
    batch = mr.pool_batch(x, n, **options)
    assert batch.converged.all()
    assert np.isfinite([batch.rate, batch.low, batch.high, batch.mean_rate]).all()
    assert (
        (batch.low >= 0) & (batch.low <= batch.rate) & (batch.rate <= batch.high) & (batch.high <= 1)
    ).all()


EACH_MODEL = [*({"model": model} for model in MODELS), {"ci": "profile"}, {"ci": "bartlett"}]


@pytest.mark.parametrize("options", EACH_MODEL)
def test_batch_equals_loop(options):
    x, n = random_batch(1, 60, 6, 60)
    batch = mr.pool_batch(x.reshape(5, 12, 6), n.reshape(5, 12, 6), **options)
    assert batch.rate.shape == (5, 12)
    for i in range(60):
        fit = mr.pool(events=x[i], n=n[i], **options)
        at = np.unravel_index(i, (5, 12))
        for name, value in (("rate", fit.rate), ("low", fit.rate_ci.low), ("high", fit.rate_ci.high),
                            ("se", fit.se), ("tau2", fit.tau2), ("mean_rate", fit.mean_rate)):  # fmt: skip
            np.testing.assert_allclose(getattr(batch, name)[at], value, rtol=1e-8, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("options", EACH_MODEL)
def test_copies_equal_repeat(options):
    x, n = random_batch(2, 1, 8, 60)
    rng = np.random.default_rng(3)
    copies = rng.multinomial(8, np.full(8, 1 / 8), 60)
    batch = mr.pool_batch(x[0], n[0], copies, **options)
    for i in range(60):
        alone = mr.pool_batch(np.repeat(x[0], copies[i]), np.repeat(n[0], copies[i]), **options)
        for name in ("rate", "low", "high", "se", "tau2", "k", "Q", "I2", "reason", "prediction_low"):
            atol = PREDICTED if name == "prediction_low" else 1e-9
            np.testing.assert_allclose(
                getattr(alone, name), getattr(batch, name)[i], rtol=1e-8, atol=atol, err_msg=name
            )


def test_absent_studies_may_hold_anything():
    copies = [[1, 1, 0, 1]]
    a = mr.pool_batch([[3, 5, 0, 9]], [[10, 9, 0, 20]], copies)
    b = mr.pool_batch([[3, 5, 9]], [[10, 9, 20]])
    assert a.rate[0] == pytest.approx(b.rate[0], rel=1e-12)


def test_no_study_in_a_lane_is_said():
    batch = mr.pool_batch([[3, 5]], [[10, 9]], [[0, 0]])
    assert np.isnan(batch.rate[0])
    assert batch.reasons() == {"no study": 1}
    assert not batch.converged[0]
    assert list(batch.to_frame()["note"]) == ["no study"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "binomial"}, "model='binomial' is not known"),
        ({"ci": "hartung-knapp"}, "ci='hartung-knapp' is not known: choose"),
        ({"transform": "arcsine"}, "transform='arcsine' has no meaning for model='binomial-normal'"),
        ({"model": "inverse-variance", "tau2": -1}, "tau2=-1"),
        ({"model": "inverse-variance", "tau2": float("nan")}, "tau2=nan"),
        ({"model": "inverse-variance", "correction": "much"}, "correction='much'"),
        (
            {"model": "inverse-variance", "transform": "arcsine", "correction": 0.5},
            "no meaning for transform='arcsine'",
        ),
        ({"model": "inverse-variance", "back_n": "harmonic"}, "no meaning for transform='logit'"),
        ({"level": 95}, "level=95"),
        ({"level": True}, "level=True"),
        ({"study_ci": "exact"}, "study_ci='exact' is not known"),
        ({"seed": -1}, "seed=-1"),
        ({"ci": None}, "ci=None"),
    ],
)
def test_bad_options(options, words):
    with pytest.raises(mr.InvalidArgument) as error:
        mr.pool(events=[3, 5], n=[9, 9], **options)
    assert words in str(error.value)


def test_spec_options_give_the_same_spec():
    for options in (
        {},
        {"model": "inverse-variance", "transform": "arcsine", "prediction": None},
        {"model": "common"},
    ):
        spec = resolve(**options)
        assert resolve(**spec.options()) == spec


@pytest.mark.parametrize(
    ("events", "n", "words"),
    [
        ([[3, 12]], [[9, 9]], "events[(0, 1)]=12 (n=9): must not exceed n"),
        ([3, -1], [9, 9], "events[1]=-1"),
        ([3, 1.5], [9, 9], "events[1]=1.5: must be a whole number"),
        ([3, 1], [9, 0], "n[1]=0"),
        ([3, np.nan], [9, 9], "events[1]=nan"),
        ([3, 1], [9, 2e9], "n[1]=2000000000"),
    ],
)
def test_bad_counts_name_their_place(events, n, words):
    with pytest.raises(mr.InvalidStudies) as error:
        mr.pool_batch(events, n)
    assert words in str(error.value)


def test_bad_shapes():
    with pytest.raises(mr.InvalidArgument, match="shapes must broadcast"):
        mr.pool_batch([1, 2, 3], [9, 9])
    with pytest.raises(mr.InvalidArgument, match="at least one axis"):
        mr.pool_batch(3, 9)
    with pytest.raises(mr.InvalidArgument, match="must be whole numbers"):
        mr.pool_batch(["a", "b"], [9, 9])
    with pytest.raises(mr.InvalidStudies, match="must not be negative"):
        mr.pool_batch([1, 2], [9, 9], [1, -1])


def test_notes_say_what_was_done():
    fit = mr.pool(events=[0, 4, 9], n=[10, 10, 12], study=["A", "B", "C"], model="inverse-variance")
    assert any("0.5 was added" in note and "1 of 3" in note and "(A)" in note for note in fit.notes)
    assert any("two studies" in note for note in mr.pool(events=[3, 4], n=[10, 11]).notes)
    two = mr.pool(events=[3, 4], n=[10, 11], prediction="hts")
    assert any("No prediction interval" in note for note in two.notes)
    assert any("estimated as 0" in note for note in mr.pool(events=[3, 4, 3], n=[10, 11, 9]).notes)
    assert mr.pool(load("pritz1997")).notes == ()


def test_missing_rows_are_listed_not_invented():
    rows = {"study": ["A", "B", "C"], "events": [3, None, 5], "n": [10, 12, 9]}
    with pytest.raises(mr.InvalidStudies):
        mr.pool(rows)
    fit = mr.pool(rows, missing="drop")
    assert fit.k == 2
    assert [item.study for item in fit.studies.excluded] == ["B"]
    assert "B (row 1): events are missing" in fit.notes[0]


def test_study_counts_are_never_shown_corrected():
    fit = mr.pool(events=[0, 4, 9], n=[10, 10, 12], model="inverse-variance")
    frame = fit.to_frame()
    shrunken = ["shrunken", "shrunken_low", "shrunken_high"]
    assert list(frame.columns) == ["study", "events", "n", "rate", "low", "high", "weight", *shrunken]
    assert frame["rate"][0] == 0
    assert frame["low"][0] == 0
    assert frame["weight"].sum() == pytest.approx(100)


@pytest.mark.parametrize("options", [{}, {"model": "inverse-variance", "tau2": 0.1}, {"model": "common"}])
@pytest.mark.parametrize("events", [[3, 5, 9], [0, 0, 0]])
def test_fit_survives_json_and_pickle(options, events):
    fit = mr.pool(events=events, n=[10, 12, 20], **options)
    assert mr.Fit.from_dict(json.loads(fit.to_json())) == fit
    assert pickle.loads(pickle.dumps(fit)) == fit
    assert fit != mr.pool(events=[4, 5, 9], n=[10, 12, 20], **options)
    with pytest.raises(AttributeError):
        fit.rate = 0.5


def test_test_agrees_with_the_interval():
    for options in ({}, {"ci": "normal"}, {"model": "inverse-variance"}, {"model": "common"}):
        fit = mr.pool(load("pritz1997"), **options)
        assert fit.test(fit.rate_ci.low).pvalue == pytest.approx(0.05, abs=1e-6) or options == {
            "model": "common"
        }
        assert fit.test(fit.rate_ci.low, alternative="greater").pvalue == pytest.approx(0.025, abs=1e-6)
    exact = mr.pool(events=[0, 0], n=[18, 19])
    assert exact.test(0.1, alternative="less").pvalue == pytest.approx(0.9**37)


def test_missing_works_on_values_as_on_columns():
    fit = mr.pool(events=[None, 2, 5], n=[3, 4, 9], study=["A", "B", "C"], missing="drop")
    assert fit.studies.study == ("B", "C")
    assert fit.studies.excluded[0].study == "A"
    with pytest.raises(mr.InvalidArgument, match="missing='zzz'"):
        mr.pool(events=[1, 2], n=[3, 4], missing="zzz")
    with pytest.raises(mr.InvalidArgument, match="missing=: leave it out when Studies are given"):
        mr.pool(mr.Studies([1, 2], [3, 4]), missing="zzz")


def test_an_interval_without_limits_is_an_error():
    x, n = [1, 1, 813311230], [581828621, 629439901, 813311231]
    with pytest.raises(mr.CannotEstimate, match="ci='kenward-roger' has no limits"):
        mr.pool(events=x, n=n, model="inverse-variance", transform="log", tau2=0.0, ci="kenward-roger")


def test_probability_above_agrees_with_the_prediction_interval():
    for prediction in ("likelihood", "hts", "t", "normal"):
        fit = mr.pool(load("pritz1997"), prediction=prediction)
        low, high = fit.prediction_interval
        assert fit.probability_above(low) == pytest.approx(0.975, abs=1e-9)
        assert fit.probability_above(high) == pytest.approx(0.025, abs=1e-9)
    with pytest.raises(mr.InvalidArgument, match="no prediction interval"):
        mr.pool(events=[1, 2], n=[9, 9], prediction="hts").probability_above(0.2)


def test_order_of_studies_does_not_matter():
    x, n = counts("pritz1997")
    order = np.random.default_rng(0).permutation(len(x))
    a, b = mr.pool(events=x, n=n), mr.pool(events=x[order], n=n[order])
    assert a.rate == pytest.approx(b.rate, rel=1e-12)
    assert a.rate_ci == pytest.approx(b.rate_ci, rel=1e-10)


def test_mirror():
    x, n = counts("ursino2021")
    a, b = mr.pool(events=x, n=n), mr.pool(events=n - x, n=n)
    assert a.rate == pytest.approx(1 - b.rate, rel=1e-10)
    assert a.rate_ci.low == pytest.approx(1 - b.rate_ci.high, rel=1e-9)


def test_summary_shows_the_numbers():
    text = str(mr.pool(load("pritz1997")))
    for words in ("79.8% (95% CI 69.1% to 89.6%)", "246 of 326", "tau2 = 0.589", "16/17"):
        assert words in text


@pytest.mark.parametrize("method", ["wilson", "jeffreys", "blaker"])
@pytest.mark.parametrize(
    ("events", "n"), [([3], [9]), ([0, 0], [18, 19]), ([7, 4], [7, 4]), ([3, 5], [9, 11])]
)
def test_one_common_rate_takes_the_interval_asked_for(method, events, n):
    fit = mr.pool(events=events, n=n, model="common", ci=method)
    one = mr.binomial_ci(sum(events), sum(n), method=method)
    assert fit.rate_ci == pytest.approx((one.low, one.high), abs=1e-12)
    assert float(mr.pool_batch(events, n, model="common", ci=method).high) == pytest.approx(one.high)


def test_studies_of_one_patient_say_nothing_of_tau():
    fit = mr.pool(events=[0, 1, 1, 0, 1], n=[1] * 5)
    one = mr.binomial_ci(3, 5)
    assert fit.rate_ci == (one.low, one.high)
    assert "tau2 is not estimable" in fit.notes[0]
    batch = mr.pool_batch([[0, 1, 4], [0, 1, 1]], [[1, 1, 9], [1, 1, 9]], [[1, 1, 0], [1, 1, 1]])
    assert np.isnan(batch.tau2[0])
    assert np.isfinite(batch.tau2[1])


def test_a_prediction_interval_holds_the_estimate():
    fit = mr.pool(events=[0, 0, 3], n=[10**6, 10**5, 20], link="cauchit", ci="t")
    assert fit.prediction_interval.low <= fit.rate <= fit.prediction_interval.high


def test_a_nested_interval_without_width_says_so():
    fit = mr.pool(events=[5] * 6, n=[10] * 6, cluster=list("aabbcc"), model="inverse-variance")
    assert fit.rate_ci == (0.5, 0.5)
    assert any("no width" in note for note in fit.notes)


def test_an_interval_of_the_studies_that_has_no_answer_is_said_at_once():
    with pytest.raises(mr.CannotEstimate, match="blyth-still-casella"):
        mr.pool(events=[3, 4], n=[20_000, 30], study_ci="blyth-still-casella")
