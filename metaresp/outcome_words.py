"""What is counted, in words: how heads and sentences speak of responses, adverse reactions, deaths, ..."""

import re
from dataclasses import dataclass
from typing import Any

from metaresp.errors import InvalidArgument, option

__all__ = ["OutcomeWords", "check_outcome", "outcome_words"]

LONGEST = 80


@dataclass(frozen=True, slots=True)
class OutcomeWords:
    """The words of one outcome.

    Attributes
    ----------
    rate : str
        The rate as a head: ``Response rate``, ``Rate of adverse reactions``.
    events : str
        The events as a head: ``Events``, ``Adverse reactions``.
    happened : str
        After "5 of 72 patients": ``responded``, ``had an adverse reaction``.
    nothing : str
        That there is none, before "in any study": ``no event``, ``no adverse reaction``.
    """

    rate: str
    events: str
    happened: str
    nothing: str

    @property
    def pooled(self) -> str:
        """The pooled rate as a head: ``Pooled response rate``."""
        return f"Pooled {lowered(self.rate)}"

    @property
    def everything(self) -> str:
        """That it happened to everyone."""
        return f"every patient in every study {re.sub('^were ', 'was ', self.happened)}"

    def retold(self, text: str, before: "OutcomeWords | None" = None) -> str:
        """Return a sentence told in the words of *before* (those of responses if None) in these words.

        Examples
        --------
        >>> outcome_words("deaths").retold("No event in any study: exact binomial interval.")
        'No death in any study: exact binomial interval.'
        """
        old = RESPONSE if before is None else before
        if not text or old == self:
            return text
        pairs = ((f"{old.nothing} in any study", f"{self.nothing} in any study"),
                 (old.everything, self.everything))  # fmt: skip
        for said, say in pairs:
            text = text.replace(said, say).replace(_capital(said), _capital(say))
        return text


RESPONSE = OutcomeWords("Response rate", "Events", "responded", "no event")

# Nouns of which one patient has one; the plural has an s where it is not given.
_COUNTED = {
    "adverse reaction": "", "adverse event": "", "adverse effect": "", "side effect": "", "event": "",
    "reaction": "", "complication": "", "infection": "", "recurrence": "", "rejection": "", "seizure": "",
    "stroke": "", "fracture": "", "bleed": "", "rebleed": "", "leak": "", "perforation": "", "rupture": "",
    "reoperation": "", "hospitalisation": "", "hospitalization": "", "readmission": "", "conversion": "",
    "discontinuation": "", "withdrawal": "", "dropout": "", "miscarriage": "", "abortion": "",
    "pregnancy": "pregnancies", "malignancy": "malignancies", "live birth": "", "metastasis": "metastases",
    "haemorrhage": "", "hemorrhage": "", "ulcer": "", "lesion": "", "tumour": "", "tumor": "",
    "rash": "rashes",
    "positive result": "", "negative result": "", "positive test": "", "positive culture": "",
}  # fmt: skip
# Nouns without an article and without a plural.
_MASS = {
    "nausea", "vomiting", "pain", "bleeding", "fever", "fatigue", "progression", "improvement", "toxicity",
    "neutropenia", "diarrhoea", "diarrhea", "pneumonia", "sepsis", "alopecia", "hair loss", "disease control",
    "benefit", "success", "failure", "healing", "closure", "seroconversion", "recovery", "carriage",
    "colonisation", "colonization", "resistance", "clearance", "eradication", "adherence", "incontinence",
    "thrombosis", "stenosis", "occlusion", "dysfunction", "dyspnoea", "dyspnea", "insomnia", "headache",
}  # fmt: skip
_MASS_ENDINGS = ("emia", "penia", "itis", "osis", "pathy", "algia", "uria", "rrhoea", "rrhea")
# Nouns with a verb, or a rate, of their own: plural, verb, verb where words stand before the noun, rate.
_OWN = {
    "response": ("responses", "responded", "had {a} {phrase}", "{phrase} rate"),
    "remission": ("remissions", "were in remission", "were in {phrase}", "{phrase} rate"),
    "cure": ("cures", "were cured", "had {a} {phrase}", "{phrase} rate"),
    "relapse": ("relapses", "relapsed", "had {a} {phrase}", "{phrase} rate"),
    "survival": ("survivors", "survived", "", "{phrase} rate"),
    "death": ("deaths", "died", "died ({phrase})", "Rate of {plural}"),
    "mortality": ("deaths", "died", "died ({phrase})", "{phrase}"),
    "prevalence": ("cases", "had the condition", "", "{phrase}"),
    "seroprevalence": ("seropositive", "were seropositive", "", "{phrase}"),
    "incidence": ("cases", "had the condition", "", "{phrase}"),
    "case": ("cases", "had the condition", "", "Rate of {plural}"),
}
_SINGULAR = {"mortality": "death", "survival": "survivor", "prevalence": "case", "incidence": "case",
             "seroprevalence": "seropositive patient"}  # fmt: skip
