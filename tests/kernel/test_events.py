"""Events of a new trial: integrals by another rule, sums, limits; and the beta-binomial mixture."""

import numpy as np
import pytest
from scipy import special, stats

from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.trial.beta_law import BetaLaw, cdf, density, lower_quantile
from metaresp.kernel.trial.events import RateLaw, event_probabilities

TRAPEZOID = 1e-11  # the twin's truncated tails
MIXTURE = 2e-10  # 96 nodes in w, measured over 150 laws


def law(name, centre, spread, df):
    def logs(theta):
        terms = LINKS[name].log_terms(theta)
        return terms.log_p, terms.log_q

    t = stats.t(df)
    return RateLaw(
        logs,
        lambda theta: t.cdf((theta - centre) / spread),
        lambda theta: t.sf((theta - centre) / spread),
        lambda theta: t.pdf((theta - centre) / spread) / spread,
        centre,
        spread,
    )


def twin(name, centre, spread, df, n, r):
    """Trapezoids in w, ``theta = centre + spread sinh(w)``."""
    w = np.linspace(-40, 40, 40_001)
    t = np.sinh(w)
    with np.errstate(all="ignore"):
        rate = LINKS[name].rate(centre + spread * t)
        log = special.xlogy(r, rate) + special.xlog1py(n - r, -rate) - special.betaln(r + 1, n - r + 1)
        y = stats.t(df).pdf(t) * np.cosh(w) * np.exp(log) / (n + 1)
    return float(y.sum() * (w[1] - w[0]))


@pytest.mark.parametrize("name", ["logit", "probit", "cloglog", "cauchit"])
@pytest.mark.parametrize("case", [(-1.0, 0.5, 3.0), (0.5, 2.0, 1.0), (-2.0, 0.3, 12.0)])
def test_trapezoids(name, case):
    for n in (1, 20, 150):
        pmf = event_probabilities(law(name, *case), n)
        assert pmf.sum() == pytest.approx(1, abs=1e-14)
        for r in {0, n // 3, n}:
            assert pmf[r] == pytest.approx(twin(name, *case, n, r), abs=TRAPEZOID)


def test_narrow_law_is_binomial():
    pmf = event_probabilities(law("logit", -1.0, 1e-9, 50.0), 30)
    np.testing.assert_allclose(pmf, stats.binom.pmf(np.arange(31), 30, special.expit(-1.0)), atol=1e-8)


def test_many_patients_follow_the_law():
    one = law("logit", -1.0, 0.5, 4.0)
    up_to = np.cumsum(event_probabilities(one, 20_000))
    rates = np.array([0.1, 0.27, 0.6])
    np.testing.assert_allclose(up_to[(rates * 20_000).astype(int)], one.cdf(special.logit(rates)), atol=2e-4)


def mixture(mu, se, df, rho, theta):
    """Distribution function of the mixture by trapezoids, independent of zones and nodes."""
    w = np.linspace(-40, 40, 100_001) if np.isfinite(df) else np.linspace(-4.2, 4.2, 100_001)
    t = np.sinh(w)
    if theta > 0:
        return 1 - mixture(-mu, se, df, rho, -theta)
    density = (stats.t(df) if np.isfinite(df) else stats.norm).pdf(t) * np.cosh(w)
    size, mean = (1 - rho) / rho, mu + se * t
    with np.errstate(all="ignore"):
        a, b = size * special.expit(mean), size * special.expit(-mean)
        below = np.where(a == 0, 1.0, np.where(b == 0, 0.0, special.betainc(a, b, special.expit(theta))))
    return float((density * np.where(np.isnan(below), mean < theta, below)).sum() * (w[1] - w[0]))


LAWS = [
    (-1.0, 0.3, 4.0, 0.1),
    (0.5, 1.0, 1.0, 0.4),
    (-2.5, 0.2, np.inf, 0.02),
    (1.5, 0.1, 8.0, 0.8),
    (-1.0, 0.8, 2.0, 0.003),
]


@pytest.mark.parametrize("case", LAWS)
@pytest.mark.parametrize("tail", [0.005, 0.025, 0.25])
def test_quantile_put_back(case, tail):
    one = BetaLaw.of(*(np.array([value]) for value in case))
    low = lower_quantile(one, tail)[0]
    high = -lower_quantile(one.mirrored(), tail)[0]
    if np.isfinite(low):
        assert mixture(*case, low) == pytest.approx(tail, abs=MIXTURE)
    if np.isfinite(high):
        assert mixture(*case, high) == pytest.approx(1 - tail, abs=MIXTURE)


@pytest.mark.parametrize("case", LAWS)
def test_density_is_the_slope(case):
    one, step = BetaLaw.of(*(np.array([value]) for value in case)), 1e-4
    ends = [cdf(one, np.array([-1.3 + side * step]))[0] for side in (-1, 1)]
    slope = (ends[1] - ends[0]) / (2 * step)
    assert density(one, np.array([-1.3]))[0] == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_no_correlation_leaves_the_mean():
    rho = np.array([0.0, 1e-9, 1e-7, 1e-5])
    one = BetaLaw.of(*(np.full(4, value) for value in (-1.0, 0.3, 4.0)), rho)
    low = lower_quantile(one, 0.025)
    limit = -1.0 + 0.3 * stats.t(4).ppf(0.025)
    assert low[0] == pytest.approx(limit, abs=1e-9)
    assert (np.diff(low) < 0).all()
    assert low[-1] == pytest.approx(limit, abs=2e-4)


def test_full_correlation_is_all_or_nothing():
    one = BetaLaw.of(*(np.array([value]) for value in (-1.0, 0.3, 4.0, 1.0)))
    assert lower_quantile(one, 0.025)[0] == -np.inf
    assert lower_quantile(one.mirrored(), 0.025)[0] == -np.inf


def test_lanes_agree_with_loop():
    one = BetaLaw.of(*(np.array(values) for values in zip(*LAWS, strict=True)))
    alone = [lower_quantile(one.take(np.array([i])), 0.025)[0] for i in range(len(LAWS))]
    np.testing.assert_allclose(lower_quantile(one, 0.025), alone, rtol=1e-12)


def test_lanes_without_a_law_are_nan():
    one = BetaLaw.of(*(np.array(values) for values in ([0.0, np.nan], [0.3, 0.3], [0.0, 3.0], [0.1, 0.1])))
    assert np.isnan(lower_quantile(one, 0.025)).all()


def test_no_warning_from_a_start_far_out():
    """The density at the first guess can be too small to divide by."""
    one = BetaLaw.of(*(np.array([value]) for value in (-6.0, 40.0, 1.0, 1e-6)))
    low = lower_quantile(one, 0.025)[0]
    assert low == -np.inf or low < -100
