"""Which encoding text that is not UTF-8 is in: the one whose letters are likeliest in their language.

A table is little text, mostly digits: of the 220 small tables of ``tests/test_read_encodings.py`` the
general detector charset-normalizer 3.5 decodes 77 to other letters, this none.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

from metaresp.read import letters
from metaresp.read.letters import Language

# Letters beyond ASCII that are looked at.
_SAMPLE = 4000
# Dashes, quotes and footnote signs of Windows-1252: a text without other bytes beyond ASCII is no other.
_ASCII_AND_MARKS = bytes(range(128)) + "–—‘’“”•…†‡§°±×™®·‰‹›«»".encode("cp1252")
# Logarithms of how often a character stands in a text: ASCII, a shared mark, one that has no place.
_ASCII, _MARK, _STRANGE, _CONTROL = math.log(1 / 60), math.log(1 / 2000), math.log(1e-6), math.log(1e-9)
# Text whose letters beyond ASCII are unlikelier than this on the average is in an encoding not known here.
_SENSELESS = math.log(1e-4)
_WORD = re.compile(r"[^\W\d_]+")
# Bytes between words that are half of no letter in any encoding.
_BLANK = re.compile(rb'[\t\r\n ",;]+')

Score = Callable[[str], float]


def guess(data: bytes) -> tuple[str, str]:
    """Return the codec of text that is not UTF-8, and its usual name; both empty where none decodes it."""
    best, best_score, best_text = ("", ""), -math.inf, ""
    sample = _sample(data)
    if not sample.translate(None, _ASCII_AND_MARKS):
        return "cp1252", "Windows-1252"
    for codec, name, prior, score in ENCODINGS:
        try:
            text = sample.decode(codec)
            if len(sample) < len(data):
                data.decode(codec)
        except UnicodeDecodeError:
            continue
        value = prior + max(one(text) for one in score)
        if value > best_score:
            best, best_score, best_text = (codec, name), value, text
    odd = sum(c >= "\x80" for c in best_text)
    told = best_score - _ASCII * (len(best_text) - odd)
    return best if told > odd * _SENSELESS else ("", "")


def _sample(data: bytes) -> bytes:
    """Return the different words of lines that tell something, up to a size; the first, of names, is one."""
    kept: list[bytes] = []
    room = _SAMPLE
    for line in re.split(b"(?<=[\r\n])", data):
        if not kept or not line.isascii():
            kept.append(line)
            room -= len(line)
            if room < 0:
                break
    # a name that is repeated tells no more than once
    return b" ".join(dict.fromkeys(_BLANK.split(b"".join(kept))))


def _alphabetic(language: Language) -> Score:
    weights = {letter: math.log(weight) for letter, weight in language.weights.items()}

    def letter(character: str) -> float:
        if character < "\x80":
            return _ASCII
        strange = _MARK if character in letters.MARKS else _STRANGE
        return weights.get(character, weights.get(character.lower(), strange))

    def score(text: str) -> float:
        total = sum(count * _other(c) for c, count in Counter(_WORD.sub("", text)).items())
        for word in _WORD.findall(text):
            total += sum(map(letter, word)) + _shape(word, language.alone)
        lowered = text.lower()
        known = sum(word in lowered for word in language.words)
        return total + 2.5 * known - 3.0 * len(_INSIDE.findall(text))

    return score


# A small ASCII letter beside a wide one, as half of another encoding's word leaves it.
_MIXED = re.compile("[a-z](?=[\u3005-\uffdc])|[\u3005-\uffdc](?=[a-z])")
_INSIDE = re.compile(r"[^\W\d_][^\x00-\x7f\w\s’‘–—·\xad\u200c\u200d][^\W\d_]|[©®°¦¬¶¹³±¤¥][^\W\d_]")


def _other(character: str) -> float:
    """Return the logarithm for a character that is no letter."""
    if character < "\x80":
        return _ASCII
    if character in letters.MARKS:
        return _MARK
    drawn = "\u2500" <= character <= "\u25ff"  # boxes of DOS
    return _CONTROL if drawn or not character.isprintable() else _STRANGE


def _shape(word: str, alone: bool) -> float:
    """Return a penalty for a word whose capitals or scripts are mixed as no word's are."""
    plain = sum(c < "\x80" for c in word)
    if plain == len(word):
        return 0.0
    penalty = 0.0
    if alone and 0 < plain < len(word):
        penalty -= 6
    if not alone:
        penalty -= 1.0 * sum(a >= "\x80" and b >= "\x80" for a, b in pairwise(word))
    if word.isupper():
        return penalty - 1
    odd = sum(a.islower() and b.isupper() for a, b in pairwise(word))
    return penalty - 4.0 * odd - (0.5 if word[:1].isupper() else 0)


