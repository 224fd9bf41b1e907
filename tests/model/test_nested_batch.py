"""pool_batch(cluster=): lanes of studies nested in clusters are fits of their studies."""

import numpy as np
import pytest
from scipy import special, stats

import metaresp as mr
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.nested.groups import mean_gain
from metaresp.model.registry import NESTED
from tests.kernel import one_lane as tl

SAME = 2e-6  # of rates: two ways to the same maximum
CLUSTER = np.repeat(np.arange(5), [1, 2, 3, 2, 2])
NUMBERS = ("rate", "tau2", "se", "df", "mean_rate", "tau2_between", "tau2_within")
HETEROGENEITY = ("Q", "lrt", "lrt_pvalue", "I2")


def drawn(seed, largest=40, rate=0.35):
    rng = np.random.default_rng(seed)
    k = CLUSTER.size
    n = rng.integers(5, largest, k)
    logit = special.logit(rate) + 0.8 * rng.normal(size=5)[CLUSTER] + 0.5 * rng.normal(size=k)
    return rng.binomial(n, special.expit(logit)), n


def copies():
    """Everything; without a study, without a cluster; twice; one cluster; one study in each; one study."""
    k = CLUSTER.size
    rows = [np.ones(k), 1 - np.eye(k)[4], CLUSTER != 2, CLUSTER != 0, CLUSTER == 2]
    rows += [np.isin(np.arange(k), (0, 1, 4)), np.eye(k)[3]]
    bootstrap = np.random.default_rng(0).integers(0, 3, (2, k))
    return np.concatenate([np.array(rows), bootstrap]).astype(int)


def one_by_one(x, n, lane, **options):
    order = np.repeat(np.arange(CLUSTER.size), lane)
    return mr.pool(events=x[order], n=n[order], cluster=CLUSTER[order].tolist(), **options)


def check(batch, i, fit):
    mine = [getattr(batch, name)[i] for name in NUMBERS + HETEROGENEITY]
    theirs = [getattr(fit, name) for name in NUMBERS]
    theirs += [getattr(fit.heterogeneity, name) for name in HETEROGENEITY]
    np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=SAME)
    ends = [batch.low[i], batch.high[i], batch.mean_low[i], batch.mean_high[i]]
    np.testing.assert_allclose(ends, [*fit.rate_ci, *fit.mean_rate_ci], atol=SAME)
    new = fit.prediction_interval or (np.nan, np.nan)
    np.testing.assert_allclose([batch.prediction_low[i], batch.prediction_high[i]], new, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ci": "profile-t", "prediction": "t"},
        {"ci": "t", "prediction": None},
        {"model": "inverse-variance"},
        {"model": "inverse-variance", "transform": "arcsine", "ci": "t"},
    ],
)
def test_batch_equals_loop_with_copies(options):
    x, n = drawn(1)
    lanes = copies()
    batch = mr.pool_batch(x, n, lanes, cluster=CLUSTER, **options)
    for i, lane in enumerate(lanes):
        check(batch, i, one_by_one(x, n, lane, **options))


@pytest.mark.parametrize("ci", ["CR1", "CR2"])
def test_robust_errors_count_copies_as_studies(ci):
    x, n = drawn(2)
    lanes = copies()
    batch = mr.pool_batch(x, n, lanes, cluster=CLUSTER, model="inverse-variance", ci=ci)
    for i, lane in enumerate(lanes):
        if np.unique(CLUSTER[lane > 0]).size > 1:
            check(batch, i, one_by_one(x, n, lane, model="inverse-variance", ci=ci))
    assert np.isnan(batch.low[4])  # one cluster has none


@pytest.mark.parametrize("model", NESTED)
def test_leading_axes_labels_and_counts_of_every_lane(model):
    sets = [drawn(seed) for seed in range(4)]
    x, n = (np.array(part).reshape(2, 2, -1) for part in zip(*sets, strict=True))
    names = [f"centre {c}" for c in CLUSTER]
    batch = mr.pool_batch(x, n, cluster=names, model=model)
    assert batch.rate.shape == (2, 2)
    for i, j in np.ndindex(2, 2):
        fit = mr.pool(events=x[i, j], n=n[i, j], cluster=names, model=model)
        assert (batch.rate[i, j], batch.low[i, j]) == pytest.approx((fit.rate, fit.rate_ci.low), abs=SAME)
    assert batch.to_frame()["tau2_between"].notna().all()


