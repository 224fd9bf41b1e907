"""A table of raw cells to checked counts; every rule a count can break, told with its place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from metaresp.errors import InvalidArgument, InvalidStudies
from metaresp.percent import compatible_counts
from metaresp.read.cells import (
    BadCell,
    Value,
    as_value,
    label_text,
    parse_count,
    parse_percent,
    parse_response,
    shown,
    text_values,
)
from metaresp.read.columns import Roles
from metaresp.read.table import Table
from metaresp.records import Record

T = TypeVar("T")

MISSING = ("raise", "drop")
# Rows that an error lists before it only counts.
LISTED = 5
# Names that a covariate cannot have, since a column of the studies has it.
RESERVED = frozenset(["study", "events", "n", "enrolled", "rate"])
_TOTALS = frozenset(
    ["total", "totals", "overall", "pooled", "all", "sum", "summary", "all studies", "combined"]
)

_GAPS = ("events are missing", "n is missing", "events and n are missing")

# (row, column, what is wrong)
Problem = tuple[int, str, str]


@dataclass(frozen=True, eq=False, slots=True)
class ExcludedRow(Record):
    """A row left out because its counts are missing."""

    study: str
    events: int | None
    n: int | None
    row: int | None
    reason: str
    covariates: dict[str, Value]


@dataclass(frozen=True, eq=False, slots=True)
class Counts(Record):
    """Checked counts: ``1 <= n`` and ``0 <= events <= n``, one entry per study."""

    events: tuple[int, ...]
    n: tuple[int, ...]
    study: tuple[str, ...]
    enrolled: tuple[int, ...] | None
    covariates: dict[str, tuple[Value, ...]]
    excluded: tuple[ExcludedRow, ...]


def check_counts(table: Table, roles: Roles, missing: str = "raise") -> Counts:
    """Check every cell of a table and return its counts.

    Parameters
    ----------
    table : Table
    roles : Roles
        Which column holds what.
    missing : {"raise", "drop"}
        Rows without events or n are an error, or left out and listed; wrong values are always an error.

    Raises
    ------
    InvalidStudies
        Naming source, row, column, value and rule of the first wrong cells, and counting the rest.
    """
    if missing not in MISSING:
        raise InvalidArgument(f"missing={missing!r} must be 'raise' or 'drop'")
    problems: list[Problem] = []
    events, n = _events_and_n(table, roles, problems)
    _check_rules(table, roles, events, n, problems)
    enrolled = _enrolled(table, roles, n, problems)
    labels = _labels(table, roles)
    covariates = _covariates(table, roles, problems)
    gaps = [_gap(e, m) for e, m in zip(events, n, strict=True)]
    wrong = {row for row, _, _ in problems}
    if missing == "raise":
        column = _names(table, roles)
        for row, gap in enumerate(gaps):
            if gap and row not in wrong:
                problems.append((row, column["events" if events[row] is None else "n"], gap))
    if problems:
        _raise(table, problems)
    kept = [row for row, gap in enumerate(gaps) if not gap]
    _refuse_total(table, labels, events, n, kept)
    excluded = tuple(
        ExcludedRow(labels[row], events[row], n[row], _row_number(table, row), gap,
                    {name: column[row] for name, column in covariates.items()})
        for row, gap in enumerate(gaps) if gap
    )  # fmt: skip
    return Counts(
        events=tuple(value for row in kept if (value := events[row]) is not None),
        n=tuple(value for row in kept if (value := n[row]) is not None),
        study=tuple(labels[row] for row in kept),
        enrolled=None if enrolled is None else tuple(enrolled[row] or 0 for row in kept),
        covariates={name: tuple(column[row] for row in kept) for name, column in covariates.items()},
        excluded=excluded,
    )


def _events_and_n(
    table: Table, roles: Roles, problems: list[Problem]
) -> tuple[list[int | None], list[int | None]]:
    if roles.events is None and roles.response is not None:
        pairs = _parse(table, roles.response, lambda cell: parse_response(cell, table.decimal), problems)
        n = [pair and pair[1] for pair in pairs]
        if roles.n is not None:
            _check_beside(table, roles.n, n, problems)
        return [pair and pair[0] for pair in pairs], n
    assert roles.n is not None
    n = _parse(table, roles.n, lambda cell: parse_count(cell, table.decimal), problems)
    if roles.events is None:
        assert roles.percent is not None
        return _rebuilt(table, roles.percent, n, problems), n
    events = _parse(table, roles.events, lambda cell: parse_count(cell, table.decimal), problems)
    _check_response(table, roles, events, n, problems)
    if roles.percent is not None:
        _check_percent(table, roles.percent, events, n, problems)
    return events, n


def _parse(
    table: Table, column: int, parse: Callable[[object], T | None], problems: list[Problem]
) -> list[T | None]:
    values: list[T | None] = []
    for row, cell in enumerate(table.columns[column]):
        try:
            values.append(parse(cell))
        except BadCell as bad:
            problems.append((row, table.names[column], str(bad)))
            values.append(None)
    return values


def _rebuilt(table: Table, column: int, n: list[int | None], problems: list[Problem]) -> list[int | None]:
    """Rebuild events from a percentage and n, where just one count fits."""
    events: list[int | None] = []
    for row, cell in enumerate(table.columns[column]):
        percent, total, count = parse_percent(cell), n[row], None
        if percent is not None and total is not None and total > 0:
            try:
                fits = compatible_counts(percent, total)
            except InvalidArgument as error:
                problems.append((row, table.names[column], str(error)))
            else:
                count = fits[0] if len(fits) == 1 else None
                if count is None:
                    problems.append((row, table.names[column], _unfit(percent, total, fits)))
        events.append(count)
    return events


def _unfit(percent: object, total: int, fits: range) -> str:
    if fits:
        counts = f"{len(fits)} counts ({fits[0]} to {fits[-1]})"
        return f"{shown(percent)} of n = {total} fits {counts}: give the events"
    number = float(str(percent).rstrip("% ").replace(",", "."))
    near = min(total, max(0, round(number * total / 100)))
    return (f"{shown(percent)} is no percentage of n = {total}: the nearest is {near}/{total} ="
            f" {100 * near / total:.4g}%")  # fmt: skip


def _check_beside(table: Table, column: int, n: list[int | None], problems: list[Problem]) -> None:
    given = _parse(table, column, lambda cell: parse_count(cell, table.decimal), problems)
    for row, (stated, total) in enumerate(zip(given, n, strict=True)):
        if stated is not None and total is not None and stated != total:
            problems.append(
                (row, table.names[column], f"{stated} contradicts the n = {total} of the fraction")
            )


def _check_response(
    table: Table, roles: Roles, events: list[int | None], n: list[int | None], problems: list[Problem]
) -> None:
    if roles.response is None:
        return
    for row, cell in enumerate(table.columns[roles.response]):
        try:
            pair = parse_response(cell, table.decimal)
        except BadCell:
            continue
        if pair and events[row] is not None and n[row] is not None and pair != (events[row], n[row]):
            text = f"{shown(cell)} contradicts events = {events[row]} and n = {n[row]}"
            problems.append((row, table.names[roles.response], text))


def _check_percent(
    table: Table, column: int, events: list[int | None], n: list[int | None], problems: list[Problem]
) -> None:
    for row, cell in enumerate(table.columns[column]):
        percent, count, total = parse_percent(cell), events[row], n[row]
        if percent is None or count is None or total is None or not 0 <= count <= total or total == 0:
            continue
        try:
            fits = count in compatible_counts(percent, total)
        except InvalidArgument as error:
            problems.append((row, table.names[column], str(error)))
        else:
            if not fits:
                text = f"{shown(percent)} contradicts {count}/{total} = {100 * count / total:.4g}%"
                problems.append((row, table.names[column], text))


def _check_rules(
    table: Table, roles: Roles, events: list[int | None], n: list[int | None], problems: list[Problem]
) -> None:
    column = _names(table, roles)
    for row, (count, total) in enumerate(zip(events, n, strict=True)):
        if count is not None and count < 0:
            problems.append((row, column["events"], f"{count} is negative: a count is 0 or more"))
        if total is not None and total < 1:
            problems.append((row, column["n"], f"n = {total}: a study has at least 1 patient"))
        elif count is not None and total is not None and count > total:
            problems.append((row, column["events"], f"events = {count} is more than n = {total}"))


def _enrolled(
    table: Table, roles: Roles, n: list[int | None], problems: list[Problem]
) -> list[int | None] | None:
    if roles.enrolled is None:
        return None
    name = table.names[roles.enrolled]
    enrolled = _parse(table, roles.enrolled, lambda cell: parse_count(cell, table.decimal), problems)
    wrong = {row for row, column, _ in problems if column == name}
    for row, (count, total) in enumerate(zip(enrolled, n, strict=True)):
        if total is None or row in wrong:
            continue
        if count is None:
            problems.append((row, name, "enrolled is missing (give it for every study, or for none)"))
        elif count < total:
            problems.append((row, name, f"enrolled = {count} is less than n = {total}"))
    return enrolled


def _labels(table: Table, roles: Roles) -> list[str]:
    cells = table.columns[roles.study] if roles.study is not None else (None,) * len(table)
    return [label_text(cell) or f"Study {number}" for number, cell in enumerate(cells, start=1)]


def _covariates(table: Table, roles: Roles, problems: list[Problem]) -> dict[str, tuple[Value, ...]]:
    covariates: dict[str, tuple[Value, ...]] = {}
    for column in roles.covariates:
        name = table.names[column]
        name = f"{name} (column)" if name in RESERVED else name
        while name in covariates:
            name = f"{name} (2)"
        covariates[name] = _values(table, column, problems)
    return covariates


def _values(table: Table, column: int, problems: list[Problem]) -> tuple[Value, ...]:
    cells = table.columns[column]
    values: list[Value] = []
    for row, cell in enumerate(cells):
        try:
            values.append(as_value(cell))
        except BadCell as bad:
            problems.append((row, table.names[column], str(bad)))
            values.append(None)
    return text_values(tuple(values), table.decimal) if table.written else tuple(values)


def _gap(events: int | None, n: int | None) -> str:
    return "" if events is not None and n is not None else _GAPS[(events is None) + 2 * (n is None) - 1]


def _names(table: Table, roles: Roles) -> dict[str, str]:
    """Return the column to name for a wrong or missing events or n."""
    fraction = roles.events is None and roles.response is not None
    events = roles.response if fraction else roles.percent if roles.events is None else roles.events
    n = roles.response if fraction else roles.n
    return {"events": table.names[events or 0], "n": table.names[n or 0]}


def _row_number(table: Table, row: int) -> int | None:
    number = table.rows[row]
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _refuse_total(
    table: Table, labels: list[str], events: list[int | None], n: list[int | None], kept: list[int]
) -> None:
    """Refuse a last row that is the sum of the others: it would be counted as one more study."""
    if len(kept) < 3 or labels[kept[-1]].lower().strip(" :.") not in _TOTALS:
        return
    last = kept.pop()
    sums = [sum(column[row] or 0 for row in kept) for column in (events, n)]
    kept.append(last)
    if sums == [events[last], n[last]]:
        raise InvalidStudies(
            f"{table.source}, {table.at(last)}: {labels[last]!r} ({events[last]}/{n[last]})"
            " is the sum of the rows above: remove it"
        )


def _raise(table: Table, problems: list[Problem]) -> NoReturn:
    problems = sorted(dict.fromkeys(problems), key=lambda problem: problem[0])
    told = [f"{table.at(row)}, column {column!r}: {text}" for row, column, text in problems[:LISTED]]
    rest = len(problems) - LISTED
    more = f"; and {rest} more" if rest > 0 else ""
    missing = any(text in _GAPS for _, _, text in problems)
    hint = " (missing='drop' leaves rows without counts out and lists them)" if missing else ""
    comma = ": " if len(problems) > 1 else ", "
    raise InvalidStudies(f"{table.source}{comma}{'; '.join(told)}{more}{hint}")
