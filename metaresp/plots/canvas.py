"""A laid-out forest plot as matplotlib artists, and the record that holds them."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from metaresp.plots.axis import Axis
from metaresp.plots.columns import DISC
from metaresp.plots.marks import MARKS, Panel
from metaresp.plots.output import save_figures
from metaresp.plots.picture import Picture
from metaresp.plots.places import SAMPLE, Layout, LegendPlace, Words
from metaresp.plots.style import Style
from metaresp.present.forest_table import ForestTable

DASHES = ((4, 3), (6, 2), (2, 2), (6, 2, 1, 2))
RISK_COLOURS = {"+": "risk_low", "!": "risk_some", "–": "risk_high", "?": "risk_none"}


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class ForestPlot(Picture):
    """A drawn forest plot and everything in it; its axes have rates between 0 and 1 along, points upwards.

    Attributes
    ----------
    figure, axes, alt
        As of every :class:`metaresp.plots.picture.Picture`.
    table : ForestTable
        What was drawn (on this page).
    texts : dict
        Artists by (row, column key), one a line of text; row -1 is the header.
    marks : tuple of dict
        For each row its artists by name: ``square``, ``interval``, ``point``, ``second``,
        ``second_interval``, ``ahead``, ``diamond``, ``bar``, ``density``, ``arrow_low``, ``arrow_high``.
    lines, zones : tuple of Artist
        Benchmarks and shaded parts.
    discs : dict
        Artists of the judgements, by (row, column key).
    legend : tuple of (Artist or None, tuple of Text)
        Sample and words of each line.
    title, notes, axis_label : tuple of Text
    dpi : float or None
        For PNG and TIFF files; None: that of the format.
    more : tuple of ForestPlot
        The further pages.
    """

    table: ForestTable
    texts: dict[tuple[int, str], tuple[Text, ...]]
    marks: tuple[dict[str, Artist], ...]
    lines: tuple[Artist, ...]
    zones: tuple[Artist, ...]
    discs: dict[tuple[int, str], Artist]
    legend: tuple[tuple[Artist | None, tuple[Text, ...]], ...]
    title: tuple[Text, ...]
    notes: tuple[Text, ...]
    axis_label: tuple[Text, ...]
    dpi: float | None
    more: tuple["ForestPlot", ...] = ()

    @property
    def pages(self) -> tuple["ForestPlot", ...]:
        """The first page and the further ones."""
        return (self, *self.more)

    def save(self, path: str | os.PathLike[str], *, dpi: float | None = None) -> Path:
        """Write a PNG, PDF, SVG, EPS or TIFF file, as the ending of *path* says, and return its path.

        Several pages are one PDF or TIFF; of the other formats the further pages are files of their own,
        ``forest-2.png``, ``forest-3.png``.

        Raises
        ------
        InvalidArgument
            If the ending is another.
        UnreadableFile
            If the file cannot be written.
        """
        figures = [page.figure for page in self.pages]
        return save_figures(figures, path, self.dpi if dpi is None else dpi, self.table.title, self.alt)

    def __repr__(self) -> str:
        width, height = self.figure.get_size_inches()
        pages = f", page 1 of {len(self.pages)}" if self.more else ""
        return f"<ForestPlot: {len(self.table.rows)} rows, {width:.1f} by {height:.1f} inches{pages}>"


def drawn(
    table: ForestTable,
    layout: Layout,
    axis: Axis,
    style: Style,
    dpi: float | None,
    alt: str = "",
    inside: Axes | None = None,
    more: tuple[ForestPlot, ...] = (),
) -> ForestPlot:
    """Return *table* drawn as *layout* says, on a figure of its own or in the place of *inside*."""
    place = _Placer(layout, style, inside)
    axes = _panel(place, layout, axis, style, inside)
    weights = [row.weight for row in table.rows if row.kind == "study" and math.isfinite(row.weight)]
    panel = Panel(axes, style, max(weights, default=math.nan))
    heights = [y - layout.bottom for y in layout.rows]
    top = layout.top - layout.bottom
    zones = tuple(_zone(axes, axis, zone.low, zone.high, top, style, i) for i, zone in enumerate(table.zones))
    lines = tuple(
        _upright(axes, line.low, top, _turn(style.lines, i), _turn(DASHES, i + 1))
        for i, line in enumerate(table.lines)
        if axis.low <= line.low <= axis.high
    )
    if axis.low <= table.reference <= axis.high:
        _upright(axes, table.reference, top, style.grid, DASHES[0])
    discs: dict[tuple[int, str], Artist] = {
        key: place.disc(x, y, table.rows[key[0]].text(key[1]), DISC / 2)
        for key, (x, y) in layout.discs.items()
    }
    marks = tuple(MARKS[row.kind](panel, row, y) for row, y in zip(table.rows, heights, strict=True))
    for y in layout.rules:
        place.rule(y, 0.8)
    for y in layout.row_rules:
        place.rule(y, 0.3)
    return ForestPlot(
        figure=place.figure,
        axes=axes,
        table=table,
        texts={
            key: place(words, colour=style.risk_text if key in layout.discs else None)
            for key, words in layout.cells.items()
        },
        marks=marks,
        lines=lines,
        zones=zones,
        discs=discs,
        legend=tuple((place.sample(item), place(item.words)) for item in layout.legend),
        title=place(layout.title),
        notes=place(layout.notes),
        axis_label=place(layout.axis_label),
        dpi=dpi,
        alt=alt,
        more=more,
    )


def _turn(several: Sequence[Any], index: int) -> Any:
    return several[index % len(several)]


def _upright(axes: Axes, rate: float, top: float, colour: str, dashes: tuple[float, ...]) -> Line2D:
    line = Line2D([rate] * 2, [0, top], color=colour, linewidth=0.8, dashes=dashes, zorder=1.0)
    axes.add_line(line)
    return line


def _zone(axes: Axes, axis: Axis, low: float, high: float, top: float, style: Style, index: int) -> Rectangle:
    low, high = max(low, axis.low), max(min(high, axis.high), axis.low)
    box = Rectangle(
        (low, 0), max(0.0, high - low), top, color=str(_turn(style.zones, index)), zorder=0.5, lw=0
    )
    axes.add_patch(box)
    return box


class _Placer:
    """Puts text, rules and samples on a figure, at points from the lower left corner of the layout."""

    def __init__(self, layout: Layout, style: Style, inside: Axes | None) -> None:
        self.layout = layout
        self.style = style
        self.x = self.y = 0.0
        if inside is None:
            size = (layout.width / 72, layout.height / 72)
            self.figure = Figure(figsize=size, dpi=100, facecolor=style.background)
            FigureCanvasAgg(self.figure)
        else:
            figure = inside.figure
            assert isinstance(figure, Figure)  # checked where it is passed in
            self.figure = figure
            box = inside.get_position()
            width, height = (72 * side for side in figure.get_size_inches())
            self.x, self.y = box.x0 * width, box.y1 * height - layout.height
        self.points = Affine2D().translate(self.x, self.y).scale(1 / 72) + self.figure.dpi_scale_trans

    def __call__(self, lines: Sequence[Words], colour: str | None = None) -> tuple[Text, ...]:
        return tuple(
            self.figure.text(
                words.x,
                words.y,
                words.text,
                transform=self.points,
                fontsize=words.size,
                fontweight="bold" if words.bold else "normal",
                fontfamily=list(self.layout.fonts),
                color=colour or (self.style.muted if words.muted else self.style.text),
                ha=words.anchor,
                va="baseline",
                parse_math=False,
            )
            for words in lines
        )

    def rule(self, y: float, width: float) -> None:
        """Draw a line across the figure."""
        ends = [self.layout.margin, self.layout.width - self.layout.margin]
        self.figure.add_artist(
            Line2D(ends, [y, y], transform=self.points, color=self.style.rule, linewidth=width)
        )

    def disc(self, x: float, y: float, symbol: str, radius: float) -> Circle:
        """Draw the disc of a judgement; *radius* in font sizes."""
        colour = getattr(self.style, RISK_COLOURS[symbol])
        size = radius * self.layout.font_size
        circle = Circle((x, y), size, transform=self.points, facecolor=colour, edgecolor="none", linewidth=0)
        self.figure.add_artist(circle)
        return circle

    def sample(self, place: LegendPlace) -> Artist | None:
        """Draw the sample of a line of the legend."""
        item, style, size = place.item, self.style, self.layout.font_size
        if item.kind == "text":
            return None
        ends, middle = [place.x, place.x + SAMPLE * size], place.x + SAMPLE * size / 2
        if item.kind == "risk":
            self.figure.text(
                middle,
                place.y - 0.36 * size,
                item.symbol,
                transform=self.points,
                fontsize=size,
                fontfamily=list(self.layout.fonts),
                color=style.risk_text,
                ha="center",
                va="baseline",
                parse_math=False,
            )
            return self.disc(middle, place.y, item.symbol, DISC / 2)
        artist: Artist
        if item.kind == "zone":
            colour = str(_turn(style.zones, item.index))
            artist = Rectangle(
                (ends[0], place.y - 0.45 * size), SAMPLE * size, 0.9 * size, color=colour, lw=0,
                transform=self.points,
            )  # fmt: skip
        else:
            own = item.kind == "line"
            plain = style.prediction if item.kind == "ahead" else style.shrunken
            artist = Line2D(
                ends,
                [place.y] * 2,
                transform=self.points,
                linewidth=0.8,
                color=str(_turn(style.lines, item.index)) if own else plain,
                dashes=_turn(DASHES, item.index + 1) if own else (None, None),
            )
        self.figure.add_artist(artist)
        return artist


def _panel(place: _Placer, layout: Layout, axis: Axis, style: Style, inside: Axes | None) -> Axes:
    """Add the axes: only the lower edge is drawn, with its ticks."""
    width, height = (72 * side for side in place.figure.get_size_inches())
    rectangle = (
        (layout.left + place.x) / width,
        (layout.bottom + place.y) / height,
        (layout.right - layout.left) / width,
        (layout.top - layout.bottom) / height,
    )
    if inside is None:
        axes = place.figure.add_axes(rectangle)
    else:
        axes = inside
        axes.set_in_layout(False)
        axes.set_position(rectangle)
    axes.set_facecolor("none")
    if axis.spacing != "linear":
        axes.set_xscale("function", functions=(axis.forward, axis.inverse))
    axes.set_xlim(axis.low, axis.high)
    axes.set_ylim(0, layout.top - layout.bottom)
    axes.set_yticks([])
    axes.set_xticks(list(axis.ticks), list(axis.labels), fontfamily=list(layout.fonts))
    axes.minorticks_off()
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
