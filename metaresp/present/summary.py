"""The summary of a fit."""

import math
from typing import TYPE_CHECKING

import numpy as np

from metaresp.arrays import silent
from metaresp.model.registry import model_of
from metaresp.outcome_words import OutcomeWords, outcome_words
from metaresp.present.numbers import level_percent, pvalue, significant
from metaresp.present.rates import (
    SCALES,
    RateScale,
    decimals_for_widths,
    interval_text,
    percent_text,
    rate_text,
    rate_with_interval,
    rates_and_intervals,
    told_apart,
    with_digits,
)
from metaresp.present.text_tables import MOST_ROWS, TABLES, Summary
from metaresp.present.wording import typical_words

if TYPE_CHECKING:
    from metaresp.outcome import Levels
    from metaresp.result import Fit

PERCENT = SCALES["percent"]
_CI_WORDS = {
    "normal": "normal quantile",
    "t": "t quantile",
    "hartung-knapp": "Hartung-Knapp",
    "hartung-knapp-floor": "Hartung-Knapp, never narrower than the normal interval",
    "kenward-roger": "Kenward-Roger",
    "henmi-copas": "Henmi-Copas",
    "ivhet": "IVhet, normal quantile about the common-effect mean",
    "profile": "profile likelihood",
    "profile-t": "profile likelihood with a t quantile",
    "profile-f": "profile likelihood, exact for equal normal studies",
    "bartlett": "profile likelihood with Bartlett's correction",
    "bootstrap": "parametric bootstrap",
    "CR1": "cluster-robust (CR1)",
    "CR2": "cluster-robust (CR2, Satterthwaite)",
}


@TABLES.add("Fit")
def fits(fit: "Fit") -> Summary:
    """Show the summary of a fit, with the studies that are printed."""
    return summarise(fit, most=MOST_ROWS)


@silent
def summarise(fit: "Fit", digits: int | None = None, most: int | None = None) -> Summary:
    """Return the summary of *fit* with *most* studies at most.

    *digits* goes before the decimals that the fit was asked for.
    """
    scale = with_digits(PERCENT, fit.spec.digits, digits)
    rates, lows, highs = (np.ravel(getattr(fit.study_ci, name)).tolist() for name in ("rate", "low", "high"))
    level = level_percent(fit.spec.level)
    d = decimals_for_widths([b - a for a, b in zip(lows, highs, strict=True)], scale)
    texts = rates_and_intervals(rates[:most], lows[:most], highs[:most], scale, decimals=d)
    events, sizes = fit.studies.events[:most].tolist(), fit.studies.n[:most].tolist()
    counts = [f"{x}/{n}" for x, n in zip(events, sizes, strict=True)]
    weights = map(percent_text, fit.weights[:most].tolist())
    rows = tuple(
        (label, count, *text, weight)
        for label, count, text, weight in zip(fit.studies.study[:most], counts, texts, weights, strict=True)
    )
    words = outcome_words(fit.spec.outcome)
    columns = ("Study", f"{words.events}/n", "Rate", f"{level} CI", "Weight")
    return Summary(
        tuple(_facts(fit, words, level, scale, d)), columns, rows, fit.notes, more=fit.k - len(rows)
    )


def _facts(fit: "Fit", words: OutcomeWords, level: str, scale: RateScale, d: int) -> list[tuple[str, str]]:
    pooled = rate_with_interval(fit.rate, *fit.rate_ci, scale, d).replace("(", f"({level} CI ")
    typical = typical_words(fit)
    which = typical or ("mean over trials" if model_of(fit.spec).rate_is_mean and not fit.is_exact else "")
    facts = [(words.pooled, f"{pooled}; {which}" if which else pooled)]
    if typical:
        mean = rate_with_interval(fit.mean_rate, *fit.mean_rate_ci, scale, d)
        facts.append(("Mean over trials", mean.replace("(", f"({level} CI ")))
    if fit.prediction_interval is not None:
        low, high = fit.prediction_interval
        new = interval_text(low, high, scale, told_apart((low, high), scale, d))
        facts.append(("A new trial", f"{new} ({level} prediction interval)"))
    between = heterogeneity_words(fit)
    if between:
        facts.append(("Between trials", between))
    if fit.levels is not None and math.isfinite(fit.levels.tau2_between):
        facts.append(("Levels", level_words(fit.levels)))
    noun = "study" if fit.k == 1 else "studies"
    crude = rate_text(fit.events / fit.n, scale, d)
    facts.append(("Data", f"{fit.k} {noun}, {fit.events} of {fit.n} patients {words.happened} ({crude})"))
    source = getattr(fit.studies, "source", None)
    if source is not None:
        facts.append(("Read", str(source)))
    facts.append(("Model", f"{fit.model_label}; {_interval_words(fit)}"))
    return facts


def heterogeneity_words(fit: "Fit") -> str:
    """Return one line on the variation between trials; empty where there is nothing to say."""
    h = fit.heterogeneity
    if math.isnan(fit.tau2) and math.isnan(fit.rho):
        return ""
    parts = []
    if not math.isnan(fit.rho):
        parts.append(f"rho = {significant(fit.rho)} (intraclass correlation)")
    elif model_of(fit.spec).spread:
        parts.append(f"tau = {significant(fit.tau)} ({fit.scale} scale), tau2 = {significant(fit.tau2)}")
        parts.append(f"I2 = {percent_text(h.I2, 0)}")
    if not math.isnan(h.Q):
        parts.append(f"{model_of(fit.spec).Q_symbol} = {h.Q:.1f} on {h.df:.0f} df, {pvalue(h.pvalue)}")
    return "; ".join(parts)


def level_words(levels: "Levels") -> str:
    """Return one line on both levels: clusters, and the studies of a cluster."""
    parts = [
        f"between clusters tau = {significant(math.sqrt(levels.tau2_between))}, "
        f"I2 = {percent_text(levels.I2_between, 0)}, "
        f"test of no clustering: {pvalue(levels.lrt_between_pvalue)}"
    ]
    if math.isfinite(levels.tau2_within):
        parts.append(
            f"within clusters tau = {significant(math.sqrt(levels.tau2_within))}, "
            f"I2 = {percent_text(levels.I2_within, 0)}, {pvalue(levels.lrt_within_pvalue)}"
        )
    return "; ".join(parts)


def interval_words(ci: str) -> str:
    """Return the name of an interval in words."""
    return _CI_WORDS.get(ci, ci)


def _interval_words(fit: "Fit") -> str:
    if fit.is_exact:
        return f"{model_of(fit.spec).exact_method(fit.spec)} interval"
    words = interval_words(fit.spec.ci)
    return f"{words}, {fit.df:.4g} df" if math.isfinite(fit.df) else words
