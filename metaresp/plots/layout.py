"""Where everything stands: measured text to positions in points, before anything is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from metaresp.errors import InvalidArgument
from metaresp.plots.columns import BOLD_ROWS, Block, Ruler, anchored, measured, sides
from metaresp.plots.fonts import families, text_reach
from metaresp.plots.style import Style
from metaresp.plots.wrap import clean, wrap
from metaresp.present.forest_table import ForestRow, ForestTable

SMALLEST_TYPE = 5.0
NARROWEST_PANEL = 64.0
NOTE_SIZE = 0.9
TITLE_SIZE = 1.25
# Half the height of a capital letter, in font sizes: text is centred on its row by it.
HALF_CAPITAL = 0.36
# What every line has room for above and below its baseline, in font sizes; taller scripts get more.
ASCENT, DESCENT = 0.95, 0.24


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
    title, notes, axis_label : tuple of Words
    rules : tuple of float
        Height of the line under the header.
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
    title: tuple[Words, ...]
    notes: tuple[Words, ...]
    axis_label: tuple[Words, ...]
    rules: tuple[float, ...]
    font_size: float
    fonts: tuple[str, ...]


def lay_out(
    table: ForestTable, style: Style, tick_labels: Sequence[str], width: float | None = None
) -> Layout:
    """Return the layout of *table*.

    Parameters
    ----------
    table : ForestTable
    style : Style
    tick_labels : sequence of str
        The widest of the first and last must not leave the figure.
    width : float, optional
        Of the figure, in points.  Wider than needed: the axis grows.  Narrower: labels are wrapped, then
        the axis and the type shrink.

    Raises
    ------
    InvalidArgument
        If not even the smallest type fits in *width*.
    """
    fonts = families(style.fonts, _everything(table, tick_labels))
    style, rise = _roomy(style, _tall_lines(table), fonts)
    if width is None:
        blocks = measured(table, Ruler(fonts, style.font_size), style.label_width * style.font_size)
        return _assemble(table, style, fonts, blocks, style.panel_width, tick_labels, rise)
    for size, label, panel in _attempts(style):
        sized = _scaled(style, size)
        blocks = measured(table, Ruler(fonts, size), label * size)
        rest = width - _width(blocks, sized, 0.0, tick_labels, fonts)
        if rest >= panel:
            return _assemble(table, sized, fonts, blocks, rest, tick_labels, rise)
    raise InvalidArgument(
        f"width={width / 72:.2f} inches: too narrow for these columns even in type of "
        f"{SMALLEST_TYPE:g} points; at least {(width - rest + panel) / 72:.2f} inches are needed"
    )


def _everything(table: ForestTable, tick_labels: Sequence[str]) -> list[str]:
    words = [table.title, table.axis_label, *table.notes, *tick_labels]
    words += [column.title for column in table.columns]
    words += [clean(row.text(column.key)) for row in table.rows for column in table.columns]
    return words


def _tall_lines(table: ForestTable) -> list[str]:
    """Return the texts that may hold any script; numbers never rise above their line."""
    heads = [column.title for column in table.columns]
    return [
        clean(words)
        for words in (*heads, table.title, table.axis_label, *table.notes, *(row.label for row in table.rows))
    ]


def _roomy(style: Style, texts: Sequence[str], fonts: tuple[str, ...]) -> tuple[Style, float]:
    """Return the style with lines far enough apart for the tallest script, and how much lower they sit."""
    reaches = [text_reach(words, fonts) for words in texts]
    up = max(0.0, max((above for above, _ in reaches), default=0.0) - ASCENT)
    down = max(0.0, max((below for _, below in reaches), default=0.0) - DESCENT)
    row, gap = style.row_height + up + down, style.wrap_gap + up + down
    return replace(style, row_height=row, wrap_gap=gap), (up - down) / 2


def _attempts(style: Style) -> list[tuple[float, float, float]]:
    """Return (type size, label limit in font sizes, least panel) from the best to the last resort."""
    full = style.font_size
    tries = [(full, limit, 0.7 * style.panel_width) for limit in (style.label_width, 26.0, 20.0)]
    size = full
    while size > SMALLEST_TYPE:
        panel = max(NARROWEST_PANEL, 0.55 * style.panel_width * size / full)
        tries += [(size, limit, panel) for limit in (20.0, 17.0)]
        size = round(size - 0.5, 2)
    return [*tries, *((SMALLEST_TYPE, limit, NARROWEST_PANEL) for limit in (14.0, 10.0, 7.0))]


def _scaled(style: Style, size: float) -> Style:
    share = size / style.font_size
    gap, margin = style.column_gap * share, style.margin * share
    return replace(style, font_size=size, column_gap=gap, margin=margin)


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


def _width(
    blocks: Sequence[Block], style: Style, panel: float, tick_labels: Sequence[str], fonts: tuple[str, ...]
) -> float:
    gaps = sum(max(0, len(side) - 1) for side in sides(blocks)) * style.column_gap
    pads = sum(_pads(blocks, style, tick_labels, fonts))
    return 2 * style.margin + sum(block.width for block in blocks) + gaps + pads + panel


def _assemble(
    table: ForestTable,
    style: Style,
    fonts: tuple[str, ...],
    blocks: Sequence[Block],
    panel: float,
    tick_labels: Sequence[str],
    rise: float,
) -> Layout:
    size, margin = style.font_size, style.margin
    ruler = Ruler(fonts, size)
    width = _width(blocks, style, panel, tick_labels, fonts)
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
    middles, down = _rows(table.rows, blocks, style, down + 0.25 * size, rise)
    bottom = down + 0.2 * size
    tick_room = 4 + 1.7 * size
    label = wrap(clean(table.axis_label), max(panel, 60.0), ruler.of())
    label_lines, down = _lines(label, bottom + tick_room, style.wrap_gap * size, size, rise)
    if table.notes:
        down += 0.9 * size
    notes: list[tuple[str, float]] = []
    for note in table.notes:
        broken = wrap(clean(note), width - 2 * margin, ruler.of(times=NOTE_SIZE))
        more, down = _lines(broken, down, (style.wrap_gap + 0.16) * size * NOTE_SIZE, size * NOTE_SIZE, rise)
        notes += more
    height = down + margin
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
        title=tuple(Words(t, margin, height - y, size * TITLE_SIZE, bold=True) for t, y in title_lines),
        notes=tuple(Words(t, margin, height - y, size * NOTE_SIZE, muted=True) for t, y in notes),
        axis_label=tuple(Words(t, middle, height - y, size, anchor="center") for t, y in label_lines),
        rules=(height - rule,),
        font_size=size,
        fonts=fonts,
    )


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
) -> tuple[list[float], float]:
    """Return the middle of the first line of each row, measured downwards, and the end of the last."""
    size, middles = style.font_size, []
    for index, row in enumerate(rows):
        if row.kind == "pooled" and index:
            down += 0.5 * size
        count = max(len(block.lines[index]) for block in blocks) if blocks else 1
        middles.append(down + (style.row_height / 2 + rise) * size)
        down += style.row_height * size + (count - 1) * style.wrap_gap * size
    return middles, down


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
            kind = "header" if index < 0 else table.rows[index].kind
            bold, muted = index < 0 or kind in BOLD_ROWS, kind == "missing"
            first = middles[index + 1] - (len(lines) - 1) * style.wrap_gap * style.font_size * (index < 0)
            placed = []
            for i, line in enumerate(lines):
                if not line:
                    continue
                shift, anchor = anchored(line, block, ruler, bold)
                x = starts[block.column.key] + shift
                y = first + i * style.wrap_gap * style.font_size + HALF_CAPITAL * style.font_size
                placed.append(Words(line, x, height - y, style.font_size, bold, muted, anchor))
            cells[index, block.column.key] = tuple(placed)
    return cells