@pytest.mark.parametrize("model", NESTED)
def test_awkward_lanes(model):
    """No event; nothing but events; each cluster wholly at an edge; each study; a giant; one patient each."""
    cluster = np.array([0, 0, 1, 1, 2])
    n = np.array([[5, 9, 4, 7, 8]] * 4 + [[5, 9, 4, 10**9, 8], [1] * 5])
    x = np.array([[0] * 5, n[1], [0, 0, 4, 7, 0], [0, 9, 0, 7, 0], [2, 3, 0, 20, 3], [0, 1, 1, 0, 1]])
    with np.errstate(all="raise"):
        batch = mr.pool_batch(x, n, cluster=cluster, model=model)
    for i in range(len(x)):
        fit = mr.pool(events=x[i], n=n[i], cluster=cluster.tolist(), model=model)
        ends = (fit.rate, *fit.rate_ci)
        assert (batch.rate[i], batch.low[i], batch.high[i]) == pytest.approx(ends, abs=SAME)
        assert 0 <= batch.low[i] <= batch.rate[i] <= batch.high[i] <= 1


def test_labels_that_do_not_fit_are_errors():
    x, n = drawn(1)
    with pytest.raises(mr.InvalidArgument, match="one label for each of 10"):
        mr.pool_batch(x, n, cluster=[1, 2])
    with pytest.raises(mr.InvalidStudies, match=r"cluster\[3\] is missing"):
        mr.pool_batch(x, n, cluster=[*"abc", None, *"aabbcc"])
    with pytest.raises(mr.InvalidArgument, match="beta-binomial"):
        mr.pool_batch(x, n, cluster=CLUSTER, model="beta-binomial")
    assert mr.pool_batch(np.empty((0, 10)), n, cluster=CLUSTER).rate.shape == (0,)


# ---- links


def by_integration(link, x, n, cluster, at):
    """Log-likelihood less the saturated one, on plain grids of both standard normal effects."""
    mu, between, within = at
    z, w = np.polynomial.legendre.leggauss(1200)
    z, w = 8.5 * z, 8.5 * w * stats.norm.pdf(8.5 * z)
    total = 0.0
    for c in np.unique(cluster):
        product = w.copy()
        for i in np.flatnonzero(cluster == c):
            p = np.clip(LINKS[link].rate(mu + between * z[:, None] + within * z), 1e-25, 1 - 1e-16)
            product *= stats.binom.pmf(x[i], n[i], p) @ w
        total += np.log(product.sum())
    return total - stats.binom.logpmf(x, n, x / n).sum()


@pytest.mark.parametrize("link", LINKS)
def test_likelihood_of_every_link_with_its_derivatives(link):
    x, n, cluster = np.array([0.0, 3, 7, 5]), np.array([6.0, 7, 9, 20]), np.array([0, 0, 1, 1])
    data, _ = tl.arrange(x, n, cluster, link=link)
    kink = 1e-4 if link == "log" else 1e-10  # the plain grid knows nothing of the rate of 1
    for at in ((-0.7, 0.8, 0.4), (-0.7, 6.0, 0.0), (-1.0, 0.4, 0.05), (-1.2, 0.3, 0.0), (-0.7, 0.0, 0.5)):
        with np.errstate(all="ignore"):
            expected = by_integration(link, x, n, cluster, at)
        here, side = tl.evaluate(data, np.array(at)), 1e-4
        assert here.value == pytest.approx(expected, abs=kink)
        for i in (0, 1, 2):
            if at[i] != 0:
                up, down = (tl.evaluate(data, np.array(at) + s * side * np.eye(3)[i]) for s in (1, -1))
                assert here.gradient[i] == pytest.approx((up.value - down.value) / (2 * side), abs=2e-5)


@pytest.mark.parametrize(
    "link",
    ["probit", *(pytest.param(link, marks=pytest.mark.slow) for link in ("cloglog", "cauchit", "log"))],
)
def test_fits_on_every_link(link):
    x, n = drawn(3)
    lanes = copies()[[2, 3]]
    batch = mr.pool_batch(x, n, lanes, cluster=CLUSTER, link=link, prediction=None)
    for i, lane in enumerate(lanes):
        fit = one_by_one(x, n, lane, link=link, prediction=None)
        ends = (fit.rate, *fit.rate_ci)
        assert (batch.rate[i], batch.low[i], batch.high[i]) == pytest.approx(ends, abs=SAME)
    for limit in [end for end in fit.rate_ci if end < 1]:
        assert fit.test(limit).pvalue == pytest.approx(0.05, abs=1e-6)
    truths = fit.study_rates()
    assert ((truths.shrunken_low <= truths.shrunken) & (truths.shrunken <= truths.shrunken_high)).all()
    assert f"{link} link" in fit.model_label


