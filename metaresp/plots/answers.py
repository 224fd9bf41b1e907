"""Several answers to one question as a forest plot: models, choices, assumptions, refits."""

import os
from typing import Any

from metaresp.arrays import silent
from metaresp.plots.canvas import ForestPlot
from metaresp.plots.forest import forest_of
from metaresp.present.answers import answer_rows


@silent
def forest_answers(found: Any, path: str | os.PathLike[str] | None = None, **options: Any) -> ForestPlot:
    """Draw each answer with its interval, the main one as a diamond.

    Parameters
    ----------
    found : Comparison, Overlap, MissingResponses, LeaveOneOut, Cumulative, Subgroups, ...
    path : path, optional
        PNG, PDF, SVG, EPS or TIFF file to write.
    **options
        What is shown (``scale``, ``of``, ``prediction``, ``benchmark``, ...): see
        :func:`metaresp.present.answer_rows.answer_rows`.  How it is drawn (``width``, ``style``, ``xlim``,
        ...): see :func:`metaresp.plots.forest.draw_forest`.

    Returns
    -------
    ForestPlot

    Examples
    --------
    >>> import metaresp as mr
    >>> plot = forest_answers(mr.leave_one_out(mr.pool(events=[13, 4, 9], n=[18, 7, 20])))
    >>> [sorted(row) for row in plot.marks]
    [['interval', 'point'], ['interval', 'point'], ['interval', 'point'], ['diamond']]
    """
    return forest_of(answer_rows, found, path, options)
