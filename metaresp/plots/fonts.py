"""Fonts that have the letters at hand, and the size of text set in them."""

from collections.abc import Iterable
from functools import lru_cache

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font
from matplotlib.textpath import TextToPath

from metaresp.plots.settings import quiet

# Wide coverage first; which of them are there depends on the machine.
FALLBACKS = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "Droid Sans Fallback",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "SimHei",
    "Noto Sans",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Arial Unicode MS",
    "Segoe UI Symbol",
    "Segoe UI",
)

# Raster output may hint letters to whole pixels; measured advances differ by at most this share.
HINTING_SLACK = 1.015

_OUTLINES = TextToPath()


@lru_cache(maxsize=1)
def installed() -> frozenset[str]:
    """Return the names of the font families that matplotlib can find."""
    return frozenset(entry.name for entry in font_manager.fontManager.ttflist)


@lru_cache(maxsize=64)
def _letters(family: str) -> frozenset[int]:
    """Return the code points a family has; empty where its file cannot be read."""
    try:
        path = font_manager.findfont(font_manager.FontProperties(family=family), fallback_to_default=False)
        return frozenset(FT2Font(path).get_charmap())
    except (ValueError, OSError, RuntimeError):
        return frozenset()


def families(preferred: Iterable[str], text: Iterable[str]) -> tuple[str, ...]:
    """Return the installed family to use, then those needed for letters that it has not.

    Parameters
    ----------
    preferred : iterable of str
        Families in order of preference.
    text : iterable of str
        Everything that will be set.

    Returns
    -------
    tuple of str
        Never empty: DejaVu Sans comes with matplotlib.

    Examples
    --------
    >>> families(["No Such Font", "DejaVu Sans"], ["Study"])
    ('DejaVu Sans',)
    """
    first = next((name for name in preferred if name in installed() and _letters(name)), "DejaVu Sans")
    chosen = [first]
    lacking = {ord(letter) for words in text for letter in words} - _letters(first)
    for name in FALLBACKS:
        if lacking and name not in chosen and name in installed() and lacking & _letters(name):
            chosen.append(name)
            lacking -= _letters(name)
    return tuple(chosen)


@lru_cache(maxsize=4096)
def _unit_size(words: str, names: tuple[str, ...], bold: bool) -> tuple[float, float, float]:
    """Return width, ascent and descent in font sizes."""
    font = font_manager.FontProperties(family=list(names), size=100, weight="bold" if bold else "normal")
    with quiet():
        width, height, descent = _OUTLINES.get_text_width_height_descent(words, font, False)
    return float(width) / 100, float(height - descent) / 100, float(descent) / 100


def text_width(words: str, size: float, names: tuple[str, ...], *, bold: bool = False) -> float:
    """Return the width of one line of text in points.

    Parameters
    ----------
    words : str
    size : float
        Font size in points.
    names : tuple of str
        Families, as :func:`families` returns them.
    bold : bool

    Notes
    -----
    Measured once per distinct string, at any size: letters are set without hinting.
    """
    if not words:
        return 0.0
    return _unit_size(words, names, bold)[0] * size * HINTING_SLACK


def text_reach(words: str, names: tuple[str, ...], *, bold: bool = False) -> tuple[float, float]:
    """Return how far a line reaches above and below its baseline, in font sizes."""
    if not words:
        return 0.0, 0.0
    return _unit_size(words, names, bold)[1:]
