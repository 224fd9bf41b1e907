"""A table of raw cells to checked counts; every rule a count can break, told with its place."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from metaresp.errors import InvalidStudies, known_name, option
from metaresp.read.cells import BadCell, Value, as_value, label_text, shown, text_values
from metaresp.read.columns import Roles, find_roles
from metaresp.read.heads import read_head
from metaresp.read.labels import label_of
from metaresp.read.labels import labels as row_labels
from metaresp.read.profile import column_cells
from metaresp.read.rates import belongs, fits, is_computed, is_whole, places, possible_units
from metaresp.read.rows import first_text, hidden_totals, says_total
from metaresp.read.rows import text_values as group_texts
from metaresp.read.source import Source
from metaresp.read.table import LeftOut, Table
from metaresp.read.writing import Cell
from metaresp.records import Record

MISSING = ("raise", "drop")
TOTALS = ("raise", "drop", "keep")
UNITS = ("proportion", "percent")
# Rows that an error lists before it only counts.
LISTED = 5
# Names that a covariate cannot have, since a column of the studies has it.
RESERVED = frozenset(["study", "events", "n", "enrolled", "rate"])
# Codes that statistics packages and spreadsheets hold for "not known".
SENTINELS = frozenset([99, 999, 9999, 99999, 88, 888, 777])

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
    source: Source


class Options(NamedTuple):
    """How doubtful rows and cells are taken."""

    missing: str = "raise"
    totals: str = "raise"
    unit: str | None = None
    nearest: bool = False


def read_counts(table: Table, roles: dict[str, object], options: Options = Options()) -> Counts:
    """Find the columns of a table, check every cell, and return its counts.

    Parameters
    ----------
    table : Table
    roles : dict
        Column names that the caller gives, and ``covariates``.
    options : Options
        ``missing``: rows without usable counts are an error, or left out and listed; wrong values are
        always an error.  ``totals``: rows that are no study likewise, or kept.  ``unit`` of rates;
        ``nearest``: take the nearest count where a rate fits several.

    Raises
    ------
    InvalidStudies
        Naming source, row, column, value and rule of the first wrong cells, and counting the rest; or
        showing the readings of what is doubtful, with the option for each.
    """
    known_name("missing", options.missing, MISSING)
    known_name("totals", options.totals, TOTALS)
    if options.unit is not None:
        known_name("unit", options.unit, UNITS)
    found, unit = find_roles(table, **roles, unit=options.unit)  # type: ignore[arg-type]
    table = _without_totals(table, found, options)
    return _Reading(table, found, unit, options).checked()


def _without_totals(table: Table, roles: Roles, options: Options) -> Table:
    """Refuse, drop or keep the rows whose label says that they are no study."""
    groups = group_texts(table)
    totals = []
    for row in range(len(table)):
        label = label_text(table.columns[roles.study[0]][row]) if roles.study else ""
        text = label or first_text(table, row)
        if says_total(text, groups):
            totals.append((row, text))
    return _settled(table, totals, "is a total or a summary of studies, not a study", options)


def _settled(table: Table, totals: Sequence[tuple[int, str]], what: str, options: Options) -> Table:
    if not totals:
        return table
    told = [f"{table.at(row)}: {shown(text) if text else 'a row without a label'}" for row, text in totals]
    if options.totals == "raise":
        more = f"; and {len(told) - LISTED} more rows" if len(told) > LISTED else ""
        raise InvalidStudies(
            f"{table.source}, {'; '.join(told[:LISTED])}{more} {what}: {option('totals', 'drop')} leaves such rows "
            f"out, {option('totals', 'keep')} takes them as studies"
        )
    if options.totals == "keep":
        return table
    left_out = [LeftOut(_number(table, row), text or "(no label)", what) for row, text in totals]
    return table.without([row for row, _ in totals], left_out)


def _number(table: Table, row: int) -> int | str:
    number = table.rows[row]
    return number if isinstance(number, int) and not isinstance(number, bool) else str(number)


class _Reading:
    """One table being checked: its columns as cells, and what was found wrong or done so far."""

    def __init__(self, table: Table, roles: Roles, unit: str, options: Options) -> None:
        self.table, self.roles, self.unit, self.options = table, roles, unit, options
        self.problems: list[Problem] = []
        self.unusable: dict[int, str] = {}
        self.notes: list[str] = []
        self.marks: list[str] = []
        self.all_whole = False
        self.cells = {
            place: column_cells(table, place)
            for place in {*roles.events, *roles.n, *(p for p in (roles.response, roles.percent, roles.enrolled)
                                                     if p is not None)}
        }  # fmt: skip

    def checked(self) -> Counts:
        """Return the counts, or raise what is wrong with them."""
        table, roles = self.table, self.roles
        events, n = self.events_and_n()
        self.refuse_three_zeros()
        label_list, label_notes = row_labels(table, roles.study)
        unlabelled = self.sums(events, n, label_list)
        if unlabelled is not None:
            again = _Reading(unlabelled, roles, self.unit, self.options._replace(totals="keep"))
            return again.checked()
        self.rules(events, n)
        enrolled = self.enrolled(n)
        covariates = self.covariates()
        self.merged_groups(covariates)
        gaps = [self.gap(row, events, n) for row in range(len(table))]
        wrong = {row for row, _, _ in self.problems}
        if self.options.missing == "raise":
            column = self.names()
            for row, gap in enumerate(gaps):
                if gap and row not in wrong:
                    self.problems.append((row, column["events" if events[row] is None else "n"], gap))
        if self.problems:
            self.fail()
        kept = [row for row, gap in enumerate(gaps) if not gap]
        excluded = tuple(
            ExcludedRow(label_list[row], events[row], n[row], _row_number(table, row), gap,
                        {name: column[row] for name, column in covariates.items()})
            for row, gap in enumerate(gaps) if gap
        )  # fmt: skip
        left_out = [LeftOut(_number(table, row), label_list[row], gap) for row, gap in enumerate(gaps) if gap]
        if left_out:
            told = "; ".join(
                f"{item.text} ({table.place} {item.row}): {item.reason}" for item in left_out[:3]
            )
            more = f"; and {len(left_out) - 3} more" if len(left_out) > 3 else ""
            self.notes.append(f"Left out, since their counts cannot be used: {told}{more}.")
        x = tuple(value for row in kept if (value := events[row]) is not None)
        m = tuple(value for row in kept if (value := n[row]) is not None)
        kept_labels = tuple(label_list[row] for row in kept)
        self.suspicious(kept, x, m, kept_labels)
        return Counts(
            events=x,
            n=m,
            study=kept_labels,
            enrolled=None if enrolled is None else tuple(enrolled[row] or 0 for row in kept),
            covariates={name: tuple(column[row] for row in kept) for name, column in covariates.items()},
            excluded=excluded,
            source=self.source([*label_notes], left_out),
        )

    # ---- counts -----------------------------------------------------------------------------------

    def events_and_n(self) -> tuple[list[int | None], list[int | None]]:
        """Return events and n of every row, what is wrong with them noted as problems."""
        roles = self.roles
        if not roles.events and roles.response is not None:
            return self.from_fractions(roles.response)
        n = self.added(roles.n)
        if not roles.events:
            assert roles.percent is not None
            return self.rebuilt(roles.percent, n), n
        events = self.added(roles.events)
        for place in roles.events:
            self.check_beside(place, events, n)
        if roles.response is not None:
            self.check_response(roles.response, events, n)
        if roles.percent is not None:
            self.check_rates(roles.percent, events, n)
        return events, n

    def refuse_three_zeros(self) -> None:
        """Ask where every count is like ``13,000``: thousands, or three decimals."""
        places_ = [*self.roles.events, *self.roles.n]
        texts = [str(cell) for place in places_ for cell in self.table.columns[place] if cell is not None]
        if len(texts) > 1 and all(re.match(r"[0-9]{1,3}[,.]000(?![0-9])", text) for text in texts):
            name = self.table.names[places_[0]]
            raise InvalidStudies(
                f"{self.table.source}, column {name!r}: {shown(texts[0])} and every other count may be thousands "
                "or have three decimals: write them without the mark"
            )

    def added(self, columns: tuple[int, ...]) -> list[int | None]:
        """Return a column of counts, or the sum of several."""
        parts = [self.parsed(place) for place in columns]
        return [None if None in row else sum(part or 0 for part in row) for row in zip(*parts, strict=True)]

    def parsed(self, place: int) -> list[int | None]:
        """Return the counts of a column; a cell that holds none is a problem, or unusable on request."""
        counts: list[int | None] = []
        name = self.table.names[place]
        for row, cell in enumerate(self.cells[place]):
            self.note_mark(place, row, cell)
            counts.append(cell.count if cell.kind in {"count", "counted"} else None)
            if cell.kind in {"missing", "count", "counted"}:
                continue
            bad = cell.bad
            if cell.kind == "fraction":
                bad = f"{shown(self.table.columns[place][row])} is a fraction: name this column with {option('response')}"
            if self.can_be_left(cell) and self.options.missing == "drop":
                self.unusable.setdefault(
                    row, f"{name} is {shown(self.table.columns[place][row])}, no single count"
                )
            else:
                hint = f" ({option('missing', 'drop')} leaves such rows out and lists them)"
                self.problems.append((row, name, bad + (hint if self.can_be_left(cell) else "")))
        return counts

    def can_be_left(self, cell: Cell) -> bool:
        """Whether a cell tells that the number is not known, which is no wrong number."""
        return cell.kind == "about" or (
            cell.kind == "other"
            and cell.bad.endswith("is not a number")
            and not any(map(str.isdigit, cell.bad))
        )

    def note_mark(self, place: int, row: int, cell: Cell) -> None:
        if cell.mark and cell.count is not None:
            written = label_text(self.table.columns[place][row])
            read_as = f"{cell.count}/{cell.n}" if cell.n is not None else str(cell.count)
            self.marks.append(f"{written!r} as {read_as} ({self.table.at(row)})")

    def from_fractions(self, place: int) -> tuple[list[int | None], list[int | None]]:
        events: list[int | None] = []
        n: list[int | None] = []
        name = self.table.names[place]
        for row, cell in enumerate(self.cells[place]):
            self.note_mark(place, row, cell)
            value = shown(self.table.columns[place][row])
            is_fraction = cell.kind == "fraction"
            events.append(cell.count if is_fraction else None)
            n.append(cell.n if is_fraction else None)
            if is_fraction:
                self.check_fraction(name, row, cell, value)
            elif cell.kind != "missing":
                told = (
                    cell.bad
                    if "date" in cell.bad
                    or "formula" in cell.bad
                    or "whole" in cell.bad
                    or "thousand" in cell.bad
                    else ""
                )
                self.problems.append((row, name, told or f"{value} is not like 13/18 or 13/18 (72.2%)"))
        if self.roles.n:
            stated = self.added(self.roles.n)
            for row, (given, total) in enumerate(zip(stated, n, strict=True)):
                if given is not None and total is not None and given != total:
                    column = self.table.names[self.roles.n[0]]
                    self.problems.append(
                        (row, column, f"{given} contradicts the n = {total} of the fraction")
                    )
        return events, n

    def check_fraction(self, name: str, row: int, cell: Cell, value: str) -> None:
        x, m = cell.count, cell.n
        if cell.rate and x is not None and m and 0 <= x <= m and not self.is_rate_of(cell, x, m, 0):
            text = f"{value} contradicts itself: {x}/{m} is {100 * x / m:.4g}%"
            self.problems.append((row, name, text))

    def is_rate_of(self, cell: Cell, x: int, m: int, decimals: int) -> bool:
        """Whether the rate beside a count is its own: a percentage, or without a sign also a proportion."""
        return belongs(cell.rate, "percent", x, m, decimals) or (
            not cell.percent and belongs(cell.rate, "proportion", x, m, decimals)
        )

    def check_beside(self, place: int, events: list[int | None], n: list[int | None]) -> None:
        """Check the rate that stands in the cell of a count, as in ``13 (72.2%)``."""
        cells = self.cells[place]
        decimals = places(cells)
        beside = [
            (row, cell, events[row], n[row]) for row, cell in enumerate(cells)
            if cell.kind == "counted" and events[row] is not None and n[row]
        ]  # fmt: skip
        if len(self.roles.events) > 1:
            return
        if beside and all(not cell.percent and cell.rate == str(m) for _, cell, _, m in beside):
            return
        for row, cell, x, m in beside:
            assert x is not None
            assert m is not None
            if 0 <= x <= m and not self.is_rate_of(cell, x, m, decimals):
                value = shown(self.table.columns[place][row])
                text = f"{value} contradicts n = {m}: {x}/{m} is {100 * x / m:.4g}%"
                self.problems.append((row, self.table.names[place], text))

    def check_response(self, place: int, events: list[int | None], n: list[int | None]) -> None:
        for row, cell in enumerate(self.cells[place]):
            x, m = events[row], n[row]
            if cell.kind == "fraction" and x is not None and m is not None and (cell.count, cell.n) != (x, m):
                value = shown(self.table.columns[place][row])
                self.problems.append(
                    (row, self.table.names[place], f"{value} contradicts events = {x} and n = {m}")
                )

    def check_rates(self, place: int, events: list[int | None], n: list[int | None]) -> None:
        """Check a column of rates that stands beside events and n."""
        cells = self.cells[place]
        decimals = places(cells)
        head = read_head(self.table.heads[place]).unit
        units = (self.options.unit,) if self.options.unit else possible_units(cells, head)
        worst: list[Problem] | None = None
        for unit in units:
            found: list[Problem] = []
            for row, cell in enumerate(cells):
                x, m = events[row], n[row]
                if not cell.rate or x is None or not m or not 0 <= x <= m:
                    continue
                if not belongs(cell.rate, unit, x, m, decimals):
                    value = shown(self.table.columns[place][row])
                    found.append(
                        (row, self.table.names[place], f"{value} contradicts {x}/{m} = {100 * x / m:.4g}%")
                    )
            if worst is None or len(found) < len(worst):
                worst = found
        self.problems += worst or []

    def rebuilt(self, place: int, n: list[int | None]) -> list[int | None]:
        """Return the events that a column of rates stands for."""
        cells = self.cells[place]
        name = self.table.names[place]
        # a file that numbers were written to drops the zeros at their end; a person who types signs does not
        typed = any(cell.percent or cell.limits for cell in cells)
        decimals = 0 if typed else places(cells)
        rows = [row for row, cell in enumerate(cells) if cell.rate and n[row]]
        cut = self.cut_off(cells, n, rows, decimals)
        # proportions that were computed from counts, not copied from an article
        self.all_whole = (
            self.unit == "proportion"
            and is_computed(cells)
            and all(is_whole(cells[row].rate, n[row] or 1) for row in rows)
        )
        events: list[int | None] = []
        for row, cell in enumerate(cells):
            count, value = None, shown(self.table.columns[place][row])
            total = n[row]
            if not cell.rate:
                if cell.kind not in {"missing"}:
                    self.problems.append(
                        (row, name, f"{value} is no rate: it must be a number from 0 to 100, or to 1")
                    )
            elif total:
                count = self.one_count(name, row, cell, total, value, decimals, cut)
            events.append(count)
        return events

    def cut_off(self, cells: Sequence[Cell], n: list[int | None], rows: list[int], decimals: int) -> bool:
        """Whether the further digits of a column of rates were cut off: no count fits when rounded, in some row."""
        rounded = [bool(fits(cells[row].rate, self.unit, n[row] or 1, decimals)) for row in rows]
        if all(rounded):
            return False
        cut = [bool(fits(cells[row].rate, self.unit, n[row] or 1, decimals, True)) for row in rows]
        if all(cut):
            self.notes.append(
                "The rates are cut off, not rounded, to their last digit: counts were rebuilt so."
            )
            return True
        return False

    def one_count(
        self, name: str, row: int, cell: Cell, total: int, value: str, decimals: int, cut: bool
    ) -> int | None:
        """Return the one count that a rate fits."""
        if len(cell.limits) == 2 and not float(cell.limits[0]) <= float(cell.rate) <= float(cell.limits[1]):
            self.problems.append((row, name, f"{value} contradicts itself: the rate is outside its interval"))
            return None
        found = fits(cell.rate, self.unit, total, decimals, cut)
        if len(found) == 1:
            return found[0]
        scale = 100 if self.unit == "percent" else 1
        near = min(total, max(0, round(float(cell.rate) * total / scale)))
        if found and self.all_whole and near in found:
            self.notes.append(
                f"{value} of {total} ({self.table.at(row)}) fits {found[0]} to {found[-1]} events: {near} were taken, "
                "since each proportion times its n is a whole number."
            )
            return near
        if found and self.options.nearest:
            near = min(max(near, found[0]), found[-1])
            self.notes.append(
                f"{value} of {total} ({self.table.at(row)}) fits {found[0]} to {found[-1]} events: {near} were taken."
            )
            return near
        if found:
            text = (f"{value} of n = {total} fits {len(found)} counts ({found[0]} to {found[-1]}): give the events, or "
                    f"take the nearest with {option('nearest', True)}")  # fmt: skip
        elif float(cell.rate) > scale:
            text = f"{value} must be a rate from 0 to {scale}"
        else:
            noun = "percentage" if self.unit == "percent" else "proportion"
            text = f"{value} is no {noun} of n = {total}: the nearest is {near}/{total} = {100 * near / total:.4g}%"
        self.problems.append((row, name, text))
        return None

    # ---- rules ------------------------------------------------------------------------------------

    def sums(self, events: list[int | None], n: list[int | None], label_list: list[str]) -> Table | None:
        """Refuse or drop rows without a label that are the sum of others; keep a study that happens to be."""
        if self.options.totals == "keep":
            return None
        columns = [self.table.columns[place] for place in self.roles.study]
        raw = [" ".join(filter(None, (label_of(column[row]) for column in columns))) for row in range(len(n))]
        doubtful, chance = hidden_totals(raw, events, n)
        self.notes += [
            f"{label_list[row]} ({self.table.at(row)}, {events[row]}/{n[row]}) equals the sum of the other "
            "studies; it was kept as a study."
            for row in chance
        ]
        if not doubtful:
            return None
        told = [(row, raw[row]) for row in doubtful]
        return _settled(self.table, told, "is the sum of other rows, not a study", self.options)

    def rules(self, events: list[int | None], n: list[int | None]) -> None:
        column = self.names()
        drop = self.options.missing == "drop"
        for row, (count, total) in enumerate(zip(events, n, strict=True)):
            if count is not None and count < 0:
                self.problems.append((row, column["events"], f"{count} is negative: a count is 0 or more"))
            if total is not None and total < 1:
                if total == 0 and drop and not count:
                    self.unusable.setdefault(row, "n = 0")
                else:
                    self.problems.append((row, column["n"], f"n = {total}: a study has at least 1 patient"))
            elif count is not None and total is not None and count > total:
                self.problems.append((row, column["events"], f"events = {count} is more than n = {total}"))

    def enrolled(self, n: list[int | None]) -> list[int | None] | None:
        if self.roles.enrolled is None:
            return None
        name = self.table.names[self.roles.enrolled]
        enrolled = self.parsed(self.roles.enrolled)
        wrong = {row for row, column, _ in self.problems if column == name}
        for row, (count, total) in enumerate(zip(enrolled, n, strict=True)):
            if total is None or row in wrong:
                continue
            if count is None:
                self.problems.append(
                    (row, name, "enrolled is missing (give it for every study, or for none)")
                )
            elif count < total:
                self.problems.append((row, name, f"enrolled = {count} is less than n = {total}"))
        return enrolled

    def gap(self, row: int, events: list[int | None], n: list[int | None]) -> str:
        if row in self.unusable:
            return self.unusable[row]
        x, m = events[row], n[row]
        return "" if x is not None and m is not None else _GAPS[(x is None) + 2 * (m is None) - 1]

    def names(self) -> dict[str, str]:
        """Return the column to name for a wrong or missing events or n."""
        roles = self.roles
        fraction = not roles.events and roles.response is not None
        events = roles.response if fraction else roles.percent if not roles.events else roles.events[0]
        n = roles.response if fraction else roles.n[-1]
        return {"events": self.table.names[events or 0], "n": self.table.names[n or 0]}

    def fail(self) -> NoReturn:
        table = self.table
        problems = sorted(dict.fromkeys(self.problems), key=lambda problem: problem[0])
        told = [f"{table.at(row)}, column {shown(column)}: {text}" for row, column, text in problems[:LISTED]]
        rest = len(problems) - LISTED
        more = f"; and {rest} more" if rest > 0 else ""
        missing = any(text in _GAPS for _, _, text in problems)
        hint = (
            f" ({option('missing', 'drop')} leaves rows without counts out and lists them)" if missing else ""
        )
        comma = ": " if len(problems) > 1 else ", "
        raise InvalidStudies(f"{table.source}{comma}{'; '.join(told)}{more}{hint}")

    # ---- what goes along --------------------------------------------------------------------------

    def covariates(self) -> dict[str, tuple[Value, ...]]:
        covariates: dict[str, tuple[Value, ...]] = {}
        for place in self.roles.covariates:
            name = self.table.names[place]
            name = f"{name} (column)" if name in RESERVED else name
            while name in covariates:
                name = f"{name} (2)"
            covariates[name] = self.values(place)
        return covariates

    def values(self, place: int) -> tuple[Value, ...]:
        values: list[Value] = []
        for row, cell in enumerate(self.table.columns[place]):
            try:
                values.append(as_value(cell))
            except BadCell as bad:
                self.problems.append((row, self.table.names[place], str(bad)))
                values.append(None)
        return text_values(tuple(values), self.table.decimal) if self.table.written else tuple(values)

    def merged_groups(self, covariates: dict[str, tuple[Value, ...]]) -> None:
        """Write values of a group that differ in case or spaces in one way, and say so."""
        for name, column in covariates.items():
            spelled: dict[str, dict[str, int]] = {}
            for value in column:
                if isinstance(value, str):
                    forms = spelled.setdefault(" ".join(value.casefold().split()), {})
                    forms[value] = forms.get(value, 0) + 1
            several = {plain: list(forms) for plain, forms in spelled.items() if len(forms) > 1}
            if several:
                one = {form: forms[0] for forms in several.values() for form in forms}
                covariates[name] = tuple(one.get(v, v) if isinstance(v, str) else v for v in column)
                told = "; ".join(", ".join(map(repr, forms)) for forms in list(several.values())[:3])
                self.notes.append(f"{name}: values that differ in case or spaces are one group ({told}).")

    def suspicious(
        self, kept: list[int], events: Sequence[int], n: Sequence[int], label_list: Sequence[str]
    ) -> None:
        """Note codes for "not known", labels that repeat and studies that are there twice."""
        largest_other = sorted(n)[-2] if len(n) > 1 else 0
        for row, x, m, label in zip(kept, events, n, label_list, strict=True):
            if x == m and m in SENTINELS and (m > 99 or m > largest_other):
                self.notes.append(
                    f"{label} ({self.table.at(row)}): {x}/{m} looks like a code for 'not known'; it was read as a count."
                )
        whole = Counter(zip(label_list, events, n, strict=True))
        twice = [label for (label, _, _), times in whole.items() if times > 1]
        repeated = [label for label, times in Counter(label_list).items() if times > 1 and label not in twice]
        if twice:
            self.notes.append(
                f"The same row stands there more than once: {_listed(twice)}. Each was read as a study."
            )
        if repeated:
            self.notes.append(f"Labels that occur more than once: {_listed(repeated)}.")

    def source(self, label_notes: list[str], left_out: list[LeftOut]) -> Source:
        table, roles = self.table, self.roles
        columns: dict[str, str] = {}
        reasons: dict[str, str] = {}
        for role in ("events", "n", "response", "percent", "enrolled", "study"):
            value = getattr(roles, role)
            for place in value if isinstance(value, tuple) else (value,) if value is not None else ():
                name = table.names[place]
                if name in columns and not (role == "n" and columns[name] == "events"):
                    columns[name] = (
                        f"{columns[name]} and {role}" if role not in columns[name] else columns[name]
                    )
                else:
                    columns.setdefault(name, role)
                reasons.setdefault(name, roles.reasons.get(role, "name"))
        for place in roles.covariates:
            columns.setdefault(table.names[place], "covariate")
        marks = []
        if self.marks:
            more = f" and {len(self.marks) - 5} more" if len(self.marks) > 5 else ""
            marks = [f"Footnote marks were set aside: {', '.join(self.marks[:5])}{more}."]
        dropped = [item for item in table.left_out if "not a study" in item.reason]
        totals = [f"Row {item.row} ({item.text}) was left out: it {item.reason}." for item in dropped]
        file = table.source.partition(" (sheet ")[0] if table.sheet else table.source
        return Source(
            file=file,
            sheet=table.sheet,
            header_row=table.header_row,
            columns=columns,
            reasons=reasons,
            left_out=(*table.left_out, *left_out),
            notes=(*table.notes, *roles.notes, *label_notes, *marks, *self.notes, *totals),
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _row_number(table: Table, row: int) -> int | None:
    number = table.rows[row]
    return number if isinstance(number, int) and not isinstance(number, bool) else None
