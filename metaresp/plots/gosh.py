"""The picture of all subsets: pooled rate against heterogeneity, with the density of each."""

import os
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm

from metaresp.arrays import BoolArray, FloatArray
from metaresp.errors import CannotEstimate, InvalidArgument, known_name, option
from metaresp.outcome_words import outcome_words
from metaresp.plots.axis import rate_axis
from metaresp.plots.picture import Picture, finished, legend, sheet
from metaresp.plots.settings import plain_settings
from metaresp.plots.style import Style, find_style
from metaresp.present.gosh_tables import MEASURES

if TYPE_CHECKING:
    from metaresp.analyses.gosh import Gosh

MOST_POINTS = 3_000  # beyond them, cells in the shade of how many subsets they hold
CELLS = 55
BARS = 60
SIDE = 0.16  # of the axes, that a density takes
LONGEST = 40  # letters of a study's name in the legend


def draw_gosh(
    rows: "Gosh",
    path: str | os.PathLike[str] | None = None,
    *,
    study: str | int | None = None,
    width: float | str = 5.0,
    style: Style | str | None = None,
) -> Picture:
    """Draw every subset by its pooled rate and its heterogeneity.

    Parameters
    ----------
    rows : Gosh
    path : path, optional
    study : str or int, optional
        A study (or cluster), by name or position from 0: subsets that hold it have another colour.
    width : float or str
        Inches, or such as ``"120mm"``.
    style : str or Style, optional

    Raises
    ------
    CannotEstimate
        If no subset has both numbers.
    UnknownName, InvalidArgument
        If there is no such study.
    """
    look = find_style(style)
    x, y = 100 * rows.rate, rows.values()
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        raise CannotEstimate(f"gosh: no subset has both a rate and {MEASURES[rows.measure]}: nothing to draw")
    place = None if study is None else _place(rows, study)
    held = np.zeros(known.sum(), dtype=np.bool_) if place is None else rows.members()[known, place] == 1
    x, y = x[known], y[known]
    rate = outcome_words(rows.outcome).rate
    words = (f"Pooled {rate[0].lower()}{rate[1:]}", MEASURES[rows.measure].replace("I2", "I²"))
    with plain_settings():
        figure, axes = sheet(width, look, words)
        colours = (look.square, look.prediction)
        groups: list[tuple[str, str, BoolArray]] = [(f"{x.size:,} subsets", colours[0], ~held)]
        if place is not None:
            name = rows.study[place]
            name = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
            groups = [(f"Without {name}", colours[0], ~held), (f"With {name}", colours[1], held)]
        _cloud(axes, x, y, groups, look)
        axis = rate_axis([*rows.rate[known].tolist(), rows.whole_rate])
        axes.set_xlim(100 * axis.low, 100 * axis.high)
        axes.set_xticks([100 * tick for tick in axis.ticks], list(axis.labels))
        top = 100.0 if rows.measure == "I2" else 1.08 * max(float(y.max()), 1e-9)
        axes.set_ylim(-0.02 * top, 1.02 * top)
        if rows.measure == "I2":
            axes.set_yticks([0, 25, 50, 75, 100], ["0%", "25%", "50%", "75%", "100%"])
        _densities(axes, x, y, groups)
        if np.isfinite(rows.whole_measure):
            axes.plot(
                [100 * rows.whole_rate], [rows.whole_measure], "D", markersize=6, color=look.diamond,
                markeredgecolor=look.background, markeredgewidth=0.8, label="All studies", zorder=5,
            )  # fmt: skip
        legend(figure, look)
    alt = f"{x.size:,} subsets of {len(rows.study)} studies: pooled {rate.lower()} against {words[1]}."
    return finished(figure, axes, alt, path)


def _place(rows: "Gosh", study: str | int) -> int:
    """Return the position of a study that is given by name or by position."""
    if isinstance(study, bool) or not isinstance(study, str | int | np.integer):
        raise InvalidArgument(f"{option('study', study)}: must be the name of a study, or its position")
    if isinstance(study, str):
        name = known_name("study", study, rows.study)
        if rows.study.count(name) > 1:
            raise InvalidArgument(f"{option('study', study)}: several have this name; give a position from 0")
        return rows.study.index(name)
    if not 0 <= study < len(rows.study):
        raise InvalidArgument(f"{option('study', study)}: positions are 0 to {len(rows.study) - 1}")
    return int(study)


def _cloud(
    axes: Axes, x: FloatArray, y: FloatArray, groups: list[tuple[str, str, BoolArray]], look: Style
) -> None:
    """Draw the subsets: points where there are few or two kinds of them, shaded cells of many."""
    if x.size > MOST_POINTS and len(groups) == 1:
        label, colour, _ = groups[0]
        shades = LinearSegmentedColormap.from_list("subsets", ["#e4ecf4", colour, look.diamond])
        axes.hexbin(x, y, gridsize=CELLS, mincnt=1, cmap=shades, norm=LogNorm(), linewidths=0.1)
        axes.plot([], [], "h", color=colour, markersize=5, label=f"{label}, darker: more of them")
        return
    # an odd step through all subsets, in the order of their bits, favours no study
    some = slice(None, None, x.size // (2 * MOST_POINTS) | 1)
    # of the last group or not; in the order of the subsets, mixed
    kind = groups[-1][2][some].astype(np.int64)
    colours = np.array([groups[0][1], groups[-1][1]])[kind]
    axes.scatter(
        x[some], y[some], s=14.0 if x.size <= 300 else 4.0, color=colours.tolist(), alpha=0.5, linewidths=0,
        rasterized=x.size > MOST_POINTS // 3,
    )  # fmt: skip
    for label, colour, _ in groups:
        axes.plot([], [], "o", color=colour, markersize=4, markeredgewidth=0, label=label)


def _densities(axes: Axes, x: FloatArray, y: FloatArray, groups: list[tuple[str, str, BoolArray]]) -> None:
    """Draw how often each rate, above, and each heterogeneity, at the right, comes."""
    above = axes.inset_axes((0.0, 1.02, 1.0, SIDE), sharex=axes)
    beside = axes.inset_axes((1.02, 0.0, SIDE, 1.0), sharey=axes)
    for _, colour, chosen in groups:
        for panel, values, upright, limits in (
            (above, x[chosen], True, axes.get_xlim()),
            (beside, y[chosen], False, axes.get_ylim()),
        ):
            if values.size:
                panel.hist(
                    values,
                    bins=BARS,
                    range=limits,
                    density=True,
                    orientation="vertical" if upright else "horizontal",
                    color=colour,
                    alpha=0.5,
                    histtype="stepfilled",
                    linewidth=0,
                )
    for panel in (above, beside):
        panel.set_axis_off()
