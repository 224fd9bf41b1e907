"""pool(cluster=): studies nested in clusters, from the options to the notes."""

import json

import numpy as np
import pytest

import metaresp as mr
from metaresp.model.registry import NESTED, model_of
from metaresp.model.spec import nested_only, resolve
from tests.datasets import REFERENCE, reference

R = json.loads((REFERENCE / "nested" / "nested.json").read_text(encoding="utf-8"))
METAFOR = 1e-5  # relative, where nlminb stopped
LIMIT = 1e-4  # of metafor's profile limits, a root search
LAPLACE = 0.05  # lme4 has no more than Laplace's approximation for two nested effects
SAME = 1e-6


@pytest.fixture(scope="module")
def centres():
    labels = [f"centre {c}" for c in R["cluster"]]
    return mr.Studies(R["x"], R["n"], covariates={"centre": labels})


@pytest.fixture(scope="module")
def arms():
    return mr.datasets.load("ursino2021")


@pytest.fixture(scope="module")
def nested(centres):
    return mr.pool(centres, cluster="centre")


# ---- numbers of others


@pytest.mark.parametrize("ci", ["CR1", "CR2", "t", "normal"])
def test_inverse_variance_against_metafor(centres, ci):
    fit = mr.pool(centres, model="inverse-variance", cluster="centre", ci=ci, prediction="t")
    expected = R["rma_mv"]
    assert fit.estimate == pytest.approx(expected["estimate"], rel=METAFOR)
    assert [fit.tau2_between, fit.tau2_within] == pytest.approx(expected["sigma2"], rel=1e-3)
    assert fit.tau2 == fit.tau2_between + fit.tau2_within
    assert pytest.approx(expected["QE"], rel=1e-8) == fit.heterogeneity.Q
    if ci == "normal":
        assert fit.estimate_ci == pytest.approx(expected["z"], rel=METAFOR)
    elif ci == "t":
        assert fit.df == expected["t_contain"]["df"]
        assert fit.estimate_ci == pytest.approx(expected["t_contain"]["ci"], rel=METAFOR)
        assert fit.estimate_prediction == pytest.approx(expected["t_contain"]["prediction"], rel=METAFOR)
    else:
        assert fit.se == pytest.approx(expected[ci]["se"], rel=METAFOR)
        assert fit.df == pytest.approx(expected[ci]["df"], rel=METAFOR)
        assert fit.estimate_ci == pytest.approx(expected[ci]["ci"], rel=METAFOR)


@pytest.mark.parametrize("component", ["between", "within"])
def test_intervals_of_the_variances_against_metafor(centres, component):
    fit = mr.pool(centres, model="inverse-variance", cluster="centre")
    expected = R["rma_mv"]["sigma2_ci"][component]
    assert fit.tau2_ci(component=component) == pytest.approx(expected, rel=LIMIT, abs=LIMIT)


def test_counts_against_laplace(nested):
    expected = R["glmer_laplace"]
    assert nested.estimate == pytest.approx(expected["estimate"], rel=LAPLACE)
    assert nested.se == pytest.approx(expected["se"], rel=LAPLACE)
    assert nested.tau2_between**0.5 == pytest.approx(expected["sd_between"], rel=LAPLACE)
    assert nested.tau2_within**0.5 == pytest.approx(expected["sd_within"], rel=LAPLACE)
    assert nested.loglik == pytest.approx(expected["logLik"], abs=0.1)


def test_ursino2021_as_a_nested_model(arms):
    fit = mr.pool(arms, cluster="study", ci="profile")
    assert (fit.k, fit.clusters, fit.df) == (49, 13, np.inf)
    assert fit.estimate == pytest.approx(-1.85802, abs=1e-5)
    assert (fit.tau2_between, fit.tau2_within**0.5) == (0.0, pytest.approx(0.89982, abs=1e-5))
    assert fit.estimate_ci == pytest.approx((-2.42188, -1.43288), abs=1e-5)
    laplace = reference("ursino2021")["moderators"]["three_level_glmm_laplace"]
    assert fit.estimate == pytest.approx(laplace["estimate"], rel=LAPLACE)
    assert fit.test(fit.rate_ci.low).pvalue == pytest.approx(0.05, abs=1e-8)
    effects = mr.pool(arms, cluster="study", model="inverse-variance", ci="CR1")
    expected = reference("ursino2021")["moderators"]["three_level"]
    assert effects.estimate == pytest.approx(expected["estimate"], rel=METAFOR)
    assert effects.se == pytest.approx(expected["robust_CR1"]["se"], rel=METAFOR)
    assert effects.estimate_ci == pytest.approx(expected["robust_CR1"]["ci"], rel=METAFOR)


