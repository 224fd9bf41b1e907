"""binomial_ci: the interval for one trial or for any number of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.arrays import FloatArray, IntArray, owned, silent
from metaresp.binomial.counts import read_counts
from metaresp.binomial.lookup import lookup
from metaresp.binomial.methods import BINOMIAL_CI, JEFFREYS_PRIOR, SIDES, TAKES_PRIOR, Prior, Side
from metaresp.checks import check_digits, check_level
from metaresp.errors import InvalidArgument, known_name, option
from metaresp.records import Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, slots=True)
class BinomialCI(Record):
    """Observed rates with their intervals; numbers for one trial, read-only arrays of one shape for more.

    Attributes
    ----------
    events, n : int or int64 array
        Responders and patients.
    rate : float or array
        ``events / n``.
    low, high : float or array
        The limits, on the 0-1 scale; 0 or 1 on the side that a one-sided interval leaves open.
    method : str
        Name in ``BINOMIAL_CI``.
    level : float
        Confidence (or credible) level.
    alternative : str
        ``two-sided``, ``less`` (upper bound only) or ``greater`` (lower bound only).
    prior : tuple of two floats or None
        Shapes of the beta prior, for the methods that take one.
    digits : int or None
        Decimals of the percentages that it prints; as many as the intervals need where it is None.
    """

    events: int | IntArray
    n: int | IntArray
    rate: float | FloatArray
    low: float | FloatArray
    high: float | FloatArray
    method: str
    level: float
    alternative: str
    prior: tuple[float, ...] | None = None
    digits: int | None = None

    def to_frame(self) -> "pd.DataFrame":
        """Return a data frame with one row per trial: events, n, rate, low, high."""
        import pandas as pd

        names = ("events", "n", "rate", "low", "high")
        return pd.DataFrame({name: np.array(getattr(self, name)).reshape(-1) for name in names})


@silent
def binomial_ci(
    events: Any,
    n: Any = None,
    *,
    method: str = "clopper-pearson",
    level: float = 0.95,
    alternative: str = "two-sided",
    prior: tuple[float, float] = JEFFREYS_PRIOR,
    digits: int | None = None,
) -> BinomialCI:
    """Return the observed rate of each trial with its binomial interval.

    Parameters
    ----------
    events : int, array of whole numbers, or text
        Responders; or ``"13/18"`` (or a sequence of such texts) when *n* is left out.
    n : int or array of whole numbers, optional
        Patients, at least 1; broadcasts against *events*.
    method : str
        One of ``list(metaresp.BINOMIAL_CI)``.
    level : float
        Strictly between 0 and 1.
    alternative : {"two-sided", "less", "greater"}
        ``less`` gives an upper bound alone (low is 0), ``greater`` a lower bound alone (high is 1),
        with all of ``1 - level`` in that one tail.
    prior : tuple of two floats
        Shapes of the beta prior of ``jeffreys`` and ``hpd``; an error for the other methods unless
        left at its default.
    digits : int, optional
        Decimals of the percentages that the result prints; as many as the intervals need when not given.

    Returns
    -------
    BinomialCI
        Numbers for scalar input, arrays of the broadcast shape otherwise; rates on the 0-1 scale.

    Raises
    ------
    InvalidArgument
        Naming the argument, its place and value, and the rule.

    Notes
    -----
    Each distinct (events, n) is computed once.  R: ``binom.test(13, 18)$conf.int`` for the default;
    the docstring of each method names its own.

    Examples
    --------
    >>> import metaresp as mr
    >>> print(mr.binomial_ci(13, 18))
    13/18: 72.2% (46.5% to 90.3%), clopper-pearson, 95%
    >>> round(mr.binomial_ci("0/18", alternative="less").high, 4)
    0.1533
    >>> mr.binomial_ci([13, 4], [18, 7], method="wilson").low.round(4).tolist()
    [0.4913, 0.2505]
    """
    x, size = read_counts(events, n)
    method = known_name("method", method, BINOMIAL_CI)
    level = check_level(level)
    side = check_alternative(alternative)
    shapes = check_prior(prior, method)
    digits = check_digits(digits)
    if isinstance(x, int) and isinstance(size, int):
        low, high = lookup(method, np.array([x]), np.array([size]), 1 - level, side, shapes)
        return BinomialCI(
            x, size, x / size, low.item(), high.item(), method, level, side, _shown(shapes, method), digits
        )
    assert isinstance(x, np.ndarray)
    assert isinstance(size, np.ndarray)
    low, high = lookup(method, x.ravel(), size.ravel(), 1 - level, side, shapes)
    low, high = owned(low).reshape(x.shape), owned(high).reshape(x.shape)
    fields = (owned(x), owned(size), owned(x / size), low, high)
    return BinomialCI(*fields, method, level, side, _shown(shapes, method), digits)


def _shown(prior: Prior, method: str) -> Prior | None:
    return prior if method in TAKES_PRIOR else None


def check_alternative(alternative: Any) -> Side:
    """Return the one of the three sides that *alternative* is, or list them."""
    name = known_name("alternative", alternative, SIDES)
    return next(side for side in SIDES if side == name)


def method_names(argument: str, methods: Any) -> tuple[str, ...]:
    """Return the names of one method or several."""
    if isinstance(methods, str):
        methods = (methods,)
    if not isinstance(methods, Sequence):
        raise InvalidArgument(
            f"{option(argument, methods)}: must be the name of a method, or a list of names"
        )
    if not methods:
        raise InvalidArgument(f"{argument} is an empty list: give at least one name")
    return tuple(known_name(argument, name, BINOMIAL_CI) for name in methods)


def check_prior(prior: Any, method: str) -> Prior:
    """Return the two shapes of *prior*, refusing one that *method* would not use."""
    try:
        a, b = prior
        good = not any(isinstance(shape, bool | str) for shape in (a, b))
        a, b = float(a), float(b)
    except (TypeError, ValueError, OverflowError):
        good = False
    if not good or not (0 < a < math.inf and 0 < b < math.inf):
        raise InvalidArgument(
            f"{option('prior', prior)} is not two positive numbers, the shapes of a beta prior"
        )
    if method not in TAKES_PRIOR and (a, b) != JEFFREYS_PRIOR:
        users = ", ".join(repr(name) for name in BINOMIAL_CI if name in TAKES_PRIOR)
        raise InvalidArgument(
            f"{option('prior', prior)} has no meaning for {option('method', method)}: only {users} take one"
        )
    return a, b
