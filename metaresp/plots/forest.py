"""Forest plots: finished rows to a figure that nothing is cropped from."""

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metaresp.arrays import silent
from metaresp.checks import check_text
from metaresp.errors import InvalidArgument, closest, option
from metaresp.plots.axis import Axis
from metaresp.plots.canvas import ForestPlot, drawn
from metaresp.plots.layout import Layout
from metaresp.plots.output import checked_number, figure_format, page_size, points
from metaresp.plots.placed import placed
from metaresp.plots.settings import plain_settings
from metaresp.plots.style import Style, find_style
from metaresp.present.describe import describe
from metaresp.present.forest_rows import forest_rows, forest_rows_studies
from metaresp.present.forest_table import ForestTable, readable_table
from metaresp.present.wording import outcome_labels, wording

if TYPE_CHECKING:
    from metaresp.analyses.subgroups import Subgroups
    from metaresp.result import Fit
    from metaresp.studies import Studies

__all__ = ["ForestPlot", "draw_forest", "forest_fit", "forest_studies"]


@silent
def forest_fit(
    fit: "Fit",
    path: str | os.PathLike[str] | None = None,
    *,
    by: "str | Subgroups | None" = None,
    **options: Any,
) -> ForestPlot:
    """Draw a fit: studies with exact intervals, pooled diamond, prediction interval, heterogeneity.

    Parameters
    ----------
    fit : Fit
    path : path, optional
        PNG, PDF, SVG, EPS or TIFF file to write.
    by : str or Subgroups, optional
        Covariate that tells groups, each with its heading, diamond and heterogeneity; or the result of
        ``mr.subgroups``.
    **options
        What is shown (``scale``, ``sort``, ``of``, ``also``, ``benchmark``, ...): see
        :func:`metaresp.present.forest_rows.forest_rows`.  How it is drawn (``width``, ``style``, ...): see
        :func:`draw_forest`.

    Returns
    -------
    ForestPlot

    Raises
    ------
    InvalidArgument
        If an option is not known, or has no such value.

    Notes
    -----
    R: ``meta::forest(meta::metaprop(..., method = "GLMM", prediction = TRUE))``.

    Examples
    --------
    >>> import metaresp as mr
    >>> plot = forest_fit(mr.pool(events=[13, 4, 9], n=[18, 7, 20]))
    >>> [mark for row in plot.marks for mark in row]
    ['square', 'interval', 'square', 'interval', 'square', 'interval', 'diamond', 'bar']
    """
    if by is not None:
        from metaresp.analyses.subgroups import Subgroups, subgroups

        options["groups"] = by if isinstance(by, Subgroups) else subgroups(fit, by)
        if options["groups"].fit != fit:
            raise InvalidArgument("by: these subgroups are of another fit")
    return forest_of(forest_rows, fit, path, options)


@silent
def forest_studies(
    studies: "Studies", path: str | os.PathLike[str] | None = None, **options: Any
) -> ForestPlot:
    """Draw the intervals of studies alone, with no diamond.

    Parameters
    ----------
    studies : Studies
    path : path, optional
        PNG, PDF, SVG, EPS or TIFF file to write.
    **options
        What is shown: see :func:`metaresp.present.forest_rows.forest_rows_studies`.  How it is drawn: see
        :func:`draw_forest`.

    Returns
    -------
    ForestPlot

    Examples
    --------
    >>> import metaresp as mr
    >>> plot = forest_studies(mr.Studies(events=[0, 13], n=[18, 18], study=["Harm", "Response"]))
    >>> plot.marks[0]["square"].get_xdata()
    [0.0]
    """
    return forest_of(forest_rows_studies, studies, path, options)


def forest_of(
    rows: Callable[..., ForestTable],
    data: Any,
    path: str | os.PathLike[str] | None,
    options: Mapping[str, Any],
) -> ForestPlot:
    """Make the rows of *data* and draw them; each option belongs to one of the two."""
    shown, look = _keywords(rows), _keywords(draw_forest)
    for name in options:
        if name not in shown | look or (name == "groups" and options[name] is None):
            known = sorted((shown | look) - {"groups", "ci"})
            raise InvalidArgument(
                f"{option(name, options[name])}: a forest plot has no such option{closest(name, known)} "
                f"(there are: by, {', '.join(known)})"
            )
    style = find_style(options.get("style"))
    words = {name: value for name, value in options.items() if name in shown}
    wording(words.get("labels"))
    if "counts" in shown:
        words.setdefault("counts", style.counts)
    own = getattr(getattr(data, "spec", data), "outcome", None)
    named = outcome_labels(own if words.get("outcome") is None else words["outcome"], style.words)
    words["labels"] = {**style.words, **named, **(words.get("labels") or {})}
    drawing = {name: value for name, value in options.items() if name in look} | {"style": style}
    return draw_forest(rows(data, **words), path, **drawing)


def takes(*, pooled: bool = True) -> set[str]:
    """Return the options of a forest plot: of a fit, or of studies alone.

    Examples
    --------
    >>> takes() - takes(pooled=False) >= {"by", "shrunken"}
    True
    """
    own = {"by", *_keywords(forest_rows)} - {"groups"} if pooled else _keywords(forest_rows_studies)
    return own | _keywords(draw_forest)


def _keywords(function: Callable[..., Any]) -> set[str]:
    return {p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY}


