"""Axis, wrapping and fonts, each against its definition."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

from metaresp.plots.axis import MOST_TICKS, rate_axis
from metaresp.plots.fonts import families, installed, text_width
from metaresp.plots.settings import plain_settings
from metaresp.plots.style import Style
from metaresp.plots.wrap import clean, wrap

# Two ways of adding the widths of the same letters.
ROUNDING = 1e-9
RATES = st.floats(0, 1)


@settings(max_examples=100, deadline=None)
@given(st.lists(RATES, max_size=6), st.sampled_from([(100.0, "%"), (1.0, ""), (1e5, "")]), st.integers(2, 9))
def test_axis_holds_everything_and_says_where_its_ticks_are(rates, unit, most):
    factor, sign = unit
    axis = rate_axis(rates, factor=factor, unit=sign, most=most)
    assert 0 <= axis.low < axis.high <= 1
    assert all(axis.low <= rate <= axis.high * (1 + ROUNDING) for rate in rates)
    assert len(axis.ticks) == len(axis.labels) <= max(most, MOST_TICKS)
    for tick, label in zip(axis.ticks, axis.labels, strict=True):
        assert float(label.removesuffix(sign)) == pytest.approx(tick * factor, rel=1e-9, abs=1e-12)
    assert len(set(axis.labels)) == len(axis.labels)


@pytest.mark.parametrize(
    ("rates", "limits"),
    [
        ([0.2, 0.9], (0, 1)),
        ([0.0, 0.0], (0, 1)),
        ([], (0, 1)),
        ([math.nan], (0, 1)),
        ([0.01, 0.5], (0, 0.5)),
        ([0.01, 0.09], (0, 0.1)),
        ([0.93, 0.99], (0.92, 1)),
        ([0.4, 0.6], (0, 1)),
    ],
)
def test_axis_range(rates, limits):
    axis = rate_axis(rates)
    assert (axis.low, axis.high) == pytest.approx(limits)


def test_a_chosen_axis_has_only_ticks_inside():
    axis = rate_axis([0.1], xlim=(0.13, 0.47))
    assert (axis.low, axis.high) == (0.13, 0.47)
    assert axis.labels[0] == "15%"
    assert len(axis.labels) <= MOST_TICKS


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80), st.integers(1, 40))
def test_wrapping_loses_nothing_and_keeps_to_the_limit(words, limit):
    line = clean(words)
    lines = wrap(line, limit, len)
    assert "".join(lines).replace(" ", "") == line.replace(" ", "")
    assert all(len(part) <= limit for part in lines)


def test_cleaning():
    assert clean("a\x00b\u200b\n c") == "a b c"
    assert re.fullmatch(r"", clean(" \t\r\n "))


@pytest.mark.parametrize("words", ["72.2% (46.5% to 90.3%)", "Haraguchi and Ebina", "Müller τ² Привет"])
@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("dpi", [72, 100, 300])
def test_measured_width_is_not_less_than_the_drawn(words, bold, dpi):
    names = families(Style().fonts, [words])
    font = FontProperties(family=list(names), size=9, weight="bold" if bold else "normal")
    with plain_settings():
        drawn, _, _ = RendererAgg(10, 10, dpi).get_text_width_height_descent(words, font, False)
    assert drawn * 72 / dpi <= text_width(words, 9, names, bold=bold) + 72 / dpi


def test_fallback_only_where_needed():
    assert len(families(Style().fonts, ["Study"])) == 1
    assert families(["DejaVu Sans"], ["Привет", "τ²"]) == ("DejaVu Sans",)
    assert set(families(Style().fonts, ["前瞻性"])) <= installed()
