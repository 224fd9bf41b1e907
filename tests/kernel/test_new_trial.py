"""The prediction interval of mu and tau unknown: exact case, slow twin, definitions."""

import numpy as np
import pytest
from scipy import optimize, special, stats

import metaresp as mr
from metaresp.kernel.counts import binomial_normal, confidence, new_trial
from metaresp.kernel.counts.new_trial import cdf, tau_mixture
from metaresp.kernel.counts.surface import CountSurface
from tests.datasets import NAMES, counts
from tests.kernel.test_binomial_normal import random_lanes

TAIL = 0.025
TWIN = 8e-5  # the twin's step in tau
INTERPOLATED = 1e-6  # the curves are known to 1e-7
LARGE = 2e-5  # studies of 1e10 patients are nearly normal effects


def predicted(x, n, copies=None):
    copies = np.ones_like(x) if copies is None else copies
    fit = binomial_normal.fit(CountSurface(x, n, copies))
    return tau_mixture(CountSurface(x, n, copies), fit, copies.sum(axis=-1), TAIL)


@pytest.mark.parametrize("k", [5, 8, 12, 30])
def test_student_t_for_equal_normal_effects(k):
    rng = np.random.default_rng(k)
    y = rng.standard_normal(k)
    n = np.full((1, k), 1e10)
    _, low, high = predicted(np.rint(n * special.expit(y)), n)
    half = stats.t.ppf(1 - TAIL, k - 1) * y.std(ddof=1) * np.sqrt(1 + 1 / k)
    np.testing.assert_allclose([low[0], high[0]], [y.mean() - half, y.mean() + half], atol=LARGE)


def twin(x, n):
    """The definition on a fine grid of tau, with Lambert's function and the trapezoidal rule."""
    k = len(x)
    tau = np.concatenate([[0.0], np.geomspace(1e-3, 25, 2000)])
    xs, ns = (np.repeat(a[None], tau.size, axis=0) for a in (x, n))
    mu = np.full(tau.size, special.logit(x.sum() / n.sum()))
    for _ in range(25):
        s = CountSurface(xs, ns, np.ones_like(xs)).at(mu, tau)
        mu = mu - np.clip(s.d_a / s.d_a_a, -1, 1)
    j = -s.d_a_a
    adjusted = s.value - np.log(j) / 2
    fall = 2 * (adjusted.max() - adjusted) / (k - 1)
    branch = np.where(np.arange(tau.size) < adjusted.argmax(), -1, 0)
    argument = np.maximum(-np.exp(-1 - fall), -np.exp(-1) * (1 - 1e-15))
    u = np.array([-special.lambertw(a, b).real for a, b in zip(argument, branch, strict=True)])
    c = stats.chi2.sf((k - 1) * u, k - 1)
    weight = np.diff(c)

    def excess(theta, p):
        f = stats.norm.cdf((theta - mu) / np.sqrt(tau**2 + 1 / j))
        return c[0] * f[0] + (weight * (f[1:] + f[:-1]) / 2).sum() + (1 - c[-1]) * f[-1] - p

    return [optimize.brentq(excess, -150, 150, args=(p,), xtol=1e-10) for p in (TAIL, 1 - TAIL)]


@pytest.mark.parametrize("name", ["pritz1997", "baeten2013", "debruin2009"])
def test_slow_twin(name):
    x, n = (a.astype(float) for a in counts(name))
    _, low, high = predicted(x[None], n[None])
    np.testing.assert_allclose([low[0], high[0]], twin(x, n), atol=TWIN)


def test_slow_twin_on_random_sets():
    x, n = random_lanes(31, 3, 5)
    _, low, high = predicted(x, n)
    for i in range(len(x)):
        np.testing.assert_allclose([low[i], high[i]], twin(x[i], n[i]), atol=20 * TWIN)


