"""The marginal likelihood on every link against long arithmetic, finite differences and more nodes."""

from itertools import pairwise

import mpmath
import numpy as np
import pytest
from scipy import special, stats

from metaresp.kernel.counts import link_quadrature, quadrature
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.numerics.special import saturated
from tests.kernel.test_links import rates

OTHERS = [name for name in LINKS if name != "logit"]
VALUE = 1e-10  # the integral of long arithmetic is right to more digits than this
NODES = 1e-10  # doubling the nodes: the error bound promises 1e-11 or better
SLOPE = 3e-6  # central differences with a step of 1e-5

CASES = [
    (13, 18, 0.2, 0.8),
    (0, 18, -1.0, 1.5),
    (18, 18, 0.3, 2.5),
    (18, 18, -0.4, 0.3),
    (0, 1, 0.0, 4.0),
    (1, 1, -2.0, 9.0),
    (55, 107, -0.5, 0.5),
    (2, 300, -3.0, 0.15),
    (299, 300, 0.1, 0.05),
    (150, 300, 25.0, 6.0),  # cauchit: two hills, one near the mean and one near the study's own rate
]

QUICK = 4  # cases that take long arithmetic a second or two
SORTED = [case if i < QUICK else pytest.param(case, marks=pytest.mark.slow) for i, case in enumerate(CASES)]


def one(link, x, n, mu, tau, **options):
    xs, ns = np.array([[float(x)]]), np.array([[float(n)]])
    return link_quadrature.moments(link, xs, ns, np.array([float(mu)]), np.array([float(tau)]), **options)


def by_long_arithmetic(link, x, n, mu, tau):
    """The definition, its pieces placed by a scan; on the log link a rate above 1 is 1."""
    ends = (-13.0, 13.0)
    top = min(ends[1], max(ends[0], -mu / tau)) if link == "log" else ends[1]

    def f(z):
        p, q = rates(link, mpmath.mpf(mu) + mpmath.mpf(tau) * z)
        return mpmath.binomial(n, x) * p**x * q ** (n - x) * mpmath.npdf(z)

    scan = np.linspace(ends[0], top, 402)[1:-1]
    heights = np.array([float(mpmath.log(f(z) + mpmath.mpf(10) ** -4000)) for z in scan.tolist()])
    seen = scan[heights > heights.max() - 60]
    step = (top - ends[0]) / 400
    low, high = max(ends[0], seen[0] - step), min(top, seen[-1] + step)
    total = sum(
        mpmath.quad(f, [a, b], method="gauss-legendre") for a, b in pairwise(np.linspace(low, high, 30))
    )
    if link == "log" and x == n:
        total += mpmath.ncdf(mpmath.mpf(mu) / tau)
    return float(mpmath.log(total))


@pytest.mark.parametrize("link", OTHERS)
@pytest.mark.parametrize("case", SORTED, ids=str)
def test_value_is_the_integral(link, case):
    x, n, mu, tau = case
    got = one(link, *case).value + saturated(np.array([[x + 0.0]]), np.array([[n + 0.0]]))
    with mpmath.workdps(30):
        assert got[0, 0] == pytest.approx(by_long_arithmetic(link, x, n, mu, tau), abs=VALUE, rel=VALUE)


@pytest.mark.parametrize("link", OTHERS)
@pytest.mark.parametrize("case", [*CASES, (3, 10, -1.0, 0.01), (0, 40, -2.0, 0.004)], ids=str)
def test_derivatives_are_differences(link, case):
    x, n, mu, tau = case
    h = 1e-5
    here = one(link, *case)
    up, down = one(link, x, n, mu + h, tau), one(link, x, n, mu - h, tau)
    more, less = one(link, x, n, mu, tau + h), one(link, x, n, mu, tau - h)

    def slope(a, b, name):
        return (getattr(a, name) - getattr(b, name))[0, 0] / (2 * h)

    for field, expected in {
        "d_mu": slope(up, down, "value"),
        "d_tau": slope(more, less, "value"),
        "d_mu_mu": slope(up, down, "d_mu"),
        "d_mu_tau": slope(up, down, "d_tau"),
        "d_tau_tau": slope(more, less, "d_tau"),
    }.items():
        scale = 1 + abs(here.d_mu[0, 0]) / tau
        assert getattr(here, field)[0, 0] == pytest.approx(expected, rel=SLOPE, abs=SLOPE * scale), field


def random_counts(seed, size, link):
    rng = np.random.default_rng(seed)
    n = np.floor(10 ** rng.uniform(0, 9, (size, 1)))
    x = np.floor(rng.uniform(size=(size, 1)) * (n + 1))
    x = np.where(rng.uniform(size=(size, 1)) < 0.2, 0, x)
    x = np.where(rng.uniform(size=(size, 1)) < 0.2, n, x)
    x = np.where(rng.uniform(size=(size, 1)) < 0.2, np.minimum(n, rng.integers(0, 4, (size, 1))), x)
    mu = rng.normal(size=size) * 3
    tau = np.exp(rng.uniform(np.log(0.03), np.log(LINKS[link].tau_max), size))
    return x, n, mu, tau