# Other words for the same.
_SAME = {
    "responder": "response", "responded": "response", "remitted": "remission", "cured": "cure",
    "relapsed": "relapse", "survivor": "survival", "survived": "survival", "alive": "survival",
    "died": "death", "dead": "death", "fatality": "death", "fatalities": "death", "toxicities": "toxicity",
    "successes": "success", "failures": "failure", "headaches": "headache", "infected": "infection",
    "positive": "positive result", "positives": "positive result", "positivity": "positive result",
    "tested positive": "positive result", "orr": "objective response", "cr": "complete response",
    "pr": "partial response", "svr": "sustained virological response", "dcr": "disease control",
    "ae": "adverse event", "sae": "serious adverse event", "pcr": "pathological complete response",
}  # fmt: skip
_RATE_OF = re.compile(r"(?:pooled )?(?:rate|proportion|prevalence) of (?:patients with )?(.+)", re.IGNORECASE)


def check_outcome(outcome: Any) -> str | None:
    """Return the outcome as one line of text, or None.

    Raises
    ------
    InvalidArgument
        If it is no text, has no letter, more than 80 characters, braces or characters that are not printed.
    """
    if outcome is None:
        return None
    text = " ".join(outcome.split()) if isinstance(outcome, str) else ""
    plain = text.isprintable() and not {*"{}"} & {*text}
    if not any(map(str.isalpha, text)) or not plain or len(text) > LONGEST:
        raise InvalidArgument(
            f"{option('outcome', outcome)}: must be text of at most {LONGEST} characters, without braces and "
            "controls, that names what is counted, such as 'adverse reactions'"
        )
    return text


def outcome_words(outcome: str | None) -> OutcomeWords:
    """Return the words of an outcome; those of responses where none is given.

    Known nouns, with other words before them too, take their own verbs; any other text is quoted where a
    sentence would need to know more of its grammar.

    Parameters
    ----------
    outcome : str or None
        A noun, in the singular or plural: ``adverse reactions``, ``complete response``, ``death``.

    Examples
    --------
    >>> for outcome in ("Adverse reactions", "complete remission", "30-day mortality", "walked 100 m"):
    ...     words = outcome_words(outcome)
    ...     print(f"{words.rate}, {words.events}/n: 5 of 72 {words.happened}, {words.nothing}")
    Rate of adverse reactions, Adverse reactions/n: 5 of 72 had an adverse reaction, no adverse reaction
    Complete remission rate, Complete remissions/n: 5 of 72 were in complete remission, no complete remission
    30-day mortality, Deaths/n: 5 of 72 died (30-day mortality), no death
    Rate of walked 100 m, Walked 100 m/n: 5 of 72 had the outcome 'walked 100 m', no outcome 'walked 100 m'
    """
    text = check_outcome(outcome)
    if text is None:
        return RESPONSE
    text = re.sub(r"\s*\(%\)$|\s+rates?$", "", text, flags=re.IGNORECASE) or text
    inner = _RATE_OF.fullmatch(text)
    if inner:
        found = outcome_words(inner[1])
        prevalence = text.casefold().startswith(("prevalence", "pooled prevalence"))
        rate = f"Prevalence of {lowered(inner[1])}" if prevalence else found.rate
        return OutcomeWords(rate, found.events, found.happened, found.nothing)
    before, noun = _noun(text)
    if noun == "response" and not before:
        return RESPONSE
    if not noun:
        return _unknown(text)
    phrase = f"{before}{noun}"
    plural, bare, longer, rate = _forms(noun)
    parts = {"phrase": phrase, "plural": f"{before}{plural}", "a": _article(phrase)}
    verb = longer if before and longer else bare
    if before and not longer:
        verb = f"had the outcome {quoted(phrase)}"
    own = noun in _SINGULAR
    return OutcomeWords(
        headed(rate.format(**parts)),
        headed(plural if own else parts["plural"]),
        verb.format(**parts),
        f"no {_SINGULAR[noun] if own else phrase}",
    )


