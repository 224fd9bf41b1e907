"""The p-value of a benchmark: the level at the limits, rising towards the estimate, in every model."""

import numpy as np
import pytest
from scipy import special

import metaresp as mr
from metaresp.kernel.counts.profile_limits import profile_value
from metaresp.kernel.counts.surface import CountSurface

EVENTS = [20, 24, 11, 5, 28, 19, 10, 19, 25, 32, 41, 15, 19, 25, 36]
PATIENTS = [71, 155, 58, 62, 160, 81, 61, 142, 167, 171, 200, 103, 86, 109, 154]
OTHER = [23, 24, 35, 16, 20, 22], [113, 105, 159, 78, 137, 117]
OPTIONS = [
    *({"ci": ci} for ci in ("bartlett", "profile", "profile-t", "profile-f", "t", "normal")),
    {"link": "probit"},
    {"link": "cloglog", "ci": "profile"},
    {"link": "log", "ci": "profile-t"},
    *({"model": "beta-binomial", "ci": ci} for ci in ("bartlett", "profile", "profile-t", "profile-f", "t")),
    {"model": "inverse-variance"},
    {"model": "inverse-variance", "ci": "profile", "tau2": "ML"},
    {"model": "common"},
]


def test_a_benchmark_near_a_homogeneous_estimate():
    fit = mr.pool(events=EVENTS, n=PATIENTS)
    assert fit.test(0.16865101).pvalue == pytest.approx(0.190307, abs=1e-6)
    assert fit.test(0.166).pvalue == pytest.approx(0.130345, abs=1e-6)


@pytest.mark.parametrize("studies", [(EVENTS, PATIENTS), OTHER, ([3, 0, 8, 1], [20, 9, 21, 30])])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_p_value_is_the_level_at_the_limits_and_rises_between(studies, options):
    fit = mr.pool(events=studies[0], n=studies[1], **options)
    for end in fit.rate_ci:
        if not 0 < end < 1:
            continue
        if options.get("model") != "common":  # exact tests go in steps
            assert fit.test(end).pvalue == pytest.approx(0.05, abs=1e-5)
        logits = special.logit(fit.rate) + np.linspace(1.4, 0.02, 12) * (
            special.logit(end) - special.logit(fit.rate)
        )
        curve = [fit.test(rate).pvalue for rate in special.expit(logits)]
        assert (np.diff(curve) > -1e-7).all()


def test_the_profile_is_never_below_a_grid():
    rng = np.random.default_rng(1956)
    lanes = 300
    n = rng.integers(20, 200, (lanes, 8)).astype(float)
    tau = rng.choice([0.0, 0.05, 0.2, 0.8], lanes)
    theta = rng.normal(-1.5, 0.8, (lanes, 1)) + tau[:, None] * rng.normal(size=(lanes, 8))
    x = rng.binomial(n.astype(int), 1 / (1 + np.exp(-theta))).astype(float)
    x[:, 0] = np.maximum(x[:, 0], 1)
    data = CountSurface(x, n, np.ones_like(x))
    mu = np.log(x.sum(-1) / (n - x).sum(-1)) + rng.normal(0, 0.2, lanes)
    found = profile_value(data, mu)
    grid = np.concatenate([[0.0], np.geomspace(0.003, 30, 80)])
    best = np.max([data.at(mu, np.full(lanes, at)).value for at in grid], axis=0)
    assert (found >= best - 1e-10 * (1 + np.abs(best))).all()


GIANTS = [
    ([1657, 0, 0, 0, 0, 0], [4500, 2, 1, 6, 2, 3], 0.8),
    ([392, 1, 6, 2, 12], [3500, 14, 17, 22, 57], 0.5),
    ([1224, 0, 0, 0, 0, 0, 0, 0, 0], [4000, 6, 3, 4, 1, 3, 4, 1, 2], 0.95),
    ([4359, 17, 5, 5, 17, 18, 15, 15, 17], [4500, 17, 5, 5, 19, 19, 19, 16, 18], 0.5),
]


@pytest.mark.parametrize("of", ["typical", "mean"])
@pytest.mark.parametrize("options", [{}, {"link": "cloglog"}, {"model": "beta-binomial"}], ids=str)
@pytest.mark.parametrize(("events", "n", "level"), GIANTS)
def test_nothing_outside_the_interval_has_a_larger_p_value(events, n, level, options, of):
    # one study outweighs all others: the profile has a hill at its rate and one at that of the others
    fit = mr.pool(events=events, n=n, level=level, **options)
    low, high = fit.rate_ci if of == "typical" else fit.mean_rate_ci
    common = sum(events) / sum(n)
    outside = [high + (1 - high) * share for share in (0.01, 0.1, 0.5)] + [low * 0.9, low * 0.5, common]
    for rate in outside:
        p = fit.test(rate, of=of).pvalue
        assert p <= 1 - level + 1e-9 or low <= rate <= high
    for end in (low, high):
        assert fit.test(end, of=of).pvalue == pytest.approx(1 - level, abs=1e-7)


@pytest.mark.parametrize("of", ["typical", "mean"])
@pytest.mark.parametrize("link", ["logit", "probit"])
def test_the_limits_of_millions_of_patients_have_the_level(link, of):
    # the profile over tau has two hills between 0 and 0.1
    fit = mr.pool(events=[488895, 323, 371], n=[48916000, 33181, 32345], link=link, ci="profile")
    for end in fit.rate_ci if of == "typical" else fit.mean_rate_ci:
        assert fit.test(end, of=of).pvalue == pytest.approx(0.05, abs=1e-6)