@pytest.mark.parametrize("link", OTHERS)
def test_more_nodes_change_nothing_up_to_n_of_a_billion_and_tau_at_its_limit(link):
    data = random_counts(1, 300, link)
    coarse = link_quadrature.moments(link, *data)
    fine = link_quadrature.moments(link, *data, nats=36.0, refine=2)
    np.testing.assert_allclose(coarse.value, fine.value, rtol=NODES, atol=NODES)
    for name, a, b in zip(coarse._fields, coarse, fine, strict=True):
        assert np.isfinite(a).all(), name
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-7, err_msg=name)


def test_the_logit_link_agrees_with_its_own_quadrature():
    data = random_counts(2, 300, "logit")
    for name, a, b in zip(
        quadrature.Moments._fields,
        link_quadrature.moments("logit", *data),
        quadrature.moments(*data),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("link", ["probit", "cauchit"])
def test_mirror(link):
    x, n, mu, tau = random_counts(4, 100, link)
    a, b = link_quadrature.moments(link, x, n, mu, tau), link_quadrature.moments(link, n - x, n, -mu, tau)
    np.testing.assert_allclose(a.value, b.value, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(a.d_mu, -b.d_mu, rtol=1e-8, atol=1e-8)


def test_the_complementary_link_has_no_mirror():
    a, b = one("cloglog", 3, 10, -0.4, 0.7), one("cloglog", 7, 10, 0.4, 0.7)
    assert abs(a.value - b.value)[0, 0] > 0.01


@pytest.mark.parametrize("link", OTHERS)
def test_tau_near_zero_joins_tau_zero(link):
    x, n, mu = np.array([[3.0, 0.0, 40.0]]), np.array([[10.0, 7.0, 40.0]]), np.array([-0.7])
    zero = link_quadrature.moments(link, x, n, mu, np.zeros(1))
    small = link_quadrature.moments(link, x, n, mu, np.full(1, 1e-6))
    for name in ("value", "d_mu", "d_mu_mu", "d_tau_tau"):
        np.testing.assert_allclose(
            getattr(small, name), getattr(zero, name), rtol=1e-5, atol=1e-7, err_msg=name
        )


def test_on_the_log_link_a_trial_beyond_zero_has_rate_one():
    """With one patient the probability of an event is the mean of min(1, exp(theta)), in closed form."""
    for mu, tau in [(-1.0, 0.5), (-0.1, 2.0), (0.7, 0.4), (3.0, 1.0), (-30.0, 8.0)]:
        below = np.exp(mu + tau * tau / 2 + stats.norm.logcdf(-(mu + tau * tau) / tau))
        expected = np.log(below + stats.norm.cdf(mu / tau))
        assert one("log", 1, 1, mu, tau).value[0, 0] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("link", LINKS)
def test_large_studies_at_their_ends_at_every_tau(link):
    tau = np.geomspace(0.01, 0.99 * LINKS[link].tau_max, 60)
    for n in (1e3, 1e5, 1e7, 1e9):
        for mu in (-3.0, 0.5, 1.744, 3.0):
            counts = np.array([[n, 0.0, n - 1]]).repeat(tau.size, axis=0), np.full((tau.size, 3), n)
            found = link_quadrature.moments(link, *counts, np.full(tau.size, mu), tau)
            assert np.isfinite(np.stack(found)).all(), (n, mu)
            assert (found.value < 1e-9).all(), (n, mu)
            assert (found.d_mu[:, 0] >= -1e-9).all(), (n, mu)
            assert (found.d_mu[:, 1] <= 1e-9).all(), (n, mu)


@pytest.mark.parametrize(("x", "n"), [(1e8, 1e9), (1e5, 1e6), (3e3, 1e4), (9e8, 1e9), (0.0, 1e7)])
@pytest.mark.parametrize("mu", [4.934, -30.0, 0.7])
def test_of_two_hills_the_higher_is_summed_where_the_second_has_just_come_up(x, n, mu):
    # the valley between them is narrow where n tau**2 is hardly enough for two
    tau = np.sqrt(np.geomspace(3, 60, 60) / n)
    counts = (np.full((tau.size, 1), value) for value in (x, n))
    found = link_quadrature.moments("cauchit", *counts, np.full(tau.size, mu), tau)
    s = np.linspace(np.arcsinh(-40.0), np.arcsinh(40.0), 40_001)
    log_p, log_q = (LINKS["cauchit"].log_terms(np.sinh(s))[i] for i in (0, 3))
    data = x * log_p + (n - x) * log_q - special.xlogy(x, x / n) - special.xlogy(n - x, 1 - x / n)
    z = (np.sinh(s) - mu) / tau[:, None]
    height = (data - 0.5 * z * z).max(axis=-1)
    assert all(np.isfinite(field).all() for field in found)
    np.testing.assert_allclose(found.value[:, 0], height, rtol=1e-5, atol=5)
