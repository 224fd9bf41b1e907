"""The range of a rate axis, and ticks that say what they mark."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from metaresp.errors import InvalidArgument
from metaresp.records import Record

# All intervals below (or above) half of the axis: the other half is left out.
ZOOM = 0.5
MOST_TICKS = 7
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
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]


def rate_axis(
    limits: Iterable[float],
    *,
    factor: float = 100.0,
    unit: str = "%",
    xlim: tuple[float, float] | None = None,
    most: int = MOST_TICKS,
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

    Raises
    ------
    InvalidArgument
        If *xlim* is not two rates, the first below the second.

    Examples
    --------
    >>> rate_axis([0.4, 0.9]).labels
    ('0%', '20%', '40%', '60%', '80%', '100%')
    >>> rate_axis([0.00012, 0.00047]).labels
    ('0.00%', '0.01%', '0.02%', '0.03%', '0.04%', '0.05%')
    """
    low, high = _chosen(xlim) if xlim is not None else _range(limits, factor)
    start, end = low * factor, high * factor
    step = next(step for step in _steps(end - start) if len(_inside(start, end, step)) <= max(2, most))
    digits = next(d for d in range(18) if math.isclose(round(step, d), step, rel_tol=1e-9))
    places = _inside(start, end, step)
    ticks = tuple(min(high, max(low, i * step / factor)) for i in places)
    return Axis(low, high, ticks, tuple(f"{i * step:.{digits}f}{unit}" for i in places))


def _chosen(xlim: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in xlim)
    except (TypeError, ValueError):
        raise InvalidArgument(f"xlim={xlim!r}: must be two rates between 0 and 1, such as (0, 0.5)") from None
    if not 0 <= low < high <= 1:
        raise InvalidArgument(f"xlim={xlim!r}: must be two rates between 0 and 1, the first below the second")
    return low, high


def _range(limits: Iterable[float], factor: float) -> tuple[float, float]:
    """Return 0 to 1, or the part of it at one end that holds everything."""
    known = [value for value in limits if math.isfinite(value)]
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
