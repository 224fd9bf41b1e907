"""A true table of trials, written to a file in a random one of the disguises that people keep tables in.

``disguise(seed, folder)`` gives a :class:`Case`: the file, what must be read from it, and whether a careful
reader can tell. Nothing here knows how the package reads.
"""

import random
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.reading.disguise_cells import ASK, EITHER, READ, STYLES, Row, Writer, worse
from tests.reading.disguise_files import save
from tests.reading.disguise_words import (
    BYSTANDERS,
    HEADS,
    MISSING,
    ODD_LABELS,
    SUBTOTALS,
    SUMMARIES,
    SURNAMES,
    TOTALS,
)


@dataclass
class Case:
    """A written table: ``rows`` are the true (events, n); ``must`` is read, either or ask."""

    path: Path
    rows: list[Row]
    labels: list[str] | None
    must: str = READ
    options: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)

    def doubt(self, verdict: str, tag: str) -> None:
        """Note what was done to the table and how doubtful that leaves it."""
        self.must = worse(self.must, verdict)
        self.tags.append(tag)


@dataclass
class Column:
    """One column: ``kind`` is counts, others (n or failures), label, author, year, number or beside."""

    kind: str
    head: str
    cells: list[str]


@dataclass
class Grid:
    """The table as columns; and lines that are no study, kind of column -> cell, by the row they precede."""

    columns: list[Column]
    extra: dict[int, list[dict[str, str]]] = field(default_factory=dict)

    @property
    def heads(self) -> list[str]:
        return [column.head for column in self.columns]

    def lines(self) -> list[list[str]]:
        """Return the body, with its extra lines."""
        found: list[list[str]] = []
        size = len(self.columns[0].cells)
        for place in range(size + 1):
            extra = self.extra.get(place, [])
            found += [[line.get(column.kind, "") for column in self.columns] for line in extra]
            if place < size:
                found.append([column.cells[place] for column in self.columns])
        return found


def truth(rng: random.Random) -> list[Row]:
    """Draw the studies: mostly small, with rates at both ends, now and then huge ones."""
    k = rng.choice([1, 2, 2, 3, 3, 4, 5, 6, 8, 10, 14, 20, 30])
    low, high = rng.choice([(5, 60), (5, 60), (20, 400), (1, 25), (100, 5000), (1000, 1_000_000)])
    rate = rng.choice([0.02, 0.3, 0.5, 0.7, 0.97])
    rows = []
    for _ in range(k):
        n = rng.randint(low, high)
        events = (
            sum(rng.random() < rate for _ in range(n))
            if n <= 60
            else int(n * rng.betavariate(9 * rate, 9 - 9 * rate))
        )
        rows.append((rng.choice([0, n, events, events, events, events, events, events]), n))
    return rows


