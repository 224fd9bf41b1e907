"""The look of a figure: sizes, colours and words, in one frozen record that a small file can fill."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any

from matplotlib.colors import is_color_like

from metaresp.errors import InvalidArgument, UnreadableFile, closest, known_name, option, shown
from metaresp.present.wording import wording
from metaresp.records import Record

MARKERS = {"square": "s", "diamond": "D", "circle": "o"}
COLOURS = (
    "text", "muted", "rule", "grid", "interval", "square", "diamond", "diamond_edge", "subtotal",
    "prediction", "shrunken", "background", "risk_low", "risk_some", "risk_high", "risk_none",
    "risk_text",
)  # fmt: skip
COUNTS = ("joined", "split")
RULES = ("header", "rows", "none")
_RANGES = {
    "font_size": (4.0, 40.0),
    "row_height": (1.3, 5.0),
    "wrap_gap": (1.15, 4.0),
    "panel_width": (60.0, 2000.0),
    "column_gap": (4.0, 100.0),
    "margin": (0.0, 200.0),
    "label_width": (7.0, 200.0),
    "mark_size": (0.3, 1.3),
    "line_width": (0.02, 0.5),
}


@dataclass(frozen=True, eq=False, slots=True)
class Style(Record):
    """Sizes, colours and words of a forest plot.

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
    line_width : float
        Of the intervals, in font sizes.
    marker : str
        Of a study: ``square``, ``diamond`` or ``circle``.
    rules : str
        Lines across the table: ``header`` (below it), ``rows`` (below every row too) or ``none``.
    bold_heads : bool
        Whether heads of columns and pooled rows are bold.
    counts : str
        Events and patients ``joined`` in one column or ``split`` into two.
    numbers_left : bool
        Whether rate and weights stand to the left of the axis.
    text, muted, rule, grid, interval, square, diamond, diamond_edge, subtotal, prediction, shrunken : str
    background, risk_low, risk_some, risk_high, risk_none, risk_text : str
        Colours.
    models, lines, zones : tuple of str
        Colours of further models, benchmarks and shaded parts, in turn.
    words : mapping of str to str
        Words in the place of ours, see :data:`metaresp.present.wording.WORDS`.
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
    line_width: float = 0.11
    marker: str = "square"
    rules: str = "header"
    bold_heads: bool = True
    counts: str = "joined"
    numbers_left: bool = False
    text: str = "#1b1f24"
    muted: str = "#5c6670"
    rule: str = "#1b1f24"
    grid: str = "#9aa4ae"
    interval: str = "#22303c"
    square: str = "#6f93b8"
    diamond: str = "#1f4e79"
    diamond_edge: str = "#143553"
    subtotal: str = "#6b93ba"
    prediction: str = "#b4562f"
    shrunken: str = "#b4562f"
    background: str = "#ffffff"
    risk_low: str = "#56b4a0"
    risk_some: str = "#f0d264"
    risk_high: str = "#e07b54"
    risk_none: str = "#c3c9cf"
    risk_text: str = "#111111"
    models: tuple[str, ...] = ("#7a3b8f", "#2e7d4f", "#8a6d1d")
    lines: tuple[str, ...] = ("#8f1d5b", "#2e7d4f", "#8a6d1d")
    zones: tuple[str, ...] = ("#f3e7d3", "#e2eddf", "#e9e4f2")
    words: Mapping[str, str] = field(default_factory=dict)


def style_names() -> tuple[str, ...]:
    """Return the names of the styles that come with the package.

    Examples
    --------
    >>> style_names()
    ('bmj', 'dark', 'default', 'jama', 'lancet', 'minimal', 'revman')
    """
    folder = resources.files("metaresp.plots") / "styles"
    return tuple(sorted(item.name[:-5] for item in folder.iterdir() if item.name.endswith(".toml")))


def find_style(style: "Style | str | os.PathLike[str] | None") -> Style:
    """Return a style: by its name, from a TOML file, or as it is given.

    Parameters
    ----------
    style : Style, str, path or None
        A name of :func:`style_names`, a file that ends in ``.toml`` with any of the fields of
        :class:`Style`, or a Style.

    Raises
    ------
    UnknownName
        If there is no style of that name.
    UnreadableFile
        If the file cannot be read.
    InvalidArgument
        If a field is not known or has no such value.

    Examples
    --------
    >>> find_style("revman").marker
    'square'
    """
    if style is None:
        return find_style("default")
    if isinstance(style, Style):
        return _checked(style, "style")
    if isinstance(style, str | os.PathLike) and Path(style).suffix == ".toml":
        try:
            content = Path(style).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise UnreadableFile(f"{option('style', os.fspath(style))}: cannot be read ({error})") from None
        return _parsed(content, option("style", os.fspath(style)))
    name = known_name("style", style, style_names(), "a .toml file or a Style")
    content = (resources.files("metaresp.plots") / "styles" / f"{name}.toml").read_text(encoding="utf-8")
    return _parsed(content, option("style", name))


def _parsed(content: str, where: str) -> Style:
    try:
        found = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise InvalidArgument(f"{where}: is not TOML ({error})") from None
    known = {item.name: item for item in fields(Style)}
    for name in found:
        if name not in known:
            raise InvalidArgument(f"{where}: {name!r} is no field of a style{closest(name, known)}")
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in found.items()
    }
    return _checked(replace(Style(), **values), where)


def _checked(style: Style, where: str) -> Style:
    for name, (least, most) in _RANGES.items():
        value = getattr(style, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise InvalidArgument(
                f"{where}: {name} = {shown(value)} must be a number from {least:g} to {most:g}"
            )
    for name, choices in (("marker", tuple(MARKERS)), ("rules", RULES), ("counts", COUNTS)):
        value = getattr(style, name)
        if value not in choices:
            raise InvalidArgument(f"{where}: {name} = {shown(value)}: choose {', '.join(map(repr, choices))}")
    for name in ("bold_heads", "numbers_left"):
        if not isinstance(getattr(style, name), bool):
            raise InvalidArgument(f"{where}: {name} = {shown(getattr(style, name))}: must be true or false")
    _check_colours(style, where)
    for name in ("fonts", "models", "lines", "zones"):
        several: Any = getattr(style, name)
        if not isinstance(several, tuple) or not several or not all(isinstance(x, str) for x in several):
            raise InvalidArgument(f"{where}: {name} = {shown(several)}: must be a list of text")
    wording(style.words)
    return style


def _check_colours(style: Style, where: str) -> None:
    several = [(name, colour) for name in ("models", "lines", "zones") for colour in getattr(style, name)]
    for name, colour in [*((name, getattr(style, name)) for name in COLOURS), *several]:
        if not is_color_like(colour):
            raise InvalidArgument(f"{where}: {name} = {shown(colour)}: must be a colour such as '#1f4e79'")
