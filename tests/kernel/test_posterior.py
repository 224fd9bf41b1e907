"""Posterior of a study's rate: adaptive integration by scipy, hard cases, mirrors."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, optimize, special

from metaresp.kernel.counts import binomial_normal
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.new_trial import tau_mixture
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.trial import study_rate
from metaresp.kernel.trial.condensed import Spread
from metaresp.kernel.trial.study_rate import Prior, posterior_rates, without_own
from tests.datasets import counts

QUAD = 1e-9  # what scipy's adaptive rule reaches on these integrands
CONDENSED = 3e-7
NORMAL_MU = 0.02  # of a rate: the likelihood of mu given tau is not quite normal


def alone(mu, tau, k=1):
    """One normal as the prior of each of k studies."""
    return Prior(*(np.full((k, 1), value) for value in (1.0, mu, tau)))


def twin(name, x, n, parts, tail):
    """Mean and limits by ``scipy.integrate.quad`` over theta, each normal with the whole that it has."""
    link = LINKS[name]
    laws = [_law(link, x, n, mu, tau) for _, mu, tau in parts]
    weights = [part[0] for part in parts]

    wholes = [law(np.ones_like) for law in laws]

    def average(of, last=np.inf):
        return sum(w * law(of, last) / all_ for w, law, all_ in zip(weights, laws, wholes, strict=True))

    mean = average(link.rate)
    ends = min(mu - 30 * tau for _, mu, tau in parts), max(mu + 30 * tau for _, mu, tau in parts)
    at = [
        optimize.brentq(lambda t, p=p: average(np.ones_like, t) - p, *ends, xtol=1e-13)
        for p in (tail, 1 - tail)
    ]
    return [mean, *link.rate(np.array(at))]


def _law(link, x, n, mu, tau):
    """Return the integral of any function of theta times a likelihood times a normal density."""

    def log_density(theta):
        terms = link.log_terms(np.array([theta]))
        with np.errstate(invalid="ignore"):
            value = (x * terms.log_p if x else 0.0) + ((n - x) * terms.log_q if n > x else 0.0)
        return float(np.squeeze(value)) - 0.5 * ((theta - mu) / tau) ** 2

    grid = mu + tau * np.linspace(-30, 30, 12001)
    with np.errstate(over="ignore"):
        heights = np.array([log_density(theta) for theta in grid])
    top, inside = heights.max(), grid[heights > heights.max() - 45]
    ends = sorted({inside[0] - 0.01 * tau, *np.linspace(inside[0], inside[-1], 9), inside[-1] + 0.01 * tau})
    if link is LINKS["log"] and ends[0] < 0 < ends[-1]:
        ends = sorted([*ends, 0.0])

    def integral(of, last=np.inf):
        def weight(theta):
            return float(np.exp(log_density(theta) - top) * of(np.array([theta]))[0])

        edges = [e for e in ends if e < last] + ([last] if last < ends[-1] else [])
        return sum(
            integrate.quad(weight, a, b, epsabs=0, epsrel=1e-12, limit=200)[0] for a, b in pairwise(edges)
        )

    return integral


CASES = [(0, 7, -1.0, 0.8), (13, 18, -0.5, 1.5), (20, 20, -0.3, 0.4), (3, 400, -2.0, 0.3)]


@pytest.mark.parametrize("name", list(LINKS))
@pytest.mark.parametrize("case", CASES)
def test_quad(name, case):
    x, n, mu, tau = case
    found = posterior_rates(name, np.array([float(x)]), np.array([float(n)]), alone(mu, tau), 0.025)
    expected = twin(name, x, n, [(1.0, mu, tau)], 0.025)
    np.testing.assert_allclose([field[0] for field in found], expected, atol=QUAD)


@pytest.mark.parametrize("name", list(LINKS))
@pytest.mark.parametrize("case", CASES[::3])
def test_quad_of_several_normals(name, case):
    """Of very unlike widths, and one that the count contradicts."""
    x, n, mu, tau = case
    parts = [(0.3, mu, 0.02), (0.45, mu + 0.2, tau), (0.2, mu - 0.1, 9.0), (0.05, mu + 1.5, 0.1)]
    prior = Prior(*(np.array([field]) for field in zip(*parts, strict=True)))
    found = posterior_rates(name, np.array([float(x)]), np.array([float(n)]), prior, 0.025)
    expected = twin(name, x, n, parts, 0.025)
    np.testing.assert_allclose([field[0] for field in found], expected, atol=QUAD)


def test_two_hills_of_the_cauchit_link():
    """A study at 70% among studies at 4%: near tau = 1 the integrand has a hill at each."""
    x, n, mu, tau = 28.0, 40.0, -8.0, 1.9
    found = posterior_rates("cauchit", np.array([x]), np.array([n]), alone(mu, tau), 0.025)
    expected = twin("cauchit", x, n, [(1.0, mu, tau)], 0.025)
    np.testing.assert_allclose([field[0] for field in found], expected, atol=QUAD)


@pytest.mark.parametrize("name", list(LINKS))
@pytest.mark.parametrize("tau", [1e-6, 0.3, 25.0])
@pytest.mark.parametrize("n", [1.0, 1e3, 1e9])
def test_any_size_and_spread(name, tau, n):
    x = np.unique([0.0, 1.0, n // 2, n])
    mean, low, high = posterior_rates(name, x, np.full(x.size, n), alone(-1.0, tau, x.size), 0.025)
    # a mean may lie outside an interval that is far from symmetric
    assert ((low >= 0) & (low <= high) & (high <= 1) & (mean >= 0) & (mean <= 1)).all()
    assert (np.diff(mean) > 0).all()
    if tau == 1e-6 and n == 1.0:
        np.testing.assert_allclose(mean, LINKS[name].rate(np.array(-1.0)), atol=1e-9)
    if tau == 25.0 and n == 1e9 and name != "cauchit":
        np.testing.assert_allclose(mean, x / n, atol=3e-9)


@pytest.mark.parametrize("name", [name for name, link in LINKS.items() if link.symmetric])
def test_mirror(name):
    x, n = np.array([0.0, 2.0, 7.0]), np.array([9.0, 9.0, 7.0])
    here = posterior_rates(name, x, n, alone(-0.7, 1.2, 3), 0.05)
    there = posterior_rates(name, n - x, n, alone(0.7, 1.2, 3), 0.05)
    np.testing.assert_allclose(here.mean, 1 - there.mean, atol=1e-12)
    np.testing.assert_allclose(here.low, 1 - there.high, atol=1e-12)


def test_mean_moves_from_pooled_to_observed_with_n():
    sizes = np.array([10.0, 100.0, 1e4, 1e8])
    mean = posterior_rates("logit", 0.8 * sizes, sizes, alone(-1.0, 0.5, 4), 0.025).mean
    assert (np.diff(mean) > 0).all()
    assert mean[0] > 0.3
    assert mean[-1] == pytest.approx(0.8, abs=1e-6)


def whole(parts, k):
    """The mixture as it is, instead of one with few parts."""
    return Spread(*(field[0] for field in (parts.weight, parts.mean, parts.tau)))


@pytest.mark.parametrize("name", ["pritz1997", "baeten2013", "ursino2021", "crisafulli2020"])
def test_few_normals_stand_for_many(name, monkeypatch):
    x, n = (a[None].astype(float) for a in counts(name))
    data, parts = mixture(x, n)
    few = posterior_rates("logit", x[0], n[0], without_own(data, parts), 0.025)
    monkeypatch.setattr(study_rate, "condensed", whole)
    many = posterior_rates("logit", x[0], n[0], without_own(data, parts), 0.025)
    for here, there in zip(few, many, strict=True):
        np.testing.assert_allclose(here, there, atol=CONDENSED)


def mixture(x, n):
    data = CountSurface(x, n, np.ones_like(x))
    fit = binomial_normal.fit(data)
    return data, tau_mixture(data, fit, np.array([float(x.shape[1])]), 0.025)[0]


@pytest.mark.parametrize(
    ("x", "n"), [([9, 14, 6, 11], [20, 31, 25, 18]), ([2, 0, 5], [12, 9, 15]), ([40, 61, 33], [90, 120, 85])]
)
def test_mu_by_its_own_likelihood(x, n):
    """Given tau, mu is normal without a study's own count: nearly what its likelihood gives."""
    x, n = np.array([x], dtype=float), np.array([n], dtype=float)
    k = x.shape[1]
    data, parts = mixture(x, n)
    found = posterior_rates("logit", x[0], n[0], without_own(data, parts), 0.025)
    theta, mu = np.linspace(-12, 12, 3001), np.linspace(-12, 12, 1201)
    likelihood = np.exp(
        x.T * -np.logaddexp(0, -theta) + (n - x).T * -np.logaddexp(0, theta) - saturated_logs(x, n).T
    )
    density = np.zeros((k, theta.size))
    for weight, tau in zip(*condensed_values(parts, k), strict=True):
        tau = max(tau, 0.02)
        each = data.take(np.zeros(mu.size, dtype=int)).each(mu, np.full(mu.size, tau)).value
        kernel = np.exp(-0.5 * ((theta - mu[:, None]) / tau) ** 2)
        for i in range(k):
            others = each.sum(axis=1) - each[:, i]
            part = likelihood[i] * (np.exp(others - others.max()) @ kernel)
            density[i] += weight * part / part.sum()
    below = np.cumsum(density, axis=1)
    rate = special.expit(theta)
    expected = [density @ rate, *([np.interp(p, row, rate) for row in below] for p in (0.025, 0.975))]
    np.testing.assert_allclose(found, expected, atol=NORMAL_MU)


def condensed_values(parts, k):
    spread = study_rate.condensed(parts, float(k))
    return spread.weight, spread.tau


def saturated_logs(x, n):
    return special.xlogy(x, x / n) + special.xlogy(n - x, 1 - x / n)
