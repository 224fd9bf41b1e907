"""Residuals of counts that a fit has not seen: against the definition, for every link, at every size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from metaresp.kernel.counts.effect_shapes import EFFECTS
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.trial.left_out import BetaRates, StudentRates, count_deviates, moves, rules

# Quadrature of the definition in double precision.
DEFINITION = 1e-8


def midp(x, n, rate):
    """P(X < x) + P(X = x) / 2 at a rate."""
    fewer = special.bdtr(x - 1, n, rate) if x else 0.0
    return 0.5 * (fewer + special.bdtr(x, n, rate))


def by_definition(x, n, mean, sd, link):
    """The normal quantile of the mid-p probability, integrated over a normal theta."""
    edges = np.unique([*(mean + sd * np.arange(-9.0, 9.01, 0.125)), 0.0])  # the log link has a kink at 0
    nodes, weights = np.polynomial.legendre.leggauss(24)
    half = 0.5 * np.diff(edges)[:, None]
    theta = (edges[:-1, None] + half * (1 + nodes)).ravel()
    mass = (half * weights).ravel() * stats.norm.pdf(theta, mean, sd)
    return special.ndtri(mass @ midp(x, n, LINKS[link].rate(theta)))


def deviate(x, n, mean, sd, link="logit", df=np.inf):
    law = StudentRates(np.array([mean]), np.array([[sd]]), np.ones(1), np.array([df]), link)
    return count_deviates(np.array([float(x)]), np.array([float(n)]), law)[0]


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize(("x", "n"), [(0, 1), (1, 1), (0, 12), (3, 12), (12, 12), (40, 90)])
def test_it_is_the_definition(link, x, n):
    mean, sd = float(LINKS[link].forward(np.array(0.3))), 0.7
    assert deviate(x, n, mean, sd, link) == pytest.approx(by_definition(x, n, mean, sd, link), abs=DEFINITION)


def test_a_narrow_law_is_one_rate():
    for x, n, rate in ((0, 20, 0.1), (7, 20, 0.1), (20, 20, 0.9)):
        found = deviate(x, n, special.logit(rate), 1e-9)
        assert found == pytest.approx(special.ndtri(midp(x, n, rate)), abs=1e-6)


def test_with_many_patients_it_is_the_residual_of_a_normal_effect():
    mean, sd, n = -0.4, 0.6, 10**9
    x = round(n * special.expit(0.9))
    y, v = special.logit(x / n), 1 / x + 1 / (n - x)
    assert deviate(x, n, mean, sd) == pytest.approx((y - mean) / np.sqrt(sd**2 + v), abs=1e-6)


@pytest.mark.parametrize("df", [1.0, 2.0, 7.0])
def test_student_rates_by_the_definition(df):
    t = stats.t.ppf((np.arange(100_000) + 0.5) / 100_000, df)
    for x, n in ((0, 8), (5, 8), (30, 30)):
        slow = special.ndtri(midp(x, n, special.expit(-0.6 + 0.9 * t)).mean())
        assert deviate(x, n, -0.6, 0.9, df=df) == pytest.approx(slow, abs=1e-6)
    y, n = 0.9, 10**9
    far = stats.norm.ppf(stats.t.cdf((y + 0.6) / 0.9, df))
    assert deviate(round(n * special.expit(y)), n, -0.6, 0.9, df=df) == pytest.approx(far, abs=1e-6)


def test_beta_rates_are_the_beta_binomial_distribution():
    for a, b in ((0.4, 3.0), (2.0, 5.0), (300.0, 40.0), (1e-3, 2e-3)):
        for x, n in ((0, 9), (4, 9), (9, 9)):
            law = stats.betabinom(n, a, b)
            p, q = law.cdf(x - 1) + 0.5 * law.pmf(x), law.sf(x) + 0.5 * law.pmf(x)
            slow = special.ndtri(p) if p < q else -special.ndtri(q)
            found = count_deviates(
                np.array([x * 1.0]), np.array([n * 1.0]), BetaRates(np.array([a]), np.array([b]))
            )
            assert found[0] == pytest.approx(slow, abs=1e-7), (a, b, x)


@pytest.mark.parametrize("effects", ["t", "mixture"])
def test_a_scale_mixture_is_the_mixture_of_its_probabilities(effects):
    shape = EFFECTS[effects]
    law = StudentRates(np.array([-0.5]), 0.8 * shape.scale[None], shape.weight, np.array([np.inf]))
    found = count_deviates(np.array([8.0]), np.array([9.0]), law)[0]
    parts = [special.ndtr(by_definition(8, 9, -0.5, 0.8 * s, "logit")) for s in shape.scale]
    assert special.ndtr(found) == pytest.approx(shape.weight @ parts, abs=1e-7)


SIZES = st.one_of(st.integers(1, 40), st.sampled_from([10**3, 10**6, 10**9]))


@settings(max_examples=60, deadline=None)
@given(
    n=SIZES,
    share=st.floats(0, 1),
    mean=st.floats(-12, 12),
    sd=st.floats(1e-5, 30),
    df=st.sampled_from([1.0, 3.0, 40.0, np.inf]),
)
def test_finite_and_mirrored_and_rising(n, share, mean, sd, df):
    x = round(share * n)
    here = deviate(x, n, mean, sd, df=df)
    assert np.isfinite(here)
    assert abs(here) < 38
    assert deviate(n - x, n, -mean, sd, df=df) == pytest.approx(-here, abs=1e-6)
    if x < n:
        assert deviate(x + 1, n, mean, sd, df=df) >= here - 1e-9
    assert deviate(x, n, mean + 0.5, sd, df=df) <= here + 1e-9


def test_rules_mark_what_they_say():
    none = np.zeros(4)
    for name, value in (("dffits", 1.8), ("dfbetas", -1.1), ("hat", 0.76), ("moved", 0.7)):
        parts = {"moved": none, "dffits": none, "dfbetas": none, "hat": none + 0.25}
        parts[name] = np.array([value, *parts[name][1:]])
        found = moves(
            parts["moved"], np.array(1.0), none + 1.1, parts["dffits"], parts["dfbetas"], parts["hat"]
        )
        assert found.influential.tolist() == [True, False, False, False], name
    assert rules(10).cooks_distance == pytest.approx(stats.chi2.median(1))