def _forms(noun: str) -> tuple[str, str, str, str]:
    """Return the plural of a known noun, its verb alone and after other words, and its rate."""
    if noun in _OWN:
        return _OWN[noun]
    if noun in _COUNTED:
        return _COUNTED[noun] or f"{noun}s", "had {a} {phrase}", "had {a} {phrase}", "Rate of {plural}"
    return noun, "had {phrase}", "had {phrase}", "Rate of {phrase}"


def _noun(text: str) -> tuple[str, str]:
    """Return what stands before the known noun at the end of *text*, and the noun; nothing if unknown."""
    words = lowered(text).split(" ")
    for start in range(len(words)):
        noun = _singular(" ".join(words[start:]))
        if noun:
            same, noun = _noun(_SAME[noun]) if noun in _SAME else ("", noun)
            return "".join(f"{word} " for word in words[:start]) + same, noun
    return "", ""


def _singular(words: str) -> str:
    """Return a known noun in the singular, from it or its plural, or another word for one."""
    folded = words.casefold()
    known = {plural or f"{noun}s": noun for noun, plural in _COUNTED.items()}
    known |= {plural: noun for noun, (plural, *_) in _OWN.items() if noun not in _SINGULAR}
    folded = known.get(folded, folded)
    if folded in _COUNTED or folded in _MASS or folded in _OWN or folded in _SAME:
        return folded
    if folded.removesuffix("s") in _SAME:
        return folded.removesuffix("s")
    return folded if " " not in folded and folded.endswith(_MASS_ENDINGS) else ""


def _unknown(text: str) -> OutcomeWords:
    """Return words that are right whatever part of speech *text* is."""
    if re.search(r"[- ]free$", text, re.IGNORECASE):
        state = lowered(text)
        return OutcomeWords(f"Rate of {state} patients", headed(text), f"were {state}", f"no {state} patient")
    name = quoted(lowered(text))
    return OutcomeWords(
        f"Rate of {lowered(text)}", headed(text), f"had the outcome {name}", f"no outcome {name}"
    )


def quoted(text: str) -> str:
    """Return text in quotation marks that it does not hold."""
    return f'"{text}"' if "'" in text else f"'{text}'"


def lowered(text: str) -> str:
    """Return text with a small first letter, unless it is an abbreviation or somebody's.

    Examples
    --------
    >>> lowered("Adverse reactions"), lowered("HIV infection"), lowered("pCR"), lowered("Crohn's disease")
    ('adverse reactions', 'HIV infection', 'pCR', "Crohn's disease")
    """
    first = text.split(" ")[0]
    kept = any(map(str.isupper, first[1:])) or first.endswith(("'s", "’s"))
    return text if kept else text[:1].lower() + text[1:]


def headed(text: str) -> str:
    """Return text with a capital first letter, unless it is an abbreviation such as pCR."""
    first = text.split(" ")[0]
    return text if any(map(str.isupper, first[1:])) else _capital(text)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _article(phrase: str) -> str:
    """Return a or an, by how the first word is spoken."""
    word = re.split(r"[\s-]", phrase)[0]
    if word[:1].isdigit():
        return "an" if re.match(r"8|11(\D|$)|18(\D|$)", word) else "a"
    if len(word) > 1 and word.isupper():
        return "an" if word[0] in "AEFHILMNORSX" else "a"
    if re.match(r"(?i)(uni|uri|ure|ute|use|eu|one\b)", word):
        return "a"
    return "an" if re.match(r"(?i)([aeiou]|hour|hono)", word) else "a"
