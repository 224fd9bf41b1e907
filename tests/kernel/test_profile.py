"""The climb, the search of limits and the ridge: a surface with a closed form, and limits put back."""

import numpy as np
import pytest

from metaresp.kernel.counts import binomial_normal
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.mean_rate import MeanSurface, mean_limits
from metaresp.kernel.counts.profile_limits import mu_limits, over_tau
from metaresp.kernel.counts.surface import CountSurface, Penalty
from metaresp.kernel.numerics import profile
from metaresp.kernel.numerics.profile import Search, limits, normal_guess
from metaresp.kernel.numerics.ridge import Beside, Profile, fall, ridge
from metaresp.kernel.numerics.surface import Bounds, Local, Top, climb, highest
from tests.kernel.test_binomial_normal import random_lanes

FALLS = (0.454936, 3.841459, 50.844176)  # chi-square quantiles of levels 0.5, 0.95 and 1 - 1e-12
PUT_BACK = 1e-9  # of the log-likelihood, relative; a limit is searched until it is within 1e-11


class Normal:
    """Normal effects with one sampling variance: the log-likelihood by mean and standard deviation."""

    def __init__(self, y, v):
        self.y, self.v, self.k = y, v, y.shape[1]
        self.mean = y.mean(axis=1)
        self.square = ((y - self.mean[:, None]) ** 2).mean(axis=1)

    def __call__(self, rows, a, b):
        k, total = self.k, self.v[rows] + b * b
        d = a - self.mean[rows]
        s = self.square[rows] + d * d
        by_total = 0.5 * k * (s / total - 1) / total
        twice = 0.5 * k * (1 - 2 * s / total) / total**2
        return Local(
            -0.5 * k * (np.log(total) + s / total),
            -k * d / total,
            2 * b * by_total,
            -k / total,
            2 * b * k * d / total**2,
            2 * by_total + 4 * b * b * twice,
        )


def normal_lanes(spread, lanes=40, k=5):
    rng = np.random.default_rng(4)
    y = spread * rng.standard_normal((lanes, k)) + rng.normal(size=(lanes, 1))
    return Normal(y, np.full(lanes, 0.04))


@pytest.mark.parametrize("start", [0.01, 0.7, 9.0])
def test_the_climb_finds_the_closed_form(start):
    surface = normal_lanes(0.7)
    rows, none = np.arange(40), np.zeros(40)
    found = climb(surface, rows, none + 2.0, none + start, Bounds(none, none + 30, 0.5))
    tau = np.sqrt(np.maximum(surface.square - surface.v, 0))
    assert found.converged.all()
    np.testing.assert_allclose(found.a, surface.mean, atol=1e-9)
    np.testing.assert_allclose(found.b, tau, atol=1e-8)


def test_a_climb_leaves_the_saddle_at_no_spread():
    """A step ended at tau = 0 where the likelihood rises to a hill at 3.5e-4 (registers of 1e8)."""
    surface = normal_lanes(0.7)
    rows, none = np.arange(40), np.zeros(40)
    found = climb(surface, rows, surface.mean, none, Bounds(none, none + 30, 0.5))
    np.testing.assert_allclose(found.b, np.sqrt(np.maximum(surface.square - surface.v, 0)), atol=1e-8)
    x = np.array([[65812407.0, 150, 164926306, 149, 3, 10, 8837, 13]])
    n = np.array([[65974154.0, 150, 165329627, 150, 3, 10, 8859, 13]])
    fit = binomial_normal.fit(CountSurface(x, n, np.ones_like(x), "probit", Penalty("half-normal", 1.0)))
    assert fit.tau[0] == pytest.approx(0.000347877, rel=1e-4)


def test_the_highest_keeps_what_no_climb_betters():
    surface = normal_lanes(0.7)
    rows, none = np.arange(40), np.zeros(40)
    at = surface(rows, surface.mean, none)
    bounds = Bounds(none, none + 30, 0.5)
    found, hills = highest(surface, Top(surface.mean, none, at, none == 0), [(rows, none, none + 1)], bounds)
    kept = surface.square <= surface.v
    assert (found.b[kept] == 0).all()
    np.testing.assert_array_equal(hills.value.max(axis=-1), found.local.value)
    np.testing.assert_array_equal(hills.b[:, 0], 0)
    assert (found.local.value >= at.value).all()
    assert (none == 0).all()  # what was known is not written to