def names(rng: random.Random, k: int, language: str) -> list[str]:
    """Draw labels that differ, in the script of the language, some with a year, few odd ones."""
    pool = SURNAMES.get(language, []) + (
        SURNAMES["latin"] if rng.random() < 0.7 or language not in SURNAMES else []
    )
    year = rng.random() < 0.6
    found: list[str] = []
    while len(found) < k:
        name = rng.choice(ODD_LABELS) if rng.random() < 0.04 else rng.choice(pool)
        if name not in ODD_LABELS and (year or k > len(pool) // 2):
            name += f" {rng.randint(1990, 2025)}"
        if name not in found:
            found.append(name)
    return found


def disguise(seed: int, folder: Path) -> Case:
    """Write one table in a random disguise into *folder*."""
    rng = random.Random(seed)
    rows = truth(rng)
    language = "en" if rng.random() < 0.5 else rng.choice(sorted(HEADS))
    labels = names(rng, len(rows), language)
    case = Case(folder, rows, labels, tags=[language])
    style = rng.choice([name for name in STYLES for _ in range(6 if name == "pair" else 2)])
    if not HEADS[language]["proportion"] and style == "proportion":
        style = "pair"
    if not HEADS[language]["fraction"] and style == "fraction":
        style = "pair"
    case.tags.append(style)
    comma = language not in {"en", "zh", "ja", "ko", "ar"} and rng.random() < 0.6
    write = Writer(rng, comma=comma, largest=max(n for _, n in rows))
    grid = counted(rng, case, style, HEADS[language], write)
    coincidences(case)
    missing(rng, case, grid)
    bystanders(rng, case, grid)
    labelled(rng, case, grid, HEADS[language])
    totals(rng, case, grid, style, language, write)
    save(rng, case, grid, language, comma=comma)
    return case


def counted(rng: random.Random, case: Case, style: str, heads: dict[str, list[str]], write: Writer) -> Grid:
    """Return the columns that tell the counts."""
    head, cells, beside = STYLES[style]
    head = "rate" if head in {"percent", "proportion"} and rng.random() < 0.25 else head
    texts, verdict = cells(case.rows, write)
    case.doubt(worse(verdict, write.verdict), f"written under {head}")
    bare = not any(mark in text for text in texts for mark in "%.,")
    if head == "rate" and style == "percent" and (bare or all(events * 100 <= n for events, n in case.rows)):
        head = "percent"  # whole numbers under a head that does not say percent may be counts
    if head == "rate" and all(events in {0, n} for events, n in case.rows):
        case.doubt(EITHER, "rates of none and all")
    columns = [Column("counts", rng.choice(heads[head]), texts)]
    if style == "failures":
        others = [write.count(n - events) for events, n in case.rows]
        columns.append(Column("others", rng.choice(heads["failures"]), others))
    elif beside:
        columns.append(Column("others", rng.choice(heads["n"]), [write.count(n) for _, n in case.rows]))
    if rng.random() < 0.3:
        columns.reverse()
    if rng.random() < 0.1:
        change = rng.choice([str.upper, str.lower, str.title])
        for column in columns:
            column.head = change(column.head)
        case.tags.append("case of heads")
    return Grid(columns)


def coincidences(case: Case) -> None:
    """Find true tables that look like something else: a count of rows, a total, years, nothing at all."""
    events, n = zip(*case.rows, strict=True)
    k = len(events)
    for column in (events, n, tuple(size - count for count, size in case.rows)):
        steps = {after - before for before, after in pairwise(column)}
        if steps <= {1} or all(1900 <= value <= 2100 for value in column):
            case.doubt(
                EITHER if k > 1 or 1900 <= column[0] <= 2100 else READ, "like numbers of rows or years"
            )
    sums = sum(events), sum(n)
    if any(2 * row[0] == sums[0] and 2 * row[1] == sums[1] for row in case.rows):
        case.doubt(EITHER, "one is the sum of the others")
    if k > 2 and any(events[:i] and (sum(events[:i]), sum(n[:i])) == case.rows[i] for i in range(2, k)):
        case.doubt(EITHER, "one is the sum of those above")
    if not any(events) or list(events) == list(n) or not any(size - count for count, size in case.rows):
        case.doubt(EITHER, "all or none")


def missing(rng: random.Random, case: Case, grid: Grid) -> None:
    """Add a study that reports nothing: asked about, or left out on request."""
    if rng.random() > 0.08:
        return
    code = rng.choice(MISSING)
    line = {column.kind: column.cells[0] for column in grid.columns}
    line[rng.choice(list(line))] = code
    line |= {
        "label": "Unreported 2001",
        "author": "Unreported",
        "year": "2001",
        "number": str(len(case.rows) + 1),
    }
    grid.extra[len(case.rows)] = [line]
    if rng.random() < 0.6:
        case.options["missing"] = "drop"
        case.doubt(EITHER if code in {"", "."} else READ, f"missing {code!r} dropped")
    else:
        case.doubt(ASK, f"missing {code!r}")


def bystanders(rng: random.Random, case: Case, grid: Grid) -> None:
    """Add columns of no concern."""
    if rng.random() < 0.5:
        return
    for head, draw, harmless in rng.sample(BYSTANDERS, rng.randint(1, 3)):
        column = Column("beside", head, [draw(rng) for _ in case.rows])
        grid.columns.insert(rng.randint(0, len(grid.columns)), column)
        case.doubt(READ if harmless else EITHER, f"beside {head}")


def labelled(rng: random.Random, case: Case, grid: Grid, heads: dict[str, list[str]]) -> None:
    """Put the labels beside the counts: one column, author and year, none, numbered, at the end."""
    labels = case.labels or []
    kind = rng.random()
    if kind < 0.12 and all(label[-4:].isdigit() and label[-5:-4] == " " for label in labels):
        authors = Column("author", rng.choice(heads["author"]), [label[:-5] for label in labels])
        years = Column("year", rng.choice(heads["year"]), [label[-4:] for label in labels])
        grid.columns[:0] = [authors, years]
        case.tags.append("author, year")
    elif kind < 0.18 and not grid.extra:
        case.labels = None
        case.doubt(READ if len(labels) > 1 else EITHER, "no labels")
    elif kind < 0.24:
        grid.columns.append(Column("label", rng.choice(heads["study"]), labels))
        case.tags.append("labels last")
    else:
        grid.columns.insert(0, Column("label", rng.choice(heads["study"] + heads["author"][:1]), labels))
    if rng.random() < 0.15:
        head = rng.choice(["No.", "#", "ID", "Nr.", "S/N", "", "X", "id", "Row"])
        grid.columns.insert(0, Column("number", head, [str(place + 1) for place in range(len(labels))]))
        case.doubt(READ if len(labels) > 2 else EITHER, f"numbered {head!r}")


def totals(rng: random.Random, case: Case, grid: Grid, style: str, language: str, write: Writer) -> None:
    """Add a row that is no study: a total that fits or not, a mean, a pooled one, one without a label."""
    if rng.random() > 0.25 or case.labels is None:
        return
    kind = rng.choice(["total", "total", "total", "wrong", "summary", "subtotal", "unlabelled"])
    if kind == "unlabelled" and grid.extra:
        return
    events, n = (sum(column) for column in zip(*case.rows, strict=True))
    label = {
        "summary": rng.choice(SUMMARIES),
        "subtotal": rng.choice(SUBTOTALS.get(language, ["Subtotal"])).format("East"),
        "unlabelled": "",
    }.get(kind, rng.choice(TOTALS[language]))
    if kind == "wrong":
        n += rng.randint(1, 9)
    texts, _ = STYLES[style][1]([(events, n)], write)
    others = n - events if style == "failures" else n
    line = {"counts": texts[0], "others": write.count(others), "label": label, "author": label}
    place = 0 if kind == "total" and rng.random() < 0.15 else len(case.rows)
    grid.extra.setdefault(place, []).append(line)
    unclear = kind == "unlabelled" and (len(case.rows) == 1 or style in {"percent", "proportion", "interval"})
    if rng.random() < 0.4:
        case.options["totals"] = "drop"
        case.doubt(READ if kind in {"total", "subtotal"} else EITHER, f"{kind} {label!r} dropped")
    else:
        case.doubt(EITHER if unclear else ASK, f"{kind} {label!r}")
