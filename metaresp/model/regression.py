"""What a regression on moderators is asked, whatever its model, and the models that have one."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.counts import Counts
from metaresp.errors import CannotEstimate
from metaresp.kernel.regression.effects import chi_square_pvalue
from metaresp.model.spec import Spec
from metaresp.registry import Registry


class Coefficients(NamedTuple):
    """Coefficients on the model's scale, shape (p,)."""

    estimate: FloatArray
    se: FloatArray
    df: FloatArray
    statistic: FloatArray
    low: FloatArray
    high: FloatArray
    pvalue: FloatArray


class Joint(NamedTuple):
    """A test that several coefficients are all 0."""

    statistic: float
    df: float
    df2: float
    pvalue: float


class Predicted(NamedTuple):
    """Means of studies with given moderators, on the model's scale, shape (rows,)."""

    estimate: FloatArray
    se: FloatArray
    low: FloatArray
    high: FloatArray
    prediction_low: FloatArray
    prediction_high: FloatArray


class Residual(NamedTuple):
    """What the moderators leave unexplained."""

    tau2: float
    tau2_without: float
    QE: float
    QE_df: float
    QE_pvalue: float
    I2: float
    R2: float


class Regressor:
    """A model with a design; the subclasses of :data:`REGRESSIONS` fit it.

    Parameters
    ----------
    spec : Spec
    counts : Counts
        One lane.
    x : float array, shape (k, p)
        Of full rank, the first column being the intercept, with more rows than columns.
    cluster : float array, shape (k, clusters), optional
        1 where a study is of a cluster.

    Attributes
    ----------
    intervals : tuple of str
        Names of ``ci`` that a regression has, the default first; *clustered* those for clusters.
    test_words, QE_words, R2_words : str
        What the tests and shares are.
    """

    intervals: ClassVar[tuple[str, ...]] = ()
    clustered: ClassVar[tuple[str, ...]] = ()
    QE_words: ClassVar[str] = ""

    def __init__(self, spec: Spec, counts: Counts, x: FloatArray, cluster: FloatArray | None) -> None:
        self.spec, self.counts, self.x, self.cluster = spec, counts, x, cluster
        self.k, self.p = x.shape
        self.tail = (1 - spec.level) / 2
        events, n = counts.x[0], counts.n[0]
        if not 0 < events.sum() < n.sum():
            end = "no study has an event" if events.sum() == 0 else "every patient of every study responded"
            raise CannotEstimate(f"regress: {end}: there is nothing that a moderator could explain")

    @property
    def test_words(self) -> str:
        """What the tests of moderators are."""
        raise NotImplementedError

    @cached_property
    def coefficients(self) -> Coefficients:
        """The coefficients with their intervals and tests."""
        raise NotImplementedError

    def joint(self, sets: Sequence[Sequence[int]]) -> list[Joint]:
        """Return the test of each set of columns."""
        raise NotImplementedError

    @cached_property
    def residual(self) -> Residual:
        """What is left between studies."""
        raise NotImplementedError

    @property
    def tau2_limits(self) -> tuple[float, float]:
        """The interval of the residual tau2; NaN where there is none."""
        return float("nan"), float("nan")

    def predicted(self, rows: FloatArray) -> Predicted:
        """Return the means at rows of a design, shape (rows, p)."""
        raise NotImplementedError

    def permuted(self, orders: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the statistics of all moderators, and of each, with the studies' rows in each order.

        Shapes (orders,) and (orders, p - 1); the first order is the given one or one of all.
        """
        raise NotImplementedError

    def back(self, values: FloatArray, groups: Counts | None = None) -> FloatArray:
        """Return rates from the model's scale.

        Where that takes a size it is that of the lane of *groups* that belongs to each value, or of all
        studies.
        """
        raise NotImplementedError

    def precision(self) -> FloatArray:
        """Return each study's weight in the regression in percent, shape (k,)."""
        raise NotImplementedError

    @property
    def effects(self) -> FloatArray:
        """Each study's rate as it is drawn, shape (k,)."""
        rates: FloatArray = self.counts.x[0] / self.counts.n[0]
        return rates

    def notes(self, named: Callable[[Sequence[int]], str], terms: Sequence[str]) -> list[str]:
        """Say what the model did with awkward data."""
        return []

    def _residual(self, tau2: float, without: float, q: float, typical: float, common: bool) -> Residual:
        df = float(self.k - self.p)
        share = 100 * (1 - tau2 / without) if without > 0 else np.nan
        I2 = 100 * max(0.0, (q - df) / q) if common and q > 0 else 100 * tau2 / (tau2 + typical)
        pvalue = float(chi_square_pvalue(np.array(q), np.array(df)))
        return Residual(
            tau2, without, q, df, pvalue, float(I2), float(max(share, 0.0)) if share == share else share
        )


REGRESSIONS: Registry[type[Regressor]] = Registry("model")
