"""Columns of text: broken into lines, measured, and aligned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from metaresp.plots.fonts import text_width
from metaresp.plots.wrap import clean, wrap
from metaresp.present.forest_table import Column, ForestRow, ForestTable

BOLD_ROWS = frozenset({"pooled", "heading"})


@dataclass(frozen=True, slots=True)
class Block:
    """A column with its text broken into lines; row -1 is the header."""

    column: Column
    lines: dict[int, tuple[str, ...]]
    width: float
    before: float


class Ruler:
    """Measures text in one set of fonts at one size."""

    def __init__(self, fonts: tuple[str, ...], size: float) -> None:
        self.fonts = fonts
        self.size = size

    def __call__(self, words: str, *, bold: bool = False, times: float = 1.0) -> float:
        """Return the width of one line in points."""
        return text_width(words, self.size * times, self.fonts, bold=bold)

    def of(self, *, bold: bool = False, times: float = 1.0) -> Callable[[str], float]:
        """Return the measure for bold or larger text."""
        return lambda words: self(words, bold=bold, times=times)


def measured(table: ForestTable, ruler: Ruler, limit: float) -> list[Block]:
    """Return the columns of *table*, those of text wrapped at *limit* points."""
    return [_block(column, table.rows, ruler, limit) for column in table.columns]


def _block(column: Column, rows: Sequence[ForestRow], ruler: Ruler, limit: float) -> Block:
    """Break one column into lines and measure it; text columns are wrapped, numbers never."""
    lines: dict[int, tuple[str, ...]] = {}
    before = after = whole = 0.0
    for index, row in enumerate([None, *rows], start=-1):
        bold = row is None or row.kind in BOLD_ROWS
        words = clean(column.title if row is None else row.text(column.key))
        measure = ruler.of(bold=bold)
        lines[index] = wrap(words, limit, measure) if column.align == "left" else (words,)
        for line in lines[index]:
            head = _before(line, column.align)
            if head is None:
                whole = max(whole, measure(line))
            else:
                before = max(before, measure(head))
                after = max(after, measure(line) - measure(head))
    return Block(column, lines, max(whole, before + after), before)


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
