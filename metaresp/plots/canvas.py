"""A laid-out forest plot as matplotlib artists, and the record that holds them."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from metaresp.plots.axis import Axis
from metaresp.plots.layout import Layout, Words
from metaresp.plots.marks import MARKS, Panel
from metaresp.plots.output import rendered, save_figure
from metaresp.plots.style import Style
from metaresp.present.forest_table import ForestTable

NOTEBOOK_DPI = 120.0


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


def drawn(table: ForestTable, layout: Layout, axis: Axis, style: Style, dpi: float) -> ForestPlot:
    """Return the figure of *table* as *layout* says."""
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
