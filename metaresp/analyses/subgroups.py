"""Subgroups: the same model in every group of studies, and a test between them."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import special

from metaresp.analyses.between import likelihood_f, likelihood_ratios, welch_f
from metaresp.analyses.clusters import batch_options
from metaresp.arrays import FloatArray, IntArray, silent
from metaresp.checks import check_bool, check_text
from metaresp.counts import clean
from metaresp.errors import InvalidArgument, known_name, option
from metaresp.kernel.numerics.special import half_deviance
from metaresp.model import Batch, pool_batch
from metaresp.model.estimates import ALL_RESPOND, ALL_ZERO, EXACT
from metaresp.model.registry import model_of
from metaresp.model.spec import resolve
from metaresp.records import Later, Record, on_demand
from metaresp.result import Fit
from metaresp.studies.parts import Value

if TYPE_CHECKING:
    import pandas as pd

# The group of studies whose covariate is blank.
NO_GROUP = "not given"


@on_demand("mean_low", "mean_high")
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
    mean_rate, mean_low, mean_high : float array
        Mean rate over the trials of the group and its interval.
    tau2, I2 : float array
        Heterogeneity inside each group (its own tau2), I2 in percent; NaN where it is not estimable.
    within_pvalue : float array
        Of the test of heterogeneity inside each group: Pearson's X2 (count models) or Cochran's Q.
    statistic : float
        Of the test that the groups share one mean: twice a log-likelihood ratio, or Cochran's Q between the
        groups (``test`` says which, and of which model); NaN where there is no test.
    reference : str
        ``F`` or ``chi-square``; empty where there is no test.
    F : float
        What is referred to F on *df* and *df2* degrees of freedom; NaN with a chi-square reference.
    df, df2 : float
        Degrees of freedom; *df2* is infinite with a chi-square reference.
    pvalue : float
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
    mean_rate: FloatArray
    mean_low: FloatArray
    mean_high: FloatArray
    tau2: FloatArray
    I2: FloatArray
    within_pvalue: FloatArray
    statistic: float
    reference: str
    F: float
    df: float
    df2: float
    pvalue: float
    test: str
    notes: tuple[str, ...]

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a group: group, k, events, n, rate, low, high, those of the mean, tau2, I2."""
        import pandas as pd

        rates = ("rate", "low", "high", "mean_rate", "mean_low", "mean_high")
        names = ("group", "k", "events", "n", *rates, "tau2", "I2")
        return pd.DataFrame(
            {name: list(self.group) if name == "group" else getattr(self, name) for name in names}
        )

    def forest(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw the forest plot by groups; see :func:`metaresp.plots.forest.forest_fit` for *style*."""
        return self.fit.forest(path, by=self, **style)


@silent
def subgroups(fit: Fit, by: str, *, common_tau2: bool = False, reference: str | None = None) -> Subgroups:
    """Pool each group of studies with the model of *fit*, and test between the groups.

    Parameters
    ----------
    fit : Fit
    by : str
        Covariate that tells the groups; each study needs a value.
    common_tau2 : bool
        Test with one tau2 for all groups instead of one for each.  The rates of the groups are always
        those of their own studies.  With five studies a group or fewer it finds more differences.
    reference : {"F", "chi-square"}, optional
        Distribution that the test is referred to: F when not given, chi-square for one common rate and for
        inverse variance with ``ci="normal"``.

    Returns
    -------
    Subgroups

    Raises
    ------
    UnknownName
        If the studies have no such column, or *reference* is not known.
    InvalidArgument
        If *common_tau2* or *reference* has no meaning for the model.

    Notes
    -----
    Count models: likelihood-ratio test, in the model of the fit, of one mean against a mean for each group.
    Chi-square is its large-sample reference; at two to five studies a group the test then has a size of up
    to .12 (.20 with one tau2), not .05.  The default refers ``F = (k - G) / (G - 1) (exp(LR / k) - 1)``, for
    k studies in G groups, to F on (G - 1) and (k - G) degrees of freedom, which is exact for normal effects
    with one variance: its size was at most .07 in every cell of a simulation
    (``docs/decisions/between-groups.md``).  A group that is all at 0% or 100% takes part with its likelihood
    (0/60 against 12/60 has a finite statistic), its spread being held at 0.  With a group of one study, which
    cannot tell its own spread, one is shared in the test.
    Studies nested in clusters: the same with both variances of each group its own, k being the number of
    clusters (no size was measured).
    One common rate: the likelihood-ratio test of the totals, chi-square.  Inverse variance: Cochran's Q
    between the groups in Welch's F test, whose denominator has the groups' own degrees of freedom; where a
    group is all at 0% or 100% the test of the binomial-normal model.

    R: ``meta::metaprop(..., subgroup = region)``, ``metafor::rma.glmm(mods = ~ region)``, both chi-square.

    References
    ----------
    Borenstein, Hedges, Higgins and Rothstein (2009), Introduction to Meta-Analysis, chapter 19.
    Welch (1951), On the comparison of several mean values, Biometrika 38:330.

    Examples
    --------
    >>> import metaresp as mr
    >>> studies = mr.Studies([0, 0, 0, 4, 5, 3], [20] * 6, covariates={"region": list("AAABBB")})
    >>> found = subgroups(mr.pool(studies), "region")
    >>> found.group, found.rate.round(3).tolist(), round(found.pvalue, 5)
    (('A', 'B'), [0.0, 0.2], 0.00455)
    """
    if not isinstance(fit, Fit):
        raise InvalidArgument(f"{option('fit', fit)}: must be a result of mr.pool")
    common_tau2 = check_bool("common_tau2", common_tau2)
    if reference is not None:
        reference = known_name("reference", reference, ("F", "chi-square"))
    kind = model_of(fit.spec)
    nested = fit.spec.cluster is not None
    if common_tau2 and (nested or not (kind.has_likelihood and kind.tau2_methods)):
        raise InvalidArgument(
            f"{option('common_tau2', True)} has no meaning for {option('model', fit.spec.model)}: leave it "
            "out"
        )
    studies = fit.studies
    members = _members(fit, by)
    copies = np.zeros((len(members), len(studies)), dtype=np.int64)
    for i, positions in enumerate(members.values()):
        copies[i, list(positions)] = 1
    batch = pool_batch(studies.events, studies.n, copies, **batch_options(fit))
    found = _between(fit, batch, copies, common_tau2, reference)
    mean_low: Any = Later(lambda: batch.mean_low)
    mean_high: Any = Later(lambda: batch.mean_high)
    return Subgroups(
        fit=fit,
        by=by,
        common_tau2=common_tau2,
        group=tuple(map(group_label, members)),
        k=batch.k.astype(np.int64),
        events=batch.events.astype(np.int64),
        n=batch.n.astype(np.int64),
        rate=batch.rate,
        low=batch.low,
        high=batch.high,
        mean_rate=batch.mean_rate,
        mean_low=mean_low,
        mean_high=mean_high,
        tau2=batch.tau2,
        I2=batch.I2,
        within_pvalue=batch.Q_pvalue,
        **found._asdict(),
    )


def group_label(value: Value) -> str:
    """Return the value of a group as text; studies without one are a group of their own."""
    if value is None:
        return NO_GROUP
    return f"{value:g}" if isinstance(value, float) else str(value)


def _members(fit: Fit, by: str) -> dict[Value, tuple[int, ...]]:
    values = fit.studies.column(check_text("by", by))
    members: dict[Value, list[int]] = {}
    for i, value in enumerate(values):
        members.setdefault(value, []).append(i)
    blank = members.pop(None, None)
    if blank:
        members[NO_GROUP] = [*members.get(NO_GROUP, []), *blank]
    return {value: tuple(positions) for value, positions in members.items()}


class _Test(NamedTuple):
    """The test between groups, as the fields of the result."""

    statistic: float
    reference: str
    F: float
    df: float
    df2: float
    pvalue: float
    test: str
    notes: tuple[str, ...] = ()


def _between(fit: Fit, batch: Batch, copies: IntArray, common_tau2: bool, reference: str | None) -> _Test:
    """Return the test that belongs to the model of the fit."""
    groups, kind = len(copies), model_of(fit.spec)
    if groups < 2:
        nothing = "One group only: there is nothing to test between groups."
        return _Test(np.nan, "", np.nan, float(groups - 1), np.nan, np.nan, "", (nothing,))
    if not kind.spread:
        if reference == "F":
            raise InvalidArgument(
                f"{option('reference', 'F')} has no meaning for {option('model', fit.spec.model)}, which "
                "knows no spread: leave it out"
            )
        return _chi_square(_totals(batch), groups, "likelihood ratio, totals")
    exact = np.isin(batch.reason, EXACT)
    if fit.spec.cluster is not None and (kind.has_likelihood or exact.any()):
        return _nested_likelihood(fit, copies, reference)
    if not kind.has_likelihood and not exact.any():
        normal = fit.spec.ci == "normal" and reference is None
        units = batch.k if fit.spec.cluster is None else _clusters(fit, copies)
        df = np.where(np.isfinite(batch.df), batch.df, units - 1)
        q, f, within, pvalue = welch_f(batch.estimate, batch.se, df)
        name = "Q between groups"
        if normal or reference == "chi-square":
            return _chi_square(q, groups, name)
        return _Test(q, "F", f, groups - 1.0, within, pvalue, name)
    return _likelihood(fit, batch, copies, common_tau2, reference)


def _chi_square(statistic: float, groups: int, test: str, notes: tuple[str, ...] = ()) -> _Test:
    df = groups - 1.0
    pvalue = float(special.chdtrc(df, statistic))
    return _Test(statistic, "chi-square", np.nan, df, np.inf, pvalue, test, notes)


def _likelihood(fit: Fit, batch: Batch, copies: IntArray, common_tau2: bool, reference: str | None) -> _Test:
    """Return the likelihood-ratio test, in the model of the fit where that has a likelihood."""
    groups, k = len(copies), float(batch.k.sum())
    own = model_of(fit.spec).has_likelihood
    spec = fit.spec if own else resolve()
    kind = model_of(spec)
    shared = common_tau2 or bool((batch.k < 2).any())
    notes: tuple[str, ...] = ()
    if shared and not common_tau2:
        notes = (
            f"A group has one study: the test between groups takes one {kind.spread_words} for all of them.",
        )
    lanes, _ = clean(np.broadcast_to(fit.studies.events, copies.shape), fit.studies.n, copies)
    held = np.isin(batch.reason, (ALL_ZERO, ALL_RESPOND))[None, :]
    found = likelihood_ratios(lanes, groups, spec, shared=shared, held=held)
    statistic = float(found[0])
    other = "" if own else f" ({spec.model})"
    name = f"likelihood ratio{other}, {'one' if shared else 'own'} {kind.spread_symbol}"
    if k <= groups and reference != "chi-square":
        notes += ("Every group has one study: the test between groups takes their differences for real.",)
    if reference == "chi-square" or k <= groups:
        return _chi_square(statistic, groups, name, notes)
    f, pvalue = likelihood_f(np.array(statistic), np.array(k), groups)
    return _Test(statistic, "F", float(f), groups - 1.0, k - groups, float(pvalue), name, notes)


def _clusters(fit: Fit, copies: IntArray) -> FloatArray:
    """Return the number of clusters in each group."""
    codes = fit.studies.cluster_codes(str(fit.spec.cluster))
    return np.array([np.unique(codes[some > 0]).size for some in copies], dtype=np.float64)


def _nested_likelihood(fit: Fit, copies: IntArray, reference: str | None) -> _Test:
    """Return the likelihood-ratio test of counts nested in clusters, referred to F by the clusters."""
    own = model_of(fit.spec).has_likelihood
    spec = fit.spec if own else resolve(cluster=fit.spec.cluster)
    codes = fit.studies.cluster_codes(str(fit.spec.cluster))
    lanes, _ = clean(np.broadcast_to(fit.studies.events, copies.shape), fit.studies.n, copies)
    statistic, clusters = model_of(spec)(lanes, spec, codes).mean_gain()
    notes: tuple[str, ...] = ()
    if clusters > np.unique(codes).size:
        notes = (f"A {fit.spec.cluster} has studies in several groups: the test takes these as independent.",)
    groups, name = len(copies), f"likelihood ratio{'' if own else f' ({spec.model})'}, own τ²"
    if reference == "chi-square" or clusters <= groups:
        return _chi_square(statistic, groups, name, notes)
    f, pvalue = likelihood_f(np.array(statistic), np.array(clusters), groups)
    return _Test(statistic, "F", float(f), groups - 1.0, clusters - groups, float(pvalue), name, notes)


def _totals(batch: Batch) -> float:
    """Return the likelihood-ratio statistic of one binomial rate against one for each group."""
    rate = np.full(batch.k.shape, batch.events.sum() / batch.n.sum())
    if not 0 < rate[0] < 1:
        return 0.0
    rare = rate[0] <= 0.5
    x = batch.events if rare else batch.n - batch.events
    return float(2 * half_deviance(x, batch.n, rate if rare else 1 - rate).sum())
