"""Heads that are opposites of each other: "Yes" beside "No", "R" beside "NR", "Alive" beside "Dead"."""

import re
from collections.abc import Sequence

from metaresp.read.heads import Head
from metaresp.read.profile import Column
from metaresp.read.vocabulary import entries, folded


def _words(pairs: tuple[str, ...]) -> dict[str, list[tuple[int, str]]]:
    known: dict[str, list[tuple[int, str]]] = {}
    for number, pair in enumerate(pairs):
        for side, word in zip(("events", "failures"), pair.split(), strict=False):
            known.setdefault(folded(word), []).append((number, side))
    return known


_OPPOSED, _MORTAL = _words(entries("opposites", "without")), _words(entries("opposites", "either"))


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


def opposite_of(columns: Sequence[Column], place: int) -> int | None:
    """Return the place of the column that counts the other patients, as "No" beside "Yes"."""
    for pair in (*_pairs(columns, _OPPOSED), *_pairs(columns, _MORTAL)):
        if place in pair:
            return pair[0] if place == pair[1] else pair[1]
    return None


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
