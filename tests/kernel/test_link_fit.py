"""The binomial-normal fit on every link: lme4, more nodes, brute force, limits put back, awkward data."""

import numpy as np
import pytest

import metaresp as mr
from metaresp.kernel.counts import binomial_normal, intervals
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.profile_limits import mu_limits
from metaresp.kernel.counts.surface import CountSurface
from tests.datasets import NAMES, counts, reference
from tests.kernel.test_binomial_normal import random_lanes

LME4 = 1e-4
OTHERS = [name for name in LINKS if name != "logit"]
FALL = 3.841458820694124


def content(value):
    """Return what a value is known by: arrays by their numbers, a fit by its fields."""
    if isinstance(value, tuple):
        return tuple(map(content, value))
    return (value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value


@pytest.fixture(autouse=True, scope="module")
def one_prediction_for_every_interval():
    """Let the intervals of one data set share its prediction, which takes most of their time."""
    work, known = intervals.tau_mixture, {}

    def shared(*arguments):
        key = content(arguments)
        if key not in known:
            known[key] = work(*arguments)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "tau_mixture", shared)
        yield


def data(name):
    x, n = counts(name)
    return x[None].astype(float), n[None].astype(float), np.ones((1, x.size))


REFERENCES = [
    (name, link)
    for name in NAMES
    for link in ("probit", "cloglog")
    if "estimate" in reference(name)["glmm"].get(f"lme4_{link}_nAGQ25", {})
]


@pytest.mark.parametrize(("name", "link"), REFERENCES)
def test_lme4(name, link):
    expected = reference(name)["glmm"][f"lme4_{link}_nAGQ25"]
    found = binomial_normal.fit(CountSurface(*data(name), link))
    assert found.mu[0] == pytest.approx(expected["estimate"], abs=LME4)
    assert found.tau[0] ** 2 == pytest.approx(expected["tau2"], abs=LME4)
    assert found.se[0] == pytest.approx(expected["se"], rel=1e-3)


def test_lme4_has_fits_of_both_links():
    assert len(REFERENCES) >= 4


@pytest.mark.parametrize("link", OTHERS)
@pytest.mark.parametrize("name", NAMES)
def test_doubling_the_nodes_changes_nothing(name, link):
    one, two = (binomial_normal.fit(CountSurface(*data(name), link), refine) for refine in (1, 2))
    for field in ("mu", "tau", "se", "loglik"):
        np.testing.assert_allclose(getattr(one, field), getattr(two, field), atol=1e-8, rtol=1e-8)


@pytest.mark.parametrize("link", OTHERS)
def test_rare_events_make_logit_cloglog_and_log_one_scale(link):
    """At a rate of 2 in 10,000 the three scales are the same, and cauchit is -1 / (pi rate)."""
    rates = {
        name: LINKS[name].rate(binomial_normal.fit(CountSurface(*data("crisafulli2020"), name)).mu)[0]
        for name in ("logit", link)
    }
    assert rates[link] == pytest.approx(rates["logit"], rel=1e-2 if link == "cauchit" else 1e-3)


@pytest.mark.parametrize("link", OTHERS)
def test_never_below_a_brute_force_grid(link):
    x, n = random_lanes(3, 12, 4)
    found = binomial_normal.fit(CountSurface(x, n, np.ones_like(x), link))
    y = LINKS[link].forward((x + 0.5) / (n + 1))
    for i in range(len(x)):
        width = max(np.ptp(y[i]), 0.5)
        low, high = y[i].min() - width / 2, y[i].max() + width / 2
        top = min(4 * width, LINKS[link].tau_max)
        mus, taus = np.meshgrid(np.linspace(low, high, 31), np.r_[0, np.geomspace(0.02, top, 14)])
        xs, ns = (np.broadcast_to(a[i], (mus.size, 4)) for a in (x, n))
        grid = CountSurface(xs, ns, np.ones((mus.size, 4)), link).at(mus.ravel(), taus.ravel())
        assert found.loglik[i] >= grid.value.max() + found.loglik_saturated[i] - 1e-8, (x[i], n[i])


@pytest.mark.parametrize("link", OTHERS)
def test_limits_of_mu_put_back(link):
    x, n = random_lanes(5, 12, 5)
    copies = np.ones_like(x)
    fit = binomial_normal.fit(CountSurface(x, n, copies, link))
    limits = mu_limits(CountSurface(x, n, copies, link), fit, np.full(len(x), FALL))
    for limit in limits:
        profile = np.full(len(x), -np.inf)
        for tau in np.r_[0.0, np.geomspace(0.01, LINKS[link].tau_max, 200)]:
            s = CountSurface(x, n, copies, link).at(limit, np.full(len(x), tau))
            profile = np.maximum(profile, s.value)
        fall = 2 * (fit.loglik - fit.loglik_saturated - profile)
        inside = np.abs(limit) < 0.99 * LINKS[link].farthest
        assert inside.sum() > 6
        np.testing.assert_allclose(fall[inside], FALL, atol=2e-2)  # the grid's best is below the hill's top


