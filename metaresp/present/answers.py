"""What the records that hold several answers to one question have to draw."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from metaresp.outcome_words import outcome_words
from metaresp.present import forest_parts as parts
from metaresp.present.answer_rows import ANSWERS, Answers, answer_rows, estimates, news, only_typical
from metaresp.present.around_tables import number, spread_name, spread_of, value_text
from metaresp.present.comparison_tables import assumption
from metaresp.present.forest_columns import headline
from metaresp.present.forest_groups import between_line
from metaresp.present.forest_table import Column
from metaresp.present.numbers import level_percent
from metaresp.present.wording import typical_words

if TYPE_CHECKING:
    from metaresp.analyses.categories import Categories
    from metaresp.analyses.compare import Comparison
    from metaresp.analyses.missing import MissingResponses
    from metaresp.analyses.overlap import Overlap
    from metaresp.analyses.refits import Refits
    from metaresp.analyses.subgroups import Subgroups
    from metaresp.binomial.compare import MethodIntervals
    from metaresp.binomial.multinomial import MultinomialCI
    from metaresp.result import Fit

__all__ = ["answer_rows"]

Words = Mapping[str, str]


@ANSWERS.add("LeaveOneOut")
@ANSWERS.add("Cumulative")
def refits(found: "Refits", words: Words, of: str) -> Answers:
    """Show the rate of each fit, and that of all studies last."""
    fit, values = found.fit, getattr(found, "value", None)
    whole, new = words["all_studies"], fit.prediction_interval or (math.nan, math.nan)
    spread = [*getattr(found, spread_name(fit)).tolist(), spread_of(fit)]
    ahead = news(found)
    symbol = {"tau2": "τ²", "rho": "ρ"}[spread_name(fit)]
    by = Column("value", headline(str(found.by)), align="right", spare=1)
    value = [] if found.by is None or values is None else [*map(value_text, values), ""]
    return Answers(
        words["without"].format(what=headline(found.by or words["study"]))
        if values is None
        else words["added"],
        (*found.study, _mean_row(fit, whole, words) if of == "mean" else whole),
        (*estimates(found, of), parts.pooled(fit, of)),
        [*ahead, new] if any(low == low for low, _ in ahead) else (),
        (
            *([(by, value)] if value else []),
            (
                _k(words),
                [*map(str, found.k.tolist()), str(fit.k)],
            ),
            (Column("spread", symbol, "right", "right", spare=3), list(map(number, spread))),
        ),
        main=-1,
        fit=fit,
        told=(_model(fit, words),),
        notes=found.notes,
    )


@ANSWERS.add("Comparison")
def models(found: "Comparison", words: Words, of: str) -> Answers:
    """Show one model a row, the default first."""
    fit = found.fits[0]
    happened = outcome_words(fit.spec.outcome).happened
    return Answers(
        words["model"],
        found.model,
        [parts.pooled(one, of) for one in found.fits],
        news(found),
        ((Column("kind", words["which_rate"], "right", spare=1), found.note),),
        main=0,
        fit=fit,
        whose=f"{found.model[0]}: ",
        told=(
            *found.notes[: 0 if found.agree else 2],
            f"{fit.k} studies, {fit.events} of {fit.n} patients {happened}.",
        ),
        notes=found.notes[0 if found.agree else 2 :],
    )


@ANSWERS.add("Overlap")
def choices(found: "Overlap", words: Words, of: str) -> Answers:
    """Show one choice among reports a row, all reports first."""
    counts = zip(found.events.tolist(), found.n.tolist(), strict=True)
    return Answers(
        words["choice"],
        found.choice,
        estimates(found, of),
        news(found),
        (
            (_k(words, "reports"), list(map(str, found.k.tolist()))),
            (_counts(words), [f"{x}/{n}" for x, n in counts]),
        ),
        main=0,
        fit=found.fit,
        told=(_model(found.fit, words),),
        notes=found.notes,
    )


@ANSWERS.add("MissingResponses")
def assumptions(found: "MissingResponses", words: Words, of: str) -> Answers:
    """Show one assumption a row; that of patients like the others, whatever the order, is the diamond."""
    fit, odds = found.evaluated, found.odds.tolist()
    labels = [assumption(value, fit.spec.outcome) for value in odds]
    rates = estimates(found, of)
    if 1.0 not in odds:
        odds, labels, rates = [1.0, *odds], [words["left_out"], *labels], [parts.pooled(fit, of), *rates]
    return Answers(
        words["unanswered"],
        labels,
        rates,
        main=odds.index(1.0),
        fit=fit,
        told=(_model(fit, words),),
        notes=found.notes,
    )


@ANSWERS.add("Categories")
def definitions(found: "Categories", words: Words, of: str) -> Answers:
    """Show one definition of response a row, from strict to lenient, but the last, which is everybody."""
    last = len(found.definition) - 1
    counts = zip(found.events.cumsum().tolist(), [int(found.counts.sum())] * last, strict=False)
    return Answers(
        words["definition"],
        found.definition[:last],
        estimates(found, of)[:last],
        news(found)[:last],
        ((_counts(words), [f"{x}/{n}" for x, n in counts]),),
        notes=(words["in_order"],),
    )


@ANSWERS.add("MethodIntervals")
def methods(found: "MethodIntervals", words: Words, of: str) -> Answers:
    """Show one method of the same trial a row."""
    only_typical(of, "the intervals of one trial")
    limits = zip(found.low.tolist(), found.high.tolist(), strict=True)
    return Answers(
        words["method"],
        found.methods,
        [(found.rate, low, high) for low, high in limits],
        reference=found.rate,
        title=f"{found.events}/{found.n}",
    )


@ANSWERS.add("MultinomialCI")
def categories(found: "MultinomialCI", words: Words, of: str) -> Answers:
    """Show one category of the same trial a row."""
    only_typical(of, "the intervals of one trial")
    return Answers(
        words["category"],
        found.category,
        estimates(found, of),
        columns=((_counts(words), [f"{x}/{found.n}" for x in found.events.tolist()]),),
        axis=words["share"],
        told=(words["together"].format(level=level_percent(found.level), method=found.method),),
    )


@ANSWERS.add("Subgroups")
def groups(found: "Subgroups", words: Words, of: str) -> Answers:
    """Show one group of studies a row, and all studies last."""
    fit = found.fit
    whole, new = words["all_studies"], fit.prediction_interval or (math.nan, math.nan)
    counts = zip([*found.events.tolist(), fit.events], [*found.n.tolist(), fit.n], strict=True)
    tau2 = list(map(number, [*found.tau2.tolist(), fit.tau2]))
    return Answers(
        headline(found.by),
        (*found.group, _mean_row(fit, whole, words) if of == "mean" else whole),
        (*estimates(found, of), parts.pooled(fit, of)),
        (*news(found), new),
        (
            (_k(words), [*map(str, found.k.tolist()), str(fit.k)]),
            (_counts(words), [f"{x}/{n}" for x, n in counts]),
            (Column("spread", "τ²", "right", "right", spare=3), tau2),
        ),
        main=-1,
        fit=fit,
        told=tuple(filter(None, (_model(fit, words), between_line(found, words)))),
        notes=found.notes,
    )


def _k(words: Words, key: str = "how_many") -> Column:
    return Column("k", words[key], align="right", spare=2)


def _counts(words: Words) -> Column:
    return Column("events", words["events"], align="/", spare=1)


def _model(fit: "Fit", words: Words) -> str:
    kind, details = parts.model_words(fit, words)
    return f"{kind}: {details}." if details else f"{kind}."


def _mean_row(fit: "Fit", label: str, words: Words) -> str:
    return words["mean_row"].format(model=label, mean=words["mean"]) if typical_words(fit) else label
