"""The finished rows of a forest plot: what a figure needs, and all it may know."""

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    """

    key: str
    title: str
    side: str = "left"
    align: str = "left"


@dataclass(frozen=True, eq=False, slots=True)
class ForestRow(Record):
    """One line of a forest plot.

    Attributes
    ----------
    kind : str
        ``study``, ``pooled``, ``prediction``, ``missing`` or ``heading``: how it is drawn.
    label : str
        The text in the ``study`` column.
    rate, low, high : float
        What is drawn, between 0 and 1; NaN where there is nothing to draw.
    weight : float
        Percent; the area of the mark.  NaN: a mark of the standard size.
    cells : mapping of str to str
        Text by column key.
    """

    kind: str
    label: str
    rate: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    weight: float = float("nan")
    cells: Mapping[str, str] = field(default_factory=dict)

    def text(self, key: str) -> str:
        """Return the text in the column *key*, empty where there is none.

        Examples
        --------
        >>> ForestRow("study", "Xu 2012", cells={"events": "13/18"}).text("events")
        '13/18'
        """
        return self.label if key == "study" else self.cells.get(key, "")


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
    """

    columns: tuple[Column, ...]
    rows: tuple[ForestRow, ...]
    notes: tuple[str, ...] = ()
    axis_label: str = "Response rate"
    title: str = ""
    reference: float = float("nan")
    factor: float = 100.0
    unit: str = "%"
