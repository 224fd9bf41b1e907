"""Influence diagnostics: a small panel for each, studies from top to bottom."""

import os
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from metaresp.arrays import FloatArray
from metaresp.plots.picture import SMALL, Picture, finished, inches_across, panels
from metaresp.plots.settings import plain_settings
from metaresp.plots.style import Style, find_style
from metaresp.readable import readable

if TYPE_CHECKING:
    from metaresp.analyses.influence import Influence

TITLES = {
    "rstudent": "Residual",
    "dffits": "DFFITS",
    "cooks_distance": "Cook's D",
    "cov_ratio": "Cov. ratio",
    "tau2_deleted": "τ² without",
    "rho_deleted": "ρ without",
    "Q_deleted": "Q without",
    "hat": "Hat",
    "weight": "Weight (%)",
}
WIDE = 5.0  # inches from which four panels stand side by side, not two
# Inches: of a study with its name, of the least panel, of the head and ticks of one, of the whole at most.
ROW, LEAST, AROUND, PAGE = 0.15, 0.9, 0.45, 10.0
FLAT = 1e-9  # of the values of a panel that are all the same but for rounding
LONGEST, SHORTER = 28, 20  # letters of a name beside four panels, and beside two


def draw_influence(
    rows: "Influence",
    path: str | os.PathLike[str] | None = None,
    *,
    width: float | str = 6.7,
    style: Style | str | None = None,
) -> Picture:
    """Draw each diagnostic in a panel: a point a study, influential ones marked, limits dashed.

    Parameters
    ----------
    rows : Influence
    path : path, optional
        PNG, PDF, SVG, EPS or TIFF file to write.
    width : float or str
        Inches, or such as ``"170mm"``; below 5 inches two panels stand side by side, else four.
    style : str or Style, optional
    """
    look, across = find_style(style), inches_across(width)
    shown = {name: title for name, title in TITLES.items() if np.isfinite(getattr(rows, name)).any()}
    k, columns = len(rows.study), 4 if across >= WIDE else 2
    lines = -(-len(shown) // columns)
    tall = min(max(ROW * k, LEAST), PAGE / lines - AROUND)
    flagged = np.flatnonzero(rows.influential)
    close = ROW * k > tall  # too close for every name: influential ones are named, where there is room
    named: list[int] = []
    for i in flagged.tolist() if close else range(k):
        if not named or (i - named[-1]) * tall >= ROW * k * close:
            named.append(i)
    names = [readable(rows.study[i]) for i in named]
    most = LONGEST if columns > 2 else SHORTER
    names = [name if len(name) <= most else f"{name[: most - 1]}…" for name in names]
    height = lines * (tall + AROUND)
    with plain_settings():
        titles = list(shown.values())
        figure, several = panels(across, height, look, columns, titles, names)
        for axes, name in zip(several, shown, strict=True):
            _panel(axes, getattr(rows, name), rows.lines[name], flagged, look, 2.5 if close else 4.0)
        several[0].set_ylim(k - 0.4, -0.6)
        for axes in several[::columns]:
            axes.set_yticks(named, names, parse_math=False)
            for label, i in zip(axes.get_yticklabels(), named, strict=True):
                label.set(fontweight="bold" if rows.influential[i] else "normal")
    said = " ".join(rows.notes)
    alt = f"Influence of {k} studies in {len(shown)} panels: {', '.join(titles).lower()}. {said}"
    return finished(figure, several[0], alt, path)


def _panel(
    axes: Axes, values: FloatArray, lines: tuple[float, ...], flagged: np.ndarray, look: Style, size: float
) -> None:
    """Draw one diagnostic: points that hang from its value without influence."""
    place, known = np.arange(values.size), np.isfinite(values)
    start = lines[0] if np.isfinite(lines[0]) else 0.0
    ends = np.array([*values[known], start])
    spread = float(np.ptp(ends))
    room = 0.08 * spread if spread > FLAT * max(1.0, float(np.abs(ends).max())) else 0.5
    low, high = float(ends.min()) - room, float(ends.max()) + room
    axes.axvline(start, color=look.grid, linewidth=0.8)
    for limit in lines[1:]:
        if low <= limit <= high:
            axes.axvline(limit, color=look.prediction, linewidth=0.8, dashes=(4, 3))
    axes.hlines(place[known], start, values[known], color=look.grid, linewidth=0.6)
    for chosen, face, marker in ((False, look.square, "o"), (True, look.prediction, "D")):
        at = known & (np.isin(place, flagged) == chosen)
        if not at.any():
            continue
        axes.plot(
            values[at], place[at], marker, markersize=size, markerfacecolor=face, clip_on=False,
            markeredgecolor=look.interval, markeredgewidth=0.5, linestyle="none", zorder=3,
        )  # fmt: skip
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.xaxis.get_offset_text().set(size=SMALL * look.font_size, color=look.text)
    axes.tick_params(axis="y", length=0, labelsize=SMALL * look.font_size)
