"""What a model says of every lane, and why a lane got another answer than the model's."""

from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.binomial.lookup import lookup
from metaresp.binomial.methods import JEFFREYS_PRIOR
from metaresp.counts import Counts
from metaresp.kernel.counts.beta_binomial import RHO_ONE, RHO_UNKNOWN
from metaresp.kernel.counts.binomial_normal import NOT_CONVERGED, OK, TAU_UNBOUNDED
from metaresp.kernel.counts.one_rate import pearson
from metaresp.kernel.nested.counts import WITHIN_UNKNOWN
from metaresp.kernel.nested.effects import ONE_EACH
from metaresp.model.spec import Spec

NO_STUDIES, ONE_STUDY, ALL_ZERO, ALL_RESPOND, NO_ESTIMATE, ALL_EXTREME, CLUSTERS_EXTREME = range(10, 17)
SINGLE_PATIENTS = 17

REASONS = {
    OK: "",
    NOT_CONVERGED: "the iteration stopped before it converged",
    TAU_UNBOUNDED: "the data do not bound tau from above: it is held at its limit",
    RHO_ONE: "every study is at 0% or 100%: the intraclass correlation is 1, a study counts as one patient",
    RHO_UNKNOWN: "no study has two patients: the intraclass correlation is not estimable, and taken as 0",
    NO_STUDIES: "no study",
    ONE_STUDY: "one study: its exact binomial interval; tau2 is not estimable",
    ALL_ZERO: "no event in any study: exact binomial interval on the totals, as if all studies had one rate; "
    "heterogeneity is not estimable",
    ALL_RESPOND: "every patient in every study responded: exact binomial interval on the totals, as if all "
    "studies had one rate; heterogeneity is not estimable",
    ALL_EXTREME: "every study is at 0% or at 100%, so tau is not bounded: exact binomial interval "
    "on the number of studies, each counting as one patient; heterogeneity is not estimable",
    CLUSTERS_EXTREME: "every cluster is at 0% or at 100%, so tau is not bounded: exact binomial interval "
    "on the number of clusters, each counting as one patient; heterogeneity is not estimable",
    ONE_EACH: "every cluster holds one study: the two levels cannot be told apart",
    WITHIN_UNKNOWN: "every study holds one patient: tau2 within clusters is not estimable, and taken as 0",
    SINGLE_PATIENTS: "no study has two patients: exact binomial interval on the totals, as if all "
    "studies had one rate; tau2 is not estimable",
    NO_ESTIMATE: "the estimator has no value for these data",
}
EXACT_METHOD = "clopper-pearson"  # of an answer that no model gives
PEARSON = "Pearson's X2 against one common rate; p by the mean and variance of X2 given the total of events"
Numbers: TypeAlias = dict[str, FloatArray]
Rows: TypeAlias = IntArray | slice  # of lanes
EXACT = (ONE_STUDY, ALL_ZERO, ALL_RESPOND, ALL_EXTREME, CLUSTERS_EXTREME, SINGLE_PATIENTS)
_IS_EXACT: BoolArray = np.isin(np.arange(max(REASONS) + 1), EXACT)


@dataclass(frozen=True, eq=False, slots=True)
class Estimates:
    """The one table of what is found for a lane; :class:`metaresp.Batch` hands it out, and says what is what.

    Fields of shape (lanes,); NaN where a quantity does not exist for the lane or model.
    """

    spec: Spec
    k: FloatArray
    events: FloatArray
    n: FloatArray
    rate: FloatArray
    low: FloatArray
    high: FloatArray
    mean_rate: FloatArray
    mean_low: FloatArray  # these two are left until they are asked for
    mean_high: FloatArray
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
    tau2_between: FloatArray  # its parts, of nested studies
    tau2_within: FloatArray
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

    def arrays(self) -> dict[str, Any]:
        """Return the fields that are arrays, by name."""
        return {name: getattr(self, name) for name in ARRAYS}

    def take(self, rows: IntArray) -> "Estimates":
        """Return those of the lanes at *rows*, which ascend and do not repeat."""
        if rows.size == self.reason.size:
            return self
        return Estimates(self.spec, **{name: field[rows] for name, field in self.arrays().items()})

    def one(self) -> dict[str, Any]:
        """Return the numbers of the one lane, by name."""
        return {name: field.item() for name, field in self.arrays().items()}

    def put_all(self, rows: Rows, part: "Estimates") -> None:
        """Write all fields of *part* into *rows*."""
        for name, values in part.arrays().items():
            getattr(self, name)[rows] = values

    def put(self, rows: Rows, part: Numbers) -> None:
        """Write the fields of *part* into *rows*, and limits that rounding took past the estimate onto it.

        At a level near 0 an interval is narrower than what separates two ways to the same number.
        """
        for name, values in part.items():
            getattr(self, name)[rows] = values
        for low, middle, high in (
            (self.low, self.rate, self.high),
            (self.estimate_low, self.estimate, self.estimate_high),
        ):
            _keep(low, rows, low[rows] > middle[rows], middle)
            _keep(high, rows, high[rows] < middle[rows], middle)
        for low, high in (
            (self.prediction_low, self.prediction_high),
            (self.estimate_prediction_low, self.estimate_prediction_high),
        ):
            _keep(high, rows, high[rows] < low[rows], low)


