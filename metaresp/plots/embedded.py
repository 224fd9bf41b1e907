"""Fonts inside PDF files: without what only an editor of text would use, and each subset made once."""

import functools
import io
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

# Which glyphs to set and where is decided when a figure is drawn: its file needs their outlines, widths and
# code points, and nothing of what a program needs to set other text.
UNUSED = ("BASE", "GDEF", "GPOS", "GSUB", "JSTF", "MATH", "kern")
MOST_KEPT = 32

_KEPT: "OrderedDict[tuple[Any, ...], Subset]" = OrderedDict()


class Subset:
    """A subset of a font as a file, in the place of the open font that matplotlib would write one from."""

    def __init__(self, content: bytes, glyph_index_map: Any) -> None:
        self.content = content
        self.glyph_index_map = glyph_index_map

    @property
    def font(self) -> "Subset":
        """The subset itself: newer matplotlib looks for the font here."""
        return self

    def __enter__(self) -> "Subset":
        """Open nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close nothing."""


@contextmanager
def light_fonts() -> Iterator[None]:
    """Let matplotlib embed fonts of PDF files without :data:`UNUSED` tables, and the same subset again.

    For the thread that holds the lock of drawing alone: another's files stay as they were.  A matplotlib that
    makes its subsets in another way makes them so here too.
    """
    from matplotlib.backends import _backend_pdf_ps as backend

    parts = ("get_glyphs_subset", "font_as_file", "subset")
    if not all(hasattr(backend, name) for name in parts):
        yield
        return
    theirs = {name: getattr(backend, name) for name in parts}
    ours = threading.get_ident()

    def for_us(own: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(theirs[name])
        def chosen(*arguments: Any, **options: Any) -> Any:
            return (own if threading.get_ident() == ours else theirs[name])(*arguments, **options)

        return chosen

    def load_font(*arguments: Any, **options: Any) -> Any:
        font = theirs["subset"].load_font(*arguments, **options)
        if threading.get_ident() == ours:
            for tag in UNUSED:
                if tag in font:
                    del font[tag]
        return font

    def subset(font: Any, glyphs: Any) -> Any:
        key = (os.fspath(font), getattr(font, "face_index", 0), *_state(font), frozenset(glyphs))
        if key in _KEPT:
            _KEPT.move_to_end(key)
            return _KEPT[key]
        found = theirs["get_glyphs_subset"](font, glyphs)
        with found as opened:
            content = theirs["font_as_file"](getattr(opened, "font", opened)).getvalue()
            _KEPT[key] = made = Subset(content, getattr(opened, "glyph_index_map", None))
        while len(_KEPT) > MOST_KEPT:
            _KEPT.popitem(last=False)
        return made

    def as_file(font: Any) -> io.BytesIO:
        return io.BytesIO(font.content) if isinstance(font, Subset) else theirs["font_as_file"](font)

    replaced = {
        "get_glyphs_subset": for_us(subset, "get_glyphs_subset"),
        "font_as_file": for_us(as_file, "font_as_file"),
        "subset": SimpleNamespace(**{**vars(theirs["subset"]), "load_font": load_font}),
    }
    try:
        for name, part in replaced.items():
            setattr(backend, name, part)
        yield
    finally:
        for name, part in theirs.items():
            setattr(backend, name, part)


def _state(font: Any) -> tuple[int, int]:
    """Return when the file of a font was written, and its size: another file is another font."""
    found = os.stat(font)
    return found.st_mtime_ns, found.st_size
