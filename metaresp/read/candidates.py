"""The columns of one table that can hold what, and what is asked where several can."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from metaresp.errors import Doubtful, InvalidStudies, few, option
from metaresp.read.cells import label_text
from metaresp.read.groups import names_arm
from metaresp.read.heads import per_many, read_head
from metaresp.read.opposites import with_opposites
from metaresp.read.profile import Column, is_ascending, lawful, profile
from metaresp.read.response_kinds import is_kind
from metaresp.read.table import Table, told_name
from metaresp.read.vocabulary import entries, folded, words
from metaresp.read.writing import MISSING, Cell, read_cell

_COORDINATES = {"x", "y"}
# What the outcome of one patient is written as.
_OF_A_PATIENT = frozenset(entries("opposites", "patient"))
# Of more columns than these no pair stands out.
_SUGGESTED = 20
_NUMBERS = {"count", "number", "rate", "counted", "fraction"}


class Candidates:
    """The columns of one table, and the questions put to them."""

    def __init__(self, table: Table, given: Mapping[str, tuple[int, ...]], unit: str | None) -> None:
        self.table = table
        self.given = given
        self.unit = unit
        columns, self.rows = profile(table)
        self.columns = with_opposites(columns)
        self.notes: list[str] = []
        self.reasons: dict[str, str] = {}
        self.taken = {place for places_ in given.values() for place in places_}

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
        first = all(place in self.table.unnamed for place in range(column.place))
        if len(self.rows) == 1 and first and "index" in column.head.roles:
            outcomes = {"events", "response", "percent"}
            others = [
                c for c in self.columns
                if c is not column
                and c.head.roles.keys() & outcomes
                and sureness(c) == 2
                and c.kind != "text"
            ]  # fmt: skip
            return bool(others) and column.cells[self.rows[0]].events in {0, 1}
        if column.numbered:
            # two studies may well have 1 and 2 events
            events = column.head.roles.get("events") == 2
            return len(self.rows) > 2 or (first and not events) or "index" in column.head.roles
        return "index" in column.head.roles and column.head.roles.get("n", 1) < 2 and is_ascending(
            column, self.rows
        ) and first  # fmt: skip

    def is_coordinate(self, column: Column) -> bool:
        """Whether a column is x beside y."""
        if folded(column.name) not in _COORDINATES:
            return False
        return {folded(other.name) for other in self.columns} >= _COORDINATES

    def fits(self, events: Column, n: Column) -> bool:
        """Whether no count is above its n."""
        x_, m_ = events.counts_in(self.rows), n.counts_in(self.rows)
        if lawful(x_, m_):
            return True
        pairs = set(zip(x_, m_, strict=True))
        return all(x is None or m is None or 0 <= x <= m for x, m in pairs)

    def distinct(self, columns: Iterable[Column]) -> list[Column]:
        """Return columns that differ in their counts, the surest of equal ones."""
        chosen: dict[tuple[int | None, ...], Column] = {}
        for column in columns:
            key = column.counts_in(self.rows)
            if key not in chosen or sureness(column) > sureness(chosen[key]):
                chosen[key] = column
        return list(chosen.values())

    def surest(self, sizes: list[Column]) -> list[Column]:
        """Leave "Number" and the like out where another column is surely n."""
        sure = [
            n
            for n in sizes
            if sureness(n) == 2
            or n.place in self.given.get("n", ())
            or any(not word.meanings for word in words(n.name))
        ]
        return sure or sizes

    def sum(self, columns: tuple[int, ...], row: int) -> int | None:
        """Return the sum of columns in one row; None where a count is missing."""
        parts = [self.columns[place].cells[row].events for place in columns]
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None

    def counted(self, events: tuple[int, ...], n: tuple[int, ...], row: int) -> tuple[int | None, int | None]:
        """Return events and n of a row; *n* is empty where the cells of *events* are fractions."""
        return self.sum(events, row), self.sum(n, row) if n else self.columns[events[0]].cells[row].n

    def named(self, columns: tuple[int, ...]) -> str:
        """Return the names of columns whose sum is taken."""
        return " + ".join(told_name(self.table, place) for place in columns)

    def refuse_several(self, role: str, columns: Sequence[Column]) -> None:
        """Ask where more than one column remains for a role."""
        several = list(dict.fromkeys(column.place for column in columns))
        if len(several) > 1:
            raise self.ask(role, [self.columns[place] for place in several])

    def ask(self, role: str, columns: Sequence[Column], what: str = "") -> Doubtful:
        """Return the error that shows each reading and its option."""
        names = ", ".join(repr(self.say(column)) for column in columns)
        choices = " or ".join(option(role, self.say(column)) for column in columns[:4])
        text = (
            f"{self.table.source}: columns {names} could each hold {what or role}: say which, as in {choices}"
        )
        parts = [column for column in columns if is_kind(column.name) and not self.is_sum(column, columns)]
        if role == "events" and 1 < len(parts) < 4:
            added = " + ".join(self.say(column) for column in parts)
            text += f" (where they are parts of one outcome, add them: {option('events', added)})"
        return Doubtful(text)

    def say(self, column: Column) -> str:
        """Return the name of a column as it works when it is given: with its place, where it is not alone."""
        return told_name(self.table, column.place)

    def is_sum(self, column: Column, others: Sequence[Column]) -> bool:
        """Whether a column adds up others in every row, in some of which it is above each."""
        parts = [other for other in others if other is not column]
        for size in range(2, len(parts) + 1):
            for several in combinations(parts[:6], size):
                sums = [self.sum(tuple(part.place for part in several), row) for row in self.rows]
                if all(total == column.cells[row].events for total, row in zip(sums, self.rows, strict=True)):
                    return True
        return False

    def nothing(self) -> InvalidStudies:
        """Return the error of a table in which no reading was found, with what came near."""
        turned = self.turned()
        if turned:
            return InvalidStudies(turned)
        near = []
        for column in self.columns:
            if per_many(column.name):
                near.append(f"{column.name!r} holds rates of many patients, which are not read")
            elif column.head.roles.keys() & {"events", "n"}:
                role = "events" if "events" in column.head.roles else "n"
                if self.is_coordinate(column):
                    other = "y" if folded(column.name) == "x" else "x"
                    near.append(f"{column.name!r} stands beside {other!r} like a "
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
            if role not in self.given and not self.candidates(role, "count", "counted")
        ] or ["events", "n"]
        what = " or ".join(lacking)
        told = f" ({'; '.join(near[:3])})" if near else ""
        return InvalidStudies(
            f"{self.table.source}: no column holds {what} among {listed(self.table)}{told}. Name the columns "
            f"with {option('events')} and {option('n')}, or {option('response')} (cells like 13/18), or "
            f"{option('percent')} and {option('n')}{self.suggested()}"
        )

    def refuse_headless(self) -> None:
        """Refuse a table without a header, whose first study would be lost."""
        names = [self.table.heads[c.place] for c in self.columns if c.place not in self.table.unnamed]
        numbers = [name for name in names if read_cell(name, self.table.decimal).kind in _NUMBERS]
        known = any(column.head.roles for column in self.columns if column.name not in numbers)
        dated = all(re.fullmatch("(?:19|20)[0-9]{2}", name) for name in numbers)
        if not numbers or known or dated or self.given or self.table.header_row is None:
            return
        raise InvalidStudies(
            f"{self.table.source} has no header: its first row, {listed(self.table)}, holds numbers, as a "
            "study does: write a row with the names of the columns above it, such as study, events, n"
        )

    def refuse_patients(self) -> None:
        """Refuse a table in which each row is a patient."""
        if self.given or len(self.table) < 4:
            return
        texts = {c.place: [label_text(cell) for cell in self.table.columns[c.place]] for c in self.columns}
        trials = [
            column
            for column in self.columns
            if column.kind == "text" and 1 <= len(set(texts[column.place])) <= len(self.table) / 2
        ]
        for column in self.columns:
            values = {text.casefold() for text in texts[column.place] if text}
            said = column.head.roles.keys() & {"events", "response", "percent"}
            by = [trial for trial in trials if trial is not column]
            if said and by and 0 < len(values) < 8 and values <= _OF_A_PATIENT:
                study = next((trial for trial in by if "study" in trial.head.roles), by[0])
                raise InvalidStudies(
                    f"{self.table.source} holds a row for each patient: count them with "
                    f"Studies.from_patients(frame, by={study.name!r}, response={column.name!r})"
                )

    def turned(self) -> str:
        """Return what to say of a table whose studies stand in columns; empty where they do not."""
        for column in self.columns[:2]:
            if column.kind != "text":
                continue
            labels = [label_text(cell) for cell in self.table.columns[column.place]]
            heads = [read_head(label).roles for label in labels if len(label) < 60]
            sure = [{role for role, how in roles.items() if how == 2} for roles in heads]
            if any(roles & {"events", "response", "percent"} for roles in sure) and any(
                "n" in r for r in sure
            ):
                names = ", ".join(repr(c.name) for c in self.columns if c is not column and c.kind != "text")
                return (
                    f"{self.table.source}: the studies stand in columns ({names}), what they report in rows: "
                    "turn the table (paste it transposed), so that each study has a row"
                )
        return ""

    def suggested(self) -> str:
        """Return the pairs of columns whose values would do, as options."""
        columns = [
            c for c in self.columns
            if c.kind == "count"
            and not (self.is_index(c) or self.is_coordinate(c) or c.head.roles.keys() & {"year", "index"})
            and not (says_something_else(c) and not c.head.roles and not names_arm(c.name))
            and not per_many(c.name)
        ]  # fmt: skip
        if len(columns) > _SUGGESTED:
            return ""
        pairs = [
            (x, n) for x in columns for n in columns
            if x is not n and self.fits(x, n)
            and ("events" in x.head.roles or "n" in n.head.roles)
            and x.head.roles.keys() != {"n"} and "failures" not in x.head.roles
            and "events" not in n.head.roles
            and not any(word.meanings & {"not", "negative"} for word in words(x.name))
        ]  # fmt: skip
        if not 0 < len(pairs) <= 3:
            return ""
        shown_ = " or ".join(f"{option('events', self.say(x))}, {option('n', self.say(n))}" for x, n in pairs)
        return f", as in {shown_}"


def unique(columns: Iterable[Column]) -> list[Column]:
    """Return columns without repetition, in order."""
    return list({column.place: column for column in columns}.values())


def sureness(column: Column) -> int:
    """Return how sure the words of a head are of its role."""
    return max(column.head.roles.values(), default=0)


def says_something_else(column: Column) -> bool:
    """Whether the words of a head are known, and none is of an outcome."""
    return any("block" in word.meanings for word in words(column.name))


def listed(table: Table) -> str:
    """Return the names of the columns as an error lists them."""
    names = [repr(name if len(name) <= 40 else f"{name[:37]}...") for name in table.names]
    return few(names, 30)
