"""Forest plots: finished rows to a figure that nothing is cropped from."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from metaresp.errors import InvalidArgument
from metaresp.plots.axis import MOST_TICKS, Axis, rate_axis
from metaresp.plots.fonts import text_width
from metaresp.plots.layout import Layout, Words, lay_out
from metaresp.plots.marks import MARKS, Panel
from metaresp.plots.output import figure_format, plain_settings, points, rendered, save_figure
from metaresp.plots.style import Style
from metaresp.present.forest_rows import forest_rows, forest_rows_studies
from metaresp.present.forest_table import ForestTable

if TYPE_CHECKING:
    from metaresp.result import Fit
    from metaresp.studies import Studies

NOTEBOOK_DPI = 120.0
# Least distance between two tick labels, in font sizes.
TICK_GAP = 0.7


@dataclass(frozen=True, eq=False, slots=True)
class ForestPlot:
    """A drawn forest plot and everything in it.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes
        The panel: rates between 0 and 1 along it, points upwards.
    table : ForestTable
        What was drawn.
    texts : dict
        Artists by (row, column key), one a line of text; row -1 is the header.
    marks : tuple of dict
        For each row its artists by name: ``square``, ``interval``, ``diamond``, ``bar``, ``arrow_low``,
        ``arrow_high``.
    title, notes, axis_label : tuple of Text
    dpi : float
        For PNG files.
    """

    figure: Figure
    axes: Axes
    table: ForestTable
    texts: dict[tuple[int, str], tuple[Text, ...]]
    marks: tuple[dict[str, Artist], ...]
    title: tuple[Text, ...]
    notes: tuple[Text, ...]
    axis_label: tuple[Text, ...]
    dpi: float

    def save(self, path: str | os.PathLike[str], *, dpi: float | None = None) -> Path:
        """Write a PNG, PDF or SVG file, as the ending of *path* says, and return its path.

        Raises
        ------
        InvalidArgument
            If the ending is another.
        UnreadableFile
            If the file cannot be written.
        """
        return save_figure(self.figure, path, self.dpi if dpi is None else dpi)

    def _repr_png_(self) -> bytes:
        return rendered(self.figure, "png", NOTEBOOK_DPI)

    def __repr__(self) -> str:
        width, height = self.figure.get_size_inches()
        return f"<ForestPlot: {len(self.table.rows)} rows, {width:.1f} by {height:.1f} inches>"


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
        plot = _drawn(table, layout, axis, replace(look, font_size=layout.font_size), dpi)
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


def _drawn(table: ForestTable, layout: Layout, axis: Axis, style: Style, dpi: float) -> ForestPlot:
    figure = Figure(figsize=(layout.width / 72, layout.height / 72), dpi=100, facecolor=style.background)
    FigureCanvasAgg(figure)
    place = _Placer(figure, layout, style)
    axes = _panel(figure, layout, axis, style)
    weights = [row.weight for row in table.rows if row.kind == "study" and math.isfinite(row.weight)]
    panel = Panel(axes, style, max(weights, default=math.nan))
    heights = [y - layout.bottom for y in layout.rows]
    if axis.low <= table.reference <= axis.high:
        axes.add_line(
            Line2D(
                [table.reference] * 2,
                [0, layout.top - layout.bottom],
                color=style.grid,
                linewidth=0.7,
                dashes=(4, 3),
                zorder=1.0,
            )
        )
    marks = tuple(MARKS[row.kind](panel, row, y) for row, y in zip(table.rows, heights, strict=True))
    for y in layout.rules:
        place.rule(y)
    return ForestPlot(
        figure=figure,
        axes=axes,
        table=table,
        texts={key: place(lines) for key, lines in layout.cells.items()},
        marks=marks,
        title=place(layout.title),
        notes=place(layout.notes),
        axis_label=place(layout.axis_label),
        dpi=dpi,
    )


class _Placer:
    """Puts text and rules on a figure, at points from its lower left corner."""

    def __init__(self, figure: Figure, layout: Layout, style: Style) -> None:
        self.figure = figure
        self.layout = layout
        self.style = style
        self.points = Affine2D().scale(1 / 72) + figure.dpi_scale_trans

    def __call__(self, lines: Sequence[Words]) -> tuple[Text, ...]:
        return tuple(
            self.figure.text(
                words.x,
                words.y,
                words.text,
                transform=self.points,
                fontsize=words.size,
                fontweight="bold" if words.bold else "normal",
                fontfamily=list(self.layout.fonts),
                color=self.style.muted if words.muted else self.style.text,
                ha=words.anchor,
                va="baseline",
                parse_math=False,
            )
            for words in lines
        )

    def rule(self, y: float) -> None:
        """Draw a line across the figure."""
        ends = [self.layout.margin, self.layout.width - self.layout.margin]
        self.figure.add_artist(
            Line2D(ends, [y, y], transform=self.points, color=self.style.rule, linewidth=0.8)
        )


def _panel(figure: Figure, layout: Layout, axis: Axis, style: Style) -> Axes:
    """Add the axes: only the lower edge is drawn, with its ticks."""
    axes = figure.add_axes(
        (
            layout.left / layout.width,
            layout.bottom / layout.height,
            (layout.right - layout.left) / layout.width,
            (layout.top - layout.bottom) / layout.height,
        )
    )
    axes.set_facecolor("none")
    axes.set_xlim(axis.low, axis.high)
    axes.set_ylim(0, layout.top - layout.bottom)
    axes.set_yticks([])
    axes.set_xticks(list(axis.ticks), list(axis.labels), fontfamily=list(layout.fonts))
    axes.tick_params(
        axis="x",
        length=3.5,
        width=0.8,
        pad=2.5,
        labelsize=layout.font_size,
        labelcolor=style.text,
        color=style.rule,
    )
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(style.rule)
    axes.spines["bottom"].set_linewidth(0.8)
    return axes
