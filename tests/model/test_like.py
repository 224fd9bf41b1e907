"""``pool(like=...)``: the defaults of other programs, against their numbers."""

import numpy as np
import pytest
from scipy.special import expit

import metaresp as mr
from metaresp.cli import main
from metaresp.model.programs import PROGRAMS
from metaresp.model.spec import resolve
from metaresp.transforms import TRANSFORMS
from tests.datasets import NAMES, counts, reference

META = {"PRAW": "identity", "PLN": "log", "PLOGIT": "logit", "PAS": "arcsine", "PFT": "freeman-tukey"}
METAFOR = {"PR": "identity", "PLN": "log", "PLO": "logit", "PAS": "arcsine", "PFT": "freeman-tukey"}
TESTS = {"z": {}, "t": {"ci": "t"}, "knha": {"ci": "hartung-knapp"}, "adhoc": {"ci": "hartung-knapp-floor"}}
SAME = 1e-9  # given R's tau2 all is a closed form
AGREED = 1e-6
META_REML = 1e-5  # meta leaves metafor's default threshold of 1e-5 on the change in tau2
LME4 = 2e-5  # of a rate: lme4 with metafor's default of 7 nodes; 49 tiny trials, half of them at 0


def rates(found):
    return np.array([found.rate, found.low, found.high])


