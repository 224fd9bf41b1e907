"""Effects with long tails: the scales against direct integration, derivatives, the maximum by brute force."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

from metaresp.kernel.counts import binomial_normal, quadrature
from metaresp.kernel.counts.effect_shapes import EFFECTS, by_scale, contaminated, student_t
from metaresp.kernel.counts.moments import Moments
from metaresp.kernel.counts.profile_limits import mu_limits
from metaresp.kernel.counts.surface import CountSurface

ROBUST = ("t", "mixture")
RULE = 1e-6  # log-likelihood of a study: 25 scales stand for all
FAR = 2e-4  # of a study more than 20 standard deviations off: where its rate of 1 lies the widest scale ends
SLOPE = 3e-5  # central differences of step 1e-4
OUTLYING = (np.array([9.0, 10, 12, 8, 11, 13, 50]), np.array([40.0, 42, 45, 38, 44, 47, 60]))
SPARSE = (np.array([1.0, 0, 3, 2, 14, 0]), np.array([20.0, 15, 30, 22, 25, 18]))


def density(effects, theta, mu, tau):
    """The density of one study's effect, by its definition."""
    if effects == "t":
        return stats.t.pdf(theta, 4, mu, tau / np.sqrt(2))
    unit = tau / np.sqrt(0.9 + 0.1 * 9)
    return 0.9 * stats.norm.pdf(theta, mu, unit) + 0.1 * stats.norm.pdf(theta, mu, 3 * unit)


def random_counts(lanes, k, seed):
    rng = np.random.default_rng(seed)
    n = np.rint(10 ** rng.uniform(0.5, 4, (lanes, k)))
    return rng.binomial(n.astype(int), rng.uniform(0, 1, (lanes, k))).astype(float), n


@pytest.mark.parametrize("effects", EFFECTS)
def test_scales_are_standardised(effects):
    shape = EFFECTS[effects]
    assert shape.weight.sum() == pytest.approx(1, abs=1e-14)
    # the variance of t with 4 df hangs on tails that no finite number of scales has
    assert shape.weight @ shape.scale**2 == pytest.approx(1, abs=2e-4 if effects == "t" else 1e-14)


@pytest.mark.parametrize("effects", ROBUST)
@pytest.mark.parametrize(
    ("x", "n", "mu", "tau", "close"),
    [
        (3, 20, -1.0, 0.5, RULE),
        (0, 15, -2.0, 2.0, RULE),
        (500, 1000, -0.5, 0.1, RULE),
        (90, 100, -1.5, 0.4, RULE),
        (60, 60, 0.3, 0.2, FAR),
    ],
)
def test_likelihood_is_that_of_the_definition(effects, x, n, mu, tau, close):
    def integrand(theta):
        logs = special.xlogy(x, special.expit(theta)) + special.xlogy(n - x, special.expit(-theta)) - top
        return np.exp(logs) * density(effects, theta, mu, tau)

    top = special.xlogy(x, x / n) + special.xlogy(n - x, 1 - x / n)
    places = sorted({mu, float(np.clip(special.logit((x + 0.5) / (n + 1)), -8, 8))})
    near = np.array([-4, -1, -0.2, 0.2, 1, 4])
    parts = np.unique(np.concatenate([[-200, 200], *(place + near for place in places)]))
    whole = sum(integrate.quad(integrand, a, b, epsabs=0, epsrel=1e-10)[0] for a, b in pairwise(parts))
    surface = CountSurface(*(np.full((1, 1), v, float) for v in (x, n, 1)), effects=effects)
    assert surface.at(np.array([mu]), np.array([tau])).value[0] == pytest.approx(np.log(whole), abs=close)


