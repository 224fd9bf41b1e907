"""One trial's interval by several methods, one line each."""

import os
from typing import Protocol

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from metaresp.arrays import FloatArray
from metaresp.plots.fonts import families
from metaresp.plots.output import save_figure
from metaresp.plots.settings import plain_settings
from metaresp.plots.style import Style
from metaresp.present.numbers import level_percent
from metaresp.present.rates import SCALES, rates_and_intervals

LINE_HEIGHT = 0.24
LINE = "#1f4e79"


class IntervalRows(Protocol):
    """Finished intervals of one trial: k methods."""

    @property
    def events(self) -> int: ...  # noqa: D102 - described by the record that is drawn
    @property
    def n(self) -> int: ...  # noqa: D102
    @property
    def rate(self) -> float: ...  # noqa: D102
    @property
    def level(self) -> float: ...  # noqa: D102
    @property
    def methods(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def low(self) -> FloatArray: ...  # noqa: D102
    @property
    def high(self) -> FloatArray: ...  # noqa: D102


def draw_intervals(rows: IntervalRows, path: str | os.PathLike[str] | None = None) -> Figure:
    """Draw the intervals below each other, the observed rate as a line through all of them.

    Parameters
    ----------
    rows : IntervalRows
        Methods with their limits, shape (k,), and the observed rate.
    path : path, optional
        Where to write the figure (png, pdf or svg).

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot, never shown.
    """
    k, percent = len(rows.methods), SCALES["percent"]
    texts = rates_and_intervals([rows.rate] * k, rows.low.tolist(), rows.high.tolist(), percent)
    with plain_settings({"font.family": list(families(Style().fonts, rows.methods))}):
        figure = Figure(figsize=(6.3, LINE_HEIGHT * k + 1.2), layout="constrained")
        axis = figure.subplots()
        axis.axvline(rows.rate, color="#999999", linewidth=0.8)
        places = list(range(k))
        axis.hlines(places, rows.low, rows.high, color=LINE, linewidth=1.4)
        axis.plot(rows.low, places, "|", color=LINE, markersize=6, clip_on=False)
        axis.plot(rows.high, places, "|", color=LINE, markersize=6, clip_on=False)
        axis.plot([rows.rate] * k, places, "s", color=LINE, markersize=3.5, clip_on=False)
        axis.set_yticks(places, rows.methods, fontsize=8)
        axis.set_ylim(k - 0.4, -0.6)
        beside = axis.secondary_yaxis("right")
        beside.set_yticks(
            places,
            [interval for _, interval in texts],
            fontsize=8,
        )
        for side in (axis, beside):
            side.tick_params(axis="y", length=0)
            side.spines[["top", "left", "right"]].set_visible(False)
        axis.xaxis.set_major_formatter(PercentFormatter(1.0))
        axis.tick_params(axis="x", labelsize=8)
        axis.set_xlabel("Response rate", fontsize=8)
        axis.set_title(
            f"{rows.events}/{rows.n} = {texts[0][0]}, "
            f"{level_percent(rows.level)} intervals",
            fontsize=9, loc="left",
        )  # fmt: skip
    if path is not None:
        save_figure(figure, path)
    return figure
