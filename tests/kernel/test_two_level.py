"""Nested models against references, dense matrices, two-dimensional integration, and simpler models."""

import csv
import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, special, stats

from metaresp import datasets
from metaresp.kernel.counts import binomial_normal as bn
from metaresp.kernel.counts.beta_binomial import FARTHEST, NO_MEAN
from metaresp.kernel.counts.profile_limits import mu_limits
from metaresp.kernel.counts.surface import CountSurface
from tests.datasets import counts, reference
from tests.kernel import one_lane as tl
from tests.kernel.one_lane import evaluate

FALL = 3.841458820694124
DENSE = 1e-10  # both sides are closed forms; the dense one inverts a matrix
METAFOR = 1e-5  # relative, where nlminb stopped
LAPLACE = 0.05  # lme4 has no more than Laplace's approximation for two nested effects


@pytest.fixture(autouse=True)
def _no_floating_point_noise():
    with np.errstate(all="raise", under="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def ursino():
    x, n = counts("ursino2021")
    path = Path(datasets.__file__).parent / "ursino2021.csv"
    with path.open(encoding="utf-8") as file:
        names = [row["study"] for row in csv.DictReader(file)]
    return x.astype(float), n.astype(float), np.unique(names, return_inverse=True)[1]


def logits(x, n):
    edge = 0.5 * ((x == 0) | (x == n))
    return np.log((x + edge) / (n - x + edge)), 1 / (x + edge) + 1 / (n - x + edge)


def nested_effects(seed, k=40, clusters=9, between=0.7, within=0.4):
    rng = np.random.default_rng(seed)
    cluster = rng.permutation(np.r_[np.arange(clusters), rng.integers(0, clusters, k - clusters)])
    v = rng.uniform(0.02, 0.3, k)
    b = between * rng.normal(size=clusters)
    return 0.4 + b[cluster] + within * rng.normal(size=k) + np.sqrt(v) * rng.normal(size=k), v, cluster


def nested_counts(seed, k=12, clusters=4, between=1.0, within=0.7, largest=30):
    rng = np.random.default_rng(seed)
    cluster = np.r_[np.arange(clusters), rng.integers(0, clusters, k - clusters)]
    n = rng.integers(1, largest, k)
    logit = -0.8 + between * rng.normal(size=clusters)[cluster] + within * rng.normal(size=k)
    return rng.binomial(n, special.expit(logit)).astype(float), n.astype(float), cluster


# ---- effects and variances


def test_gaussian_reference():
    x, n, cluster = ursino()
    found = tl.fit_nested_gaussian(*logits(x, n), cluster)
    expected = reference("ursino2021")["moderators"]["three_level"]
    assert found.mu == pytest.approx(expected["estimate"], rel=METAFOR)
    assert found.se == pytest.approx(expected["se"], rel=METAFOR)
    assert found.tau2_between == pytest.approx(expected["sigma2_between"], abs=1e-4)
    assert found.tau2_within == pytest.approx(expected["sigma2_within"], abs=1e-4)
    assert found.loglik == pytest.approx(expected["logLik"], abs=1e-8)
    assert found.se_cr1 == pytest.approx(expected["robust_CR1"]["se"], rel=METAFOR)
    assert found.df_cr1 == expected["robust_CR1"]["df"]
    # clubSandwich 0.5.8 on the same fit: coef_test(f, vcov="CR2", cluster=es$study)
    assert found.se_cr2 == pytest.approx(0.130200191581, rel=1e-6)
    assert found.df_cr2 == pytest.approx(8.581285505820, rel=1e-4)


def dense_parts(y, v, cluster, within, between):
    same = (cluster[:, None] == cluster).astype(float)
    covariance = np.diag(v + within) + between * same
    inverse = np.linalg.inv(covariance)
    one = np.ones_like(y)
    weight = one @ inverse @ one
    return covariance, inverse, weight, inverse - np.outer(inverse @ one, inverse @ one) / weight, same


@pytest.mark.parametrize(
    ("within", "between"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.5), (0.13, 0.41), (50.0, 9.0)]
)
def test_restricted_likelihood_against_dense_matrices(within, between):
    y, v, cluster = nested_effects(1)
    found = tl.restricted(y, v, cluster, np.array([within]), np.array([between]))
    covariance, _, weight, p, same = dense_parts(y, v, cluster, within, between)
    k = len(y)
    value = (k - 1) * np.log(2 * np.pi) - np.log(k) + np.linalg.slogdet(covariance)[1] + np.log(weight)
    assert found.value[0] == pytest.approx(-0.5 * (value + y @ p @ y), rel=DENSE)
    for parts, field in [
        ((np.eye(k),), found.d_a),
        ((same,), found.d_b),
        ((np.eye(k), np.eye(k)), found.d_a_a),
        ((np.eye(k), same), found.d_a_b),
        ((same, same), found.d_b_b),
    ]:
        if len(parts) == 1:
            expected = -0.5 * (np.trace(p @ parts[0]) - y @ p @ parts[0] @ p @ y)
        else:
            product = p @ parts[0] @ p @ parts[1]
            expected = 0.5 * np.trace(product) - y @ product @ p @ y
        assert field[0] == pytest.approx(expected, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("seed", range(6))
def test_gaussian_never_below_a_grid(seed):
    y, v, cluster = nested_effects(seed, k=14, clusters=4, between=0.3 * (seed % 3), within=0.2 * (seed % 2))
    found = tl.fit_nested_gaussian(y, v, cluster)
    line = np.r_[0, np.geomspace(1e-4, 20, 60)]
    a, b = (grid.ravel() for grid in np.meshgrid(line, line))
    values = tl.restricted(y, v, cluster, a, b).value
    assert found.loglik >= values.max() - 1e-10
    assert found.loglik_between_zero >= values[b == 0].max() - 1e-10
    assert found.loglik_within_zero >= values[a == 0].max() - 1e-10
    assert found.loglik_common == pytest.approx(values[(a == 0) & (b == 0)][0], abs=1e-10)
    assert found.reason == tl.OK


def test_robust_errors_against_dense_matrices():
    y, v, cluster = nested_effects(3)
    found = tl.fit_nested_gaussian(y, v, cluster)
    covariance, inverse, weight, _, _ = dense_parts(y, v, cluster, found.tau2_within, found.tau2_between)
    k, one = len(y), np.ones(len(y))
    e = y - (one @ inverse @ y) / weight
    shrink = np.eye(k) - np.outer(one, one @ inverse) / weight
    raw, corrected, vectors = [], [], []
    for c in np.unique(cluster):
        mine = cluster == c
        phi = covariance[np.ix_(mine, mine)]
        upper = np.linalg.cholesky(phi).T
        residual = (shrink @ covariance @ shrink.T)[np.ix_(mine, mine)]
        roots, axes = np.linalg.eigh(upper @ residual @ upper.T)
        a = upper.T @ (axes * roots**-0.5) @ axes.T @ upper
        weights = (inverse @ one)[mine]
        raw.append(weights @ e[mine])
        corrected.append(weights @ a @ e[mine])
        vectors.append(shrink[mine].T @ a.T @ weights)
    m = len(raw)
    assert found.se_cr1 == pytest.approx(np.sqrt(np.sum(np.square(raw)) * m / (m - 1)) / weight, rel=DENSE)
    assert found.se_cr2 == pytest.approx(np.sqrt(np.sum(np.square(corrected))) / weight, rel=DENSE)
    p = np.array(vectors)
    gram = p @ covariance @ p.T
    assert found.df_cr2 == pytest.approx(np.trace(gram) ** 2 / np.sum(gram**2), rel=1e-8)


def test_gaussian_order_of_studies_and_names_of_clusters_do_not_matter():
    y, v, cluster = nested_effects(4)
    order = np.random.default_rng(0).permutation(len(y))
    here, there = (
        tl.fit_nested_gaussian(y, v, cluster),
        tl.fit_nested_gaussian(y[order], v[order], 100 - cluster[order]),
    )
    np.testing.assert_allclose(here, there, rtol=1e-7, atol=1e-9)


def test_gaussian_one_study_each_is_the_plain_reml():
    y, v, _ = nested_effects(5, k=12)
    found = tl.fit_nested_gaussian(y, v, np.arange(12))
    assert (found.reason, found.tau2_within) == (tl.ONE_EACH, 0.0)

    def deviance(tau2):
        w = 1 / (v + tau2)
        mean = (w @ y) / w.sum()
        return np.log(v + tau2).sum() + np.log(w.sum()) + w @ (y - mean) ** 2

    best = optimize.minimize_scalar(deviance, bounds=(0, 5), method="bounded", options={"xatol": 1e-10})
    assert found.tau2_between == pytest.approx(best.x, abs=1e-6)


def test_gaussian_one_cluster_has_no_robust_error():
    y, v, _ = nested_effects(6, k=9)
    found = tl.fit_nested_gaussian(y, v, np.zeros(9, dtype=int))
    assert found.tau2_between == 0
    assert np.isnan([found.se_cr1, found.se_cr2, found.df_cr1, found.df_cr2]).all()


# ---- counts


def by_integration(x, n, cluster, mu, between, within):
    """Log-likelihood less the saturated one, on a plain square grid of both standard normal effects."""
    z = np.linspace(-9, 9, 721)
    weight = stats.norm.pdf(z) * (z[1] - z[0])
    total = 0.0
    for c in np.unique(cluster):
        product = weight.copy()
        for i in np.flatnonzero(cluster == c):
            p = special.expit(mu + between * z[:, None] + within * z)
            product *= stats.binom.pmf(x[i], n[i], p) @ weight
        total += np.log(product.sum())
    return total - stats.binom.logpmf(x, n, x / n).sum()


def test_likelihood_against_two_dimensional_integration():
    x, n = np.array([0.0, 3, 9, 5]), np.array([6.0, 7, 9, 20])
    cluster = np.array([0, 0, 1, 1])
    data, _ = tl.arrange(x, n, cluster)
    for at in [(-0.5, 0.8, 0.4), (0.7, 2.0, 1.1)]:
        with np.errstate(all="ignore"):
            expected = by_integration(x, n, cluster, *at)
        assert evaluate(data, np.array(at)).value == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize(
    "at", [(-2.0, 0.8, 0.3), (-1.0, 0.0, 0.5), (-1.0, 0.6, 0.0), (1.0, 4.0, 3.0), (0.0, 0.01, 9.0)]
)
def test_derivatives_and_nodes(at):
    x, n, cluster = ursino()
    data, _ = tl.arrange(x, n, cluster)
    at = np.array(at)
    here = evaluate(data, at)
    assert evaluate(data, at, refine=2).value == pytest.approx(here.value, abs=1e-11)
    side = 1e-4
    for i in range(3):
        mirrored = i > 0 and at[i] == 0  # the likelihood is even in a standard deviation
        up, down = (evaluate(data, at + s * side * np.eye(3)[i]) for s in (1, 0 if mirrored else -1))
        if mirrored:
            assert here.gradient[i] == 0 or abs(here.gradient[i]) < 1e-12
            assert here.hessian[i, i] == pytest.approx(2 * (up.value - here.value) / side**2, abs=1e-3)
        else:
            assert here.gradient[i] == pytest.approx((up.value - down.value) / (2 * side), abs=2e-6)
            np.testing.assert_allclose(here.hessian[i], (up.gradient - down.gradient) / (2 * side), atol=2e-5)


def test_ursino_fits():
    x, n, cluster = ursino()
    found = tl.fit_nested_binomial(x, n, cluster, fall=FALL)
    assert found.reason == tl.OK
    laplace = reference("ursino2021")["moderators"]["three_level_glmm_laplace"]
    assert found.mu == pytest.approx(laplace["estimate"], rel=LAPLACE)
    assert found.se == pytest.approx(laplace["se"], rel=LAPLACE)
    assert [found.tau_within, found.tau_between] == pytest.approx(laplace["theta"], rel=LAPLACE)
    assert found.loglik == pytest.approx(laplace["logLik"], abs=0.1)
    # the clusters add nothing here: the answer is that of the model without them, in all its digits
    flat = bn.fit(CountSurface(x[None], n[None], np.ones((1, x.size))))
    ends = mu_limits(CountSurface(x[None], n[None], np.ones((1, x.size))), flat, np.array([FALL]))
    assert found.tau_between == 0
    assert (found.mu, found.tau_within) == pytest.approx((flat.mu[0], flat.tau[0]), abs=1e-7)
    assert (found.se, found.loglik) == pytest.approx((flat.se[0], flat.loglik[0]), abs=1e-7)
    # given mu at a limit the clusters may add something: the nested interval is never narrower
    assert found.low <= ends.low[0] + 1e-7
    assert found.high >= ends.high[0] - 1e-7


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
def test_never_below_a_grid_and_limits_put_back(seed):
    x, n, cluster = nested_counts(seed, between=[1.2, 0, 1.5, 0.3][seed], within=[0, 1.2, 1.0, 0.3][seed])
    found = tl.fit_nested_binomial(x, n, cluster, fall=FALL)
    data, _ = tl.arrange(x, n, cluster)
    taus = [0.0, 0.2, 0.7, 1.6]

    def height(mu):
        """Return the highest likelihood at *mu*: Nelder-Mead from the best of a grid."""
        values = {(b, w): evaluate(data, np.array([mu, b, w])).value for b in taus for w in taus}
        start = max(values, key=values.get)
        cost = lambda at: -evaluate(data, np.array([mu, *np.abs(at)]), nats=24.0).value  # noqa: E731
        simplex = [np.add(start, d) for d in ((0, 0), (0.2, 0), (0, 0.2))]
        options = {"initial_simplex": simplex, "xatol": 1e-6, "fatol": 1e-10}
        return -optimize.minimize(cost, start, method="Nelder-Mead", options=options).fun

    top = found.loglik - found.loglik_saturated
    grid = [
        evaluate(data, np.array(at)).value
        for at in itertools.product(found.mu + np.array([-1, -0.3, 0, 0.3, 1]), taus, taus)
    ]
    assert top >= max(grid) - 1e-9
    assert found.low < found.mu < found.high
    for end in (found.low, found.high):
        assert 2 * (top - height(end)) == pytest.approx(FALL, abs=1e-6)


def test_two_clusters_far_apart_need_the_between_level():
    x, n = np.array([1.0, 2, 1, 18, 17, 19]), np.full(6, 20.0)
    found = tl.fit_nested_binomial(x, n, np.array([0, 0, 0, 1, 1, 1]))
    assert found.tau_within == 0
    assert 1.5 < found.tau_between < 4
    assert found.mu == pytest.approx(0.0, abs=0.3)
    assert found.loglik > found.loglik_between_zero + 1
    assert found.loglik == pytest.approx(found.loglik_within_zero)


def test_one_study_each_is_the_plain_model():
    x, n, _ = nested_counts(7)
    found = tl.fit_nested_binomial(x, n, np.arange(x.size), fall=FALL)
    one = np.ones((1, x.size))
    flat = bn.fit(CountSurface(x[None], n[None], one))
    ends = mu_limits(CountSurface(x[None], n[None], one), flat, np.array([FALL]))
    assert (found.reason, found.tau_within) == (tl.ONE_EACH, 0.0)
    mine = (found.mu, found.tau_between, found.se, found.loglik, found.low, found.high)
    assert mine == pytest.approx([f[0] for f in (flat.mu, flat.tau, flat.se, flat.loglik, *ends)], abs=1e-7)


def test_one_cluster_has_no_between():
    x, n, _ = nested_counts(8)
    found = tl.fit_nested_binomial(x, n, np.zeros(x.size, dtype=int))
    flat = bn.fit(CountSurface(x[None], n[None], np.ones((1, x.size))))
    assert found.tau_between == 0
    assert found.tau_within == pytest.approx(flat.tau[0], abs=1e-7)


def test_mirror_and_order():
    x, n, cluster = nested_counts(9)
    here = tl.fit_nested_binomial(x, n, cluster, fall=FALL)
    there = tl.fit_nested_binomial((n - x)[::-1], n[::-1], 50 - cluster[::-1], fall=FALL)
    assert (here.mu, here.low, here.high) == pytest.approx((-there.mu, -there.high, -there.low), abs=1e-6)
    assert here[1:6] == pytest.approx(there[1:6], abs=1e-6)


@pytest.mark.parametrize(
    ("x", "n", "reason"),
    [
        ([0, 0, 0, 0], [5, 9, 2, 4], NO_MEAN),
        ([5, 9, 2, 4], [5, 9, 2, 4], NO_MEAN),
        ([0, 1, 1, 0], [1, 1, 1, 1], tl.WITHIN_UNKNOWN),
        pytest.param([0, 0, 30, 40], [50, 40, 30, 40], tl.TAU_UNBOUNDED, marks=pytest.mark.slow),
        ([3, 5, 0, 9], [8, 11, 5, 10**9], tl.OK),
    ],
)
def test_degenerate(x, n, reason):
    x, n = np.array(x, dtype=float), np.array(n, dtype=float)
    found = tl.fit_nested_binomial(x, n, np.array([0, 0, 1, 1]), fall=FALL)
    assert found.reason == reason
    if reason == NO_MEAN:
        assert np.isnan([found.mu, found.se, found.low, found.high]).all()
    else:
        assert np.isfinite(found[:11]).all()
        assert -FARTHEST <= found.low < found.mu < found.high <= FARTHEST