@pytest.mark.parametrize("link", LINKS)
def test_one_study_each_is_the_ordinary_fit_on_every_link(link):
    x, n = drawn(4)
    data, _ = tl.arrange(x, n, np.arange(x.size), link=link)
    flat = mr.pool(events=x, n=n, link=link, ci="t", prediction=None)
    from metaresp.kernel.nested.counts import fit_nested_binomial

    fit = fit_nested_binomial(data)
    assert (fit.mu[0], fit.se[0], fit.tau_between[0] ** 2) == pytest.approx(
        (flat.estimate, flat.se, flat.tau2), rel=1e-5, abs=1e-6
    )


# ---- the mean over trials


def test_interval_of_the_mean_rate_has_its_own_profile():
    x, n = drawn(6)
    fit = mr.pool(events=x, n=n, cluster=CLUSTER.tolist(), prediction=None)
    for limit in fit.mean_rate_ci:
        assert fit.test(limit, of="mean").pvalue == pytest.approx(0.05, abs=1e-6)
    assert fit.mean_rate_ci.low < fit.mean_rate < fit.mean_rate_ci.high
    assert fit.test(fit.mean_rate, of="mean").pvalue == pytest.approx(1, abs=1e-3)
    from metaresp.kernel.nested.counts import fit_nested_binomial
    from metaresp.kernel.nested.mean_rate import mean_limits

    data, _ = tl.arrange(x, n, np.arange(x.size))
    ends = mean_limits(data, fit_nested_binomial(data).best, np.array([3.841458820694124]))
    flat = mr.pool(events=x, n=n, ci="profile", prediction=None)
    assert [special.expit(end[0]) for end in ends] == pytest.approx(flat.mean_rate_ci, abs=SAME)


def test_chart_of_means_has_its_derivatives():
    from metaresp.kernel.nested.mean_rate import means

    data, _ = tl.arrange(*drawn(6), CLUSTER)
    chart, side = means(data), 1e-4
    at = np.array([[-0.5, 0.8, 0.4], [0.3, 0.0, 0.7], [-0.2, 1.3, 0.0], [-0.4, 0.0, 0.0]])
    here = tl.at_chart(chart, at, 30.0, 1)
    for i in range(3):
        up, down = (tl.at_chart(chart, chart.fold(at + s * side * np.eye(3)[i]), 30.0, 1) for s in (1, -1))
        np.testing.assert_allclose(here.gradient[:, i], (up.value - down.value) / (2 * side), atol=1e-5)
        second = (up.value - 2 * here.value + down.value) / side**2
        np.testing.assert_allclose(here.hessian[:, i, i], second, rtol=1e-4, atol=1e-4)


# ---- one mean for groups


@pytest.mark.parametrize("zero", [False, True])
def test_gain_of_a_mean_for_each_group_by_a_plain_search(zero):
    x, n = drawn(5)
    first = CLUSTER < 2
    lanes = np.array([first, ~first]).astype(float)
    x = np.where(first & zero, 0, x)
    from metaresp.kernel.nested.counts import arrange, fall_at, fit_nested_binomial

    data = arrange(np.tile(x, (2, 1)).astype(float), np.tile(n, (2, 1)).astype(float), CLUSTER, lanes)
    places = np.linspace(-6, 2, 161)
    falls = np.zeros_like(places)
    for i in range(2):
        one = data.take(np.array([i]))
        fit = fit_nested_binomial(one)
        rows = np.zeros(places.size, np.int64)
        if np.isfinite(fit.mu[0]):
            falls += fall_at(one, fit.best, places, rows)
        else:  # no spread
            falls += 2 * (one.n * one.copies).sum() * np.log1p(np.exp(places))
    found = mean_gain(data)
    assert found <= falls.min() + 1e-9
    assert found == pytest.approx(falls.min(), abs=0.02)
