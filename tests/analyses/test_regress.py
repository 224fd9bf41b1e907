"""Regression on moderators: numbers, awkward data, arguments, printing, pictures, the command line."""

import copy
import importlib.util
import itertools
import json
import math
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import metaresp as mr
from metaresp.cli import main
from metaresp.errors import MetaRespError
from metaresp.model.registry import MODELS
from metaresp.model.regressions import REGRESSIONS

FOLDER = Path(__file__).parents[1] / "reference"
R = json.loads((FOLDER / "regression" / "regression.json").read_text(encoding="utf-8"))
SCRIPT = Path(__file__).parents[2] / "docs" / "validation" / "regression.py"
SAME = 1e-6
NAMES = ("crisafulli2020", "debruin2009", "hannum2020", "ursino2021")


def references():
    for name in NAMES:
        found = json.loads((FOLDER / "out" / f"{name}.json").read_text(encoding="utf-8"))["moderators"]
        for key, ref in found.items():
            if isinstance(ref, dict) and "QM" in ref:
                yield name, key, ref


CASES = list(references())


def test_the_reference_grid_is_there():
    assert len(CASES) >= 20


@pytest.mark.parametrize(("name", "key", "ref"), CASES, ids=[f"{name}-{key}" for name, key, _ in CASES])
def test_inverse_variance_is_that_of_metafor(name, key, ref):
    moderator, test = key.rsplit("_", 1)
    ci = {"z": "normal", "knha": "hartung-knapp"}[test]
    found = mr.regress(mr.datasets.load(name), [moderator], model="inverse-variance", ci=ci)
    for ours, theirs in (
        ("estimate", "estimate"),
        ("se", "se"),
        ("pvalue", "p"),
        ("low", "ci_lb"),
        ("high", "ci_ub"),
    ):
        assert getattr(found, ours) == pytest.approx(np.array(ref[theirs]), rel=SAME, abs=SAME)
    assert (found.QM, found.QM_pvalue) == pytest.approx((ref["QM"], ref["QM_p"]), rel=SAME, abs=SAME)
    assert (found.QE, found.QE_pvalue) == pytest.approx((ref["QE"], ref["QE_p"]), rel=SAME, abs=SAME)
    assert (found.tau2, found.I2) == pytest.approx((ref["tau2"], ref["I2"]), rel=SAME, abs=SAME)
    assert pytest.approx(ref["R2"], abs=1e-5) == found.R2


@pytest.mark.parametrize("name", list(R["predict"]))
def test_predicted_means_are_those_of_metafor(name):
    moderator, value = {
        "crisafulli2020": ("year", 2000),
        "debruin2009": ("ethnicity", "other"),
        "hannum2020": ("objectivity", "Subjective"),
    }[name]
    found = mr.regress(mr.datasets.load(name), moderator, model="inverse-variance").predict(
        {moderator: value}
    )
    ref = R["predict"][name]
    expit = [1 / (1 + math.exp(-ref[key])) for key in ("estimate", "low", "high")]
    assert (found.rate[0], found.low[0], found.high[0]) == pytest.approx(expit, rel=SAME)
    assert found.se[0] == pytest.approx(ref["se"], rel=SAME)


def test_clusters_are_those_of_metafor():
    studies = mr.datasets.load("ursino2021")
    nested = mr.Studies(
        studies.events, studies.n, studies.study, {**studies.covariates, "trial": studies.study}
    )
    for ci in ("CR1", "CR2"):
        ref = R["cluster"][ci]
        found = mr.regress(nested, "dose", model="inverse-variance", cluster="trial", ci=ci)
        assert found.se == pytest.approx(ref["se"], rel=SAME)
        assert found.pvalue == pytest.approx(ref["p"], rel=1e-5)
        assert any(ci in note for note in found.notes)
    assert mr.regress(nested, "dose", model="inverse-variance", cluster="trial").spec.ci == "CR2"


def test_two_groups_have_the_likelihood_ratio_of_subgroups_with_one_tau2():
    studies = mr.datasets.load("debruin2009")
    found = mr.regress(studies, "ethnicity", ci="profile-f")
    groups = mr.subgroups(mr.pool(studies), "ethnicity", common_tau2=True)
    assert groups.statistic == pytest.approx(found.QM, abs=SAME)
    assert groups.pvalue == pytest.approx(found.QM_pvalue, abs=SAME)


