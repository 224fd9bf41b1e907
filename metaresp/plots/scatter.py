"""Funnel, Baujat and drapery plots: finished numbers on one pair of axes."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from metaresp.arrays import FloatArray
from metaresp.outcome_words import lowered, outcome_words
from metaresp.plots.axis import rate_axis
from metaresp.plots.fonts import families
from metaresp.plots.picture import Picture, finished, sheet
from metaresp.plots.settings import plain_settings
from metaresp.plots.style import Style, find_style
from metaresp.present.numbers import level_percent
from metaresp.readable import readable

if TYPE_CHECKING:
    from metaresp.analyses.baujat import Baujat
    from metaresp.analyses.funnel import Drapery, Funnel

MOST_LABELS = 8


def draw_funnel(
    rows: "Funnel",
    path: str | os.PathLike[str] | None = None,
    *,
    width: float | str = 5.0,
    style: Style | str | None = None,
) -> Picture:
    """Draw studies against their size, with contours of what sampling alone would give.

    Parameters
    ----------
    rows : Funnel
    path : path, optional
    width : float or str
        Inches, or such as ``"120mm"``.
    style : str or Style, optional
    """
    look = find_style(style)
    by_n = rows.size == "n"
    rate = outcome_words(rows.outcome).rate
    words = (rate, "Patients") if by_n else (f"Logit of the {lowered(rate)}", "Standard error")
    with plain_settings():
        figure, axes = sheet(width, look, words)
        for i, level in enumerate(rows.levels):
            dashes: tuple[float | None, ...] = ((None, None), (5, 2), (1.2, 2))[i % 3]
            label = f"{level_percent(level)} limits of chance"
            axes.plot(rows.low[i], rows.sizes, color=look.grid, linewidth=0.8, dashes=dashes, label=label)
            axes.plot(rows.high[i], rows.sizes, color=look.grid, linewidth=0.8, dashes=dashes)
        axes.axvline(rows.centre, color=look.diamond, linewidth=0.9, label="Pooled rate")
        for chosen, face in ((False, look.square), (True, "none")):
            at = [i for i, corrected in enumerate(rows.corrected) if corrected is chosen]
            label = "0% or 100%, 0.5 added" if chosen else "Study"
            if at:
                axes.plot(
                    rows.x[at], rows.y[at], "o", markersize=5, markerfacecolor=face, clip_on=False,
                    markeredgecolor=look.interval, markeredgewidth=0.7, label=label,
                )  # fmt: skip
        if by_n:
            axes.set_yscale("log")
            _rates(axes, [*rows.x, rows.centre, *rows.low[0], *rows.high[0]], 0.02)
            ticks = [size for power in range(10) for size in (10**power, 2 * 10**power, 5 * 10**power)]
            low, high = axes.get_ylim()
            inside = [size for size in ticks if low <= size <= high]
            axes.set_yticks(inside, [f"{size:,}" for size in inside])
            axes.minorticks_off()
        else:
            axes.invert_yaxis()
        legend(figure, look)
    alt = f"Funnel plot of {len(rows.study)} studies: {words[0].lower()} against {words[1].lower()}."
    return finished(figure, axes, alt, path)


def _rates(axes: Axes, rates: Sequence[float], beyond: float = 0.0) -> None:
    """Set the limits and ticks of an axis of rates, so that rare ones are not crushed at its end."""
    axis = rate_axis(rates)
    room = beyond * (axis.high - axis.low)
    axes.set_xlim(axis.low - room, axis.high + room)
    axes.set_xticks(list(axis.ticks), list(axis.labels))


def legend(figure: Figure, look: Style) -> None:
    """Put the legend beneath, in as many columns as there is width for; the figure grows by its height."""
    words = [label for axes in figure.axes for label in axes.get_legend_handles_labels()[1]]
    fonts = {"family": list(families(look.fonts, words)), "size": 0.9 * look.font_size}
    for columns in range(min(4, len(words)), 0, -1):
        legend = figure.legend(
            loc="outside lower center", ncols=columns, frameon=False, labelcolor=look.text, prop=fonts
        )
        figure.draw_without_rendering()
        box = legend.get_window_extent()
        if columns == 1 or box.width <= figure.bbox.width:
            width, height = figure.get_size_inches()
            figure.set_size_inches(width, height + box.height / figure.dpi)
            return
        legend.remove()


def draw_baujat(
    rows: "Baujat",
    path: str | os.PathLike[str] | None = None,
    *,
    width: float | str = 5.0,
    style: Style | str | None = None,
) -> Picture:
    """Draw influence against heterogeneity, naming the studies that stand out.

    Parameters
    ----------
    rows : Baujat
    path, width, style
        As for :func:`draw_funnel`.
    """
    look = find_style(style)
    words = (rows.contribution_label, "Influence on the pooled rate")
    x, y = rows.contribution, rows.influence
    known = [i for i in range(len(rows.study)) if y[i] == y[i]]
    with plain_settings():
        figure, axes = sheet(width, look, (*words, *rows.study))
        axes.plot(
            x[known], y[known], "o", markersize=5, markerfacecolor=look.square, clip_on=False,
            markeredgecolor=look.interval, markeredgewidth=0.7,
        )  # fmt: skip
        axes.set_xlim(left=0.0, right=1.1 * max(float(x.max()), 1e-9))
        axes.set_ylim(bottom=0.0, top=1.12 * max([float(y[i]) for i in known] + [1e-9]))
        _name(axes, rows.study, x, y, known, look)
    named = sorted(known, key=lambda i: -x[i])[:3]
    alt = f"Baujat plot of {len(known)} studies; largest shares: {', '.join(rows.study[i] for i in named)}."
    return finished(figure, axes, alt, path)


def _name(
    axes: Axes, study: Sequence[str], x: FloatArray, y: FloatArray, known: Sequence[int], look: Style
) -> None:
    """Write the names of the points farthest out, each where it touches no other name."""
    figure = axes.figure
    assert isinstance(figure, Figure)  # made in _sheet
    figure.draw_without_rendering()
    span = (max(float(x.max()), 1e-12), max([float(y[i]) for i in known] + [1e-12]))
    outermost = sorted(known, key=lambda i: -max(x[i] / span[0], y[i] / span[1]))
    # a name touches no point but its own, and stays clear of the axis to the left
    points = axes.transData.transform([(x[i], y[i]) for i in known])
    boxes = [Bbox.from_bounds(px - 4, py - 4, 8, 8) for px, py in points]
    left = axes.get_window_extent().x0 + 2
    for i in outermost[:MOST_LABELS]:
        words = readable(study[i] if len(study[i]) <= 28 else f"{study[i][:27]}…")
        for dx, dy, ha in ((5, 3, "left"), (-5, 3, "right"), (5, -9, "left"), (-5, -9, "right")):
            text = axes.annotate(
                words, (x[i], y[i]), (dx, dy), textcoords="offset points", ha=ha, color=look.text,
                fontsize=0.85 * look.font_size, fontfamily=list(families(look.fonts, [words])),
                parse_math=False,
            )  # fmt: skip
            box = text.get_window_extent()
            inside = box.x0 >= left and figure.bbox.contains(box.x0, box.y0)
            inside &= figure.bbox.contains(box.x1, box.y1)
            if inside and not any(box.overlaps(other) for other in boxes):
                boxes.append(box)
                break
            text.remove()


def draw_drapery(
    rows: "Drapery",
    path: str | os.PathLike[str] | None = None,
    *,
    width: float | str = 5.0,
    style: Style | str | None = None,
) -> Picture:
    """Draw the p-value function of each study and, thicker, of the pooled rate.

    Parameters
    ----------
    rows : Drapery
    path, width, style
        As for :func:`draw_funnel`.
    """
    look = find_style(style)
    with plain_settings():
        words = (outcome_words(rows.outcome).rate, "p-value (two-sided)")
        figure, axes = sheet(width, look, words)
        axes.plot(rows.rates, rows.pooled, color=look.diamond, linewidth=1.8, zorder=3, label="Pooled rate")
        for i, pvalues in enumerate(rows.pvalues):
            label = "_" if i else "One study each"
            axes.plot(rows.rates, pvalues, color=look.square, linewidth=0.6, label=label)
        level = f"p = {1 - rows.level:.3g}: ends of the {level_percent(rows.level)} intervals"
        axes.axhline(1 - rows.level, color=look.grid, linewidth=0.8, dashes=(4, 3), label=level)
        _rates(axes, rows.rates.tolist())
        axes.set_ylim(0.0, 1.01)
        legend(figure, look)
    alt = f"Drapery plot: p-value functions of {len(rows.study)} studies and of the pooled rate."
    return finished(figure, axes, alt, path)
