"""Trim and fill: R's numbers, a slow twin, and an answer or one clear error for every fit."""

import json
from pathlib import Path

import numpy as np
import pytest

import metaresp as mr
from metaresp.errors import MetaRespError, UnknownName
from tests.analyses.test_small_study import DATA, FITS, NAMES, SIX, answer

# metafor stops iterating tau2 of the filled studies at about this
ITERATED = 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_l0_is_that_of_metafor(name):
    path = Path(__file__).parents[1] / "reference" / "out" / f"{name}.json"
    known = json.loads(path.read_text(encoding="utf-8"))["diagnostics"]["trimfill_L0"]
    fit = mr.pool(mr.datasets.load(name), model="inverse-variance", tau2="REML", ci="normal")
    found = mr.trim_and_fill(fit)
    assert (found.k0, found.side) == (known["k0"], known["side"])
    assert found.adjusted_estimate == pytest.approx(known["estimate"], abs=1e-6)
    assert found.adjusted_estimate_ci == pytest.approx(known["ci"], abs=1e-6)
    assert found.adjusted_tau2 == pytest.approx(known["tau2"], rel=ITERATED, abs=1e-6)
    assert found.rate == pytest.approx(fit.rate, rel=1e-12)
    assert found.rate_ci == pytest.approx(fit.rate_ci, rel=1e-12)
    if not known["k0"]:
        assert found.adjusted_rate == found.rate


def slow(fit, side, runs):
    """Trim by pooling parts of the studies one after the other."""
    x, n = fit.studies.events, fit.studies.n
    c = np.where((x == 0) | (x == n), 0.5, 0.0)
    y = np.log((x + c) / (n - x + c)) * (1 if side == "left" else -1)
    order, k, k0 = np.argsort(y, kind="stable"), fit.k, 0
    options = {"model": "inverse-variance", "tau2": fit.spec.tau2, "ci": fit.spec.ci}
    for _ in range(50):
        keep = order[: k - k0]
        part = mr.pool(events=x[keep], n=n[keep], **options)
        away = y[order] - part.estimate * (1 if side == "left" else -1)
        rank = np.argsort(np.argsort(np.abs(away), kind="stable")) + 1
        new = k - rank[away < 0].max() - 1 if runs else (4 * rank[away > 0].sum() - k * (k + 1)) / (2 * k - 1)
        new = max(0, round(float(new)))
        if new == k0:
            return k0
        k0 = new
    raise AssertionError("went round")


@pytest.mark.parametrize("estimator", ["L0", "R0"])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("tau2", ["DL", "PM", "common"])
def test_one_batch_is_a_loop_of_fits(estimator, side, tau2):
    fit = mr.pool(mr.datasets.load("pritz1997"), model="inverse-variance", tau2=tau2)
    found = mr.trim_and_fill(fit, estimator=estimator, side=side)
    assert found.k0 == slow(fit, side, estimator == "R0")
    assert sum(found.filled) == found.k0
    assert len(found.study) == fit.k + found.k0
    outer = found.effect[fit.k :]
    if found.k0:
        assert (outer < found.estimate).all() == (side == "left")


def test_sides_are_mirrored():
    studies = mr.datasets.load("pritz1997")
    a = mr.trim_and_fill(mr.pool(studies))
    b = mr.trim_and_fill(mr.pool(events=studies.n - studies.events, n=studies.n))
    assert (a.k0, {a.side, b.side}) == (b.k0, {"left", "right"})
    assert a.adjusted_rate == pytest.approx(1 - b.adjusted_rate, rel=1e-9)


@pytest.mark.parametrize("options", FITS, ids=lambda options: "-".join(map(str, options.values())))
@pytest.mark.parametrize("data", DATA)
def test_every_fit_has_an_answer_or_one_clear_error(options, data):
    events, n = DATA[data]
    try:
        fit = mr.pool(events=events, n=n, **options)
    except MetaRespError:
        pytest.skip("no such fit")
    refused = data in {"no events", "nothing but events", "two", "one"}
    with np.errstate(all="raise"):
        found, said = answer(mr.trim_and_fill, fit)
    if found is None:
        assert "trim_and_fill" in said
        assert refused or "0% or 100%" in said
        return
    assert not refused
    low, high = found.adjusted_rate_ci
    assert 0 <= low <= found.adjusted_rate <= high <= 1
    assert type(found).from_dict(json.loads(found.to_json())) == found
    assert "not a corrected answer" in found.notes[-1]


def test_arguments():
    fit = mr.pool(**SIX)
    assert mr.trim_and_fill(fit, tau2="dl").adjusted_tau2 >= 0
    with pytest.raises(UnknownName, match="L0"):
        mr.trim_and_fill(fit, estimator="Q0")
    with pytest.raises(UnknownName, match="side"):
        mr.trim_and_fill(fit, side="up")
    with pytest.raises(UnknownName, match="tau2"):
        mr.trim_and_fill(fit, tau2="XX")
    frame = mr.trim_and_fill(fit).to_frame()
    assert list(frame.columns) == ["study", "n", "effect", "se", "filled"]


@pytest.mark.parametrize("estimator", ["L0", "R0"])
def test_no_order_of_rows_matters_where_effects_are_equal(estimator):
    """10 of 20 and 20 of 40 have one effect: the smaller trial is the outer one."""
    draws = np.random.default_rng(4)
    for _ in range(20):
        n = draws.choice([10, 20, 40], 8)
        events = (n * draws.choice([0.1, 0.2, 0.3, 0.5, 0.5], 8)).astype(np.int64)
        found = []
        for order in (np.arange(8), draws.permutation(8)):
            fit = mr.pool(events=events[order], n=n[order], model="inverse-variance", ci="normal")
            found.append(mr.trim_and_fill(fit, side="right", estimator=estimator))
        assert found[0].k0 == found[1].k0
        assert found[0].adjusted_rate == pytest.approx(found[1].adjusted_rate, rel=1e-9)
