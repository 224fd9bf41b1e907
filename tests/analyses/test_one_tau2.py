"""Groups with one tau2 are those of metafor, lme4 and the regression; awkward groups have an answer."""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, special, stats

import metaresp as mr
from metaresp.analyses.between import likelihood_ratios
from metaresp.analyses.subgroups import Subgroups
from metaresp.counts import clean
from metaresp.model.registry import MODELS
from metaresp.model.regressions import REGRESSIONS
from metaresp.transforms import TRANSFORMS

R = json.loads((Path(__file__).parents[1] / "reference" / "groups" / "groups.json").read_text("utf-8"))
CASES = {name: (case["by"], case["group"]) for name, case in R["cases"].items()}
SCALES = {"PLO": "logit", "PAS": "arcsine"}
TESTS = {"z": "normal", "knha": "hartung-knapp"}
SAME = 1e-6
NODES = 1e-4  # of lme4
INVERSE = [{"model": "inverse-variance", "transform": name} for name in TRANSFORMS]


def one(fit, by, **options):
    return mr.subgroups(fit, by, common_tau2=True, **options)


def studies(events, n, groups):
    return mr.Studies(events, n, covariates={"region": list(groups)})


def place(found, groups):
    return [found.group.index(name) for name in groups]


@pytest.mark.parametrize("key", list(R["rma"]["debruin2009"]))
@pytest.mark.parametrize("name", list(CASES))
def test_inverse_variance_is_that_of_metafor(name, key):
    by, groups = CASES[name]
    (measure, tau2, test), ref = key.split("_"), R["rma"][name][key]
    options = {"transform": SCALES[measure], "tau2": tau2, "ci": TESTS[test]}
    found = one(mr.pool(mr.datasets.load(name), model="inverse-variance", **options), by)
    i = place(found, groups)
    for ours, theirs in (
        ("estimate", "estimate"), ("se", "se"), ("estimate_low", "low"), ("estimate_high", "high")
    ):  # fmt: skip
        assert getattr(found, ours)[i] == pytest.approx(ref[theirs], rel=SAME, abs=SAME)
    for field in ("tau2", "tau2_low", "tau2_high", "I2"):
        assert getattr(found, field) == pytest.approx(np.full(2, ref[field]), rel=SAME, abs=SAME)
    statistic = found.statistic if test == "z" else found.F
    assert (statistic, found.pvalue) == pytest.approx((ref["QM"], ref["QM_p"]), rel=SAME)


@pytest.mark.parametrize("name", list(CASES))
def test_counts_are_those_of_metafor_and_lme4(name):
    by, groups = CASES[name]
    data = mr.datasets.load(name)
    for link, ref in R["glmer"][name].items():
        found = one(mr.pool(data, link=link), by)
        assert found.estimate[place(found, groups)] == pytest.approx(ref["estimate"], abs=NODES)
        assert found.se[place(found, groups)] == pytest.approx(ref["se"], abs=NODES)
        assert found.tau2 == pytest.approx(np.full(2, ref["tau2"]), abs=NODES)
        assert found.statistic == pytest.approx(ref["lrt"], abs=NODES)
    ref, found = R["rma_glmm"][name], one(mr.pool(data), by)
    assert found.estimate[place(found, groups)] == pytest.approx(ref["estimate"], abs=NODES)
    assert found.tau2 == pytest.approx(np.full(2, ref["tau2"]), abs=NODES)


@pytest.mark.parametrize(
    "options",
    [{}, {"link": "cauchit"}, {"effects": "t"}, {"penalty": ("half-normal", 0.3)}, {"ci": "t"}, *INVERSE],
    ids=str,
)
def test_it_is_the_regression_on_the_group(options):
    fit = mr.pool(mr.datasets.load("debruin2009"), **options)
    found, model = one(fit, "ethnicity"), mr.regress(fit, "ethnicity")
    rates = model.predict({"ethnicity": list(found.group)})
    scale = {"estimate": rates.estimate, "se": rates.se, "tau2": model.tau2, "I2": model.I2}
    for name, value in scale.items():
        assert getattr(found, name) == pytest.approx(np.broadcast_to(value, 2), rel=SAME), name
    if options.get("transform") != "freeman-tukey":  # which is turned back with each group's own size
        for name in ("rate", "low", "high", "prediction_low", "prediction_high"):
            assert getattr(found, name) == pytest.approx(getattr(rates, name), rel=SAME), name
    asked = {"profile-f": "F", "profile": "chi-square"}
    of_likelihood = fit.spec.model == "binomial-normal" and fit.spec.penalty is None  # tests have none
    for ci, reference in asked.items() if of_likelihood else ():
        by_groups = one(fit, "ethnicity", reference=reference)
        whole = mr.regress(fit, "ethnicity", ci=ci)
        assert (by_groups.statistic, by_groups.pvalue) == pytest.approx((whole.QM, whole.QM_pvalue), rel=SAME)
    if fit.spec.model == "inverse-variance":
        assert (found.F, found.pvalue) == pytest.approx((model.QM, model.QM_pvalue), rel=SAME)
        large = one(fit, "ethnicity", reference="chi-square")
        assert large.pvalue == pytest.approx(stats.chi2.sf(found.statistic, 1), rel=SAME)


