"""One function a kind of row: how it is drawn in the panel."""

import math
from collections.abc import Callable

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon

from metaresp.plots.style import Style
from metaresp.present.forest_table import ForestRow
from metaresp.registry import Registry

# Share of the largest side below which no square falls, so that it stays visible.
SMALLEST_MARK = 0.36
UNWEIGHTED_MARK = 0.62
DIAMOND_HEIGHT = 0.42
PREDICTION_HEIGHT = 0.36
ARROW = 0.5


class Panel:
    """What a mark needs to know: the axes, the look, and the largest weight."""

    def __init__(self, axes: Axes, style: Style, heaviest: float) -> None:
        self.axes = axes
        self.style = style
        self.heaviest = heaviest
        self.low, self.high = axes.get_xlim()

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
        marks["square"] = panel.marker("s", row.rate, y, panel.side(row.weight), style.square, 2.0)
    low, high = panel.cut(row.low, row.high)
    if low < high:
        marks["interval"] = panel.line(low, high, y, style.interval, 0.11 * style.font_size, 3.0)
    return marks | panel.arrows(row.low, row.high, y, style.interval)


@MARKS.add("pooled")
def pooled(panel: Panel, row: ForestRow, y: float) -> dict[str, Artist]:
    """Draw a diamond from limit to limit, widest at the rate."""
    style = panel.style
    half = DIAMOND_HEIGHT * style.font_size
    corners = [(row.low, y), (row.rate, y + half), (row.high, y), (row.rate, y - half)]
    inside = panel.low <= row.low and row.high <= panel.high
    diamond = Polygon(
        corners,
        closed=True,
        facecolor=style.diamond,
        edgecolor="none",
        linewidth=0,
        clip_on=not inside,
        zorder=4.0,
    )
    panel.axes.add_patch(diamond)
    return {"diamond": diamond} | panel.arrows(row.low, row.high, y, style.diamond)


@MARKS.add("prediction")
def prediction(panel: Panel, row: ForestRow, y: float) -> dict[str, Artist]:
    """Draw a bar from limit to limit."""
    style = panel.style
    marks: dict[str, Artist] = {}
    low, high = panel.cut(row.low, row.high)
    if low < high:
        marks["bar"] = panel.line(low, high, y, style.prediction, PREDICTION_HEIGHT * style.font_size, 3.0)
    return marks | panel.arrows(row.low, row.high, y, style.prediction)


@MARKS.add("missing")
@MARKS.add("heading")
def nothing(panel: Panel, row: ForestRow, y: float) -> dict[str, Artist]:
    """Draw nothing: the row is text."""
    return {}