def test_a_fit_gives_its_studies_and_options():
    studies = mr.datasets.load("debruin2009")
    fit = mr.pool(studies, model="inverse-variance", tau2="PM", ci="t", level=0.9, transform="arcsine")
    assert mr.regress(fit, "scq") == mr.regress(
        studies, "scq", model="inverse-variance", tau2="PM", ci="t", level=0.9, transform="arcsine"
    )
    assert mr.regress(fit, "scq", tau2="REML").spec.tau2 == "REML"
    assert mr.regress(mr.pool(studies), "scq") == mr.regress(studies, "scq")


@pytest.mark.parametrize("model", list(REGRESSIONS))
def test_permutations_are_brute_force(model):
    events, n, dose = [1, 4, 3, 9, 12], [20, 25, 18, 30, 24], [1.0, 1.0, 2.0, 2.0, 4.0]
    studies = mr.Studies(events, n, covariates={"dose": dose})
    found = mr.regress(studies, "dose", model=model, permutations=1000, ci="normal")
    orders = sorted(set(itertools.permutations(dose)))
    ordered = (mr.Studies(events, n, covariates={"dose": order}) for order in orders)
    values = [mr.regress(studies, "dose", model=model, ci="normal").QM for studies in ordered]
    assert (found.permutations, found.all_permutations) == (30, True) == (len(values), True)
    share = np.mean(np.array(values) >= found.QM * (1 - 1e-7))
    assert found.QM_permutation_pvalue == pytest.approx(share, abs=1e-12)
    assert found.permutation_pvalue[1] == found.QM_permutation_pvalue
    assert math.isnan(found.permutation_pvalue[0])


@pytest.mark.parametrize("model", list(REGRESSIONS))
def test_drawn_permutations_have_a_seed_and_tell_two_moderators(model):
    studies = mr.datasets.load("debruin2009")
    options = {"model": model, "permutations": 120}
    first, again = (mr.regress(studies, ["scq", "ethnicity"], seed=3, **options) for _ in range(2))
    other = mr.regress(studies, ["scq", "ethnicity"], seed=4, **options)
    assert first == again
    assert not first.all_permutations
    assert not np.array_equal(first.permutation_pvalue[1:], other.permutation_pvalue[1:])
    assert (first.permutation_pvalue[1:] >= 1 / 120).all()
    assert "120 rearrangements" in str(first)


def test_a_formula_gives_what_names_give():
    pytest.importorskip("formulaic")
    studies = mr.datasets.load("debruin2009")
    plain = mr.regress(studies, ["scq", "ethnicity"])
    found = mr.regress(studies, "scq + C(ethnicity)")
    for name in ("estimate", "low", "high", "pvalue", "moderator_pvalue"):
        assert getattr(found, name) == pytest.approx(getattr(plain, name), abs=SAME)
    new = {"scq": [5, 20], "ethnicity": ["other", "caucasian"]}
    assert found.predict(new).rate == pytest.approx(plain.predict(new).rate, abs=SAME)
    assert found.term == plain.term
    assert "ethnicity: other (per unit)" not in str(found)
    crossed = mr.regress(studies, "~ scq * ethnicity")
    assert crossed.term[-1] == "scq:ethnicity: other"
    assert len(crossed.term) == 4
    assert [len(term.columns) for term in crossed.design.terms] == [1, 1, 1]
    restored = type(found).from_dict(json.loads(found.to_json()))
    with pytest.raises(mr.InvalidArgument, match="formula is not evaluated"):
        restored.predict(new)
    assert restored.predict() == found.predict()
    for wrong, words in (
        ("scq + (", "no formula"),
        ("0 + scq", "intercept"),
        ("events ~ scq", "left of"),
        ("scq + regoin", "regoin"),
        ("nosuch(scq)", "nosuch"),
        ("scq + np.nosuch(scq)", "cannot be evaluated"),
    ):
        with pytest.raises(mr.InvalidArgument, match=words) as caught:
            mr.regress(studies, wrong)
        assert "\x1b" not in str(caught.value)


def test_references_are_chosen():
    studies = mr.datasets.load("debruin2009")
    first = mr.regress(studies, "ethnicity")
    other = mr.regress(studies, "ethnicity", reference={"ethnicity": "other"})
    assert first.term[1] == "ethnicity: other"
    assert other.term[1] == "ethnicity: caucasian"
    assert other.estimate[1] == pytest.approx(-first.estimate[1], abs=1e-8)
    assert other.pvalue[1] == pytest.approx(first.pvalue[1], abs=1e-8)
    frequent = mr.regress(studies, "ethnicity", reference="frequent").design.terms[0].levels
    column = studies.column("ethnicity")
    assert frequent[0] == max(set(column), key=column.count)


