"""Leave-one-out and cumulative fits: one batch, the fits of the parts, the numbers of R."""

import numpy as np
import pytest

import metaresp as mr
from metaresp.analyses import clusters
from metaresp.errors import CannotEstimate, InvalidArgument, UnknownName
from metaresp.model import MODELS
from metaresp.transforms import TRANSFORMS
from tests.datasets import NAMES, reference

# R iterates tau2 to its own stopping, ours to the last digit.
R = 1e-6
# A lane of a batch against the same studies alone.
LOOP = 1e-6
EVENTS, SIZES = [13, 4, 9, 0, 8, 2, 15], [18, 7, 15, 19, 14, 5, 15]
COVARIATES = {
    "centre": ["A", "A", "B", None, "C", "C", "C"],
    "year": [2012, 2009, 2015, None, 2009, 2001, 2015],
}
QUICK = [
    *({"model": model} for model in MODELS),
    *({"model": "inverse-variance", "transform": transform} for transform in TRANSFORMS),
    {"penalty": ("half-normal", 1)}, {"model": "inverse-variance", "tau2": "common", "ci": "normal"},
]  # fmt: skip
ANY_MODEL = [*QUICK, {"link": "probit"}, {"effects": "t"}]
AWKWARD = {
    "no event": ([0, 0, 0, 0], [9, 8, 7, 20]),
    "one study with events": ([0, 0, 4, 0], [9, 8, 7, 20]),
    "all at n": ([9, 8, 7], [9, 8, 7]),
    "two": ([3, 0], [9, 8]),
    "one huge": ([3, 4, 10**8, 2], [9, 8, 10**9, 30]),
    "at either end": ([0, 9, 0, 8], [5, 9, 7, 8]),
    "single patients": ([0, 1, 1, 1], [1, 1, 1, 1]),
    "equal": ([3, 3, 3], [9, 9, 9]),
}
FIELDS = (
    "rate",
    "low",
    "high",
    "mean_rate",
    "mean_low",
    "mean_high",
    "estimate",
    "se",
    "tau2",
    "rho",
    "I2",
    "Q",
)


def data(**more):
    return mr.Studies(EVENTS, SIZES, covariates=COVARIATES | more)


def alone(studies, **options):
    """The numbers of one fit under the names of the frame."""
    fit = mr.pool(studies, **options)
    found = {name: getattr(fit, name) for name in ("rate", "mean_rate", "estimate", "se", "tau2", "rho")}
    found |= {
        "low": fit.rate_ci.low,
        "high": fit.rate_ci.high,
        "I2": fit.heterogeneity.I2,
        "Q": fit.heterogeneity.Q,
    }
    return found | {"mean_low": fit.mean_rate_ci.low, "mean_high": fit.mean_rate_ci.high}


def assert_rows(found, parts, **options):
    assert len(found.study) == len(parts)
    for i, part in enumerate(parts):
        slow = alone(part, **options)
        fast = [getattr(found, name)[i] for name in FIELDS]
        np.testing.assert_allclose(
            fast, [slow[name] for name in FIELDS], rtol=LOOP, atol=1e-8, err_msg=str(i)
        )
        assert (found.k[i], found.events[i], found.n[i]) == (len(part), part.events.sum(), part.n.sum())


@pytest.mark.parametrize("options", ANY_MODEL, ids=str)
def test_rows_are_the_fits_of_the_parts(options):
    studies = data()
    fit = mr.pool(studies, **options)
    assert_rows(mr.leave_one_out(fit), [studies[np.arange(7) != i] for i in range(7)], **options)
    order = np.argsort(SIZES, kind="stable")
    assert_rows(mr.cumulative(fit, by="n"), [studies[order[: i + 1]] for i in range(7)], **options)


@pytest.mark.parametrize("model", ["binomial-normal", "inverse-variance"])
def test_nested_rows_by_study_and_by_cluster(model):
    labels = np.array(list("AABBC"))
    studies = mr.Studies(EVENTS[:5], SIZES[:5], covariates={"centre": labels.tolist()})
    options = {"model": model, "cluster": "centre"}
    fit = mr.pool(studies, **options)
    assert_rows(mr.leave_one_out(fit), [studies[np.arange(5) != i] for i in range(5)], **options)
    by = mr.leave_one_out(fit, by="centre")
    assert by.study == ("A", "B", "C")
    assert_rows(by, [studies[labels != name] for name in "ABC"], **options)
    assert_rows(mr.cumulative(fit), [studies[: i + 1] for i in range(5)], **options)


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_metafor(name):
    told = reference(name)["diagnostics"]
    fit = mr.pool(mr.datasets.load(name), model="inverse-variance", ci="normal")
    found = mr.leave_one_out(fit)
    for key in ("estimate", "se", "Q", "tau2", "I2"):
        np.testing.assert_allclose(getattr(found, key), told["leave1out"][key], rtol=R, atol=R, err_msg=key)
    grown = mr.cumulative(fit)
    for key in ("estimate", "se", "tau2", "I2"):
        # the first, one study, is exact here
        want = np.array(told["cumulative"][key], dtype=float)[1:]
        known = np.isfinite(grown.se[1:])
        np.testing.assert_allclose(getattr(grown, key)[1:][known], want[known], rtol=R, atol=R, err_msg=key)
    assert grown.estimate[-1] == pytest.approx(fit.estimate)