# ---- what a fit holds


def test_interval_of_each_kind(centres, nested):
    assert (nested.spec.ci, nested.spec.prediction, nested.df) == ("bartlett", "likelihood", np.inf)
    student = mr.pool(centres, cluster="centre", ci="t", prediction="hts")
    assert student.df == 7.0
    t = 2.364624251592785  # qt(0.975, 7)
    half = t * student.se
    assert student.estimate_ci == pytest.approx((student.estimate - half, student.estimate + half))
    widths = {
        ci: np.diff(mr.pool(centres, cluster="centre", ci=ci).estimate_ci)[0]
        for ci in ("normal", "t", "profile", "bartlett", "profile-t")
    }
    assert widths["normal"] < widths["t"]
    assert widths["profile"] < widths["bartlett"] < widths["profile-t"]
    hts = 2.446911848791681  # qt(0.975, 6)
    spread = np.sqrt(student.tau2 + student.se**2)
    assert student.estimate_prediction[1] == pytest.approx(student.estimate + hts * spread)
    for fit in (student, nested):
        assert fit.probability_above(fit.prediction_interval[0]) == pytest.approx(0.975, abs=1e-9)
    assert student.probability_above(student.rate) == pytest.approx(0.5)


def test_tests_agree_with_intervals(centres):
    for options in (
        {},
        {"ci": "profile-t"},
        {"ci": "t"},
        {"model": "inverse-variance"},
        {"model": "inverse-variance", "ci": "CR1"},
    ):
        fit = mr.pool(centres, cluster="centre", **options)
        for limit in fit.rate_ci:
            assert fit.test(limit).pvalue == pytest.approx(0.05, abs=1e-7)
        assert fit.test(0.999).pvalue < 1e-3
        assert fit.test(fit.rate_ci.high, alternative="less").pvalue == pytest.approx(0.025, abs=1e-7)


def test_levels_and_shares(nested):
    levels, h = nested.levels, nested.heterogeneity
    assert (levels.cluster, levels.clusters) == ("centre", 8)
    assert nested.tau2 == levels.tau2_between + levels.tau2_within
    assert levels.I2_between + levels.I2_within == pytest.approx(h.I2)
    assert 0 < levels.lrt_between_pvalue < 0.05 < levels.lrt_within_pvalue < 1
    assert h.lrt > levels.lrt_between > levels.lrt_within
    assert h.lrt_pvalue < 0.001
    assert h.I2_ci is None
    assert nested.weights.sum() == pytest.approx(100)
    assert (nested.weights > 0).all()
    # studies of a large cluster share what it tells: the one alone in its centre counts for more
    n = np.array(R["n"])
    assert nested.weights[9] / n[9] > 1.5 * nested.weights[10] / n[10]


@pytest.mark.parametrize(
    "component",
    ["between", pytest.param("within", marks=pytest.mark.slow), pytest.param(None, marks=pytest.mark.slow)],
)
def test_interval_of_each_variance_holds_it(nested, component):
    low, high = nested.tau2_ci(component=component)
    value = {"between": nested.tau2_between, "within": nested.tau2_within, None: nested.tau2}[component]
    assert low <= value < high
    assert (low == 0) == (component == "within")
    narrow = nested.tau2_ci("profile", component=component, level=0.5)
    assert low <= narrow.low <= value <= narrow.high < high


def test_round_trip_and_frames(nested, centres):
    assert mr.Fit.from_dict(json.loads(nested.to_json())) == nested
    frame = nested.to_frame()
    assert frame["centre"].tolist() == list(centres.column("centre"))
    assert mr.pool(centres).levels is None
    assert np.isnan([mr.pool(centres).tau2_between, mr.pool(centres).tau2_within]).all()
    assert resolve(**nested.spec.options()) == nested.spec


