"""What a funnel and a drapery plot show, computed once and frozen."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from metaresp.analyses.clusters import check_fit
from metaresp.arrays import FloatArray, silent
from metaresp.binomial import binomial_ci, binomial_test
from metaresp.checks import check_level, check_whole
from metaresp.errors import CannotEstimate, InvalidArgument, known_name, option
from metaresp.questions import pvalues
from metaresp.records import Record
from metaresp.result import Fit

if TYPE_CHECKING:
    import pandas as pd

SIZES = ("n", "se")
CONTOUR_POINTS = 81
# P-values below it are not drawn where they would take up half of the axis.
LEAST_PVALUE = 1e-3


@dataclass(frozen=True, eq=False, slots=True)
class Funnel(Record):
    """Studies by their rate and size, with the region where sampling alone would put them.

    Attributes
    ----------
    size : str
        ``n`` (rates between 0 and 1 against the number of patients) or ``se`` (logits against their
        standard errors).
    study : tuple of str
    x, y : float array, shape (k,)
        Rate and n, or logit and its standard error.
    corrected : tuple of bool
        Whether 0.5 was added to events and non-events to have a logit (``se`` only).
    centre : float
        The pooled rate, or its logit.
    levels : tuple of float
    sizes : float array, shape (m,)
        Values of y along the contours.
    low, high : float array, shape (levels, m)
        Contours: values of x that a study of that size has inside with at least that probability if its
        true rate is the pooled one (exact binomial for ``n``, normal for ``se``).
    outcome : str or None
        What is counted, in words; responses where it is None.
    """

    size: str
    study: tuple[str, ...]
    x: FloatArray
    y: FloatArray
    corrected: tuple[bool, ...]
    centre: float
    levels: tuple[float, ...]
    sizes: FloatArray
    low: FloatArray
    high: FloatArray
    outcome: str | None = None

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a study: study, x, y, corrected."""
        import pandas as pd

        columns = {"study": list(self.study), "x": self.x, "y": self.y, "corrected": list(self.corrected)}
        return pd.DataFrame(columns)

    def plot(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw the picture; see :func:`metaresp.plots.scatter.draw_funnel` for *path* and *style*."""
        from metaresp.plots.scatter import draw_funnel

        return draw_funnel(self, path, **style)


@dataclass(frozen=True, eq=False, slots=True)
class Drapery(Record):
    """P-values of each study and of the pooled rate against every benchmark.

    Attributes
    ----------
    study : tuple of str
    rates : float array, shape (m,)
        Benchmarks between 0 and 1; all observed rates are among them, so that every curve has its peak.
    pvalues : float array, shape (k, m)
        Two-sided exact p-value of each study (Clopper-Pearson: twice the smaller tail).
    pooled : float array, shape (m,)
        Of the pooled rate: :meth:`metaresp.result.Fit.test`.
    rate : float
        The pooled rate.
    level : float
        Where a line across stands: the intervals end there.
    outcome : str or None
        What is counted, in words; responses where it is None.
    """

    study: tuple[str, ...]
    rates: FloatArray
    pvalues: FloatArray
    pooled: FloatArray
    rate: float
    level: float
    outcome: str | None = None

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a benchmark: rate, pooled, and a column of p-values for each study."""
        import pandas as pd

        columns = [
            f"{label} ({i})" if self.study.count(label) > 1 else label for i, label in enumerate(self.study)
        ]
        frame = pd.DataFrame(self.pvalues.T, columns=columns)
        frame.insert(0, "rate", self.rates)
        frame.insert(1, "pooled", self.pooled)
        return frame

    def plot(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw the picture; see :func:`metaresp.plots.scatter.draw_drapery` for *path* and *style*."""
        from metaresp.plots.scatter import draw_drapery

        return draw_drapery(self, path, **style)


@silent
def funnel(fit: Fit, *, size: str = "n", levels: tuple[float, ...] = (0.9, 0.95, 0.99)) -> Funnel:
    """Return the funnel of a fit.

    Parameters
    ----------
    fit : Fit
    size : {"n", "se"}
        ``n``: rate against the number of patients, which does not depend on the rate.  ``se``: logit
        against its standard error, which does, so that logits funnel by construction.
    levels : tuple of float
        Of the contours.

    Raises
    ------
    UnknownName
        If *size* is not known.
    InvalidArgument
        If a level is not between 0 and 1.

    References
    ----------
    Hunter et al. (2014), Journal of Clinical Epidemiology 67:897: funnels of proportions by study size.

    Examples
    --------
    >>> import metaresp as mr
    >>> found = funnel(mr.pool(events=[13, 4, 9], n=[18, 7, 15]))
    >>> found.y.tolist(), found.x.round(2).tolist()
    ([18.0, 7.0, 15.0], [0.72, 0.57, 0.6])
    """
    check_fit(fit)
    size = known_name("size", size, SIZES)
    if not isinstance(levels, tuple | list) or not levels:
        raise InvalidArgument(f"{option('levels', levels)}: must be several levels, such as (0.9, 0.95)")
    tails = np.array([(1 - check_level(level)) / 2 for level in levels])[:, None]
    events, n = fit.studies.events.astype(float), fit.studies.n.astype(float)
    rate = float(fit.rate)
    add = np.where((events == 0) | (events == n), 0.5, 0.0) if size == "se" else np.zeros_like(n)
    if size == "n":
        x, y, centre = events / n, n, rate
        steps = np.geomspace(max(1.0, 0.7 * n.min()), 1.1 * n.max(), CONTOUR_POINTS)
        sizes: FloatArray = np.unique(np.round(steps).astype(np.float64))
        low, high = (_count(tail, sizes, rate) / sizes for tail in (tails, 1 - tails))
    else:
        r, s = events + add, n - events + add
        x, y, centre = np.log(r / s), np.sqrt(1 / r + 1 / s), float(special.logit(rate))
        if not np.isfinite(centre):
            raise CannotEstimate(
                f"funnel: {option('size', 'se')} needs a pooled rate between 0% and 100%; use "
                f"{option('size', 'n')}"
            )
        sizes = np.linspace(0.0, 1.08 * float(y.max()), CONTOUR_POINTS, dtype=np.float64)
        low, high = centre + special.ndtri(tails) * sizes, centre - special.ndtri(tails) * sizes
    corrected = tuple((add > 0).tolist())
    contours = (tuple(map(float, levels)), sizes, low, high)
    return Funnel(size, fit.studies.study, x, y, corrected, centre, *contours, fit.spec.outcome)


def _count(tail: FloatArray, n: FloatArray, rate: float) -> FloatArray:
    """Return the least count at which the binomial distribution function reaches *tail*."""
    tail, n = np.broadcast_arrays(tail, n)
    if not 0 < rate < 1:
        return n * rate
    count: FloatArray = np.clip(np.ceil(special.bdtrik(tail, n, rate) - 1e-9), 0.0, n)
    return np.where(np.isnan(count), 0.0, count)


@silent
def drapery(fit: Fit, *, points: int = 401) -> Drapery:
    """Return the p-value functions of each study and of the pooled rate.

    Parameters
    ----------
    fit : Fit
    points : int
        Evenly spaced benchmarks, from 51 to 5001: from 0 to 1, or in the part of that at one end which holds
        every p-value above 0.001.  The observed rates are added to them.

    Raises
    ------
    InvalidArgument
        If *points* is out of its range.

    References
    ----------
    Ruecker and Schwarzer (2021), Research Synthesis Methods 12:34.  R: ``meta::drapery``.

    Examples
    --------
    >>> import metaresp as mr
    >>> found = drapery(mr.pool(events=[13, 4, 9], n=[18, 7, 15]))
    >>> found.pvalues.shape
    (3, 405)
    """
    check_fit(fit)
    points = check_whole("points", points, 51, 5001)
    start, end = _reach(fit)
    own = [*(fit.studies.events / fit.studies.n), float(fit.rate)]
    rates = np.unique([*np.linspace(start, end, points + 2)[1:-1], *(rate for rate in own if 0 < rate < 1)])
    tests = binomial_test(fit.studies.events[:, None], fit.studies.n[:, None], rates)
    pooled = pvalues(fit, rates)
    return Drapery(
        fit.studies.study,
        rates,
        np.asarray(tests.pvalue, dtype=float),
        pooled,
        float(fit.rate),
        fit.spec.level,
        fit.spec.outcome,
    )


def _reach(fit: Fit) -> tuple[float, float]:
    """Return 0 and 1, or 0 and a rate below half, or one above half and 1, that hold every curve."""
    ci = binomial_ci(fit.studies.events, fit.studies.n, level=1 - LEAST_PVALUE)
    low, high = float(np.min(ci.low)), float(np.max(ci.high))
    return (0.0 if low < 0.5 else low, 1.0 if high > 0.5 else high)
