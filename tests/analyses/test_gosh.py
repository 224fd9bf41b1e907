"""All subsets: what pool says of each, R's sums, and what a study does to them."""

import json
from pathlib import Path

import numpy as np
import pytest

import metaresp as mr
from metaresp.analyses import gosh as module
from metaresp.errors import CannotEstimate, InvalidArgument, UnknownName
from metaresp.kernel.effects.mean import MEAN_CI
from metaresp.kernel.effects.tau2 import TAU2
from metaresp.kernel.numerics.membership import membership
from metaresp.model import MODELS, subset_points
from metaresp.model.estimates import EXACT
from metaresp.subsets import all_subsets, members, random_subsets
from metaresp.transforms import TRANSFORMS
from tests.datasets import NAMES

REFERENCE = Path(__file__).parent.parent / "reference" / "out"
SAME = 1e-6  # the bar of the maxima of counts; they agree to about 1e-8
OPTIONS = [
    *({"model": name} for name in MODELS),
    *({"model": "inverse-variance", "transform": name} for name in TRANSFORMS),
    {"model": "inverse-variance", "tau2": "DL", "ci": "henmi-copas"},
    {"model": "inverse-variance", "correct": "if-any"},
    *({"link": name} for name in ("probit", "cloglog", "cauchit")),
    {"penalty": ("half-normal", 0.5)},
    {"penalty": ("log-f", 1)},
    {"effects": "mixture"},
]
MANY = [options for options in OPTIONS if options.get("model") not in {"common", "inverse-variance"}]


def pooled(studies, held, options):
    fit = mr.pool(studies[np.flatnonzero(held)], **options)
    return fit.rate, fit.tau2, fit.rho, fit.heterogeneity.I2 / 100


def same_as_pool(found, studies, some, **options):
    held = found.members()
    for i in some:
        expected = pooled(studies, held[i], options)
        ours = found.rate[i], found.tau2[i], found.rho[i], found.I2[i] / 100
        for ours_, theirs in zip(ours, expected, strict=True):
            assert ours_ == pytest.approx(theirs, rel=SAME, abs=SAME, nan_ok=True), (held[i], options)


@pytest.mark.parametrize("name", NAMES)
def test_sums_over_all_subsets_are_those_of_metafor(name):
    expected = json.loads((REFERENCE / f"{name}.json").read_text())["gosh_first11_DL"]
    studies = mr.datasets.load(name)[np.arange(expected["rows"])]
    options = {"model": "inverse-variance", "tau2": "DL"}
    found = mr.gosh(mr.pool(studies, **options))
    held = found.members()
    assert found.complete
    assert found.k.size == expected["subsets"]
    estimate, tau2, I2 = found.estimate.copy(), found.tau2.copy(), found.I2.copy()
    # one study, and studies that are all at 0% or all at 100%, get an exact answer here; R adds 0.5
    exact = np.flatnonzero(np.isin(found.reason, EXACT))
    x, n = studies.events.astype(float), studies.n.astype(float)
    add = np.where((x == 0) | (x == n), 0.5, 0.0)
    y, v = np.log((x + add) / (n - x + add)), 1 / (x + add) + 1 / (n - x + add)
    spread = TAU2["DL"](y, v, held[exact]).value
    estimate[exact] = MEAN_CI["normal"](y, v, held[exact], spread, 0.025, None, None).estimate
    tau2[exact], I2[exact] = spread, 0.0
    assert not spread.any()
    assert estimate.sum() == pytest.approx(expected["estimate_sum"], rel=1e-6)
    assert estimate.std(ddof=1) == pytest.approx(expected["estimate_sd"], rel=1e-6)
    assert estimate.min() == pytest.approx(expected["estimate_min"], abs=1e-6)
    assert estimate.max() == pytest.approx(expected["estimate_max"], rel=1e-6)
    assert tau2.sum() == pytest.approx(expected["tau2_sum"], rel=1e-6)
    assert I2.sum() == pytest.approx(expected["I2_sum"], rel=1e-6)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_subsets_are_what_pool_says(options):
    studies = mr.Studies([0, 3, 9, 12, 20], [7, 20, 9, 30, 26])
    found = mr.gosh(mr.pool(studies, **options))
    assert found.k.tolist() == found.members().sum(axis=1).tolist()
    same_as_pool(found, studies, range(0, 31, 2), **options)


@pytest.mark.parametrize("options", MANY, ids=str)
@pytest.mark.parametrize("name", ["pritz1997", "ursino2021"])
def test_subsets_out_of_the_table_are_what_pool_says(options, name):
    studies = mr.datasets.load(name)[np.arange(10)]
    found = mr.gosh(mr.pool(studies, **options))
    assert found.k.size >= subset_points._TABULATED
    some = np.random.default_rng(3).choice(found.k.size, 12, replace=False)
    same_as_pool(found, studies, some, **options)


