"""Corrections of the likelihood interval: Bartlett's factor, and the value exact for equal studies."""

import numpy as np
import pytest
from scipy import special, stats

import metaresp as mr
from metaresp.kernel.counts import binomial_normal, resampling
from metaresp.kernel.counts.calibrations import bartlett_factor
from metaresp.kernel.counts.surface import CountSurface

MONTE_CARLO = 0.05  # of k (factor - 1), from 400,000 sets
LARGE = 1e-3  # studies of 1e8 patients are nearly normal effects


def lawley(w):
    s1, s2, s3 = (np.sum(w**power) for power in (1, 2, 3))
    return 1 + 2 * s3 / (s1 * s2) - s2 / (2 * s1 * s1)


@pytest.mark.parametrize("k", [2, 3, 4, 5, 6, 10, 50, 200])
def test_factor_of_equal_studies(k):
    """The mean of ``k log(1 + t**2 / (k - 1))``, Student's t on k - 1 degrees of freedom."""
    w = np.full((1, k), 0.37)
    t = np.tan(np.linspace(-0.5, 0.5, 2_000_001)[1:-1] * np.pi)
    density = stats.t.pdf(t, k - 1) * (1 + t * t)
    exact = np.sum(density * k * np.log1p(t * t / (k - 1))) / np.sum(density)
    assert bartlett_factor(w, np.ones_like(w))[0] == pytest.approx(exact, rel=2e-5)
    assert exact == pytest.approx(k * (special.digamma(k / 2) - special.digamma((k - 1) / 2)), rel=2e-5)


def test_factor_is_lawley_s_expansion_for_many_studies():
    for k in (20, 100, 1000):
        w = np.random.default_rng(k).uniform(0.05, 1, k)
        assert abs(bartlett_factor(w[None], np.ones((1, k)))[0] - lawley(w)) < 2.5 / k**2


def test_factor_of_one_study_that_outweighs_the_rest():
    for k in (2, 3, 8):
        w = np.r_[1e12, np.ones(k - 1)]
        assert bartlett_factor(w[None], np.ones((1, k)))[0] == pytest.approx(2.5)


def test_factor_lies_between_those_of_equal_studies_and_of_one():
    rng = np.random.default_rng(7)
    for k in (2, 3, 5, 20):
        w = np.exp(rng.standard_normal((4000, k)) * rng.choice([0.3, 1.0, 4.0], (4000, 1)))
        factor = bartlett_factor(w, np.ones_like(w))
        ends = np.sort([2.5, bartlett_factor(np.ones((1, k)), np.ones((1, k)))[0]])
        assert ((factor >= ends[0] - 1e-12) & (factor <= ends[1] + 1e-12)).all()


def test_factor_counts_copies():
    w, copies = np.array([[1.0, 2.0, 5.0]]), np.array([[2.0, 0.0, 3.0]])
    repeated = np.repeat(w[0], [2, 0, 3])[None]
    assert bartlett_factor(w, copies)[0] == pytest.approx(bartlett_factor(repeated, np.ones((1, 5)))[0])


@pytest.mark.slow
def test_factor_is_the_mean_in_the_normal_model():
    rng = np.random.default_rng(4)
    v, k, sets = np.r_[np.zeros(20), np.full(60, 0.8)], 80, 40_000
    w = 1 / (v + 1)
    grid = np.exp(np.linspace(np.log(0.05), np.log(6), 150))
    means = []
    for _ in range(10):
        y = rng.standard_normal((sets, k)) * np.sqrt(v + 1)
        top, at_truth = np.full(sets, -np.inf), np.full(sets, -np.inf)
        for tau2 in grid:
            u = 1 / (v + tau2)
            mean, squares, size = y @ u / u.sum(), (y * y) @ u, 0.5 * np.log(u).sum()
            top = np.maximum(top, size - 0.5 * (squares - mean**2 * u.sum()))
            at_truth = np.maximum(at_truth, size - 0.5 * squares)
        control = (y @ w) ** 2 / w.sum()  # chi-square on 1 df, mean 1
        means.append(np.mean(2 * (top - at_truth) - control))
    factor = bartlett_factor(w[None], np.ones((1, k)))[0]
    assert k * np.mean(means) == pytest.approx(k * (factor - 1), abs=4 * MONTE_CARLO)


