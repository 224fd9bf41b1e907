"""binomial_ci: what goes in, what comes out, and one clear error for everything else."""

import pickle
import sys
from subprocess import run

import numpy as np
import pandas as pd
import pytest

import metaresp as mr
from metaresp.binomial.lookup import lookup

SIXTEEN = [
    "clopper-pearson", "mid-p", "blaker", "sterne", "blyth-still-casella", "wilson", "wilson-cc",
    "agresti-coull", "wald", "likelihood-ratio", "logit", "probit", "cloglog", "arcsine", "jeffreys", "hpd",
]  # fmt: skip


def test_names():
    assert list(mr.BINOMIAL_CI) == SIXTEEN
    assert mr.BINOMIAL_CI.argument == "method"


def test_one_trial():
    ci = mr.binomial_ci(13, 18)
    assert (ci.events, ci.n, ci.rate, ci.method, ci.level, ci.alternative) == (
        13, 18, 13 / 18, "clopper-pearson", 0.95, "two-sided",
    )  # fmt: skip
    assert [type(v) for v in (ci.events, ci.n, ci.rate, ci.low, ci.high)] == [int, int, float, float, float]
    assert str(ci) == "13/18: 72.2% (46.5% to 90.3%), clopper-pearson, 95%"
    assert ci == mr.binomial_ci("13/18") == mr.binomial_ci(" 13 / 18 ") == mr.binomial_ci(np.int64(13), 18.0)
    assert ci == mr.binomial_ci(np.array(13), np.array(18))
    assert ci != mr.binomial_ci(13, 18, level=0.9)
    assert pickle.loads(pickle.dumps(ci)) == ci
    assert mr.BinomialCI.from_dict(ci.to_dict()) == ci


def test_one_sided():
    upper = mr.binomial_ci("0/18", alternative="less")
    assert upper.low == 0.0
    assert upper.high == pytest.approx(1 - 0.05 ** (1 / 18), rel=1e-14)
    assert str(upper) == "0/18: 0.0% (0.0% to 15.3%), clopper-pearson, 95%, upper bound"
    lower = mr.binomial_ci(18, 18, alternative="greater")
    assert (lower.low, lower.high) == (pytest.approx(0.05 ** (1 / 18), rel=1e-14), 1.0)
    for method in SIXTEEN:
        assert mr.binomial_ci(3, 9, method=method, alternative="less").low == 0.0
        assert mr.binomial_ci(3, 9, method=method, alternative="greater").high == 1.0
    for method in ("blaker", "sterne", "blyth-still-casella"):
        assert (
            mr.binomial_ci(3, 9, method=method, alternative="less").high
            == mr.binomial_ci(3, 9, alternative="less").high
        )


def test_any_shape():
    ci = mr.binomial_ci([[0], [3]], [4, 7, 3])
    for name in ("events", "n", "rate", "low", "high"):
        assert getattr(ci, name).shape == (2, 3)
        assert not getattr(ci, name).flags.writeable
    assert ci.events.dtype == ci.n.dtype == np.int64
    assert mr.BinomialCI.from_dict(ci.to_dict()) == ci == pickle.loads(pickle.dumps(ci))
    assert list(ci.to_frame().columns) == ["events", "n", "rate", "low", "high"]
    assert len(ci.to_frame()) == 6
    empty = mr.binomial_ci([], 5)
    assert empty.low.shape == (0,)
    assert len(empty.to_frame()) == 0
    assert str(empty) == "no trials, clopper-pearson, 95%"
    assert mr.binomial_ci(np.zeros((3, 0)), 5, method="blaker").high.shape == (3, 0)
    texts = mr.binomial_ci(["13/18", "4/7"])
    assert texts == mr.binomial_ci([13, 4], [18, 7]) == mr.binomial_ci(pd.Series(["13/18", "4/7"]))
    assert texts == mr.binomial_ci(pd.Series([13.0, 4.0]), pd.Series([18, 7], dtype="Int64"))
    assert len(mr.binomial_ci(13, 18).to_frame()) == 1


def test_result_does_not_share_memory_with_the_input():
    x = np.array([1, 2])
    ci = mr.binomial_ci(x, 5)
    x[0] = 4
    assert ci.events.tolist() == [1, 2]


