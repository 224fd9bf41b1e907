"""Coverage by brute force, nesting, symmetry, and hulls against definitions written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metaresp as mr
from metaresp.binomial import coverage
from metaresp.binomial.methods import NOT_MIRRORED, TAKES_PRIOR
from metaresp.binomial.tails import pmf
from tests.binomial import slow

EXACT = ("clopper-pearson", "blaker", "sterne", "blyth-still-casella")
LEVELS = (0.90, 0.95, 0.99)
#: Summed probabilities of at most 61 counts, each good to a few ulp.
ROUNDING = 1e-12
TWINS = {"clopper-pearson": slow.clopper_pearson, "mid-p": slow.mid_p, "blaker": slow.blaker,
         "sterne": slow.sterne}  # fmt: skip


def lowest_coverage(low, high, n):
    """Coverage at rates just beside every limit, where alone it can be lowest."""
    limits = np.concatenate([low, high])
    limits = np.unique(limits[(limits > 0) & (limits < 1)])
    rates = np.concatenate([limits * (1 - 1e-10), limits + 1e-10 * (1 - limits), [1e-9, 1 - 1e-9]])[:, None]
    x = np.arange(n + 1.0)
    held = (low <= rates) & (rates <= high)
    return np.sum(pmf(x, np.full_like(x, n), rates) * held, axis=1).min()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("method", EXACT)
def test_coverage_is_at_least_the_level_for_every_rate_and_n_to_60(method, level):
    for n in range(1, 61):
        ci = mr.binomial_ci(np.arange(n + 1), n, method=method, level=level)
        # between a limit and the rate 1e-10 beside it, a coverage can differ by its slope times that
        assert lowest_coverage(ci.low, ci.high, n) >= level - 1e-8, (method, n, level)


def test_the_brute_force_sees_an_interval_that_is_too_short():
    ci = mr.binomial_ci(np.arange(19), 18, method="blaker")
    assert lowest_coverage(ci.low, ci.high - 1e-4 * (ci.high < 1), 18) < 0.9499
    assert (
        lowest_coverage(
            *(getattr(mr.binomial_ci(np.arange(19), 18, method="wald"), a) for a in ("low", "high")), 18
        )
        < 0.1
    )


@pytest.mark.parametrize("level", LEVELS)
def test_blaker_lies_inside_clopper_pearson_and_blyth_still_casella_is_shorter(level):
    for n in range(1, 61):
        outer, inner, short = (mr.binomial_ci(np.arange(n + 1), n, method=m, level=level) for m in
                               ("clopper-pearson", "blaker", "blyth-still-casella"))  # fmt: skip
        assert np.all(outer.low <= inner.low + ROUNDING)
        assert np.all(inner.high <= outer.high + ROUNDING)
        assert np.all(outer.low <= short.low + ROUNDING)
        assert np.sum(short.high - short.low) <= np.sum(inner.high - inner.low) + 1e-10


NESTED = [method for method in mr.BINOMIAL_CI if method != "blyth-still-casella"]


@given(
    n=st.integers(1, 300), share=st.floats(0, 1), first=st.floats(0.01, 0.999), second=st.floats(0.01, 0.999)
)
@settings(max_examples=30, deadline=None)
def test_a_higher_level_gives_a_wider_interval(n, share, first, second):
    x = round(share * n)
    low_level, high_level = sorted((first, second))
    for method in NESTED:
        inner = mr.binomial_ci(x, n, method=method, level=low_level)
        outer = mr.binomial_ci(x, n, method=method, level=high_level)
        assert outer.low <= inner.low + ROUNDING, method
        assert inner.high <= outer.high + ROUNDING, method
        assert 0 <= inner.low <= inner.high <= 1, method
        if method not in {*TAKES_PRIOR, "mid-p"} or low_level > 0.7:  # a low level holds their own centre
            assert inner.low - ROUNDING <= inner.rate <= inner.high + ROUNDING, method


@pytest.mark.parametrize("method", mr.BINOMIAL_CI)
@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_mirror(method, alternative):
    other = {"two-sided": "two-sided", "less": "greater", "greater": "less"}[alternative]
    for n in (1, 2, 7, 18, 101):
        x = np.arange(n + 1)
        ci = mr.binomial_ci(x, n, method=method, alternative=alternative)
        turned = mr.binomial_ci(n - x, n, method=method, alternative=other)
        apart = np.abs(ci.low - 1 + turned.high) + np.abs(ci.high - 1 + turned.low)
        assert (apart.max() <= ROUNDING) == (method not in NOT_MIRRORED or n == 1), n


def test_limits_increase_with_events():
    for method in mr.BINOMIAL_CI:
        for n in (1, 5, 18, 60):
            ci = mr.binomial_ci(np.arange(n + 1), n, method=method)
            assert np.all(np.diff(ci.low) >= -ROUNDING), (method, n)
            assert np.all(np.diff(ci.high) >= -ROUNDING), (method, n)


def test_mid_p_covers_the_level_on_average():
    for n in (10, 18, 60):
        for level in LEVELS:
            found = coverage(n, "mid-p", rates=[0.5], level=level)
            # above the level by the edges only, where one limit is 0 or 1
            assert level - 0.002 <= found.mean[0] <= level + 0.8 * (1 - level)
            assert found.minimum[0] < level


@pytest.mark.parametrize("method", TWINS)
@pytest.mark.parametrize(
    ("x", "n", "level"), [(0, 17, 0.9), (2, 9, 0.95), (6, 13, 0.8), (5, 5, 0.99), (1, 4, 0.3)]
)
def test_hull_against_the_definition_on_a_grid(method, x, n, level):
    steps = 4000
    ci = mr.binomial_ci(x, n, method=method, level=level)
    first, last = slow.hull(TWINS[method], x, n, 1 - level, steps)
    assert first - 1 / steps <= ci.low <= first + ROUNDING
    assert last - ROUNDING <= ci.high <= last + 1 / steps


def test_a_piece_narrower_than_any_grid_is_in_the_hull():
    """0/18 at 90% by Sterne: the set is [0, 0.1405] and a piece 2e-5 wide at 0.1627."""
    ci = mr.binomial_ci(0, 18, method="sterne", level=0.9)
    assert slow.sterne(0, 18, 0.15) < 0.1 < slow.sterne(0, 18, ci.high - 1e-6)
    assert slow.sterne(0, 18, ci.high + 1e-6) < 0.1
    assert ci.high == pytest.approx(0.16271514442219803, rel=1e-12)


def test_level_near_0_and_1_gives_an_interval_for_every_method():
    for method in mr.BINOMIAL_CI:
        for level in (1e-9, 1e-3, 1 - 1e-3, 1 - 1e-9, 1 - 2**-40):
            for alternative in ("two-sided", "less", "greater"):
                x = np.arange(8)
                ci = mr.binomial_ci(x, 7, method=method, level=level, alternative=alternative)
                assert np.all(np.isfinite(ci.low) & np.isfinite(ci.high))
                assert np.all((ci.low >= 0) & (ci.high <= 1) & (ci.low <= ci.high))
