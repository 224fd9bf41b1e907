"""Stacked bars: how patients divide among categories of response, a bar a study and one for all."""

import os
from typing import TYPE_CHECKING, TypeAlias

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from metaresp.plots.fonts import families, text_width
from metaresp.plots.picture import Picture, finished, legend, sheet
from metaresp.plots.settings import plain_settings
from metaresp.plots.style import Style, find_style
from metaresp.plots.wrap import wrap
from metaresp.readable import readable

if TYPE_CHECKING:
    from metaresp.analyses.categories import Categories

Colour: TypeAlias = tuple[float, float, float]
# Of the width of the figure, that a study's label may take.
LABEL_SHARE = 0.34
BAR = 0.72
HELD = "\u00a0"  # a space that no line is broken at
ROW = 0.245  # inches
POOLED = "Mean over trials"


def draw_categories(
    rows: "Categories",
    path: str | os.PathLike[str] | None = None,
    *,
    width: float | str = 6.0,
    style: Style | str | None = None,
) -> Picture:
    """Draw a bar a study, divided by the shares of the categories, and below them one of the mean.

    Parameters
    ----------
    rows : Categories
    path : path, optional
    width : float or str
        Inches, or such as ``"120mm"``.
    style : str or Style, optional
    """
    look = find_style(style)
    names = [readable(name) for name in rows.category]
    labels = [
        f"{readable(name)} (n{HELD}={HELD}{n})"
        for name, n in zip(rows.study, rows.counts.sum(axis=1), strict=True)
    ]
    colours = _shades(look, len(names))
    with plain_settings():
        figure, axes = sheet(width, look, ("Patients (%)", "", *labels, *names), 1.0)
        across = figure.get_size_inches()[0]
        fonts = tuple(families(look.fonts, labels))
        room = 72 * across * LABEL_SHARE
        shown = [
            wrap(label, room, lambda text: text_width(text, look.font_size, fonts))
            for label in [*labels, POOLED]
        ]
        # a label of several lines takes the room of as many, and half a row sets the mean apart
        lines = [max(1.0, 0.75 * len(parts)) for parts in shown]
        places = [sum(lines[:i]) + line / 2 for i, line in enumerate(lines)]
        places[-1] += 0.5
        figure.set_size_inches(across, ROW * (places[-1] + 3))
        shares = [100 * counts / counts.sum() for counts in rows.counts] + [100 * rows.share]
        for i, name in enumerate(names):
            left = [part[:i].sum() for part in shares]
            axes.barh(
                places, [part[i] for part in shares], BAR, left, color=colours[i],
                edgecolor=look.background, linewidth=0.5, label=name,
            )  # fmt: skip
            for place, part, start in zip(places, shares, left, strict=True):
                _number(axes, part[i], start + part[i] / 2, place, colours[i], look, across)
        axes.set_yticks(places, ["\n".join(parts) for parts in shown])
        axes.get_yticklabels()[-1].set_fontweight("bold")
        for label in axes.get_yticklabels():
            label.set_parse_math(False)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_ylim(places[-1] + 0.6, 0)
        axes.set_xlim(0, 100)
        legend(figure, look)
    alt = f"Shares of {', '.join(names)} in {len(labels)} studies and their mean over trials."
    return finished(figure, axes, alt, path)


def _shades(look: Style, count: int) -> list[Colour]:
    """Return colours from the diamond's to grey, the better the response the stronger."""
    strong, weak = to_rgb(look.diamond), to_rgb("#e3e6ea")
    steps = [i / max(count - 1, 1) for i in range(count)]
    return [
        (
            strong[0] + (weak[0] - strong[0]) * t,
            strong[1] + (weak[1] - strong[1]) * t,
            strong[2] + (weak[2] - strong[2]) * t,
        )
        for t in steps
    ]


def _number(axes: Axes, share: float, x: float, y: float, colour: Colour, look: Style, across: float) -> None:
    """Write a share into its part of a bar, where there is room for it."""
    text = f"{share:.0f}"
    fonts = tuple(families(look.fonts, [text]))
    if text_width(text, 0.85 * look.font_size, fonts) + 4 > 72 * across * 0.55 * share / 100:
        return
    dark = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 0.55
    axes.text(
        x, y, text, ha="center", va="center", fontsize=0.85 * look.font_size, fontfamily=list(fonts),
        color="#ffffff" if dark else look.text,
    )  # fmt: skip
