"""Bounds for patients without a response: all of them failures, or all of them responders."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.arrays import FloatArray, IntArray, silent
from metaresp.binomial.counts import place, read_counts, whole_numbers
from metaresp.binomial.interval import BinomialCI, binomial_ci
from metaresp.errors import InvalidArgument, option
from metaresp.records import Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, slots=True)
class MissingBounds(Record):
    """What the enrolled patients without a response could make of the rate.

    Attributes
    ----------
    evaluable : BinomialCI
        ``events / n``: as reported.
    worst : BinomialCI
        ``events / enrolled``: nobody else responded (the intention-to-treat rate).
    best : BinomialCI
        ``(events + enrolled - n) / enrolled``: everybody else did.
    """

    evaluable: BinomialCI
    worst: BinomialCI
    best: BinomialCI

    @property
    def low(self) -> float | FloatArray:
        """Lower limit of the worst case: no assumption about the missing gives less."""
        return self.worst.low

    @property
    def high(self) -> float | FloatArray:
        """Upper limit of the best case."""
        return self.best.high

    def to_frame(self) -> "pd.DataFrame":
        """Return one row per trial and case: case, events, n, rate, low, high."""
        import pandas as pd

        cases = {"evaluable": self.evaluable, "worst": self.worst, "best": self.best}
        frames = []
        for case, ci in cases.items():
            frame = ci.to_frame()
            frame.insert(0, "case", case)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)


@silent
def missing_bounds(
    events: Any,
    n: Any = None,
    enrolled: Any = None,
    *,
    method: str = "clopper-pearson",
    level: float = 0.95,
    alternative: str = "two-sided",
) -> MissingBounds:
    """Bound a response rate when fewer patients were evaluable than enrolled.

    Parameters
    ----------
    events, n : as in :func:`metaresp.binomial_ci`
        Responders and evaluable patients.
    enrolled : int or array of whole numbers
        Patients who entered, at least *n*; broadcasts against the counts.
    method, level, alternative : as in :func:`metaresp.binomial_ci`
        Of all three intervals.

    Returns
    -------
    MissingBounds
        ``evaluable``, ``worst`` and ``best`` intervals, ``low`` and ``high`` around all of them.

    Raises
    ------
    InvalidArgument
        If *enrolled* is missing, no whole number, or below *n*; or as in :func:`metaresp.binomial_ci`.

    References
    ----------
    Horowitz JL, Manski CF (2000), JASA 95:77-84: bounds without assumptions on the missing.
    R: ``binom.test(events, enrolled)`` and ``binom.test(events + enrolled - n, enrolled)``.

    Examples
    --------
    >>> from metaresp.binomial import missing_bounds
    >>> print(missing_bounds(13, 18, 21))
    95% interval, clopper-pearson
    Case       Trial   Rate        Interval
    evaluable  13/18  72.2%  46.5% to 90.3%
    worst      13/21  61.9%  38.4% to 81.9%
    best       16/21  76.2%  52.8% to 91.8%
    """
    if enrolled is None:
        raise InvalidArgument("enrolled is missing: give the number of patients who entered")
    x, size = (np.asarray(part) for part in read_counts(events, n))
    entered = whole_numbers("enrolled", enrolled)
    try:
        x, size, entered = np.broadcast_arrays(x, size, entered)
    except ValueError:
        raise InvalidArgument(
            f"enrolled of shape {entered.shape} and counts of shape {x.shape} do not broadcast to one shape"
        ) from None
    _at_least_n(entered, size)

    def interval(count: IntArray, among: IntArray) -> BinomialCI:
        return binomial_ci(count, among, method=method, level=level, alternative=alternative)

    return MissingBounds(interval(x, size), interval(x, entered), interval(x + entered - size, entered))


def _at_least_n(entered: IntArray, n: IntArray) -> None:
    fewer = entered < n
    if fewer.any():
        index = tuple(int(i) for i in np.argwhere(fewer)[0])
        raise InvalidArgument(
            f"{option(place('enrolled', index), entered[index])} is below "
            f"{option(place('n', index), n[index])}: "
            "all evaluable patients were enrolled"
        )
