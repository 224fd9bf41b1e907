"""Profile limits of both variances, mixture tests, and weights of studies nested in clusters."""

import itertools
import math

import numpy as np
import pytest
from scipy import optimize, special, stats

from metaresp.kernel.counts import binomial_normal as bn
from metaresp.kernel.counts.profile_limits import tau_limits
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.nested.effects import effects_of
from metaresp.kernel.nested.variance_tests import both_variances, count_angle, effect_angle, one_variance
from tests.kernel import one_lane as tl
from tests.kernel.one_lane import contributions, count_limits, effect_limits, evaluate, height_at
from tests.kernel.test_two_level import dense_parts, nested_counts, nested_effects

FALL = 3.841458820694124
PUT_BACK = 2e-6  # of twice the log-likelihood, where Nelder-Mead stops


def highest(cost, starts):
    """Return the least cost seen from several starts."""
    options = {"xatol": 1e-7, "fatol": 1e-11, "maxiter": 4000}
    return min(optimize.minimize(cost, start, method="Nelder-Mead", options=options).fun for start in starts)


@pytest.mark.parametrize(
    "which", ["total", *(pytest.param(which, marks=pytest.mark.slow) for which in ("between", "within"))]
)
def test_count_limits_put_back(which):
    x, n, cluster = nested_counts(3, k=8, clusters=4, between=1.3, within=1.0)
    fit = tl.fit_nested_binomial(x, n, cluster)
    data, _ = tl.arrange(x, n, cluster)
    top = tl.top_of(fit)
    low, high = count_limits(x, n, cluster, top, FALL, which)

    def cost(value):
        def given(at):
            mu, other = at
            places = {
                "between": (value, abs(other)),
                "within": (abs(other), value),
                "total": (value * abs(math.cos(other)), value * abs(math.sin(other))),
            }
            return -evaluate(data, np.array([mu, *places[which]]), nats=24.0).value

        return highest(given, [(fit.mu, 0.1), (fit.mu - 0.3, 1.3), (fit.mu, 0.7)])

    size = {"between": fit.tau_between, "within": fit.tau_within}
    assert low <= size.get(which, math.hypot(fit.tau_between, fit.tau_within)) < high
    for limit in (low, high):
        if 0 < limit < math.inf:
            assert 2 * (top.value + cost(limit)) == pytest.approx(FALL, abs=PUT_BACK)
    if low == 0:
        assert 2 * (top.value + cost(0.0)) < FALL


def test_total_of_one_study_each_is_the_ordinary_interval():
    x, n, _ = nested_counts(7)
    cluster, one = np.arange(x.size), np.ones((1, x.size))
    fit = tl.fit_nested_binomial(x, n, cluster)
    flat = bn.fit(CountSurface(x[None], n[None], one))
    expected = tau_limits(CountSurface(x[None], n[None], one), flat, np.array([FALL]))
    found = count_limits(x, n, cluster, tl.top_of(fit), FALL, "between")
    assert found == pytest.approx((expected.low[0], expected.high[0]), abs=1e-6)


@pytest.mark.parametrize("which", ["between", "within", "total"])
@pytest.mark.parametrize("seed", [2, 5])
def test_effect_limits_put_back(which, seed):
    y, v, cluster = nested_effects(seed, k=14, clusters=5)
    fit = tl.fit_nested_gaussian(y, v, cluster)
    low, high = effect_limits(y, v, cluster, FALL, which)

    def height(value):
        def cost(other):
            pairs = {
                "between": (math.exp(other), value**2),
                "within": (value**2, math.exp(other)),
                "total": (value**2 * special.expit(other), value**2 * special.expit(-other)),
            }
            a, b = (np.array([part]) for part in pairs[which])
            return -tl.restricted(y, v, cluster, a, b).value[0]

        grid = np.linspace(-20, 9, 60)
        best = grid[np.argmin([cost(u) for u in grid])]
        inner = optimize.minimize_scalar(
            cost, bounds=(best - 1, best + 1), method="bounded", options={"xatol": 1e-9}
        )
        return -inner.fun

    for limit in (low, high):
        if 0 < limit < math.inf:
            assert 2 * (fit.loglik - height(limit)) == pytest.approx(FALL, abs=1e-5)
    if low == 0:
        assert 2 * (fit.loglik - height(1e-6)) < FALL + 1e-6


