"""Positions of every text, row and rule in points, from measured columns."""

from collections.abc import Sequence
from dataclasses import dataclass

from metaresp.plots.columns import BOLD_ROWS, INDENT, NOTE_SIZE, Block, Ruler, anchored, sides
from metaresp.plots.style import Style
from metaresp.plots.wrap import clean, wrap
from metaresp.present.forest_table import ForestRow, ForestTable, LegendItem

TITLE_SIZE = 1.25
# Half the height of a capital letter, in font sizes: text is centred on its row by it.
HALF_CAPITAL = 0.36
# Of a legend's sample, and from it to its words, in font sizes.
SAMPLE, SAMPLE_GAP = 2.2, 0.6
SPACED = frozenset({"pooled", "heading"})


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text: its baseline, and its left end, middle or right end (``anchor``), in points."""

    text: str
    x: float
    y: float
    size: float
    bold: bool = False
    muted: bool = False
    anchor: str = "left"


@dataclass(frozen=True, slots=True)
class LegendPlace:
    """One line of the legend: its sample's left end and middle, and its words."""

    item: LegendItem
    x: float
    y: float
    words: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A figure before it is drawn; lengths in points, y upwards.

    Attributes
    ----------
    width, height, margin : float
    left, right, bottom, top : float
        The panel with the axis.
    rows : tuple of float
        Middle of the first line of each row.
    cells : dict
        Lines of text by (row, column key); row -1 is the header.
    discs : dict
        Middle of the disc of each judgement, by (row, column key).
    legend : tuple of LegendPlace
    title, notes, axis_label : tuple of Words
    rules : tuple of float
        Height of the line under the header.
    row_rules : tuple of float
        Height of the line under each row, in styles that have them.
    font_size : float
        After shrinking, if a width was asked for.
    fonts : tuple of str
    """

    width: float
    height: float
    margin: float
    left: float
    right: float
    bottom: float
    top: float
    rows: tuple[float, ...]
    cells: dict[tuple[int, str], tuple[Words, ...]]
    discs: dict[tuple[int, str], tuple[float, float]]
    legend: tuple[LegendPlace, ...]
    title: tuple[Words, ...]
    notes: tuple[Words, ...]
    axis_label: tuple[Words, ...]
    rules: tuple[float, ...]
    row_rules: tuple[float, ...]
    font_size: float
    fonts: tuple[str, ...]


def _pads(
    blocks: Sequence[Block], style: Style, tick_labels: Sequence[str], fonts: tuple[str, ...]
) -> tuple[float, float]:
    """Return the room on both sides of the panel, for marks at its ends and for the outermost ticks."""
    left, right = sides(blocks)
    mark = style.mark_size * style.font_size / 2 + 2
    ruler = Ruler(fonts, style.font_size)
    first, last = (ruler(tick_labels[i]) / 2 + 1 if tick_labels else 0.0 for i in (0, -1))
    beside = [mark + (style.column_gap if side else 0.0) for side in (left, right)]
    return (
        max(beside[0], first - sum(block.width for block in left)),
        max(beside[1], last - sum(block.width for block in right)),
    )


def table_width(
    blocks: Sequence[Block], style: Style, panel: float, tick_labels: Sequence[str], fonts: tuple[str, ...]
) -> float:
    """Return the width of a figure with that panel, in points."""
    gaps = sum(max(0, len(side) - 1) for side in sides(blocks)) * style.column_gap
    pads = sum(_pads(blocks, style, tick_labels, fonts))
    return 2 * style.margin + sum(block.width for block in blocks) + gaps + pads + panel


def assemble(
    table: ForestTable,
    style: Style,
    fonts: tuple[str, ...],
    blocks: Sequence[Block],
    panel: float,
    tick_labels: Sequence[str],
    rise: float,
) -> Layout:
    """Return the layout of the rows of *table*, whose text is in *blocks*."""
    size, margin = style.font_size, style.margin
    ruler = Ruler(fonts, size, style.bold_heads)
    width = table_width(blocks, style, panel, tick_labels, fonts)
    starts, left = _columns(blocks, style, panel, tick_labels, fonts)
    down = margin  # everything from here on is measured downwards from the upper edge
    title = wrap(clean(table.title), width - 2 * margin, ruler.of(bold=True, times=TITLE_SIZE))
    title_lines: list[tuple[str, float]] = []
    if table.title:
        title_lines, down = _lines(
            title, down, (style.wrap_gap + 0.06) * size * TITLE_SIZE, size * TITLE_SIZE, rise
        )
        down += 0.5 * size
    heads = max(len(block.lines[-1]) for block in blocks) if blocks else 0
    header = down + ((heads - 0.5) * style.wrap_gap + rise) * size
    down += (heads * style.wrap_gap + 0.2) * size
    rule = down
    middles, ends, down = _rows(table.rows, blocks, style, down + 0.25 * size, rise)
    bottom = down + 0.2 * size
    tick_room = 4 + 1.7 * size
    label = wrap(clean(table.axis_label), max(panel, 60.0), ruler.of())
    label_lines, down = _lines(label, bottom + tick_room, style.wrap_gap * size, size, rise)
    samples, down = _legend(table.legend, style, down, width, ruler, rise)
    if table.notes:
        down += 0.9 * size
    notes: list[tuple[str, float]] = []
    for note in table.notes:
        broken = wrap(clean(note), width - 2 * margin, ruler.of(times=NOTE_SIZE))
        more, down = _lines(broken, down, (style.wrap_gap + 0.16) * size * NOTE_SIZE, size * NOTE_SIZE, rise)
        notes += more
    height = down + margin
    legend = tuple(
        LegendPlace(
            item,
            x,
            height - y,
            tuple(Words(words, x + _sample_width(item, size), height - base, size) for words, base in lines),
        )
        for item, x, y, lines in samples
    )
    middle = left + panel / 2
    return Layout(
        width=width,
        height=height,
        margin=margin,
        left=left,
        right=left + panel,
        bottom=height - bottom,
        top=height - rule,
        rows=tuple(height - y for y in middles),
        cells=_cells(table, blocks, starts, [header, *middles], height, style, ruler),
        discs={
            (row, block.column.key): (starts[block.column.key] + block.width / 2, height - middle)
            for block in blocks
            if block.column.kind == "risk"
            for row, middle in enumerate(middles)
            if table.rows[row].text(block.column.key)
        },
        legend=legend,
        title=tuple(Words(t, margin, height - y, size * TITLE_SIZE, bold=True) for t, y in title_lines),
        notes=tuple(Words(t, margin, height - y, size * NOTE_SIZE, muted=True) for t, y in notes),
        axis_label=tuple(Words(t, middle, height - y, size, anchor="center") for t, y in label_lines),
        rules=() if style.rules == "none" else (height - rule,),
        row_rules=tuple(height - y for y in ends) if style.rules == "rows" else (),
        font_size=size,
        fonts=fonts,
    )


def _sample_width(item: LegendItem, size: float) -> float:
    """Return the width of a sample and the gap after it."""
    return 0.0 if item.kind == "text" else (SAMPLE + SAMPLE_GAP) * size


def _legend(
    items: Sequence[LegendItem], style: Style, down: float, width: float, ruler: Ruler, rise: float
) -> tuple[list[tuple[LegendItem, float, float, list[tuple[str, float]]]], float]:
    """Return each item with its left end, the middle of its first line, and its lines; and the last end.

    Items stand beside each other as far as the width allows.
    """
    size, found = style.font_size, []
    step = max((style.wrap_gap + 0.16) * size, 1.6 * size)
    end = down = down + (0.6 * size if items else 0.0)
    x, right = style.margin, width - style.margin
    for item in items:
        shift = _sample_width(item, size)
        broken = wrap(clean(item.label), right - style.margin - shift, ruler.of())
        wide = shift + max(ruler(line) for line in broken)
        if x > style.margin and x + wide > right:
            x, down = style.margin, end
        lines, below = _lines(broken, down, step, size, rise)
        found.append((item, x, down + step / 2 + rise * size, lines))
        x, end = x + wide + 1.5 * size, max(end, below)
    return found, end


def _lines(
    lines: Sequence[str], down: float, step: float, size: float, rise: float
) -> tuple[list[tuple[str, float]], float]:
    """Return each line with its baseline, measured downwards, and where the next may start."""
    placed = [(line, down + (i + 0.5) * step + (HALF_CAPITAL + rise) * size) for i, line in enumerate(lines)]
    return placed, down + len(lines) * step


def _columns(
    blocks: Sequence[Block],
    style: Style,
    panel: float,
    tick_labels: Sequence[str],
    fonts: tuple[str, ...],
) -> tuple[dict[str, float], float]:
    """Return the left edge of each column, and of the panel."""
    left, right = sides(blocks)
    pads = _pads(blocks, style, tick_labels, fonts)
    x, starts = style.margin, {}
    for i, block in enumerate(left):
        x += style.column_gap if i else 0
        starts[block.column.key] = x
        x += block.width
    panel_left = x + pads[0]
    x = panel_left + panel + pads[1]
    for i, block in enumerate(right):
        x += style.column_gap if i else 0
        starts[block.column.key] = x
        x += block.width
    return starts, panel_left


def _rows(
    rows: Sequence[ForestRow], blocks: Sequence[Block], style: Style, down: float, rise: float
) -> tuple[list[float], list[float], float]:
    """Return the middle of the first line of each row, their ends, measured downwards, and the last end."""
    size = style.font_size
    middles: list[float] = []
    ends: list[float] = []
    for index, row in enumerate(rows):
        if row.kind in SPACED and index and rows[index - 1].kind not in SPACED:
            down += 0.5 * size
        count = max(len(block.lines[index]) for block in blocks) if blocks else 1
        middles.append(down + (style.row_height / 2 + rise) * size)
        down += style.row_height * size + (count - 1) * style.wrap_gap * size
        ends.append(down)
    return middles, ends, down


def _cells(
    table: ForestTable,
    blocks: Sequence[Block],
    starts: dict[str, float],
    middles: Sequence[float],
    height: float,
    style: Style,
    ruler: Ruler,
) -> dict[tuple[int, str], tuple[Words, ...]]:
    cells = {}
    for block in blocks:
        for index, lines in block.lines.items():
            row = None if index < 0 else table.rows[index]
            first = middles[index + 1] - (len(lines) - 1) * style.wrap_gap * style.font_size * (index < 0)
            cells[index, block.column.key] = tuple(
                _line(line, row, block, starts[block.column.key], height - y, style, ruler)
                for line, y in (
                    (line, first + (i * style.wrap_gap + HALF_CAPITAL) * style.font_size)
                    for i, line in enumerate(lines)
                )
                if line
            )
    return cells


def _line(
    line: str, row: ForestRow | None, block: Block, start: float, y: float, style: Style, ruler: Ruler
) -> Words:
    """Return one line of a cell in its place; the header has no row."""
    kind = "header" if row is None else row.kind
    bold = style.bold_heads and (row is None or kind in BOLD_ROWS)
    shift, anchor = anchored(line, block, ruler, bold)
    if row is not None and block.column.key == "study":
        shift += row.indent * INDENT * style.font_size
    size = style.font_size * (NOTE_SIZE if kind == "note" else 1.0)
    return Words(line, start + shift, y, size, bold, kind in {"missing", "note"}, anchor)
