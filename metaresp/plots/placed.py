"""The axis of a forest plot and the layout around it: as many ticks and columns as there is room for."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from metaresp.errors import InvalidArgument
from metaresp.plots.axis import MOST_TICKS, Axis, rate_axis
from metaresp.plots.fonts import text_width
from metaresp.plots.layout import SMALLEST_ON_A_PAGE, Layout, lay_out
from metaresp.plots.style import Style
from metaresp.present.forest_table import ForestTable

# Least distance between two tick labels, in font sizes.
TICK_GAP = 0.7


def placed(table: ForestTable, style: Style, *placing: Any) -> tuple[ForestTable, Axis, tuple[Layout, ...]]:
    """Return the table with its axis and layout, without spare columns that would make the type too small."""
    for most in sorted({column.spare for column in table.columns if column.spare}, reverse=True):
        with suppress(InvalidArgument):  # too narrow for all of them
            axis, layouts = _with_ticks(table, style, *placing)
            if layouts[0].font_size >= min(style.font_size, SMALLEST_ON_A_PAGE):
                return table, axis, layouts
        table = replace(table, columns=tuple(column for column in table.columns if column.spare < most))
    return table, *_with_ticks(table, style, *placing)


def _with_ticks(
    table: ForestTable,
    style: Style,
    xlim: tuple[float, float] | None,
    spacing: str,
    width: float | None,
    height: float | None,
    breaks: bool,
) -> tuple[Axis, tuple[Layout, ...]]:
    """Return the axis with as many ticks as its labels leave room for, and the layout around it."""
    ends = [value for row in table.rows for value in (row.low, row.high, row.rate, *row.second, *row.ahead)]
    ends += [value for zone in (*table.lines, *table.zones) for value in (zone.low, zone.high)]
    for most in range(MOST_TICKS, 1, -1):
        axis = rate_axis(
            ends,
            factor=table.factor,
            unit=table.unit,
            xlim=xlim,
            most=most,
            spacing=spacing,
            decimal=table.decimal,
        )
        layouts = lay_out(table, style, axis.labels, width, height, breaks)
        if _ticks_fit(axis, layouts[0]):
            break
    return axis, layouts


def _ticks_fit(axis: Axis, layout: Layout) -> bool:
    """Whether neighbouring tick labels keep their distance."""
    room = layout.right - layout.left
    widths = [text_width(label, layout.font_size, layout.fonts) for label in axis.labels]
    places = [axis.share(tick) * room for tick in axis.ticks]
    return all(
        places[i + 1] - places[i] >= (widths[i] + widths[i + 1]) / 2 + TICK_GAP * layout.font_size
        for i in range(len(places) - 1)
    )
