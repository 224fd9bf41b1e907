"""Deletion diagnostics: R's for effects, the definitions for counts, an answer for any data."""

import numpy as np
import pytest
from scipy import special, stats

import metaresp as mr
from metaresp.analyses import clusters
from metaresp.errors import CannotEstimate, MetaRespError
from metaresp.kernel.counts.links import LINKS
from tests.analyses.test_refits import AWKWARD, COVARIATES, EVENTS, LOOP, QUICK, SIZES, R
from tests.datasets import NAMES, reference

NAMES_IN_R = {
    "rstudent": "rstudent", "dffits": "dffits", "cooks_distance": "cook.d", "cov_ratio": "cov.r",
    "tau2_deleted": "tau2.del", "Q_deleted": "QE.del", "hat": "hat", "weight": "weight", "dfbetas": "dfbetas",
}  # fmt: skip
# metafor 3.8-1, influence(rma(yi, vi, method = "DL", test = "knha")) on escalc(measure = "PAS") of the counts
# 16 10 4 43 10 25 13 0 of 17 12 8 58 10 42 14 20.
KNAPP_HARTUNG = {
    "rstudent": [
        0.698325490035151, 0.304365717347853, -0.4362429097705, 0.0724018034122105,
        1.2932947259701, -0.258761507827877, 0.633092472507896, -4.17390952179648,
    ],
    "dffits": [
        0.263945411647295, 0.111679466217045, -0.160175701051659, 0.0203100139308836,
        0.476804869475475, -0.105901607584534, 0.236955863680734, -1.52717764552133,
    ],
    "cooks_distance": [
        0.0751857100221473, 0.0143003673215153, 0.028885203916923, 0.000489951303494153,
        0.208091466617932, 0.0131178397090521, 0.0613720144533478, 0.671219014214289,
    ],
    "cov_ratio": [
        1.23440956801061, 1.30894033776351, 1.27970238900488, 1.34071576272171,
        1.03569859251785, 1.3263545482757, 1.24835207178662, 0.341784331872497,
    ],
    "tau2_deleted": [
        0.183379375343865, 0.191600104023802, 0.187013899081692, 0.255967735574962,
        0.16261759983661, 0.240141584273083, 0.184805985748, 0.0413275392203281,
    ],
    "hat": [
        0.125962823309368, 0.122025742077254, 0.1158690375668, 0.133257067083876,
        0.119486181456883, 0.132049226809586, 0.123906825678311, 0.127443096017922,
    ],
    "dfbetas": [
        0.263976724959253, 0.11156652886148, -0.159826716474814, 0.0205038580928498,
        0.477580648870102, -0.106635348890943, 0.236895662699023, -1.50369512749106,
    ],
}  # fmt: skip


def data():
    return mr.Studies(EVENTS, SIZES, covariates={"centre": list("AABBCCC")})


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_metafor(name):
    told = reference(name)["diagnostics"]["influence"]
    found = mr.influence(mr.pool(mr.datasets.load(name), model="inverse-variance", ci="normal"))
    for ours, theirs in NAMES_IN_R.items():
        np.testing.assert_allclose(getattr(found, ours), told[theirs], rtol=R, atol=R, err_msg=ours)
    assert found.influential.tolist() == told["is_influential"]


def test_the_factor_of_hartung_and_knapp():
    events, n = [16, 10, 4, 43, 10, 25, 13, 0], [17, 12, 8, 58, 10, 42, 14, 20]
    options = {"model": "inverse-variance", "transform": "arcsine", "tau2": "DL", "ci": "hartung-knapp"}
    found = mr.influence(mr.pool(events=events, n=n, **options))
    for ours, theirs in KNAPP_HARTUNG.items():
        np.testing.assert_allclose(getattr(found, ours), theirs, rtol=1e-9, err_msg=ours)
    assert found.influential.tolist() == [False] * 7 + [True]


def without(studies, i, **options):
    return mr.pool(studies[np.arange(len(studies)) != i], **options)


def mixed(x, n, fit, units, variance, rate=special.expit):
    """Mid-p of a count whose theta has a t distribution on units - 1 degrees of freedom, by many points."""
    if units:
        t = stats.t.ppf((np.arange(100_000) + 0.5) / 100_000, units - 1)
        sd, mass = np.sqrt(variance * units / (units - 1)), np.full(t.size, 1 / t.size)
    else:  # normal: far tails need a grid
        t = np.linspace(-9, 9, 20_001)
        sd, mass = np.sqrt(variance), stats.norm.pdf(t) * (t[1] - t[0])
    p = rate(fit.estimate + sd * t)
    return mass @ (0.5 * (special.bdtr(x, n, p) + (special.bdtr(x - 1, n, p) if x else 0.0)))


@pytest.mark.parametrize(
    "options", [{}, {"link": "cloglog"}, {"cluster": "centre"}, {"model": "common"}], ids=str
)
def test_counts_by_the_definition(options):
    studies = data()
    fit = mr.pool(studies, **options)
    found = mr.influence(fit)
    rate = LINKS[options.get("link", "logit")].rate
    for i, (x, n) in enumerate(zip(EVENTS, SIZES, strict=True)):
        other = without(studies, i, **options)
        units = 0 if "model" in options else other.clusters or other.k
        slow = special.ndtri(mixed(x, n, other, units, other.tau2 + other.se**2, rate))
        moved = fit.estimate - other.estimate
        step = moved / (other.se * np.sqrt(1 - fit.weights[i] / 100))
        want = [slow, step, step, (moved / fit.se) ** 2, (other.se / fit.se) ** 2, fit.weights[i] / 100]
        names = ("rstudent", "dffits", "dfbetas", "cooks_distance", "cov_ratio", "hat")
        got = [getattr(found, name)[i] for name in names]
        np.testing.assert_allclose(got, want, rtol=LOOP, atol=LOOP)
        assert (found.tau2_deleted[i], found.Q_deleted[i]) == pytest.approx(
            (other.tau2, other.heterogeneity.Q), rel=LOOP, abs=1e-9
        )


