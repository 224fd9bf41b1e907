"""Coverage of interval methods as small panels on one scale, and their expected widths."""

import math
import os
from typing import Protocol

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from metaresp.arrays import FloatArray
from metaresp.plots.fonts import families
from metaresp.plots.picture import Picture, finished
from metaresp.plots.settings import plain_settings
from metaresp.plots.style import Style
from metaresp.present.numbers import level_percent
from metaresp.present.rates import SCALES, limit_text

COLUMNS = 3
PANEL = (2.7, 2.0)
LINE = "#1f4e79"
NOMINAL = "#b03030"
#: Styles that tell methods apart in the one panel they share, without colour too.
STYLES = ("-", "--", ":", "-.")
COLOURS = ("#1f4e79", "#b8860b", "#2e7d4f", "#8e3a80", "#b03030", "#555555")


class CoverageRows(Protocol):
    """Finished numbers of a coverage comparison: k methods at m rates."""

    @property
    def n(self) -> int: ...  # noqa: D102 - described by the record that is drawn
    @property
    def methods(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def level(self) -> float: ...  # noqa: D102
    @property
    def rates(self) -> FloatArray: ...  # noqa: D102
    @property
    def coverage(self) -> FloatArray: ...  # noqa: D102
    @property
    def expected_width(self) -> FloatArray: ...  # noqa: D102
    @property
    def minimum(self) -> FloatArray: ...  # noqa: D102
    @property
    def mean(self) -> FloatArray: ...  # noqa: D102


def draw_coverage(rows: CoverageRows, path: str | os.PathLike[str] | None = None) -> Picture:
    """Draw one panel of coverage per method, all on one scale, and one of expected widths.

    Parameters
    ----------
    rows : CoverageRows
        Coverage and expected width, shape (k, m), with minimum and mean coverage, shape (k,).
    path : path, optional
        PNG, PDF, SVG, EPS or TIFF file to write.

    Returns
    -------
    Picture
    """
    count = len(rows.methods) + 1
    columns = min(COLUMNS, count)
    lines = math.ceil(count / columns)
    order = np.argsort(rows.rates, kind="stable")
    with plain_settings({"font.family": list(families(Style().fonts, rows.methods))}):
        size = (PANEL[0] * columns + 0.3, PANEL[1] * lines + 0.75)
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(
            f"Coverage of {level_percent(rows.level)} intervals, n = {rows.n}", x=0.01, ha="left", fontsize=10
        )
        axes = figure.subplots(lines, columns, squeeze=False).ravel()
        floor = _floor(rows)
        for i, method in enumerate(rows.methods):
            axis = axes[i]
            axis.axhline(rows.level, color=NOMINAL, linewidth=0.8)
            axis.plot(rows.rates[order], rows.coverage[i][order], color=LINE, linewidth=0.9)
            axis.set_ylim(floor, 1.0 + 0.03 * (1 - floor))
            axis.set_title(
                f"{method}\nlowest {_share(rows.minimum[i])}, mean {_share(rows.mean[i])}",
                fontsize=7.5, loc="left",
            )  # fmt: skip
        last = axes[count - 1]
        for i, method in enumerate(rows.methods):
            last.plot(
                rows.rates[order], rows.expected_width[i][order], linewidth=0.9, label=method,
                color=COLOURS[i % len(COLOURS)], linestyle=STYLES[(i + i // len(COLOURS)) % len(STYLES)],
            )  # fmt: skip
        last.set_ylim(bottom=0.0)
        last.set_title("expected width\n", fontsize=7.5, loc="left")
        figure.legend(
            *last.get_legend_handles_labels(), loc="outside lower center", ncols=min(4, count - 1),
            fontsize=7, frameon=False,
        )  # fmt: skip
        for axis in axes[:count]:
            axis.set_xlim(0.0, 1.0)
            axis.tick_params(labelsize=7)
            axis.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
            axis.yaxis.set_major_formatter(lambda value, _: f"{round(100 * value, 6):g}%")
            axis.spines[["top", "right"]].set_visible(False)
        for axis in axes[max(0, count - columns) : count]:
            axis.set_xlabel("true response rate", fontsize=7.5)
        for axis in axes[count:]:
            axis.set_visible(False)
    least = ", ".join(
        f"{method} {_share(value)}" for method, value in zip(rows.methods, rows.minimum, strict=True)
    )
    alt = (
        f"Coverage of {level_percent(rows.level)} intervals by the true rate, n = {rows.n}; lowest: {least}."
    )
    return finished(figure, axes[0], alt, path)


def _share(coverage: float) -> str:
    return limit_text(float(coverage), SCALES["percent"], 1)


def _floor(rows: CoverageRows) -> float:
    """Return the lower end of the coverage axis: four times the nominal error, where good methods stay."""
    return max(0.0, 1 - 4.2 * (1 - rows.level))
