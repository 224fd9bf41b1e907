"""Which column holds what: given names are looked up, others matched by name and values, doubt is asked."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from metaresp.errors import InvalidArgument, InvalidStudies, UnknownName, closest, option
from metaresp.read.candidates import listed
from metaresp.read.labels import label_columns
from metaresp.read.profile import Column
from metaresp.read.readings import Matcher
from metaresp.read.table import Table
from metaresp.read.vocabulary import folded
from metaresp.records import Record

ROLES = ("events", "n", "study", "response", "percent", "enrolled")


@dataclass(frozen=True, eq=False, slots=True)
class Roles(Record):
    """Positions of the columns of a table; empty or None where there is none.

    Either *events* and *n*, or *response*, or *percent* and *n* are given.  *response* and *percent*
    beside *events* and *n* are checked against them.

    Attributes
    ----------
    events, n : tuple of int
        Columns whose sum they are: one, as a rule.
    study : tuple of int
        Columns that make a label together: author and year, or study and arm.
    response : int or None
        Fractions such as 13/18.
    percent : int or None
        Rates that events are rebuilt from, or that are checked against them.
    enrolled : int or None
    covariates : tuple of int
    reasons : mapping of str to str
        For each role, why its columns were taken: ``name``, ``values``, ``given``.
    notes : tuple of str
        What was guessed, in sentences.
    """

    events: tuple[int, ...]
    n: tuple[int, ...]
    study: tuple[int, ...]
    response: int | None
    percent: int | None
    enrolled: int | None
    covariates: tuple[int, ...]
    reasons: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def find_roles(
    table: Table,
    *,
    events: Any = None,
    n: Any = None,
    study: Any = None,
    response: Any = None,
    percent: Any = None,
    enrolled: Any = None,
    covariates: Sequence[str] | None = None,
    unit: str | None = None,
) -> tuple[Roles, str]:
    """Return which column holds what, and the unit of a column of rates.

    Raises
    ------
    UnknownName
        If a given name is no column.
    InvalidStudies
        If two columns could hold the same, or none holds the counts.
    InvalidArgument
        If the given names contradict each other.
    """
    named = dict(zip(ROLES, (events, n, study, response, percent, enrolled), strict=True))
    given = {role: _given(table, role, name) for role, name in named.items() if name is not None}
    _refuse_twice(table, given)
    matcher = Matcher(table, given, unit)
    found = matcher.find()
    matcher.taken |= {place for columns in found.values() for place in columns}
    enrolled_columns = given.get("enrolled") or _one(matcher.candidates("enrolled", "count"))
    matcher.taken |= set(enrolled_columns)
    labels, label_notes = label_columns(
        table, matcher.columns, matcher.taken, given.get("study"), matcher.is_index
    )
    taken = matcher.taken | set(labels)
    # A column that is only checked, or only helps a label, stays a covariate too: nothing is lost.
    kept = set(labels[1:])
    if found.get("events"):
        kept |= {
            place for role in ("response", "percent") if role not in given for place in found.get(role, ())
        }
    if covariates is None:
        rest = tuple(
            i for i, column in enumerate(matcher.columns)
            if (i not in taken or i in kept) and not (i in table.unnamed and matcher.is_index(column))
        )  # fmt: skip
    else:
        chosen = [covariates] if isinstance(covariates, str) else list(covariates)
        rest = tuple(dict.fromkeys(column_place(table, "covariates", name) for name in chosen))
    reasons = {
        role: "given" if role in given else "name and values"
        for role in (*found, *(["study"] if labels else []))
    }
    roles = Roles(
        events=found.get("events", ()),
        n=found.get("n", ()),
        study=labels,
        response=next(iter(found.get("response", ())), None),
        percent=next(iter(found.get("percent", ())), None),
        enrolled=next(iter(enrolled_columns), None),
        covariates=rest,
        reasons=reasons,
        notes=(*matcher.notes, *label_notes),
    )
    return roles, matcher.unit or "percent"


def _given(table: Table, role: str, name: object) -> tuple[int, ...]:
    """Return the columns that a caller names: one, a list, or names joined by a plus, to be added."""
    if isinstance(name, list | tuple) and role in {"events", "n"} and name:
        return tuple(dict.fromkeys(column_place(table, role, part) for part in name))
    if isinstance(name, str) and "+" in name and role in {"events", "n"} and not _places(table, name):
        return tuple(column_place(table, role, part.strip()) for part in name.split("+"))
    return (column_place(table, role, name),)


def column_place(table: Table, role: str, name: object) -> int:
    """Return the position of a column that a caller names for *role*."""
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str):
        raise InvalidArgument(f"{option(role, name)} must be a column name")
    found = _places(table, name)
    numbered = re.fullmatch(r"(.*) \(column ([0-9]{1,6})\)", name)
    if numbered and not found and int(numbered[2]) - 1 in _places(table, numbered[1]):
        return int(numbered[2]) - 1
    if len(found) == 1:
        return found[0]
    if found:
        columns = " or ".join(option(role, f"{table.names[i]} (column {i + 1})") for i in found[:5])
        raise InvalidStudies(f"{table.source}: {option(role, name)} names several columns: give {columns}")
    raise UnknownName(
        f"{option(role, name)} is no column of {table.source}: it has {listed(table)}"
        f"{closest(name, table.names)}"
    )


def _places(table: Table, name: str) -> list[int]:
    """Return the columns of a name: as written, else without regard to case and punctuation."""
    same: list[Callable[[str], str]] = [str, key]
    for form in same:
        found = [i for i, column in enumerate(table.names) if form(column) == form(name)]
        if found:
            return found
    return [i for i, column in enumerate(table.heads) if key(column) == key(name)]


def key(name: str) -> str:
    """Return a column name without case, spaces and punctuation, for comparison."""
    return re.sub(r"[\W_]+", " ", folded(name).replace("%", " percent ").replace("/", " slash ")).strip()


def _refuse_twice(table: Table, found: Mapping[str, tuple[int, ...]]) -> None:
    seen: dict[int, str] = {}
    for role, columns in found.items():
        for column in columns:
            if column in seen and not (len(columns) > 1 and role == "n" and seen[column] == "events"):
                name = table.names[column]
                raise InvalidArgument(
                    f"{option(seen[column], name)} and {option(role, name)} are the same column"
                )
            seen.setdefault(column, role)


def _one(columns: list[Column]) -> tuple[int, ...]:
    return (columns[0].place,) if len(columns) == 1 else ()