def test_beta_binomial_by_the_definition():
    studies = data()
    found = mr.influence(mr.pool(studies, model="beta-binomial"))
    for i, (x, n) in enumerate(zip(EVENTS, SIZES, strict=True)):
        other = without(studies, i, model="beta-binomial")
        p = other.rate
        rho = other.k / (other.k - 1) * (other.rho + p * (1 - p) * other.se**2)
        law = stats.betabinom(n, p * (1 - rho) / rho, (1 - p) * (1 - rho) / rho)
        assert found.rstudent[i] == pytest.approx(special.ndtri(law.cdf(x) - 0.5 * law.pmf(x)), abs=1e-6)
    assert np.isnan(found.tau2_deleted).all()
    assert "rho_deleted" in found.to_frame()


def test_a_group_is_one_study_of_its_patients():
    fit = mr.pool(data(), cluster="centre")
    found = mr.influence(fit, by="centre")
    assert found.study == ("A", "B", "C")
    assert found.weight.sum() == pytest.approx(100)
    events, sizes = np.array(EVENTS), np.array(SIZES)
    for i, name in enumerate("ABC"):
        own = np.array(list("AABBCCC")) == name
        other = mr.pool(data()[~own], cluster="centre")
        share = sizes[own] / sizes[own].sum()
        variance = other.tau2_between + other.tau2_within * (share**2).sum() + other.se**2
        x, n = events[own].sum(), sizes[own].sum()
        slow = special.ndtri(mixed(x, n, other, other.clusters, variance))
        assert found.rstudent[i] == pytest.approx(slow, abs=1e-5)
    each = mr.Studies(EVENTS, SIZES, covariates={"own": list("abcdefg")})
    same = mr.influence(mr.pool(each), by="own")
    for name in NAMES_IN_R:
        np.testing.assert_allclose(getattr(same, name), getattr(mr.influence(mr.pool(each)), name))


def test_an_outlier_is_marked():
    found = mr.influence(mr.pool(events=[5, 6, 4, 5, 7, 20], n=[20] * 6))
    assert found.influential.tolist() == [False] * 5 + [True]
    assert found.rstudent[5] > 2.5
    assert found.notes[0] == "Influential: Study 6."
    assert (
        mr.influence(mr.pool(events=[5, 6, 5, 6, 5, 6, 5], n=[20] * 7))
        .notes[0]
        .startswith("By the usual rules no")
    )


@pytest.mark.parametrize("options", [*QUICK, {"cluster": "centre"}], ids=str)
@pytest.mark.parametrize("name", AWKWARD)
def test_an_answer_or_one_clear_error(name, options):
    events, n = AWKWARD[name]
    studies = mr.Studies(events, n, covariates={"centre": list("AABBCC")[: len(n)]})
    with np.errstate(all="raise"):
        fit = mr.pool(studies, **options)
        for by in (None, "centre"):
            if len(n) < 3 or not np.isfinite([fit.estimate, fit.se]).all() or fit.se == 0:
                with pytest.raises(CannotEstimate, match=r"^influence: "):
                    mr.influence(fit, by=by)
                continue
            found = mr.influence(fit, by=by)
            assert np.isfinite(found.rstudent).all()
            assert np.isfinite(found.hat).all()
            told = np.array([any(label in note for note in found.notes[1:]) for label in found.study])
            for field in ("dffits", "dfbetas", "cooks_distance", "cov_ratio"):
                assert (np.isfinite(getattr(found, field)) | told).all(), field
            assert "nan" not in str(found)
            assert type(found).from_dict(found.to_dict()) == found


@pytest.mark.parametrize("model", ["binomial-normal", "inverse-variance", "beta-binomial"])
def test_no_bootstrap_is_made_for_limits_that_nobody_looks_at(model, monkeypatch):
    studies = data()
    fits = [mr.pool(studies, model=model, ci=ci) for ci in ("bootstrap", "normal")]
    asked = []
    fitted = clusters.pool_batch
    monkeypatch.setattr(clusters, "pool_batch", lambda *a, **k: asked.append(k["ci"]) or fitted(*a, **k))
    found = [mr.influence(fit) for fit in fits]
    assert asked == ["normal", "normal"]
    for name in NAMES_IN_R:
        np.testing.assert_array_equal(getattr(found[0], name), getattr(found[1], name))


def test_what_cannot_be_estimated():
    for events, n, words in (([1, 2], [9, 9], "three studies"), ([0, 0, 0], [9, 9, 9], "exact")):
        with pytest.raises(CannotEstimate, match=words):
            mr.influence(mr.pool(events=events, n=n))
    one = mr.Studies([1, 2, 3], [9, 9, 9], covariates={"centre": list("AAA")})
    with pytest.raises(CannotEstimate, match="same centre"):
        mr.influence(mr.pool(one), by="centre")
    with pytest.raises(MetaRespError, match="agree exactly"):
        mr.influence(mr.pool(events=[3, 3, 3], n=[9, 9, 9], model="inverse-variance"))


def test_studies_without_a_value_are_one_group():
    found = mr.influence(mr.pool(mr.Studies(EVENTS, SIZES, covariates=COVARIATES)), by="centre")
    assert found.study == ("A", "B", "not given", "C")
