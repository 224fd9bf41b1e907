"""One function a kind of row: how it is drawn in the panel."""

import math
from collections.abc import Callable

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon

from metaresp.plots.style import MARKERS, Style
from metaresp.present.forest_table import ForestRow
from metaresp.registry import Registry

# Share of the largest side below which no square falls, so that it stays visible.
SMALLEST_MARK = 0.36
UNWEIGHTED_MARK = 0.62
DIAMOND_HEIGHT = 0.42
PREDICTION_HEIGHT = 0.36
DENSITY_HEIGHT = 1.1
# How far below its own rate a study's shrunken rate is drawn, and the size of its mark, in font sizes.
SECOND_DROP, SECOND_MARK = 0.48, 0.42
# A diamond's corner is a corner, not a spike across the page.
MITRE = "bevel"
ARROW = 0.5
# Of the line of a new trial, in widths of an interval.
AHEAD_WIDTH = 0.6


class Panel:
    """What a mark needs to know: the axes, the look, and the largest weight."""

    def __init__(self, axes: Axes, style: Style, heaviest: float) -> None:
        self.axes = axes
        self.style = style
        self.heaviest = heaviest
        self.low, self.high = axes.get_xlim()

    def colour(self, row: ForestRow, own: str) -> str:
        """Return the colour of a row: *own*, or that of the further model it belongs to."""
        return own if row.tone == 0 else self.style.models[(row.tone - 1) % len(self.style.models)]

    def side(self, weight: float) -> float:
        """Return the side of a square in points, its area being proportional to the weight."""
        largest = self.style.mark_size * self.style.font_size
        if not math.isfinite(weight) or not self.heaviest > 0:
            return UNWEIGHTED_MARK * largest
        return largest * max(SMALLEST_MARK, math.sqrt(weight / self.heaviest))

    def cut(self, low: float, high: float) -> tuple[float, float]:
        """Return the part of an interval inside the axis (empty: both ends the same)."""
        return min(max(low, self.low), self.high), max(min(high, self.high), self.low)

    def line(self, low: float, high: float, y: float, colour: str, width: float, order: float) -> Line2D:
        """Add a horizontal line from exactly *low* to exactly *high*."""
        line = Line2D(
            [low, high],
            [y, y],
            color=colour,
            linewidth=width,
            solid_capstyle="butt",
            clip_on=False,
            zorder=order,
        )
        self.axes.add_line(line)
        return line

    def arrows(self, low: float, high: float, y: float, colour: str) -> dict[str, Artist]:
        """Add an arrow head where the interval leaves the axis."""
        ends = (
            ("arrow_low", "<", self.low, low < self.low),
            ("arrow_high", ">", self.high, high > self.high),
        )
        heads: dict[str, Artist] = {}
        for name, marker, x, leaves in ends:
            if leaves:
                heads[name] = self.marker(marker, x, y, ARROW * self.style.font_size, colour, 3.2)
        return heads

    def marker(self, marker: str, x: float, y: float, size: float, colour: str, order: float) -> Line2D:
        """Add one marker of *size* points."""
        point = Line2D(
            [x],
            [y],
            marker=marker,
            markersize=size,
            markerfacecolor=colour,
            markeredgewidth=0,
            linestyle="none",
            clip_on=False,
            zorder=order,
        )
        self.axes.add_line(point)
        return point


MARKS: Registry[Callable[[Panel, ForestRow, float], dict[str, Artist]]] = Registry("kind")


@MARKS.add("study")
def study(panel: Panel, row: ForestRow, y: float) -> dict[str, Artist]:
    """Draw a square at the rate and its interval across it, so that a short one is still seen."""
    style = panel.style
    marks: dict[str, Artist] = {}
    if panel.low <= row.rate <= panel.high:
        shape = MARKERS[style.marker]
        marks["square"] = panel.marker(shape, row.rate, y, panel.side(row.weight), style.square, 2.0)
    return marks | _interval(panel, row, y, style.interval) | _second(panel, row, y)


@MARKS.add("estimate")
def plain_estimate(panel: Panel, row: ForestRow, y: float) -> dict[str, Artist]:
    """Draw a point and its interval, such as of a fit without one study."""
    style = panel.style
    marks: dict[str, Artist] = {}
    if panel.low <= row.rate <= panel.high:
        size = UNWEIGHTED_MARK * style.mark_size * style.font_size
        marks["point"] = panel.marker("o", row.rate, y, size, panel.colour(row, style.diamond), 3.5)
    return _ahead(panel, row, y) | marks | _interval(panel, row, y, style.interval)


def _ahead(panel: Panel, row: ForestRow, y: float) -> dict[str, Artist]:
    """Draw the interval of a new trial as a thin line that the row's own interval lies upon."""
    if not row.ahead:
        return {}
    style, marks = panel.style, dict[str, Artist]()
    low, high = panel.cut(*row.ahead)
    if low < high:
        width = AHEAD_WIDTH * style.line_width * style.font_size
        marks["ahead"] = panel.line(low, high, y, style.prediction, width, 2.5)
    return marks | panel.arrows(*row.ahead, y, style.prediction)


