"""What a model says of every lane, and why a lane got another answer than the model's."""

from typing import NamedTuple, TypeAlias

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.binomial import binomial_ci
from metaresp.counts import Counts
from metaresp.kernel.beta_binomial import RHO_ONE, RHO_UNKNOWN
from metaresp.kernel.binomial_normal import NOT_CONVERGED, OK, TAU_UNBOUNDED

NO_STUDIES, ONE_STUDY, ALL_ZERO, ALL_RESPOND, NO_ESTIMATE = 10, 11, 12, 13, 14

REASONS = {
    OK: "",
    NOT_CONVERGED: "the iteration stopped before it converged",
    TAU_UNBOUNDED: "the data do not bound tau from above: it is held at its limit",
    RHO_ONE: "every study is at 0% or 100%: the intraclass correlation is 1, a study counts as one patient",
    RHO_UNKNOWN: "no study has two patients: the intraclass correlation is not estimable, and taken as 0",
    NO_STUDIES: "no study",
    ONE_STUDY: "one study: its exact binomial interval; tau2 is not estimable",
    ALL_ZERO: "no event in any study: exact binomial interval on the totals; heterogeneity is not estimable",
    ALL_RESPOND: "every patient in every study responded: exact binomial interval on the totals; "
    "heterogeneity is not estimable",
    NO_ESTIMATE: "the estimator has no value for these data",
}
Numbers: TypeAlias = dict[str, FloatArray]
EXACT = (ONE_STUDY, ALL_ZERO, ALL_RESPOND)


class Estimates(NamedTuple):
    """Fields of shape (lanes,); NaN where a quantity does not exist for the lane or model."""

    rate: FloatArray
    low: FloatArray
    high: FloatArray
    mean_rate: FloatArray
    prediction_low: FloatArray
    prediction_high: FloatArray
    estimate: FloatArray
    se: FloatArray
    df: FloatArray
    estimate_low: FloatArray
    estimate_high: FloatArray
    estimate_prediction_low: FloatArray
    estimate_prediction_high: FloatArray
    tau2: FloatArray
    rho: FloatArray
    Q: FloatArray
    Q_df: FloatArray
    Q_pvalue: FloatArray
    I2: FloatArray
    H2: FloatArray
    I2_Q: FloatArray
    I2_Q_low: FloatArray
    I2_Q_high: FloatArray
    typical_v: FloatArray
    lrt: FloatArray
    lrt_pvalue: FloatArray
    loglik: FloatArray
    reason: IntArray

    def put(self, rows: IntArray, part: Numbers) -> None:
        """Write the fields of *part* into *rows*."""
        for name, values in part.items():
            getattr(self, name)[rows] = values


def blank(lanes: int) -> Estimates:
    """Return estimates of which nothing is known yet."""
    numbers = {name: np.full(lanes, np.nan) for name in Estimates._fields if name != "reason"}
    return Estimates(reason=np.zeros(lanes, dtype=np.int64), **numbers)


def classify(lanes: Counts) -> IntArray:
    """Return OK for lanes that a model can fit, otherwise the reason why it cannot."""
    reason: IntArray = np.select(
        [lanes.k == 0, lanes.k == 1, lanes.events == 0, lanes.events == lanes.total],
        [NO_STUDIES, ONE_STUDY, ALL_ZERO, ALL_RESPOND],
        OK,
    )
    return reason


def exact(lanes: Counts, level: float, method: str = "clopper-pearson") -> Numbers:
    """Return the pooled proportion of each lane with a binomial interval on its totals."""
    found = binomial_ci(
        lanes.events.astype(np.int64), lanes.total.astype(np.int64), method=method, level=level
    )
    rate, low, high = (np.asarray(values, dtype=np.float64) for values in (found.rate, found.low, found.high))
    return {"rate": rate, "low": low, "high": high, "mean_rate": rate}