@pytest.mark.parametrize("ci", ["classic", "HK"])
@pytest.mark.parametrize("scale", META)
@pytest.mark.parametrize("name", NAMES)
def test_meta(name, scale, ci):
    entry = reference(name)["metaprop"][f"{scale}_{ci}"]
    if "error" in entry:
        pytest.skip("metafor's REML inside meta did not converge")
    events, n = counts(name)
    options = {"like": "meta", "model": "inverse-variance", "transform": META[scale]}
    options |= {"ci": "hartung-knapp"} if ci == "HK" else {}
    printed = np.clip([entry[f"prop_{part}"] for part in ("random", "lower", "upper")], 0, 1)
    own = mr.pool_batch(events, n, **options)
    np.testing.assert_allclose(rates(own), printed, rtol=0, atol=META_REML)
    found = mr.pool_batch(events, n, tau2=entry["tau2"], **options)
    np.testing.assert_allclose(rates(found), printed, rtol=0, atol=SAME)
    np.testing.assert_allclose([found.Q, found.I2_Q / 100], [entry["Q"], entry["I2"]], rtol=SAME, atol=SAME)
    if ci == "classic":  # meta's V keeps the usual standard error with HK
        new = [found.estimate_prediction_low, found.estimate_prediction_high]
        np.testing.assert_allclose(new, [entry["predict_lower"][0], entry["predict_upper"][0]], atol=SAME)
    if ci == "classic":
        common = mr.pool_batch(events, n, tau2="common", **options)
        limits = [common.estimate, common.estimate_low, common.estimate_high]
        keys = ("TE_common", "lower_common", "upper_common")
        np.testing.assert_allclose(limits, [entry[key] for key in keys], rtol=0, atol=SAME)


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("scale", METAFOR)
@pytest.mark.parametrize("name", NAMES)
def test_metafor(name, scale, test):
    entry = reference(name)["inverse_variance"][scale][f"REML_{test}"]
    events, n = counts(name)
    found = mr.pool_batch(events, n, like="metafor", transform=METAFOR[scale], **TESTS[test])
    limits = [found.estimate, found.estimate_low, found.estimate_high]
    np.testing.assert_allclose(limits, [entry["estimate"], *entry["ci"]], rtol=0, atol=AGREED)
    new = [found.estimate_prediction_low, found.estimate_prediction_high]
    np.testing.assert_allclose(new, entry["prediction_default"], rtol=0, atol=AGREED)
    if (
        entry["tau2"] > AGREED
    ):  # metafor stops at an absolute change of tau2, by which a smaller one is unknown
        np.testing.assert_allclose(found.I2, entry["I2"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_glmm(name):
    """The rates of metafor's rma.glmm; it integrates by 7 nodes where ours needs more for its digits."""
    events, n = counts(name)
    for options, key in (({}, "z"), ({"ci": "t"}, "t")):
        entry = reference(name)["glmm"][f"metafor_PLO_nAGQ7_{key}"]
        for program in ("meta", "metafor"):
            found = mr.pool_batch(events, n, like=program, model="binomial-normal", **options)
            printed = expit([entry["estimate"], *entry["ci"]])
            np.testing.assert_allclose(rates(found), printed, rtol=0, atol=LME4)
    exact = reference(name)["glmm"].get("lme4_logit_nAGQ25", {})
    if "estimate" in exact:
        found = mr.pool_batch(events, n, like="meta")
        np.testing.assert_allclose(found.rate, expit(exact["estimate"]), rtol=0, atol=3e-6)


def test_a_program_is_a_set_of_options():
    """Nothing but the options tells that they came from a program."""
    studies = mr.Studies([0, 4, 9, 5], [18, 7, 15, 20])
    fit = mr.pool(studies, like="meta", transform="identity")
    assert fit == mr.pool(
        studies, model="inverse-variance", transform="identity", tau2="REML", ci="normal", prediction="t",
        correct="variance",
    )  # fmt: skip
    assert mr.pool(studies, like="META").spec.model == "binomial-normal"
    assert mr.pool(studies, like="meta", tau2="DL").spec.model == "inverse-variance"
    assert mr.pool(studies, like="metafor").spec.options() | {"seed": None} == resolve(
        model="inverse-variance", ci="normal", prediction="normal"
    ).options() | {"seed": None}
    assert mr.pool(studies, like="stata_metaprop").weights[0] == 0


def test_what_is_given_wins():
    spec = resolve(like="cma", tau2="PM", ci="t", level=0.9, prediction=None)
    assert (spec.tau2, spec.ci, spec.level, spec.prediction) == ("PM", "t", 0.9, None)
    assert resolve(like="meta", transform="identity", correct="only-zero").correct == "only-zero"
    assert resolve(like="metaxl", back_n="harmonic").back_n == "harmonic"


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_pools_every_scale_that_it_may(program):
    studies = mr.Studies([0, 4, 9, 5], [18, 7, 15, 20])
    for model in PROGRAMS[program].models:
        for transform in TRANSFORMS if model == "inverse-variance" else [None]:
            more = {} if transform is None else {"transform": transform}
            fit = mr.pool(studies, like=program, model=model, **more)
            assert fit.rate_ci.low <= fit.rate <= fit.rate_ci.high
    assert PROGRAMS[program].version
    assert PROGRAMS[program].source


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"like": "sas"}, "like='sas' is not known: choose 'meta', 'meta-4', 'metafor'"),
        ({"like": "metafore"}, "did you mean 'metafor'?"),
        ({"like": 5}, "like=5 is not known"),
        ({"like": "cma", "model": "beta-binomial"}, "is none of CMA"),
        ({"like": "cma", "link": "probit"}, "link='probit' has no meaning for model='inverse-variance'"),
        ({"model": "inverse-variance", "correct": "variance"}, "it belongs to transform='identity'"),
        ({"model": "inverse-variance", "correct": "events"}, "it belongs to transform='log'"),
        ({"like": "meta", "cluster": ["a", "a", "b"]}, "like='meta' has no meaning with cluster="),
    ],
)
def test_nonsense_is_one_clear_error(options, words):
    with pytest.raises(mr.InvalidArgument) as caught:
        mr.pool(events=[1, 4, 9], n=[18, 7, 15], **options)
    assert words in str(caught.value)