@pytest.mark.parametrize("options", [{}, {"link": "probit"}, {"penalty": ("half-normal", 0.3)}], ids=str)
def test_the_statistic_is_that_of_the_likelihood_of_groups(options):
    data = studies([3, 5, 9, 10, 8, 14, 2], [20, 20, 21, 25, 19, 22, 9], "AAABBBC")
    fit = mr.pool(data, **options)
    copies = (np.array(data.column("region")) == np.array(list("ABC"))[:, None]).astype(int)
    lanes, _ = clean(np.broadcast_to(data.events, copies.shape), data.n, copies)
    ratio = likelihood_ratios(lanes, 3, fit.spec, shared=True, held=np.zeros((1, 3), dtype=bool))
    assert one(fit, "region").statistic == pytest.approx(ratio[0], abs=SAME)


@pytest.mark.parametrize("options", [{}, {"model": "inverse-variance"}, {"link": "cloglog"}], ids=str)
def test_a_group_at_an_end_keeps_its_exact_answer_and_moves_no_other(options):
    x, n, region = [0, 0, 4, 5, 3, 1, 9, 7], [20, 31, 20, 22, 9, 20, 13, 8], "AABBBCCD"
    data = studies(x, n, region)
    found = one(mr.pool(data, **options), "region")
    rest = one(mr.pool(data[2:], **options), "region")
    exact = mr.binomial_ci(0, 51)
    assert (found.rate[0], found.low[0], found.high[0]) == (0, exact.low, exact.high)
    assert np.isnan(found.tau2[0])
    for name in ("rate", "low", "high", "mean_low", "mean_high", "prediction_low", "tau2", "I2"):
        assert getattr(found, name)[1:] == pytest.approx(getattr(rest, name), rel=1e-9), name
    assert found.tau2[1:] == pytest.approx(found.tau2[1])
    assert any(note.startswith("A: all at 0%") for note in found.notes)
    assert not any("all at 0%" in note for note in rest.notes)
    assert found.test.startswith("likelihood ratio")
    assert found.test.endswith("one τ²")
    # a group of one study has limits of the model, wider than if its study told all
    assert found.high[3] - found.low[3] > 0
    assert found.k[3] == 1
    mirrored = one(mr.pool(studies(data.n - data.events, n, region), **options), "region")
    if options.get("link") != "cloglog":
        assert mirrored.rate == pytest.approx(1 - found.rate, abs=1e-6)
        assert mirrored.low == pytest.approx(1 - found.high, abs=1e-6)


@pytest.mark.parametrize("options", [{}, {"model": "inverse-variance"}], ids=str)
def test_the_mean_over_trials_is_the_typical_rate_averaged(options):
    found = one(mr.pool(mr.datasets.load("debruin2009"), **options), "ethnicity")

    def averaged(mu):
        tau = np.sqrt(found.tau2[0])
        return integrate.quad(lambda z: special.expit(mu + tau * z) * stats.norm.pdf(z), -9, 9)[0]

    for ends, means in (
        ("estimate", "mean_rate"),
        ("estimate_low", "mean_low"),
        ("estimate_high", "mean_high"),
    ):
        expected = [averaged(mu) for mu in getattr(found, ends)]
        assert getattr(found, means) == pytest.approx(expected, rel=SAME)


def test_freeman_tukey_effects_are_turned_back_with_the_size_of_the_group():
    data = studies([1, 2, 30, 41, 55], [8, 10, 300, 500, 410], "AABBB")
    fit = mr.pool(data, model="inverse-variance", transform="freeman-tukey")
    found = one(fit, "region")
    inverse = TRANSFORMS["freeman-tukey"].inverse
    sizes = np.array([2 / (1 / 8 + 1 / 10), 3 / (1 / 300 + 1 / 500 + 1 / 410)])
    assert found.rate == pytest.approx(inverse(found.estimate, sizes), rel=1e-9)
    assert found.mean_rate.shape == (2,)


