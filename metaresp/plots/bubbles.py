"""The bubble plot of a regression: studies against a moderator, the fitted rate and its bands."""

import os
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from metaresp.outcome_words import outcome_words
from metaresp.plots.axis import rate_axis
from metaresp.plots.fonts import families, text_width
from metaresp.plots.picture import Picture, finished, legend, sheet
from metaresp.plots.settings import plain_settings
from metaresp.plots.style import Style, find_style
from metaresp.plots.wrap import wrap
from metaresp.present.numbers import level_percent

if TYPE_CHECKING:
    from metaresp.analyses.predicted import Bubbles

_LARGEST, _SMALLEST = 16.0, 3.5  # diameter of a bubble, points
_SPREAD = 0.12  # how far studies of one level are laid apart, each way


def draw_bubbles(
    rows: "Bubbles",
    path: str | os.PathLike[str] | None = None,
    *,
    width: float | str = 5.0,
    style: Style | str | None = None,
) -> Picture:
    """Draw studies, larger where they weigh more, and the fitted rate with its bands.

    Parameters
    ----------
    rows : Bubbles
    path : path, optional
    width : float or str
        Inches, or such as ``"120mm"``.
    style : str or Style, optional
    """
    look = find_style(style)
    name = f"{rows.moderator} ({rows.held})" if rows.held else rows.moderator
    words = (name, outcome_words(rows.outcome or None).rate)
    level = level_percent(rows.level)
    with plain_settings():
        figure, axes = sheet(width, look, words)
        (_levels if rows.levels else _line)(rows, axes, look, level)
        side = np.maximum(_LARGEST * np.sqrt(rows.weight / max(float(rows.weight.max()), 1e-12)), _SMALLEST)
        axes.scatter(
            rows.x + _aside(rows), rows.rate, s=side**2, facecolor=look.square, edgecolor=look.background,
            linewidth=0.8, alpha=0.75, zorder=3, label="Study (larger: more weight)", clip_on=False,
        )  # fmt: skip
        shown = [*rows.rate, *rows.low, *rows.high, *rows.prediction_low, *rows.prediction_high]
        axis = rate_axis([float(value) for value in shown])
        axes.set_ylim(axis.low, axis.high)
        axes.set_yticks(list(axis.ticks), list(axis.labels))
        if rows.levels:
            _name_levels(rows, axes, look, figure.get_size_inches()[0])
        legend(figure, look)
        for handle in figure.legends[-1].legend_handles:
            if handle is not None and hasattr(handle, "set_sizes"):
                handle.set_sizes([36.0])
    ends = [f"{100 * rows.fitted[i]:.3g}% at {_place(rows, i)}" for i in (0, -1)]
    alt = (
        f"Bubble plot of {len(rows.study)} studies: {words[1].lower()} against {rows.moderator}, fitted from "
        f"{ends[0]} to {ends[1]}."
    )
    return finished(figure, axes, alt, path)


def _place(rows: "Bubbles", i: int) -> str:
    return rows.levels[i] if rows.levels else f"{rows.at[i]:g}"


def _line(rows: "Bubbles", axes: Axes, look: Style, level: str) -> None:
    axes.plot(rows.at, rows.fitted, color=look.diamond, linewidth=1.5, zorder=4, label="Fitted rate")
    axes.fill_between(
        rows.at, rows.low, rows.high, color=look.diamond, alpha=0.22, linewidth=0, label=f"{level} CI"
    )
    if not np.isnan(rows.prediction_low).all():
        for i, limit in enumerate((rows.prediction_low, rows.prediction_high)):
            label = "_" if i else f"{level} for a new study"
            axes.plot(rows.at, limit, color=look.prediction, linewidth=0.9, dashes=(4, 3), label=label)
    room = 0.04 * max(float(rows.at[-1] - rows.at[0]), 1e-12)
    axes.set_xlim(float(rows.at[0]) - room, float(rows.at[-1]) + room)


def _levels(rows: "Bubbles", axes: Axes, look: Style, level: str) -> None:
    at = rows.at + 0.28
    if not np.isnan(rows.prediction_low).all():
        axes.vlines(
            at, rows.prediction_low, rows.prediction_high, color=look.prediction, linewidth=1.0,
            linestyles=(0, (4, 3)), label=f"{level} for a new study",
        )  # fmt: skip
    axes.vlines(at, rows.low, rows.high, color=look.diamond, linewidth=2.2, zorder=4, label=f"{level} CI")
    axes.plot(
        at, rows.fitted, "D", color=look.diamond, markersize=5, zorder=5, label="Fitted rate", clip_on=False
    )
    axes.set_xlim(-0.5, len(rows.levels) - 0.5)


def _aside(rows: "Bubbles") -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Return how far each study of a level stands beside its place, in the order of the studies."""
    if not rows.levels:
        return np.zeros_like(rows.x)
    same = rows.x[:, None] == rows.x
    order = np.tril(same, -1).sum(axis=-1)
    count = same.sum(axis=-1)
    share = np.where(count > 1, 2 * order / np.maximum(count - 1, 1) - 1, 0.0)
    out: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = _SPREAD * share - 0.08
    return out


def _name_levels(rows: "Bubbles", axes: Axes, look: Style, width: float) -> None:
    """Write the levels beneath, wrapped in the room of each; on end where that is too little."""
    fonts = tuple(families(look.fonts, rows.levels))
    room = 72 * width * 0.8 / len(rows.levels)

    def measure(text: str) -> float:
        return text_width(text, look.font_size, fonts)

    longest = max(measure(word) for level in rows.levels for word in level.split() or [""])
    turned = longest > room
    labels = list(rows.levels) if turned else ["\n".join(wrap(level, room, measure)) for level in rows.levels]
    labels = [label if len(label) <= 40 or not turned else f"{label[:39]}…" for label in labels]
    axes.set_xticks(list(range(len(labels))), labels, rotation=90 if turned else 0, parse_math=False)