@pytest.mark.parametrize("function", [mr.leave_one_out, mr.cumulative, mr.influence, mr.baujat])
@pytest.mark.parametrize("options", [{}, {"cluster": "centre"}])
def test_one_batch_and_no_other_fit(function, options, monkeypatch):
    fit = mr.pool(mr.Studies(EVENTS, SIZES, covariates={"centre": list("AABBCCC")}), **options)
    calls = []
    fitted = clusters.pool_batch
    monkeypatch.setattr(clusters, "pool_batch", lambda *a, **k: calls.append(a[2].shape) or fitted(*a, **k))
    monkeypatch.setattr("metaresp.pooling.pool", lambda *a, **k: pytest.fail("fitted one by one"))
    function(fit)
    assert calls == [(7, 7)]


def test_new_trials_only_where_they_are_asked_for():
    fit = mr.pool(data())
    found = mr.leave_one_out(fit)
    assert np.isnan(found.prediction_low).all()
    assert "prediction_low" not in found.to_frame()
    asked = mr.leave_one_out(fit, prediction=True)
    without = mr.pool(data()[1:]).prediction_interval
    assert (asked.prediction_low[0], asked.prediction_high[0]) == pytest.approx(without, rel=LOOP)
    assert {"prediction_low", "prediction_high"} <= set(asked.to_frame())
    none = mr.pool(data(), prediction=None)
    with pytest.raises(InvalidArgument, match="prediction=True"):
        mr.leave_one_out(none, prediction=True)


def test_frames_have_the_columns_of_the_contract():
    fit = mr.pool(data())
    wanted = {"study", "k", "rate", "low", "high", "estimate", "se", "tau2", "I2", "Q"}
    assert wanted <= set(mr.leave_one_out(fit).to_frame())
    frame = mr.cumulative(fit, by="year").to_frame()
    assert wanted | {"year"} <= set(frame)
    assert list(mr.cumulative(fit, by="n").to_frame())[:2] == ["study", "study_n"]
    assert "rho" in mr.leave_one_out(mr.pool(data(), model="beta-binomial")).to_frame()


def test_order_of_the_covariate():
    fit = mr.pool(data())
    found = mr.cumulative(fit, by="year")
    assert found.value == (2001, 2009, 2009, 2012, 2015, 2015, None)
    assert found.study == ("Study 6", "Study 2", "Study 5", "Study 1", "Study 3", "Study 7", "Study 4")
    assert found.notes[0] == "Ordered by year; the study without it comes last: Study 4."
    assert found.notes[1] == "Studies of the same year keep the order of the data."
    down = mr.cumulative(fit, by="year", descending=True)
    assert down.value == (2015, 2015, 2012, 2009, 2009, 2001, None)
    assert mr.cumulative(fit).study == fit.studies.study


def test_what_moves_most_is_named():
    found = mr.leave_one_out(mr.pool(data()))
    farthest = found.study[int(np.abs(found.rate - found.fit.rate).argmax())]
    assert found.notes[0] == f"Without {farthest} the rate moves most."
    steady = mr.leave_one_out(mr.pool(events=[30] * 5 + [31], n=[60] * 6))
    assert steady.notes[1].startswith("No single study decides")
    fragile = mr.leave_one_out(mr.pool(events=[5, 4, 6, 5, 1900], n=[50, 40, 60, 50, 2000], model="common"))
    assert fragile.notes[1].startswith("Fragile: without Study")
    assert mr.leave_one_out(mr.pool(events=[0, 0], n=[9, 9])).notes[0] == (
        "The rate is the same without any one of them."
    )


@pytest.mark.parametrize("options", QUICK, ids=str)
@pytest.mark.parametrize("name", AWKWARD)
def test_an_answer_for_any_data(name, options):
    events, n = AWKWARD[name]
    with np.errstate(all="raise"):
        fit = mr.pool(mr.Studies(events, n, covariates={"centre": list("AABBCC")[: len(n)]}), **options)
        several = [mr.leave_one_out(fit), mr.cumulative(fit), mr.cumulative(fit, by="rate")]
        if len(n) > 2:
            several.append(mr.leave_one_out(fit, by="centre"))
    for found in several:
        told = np.array([bool(note) for note in found.note])
        assert (np.isfinite(found.low) | told).all()
        known = np.isfinite(found.low)
        ends = (found.low >= 0) & (found.low <= found.rate) & (found.rate <= found.high) & (found.high <= 1)
        assert ends[known].all()
        assert "nan" not in str(found)
        assert type(found).from_dict(found.to_dict()) == found


def test_what_cannot_be_asked():
    fit = mr.pool(data())
    for function in (mr.leave_one_out, mr.cumulative, mr.influence):
        with pytest.raises(InvalidArgument, match=r"result of mr\.pool"):
            function(data())
        with pytest.raises(UnknownName, match="'yeer' is no column"):
            function(fit, by="yeer")
        with pytest.raises(InvalidArgument, match="by"):
            function(fit, by=3)
    with pytest.raises(InvalidArgument, match="descending"):
        mr.cumulative(fit, descending=True)
    with pytest.raises(InvalidArgument, match="descending"):
        mr.cumulative(fit, by="n", descending=2)
    with pytest.raises(InvalidArgument, match="prediction"):
        mr.leave_one_out(fit, prediction="hts")
    with pytest.raises(CannotEstimate, match="one study"):
        mr.leave_one_out(mr.pool(events=[3], n=[9]))
    assert mr.cumulative(mr.pool(events=[3], n=[9])).k.tolist() == [1]
    with pytest.raises(CannotEstimate, match="same centre"):
        mr.leave_one_out(mr.pool(mr.Studies([1, 2], [9, 9], covariates={"centre": ["A", "A"]})), by="centre")
    assert "not given" in mr.leave_one_out(fit, by="centre").study
