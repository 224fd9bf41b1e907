"""Figures to files: whole or not at all, the same bytes every time."""

import html
import io
import math
import os
import re
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from matplotlib.figure import Figure

from metaresp.errors import InvalidArgument, known_name, option
from metaresp.plots.embedded import light_fonts
from metaresp.plots.settings import plain_settings
from metaresp.readable import readable
from metaresp.writing import checked_path, write_files

# What matplotlib would write about itself and the time of day is left out.
METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": "metaresp"},
    "pdf": {"Creator": "metaresp", "Producer": None, "CreationDate": None},
    "svg": {"Creator": "metaresp", "Date": None},
    "eps": {"Creator": "metaresp"},
    "tiff": {},
}
SAME_FORMAT = {"tif": "tiff"}
# Dots per inch where none are asked for; the others have none.
RESOLUTION = {"png": 200.0, "tiff": 300.0}
# What a file says the time is.
PS_DATE = re.compile(rb"(?m)^%%CreationDate:.*\n")

# A reader of an SVG file may not have our font: what may stand for it is named after it.
SVG_FONTS = re.compile(rb'(<text style="[^"]*?font(?:-family)?: [^;"]+)')

LARGEST_SIDE = 2**16 - 1
POINTS_PER_UNIT = {"mm": 72 / 25.4, "cm": 72 / 2.54, "in": 72.0, "pt": 1.0}


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
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if isinstance(length, bool) or not (math.isfinite(value) and value > 0):
        raise InvalidArgument(
            f"{option(name, length)}: must be a positive number of inches, or a text such as '120mm' or "
            "'6.5in'"
        )
    return value


PAGES = {"A3": (297.0, 420.0), "A4": (210.0, 297.0), "A5": (148.0, 210.0), "letter": (215.9, 279.4)}


def page_size(page: str) -> tuple[float, float]:
    """Return width and height of a page in points.

    Raises
    ------
    UnknownName
        If it is no page we know.

    Examples
    --------
    >>> [round(side) for side in page_size("a4")]
    [595, 842]
    """
    width, height = PAGES[known_name("page", page, PAGES)]
    return width * POINTS_PER_UNIT["mm"], height * POINTS_PER_UNIT["mm"]


def checked_number(name: str, value: object, least: float, most: float, of: str = "") -> float:
    """Return *value* as a float between two bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise InvalidArgument(f"{option(name, value)}: must be a number {of}from {least:g} to {most:g}")
    return float(value)


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
    ending = checked_path(path).suffix.lower().removeprefix(".")
    ending = SAME_FORMAT.get(ending, ending)
    if ending not in METADATA:
        known = ", ".join(f".{name}" for name in METADATA)
        raise InvalidArgument(f"{option('path', os.fspath(path))}: a figure is written as one of {known}")
    return ending


def checked_dpi(figure: Figure, dpi: float) -> float:
    """Return *dpi*, if a picture of that resolution can be made."""
    checked_number("dpi", dpi, 10, 2400, "of dots per inch ")
    longest = max(figure.get_size_inches())
    if longest * dpi > LARGEST_SIDE:
        raise InvalidArgument(
            f"{option('dpi', dpi)}: the figure is {longest:.0f} inches long; at most "
            f"{math.floor(LARGEST_SIDE / longest)} dots per inch, or a .pdf or .svg"
        )
    return float(dpi)


def rendered(
    figures: Sequence[Figure], kind: str, dpi: float | None = None, title: str = "", alt: str = ""
) -> bytes:
    """Return figures as the bytes of one file of that kind.

    Parameters
    ----------
    figures : sequence of Figure
        More than one only in a PDF or TIFF.
    kind : {"png", "pdf", "svg", "eps", "tiff"}
    dpi : float, optional
        Dots per inch of a PNG (200) or TIFF (300); the others have none.
    title, alt : str
        What the figure shows, kept in the file for readers that speak it.
    """
    if kind in RESOLUTION:
        dpi = min(checked_dpi(figure, RESOLUTION[kind] if dpi is None else dpi) for figure in figures)
    else:
        dpi = 72.0
    title, alt = readable(title), readable(alt)
    with plain_settings(), light_fonts() if kind == "pdf" else nullcontext():
        if len(figures) > 1 and kind == "pdf":
            return _pdf_pages(figures, title, alt)
        if kind == "tiff":
            return _tiff(figures, dpi, alt)
        buffer = io.BytesIO()
        figures[0].savefig(
            buffer, format=kind, dpi=dpi, metadata=METADATA[kind] | _said(kind, title, alt), bbox_inches=None,
            facecolor=figures[0].get_facecolor(),
        )  # fmt: skip
    content = buffer.getvalue()
    if kind == "eps":
        return PS_DATE.sub(b"", content)
    if kind == "svg" and alt:
        words = html.escape(alt, quote=True).encode()
        content = content.replace(b"<svg ", b'<svg role="img" aria-label="' + words + b'" ', 1)
    return SVG_FONTS.sub(rb"\1, Arial, Helvetica, sans-serif", content) if kind == "svg" else content


def _said(kind: str, title: str, alt: str) -> dict[str, str | None]:
    """Return title and description under the names that the format has for them."""
    names = {"png": ("Title", "Description"), "pdf": ("Title", "Subject"), "svg": ("Title", "Description")}
    if kind not in names:
        return {}
    return {name: words for name, words in zip(names[kind], (title, alt), strict=True) if words}


def _pdf_pages(figures: Sequence[Figure], title: str, alt: str) -> bytes:
    from matplotlib.backends.backend_pdf import PdfPages

    buffer = io.BytesIO()
    with PdfPages(buffer, metadata=METADATA["pdf"] | _said("pdf", title, alt)) as pages:
        for figure in figures:
            pages.savefig(figure, bbox_inches=None, facecolor=figure.get_facecolor())
    return buffer.getvalue()


def _tiff(figures: Sequence[Figure], dpi: float, alt: str) -> bytes:
    """Return the pages as one TIFF, packed without loss."""
    from PIL import Image

    pages = []
    for figure in figures:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi, bbox_inches=None, facecolor=figure.get_facecolor())
        buffer.seek(0)
        with Image.open(buffer) as picture:
            pages.append(picture.convert("RGB"))
    whole = io.BytesIO()
    words = {"description": alt.encode("ascii", "replace").decode()} if alt else {}
    pages[0].save(
        whole, format="TIFF", compression="tiff_lzw", dpi=(dpi, dpi), save_all=True, append_images=pages[1:],
        **words,
    )  # fmt: skip
    return whole.getvalue()


def save_figures(
    figures: Sequence[Figure],
    path: str | os.PathLike[str],
    dpi: float | None = None,
    title: str = "",
    alt: str = "",
) -> Path:
    """Write the pages to *path*, all of them or none; see :func:`metaresp.writing.write_files`.

    Returns
    -------
    Path
        Of the first page.

    Raises
    ------
    InvalidArgument
        If the ending is no known format.
    UnreadableFile
        If the file cannot be written.
    """
    kind, target = figure_format(path), checked_path(path)
    if kind in {"pdf", "tiff"}:
        contents = {target: rendered(figures, kind, dpi, title, alt)}
    else:
        contents = {
            target if number == 1 else target.with_name(f"{target.stem}-{number}{target.suffix}"): rendered(
                [figure], kind, dpi, title, alt
            )
            for number, figure in enumerate(figures, start=1)
        }
    write_files(contents)
    return target
