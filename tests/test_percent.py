"""The counts behind a percentage, against the definition with exact fractions."""

from collections import defaultdict
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaresp.errors import InvalidArgument
from metaresp.percent import MAX_ANSWERS, check_percent, compatible_counts, percent_digits


def rounded(value, decimals, rule):
    """Round an exact fraction by a named rule of the decimal module."""
    scaled = value * 10**decimals
    whole, rest = divmod(scaled, 1)
    # Only whether the rest is below, at or above one half matters to the rule.
    digit = Decimal(int(whole)) + (
        Decimal("0.5") if rest * 2 == 1 else Decimal("0.25") if rest * 2 < 1 else Decimal("0.75")
    )
    return int(digit.quantize(Decimal(1), rounding=rule))


def slow(decimals, n):
    """Every count out of n, filed under the percentages that it rounds to by either rule."""
    filed = defaultdict(list)
    for x in range(n + 1):
        for units in {
            rounded(Fraction(100 * x, n), decimals, rule) for rule in (ROUND_HALF_UP, ROUND_HALF_EVEN)
        }:
            filed[units].append(x)
    return filed


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 12, 16, 18, 40, 64, 1000])
@pytest.mark.parametrize("decimals", [0, 1, 2])
def test_equals_looking_at_every_count(n, decimals):
    filed = slow(decimals, n)
    percentages = {units: f"{Decimal(units).scaleb(-decimals):f}" for units in range(100 * 10**decimals + 1)}
    wrong = [p for units, p in percentages.items() if list(compatible_counts(p, n, decimals)) != filed[units]]
    assert not wrong


@given(st.integers(1, 10**9), st.integers(0, 3), st.data())
@settings(max_examples=100, deadline=None)
def test_the_percentage_of_a_count_is_compatible_with_it(n, decimals, data):
    x = data.draw(st.integers(0, n))
    for rule in (ROUND_HALF_UP, ROUND_HALF_EVEN):
        units = rounded(Fraction(100 * x, n), decimals, rule)
        text = f"{Decimal(units).scaleb(-decimals):f}"
        counts = compatible_counts(text, n)
        assert x in counts
        # Neighbours outside the range are at least half a unit away.
        for outside in {counts[0] - 1, counts[-1] + 1} - {-1, n + 1}:
            assert abs(Fraction(100 * outside, n) - Fraction(units, 10**decimals)) * 2 * 10**decimals >= 1


@pytest.mark.parametrize(
    ("percent", "n", "expected"),
    [
        (72.2, 18, [13]),
        ("72.2%", 18, [13]),
        ("72,2 %", 18, [13]),
        (" 72.2 ", 18, [13]),
        ("72.22", 18, [13]),
        ("72.3", 18, []),
        (72, 18, [13]),
        (0, 18, [0]),
        (100, 18, [18]),
        ("0.0", 1000, [0]),
        (50, 300, [149, 150, 151]),
        ("50.0", 300, [150]),
        ("12", 8, [1]),  # 12.5 to the even digit
        ("13", 8, [1]),  # 12.5 up
        (100 * 13 / 18, 18, [13]),  # every digit of the float, noise included
        (np.float32(72.2), 18, [13]),
        (np.int64(72), 18, [13]),
        (Decimal("72.2"), 18, [13]),
    ],
)
def test_known_answers(percent, n, expected):
    answer = check_percent(percent, n)
    assert answer.tolist() == expected
    assert answer.dtype == np.int64


def test_decimals_can_be_given():
    assert check_percent(50, 300, decimals=1).tolist() == [150]
    assert check_percent(72.0, 100).tolist() == [72]
    assert len(check_percent(72.0, 1000)) > len(check_percent("72.0", 1000)) == 1
    assert percent_digits("72.20", 1) == (722, 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((True, 18), "percent=True"),
        (("abc", 18), "percent='abc'"),
        ((-1, 18), "percent=-1"),
        ((101, 18), "percent=101"),
        (("100.1", 18), "from 0 to 100"),
        ((float("nan"), 18), "percent=nan"),
        ((float("inf"), 18), "percent=inf"),
        ((None, 18), "percent=None"),
        (("1e1", 18), "percent='1e1'"),
        (("9" * 50, 18), "percent="),
        (("1." + "0" * 50, 18), "percent="),
        ((72.2, 0), "n=0"),
        ((72.2, -3), "n=-3"),
        ((72.2, 1.5), "n=1.5"),
        ((72.2, True), "n=True"),
        ((72.2, "18"), "n='18'"),
        ((72.2, 18, -1), "decimals=-1"),
        ((72.2, 18, 0), "more decimals"),
        ((72.2, 18, "1"), "decimals='1'"),
        ((50, 10**9), str(MAX_ANSWERS)),
        ((50, 10**9 + 1), "n=1000000001 must be from 1 to 1000000000"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(InvalidArgument) as caught:
        check_percent(*arguments)
    assert words in str(caught.value)
