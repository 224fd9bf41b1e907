"""The marginal likelihood against an independent integral, finite differences and more nodes."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from metaresp.kernel.counts import quadrature
from metaresp.kernel.numerics.special import saturated

QUAD_TOLERANCE = 1e-9  # scipy.integrate.quad's own error on these integrands
NODES_TOLERANCE = 1e-10  # doubling the nodes: what the error bound promises is 1e-11 or better
SLOPE_TOLERANCE = 2e-6  # central differences with a step of 1e-5


def column(*values):
    return tuple(np.array([[float(v)]]) for v in values)


def by_quad(x, n, mu, tau):
    """The definition: binomial probability averaged over a normal logit."""
    peak = max(
        stats.binom.logpmf(x, n, 1 / (1 + np.exp(-(mu + tau * z)))) - z * z / 2
        for z in np.linspace(-12, 12, 4801)
    )

    def f(z):
        p = 1 / (1 + np.exp(-(mu + tau * z)))
        return np.exp(stats.binom.logpmf(x, n, p) - z * z / 2 - peak) / np.sqrt(2 * np.pi)

    pieces = np.linspace(-12, 12, 97)
    total = sum(integrate.quad(f, a, b, epsabs=1e-15, epsrel=1e-10)[0] for a, b in pairwise(pieces))
    return np.log(total) + peak


CASES = [
    (13, 18, 0.4, 0.8),
    (0, 18, -1.0, 1.5),
    (18, 18, 0.3, 2.5),
    (0, 1, 0.0, 4.0),
    (1, 3, -3.0, 0.02),
    (55, 107, 0.0, 0.5),
    (2, 300, -4.0, 0.05),
]


@pytest.mark.parametrize(("x", "n", "mu", "tau"), CASES)
def test_value_is_the_integral(x, n, mu, tau):
    xs, ns = column(x, n)
    value = quadrature.moments(xs, ns, np.array([mu]), np.array([tau])).value + saturated(xs, ns)
    assert value[0, 0] == pytest.approx(by_quad(x, n, mu, tau), abs=QUAD_TOLERANCE)


@pytest.mark.parametrize(("x", "n", "mu", "tau"), CASES)
def test_derivatives_are_differences(x, n, mu, tau):
    xs, ns = column(x, n)
    h = 1e-5

    def at(m, t):
        return quadrature.moments(xs, ns, np.array([m]), np.array([t]))

    here = at(mu, tau)
    up_mu, down_mu, up_tau, down_tau = at(mu + h, tau), at(mu - h, tau), at(mu, tau + h), at(mu, tau - h)

    def slope(up, down, name):
        return (getattr(up, name) - getattr(down, name))[0, 0] / (2 * h)

    for field, difference in {
        "d_mu": slope(up_mu, down_mu, "value"),
        "d_tau": slope(up_tau, down_tau, "value"),
        "d_mu_mu": slope(up_mu, down_mu, "d_mu"),
        "d_mu_tau": slope(up_mu, down_mu, "d_tau"),
        "d_tau_tau": slope(up_tau, down_tau, "d_tau"),
    }.items():
        assert getattr(here, field)[0, 0] == pytest.approx(
            difference, rel=SLOPE_TOLERANCE, abs=SLOPE_TOLERANCE
        ), field


def random_counts(seed, size):
    rng = np.random.default_rng(seed)
    n = np.floor(10 ** rng.uniform(0, 9, (size, 1)))
    x = np.floor(rng.uniform(size=(size, 1)) * (n + 1))
    x = np.where(rng.uniform(size=(size, 1)) < 0.2, 0, x)
    x = np.where(rng.uniform(size=(size, 1)) < 0.2, n, x)
    x = np.where(rng.uniform(size=(size, 1)) < 0.2, np.minimum(n, rng.integers(0, 4, (size, 1))), x)
    mu = rng.normal(size=size) * 3
    tau = np.exp(rng.uniform(np.log(1e-3), np.log(20), size))
    return x, n, mu, tau


def test_more_nodes_change_nothing_up_to_n_of_a_billion():
    data = random_counts(1, 2000)
    coarse, fine = quadrature.moments(*data), quadrature.moments(*data, nats=36.0, refine=2)
    for name, a, b in zip(coarse._fields, coarse, fine, strict=True):
        assert np.isfinite(a).all(), name
        np.testing.assert_allclose(
            a, b, rtol=2e-9, atol=2e-9 if name != "value" else NODES_TOLERANCE, err_msg=name
        )


def test_tau_near_zero_joins_tau_zero():
    x, n, mu, _ = random_counts(2, 400)
    keep = (n[:, 0] < 1e4) & (np.abs(mu) < 4)
    x, n, mu = x[keep], n[keep], mu[keep]
    zero = quadrature.moments(x, n, mu, np.zeros(mu.size))
    small = quadrature.moments(x, n, mu, np.full(mu.size, 1e-6))
    np.testing.assert_allclose(small.value, zero.value, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(small.d_mu, zero.d_mu, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(small.d_tau_tau, zero.d_tau_tau, rtol=1e-3, atol=1e-4)


def test_both_derivative_forms_agree_at_the_switch():
    x, n, mu, _ = random_counts(3, 400)
    keep = n[:, 0] < 1e5
    x, n, mu = x[keep], n[keep], mu[keep]
    below = quadrature.moments(x, n, mu, np.full(mu.size, quadrature.SMALL_TAU * (1 - 1e-9)))
    above = quadrature.moments(x, n, mu, np.full(mu.size, quadrature.SMALL_TAU * (1 + 1e-9)))
    for name, a, b in zip(below._fields, below, above, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6, err_msg=name)


def test_mirror():
    x, n, mu, tau = random_counts(4, 300)
    a, b = quadrature.moments(x, n, mu, tau), quadrature.moments(n - x, n, -mu, tau)
    np.testing.assert_allclose(a.value, b.value, rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(a.d_mu, -b.d_mu, rtol=1e-9, atol=1e-9)


def test_saturated_is_the_binomial_probability():
    x, n = np.array([[0.0, 3, 18, 500, 5e8]]), np.array([[7.0, 9, 18, 1000, 1e9]])
    expected = stats.binom.logpmf(x[:, :4], n[:, :4], x[:, :4] / n[:, :4])
    got = saturated(x, n)
    np.testing.assert_allclose(got[:, :4], expected, atol=1e-11)
    # Stirling: at x = n/2 the probability is sqrt(2 / (pi n)) (1 - 1/(4n) + ...)
    assert got[0, 4] == pytest.approx(0.5 * np.log(2 / (np.pi * 1e9)), abs=1e-9)
