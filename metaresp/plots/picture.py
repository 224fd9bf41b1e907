"""One pair of axes or small panels: the sheet that a plot is drawn on, and the picture that it becomes."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from metaresp.plots.fonts import families, text_width
from metaresp.plots.output import checked_number, points, rendered, save_figures
from metaresp.plots.style import Style
from metaresp.plots.wrap import wrap

HEIGHT = 0.72
NOTEBOOK_DPI = 120.0
# Type on the axes of small panels, in font sizes of the style.
SMALL = 0.85
# Of a side of the figure, that the label of its axis may take.
LABEL_SHARE = 0.7
MOST_COLUMNS = 6  # of the legend


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Picture:
    """A drawn picture: what every plot is.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes
        The first of several panels; ``figure.axes`` has all.
    alt : str
        The figure in words.
    """

    figure: Figure
    axes: Axes
    alt: str

    def save(self, path: str | os.PathLike[str], *, dpi: float | None = None) -> Path:
        """Write a PNG, PDF, SVG, EPS or TIFF file and return its path."""
        return save_figures([self.figure], path, dpi, "", self.alt)

    def _repr_png_(self) -> bytes:
        return rendered([self.figure], "png", NOTEBOOK_DPI)

    def __repr__(self) -> str:
        width, height = self.figure.get_size_inches()
        return f"<{type(self).__name__}: {self.alt.partition('.')[0]}, {width:.1f} by {height:.1f} inches>"


def sheet(
    width: float | str, style: Style, words: Sequence[str], height: float = HEIGHT
) -> tuple[Figure, Axes]:
    """Return an empty figure and its axes.

    *words* are the labels of x and y, and whatever else will be written; *height* is a share of the width.
    """
    across = inches_across(width)
    figure = _blank(across, height * across, style)
    axes = figure.subplots()
    fonts = list(families(style.fonts, words))
    _dress(axes, style, fonts)
    room = 72 * across * LABEL_SHARE
    for name, written, most in (("x", words[0], room), ("y", words[1], height * room)):
        lines = wrap(written, most, lambda part: text_width(part, style.font_size, tuple(fonts)))
        axes.set(**{f"{name}label": "\n".join(lines)})
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=style.text, fontsize=style.font_size, fontfamily=fonts)
    return figure, axes


def legend(figure: Figure, look: Style) -> None:
    """Put the legend beneath, in as many columns as there is width for; the figure grows by its height."""
    words = [label for axes in figure.axes for label in axes.get_legend_handles_labels()[1]]
    fonts = {"family": list(families(look.fonts, words)), "size": 0.9 * look.font_size}
    for columns in range(min(MOST_COLUMNS, len(words)), 0, -1):
        shown = figure.legend(
            loc="outside lower center", ncols=columns, frameon=False, labelcolor=look.text, prop=fonts
        )
        figure.draw_without_rendering()
        box = shown.get_window_extent()
        if columns == 1 or box.width <= figure.bbox.width:
            width, height = figure.get_size_inches()
            figure.set_size_inches(width, height + box.height / figure.dpi)
            return
        shown.remove()


def inches_across(width: float | str) -> float:
    """Return the width of a figure in inches."""
    return checked_number("width", points(width) / 72, 2, 40, "of inches ")


def _blank(across: float, height: float, style: Style) -> Figure:
    figure = Figure(figsize=(across, height), facecolor=style.background, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _dress(axes: Axes, style: Style, fonts: list[str], size: float = 1.0) -> None:
    """Give axes the colours and the type of a style."""
    axes.set_facecolor(style.background)
    axes.tick_params(colors=style.rule, labelcolor=style.text, labelsize=size * style.font_size)
    axes.spines[["top", "right"]].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(style.rule)
    axes.tick_params(labelfontfamily=fonts)


def panels(
    across: float, height: float, style: Style, columns: int, titles: Sequence[str], words: Sequence[str]
) -> tuple[Figure, list[Axes]]:
    """Return an empty figure and its axes, one a title, in rows that share their vertical axis.

    *across* and *height* are inches; *words* is other text that the fonts must have.
    """
    figure = _blank(across, height, style)
    fonts = list(families(style.fonts, [*titles, *words]))
    grid = figure.subplots(-(-len(titles) // columns), columns, sharey=True, squeeze=False)
    found, spare = list(grid.flat)[: len(titles)], list(grid.flat)[len(titles) :]
    for axes in spare:
        axes.remove()
    for axes, title in zip(found, titles, strict=True):
        _dress(axes, style, fonts, SMALL)
        axes.set_title(title, color=style.text, fontsize=style.font_size, fontfamily=fonts, loc="left")
    return figure, found


def finished(figure: Figure, axes: Axes, alt: str, path: str | os.PathLike[str] | None) -> Picture:
    """Return the picture, written to *path* where one is given."""
    picture = Picture(figure, axes, alt)
    if path is not None:
        picture.save(path)
    return picture
