"""The p-value of a benchmark: the level at the limits, rising towards the estimate, in every model."""

import numpy as np
import pytest
from scipy import special

import metaresp as mr
from metaresp.counts import clean
from metaresp.kernel.counts.profile_limits import profile_value
from metaresp.kernel.counts.surface import CountSurface
from metaresp.model.registry import model_of
from metaresp.model.spec import resolve
from tests.validation import pvalues

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


TWO_HILLS = GIANTS[:2]
# the second hill is that of the small studies, and lies between two places that the scan for hills looks at
SMALL_ONES = [2, 12, 4, 14, 8, 2, 1, 5, 12, 7, 16, 2, 1, 2, 3, 10, 0, 2, 7]
SMALL_ONES += [1, 4, 6, 11, 6, 8, 11, 2, 1, 3, 9, 5, 1, 1, 13, 2, 11, 6, 11, 3]
OF = [2, 17, 10, 15, 9, 2, 2, 7, 17, 7, 19, 2, 2, 3, 3, 11, 3, 2, 9]
OF += [2, 6, 8, 14, 7, 12, 13, 2, 2, 3, 16, 8, 2, 2, 19, 3, 18, 10, 16, 6]
HIDDEN = [777112, *SMALL_ONES], [1000000, *OF]


@pytest.mark.parametrize("options", [{}, {"link": "probit"}, {"model": "beta-binomial"}], ids=str)
@pytest.mark.parametrize(("events", "n", "level"), TWO_HILLS)
def test_the_p_value_is_the_largest_of_all_that_lies_farther_away(events, n, level, options):
    model = model_of(spec := resolve(**options))(clean(events, n, None)[0], spec)
    model.estimate(None)
    lanes = model.beta if options.get("model") == "beta-binomial" else model.lanes
    centre = lanes.fit.mu.item()
    at = np.unique(np.r_[np.linspace(-6, 6, 301), lanes.fit.hill_mu[0]])
    rows = np.zeros(at.size, dtype=np.int64)
    one_hill = lanes._replace(fit=lanes.fit._replace(hill_top=np.full_like(lanes.fit.hill_top, -np.inf)))
    plain, found = one_hill.fall(at, rows), lanes.fall(at, rows)
    outwards = (at < centre, slice(None)), (at > centre, slice(None, None, -1))
    for side, order in outwards:
        least = np.minimum.accumulate(plain[side] if order == slice(None) else plain[side][::-1])[order]
        assert (found[side] <= plain[side]).all()
        np.testing.assert_allclose(found[side], least, atol=1e-6)
        assert (np.diff(found[side]) * (-1 if order == slice(None) else 1) >= -1e-9).all()


@pytest.mark.parametrize("of", ["typical", "mean"])
@pytest.mark.parametrize(("events", "n"), [HIDDEN, *(giant[:2] for giant in TWO_HILLS)])
def test_p_rises_towards_the_estimate_over_two_hills(events, n, of):
    fit = mr.pool(events=events, n=n)
    rate = fit.rate if of == "typical" else fit.mean_rate
    rates = special.expit(
        np.unique(special.logit([*np.linspace(0.02, 0.98, 25), *np.linspace(0.35, 0.4, 9)]))
    )
    p = np.array([fit.test(at, of=of).pvalue for at in rates.tolist()])
    assert (np.diff(p[rates < rate]) >= -1e-12).all()
    assert (np.diff(p[rates > rate]) <= 1e-12).all()


def test_the_upper_limit_of_the_mean_has_a_hill_of_tau_between_two_places():
    n = [11, 2, 2, 2, 2, 16, 3, 4, 13, 8, 3, 5, 15, 4, 10, 2, 10, 11, 13, 9]
    n += [4, 2, 6, 11, 3, 3, 6, 11, 15, 2, 3, 12, 8, 10, 19, 17, 13, 11, 4, 8]
    fit = mr.pool(events=[int(i in {12, 23, 34}) for i in range(40)], n=n)
    assert fit.test(fit.mean_rate_ci.high, of="mean").pvalue == pytest.approx(0.05, abs=1e-8)


SMALL = [
    *(({"ci": ci}, 40) for ci in ("bartlett", "profile-f", "t")),
    ({"penalty": ("half-normal", 1.0)}, 40),
    ({"link": "cloglog"}, 12),
    *(({"model": "beta-binomial", "ci": ci}, 120) for ci in ("bartlett", "profile-t", "normal")),
    ({"model": "inverse-variance"}, 200),
    ({"model": "inverse-variance", "ci": "profile"}, 12),
    ({"model": "inverse-variance", "cluster": "cluster"}, 100),
    ({"model": "common"}, 300),
]


@pytest.mark.parametrize(("options", "fits"), SMALL, ids=str)
def test_random_fits(options, fits):
    # docs/validation/pvalues.md has 20,000
    for parts in pvalues.measured(options, fits, np.random.default_rng(7)).values():
        for part in parts:
            assert np.nanmax(part.miss, initial=0) < pvalues.AT_LIMIT
            assert part.back.max(initial=0) < pvalues.FALLS_BACK


@pytest.mark.parametrize("options", [{}, {"model": "beta-binomial", "ci": "profile-t"}, {"ci": "t"}], ids=str)
def test_p_values_of_many_lanes_are_those_of_each(options):
    x, n, _ = pvalues.draw(np.random.default_rng(3), 5, [4])
    x[:, 1] = np.maximum(x[:, 1], 1)
    rates = np.array([0.02, 0.2, 0.6])
    model = model_of(spec := resolve(**options))(clean(x, n, None)[0], spec)
    fits = [mr.pool(events=events, n=size, **options) for events, size in zip(x, n, strict=True)]
    for of in ("typical", "mean"):
        together = model.mean_pvalues(np.tile(rates, (5, 1))) if of == "mean" else None
        if of == "typical":
            together = model.pvalues(np.tile(special.logit(rates), (5, 1)))
        if together is None:
            continue
        alone = [[fit.test(float(rate), of=of).pvalue for rate in rates] for fit in fits]
        np.testing.assert_allclose(together, alone, atol=1e-9)
