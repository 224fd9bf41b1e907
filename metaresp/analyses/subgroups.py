"""Subgroups: the same model in every group of studies, and a test between them."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from metaresp.analyses.between import likelihood_ratio
from metaresp.arrays import FloatArray, IntArray
from metaresp.counts import clean
from metaresp.errors import InvalidArgument, InvalidStudies
from metaresp.kernel import quadrature
from metaresp.model import Batch, pool_batch
from metaresp.model.estimates import ALL_RESPOND, ALL_ZERO, EXACT
from metaresp.records import Record
from metaresp.result import Fit
from metaresp.studies.parts import Value

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, slots=True)
class Subgroups(Record):
    """Pooled rates of groups of studies.  Arrays have shape (groups,).

    Attributes
    ----------
    fit : Fit
        Of all studies.
    by : str
        The covariate that tells the groups.
    common_tau2 : bool
        Whether the test between groups takes one tau2 for all.
    group : tuple of str
        In the order of the data.
    k, events, n : int array
        Studies, responders and patients.
    rate, low, high : float array
        Pooled rate and its interval, between 0 and 1; exact where a group is all at 0% or 100%.
    tau2, I2 : float array
        Heterogeneity inside each group (its own tau2), I2 in percent; NaN where it is not estimable.
    statistic, df, pvalue : float
        Test that the groups share one mean; NaN where there is no test.
    test : str
        What it is.
    notes : tuple of str
    """

    fit: Fit
    by: str
    common_tau2: bool
    group: tuple[str, ...]
    k: IntArray
    events: IntArray
    n: IntArray
    rate: FloatArray
    low: FloatArray
    high: FloatArray
    tau2: FloatArray
    I2: FloatArray
    statistic: float
    df: float
    pvalue: float
    test: str
    notes: tuple[str, ...]

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a group: group, k, events, n, rate, low, high, tau2, I2."""
        import pandas as pd

        names = ("group", "k", "events", "n", "rate", "low", "high", "tau2", "I2")
        return pd.DataFrame(
            {name: list(self.group) if name == "group" else getattr(self, name) for name in names}
        )

    def forest(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw the forest plot by groups; see :func:`metaresp.plots.forest.forest_fit` for *style*."""
        return self.fit.forest(path, by=self, **style)


def subgroups(fit: Fit, by: str, *, common_tau2: bool = False) -> Subgroups:
    """Pool each group of studies with the model of *fit*, and test between the groups.

    Parameters
    ----------
    fit : Fit
    by : str
        Covariate that tells the groups; each study needs a value.
    common_tau2 : bool
        Test with one tau2 for all groups instead of one for each.  The rates of the groups are always
        those of their own studies.

    Returns
    -------
    Subgroups

    Raises
    ------
    UnknownName
        If the studies have no such column.
    InvalidStudies
        If a study has no group.
    InvalidArgument
        If *common_tau2* has no meaning for the model.

    Notes
    -----
    Binomial-normal model: likelihood-ratio test of one mean against a mean for each group, referred to
    chi-square on (groups - 1) degrees of freedom.  That is a large-sample reference; with a handful of
    studies a group the p-value is too small rather than too large.  A group that is all at 0% or 100%
    takes part with its likelihood (0/60 against 12/60 has a finite statistic), its tau2 being held at 0.
    With a group of one study, which cannot tell its own tau2, one tau2 is shared in the test.
    One common rate: the likelihood-ratio test of the totals.  Inverse variance: Cochran's Q between the
    groups, or where a group is all at 0% or 100% the test of the binomial-normal model.

    R: ``meta::metaprop(..., subgroup = region)``, ``metafor::rma.glmm(mods = ~ region)``.

    References
    ----------
    Borenstein, Hedges, Higgins and Rothstein (2009), Introduction to Meta-Analysis, chapter 19.

    Examples
    --------
    >>> import metaresp as mr
    >>> studies = mr.Studies([0, 0, 0, 4, 5, 3], [20] * 6, covariates={"region": list("AAABBB")})
    >>> found = subgroups(mr.pool(studies), "region")
    >>> found.group, found.rate.round(3).tolist(), round(found.pvalue, 5)
    (('A', 'B'), [0.0, 0.2], 0.00026)
    """
    if not isinstance(fit, Fit):
        raise InvalidArgument(f"fit={fit!r}: must be a result of mr.pool")
    if not isinstance(common_tau2, bool):
        raise InvalidArgument(f"common_tau2={common_tau2!r}: must be True or False")
    if common_tau2 and fit.spec.model != "binomial-normal":
        raise InvalidArgument(f"common_tau2=True has no meaning for model={fit.spec.model!r}: leave it out")
    studies = fit.studies
    members = _members(fit, by)
    copies = np.zeros((len(members), len(studies)), dtype=np.int64)
    for i, positions in enumerate(members.values()):
        copies[i, list(positions)] = 1
    options = {name: value for name, value in fit.spec.options().items() if name != "study_ci"}
    batch = pool_batch(studies.events, studies.n, copies, **options)
    statistic, test, notes = _between(fit, batch, copies, common_tau2)
    df = float(len(members) - 1)
    return Subgroups(
        fit=fit,
        by=by,
        common_tau2=common_tau2,
        group=tuple(f"{name:g}" if isinstance(name, float) else str(name) for name in members),
        k=batch.k.astype(np.int64),
        events=batch.events.astype(np.int64),
        n=batch.n.astype(np.int64),
        rate=batch.rate,
        low=batch.low,
        high=batch.high,
        tau2=batch.tau2,
        I2=batch.I2,
        statistic=statistic,
        df=df,
        pvalue=float(special.chdtrc(df, statistic)) if df > 0 and np.isfinite(statistic) else np.nan,
        test=test,
        notes=notes,
    )


def _members(fit: Fit, by: str) -> dict[Value, tuple[int, ...]]:
    values = fit.studies.column(by)
    if None in values:
        label = fit.studies.study[values.index(None)]
        raise InvalidStudies(f"by={by!r}: study {label!r} has no value there, and so no group")
    return fit.studies.clusters(by)


def _between(
    fit: Fit, batch: Batch, copies: IntArray, common_tau2: bool
) -> tuple[float, str, tuple[str, ...]]:
    """Return the statistic, its name, and notes."""
    if len(copies) < 2:
        return np.nan, "", ("One group only: there is nothing to test between groups.",)
    if fit.spec.model == "common":
        return _totals(batch), "likelihood ratio, totals", ()
    exact = np.isin(batch.reason, EXACT)
    if fit.spec.model == "inverse-variance" and not exact.any():
        w = 1 / batch.se**2
        centre = np.average(batch.estimate, weights=w)
        return float(np.sum(w * (batch.estimate - centre) ** 2)), "Q between groups", ()
    shared = common_tau2 or bool((batch.k < 2).any())
    notes: tuple[str, ...] = ()
    if shared and not common_tau2:
        notes = ("A group has one study: the test between groups takes one tau2 for all of them.",)
    lanes, _ = clean(np.broadcast_to(fit.studies.events, copies.shape), fit.studies.n, copies)
    held = np.isin(batch.reason, (ALL_ZERO, ALL_RESPOND))
    model = "" if fit.spec.model == "binomial-normal" else " (binomial-normal)"
    name = f"likelihood ratio{model}, {'one' if shared else 'own'} τ²"
    return likelihood_ratio(lanes, shared, held), name, notes


def _totals(batch: Batch) -> float:
    """Return the likelihood-ratio statistic of one binomial rate against one for each group."""
    rate = np.full(batch.k.shape, batch.events.sum() / batch.n.sum())
    if not 0 < rate[0] < 1:
        return 0.0
    rare = rate[0] <= 0.5
    x = batch.events if rare else batch.n - batch.events
    return float(2 * quadrature.half_deviance(x, batch.n, rate if rare else 1 - rate).sum())
