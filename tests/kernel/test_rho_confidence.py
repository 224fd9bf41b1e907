"""The confidence distribution of rho and what is read off it: slow twin, definitions, finite everywhere."""

import warnings

import numpy as np
import pytest
from scipy import optimize, special, stats

from metaresp.kernel.counts import beta_binomial as bb
from metaresp.kernel.counts import rho_confidence
from metaresp.kernel.counts.beta_intervals import BetaLanes
from metaresp.kernel.counts.calibrations import CALIBRATIONS
from metaresp.kernel.counts.rho_confidence import rho_confidence_limits, rho_parts
from metaresp.kernel.trial import beta_law
from metaresp.kernel.trial.beta_mixture import mixture, predict_likelihood
from tests.datasets import counts
from tests.kernel.test_beta_binomial import random_lanes

TAIL = 0.025
TWIN = 1e-5  # the twin's derivatives are differences
SEEN = 2e-5  # of a rate: what no table shows
ONE = np.ones_like


@pytest.fixture(autouse=True)
def _no_floating_point_noise():
    with np.errstate(all="raise", under="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def lanes_of(x, n, copies=None):
    copies = ONE(x) if copies is None else copies
    fitted = bb.fit(x, n, copies)
    return BetaLanes(bb.counts(x, n, copies), fitted, copies.sum(axis=-1))


def some_lanes(seed, lanes, k, largest=3.0):
    x, n = random_lanes(seed, lanes, k, largest)
    inner = (x.sum(-1) > 0) & (x.sum(-1) < n.sum(-1))
    return x[inner], n[inner]


def twin_confidence(x, n, rho):
    """C(rho) by searches of scipy on scipy's own beta-binomial."""

    def adjusted(at):
        m = (1 - at) / at

        def cost(mu):
            return -stats.betabinom.logpmf(x, n, m * special.expit(mu), m * special.expit(-mu)).sum()

        best = optimize.minimize_scalar(cost, bounds=(-8, 8), method="bounded", options={"xatol": 1e-10})
        h = 1e-3
        j = (cost(best.x + h) - 2 * best.fun + cost(best.x - h)) / h**2
        return -best.fun - 0.5 * np.log(j)

    top = optimize.minimize_scalar(
        lambda v: -adjusted(special.expit(v)), bounds=(-12, 4), method="bounded", options={"xatol": 1e-10}
    )
    df, fall = x.size - 1, 2 * (-top.fun - adjusted(rho))
    inside = (1e-12, 1.0) if rho > special.expit(top.x) else (1.0, 400.0)
    u = optimize.brentq(lambda v: df * (v - 1 - np.log(v)) - fall, *inside)
    return stats.chi2.sf(df * u, df)


@pytest.mark.parametrize("name", ["pritz1997", "ursino2021"])
def test_limits_put_into_a_slow_twin(name):
    x, n = (a[None].astype(float) for a in counts(name))
    lanes = lanes_of(x, n)
    low, high = rho_confidence_limits(lanes.data, lanes.fit, lanes.k, TAIL)
    with np.errstate(all="ignore"):
        assert twin_confidence(x[0], n[0], low[0]) == pytest.approx(TAIL, abs=TWIN)
        assert twin_confidence(x[0], n[0], high[0]) == pytest.approx(1 - TAIL, abs=TWIN)


def test_parts_are_the_distribution_of_the_limits():
    x, n = some_lanes(3, 80, 5)
    lanes = lanes_of(x, n)
    parts = rho_parts(lanes.data, lanes.fit, lanes.k)
    np.testing.assert_allclose(parts.weight.sum(axis=-1), 1, rtol=1e-12)
    assert (np.diff(parts.rho, axis=-1) >= 0).all()
    for tail in (0.1, 0.3):
        low, high = rho_confidence_limits(lanes.data, lanes.fit, lanes.k, tail)
        slack = parts.weight[:, 1:-1].max(axis=-1) + 1e-6
        for end, p in ((low, tail), (high, 1 - tail)):
            below = np.where(parts.rho < end[:, None], parts.weight, 0).sum(axis=-1)
            upto = np.where(parts.rho <= end[:, None] * (1 + 1e-9), parts.weight, 0).sum(axis=-1)
            hull = np.isclose(end, lanes.fit.rho)
            assert ((below <= p + slack) & (upto >= p - slack) | hull).all()


def test_limits_hold_the_estimate_and_nest():
    x, n = some_lanes(4, 200, 3)
    lanes = lanes_of(x, n)
    before = (lanes.fit.rho, lanes.fit.rho)
    for tail in (0.4, 0.1, 0.025, 1e-4, 1e-9):
        low, high = rho_confidence_limits(lanes.data, lanes.fit, lanes.k, tail)
        assert ((low >= 0) & (low <= before[0]) & (before[1] <= high) & (high <= 1)).all()
        before = low, high


def test_mirror():
    x, n = some_lanes(6, 100, 4)
    for one, other in zip(
        rho_confidence_limits(*lanes_of(x, n)[:3], TAIL),
        rho_confidence_limits(*lanes_of(n - x, n)[:3], TAIL),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-5)
    new, mirrored = (predict_likelihood(lanes_of(a, n), TAIL) for a in (x, n - x))
    np.testing.assert_allclose(special.expit(new.low), special.expit(-mirrored.high), atol=SEEN)


def test_batch_equals_loop_and_copies_equal_repeat():
    x, n = some_lanes(8, 30, 5)
    copies = np.random.default_rng(2).integers(0, 3, x.shape).astype(float)
    usable = ((copies * x).sum(1) > 0) & ((copies * x).sum(1) < (copies * n).sum(1)) & (copies.sum(1) > 1)
    x, n, copies = x[usable], n[usable], copies[usable]
    batch = lanes_of(x, n, copies)
    new, rho = predict_likelihood(batch, TAIL), rho_confidence_limits(*batch[:3], TAIL)
    for i in range(len(x)):
        alone = lanes_of(*(np.repeat(a[i], copies[i].astype(int))[None] for a in (x, n)))
        one, ends = predict_likelihood(alone, TAIL), rho_confidence_limits(*alone[:3], TAIL)
        for many, single in zip((new.low, new.high, *rho), (one.low, one.high, *ends), strict=True):
            assert special.expit(many[i]) == pytest.approx(special.expit(single[0]), abs=1e-6)


def test_more_points_change_nothing(monkeypatch):
    x, n = some_lanes(9, 40, 4, largest=2.5)
    lanes = lanes_of(x, n)
    few = predict_likelihood(lanes, TAIL)
    monkeypatch.setattr(rho_confidence, "POINTS", 150)
    monkeypatch.setattr(rho_confidence, "_FALL", 48.0)
    monkeypatch.setattr(rho_confidence, "_ENOUGH", 60.0)
    monkeypatch.setattr(beta_law, "_SUM", beta_law.Rule(120, 60.0, 1e-9))
    many = predict_likelihood(lanes, TAIL)
    for one, other in ((few.low, many.low), (few.high, many.high)):
        np.testing.assert_allclose(special.expit(one), special.expit(other), atol=SEEN)


@pytest.mark.parametrize(
    ("x", "n"),
    [
        ([0, 0, 1], [10**9, 10**9, 10**9]),
        ([0, 5, 0], [9, 5, 4]),
        ([0, 10**9], [10**9, 10**9]),
        ([1, 0, 1], [1, 1, 1]),
        ([3 * 10**8, 1], [10**9, 2]),
        ([0, 7], [7, 7]),
    ],
)
def test_finite_at_the_edges(x, n):
    lanes = lanes_of(*(np.array([a], dtype=float) for a in (x, n)))
    law = mixture(lanes)
    assert law.weight.sum() == pytest.approx(1)
    low, high = predict_likelihood(lanes, TAIL)[:2]
    assert low[0] <= lanes.fit.mu[0] <= high[0]
    ends = np.array(rho_confidence_limits(*lanes[:3], TAIL))
    assert ((ends >= 0) & (ends <= 1)).all()


@pytest.mark.parametrize("name", list(CALIBRATIONS))
def test_one_table_of_calibrations(name):
    """The p-value of the fall that is held against a tail is twice the tail, in this model too."""
    lanes = lanes_of(*(np.array([a], dtype=float) for a in ([3, 1, 8, 2], [20, 9, 21, 30])))
    fall = CALIBRATIONS[name].critical(lanes, TAIL)
    slack = 5e-3 if name == "bootstrap" else 1e-12  # drawn falls are few, and some are equal
    assert CALIBRATIONS[name].pvalue(lanes, fall[:, None])[0, 0] == pytest.approx(2 * TAIL, abs=slack)


def test_drawn_falls_of_many_studies_are_chi_square():
    rng = np.random.default_rng(1)
    n = rng.integers(20, 60, (1, 60)).astype(float)
    x = rng.binomial(n.astype(int), rng.beta(3, 7, n.shape)).astype(float)
    drawn = lanes_of(x, n).drawn()[0]
    assert stats.kstest(drawn, stats.chi2(1).cdf).pvalue > 1e-3
