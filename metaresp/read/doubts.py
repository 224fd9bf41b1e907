"""What is asked about a reading before it is taken: heads of two meanings, units, outcomes beside it."""

import re

from metaresp.errors import Doubtful, option
from metaresp.read.candidates import Candidates, sureness
from metaresp.read.cells import shown
from metaresp.read.groups import Grouped, grouped, names_arm, of_same_group, parted
from metaresp.read.opposites import mortal
from metaresp.read.profile import Column
from metaresp.read.rates import fits, unit_of
from metaresp.read.response_kinds import kinds_of
from metaresp.read.vocabulary import folded

# Heads of rates that are also said of the count: a whole number under them may be either.
_RATE_WORDS = re.compile(r"\b(?:orr|dcr|cbr|mortality|prevalence|survival)\b", re.IGNORECASE)
# Heads under which a decimal number is a mistake, not a rate: they name persons or events.
COUNT_WORDS = re.compile(
    r"^(?:x|xi|r|ri|y)$|event|evenem|respond|rispond|repond|patient|ereign|ansprecher|gebeurt|zdarzen|событ|olay"
    r"|number|numero|nombre|anzahl|zahl|count|事件|例|数|人|명|수$|أحداث|عدد",
)
# Those whose outcome is neither with the event nor without it.
_NOT_KNOWN = re.compile(
    r"^(?:ne|na|nk|n/a)$|unknown|missing|indetermin|equivocal|borderline|evaluable|inconclusive|invalid|"
    r"lost|unbekannt|fehlend|inconnu|manquant|desconocid|indeterminad|неизвестн|不明|不详|不確定|불명",
    re.IGNORECASE,
)


