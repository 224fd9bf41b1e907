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


# Not of a figure but of the process and its windows: ``matplotlib.rcdefaults`` leaves them alone too.  (It
# is not called: it reads every style file there is to know their names, and checks every setting.)
OF_THE_PROCESS = frozenset(
    {
        "backend", "backend_fallback", "datapath", "date.epoch", "docstring.hardcopy",
        "figure.max_open_warning", "figure.raise_window", "interactive", "savefig.directory", "timezone",
        "tk.window_focus", "toolbar", "webagg.address", "webagg.open_in_browser", "webagg.port",
        "webagg.port_retries",
    }
)  # fmt: skip


def _changed() -> dict[Any, Any]:
    """Return the settings that are not matplotlib's own, as they are by default."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", matplotlib.MatplotlibDeprecationWarning)
        names = [name for name in matplotlib.rcParamsDefault if name not in OF_THE_PROCESS]
        own = {name: matplotlib.rcParamsDefault[name] for name in names}
        return {name: value for name, value in own.items() if matplotlib.rcParams[name] != value}


@contextmanager
def plain_settings(settings: Mapping[Any, Any] | None = None) -> Iterator[None]:
    """Draw with matplotlib's own settings, whatever the user's are, and leave those as they were.

    Parameters
    ----------
    settings : mapping, optional
        Further ones, by matplotlib's names.
    """
    with DRAWING, np.errstate(all="ignore"), matplotlib.rc_context():
        matplotlib.rcParams.update({**_changed(), **SETTINGS, **(settings or {})})
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