def test_separation_has_finite_answers():
    studies = mr.Studies([0, 0, 0, 4, 5, 3], [20] * 6, covariates={"region": list("AAABBB")})
    found = mr.regress(studies, "region")
    assert found.pvalue[1] < 0.01
    assert np.isfinite([found.estimate, found.low, found.high, found.se]).all()
    assert found.low[1] > 0
    assert any("log-F(1, 1)" in note for note in found.notes)
    # the ratio is that of the totals: tau is 0 with the groups apart, and 0.94 nats a study are at 12/60
    pooled = mr.subgroups(mr.pool(studies), "region", common_tau2=True)
    assert pytest.approx(pooled.statistic, abs=SAME) == found.QM
    rates = found.predict({"region": ["A", "B"]})
    assert rates.rate[0] < 0.02
    assert abs(rates.rate[1] - 0.2) < 0.02
    mirrored = mr.regress(mr.Studies(20 - studies.events, studies.n, covariates=studies.covariates), "region")
    assert mirrored.estimate == pytest.approx(-found.estimate, abs=1e-5)


def test_mirrored_counts_give_mirrored_coefficients_and_order_is_no_matter():
    studies = mr.datasets.load("debruin2009")
    for options in ({}, {"link": "probit"}, {"model": "inverse-variance", "transform": "arcsine"}):
        found = mr.regress(studies, "scq", **options)
        mirror = mr.Studies(studies.n - studies.events, studies.n, studies.study, studies.covariates)
        other = mr.regress(mirror, "scq", **options)
        assert other.estimate[1] == pytest.approx(-found.estimate[1], abs=1e-7)
        assert other.pvalue[1] == pytest.approx(found.pvalue[1], abs=1e-7)
        back = mr.regress(studies[::-1], "scq", **options)
        assert back.estimate == pytest.approx(found.estimate, abs=1e-7)
        assert back.low == pytest.approx(found.low, abs=1e-6)


def test_units_of_a_moderator_scale_its_coefficient():
    studies = mr.datasets.load("debruin2009")
    scq = np.array(studies.column("scq"))
    scaled = mr.Studies(studies.events, studies.n, covariates={"scq": (1000 + scq / 100).tolist()})
    for model in REGRESSIONS:
        a, b = mr.regress(studies, "scq", model=model), mr.regress(scaled, "scq", model=model)
        assert b.estimate[1] == pytest.approx(100 * a.estimate[1], rel=1e-6)
        assert (b.low[1], b.high[1]) == pytest.approx((100 * a.low[1], 100 * a.high[1]), rel=1e-5)
        assert pytest.approx(a.QM, rel=1e-6) == b.QM
        assert b.predict().low == pytest.approx(a.predict().low, rel=1e-5)


def test_p_is_alpha_where_zero_is_a_limit():
    """The interval and the test of a coefficient are one: at the level 1 - p a limit is 0."""
    studies = mr.datasets.load("debruin2009")
    for ci in REGRESSIONS["binomial-normal"].intervals:
        p = mr.regress(studies, ["scq", "ethnicity"], ci=ci).pvalue
        found = mr.regress(studies, ["scq", "ethnicity"], ci=ci, level=1 - p[2])
        assert min(abs(found.low[2]), abs(found.high[2])) == pytest.approx(0.0, abs=1e-5)


AWKWARD = {
    "zeros": ([0, 0, 0, 0], [9, 12, 20, 7]),
    "all": ([9, 12, 20, 7], [9, 12, 20, 7]),
    "a group at zero": ([0, 0, 5, 4], [20, 22, 20, 9]),
    "both ends": ([0, 20, 5, 9], [20, 20, 20, 9]),
    "one huge": ([4 * 10**8, 2, 3, 1, 0, 5], [10**9, 10, 9, 12, 9, 11]),
    "one": ([3], [9]),
    "two": ([3, 5], [9, 10]),
    "three": ([3, 5, 8], [9, 10, 11]),
    "single patients": ([0, 1, 1, 0, 1], [1, 1, 1, 1, 1]),
    "few events": ([0, 0, 0, 0, 1, 0, 2], [12, 18, 9, 25, 14, 31, 7]),
    "equal": ([5] * 6, [20] * 6),
}


