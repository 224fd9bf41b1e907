"""Sets drawn at a maximum: one table of their counts gives what each set by itself does."""

import numpy as np
import pytest

import metaresp as mr
from metaresp.kernel.counts import binomial_normal, resampling
from metaresp.kernel.counts.surface import CountSurface, Penalty
from metaresp.kernel.counts.table import Table

STUDIES = {"events": [13, 4, 9, 2], "n": [18, 7, 15, 11]}
FALLS = 3e-7  # of a fall: sets are drawn, and their likelihood is right to 6e-9


@pytest.mark.parametrize(
    ("link", "effects", "penalty"),
    [
        ("logit", "normal", None),
        ("probit", "mixture", None),
        ("cloglog", "normal", Penalty("half-normal", 1.0)),
        ("cauchit", "normal", None),
        ("log", "normal", Penalty("log-f", 1.0)),
    ],
)
def test_a_table_gives_the_falls_of_each_set_alone(monkeypatch, link, effects, penalty):
    monkeypatch.setattr(resampling, "RESAMPLES", 199)
    x, n = (np.array([STUDIES[name]], dtype=float) for name in ("events", "n"))
    data = CountSurface(x, n, np.ones_like(x), link, penalty, effects=effects)
    fit = binomial_normal.fit(data)
    together = resampling.normal_falls(data, fit, np.random.default_rng(1))
    monkeypatch.setattr(Table, "of", classmethod(lambda cls, sets: None))
    alone = resampling.normal_falls(data, fit, np.random.default_rng(1))
    np.testing.assert_allclose(together, alone, rtol=FALLS, atol=FALLS)


def test_large_counts_have_no_table():
    n = np.full((50, 3), 1e6)
    x = np.random.default_rng(1).binomial(1_000_000, 0.3, n.shape).astype(float)
    assert Table.of(CountSurface(x, n, np.ones_like(x))) is None


@pytest.mark.parametrize("model", ["binomial-normal", "beta-binomial"])
def test_sets_are_drawn_once(monkeypatch, model):
    drawn = []
    draw = resampling.falls

    def counted(*args):
        drawn.append(args)
        return draw(*args)

    monkeypatch.setattr(resampling, "falls", counted)
    fit = mr.pool(**STUDIES, model=model, ci="bootstrap", seed=1)
    assert fit.mean_rate_ci.low < fit.rate < fit.mean_rate_ci.high
    assert str(fit)
    assert fit.test(0.5).pvalue > 0
    assert len(drawn) == 1


def studies_summed(monkeypatch, **options):
    """Return how many likelihoods of studies a bootstrap works out, shared ones once."""
    counted = []
    each = CountSurface.each

    def counting(self, mu, tau, *args, **more):
        counted.append(self.x.size)
        return each(self, mu, tau, *args, **more)

    monkeypatch.setattr(CountSurface, "each", counting)
    mr.pool(**STUDIES, ci="bootstrap", prediction=None, seed=1, **options)
    return sum(counted)


@pytest.mark.parametrize("link", ["logit", "log", "cauchit"])
def test_a_bootstrap_takes_few_evaluations_a_set(monkeypatch, link):
    # 45 to 60 before sets shared a table
    assert studies_summed(monkeypatch, link=link) < 20 * resampling.RESAMPLES * len(STUDIES["n"])


@pytest.mark.parametrize(
    ("events", "sizes"),
    [([300, 800], [1000, 2000]), ([10**6, 3 * 10**6, 5], [10**7, 10**7, 9]), ([3, 40, 900], [11, 300, 7000])],
)
def test_interpolated_counts_lead_to_the_same_hills(monkeypatch, events, sizes):
    monkeypatch.setattr(resampling, "RESAMPLES", 99)
    x, n = (np.array([counts], dtype=float) for counts in (events, sizes))
    data = CountSurface(x, n, np.ones_like(x), "cauchit")
    fit = binomial_normal.fit(data)
    seen = []
    each = CountSurface.each

    def counting(self, *args, **more):
        seen.append(self.x.size)
        return each(self, *args, **more)

    monkeypatch.setattr(CountSurface, "each", counting)
    together = resampling.normal_falls(data, fit, np.random.default_rng(1))
    few = sum(seen)
    seen.clear()
    monkeypatch.setattr(Table, "of", classmethod(lambda cls, sets: None))
    alone = resampling.normal_falls(data, fit, np.random.default_rng(1))
    np.testing.assert_allclose(together, alone, rtol=FALLS, atol=FALLS)
    many = sum(seen)
    # the table is as large for 99 sets as for 999
    assert few < 0.9 * many
