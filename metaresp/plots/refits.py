"""Leave-one-out and cumulative fits as a forest plot."""

import os
from typing import TYPE_CHECKING, Any

from metaresp.arrays import silent
from metaresp.plots.canvas import ForestPlot
from metaresp.plots.forest import forest_of
from metaresp.present.refit_rows import refit_rows

if TYPE_CHECKING:
    from metaresp.analyses.refits import Refits


@silent
def forest_refits(found: "Refits", path: str | os.PathLike[str] | None = None, **options: Any) -> ForestPlot:
    """Draw the rate of each fit with its interval, and the diamond of all studies.

    Parameters
    ----------
    found : Refits
        What ``mr.leave_one_out`` or ``mr.cumulative`` found.
    path : path, optional
        PNG, PDF, SVG, EPS or TIFF file to write.
    **options
        What is shown (``scale``, ``of``, ``benchmark``, ...): see
        :func:`metaresp.present.refit_rows.refit_rows`.  How it is drawn (``width``, ``style``, ``xlim``,
        ...): see :func:`metaresp.plots.forest.draw_forest`.

    Returns
    -------
    ForestPlot

    Examples
    --------
    >>> import metaresp as mr
    >>> plot = forest_refits(mr.leave_one_out(mr.pool(events=[13, 4, 9], n=[18, 7, 20])))
    >>> [sorted(row) for row in plot.marks]
    [['interval', 'point'], ['interval', 'point'], ['interval', 'point'], ['diamond']]
    """
    return forest_of(refit_rows, found, path, options)
