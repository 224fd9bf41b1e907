"""The rate averaged over trials: its interval against a definition, its p-value, batches, other models."""

import numpy as np
import pytest
from scipy import optimize, special, stats

import metaresp as mr
from metaresp.kernel.counts.mean_rate import MeanSurface
from metaresp.kernel.counts.surface import CountSurface

EVENTS, PATIENTS = [13, 4, 9, 0, 7, 11], [18, 7, 15, 18, 20, 22]
SPARSE = [0, 0, 3, 1, 2, 0], [18, 22, 21, 30, 15, 40]
OPTIONS = [
    *({"ci": ci} for ci in ("bartlett", "profile", "profile-t", "profile-f", "t", "normal")),
    {"link": "probit"},
    {"link": "cauchit", "ci": "profile"},
    {"penalty": ("half-normal", 1)},
    {"model": "beta-binomial"},
    {"model": "common"},
    {"model": "inverse-variance"},
    {"model": "inverse-variance", "transform": "freeman-tukey"},
    {"model": "inverse-variance", "transform": "identity"},
    {"cluster": list("aabbcc")},
]


def loglik(events, n, mu, tau):
    z = np.linspace(-9, 9, 2001)
    p = special.expit(mu + tau * z)
    each = stats.binom.pmf(np.array(events)[:, None], np.array(n)[:, None], p) @ stats.norm.pdf(z)
    mean = special.expit(mu + tau * z) @ stats.norm.pdf(z) * (z[1] - z[0])
    return np.log(np.maximum(each * (z[1] - z[0]), 1e-300)).sum(), mean


def profile(events, n, mean):
    """The highest log-likelihood among (mu, tau) with this mean rate: mu is solved for at each tau."""

    def cost(tau):
        mu = optimize.brentq(lambda m: loglik(events, n, m, tau)[1] - mean, -25, 25)
        return -loglik(events, n, mu, tau)[0]

    return max(
        -optimize.minimize_scalar(cost, bounds=ends, method="bounded").fun
        for ends in ((0, 0.7), (0.7, 2), (2, 6))
    )


@pytest.mark.parametrize(("events", "n"), [(EVENTS, PATIENTS), SPARSE])
def test_the_interval_is_that_of_the_profile_of_the_mean(events, n):
    fit = mr.pool(events=events, n=n, ci="profile")
    top = loglik(events, n, fit.estimate, fit.tau)[0]
    assert loglik(events, n, fit.estimate, fit.tau)[1] == pytest.approx(fit.mean_rate, abs=1e-9)
    for limit in fit.mean_rate_ci:
        fall = 2 * (top - profile(events, n, limit))
        assert fall == pytest.approx(stats.chi2.ppf(0.95, 1), abs=2e-4)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("events", "n"), [(EVENTS, PATIENTS), SPARSE])
def test_the_p_value_of_a_limit_is_the_level(events, n, options):
    fit = mr.pool(events=events, n=n, **options)
    low, high = fit.mean_rate_ci
    assert 0 <= low <= fit.mean_rate <= high <= 1
    for limit in (low, high):
        # limits beyond the ends of a scale are clipped
        if 1e-9 < limit < 1 - 1e-9 and "transform" not in options:
            assert fit.test(limit, of="mean").pvalue == pytest.approx(0.05, abs=1e-4)
    inside = fit.test(0.5 * (low + fit.mean_rate), of="mean")
    assert inside.pvalue > 0.05
    assert inside.of == "mean"


def test_the_derivatives_of_the_surface():
    x, n = (np.array([a]) for a in (np.array(EVENTS, float), np.array(PATIENTS, float)))
    surface, row, h = MeanSurface(CountSurface(x, n, np.ones_like(x))), np.array([0]), 1e-5
    at = np.array([-0.4]), np.array([0.9])
    here = surface.local(row, *at)
    for which, first, second in ((0, "d_a", "d_a_a"), (1, "d_b", "d_b_b")):
        up, down = (
            surface.local(row, *(v + side * h * (i == which) for i, v in enumerate(at))) for side in (1, -1)
        )
        np.testing.assert_allclose(getattr(here, first), (up.value - down.value) / (2 * h), rtol=1e-6)
        bend = (getattr(up, first) - getattr(down, first)) / (2 * h)
        np.testing.assert_allclose(getattr(here, second), bend, rtol=1e-6)
        cross = ("d_b", "d_a")[which]
        np.testing.assert_allclose(
            here.d_a_b, (getattr(up, cross) - getattr(down, cross)) / (2 * h), rtol=1e-6
        )


def test_without_spread_and_where_exact_the_mean_is_the_rate():
    same = mr.pool(events=[3, 4, 5], n=[20, 26, 33])
    assert same.tau2 == 0
    assert same.mean_rate == pytest.approx(same.rate)
    nothing = mr.pool(events=[0, 0, 0], n=[18, 12, 7])
    assert nothing.mean_rate_ci == nothing.rate_ci


def test_a_batch_is_a_loop_and_json_comes_back():
    batch = mr.pool_batch([EVENTS, [0] * 6, SPARSE[0]], [PATIENTS, PATIENTS, SPARSE[1]])
    for i, (events, n) in enumerate([(EVENTS, PATIENTS), ([0] * 6, PATIENTS), SPARSE]):
        fit = mr.pool(events=events, n=n)
        assert (batch.mean_low[i], batch.mean_high[i]) == pytest.approx(fit.mean_rate_ci, rel=1e-7, abs=1e-12)
    assert mr.Fit.from_dict(fit.to_dict()) == fit
    assert f"({100 * fit.mean_rate_ci.low:.1f}" in str(fit) or "Mean over trials" in str(fit)


@pytest.mark.parametrize("ratio", [0.3, 1.0, 1.6])
def test_mirrored_counts_give_the_mirrored_interval(ratio):
    rng = np.random.default_rng(int(10 * ratio))
    n = rng.integers(10, 60, 7)
    x = rng.binomial(n, special.expit(-1 + ratio * rng.standard_normal(7)))
    x[0] = max(x[0], 1)
    one, other = mr.pool(events=x, n=n), mr.pool(events=n - x, n=n)
    assert one.mean_rate_ci.low == pytest.approx(1 - other.mean_rate_ci.high, abs=1e-8)
    assert one.mean_rate_ci.high == pytest.approx(1 - other.mean_rate_ci.low, abs=1e-8)


def test_of_names_what_is_tested():
    with pytest.raises(mr.UnknownName, match="of="):
        mr.pool(events=EVENTS, n=PATIENTS).test(0.2, of="median")


@pytest.mark.parametrize("ci", ["profile", "bartlett"])
def test_a_tau_far_beyond_what_logits_have(ci):
    events, n = [0, 32, 0, 26, 53, 0, 12, 19, 14], [22, 32, 35, 26, 53, 40, 12, 21, 14]
    fit = mr.pool(events=events, n=n, link="cauchit", ci=ci, prediction=None)
    assert fit.tau > 100
    assert fit.test(fit.mean_rate, of="mean").pvalue == pytest.approx(1, abs=1e-4)
    for end in fit.mean_rate_ci:
        logits = np.linspace(special.logit(end), special.logit(fit.mean_rate), 12)
        curve = [fit.test(rate, of="mean").pvalue for rate in special.expit(logits)]
        assert curve[0] == pytest.approx(0.05, abs=1e-6)
        assert (np.diff(curve) > 0).all()
