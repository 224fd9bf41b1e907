"""The table of methods that give published numbers."""

from typing import TYPE_CHECKING

from metaresp.outcome_words import outcome_words
from metaresp.present.numbers import level_percent
from metaresp.present.rates import SCALES, RateScale, interval_text, rate_text, with_digits
from metaresp.present.text_tables import TABLES, Summary

if TYPE_CHECKING:
    from metaresp.analyses.reproduce import Reproduction

# Rows: of methods that give the numbers; of the nearest beside them; of the nearest where none does.
MATCHING, BESIDE, NEAREST = 12, 3, 10


@TABLES.add("Reproduction")
def methods(found: "Reproduction") -> Summary:
    """Show what gives the numbers in a sentence, and the methods from the best to the nearest."""
    scale = _scale(found)
    first = 0 if found.found else -1
    agree = [i for i, group in enumerate(found.group.tolist()) if group == first]
    others = list(dict.fromkeys(found.group.tolist()))[bool(agree) :]
    starts = [found.group.tolist().index(group) for group in others]
    places = [*agree[:MATCHING], *starts[: BESIDE if agree else NEAREST]]
    rows = tuple(
        (
            found.method[i],
            rate_text(float(found.rate[i]), scale, found.published.decimals),
            interval_text(float(found.low[i]), float(found.high[i]), scale, found.published.decimals),
            f"{found.matches[i]}/{found.printed}",
            _first_program(found.program[i]),
        )
        for i in places
    )
    k, events, n = len(found.studies), int(found.studies.events.sum()), int(found.studies.n.sum())
    noun = "study" if k == 1 else "studies"
    data = f"{k} {noun}, {events} of {n} {outcome_words(None).happened}"
    facts = [("Published", found.published.text), ("Compared", f"{found.tried:,} methods on {data}")]
    calls = (("Call", found.call), ("In R", found.r_call))
    facts += [(name, texts[0]) for name, texts in calls if texts and texts[0]]
    columns = ("Method", "Rate", f"{level_percent(found.level)} CI", "Met", "Program")
    more = max(0, len(agree) - MATCHING)
    return Summary(tuple(facts), columns, rows, found.notes, sentence(found), more)


def sentence(found: "Reproduction") -> str:
    """Say which method gives the numbers, or that none does and which is nearest."""
    if not found.method:
        return "No method has an answer for these studies."
    scale, decimals = _scale(found), found.published.decimals
    method = found.method[0]
    with_what = method if method.startswith("without ") else f"with {method}"
    who = _programs(found.program[0])
    if not found.found:
        numbers = f"{rate_text(float(found.rate[0]), scale, decimals)} "
        numbers += f"({interval_text(float(found.low[0]), float(found.high[0]), scale, decimals)})"
        return (
            f"No method gives these numbers.  The nearest, {numbers}, meets {found.matches[0]} of "
            f"{found.printed}, {with_what}{f' ({who})' if who else ''}."
        )
    count = int((found.group == 0).sum())
    more = f"; {count} methods give the same digits, the most plausible first" if count > 1 else ""
    whose = f"what {who} give{'' if ' and ' in who else 's'}" if who else "no program's default: they come"
    return f"These numbers are {whose} {with_what}{more}."


def _scale(found: "Reproduction") -> RateScale:
    scale = next((s for s in SCALES.values() if s.factor == found.published.factor), SCALES["percent"])
    return with_digits(scale, own=found.published.decimals)


def _programs(programs: str) -> str:
    """Return the first two programs and how many more there are, for a sentence.

    Examples
    --------
    >>> _programs("R meta (default), R metafor, RevMan"), _programs("R meta, CMA"), _programs("CMA")
    ('R meta (default), R metafor and 1 more', 'R meta and CMA', 'CMA')
    """
    names = programs.split(", ") if programs else []
    if len(names) > 2:
        names = [*names[:2], f"{len(names) - 2} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _first_program(programs: str) -> str:
    """Return the first program, and how many more there are.

    Examples
    --------
    >>> _first_program("R meta (default), R metafor, RevMan"), _first_program("")
    ('R meta (default), +2', '')
    """
    first, *more = programs.split(", ")
    return f"{first}, +{len(more)}" if more else first
