"""One row a patient to one row a study."""

from collections.abc import Iterable
from typing import Any

from metaresp import read
from metaresp.errors import InvalidArgument, InvalidStudies, few, option

_YES = frozenset(["1", "1.0", "true", "yes", "y"])
_NO = frozenset(["0", "0.0", "false", "no", "n"])


def count_patients(
    frame: Any, by: str, response: str, responders: Iterable[Any] | None, missing: str
) -> tuple[dict[str, list[Any]], list[str]]:
    """Return events, n and labels of each study, and what was done, in sentences.

    Raises
    ------
    InvalidStudies
        Naming the row of a patient without a study, or without a response that is known.
    """
    table = read.frame_table(frame)
    places = {
        name: read.column_place(table, role, name) for role, name in (("by", by), ("response", response))
    }
    trials = [read.label_text(cell) for cell in table.columns[places[by]]]
    values = [read.label_text(cell) for cell in table.columns[places[response]]]
    known = sorted({value for value in values if value})
    if responders is None:
        hits = _YES
        strange = [value for value in known if value.casefold() not in _YES | _NO]
        if strange:
            raise InvalidStudies(
                f"{table.source}: {response!r} holds {_listed(known)}: say which are responders, as in "
                f"{option('responders', (strange[0],))}"
            )
    else:
        given = [responders] if isinstance(responders, str) else list(responders)
        hits = frozenset(read.label_text(one).casefold() for one in given)
        unknown = [one for one in hits if one not in {value.casefold() for value in known}]
        if unknown and len(unknown) == len(hits):
            raise InvalidArgument(
                f"{option('responders', tuple(given))}: {response!r} of {table.source} holds none of them; "
                f"it has {_listed(known)}"
            )
    counts: dict[str, list[int]] = {}
    gone = 0
    for row, (trial, value) in enumerate(zip(trials, values, strict=True)):
        if not trial:
            raise InvalidStudies(f"{table.source}, {table.at(row)}, column {by!r}: a patient without a study")
        if not value or (read.is_missing(value) and value.casefold() not in hits):
            if missing != "drop":
                raise InvalidStudies(
                    f"{table.source}, {table.at(row)}, column {response!r}: the response is missing "
                    f"({option('missing', 'drop')} leaves such patients out, which is no intention to treat)"
                )
            gone += 1
            continue
        tally = counts.setdefault(trial, [0, 0])
        tally[0] += value.casefold() in hits
        tally[1] += 1
    others = [value for value in known if value.casefold() not in hits]
    notes = [
        f"{len(trials) - gone} patients of {len(counts)} studies were counted: "
        f"{_listed([v for v in known if v.casefold() in hits])} as responders, {_listed(others)} as not."
    ]
    if gone:
        notes.append(f"{gone} patients without a response were left out.")
    columns: dict[str, list[Any]] = {
        "events": [tally[0] for tally in counts.values()],
        "n": [tally[1] for tally in counts.values()],
        "study": list(counts),
    }
    return columns, notes


def _listed(values: list[str]) -> str:
    return few(list(map(repr, values)), 6) or "none"
