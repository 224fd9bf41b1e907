"""The cells of the columns that were chosen, each parsed and checked against what stands beside it."""

import re
from collections.abc import Sequence

from metaresp.errors import InvalidStudies, few, option
from metaresp.read.cells import label_text, shown
from metaresp.read.column_cells import column_cells
from metaresp.read.columns import Roles
from metaresp.read.heads import read_head
from metaresp.read.intervals import about, interval_columns, is_interval, scale_of
from metaresp.read.options import Options
from metaresp.read.rates import are_computed, belongs, fits, places, possible_units
from metaresp.read.table import Table
from metaresp.read.writing import Cell

# (row, column, what is wrong)
Problem = tuple[int, str, str]
Column = list[int | None]

_THREE_ZEROS = re.compile(r"[0-9]{1,3}[,.]000(?![0-9])")
_SEVERAL_ZEROS = re.compile(r"(?<![0-9.,])[0-9]{1,3}[,.]000(?![0-9])")


class ParsedCells:
    """One table being read: its columns as cells, and what was found wrong or done so far."""

    def __init__(self, table: Table, roles: Roles, unit: str, options: Options) -> None:
        self.table, self.roles, self.unit, self.options = table, roles, unit, options
        self.problems: list[Problem] = []
        self.unusable: dict[int, str] = {}
        self.notes: list[str] = []
        self.marks: list[str] = []
        self.all_whole = False
        single = [p for p in (roles.response, roles.percent, roles.enrolled) if p is not None]
        self.cells = {
            place: column_cells(table, place)
            for place in {*roles.events, *roles.n, *single}
        }  # fmt: skip

    def events_and_n(self) -> tuple[list[int | None], list[int | None]]:
        """Return events and n of every row, what is wrong with them noted as problems."""
        roles = self.roles
        if not roles.events and roles.response is not None:
            events, n = self.from_fractions(roles.response)
            if roles.percent is not None:
                self.check_rates(roles.percent, events, n)
            return events, n
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

    def check_intervals(self, events: list[int | None], n: list[int | None]) -> None:
        """Check that the intervals beside rates, in their cells or in columns, are those of n."""
        given = [self.roles.reasons.get(role) == "given" for role in ("events", "n", "response", "percent")]
        if (given[0] and given[1]) or given[2]:
            return
        found = interval_columns(self.table)
        single = [p for p in (self.roles.percent, self.roles.response) if p is not None]
        for place in dict.fromkeys([*single, *self.roles.events]):
            said, _ = self.cells[place].times(range(len(n)))
            if not any(cell.limits for cell in said):
                continue
            limits = [
                (cell.limits[0], cell.limits[1]) if len(cell.limits) == 2 else None
                for cell in self.cells[place]
            ]
            found.append((self.table.names[place], limits))
        if not found:
            return
        rates = [
            x / m if x is not None and m and 0 <= x <= m else None for x, m in zip(events, n, strict=True)
        ]
        if self.roles.events or self.roles.percent is not None:
            options = f"{option('events' if self.roles.events else 'percent')} and {option('n')}"
        else:
            options = option("response")
        hint = f" (where n is right, give {options})"
        for name, limits in found:
            scale = scale_of(limits, rates)
            for row, (pair, p) in enumerate(zip(limits, rates, strict=True)):
                m = n[row]
                if scale is None or pair is None or p is None or not m or is_interval(p, pair, m, scale):
                    continue
                text = (
                    f"the interval {pair[0]} to {pair[1]} contradicts n = {m}: that of {events[row]}/{m} is "
                    f"about {about(p, m)}"
                )
                if given[1] and given[3]:
                    self.notes.append(f"{self.table.at(row)}, column {name}: {text}.")
                else:
                    self.problems.append((row, name, text + hint))
                    hint = ""

    def refuse_three_zeros(self) -> None:
        """Ask where every count is like ``13,000``: thousands, or three decimals."""
        places_ = [*self.roles.events, *self.roles.n]
        fractions = self.roles.response is not None and not places_
        if fractions:
            places_ = [self.roles.response or 0]
        # a cell without a digit says that there is no number
        told = (str(cell) for place in places_ for cell in self.table.columns[place] if cell is not None)
        counted = (text for text in told if any(map(str.isdigit, text)))
        first = next(counted, "")
        if not (_SEVERAL_ZEROS.search(first) if fractions else _THREE_ZEROS.match(first)):
            return
        texts = [first, *counted]
        if fractions:
            doubtful = len(texts) > 1 and all(len(_SEVERAL_ZEROS.findall(text)) > 1 for text in texts)
        else:
            doubtful = len(texts) > 1 and all(map(_THREE_ZEROS.match, texts))
        if doubtful:
            name = self.table.names[places_[0]]
            raise InvalidStudies(
                f"{self.table.source}, column {name!r}: {shown(texts[0])} and every other count may be "
                "thousands or have three decimals: write them without the mark"
            )

    def added(self, columns: tuple[int, ...]) -> list[int | None]:
        """Return a column of counts, or the sum of several."""
        parts = [self.parsed(place) for place in columns]
        if len(parts) == 1:
            return parts[0]
        return [None if None in row else sum(part or 0 for part in row) for row in zip(*parts, strict=True)]

    def parsed(self, place: int) -> list[int | None]:
        """Return the counts of a column; a cell that holds none is a problem, or unusable on request."""
        said, words = self.cells[place].times(range(len(self.table)))
        if not words and all(c.kind in {"missing", "count", "counted"} and not c.mark for c in said):
            return list(self.cells[place].events)
        counts: list[int | None] = []
        name = self.table.names[place]
        for row, cell in enumerate(self.cells[place]):
            self.note_mark(place, row, cell)
            counts.append(cell.events if cell.kind in {"count", "counted"} else None)
            if cell.kind in {"missing", "count", "counted"}:
                continue
            bad = cell.bad
            if cell.kind == "fraction":
                value = shown(self.table.columns[place][row])
                bad = f"{value} is a fraction: name this column with {option('response')}"
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
        """Keep a footnote mark that was set aside, for a note."""
        if cell.mark and cell.events is not None:
            written = label_text(self.table.columns[place][row])
            read_as = f"{cell.events}/{cell.n}" if cell.n is not None else str(cell.events)
            self.marks.append(f"{written!r} as {read_as} ({self.table.at(row)})")

    def marks_note(self) -> list[str]:
        """Return the sentence on footnote marks, where there were any."""
        return [f"Footnote marks were set aside: {few(self.marks)}."] if self.marks else []

    def from_fractions(self, place: int) -> tuple[list[int | None], list[int | None]]:
        """Return the events and n of a column of fractions."""
        events: list[int | None] = []
        n: list[int | None] = []
        name = self.table.names[place]
        for row, cell in enumerate(self.cells[place]):
            self.note_mark(place, row, cell)
            value = shown(self.table.columns[place][row])
            is_fraction = cell.kind == "fraction"
            events.append(cell.events if is_fraction else None)
            n.append(cell.n if is_fraction else None)
            if is_fraction:
                self.check_fraction(name, row, cell, value)
            elif cell.kind != "missing":
                telling = any(word in cell.bad for word in ("date", "formula", "whole", "thousand"))
                told = cell.bad if telling else f"{value} is not like 13/18 or 13/18 (72.2%)"
                self.problems.append((row, name, told))
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
        """Check the rate beside a fraction in its cell."""
        x, m = cell.events, cell.n
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
        if len(self.roles.events) > 1 or not cells.says("counted"):
            return
        decimals = places(cells)
        beside = [
            (row, cell, events[row], n[row]) for row, cell in enumerate(cells)
            if cell.kind == "counted" and events[row] is not None and n[row]
        ]  # fmt: skip
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
        """Check a column of fractions that stands beside events and n."""
        for row, cell in enumerate(self.cells[place]):
            x, m = events[row], n[row]
            if cell.kind == "fraction" and None not in (x, m) and (cell.events, cell.n) != (x, m):
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
        even = not typed or len({places([cells[row]]) for row in rows}) == 1
        cut = even and self.cut_off(cells, n, rows, decimals)
        # proportions that were computed from counts, not copied from an article
        self.all_whole = self.unit == "proportion" and are_computed(cells, n)
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
        """Whether rates were cut off at their last digit: rounded, some fits no count, and cut each does."""
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
                f"{value} of {total} ({self.table.at(row)}) fits {found[0]} to {found[-1]} events: {near} "
                "were taken, since each proportion times its n is a whole number."
            )
            return near
        if found and self.options.nearest:
            near = min(max(near, found[0]), found[-1])
            self.notes.append(
                f"{value} of {total} ({self.table.at(row)}) fits {found[0]} to {found[-1]} events: {near} "
                "were taken."
            )
            return near
        if found:
            text = (f"{value} of n = {total} fits {len(found)} counts ({found[0]} to {found[-1]}): give the "
                    f"events, or take the nearest with {option('nearest', True)}")  # fmt: skip
        elif float(cell.rate) > scale:
            text = f"{value} must be a rate from 0 to {scale}"
        else:
            noun = "percentage" if self.unit == "percent" else "proportion"
            text = (
                f"{value} is no {noun} of n = {total}: the nearest is {near}/{total} = "
                f"{100 * near / total:.4g}%"
            )
        self.problems.append((row, name, text))
        return None