def test_more_scales_change_nothing():
    x, n = random_counts(200, 1, 1)
    rng = np.random.default_rng(2)
    own = special.logit((x[:, 0] + 0.5) / (n[:, 0] + 1))
    tau = 10 ** rng.uniform(-1, 0.5, 200)
    mu = own + rng.uniform(-10, 10, 200) * tau  # as far as 10 standard deviations
    values = []
    for shape in (student_t(), student_t(np.arange(-6, 1.4, 0.1))):
        spread = tau[:, None] * shape.scale
        flat = [np.repeat(field, shape.scale.size, axis=0) for field in (x, n, mu)]
        each = quadrature.moments(*flat, np.minimum(spread, 90).ravel())
        parts = Moments(*(field.reshape(200, shape.scale.size, 1) for field in each))
        values.append(by_scale(shape, parts, tau, spread).value)
    np.testing.assert_allclose(*values, atol=5e-5)


@pytest.mark.parametrize("effects", ROBUST)
@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "cauchit", "log"])
def test_derivatives(effects, link):
    x, n = random_counts(60, 4, 3)
    rng, h = np.random.default_rng(4), 1e-4
    mu, tau = rng.uniform(-3, 1, 60) - 2 * (link == "log"), 10 ** rng.uniform(-1, 0.7, 60)
    surface = CountSurface(x, n, np.ones_like(x), link, effects=effects)
    at = surface.at(mu, tau)
    right, left, up, down = (surface.at(mu + a, tau + b) for a, b in ((h, 0), (-h, 0), (0, h), (0, -h)))
    for found, above, below in (
        (at.d_a, right.value, left.value),
        (at.d_b, up.value, down.value),
        (at.d_a_a, right.d_a, left.d_a),
        (at.d_a_b, up.d_a, down.d_a),
        (at.d_b_b, up.d_b, down.d_b),
    ):
        np.testing.assert_allclose(found, (above - below) / (2 * h), rtol=SLOPE, atol=SLOPE * 10)


def test_equal_scales_are_normal_effects():
    x, n = random_counts(40, 3, 5)
    rng = np.random.default_rng(6)
    mu, tau, shape = rng.uniform(-3, 3, 40), 10 ** rng.uniform(-2, 1, 40), contaminated(times=1.0)
    normal = CountSurface(x, n, np.ones_like(x)).each(mu, tau)
    parts = Moments(*(np.repeat(field[:, None], 2, axis=1) for field in normal))
    joined = by_scale(shape, parts, tau, np.repeat(tau[:, None], 2, axis=1)).joined()
    for found, wanted in zip(joined, normal, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("effects", ROBUST)
@pytest.mark.parametrize(("x", "n"), [OUTLYING, SPARSE])
def test_maximum_and_limits_by_brute_force(effects, x, n):
    theta = np.linspace(-60, 60, 60_001)
    logs = special.xlogy(x[:, None], special.expit(theta)) + special.xlogy(
        (n - x)[:, None], special.expit(-theta)
    )
    top = special.xlogy(x, x / n) + special.xlogy(n - x, 1 - x / n)
    counts = np.exp(logs - top[:, None])

    def minus(at):
        product = counts * density(effects, theta, at[0], np.exp(at[1]))
        return -np.log(integrate.trapezoid(product, theta)).sum()

    surface = CountSurface(x[None], n[None], np.ones((1, x.size)), effects=effects)
    fit = binomial_normal.fit(surface)
    starts = [(mu, np.log(tau)) for mu in (-3.0, -1.0, 1.0) for tau in (0.2, 1.5)]
    best = min(
        (optimize.minimize(minus, start, method="Nelder-Mead") for start in starts), key=lambda r: r.fun
    )
    assert fit.top[0] == pytest.approx(-best.fun, abs=2e-5)
    np.testing.assert_allclose([fit.mu[0], np.log(fit.tau[0])], best.x, atol=2e-4)
    fall = stats.chi2.ppf(0.95, 1)
    for limit in (ends[0] for ends in mu_limits(surface, fit, np.array([fall]))):
        along = min(
            optimize.minimize_scalar(lambda b, a=limit: minus((a, b)), bounds=ends, method="bounded").fun
            for ends in ((-4, 0), (-1, 3.2))
        )
        assert 2 * (along + fit.top[0]) == pytest.approx(fall, abs=1e-3)