@pytest.mark.parametrize("k", [2, 3, 7])
def test_limits_put_back(k):
    x, n = random_lanes(50 + k, 40, k)
    mixture, low, high = predicted(x, n)
    np.testing.assert_allclose(mixture.weight.sum(axis=-1), 1, rtol=1e-12)
    np.testing.assert_allclose(cdf(mixture, low), TAIL, atol=1e-10)
    np.testing.assert_allclose(cdf(mixture, high), 1 - TAIL, atol=1e-10)


def test_more_points_change_nothing(monkeypatch):
    for name in NAMES:
        x, n = (a[None].astype(float) for a in counts(name))
        if x.shape[1] < 2 or not 0 < x.sum() < n.sum():
            continue
        few = predicted(x, n)[1:]
        with monkeypatch.context() as patch:
            patch.setattr(confidence, "_LEVELS", (8, 16, 32, 64, 128))
            patch.setattr(confidence, "_TAIL", 1e-10)
            patch.setattr(new_trial, "_NATS", 32.0)
            patch.setattr(new_trial, "_FALL", 55.0)
            many = predicted(x, n)[1:]
        np.testing.assert_allclose(few, many, atol=INTERPOLATED)


def test_batch_equals_loop_and_copies_equal_repeat():
    x, n = random_lanes(8, 30, 5)
    copies = np.random.default_rng(2).integers(0, 3, x.shape).astype(float)
    usable = ((copies * x).sum(1) > 0) & ((copies * x).sum(1) < (copies * n).sum(1)) & (copies.sum(1) > 1)
    x, n, copies = x[usable], n[usable], copies[usable]
    _, low, high = predicted(x, n, copies)
    for i in range(len(x)):
        xs, ns = (np.repeat(a[i], copies[i].astype(int))[None] for a in (x, n))
        _, a, b = predicted(xs, ns)
        np.testing.assert_allclose([a[0], b[0]], [low[i], high[i]], atol=INTERPOLATED, rtol=INTERPOLATED)


def test_mirror():
    x, n = random_lanes(9, 40, 4)
    _, low, high = predicted(x, n)
    _, other_low, other_high = predicted(n - x, n)
    np.testing.assert_allclose(low, -other_high, rtol=INTERPOLATED, atol=INTERPOLATED)
    np.testing.assert_allclose(high, -other_low, rtol=INTERPOLATED, atol=INTERPOLATED)


@pytest.mark.parametrize(
    ("x", "n"),
    [
        ([0, 7], [7, 7]),
        ([0, 5], [5, 6]),
        ([1, 0, 0], [1000, 3, 2]),
        ([3e8, 1, 0], [1e9, 2, 2]),
        ([1, 0, 1, 1], [1, 1, 1, 1]),
        ([5, 5, 5, 5], [10, 10, 10, 10]),
    ],
)
def test_awkward_data_have_limits(x, n):
    x, n = np.array([x], dtype=float), np.array([n], dtype=float)
    _, low, high = predicted(x, n)
    fit = binomial_normal.fit(CountSurface(x, n, np.ones_like(x)))
    assert np.isfinite([low[0], high[0]]).all()
    assert low[0] < fit.mu[0] < high[0]


def test_a_mode_is_not_taken_for_the_mean_of_the_prior():
    # beside a study at n whose likelihood rises by a thousand nats a step by the prior alone ended at mu
    x = [88206, 289610, 12746, 123632, 314898, 272049, 331859, 206646, 415650]
    n = [119078, 353392, 353919, 410489, 920384, 272049, 620866, 499079, 830803]
    one = CountSurface(np.array([[272049.0]]), np.array([[272049.0]]), np.ones((1, 1)), "cloglog")
    found = one.at(np.array([1.700856499712139]), np.array([23.430853314426948]), 24.0)
    assert np.isfinite(found).all()
    low, high = mr.pool(events=x, n=n, link="cloglog").prediction_interval
    assert 0 < low < high <= 1