def _interval(panel: Panel, row: ForestRow, y: float, colour: str) -> dict[str, Artist]:
    marks: dict[str, Artist] = {}
    low, high = panel.cut(row.low, row.high)
    if low < high:
        width = panel.style.line_width * panel.style.font_size
        marks["interval"] = panel.line(low, high, y, colour, width, 3.0)
    return marks | panel.arrows(row.low, row.high, y, colour)


def _second(panel: Panel, row: ForestRow, y: float) -> dict[str, Artist]:
    """Draw the shrunken rate with its interval below the row's own."""
    if not row.second:
        return {}
    style, marks = panel.style, dict[str, Artist]()
    rate, low, high = row.second
    y -= SECOND_DROP * style.font_size
    if panel.low <= rate <= panel.high:
        size = SECOND_MARK * style.font_size
        marks["second"] = panel.marker("o", rate, y, size, style.shrunken, 3.4)
    low, high = panel.cut(low, high)
    if low < high:
        width = 0.7 * style.line_width * style.font_size
        marks["second_interval"] = panel.line(low, high, y, style.shrunken, width, 3.3)
    return marks


@MARKS.add("pooled")
def pooled(panel: Panel, row: ForestRow, y: float) -> dict[str, Artist]:
    """Draw a diamond from limit to limit, widest at the rate."""
    colour = panel.colour(row, panel.style.diamond)
    edge = panel.colour(row, panel.style.diamond_edge)
    return _ahead(panel, row, y) | _diamond(panel, row, y, colour, edge)


@MARKS.add("subtotal")
def subtotal(panel: Panel, row: ForestRow, y: float) -> dict[str, Artist]:
    """Draw the diamond of a group."""
    return _diamond(panel, row, y, panel.style.subtotal, panel.style.diamond_edge)


def _diamond(panel: Panel, row: ForestRow, y: float, colour: str, edge: str) -> dict[str, Artist]:
    half = DIAMOND_HEIGHT * panel.style.font_size
    corners = [(row.low, y), (row.rate, y + half), (row.high, y), (row.rate, y - half)]
    inside = panel.low <= row.low and row.high <= panel.high
    diamond = Polygon(
        corners,
        closed=True,
        facecolor=colour,
        edgecolor=edge,
        linewidth=0.5,
        joinstyle=MITRE,
        clip_on=not inside,
        zorder=4.0,
    )
    panel.axes.add_patch(diamond)
    return {"diamond": diamond} | panel.arrows(row.low, row.high, y, colour)


@MARKS.add("prediction")
def prediction(panel: Panel, row: ForestRow, y: float) -> dict[str, Artist]:
    """Draw a bar from limit to limit."""
    return _bar(panel, row, y, PREDICTION_HEIGHT * panel.style.font_size)


@MARKS.add("prediction line")
def prediction_line(panel: Panel, row: ForestRow, y: float) -> dict[str, Artist]:
    """Draw a line from limit to limit."""
    return _bar(panel, row, y, 1.2 * panel.style.line_width * panel.style.font_size)


def _bar(panel: Panel, row: ForestRow, y: float, height: float) -> dict[str, Artist]:
    colour = panel.colour(row, panel.style.prediction)
    marks: dict[str, Artist] = {}
    low, high = panel.cut(row.low, row.high)
    if low < high:
        marks["bar"] = panel.line(low, high, y, colour, height, 3.0)
    return marks | panel.arrows(row.low, row.high, y, colour)


@MARKS.add("density")
def density(panel: Panel, row: ForestRow, y: float) -> dict[str, Artist]:
    """Draw the density of a new trial's rate over the row, and the interval as a line beneath it."""
    colour = panel.colour(row, panel.style.prediction)
    foot = y - 0.5 * DENSITY_HEIGHT * panel.style.font_size
    inside = [(x, h) for x, h in row.curve if panel.low <= x <= panel.high]
    marks = _bar(panel, row, foot, 1.2 * panel.style.line_width * panel.style.font_size)
    if inside:
        top = [(x, foot + h * DENSITY_HEIGHT * panel.style.font_size) for x, h in inside]
        corners = [(inside[0][0], foot), *top, (inside[-1][0], foot)]
        hill = Polygon(corners, closed=True, facecolor=colour, edgecolor="none", linewidth=0, zorder=2.9)
        panel.axes.add_patch(hill)
        marks["density"] = hill
    return marks


@MARKS.add("note")
@MARKS.add("missing")
@MARKS.add("heading")
def nothing(panel: Panel, row: ForestRow, y: float) -> dict[str, Artist]:
    """Draw nothing: the row is text."""
    return {}
