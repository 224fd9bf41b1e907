"""The range of a rate axis, and ticks that say what they mark."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from metaresp.arrays import ArrayLike, FloatArray
from metaresp.errors import InvalidArgument, known_name, option
from metaresp.records import Record

# All intervals below (or above) half of the axis: the other half is left out.
ZOOM = 0.5
MOST_TICKS = 7
SPACINGS = ("linear", "logit", "sqrt")
# No axis is shorter: a rate below one in a million million is drawn at its end.
FINEST = 1e-12
# In steps: a tick at the very end of the axis is inside it whatever the last bit says.
SLACK = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class Axis(Record):
    """Limits and ticks of an axis.

    Attributes
    ----------
    low, high : float
        Limits on the 0-1 scale.
    ticks : tuple of float
        On the 0-1 scale.
    labels : tuple of str
    spacing : str
        ``linear``, ``logit`` or ``sqrt``: how far apart equal differences of the rate stand.
    softness : float
        What keeps 0 and 1 on a logit axis: ``log((rate + softness) / (1 - rate + softness))`` is drawn.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    spacing: str = "linear"
    softness: float = 0.0

    def forward(self, rates: ArrayLike) -> FloatArray:
        """Return where rates stand along the axis, in its own unit.

        Examples
        --------
        >>> Axis(0.0, 1.0, (), (), "sqrt").forward([0.0, 0.25, 1.0]).tolist()
        [0.0, 0.5, 1.0]
        """
        p = np.clip(np.asarray(rates, dtype=float), 0.0, 1.0)
        if self.spacing == "sqrt":
            root: FloatArray = np.sqrt(p)
            return root
        if self.spacing == "logit":
            logit: FloatArray = np.log(p + self.softness) - np.log(1 - p + self.softness)
            return logit
        return np.asarray(rates, dtype=float)

    def inverse(self, places: ArrayLike) -> FloatArray:
        """Return the rates that stand at *places*."""
        y = np.asarray(places, dtype=float)
        if self.spacing == "sqrt":
            square: FloatArray = np.square(np.clip(y, 0.0, 1.0))
            return square
        if self.spacing == "logit":
            odds = np.exp(np.clip(y, -700.0, 700.0))
            rates: FloatArray = np.clip((odds * (1 + self.softness) - self.softness) / (1 + odds), 0.0, 1.0)
            return rates
        return y

    def share(self, rate: float) -> float:
        """Return how far along the axis a rate stands, 0 at its low end and 1 at its high."""
        low, place, high = self.forward([self.low, rate, self.high])
        return float((place - low) / (high - low))


def rate_axis(
    limits: Iterable[float],
    *,
    factor: float = 100.0,
    unit: str = "%",
    xlim: tuple[float, float] | None = None,
    most: int = MOST_TICKS,
    spacing: str = "linear",
    decimal: str = ".",
) -> Axis:
    """Return the axis for intervals with these *limits*.

    Parameters
    ----------
    limits : iterable of float
        All that must be visible, on the 0-1 scale; NaN does not count.
    factor, unit : float, str
        What rates are multiplied with for the labels, and what is written after them.
    xlim : (float, float), optional
        Limits asked for, on the 0-1 scale.
    most : int
        The most ticks that there is room for.
    spacing : {"linear", "logit", "sqrt"}
        A logit axis is drawn softly at its ends, so that 0 and 1 have their place on it.
    decimal : str
        The decimal sign.

    Raises
    ------
    UnknownName
        If *spacing* is not known.
    InvalidArgument
        If *xlim* is not two rates, the first below the second.

    Examples
    --------
    >>> rate_axis([0.4, 0.9]).labels
    ('0%', '20%', '40%', '60%', '80%', '100%')
    >>> rate_axis([0.00012, 0.00047]).labels
    ('0.00%', '0.01%', '0.02%', '0.03%', '0.04%', '0.05%')
    """
    spacing = known_name("spacing", spacing, SPACINGS)
    known = [value for value in limits if math.isfinite(value)]
    low, high = _chosen(xlim) if xlim is not None else _range(known, factor)
    if spacing == "logit" and xlim is None and known:
        low, high = _logit_range(known)
    if spacing != "linear":
        return _spaced(Axis(low, high, (), (), spacing, _softness(known)), factor, unit, most, decimal)
    start, end = low * factor, high * factor
    step = next(step for step in _steps(end - start) if len(_inside(start, end, step)) <= max(2, most))
    digits = next(d for d in range(18) if math.isclose(round(step, d), step, rel_tol=1e-9))
    places = _inside(start, end, step)
    ticks = tuple(min(high, max(low, i * step / factor)) for i in places)
    labels = (f"{i * step:.{digits}f}".replace(".", decimal) + unit for i in places)
    return Axis(low, high, ticks, tuple(labels))