@pytest.mark.parametrize("name", list(AWKWARD))
@pytest.mark.parametrize("model", list(MODELS))
def test_every_model_answers_or_says_why_not(name, model):
    events, n = AWKWARD[name]
    k = len(events)
    studies = mr.Studies(
        events, n, covariates={"dose": list(range(k)), "half": ["ab"[2 * i >= k] for i in range(k)]}
    )
    options = [{}]
    if model == "inverse-variance":
        options = [{"transform": t} for t in ("logit", "arcsine", "freeman-tukey", "log", "identity")]
    if model == "binomial-normal":
        options = [{}, {"link": "cloglog"}, {"ci": "t"}]
    for given, on in itertools.product(options, ("dose", "half")):
        with warnings.catch_warnings(), np.errstate(all="raise"):
            warnings.simplefilter("error")
            try:
                found = mr.regress(studies, on, model=model, **given)
            except MetaRespError:
                continue
            rates = found.predict()
            assert str(found)
        for value in (found.estimate, found.se, found.statistic, found.low, found.high, found.pvalue):
            assert not np.isnan(value).any()
        assert (found.low <= found.estimate).all()
        assert (found.estimate <= found.high).all()
        assert (rates.low >= 0).all()
        assert (rates.low <= rates.rate).all()
        assert (rates.rate <= rates.high).all()
        assert (rates.high <= 1).all()
        assert not (rates.prediction_low > rates.low).any()
        assert not math.isnan(found.QM_pvalue)
        assert not math.isnan(found.R2) or any("R2" in note for note in found.notes)


def studies_with(**covariates):
    k = len(next(iter(covariates.values())))
    return mr.Studies([3, 5, 8, 2, 6, 7][:k], [20] * k, covariates=covariates)


@pytest.mark.parametrize(
    ("covariates", "on", "words"),
    [
        ({"a": [1] * 6}, "a", "'a' is the same in all 6 studies"),
        ({"a": ["x"] * 6}, "a", "'a' is the same in all 6 studies .x."),
        ({"a": [1, 2, 3, 4, 5, 6], "b": [2, 4, 6, 8, 10, 12]}, ["a", "b"], "b is told by a already"),
        ({"a": list("xxyyzz"), "b": list("ppqqqq")}, ["a", "b"], r"b: q is told by a: y, a: z already"),
        ({"a": list("uvwxyz")}, "a", "6 coefficients .* need at least 7 studies, here 6"),
    ],
)
def test_what_studies_cannot_tell_apart_is_named(covariates, on, words):
    for model in REGRESSIONS:
        with pytest.raises(mr.CannotEstimate, match=words):
            mr.regress(studies_with(**covariates), on, model=model)


def test_missing_moderators_are_named_or_dropped():
    studies = mr.Studies(
        [3, 5, 8, 2, 6, 7],
        [20] * 6,
        list("ABCDEF"),
        {"dose": [1, None, 3, 4, 5, 6], "arm": [*"xxyyx", None]},
    )
    with pytest.raises(
        mr.InvalidArgument, match=r"2 of 6 studies .*'dose', 'arm' \('B', 'F'\): missing='drop'"
    ):
        mr.regress(studies, ["dose", "arm"])
    found = mr.regress(studies, ["dose", "arm"], missing="drop")
    assert found.studies.study == ("A", "C", "D", "E")
    assert any("B, F" in note for note in found.notes)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"on": "dsoe"}, "dose"),
        ({"on": []}, "names of covariates"),
        ({"on": 3}, "names of covariates"),
        ({"on": ["dose", "dose"]}, "twice"),
        ({"on": "events"}, "what is explained"),
        ({"on": "dose", "model": "beta-binomial"}, "model"),
        ({"on": "dose", "cluster": "arm"}, "cluster='arm' is not offered"),
        ({"on": "dose", "ci": "bootstrap"}, "ci='bootstrap' is not offered"),
        ({"on": "dose", "ci": "CR2"}, "CR2"),
        ({"on": "dose", "prediction": "t"}, "prediction"),
        ({"on": "dose", "permutations": 5}, "permutations=5"),
        ({"on": "dose", "permutations": True}, "permutations=True"),
        ({"on": "arm", "reference": {"arm": "z"}}, "one of 'x', 'y'"),
        ({"on": "arm", "reference": {"dose": "z"}}, "not among the moderators"),
        ({"on": "dose", "reference": {"dose": 2}}, "is a number"),
        ({"on": "arm", "reference": "last"}, "reference"),
        ({"on": "dose", "missing": "ignore"}, "missing"),
        ({"on": "dose", "penalty": ("log-f", 1)}, "penalty"),
        ({"on": "dose", "leve": 0.9}, "leve"),
        (
            {"on": "dose", "model": "inverse-variance", "cluster": "arm", "permutations": 200},
            "clusters|cluster",
        ),
    ],
)
def test_wrong_arguments_are_named(options, words):
    studies = studies_with(dose=[1, 2, 3, 4, 5, 6], arm=list("xxyyxy"))
    with pytest.raises(MetaRespError, match=words):
        mr.regress(studies, **options)


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ({"dose": 1}, "needs a value of 'arm'"),
        ({"dose": 1, "arm": "z"}, r"new\['arm'\]='z' is no level in the studies: choose '"),
        ([{"dose": 1, "arm": "a"}, {"dose": 1}], r"new=\{'dose': 1\}: has other moderators"),
        ([3, 4], "must be a mapping"),
        ({"dose": "one", "arm": "x"}, "is a number"),
        ({"dose": [1, 2, 3], "arm": ["x", "y"]}, "another moderator 3"),
        ({"dose": None, "arm": "x"}, "missing value"),
        ({"dose": 1, "arm": "x", "year": 3}, "'year' is no moderator"),
        (3, "mapping"),
    ],
)
def test_wrong_new_studies_are_named(new, words):
    found = mr.regress(studies_with(dose=[1, 2, 3, 4, 5, 6], arm=list("xxyyxy")), ["dose", "arm"])
    with pytest.raises(MetaRespError, match=words):
        found.predict(new)