@pytest.mark.parametrize(("unit", "twice"), [(None, 0.5), (None, 3.84), (0.5, 0.5), (0.5, 3.84), (0.5, 50.0)])
def test_limits_are_the_closed_form_and_need_no_bracket(monkeypatch, unit, twice):
    surface = normal_lanes(2.0)
    rows, none = np.arange(40), np.zeros(40)
    tau = np.sqrt(surface.square - surface.v)
    se, down = np.sqrt(surface.square / 5), none + twice
    top = surface(rows, surface.mean, tau).value
    grid = np.broadcast_to(np.r_[0.0, np.geomspace(0.1, 1e4, 12)], (40, 13))
    over_b = Profile(surface, Bounds(none, none + 1e5, unit), grid)
    guess = normal_guess(se, tau, down, none + 5, 1e9)
    search = Search(over_b, surface.mean, top, top - down / 2, se, Bounds(none - 1e9, none + 1e9), *guess)
    monkeypatch.setattr(profile, "_bracket", None)
    low, high = limits(search, rows)
    away = se * np.sqrt(5 * np.expm1(twice / 5))
    np.testing.assert_allclose(high - surface.mean, away, rtol=1e-9)
    np.testing.assert_allclose(surface.mean - low, away, rtol=1e-9)
    beside = Beside(none[:, None], np.full((40, 1), -np.inf))
    np.testing.assert_allclose(fall(over_b, rows, high, surface.mean, top, beside), twice, rtol=1e-9)


def test_limits_where_the_search_does_not_settle_are_bracketed(monkeypatch):
    x, n = random_lanes(3, 12, 4)
    data = CountSurface(x, n, np.ones_like(x))
    fit, down = binomial_normal.fit(data), np.full(len(x), 3.841459)
    expected = mu_limits(data, fit, down)
    monkeypatch.setattr(profile, "_JOINT_STEPS", 1)
    for found, end in zip(mu_limits(data, fit, down), expected, strict=True):
        np.testing.assert_allclose(found, end, rtol=1e-7, atol=1e-7)


PENALTIES = [None, Penalty("half-normal", 0.7), Penalty("half-cauchy", 1.0), Penalty("log-f", 2.0)]
KINDS = [(link, None) for link in LINKS] + [("logit", p) for p in PENALTIES[1:]] + [("probit", PENALTIES[1])]


@pytest.mark.parametrize(("link", "penalty"), KINDS, ids=str)
def test_the_profile_at_a_limit_is_its_target(link, penalty):
    for k in (2, 7):
        x, n = random_lanes(50 + k, 12 if link == "logit" else 3, k)
        n[0], x[0] = n[0] * 1e6, x[0] * 1e6  # the size of a register beside small trials
        data = CountSurface(x, n, np.ones_like(x), link, penalty)
        fit, rows = binomial_normal.fit(data), np.arange(len(x))
        for twice in FALLS:
            target = fit.top - twice / 2
            for end in mu_limits(data, fit, np.full(len(x), twice)):
                height = ridge(over_tau(data), rows, end)[0]
                np.testing.assert_allclose(height, target, rtol=PUT_BACK, atol=PUT_BACK)


@pytest.mark.parametrize("link", LINKS)
def test_the_profile_of_the_mean_rate_at_a_limit_is_its_target(link):
    x, n = random_lanes(8, 6 if link == "logit" else 2, 4)
    data = CountSurface(x, n, np.ones_like(x), link)
    fit, rows, over = binomial_normal.fit(data), np.arange(len(x)), MeanSurface(data).over_tau()
    for end in mean_limits(data, fit, np.full(len(x), 3.841459)):
        height = ridge(over, rows, end)[0]
        inside = np.abs(end) < 59
        np.testing.assert_allclose(height[inside], (fit.top - 3.841459 / 2)[inside], atol=1e-8)


@pytest.mark.parametrize("link", LINKS)
def test_the_mean_rate_is_inverted_in_few_steps(link, monkeypatch):
    """A guess on the wrong side of a rate of 1 made the log link crawl, and its limits take seconds."""
    calls = []
    work = MeanSurface.logit
    monkeypatch.setattr(MeanSurface, "logit", lambda self, *at: calls.append(1) or work(self, *at))
    one = np.ones((1, 2))
    surface = MeanSurface(CountSurface(one, 2 * one, one, link))
    psi, tau = (grid.ravel() for grid in np.meshgrid([-20, -3.0, 0.0, 0.9, 4.0, 20], [0.0, 0.02, 0.3, 1.5]))
    _, at = surface.mu(psi, tau)
    np.testing.assert_allclose(at.value, psi, rtol=1e-11, atol=1e-11)
    assert len(calls) <= 30