def _logit_range(known: Sequence[float]) -> tuple[float, float]:
    """Return round rates around everything: an axis of odds has no use for an empty tail."""
    least, most = min(known), max(known)
    rates = sorted({0.0, 1.0, *_round_rates(0.0, 1.0)})
    low = max(rate for rate in rates if rate <= least)
    high = min(rate for rate in rates if rate >= most)
    return (low, high) if low < high else (0.0, 1.0)


def _softness(known: Sequence[float]) -> float:
    """Return half the smallest distance from 0 or 1 among the rates, from a thousandth to one in fifty.

    Rates that are themselves rarer are drawn as softly as they need.
    """
    inside = [min(rate, 1 - rate) for rate in known if 0 < rate < 1]
    largest = max([0.02 if not inside else min(max(inside), 0.02)])
    return max(1e-9, min(largest, max(min([0.02, *(rate / 2 for rate in inside)]), largest / 20)))


def _spaced(axis: Axis, factor: float, unit: str, most: int, decimal: str) -> Axis:
    """Return the axis with round ticks that stand about evenly, though their numbers do not."""
    places = axis.forward(np.array([axis.low, axis.high]))
    gap = (places[1] - places[0]) / max(most, 2)
    chosen: list[float] = []
    for rate in _round_rates(axis.low, axis.high):
        here = float(axis.forward([rate])[0])
        if all(abs(here - float(axis.forward([other])[0])) >= gap for other in chosen):
            chosen.append(rate)
    chosen.sort()
    return replace(
        axis,
        ticks=tuple(chosen),
        labels=tuple(_shortest(rate * factor).replace(".", decimal) + unit for rate in chosen),
    )


def _round_rates(low: float, high: float) -> list[float]:
    """Return candidates for ticks, the roundest first."""
    ends = [rate for rate in (0.0, 1.0, 0.5) if low <= rate <= high]
    decades = range(1, 10)
    tails = [float(f"{times}e-{power}") for times in (1, 2, 5) for power in decades]
    tails = sorted((tail for tail in tails if tail < 0.5), reverse=True)
    first = [0.1, 0.9, 0.01, 0.99, 0.2, 0.8, 0.05, 0.95, 0.3, 0.7, 0.4, 0.6]
    both = first + [rate for tail in tails for rate in (tail, round(1 - tail, 12)) if rate not in first]
    inside = [rate for rate in both if low <= rate <= high]
    return [*ends, *inside]


def _shortest(value: float) -> str:
    digits = next(d for d in range(18) if math.isclose(round(value, d), value, rel_tol=1e-9))
    return f"{value:.{digits}f}"


def _chosen(xlim: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in xlim)
    except (TypeError, ValueError):
        raise InvalidArgument(
            f"{option('xlim', xlim)}: must be two rates between 0 and 1, such as (0, 0.5)"
        ) from None
    if not 0 <= low < high <= 1:
        raise InvalidArgument(
            f"{option('xlim', xlim)}: must be two rates between 0 and 1, the first below the second"
        )
    return low, high


def _range(limits: Iterable[float], factor: float) -> tuple[float, float]:
    """Return 0 to 1, or the part of it at one end that holds everything."""
    known = list(limits)
    if not known:
        return 0.0, 1.0
    if 0 < max(known) <= ZOOM:
        return 0.0, _rounded_up(max(known), factor)
    if ZOOM <= min(known) < 1:
        return 1.0 - _rounded_up(1.0 - min(known), factor), 1.0
    return 0.0, 1.0


def _rounded_up(value: float, factor: float) -> float:
    span = max(value, FINEST) * factor
    step = next(step for step in _steps(span) if math.ceil(span / step - SLACK) < MOST_TICKS)
    return min(1.0, math.ceil(span / step - SLACK) * step / factor)


def _inside(low: float, high: float, step: float) -> range:
    """Return the multiples of *step* from *low* to *high*."""
    return range(math.ceil(low / step - SLACK), math.floor(high / step + SLACK) + 1)


def _steps(span: float) -> Iterator[float]:
    """Yield 1, 2, 2.5 and 5 times powers of ten, from a hundredth of *span* upwards."""
    power = math.floor(math.log10(span)) - 2
    while True:
        yield from (float(f"{times}e{power}") for times in (1, 2, 2.5, 5))
        power += 1
