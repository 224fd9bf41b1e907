"""Which method and program gives published pooled numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.analyses.candidates import MOST_LEFT_OUT, Candidates, candidates
from metaresp.analyses.method_words import call_text, method_words, program_words, r_text
from metaresp.analyses.published import Published, read_published
from metaresp.arrays import BoolArray, FloatArray, IntArray, silent
from metaresp.checks import check_level
from metaresp.errors import CannotEstimate, InvalidArgument, option
from metaresp.inputs import find_studies
from metaresp.records import Record
from metaresp.result import Fit
from metaresp.studies import Studies

if TYPE_CHECKING:
    import pandas as pd

_LIMITS = ("rate", "low", "high")
#: Rows that are kept beside those that give all numbers.
NEAREST = 20
#: Methods whose weights are compared: those that are nearest by the other numbers.
WEIGHED = 300
# Of half a unit: what a number may lie beyond its last place, since halves are rounded either way.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False, slots=True)
class Reproduction(Record):
    """Methods by how well they give published numbers.  Arrays have shape (methods,).

    Methods whose numbers are printed alike are of one ``group``, a row of :meth:`to_frame`; the groups are
    numbered from the best, and their methods stand from the most to the least plausible: defaults of
    programs, what these offer, what none does, and slips.

    Attributes
    ----------
    studies : Studies
    published : Published
        The numbers, as they were read.
    level : float
        Of the interval.
    tried : int
        Methods that were compared.
    method, program, call, r_call : tuple of str
        What it is; the programs that do so; the call of Python, and of R, that gives these numbers (empty
        where there is none).
    group : int array
    rate, low, high : float array
        What the method gives, between 0 and 1.
    matches : int array
        Printed numbers that are met to their last digit, of ``printed``.
    printed : int
    distance : float array
        Largest difference from the printed rate and limits, on the 0-1 scale.
    notes : tuple of str
    """

    studies: Studies
    published: Published
    level: float
    tried: int
    method: tuple[str, ...]
    program: tuple[str, ...]
    call: tuple[str, ...]
    r_call: tuple[str, ...]
    group: IntArray
    rate: FloatArray
    low: FloatArray
    high: FloatArray
    matches: IntArray
    printed: int
    distance: FloatArray
    notes: tuple[str, ...]

    @property
    def found(self) -> bool:
        """Whether a method gives every printed number."""
        return bool((self.matches == self.printed).any())

    def to_frame(self, *, each: bool = False) -> "pd.DataFrame":
        """Return one row for all methods that are printed alike, or with *each* one row a method.

        Columns: method, program, call, rate, low, high, matches, distance, r_call, methods (how many).  A row
        has the call of its most plausible method, and the names of all.
        """
        import pandas as pd

        names = ("method", "program", "call", "rate", "low", "high", "matches", "distance", "r_call")
        columns = {name: list(getattr(self, name)) for name in names}
        frame = pd.DataFrame({**columns, "group": self.group, "methods": 1})
        if each or frame.empty:
            return frame
        rows = frame.groupby("group", sort=True)
        first = rows.first()
        for name in ("method", "program"):
            first[name] = rows[name].agg(lambda texts: "; ".join(dict.fromkeys(filter(None, texts))))
        first["methods"] = rows.size()
        return first.reset_index(drop=True)


@silent
def reproduce(
    studies: Any,
    published: str,
    *,
    I2: Any = None,
    tau2: Any = None,
    Q: Any = None,
    weights: Sequence[Any] | str | None = None,
    level: float | None = None,
) -> Reproduction:
    """Find the methods that give published pooled numbers, to the digits that are printed.

    Parameters
    ----------
    studies : Studies, DataFrame, path or Fit
    published : str
        A rate with its limits, as percentages, proportions or per 1,000: ``"72.1% (65.3 to 78.2)"``,
        ``"72·1 [65·3–78·2]"``, ``"0.72 (0.65, 0.78)"``, ``"72,1% (95% CI 65,3-78,2), I2 = 45%"``; or the rate
        alone.
    I2, tau2, Q : float or str, optional
        What is printed of heterogeneity, I2 in percent (with a point and at most 1, as a share); text keeps
        zeros at the end (``"0.40"``).
    weights : sequence, optional
        Weights of the studies, in percent.
    level : float, optional
        Level of the published interval; that of the text, or 0.95.

    Returns
    -------
    Reproduction

    Raises
    ------
    InvalidArgument
        If the text is not understood; the error shows the forms that are.
    CannotEstimate
        If there is no study.

    Notes
    -----
    A printed 72.1 stands for every number from 72.05 to 72.15.  Compared are: inverse variance on five
    scales with every correction, estimator of tau2 and interval of :func:`metaresp.pool`; binomial-normal and
    beta-binomial models; binomial intervals of the totals; and slips: 0.5 added to all studies, studies at 0
    or n left out, a level of 90% or 99%, responders and others swapped, one study left out (up to 100
    studies), the plain mean.  I2 is met by either definition (from tau2, or from Q).  With few digits many
    methods agree: the first is the most plausible, not the only one.

    R, Stata and others have no such function.

    Examples
    --------
    >>> import metaresp as mr
    >>> studies = mr.Studies([13, 4, 9, 11], [18, 7, 15, 30])
    >>> found = mr.reproduce(studies, "55.2% (37.3 to 71.8)")
    >>> found.found, found.method[0]
    (True, 'logit, REML, normal interval')
    >>> fit = eval(found.call[0])
    >>> round(fit.rate, 3), round(fit.rate_ci.low, 3), round(fit.rate_ci.high, 3)
    (0.552, 0.373, 0.718)
    """
    data = studies.studies if isinstance(studies, Fit) else find_studies(studies, None)[0]
    printed = read_published(published, weights=weights, I2=I2, tau2=tau2, Q=Q)
    if not len(data):
        raise CannotEstimate("no study: there is nothing to reproduce")
    if printed.weights and len(printed.weights) != len(data):
        raise InvalidArgument(
            f"{option('weights')}: {len(printed.weights)} weights for {len(data)} studies: give one for each"
        )
    chosen = check_level(level) if level is not None else printed.level or 0.95
    return compared(data, printed, candidates(data, chosen), chosen)


def compared(studies: Studies, printed: Published, tried: Candidates, level: float) -> Reproduction:
    """Return candidates that were evaluated already, in the order of how well they give the numbers."""
    met, rates_met, distance, count = _met(printed, tried)
    every = met == count
    keys = _printed_alike(printed, tried, every)
    rank = tried.numbers["rank"]
    # two numbers of three tell more than the distance of a third, which may be misprinted
    two = rates_met > 1
    order = np.lexsort((rank, np.where(every, 0.0, distance), ~two, ~every))
    groups: dict[tuple[int, ...], int] = {}
    for place in order.tolist():
        key = keys[place]
        if key not in groups and len(groups) == NEAREST + bool(every.any()):
            continue
        groups.setdefault(key, len(groups))
    group = np.array([groups.get(key, -1) for key in keys])
    kept = np.flatnonzero(group >= 0)
    kept = kept[np.lexsort((rank[kept], group[kept]))]
    some = [tried.methods[i] for i in kept]
    at_edge = bool(((studies.events == 0) | (studies.events == studies.n)).any())
    return Reproduction(
        studies=studies,
        published=printed,
        level=level,
        tried=len(tried.methods),
        method=tuple(method_words(one, studies.study, at_edge, level) for one in some),
        program=tuple(map(program_words, some)),
        call=tuple(call_text(one, len(studies), level) for one in some),
        r_call=tuple(map(r_text, some)),
        group=group[kept],
        **{name: tried.numbers[name][kept] for name in _LIMITS},
        matches=met[kept],
        printed=count,
        distance=distance[kept],
        notes=tuple(_notes(studies, some, level)),
    )


def _met(printed: Published, tried: Candidates) -> tuple[IntArray, IntArray, FloatArray, int]:
    """Return how many numbers a method meets, how many of rate and limits, its distance, and of how many."""
    met, rates_met = np.zeros((2, len(tried.methods)), dtype=np.int64)
    distance = np.zeros(met.size)
    numbers = tried.numbers | {"tau": np.sqrt(tried.numbers["tau2"])}
    either = {"low": "low_beyond", "high": "high_beyond", "I2": "I2_Q"}
    for name, (value, half) in printed.numbers.items():
        away = np.abs(numbers[name] - value)
        if name in either:
            away = np.fmin(away, np.abs(numbers[either[name]] - value))
        met += _within(away, half)
        if name in _LIMITS:
            rates_met += _within(away, half)
            distance = np.maximum(distance, np.where(np.isfinite(away), away, np.inf))
    if printed.weights:
        values, halves = np.array(printed.weights).T
        near = np.lexsort((distance, -met))[:WEIGHED]
        met[near] += _within(np.abs(tried.weights(near) - values), halves).sum(axis=-1)
    return met, rates_met, distance, len(printed.numbers) + len(printed.weights)


def _within(away: FloatArray, half: Any) -> BoolArray:
    inside: BoolArray = away <= half * (1 + _ROUNDING) + 1e-12
    return inside


def _printed_alike(printed: Published, tried: Candidates, every: BoolArray) -> list[tuple[int, ...]]:
    """Return the rate and the limits of each method in units of the last place; one key for *every* match.

    A number halfway between two printed ones is either, and so its method is one of those that match.
    """
    unit = 2 * printed.numbers["rate"][1]
    rounded = [np.where(np.isfinite(v), np.rint(v / unit), -1) for v in (tried.numbers[n] for n in _LIMITS)]
    columns = [np.where(every, -2, column).astype(np.int64).tolist() for column in rounded]
    return list(zip(*columns, strict=True))


def _notes(studies: Studies, some: Sequence[Any], level: float) -> list[str]:
    notes = []
    if len(studies) > MOST_LEFT_OUT:
        notes.append(f"Studies were not left out one by one: there are more than {MOST_LEFT_OUT}.")
    if any(not one.answered for one in some):
        notes.append("A method without a call is one of other programs: mr.pool has an exact answer there.")
    return notes