@pytest.mark.parametrize(
    ("events", "n"),
    [
        ([0, 1, 0, 2, 0, 0, 1, 0, 3], [18, 30, 12, 40, 9, 25, 31, 7, 22]),
        ([9, 18, 4, 30, 12, 7, 20, 11, 5], [9, 18, 5, 30, 12, 8, 21, 11, 5]),
        ([3, 400_000_000, 7, 2, 11, 0, 5, 9, 1], [20, 10**9, 15, 30, 19, 12, 9, 25, 8]),
        ([0, 1, 1, 0, 1, 1, 0, 0, 1], [1, 1, 1, 1, 1, 1, 1, 1, 2]),
        ([0, 9, 0, 12, 0, 8, 15, 0, 7], [8, 9, 11, 12, 10, 8, 15, 9, 7]),
    ],
    ids=["rare", "nearly all", "one huge", "single patients", "all at an end"],
)
@pytest.mark.parametrize("model", list(MODELS))
def test_awkward_subsets_get_the_answer_of_pool(events, n, model):
    studies = mr.Studies(events, n)
    with np.errstate(all="raise"):
        found = mr.gosh(mr.pool(studies, model=model))
    assert ((found.rate >= 0) & (found.rate <= 1)).all()
    some = np.random.default_rng(5).choice(found.k.size, 10, replace=False)
    same_as_pool(found, studies, some, model=model)


@pytest.mark.parametrize("model", ["binomial-normal", "inverse-variance"])
def test_nested_by_study_and_by_cluster(model):
    rng = np.random.default_rng(2)
    n = rng.integers(8, 40, 9)
    centre = list("aabbbccdd")
    studies = mr.Studies(rng.binomial(n, 0.4), n, covariates={"centre": centre})
    fit = mr.pool(studies, model=model, cluster="centre")
    whole = mr.gosh(fit, by="cluster")
    assert whole.study == tuple("abcd")
    assert whole.by == "centre"
    assert whole.k.size == 15
    single = mr.gosh(fit, subsets=8, seed=4)
    assert not single.complete
    assert single.k.size == 8
    assert "8 random subsets of 511" in single.notes[0]
    for found, codes in ((whole, studies.cluster_codes("centre")), (single, np.arange(9))):
        held = found.members()[:, codes]
        for i in range(0, found.k.size, 2):
            part = mr.pool(studies[np.flatnonzero(held[i])], model=model, cluster="centre")
            assert found.rate[i] == pytest.approx(part.rate, rel=2e-6)
            assert found.tau2[i] == pytest.approx(part.tau2, rel=2e-5, abs=1e-6, nan_ok=True)
    with pytest.raises(InvalidArgument, match="not nested"):
        mr.gosh(mr.pool(studies, model=model), by="cluster")


def test_random_subsets_are_distinct_and_do_not_depend_on_chunks(monkeypatch):
    rng = np.random.default_rng(1)
    n = rng.integers(10, 40, 23)
    fit = mr.pool(events=rng.binomial(n, 0.3), n=n, model="inverse-variance")
    found = mr.gosh(fit, subsets=700, seed=8)
    assert np.unique(found.packed, axis=0).shape[0] == 700
    assert (found.k > 0).all()
    assert not found.complete
    monkeypatch.setattr(subset_points, "_CHUNK", 23 * 37)
    other = mr.gosh(fit, subsets=700, seed=8)
    assert (other.packed == found.packed).all()
    for name in ("rate", "tau2", "I2"):
        np.testing.assert_allclose(getattr(other, name), getattr(found, name), rtol=1e-9, atol=1e-12)
    assert mr.gosh(fit, subsets=700, seed=9) != found
    assert mr.gosh(fit, subsets=700) == mr.gosh(fit, subsets=700)
    monkeypatch.setattr(module, "RANDOM_SUBSETS", 50)
    assert mr.gosh(fit).k.size == 50  # more than 2**20 subsets there are


def test_chunks_of_the_table_do_not_change_an_answer(monkeypatch):
    fit = mr.pool(mr.datasets.load("pritz1997")[np.arange(10)])
    found = mr.gosh(fit)
    monkeypatch.setattr(subset_points, "_CHUNK", 10 * 101)
    other = mr.gosh(fit)
    for name in ("rate", "tau2", "I2"):
        np.testing.assert_allclose(getattr(other, name), getattr(found, name), rtol=1e-7, atol=1e-9)


