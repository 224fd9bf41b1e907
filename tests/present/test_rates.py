"""Printed rates never hide what differs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaresp.errors import UnknownName
from metaresp.present.rates import (
    MOST_DECIMALS,
    SCALES,
    decimals_for_widths,
    rate_scale,
    rate_text,
    rate_with_interval,
)

# Below this two rates print alike even with the most decimals.
FINEST = 10.0 ** (2 - MOST_DECIMALS)
RATES = st.one_of(st.just(0.0), st.just(1.0), st.floats(FINEST, 1 - FINEST))


@settings(max_examples=100, deadline=None)
@given(RATES, st.sampled_from(sorted(SCALES)), st.integers(0, 4))
def test_only_nothing_prints_as_nothing_and_all_as_all(rate, name, decimals):
    scale = SCALES[name]
    printed = float(rate_text(rate, scale, decimals).removesuffix(scale.unit))
    assert (printed == 0) == (rate == 0)
    assert (printed == scale.factor) == (rate == 1)
    assert printed == pytest.approx(rate * scale.factor, abs=0.51 * 10.0**-decimals)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=3, max_size=3, unique=True), st.sampled_from(sorted(SCALES)))
def test_rate_and_limits_are_told_apart(parts, name):
    low, rate, high = sorted(part / 10**6 for part in parts)
    words = rate_with_interval(rate, low, high, SCALES[name], 0)
    printed = words.replace("(", "").replace(")", "").replace(" to ", " ").split()
    assert len(set(printed)) == 3


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        ("percent", "72.2% (46.5% to 90.3%)"),
        ("proportion", "0.72 (0.47 to 0.90)"),
        ("per 1000", "722 (465 to 903)"),
        ("per 100000", "72222.2 (46520.0 to 90305.0)"),
    ],
)
def test_scales(scale, words):
    unit = rate_scale(scale)
    decimals = decimals_for_widths([0.43785], unit)
    assert rate_with_interval(13 / 18, 0.46520, 0.90305, unit, decimals) == words


def test_unknown_scale():
    with pytest.raises(UnknownName, match="did you mean 'percent'"):
        rate_scale("percnt")


def test_one_large_study_does_not_set_the_decimals_of_all():
    assert decimals_for_widths([0.4, 0.5, 0.6, 0.001], SCALES["percent"]) == 1
    assert decimals_for_widths([], SCALES["percent"]) == 1
