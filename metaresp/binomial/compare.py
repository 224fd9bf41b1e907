"""One trial's interval by every method, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.arrays import FloatArray, silent
from metaresp.binomial.counts import read_counts
from metaresp.binomial.interval import binomial_ci, check_alternative, method_names
from metaresp.binomial.methods import BINOMIAL_CI
from metaresp.checks import check_level
from metaresp.errors import CannotEstimate, InvalidArgument, option
from metaresp.records import Answered

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, slots=True)
class MethodIntervals(Answered):
    """The intervals of one trial by several methods.

    Attributes
    ----------
    events, n : int
        The trial.
    rate : float
        ``events / n``.
    level : float
        Confidence (or credible) level.
    alternative : str
        ``two-sided``, ``less`` or ``greater``.
    methods : tuple of str
        The methods, k of them; one that cannot be had at this n is left out.
    low, high : float array, shape (k,)
        Their limits on the 0-1 scale.
    """

    events: int
    n: int
    rate: float
    level: float
    alternative: str
    methods: tuple[str, ...]
    low: FloatArray
    high: FloatArray

    def to_frame(self) -> "pd.DataFrame":
        """Return one row per method: method, events, n, rate, low, high, width."""
        import pandas as pd

        return pd.DataFrame(
            {
                "method": list(self.methods),
                "events": self.events,
                "n": self.n,
                "rate": self.rate,
                "low": self.low,
                "high": self.high,
                "width": self.high - self.low,
            }
        )


@silent
def compare_methods(
    events: Any,
    n: Any = None,
    *,
    methods: Sequence[str] | None = None,
    level: float = 0.95,
    alternative: str = "two-sided",
) -> MethodIntervals:
    """Return the interval of one trial by several methods.

    Parameters
    ----------
    events, n : as in :func:`metaresp.binomial_ci`
        One trial.
    methods : sequence of str, optional
        Names in ``metaresp.BINOMIAL_CI``; all by default.
    level, alternative : as in :func:`metaresp.binomial_ci`
        Of the intervals.

    Returns
    -------
    MethodIntervals
        With ``to_frame()`` and ``plot(path)``.

    Raises
    ------
    InvalidArgument
        If the counts are not those of one trial, or as in :func:`metaresp.binomial_ci`.

    Notes
    -----
    R: ``binom::binom.confint(13, 18, methods = "all")`` for eleven of them.

    Examples
    --------
    >>> from metaresp.binomial import compare_methods
    >>> table = compare_methods("13/18", methods=["clopper-pearson", "blaker", "wilson"])
    >>> table.low.round(3).tolist(), table.high.round(3).tolist()
    ([0.465, 0.471, 0.491], [0.903, 0.884, 0.875])
    """
    x, size = read_counts(events, n)
    if not isinstance(x, int) or not isinstance(size, int):
        raise InvalidArgument(
            f"{option('events', events)} is not one trial: methods are compared for one at a time"
        )
    level, alternative = check_level(level), check_alternative(alternative)
    kept, low, high = [], [], []
    for method in method_names("methods", tuple(BINOMIAL_CI) if methods is None else methods):
        try:
            ci = binomial_ci(x, size, method=method, level=level, alternative=alternative)
        except CannotEstimate:
            if methods is not None:
                raise
            continue
        kept.append(ci.method)
        low.append(ci.low)
        high.append(ci.high)
    return MethodIntervals(
        x, size, x / size, level, alternative, tuple(kept), np.array(low, float), np.array(high, float)
    )
