"""The words of the field in many languages, and texts cut into them."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

# Symbols that mean something in the head of a column; all other punctuation only parts words.
_SYMBOLS = {"%": " % ", "/": " / ", "+": " + ", "#": " # ", "№": " № ", "‰": " ‰ ", "٪": " % "}
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PARTS = re.compile(r"[^\w%/+#№‰]+")
_TOKEN = re.compile(r"[0-9]+|[^\W\d]+|[%/+#№‰]")
# Gershayim and geresh of Hebrew (סה"כ), and the letters that French and Italian put before a vowel.
_INNER = re.compile(
    "(?<=[\u05d0-\u05ea])[\"'\u2018\u2019\u201c\u201d\u05f3\u05f4`\u00b4]{1,2}(?=[\u05d0-\u05ea])"
)
_ELIDED = re.compile(
    "(?<![^\\W_])(?:d|l|qu|dell|dall|nell|sull|all|un|aux|s|c)['\u2018\u2019\u00b4`](?=[^\\W\\d_])"
)
# Scripts that are written without spaces between words.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af\u0e00-\u0e7f]")
# A Latin word shorter than this is never looked for inside a longer one.
SHORT = 4


class Word(NamedTuple):
    """A piece of a text: its letters as compared, and what it means (empty: not known)."""

    text: str
    meanings: frozenset[str]


class Vocabulary(NamedTuple):
    """Meanings of words and of sequences of words."""

    phrases: Mapping[tuple[str, ...], frozenset[str]]
    longest: int
    unspaced: Mapping[str, frozenset[str]]


def folded(text: str) -> str:
    """Return text without case, accents and the other ways to write one letter.

    Examples
    --------
    >>> folded("Ereigniße "), folded("ＯＲＲ（％）"), folded("RÉPONSE")
    ('ereignisse', 'orr(%)', 'reponse')
    """
    if text.isascii():
        return text.strip().lower()
    plain = unicodedata.normalize("NFKD", text).casefold().replace("\u0131", "i")
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter) or _voiced(letter))
    return unicodedata.normalize("NFC", plain).strip()


def _voiced(mark: str) -> bool:
    """Whether a mark makes another syllable of a Japanese one, not an accent."""
    return mark in "\u3099\u309a"


@cache
def _content() -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files("metaresp.read").joinpath("words.toml").read_text("utf-8"))


def entries(section: str, key: str) -> tuple[str, ...]:
    """Return the entries of one key of ``words.toml``, as they stand there."""
    return tuple(entry.strip() for entry in re.split(r"[;\n]", _content()[section][key]) if entry.strip())


@cache
def vocabulary(section: str) -> Vocabulary:
    """Return the words of one section of ``words.toml``."""
    phrases: dict[tuple[str, ...], set[str]] = {}
    for meaning, entries in _content()[section].items():
        for entry in re.split(r"[;\n]", entries):
            tokens = tuple(_tokens(entry))
            if tokens:
                phrases.setdefault(tokens, set()).add(meaning)
    known = {tokens: frozenset(meanings) for tokens, meanings in phrases.items()}
    unspaced = {
        "".join(tokens): meanings for tokens, meanings in known.items() if _UNSPACED.search("".join(tokens))
    }
    return Vocabulary(known, max(map(len, known)), unspaced)


def _tokens(text: str) -> list[str]:
    # Camel case parts words: nPatients, EventsN.
    spaced = CAMEL.sub(" ", text) if not text.isupper() else text
    spaced = spelled(spaced)
    for symbol, parted in _SYMBOLS.items():
        spaced = spaced.replace(symbol, parted)
    return _TOKEN.findall(_PARTS.sub(" ", spaced).replace("_", " "))


def spelled(text: str) -> str:
    """Return a text folded, without the quotes inside its words and the articles before an apostrophe."""
    return _INNER.sub("", _ELIDED.sub(" ", folded(text)))


def words(text: str, section: str = "heads") -> list[Word]:
    """Return a text as words, the longest known sequences first.

    Examples
    --------
    >>> [(word.text, sorted(word.meanings)) for word in words("No. of patients")]
    [('no', ['index', 'number']), ('of', ['filler']), ('patients', ['patient'])]
    >>> [(word.text, sorted(word.meanings)) for word in words("有效例数")]
    [('有效', ['event']), ('例数', ['number'])]
    """
    known = vocabulary(section)
    tokens = _tokens(text)
    found: list[Word] = []
    place = 0
    while place < len(tokens):
        for length in range(min(known.longest, len(tokens) - place), 0, -1):
            piece = tuple(tokens[place : place + length])
            if piece in known.phrases:
                found.append(Word(" ".join(piece), known.phrases[piece]))
                place += length
                break
        else:
            found += _inside(tokens[place], known)
            place += 1
    return found


def _inside(token: str, known: Vocabulary) -> list[Word]:
    """Return the known words that a text without spaces, or a compound, is made of."""
    if _UNSPACED.search(token):
        return _unspaced(token, known)
    return _compound(token, known) or [Word(token, frozenset())]


def _unspaced(token: str, known: Vocabulary) -> list[Word]:
    found: list[Word] = []
    place, unknown = 0, ""
    while place < len(token):
        for end in range(len(token), place, -1):
            meanings = known.unspaced.get(token[place:end])
            if meanings is None and token[place:end].isascii():
                meanings = known.phrases.get((token[place:end],))
            if meanings is not None:
                if unknown:
                    found.append(Word(unknown, frozenset()))
                    unknown = ""
                found.append(Word(token[place:end], meanings))
                place = end
                break
        else:
            unknown += token[place]
            place += 1
    return [*found, Word(unknown, frozenset())] if unknown else found


def _compound(token: str, known: Vocabulary) -> list[Word]:
    """Cut a compound such as ``ansprechpatienten`` in two known words, a linking s between them."""
    for cut in range(len(token) - SHORT + 1, SHORT - 1, -1):
        head, tail = token[:cut], token[cut:]
        for first in (head, head.removesuffix("s"), head.removesuffix("n"), head.removesuffix("en")):
            if len(first) >= SHORT and (first,) in known.phrases and (tail,) in known.phrases:
                return [Word(first, known.phrases[first,]), Word(tail, known.phrases[tail,])]
    return []
