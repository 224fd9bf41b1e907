"""How often each method's interval holds the true rate, computed exactly, and how wide it is."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import betainc

from metaresp.arrays import ArrayLike, FloatArray, silent
from metaresp.binomial.counts import read_counts
from metaresp.binomial.interval import binomial_ci, check_alternative, method_names
from metaresp.binomial.methods import JEFFREYS_PRIOR, TAKES_PRIOR
from metaresp.binomial.tails import pmf
from metaresp.binomial.test import check_rates
from metaresp.checks import check_level
from metaresp.errors import InvalidArgument, option
from metaresp.records import Record

if TYPE_CHECKING:
    import pandas as pd

LARGEST_N = 10_000
#: Probabilities held at one time.
_AT_ONCE = 4_000_000
#: Limits are passed on both sides at this distance, as a share of the distance to 0 or 1.
_ASIDE = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class Coverage(Record):
    """Exact coverage and expected width of interval methods for one number of patients.

    Attributes
    ----------
    n : int
        Patients.
    methods : tuple of str
        The methods compared, k of them.
    level : float
        Nominal level.
    alternative : str
        ``two-sided``, ``less`` or ``greater``.
    rates : float array, shape (m,)
        True rates.
    coverage : float array, shape (k, m)
        Probability that the interval holds the true rate.
    expected_width : float array, shape (k, m)
        Mean of ``high - low`` under the true rate.
    minimum : float array, shape (k,)
        Infimum of the coverage over all rates strictly between 0 and 1, not just those in ``rates``.
    mean : float array, shape (k,)
        Coverage averaged over all rates from 0 to 1.
    """

    n: int
    methods: tuple[str, ...]
    level: float
    alternative: str
    rates: FloatArray
    coverage: FloatArray
    expected_width: FloatArray
    minimum: FloatArray
    mean: FloatArray

    def to_frame(self) -> "pd.DataFrame":
        """Return one row per method and rate: method, rate, coverage, expected_width."""
        import pandas as pd

        k, m = self.coverage.shape
        return pd.DataFrame(
            {
                "method": np.repeat(np.array(self.methods, dtype=object), m),
                "rate": np.tile(self.rates, k),
                "coverage": self.coverage.ravel(),
                "expected_width": self.expected_width.ravel(),
            }
        )

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw the methods side by side; see :func:`metaresp.plots.coverage.draw_coverage`."""
        from metaresp.plots.coverage import draw_coverage

        return draw_coverage(self, path)


@silent
def coverage(
    n: int,
    method: str | Sequence[str] = ("clopper-pearson", "blaker", "mid-p", "wilson", "jeffreys", "wald"),
    rates: ArrayLike | None = None,
    *,
    level: float = 0.95,
    alternative: str = "two-sided",
    prior: tuple[float, float] = JEFFREYS_PRIOR,
) -> Coverage:
    """Compute the exact coverage and expected width of interval methods, to choose one for *n* patients.

    Parameters
    ----------
    n : int
        Patients, up to 10,000.
    method : str or sequence of str
        Names in ``metaresp.BINOMIAL_CI``.
    rates : array, optional
        True rates from 0 to 1; by default 1,001 of them in even steps.
    level, alternative : as in :func:`metaresp.binomial_ci`
        Of the intervals.
    prior : tuple of two floats
        For those of the methods that take one; an error if none does.

    Returns
    -------
    Coverage
        With ``to_frame()`` (method, rate, coverage, expected_width) and ``plot(path)``.

    Raises
    ------
    InvalidArgument
        Naming the argument, the value and the rule.

    Notes
    -----
    ``sum over x of P(X = x) [low(x) <= p <= high(x)]``: no simulation.  R: ``binom::binom.coverage``.

    References
    ----------
    Brown LD, Cai TT, DasGupta A (2001), Statistical Science 16:101-133, section 2.

    Examples
    --------
    >>> from metaresp.binomial import coverage
    >>> found = coverage(18, ["clopper-pearson", "blaker", "wald"])
    >>> found.minimum.round(3).tolist()
    [0.955, 0.95, 0.0]
    >>> found.mean.round(3).tolist()
    [0.978, 0.968, 0.837]
    """
    _, size = read_counts(0, n)
    if not isinstance(size, int) or size > LARGEST_N:
        raise InvalidArgument(f"{option('n', n)} is not one number of patients from 1 to {LARGEST_N}")
    methods = method_names("method", method)
    level, alternative = check_level(level), check_alternative(alternative)
    truth = check_rates("rates", np.linspace(0, 1, 1001) if rates is None else rates).reshape(-1)
    if not any(name in TAKES_PRIOR for name in methods):
        binomial_ci(0, 1, method=methods[0], prior=prior)
    limits = [_limits(size, name, level, alternative, prior) for name in methods]
    shown = [_scan(low, high, truth, size) for low, high in limits]
    return Coverage(
        n=size,
        methods=methods,
        level=level,
        alternative=alternative,
        rates=truth,
        coverage=np.array([held for held, _ in shown]),
        expected_width=np.array([width for _, width in shown]),
        minimum=np.array([_minimum(low, high, size) for low, high in limits]),
        mean=np.array([_mean(low, high, size) for low, high in limits]),
    )


def _limits(
    n: int, method: str, level: float, alternative: str, prior: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    own = prior if method in TAKES_PRIOR else JEFFREYS_PRIOR
    ci = binomial_ci(np.arange(n + 1), n, method=method, level=level, alternative=alternative, prior=own)
    return np.asarray(ci.low), np.asarray(ci.high)


def _scan(low: FloatArray, high: FloatArray, rates: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
    """Return coverage and expected width at each rate."""
    x = np.arange(n + 1.0)
    held, width = np.empty_like(rates), np.empty_like(rates)
    stride = max(1, _AT_ONCE // (n + 1))
    for begin in range(0, rates.size, stride):
        p = rates[begin : begin + stride, None]
        mass = pmf(x, np.full_like(x, n), p)
        held[begin : begin + stride] = np.sum(mass, axis=1, where=(low <= p) & (p <= high))
        width[begin : begin + stride] = mass @ (high - low)
    # the probabilities of n + 1 counts add up to 1 but for rounding
    return np.minimum(held, 1.0), width


def _minimum(low: FloatArray, high: FloatArray, n: int) -> float:
    """Return the lowest coverage: between two limits it has no local minimum, so it is next to one."""
    limits = np.concatenate([low, high])
    limits = np.unique(limits[(limits > 0) & (limits < 1)])
    aside = _ASIDE * np.minimum(limits, 1 - limits)
    near = np.concatenate([limits - aside, limits + aside, [1e-12, 1 - 1e-12]])
    return float(_scan(low, high, near, n)[0].min())


def _mean(low: FloatArray, high: FloatArray, n: int) -> float:
    """Return the integral of the coverage; that of P(X = x) is a beta probability over n + 1."""
    x = np.arange(n + 1.0)
    return float(np.mean(betainc(x + 1, n - x + 1, high) - betainc(x + 1, n - x + 1, low)))