def test_words(nested):
    text = str(nested)
    assert "studies nested in 8 clusters by centre);" in text
    assert "profile likelihood with Bartlett's correction" in text
    assert "between clusters tau = " in text
    assert "counted twice" in nested.notes[0]
    assert "largest_per('centre')" in nested.notes[0]


def test_forest_says_the_model(nested, tmp_path):
    from metaresp.present.forest_rows import forest_rows

    notes = " ".join(forest_rows(nested).notes)
    assert "studies nested in 8 clusters by centre" in notes
    assert "between clusters" in notes
    path = tmp_path / "nested.svg"
    nested.forest(path)
    assert path.stat().st_size > 1000


def test_r_scripts(centres, nested):
    script = nested.to_r()
    assert '"centre 8"' in script
    assert "(1 | cluster / row)" in script
    assert "qt(0.975, clusters - 1)" in script
    robust = mr.pool(centres, cluster="centre", model="inverse-variance").to_r()
    assert "rma.mv(yi, vi, random = ~ 1 | cluster / row" in robust
    assert "robust(fit, cluster = cluster, clubSandwich = TRUE)" in robust


def test_order_of_studies_and_kind_of_labels_do_not_matter(centres, nested):
    order = np.random.default_rng(1).permutation(len(centres))
    for labels in (R["cluster"], [c / 2 for c in R["cluster"]]):
        other = mr.Studies(R["x"], R["n"], covariates={"centre": labels})[order]
        fit = mr.pool(other, cluster="centre")
        assert fit.estimate == pytest.approx(nested.estimate, abs=SAME)
        assert fit.weights == pytest.approx(nested.weights[order], abs=1e-4)
    values = mr.pool(events=R["x"], n=R["n"], cluster=np.array(R["cluster"]))
    assert values.estimate == pytest.approx(nested.estimate, abs=SAME)
    assert values.spec.cluster == "cluster"
    assert "nested in 8 clusters)" in values.model_label


def test_events_and_non_events_mirror(centres, nested):
    rest = mr.Studies(centres.n - centres.events, centres.n, covariates={"centre": centres.column("centre")})
    fit = mr.pool(rest, cluster="centre")
    assert fit.estimate == pytest.approx(-nested.estimate, abs=SAME)
    assert [fit.tau2_between, fit.tau2_within] == pytest.approx(
        [nested.tau2_between, nested.tau2_within], abs=1e-5
    )


# ---- options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "inverse-variance", "tau2": "DL"}, ["tau2='DL'", "'REML'"]),
        ({"model": "inverse-variance", "tau2": 0.3}, ["tau2=0.3", "'REML'"]),
        ({"model": "inverse-variance", "ci": "hartung-knapp"}, ["'CR2', 'CR1', 't', 'normal'"]),
        ({"model": "inverse-variance", "prediction": "bootstrap"}, ["'hts', 't', 'normal'"]),
        ({"ci": "bootstrap"}, ["ci='bootstrap'", "'profile'"]),
        ({"ci": "CR2"}, ["ci='CR2'", "'profile'"]),
        ({"penalty": ("half-normal", 1)}, ["penalty=", "leave it out"]),
        ({"model": "beta-binomial"}, ["beta-binomial", "binomial-normal", "largest_per('centre')"]),
        ({"model": "common"}, ["common", "inverse-variance"]),
        ({"transform": "arcsine"}, ["no meaning for model='binomial-normal'"]),
    ],
)
def test_options_without_a_nested_form_are_errors(centres, options, words):
    with pytest.raises(mr.InvalidArgument) as error:
        mr.pool(centres, cluster="centre", **options)
    for word in words:
        assert word in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("model", NESTED)
def test_every_nested_option_works(centres, model):
    for name, values in NESTED[model].choices.items():
        for value in (*values, *((None,) if name == "prediction" else ())):
            fit = mr.pool(centres, cluster="centre", model=model, **{name: value})
            assert 0 <= fit.rate_ci.low < fit.rate < fit.rate_ci.high <= 1
            assert (fit.prediction_interval is None) == (value is None)


@pytest.mark.parametrize("transform", ["logit", "arcsine", "freeman-tukey", "log", "identity"])
def test_every_transform_can_be_nested(centres, transform):
    fit = mr.pool(centres, cluster="centre", model="inverse-variance", transform=transform)
    assert 0 < fit.rate_ci.low < fit.rate < fit.rate_ci.high < 1
    assert fit.prediction_interval.low < fit.rate_ci.low
    assert fit.test(0.9).pvalue < 0.01