def test_packed_subsets():
    assert members(all_subsets(9), 9).sum(axis=0).tolist() == [256] * 9
    assert np.unique(all_subsets(9), axis=0).shape == (511, 2)
    for units, count in ((5, 30), (9, 200), (40, 500), (64, 100)):
        drawn = random_subsets(units, count, np.random.default_rng(0))
        assert np.unique(drawn, axis=0).shape[0] == count
        assert members(drawn, units).any(axis=1).all()
    assert members(random_subsets(31, 4000, np.random.default_rng(0)), 31).mean() == pytest.approx(
        0.5, abs=0.01
    )


def test_shares_are_those_of_the_definition():
    rng = np.random.default_rng(0)
    held = members(all_subsets(7), 7)
    value = held @ rng.normal(size=7) + 0.1 * rng.normal(size=len(held))
    value[5] = np.nan
    found = membership(value, held)
    known = ~np.isnan(value)
    for i in range(7):
        inside, outside = value[known & (held[:, i] == 1)], value[known & (held[:, i] == 0)]
        assert found.median_with[i] == np.median(inside)
        assert found.median_without[i] == np.median(outside)
        # the share is the squared correlation with being in
        assert found.share[i] == pytest.approx(np.corrcoef(value[known], held[known, i])[0, 1] ** 2)
    assert 0.97 < found.share.sum() < 1
    assert membership(np.full(127, 2.0), held).share.tolist() == [0.0] * 7
    assert np.isnan(membership(np.full(127, np.nan), held)).all()


def test_the_outlier_has_the_highest_score():
    x, n = [9, 11, 8, 36, 10, 12, 9, 10], [40] * 8
    for model in MODELS:
        found = mr.gosh(mr.pool(events=x, n=n, model=model))
        assert found.score.argmax() == 3
        assert found.score[3] > 0.7
        assert found.rate_with[3] > found.rate_without[3]
        frame = found.studies_frame()
        assert list(frame.columns[:3]) == ["study", "rate_with", "rate_without"]
        assert len(frame) == 8


@pytest.mark.parametrize("model", list(MODELS))
@pytest.mark.parametrize("events", [[0, 0, 0], [9, 8, 7], [0, 8], [4, 0, 7]])
def test_few_and_extreme_studies(model, events):
    found = mr.gosh(mr.pool(events=events, n=[9, 8, 7][: len(events)], model=model))
    assert found.k.size == 2 ** len(events) - 1
    assert np.isfinite(found.rate).all()
    assert (found.reason == 0).any() or found.notes
    assert "Subsets" in str(found)
    if np.isfinite(found.values()).any():
        assert found.plot().alt
    else:
        with pytest.raises(CannotEstimate, match="nothing to draw"):
            found.plot()


def test_arguments_are_checked_by_name():
    fit = mr.pool(events=[1, 2, 3], n=[9, 9, 9])
    for value in (0, -1, 1.5, True, "all", 10**9):
        with pytest.raises(InvalidArgument, match="subsets="):
            mr.gosh(fit, subsets=value)
    for value in (-1, 1.5, True):
        with pytest.raises(InvalidArgument, match="seed="):
            mr.gosh(fit, seed=value)
    with pytest.raises(UnknownName, match="by="):
        mr.gosh(fit, by="centre")
    with pytest.raises(InvalidArgument, match="fit="):
        mr.gosh(mr.Studies([1], [2]))
    with pytest.raises(CannotEstimate, match="two studies"):
        mr.gosh(mr.pool(events=[3], n=[9]))
    found = mr.gosh(fit)
    for value in ("nobody", 3, -1, True, 1.5):
        with pytest.raises(InvalidArgument, match="study="):
            found.plot(study=value)


def test_picture_and_record(tmp_path):
    fit = mr.pool(mr.datasets.load("pritz1997")[np.arange(13)], model="inverse-variance")
    found = mr.gosh(fit)
    assert list(found.to_frame().columns) == ["k", "estimate", "rate", "tau2", "I2"]
    assert mr.Gosh.from_dict(json.loads(found.to_json())) == found
    assert found.packed.dtype == np.uint8
    assert not found.packed.flags.writeable
    picture = found.plot(tmp_path / "all.png")  # shaded cells
    assert len(picture.axes.collections) == 1
    coloured = found.plot(tmp_path / "one.svg", study=found.study[3], width="85mm")
    shown = coloured.axes.collections[0].get_offsets()
    assert 3000 < len(shown) < 8191
    words = [text.get_text() for text in coloured.figure.legends[0].get_texts()]
    assert words == [f"Without {found.study[3]}", f"With {found.study[3]}", "All studies"]
    assert str(found.summary()) == str(found)
