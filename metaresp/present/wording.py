"""The words of a figure, replaceable one by one, and the writer that sets rates by them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING

from metaresp.errors import InvalidArgument, closest, option
from metaresp.model.registry import model_of
from metaresp.outcome_words import check_outcome, lowered, outcome_words
from metaresp.present.rates import RateScale, limit_text, percent_text, rate_text, told_apart

if TYPE_CHECKING:
    from metaresp.result import Fit

# What each key may hold in braces is what it holds here.
WORDS: Mapping[str, str] = {
    "study": "Study",
    "events": "Events/n",
    "rate": "Rate",
    "weight": "Weight",
    "rate_head": "{rate} ({level} CI)",
    "estimate": "{rate} ({low} to {high})",
    "limits": "({low} to {high})",
    "decimal": ".",
    "axis": "Response rate",
    "prediction": "{level} prediction interval",
    "not_reported": "not reported",
    "left_out": "left out",
    "random_effects": "Random effects",
    "common_effect": "Common effect",
    "exact": "Exact binomial on the totals",
    "exact_studies": "Exact binomial on the studies",
    "beta_binomial": "Beta-binomial",
    "binomial_normal": "binomial-normal",
    "inverse_variance": "inverse variance",
    "link": "link",
    "exact_interval": "exact ({name})",
    "total": "Total",
    "responders": "Events",
    "group": "{by}: {group}",
    "subtotal": "Pooled, {group}",
    "no_group": "not given",
    "heterogeneity": "Heterogeneity: {details}",
    "not_estimable": "not estimable",
    "levels": "between clusters {between}, within clusters {within}",
    "pearson": "Pearson's X²",
    "typical": "typical trial (expit of the mean logit)",
    "typical_scale": "typical trial (mean on the {scale} scale, turned back)",
    "mean": "mean over trials",
    "pooled_typical": "Pooled rate: {typical}; {mean} {estimate}",
    "pooled_mean": "Pooled rate: {mean}; {typical} {estimate}",
    "pooled_only": "Pooled rate: {mean}",
    "mean_row": "{model}, {mean}",
    "one_tau2": "one for all groups",
    "between": "Test between groups: {test}, {p}",
    "study_intervals": "Study intervals: {level}, {method}.",
    "benchmark": "Benchmark {rate}",
    "shrunken": "Shrunken rate of each study, {level} interval",
    "low_risk": "low risk of bias",
    "some_risk": "some concerns",
    "high_risk": "high risk of bias",
    "no_information": "no information",
    "per": "{words} {per}",
    "how_many": "Studies",
    "all_studies": "All studies",
    "without": "{what} left out",
    "added": "Study added",
    "model": "Model",
    "method": "Method",
    "category": "Category",
    "share": "Share of patients",
    "together": "All intervals hold together with {level} confidence ({method}).",
    "which_rate": "Which rate",
    "choice": "Pooled",
    "reports": "Reports",
    "unanswered": "Patients without a response",
    "definition": "Counted as response",
    "in_order": "Pooled together, so that no rate falls from a definition to a more lenient one.",
}


def wording(labels: Mapping[str, str] | None = None, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the words with *labels* in the place of ours.

    Parameters
    ----------
    labels : mapping of str to str, optional
        Keys of :data:`WORDS`; what stands in braces there must stand in the new words too or be left out.
    base : mapping of str to str, optional
        Words of the style, which *labels* override.

    Raises
    ------
    InvalidArgument
        If a key is not known, a value is no text, or it has braces that mean nothing.

    Examples
    --------
    >>> wording({"study": "Studie"})["study"]
    'Studie'
    """
    words = dict(WORDS)
    for given in (base, labels):
        if given is not None and not isinstance(given, Mapping):
            raise InvalidArgument(
                f"{option('labels', given)}: must be a mapping such as {{'study': 'Trial'}}"
            )
        for key, value in (given or {}).items():
            words[key] = _checked(key, value)
    return words


