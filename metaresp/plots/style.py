"""The look of a figure: sizes in points and colours, in one frozen record."""

from dataclasses import dataclass

from metaresp.records import Record


@dataclass(frozen=True, eq=False, slots=True)
class Style(Record):
    """Sizes and colours of a forest plot.

    Attributes
    ----------
    fonts : tuple of str
        Families in order of preference; the first that is installed is used.
    font_size : float
        Points.
    row_height : float
        Distance of two lines of the table, in font sizes.
    wrap_gap : float
        Distance of two lines of one wrapped cell, in font sizes.
    panel_width : float
        Width of the axis, in points, when no width of the figure is asked for.
    column_gap : float
        Between two columns, in points.
    margin : float
        Around everything, in points.
    label_width : float
        Beyond which a label is wrapped, in font sizes (32 are about 65 letters).
    mark_size : float
        Side of the largest square, in font sizes.
    text, muted, rule, grid, interval, square, diamond, diamond_edge, prediction, background : str
        Colours.
    """

    fonts: tuple[str, ...] = ("Arial", "Helvetica Neue", "Liberation Sans", "DejaVu Sans")
    font_size: float = 9.0
    row_height: float = 1.72
    wrap_gap: float = 1.24
    panel_width: float = 216.0
    column_gap: float = 16.0
    margin: float = 12.0
    label_width: float = 32.0
    mark_size: float = 1.05
    text: str = "#1b1f24"
    muted: str = "#5c6670"
    rule: str = "#1b1f24"
    grid: str = "#9aa4ae"
    interval: str = "#22303c"
    square: str = "#6f93b8"
    diamond: str = "#1f4e79"
    diamond_edge: str = "#143553"
    prediction: str = "#b4562f"
    background: str = "#ffffff"