class Doubts(Candidates):
    """The questions put to a reading; each raises :class:`Doubtful`."""

    def refuse_arms(self, events: list[Column], sizes: list[Column]) -> None:
        """Ask where events and n are both there twice: a table of two arms."""
        if len(events) > 1 and len(sizes) > 1 and "events" not in self.given and "n" not in self.given:
            names = " and ".join(repr(self.say(column)) for column in [*events[:2], *sizes[:2]])
            raise Doubtful(
                f"{self.table.source}: events and n stand there more than once ({names}): name the group "
                f"that is pooled with {option('events', self.say(events[0]))}, "
                f"{option('n', self.say(sizes[0]))}"
            )

    def refuse_groups(self) -> None:
        """Ask where heads of one role differ only by the words that name groups, as drug and placebo."""
        columns = [c for c in self.columns if c.kind not in {"text", "blank"} and not self.is_index(c)]
        several = {one.role: one for one in grouped(columns)}
        found = {role: one for role, one in several.items() if self.differ(one)}
        members = {column.place for one in found.values() for column in one.columns}
        plain = {
            role
            for column in columns
            for role, sure in column.head.roles.items()
            if (sure == 2 or not parted(column.name).extra) and column.place not in members
        }
        outcomes = [role for role in ("response", "events", "percent") if role in found]
        if self.given.keys() & {"response", "events", "percent"} or (
            plain & {"response", "events"} or ("percent" in plain and "events" not in found)
        ):
            outcomes = []
        sizes = "n" in found and "n" not in plain and "n" not in self.given and (
            bool(outcomes) or not self.given.keys() & {"response"}
        )  # fmt: skip
        beside = self.arms_beside(columns) if not outcomes and not self.given else None
        if beside:
            self.refuse_arms(*beside)
        if outcomes:
            self.ask_group(found[outcomes[0]], several.get("n"), several.get("failures"))
        elif sizes and ("response" not in plain or "events" in plain):
            names = " and ".join(repr(column.name) for column in found["n"].columns[:4])
            raise Doubtful(
                f"{self.table.source}: n stands there more than once ({names}): name the group that is "
                f"pooled with {option('n', found['n'].columns[0].name)}"
            )

    def arms_beside(self, columns: list[Column]) -> tuple[list[Column], list[Column]] | None:
        """Return events and n, each of all patients and of an arm: "N" beside "N drug"."""
        found: list[list[Column]] = []
        for role in ("events", "n"):
            plain = [c for c in columns if c.head.roles.get(role) == 2 and not parted(c.name).extra]
            cores = {tuple(sorted(parted(column.name).core)) for column in plain}
            arms = [
                column
                for column in columns
                if names_arm(column.name) and tuple(sorted(parted(column.name).core)) in cores
            ]
            found.append([*plain[:1], *arms] if arms else [])
        return (found[0], found[1]) if found[0] and found[1] else None

    def differ(self, found: Grouped) -> bool:
        """Whether the columns of several groups differ in their values."""
        values = {
            tuple((c.cells[row].events, c.cells[row].n, c.cells[row].rate) for row in self.rows)
            for c in found.columns
        }
        return len(values) > 1

    def ask_group(self, outcome: Grouped, sizes: Grouped | None, failures: Grouped | None) -> None:
        """Ask which group is pooled, with the options for the first."""
        first = outcome.columns[0]
        named = [*outcome.columns[:3], *(sizes.columns[:3] if sizes else ())]
        names = " and ".join(repr(column.name) for column in named)
        options = [option(outcome.role, first.name)]
        if outcome.role != "response":
            size = of_same_group(first, sizes.columns) if sizes else None
            other = of_same_group(first, failures.columns) if failures else None
            if size is not None:
                options.append(option("n", size.name))
            elif other is not None:
                options.append(option("n", f"{first.name} + {other.name}"))
        what = {"response": "fractions", "percent": "rates"}.get(outcome.role, "events")
        what = f"{what} and n stand" if sizes else f"{what} stand"
        raise Doubtful(
            f"{self.table.source}: {what} there more than once ({names}): name the group "
            f"that is pooled with {', '.join(options)}"
        )

    def refuse_kinds(self) -> None:
        """Ask where kinds of response are counted, and no n: it is the sum of all kinds."""
        responses, others, overall = kinds_of(self.columns)
        if not responses or len(others) < 2 or self.given.keys() & {"n", "response", "percent"}:
            return
        kinds = {column.place for column in (*responses, *others)}
        if any(c.head.roles.keys() & {"n", "enrolled", "failures", "response"} for c in self.columns
               if c.place not in kinds and not self.is_index(c)):  # fmt: skip
            return
        parts = " + ".join(self.say(column) for column in responses)
        both = " + ".join(self.say(column) for column in (*responses, *others))
        events = self.say(overall) if overall is not None else parts
        if "events" in self.given:
            events = self.named(self.given["events"])
        names = ", ".join(repr(column.name) for column in (*responses, *others))
        raise Doubtful(
            f"{self.table.source}: {names} count the kinds of response, and no column holds n: give "
            f"{option('events', events)}, {option('n', both)}"
        )

    def refuse_third(self, events: Column, failures: Column) -> None:
        """Ask where a third column counts those of whom the outcome is not known."""
        for column in self.columns:
            if column.kind == "count" and column.place not in self.taken and _NOT_KNOWN.search(column.name):
                both = f"{events.name} + {failures.name}"
                raise Doubtful(
                    f"{self.table.source}: {column.name!r} may belong to n or not: give {option('n', both)} "
                    f"or {option('n', f'{both} + {column.name}')}"
                )

    def refuse_mortal(self, events: list[Column], sizes: list[Column]) -> None:
        """Ask where the living and the dead are counted: either may be the event."""
        pair = mortal(self.columns)
        if pair is None or "events" in self.given or any(column.place not in pair for column in events):
            return
        names = [self.columns[place].name for place in pair]
        size = sizes[0].name if len(sizes) == 1 else " + ".join(names)
        size = self.named(self.given["n"]) if "n" in self.given else size
        choices = " or ".join(f"{option('events', name)}, {option('n', size)}" for name in names)
        raise Doubtful(
            f"{self.table.source}: {names[0]!r} and {names[1]!r} are opposites, and either may be the "
            f"event: give {choices}"
        )

    def refuse_letters(self, events: Column, n: Column) -> None:
        """Ask where the columns Y and N may hold yes and no, or "No" and "NR" those without the event."""
        if n.name.strip() in {"No", "no", "NO", "NR"} and "n" not in self.given:
            both = f"{self.say(events)} + {self.say(n)}"
            raise Doubtful(
                f"{self.table.source}: {n.name!r} may be a number of patients, or those without the event: "
                f"give {option('n', self.say(n))} or {option('n', both)}"
            )
        if (events.name, n.name) == ("Y", "N") and not self.given:
            raise Doubtful(
                f"{self.table.source}: 'Y' and 'N' may be yes and no, or events and patients: give "
                f"{option('events', 'Y')} with {option('n', 'Y + N')} or {option('n', 'N')}"
            )

    def as_rates(self, events: Column) -> bool:
        """Whether whole numbers that are above n can be percentages, as under "ORR"."""
        return bool(
            _RATE_WORDS.search(events.name) or folded(events.name) in {"response", "remission", "rate"}
        )

    def refuse_rate_words(self, events: Column, n: Column) -> None:
        """Ask where whole numbers under a head such as ORR fit both as counts and as percentages."""
        pointed = all("." in events.cells[row].rate for row in self.rows if events.cells[row].rate)
        plain = pointed and not any("." in n.cells[row].rate for row in self.rows)
        like_rates = plain and not COUNT_WORDS.search(folded(events.name))
        if not (_RATE_WORDS.search(events.name) or like_rates):
            return
        if "events" in self.given or events.kind != "count":
            return
        cells = [(events.cells[row], n.cells[row].events) for row in self.rows]
        both = all(
            fits(cell.rate, "percent", total, 0)
            for cell, total in cells
            if cell.rate and total and cell.events
        )
        if both and any(cell.events for cell, _ in cells):
            raise Doubtful(
                f"{self.table.source}: {events.name!r} fits as counts and as percentages: give "
                f"{option('events', events.name)} or {option('percent', events.name)}"
            )

    def refuse_other_total(self, events: Column, n: Column, failures: list[Column]) -> None:
        """Ask where those with and without the event do not add up to n."""
        if "n" in self.given:
            return
        for other in failures:
            if sureness(other) < 2:
                continue
            for row in self.rows:
                x, y, m = (column.cells[row].events for column in (events, other, n))
                if x is not None and y is not None and m is not None and x + y != m:
                    both = f"{events.name} + {other.name}"
                    raise Doubtful(
                        f"{self.table.source}, {self.table.at(row)}: {events.name!r} and {other.name!r} add "
                        f"up to {x + y}, but {n.name!r} is {m}: give {option('n', n.name)} or "
                        f"{option('n', both)}"
                    )

    def refuse_unreadable(self, used: set[int]) -> None:
        """Ask where a column that is surely of the outcome holds numbers in a writing that is not known."""
        for column in self.columns:
            cell = next((str(c) for c in self.table.columns[column.place] if c is not None), "")
            outcome = column.head.roles.keys() & {"events", "percent", "response"}
            if column.place in used | self.taken or column.kind != "text" or not any(map(str.isdigit, cell)):
                continue
            if outcome and sureness(column) == 2:
                raise Doubtful(
                    f"{self.table.source}: {column.name!r} may hold the outcome too, but {shown(cell)} "
                    f"cannot be read: give {option('events')} and {option('n')}"
                )

    def refuse_empty_agreement(self, rates: Column, events: tuple[int, ...], n: tuple[int, ...]) -> None:
        """Ask where counts of another outcome agree with rates that all print as 0, as any few do."""
        printed = {float(rates.cells[row].rate) for row in self.rows if rates.cells[row].rate}
        name = self.named(events)
        letter = len(name.strip()) < 3
        named = (letter or not COUNT_WORDS.search(folded(name))) and sureness(rates) == 2
        sizes = [(rates.cells[row].rate, self.counted(events, n, row)[1]) for row in self.rows]
        unit = "percent" if rates.head.unit == "percent" else "proportion"
        several = any(
            rate and m and max(len(fits(rate, unit, m, 0, cut)) for cut in (False, True)) > 1
            for rate, m in sizes
        )
        if named and printed == {0.0} and several:
            raise Doubtful(
                f"{self.table.source}: {name!r} and {rates.name!r} may be two outcomes, since every rate "
                f"prints as 0: give {option('events' if n else 'response', name)} or "
                f"{option('percent', rates.name)}"
            )

    def settle_unit(self, column: Column, n: Column) -> None:
        """Tell proportions from percentages, or ask."""
        if self.unit is None:
            cells = [column.cells[row] for row in self.rows]
            self.unit, doubt = unit_of(cells, [n.cells[row].events for row in self.rows], column.head.unit)
            if doubt:
                raise Doubtful(
                    f"{self.table.source}: {column.name!r} may hold proportions or percentages ({doubt}): "
                    f"give {option('unit', 'proportion')} or {option('unit', 'percent')}"
                )
        if self.unit == "proportion":
            self.notes.append(f"{column.name!r} was read as proportions (0 to 1).")
