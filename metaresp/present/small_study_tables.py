"""Tables of small-study effects and of trim and fill."""

from typing import TYPE_CHECKING

import numpy as np

from metaresp.outcome_words import outcome_words
from metaresp.present.numbers import level_percent, pvalue, significant
from metaresp.present.rates import (
    SCALES,
    decimals_for_widths,
    rate_text,
    rates_and_intervals,
)
from metaresp.present.text_tables import TABLES, Summary

if TYPE_CHECKING:
    from metaresp.analyses.small_study import SmallStudyEffects
    from metaresp.analyses.trim_and_fill import TrimAndFill
    from metaresp.records import Interval

PERCENT = SCALES["percent"]
METHODS = {
    "binomial": "Binomial-normal model with a slope",
    "egger": "Egger's regression (multiplicative dispersion)",
    "egger-mixed": "Egger's regression (additive variance between studies, REML)",
    "peters": "Peters' regression",
    "rank": "Begg and Mazumdar's rank correlation",
    "lfk": "LFK index",
}
OF_SIZES = frozenset({"1/sqrt(n)", "1/n", "sqrt(n)", "n"})


def _between(limits: "Interval | None") -> str:
    return "" if limits is None else f" ({significant(limits[0])} to {significant(limits[1])})"


def _rate_with(rate: float, limits: "Interval | None") -> str:
    low, high = limits or (rate, rate)
    ((middle, interval),) = rates_and_intervals([rate], [low], [high], PERCENT)
    return middle if limits is None else f"{middle} ({interval})"


@TABLES.add("SmallStudyEffects")
def effects_of_size(found: "SmallStudyEffects") -> Summary:
    """Show the test, the slope, the rate of an infinitely large trial, and the line at both ends."""
    title = METHODS[found.method] + (f" on {found.predictor}" if found.predictor else "")
    facts = [("Method", f"{title}, {found.scale} scale, {found.k} studies")]
    words = f"{found.statistic_name} {significant(found.statistic)}"
    if np.isnan(found.pvalue):
        facts.append(("Index", f"{words}; beyond 1 is called minor asymmetry, beyond 2 major"))
    else:
        facts.append(("No effect of size", f"{words}, {pvalue(found.pvalue)} ({found.reference})"))
    level = level_percent(found.level)
    if not np.isnan(found.slope):
        facts.append((f"Slope ({level} interval)", significant(found.slope) + _between(found.slope_ci)))
    if not np.isnan(found.limit_rate):
        name = f"Limit ({level} interval)"
        facts.append(
            (name, f"{_rate_with(found.limit_rate, found.limit_rate_ci)}, an infinitely large trial")
        )
    if not np.isnan(found.tau):
        facts.append(("tau about the line", significant(found.tau)))
    facts.append((outcome_words(found.outcome).pooled, _rate_with(found.rate, None)))
    rows: tuple[tuple[str, ...], ...] = ()
    if found.line_x.size and found.predictor in OF_SIZES:
        ends = [int(found.n.argmax()), int(found.n.argmin())]
        rates = [float(np.interp(found.x[i], found.line_x, found.line_rate)) for i in ends]
        decimals = decimals_for_widths([0.1, abs(rates[1] - rates[0])], PERCENT)
        rows = tuple(
            (label, f"{int(found.n[i]):,}", rate_text(rate, PERCENT, decimals))
            for label, i, rate in zip(("Largest trial", "Smallest trial"), ends, rates, strict=True)
        )
    return Summary(tuple(facts), ("On the line", "Patients", "Rate") if rows else (), rows, found.notes)


@TABLES.add("TrimAndFill")
def filled_in(found: "TrimAndFill") -> Summary:
    """Show how many studies are filled in on which side, and the pooled rate without and with them."""
    noun = "study" if found.k0 == 1 else "studies"
    which = "lower" if found.side == "left" else "higher"
    facts = (
        ("Filled in", f"{found.k0} {noun} on the {found.side}, of {which} rates ({found.estimator})"),
        ("Effects", f"{len(found.study) - found.k0} studies, {found.scale} scale, inverse variance"),
    )
    rates, limits = [found.rate, found.adjusted_rate], [found.rate_ci, found.adjusted_rate_ci]
    texts = rates_and_intervals(rates, [ci.low for ci in limits], [ci.high for ci in limits], PERCENT)
    k = len(found.study)
    rows = tuple(
        (label, str(count), *text)
        for label, count, text in zip(("As observed", "Filled in"), (k - found.k0, k), texts, strict=True)
    )
    columns = (
        "Pooled",
        "Studies",
        outcome_words(found.outcome).pooled,
        f"{level_percent(found.level)} interval",
    )
    return Summary(facts, columns, rows, found.notes)