def test_cr_without_clusters_is_unknown(centres):
    for ci in nested_only():
        with pytest.raises(mr.UnknownName):
            mr.pool(centres, model="inverse-variance", ci=ci)


def test_a_missing_label_names_the_study():
    studies = mr.Studies([3, 5, 9], [10, 12, 20], ["A", "B", "C"], {"centre": ["N", None, "N"]})
    with pytest.raises(mr.InvalidStudies, match="'B' has no centre"):
        mr.pool(studies, cluster="centre")


def test_labels_go_with_values_only(centres):
    with pytest.raises(mr.InvalidArgument, match="name of a covariate"):
        mr.pool(centres, cluster=R["cluster"])
    with pytest.raises(mr.InvalidStudies):
        mr.pool(events=[1, 2, 3], n=[4, 5, 6], cluster=["a", "b"])


def test_component_needs_clusters(centres):
    with pytest.raises(mr.InvalidArgument, match="without cluster="):
        mr.pool(centres).tau2_ci(component="between")


@pytest.mark.parametrize("model", NESTED)
def test_subgroups_are_fits_of_their_studies(centres, model):
    half = ["one" if c <= 4 else "other" for c in R["cluster"]]
    studies = mr.Studies(R["x"], R["n"], covariates={"centre": R["cluster"], "half": half})
    found = mr.subgroups(mr.pool(studies, cluster="centre", model=model), "half")
    assert (found.reference, found.df) == ("F", 1.0)
    assert 0 < found.pvalue < 1
    for i, name in enumerate(found.group):
        fit = mr.pool(studies[np.array(half) == name], cluster="centre", model=model)
        assert (found.rate[i], found.low[i], found.high[i]) == pytest.approx(
            (fit.rate, *fit.rate_ci), abs=SAME
        )
    with pytest.raises(mr.InvalidArgument, match="common_tau2"):
        mr.subgroups(mr.pool(studies, cluster="centre", model=model), "half", common_tau2=True)


def test_a_group_without_events_takes_part_in_the_test():
    half = ["one" if c <= 4 else "other" for c in R["cluster"]]
    x = np.where(np.array(half) == "one", 0, R["x"])
    studies = mr.Studies(x, R["n"], covariates={"centre": R["cluster"], "half": half})
    for model in NESTED:
        found = mr.subgroups(mr.pool(studies, cluster="centre", model=model), "half")
        assert found.pvalue < 0.01
        assert found.rate[0] == 0
    within = np.arange(len(studies)) % 2
    crossed = mr.Studies(R["x"], R["n"], covariates={"centre": R["cluster"], "part": within})
    found = mr.subgroups(mr.pool(crossed, cluster="centre"), "part")
    assert "several groups" in found.notes[0]


@pytest.mark.parametrize("model", NESTED)
def test_baujat_leaves_each_study_out(centres, model):
    fit = mr.pool(centres, cluster="centre", model=model)
    found = mr.baujat(fit)
    keep = np.arange(len(centres)) != 4
    without = mr.pool(centres[keep], cluster="centre", model=model)
    expected = ((without.estimate - fit.estimate) / without.se) ** 2
    assert found.influence[4] == pytest.approx(expected, rel=1e-4)


# ---- awkward data


@pytest.mark.parametrize("model", NESTED)
def test_one_study_a_cluster_is_the_ordinary_model(centres, model):
    own = mr.Studies(R["x"], R["n"], covariates={"centre": list(range(len(centres)))})
    fit, plain = mr.pool(own, cluster="centre", model=model), mr.pool(own, model=model)
    assert "Every centre has one study" in fit.notes[0]
    assert (fit.rate, fit.rate_ci, fit.tau2, fit.spec) == (plain.rate, plain.rate_ci, plain.tau2, plain.spec)
    robust = mr.pool(own, cluster="centre", model="inverse-variance", ci="CR1")
    ordinary = mr.pool(own, model="inverse-variance", ci="normal")
    assert (robust.estimate, robust.tau2) == pytest.approx((ordinary.estimate, ordinary.tau2), abs=SAME)
    assert np.isnan([robust.tau2_between, robust.tau2_within]).all()
    assert robust.study_rates().shrunken == pytest.approx(ordinary.study_rates().shrunken, abs=SAME)
    with pytest.raises(mr.CannotEstimate, match="cannot be told apart"):
        robust.tau2_ci(component="within")
    assert robust.tau2_ci() == pytest.approx(ordinary.tau2_ci("profile"), rel=1e-5)