@pytest.mark.parametrize("on", ["dose", ["dose"], "dose + year"])
def test_studies_without_covariates_say_so(on):
    with pytest.raises(mr.UnknownName, match=r"on='dose' is not known: there is none to choose$"):
        mr.regress(mr.Studies([1, 2, 3], [9, 9, 9]), on)


def test_new_studies_come_in_any_form():
    pd = pytest.importorskip("pandas")
    studies = studies_with(dose=[1, 2, 3, 4, 5, 6], arm=list("xxyyxy"))
    found = mr.regress(studies, ["dose", "arm"])
    own = found.predict()
    frame = pd.DataFrame({"dose": studies.column("dose"), "arm": studies.column("arm")})
    columns = {"dose": list(range(1, 7)), "arm": list("xxyyxy")}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    assert found.predict(**columns) == found.predict(columns)
    with pytest.raises(mr.InvalidArgument, match="not both"):
        found.predict(columns, dose=3)
    for new in (studies, frame, columns, rows):
        assert found.predict(new).rate == pytest.approx(own.rate, abs=1e-12)
    assert found.predict({"dose": [1, 9], "arm": "x"}).covariates["arm"] == ("x", "x")
    assert list(own.to_frame().columns[:4]) == ["study", "dose", "arm", "rate"]


@pytest.mark.parametrize("model", list(REGRESSIONS))
def test_results_are_records(model):
    found = mr.regress(mr.datasets.load("debruin2009"), ["scq", "ethnicity"], model=model)
    frame = found.to_frame()
    wanted = ["term", "estimate", "se", "statistic", "low", "high", "pvalue"]
    assert [name for name in frame.columns if name in wanted] == wanted
    assert frame["odds_ratio"][1] == pytest.approx(math.exp(found.estimate[1]))
    for other in (
        copy.copy(found),
        pickle.loads(pickle.dumps(found)),
        type(found).from_dict(json.loads(found.to_json())),
    ):
        assert other == found
        assert other.predict() == found.predict()
    rates = found.predict()
    assert type(rates).from_dict(json.loads(rates.to_json())) == rates
    assert str(found.summary()) == str(found)


def test_the_table_reads_like_one():
    text = str(mr.regress(mr.datasets.load("debruin2009"), ["scq", "ethnicity"]))
    for part in (
        "Odds ratio",
        "scq (per unit)",
        "ethnicity: other (against caucasian)",
        "R2 = ",
        "All moderators",
    ):
        assert part in text
    assert "fewer than ten" in text
    assert "Odds ratio" not in str(mr.regress(mr.datasets.load("debruin2009"), "scq", link="probit"))


