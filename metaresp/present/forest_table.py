"""The finished rows of a forest plot: what a figure needs, and all it may know."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from metaresp.readable import readable
from metaresp.records import Record


@dataclass(frozen=True, eq=False, slots=True)
class Column(Record):
    """A column of text beside the axis.

    Attributes
    ----------
    key : str
        Under which the rows keep its text; ``study`` is the row's label.
    title : str
        Its head.
    side : str
        ``left`` or ``right`` of the axis.
    align : str
        ``left``, ``right``, ``centre``, or a character such as ``/`` or ``(`` that stands above itself in
        every row.
    kind : str
        ``text``, or ``risk``: each cell is a judgement (``+``, ``!``, ``–`` or ``?``) on a coloured disc.
    spare : int
        In what order columns are left out where a figure is too narrow: the greatest first, 0 never.
    """

    key: str
    title: str
    side: str = "left"
    align: str = "left"
    kind: str = "text"
    spare: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class ForestRow(Record):
    """One line of a forest plot.

    Attributes
    ----------
    kind : str
        How it is drawn: ``study``, ``estimate`` (a plain point with its interval), ``pooled``, ``subtotal``,
        ``prediction``, ``density``, ``missing``, ``heading``, or ``note`` (text that may run under the
        columns to the left).
    label : str
        The text in the ``study`` column.
    rate, low, high : float
        What is drawn, between 0 and 1; NaN where there is nothing to draw.
    weight : float
        Percent; the area of the mark.  NaN: a mark of the standard size.
    cells : mapping of str to str
        Text by column key.
    second : tuple of float
        Rate, low and high of a second mark below the first; empty for none.
    ahead : (float, float) or empty
        Limits of a new trial, a thin line through the row; empty for none.
    curve : tuple of (float, float)
        Rates and heights of a density, the greatest being 1.
    indent : int
        Steps to the right of the label.
    tone : int
        0, or the number of the further model it belongs to.
    """

    kind: str
    label: str
    rate: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    weight: float = float("nan")
    cells: Mapping[str, str] = field(default_factory=dict)
    second: tuple[float, ...] = ()
    ahead: tuple[float, float] | tuple[()] = ()
    curve: tuple[tuple[float, ...], ...] = ()
    indent: int = 0
    tone: int = 0

    def text(self, key: str) -> str:
        """Return the text in the column *key*, empty where there is none.

        Examples
        --------
        >>> ForestRow("study", "Xu 2012", cells={"events": "13/18"}).text("events")
        '13/18'
        """
        return self.label if key == "study" else self.cells.get(key, "")


@dataclass(frozen=True, eq=False, slots=True)
class Zone(Record):
    """A shaded part of the axis, or (low = high) a line across the rows.

    Attributes
    ----------
    low, high : float
        Rates between 0 and 1.
    label : str
        For the legend.
    """

    low: float
    high: float
    label: str


@dataclass(frozen=True, eq=False, slots=True)
class LegendItem(Record):
    """One line of the legend.

    Attributes
    ----------
    kind : str
        ``line``, ``zone``, ``second``, ``ahead``, ``risk`` or ``text``: the sample before the words.
    label : str
    index : int
        Which line, zone or model.
    symbol : str
        The judgement, of a ``risk`` sample.
    """

    kind: str
    label: str
    index: int = 0
    symbol: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class ForestTable(Record):
    """Everything a forest plot shows.

    Attributes
    ----------
    columns : tuple of Column
    rows : tuple of ForestRow
        From top to bottom.
    notes : tuple of str
        Lines beneath, such as heterogeneity.
    axis_label : str
    title : str
        Above the plot; empty for none.
    reference : float
        Where the dashed line stands (the pooled rate); NaN for none.
    factor : float
        What rates are multiplied with for the numbers on the axis.
    unit : str
        Written after them.
    decimal : str
        The decimal sign of those numbers.
    lines, zones : tuple of Zone
        Benchmarks and shaded parts.
    legend : tuple of LegendItem
    """

    columns: tuple[Column, ...]
    rows: tuple[ForestRow, ...]
    notes: tuple[str, ...] = ()
    axis_label: str = "Response rate"
    title: str = ""
    reference: float = float("nan")
    factor: float = 100.0
    unit: str = "%"
    decimal: str = "."
    lines: tuple[Zone, ...] = ()
    zones: tuple[Zone, ...] = ()
    legend: tuple[LegendItem, ...] = ()


def readable_table(part: Any) -> Any:
    """Return a table, or a part of one, with every text in it readable; keys of columns are left alone."""
    if isinstance(part, str):
        return readable(part)
    if isinstance(part, tuple):
        return tuple(map(readable_table, part))
    if isinstance(part, Mapping):
        return {key: readable_table(text) for key, text in part.items()}
    if isinstance(part, Record):
        names = [item.name for item in fields(part) if item.name not in {"key", "curve"}]  # type: ignore[arg-type]
        return replace(part, **{name: readable_table(getattr(part, name)) for name in names})  # type: ignore[type-var]
    return part
