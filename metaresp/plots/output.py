"""Figures to files: whole or not at all, the same bytes every time."""

import io
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from metaresp.errors import InvalidArgument, UnreadableFile
from metaresp.plots.fonts import quiet

# What matplotlib would write about itself and the time of day is left out.
METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": "metaresp"},
    "pdf": {"Creator": "metaresp", "Producer": None, "CreationDate": None},
    "svg": {"Creator": "metaresp", "Date": None},
}

# A reader of an SVG file may not have our font: what may stand for it is named after it.
SVG_FONTS = re.compile(rb'(<text style="[^"]*?font(?:-family)?: [^;"]+)')

LARGEST_SIDE = 2**16 - 1
POINTS_PER_UNIT = {"mm": 72 / 25.4, "cm": 72 / 2.54, "in": 72.0, "pt": 1.0}


@contextmanager
def plain_settings() -> Iterator[None]:
    """Draw with matplotlib's own settings, whatever the user's are, and leave those as they were."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "pdf.fonttype": 42,
                "ps.fonttype": 42,
                "svg.fonttype": "none",
                "svg.hashsalt": "metaresp",
                "text.hinting": "none",
                "path.simplify": False,
            }
        )
        with quiet():
            yield


def points(length: float | str, name: str = "width") -> float:
    """Return a length in points.

    Parameters
    ----------
    length : float or str
        Inches, or a text such as ``"120mm"``, ``"12cm"``, ``"6.5in"``.
    name : str
        Of the argument, for the error.

    Raises
    ------
    InvalidArgument
        If it is no positive length.

    Examples
    --------
    >>> points(2), round(points("25.4 mm"), 6)
    (144.0, 72.0)
    """
    number, unit = length, "in"
    if isinstance(length, str):
        unit = next((known for known in POINTS_PER_UNIT if length.strip().lower().endswith(known)), "in")
        number = length.strip().lower().removesuffix(unit)
    try:
        value = float(number) * POINTS_PER_UNIT[unit]
    except (TypeError, ValueError):
        value = math.nan
    if isinstance(length, bool) or not (math.isfinite(value) and value > 0):
        raise InvalidArgument(
            f"{name}={length!r}: must be a positive number of inches, or a text such as '120mm' or '6.5in'"
        )
    return value


def figure_format(path: str | os.PathLike[str]) -> str:
    """Return the format that the ending of *path* asks for.

    Raises
    ------
    InvalidArgument
        Listing the formats, if it is none of them.

    Examples
    --------
    >>> figure_format("forest.PDF")
    'pdf'
    """
    ending = Path(path).suffix.lower().removeprefix(".")
    if ending not in METADATA:
        known = ", ".join(f".{name}" for name in METADATA)
        raise InvalidArgument(f"path={os.fspath(path)!r}: a figure is written as one of {known}")
    return ending


def checked_dpi(figure: Figure, dpi: float) -> float:
    """Return *dpi*, if a picture of that resolution can be made."""
    if isinstance(dpi, bool) or not isinstance(dpi, int | float) or not 10 <= dpi <= 2400:
        raise InvalidArgument(f"dpi={dpi!r}: must be a number of dots per inch from 10 to 2400")
    longest = max(figure.get_size_inches())
    if longest * dpi > LARGEST_SIDE:
        raise InvalidArgument(
            f"dpi={dpi!r}: the figure is {longest:.0f} inches long; at most "
            f"{math.floor(LARGEST_SIDE / longest)} dots per inch, or a .pdf or .svg"
        )
    return float(dpi)


def rendered(figure: Figure, kind: str, dpi: float) -> bytes:
    """Return the figure as the bytes of a file of that kind.

    Parameters
    ----------
    figure : Figure
    kind : {"png", "pdf", "svg"}
    dpi : float
        Dots per inch of a PNG; PDF and SVG have none.
    """
    dpi = checked_dpi(figure, dpi) if kind == "png" else 72.0
    buffer = io.BytesIO()
    with plain_settings():
        figure.savefig(buffer, format=kind, dpi=dpi, metadata=METADATA[kind], bbox_inches=None)
    content = buffer.getvalue()
    return SVG_FONTS.sub(rb"\1, Arial, Helvetica, sans-serif", content) if kind == "svg" else content


def save_figure(figure: Figure, path: str | os.PathLike[str], dpi: float = 200.0) -> Path:
    """Write the figure to *path*: under a temporary name beside it, then moved into place.

    Returns
    -------
    Path

    Raises
    ------
    InvalidArgument
        If the ending is no known format.
    UnreadableFile
        If the file cannot be written.
    """
    target, kind = Path(path), figure_format(path)
    if not target.parent.is_dir():
        raise UnreadableFile(f"path={os.fspath(path)!r}: there is no folder {os.fspath(target.parent)!r}")
    if target.is_dir():
        raise UnreadableFile(f"path={os.fspath(path)!r}: is a folder, not a file")
    content = rendered(figure, kind, dpi)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, target)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        reason = error.strerror or str(error)
        raise UnreadableFile(f"path={os.fspath(path)!r}: cannot be written ({reason})") from None
    return target