def test_left_out_studies_take_no_part():
    """As if they were not there, but for the table of studies."""
    events, n = [0, 4, 9, 5, 8], [18, 7, 15, 20, 8]
    options = {"model": "inverse-variance", "transform": "identity"}
    fit = mr.pool(events=events, n=n, correct="leave-out", **options)
    fewer = mr.pool(events=[4, 9, 5], n=[7, 15, 20], **options)
    assert fit.k == 5
    assert (fit.rate, fit.rate_ci, fit.tau2) == (fewer.rate, fewer.rate_ci, fewer.tau2)
    np.testing.assert_allclose(fit.weights, [0, *fewer.weights, 0])
    found = fit.study_rates()
    np.testing.assert_allclose(found.shrunken[[0, 4]], fit.rate)
    np.testing.assert_allclose(found.shrunken[1:4], fewer.study_rates().shrunken)
    assert any("2 of 5 studies at 0% or 100% take no part" in note for note in fit.notes)
    lanes = mr.pool_batch([events, events], n, [[1] * 5, [1, 2, 1, 1, 0]], correct="leave-out", **options)
    assert lanes.k.tolist() == [3, 4]
    again = mr.pool_batch([4, 4, 9, 5], [7, 7, 15, 20], **options)
    np.testing.assert_allclose(lanes.rate[1], again.rate, rtol=1e-12)


def test_leaving_out_everything():
    options = {"model": "inverse-variance", "correct": "leave-out"}
    assert mr.pool(events=[0, 0], n=[9, 12], **options).is_exact
    with pytest.raises(mr.CannotEstimate, match="at 0 or n without a variance"):
        mr.pool(events=[0, 12], n=[9, 12], **options)


def test_turned_back_without_a_size():
    fit = mr.pool(
        events=[3, 4, 9], n=[18, 7, 15], model="inverse-variance", transform="freeman-tukey", back_n="none"
    )
    np.testing.assert_allclose(fit.rate, np.sin(fit.estimate) ** 2)
    assert 0 < fit.mean_rate_ci.low < fit.mean_rate < fit.mean_rate_ci.high < 1
    assert 0 < fit.test(0.3).pvalue < 1
    assert 0 < fit.probability_above(0.3) < 1


AWKWARD = [
    ([4], [9]), ([0, 7], [7, 7]), ([0, 0, 0], [9, 12, 7]), ([9, 12], [9, 12]), ([0, 12, 7], [9, 12, 7]),
    ([0, 1, 1], [1, 1, 1]), ([3, 200_000_000, 0], [9, 1_000_000_000, 12]), ([5, 5], [10, 10]),
    ([0, 3], [9, 9]),
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("counts_", AWKWARD, ids=str)
def test_awkward_studies(program, counts_):
    """Limits that hold the rate, or one clear error; under numpy's errors too."""
    studies = mr.Studies(*counts_)
    edges = (studies.events == 0) | (studies.events == studies.n)
    nothing_is_left = edges.all() and 0 < studies.events.sum() < studies.n.sum() and len(studies) > 1
    for model in PROGRAMS[program].models:
        with np.errstate(all="raise"):
            if PROGRAMS[program].models[model].get("correct") == "leave-out" and nothing_is_left:
                with pytest.raises(mr.CannotEstimate, match="correct='leave-out' leaves"):
                    mr.pool(studies, like=program, model=model)
                continue
            fit = mr.pool(studies, like=program, model=model)
            assert 0 <= fit.rate_ci.low <= fit.rate <= fit.rate_ci.high <= 1
            assert fit.is_exact or np.isfinite(fit.study_rates().shrunken).all()
            assert str(fit)


def test_the_command_line_takes_a_program(tmp_path, capsys):
    path = tmp_path / "trials.csv"
    path.write_text("study,events,n\nXu,13,18\nLi,4,7\nWang,9,15\nHu,0,30\n", encoding="utf-8")
    assert main(["pool", str(path), "--like", "stata-metaprop"]) == 0
    assert "take no part in the pooling (Hu)" in capsys.readouterr().out
    assert main(["pool", str(path), "--like", "sas"]) == 2
    assert "--like sas is not known: choose 'meta'" in capsys.readouterr().err