@pytest.mark.parametrize("method", SIXTEEN)
@pytest.mark.parametrize("alternative", ["two-sided", "less"])
def test_batch_equals_loop(method, alternative):
    rng = np.random.default_rng(3)
    n = rng.integers(1, 60, 300)
    x = rng.binomial(n, 0.3)
    together = mr.binomial_ci(x, n, method=method, alternative=alternative, level=0.9)
    alone = [
        mr.binomial_ci(a, b, method=method, alternative=alternative, level=0.9)
        for a, b in zip(x.tolist(), n.tolist(), strict=True)
    ]
    assert together.low.tolist() == [ci.low for ci in alone]
    assert together.high.tolist() == [ci.high for ci in alone]


def test_lookup_finds_pairs_of_any_size():
    x, n = np.array([5, 10**9, 5, 0, 10**9 - 5]), np.array([10**9, 10**9, 10**9, 7, 10**9])
    low, high = lookup("wilson", x, n, 1 - 0.95, "two-sided", (0.5, 0.5))
    assert low[0] == low[2] > 0
    assert high[4] == 1 - low[0]
    assert high[1] == 1.0
    assert high[3] == mr.binomial_ci(0, 7, method="wilson").high


def test_lookup_computes_each_pair_once():
    seen = []
    function = mr.BINOMIAL_CI["clopper-pearson"]

    def spy(x, n, alpha, side, prior):
        seen.append(x.size)
        return function(x, n, alpha, side, prior)

    mr.BINOMIAL_CI._functions["clopper-pearson"] = spy
    try:
        mr.binomial_ci([3, 3, 4, 3, 4], [7, 7, 7, 7, 7])
        mr.binomial_ci([3, 3, 4], [7, 7, 7], alternative="less")
    finally:
        mr.BINOMIAL_CI._functions["clopper-pearson"] = function
    assert seen == [1, 2]  # 4/7 is the mirror image of 3/7; one-sided it is not


def test_priors():
    from scipy.special import betaincinv

    ci = mr.binomial_ci(4, 9, method="jeffreys", prior=(1, 2))
    np.testing.assert_allclose([ci.low, ci.high], betaincinv(5, 7, [0.025, 0.975]), rtol=1e-13)
    assert ci.prior == (1.0, 2.0)
    assert "Beta(1, 2) prior" in str(ci)
    assert mr.binomial_ci(4, 9).prior is None
    assert mr.binomial_ci(0, 9, method="jeffreys", prior=(1, 1)).low == 0.0
    assert mr.binomial_ci(0, 9, method="jeffreys", prior=(5, 5)).low > 0.0
    one = mr.binomial_ci([0, 2, 9], 9, method="hpd", prior=(3, 1.5))
    other = mr.binomial_ci([9, 7, 0], 9, method="hpd", prior=(1.5, 3))
    np.testing.assert_allclose(one.low, 1 - other.high, atol=1e-13)


def test_hpd_is_the_shortest_interval_of_its_content():
    from scipy.special import betainc, betaincinv

    for x, n, prior, level in ((4, 9, (0.5, 0.5), 0.95), (1, 40, (2, 3), 0.8), (30, 30, (1.5, 2), 0.99)):
        ci = mr.binomial_ci(x, n, method="hpd", prior=prior, level=level)
        a, b = x + prior[0], n - x + prior[1]
        assert betainc(a, b, ci.high) - betainc(a, b, ci.low) == pytest.approx(level, rel=1e-12)
        share = np.linspace(1e-6, 1 - 1e-6, 2001) * (1 - level)
        widths = betaincinv(a, b, share + level) - betaincinv(a, b, share)
        assert ci.high - ci.low <= widths.min() + 1e-12


BAD_COUNTS = [
    ((19, 18), "events=19 is more than n=18"),
    ((-1, 3), "events=-1 is negative"),
    ((1.5, 3), "events=1.5 is not a whole number"),
    ((3, 4.5), "n=4.5 is not a whole number"),
    ((float("nan"), 3), "events=nan is not a whole number"),
    ((3, float("inf")), "n=inf is not a whole number"),
    ((True, 3), "events=True is not a whole number"),
    (([True, 1], 3), r"events\[0\]=True is not a whole number"),
    (([1, None], 3), r"events\[1\]=None is not a whole number"),
    ((np.array([True]), 3), r"events\[0\]=True is not a whole number"),
    ((1 + 2j, 3), "not a whole number"),
    ((1, 0), "n=0 is not a number of patients"),
    ((1, 10**10), "n=10000000000 is above the largest count"),
    (([1, 2], [3, 1]), r"events\[1\]=2 is more than n\[1\]=1"),
    (([[1, 2], [3, -4]], 5), r"events\[1, 1\]=-4 is negative"),
    (([5, 6, 7], 4), r"events\[0\]=5 is more than n\[0\]=4.*2 more like it"),
    (([1, 2], [3, 4, 5]), r"shape \(2,\) and n of shape \(3,\) do not broadcast"),
    (([[1], [1, 2]], 3), "not an array of one shape"),
    ((13,), "n is missing"),
    (("a/b",), "events='a/b' is not events/n"),
    (("13/18/2",), "is not events/n"),
    (("13 of 18",), "is not events/n"),
    (("-1/5",), "is not events/n"),
    (("19/18",), "events=19 is more than n=18"),
    (("1/0",), "n=0 is not a number of patients"),
    ((["1/2", "x"],), r"events\[1\]='x' is not events/n"),
    (("13/18", 18), "events='13/18' is not a whole number"),
]  # fmt: skip


