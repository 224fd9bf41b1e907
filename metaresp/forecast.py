"""How many patients of the next trial will respond."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.arrays import FloatArray
from metaresp.checks import check_level
from metaresp.errors import InvalidArgument, option
from metaresp.records import Record

if TYPE_CHECKING:
    import pandas as pd

MOST_PATIENTS = 1_000_000


@dataclass(frozen=True, eq=False, slots=True)
class EventForecast(Record):
    """Distribution of the responders among the patients of a new trial.

    Attributes
    ----------
    n : int
        Patients of the new trial.
    level : float
        Of the interval.
    mean : float
    median : int
        The least count that is reached or not passed with probability one half.
    low, high : int
        Equal-tailed prediction interval: the largest count with at most ``(1 - level) / 2`` below it, and
        the smallest with at most that above it; together they hold at least *level*.
    pmf : float array, shape (n + 1,)
        Probabilities of 0 to n responders; they sum to 1.
    outcome : str or None
        What is counted, in words; responses where it is None.
    """

    n: int
    level: float
    mean: float
    median: int
    low: int
    high: int
    pmf: FloatArray
    outcome: str | None = None

    def probability_at_least(self, events: int) -> float:
        """Return the probability of *events* responders or more.

        Parameters
        ----------
        events : int
            From 0 to n.

        Raises
        ------
        InvalidArgument
            If *events* is not a whole number from 0 to n.
        """
        if not _whole(events) or not 0 <= events <= self.n:
            raise InvalidArgument(f"{option('events', events)}: must be a whole number from 0 to {self.n}")
        upper, below = self.pmf[int(events) :].sum(), self.pmf[: int(events)].sum()
        return float(upper if upper < 0.5 else 1 - below)

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a count: events, probability, cumulative (of that many or fewer)."""
        import pandas as pd

        cumulative = np.minimum(np.cumsum(self.pmf), 1.0)
        return pd.DataFrame(
            {"events": np.arange(self.n + 1), "probability": self.pmf, "cumulative": cumulative}
        )


def forecast(pmf: FloatArray, level: float, outcome: str | None = None) -> EventForecast:
    """Return the record of the probabilities *pmf* of 0 to n events."""
    n, tail = pmf.size - 1, (1 - level) / 2
    up_to, from_ = np.cumsum(pmf), np.cumsum(pmf[::-1])  # from_[j]: n - j events or more
    return EventForecast(
        n=n,
        level=level,
        mean=float(np.arange(n + 1.0) @ pmf),
        median=int(np.searchsorted(up_to, 0.5)),
        low=int(np.searchsorted(up_to, tail, side="right")),
        high=n - int(np.searchsorted(from_, tail, side="right")),
        pmf=pmf,
        outcome=outcome,
    )


def checked(n: Any, level: Any) -> tuple[int, float]:
    """Return the number of patients and the level, each checked."""
    if not _whole(n) or not 1 <= n <= MOST_PATIENTS:
        raise InvalidArgument(
            f"{option('n', n)}: must be a whole number from 1 to {MOST_PATIENTS:,}, such as 20"
        )
    return int(n), check_level(level)


def _whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
