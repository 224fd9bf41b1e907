"""Profile limits put back into the profile, against a reference, and batch against loop and repeat."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import optimize, stats

from metaresp.kernel.counts import binomial_normal
from metaresp.kernel.counts.profile_limits import mu_limits, tau_limits
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.numerics import profile
from tests.datasets import NAMES, counts, reference
from tests.kernel.test_binomial_normal import random_lanes

REFERENCE = 1e-4  # the reference's root finder, and Nelder-Mead before it
FALL = stats.chi2.ppf(0.95, 1)
SAME = 1e-7  # a fall of 1e-11 in the log-likelihood, divided by the slope of a flat profile


def fitted(x, n, copies=None):
    copies = np.ones_like(x) if copies is None else copies
    return binomial_normal.fit(CountSurface(x, n, copies))


def data(name):
    x, n = counts(name)
    return x[None].astype(float), n[None].astype(float)


def highest(x, n, *, mu=None, tau=None):
    """The profile by a slow independent maximiser: many starts, scipy's bounded search."""

    def minus(m, t):
        return -CountSurface(x, n, np.ones_like(x)).at(np.array([m]), np.array([t])).value[0]

    def lowest(function, *bounds):
        return optimize.minimize_scalar(
            function, bounds=bounds, method="bounded", options={"xatol": 1e-9}
        ).fun

    if mu is None:
        return -lowest(lambda m: minus(m, tau), -30, 30)
    pieces = pairwise([0, 0.3, 0.8, 1.6, 3, 6, 12, 25])
    return -min(minus(mu, 0.0), *(lowest(lambda t: minus(mu, t), a, b) for a, b in pieces))


PROFILED = [name for name in NAMES if "profile_ci" in reference(name)["glmm"].get("exact_logit_ML", {})]


@pytest.mark.parametrize("name", PROFILED)
def test_reference(name):
    x, n = data(name)
    fit = fitted(x, n)
    limits = mu_limits(CountSurface(x, n, np.ones_like(x)), fit, np.array([FALL]))
    expected = reference(name)["glmm"]["exact_logit_ML"]["profile_ci"]
    np.testing.assert_allclose([limits.low[0], limits.high[0]], expected, atol=REFERENCE)


def test_four_datasets_have_the_reference():
    assert len(PROFILED) == 4


@pytest.mark.parametrize("k", [2, 3, 6])
def test_limits_of_mu_put_back(k):
    x, n = random_lanes(20 + k, 10, k)
    fit = fitted(x, n)
    limits = mu_limits(CountSurface(x, n, np.ones_like(x)), fit, np.full(len(x), FALL))
    for i in range(len(x)):
        for limit in (limits.low[i], limits.high[i]):
            fall = 2 * (fit.top[i] - highest(x[i : i + 1], n[i : i + 1], mu=limit))
            assert fall == pytest.approx(FALL, abs=1e-6), (x[i], n[i], limit)


@pytest.mark.parametrize("k", [3, 6])
def test_limits_of_tau_put_back(k):
    x, n = random_lanes(40 + k, 12, k)
    fit = fitted(x, n)
    limits = tau_limits(CountSurface(x, n, np.ones_like(x)), fit, np.full(len(x), FALL))
    assert (limits.low <= fit.tau).all()
    assert (limits.high >= fit.tau).all()
    for i in range(len(x)):
        for limit in (limits.low[i], limits.high[i]):
            if 0 < limit < np.inf:
                fall = 2 * (fit.top[i] - highest(x[i : i + 1], n[i : i + 1], tau=limit))
                assert fall == pytest.approx(FALL, abs=1e-5), (x[i], n[i], limit)
        if limits.low[i] == 0:
            assert 2 * (fit.top[i] - fit.top_common[i]) <= FALL + 1e-9


def test_batch_equals_loop_and_copies_equal_repeat():
    x, n = random_lanes(7, 40, 5)
    copies = np.random.default_rng(1).integers(0, 3, x.shape).astype(float)
    usable = ((copies * x).sum(1) > 0) & ((copies * x).sum(1) < (copies * n).sum(1)) & (copies.sum(1) > 1)
    x, n, copies = x[usable], n[usable], copies[usable]
    fit = fitted(x, n, copies)
    fall = np.full(len(x), FALL)
    together = (
        *mu_limits(CountSurface(x, n, copies), fit, fall),
        *tau_limits(CountSurface(x, n, copies), fit, fall),
    )
    for i in range(len(x)):
        xs, ns = (np.repeat(a[i], copies[i].astype(int))[None] for a in (x, n))
        one = fitted(xs, ns)
        alone = (
            *mu_limits(CountSurface(xs, ns, np.ones_like(xs)), one, fall[:1]),
            *tau_limits(CountSurface(xs, ns, np.ones_like(xs)), one, fall[:1]),
        )
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_allclose(a[0], b[i], rtol=SAME, atol=SAME)


def test_mirror():
    x, n = random_lanes(9, 60, 4)
    fall = np.full(len(x), FALL)
    a = mu_limits(CountSurface(x, n, np.ones_like(x)), fitted(x, n), fall)
    b = mu_limits(CountSurface(n - x, n, np.ones_like(x)), fitted(n - x, n), fall)
    np.testing.assert_allclose(a.low, -b.high, rtol=1e-6, atol=1e-6)


def test_wider_for_a_higher_level():
    x, n = random_lanes(10, 60, 4)
    fit = fitted(x, n)
    narrow, wide = (
        mu_limits(CountSurface(x, n, np.ones_like(x)), fit, np.full(len(x), f)) for f in (2.7, 6.6)
    )
    assert (wide.low < narrow.low).all()
    assert (wide.high > narrow.high).all()


def test_far_limits_at_three_studies_settle_without_bisection(monkeypatch):
    """A squared t quantile on 2 df: tau follows mu far out, and the profile falls with a logarithm."""
    x, n = random_lanes(12, 60, 3)
    fit = fitted(x, n)
    usable = fit.reason == binomial_normal.OK
    x, n, fall = x[usable], n[usable], np.full(int(usable.sum()), 18.5)
    fit = fitted(x, n)
    monkeypatch.setattr(profile, "_bracket", None)
    limits = mu_limits(CountSurface(x, n, np.ones_like(x)), fit, fall)
    for i in range(0, len(x), 6):
        for limit in (limits.low[i], limits.high[i]):
            depth = 2 * (fit.top[i] - highest(x[i : i + 1], n[i : i + 1], mu=limit))
            assert depth == pytest.approx(18.5, abs=1e-5), (x[i], n[i], limit)
