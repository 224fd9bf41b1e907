"""Forest plots: finished rows to a figure that nothing is cropped from."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from metaresp.errors import InvalidArgument
from metaresp.plots.axis import MOST_TICKS, Axis, rate_axis
from metaresp.plots.canvas import ForestPlot, drawn
from metaresp.plots.fonts import text_width
from metaresp.plots.layout import Layout, lay_out
from metaresp.plots.output import figure_format, plain_settings, points
from metaresp.plots.style import Style
from metaresp.present.forest_rows import forest_rows, forest_rows_studies
from metaresp.present.forest_table import ForestTable

if TYPE_CHECKING:
    from metaresp.result import Fit
    from metaresp.studies import Studies

__all__ = ["ForestPlot", "draw_forest", "forest_fit", "forest_studies"]

# Least distance between two tick labels, in font sizes.
TICK_GAP = 0.7


def forest_fit(
    fit: "Fit",
    path: str | os.PathLike[str] | None = None,
    *,
    scale: str = "percent",
    sort: str | None = None,
    descending: bool = False,
    notes: bool = True,
    title: str = "",
    axis_label: str = "Response rate",
    **drawing: Any,
) -> ForestPlot:
    """Draw a fit: studies with exact intervals, pooled diamond, prediction interval, heterogeneity.

    Parameters
    ----------
    fit : Fit
    path : path, optional
        PNG, PDF or SVG file to write.
    scale, sort, descending, notes, title, axis_label
        See :func:`metaresp.present.forest_rows.forest_rows`.
    **drawing
        ``width``, ``xlim``, ``style``, ``font_size``, ``dpi``: see :func:`draw_forest`.

    Returns
    -------
    ForestPlot

    Notes
    -----
    R: ``meta::forest(meta::metaprop(..., method = "GLMM", prediction = TRUE))``.

    Examples
    --------
    >>> import metaresp as mr
    >>> plot = forest_fit(mr.pool(events=[13, 4, 9], n=[18, 7, 20]))
    >>> [mark for row in plot.marks for mark in row]
    ['square', 'interval', 'square', 'interval', 'square', 'interval', 'diamond', 'bar']
    """
    table = forest_rows(
        fit,
        scale=scale,
        sort=sort,
        descending=descending,
        notes=notes,
        title=title,
        axis_label=axis_label,
    )
    return draw_forest(table, path, **drawing)


def forest_studies(
    studies: "Studies",
    path: str | os.PathLike[str] | None = None,
    *,
    method: str = "clopper-pearson",
    level: float = 0.95,
    scale: str = "percent",
    sort: str | None = None,
    descending: bool = False,
    title: str = "",
    axis_label: str = "Response rate",
    **drawing: Any,
) -> ForestPlot:
    """Draw the intervals of studies alone, with no diamond.

    Parameters
    ----------
    studies : Studies
    path : path, optional
        PNG, PDF or SVG file to write.
    method, level, scale, sort, descending, title, axis_label
        See :func:`metaresp.present.forest_rows.forest_rows_studies`.
    **drawing
        ``width``, ``xlim``, ``style``, ``font_size``, ``dpi``: see :func:`draw_forest`.

    Returns
    -------
    ForestPlot

    Examples
    --------
    >>> import metaresp as mr
    >>> plot = forest_studies(mr.Studies(events=[0, 13], n=[18, 18], study=["Harm", "Response"]))
    >>> plot.marks[0]["square"].get_xdata()
    [0.0]
    """
    table = forest_rows_studies(
        studies,
        method=method,
        level=level,
        scale=scale,
        sort=sort,
        descending=descending,
        title=title,
        axis_label=axis_label,
    )
    return draw_forest(table, path, **drawing)


def draw_forest(
    table: ForestTable,
    path: str | os.PathLike[str] | None = None,
    *,
    width: float | str | None = None,
    xlim: tuple[float, float] | None = None,
    style: Style | None = None,
    font_size: float | None = None,
    dpi: float = 200.0,
) -> ForestPlot:
    """Draw finished rows.

    Parameters
    ----------
    table : ForestTable
    path : path, optional
        PNG, PDF or SVG file to write.
    width : float or str, optional
        Width of the figure in inches, or as ``"120mm"``.  The figure is as wide as its text needs when not
        given; in a narrower one labels are wrapped, then the axis and the type shrink.
    xlim : (float, float), optional
        Limits of the axis between 0 and 1; intervals that leave it end in an arrow.  0 to 1 when not given,
        or the half that holds every interval.
    style : Style, optional
        Sizes and colours.
    font_size : float, optional
        Points; that of the style when not given.
    dpi : float
        Dots per inch of a PNG file.

    Returns
    -------
    ForestPlot

    Raises
    ------
    InvalidArgument
        If an argument has no such value, or nothing readable fits in *width*.
    UnreadableFile
        If the file cannot be written.

    Examples
    --------
    >>> from metaresp.present.forest_table import Column, ForestRow, ForestTable
    >>> row = ForestRow("study", "Xu 2012", 13 / 18, 0.465, 0.903, cells={"events": "13/18"})
    >>> table = ForestTable((Column("study", "Study"), Column("events", "Events/n")), (row,))
    >>> plot = draw_forest(table)
    >>> plot.texts[0, "events"][0].get_text()
    '13/18'
    """
    if path is not None:
        figure_format(path)
    look = _look(style, font_size)
    across = None if width is None else points(width)
    with plain_settings():
        axis, layout = _placed(table, look, xlim, across)
        plot = drawn(table, layout, axis, replace(look, font_size=layout.font_size), dpi)
    if path is not None:
        plot.save(path)
    return plot


def _look(style: Style | None, font_size: float | None) -> Style:
    look = Style() if style is None else style
    if not isinstance(look, Style):
        raise InvalidArgument(f"style={style!r}: must be a metaresp.plots.style.Style")
    if font_size is None:
        return look
    if isinstance(font_size, bool) or not isinstance(font_size, int | float) or not 4 <= font_size <= 40:
        raise InvalidArgument(f"font_size={font_size!r}: must be a number of points from 4 to 40")
    return replace(look, font_size=float(font_size))


def _placed(
    table: ForestTable, style: Style, xlim: tuple[float, float] | None, width: float | None
) -> tuple[Axis, Layout]:
    """Return the axis with as many ticks as its labels leave room for, and the layout around it."""
    ends = [value for row in table.rows for value in (row.low, row.high, row.rate)]
    for most in range(MOST_TICKS, 1, -1):
        axis = rate_axis(ends, factor=table.factor, unit=table.unit, xlim=xlim, most=most)
        layout = lay_out(table, style, axis.labels, width)
        if _ticks_fit(axis, layout):
            break
    return axis, layout


def _ticks_fit(axis: Axis, layout: Layout) -> bool:
    if len(axis.ticks) < 2:
        return True
    distance = (axis.ticks[1] - axis.ticks[0]) / (axis.high - axis.low) * (layout.right - layout.left)
    widest = max(text_width(label, layout.font_size, layout.fonts) for label in axis.labels)
    return distance >= widest + TICK_GAP * layout.font_size
