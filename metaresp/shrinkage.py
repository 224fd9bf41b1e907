"""Rates of the studies of a fit: observed, and shrunken towards the pooled rate."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metaresp.arrays import FloatArray, IntArray, silent
from metaresp.counts import clean
from metaresp.model.base import StudyTruths
from metaresp.model.kept import kept, lane_of
from metaresp.model.registry import model_of
from metaresp.records import Record

if TYPE_CHECKING:
    import pandas as pd

    from metaresp.result import Fit


@dataclass(frozen=True, eq=False, slots=True)
class StudyRates(Record):
    """Observed and shrunken rate of each study; arrays of shape (k,), rates between 0 and 1.

    Attributes
    ----------
    study : tuple of str
    events, n : int array
    rate, low, high : float array
        Observed rate, and the exact interval of the fit's ``study_ci``.
    shrunken, shrunken_low, shrunken_high : float array
        The study's true rate given its count.  Binomial-normal, any link: posterior mean and equal-tailed
        interval, mean and variance over studies being unknown.  Elsewhere at their estimates: beta-binomial,
        a beta posterior; inverse variance, the normal posterior on the transformed scale, turned back with
        the study's own n; nested studies, given all counts of the cluster; one common rate, or no variation
        at fitted values, the pooled rate and its interval.  NaN where the model gave way to an exact answer.
    level : float
        Of both intervals.
    note : str
        What the shrunken rates are, or why there are none.
    outlier : float array or None
        Probability that the study is an outlying one, where the model knows such (``effects="mixture"``).
    outcome : str or None
        What is counted, in words; responses where it is None.
    digits : int or None
        Decimals of the percentages that it prints; as many as the intervals need where it is None.
    """

    study: tuple[str, ...]
    events: IntArray
    n: IntArray
    rate: FloatArray
    low: FloatArray
    high: FloatArray
    shrunken: FloatArray
    shrunken_low: FloatArray
    shrunken_high: FloatArray
    level: float
    note: str
    outcome: str | None = None
    digits: int | None = None
    outlier: FloatArray | None = None

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a study as a pandas frame."""
        import pandas as pd

        words = {"level", "note", "outcome", "digits"}
        columns = {name: getattr(self, name) for name in self.__slots__ if name not in words}
        return pd.DataFrame({name: column for name, column in columns.items() if column is not None})


@silent
def study_rates(fit: "Fit") -> StudyRates:
    """Answer :meth:`metaresp.Fit.study_rates`."""
    shrunken, low, high, note, outlier = _shrink(fit)
    ci = fit.study_ci
    return StudyRates(
        study=tuple(fit.studies.study),
        events=np.asarray(fit.studies.events),
        n=np.asarray(fit.studies.n),
        rate=np.atleast_1d(np.asarray(ci.rate, dtype=np.float64)),
        low=np.atleast_1d(np.asarray(ci.low, dtype=np.float64)),
        high=np.atleast_1d(np.asarray(ci.high, dtype=np.float64)),
        shrunken=shrunken,
        shrunken_low=low,
        shrunken_high=high,
        level=fit.spec.level,
        note=note,
        outcome=fit.spec.outcome,
        digits=fit.spec.digits,
        outlier=outlier,
    )


def _shrink(fit: "Fit") -> StudyTruths:
    k, kind = fit.k, model_of(fit.spec)
    if fit.is_exact and not kind.exact:
        nothing = np.full(k, np.nan)
        return StudyTruths(nothing, nothing, nothing, f"No shrunken rates: {fit.reason}.")
    if kind.exact or ((fit.tau2 == 0 or fit.rho == 0) and not kind.carries_tau):
        why = "one common rate" if kind.exact else "no variation between studies is estimated"
        rate, low, high = (np.full(k, value) for value in (fit.rate, *fit.rate_ci))
        return StudyTruths(rate, low, high, f"Every study has the pooled rate with its interval: {why}.")
    found = kept(fit, fit.studies, fit.spec).study_rates(fit)
    place = lane_of(clean(fit.studies.events, fit.studies.n, None)[0], fit.spec)[1]
    outlier = None if found.outlier is None else found.outlier[place]
    return StudyTruths(found.mean[place], found.low[place], found.high[place], found.note, outlier)
