"""binomial_test: the p-value that each interval inverts."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from metaresp.arrays import FloatArray, IntArray, silent
from metaresp.binomial.counts import place, read_counts
from metaresp.binomial.interval import check_alternative, check_prior
from metaresp.binomial.methods import BINOMIAL_PVALUE, JEFFREYS_PRIOR, TAKES_PRIOR
from metaresp.errors import InvalidArgument, known_name, option
from metaresp.records import Record


@dataclass(frozen=True, eq=False, slots=True)
class BinomialTest(Record):
    """Tests of a rate; numbers for one test, read-only arrays of one shape for more.

    Attributes
    ----------
    events, n : int or int64 array
        Responders and patients.
    rate : float or array
        The rate that is tested, on the 0-1 scale.
    pvalue : float or array
        Probability under that rate of data at least as far away, as *method* and *alternative* mean it.
    method, alternative : str
        As asked for.
    prior : tuple of two floats or None
        For the methods that take one.
    """

    events: int | IntArray
    n: int | IntArray
    rate: float | FloatArray
    pvalue: float | FloatArray
    method: str
    alternative: str
    prior: tuple[float, ...] | None = None


@silent
def binomial_test(
    events: Any,
    n: Any = None,
    rate: Any = None,
    *,
    method: str = "clopper-pearson",
    alternative: str = "two-sided",
    prior: tuple[float, float] = JEFFREYS_PRIOR,
) -> BinomialTest:
    """Test a rate by the test that the interval of the same name inverts.

    A rate is inside ``binomial_ci(..., level=1 - alpha)`` where the p-value is above ``alpha``
    (for ``sterne`` and ``blaker``: inside the hull of those rates).  Not so ``blyth-still-casella``: its
    intervals of different levels are not nested, so that a rate inside the interval has a p-value of
    ``alpha`` or more, and one just beyond a limit may have one above ``alpha`` too.

    Parameters
    ----------
    events, n : as in :func:`binomial_ci`
        Responders and patients.
    rate : float or array
        The rate to test, from 0 to 1; broadcasts against the counts.
    method, prior : as in :func:`binomial_ci`
        The interval whose test is meant.
    alternative : {"two-sided", "less", "greater"}
        ``less``: small p-values say that the true rate is below *rate*.

    Returns
    -------
    BinomialTest
        With ``pvalue``, a number or an array of the broadcast shape.

    Raises
    ------
    InvalidArgument
        Naming the argument, its place and value, and the rule.

    Notes
    -----
    R: ``binom.test(13, 18, p = 0.5)`` reports the two-sided p-value of ``method="sterne"``, though its
    interval is Clopper-Pearson's.

    Examples
    --------
    >>> import metaresp as mr
    >>> round(mr.binomial_test(13, 18, 0.5).pvalue, 4)
    0.0963
    >>> round(mr.binomial_test(13, 18, 0.5, alternative="greater").pvalue, 4)
    0.0481
    """
    if rate is None:
        raise InvalidArgument("rate is missing: give the rate to test, from 0 to 1")
    x, size = read_counts(events, n)
    method = known_name("method", method, BINOMIAL_PVALUE)
    pvalue = BINOMIAL_PVALUE[method]
    side = check_alternative(alternative)
    shapes = check_prior(prior, method)
    tested = check_rates("rate", rate)
    try:
        x_all, n_all, rates = np.broadcast_arrays(np.asarray(x), np.asarray(size), tested)
    except ValueError:
        raise InvalidArgument(
            f"rate of shape {tested.shape} and counts of shape {np.shape(x)} do not broadcast to one shape"
        ) from None
    flat = (x_all.astype(float).ravel(), n_all.astype(float).ravel(), rates.ravel())
    p = np.asarray(pvalue(*flat, side, shapes), float).reshape(rates.shape)
    shown = shapes if method in TAKES_PRIOR else None
    if rates.ndim == 0:
        return BinomialTest(int(x_all), int(n_all), float(rates), p.item(), method, side, shown)
    fields = (np.array(x_all), np.array(n_all), np.array(rates), p)
    return BinomialTest(*fields, method, side, shown)


def check_rates(name: str, rate: Any) -> FloatArray:
    """Return rates as floats from 0 to 1, or name the first that is not."""
    values: FloatArray | None = None
    try:
        raw = np.asarray(rate)
        if raw.dtype.kind in "iuf":
            values = raw.astype(np.float64)
    except (TypeError, ValueError):
        pass
    if values is None:
        raise InvalidArgument(f"{option(name, rate)} is not a number from 0 to 1")
    bad = ~((values >= 0) & (values <= 1))
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        raise InvalidArgument(f"{option(place(name, index), values[index])} is not from 0 to 1")
    return values
