"""Heads that say the same of several groups: "Responders drug" beside "Responders placebo"."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from metaresp.read.heads import read_head, without_times
from metaresp.read.profile import Column
from metaresp.read.vocabulary import words

# What tables of several groups have more than once, the surest first.
_ROLES = ("response", "events", "percent", "failures", "n")
# Words that leave a head what it is: "Patients (total)", "Responders (confirmed)".
_NEUTRAL = frozenset(["filler", "arm", "total", "sample", "index"])
_SHORT_N = {"nt", "nc", "np", "na", "nb", "rt", "rc", "xt", "xc"}
# Parts of the patients that tables give beside all of them.
_PART = {
    "adults",
    "children",
    "adult",
    "pediatric",
    "paediatric",
    "elderly",
    "boys",
    "girls",
    "naive",
    "pretreated",
}


class Parted(NamedTuple):
    """A head without the words that can name a group, these words, and whether one surely does.

    ``whole`` tells that the words may as well be of all patients, as in "Treated (n)".
    """

    core: tuple[str, ...]
    extra: frozenset[str]
    named: bool
    whole: bool


class Grouped(NamedTuple):
    """Columns of one role, of which each names a group."""

    role: str
    columns: tuple[Column, ...]
    named: bool


@lru_cache(maxsize=4096)
def parted(name: str) -> Parted:
    """Return a head in what it says and the group of which it says so.

    Examples
    --------
    >>> parted("Responders (drug)").core, sorted(parted("N high dose").extra)
    (('responders',), ['dose', 'high'])
    """
    text = without_times(name)[:200]
    known = {
        token for word in words(text, "groups") if word.meanings for token in (word.text, *word.text.split())
    }
    core, neutral, extra, named, whole = [], [], set(), False, True
    for word in words(text):
        # NT and NC
        short = [word.text[0], word.text[1:]] if word.text in _SHORT_N and not word.meanings else [word.text]
        of_arm = word.meanings == {"arm"} and known.intersection(word.text.split())
        if word.text in known or of_arm or known.issuperset(word.text.split()):
            extra.add(word.text)
            named = True
            whole = whole and "sample" in word.meanings
        elif len(short) > 1:
            core.append(short[0])
            extra.add(short[1])
            named, whole = True, False
        elif not word.meanings and word.text not in {"/", "+", "‰"}:
            extra.add(word.text)
            whole = False
        elif word.meanings and word.meanings <= _NEUTRAL:
            neutral.append(word.text)
        else:
            core.append(word.text)
    tokens = frozenset(token for text in extra for token in text.split())
    return Parted(tuple(core or neutral), tokens, named, whole)


def grouped(columns: Iterable[Column]) -> list[Grouped]:
    """Return the columns that say the same of several groups, for each role."""
    alike: dict[tuple[str, ...], list[Column]] = {}
    for column in columns:
        core, extra, _, _ = parted(column.name)
        if core and extra:
            alike.setdefault(tuple(sorted(core)), []).append(column)
    found: dict[str, list[tuple[Column, ...]]] = {}
    for several in alike.values():
        told = [parted(column.name) for column in several]
        # "Treated (n)" beside "Diabetic (n)" is of all patients, beside "Control (n)" of a group
        by_name = any(names_arm(column.name) for column in several)
        chosen = [c for c, one in zip(several, told, strict=True) if by_name or not one.whole]
        role = _role(chosen) if len({parted(c.name).extra for c in chosen}) > 1 else ""
        if role:
            found.setdefault(role, []).append((*chosen,))
    return [
        Grouped(
            role,
            tuple(column for several in found[role] for column in several),
            any(parted(c.name).named for several in found[role] for c in several),
        )
        for role in _ROLES
        if role in found
    ]


def _role(columns: Sequence[Column]) -> str:
    """Return the role of what heads have in common, as their values bear it out."""
    if not columns:
        return ""
    roles = read_head(" ".join(parted(columns[0].name).core)).roles
    kinds = {column.kind for column in columns}
    outcome = roles.keys() & {"response", "events", "percent"}
    if outcome and kinds == {"fraction"}:
        return "response"
    if outcome and kinds <= {"rate", "number"}:
        return "percent"
    if "percent" in roles and kinds <= {"rate", "number", "count"}:
        return "percent"
    if outcome and kinds <= {"count", "counted"}:
        return "events"
    return next((role for role in ("failures", "n") if role in roles and kinds <= {"count", "counted"}), "")


def of_same_group(column: Column, others: Iterable[Column]) -> Column | None:
    """Return the one of *others* that names the group of a column."""
    extra = parted(column.name).extra
    return next(
        (other for other in others if other is not column and parted(other.name).extra == extra), None
    )


def names_arm(name: str) -> bool:
    """Whether a head names a group that is treated alike, not one of an age or a sex.

    Examples
    --------
    >>> names_arm("N drug"), names_arm("N male"), names_arm("N")
    (True, False, False)
    """
    told = parted(name)
    if not told.named or told.whole:
        return False
    if any("time" in word.meanings for word in words(name, "groups")):
        return False
    return not any(word.meanings & {"sex"} or word.text in _PART for word in words(name))
