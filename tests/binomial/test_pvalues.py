"""A limit put back into its own p-value function gives alpha; p-values against definitions."""

import numpy as np
import pytest

import metaresp as mr
from tests.binomial import slow

PAIRS = [(x, n) for n in (1, 2, 3, 7, 18, 40, 150) for x in range(0, n + 1, max(1, n // 6))]
X, N = np.array(PAIRS).T
LEVELS = (0.2, 0.6, 0.9, 0.95, 0.999)
#: p-values move by n / rate times the rounding of a limit; the limits themselves are good to 1e-14.
BACK = 1e-8
JUMPS = ("blaker", "sterne")
SMOOTH = [m for m in mr.BINOMIAL_CI if m not in (*JUMPS, "blyth-still-casella")]


def inner(limit):
    return (limit > 1e-12) & (limit < 1 - 1e-12)


@pytest.mark.parametrize("method", SMOOTH)
@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_limits_have_p_value_alpha(method, alternative):
    seen = 0
    for level in LEVELS:
        ci = mr.binomial_ci(X, N, method=method, level=level, alternative=alternative)
        for limit in (ci.low, ci.high):
            some = inner(limit)
            if method == "wald":
                some &= (X > 0) & (X < N)
            test = mr.binomial_test(X[some], N[some], limit[some], method=method, alternative=alternative)
            np.testing.assert_allclose(test.pvalue, 1 - level, rtol=BACK)
            seen += int(some.sum())
    assert seen > 100


@pytest.mark.parametrize("method", JUMPS)
def test_hulls_end_where_the_p_value_passes_alpha(method):
    """The p-value jumps at a joint: outside it is at most alpha, inside at least."""
    aside = 1e-5  # beyond the reach of ties, which count as equal within 1e-7
    for level in LEVELS:
        ci = mr.binomial_ci(X, N, method=method, level=level)
        for limit, outwards in ((ci.low, -1), (ci.high, 1)):
            some = inner(limit)
            step = outwards * aside * np.minimum(limit, 1 - limit)[some]
            x, n, at = X[some], N[some], limit[some]
            # just inside, the set may have a piece as narrow as the step: look closer there
            outside = mr.binomial_test(x, n, at + step, method=method).pvalue
            assert np.all(outside <= (1 - level) * (1 + 1e-3))
            within = np.max(
                [mr.binomial_test(x, n, at - f * step, method=method).pvalue for f in (0, 0.1, 1)], 0
            )
            assert np.all(within >= (1 - level) * (1 - 1e-3))


def test_blyth_still_casella_never_rejects_a_rate_inside():
    for level in (0.9, 0.95):
        for x in (0, 3, 9, 13):
            ci = mr.binomial_ci(x, 18, method="blyth-still-casella", level=level)
            rates = np.linspace(ci.low + 1e-9, ci.high - 1e-9, 4)
            p = mr.binomial_test(x, 18, rates, method="blyth-still-casella").pvalue
            exact = mr.binomial_test(x, 18, rates).pvalue
            assert np.all(p >= 1 - level - 1e-9)
            assert np.all((p <= exact + 1e-12) & (p >= exact / 2 - 1e-12))
    with pytest.raises(mr.CannotEstimate, match="limited to n of 1000"):
        mr.binomial_test(3, 1001, 0.5, method="blyth-still-casella")


@pytest.mark.parametrize("method", ["clopper-pearson", "mid-p", "blaker", "sterne"])
def test_p_values_against_sums_over_all_counts(method):
    twin = getattr(slow, method.replace("-", "_"))
    for n in (1, 2, 6, 13, 30):
        for x in {0, 1, n // 3, n // 2, n - 1, n}:
            for rate in (0.001, 0.2, 1 / 3, 0.5, 0.77, 0.98):
                p = mr.binomial_test(x, n, rate, method=method).pvalue
                assert p == pytest.approx(twin(x, n, rate), rel=1e-10), (x, n, rate)


def test_r_binom_test():
    """binom.test(13, 18, 0.5) and (682, 925, 0.75), the example of its help page."""
    assert mr.binomial_test(13, 18, 0.5, method="sterne").pvalue == pytest.approx(0.09625244, rel=1e-7)
    assert mr.binomial_test(682, 925, 0.75, method="sterne").pvalue == pytest.approx(0.3825, abs=5e-5)


def test_one_sided_p_values_are_tails():
    assert mr.binomial_test(0, 18, 0.1, alternative="less").pvalue == pytest.approx(0.9**18)
    assert mr.binomial_test(18, 18, 0.9, alternative="greater").pvalue == pytest.approx(0.9**18)
    for method in ("blaker", "sterne", "blyth-still-casella"):
        for side in ("less", "greater"):
            assert mr.binomial_test(3, 11, 0.4, method=method, alternative=side).pvalue == pytest.approx(
                mr.binomial_test(3, 11, 0.4, alternative=side).pvalue, rel=1e-14
            )


@pytest.mark.parametrize("method", mr.BINOMIAL_CI)
def test_rates_0_and_1(method):
    for rate, x in ((0.0, 0), (1.0, 7)):
        assert mr.binomial_test(x, 7, rate, method=method).pvalue == 1.0
    for rate in (0.0, 1.0):
        impossible = mr.binomial_test(3, 7, rate, method=method).pvalue
        # these two measure a distance that stays finite, and their limits reach 0 and 1
        assert (impossible > 0) == (method in ("wald", "arcsine"))


def test_shapes_and_bad_rates():
    test = mr.binomial_test([[1], [2]], 5, [0.2, 0.5, 0.7])
    assert test.pvalue.shape == test.rate.shape == test.events.shape == (2, 3)
    assert not test.pvalue.flags.writeable
    assert mr.BinomialTest.from_dict(test.to_dict()) == test
    assert isinstance(mr.binomial_test("1/5", rate=0.2).pvalue, float)
    for bad, text in (
        (1.5, "rate=1.5 is not from 0 to 1"),
        ([0.1, np.nan], r"rate\[1\]=nan"),
        ("x", "rate='x'"),
        (True, "rate=True"),
    ):
        with pytest.raises(mr.InvalidArgument, match=text):
            mr.binomial_test(1, 5, bad)
    with pytest.raises(mr.InvalidArgument, match="rate is missing"):
        mr.binomial_test(1, 5)
    with pytest.raises(mr.InvalidArgument, match="do not broadcast"):
        mr.binomial_test([1, 2], 5, [0.1, 0.2, 0.3])
