"""Which column holds what: given names are looked up, others matched by name and values, doubt is asked."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from metaresp.errors import InvalidArgument, InvalidStudies, UnknownName, closest, option
from metaresp.read.cells import label_text
from metaresp.read.labels import label_columns
from metaresp.read.profile import Column, is_ascending, profile
from metaresp.read.rates import belongs, fits, places, possible_units, unit_of
from metaresp.read.table import Table
from metaresp.read.vocabulary import folded, words
from metaresp.read.writing import MISSING, Cell
from metaresp.records import Record

ROLES = ("events", "n", "study", "response", "percent", "enrolled")
# Heads of rates that are also said of the count: a whole number under them may be either.
_RATE_WORDS = re.compile(r"\b(?:orr|dcr|cbr|mortality|prevalence|survival)\b", re.IGNORECASE)
_COORDINATES = {"x", "y"}


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


class Matcher:
    """The columns of one table, and the questions put to them."""

    def __init__(self, table: Table, given: Mapping[str, tuple[int, ...]], unit: str | None) -> None:
        self.table = table
        self.given = given
        self.unit = unit
        self.columns, self.rows = profile(table)
        self.notes: list[str] = []
        self.reasons: dict[str, str] = {}
        self.taken = {place for places_ in given.values() for place in places_}

    # ---- candidates -------------------------------------------------------------------------------

    def candidates(self, role: str, *kinds: str) -> list[Column]:
        """Return the columns whose head can be *role* and whose values are of one of *kinds*."""
        if role in self.given:
            return [self.added(self.given[role])]
        return [
            column
            for column in self.columns
            if role in column.head.roles
            and column.kind in kinds
            and column.place not in self.taken
            and not self.is_index(column)
            and not self.is_coordinate(column)
        ]

    def added(self, places_: tuple[int, ...]) -> Column:
        """Return one column, or several with their counts added up."""
        first = self.columns[places_[0]]
        if len(places_) == 1:
            return first
        sums = [self.sum(places_, row) for row in range(len(self.table))]
        cells = tuple(MISSING if total is None else Cell("count", total) for total in sums)
        return first._replace(name=self.named(places_), cells=cells, kind="count")

    def is_index(self, column: Column) -> bool:
        """Whether a column numbers the rows."""
        if len(self.rows) == 1 and column.place == 0 and "index" in column.head.roles:
            return column.cells[self.rows[0]].count in {0, 1}
        if column.numbered:
            # two studies may well have 1 and 2 events
            return len(self.rows) > 2 or column.place == 0 or "index" in column.head.roles
        return "index" in column.head.roles and column.head.roles.get("n", 1) < 2 and is_ascending(
            column, self.rows
        ) and column.place == 0  # fmt: skip

    def is_coordinate(self, column: Column) -> bool:
        """Whether a column is x beside y."""
        names = {folded(other.name) for other in self.columns}
        return folded(column.name) in _COORDINATES and names >= _COORDINATES

    def fits(self, events: Column, n: Column) -> bool:
        """Whether no count is above its n."""
        pairs = [(events.cells[row].count, n.cells[row].count) for row in self.rows]
        return all(x is None or m is None or 0 <= x <= m for x, m in pairs)

    def distinct(self, columns: Iterable[Column]) -> list[Column]:
        """Return columns that differ in their counts, the surest of equal ones."""
        chosen: dict[tuple[int | None, ...], Column] = {}
        for column in columns:
            key = tuple(column.cells[row].count for row in self.rows)
            if key not in chosen or _sure(column) > _sure(chosen[key]):
                chosen[key] = column
        return list(chosen.values())

    # ---- readings ---------------------------------------------------------------------------------

    def find(self) -> dict[str, tuple[int, ...]]:
        """Return the columns of events, n, response and percent.

        Raises
        ------
        InvalidStudies
            If two readings remain, or there is none.
        """
        given = self.given
        if "response" in given and "events" not in given:
            return {"response": given["response"], "n": given.get("n", ())}
        if "percent" in given and "events" not in given:
            return self.rebuilt()
        if "events" in given and "n" in given:
            return self.checked(given["events"], given["n"])
        found = self.counts() or self.fractions() or self.rates() or self.as_named()
        if found is None:
            raise self.nothing()
        return found | {role: given[role] for role in ("events", "n") if role in given and role in found}

    def as_named(self) -> dict[str, tuple[int, ...]] | None:
        """Take the columns that names alone tell, so that their cells are what an error speaks of."""
        every = ("count", "counted", "number", "rate", "fraction", "text", "blank")
        events, sizes = (
            [c for c in self.candidates(role, *every) if _sure(c) == 2] for role in ("events", "n")
        )
        if len(events) != 1 or len(sizes) != 1 or events[0] is sizes[0]:
            return None
        return {"events": (events[0].place,), "n": (sizes[0].place,)}

    def counts(self) -> dict[str, tuple[int, ...]] | None:
        """Read events and n, or events and those without the event, each from a column of counts."""
        events = self.distinct(self.candidates("events", "count", "counted"))
        events += [c for c in self.distinct(self.candidates("response", "counted")) if c not in events]
        # a decimal number under the head of n is a cell to ask about, not a reason to take another column
        sizes = self.distinct(self.candidates("n", "count", "number"))
        both = self.case_pair(sizes) if not events else None
        if both:
            return self.checked(*both)
        sizes = self.surest(sizes)
        failures = self.distinct(self.candidates("failures", "count", "counted"))
        if events and not sizes and not failures and "n" not in self.given:
            sizes = self.distinct(self.candidates("enrolled", "count"))
            if len(sizes) == 1 and not self.candidates("response", "fraction"):
                self.notes.append(f"{sizes[0].name!r} was taken as n: no other column holds patients.")
        if not events or not (sizes or failures):
            return None
        sizes = [n for n in sizes if n not in events or len(events) > 1]
        pairs = [(x, n) for x in events for n in sizes if x is not n]
        good = [pair for pair in pairs if self.fits(*pair)]
        if not good and len(pairs) == 1 and self.as_rates(pairs[0][0]):
            return None
        if not good and (self.candidates("response", "fraction") or self.candidates("percent", "rate")):
            return None
        if failures and not sizes:
            return self.with_failures(events, failures)
        good = good or pairs
        if not good:
            return None
        self.refuse_several("events", [x for x, _ in good])
        self.refuse_several("n", [n for _, n in good])
        x, n = good[0]
        self.refuse_rate_words(x, n)
        self.refuse_other_total(x, n, failures)
        return self.checked((x.place,), (n.place,))

    def case_pair(self, sizes: list[Column]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Read n and N as events and patients, as tables in articles have them."""
        pair = {column.name.strip(): column for column in self.columns if column.name.strip() in {"n", "N"}}
        if len(pair) != 2 or len(sizes) > 2 or "events" in self.given or "n" in self.given:
            return None
        small, large = pair["n"], pair["N"]
        if {small.kind, large.kind} != {"count"} or not self.fits(small, large):
            return None
        self.notes.append("'n' was taken as events and 'N' as patients: each n is at most its N.")
        return (small.place,), (large.place,)

    def surest(self, sizes: list[Column]) -> list[Column]:
        """Leave "Number" and the like out where another column is surely n."""
        sure = [n for n in sizes if _sure(n) == 2 or n.place in self.given.get("n", ())]
        return sure or sizes

    def as_rates(self, events: Column) -> bool:
        """Whether whole numbers that are above n can be percentages, as under "ORR"."""
        return bool(
            _RATE_WORDS.search(events.name) or folded(events.name) in {"response", "remission", "rate"}
        )

    def with_failures(self, events: list[Column], failures: list[Column]) -> dict[str, tuple[int, ...]]:
        self.refuse_several("events", events)
        if len(failures) > 1:
            raise self.ask("n", failures, "those without the event")
        x, other = events[0], failures[0]
        self.notes.append(f"n is the sum of {x.name!r} and {other.name!r}.")
        return self.checked((x.place,), (x.place, other.place))

    def refuse_several(self, role: str, columns: Sequence[Column]) -> None:
        several = list(dict.fromkeys(column.place for column in columns))
        if len(several) > 1:
            raise self.ask(role, [self.columns[place] for place in several])

    def refuse_rate_words(self, events: Column, n: Column) -> None:
        """Ask where whole numbers under a head such as ORR fit both as counts and as percentages."""
        if "events" in self.given or not _RATE_WORDS.search(events.name) or events.kind != "count":
            return
        cells = [(events.cells[row], n.cells[row].count) for row in self.rows]
        both = all(
            fits(cell.rate, "percent", total, 0)
            for cell, total in cells
            if cell.rate and total and cell.count
        )
        if both and any(cell.count for cell, _ in cells):
            raise InvalidStudies(
                f"{self.table.source}: {events.name!r} fits as counts and as percentages: give "
                f"{option('events', events.name)} or {option('percent', events.name)}"
            )

    def refuse_other_total(self, events: Column, n: Column, failures: list[Column]) -> None:
        """Ask where those with and without the event do not add up to n."""
        if "n" in self.given:
            return
        for other in failures:
            if _sure(other) < 2:
                continue
            for row in self.rows:
                x, y, m = (column.cells[row].count for column in (events, other, n))
                if x is not None and y is not None and m is not None and x + y != m:
                    both = f"{events.name} + {other.name}"
                    raise InvalidStudies(
                        f"{self.table.source}, {self.table.at(row)}: {events.name!r} and {other.name!r} add up to "
                        f"{x + y}, but {n.name!r} is {m}: give {option('n', n.name)} or {option('n', both)}"
                    )

    def checked(self, events: tuple[int, ...], n: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Return events and n with the columns that are checked against them."""
        found = {"events": events, "n": n}
        fractions = self.candidates("response", "fraction") + self.candidates("events", "fraction")
        fractions = [c for c in _unique(fractions) if c.place not in {*events, *n}]
        if "response" in self.given or len(fractions) == 1:
            found["response"] = (fractions[0].place,)
        if "percent" in self.given:
            found["percent"] = self.given["percent"]
        elif not ("events" in self.given and "n" in self.given):
            found |= self.checked_rate(events, n)
        return found

    def checked_rate(self, events: tuple[int, ...], n: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Return the column of rates that says the same as the counts.

        Raises
        ------
        InvalidStudies
            If a rate that is told by its head contradicts the counts.
        """
        kinds = ("rate", "number", "count")
        for column in _unique(
            [*self.candidates("percent", *kinds), *self.candidates("events", "rate", "number")]
        ):
            if column.place in {*events, *n} or (column.kind == "count" and not column.head.unit):
                continue
            wrong = self.contradicting(column, events, n)
            if wrong is None:
                return {"percent": (column.place,)}
            row, agree = wrong
            if _sure(column) == 2 or agree * 2 >= len(self.rows):
                x, m = self.sum(events, row), self.sum(n, row)
                cell = label_text(self.table.columns[column.place][row])
                percent = f"{100 * (x or 0) / (m or 1):.4g}%"
                raise InvalidStudies(
                    f"{self.table.source}, {self.table.at(row)}, column {column.name!r}: {cell!r} contradicts "
                    f"{x}/{m} = {percent} ({self.named(events)} of {self.named(n)}): correct it, or give both "
                    f"{option('events', self.named(events))} and {option('n', self.named(n))}"
                )
        return {}

    def contradicting(
        self, column: Column, events: tuple[int, ...], n: tuple[int, ...]
    ) -> tuple[int, int] | None:
        """Return the first row whose rate is not that of its counts, and how many agree; None: no such row."""
        decimals = places(column.cells)
        worst: tuple[int, int] | None = None
        for unit in possible_units(column.cells, column.head.unit):
            agree, first = 0, None
            for row in self.rows:
                x, m, rate = self.sum(events, row), self.sum(n, row), column.cells[row].rate
                if not rate or x is None or m is None or not 0 <= x <= m or m == 0:
                    continue
                if belongs(rate, unit, x, m, decimals):
                    agree += 1
                elif first is None:
                    first = row
            if first is None:
                return None
            worst = max(worst or (first, agree), (first, agree), key=lambda found: found[1])
        return worst

    def sum(self, columns: tuple[int, ...], row: int) -> int | None:
        """Return the sum of columns in one row; None where a count is missing."""
        parts = [self.columns[place].cells[row].count for place in columns]
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None

    def named(self, columns: tuple[int, ...]) -> str:
        """Return the names of columns whose sum is taken."""
        return " + ".join(self.columns[place].name for place in columns)

    def fractions(self) -> dict[str, tuple[int, ...]] | None:
        """Read fractions such as 13/18."""
        if "events" in self.given:
            return None
        found = _unique([c for role in ("response", "events", "percent", "n") for c in
                         (self.candidates(role, "fraction") if role not in self.given else [])])  # fmt: skip
        pairs = [
            tuple((column.cells[row].count, column.cells[row].n) for row in self.rows) for column in found
        ]
        if len(set(pairs)) > 1:
            raise self.ask("response", found, "fractions")
        if not found:
            found = [c for c in self.columns if c.kind == "fraction" and self.may_be_fractions(c)]
            if len(found) != 1:
                return None
            self.notes.append(
                f"{found[0].name!r} was taken as responders / patients: its cells are fractions."
            )
        sizes = self.surest(self.distinct(self.candidates("n", "count", "number")))
        beside = [n for n in sizes if n.place != found[0].place]
        return {"response": (found[0].place,), "n": (beside[0].place,) if len(beside) == 1 else ()}

    def may_be_fractions(self, column: Column) -> bool:
        """Whether a head that is not known leaves open that fractions under it are responders."""
        roles = column.head.roles
        known = re.search(r"\b(?:m|male|f|female|sex|date|day)\b|[男女]|월|日", column.name, re.IGNORECASE)
        return column.place not in self.taken and not roles and not known and not _says_something_else(column)

    def rates(self) -> dict[str, tuple[int, ...]] | None:
        """Read rates with n."""
        if "events" in self.given:
            return None
        columns = [
            *self.candidates("percent", "rate", "number", "count"),
            *self.candidates("events", "rate"),
            *(c for c in self.candidates("events", "number") if self.as_rates(c)),
            *self.candidates("response", "rate", "number"),
        ]
        columns += [c for c in self.candidates("events", "count") if self.as_rates(c)]
        columns = _unique(columns)
        if not columns:
            return None
        values = {tuple(column.cells[row].rate for row in self.rows) for column in columns}
        if len(values) > 1:
            signed = [column for column in columns if _sure(column) == 2]
            if len(signed) != 1:
                raise self.ask("percent", columns, "rates")
            columns = signed
        sizes = self.surest(self.distinct(self.candidates("n", "count", "number")))
        if not sizes:
            sizes = self.distinct(self.candidates("enrolled", "count"))
        if not sizes:
            raise InvalidStudies(
                f"{self.table.source}: {columns[0].name!r} holds rates, and no column holds n, which they are "
                f"of: name it with {option('n')}"
            )
        self.refuse_several("n", sizes)
        self.settle_unit(columns[0], sizes[0])
        return {"percent": (columns[0].place,), "n": (sizes[0].place,)}

    def rebuilt(self) -> dict[str, tuple[int, ...]]:
        """Read the rates that the caller named."""
        events = self.distinct(self.candidates("events", "count"))
        column = self.columns[self.given["percent"][0]]
        sizes = self.surest(self.distinct(self.candidates("n", "count", "number")))
        events = [x for x in events if any(self.fits(x, n) for n in sizes)]
        if events and sizes:
            self.refuse_several("events", events)
            self.refuse_several("n", sizes)
            return {"events": (events[0].place,), "n": (sizes[0].place,), "percent": self.given["percent"]}
        if not sizes:
            raise InvalidStudies(f"{self.table.source}: {option('percent', column.name)} needs a column n")
        self.refuse_several("n", sizes)
        self.settle_unit(column, sizes[0])
        return {"n": (sizes[0].place,), "percent": self.given["percent"]}

    def settle_unit(self, column: Column, n: Column) -> None:
        """Tell proportions from percentages, or ask."""
        if self.unit is None:
            cells = [column.cells[row] for row in self.rows]
            self.unit, doubt = unit_of(cells, [n.cells[row].count for row in self.rows], column.head.unit)
            if doubt:
                raise InvalidStudies(
                    f"{self.table.source}: {column.name!r} may hold proportions or percentages ({doubt}): give "
                    f"{option('unit', 'proportion')} or {option('unit', 'percent')}"
                )
        if self.unit == "proportion":
            self.notes.append(f"{column.name!r} was read as proportions (0 to 1).")

    # ---- questions --------------------------------------------------------------------------------

    def ask(self, role: str, columns: Sequence[Column], what: str = "") -> InvalidStudies:
        """Return the error that shows each reading and its option."""
        names = ", ".join(repr(column.name) for column in columns)
        choices = " or ".join(option(role, column.name) for column in columns[:4])
        text = (
            f"{self.table.source}: columns {names} could each hold {what or role}: say which, as in {choices}"
        )
        if role == "events" and len(columns) > 1:
            added = " + ".join(column.name for column in columns[:3])
            text += f" (where they are parts of one outcome, add them: {option('events', added)})"
        return InvalidStudies(text)

    def nothing(self) -> InvalidStudies:
        """Return the error of a table in which no reading was found, with what came near."""
        near = []
        for column in self.columns:
            if column.head.roles.keys() & {"events", "n"}:
                role = "events" if "events" in column.head.roles else "n"
                if self.is_coordinate(column):
                    near.append(f"{column.name!r} stands beside {'y' if folded(column.name) == 'x' else 'x'!r} like a "
                                f"coordinate (give {option(role, column.name)} if it is not)")  # fmt: skip
                elif self.is_index(column):
                    near.append(
                        f"{column.name!r} counts the rows (give {option(role, column.name)} if it does not)"
                    )
                elif column.kind == "text":
                    near.append(f"{column.name!r} holds no numbers")
        lacking = [
            role
            for role in ("events", "n")
            if role not in self.given and not [c for c in self.candidates(role, "count", "counted")]
        ] or ["events", "n"]
        what = " or ".join(lacking)
        told = f" ({'; '.join(near[:3])})" if near else ""
        return InvalidStudies(
            f"{self.table.source}: no column holds {what} among {listed(self.table)}{told}. Name the columns with "
            f"{option('events')} and {option('n')}, or {option('response')} (cells like 13/18), or "
            f"{option('percent')} and {option('n')}{self.suggested()}"
        )

    def suggested(self) -> str:
        """Return the pairs of columns whose values would do, as options."""
        columns = [
            c for c in self.columns
            if c.kind == "count" and not self.is_index(c) and not c.head.roles.keys() & {"year", "index"}
        ]  # fmt: skip
        pairs = [(x, n) for x in columns for n in columns if x is not n and self.fits(x, n)]
        if not 0 < len(pairs) <= 3:
            return ""
        shown_ = " or ".join(f"{option('events', x.name)}, {option('n', n.name)}" for x, n in pairs)
        return f", as in {shown_}"


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
            if (i not in taken or i in kept) and not (column.place in table.unnamed and matcher.is_index(column))
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
    if len(found) == 1:
        return found[0]
    if found:
        columns = ", ".join(f"{table.names[i]!r} (column {i + 1})" for i in found)
        raise InvalidStudies(f"{table.source}: {option(role, name)} names several columns: {columns}")
    raise UnknownName(
        f"{option(role, name)} is no column of {table.source}: it has {listed(table)}{closest(name, table.names)}"
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


def _unique(columns: Iterable[Column]) -> list[Column]:
    return list({column.place: column for column in columns}.values())


def _sure(column: Column) -> int:
    """Return how sure the words of a head are of its role."""
    return max(column.head.roles.values(), default=0)


def _says_something_else(column: Column) -> bool:
    """Whether the words of a head are known, and none is of an outcome."""
    return any("block" in word.meanings for word in words(column.name))


def listed(table: Table) -> str:
    """Return the names of the columns as an error lists them."""
    names = [repr(name if len(name) <= 40 else f"{name[:37]}...") for name in table.names[:30]]
    more = len(table.names) - 30
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")