@silent
def draw_forest(
    table: ForestTable,
    path: str | os.PathLike[str] | None = None,
    *,
    width: float | str | None = None,
    page: str | None = None,
    ax: Axes | None = None,
    xlim: tuple[float, float] | None = None,
    spacing: str = "linear",
    style: Style | str | os.PathLike[str] | None = None,
    font_size: float | None = None,
    dpi: float | None = None,
    alt: str | None = None,
) -> ForestPlot:
    """Draw finished rows.

    Parameters
    ----------
    table : ForestTable
    path : path, optional
        PNG, PDF, SVG, EPS or TIFF file to write.
    width : float or str, optional
        Width of the figure in inches, or as ``"120mm"``.  The figure is as wide as its text needs when not
        given; in a narrower one labels are wrapped, then the axis and the type shrink.
    page : {"A3", "A4", "A5", "letter"}, optional
        The figure is as wide as the page and at most as high; what does not fit goes on another
        (``plot.pages``).
    ax : Axes, optional
        Draw in the place of these axes, which become the panel.
    xlim : (float, float), optional
        Limits of the axis between 0 and 1; intervals that leave it end in an arrow.  0 to 1 when not given,
        or the half that holds every interval.
    spacing : {"linear", "logit", "sqrt"}
        How far apart rates stand; the ticks say the rates.  A logit axis is drawn softly at its ends, so
        that 0% and 100% have their place on it.
    style : str, path or Style, optional
        ``default``, ``jama``, ``bmj``, ``lancet``, ``revman``, ``minimal``, ``dark``, a ``.toml`` file with
        fields of :class:`metaresp.plots.style.Style`, or such a record.
    font_size : float, optional
        Points; that of the style when not given.
    dpi : float, optional
        Dots per inch of a PNG (200) or TIFF (300) file.
    alt : str, optional
        The figure in words, kept in the file; made from the rows when not given.

    Returns
    -------
    ForestPlot

    Raises
    ------
    InvalidArgument
        If an argument has no such value, or nothing readable fits in *width*.
    UnreadableFile
        If the file cannot be written.

    Examples
    --------
    >>> from metaresp.present.forest_table import Column, ForestRow, ForestTable
    >>> row = ForestRow("study", "Xu 2012", 13 / 18, 0.465, 0.903, cells={"events": "13/18"})
    >>> table = ForestTable((Column("study", "Study"), Column("events", "Events/n")), (row,))
    >>> plot = draw_forest(table)
    >>> plot.texts[0, "events"][0].get_text()
    '13/18'
    """
    if path is not None:
        figure_format(path)
    look = _look(style, font_size)
    across, height = _room(width, page, ax)
    if dpi is not None:
        checked_number("dpi", dpi, 10, 2400)
    words = describe(table) if alt is None else alt
    check_text("alt", words)
    shown = _sided(readable_table(table), look)
    with plain_settings():
        shown, axis, layouts = placed(shown, look, xlim, spacing, across, height, page is not None)
        plot = _pages(shown, layouts, axis, look, dpi, words, ax)
    if path is not None:
        plot.save(path)
    return plot


def _look(style: Any, font_size: float | None) -> Style:
    look = find_style(style)
    if font_size is None:
        return look
    return replace(look, font_size=checked_number("font_size", font_size, 4, 40, "of points "))


def _room(width: float | str | None, page: str | None, ax: Axes | None) -> tuple[float | None, float | None]:
    """Return width and greatest height in points, from the one of the three that is given."""
    given = [name for name, value in (("width", width), ("page", page), ("ax", ax)) if value is not None]
    if len(given) > 1:
        raise InvalidArgument(
            f"{option(given[0])} and {option(given[1])}: each says how wide the figure is; give one"
        )
    if page is not None:
        return page_size(page)
    if ax is None:
        return None if width is None else points(width), None
    if not isinstance(ax, Axes) or not isinstance(ax.figure, Figure):
        raise InvalidArgument(f"{option('ax', ax)}: must be matplotlib Axes on a Figure")
    box = ax.get_position()
    inches = ax.figure.get_size_inches()
    return 72 * box.width * float(inches[0]), 72 * box.height * float(inches[1])


def _sided(table: ForestTable, style: Style) -> ForestTable:
    """Return the table with the numbers on the side that the style wants them."""
    if not style.numbers_left:
        return table
    moved = [
        replace(column, side="left") if column.key.split(" ")[0] in {"rate", "weight"} else column
        for column in table.columns
    ]
    return replace(table, columns=tuple(moved))


def _pages(
    table: ForestTable,
    layouts: tuple[Layout, ...],
    axis: Axis,
    style: Style,
    dpi: float | None,
    alt: str,
    ax: Axes | None,
) -> ForestPlot:
    """Draw every page, the first holding the further ones."""
    start, plots = 0, []
    for i, layout in enumerate(layouts):
        stop = start + len(layout.rows)
        first, last = i == 0, i == len(layouts) - 1
        part = replace(
            table,
            rows=table.rows[start:stop],
            title=table.title if first else "",
            notes=table.notes if last else (),
            legend=table.legend if last else (),
        )
        plots.append((part, layout))
        start = stop
    further = [
        drawn(part, layout, axis, replace(style, font_size=layout.font_size), dpi, alt)
        for part, layout in plots[1:]
    ]
    part, layout = plots[0]
    sized = replace(style, font_size=layout.font_size)
    return drawn(part, layout, axis, sized, dpi, alt, ax, tuple(further))