def _ideographic(common: Sequence[tuple[str, float]], levels: Callable[[str], float]) -> Score:
    """Return the score of a script of many characters: common ones, then those of each level."""
    table = {c: math.log(weight / len(set(group))) for group, weight in reversed(common) for c in group}

    @lru_cache(maxsize=10_000)
    def one(character: str) -> float:
        if character < "\x80":
            return _ASCII
        known = table.get(character)
        if known is not None:
            return known
        if character in letters.WIDE_MARKS:
            return math.log(0.05 / len(letters.WIDE_MARKS))
        return levels(character)

    def score(text: str) -> float:
        return sum(count * one(c) for c, count in Counter(text).items()) - 3.0 * len(_MIXED.findall(text))

    return score


def _levels(
    codec: str, first: tuple[int, int], size: int, share: float, rare: float
) -> Callable[[str], float]:
    """Return the logarithm for characters that are not common: those of the first level of a standard."""
    inner, outer = math.log(share / size), math.log(rare / 20_000)

    def level(character: str) -> float:
        if not character.isprintable() or "\ue000" <= character <= "\uf8ff":
            return _CONTROL * 1.5
        if "\uff61" <= character <= "\uff9f":
            return math.log(1e-5)
        try:
            lead = character.encode(codec)[0]
        except UnicodeEncodeError:
            return outer
        return inner if first[0] <= lead <= first[1] else outer

    return level


_KANA = ((letters.KANA, 0.45),)
_CHINESE = _ideographic(((letters.HANZI, 0.7),), _levels("gb2312", (0xB0, 0xD7), 3755, 0.2, 0.002))
_TAIWANESE = _ideographic(
    ((letters.HANZI_TRADITIONAL, 0.7),), _levels("big5", (0xA4, 0xC6), 5401, 0.2, 0.002)
)
_JAPANESE = _ideographic(((letters.KANJI, 0.35), *_KANA), _levels("euc_jp", (0xB0, 0xCF), 2965, 0.15, 0.002))
_KOREAN = _ideographic(((letters.HANGUL, 0.75),), _levels("euc_kr", (0xB0, 0xC8), 2350, 0.2, 0.0005))

_ALPHABETS = {
    name: tuple(map(_alphabetic, languages))
    for name, languages in {
        "western": letters.WESTERN,
        "central": (*letters.CENTRAL, *letters.WESTERN),
        "turkish": (*letters.TURKISH, *letters.WESTERN),
        "baltic": letters.BALTIC,
        "cyrillic": letters.CYRILLIC,
        "greek": letters.GREEK,
        "arabic": letters.ARABIC,
        "hebrew": letters.HEBREW,
    }.items()
}

# Codec, usual name, how much likelier it is than others before looking, and its scores.
ENCODINGS: tuple[tuple[str, str, float, tuple[Score, ...]], ...] = (
    ("cp1252", "Windows-1252", 0.0, _ALPHABETS["western"]),
    ("cp1250", "Windows-1250", -3.0, _ALPHABETS["central"]),
    ("cp1254", "Windows-1254", -1.0, _ALPHABETS["turkish"]),
    ("cp1251", "Windows-1251", -1.0, _ALPHABETS["cyrillic"]),
    ("cp1253", "Windows-1253", -1.0, _ALPHABETS["greek"]),
    ("cp1256", "Windows-1256", -1.0, _ALPHABETS["arabic"]),
    ("cp1255", "Windows-1255", -1.0, _ALPHABETS["hebrew"]),
    ("cp1257", "Windows-1257", -4.0, _ALPHABETS["baltic"]),
    ("gb18030", "GBK", -1.0, (_CHINESE,)),
    ("cp932", "Shift-JIS", -1.0, (_JAPANESE,)),
    ("cp949", "EUC-KR", -1.0, (_KOREAN,)),
    ("cp950", "Big5", -1.5, (_TAIWANESE,)),
    ("euc_jp", "EUC-JP", -2.0, (_JAPANESE,)),
    ("iso8859-2", "ISO-8859-2", -3.0, _ALPHABETS["central"]),
    ("iso8859-5", "ISO-8859-5", -3.0, _ALPHABETS["cyrillic"]),
    ("koi8-r", "KOI8-R", -2.0, _ALPHABETS["cyrillic"]),
    ("koi8-u", "KOI8-U", -3.0, _ALPHABETS["cyrillic"]),
    ("cp866", "CP866", -2.0, _ALPHABETS["cyrillic"]),
    ("iso8859-6", "ISO-8859-6", -3.0, _ALPHABETS["arabic"]),
    ("iso8859-7", "ISO-8859-7", -2.0, _ALPHABETS["greek"]),
    ("iso8859-15", "ISO-8859-15", -3.0, _ALPHABETS["western"]),
    ("mac-roman", "Mac Roman", -4.0, _ALPHABETS["western"]),
    ("cp850", "CP850", -4.0, _ALPHABETS["western"]),
)
