"""A result in words: facts, a table and notes, as text of at most 120 columns and as HTML."""

import html
import re
import textwrap
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from metaresp.records import Record
from metaresp.registry import Registry

WIDTH = 120
# Rows that are printed of studies, and of what there may be thousands of; the record itself has them all.
MOST_ROWS = 100
FIRST_ROWS = 20
# What a label in the first column keeps where the table is too wide.
LEAST_LABEL = 28
_CUT = "..."


@dataclass(frozen=True, eq=False, slots=True)
class Summary(Record):
    """A result in words; printing it gives the table.

    Attributes
    ----------
    facts : tuple of (str, str)
        What, and its value.
    columns : tuple of str
        Heads of the table.
    rows : tuple of tuple of str
        One row a study, trial, method, ...; the first column is a label, the others are numbers.
    notes : tuple of str
    title : str
        Above everything; empty for none.
    more : int
        How many further rows there are that are not in *rows*.
    """

    facts: tuple[tuple[str, str], ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()
    title: str = ""
    more: int = 0

    def __str__(self) -> str:
        head = [*wrapped(self.title), *_fact_lines(self.facts)]
        table = self._table_lines()
        if head and not self.facts:  # a title alone stands right above its table
            head, table = [], [*head, *table]
        blocks = (head, table, _note_lines(self.notes))
        return "\n\n".join("\n".join(block) for block in blocks if block)

    def _table_lines(self) -> list[str]:
        if not self.columns:
            return []
        columns, rows, lost = _narrowed(self.columns, self.rows[:MOST_ROWS])
        lines = text_table(columns, rows)
        if self._unseen:
            lines.append(self._unseen)
        return [*lines, *wrapped(f"Columns left out here: {', '.join(lost)}")] if lost else lines

    @property
    def _unseen(self) -> str:
        """How many rows are not shown, as a line."""
        count = self.more + max(0, len(self.rows) - MOST_ROWS)
        return f"{_CUT} and {count:,} more row{'s' if count > 1 else ''}" if count else ""

    def _repr_html_(self) -> str:
        title = f"<p>{html.escape(self.title)}</p>" if self.title else ""
        facts = "".join(f"<tr><th>{html.escape(a)}</th><td>{html.escape(b)}</td></tr>" for a, b in self.facts)
        facts = f'<table class="metaresp-facts">{facts}</table>' if facts else ""
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.rows[:MOST_ROWS]
        )
        studies = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        table = f'<table class="metaresp-studies">{studies}</table>' if self.columns else ""
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in (self._unseen, *self.notes) if note)
        return f"{title}{facts}{table}{notes}"


# Name of a record -> its table.  Each record has one: what print(), str() and a notebook show.
TABLES: Registry[Callable[[Any], Summary]] = Registry("record")


def text_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with the first column to the left and the others to the right.

    Examples
    --------
    >>> for line in text_table(("Study", "n"), (("Xu 2012", "18"), ("東京", "7"))):
    ...     print(line)
    Study     n
    Xu 2012  18
    東京      7
    """
    table = [[" ".join(cell.split()) for cell in row] for row in (columns, *rows)]
    widths = [max(map(display_width, cells)) for cells in zip(*table, strict=True)]
    lines = []
    for row in table:
        pads = [" " * (width - display_width(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [row[0] + pads[0], *(pad + cell for cell, pad in zip(row[1:], pads[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines


def display_width(text: str) -> int:
    """Return how many columns of a terminal *text* takes: two for a wide letter, none for an accent.

    Examples
    --------
    >>> display_width("Xu"), display_width("東京")
    (2, 4)
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def wrapped(text: str, indent: int = 0) -> list[str]:
    """Return *text* in lines of at most 120 columns, further ones indented; ``p < 0.001`` is not cut."""
    whole = re.sub(r" ([=<>]) ", "\x01\\1\x01", text)
    lines = textwrap.wrap(whole, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)
    return [line.replace("\x01", " ") for line in lines]


def _fact_lines(facts: Sequence[tuple[str, str]]) -> list[str]:
    width = max((len(name) for name, _ in facts), default=0)
    return [line for name, value in facts for line in wrapped(f"{name:<{width}}  {value}", width + 2)]


def _note_lines(notes: Sequence[str]) -> list[str]:
    return [line for note in notes for line in wrapped(f"Note: {note}", 6)]


def _narrowed(
    columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]
) -> tuple[tuple[str, ...], list[tuple[str, ...]], list[str]]:
    """Return the table in 120 columns: first labels are cut, then columns left out from the right."""
    shown, lost = [columns, *rows], list[str]()
    while True:
        widths = [max(display_width(cell) for cell in cells) for cells in zip(*shown, strict=True)]
        others = sum(widths[1:]) + 2 * (len(widths) - 1)
        if widths[0] + others <= WIDTH:
            break
        room = max(WIDTH - others, LEAST_LABEL)
        if others + room > WIDTH and len(widths) > 1:
            lost.insert(0, shown[0][-1])
            shown = [row[:-1] for row in shown]
        else:
            shown = [(_cut(row[0], room), *row[1:]) for row in shown]
    return shown[0], shown[1:], lost


def _cut(text: str, width: int) -> str:
    """Return *text* in at most *width* columns."""
    if display_width(text) <= width:
        return text
    kept = text
    while display_width(kept) > width - len(_CUT):
        kept = kept[:-1]
    return kept.rstrip() + _CUT
