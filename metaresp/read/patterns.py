"""How numbers are written in tables: marks, signs, brackets, words, in the usage of many languages."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

# What authors write for "no number" in a column of counts.
_MISSING = """
na; n/a; #n/a; n.a.; n.a; nan; nr; n.r.; n.r; nd; n.d.; n/r; ns; ne;
null; none; -; --; ---; –; —;
―; −; .; ..; ...; …; ?; ??; /; <na>; na); missing; unknown; not reported; not available;
not stated; not evaluable; unclear; not applicable; not given; keine angabe; k.a.; k. a.;
nicht berichtet; non rapporté; non disponible; no informado; no reportado; sin datos;
não informado; não relatado; non riportato; niet gerapporteerd; brak danych; нет данных; н/д;
bildirilmemiş; yok; غير متوفر; غير مذكور; 未报告;
未報告; 不详; 不詳; 未提及; 缺失; 不明; 記載なし; 報告なし; データなし;
미보고;
없음; 불명; 해당없음
"""
MISSING_COUNT = frozenset(word for word in re.split(r";\s+|\n", _MISSING) if word)


# Punctuation that is written in several ways; what is not a superscript keeps its meaning.
_PLAIN = {
    "(": "（｛",
    ")": "）｝",
    "[": "［【〔",
    "]": "］】〕",
    "/": "／⁄∕÷",
    "%": "％﹪٪",
    ".": "．٫·",
    ",": "，、،",
    ":": "：",
    ";": "；؛",
    "<": "＜",
    ">": "＞",
    "≤": "≦",
    "≥": "≧",
    "=": "＝",
    "+": "＋",
    "-": "－−﹣‐‑",
    "–": "‒",
    "~": "～〜∼",
    "’": "٬",
    "*": "＊∗",
    " ": "\u00a0\u2007\u202f\u2009\u200a\u2006\u2005\u3000",
    "'": "’‘´`",
    "": "\u200e\u200f\u061c\u200b\u2060\ufeff\u202a\u202b\u202c\u202d\u202e",
}
_PLAIN_FORMS = str.maketrans({written: mark for mark, several in _PLAIN.items() for written in several})

# A footnote mark before or behind a number: a sign, a superscript, a letter after a space or raised.
SIGNS = "*†‡§¶#‖¤¦^"
RAISED = "ªº⁰¹²³⁴⁵⁶⁷⁸⁹ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ⁺⁻⁽⁾"
MARK_AFTER = re.compile(
    rf"\s*(?:[{re.escape(SIGNS)}{RAISED}]+(?:[a-zA-Z0-9](?:,[a-zA-Z0-9])*)?|(?<=[0-9)%\]])\s*[a-h]\)?|\s\([a-z]\)"
    rf"|\s\[[a-z]\])$"
)
MARK_BEFORE = re.compile(rf"^[{re.escape(SIGNS)}{RAISED}]+\s*")
UNITS = re.compile(
    r"\s*(?:patients?|pts?\.?|subjects?|participants?|persons?|people|cases?|events?|responders?|"
    r"patienten|pat\.|fälle|cas|pacientes|casos|pazienti|casi|больных|пациентов|чел\.?|hasta|"
    r"人|例|名|件|位|명|건|례|مريض)$",
    re.IGNORECASE,
)
NAMED = re.compile(r"^(?:n|N|r|x|no)\s*[=:]\s*")

N = (
    r"(?:[0-9]{1,3}(?:[,.' ][0-9]{3})+(?:[.,][0-9]+)?|[0-9]{1,3}(?:,[0-9]{2})+,[0-9]{3}"
    r"|[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)"
)
S = r"\s*"
_DASH = r"(?:\s*(?:-|–|—|~|;|,|\bto\b|\bbis\b|\bà\b|\ba\b|\bal?\b|\btot\b|\bдо\b|至|到|から|에서)\s*)"
_CI = (
    rf"(?:(?:9[059]|99\.?[0-9]*)?{S}%?-?{S}"
    rf"(?:CrI|C\.?I\.?|KI|IC|ДИ|GA|CL|信頼区間|置信区间|신뢰구간){S}[:;,=]?{S}(?:9[059]{S}%)?[:;,]?{S})?"
)
_INTERVAL = rf"[(\[]?{S}{_CI}[(\[]?{S}({N}){S}%?{_DASH}({N}){S}%?{S}[)\]]?"
INTERVAL = re.compile(_INTERVAL, re.IGNORECASE)
_OPEN, _CLOSE = r"[(\[]", r"[)\]]"
_OF = r"(?:/|\bout\s+of\b|\bof\b|\bvon\b|\bsur\b|\bde\b|\bsu\b|\bdi\b|\bvan\b|\bz\b|\bиз\b|\bmi\b|\bav\b|من)"

# Numbers with signs, brackets and "of" among them, and no other word.
NUMERIC = re.compile(rf"(?:[0-9.,%()\[\]\s;/–—+*-]|{_OF})+", re.IGNORECASE)
INTEGER = re.compile(r"[+-]?[0-9]+")
FRACTION = re.compile(
    rf"[(\[]?{S}(-?{N}){S}{_OF}{S}({N}){S}[)\]]?"
    rf"(?:{S}(?:[(\[;:,=]|\s|-|–){S}({N}){S}(%?){S}[)\]]?(?:{S}[;,(\[\s]{S}{_INTERVAL})?{S}[)\]]?)?",
    re.IGNORECASE,
)
FRACTION_LAST = re.compile(rf"({N}){S}(%?){S}[(\[,;:=]?{S}({N}){S}{_OF}{S}({N}){S}[)\]]?", re.IGNORECASE)
AMONG = re.compile(rf"({N})[例名人명]?{S}(?:中|中の|例中|명{S}중){S}({N})[例名人명]?")
PAIR = re.compile(
    rf"({N}){S}(%?){S}(?:{_OPEN}|[,;:=]\s*|\s(?=[0-9.,]+{S}%)|/\s*(?=[0-9.,]+{S}%)){S}({N}){S}(%?)"
    rf"(?:{S}[;,\s(\[]{S}{_INTERVAL})?{S}{_CLOSE}?",
    re.IGNORECASE,
)
RATE = re.compile(rf"({N}){S}(%?)(?:{S}[,;:(\[\s]{S}{_INTERVAL})?{S}[)\]]?", re.IGNORECASE)
_ABOUT = r"ca\.?|c\.|approx\.?|about|under|over|at least|at most|less than|more than|up to|etwa|circa|env\.?"
CENSORED = re.compile(
    rf"(?:[<>≤≥~≈±]|<=|>=|{_ABOUT}|"
    rf"约|約|大约|超过|少于|未満|以上|약|около|менее|более|أقل من|أكثر من){S}{N}{S}%?.*"
    rf"|{N}{S}(?:\+|以上|以下|未満|이상|이하|미만)"
    rf"|{N}{S}(?:-|–|—|~|to|or|bis|oder|ou|o|или|至|到|から){S}{N}{S}%?",
    re.IGNORECASE,
)
# Latin text that begins with a letter and is no number in any of these forms, whatever digits it holds: a
# label, mostly.  Only what NAMED and CENSORED begin with, and words for a missing number, may be one.
_PLAIN_WORDS = [word for word in sorted(MISSING_COUNT) if word[0].isalpha()]
# without the letters that are the same as an ASCII one but for their case
_LATIN = "\xc0-\xd6\xd8-\xf6\xf8-\u012f\u0132-\u017e\u0180-\u024f"
PROSE = re.compile(
    rf"(?!(?:[nNrx]|no)\s*[=:]|(?i:{_ABOUT}|(?:{'|'.join(map(re.escape, _PLAIN_WORDS))})\Z))"
    rf"[a-zA-Z{_LATIN}][\x00-\x7f{_LATIN}]*\Z"
)
_OTHER_BEGINNINGS = (
    *_PLAIN_WORDS,
    *(word.replace(r"\.?", "").replace(r"\.", ".") for word in _ABOUT.split("|")),
)


def begins_prose(start: str) -> bool:
    """Whether three first letters tell that ASCII text is of :data:`PROSE`.

    Examples
    --------
    >>> begins_prose("Stu"), begins_prose("abo"), begins_prose("n ="), begins_prose("13")
    (True, False, False, False)
    """
    low = start.lower()
    if not start[:1].isalpha() or (low[0] in "nrx" and not low.removeprefix("no")[1:2].isalpha()):
        return False
    return not any(low.startswith(word) or word.startswith(low) for word in _OTHER_BEGINNINGS)


def plain(text: str) -> str:
    """Return text with the digits of any script as 0-9 and punctuation in one form.

    Examples
    --------
    >>> plain("١٣／１８（72٫2٪）")
    '13/18(72.2%)'
    """
    if text.isascii():
        return text
    text = text.translate(_PLAIN_FORMS)
    if text.isascii():
        return text
    return "".join(
        letter if letter.isascii() or not letter.isdecimal() else str(unicodedata.decimal(letter))
        for letter in text
    ).strip()


_ONE_MARK = re.compile(r"(?<![0-9.,])([0-9]+)([.,])([0-9]+)(?![0-9]|[.,][0-9])")


def decimal_evidence(columns: Iterable[Sequence[object]]) -> str:
    """Return the decimal mark that the text cells of a table can only mean, or ``""``.

    A cell such as ``4,5`` or ``0,125`` can only be a decimal comma, ``1,234`` can be either.
    """
    marks = set()
    for text in map(plain, chain.from_iterable(map(_marked, columns))):
        if not NUMERIC.fullmatch(text):
            continue
        for found in _ONE_MARK.finditer(text):
            if len(found[3]) != 3 or len(found[1]) > 3 or found[1] == "0":
                marks.add(found[2])
    return marks.pop() if len(marks) == 1 else ""


def _marked(column: Sequence[Any]) -> list[str]:
    """Return the texts of a column in which a mark may stand."""
    plain_text = set(map(type, column)) == {str}
    texts = column if plain_text else [cell for cell in column if isinstance(cell, str)]
    joined = "".join(texts)
    if joined.isascii() and "," not in joined and "." not in joined:
        return []
    return [
        text
        for text in dict.fromkeys(texts)
        if len(text) < 60 and not text[:1].isalpha() and ("," in text or "." in text or not text.isascii())
    ]
