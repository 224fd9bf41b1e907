"""Intervals of single trials as lines of text."""

from typing import TYPE_CHECKING

import numpy as np

from metaresp.binomial import BINOMIAL_CI
from metaresp.present.numbers import level_percent
from metaresp.present.rates import SCALES, decimals_for_widths, interval_text, rate_text
from metaresp.present.summary import text_table

if TYPE_CHECKING:
    from metaresp.binomial import BinomialCI, MethodIntervals

PERCENT = SCALES["percent"]
_BAR = 40
_SCALE = "0%" + "100%".rjust(_BAR - 2)
_WORDS = {"less": "upper bound", "greater": "lower bound"}


def trial_lines(ci: "BinomialCI", *, ascii_only: bool = False) -> list[str]:
    """Return a line a trial, and above several of them a head; bars run from 0% to 100%.

    Parameters
    ----------
    ci : BinomialCI
    ascii_only : bool
        Draw the bars with plain characters.
    """
    columns = [np.ravel(getattr(ci, name)).tolist() for name in ("events", "n", "rate", "low", "high")]
    trials = list(zip(*columns, strict=True))
    words = _WORDS.get(ci.alternative, "interval")
    what = f"{level_percent(ci.level)} {words}, {ci.method}"
    if ci.prior is not None:
        what += f", Beta({ci.prior[0]:g}, {ci.prior[1]:g}) prior"
    widths = [abs((rate if ci.alternative == "greater" else high) - low) for _, _, rate, low, high in trials]
    d = decimals_for_widths(widths, PERCENT)
    if len(trials) == 1:
        x, n, rate, low, high = trials[0]
        return [f"{x}/{n}: {rate_text(rate, PERCENT, d)} ({limits(low, high, ci.alternative, d)}), {what}"]
    rows = tuple(
        (
            f"{x}/{n}",
            rate_text(rate, PERCENT, d),
            limits(low, high, ci.alternative, d),
            _bar(rate, low, high, ascii_only),
        )
        for x, n, rate, low, high in trials
    )
    return [what, *text_table(("Trial", "Rate", words.capitalize(), _SCALE), rows)]


def method_lines(table: "MethodIntervals", *, ascii_only: bool = False) -> list[str]:
    """Return a line a method for one trial, under a head that gives its rate.

    Parameters
    ----------
    table : MethodIntervals
    ascii_only : bool
        Draw the bars with plain characters.
    """
    pairs = list(zip(table.methods, table.low.tolist(), table.high.tolist(), strict=True))
    d = decimals_for_widths([high - low for _, low, high in pairs], PERCENT)
    words = _WORDS.get(table.alternative, "interval")
    rows = tuple(
        (name, limits(low, high, table.alternative, d), _bar(table.rate, low, high, ascii_only))
        for name, low, high in pairs
    )
    head = (
        f"{table.events}/{table.n}: {rate_text(table.rate, PERCENT, d)}, {level_percent(table.level)} {words}"
    )
    lines = [head, *text_table(("Method", words.capitalize(), _SCALE), rows)]
    left_out = [name for name in BINOMIAL_CI if name not in table.methods]
    return [*lines, f"Cannot be had at n = {table.n}: {', '.join(left_out)}"] if left_out else lines


def limits(low: float, high: float, alternative: str, decimals: int = 1) -> str:
    """Return the limits of an interval in words.

    Examples
    --------
    >>> limits(0.0, 0.1533, "less"), limits(0.465, 0.903, "two-sided")
    ('at most 15.3%', '46.5% to 90.3%')
    """
    if alternative == "less":
        return f"at most {rate_text(high, PERCENT, decimals)}"
    if alternative == "greater":
        return f"at least {rate_text(low, PERCENT, decimals)}"
    return interval_text(low, high, PERCENT, decimals)


def _bar(rate: float, low: float, high: float, ascii_only: bool) -> str:
    line, point, empty = ("-", "*", ".") if ascii_only else ("─", "●", "·")
    a, b, c = (min(_BAR - 1, int(value * _BAR)) for value in (low, rate, high))
    cells = [empty] * a + [line] * (c - a + 1) + [empty] * (_BAR - 1 - c)
    cells[b] = point
    return "".join(cells)
