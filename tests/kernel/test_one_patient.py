"""Closed forms of the mean rate over trials against quadrature, differences and an integral of their own."""

import numpy as np
import pytest
from scipy import integrate, stats

from metaresp.kernel.counts import link_quadrature, one_patient, shared_nodes
from metaresp.kernel.counts.moments import Moments

FORMS = ["probit", "log"]
BOTH = np.array([1.0, 0.0])
CLOSE = 1e-10  # of quadrature, absolute where the log-likelihood is near 0


def places(link, size=200):
    rng = np.random.default_rng(4)
    tau = 10 ** rng.uniform(-1, 0.7, size)
    mu = np.where(rng.random(size) < 0.5, rng.normal(0, 3, size), tau * rng.uniform(-8, 4, size))
    return np.tile(BOTH, (size, 1)), mu, tau


@pytest.mark.parametrize("link", FORMS)
def test_agrees_with_quadrature(link):
    x, mu, tau = places(link)
    found = one_patient.moments(link, x, mu, tau)
    expected = link_quadrature._each(link, x, np.ones_like(x), mu, tau, 30.0, 1)
    np.testing.assert_allclose(found.value, expected.value, rtol=CLOSE, atol=CLOSE)
    np.testing.assert_allclose(found.d_mu, expected.d_mu, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("link", FORMS)
def test_derivatives_are_differences(link):
    x, mu, tau = places(link)
    h = 1e-5
    here = one_patient.moments(link, x, mu, tau)
    sides = [(mu + h, tau), (mu - h, tau), (mu, tau + h), (mu, tau - h)]
    up, down, more, less = (one_patient.moments(link, x, *side) for side in sides)
    scale = 1e-5 * (1 + 1 / tau[:, None] ** 2 + here.d_mu**2)
    for field, (a, b, name) in {
        "d_mu": (up, down, "value"),
        "d_tau": (more, less, "value"),
        "d_mu_mu": (up, down, "d_mu"),
        "d_mu_tau": (up, down, "d_tau"),
        "d_tau_tau": (more, less, "d_tau"),
    }.items():
        slope = (getattr(a, name) - getattr(b, name)) / (2 * h)
        assert (np.abs(getattr(here, field) - slope) <= scale).all(), field


def test_far_from_the_kink_of_the_log_link_too():
    mu, tau = -34.77877160526631, 14.218199154705605

    def none_responds(z):
        return -np.expm1(mu + tau * z) * stats.norm.pdf(z)

    whole = integrate.quad(none_responds, -40, -mu / tau, epsrel=1e-13, limit=500, points=[-5, 0, 2])[0]
    found = one_patient.moments("log", BOTH[None], np.array([mu]), np.array([tau])).value[0]
    assert found[1] == pytest.approx(np.log(whole), rel=1e-11)
    assert np.exp(found).sum() == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize(
    ("link", "mu", "tau"),
    [
        ("cauchit", 3.28e7, 6.06e6),
        ("cauchit", -2.1e5, 5.3e4),
        ("cauchit", 6.8e6, 1.7e6),
        ("cloglog", 40.0, 9.0),
    ],
)
def test_mean_rates_far_out_have_shared_nodes(link, mu, tau):
    places, n, out = (np.array([mu]), np.array([tau])), np.ones((1, 2)), Moments(*np.empty((6, 1, 2)))
    assert not shared_nodes.fill(link, BOTH[None], n, *places, 30.0, 1, out).size
    expected = link_quadrature._each(link, BOTH[None], n, *places, 30.0, 1)
    for field, other in zip(out, expected, strict=True):
        np.testing.assert_allclose(field, other, rtol=1e-7, atol=1e-9)
