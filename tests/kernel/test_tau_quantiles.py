"""The interval of tau from its confidence distribution: exact case, the definition, levels near 1."""

import numpy as np
import pytest
from scipy import special, stats

import metaresp as mr
from metaresp.kernel.counts import binomial_normal, new_trial
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.new_trial import tau_mixture
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.counts.tau_quantiles import confidence_limits
from tests.datasets import counts
from tests.kernel.test_binomial_normal import random_lanes

NORMAL = 1e-6  # studies of 1e9 patients are nearly normal effects
GRID = 2e-5  # of log tau, in the twin
INTERPOLATED = 1e-6
WIDE = 2e-4  # a window twice as wide is known less well


def limits(x, n, tail, copies=None):
    data = CountSurface(x, n, np.ones_like(x) if copies is None else copies)
    fit, k = binomial_normal.fit(data), data.copies.sum(axis=-1)
    return confidence_limits(data, fit, k, tau_mixture(data, fit, k, 0.025)[0], tail), fit


@pytest.mark.parametrize("k", [2, 3, 5, 12])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99, 0.9999, 1 - 1e-8])
def test_chi_square_for_equal_normal_effects(k, level):
    y = np.random.default_rng(k).standard_normal(k)
    n = np.full(k, 10**9)
    low, high = mr.pool(events=np.rint(n * special.expit(y)).astype(int), n=n).tau2_ci(level=level)
    tail = (1 - level) / 2
    squares = (k - 1) * y.var(ddof=1)
    assert low == pytest.approx(squares / stats.chi2.isf(tail, k - 1), rel=NORMAL)
    exact = squares / stats.chi2.ppf(tail, k - 1)
    assert high == (pytest.approx(exact, rel=NORMAL) if exact < 25**2 else np.inf)


def twin(x, n, tail):
    """Quantiles of C by its definition on a grid of tau."""
    k, tau = len(x), np.concatenate([[0.0], np.geomspace(1e-3, 25, 4000)])
    data = CountSurface(*(np.repeat(a[None], tau.size, axis=0) for a in (x, n, np.ones_like(x))))
    mu = np.full(tau.size, special.logit(x.sum() / n.sum()))
    for _ in range(30):
        s = data.at(mu, tau)
        mu = mu - np.clip(s.d_a / s.d_a_a, -1, 1)
    adjusted = s.value - np.log(-s.d_a_a) / 2
    low, high = (quantile(tau, adjusted, k, k - 1, p) for p in (tail, 1 - tail))
    return [min(low, quantile(tau, s.value, k, k, tail)), high]


def quantile(tau, height, k, m, p):
    fall = 2 * (height.max() - height) / m
    branch = np.where(np.arange(tau.size) < height.argmax(), -1, 0)
    argument = np.maximum(-np.exp(-1 - fall), -np.exp(-1) * (1 - 1e-15))
    u = np.array([-special.lambertw(a, b).real for a, b in zip(argument, branch, strict=True)])
    c = stats.chi2.sf(m * u, k - 1)
    return 0.0 if c[0] >= p else np.interp(p, c, tau)


@pytest.mark.parametrize("name", ["pritz1997", "baeten2013", "debruin2009", "crisafulli2020"])
@pytest.mark.parametrize("tail", [0.025, 0.2])
def test_slow_twin(name, tail):
    x, n = (a.astype(float) for a in counts(name))
    found, _ = limits(x[None], n[None], tail)
    np.testing.assert_allclose([found.low[0], found.high[0]], twin(x, n, tail), rtol=GRID, atol=GRID)


def test_limits_beyond_the_window_are_those_of_a_wider_one(monkeypatch):
    x, n = random_lanes(17, 40, 4)
    tails = [0.2, 0.025, 1e-3, 1e-5, 1e-7, 1e-9, 1e-12]
    found = [limits(x, n, tail)[0] for tail in tails]
    low, high = (np.array(ends) for ends in zip(*found, strict=True))
    assert (np.diff(low, axis=0) <= 0).all()
    assert ((high[1:] > high[:-1]) | np.isinf(high[1:])).all()
    monkeypatch.setattr(new_trial, "_FALL", 120.0)
    for i, tail in enumerate(tails):
        wide, _ = limits(x, n, tail)
        np.testing.assert_array_equal(np.isinf(high[i]), np.isinf(wide.high))
        np.testing.assert_allclose(low[i], wide.low, rtol=WIDE, atol=WIDE)
        np.testing.assert_allclose(high[i], wide.high, rtol=WIDE)


def test_the_estimate_is_inside_at_every_level():
    x, n = random_lanes(4, 60, 3)
    for tail in (0.49, 0.3, 0.1, 0.025):
        found, fit = limits(x, n, tail)
        assert (found.low <= fit.tau).all()
        assert (found.high >= fit.tau).all()
    assert (found.high > 0).all()


def test_batch_equals_loop_and_copies_equal_repeat():
    x, n = random_lanes(8, 30, 5)
    copies = np.random.default_rng(2).integers(0, 3, x.shape).astype(float)
    usable = ((copies * x).sum(1) > 0) & ((copies * x).sum(1) < (copies * n).sum(1)) & (copies.sum(1) > 1)
    x, n, copies = x[usable], n[usable], copies[usable]
    found, _ = limits(x, n, 0.025, copies)
    for i in range(len(x)):
        one, _ = limits(*(np.repeat(a[i], copies[i].astype(int))[None] for a in (x, n)), 0.025)
        np.testing.assert_allclose(
            [one.low[0], one.high[0]], [found.low[i], found.high[i]], rtol=1e-5, atol=INTERPOLATED
        )


@pytest.mark.parametrize("link", list(LINKS))
@pytest.mark.parametrize("penalty", [None, ("half-normal", 1.0), ("log-f", 1.0)])
def test_every_link_and_penalty(link, penalty):
    fit = mr.pool(events=[13, 4, 0, 9, 15], n=[18, 7, 12, 40, 15], link=link, penalty=penalty)
    low, high = fit.tau2_ci()
    assert low < fit.tau2 < high
    assert fit.tau2_ci("profile") != (low, high)
    found = fit.heterogeneity
    assert found.I2_ci.low < found.I2 < found.I2_ci.high
    assert found.H2_ci.high == pytest.approx(1 + high / (fit.tau2 / (found.H2 - 1)))
