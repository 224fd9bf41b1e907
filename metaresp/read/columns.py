"""Which column holds what: given names are looked up, others are recognised, doubt is an error."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from metaresp.errors import InvalidArgument, InvalidStudies, UnknownName, closest
from metaresp.read.cells import looks_like_fraction
from metaresp.read.table import Table
from metaresp.records import Record

# Compared without case, spaces and punctuation; "%" reads as "percent".
ALIASES: dict[str, tuple[str, ...]] = {
    "events": ("events", "event", "x", "xi", "r", "responders", "cases"),
    "n": ("n", "ni", "total"),
    "study": ("study", "trial", "author", "label"),
    "response": ("response", "orr", "response rate", "responders/n", "events/n", "x/n", "r/n"),
    "percent": (
        "percent", "percentage", "pct", "%", "rate percent", "rate pct", "orr percent", "orr pct",
        "response percent", "response pct", "response rate percent", "responders percent", "events percent",
    ),
    "enrolled": ("enrolled",),
}  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True)
class Roles(Record):
    """Positions of the columns of a table, None where there is none.

    Either *events* and *n*, or *response*, or *percent* and *n* are given.  *response* and *percent*
    beside *events* and *n* are checked against them.
    """

    events: int | None
    n: int | None
    study: int | None
    response: int | None
    percent: int | None
    enrolled: int | None
    covariates: tuple[int, ...]


def find_roles(
    table: Table,
    *,
    events: str | None = None,
    n: str | None = None,
    study: str | None = None,
    response: str | None = None,
    percent: str | None = None,
    enrolled: str | None = None,
    covariates: Sequence[str] | None = None,
) -> Roles:
    """Return which column holds what.

    Raises
    ------
    UnknownName
        If a given name is no column.
    InvalidStudies
        If two columns could hold the same, or none holds the counts.
    InvalidArgument
        If the given names contradict each other.
    """
    given = {"events": events, "n": n, "study": study, "response": response, "percent": percent,
             "enrolled": enrolled}  # fmt: skip
    found = {role: _given(table, role, name) for role, name in given.items() if name is not None}
    _refuse_twice(table, found)
    columns = _counts(table, found)
    taken = {column for column in {**found, **columns}.values() if column is not None}
    for role in ("study", "enrolled"):
        columns[role] = found[role] if role in found else _recognised(table, role, taken)
    taken |= {column for column in columns.values() if column is not None}
    # A column recognised only for a check stays a covariate too: nothing in the file is lost.
    check = columns["response"] if "response" not in found and columns["events"] is not None else None
    if covariates is None:
        rest = tuple(i for i in range(len(table.names)) if i not in taken or i == check)
    else:
        names = [covariates] if isinstance(covariates, str) else list(covariates)
        rest = tuple(dict.fromkeys(_given(table, "covariates", name) for name in names))
    return Roles(**{role: columns[role] for role in given}, covariates=rest)


def _counts(table: Table, found: dict[str, int]) -> dict[str, int | None]:
    """Settle events, n, response and percent."""
    columns: dict[str, int | None] = {"events": None, "n": None, "response": None, "percent": None, **found}
    if "response" in found and "events" not in found:
        return columns
    taken = set(found.values())
    fractions = [] if "response" in found else _fractions(table, taken)
    if "percent" in found and "events" not in found and not _candidates(table, "events", taken):
        if columns["n"] is None:
            columns["n"] = _recognised(table, "n", taken)
        if columns["n"] is None:
            raise InvalidStudies(
                f"{table.source}: percent={table.names[found['percent']]!r} needs a column n"
            )
        return columns
    candidates = {role: _candidates(table, role, taken) for role in ("events", "n")}
    if all(role in found or candidates[role] for role in ("events", "n")):
        for role in ("events", "n"):
            columns[role] = found[role] if role in found else _only(table, role, candidates[role])
        if columns["response"] is None and len(fractions) == 1:
            columns["response"] = fractions[0]
        return columns
    if fractions and "events" not in found and "n" not in found:
        columns["response"] = _only(table, "response", fractions)
        return columns
    percents = _percents(table, taken)
    if percents and "events" not in found and ("n" in found or candidates["n"]):
        columns["n"] = found["n"] if "n" in found else _only(table, "n", candidates["n"])
        columns["percent"] = _only(table, "percent", percents)
        return columns
    raise _nothing(table, [role for role in ("events", "n") if role not in found and not candidates[role]])


def _given(table: Table, role: str, name: object) -> int:
    if not isinstance(name, str) and name is not None:
        name = str(name)
    if not isinstance(name, str):
        raise InvalidArgument(f"{role}={name!r} must be a column name")
    for same in (lambda column: column == name, lambda column: key(column) == key(name)):
        places = [i for i, column in enumerate(table.names) if same(column)]
        if len(places) == 1:
            return places[0]
        if places:
            columns = ", ".join(f"{table.names[i]!r} (column {i + 1})" for i in places)
            raise InvalidStudies(f"{table.source}: {role}={name!r} names several columns: {columns}")
    raise UnknownName(
        f"{role}={name!r} is no column of {table.source}: it has {_listed(table)}{closest(name, table.names)}"
    )


def _refuse_twice(table: Table, found: dict[str, int]) -> None:
    seen: dict[int, str] = {}
    for role, column in found.items():
        if column in seen:
            name = table.names[column]
            raise InvalidArgument(f"{seen[column]}={name!r} and {role}={name!r} are the same column")
        seen[column] = role


def key(name: str) -> str:
    """Return a column name without case, spaces and punctuation, for comparison."""
    words = re.sub(r"[\W_]+", " ", name.lower().replace("%", " percent ").replace("/", "slash"))
    return words.strip()


_KEYS = {role: {key(alias) for alias in aliases} for role, aliases in ALIASES.items()}


def _candidates(table: Table, role: str, taken: set[int]) -> list[int]:
    return [i for i, name in enumerate(table.names) if i not in taken and key(name) in _KEYS[role]]


def _recognised(table: Table, role: str, taken: set[int]) -> int | None:
    candidates = _candidates(table, role, taken)
    return _only(table, role, candidates) if candidates else None


def _fractions(table: Table, taken: set[int]) -> list[int]:
    """Response columns are told by their name and their cells."""
    return [
        i for i in _candidates(table, "response", taken) if any(map(looks_like_fraction, table.columns[i]))
    ]


def _percents(table: Table, taken: set[int]) -> list[int]:
    """Percent columns by name; ``orr`` and ``response`` too where every cell ends in a percent sign."""
    percents = _candidates(table, "percent", taken)
    for i in _candidates(table, "response", taken):
        cells = [cell for cell in table.columns[i] if cell is not None]
        if i not in percents and cells and all(_is_percent(cell) for cell in cells):
            percents.append(i)
    return percents


def _is_percent(cell: object) -> bool:
    return hasattr(cell, "percent") or (isinstance(cell, str) and cell.endswith("%"))


def _only(table: Table, role: str, candidates: list[int]) -> int:
    if len(candidates) == 1:
        return candidates[0]
    columns = ", ".join(repr(table.names[i]) for i in candidates)
    raise InvalidStudies(
        f"{table.source}: columns {columns} could each hold {role}: say which, as in"
        f" {role}={table.names[candidates[0]]!r}"
    )


def _nothing(table: Table, lacking: list[str]) -> InvalidStudies:
    accepted = "; ".join(f"{role}: {', '.join(ALIASES[role])}" for role in lacking or ("events", "n"))
    what = " or ".join(lacking) or "events and n"
    return InvalidStudies(
        f"{table.source}: no column holds {what} among {_listed(table)}. Recognised names are {accepted};"
        " or response, orr with cells like 13/18. Name other columns with events=, n= or response="
    )


def _listed(table: Table) -> str:
    names = [repr(name if len(name) <= 40 else f"{name[:37]}...") for name in table.names]
    return ", ".join(names[:30]) + (f" and {len(names) - 30} more" if len(names) > 30 else "")
