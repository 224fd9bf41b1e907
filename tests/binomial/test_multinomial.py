"""Simultaneous intervals of one trial against enumeration, statsmodels and their definition."""

import json
from itertools import product
from math import factorial, prod

import numpy as np
import pytest
from statsmodels.stats.proportion import multinomial_proportions_confint

import metaresp as mr
from metaresp.binomial.multinomial import _inside

COUNTS = {"CR": 3, "PR": 7, "MR": 1, "SD": 2, "NR": 5}


def enumerated(counts, c):
    """Return the probability that all counts are within c of these, term by term."""
    n = sum(counts)
    boxes = [range(max(x - c, 0), min(x + c, n) + 1) for x in counts]
    return sum(
        factorial(n) * prod((x / n) ** y / factorial(y) for x, y in zip(counts, cell, strict=True))
        for cell in product(*boxes)
        if sum(cell) == n
    )


@pytest.mark.parametrize("counts", [(3, 7, 1, 2, 5), (1, 2, 3), (0, 4), (6, 0, 0, 1)])
@pytest.mark.parametrize("c", [0, 1, 2, 3, 5])
def test_probability_of_the_box(counts, c):
    assert _inside(np.array(counts), sum(counts), c) == pytest.approx(enumerated(counts, c), abs=1e-12)


@pytest.mark.parametrize("counts", [(3, 7, 1, 2, 5), (20, 30, 50), (56, 72, 73, 59, 62, 87, 58)])
def test_near_the_expansion(counts):
    ours = mr.multinomial_ci(counts, method="sison-glaz")
    theirs = multinomial_proportions_confint(np.array(counts), method="sison-glaz")
    np.testing.assert_allclose(np.array([ours.low, ours.high]).T, theirs, atol=3e-3)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_goodman(level):
    ours = mr.multinomial_ci(COUNTS, method="goodman", level=level)
    theirs = multinomial_proportions_confint(np.array(list(COUNTS.values())), 1 - level, method="goodman")
    np.testing.assert_allclose(np.array([ours.low, ours.high]).T, theirs, atol=1e-12)


@pytest.mark.parametrize("n", [18, 60])
def test_they_cover_together(n):
    rng = np.random.default_rng(5)
    truth = np.array([0.15, 0.35, 0.2, 0.3])
    found = [mr.multinomial_ci(x) for x in rng.multinomial(n, truth, 3000)]
    inside = [bool(((one.low <= truth) & (truth <= one.high)).all()) for one in found]
    assert np.mean(inside) > 0.93


@pytest.mark.parametrize("counts", [(0, 10), (5, 0, 0, 0), (1, 1), (10**7, 2 * 10**7), (0, 0, 1)])
@pytest.mark.parametrize("level", [0.01, 0.95, 1 - 1e-9])
def test_limits_hold_the_share(counts, level):
    for method in ("sison-glaz", "goodman"):
        found = mr.multinomial_ci(counts, method=method, level=level)
        assert ((found.low <= found.rate) & (found.rate <= found.high)).all()
        assert (found.low >= 0).all()
        assert (found.high <= 1 + 1e-15).all()


def test_record_and_table():
    found = mr.multinomial_ci(COUNTS)
    assert mr.MultinomialCI.from_dict(json.loads(found.to_json())) == found
    assert list(found.to_frame().columns) == ["category", "events", "n", "rate", "low", "high"]
    assert "3/18" in str(found)
    assert mr.multinomial_ci(list(COUNTS.values()), categories=list(COUNTS)) == found


@pytest.mark.parametrize(
    "bad", [5, "3/18", [3], [3, -1], [3, 2.5], [True, 2], [0, 0], [10**10, 1], {"CR": None, "PR": 2}]
)
def test_bad_counts(bad):
    with pytest.raises(mr.InvalidArgument, match="events"):
        mr.multinomial_ci(bad)
    with pytest.raises(mr.UnknownName, match="sison-glaz"):
        mr.multinomial_ci([3, 4], method="sison")


@pytest.mark.parametrize("method", ["goodman", "sison-glaz"])
@pytest.mark.parametrize("level", [1e-6, 0.5, 0.95, 0.999, 1 - 1e-9])
def test_limits_are_rates_that_hold_the_share(method, level):
    draws = np.random.default_rng(5)
    for _ in range(40):
        n, several = int(draws.choice([1, 2, 5, 18, 40, 300])), int(draws.integers(2, 7))
        counts = draws.multinomial(n, draws.dirichlet(np.full(several, 0.4)))
        found = mr.multinomial_ci(counts, method=method, level=level)
        assert (found.low >= 0).all()
        assert (found.high <= 1).all()
        assert (found.low <= found.rate).all()
        assert (found.rate <= found.high).all()
