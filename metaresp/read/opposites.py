"""Heads that are opposites of each other: "Yes" beside "No", "R" beside "NR", "Alive" beside "Dead"."""

import re
from collections.abc import Sequence

from metaresp.read.heads import Head
from metaresp.read.profile import Column
from metaresp.read.vocabulary import folded

# With the event, and without it.
_PAIRS = """
yes no; oui non; ja nein; ja nee; ja nej; ja nei; si no; sim nao; да нет; так ні; evet hayir; tak nie; ano ne;
igen nem; kylla ei; نعم لا; כן לא; ναι οχι; 是 否; 有 无; 有 無; 有 没有; はい いいえ; あり なし; 예 아니오; 예 아니요;
네 아니오; 있음 없음; r nr; resp nonresp; rs nrs; true false; wahr falsch; vrai faux; present absent; + -; 1 0; co khong; ya tidak
"""
# Opposites of which either may be the event.
_EITHER = """
alive dead; alive died; alive deceased; alive deaths; alive death; survived died; survived dead; survived deaths;
survivors deaths; survivors died; survivors dead; survivors nonsurvivors; survivor nonsurvivor; survival death;
survivors fatalities; lebend tot; lebend verstorben; uberlebt gestorben; uberlebende tote; vivants morts;
vivants decedes; survivants deces; vivos muertos; vivos fallecidos; vivos mortos; sobreviventes obitos; vivi morti;
vivi deceduti; живы умерли; живых умерших; выжившие умершие; выжило умерло; hayatta olen; sag olu; 存活 死亡; 生存 死亡;
생존 사망; zywi zmarli; levend overleden
"""


def _words(pairs: str) -> dict[str, list[tuple[int, str]]]:
    known: dict[str, list[tuple[int, str]]] = {}
    for number, pair in enumerate(re.split(r"[;\n]+", pairs)):
        for side, word in zip(("events", "failures"), pair.split(), strict=False):
            known.setdefault(folded(word), []).append((number, side))
    return known


_OPPOSED, _MORTAL = _words(_PAIRS), _words(_EITHER)


def tokens(name: str) -> tuple[str, ...]:
    """Return the words and signs of a head, without that it is a number of patients.

    Examples
    --------
    >>> tokens("Response: yes (n)"), tokens("+")
    (('response', 'yes'), ('+',))
    """
    text = re.sub(r"[–−‐]", "-", folded(name))
    if len(text) > 60:
        return ()
    found = re.findall(r"[^\W_]+|(?<![^\s(])[+-](?![^\s)])", text)
    while len(found) > 1 and found[-1] in {"n", "patients", "no"} and found[-2] != "responders":
        found = found[:-1]
    return tuple(found)


def _pairs(columns: Sequence[Column], known: dict[str, list[tuple[int, str]]]) -> list[tuple[int, int]]:
    """Return the places of columns whose heads are opposites in one word and equal in the others."""
    sides: dict[tuple[object, ...], dict[str, int]] = {}
    for column in columns:
        if column.kind not in {"count", "counted"}:
            continue
        found = tokens(column.name)
        for i, token in enumerate(found):
            for number, side in known.get(token, ()):
                key = (number, i, *found[:i], *found[i + 1 :])
                sides.setdefault(key, {}).setdefault(side, column.place)
    return [(both["events"], both["failures"]) for both in sides.values() if len(both) == 2]


def mortal(columns: Sequence[Column]) -> tuple[int, int] | None:
    """Return the places of two columns such as "Alive" and "Dead", of which either may hold the events."""
    found = _pairs(columns, _MORTAL)
    return found[0] if len(found) == 1 else None


def with_opposites(columns: list[Column]) -> list[Column]:
    """Return columns in which "No" beside "Yes" holds those without the event, not a number."""
    named = any("study" in column.head.roles or "author" in column.head.roles for column in columns)
    changed = list(columns)
    for events, failures in _pairs(columns, _OPPOSED):
        if columns[events].name.strip() == "1" and not named:
            continue
        for place, role in ((events, "events"), (failures, "failures")):
            changed[place] = columns[place]._replace(head=Head({role: 2}, ""))
    return changed