@pytest.mark.parametrize("k", [3, 6, 12])
def test_profile_f_is_student_t_for_equal_normal_effects(k):
    y = np.random.default_rng(k).standard_normal(k)
    n = np.full(k, 10**8)
    batch = mr.pool_batch(np.rint(n * special.expit(y)).astype(int), n, ci="profile-f", prediction=None)
    half = stats.t.ppf(0.975, k - 1) * y.std(ddof=1) / np.sqrt(k)
    limits = [batch.estimate_low, batch.estimate_high]
    np.testing.assert_allclose(limits, [y.mean() - half, y.mean() + half], atol=LARGE)


def test_order_of_widths():
    x, n = np.array([13, 4, 9, 2]), np.array([18, 7, 15, 11])
    widths = [
        float(np.ptp([b.low, b.high]))
        for b in (mr.pool_batch(x, n, ci=ci, prediction=None) for ci in ("profile", "bartlett", "profile-t"))
    ]
    assert widths == sorted(widths)


def test_bootstrap_falls_by_hand(monkeypatch):
    monkeypatch.setattr(resampling, "RESAMPLES", 12)
    x, n = np.array([[2.0, 0.0, 7.0]]), np.array([[9.0, 8.0, 12.0]])
    copies = np.array([[1.0, 2.0, 1.0]])
    fit = binomial_normal.fit(CountSurface(x, n, copies))
    found = resampling.normal_falls(CountSurface(x, n, copies), fit, np.random.default_rng(3))[0]
    child, size = np.random.default_rng(3).spawn(1)[0], np.array([9, 8, 8, 12])
    mu, tau = fit.mu[0], fit.tau[0]
    drawn = child.binomial(size, special.expit(mu + tau * child.standard_normal((12, 4))))
    expected = []
    for counts in drawn.astype(float):
        grid = np.r_[0, np.geomspace(1e-3, 25, 3000)]
        xs, ns = (np.broadcast_to(a, (grid.size, 4)) for a in (counts, size.astype(float)))
        inside = CountSurface(xs, ns, np.ones(xs.shape)).at(np.full(grid.size, mu), grid)
        top = 0.0
        if 0 < counts.sum() < size.sum():
            best = binomial_normal.fit(CountSurface(xs[:1], ns[:1], np.ones((1, 4))))
            top = (best.loglik - best.loglik_saturated)[0]
        expected.append(2 * (top - inside.value.max()))
    np.testing.assert_allclose(found, np.sort(expected), atol=1e-4)  # the grid of tau


def test_bootstrap_is_the_same_every_time_and_its_pvalue_agrees():
    data = {"events": [13, 4, 9, 2], "n": [18, 7, 15, 11], "ci": "bootstrap", "prediction": None}
    fit = mr.pool(**data, seed=5)
    assert fit.rate_ci == mr.pool(**data, seed=5).rate_ci
    assert fit.rate_ci != mr.pool(**data, seed=6).rate_ci
    inner, outer = (fit.rate_ci.low + step for step in (0.01, -0.01))
    assert fit.test(inner).pvalue > 0.05 >= fit.test(outer).pvalue


@pytest.mark.parametrize("ci", ["profile", "profile-t", "profile-f", "bartlett"])
def test_pvalue_at_the_limits(ci):
    fit = mr.pool(events=[13, 4, 9, 2], n=[18, 7, 15, 11], ci=ci, prediction=None)
    assert [fit.test(limit).pvalue for limit in fit.rate_ci] == pytest.approx([0.05, 0.05], abs=1e-7)
