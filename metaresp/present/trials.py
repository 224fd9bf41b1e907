"""Intervals of single trials as lines of text."""

from typing import TYPE_CHECKING

import numpy as np

from metaresp.binomial import BINOMIAL_CI
from metaresp.present.numbers import level_percent
from metaresp.present.rates import SCALES, rates_and_intervals, with_digits
from metaresp.present.text_tables import text_table
from metaresp.present.trial_tables import prior_words, side_words

if TYPE_CHECKING:
    from metaresp.binomial import BinomialCI, MethodIntervals

PERCENT = SCALES["percent"]
_BAR = 40
_SCALE = "0%" + "100%".rjust(_BAR - 2)


def trial_lines(ci: "BinomialCI", *, ascii_only: bool = False) -> list[str]:
    """Return a line a trial, and above several of them a head; bars run from 0% to 100%.

    Parameters
    ----------
    ci : BinomialCI
    ascii_only : bool
        Draw the bars with plain characters.
    """
    events, n, rates, lows, highs = (
        np.ravel(getattr(ci, name)).tolist() for name in ("events", "n", "rate", "low", "high")
    )
    words = side_words(ci.alternative)
    what = f"{level_percent(ci.level)} {words}, {ci.method}{prior_words(ci.prior)}"
    texts = rates_and_intervals(rates, lows, highs, with_digits(PERCENT, ci.digits), ci.alternative)
    if len(events) == 1:
        return [f"{events[0]}/{n[0]}: {texts[0][0]} ({texts[0][1]}), {what}"]
    bars = (_bar(*three, ascii_only) for three in zip(rates, lows, highs, strict=True))
    trials = (f"{x}/{m}" for x, m in zip(events, n, strict=True))
    rows = tuple((trial, *text, bar) for trial, text, bar in zip(trials, texts, bars, strict=True))
    return [what, *text_table(("Trial", "Rate", words.capitalize(), _SCALE), rows)]


def method_lines(table: "MethodIntervals", *, ascii_only: bool = False) -> list[str]:
    """Return a line a method for one trial, under a head that gives its rate.

    Parameters
    ----------
    table : MethodIntervals
    ascii_only : bool
        Draw the bars with plain characters.
    """
    lows, highs = table.low.tolist(), table.high.tolist()
    texts = rates_and_intervals([table.rate] * len(lows), lows, highs, PERCENT, table.alternative)
    words = side_words(table.alternative)
    bars = (_bar(table.rate, low, high, ascii_only) for low, high in zip(lows, highs, strict=True))
    named = zip(table.methods, texts, bars, strict=True)
    rows = tuple((name, interval, bar) for name, (_, interval), bar in named)
    head = f"{table.events}/{table.n}: {texts[0][0]}, {level_percent(table.level)} {words}"
    lines = [head, *text_table(("Method", words.capitalize(), _SCALE), rows)]
    left_out = [name for name in BINOMIAL_CI if name not in table.methods]
    return [*lines, f"Cannot be had at n = {table.n}: {', '.join(left_out)}"] if left_out else lines


def _bar(rate: float, low: float, high: float, ascii_only: bool) -> str:
    line, point, empty = ("-", "*", ".") if ascii_only else ("─", "●", "·")
    a, b, c = (min(_BAR - 1, int(value * _BAR)) for value in (low, rate, high))
    cells = [empty] * a + [line] * (c - a + 1) + [empty] * (_BAR - 1 - c)
    cells[b] = point
    return "".join(cells)