@pytest.mark.parametrize(("counts", "text"), BAD_COUNTS)
def test_bad_counts(counts, text):
    with pytest.raises(mr.InvalidArgument, match=text) as caught:
        mr.binomial_ci(*counts)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


BAD_OPTIONS = [
    ({"level": 95}, "level=95 .*write 0.95 for 95%"),
    ({"level": 0}, "level=0 is not a number strictly between 0 and 1"),
    ({"level": 1.0}, "strictly between"),
    ({"level": float("nan")}, "strictly between"),
    ({"level": "0.95"}, "strictly between"),
    ({"level": True}, "strictly between"),
    ({"method": "wilsn"}, "method='wilsn' is not known: choose 'clopper-pearson', .*did you mean 'wilson'"),
    ({"method": None}, "method=None is not known"),
    ({"alternative": "upper"}, "alternative='upper' is not known: choose 'two-sided'"),
    ({"alternative": 1}, "alternative=1 is not known"),
    ({"prior": (1, 1)}, "has no meaning for method='clopper-pearson': only 'jeffreys', 'hpd'"),
    ({"prior": (0, 1), "method": "hpd"}, r"prior=\(0, 1\) is not two positive numbers"),
    ({"prior": 3, "method": "hpd"}, "prior=3"),
    ({"prior": (1, 2, 3), "method": "hpd"}, "two positive numbers"),
    ({"prior": (float("inf"), 2), "method": "hpd"}, "two positive numbers"),
]


@pytest.mark.parametrize(("options", "text"), BAD_OPTIONS)
def test_bad_options(options, text):
    with pytest.raises(mr.InvalidArgument, match=text):
        mr.binomial_ci(13, 18, **options)


def test_blyth_still_casella_says_where_it_ends():
    with pytest.raises(mr.CannotEstimate, match="limited to n of 10000 here, and n=10001: choose 'blaker'"):
        mr.binomial_ci(3, 10_001, method="blyth-still-casella")
    assert mr.binomial_ci(3, 10_001, method="blyth-still-casella", alternative="less").high > 0


def test_nothing_heavy_is_loaded():
    code = "import metaresp as mr, sys; mr.binomial_ci(13, 18, method='blaker'); print(*sys.modules)"
    loaded = run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "matplotlib", "statsmodels", "scipy.stats"} & set(loaded)


@pytest.mark.parametrize("method", ["clopper-pearson", "mid-p", "blaker"])
def test_limits_within_an_ulp_of_one_stay_in_range(method):
    found = mr.binomial_ci(10**9 - 1, 10**9, method=method, level=1 - 1e-9, alternative="less")
    assert found.rate <= found.high <= 1


@pytest.mark.parametrize("n", [1, 199, 1000])
@pytest.mark.parametrize("level", [0.95, 0.999])
def test_wilson_upper_bound_is_one_when_all_respond(n, level):
    assert mr.binomial_ci(n, n, method="wilson", level=level, alternative="less").high == 1.0


@pytest.mark.parametrize("level", [1e-300, 1e-12, 1e-6, 0.01, 0.5, 1 - 1e-12])
@pytest.mark.parametrize("method", mr.BINOMIAL_CI)
def test_limits_at_any_level_are_limits(method, level):
    x, n = np.array([(x, n) for n in (1, 2, 7, 20) for x in range(n + 1)]).T
    with np.errstate(all="raise"):
        for alternative in ("two-sided", "less", "greater"):
            ci = mr.binomial_ci(x, n, method=method, level=level, alternative=alternative)
            assert ((ci.low >= 0) & (ci.low <= ci.high) & (ci.high <= 1)).all()
