"""Posterior of a study's rate: adaptive integration by scipy, hard cases, mirrors."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, optimize

from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.trial.study_rate import posterior_rates

QUAD = 1e-9  # what scipy's adaptive rule reaches on these integrands


def twin(name, x, n, mu, tau, tail):
    """Mean and limits by ``scipy.integrate.quad`` over z, split at the top of the integrand."""
    link = LINKS[name]

    def log_density(z):
        terms = link.log_terms(np.array([mu + tau * z]))
        with np.errstate(invalid="ignore"):
            value = (x * terms.log_p if x else 0.0) + ((n - x) * terms.log_q if n > x else 0.0)
        return float(np.squeeze(value)) - 0.5 * z * z

    grid = np.linspace(-12, 12, 4801)
    with np.errstate(over="ignore"):
        heights = np.array([log_density(z) for z in grid])
    top, inside = heights.max(), grid[heights > heights.max() - 45]
    ends = sorted({inside[0] - 0.01, *np.linspace(inside[0], inside[-1], 9), inside[-1] + 0.01})
    if name == "log" and ends[0] < -mu / tau < ends[-1]:
        ends = sorted([*ends, -mu / tau])

    def integral(weight, last):
        edges = [e for e in ends if e < last] + [last]
        parts = pairwise(edges)
        return sum(integrate.quad(weight, a, b, epsabs=0, epsrel=1e-12, limit=200)[0] for a, b in parts)

    def density(z):
        return np.exp(log_density(z) - top)

    total = integral(density, ends[-1])
    mean = integral(lambda z: density(z) * link.rate(np.array([mu + tau * z]))[0], ends[-1]) / total
    at = [
        optimize.brentq(lambda z, share=share: integral(density, z) - share * total, ends[0] + 1e-9, ends[-1])
        for share in (tail, 1 - tail)
    ]
    return [mean, *(link.rate(np.array([mu + tau * z]))[0] for z in at)]


CASES = [(0, 7, -1.0, 0.8), (13, 18, -0.5, 1.5), (20, 20, -0.3, 0.4), (3, 400, -2.0, 0.3)]


@pytest.mark.parametrize("name", list(LINKS))
@pytest.mark.parametrize("case", CASES)
def test_quad(name, case):
    x, n, mu, tau = case
    found = posterior_rates(LINKS[name], np.array([float(x)]), np.array([float(n)]), mu, tau, 0.025)
    np.testing.assert_allclose([field[0] for field in found], twin(name, x, n, mu, tau, 0.025), atol=QUAD)


def test_two_hills_of_the_cauchit_link():
    """A study at 70% among studies at 4%: near tau = 1 the integrand has a hill at each."""
    x, n, mu, tau = 28.0, 40.0, -8.0, 1.9
    found = posterior_rates(LINKS["cauchit"], np.array([x]), np.array([n]), mu, tau, 0.025)
    np.testing.assert_allclose(
        [field[0] for field in found], twin("cauchit", x, n, mu, tau, 0.025), atol=QUAD
    )


@pytest.mark.parametrize("name", list(LINKS))
@pytest.mark.parametrize("tau", [1e-6, 0.3, 25.0])
@pytest.mark.parametrize("n", [1.0, 1e3, 1e9])
def test_any_size_and_spread(name, tau, n):
    x = np.unique([0.0, 1.0, n // 2, n])
    mean, low, high = posterior_rates(LINKS[name], x, np.full(x.size, n), -1.0, tau, 0.025)
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
    here = posterior_rates(LINKS[name], x, n, -0.7, 1.2, 0.05)
    there = posterior_rates(LINKS[name], n - x, n, 0.7, 1.2, 0.05)
    np.testing.assert_allclose(here.mean, 1 - there.mean, atol=1e-12)
    np.testing.assert_allclose(here.low, 1 - there.high, atol=1e-12)


def test_mean_moves_from_pooled_to_observed_with_n():
    sizes = np.array([10.0, 100.0, 1e4, 1e8])
    mean = posterior_rates(LINKS["logit"], 0.8 * sizes, sizes, -1.0, 0.5, 0.025).mean
    assert (np.diff(mean) > 0).all()
    assert mean[0] > 0.3
    assert mean[-1] == pytest.approx(0.8, abs=1e-6)
