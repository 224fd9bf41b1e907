"""The binomial-normal fit against published references, a brute-force grid, and itself in other shapes."""

import numpy as np
import pytest

from metaresp.kernel.counts import binomial_normal
from metaresp.kernel.counts.surface import CountSurface
from tests.datasets import NAMES, counts, reference

ESTIMATE = 1e-5  # the reference maximised by Nelder-Mead
TAU2 = 1e-4
SAME = 1e-9  # one lane or many: only the order of sums differs


def lanes(*studies):
    x, n = (np.array([[float(v[i]) for v in lane] for lane in studies]) for i in (0, 1))
    return x, n, np.ones_like(x)


def fit(name, **kwargs):
    x, n = counts(name)
    x, n = x[None].astype(float), n[None].astype(float)
    return binomial_normal.fit(CountSurface(x, n, np.ones_like(x)), **kwargs)


@pytest.mark.parametrize("name", [n for n in NAMES if "exact_logit_ML" in reference(n)["glmm"]])
def test_exact_reference(name):
    expected, found = reference(name)["glmm"]["exact_logit_ML"], fit(name)
    assert found.mu[0] == pytest.approx(expected["estimate"], abs=ESTIMATE)
    assert found.tau[0] ** 2 == pytest.approx(expected["tau2"], abs=TAU2)
    assert found.loglik[0] == pytest.approx(expected["logLik"], abs=1e-8)


def test_four_datasets_have_the_exact_reference():
    assert sum("exact_logit_ML" in reference(n)["glmm"] for n in NAMES) == 4


@pytest.mark.parametrize("name", NAMES)
def test_metafor_with_its_seven_nodes(name):
    expected, found = reference(name)["glmm"]["metafor_PLO_nAGQ7_z"], fit(name)
    assert found.mu[0] == pytest.approx(expected["estimate"], abs=1e-3)
    assert found.se[0] == pytest.approx(expected["se"], rel=1e-3)
    deviance = 2 * (found.loglik_saturated[0] - found.loglik_common[0])
    assert deviance == pytest.approx(expected["LRT"], rel=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_doubling_the_nodes_changes_nothing(name):
    one, two = fit(name), fit(name, refine=2)
    for field in ("mu", "tau", "se", "loglik"):
        np.testing.assert_allclose(getattr(one, field), getattr(two, field), atol=1e-9, rtol=1e-9)


def random_lanes(seed, size, k):
    rng = np.random.default_rng(seed)
    n = np.floor(10 ** rng.uniform(0, 3, (size, k)))
    logit = rng.normal(size=(size, 1)) * 1.5 + rng.normal(size=(size, k)) * rng.choice(
        [0, 0.5, 1, 3], (size, 1)
    )
    x = rng.binomial(n.astype(int), 1 / (1 + np.exp(-logit))).astype(float)
    usable = (x.sum(1) > 0) & (x.sum(1) < n.sum(1))
    return x[usable], n[usable]


@pytest.mark.parametrize("k", [2, 3, 5, 9])
def test_never_below_a_brute_force_grid(k):
    x, n = random_lanes(k, 60, k)
    found = binomial_normal.fit(CountSurface(x, n, np.ones_like(x)))
    mus, taus = np.meshgrid(np.linspace(-7, 7, 57), np.r_[0, np.geomspace(0.05, 12, 24)])
    for i in range(len(x)):
        xs, ns = (np.broadcast_to(a[i], (mus.size, k)) for a in (x, n))
        grid = CountSurface(xs, ns, np.ones((mus.size, k))).at(mus.ravel(), taus.ravel())
        best = grid.value.max() + found.loglik_saturated[i]
        assert found.loglik[i] >= best - 1e-9, (x[i], n[i])


def test_optimum_is_stationary():
    x, n = random_lanes(11, 300, 6)
    found = binomial_normal.fit(CountSurface(x, n, np.ones_like(x)))
    at = CountSurface(x, n, np.ones_like(x)).at(found.mu, found.tau)
    free = found.reason == binomial_normal.OK
    assert free.mean() > 0.9
    np.testing.assert_allclose(at.d_a[free] * found.se[free], 0, atol=1e-6)
    np.testing.assert_allclose(at.d_b[free], 0, atol=1e-6)


def test_batch_equals_loop():
    x, n = random_lanes(5, 120, 7)
    together = binomial_normal.fit(CountSurface(x, n, np.ones_like(x)))
    for i in range(len(x)):
        alone = binomial_normal.fit(CountSurface(x[i : i + 1], n[i : i + 1], np.ones((1, 7))))
        for field in ("mu", "tau", "se", "loglik", "reason"):
            np.testing.assert_allclose(
                getattr(alone, field)[0], getattr(together, field)[i], rtol=SAME, atol=SAME
            )


def test_copies_equal_repeat():
    rng = np.random.default_rng(8)
    x, n = random_lanes(8, 80, 6)
    copies = rng.integers(0, 4, x.shape).astype(float)
    usable = ((copies * x).sum(1) > 0) & ((copies * x).sum(1) < (copies * n).sum(1)) & (copies.sum(1) > 1)
    x, n, copies = x[usable], n[usable], copies[usable]
    assert len(x) > 50
    together = binomial_normal.fit(CountSurface(x, n, copies))
    for i in range(len(x)):
        xs, ns = (np.repeat(a[i], copies[i].astype(int))[None] for a in (x, n))
        alone = binomial_normal.fit(CountSurface(xs, ns, np.ones_like(xs)))
        for field in ("mu", "tau", "se", "loglik", "loglik_saturated"):
            np.testing.assert_allclose(
                getattr(alone, field)[0], getattr(together, field)[i], rtol=1e-8, atol=1e-8
            )


def test_homogeneous_data_have_tau_zero_and_the_pooled_logit():
    found = binomial_normal.fit(CountSurface(*lanes([(6, 20), (3, 10), (9, 30)])))
    assert found.tau[0] == 0
    assert found.mu[0] == pytest.approx(np.log(18 / 42), abs=1e-14)
    assert found.se[0] == pytest.approx(1 / np.sqrt(60 * 0.3 * 0.7), rel=1e-12)


def test_trials_of_one_patient_say_nothing_of_tau():
    found = binomial_normal.fit(CountSurface(*lanes([(0, 1), (1, 1), (1, 1), (0, 1), (1, 1)])))
    assert found.tau[0] == 0
    assert found.mu[0] == pytest.approx(np.log(3 / 2), abs=1e-12)


def test_opposite_extremes_leave_tau_unbounded_and_the_centre_at_one_half():
    found = binomial_normal.fit(CountSurface(*lanes([(0, 7), (7, 7)])))
    assert found.reason[0] == binomial_normal.TAU_UNBOUNDED
    assert found.mu[0] == pytest.approx(0, abs=1e-9)
    assert np.isfinite(found.se[0])


def test_one_giant_among_tiny_ones():
    found = binomial_normal.fit(CountSurface(*lanes([(3, 10), (2, 7), (300_000_000, 1_000_000_000), (1, 5)])))
    assert found.mu[0] == pytest.approx(np.log(3 / 7), abs=1e-2)
    assert np.isfinite([found.tau[0], found.se[0], found.loglik[0]]).all()


def test_mean_rate_is_the_average_over_trials():
    rng = np.random.default_rng(0)
    mu, tau = np.array([-1.0, 0.3, 2.0]), np.array([0.0, 0.8, 2.5])
    draws = 1 / (1 + np.exp(-(mu + tau * rng.standard_normal((400_000, 1)))))
    np.testing.assert_allclose(binomial_normal.mean_rate(mu, tau), draws.mean(0), atol=2e-3)
