"""What the head of a column says that it holds."""

import re
from functools import lru_cache
from typing import NamedTuple

from metaresp.read.vocabulary import Word, words

# "Response at 6 months", "week 12": when it was counted, not a column of times.
_WHEN = re.compile(
    r"(?:\bat|\bby|\bwithin|\bafter|\bnach|\bbei|à|après|a los|después de|через|на)?\s*"
    r"\b[0-9]+(?:[.,][0-9]+)?[\s-]*(?:months?|mo|weeks?|wks?|days?|years?|yrs?|hours?|h|m|y|w|d|"
    r"monat\w*|wochen?|tage?\w*|jahr\w*|mois|semaines?|jours|ans|meses|semanas|d[ií]as|a[nñ]os|mesi|settimane|"
    r"месяц\w*|недел\w*|дн\w*|ay|hafta|个月|月|周|天|年|週|日|개월|주|일)\b"
    r"|\b(?:month|week|day|year|wk|monat|woche|tag|jahr)[\s-]*[0-9]+\b",
    re.IGNORECASE,
)
# Rates of a thousand or more people: no percentage, and mostly of person-years.
_PER_MANY = re.compile(
    r"‰|\bper mille?\b|\bpro(?:mille| mille)\b|\bpour mille\b|\bpor mil\b|\bper mille\b|промилле|千分"
    r"|(?:\bper\b|/|\bpro\b|\bpour\b|\bpor\b|\bna\b|每)\s*(?:10{0,2}[ ,.']?0{3}|mill)",
    re.I,
)


class Head(NamedTuple):
    """What a head can stand for, each with how sure its words are: 2 all known, 1 in part or a letter.

    ``unit`` is ``percent``, ``proportion``, or empty where the head leaves it open.
    """

    roles: dict[str, int]
    unit: str


ROLES = (
    "events",
    "n",
    "failures",
    "response",
    "percent",
    "enrolled",
    "study",
    "author",
    "year",
    "arm",
    "index",
)


def per_many(name: str) -> bool:
    """Whether a head is that of rates of a thousand or more.

    Examples
    --------
    >>> per_many("Cases per 100,000"), per_many("per mille"), per_many("Cases per study")
    (True, True, False)
    """
    return len(name) <= 200 and _PER_MANY.search(name) is not None


def without_times(name: str) -> str:
    """Return a head without the time at which was counted.

    Examples
    --------
    >>> without_times("Response at 6 months").split()
    ['Response']
    """
    return _WHEN.sub(" ", name)


@lru_cache(maxsize=4096)
def read_head(name: str) -> Head:
    """Return what the head of a column says.

    Examples
    --------
    >>> read_head("No. of patients").roles, read_head("Events (n)").roles, read_head("非缓解例数").roles
    ({'n': 2}, {'events': 2}, {'failures': 2})
    >>> read_head("ORR (%)"), read_head("Age (years)").roles
    (Head(roles={'percent': 2}, unit='percent'), {})
    """
    if len(name) > 200 or per_many(name):
        return Head({}, "")
    text = without_times(name)
    number_sign = re.search(r"\bno\b(?=[.\s_]+(?:of|with|de)\b|\.|_)|n[°º]", text, re.IGNORECASE)
    found = words(text)
    meanings = [set(word.meanings) for word in found]
    if number_sign is None and len(found) > 1 and found[0].text == "no":
        # "no response", unlike "No. of responders"
        meanings[0] = {"not"} if "event" in meanings[1] else meanings[0]
    said = set().union(*meanings) if meanings else set()
    fraction = "/" in [word.text for word in found]
    unknown = [
        word
        for word in found
        if not word.meanings and not word.text.isdigit() and word.text not in {"/", "+", "‰"}
    ]
    roles: dict[str, int] = {}
    only = _alone(found, meanings)
    for role in ("author", "study", "year", "arm", "index"):
        if role in only or (role in {"study", "author", "year", "arm"} and _led_by(role, meanings)):
            roles[role] = 2
    blocked = any(
        meaning == {"block"} or (meaning == {"block", "sex"} and "sample" not in said) for meaning in meanings
    )
    if blocked or (said & {"author", "year"} and "event" not in said):
        return Head(roles if not blocked or "arm" in roles else {}, "")
    unit = _unit(said)
    counts = _counts(found, meanings, said, fraction)
    if counts:
        sure = 1 if unknown or counts[1] else 2
        roles[counts[0]] = sure
        if counts[0] == "percent" and (fraction or _n_and_percent(name)):
            roles = {"response": sure, "percent": sure}
        if counts[0] == "case":
            del roles["case"]
            roles |= {"events": 1, "n": 1}
        if counts[0] == "events" and unit:
            roles["percent"] = sure
    return Head(roles, unit)


def _alone(found: list[Word], meanings: list[set[str]]) -> set[str]:
    """Return what a head of one word, fillers aside, can mean."""
    heavy = [meaning for meaning in meanings if meaning != {"filler"}]
    return heavy[0] if len(heavy) == 1 else set()


def _led_by(role: str, meanings: list[set[str]]) -> bool:
    """Whether a head such as "Study (country)" or "Author, year" begins with a word of that role."""
    if not meanings or role not in meanings[0] or len(meanings) > 5:
        return False
    others = set().union(*meanings[1:]) if len(meanings) > 1 else set()
    return not others & {
        "event",
        "patient",
        "sample",
        "n",
        "number",
        "rate",
        "percent",
        "total",
        "negative",
        "size",
    }


def _unit(said: set[str]) -> str:
    if "percent" in said:
        return "percent"
    return "proportion" if "proportion" in said else ""


def _counts(
    found: list[Word], meanings: list[set[str]], said: set[str], fraction: bool
) -> tuple[str, bool] | None:
    """Return the role of a column of counts or rates, and whether its name is a weak one."""
    event = "event" in said
    case = "case" in said and not event
    negated = any("not" in meaning and not meaning & {"number", "n"} for meaning in meanings[:-1] or meanings)
    nots = [
        i for i, meaning in enumerate(meanings[:-1]) if "not" in meaning and not meaning & {"number", "n"}
    ]
    if (event or case) and nots and not any(meanings[i + 1] for i in nots):
        return None  # "Non-smokers with event"
    rate = bool(said & {"rate", "percent", "proportion"})
    size = said & {"patient", "sample", "n"}
    if "study" in said and not event and not size:
        return None
    if fraction and (
        event or "letter" in said or [word.text for word in found if word.text != "/"][:2] == ["n", "n"]
    ):
        return "response", False
    if "enrolled" in said and not event and not rate:
        return "enrolled", False
    if "negative" in said or (negated and (event or case)):
        return None if rate else ("failures", False)
    if event:
        return ("percent", False) if rate else ("events", False)
    if rate and not said & {"sample"}:
        # "% of patients" and "rate" are rates of something; "n (%)" holds both
        return "percent", bool(size) and "n" not in size
    if case and not size:
        return "case", True
    if size:
        return "n", False
    if "total" in said and not [m for m in meanings if not m]:
        return "n", False
    if "letter" in said and all(meaning & {"letter", "number"} for meaning in meanings):
        return "events", True
    if "number" in said and not said & {"arm"}:
        return "n", True
    return None


def _n_and_percent(name: str) -> bool:
    """Whether a head is like ``n (%)``: counts with their percentages."""
    return bool(re.search(r"\bn\b\s*[,;/]?\s*[(\[]?\s*%", name, re.IGNORECASE))
