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
