"""Fitting a table into a width and a height: labels are wrapped, type shrinks, pages break."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from metaresp.errors import InvalidArgument
from metaresp.plots.columns import Block, Ruler, measured
from metaresp.plots.fonts import families, text_reach
from metaresp.plots.places import Layout, Words, assemble, table_width
from metaresp.plots.style import Style
from metaresp.plots.wrap import clean
from metaresp.present.forest_table import ForestTable

__all__ = ["Layout", "Words", "lay_out"]

SMALLEST_TYPE = 5.0
# Before a page is broken the type shrinks to this.
SMALLEST_ON_A_PAGE = 7.0
NARROWEST_PANEL = 64.0
# Rows that no page begins with.
BELONGS_ABOVE = frozenset({"subtotal", "note", "prediction", "prediction line", "density"})
# What every line has room for above and below its baseline, in font sizes; taller scripts get more.
ASCENT, DESCENT = 0.95, 0.24


def lay_out(
    table: ForestTable,
    style: Style,
    tick_labels: Sequence[str],
    width: float | None = None,
    height: float | None = None,
    breaks: bool = False,
) -> tuple[Layout, ...]:
    """Return the layout of *table*, one a page.

    Parameters
    ----------
    table : ForestTable
    style : Style
    tick_labels : sequence of str
        The widest of the first and last must not leave the figure.
    width : float, optional
        Of the figure, in points.  Wider than needed: the axis grows.  Narrower: labels are wrapped, then
        the axis and the type shrink.
    height : float, optional
        The most, in points: the type shrinks.
    breaks : bool
        Where that is not enough: whether to go on with the next rows on another page.

    Raises
    ------
    InvalidArgument
        If not even the smallest type fits.
    """
    fonts = families(style.fonts, _everything(table, tick_labels))
    style, rise = _roomy(style, _tall_lines(table), fonts)
    if width is None:
        ruler = Ruler(fonts, style.font_size, style.bold_heads)
        blocks = measured(table, ruler, style.label_width * style.font_size, style.column_gap)
        return (assemble(table, style, fonts, blocks, style.panel_width, tick_labels, rise),)
    first: Layout | None = None
    pages: tuple[Layout, ...] = ()
    for size, label, panel in _attempts(style):
        sized = _scaled(style, size)
        blocks = measured(table, Ruler(fonts, size, style.bold_heads), label * size, sized.column_gap)
        rest = width - table_width(blocks, sized, 0.0, tick_labels, fonts)
        if rest < panel:
            continue
        layout = assemble(table, sized, fonts, blocks, rest, tick_labels, rise)
        if height is None or layout.height <= height:
            return (layout,)
        first = first or layout
        if breaks and not pages:
            pages = _paged(table, sized, fonts, blocks, rest, tick_labels, rise, layout, height)
        if breaks and pages and size <= SMALLEST_ON_A_PAGE:
            break
    if pages:
        return pages
    if first is not None and height is not None:
        raise InvalidArgument(
            f"too many rows for a height of {height / 72:.2f} inches even in type of {SMALLEST_TYPE:g} points"
        )
    least = math.ceil((width - rest + panel) / 72 * 100) / 100  # a width that fits: never rounded down
    raise InvalidArgument(
        f"width={width / 72:.2f} inches: too narrow for these columns even in type of "
        f"{SMALLEST_TYPE:g} points; at least {least:.2f} inches are needed ({math.ceil(25.4 * least)} mm)"
    )


def _paged(
    table: ForestTable,
    style: Style,
    fonts: tuple[str, ...],
    blocks: Sequence[Block],
    panel: float,
    tick_labels: Sequence[str],
    rise: float,
    whole: Layout,
    height: float,
) -> tuple[Layout, ...]:
    """Return the pages of a table too long for one, or nothing where not even a few rows fit."""
    ends = [*whole.rows[1:], whole.bottom]
    used = whole.height - (whole.top - whole.bottom)  # all that is not rows, as if each page had it
    room = height - used - 2 * style.row_height * style.font_size
    if room < 4 * style.row_height * style.font_size:
        return ()
    starts, begin = [0], whole.rows[0] if whole.rows else 0.0
    for i, end in enumerate(ends):
        if begin - end > room and i > starts[-1]:
            keep = _page_end(table, starts[-1], i)
            starts.append(keep)
            begin = whole.rows[keep]
    pages = []
    for start, stop in pairwise([*starts, len(table.rows)]):
        last = stop == len(table.rows)
        part = replace(
            table,
            rows=table.rows[start:stop],
            title=table.title if not start else "",
            notes=table.notes if last else (),
            legend=table.legend if last else (),
        )
        chosen = [block.select(start, stop) for block in blocks]
        pages.append(assemble(part, style, fonts, chosen, panel, tick_labels, rise))
    return tuple(pages)


def _page_end(table: ForestTable, start: int, stop: int) -> int:
    """Return the row to break before: no page ends with a heading, or begins with what belongs above."""
    kinds = [row.kind for row in table.rows[: stop + 1]]
    place = stop
    while place > start + 1 and (kinds[place] in BELONGS_ABOVE or kinds[place - 1] == "heading"):
        place -= 1
    return stop if place == start + 1 else place


def _everything(table: ForestTable, tick_labels: Sequence[str]) -> list[str]:
    words = [table.title, table.axis_label, *table.notes, *tick_labels]
    words += [column.title for column in table.columns]
    words += [clean(row.text(column.key)) for row in table.rows for column in table.columns]
    words += [item.label for item in table.legend]
    return words


def _tall_lines(table: ForestTable) -> list[str]:
    """Return the texts that may hold any script; numbers never rise above their line."""
    heads = [column.title for column in table.columns]
    return [
        clean(words)
        for words in (
            *heads,
            table.title,
            table.axis_label,
            *table.notes,
            *(item.label for item in table.legend),
            *(
                row.text(column.key)
                for row in table.rows
                for column in table.columns
                if column.align == "left"
            ),
        )
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
        if size <= SMALLEST_ON_A_PAGE:  # rather a short axis and labels of many lines than smaller type
            tries += [(size, limit, NARROWEST_PANEL) for limit in (14.0, 11.0)]
        size = round(size - 0.5, 2)
    return [*tries, *((SMALLEST_TYPE, limit, NARROWEST_PANEL) for limit in (14.0, 10.0, 7.0))]


def _scaled(style: Style, size: float) -> Style:
    share = size / style.font_size
    gap, margin = style.column_gap * share, style.margin * share
    return replace(style, font_size=size, column_gap=gap, margin=margin)
