"""A table of raw cells to checked counts; every rule a count can break, told with its place."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar, cast

from metaresp.checks import LARGEST_N
from metaresp.errors import InvalidStudies, few, known_name, option
from metaresp.read.cells import BadCell, Value, as_value, shown, text_values, values_of
from metaresp.read.codes import like_codes
from metaresp.read.columns import find_roles
from metaresp.read.labels import labels as row_labels
from metaresp.read.labels import labels_of
from metaresp.read.options import AS_THEY_STAND, MISSING, TOTALS, UNITS, Options
from metaresp.read.parsing import ParsedCells
from metaresp.read.profile import lawful
from metaresp.read.rows import hidden_totals, suspects
from metaresp.read.source import Source, source_of
from metaresp.read.subtotals import Sum, partial_sums, unlabelled_largest
from metaresp.read.table import LeftOut, Table
from metaresp.read.totals import settled, without_totals
from metaresp.records import Record

T = TypeVar("T")

# Rows that an error lists before it only counts.
LISTED = 5
# Names that a covariate cannot have, since a column of the studies has it.
RESERVED = frozenset(["study", "events", "n", "enrolled", "rate"])

_GAPS = ("events are missing", "n is missing", "events and n are missing")


@dataclass(frozen=True, eq=False, slots=True)
class ExcludedStudy(Record):
    """A study that takes no part, and why.

    Attributes
    ----------
    study : str
        Its label.
    events, n : int or None
        Its counts as far as they are known.
    row : int or None
        Its row in the file it came from (the header is row 1), when it came from one.
    reason : str
        Why it is left out, as part of a sentence.
    covariates : mapping of str to int, float, str or None
        Its covariates.
    """

    study: str
    events: int | None
    n: int | None
    row: int | None
    reason: str
    covariates: Mapping[str, int | float | str | None]


@dataclass(frozen=True, eq=False, slots=True)
class Counts(Record):
    """Checked counts: ``1 <= n`` and ``0 <= events <= n``, one entry per study."""

    events: tuple[int, ...]
    n: tuple[int, ...]
    study: tuple[str, ...]
    enrolled: tuple[int, ...] | None
    covariates: dict[str, tuple[Value, ...]]
    excluded: tuple[ExcludedStudy, ...]
    source: Source


def read_counts(table: Table, roles: dict[str, object], options: Options = AS_THEY_STAND) -> Counts:
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
    table = without_totals(table, found, options)
    return _Reading(table, found, unit, options).checked()


class _Reading(ParsedCells):
    """One table being checked, from its cells to its counts."""

    def checked(self) -> Counts:
        """Return the counts, or raise what is wrong with them."""
        table, roles = self.table, self.roles
        events, n = self.events_and_n()
        self.refuse_three_zeros()
        self.check_intervals(events, n)
        label_list, label_notes = row_labels(table, roles.study)
        unlabelled = self.sums(events, n, label_list)
        if unlabelled is not None:
            again = _Reading(unlabelled, roles, self.unit, self.options._replace(totals="keep"))
            return again.checked()
        self.rules(events, n)
        enrolled = self.enrolled(n)
        covariates = self.covariates()
        self.merged_groups(covariates)
        gaps = self.gaps(events, n)
        wrong = {row for row, _, _ in self.problems}
        if self.options.missing == "raise":
            column = self.names()
            for row, gap in gaps.items():
                if row not in wrong:
                    self.problems.append((row, column["events" if events[row] is None else "n"], gap))
        if self.problems:
            self.fail()
        kept = [row for row in range(len(table)) if row not in gaps] if gaps else range(len(table))
        excluded = tuple(
            ExcludedStudy(label_list[row], events[row], n[row], _row_number(table, row), gap,
                        {name: column[row] for name, column in covariates.items()})
            for row, gap in gaps.items()
        )  # fmt: skip
        left_out = [LeftOut(table.number(row), label_list[row], gap) for row, gap in gaps.items()]
        if left_out:
            told = [f"{item.text} ({table.place} {item.row}): {item.reason}" for item in left_out]
            self.notes.append(f"Left out, since their counts cannot be used: {few(told, 3, '; ')}.")
        # no row that is kept lacks a count
        x, m = (cast("tuple[int, ...]", tuple(_at(column, kept))) for column in (events, n))
        kept_labels = tuple(_at(label_list, kept))
        self.suspicious(kept, x, m, kept_labels)
        return Counts(
            events=x,
            n=m,
            study=kept_labels,
            enrolled=None if enrolled is None else tuple(count or 0 for count in _at(enrolled, kept)),
            covariates={name: tuple(_at(column, kept)) for name, column in covariates.items()},
            excluded=excluded,
            source=source_of(table, self.roles, [*label_notes, *self.marks_note(), *self.notes], left_out),
        )

    def sums(self, events: list[int | None], n: list[int | None], label_list: list[str]) -> Table | None:
        """Refuse or drop rows without a label that are the sum of others; keep a study that happens to be."""
        if self.options.totals == "keep":
            return None
        parts = [labels_of(self.table, place) for place in self.roles.study]
        if len(parts) == 1:
            raw = parts[0]
        else:
            raw = [" ".join(filter(None, cells)) for cells in zip(*parts, strict=True)] or [""] * len(n)
        doubtful, chance = hidden_totals(raw, events, n, suspects(self.table, raw))
        self.notes += [
            f"{label_list[row]} ({self.table.at(row)}, {events[row]}/{n[row]}) equals the sum of the other "
            "studies; it was kept as a study."
            for row in chance
        ]
        of_groups, others = partial_sums(raw, events, n)
        doubtful = sorted({*doubtful, *of_groups})
        if doubtful:
            told = [(row, raw[row]) for row in doubtful]
            return settled(self.table, told, "is the sum of other rows, not a study", self.options)
        self.note_partial_sums([one for one in others if one.row not in chance], events, n, label_list)
        largest = unlabelled_largest(raw, n)
        if largest is None:
            return None
        what = "has the largest n and may be a total, not a study"
        return settled(self.table, [(largest, "")], what, self.options)

    def note_partial_sums(
        self,
        found: Sequence[Sum],
        events: Sequence[int | None],
        n: Sequence[int | None],
        labels: Sequence[str],
    ) -> None:
        """Say which studies equal the sum of rows beside them."""
        told = [
            f"{labels[one.row]} ({self.table.at(one.row)}, {events[one.row]}/{n[one.row]})" for one in found
        ]
        told = list(dict.fromkeys(told))
        if told:
            verb, kept = ("equals", "it was") if len(told) == 1 else ("each equal", "they were")
            studies = "a study" if len(told) == 1 else "studies"
            self.notes.append(f"{few(told)} {verb} the sum of rows beside; {kept} kept as {studies}.")

    def rules(self, events: list[int | None], n: list[int | None]) -> None:
        if lawful(events, n) and 0 not in n and max(filter(None, n), default=0) <= LARGEST_N:
            return
        column = self.names()
        drop = self.options.missing == "drop"
        for row, (count, total) in enumerate(zip(events, n, strict=True)):
            if count is not None and count < 0:
                self.problems.append((row, column["events"], f"{count} is negative: a count is 0 or more"))
            if total is not None and total < 1:
                if total == 0 and drop:
                    self.unusable.setdefault(row, "n = 0" if not count else f"{count} of n = 0")
                else:
                    hint = (
                        f" ({option('missing', 'drop')} leaves such rows out and lists them)"
                        if total == 0
                        else ""
                    )
                    text = f"n = {total}: a study has at least 1 patient{hint}"
                    self.problems.append((row, column["n"], text))
            elif total is not None and total > LARGEST_N:
                text = f"n = {total} is beyond the largest count, {LARGEST_N}"
                self.problems.append((row, column["n"], text))
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

    def gaps(self, events: list[int | None], n: list[int | None]) -> dict[int, str]:
        """Return what is missing of each row that lacks a count or cannot be used."""
        if None not in events and None not in n and not self.unusable:
            return {}
        rows = enumerate(zip(events, n, strict=True))
        lacking = {
            row: _GAPS[(x is None) + 2 * (m is None) - 1] for row, (x, m) in rows if x is None or m is None
        }
        return dict(sorted((lacking | self.unusable).items()))

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
        told = [f"{table.at(row)}, column {shown(column)}: {text}" for row, column, text in problems]
        missing = any(text in _GAPS for _, _, text in problems)
        hint = (
            f" ({option('missing', 'drop')} leaves rows without counts out and lists them)" if missing else ""
        )
        comma = ": " if len(problems) > 1 else ", "
        raise InvalidStudies(f"{table.source}{comma}{few(told, LISTED, '; ')}{hint}")

    def covariates(self) -> dict[str, tuple[Value, ...]]:
        covariates: dict[str, tuple[Value, ...]] = {}
        again: Counter[str] = Counter()
        for place in self.roles.covariates:
            name = self.table.names[place]
            name = f"{name} (column)" if name in RESERVED else name
            while name in covariates:
                again[name] += 1
                name = f"{name} ({again[name] + 1})"
            covariates[name] = self.values(place)
        return covariates

    def values(self, place: int) -> tuple[Value, ...]:
        column = self.table.columns[place]
        try:
            values = values_of(column)
        except BadCell:
            values = [self.value(row, place) for row in range(len(column))]
        return text_values(tuple(values), self.table.decimal) if self.table.written else tuple(values)

    def value(self, row: int, place: int) -> Value:
        try:
            return as_value(self.table.columns[place][row])
        except BadCell as bad:
            self.problems.append((row, self.table.names[place], str(bad)))
            return None

    def merged_groups(self, covariates: dict[str, tuple[Value, ...]]) -> None:
        """Write values of a group that differ in case or spaces in one way, and say so."""
        for name, column in covariates.items():
            spelled: dict[str, list[str]] = {}
            for value in dict.fromkeys(column):
                if isinstance(value, str):
                    spelled.setdefault(" ".join(value.casefold().split()), []).append(value)
            several = {plain: forms for plain, forms in spelled.items() if len(forms) > 1}
            if several:
                one = {form: forms[0] for forms in several.values() for form in forms}
                covariates[name] = tuple(one.get(v, v) if isinstance(v, str) else v for v in column)
                told = "; ".join(", ".join(map(repr, forms)) for forms in list(several.values())[:3])
                self.notes.append(f"{name}: values that differ in case or spaces are one group ({told}).")

    def suspicious(
        self, kept: Sequence[int], events: Sequence[int], n: Sequence[int], label_list: Sequence[str]
    ) -> None:
        """Note codes for "not known", labels that repeat and studies that are there twice."""
        for i in like_codes(events, n):
            self.notes.append(
                f"{label_list[i]} ({self.table.at(kept[i])}): {events[i]}/{n[i]} looks like a code for 'not "
                "known'; it was read as a count."
            )
        if len(set(label_list)) == len(label_list):
            return
        whole = Counter(zip(label_list, events, n, strict=True))
        twice = [label for (label, _, _), times in whole.items() if times > 1]
        told = set(twice)
        repeated = [label for label, times in Counter(label_list).items() if times > 1 and label not in told]
        if twice:
            self.notes.append(
                f"The same row stands there more than once: {few(twice)}. Each was read as a study."
            )
        if repeated:
            self.notes.append(f"Labels that occur more than once: {few(repeated)}.")


def _row_number(table: Table, row: int) -> int | None:
    number = table.rows[row]
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _at(column: Sequence[T], kept: Sequence[int]) -> Sequence[T]:
    """Return the entries of a column in the rows that are kept, which ascend."""
    return column if len(kept) == len(column) else [column[row] for row in kept]
