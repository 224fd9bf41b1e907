"""Columns of text: broken into lines, measured, and aligned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from metaresp.plots.fonts import text_width
from metaresp.plots.wrap import clean, wrap
from metaresp.present.forest_table import Column, ForestRow, ForestTable

BOLD_ROWS = frozenset({"pooled", "subtotal", "heading"})
NOTE_SIZE = 0.9
# Step of an indented label, and the width of a judgement's disc, in font sizes.
INDENT = 0.9
DISC = 1.45
# The head of a column of numbers is wrapped where it is wider than this, in font sizes.
HEAD_WIDTH = 11.0
# Where what stands before the bracket is wider than in the rows by this share, the head is broken there.
HEAD_OVERHANG = 0.2
BRACKETS = frozenset("([{")


@dataclass(frozen=True, slots=True)
class Block:
    """A column with its text broken into lines; row -1 is the header."""

    column: Column
    lines: dict[int, tuple[str, ...]]
    width: float
    before: float

    def select(self, start: int, stop: int) -> "Block":
        """Return the column with the rows from *start* to *stop* only, and its header."""
        kept = {row - start: lines for row, lines in self.lines.items() if start <= row < stop}
        return replace(self, lines={-1: self.lines[-1], **kept})


class Ruler:
    """Measures text in one set of fonts at one size."""

    def __init__(self, fonts: tuple[str, ...], size: float, bold: bool = True) -> None:
        self.fonts = fonts
        self.size = size
        self.bold = bold

    def __call__(self, words: str, *, bold: bool = False, times: float = 1.0) -> float:
        """Return the width of one line in points."""
        return text_width(words, self.size * times, self.fonts, bold=bold and self.bold)

    def of(self, *, bold: bool = False, times: float = 1.0) -> Callable[[str], float]:
        """Return the measure for bold or larger text."""
        return lambda words: self(words, bold=bold, times=times)


def measured(table: ForestTable, ruler: Ruler, limit: float, gap: float) -> list[Block]:
    """Return the columns of *table*, those of text wrapped at *limit* points."""
    blocks = [_block(column, table.rows, ruler, limit) for column in table.columns]
    return [_with_notes(block, blocks, table, ruler, gap) for block in blocks]


def _with_notes(block: Block, blocks: Sequence[Block], table: ForestTable, ruler: Ruler, gap: float) -> Block:
    """Break the rows of text across all columns to the left, if this is the column that holds them."""
    notes = [i for i, row in enumerate(table.rows) if row.kind == "note"]
    if block.column.key != "study" or not notes:
        return block
    left = sides(blocks)[0] if block.column.side == "left" else [block]
    room = sum(other.width for other in left) + gap * (len(left) - 1)
    lines = dict(block.lines)
    for i in notes:
        shift = table.rows[i].indent * INDENT * ruler.size
        lines[i] = wrap(
            clean(table.rows[i].label), max(room - shift, 4 * ruler.size), ruler.of(times=NOTE_SIZE)
        )
    return replace(block, lines=lines, width=max(block.width, 5 * ruler.size))


def _block(column: Column, rows: Sequence[ForestRow], ruler: Ruler, limit: float) -> Block:
    """Break one column into lines and measure it; text columns are wrapped, numbers never."""
    lines: dict[int, tuple[str, ...]] = {}
    before = after = whole = 0.0
    for index, row in [*enumerate(rows), (-1, None)]:
        if row is not None and row.kind == "note":
            lines[index] = ("",)
            continue
        bold = row is None or row.kind in BOLD_ROWS
        shift = 0.0 if row is None or column.key != "study" else row.indent * INDENT * ruler.size
        words = clean(column.title if row is None else row.text(column.key))
        measure = ruler.of(bold=bold)
        lines[index] = _broken(
            words,
            column,
            row is None,
            limit - shift,
            max(HEAD_WIDTH * ruler.size, whole, before + after),
            before,
            measure,
        )
        for line in lines[index]:
            head = _before(line, column.align)
            if head is None:
                whole = max(whole, measure(line) + shift)
            else:
                before = max(before, measure(head))
                after = max(after, measure(line) - measure(head))
    disc = DISC * ruler.size if column.kind == "risk" else 0.0
    return Block(column, lines, max(whole, before + after, disc), before)


def _broken(
    words: str,
    column: Column,
    head: bool,
    limit: float,
    head_limit: float,
    before: float,
    measure: Callable[[str], float],
) -> tuple[str, ...]:
    """Return the lines of a cell; numbers stay on one, and their head is not much wider than they are."""
    if column.align == "left":
        return wrap(words, limit, measure)
    front, bracket, rest = words.partition(column.align)
    if head and front and bracket in BRACKETS and measure(front) > before + HEAD_OVERHANG * head_limit:
        return (*wrap(front.strip(), head_limit, measure), bracket + rest)
    return wrap(words, head_limit, measure) if head else (words,)


def _before(line: str, align: str) -> str | None:
    """Return the part of the line that stands before the character of alignment, if it has one."""
    if align in {"left", "right", "centre"}:
        return None
    head, found, _ = line.partition(align)
    return head if found else None


def sides(blocks: Sequence[Block]) -> tuple[list[Block], list[Block]]:
    """Return the columns to the left of the axis, and those to its right."""
    left = [block for block in blocks if block.column.side == "left"]
    return left, [block for block in blocks if block.column.side != "left"]


def anchored(line: str, block: Block, ruler: Ruler, bold: bool) -> tuple[float, str]:
    """Return where a line stands from the left edge of its column, and which part of it stands there."""
    head = _before(line, block.column.align)
    if head is not None:
        return block.before - ruler(head, bold=bold), "left"
    return {"right": (block.width, "right"), "centre": (block.width / 2, "center")}.get(
        block.column.align, (0.0, "left")
    )