ARRAYS = tuple(field.name for field in fields(Estimates) if field.name != "spec")
_FOUND = tuple(name for name in ARRAYS if name not in {"k", "events", "n", "reason"})


def _keep(limit: FloatArray, rows: Rows, beyond: BoolArray, at: FloatArray) -> None:
    """Move the limits that are *beyond* onto what they must not pass."""
    if beyond.any():
        limit[rows] = np.where(beyond, at[rows], limit[rows])


def is_exact(reason: IntArray) -> BoolArray:
    """Tell the lanes whose answer is a binomial one on the totals."""
    return _IS_EXACT[reason]


def blank(lanes: Counts, spec: Spec) -> Estimates:
    """Return estimates of which nothing is known yet."""
    unknown = np.full(lanes.k.size, np.nan)
    return Estimates(
        spec=spec,
        k=lanes.k,
        events=lanes.events,
        n=lanes.total,
        reason=np.zeros(lanes.k.size, dtype=np.int64),
        **{name: unknown.copy() for name in _FOUND},
    )


def nothing(lanes: int) -> Numbers:
    """Return numbers of lanes of which nothing is known after all."""
    return dict.fromkeys(_FOUND, np.full(lanes, np.nan))


def one_rate(lanes: Counts) -> Numbers:
    """Return Pearson's test of each lane that its studies share one rate, as Q."""
    found = pearson(lanes.x, lanes.n, lanes.copies)
    return {"Q": found.x2, "Q_df": found.df, "Q_pvalue": found.pvalue}


def classify(lanes: Counts) -> IntArray:
    """Return OK for lanes that a model can fit, otherwise the reason why it cannot."""
    if ((lanes.k > 1) & (lanes.events > 0) & (lanes.events < lanes.total)).all():
        return np.full(lanes.k.shape, OK)
    reason: IntArray = np.select(
        [lanes.k == 0, lanes.k == 1, lanes.events == 0, lanes.events == lanes.total],
        [NO_STUDIES, ONE_STUDY, ALL_ZERO, ALL_RESPOND],
        OK,
    )
    return reason


def exact(events: FloatArray, n: FloatArray, level: float, method: str) -> Numbers:
    """Return each lane's proportion with a binomial interval; counts may be sums of n up to 1e9 each."""
    x, size = events.astype(np.int64), n.astype(np.int64)
    low, high = lookup(method, x, size, 1 - level, "two-sided", JEFFREYS_PRIOR)
    rate = events / n
    return {"rate": rate, "low": low, "high": high, "mean_rate": rate}


def exact_counts(lanes: Counts, reason: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return what an exact answer counts: patients, or studies where each is at 0% or 100%."""
    studies = reason == ALL_EXTREME
    at_n = np.einsum("lk,lk->l", lanes.copies, (lanes.x == lanes.n).astype(np.float64))
    return np.where(studies, at_n, lanes.events), np.where(studies, lanes.k, lanes.total)


def all_extreme(lanes: Counts) -> BoolArray:
    """Return which lanes hold studies at 0% and at 100% only."""
    result: BoolArray = ((lanes.x == 0) | (lanes.x == lanes.n) | (lanes.copies == 0)).all(axis=-1)
    return result