def test_pictures_show_every_study(tmp_path):
    studies = mr.datasets.load("debruin2009")
    found = mr.regress(studies, ["scq", "ethnicity"])
    with pytest.raises(mr.InvalidArgument, match="say which moderator"):
        found.plot()
    for on in ("scq", "ethnicity"):
        picture = found.plot(tmp_path / f"{on}.png", on=on, width="85mm")
        assert (tmp_path / f"{on}.png").stat().st_size > 1000
        (bubbles,) = [item for item in picture.axes.collections if item.get_label().startswith("Study")]
        assert len(bubbles.get_offsets()) == len(studies)
        assert "13 studies" in picture.alt
    shown = found.bubbles("scq")
    assert shown.at[[0, -1]].tolist() == [min(studies.column("scq")), max(studies.column("scq"))]
    assert ((shown.low <= shown.fitted) & (shown.fitted <= shown.high)).all()
    assert shown.weight.sum() == pytest.approx(100)


def test_the_command_line_regresses(tmp_path, capsys):
    table = tmp_path / "trials.csv"
    mr.datasets.load("debruin2009").to_frame().to_csv(table, index=False)
    both = ["--on", "scq", "--on", "ethnicity"]
    assert main(["regress", str(table), *both, "--reference", "ethnicity=other"]) == 0
    assert "ethnicity: caucasian (against other)" in capsys.readouterr().out
    picture = tmp_path / "scq.png"
    assert (
        main(
            [
                "regress",
                str(table),
                "--on",
                "scq",
                "-o",
                str(picture),
                "--json",
                "--model",
                "inverse-variance",
            ]
        )
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    ours = mr.regress(mr.read_studies(table), "scq", model="inverse-variance")
    assert found["QM"] == ours.QM
    assert picture.exists()
    for arguments, words in (
        ([], "--on"),
        (["--on", "scq + C(ethnicity)"], "not known"),
        (["--on", "scq", "--cluster", "ethnicity"], "--cluster ethnicity is not offered"),
        ([*both, "-o", str(picture)], "--output"),
    ):
        assert main(["regress", str(table), *arguments]) == 2
        assert words in capsys.readouterr().err


@pytest.mark.parametrize("size", ["30-200", "one 2000"])
def test_size_of_the_default_test(size):
    """About 5% of sets without an effect are significant, also where one study outweighs the others."""
    found = importlib.util.spec_from_file_location("regression", SCRIPT)
    script = importlib.util.module_from_spec(found)
    found.loader.exec_module(script)
    sets = 400
    with np.errstate(all="ignore"):
        sizes = script.sizes("binary", 8, size, 0.3, 1.0, sets)
    assert stats.binom.sf(round(sizes["bartlett"] * sets) - 1, sets, 0.05) > 1e-3
    assert stats.binom.cdf(round(sizes["bartlett"] * sets), sets, 0.05) > 1e-3
    assert sizes["normal"] > 0.1


@pytest.mark.parametrize("ci", ["bartlett", "profile-f", "profile", "t", "normal"])
def test_degrees_of_freedom_are_those_of_the_reference(ci):
    """The p-value is that of the statistic on df: exactly, but for a factor of Bartlett that shrinks it."""
    moderator = {"dose": [1.0, 2.0, 2.5, 5.0, 7.0, 3.0]}
    data = mr.Studies([3, 4, 10, 1, 7, 12], [20, 18, 25, 9, 14, 30], covariates=moderator)
    found, k = mr.regress(data, "dose", ci=ci), 6
    statistic = np.abs(found.statistic)
    if ci == "profile-f":  # the t for which the normal model has this likelihood ratio
        statistic = np.sqrt((k - 2) * np.expm1(statistic**2 / k))
    nominal = 2 * stats.t.sf(statistic, found.df)
    assert (found.df == (4 if ci in {"t", "profile-f"} else np.inf)).all()
    if ci == "bartlett":
        assert (found.pvalue > nominal).all()
    else:
        np.testing.assert_allclose(found.pvalue, nominal, rtol=1e-9)


@pytest.mark.parametrize("counts", [([0, 0, 1, 0, 0, 0], 0.95), ([3, 4, 10, 1, 7, 12], 1 - 1e-9)])
def test_a_limit_without_end_is_said(counts):
    events, level = counts
    data = mr.Studies(events, [20, 18, 25, 9, 14, 30], covariates={"dose": [1.0, 2.0, 2.5, 5.0, 7.0, 3.0]})
    found = mr.regress(data, "dose", level=level)
    for name, low, high in zip(found.term, found.low, found.high, strict=True):
        said = any(note.startswith("No finite limit of") and name in note for note in found.notes)
        assert said == bool(np.isinf(low) or np.isinf(high))
    assert np.isinf([found.low[1], found.high[1]]).any()
