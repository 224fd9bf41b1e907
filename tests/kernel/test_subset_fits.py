"""Fits of subsets out of a table, and scans of subsets by matrix products, against fits of single lanes."""

import numpy as np
import pytest
from scipy.special import expit

from metaresp.kernel.counts import beta_binomial, binomial_normal
from metaresp.kernel.counts.subset_fits import beta_fit, beta_table, normal_fit, normal_table
from metaresp.kernel.counts.subset_maxima import maxima
from metaresp.kernel.counts.surface import CountSurface, Penalty
from metaresp.kernel.effects.subset_sums import one_set, scores
from metaresp.kernel.effects.sums import Lanes
from metaresp.kernel.effects.tau2 import TAU2
from metaresp.subsets import all_subsets, members

SAME = 2e-7  # of mu, and of the spread over its size
KINDS = [
    {},
    {"link": "probit"},
    {"link": "cloglog"},
    {"link": "cauchit"},
    {"penalty": Penalty("half-cauchy", 0.5)},
    {"effects": "mixture"},
]


def drawn(seed, k=9):
    """Return counts of studies, and all their subsets that have a rate between 0 and 1."""
    rng = np.random.default_rng(seed)
    largest = rng.choice([12, 60, 400])
    n = rng.integers(3, largest, k)
    x = rng.binomial(n, expit(rng.normal(-1, 1) + rng.choice([0.1, 0.7, 2.0]) * rng.normal(size=k)))
    copies = members(all_subsets(k), k).astype(float)
    events, total = copies @ x, copies @ n
    copies = copies[(copies.sum(axis=1) > 1) & (events > 0) & (events < total)]
    return x.astype(float), n.astype(float), copies


def lanes(x, n, copies):
    return np.where(copies > 0, x, 1.0), np.where(copies > 0, n, 2.0), copies


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_counts(kind, seed):
    x, n, copies = drawn(seed)
    whole = CountSurface(x[None], n[None], np.ones((1, x.size)), **kind)
    with np.errstate(all="ignore"):
        found = normal_fit(normal_table(whole), CountSurface(*lanes(x, n, copies), **kind))
        some = np.random.default_rng(seed).choice(len(copies), min(40, len(copies)), replace=False)
        exact = binomial_normal.fit(CountSurface(*lanes(x, n, copies[some]), **kind))
    assert (found.reason[some] == exact.reason).all()
    bounded = exact.reason == binomial_normal.OK
    part = found.take(some)
    # what the likelihood says of two hills of one height is a matter of rounding
    assert (part.top[bounded] > exact.top[bounded] - 1e-8).all()
    apart = bounded & (part.top < exact.top + 1e-8)
    np.testing.assert_allclose(part.mu[apart], exact.mu[apart], atol=SAME, rtol=SAME)
    np.testing.assert_allclose(part.tau[apart] ** 2, exact.tau[apart] ** 2, rtol=SAME, atol=1e-10)
    for name in ("se", "loglik", "loglik_common", "loglik_saturated"):
        ours, theirs = getattr(part, name)[apart], getattr(exact, name)[apart]
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("seed", range(6))
def test_beta_binomial(seed):
    x, n, copies = drawn(seed)
    with np.errstate(all="ignore"):
        found = beta_fit(beta_table(x, n), *lanes(x, n, copies))
        exact = beta_binomial.fit(*lanes(x, n, copies))
    assert (found.reason == exact.reason).all()
    for name in ("mu", "rho", "loglik", "loglik_common"):
        ours, theirs = getattr(found, name), getattr(exact, name)
        np.testing.assert_allclose(ours, theirs, rtol=SAME, atol=SAME, err_msg=name)


def test_most_maxima_need_no_likelihood_of_their_own():
    x, n, copies = drawn(1, k=11)
    table = normal_table(CountSurface(x[None], n[None], np.ones((1, x.size))))
    events, total = copies @ x, copies @ n
    assert maxima(table, copies, np.log(events / (total - events))).sure.mean() > 0.95


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("seed", range(6))
def test_likelihoods_of_effects(method, seed):
    rng = np.random.default_rng(seed)
    k = 10
    v = rng.choice([1.0, 1e-3, 1e-8], k, p=[0.7, 0.2, 0.1]) * rng.uniform(0.05, 1, k)
    y = rng.choice([0.01, 1.0, 3.0]) * rng.normal(size=k) + rng.normal(size=k) * np.sqrt(v)
    y[1] = y[0]
    copies = members(all_subsets(k), k).astype(float)
    assert one_set(Lanes(*np.broadcast_arrays(y, v, copies))) is not None
    found = TAU2[method](y, v, copies)
    alone = np.array([float(TAU2[method](y, v, lane).value) for lane in copies[::7]])
    np.testing.assert_allclose(found.value[::7], alone, rtol=1e-7, atol=1e-12)
    assert found.converged.all()


def test_scores_of_subsets_are_those_of_lanes():
    rng = np.random.default_rng(0)
    y, v = rng.normal(size=6), rng.uniform(0.1, 1, 6)
    copies = members(all_subsets(6), 6)[rng.permutation(63)]
    copies = copies[copies.sum(axis=1) > 1].astype(float)
    batch = Lanes(*np.broadcast_arrays(y, v, copies))
    for restricted in (True, False):
        found = scores(batch.copies, (y, v), np.array([0.0, 0.7]), restricted)
        for i, tau2 in enumerate((0.0, 0.7)):
            expected = batch.score(np.full(len(batch), tau2), restricted)
            for ours, theirs in zip(found, expected, strict=True):
                np.testing.assert_allclose(ours[i], theirs, rtol=1e-9)
    other = np.broadcast_to(y, copies.shape) + np.arange(len(copies))[:, None]
    assert one_set(Lanes(other, np.broadcast_to(v, copies.shape), copies)) is None
