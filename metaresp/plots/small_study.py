"""Pictures of small-study effects: rates along the sizes with their line, and the filled-in funnel."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from metaresp.outcome_words import lowered, outcome_words
from metaresp.plots.picture import Picture, finished, legend, sheet
from metaresp.plots.scatter import rates_across
from metaresp.plots.settings import plain_settings
from metaresp.plots.style import Style, find_style

if TYPE_CHECKING:
    from metaresp.analyses.small_study import SmallStudyEffects
    from metaresp.analyses.trim_and_fill import TrimAndFill

# The power of n that a predictor is, by which its axis is labelled with numbers of patients.
POWERS = {"1/sqrt(n)": -0.5, "1/n": -1.0, "sqrt(n)": 0.5, "n": 1.0, "": -0.5}
WORDS = {"se": "Standard error", "variance": "Variance"}
_LINE = 1.4  # distance of two labels, in sizes of their letters


def draw_line(
    found: "SmallStudyEffects",
    path: str | os.PathLike[str] | None = None,
    *,
    width: float | str = 5.0,
    style: Style | str | None = None,
) -> Picture:
    """Draw the rates of the studies along their sizes, the largest on top, with the line through them.

    The axis of sizes is that of the predictor, ``1 / sqrt(n)`` where there is none; a line ends at an
    infinitely large trial.

    Parameters
    ----------
    found : SmallStudyEffects
    path : path, optional
    width : float or str
        Inches, or such as ``"120mm"``.
    style : str or Style, optional
    """
    look = find_style(style)
    rate = outcome_words(found.outcome).rate
    power = POWERS.get(found.predictor)
    scale = {-0.5: "1/√n", -1.0: "1/n", 0.5: "√n", 1.0: "n"}.get(power or 0.0, "")
    down = WORDS[found.predictor] if power is None else f"Patients (scale of {scale})"
    rates = found.events / found.n
    with plain_settings():
        figure, axes = sheet(width, look, (rate, down))
        axes.axvline(found.rate, color=look.grid, linewidth=0.9, dashes=(5, 2), label="Pooled rate")
        if found.line_x.size:
            axes.plot(
                found.line_rate,
                found.line_x,
                color=look.diamond,
                linewidth=1.4,
                label="Line through the trials",
            )
        axes.plot(
            rates, found.x, "o", markersize=5, markerfacecolor=look.square, clip_on=False, zorder=3,
            markeredgecolor=look.interval, markeredgewidth=0.7, label="Study",
        )  # fmt: skip
        limits = found.limit_rate_ci
        if limits is not None and found.line_x.size:
            axes.plot([*limits], [0.0, 0.0], color=look.diamond, linewidth=1.4, clip_on=False)
            axes.plot(
                [found.limit_rate], [0.0], "D", markersize=6, markerfacecolor=look.diamond, clip_on=False,
                markeredgecolor=look.diamond, zorder=4, label="Infinitely large trial, with its interval",
            )  # fmt: skip
        rates_across(axes, [*rates, found.rate, *found.line_rate, *(limits or ())], 0.02)
        most = 1.06 * float(found.x.max())
        ends = (most, -0.03 * most) if power is None or power < 0 else (0.0, most)
        axes.set_ylim(*ends)
        legend(figure, look)
        if power is not None:
            figure.draw_without_rendering()
            gap = _LINE * look.font_size / 72 * figure.dpi / axes.get_window_extent().height
            _patients(axes, power, gap, bool(found.line_x.size), 2 * int(found.n.max()))
    alt = f"{rate} of {found.k} studies against their size."
    return finished(figure, axes, alt, path)


def _patients(axes: Axes, power: float, gap: float, endless: bool, largest: int) -> None:
    """Label an axis of ``n ** power`` with numbers of patients, a *gap* of the axis apart, to *largest*."""
    least, most = sorted(axes.get_ylim())
    room = gap * (most - least)
    places: list[float] = [0.0] if endless and power < 0 else []
    labels = ["∞"] if places else []
    sizes = [step * 10**digits for digits in range(9, -1, -1) for step in (5, 2, 1)]
    for size in sizes:
        place = float(size) ** power
        if size <= largest and least <= place <= most and all(abs(place - other) >= room for other in places):
            places.append(place)
            labels.append(f"{size:,}")
    axes.set_yticks(places, labels)
    axes.minorticks_off()


def draw_filled(
    found: "TrimAndFill",
    path: str | os.PathLike[str] | None = None,
    *,
    width: float | str = 5.0,
    style: Style | str | None = None,
) -> Picture:
    """Draw the funnel of effects against their standard errors; studies filled in are hollow.

    Parameters
    ----------
    found : TrimAndFill
    path, width, style
        As for :func:`draw_line`.
    """
    look = find_style(style)
    rate = lowered(outcome_words(found.outcome).rate)
    words = (f"{found.scale.capitalize()} of the {rate}", "Standard error")
    marked = [changed and not filled for filled, changed in zip(found.filled, found.corrected, strict=True)]
    plain = [not (filled or mark) for filled, mark in zip(found.filled, marked, strict=True)]
    kinds = (
        ("Study", "o", look.square, plain),
        ("0% or 100%, corrected", "s", look.square, marked),
        ("Filled in", "o", "none", list(found.filled)),
    )
    with plain_settings():
        figure, axes = sheet(width, look, words)
        axes.axvline(
            found.estimate, color=look.grid, linewidth=0.9, dashes=(5, 2), label="Pooled, as observed"
        )
        if found.k0:
            axes.axvline(
                found.adjusted_estimate, color=look.diamond, linewidth=1.2, label="Pooled, filled in"
            )
        for label, mark, face, chosen in kinds:
            at = _at(chosen)
            if at:
                axes.plot(
                    found.effect[at], found.se[at], mark, markersize=5, markerfacecolor=face, clip_on=False,
                    markeredgecolor=look.interval, markeredgewidth=0.9, label=label, zorder=3,
                )  # fmt: skip
        axes.set_ylim(1.06 * float(found.se.max()), 0.0)
        legend(figure, look)
    alt = (
        f"Funnel plot of {len(found.study) - found.k0} studies with {found.k0} filled in on the {found.side}."
    )
    return finished(figure, axes, alt, path)


def _at(chosen: Sequence[bool]) -> list[int]:
    return [i for i, one in enumerate(chosen) if one]