def test_the_nested_kernel_gives_the_ordinary_answer_for_one_study_each(centres):
    from metaresp.counts import clean
    from metaresp.model.batch import estimate, weights

    spec = resolve(cluster="centre", ci="profile", prediction="hts")
    counts, _ = clean(R["x"], R["n"], None)
    model = model_of(spec)(counts, spec, np.arange(len(centres)))
    found = estimate(model)
    plain = mr.pool(centres, ci="profile", prediction="hts")
    assert found.estimate[0] == pytest.approx(plain.estimate, abs=SAME)
    assert (found.low[0], found.high[0]) == pytest.approx(plain.rate_ci, abs=SAME)
    assert (found.prediction_low[0], found.prediction_high[0]) == pytest.approx(
        plain.prediction_interval, abs=SAME
    )
    assert found.lrt_pvalue[0] == pytest.approx(plain.heterogeneity.lrt_pvalue, abs=SAME)
    assert weights(model, found)[0] == pytest.approx(plain.weights, abs=1e-4)
    assert found.I2[0] == pytest.approx(plain.heterogeneity.I2, abs=1e-4)


@pytest.mark.parametrize("model", NESTED)
def test_one_cluster_is_the_ordinary_model_of_that_cluster(model):
    studies = mr.Studies([3, 5, 9], [10, 12, 20], covariates={"centre": ["N"] * 3})
    fit, plain = mr.pool(studies, cluster="centre", model=model), mr.pool(studies, model=model)
    assert "speaks of studies of that centre alone" in fit.notes[0]
    assert fit.rate_ci == plain.rate_ci
    with pytest.raises(mr.CannotEstimate, match="one cluster"):
        mr.pool(studies, cluster="centre", model="inverse-variance", ci="CR2")


@pytest.mark.parametrize("model", ["beta-binomial", "common"])
def test_largest_per_cluster_suits_every_model(model):
    studies = mr.Studies([3, 5, 9], [10, 12, 20], covariates={"centre": ["N", "N", "P"]})
    assert mr.pool(studies.largest_per("centre"), cluster="centre", model=model).k == 2


def test_one_study():
    studies = mr.Studies([3], [10], covariates={"centre": ["N"]})
    assert mr.pool(studies, cluster="centre").rate_ci == mr.pool(studies).rate_ci


@pytest.mark.parametrize("model", NESTED)
def test_two_clusters(model):
    studies = mr.Studies([1, 2, 1, 19, 18, 19], [20] * 6, covariates={"c": list("aaabbb")})
    fit = mr.pool(studies, cluster="c", model=model)
    assert fit.rate == pytest.approx(0.5, abs=1e-6)
    assert fit.tau2_between > 2
    assert fit.tau2_within == 0
    assert fit.rate_ci.low < 0.01
    assert fit.rate_ci.high > 0.99
    fit = mr.pool(studies, cluster="c", model=model, prediction="hts")
    assert fit.prediction_interval is None
    notes = " ".join(fit.notes)
    assert "needs more than 2 clusters" in notes
    assert "With two clusters" in notes
    assert "tau2 within clusters is estimated as 0" in notes


@pytest.mark.parametrize("model", NESTED)
@pytest.mark.parametrize("full", [False, True])
def test_all_at_the_edge_is_exact_and_says_what_that_ignores(model, full):
    n = np.array([18, 12, 7, 9])
    studies = mr.Studies(n * full, n, covariates={"c": list("aabb")})
    fit = mr.pool(studies, cluster="c", model=model)
    assert fit.is_exact
    assert fit.rate == float(full)
    assert fit.rate_ci == mr.pool(studies).rate_ci
    assert "takes patients as independent" in fit.notes[-1]
    assert fit.clusters == 2
    assert np.isnan(fit.tau2_between)
    assert fit.test(0.5).pvalue < 0.001
    assert "Levels" not in str(fit)
    with pytest.raises(mr.CannotEstimate):
        fit.tau2_ci(component="between")