SETS = {
    "two of one": ([3, 9], [20, 20], "AB"),
    "one and two": ([3, 9, 5], [20, 20, 20], "ABB"),
    "one study": ([3], [20], "A"),
    "one group": ([3, 9, 5], [20, 20, 20], "AAA"),
    "no events": ([0, 0, 0, 0], [20, 20, 7, 9], "AABB"),
    "all at n": ([20, 20, 7, 9], [20, 20, 7, 9], "AABB"),
    "opposite ends": ([0, 0, 7, 9], [20, 20, 7, 9], "AABB"),
    "ends beside a group": ([0, 0, 7, 9, 3, 8], [20, 20, 7, 9, 9, 11], "AABBCC"),
    "one at an end": ([0, 4, 5, 7], [20, 20, 17, 9], "ABBB"),
    "studies at ends": ([0, 20, 5, 0, 7], [20, 20, 5, 9, 7], "AABBB"),
    "ends and a study": ([0, 20, 3], [20, 20, 9], "AAB"),
    "single patients": ([0, 1, 1, 0, 1], [1, 1, 1, 1, 1], "AABBB"),
    "single patients and more": ([0, 1, 1, 0, 4], [1, 1, 1, 1, 9], "AABBB"),
    "agree exactly": ([5, 5, 8, 8], [20, 20, 20, 20], "AABB"),
    "huge": ([3, 500_000_000, 5, 2, 9], [20, 1_000_000_000, 17, 9, 12], "AABBB"),
    "many groups": ([i % 7 for i in range(24)], [9] * 24, "ABCDEFGHIJKL" * 2),
}


@pytest.mark.parametrize("name", list(SETS))
@pytest.mark.parametrize("options", [*({"model": name} for name in MODELS), *INVERSE], ids=str)
def test_every_set_has_an_answer_or_one_clear_error(options, name):
    data = studies(*SETS[name])
    fit = mr.pool(data, **options)
    with np.errstate(all="raise"):
        if options["model"] not in REGRESSIONS:
            with pytest.raises(mr.InvalidArgument, match="common_tau2"):
                one(fit, "region")
            return
        found = one(fit, "region")
        means = found.mean_low, found.mean_rate, found.mean_high
    for low, rate, high in ((found.low, found.rate, found.high), means):
        assert ((low >= 0) & (low <= rate) & (rate <= high) & (high <= 1)).all()
    new_low, new_high = found.prediction_low, found.prediction_high
    known = ~np.isnan(new_low)
    assert ((new_low <= found.low) & (new_high >= found.high))[known].all()
    apart = mr.subgroups(found.fit, "region")
    shared = [note for note in found.notes if note.startswith("No common tau2")]
    if shared:
        for field in ("rate", "low", "high", "tau2", "I2"):
            assert np.array_equal(getattr(found, field), getattr(apart, field), equal_nan=True)
    elif len(found.group) > 1:
        known = found.tau2[~np.isnan(found.tau2)]
        assert known.size > 1
        assert (known == known[0]).all()
    assert found.notes or len(found.group) == 1 or not np.isnan(found.tau2_low).any()
    assert str(found)


def test_what_cannot_have_one_tau2_says_so():
    data = mr.datasets.load("debruin2009")
    centres = mr.Studies(
        data.events,
        data.n,
        covariates={**data.covariates, "centre": [f"c{i // 2}" for i in range(len(data))]},
    )
    refused = {
        "knows no spread": {"model": "common"},
        "model='beta-binomial'": {"model": "beta-binomial"},
        "tau2='common' which|tau2='common', which": {"model": "inverse-variance", "tau2": "common"},
        "ci='bootstrap' is not offered": {"ci": "bootstrap"},
        "ci='henmi-copas' is not offered": {"model": "inverse-variance", "tau2": "DL", "ci": "henmi-copas"},
        "two variances": {"cluster": "centre"},
        "log-f": {"penalty": ("log-f", 1)},
    }
    for words, options in refused.items():
        with pytest.raises(mr.InvalidArgument, match=words):
            one(mr.pool(centres, **options), "ethnicity")


def test_it_is_printed_drawn_and_kept():
    fit = mr.pool(mr.datasets.load("debruin2009"))
    found = one(fit, "ethnicity")
    assert "one tau2 for all groups" in str(found)
    assert "one tau2 for all groups" not in str(mr.subgroups(fit, "ethnicity"))
    texts = [row.label for row in found.forest().table.rows]
    assert sum("(one for all groups)" in text for text in texts) == 2
    with_words = [row.label for row in found.forest(labels={"one_tau2": "gemeinsam"}).table.rows]
    assert sum("(gemeinsam)" in text for text in with_words) == 2
    restored = Subgroups.from_dict(json.loads(found.to_json()))
    assert restored == found == pickle.loads(pickle.dumps(found)) == copy.deepcopy(found)
    assert found.to_frame()["tau2"].nunique() == 1
    without = one(mr.pool(fit.studies, prediction=None), "ethnicity")
    assert np.isnan(without.prediction_low).all()
    level = one(mr.pool(fit.studies, level=0.8), "ethnicity")
    assert ((level.low > found.low) & (level.high < found.high)).all()