def typical_words(fit: "Fit", words: Mapping[str, str] = WORDS) -> str:
    """Return which rate ``fit.rate`` is; nothing where it is the mean rate over trials.

    Examples
    --------
    >>> import metaresp as mr
    >>> typical_words(mr.pool(events=[13, 4, 9], n=[18, 7, 20]))
    'typical trial (expit of the mean logit)'
    """
    scale = "" if fit.is_exact else model_of(fit.spec).typical_scale(fit.spec)
    if scale == "logit":
        return words["typical"]
    return words["typical_scale"].format(scale=scale) if scale else ""


def greek(words: str) -> str:
    """Return a line of a figure with tau2 as a figure writes it."""
    return re.sub(r"\btau2\b", "τ²", words)


def outcome_labels(outcome: str | None, base: Mapping[str, str] = WORDS) -> dict[str, str]:
    """Return the words of a figure that name what is counted; nothing for responses.

    Parameters
    ----------
    outcome : str or None
    base : mapping of str to str
        Words of the style: ``No of events/total`` becomes ``No of adverse reactions/total``.

    Examples
    --------
    >>> outcome_labels("Adverse reactions")
    {'axis': 'Rate of adverse reactions', 'events': 'Adverse reactions/n', 'responders': 'Adverse reactions'}
    """
    words, usual = outcome_words(check_outcome(outcome)), outcome_words(None)
    if words == usual:
        return {}
    found = {"axis": words.rate}
    for key in ("events", "responders"):
        head = base.get(key, WORDS[key]).replace(usual.events, words.events)
        found[key] = head.replace(usual.events.lower(), lowered(words.events))
    return found


def _checked(key: str, value: str) -> str:
    if key not in WORDS:
        hint = closest(str(key), WORDS)
        raise InvalidArgument(
            f"{option('labels', key=key)} is not known: choose {', '.join(map(repr, WORDS))}{hint}"
        )
    if not isinstance(value, str):
        raise InvalidArgument(f"{option('labels', value, key=key)}: must be text")
    allowed = {name for _, name, _, _ in Formatter().parse(WORDS[key]) if name}
    try:
        used = {name for _, name, _, _ in Formatter().parse(value) if name is not None}
    except ValueError:
        used = {"a brace that is not closed"}
    if used - allowed:
        raise InvalidArgument(
            f"{option('labels', value, key=key)}: {', '.join(sorted(used - allowed))} in braces means "
            "nothing here; "
            f"{', '.join(sorted(allowed)) or 'no braces'} may be used"
        )
    return value


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes rates of one table: its unit, its decimals, its words."""

    scale: RateScale
    decimals: int
    words: Mapping[str, str]
    level: str

    def rate(self, rate: float) -> str:
        """Return one rate."""
        return self._set(rate_text(rate, self.scale, self.decimals))

    def estimate(self, rate: float, low: float, high: float) -> str:
        """Return a rate with its limits, the three told apart wherever they differ."""
        decimals = told_apart((low, rate, high), self.scale, self.decimals)
        a, b = (self._set(limit_text(value, self.scale, decimals)) for value in (low, high))
        point = self._set(rate_text(rate, self.scale, decimals))
        return self.words["estimate"].format(rate=point, low=a, high=b)

    def limits(self, low: float, high: float) -> str:
        """Return an interval, its ends told apart."""
        decimals = told_apart((low, high), self.scale, self.decimals)
        a, b = (self._set(limit_text(value, self.scale, decimals)) for value in (low, high))
        return self.words["limits"].format(low=a, high=b)

    def percent(self, value: float) -> str:
        """Return a share in percent with one decimal, or as many as it needs not to read 0% or 100%."""
        return self._set(percent_text(value))

    def with_unit(self, words: str) -> str:
        """Return *words* with the unit of the scale, where it has one in words."""
        return self.words["per"].format(words=words, per=self.scale.per) if self.scale.per else words

    def number(self, text: str) -> str:
        """Return a written number with the decimal sign of the words."""
        return self._set(text)

    def _set(self, text: str) -> str:
        return text if self.words["decimal"] == "." else text.replace(".", self.words["decimal"])

    @property
    def bracket(self) -> str:
        """The character of the written estimate that stands above itself in every row."""
        after = self.words["estimate"].partition("{rate}")[2].lstrip()
        return after[0] if after and after[0] in "([{|" else "right"