def test_clusters_wholly_at_the_edge_count_as_patients():
    studies = mr.Studies([0, 0, 30, 40, 0], [50, 40, 30, 40, 9], covariates={"c": list("aabbc")})
    fit = mr.pool(studies, cluster="c")
    exact = mr.binomial_ci(1, 3)
    assert fit.rate == pytest.approx(1 / 3)
    assert fit.rate_ci == pytest.approx((exact.low, exact.high))
    assert fit.model_label == "Exact binomial on the clusters"
    assert "number of clusters" in fit.notes[0]
    assert fit.test(fit.rate_ci.low).pvalue == pytest.approx(0.05, abs=1e-6)
    assert fit.weights.tolist() == pytest.approx([100 / 6] * 4 + [100 / 3])


def test_studies_wholly_at_the_edge_count_as_patients():
    studies = mr.Studies([0, 50, 30, 0], [40, 50, 30, 40], covariates={"c": list("aabb")})
    fit = mr.pool(studies, cluster="c")
    assert (fit.rate, fit.model_label) == (0.5, "Exact binomial on the studies")
    assert "takes patients as independent" not in " ".join(fit.notes)
    assert "studies of one cluster as independent" in fit.notes[-1]


def test_one_patient_a_study():
    studies = mr.Studies([0, 1, 1, 0, 1, 1], [1] * 6, covariates={"c": list("aabbcc")})
    fit = mr.pool(studies, cluster="c")
    assert 0 < fit.rate_ci.low < fit.rate < fit.rate_ci.high < 1
    assert "one patient" in fit.notes[0]
    assert np.isnan(fit.tau2_within)
    assert fit.tau2_ci().low == 0
    with pytest.raises(mr.CannotEstimate, match="one patient"):
        fit.tau2_ci(component="within")
    json.loads(fit.to_json())
    assert "within clusters tau" not in str(fit)


@pytest.mark.parametrize("model", NESTED)
def test_a_giant_study(model):
    studies = mr.Studies([3, 5, 0, 9], [8, 11, 5, 10**9], covariates={"c": list("aabb")})
    fit = mr.pool(studies, cluster="c", model=model)
    assert 0 <= fit.rate_ci.low <= fit.rate <= fit.rate_ci.high <= 1
    assert np.isfinite(fit.weights).all()


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
def test_random_data_never_fail(seed):
    rng = np.random.default_rng(seed)
    for _ in range(4):
        k = int(rng.integers(2, 9))
        n = rng.integers(1, int(rng.choice([4, 30, 300])), k)
        x = rng.binomial(n, rng.choice([0.02, 0.3, 0.9]))
        labels = rng.integers(0, int(rng.integers(1, k + 1)), k).tolist()
        for options in (
            {"ci": str(rng.choice(["t", "normal", "profile"]))},
            {"model": "inverse-variance", "ci": str(rng.choice(["t", "normal"]))},
        ):
            fit = mr.pool(events=x, n=n, cluster=labels, **options)
            assert 0 <= fit.rate_ci.low <= fit.rate <= fit.rate_ci.high <= 1
            assert str(fit)
            assert mr.Fit.from_dict(json.loads(fit.to_json())) == fit


def test_missing_rows_with_labels():
    fit = mr.pool(events=[3, None, 9, 4], n=[10, 12, 20, 11], cluster=["a", "a", "b", "b"], missing="drop")
    assert (fit.k, fit.clusters) == (3, 2)


@pytest.mark.parametrize("model", NESTED)
def test_shrunken_rates_follow_the_order_of_the_studies(centres, model):
    from metaresp.model.kept import model_for

    fit = mr.pool(centres, cluster="centre", model=model)
    order = np.random.default_rng(2).permutation(len(centres))
    found = []
    for positions in (np.arange(len(centres)), order):
        some = centres[positions]
        found.append(np.stack(model_for(some, fit.spec).study_rates(fit)[:3]))
    assert found[1] == pytest.approx(found[0][:, order], rel=1e-8)
    mean, low, high = found[0]
    assert ((low < mean) & (mean < high)).all()
    observed = centres.events / centres.n
    assert np.abs(mean - fit.rate).mean() < np.abs(observed - fit.rate).mean()