@pytest.mark.parametrize("link", ["probit", "cauchit"])
def test_symmetric_links_mirror(link):
    x, n = random_lanes(6, 20, 5)
    a, b = (binomial_normal.fit(CountSurface(e, n, np.ones_like(x), link)) for e in (x, n - x))
    np.testing.assert_allclose(a.mu, -b.mu, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(a.tau, b.tau, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("link", OTHERS)
def test_batch_equals_loop_and_copies_equal_repeat(link):
    rng = np.random.default_rng(8)
    x, n = random_lanes(8, 14, 5)
    copies = rng.integers(0, 3, x.shape).astype(float)
    usable = ((copies * x).sum(1) > 0) & ((copies * x).sum(1) < (copies * n).sum(1)) & (copies.sum(1) > 1)
    x, n, copies = x[usable], n[usable], copies[usable]
    together = binomial_normal.fit(CountSurface(x, n, copies, link))
    for i in range(len(x)):
        xs, ns = (np.repeat(a[i], copies[i].astype(int))[None] for a in (x, n))
        alone = binomial_normal.fit(CountSurface(xs, ns, np.ones_like(xs), link))
        if together.reason[i] == binomial_normal.OK:
            for field in ("mu", "tau", "se", "loglik"):
                np.testing.assert_allclose(
                    getattr(alone, field)[0], getattr(together, field)[i], rtol=1e-6, atol=1e-6
                )


AWKWARD = {
    "all at zero": ([0, 0, 0], [18, 12, 7]),
    "all at n": ([3, 4], [3, 4]),
    "opposite": ([0, 7], [7, 7]),
    "one study": ([5], [9]),
    "one event": ([1, 0, 0], [24, 15, 18]),
    "one patient each": ([1, 1, 0], [1, 1, 1]),
    "giant": ([300_000_000, 1, 2], [1_000_000_000, 5, 10]),
    "nearly all": ([20, 20, 20, 19], [20, 20, 20, 20]),
    "most at n": ([5, 5, 3], [5, 5, 7]),
    "far apart": ([0, 2, 0, 0], [4, 2, 6, 2]),
}


@pytest.mark.parametrize("link", OTHERS)
@pytest.mark.parametrize("ci", ["t", "profile", "profile-t", "bartlett"])
@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_data_have_an_answer(name, ci, link):
    fit = mr.pool(events=AWKWARD[name][0], n=AWKWARD[name][1], link=link, ci=ci)
    assert 0 <= fit.rate_ci.low <= fit.rate <= fit.rate_ci.high <= 1
    assert 0 <= fit.mean_rate <= 1 + 1e-12
    if name in {"all at zero", "all at n", "opposite", "one study", "one patient each", "far apart"}:
        assert fit.is_exact
    else:
        assert np.isfinite([fit.estimate, fit.se, fit.tau2, fit.loglik]).all()
        assert fit.heterogeneity.I2 >= 0
    assert fit.weights.sum() == pytest.approx(100)


def test_opposite_extremes_stay_at_one_half():
    for link in LINKS:
        assert mr.pool(events=[0, 7], n=[7, 7], link=link).rate == 0.5


@pytest.mark.parametrize("link", OTHERS)
def test_random_sets(link):
    """A short version of a run over 3,000 sets: no exception, no nan, limits around the estimate."""
    rng = np.random.default_rng(20)
    for k in (1, 2, 3, 8):
        n = np.floor(10 ** rng.uniform(0, rng.choice([1, 2, 6], (8, 1)), (8, k))).astype(int)
        theta = rng.choice([-5, -2, 0, 2, 5], (8, 1)) + rng.choice([0, 0.5, 4], (8, 1)) * rng.normal(
            size=(8, k)
        )
        x = rng.binomial(n, 1 / (1 + np.exp(-theta)))
        batch = mr.pool_batch(x, n, link=link, ci="profile")
        assert batch.converged.all()
        assert (batch.low >= 0).all()
        assert (batch.low <= batch.rate).all()
        assert (batch.rate <= batch.high).all()
        assert (batch.high <= 1).all()
        assert np.isfinite(batch.mean_rate).all()


def test_words_and_tests_name_the_link():
    fit = mr.pool(mr.datasets.load("pritz1997"), link="probit")
    assert "probit link" in str(fit)
    assert fit.tau2_ci().low < fit.tau2 < fit.tau2_ci().high
    assert 0 < fit.probability_above(0.5) < 1
    assert fit.test(fit.rate_ci.low).pvalue == pytest.approx(0.05)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("ci", ["profile", "profile-t", "bartlett"])
def test_a_limit_has_the_p_value_of_its_level(link, ci):
    fit = mr.pool(events=[13, 4, 9, 2], n=[18, 7, 15, 20], link=link, ci=ci, level=0.9)
    for limit, side in zip(fit.rate_ci, ("greater", "less"), strict=True):
        if 1e-9 < limit < 1 - 1e-9:
            assert fit.test(limit).pvalue == pytest.approx(0.1, abs=1e-6)
            assert fit.test(limit, alternative=side).pvalue == pytest.approx(0.05, abs=1e-6)
    assert fit.test(fit.rate).pvalue > 0.999 or fit.rate == 1
