"""What is asked about a reading before it is taken: heads of two meanings, units, outcomes beside it."""

import re

from metaresp.errors import Doubtful, option
from metaresp.read.candidates import Candidates, sureness
from metaresp.read.cells import shown
from metaresp.read.profile import Column
from metaresp.read.rates import fits, unit_of
from metaresp.read.vocabulary import folded

# Heads of rates that are also said of the count: a whole number under them may be either.
_RATE_WORDS = re.compile(r"\b(?:orr|dcr|cbr|mortality|prevalence|survival)\b", re.IGNORECASE)
# Heads under which a decimal number is a mistake, not a rate: they name persons or events.
COUNT_WORDS = re.compile(
    r"^(?:x|xi|r|ri|y)$|event|evenem|respond|rispond|repond|patient|ereign|ansprecher|gebeurt|zdarzen|событ|olay"
    r"|number|numero|nombre|anzahl|zahl|count|事件|例|数|人|명|수$|أحداث|عدد",
)


class Doubts(Candidates):
    """The questions put to a reading; each raises :class:`Doubtful`."""

    def refuse_arms(self, events: list[Column], sizes: list[Column]) -> None:
        """Ask where events and n are both there twice: a table of two arms."""
        if len(events) > 1 and len(sizes) > 1 and "events" not in self.given and "n" not in self.given:
            names = " and ".join(repr(column.name) for column in [*events[:2], *sizes[:2]])
            raise Doubtful(
                f"{self.table.source}: events and n stand there more than once ({names}): name the group "
                f"that is pooled with {option('events', events[0].name)}, {option('n', sizes[0].name)}"
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
        sizes = [(rates.cells[row].rate, self.sum(n, row)) for row in self.rows]
        unit = "percent" if rates.head.unit == "percent" else "proportion"
        several = any(
            rate and m and max(len(fits(rate, unit, m, 0, cut)) for cut in (False, True)) > 1
            for rate, m in sizes
        )
        if named and printed == {0.0} and several:
            raise Doubtful(
                f"{self.table.source}: {name!r} and {rates.name!r} may be two outcomes, since every rate "
                f"prints as 0: give {option('events', name)} or {option('percent', rates.name)}"
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