def test_height_at_a_limit_of_mu_is_the_target():
    x, n, cluster = nested_counts(1, k=8, clusters=3)
    fit = tl.fit_nested_binomial(x, n, cluster, fall=FALL)
    data, free = tl.arrange(x, n, cluster)
    top = tl.top_of(fit)
    assert tl.mu_interval(x, n, cluster, top, FALL) == (fit.low, fit.high)
    for end in (fit.low, fit.high):
        assert 2 * (top.value - height_at(data, end, top, free)) == pytest.approx(FALL, abs=1e-7)
        assert tl.fall_at(x, n, cluster, top, end) == pytest.approx(FALL, abs=1e-7)
    assert tl.fall_at(x, n, cluster, top, fit.mu) == pytest.approx(0, abs=1e-9)


# ---- tests


def test_reference_of_both_variances_is_that_of_a_cone():
    """Project standard normal draws on the cone between two directions: its squared length is the test."""
    draws = np.random.default_rng(5).normal(size=(400_000, 2))
    for angle in (0.4, 1.2, math.pi / 2):
        edge = np.array([math.cos(angle), math.sin(angle)])
        inside = (draws[:, 1] >= 0) & (draws @ [math.sin(angle), -math.cos(angle)] >= 0)
        on_edges = np.maximum(np.maximum(draws[:, 0], draws @ edge), 0) ** 2
        length = np.where(inside, (draws**2).sum(axis=1), on_edges)
        for quantile in (0.5, 2.7, 6.0):
            expected = (length > quantile).mean()
            assert both_variances(quantile, angle) == pytest.approx(expected, abs=5 * 0.5 / 400_000**0.5)


def test_reference_at_its_ends():
    assert (one_variance(np.array(0.0)), both_variances(np.array(0.0), np.array(1.0))) == (1.0, 1.0)
    assert one_variance(2.705543454095404) == pytest.approx(0.05)
    assert both_variances(2.705543454095404, 0.0) == pytest.approx(0.05)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_angle_of_counts_by_enumeration(rate):
    """Covariances of the exact scores over every outcome, mu profiled out."""
    n, cluster = np.array([2, 3, 1, 4]), np.array([0, 0, 1, 1])
    moments, total = np.zeros((3, 3)), 0.0
    for x in itertools.product(*(range(size + 1) for size in n)):
        p = np.prod(stats.binom.pmf(x, n, rate))
        e = np.array(x) - n * rate
        v = n * rate * (1 - rate)
        by = np.bincount(cluster, e) ** 2 - np.bincount(cluster, v)
        score = np.array([e.sum(), 0.5 * (e**2 - v).sum(), 0.5 * by.sum()])
        moments += p * np.outer(score, score)
        total += p
    assert total == pytest.approx(1)
    left = moments[1:, 1:] - np.outer(moments[0, 1:], moments[0, 1:]) / moments[0, 0]
    cosine = left[0, 1] / math.sqrt(left[0, 0] * left[1, 1])
    found = count_angle(tl.arrange(n, n, cluster)[0]).item()
    assert math.cos(found) == pytest.approx(cosine, rel=1e-10)
    assert left[0, 0] == pytest.approx((rate * (1 - rate)) ** 2 / 2 * (n * (n - 1)).sum(), rel=1e-10)


def test_angle_of_effects_by_dense_matrices():
    y, v, cluster = nested_effects(8, k=12, clusters=4)
    _, _, _, p, same = dense_parts(y, v, cluster, 0.0, 0.0)
    ww, bb = np.trace(p @ p), np.trace(p @ same @ p @ same)
    cosine = np.trace(p @ p @ same) / math.sqrt(ww * bb)
    assert math.cos(effect_angle(effects_of(y, v, cluster)).item()) == pytest.approx(cosine, rel=1e-10)


# ---- weights


@pytest.mark.parametrize("at", [(-0.5, 0.8, 0.4), (-0.5, 0.8, 0.0), (-0.5, 0.0, 0.4), (-0.5, 0.0, 0.0)])
def test_contributions_sum_to_the_information(at):
    x, n, cluster = nested_counts(2, k=9, clusters=4)
    data, _ = tl.arrange(x, n, cluster)
    found = contributions(data, np.array(at))
    assert (found > 0).all()
    assert found.sum() == pytest.approx(-evaluate(data, np.array(at)).hessian[0, 0], rel=1e-9)
    if at[1] == 0:
        alone = CountSurface(data.x, data.n, data.copies)
        own = alone.information(np.array([at[0]]), np.array([at[2]]))[0]
        assert found == pytest.approx(own, rel=1e-9)


def test_weights_of_effects_are_those_of_dense_matrices():
    y, v, cluster = nested_effects(9, k=10, clusters=4)
    _, inverse, _, _, _ = dense_parts(y, v, cluster, 0.2, 0.5)
    assert tl.nested_weights(v, cluster, 0.2, 0.5) == pytest.approx(inverse @ np.ones(10), rel=1e-10)
