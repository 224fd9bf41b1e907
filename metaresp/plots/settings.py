"""Settings to draw with: matplotlib's are those of the whole process, so that one thread draws at a time."""

import logging
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np

# Settings and filters of warnings belong to the process: two threads that each put back what they found
# would put back each other's.  A font's outlines are drawn in one shared place too.
DRAWING = threading.RLock()

SETTINGS: dict[Any, Any] = {
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "metaresp",
    "text.hinting": "none",
    "path.simplify": False,
}


@contextmanager
def plain_settings(settings: Mapping[Any, Any] | None = None) -> Iterator[None]:
    """Draw with matplotlib's own settings, whatever the user's are, and leave those as they were.

    Parameters
    ----------
    settings : mapping, optional
        Further ones, by matplotlib's names.
    """
    with DRAWING, np.errstate(all="ignore"), matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**SETTINGS, **(settings or {})})
        with quiet():
            yield


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what matplotlib says about letters and weights that no installed font has.

    Such a letter is drawn as a box, and stays itself in SVG, where the reader's fonts may have it.
    """
    logger = logging.getLogger("matplotlib.font_manager")
    with DRAWING:
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=r"(?s).*Glyph.*missing from")
                warnings.filterwarnings("ignore", message=r".*does not support.*natively")
                yield
        finally:
            logger.setLevel(level)
