"""The readings of a table: which columns are events and n, fractions, or rates; one must remain."""

import re

from metaresp.errors import InvalidStudies, option
from metaresp.read.candidates import says_something_else, sureness, unique
from metaresp.read.cells import label_text
from metaresp.read.doubts import COUNT_WORDS, Doubts
from metaresp.read.groups import parted
from metaresp.read.opposites import opposite_of
from metaresp.read.profile import Column
from metaresp.read.rates import belongs, places, possible_units
from metaresp.read.vocabulary import folded

Found = dict[str, tuple[int, ...]]


def is_count(column: Column) -> bool:
    """Whether a column holds counts of the event, by its cells and by its head."""
    return column.kind == "count" and not column.head.unit and "events" in column.head.roles


class Matcher(Doubts):
    """Finds the one reading of a table, or asks."""

    def find(self) -> Found:
        """Return the columns of events, n, response and percent.

        Raises
        ------
        InvalidStudies
            If two readings remain, or there is none.
        """
        given = self.given
        self.refuse_headless()
        self.refuse_kinds()
        self.refuse_groups()
        if "response" in given and "events" not in given:
            return {role: given[role] for role in ("response", "n", "percent") if role in given}
        if "percent" in given and "events" not in given:
            return self.rebuilt()
        if "events" in given and "n" in given:
            return self.checked(given["events"], given["n"])
        found = self.counts() or self.fractions() or self.rates() or self.as_named()
        if found is None:
            self.refuse_patients()
            raise self.nothing()
        return found | {role: given[role] for role in ("events", "n") if role in given and role in found}

    def as_named(self) -> Found | None:
        """Take the columns that names alone tell, so that their cells are what an error speaks of."""
        every = ("count", "counted", "number", "rate", "fraction", "text", "blank")
        events, sizes = (
            [c for c in self.candidates(role, *every) if sureness(c) == 2] for role in ("events", "n")
        )
        if len(events) != 1 or len(sizes) != 1 or events[0] is sizes[0]:
            return None
        return {"events": (events[0].place,), "n": (sizes[0].place,)}

    def counts(self) -> Found | None:
        """Read events and n, or events and those without the event, each from a column of counts."""
        events = self.distinct(self.candidates("events", "count", "counted"))
        # 13.00: counts as some programs write them, where the head says counts or n is written so too
        written = {self.decimals(n) for n in self.candidates("n", "number") if self.is_whole(n)}
        events += [
            c
            for c in self.candidates("events", "number")
            if self.is_whole(c) and (COUNT_WORDS.search(folded(c.name)) or self.decimals(c) in written)
        ]
        for role in ("response", "percent"):
            events += [c for c in self.distinct(self.candidates(role, "counted")) if c not in events]
        # a decimal number under the head of n is a cell to ask about, not a reason to take another column
        sizes = self.distinct(self.candidates("n", "count", "number"))
        both = self.case_pair(events, sizes)
        if both:
            return self.checked(*both)
        sizes = self.surest(sizes)
        self.refuse_mortal(events, sizes)
        failures = self.distinct(self.candidates("failures", "count", "counted", "number"))
        given = self.given.get("events", ())
        if len(given) == 1 and not sizes and not failures:
            other = opposite_of(self.columns, given[0])
            failures = [] if other is None else [self.columns[other]]
        split = any("failures" in column.head.roles for column in self.columns)
        if events and not sizes and not split and "n" not in self.given:
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
        self.refuse_arms(unique(x for x, _ in good), unique(n for _, n in good))
        self.refuse_several("events", [x for x, _ in good])
        self.refuse_several("n", [n for _, n in good])
        x, n = good[0]
        self.refuse_letters(x, n)
        self.refuse_rate_words(x, n)
        self.refuse_other_total(x, n, failures)
        return self.checked((x.place,), (n.place,))

    def is_whole(self, column: Column) -> bool:
        """Whether every number of a column is whole, however it is written."""
        return all(column.cells[row].kind != "number" for row in self.rows)

    def decimals(self, column: Column) -> int:
        """Return the decimals that a column is written with."""
        return places([column.cells[row] for row in self.rows])

    def case_pair(
        self, events: list[Column], sizes: list[Column]
    ) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Read n and N as events and patients, as tables in articles have them; also "CR n", "CR N"."""
        pairs: dict[str, dict[str, Column]] = {}
        for column in self.columns:
            found = re.fullmatch(r"(?:(.*\W)\s*)?([nN])\W*", column.name.strip())
            if found and column.place not in self.taken:
                pairs.setdefault(folded(found[1] or ""), {})[found[2]] = column
        several = [pair for pair in pairs.values() if len(pair) == 2]
        members = {column.place for pair in several for column in pair.values()}
        beside = [column for column in (*events, *sizes) if column.place not in members]
        if not several or beside or "events" in self.given or "n" in self.given:
            return None
        if len(several) > 1:
            self.refuse_arms([pair["n"] for pair in several], [pair["N"] for pair in several])
        small, large = several[0]["n"], several[0]["N"]
        if {small.kind, large.kind} != {"count"} or not self.fits(small, large):
            return None
        self.notes.append(
            f"{small.name!r} was taken as events and {large.name!r} as patients: each n is at most its N."
        )
        return (small.place,), (large.place,)

    def with_failures(self, events: list[Column], failures: list[Column]) -> Found:
        """Read n as the sum of those with and without the event."""
        self.refuse_several("events", events)
        if len(failures) > 1:
            raise self.ask("n", failures, "those without the event")
        x, other = events[0], failures[0]
        self.refuse_third(x, other)
        self.notes.append(f"n is the sum of {x.name!r} and {other.name!r}.")
        return self.checked((x.place,), (x.place, other.place))

    def checked(self, events: tuple[int, ...], n: tuple[int, ...]) -> Found:
        """Return events and n with the columns that are checked against them."""
        found = {"events": events, "n": n}
        fractions = self.candidates("response", "fraction") + self.candidates("events", "fraction")
        fractions = [c for c in unique(fractions) if c.place not in {*events, *n}]
        if "response" in self.given or len(fractions) == 1:
            found["response"] = (fractions[0].place,)
        if "percent" in self.given:
            found["percent"] = self.given["percent"]
        elif not ("events" in self.given and "n" in self.given):
            self.refuse_unreadable({*events, *n})
            found |= self.checked_rate(events, n)
        return found

    def checked_rate(self, events: tuple[int, ...], n: tuple[int, ...]) -> Found:
        """Return the column of rates that says the same as the counts.

        Where the counts are fractions *events* is their column and *n* is empty.

        Raises
        ------
        InvalidStudies
            If a rate that is told by its head contradicts the counts.
        """
        kinds = ("rate", "number", "count")
        for column in unique([*self.candidates("percent", *kinds), *self.candidates("events", *kinds)]):
            if column.place in {*events, *n} or (is_count(column) and self.agrees(column, events, n)):
                continue
            wrong = self.contradicting(column, events, n)
            if wrong is None:
                self.refuse_empty_agreement(column, events, n)
                return {"percent": (column.place,)}
            row, agree = wrong
            if sureness(column) == 2 or agree * 2 >= len(self.rows):
                x, m = self.counted(events, n, row)
                cell = label_text(self.table.columns[column.place][row])
                percent = f"{100 * (x or 0) / (m or 1):.4g}%"
                names, other = self.named(events), ""
                if n:
                    said = f"{names} of {self.named(n)}"
                    keep = f"both {option('events', names)} and {option('n', self.named(n))}"
                    if not COUNT_WORDS.search(folded(names)):
                        other = f"give {option('percent', column.name)}, "
                else:
                    said, keep = names, option("response", names)
                raise InvalidStudies(
                    f"{self.table.source}, {self.table.at(row)}, column {column.name!r}: {cell!r} "
                    f"contradicts {x}/{m} = {percent} ({said}): correct it, {other}or give {keep}"
                )
        return {}

    def agrees(self, column: Column, events: tuple[int, ...], n: tuple[int, ...]) -> bool:
        """Whether counts can stand beside the counts: none above n, or the same as those of fractions."""
        if n:
            return self.fits(column, self.added(n))
        return column.counts_in(self.rows) == self.columns[events[0]].counts_in(self.rows)

    def contradicting(
        self, column: Column, events: tuple[int, ...], n: tuple[int, ...]
    ) -> tuple[int, int] | None:
        """Return the first row whose rate is not that of its counts, and how many agree; or None."""
        decimals = places(column.cells)
        worst: tuple[int, int] | None = None
        for unit in possible_units(column.cells, column.head.unit):
            agree, first = 0, None
            for row in self.rows:
                (x, m), rate = self.counted(events, n, row), column.cells[row].rate
                if not rate or x is None or m is None or not 0 <= x <= m or m == 0:
                    continue
                same = not n and is_count(column) and column.cells[row].events == x
                if same or belongs(rate, unit, x, m, decimals):
                    agree += 1
                elif first is None:
                    first = row
            if first is None:
                return None
            worst = max(worst or (first, agree), (first, agree), key=lambda found: found[1])
        return worst

    def may_agree(self, rates: Column, events: Column, n: Column) -> bool:
        """Whether a column of counts is the outcome of rates that the caller named, one cell or so wrong."""
        wrong = self.contradicting(rates, (events.place,), (n.place,))
        if wrong is None or wrong[1] * 2 >= len(self.rows) or COUNT_WORDS.search(folded(events.name)):
            return True
        self.notes.append(
            f"{events.name!r} is another outcome: it contradicts {rates.name!r}, which is given."
        )
        return False

    def fractions(self) -> Found | None:
        """Read fractions such as 13/18."""
        if "events" in self.given:
            return None
        found = unique([c for role in ("response", "events", "percent", "n") for c in
                         (self.candidates(role, "fraction") if role not in self.given else [])])  # fmt: skip
        pairs = [
            tuple((column.cells[row].events, column.cells[row].n) for row in self.rows) for column in found
        ]
        if len(set(pairs)) > 1:
            raise self.ask("response", found, "fractions")
        if not found:
            found = [c for c in self.columns if c.kind == "fraction" and self.may_be_fractions(c)]
            others = [c for c in self.columns if c.kind == "fraction" and self.may_be_fractions(c, True)]
            if found and len(others) > 1:
                raise self.ask("response", others, "fractions")
            if len(found) != 1:
                return None
            self.notes.append(
                f"{found[0].name!r} was taken as responders / patients: its cells are fractions."
            )
        sizes = self.surest(self.distinct(self.candidates("n", "count", "number")))
        beside = [n for n in sizes if n.place != found[0].place]
        chosen = {"response": (found[0].place,), "n": (beside[0].place,) if len(beside) == 1 else ()}
        return chosen | self.checked_rate(chosen["response"], ())

    def may_be_fractions(self, column: Column, groups: bool = False) -> bool:
        """Whether a head that is not known leaves open that fractions under it are responders.

        With *groups*, also a head that names a group of patients.
        """
        roles = column.head.roles
        if groups and parted(column.name).named and not parted(column.name).core:
            return column.place not in self.taken
        known = re.search(r"\b(?:m|male|f|female|sex|date|day)\b|[男女]|월|日", column.name, re.IGNORECASE)
        return column.place not in self.taken and not roles and not known and not says_something_else(column)

    def rates(self) -> Found | None:
        """Read rates with n."""
        if "events" in self.given:
            return None
        columns = [
            *self.candidates("percent", "rate", "number", "count"),
            *self.candidates("events", "rate"),
            *(c for c in self.candidates("events", "number") if not COUNT_WORDS.search(folded(c.name))),
            *self.candidates("response", "rate", "number"),
        ]
        columns += [c for c in self.candidates("events", "count") if self.as_rates(c)]
        columns = unique(columns)
        if not columns:
            return None
        values = {tuple(column.cells[row].rate for row in self.rows) for column in columns}
        if len(values) > 1:
            signed = [column for column in columns if sureness(column) == 2]
            if len(signed) != 1:
                raise self.ask("percent", columns, "rates")
            columns = signed
        sizes = self.surest(self.distinct(self.candidates("n", "count", "number")))
        if not sizes:
            sizes = self.distinct(self.candidates("enrolled", "count"))
        if not sizes:
            self.refuse_patients()
            raise InvalidStudies(
                f"{self.table.source}: {columns[0].name!r} holds rates, and no column holds n, which they "
                f"are of: name it with {option('n')}"
            )
        self.refuse_several("n", sizes)
        self.settle_unit(columns[0], sizes[0])
        return {"percent": (columns[0].place,), "n": (sizes[0].place,)}

    def rebuilt(self) -> Found:
        """Read the rates that the caller named."""
        events = self.distinct(self.candidates("events", "count"))
        column = self.columns[self.given["percent"][0]]
        sizes = self.surest(self.distinct(self.candidates("n", "count", "number")))
        events = [x for x in events if any(self.fits(x, n) and self.may_agree(column, x, n) for n in sizes)]
        if events and sizes:
            self.refuse_several("events", events)
            self.refuse_several("n", sizes)
            return {"events": (events[0].place,), "n": (sizes[0].place,), "percent": self.given["percent"]}
        if not sizes:
            raise InvalidStudies(f"{self.table.source}: {option('percent', column.name)} needs a column n")
        self.refuse_several("n", sizes)
        self.settle_unit(column, sizes[0])
        return {"n": (sizes[0].place,), "percent": self.given["percent"]}
