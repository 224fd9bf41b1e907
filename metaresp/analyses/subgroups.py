"""Subgroups: the same model in every group of studies, and a test between them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaresp.analyses.clusters import batch_options, check_fit, column_by
from metaresp.analyses.group_test import Reference, between
from metaresp.analyses.moderators import level_text
from metaresp.analyses.one_tau2 import NUMBERS, check_offered, fit_one_tau2, group_numbers
from metaresp.arrays import FloatArray, IntArray, silent
from metaresp.checks import check_bool, check_whole
from metaresp.counts import clean
from metaresp.errors import InvalidArgument, known_name, option
from metaresp.model import pool_batch
from metaresp.model.estimates import EXACT
from metaresp.model.registry import model_of
from metaresp.model.spec import Spec
from metaresp.pooling import pool
from metaresp.records import Answered, Later, on_demand
from metaresp.result import Fit
from metaresp.studies.parts import Value

if TYPE_CHECKING:
    import pandas as pd

# The group of studies whose covariate is blank.
NO_GROUP = "not given"


@on_demand("mean_low", "mean_high", "tau2_low", "tau2_high")
@dataclass(frozen=True, eq=False, slots=True)
class Subgroups(Answered):
    """Pooled rates of groups of studies.  Arrays have shape (groups,).

    Attributes
    ----------
    fit : Fit
        Of all studies.
    by : str
        The covariate that tells the groups.
    common_tau2 : bool
        Whether the groups, and the test between them, have one tau2.
    group : tuple of str
        In the order of the data.
    k, events, n : int array
        Studies, responders and patients.
    rate, low, high : float array
        Pooled rate and its interval, between 0 and 1; exact where a group is all at 0% or 100%.
    mean_rate, mean_low, mean_high : float array
        Mean rate over the trials of the group and its interval.
    prediction_low, prediction_high : float array
        Interval of the true rate of a new trial of each group; NaN where there is none.
    estimate, se, estimate_low, estimate_high : float array
        The pooled rate on the scale of the model, its standard error and its interval.
    tau2, tau2_low, tau2_high, I2 : float array
        Heterogeneity inside each group: its own tau2, or the one that all share, with its interval, and I2 in
        percent; NaN where it is not estimable.
    within_pvalue : float array
        Of the test of heterogeneity inside each group: Pearson's X2 (count models) or Cochran's Q.
    statistic : float
        Of the test that the groups share one mean: twice a log-likelihood ratio, or Cochran's Q between the
        groups (``test`` says which, and of which model); NaN where there is no test.
    reference : str
        ``F``, ``chi-square`` or ``permutation``; empty where there is no test.
    F : float
        What is referred to F on *df* and *df2* degrees of freedom; NaN with another reference.
    df, df2 : float
        Degrees of freedom; *df2* is infinite with a chi-square reference, NaN with permutations.
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
    prediction_low: FloatArray
    prediction_high: FloatArray
    estimate: FloatArray
    se: FloatArray
    estimate_low: FloatArray
    estimate_high: FloatArray
    tau2: FloatArray
    tau2_low: FloatArray
    tau2_high: FloatArray
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

    @property
    def spec(self) -> Spec:
        """The options of every fit."""
        return self.fit.spec

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a group: counts, rate, mean rate, new trial, tau2 with limits, I2, the scale's."""
        import pandas as pd

        rates = ("rate", "low", "high", "mean_rate", "mean_low", "mean_high")
        new = ("prediction_low", "prediction_high")
        spread = ("tau2", "tau2_low", "tau2_high", "I2")
        scale = ("estimate", "se", "estimate_low", "estimate_high")
        names = ("group", "k", "events", "n", *rates, *new, *spread, *scale)
        return pd.DataFrame(
            {name: list(self.group) if name == "group" else getattr(self, name) for name in names}
        )

    def forest(
        self, path: str | os.PathLike[str] | None = None, *, studies: bool = True, **style: Any
    ) -> Any:
        """Draw the studies by groups, or without *studies* one group a row.

        *style* is that of :func:`metaresp.plots.forest.forest_fit`, or without *studies* of
        :func:`metaresp.plots.answers.forest_answers`.
        """
        if check_bool("studies", studies):
            return self.fit.forest(path, by=self, **style)
        return Answered.forest(self, path, **style)


@silent
def subgroups(
    fit: Fit,
    by: str,
    *,
    common_tau2: bool = False,
    reference: str | None = None,
    permutations: int | None = None,
    seed: int | None = None,
) -> Subgroups:
    """Pool each group of studies with the model of *fit*, and test between the groups.

    Parameters
    ----------
    fit : Fit
    by : str
        Covariate that tells the groups; each study needs a value.
    common_tau2 : bool
        One model for all groups: a mean for each and one tau2, in rates, limits, new trials and the test.
        For few studies a group whose spreads are alike (``docs/decisions/between-groups.md``).
    reference : {"F", "chi-square", "permutation"}, optional
        Distribution that the test is referred to: F when not given, chi-square for one common rate and for
        inverse variance with ``ci="normal"``.  ``permutation``: arrangements of the groups over the studies
        (over the clusters, where these are nested), which takes no form of the effects for granted.
    permutations : int, optional
        Arrangements that are drawn, 999 if not given; all of them where there are no more.
    seed : int, optional
        Of the draws; 1 if not given.

    Returns
    -------
    Subgroups

    Raises
    ------
    UnknownName
        If the studies have no such column, or *reference* is not known.
    InvalidArgument
        If *common_tau2* or *reference* has no meaning for the model, or *permutations* for the reference;
        if *common_tau2* is not offered for the model (beta-binomial, nested) or its interval.
    CannotEstimate
        If a study has no variance on the scale of an inverse-variance fit with one tau2.

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
    A penalty has no part in these tests.
    Studies nested in clusters: the same with both variances of each group its own, k being the number of
    clusters (no size was measured).
    One common rate: the likelihood-ratio test of the totals, chi-square.  Inverse variance: Cochran's Q
    between the groups in Welch's F test, whose denominator has the groups' own degrees of freedom; where a
    group is all at 0% or 100% the test of the binomial-normal model.

    One tau2 (*common_tau2*): the groups are indicators in the regression of :func:`metaresp.regress`.
    Counts: maximum likelihood and corrected profile limits of each group's mean.  Inverse variance: every
    estimator of tau2 in its form for residuals; Hartung-Knapp's factor and degrees of freedom are those of
    all studies, the test is the F (or chi-square) of the indicators.  New trials are the regression's, by t
    on k - G - 1 degrees of freedom (``hts``); the mean over trials and its limits are those of the typical
    trial, averaged over trials at the one tau2; I2 is of what groups leave.  That tau2 has no interval.  A
    group all at 0% or 100% keeps its exact answer, which says nothing of tau2; a group of one study has the
    model's.  Where no tau2 can be common (each group one study) the groups have the answers of their own.

    R: ``meta::metaprop(..., subgroup = region)``, ``metafor::rma.glmm(mods = ~ region)``, both chi-square.
    With one tau2: ``meta::metaprop(..., tau.common = TRUE)``, ``metafor::rma(mods = ~ region - 1)``,
    ``lme4::glmer(cbind(x, n - x) ~ 0 + region + (1 | study))``.

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
    >>> fit = mr.pool(mr.datasets.load("debruin2009"))
    >>> one = subgroups(fit, "ethnicity", common_tau2=True)
    >>> one.rate.round(3).tolist(), one.tau2.round(3).tolist()
    ([0.396, 0.56], [0.274, 0.274])
    """
    check_fit(fit)
    common_tau2 = check_bool("common_tau2", common_tau2)
    chosen = _reference(reference, permutations, seed)
    if common_tau2:
        check_offered(fit.spec)
    studies = fit.studies
    members = _members(fit, by)
    copies = np.zeros((len(members), len(studies)), dtype=np.int64)
    for i, positions in enumerate(members.values()):
        copies[i, list(positions)] = 1
    batch = pool_batch(studies.events, studies.n, copies, **batch_options(fit))
    labels = tuple(members)
    shared = fit_one_tau2(fit, batch, copies, labels) if common_tau2 else None
    found = between(fit, batch, copies, chosen, shared)
    limits = Later(lambda: _tau2_limits(fit, copies, batch.reason, list(members.values())))
    numbers: dict[str, Any] = {name: getattr(batch, name) for name in NUMBERS} | {
        "tau2_low": Later(lambda: limits()[0]),
        "tau2_high": Later(lambda: limits()[1]),
        "mean_low": Later(lambda: batch.mean_low),
        "mean_high": Later(lambda: batch.mean_high),
    }
    notes = found.notes
    if shared is not None:
        numbers |= group_numbers(fit, batch, copies, shared)
        notes = (*shared.notes, *notes)
    return Subgroups(
        fit=fit,
        by=by,
        common_tau2=common_tau2,
        group=labels,
        k=batch.k.astype(np.int64),
        events=batch.events.astype(np.int64),
        n=batch.n.astype(np.int64),
        within_pvalue=batch.Q_pvalue,
        **numbers,
        **found._asdict() | {"notes": notes},
    )


def _reference(name: str | None, permutations: int | None, seed: int | None) -> Reference:
    if name is not None:
        name = known_name("reference", name, ("F", "chi-square", "permutation"))
    counts = {}
    for argument, value, least in (("permutations", permutations, 1), ("seed", seed, 0)):
        if value is not None and name != "permutation":
            raise InvalidArgument(
                f"{option(argument, value)} has no meaning without {option('reference', 'permutation')}: "
                "leave it out"
            )
        if value is not None:
            counts[argument] = check_whole(argument, value, least, 10**7 - 1)
    return Reference(name, counts.get("permutations", 999), counts.get("seed", 1))


def _tau2_limits(
    fit: Fit, copies: IntArray, reason: IntArray, members: Sequence[tuple[int, ...]]
) -> tuple[FloatArray, FloatArray]:
    """Return the interval of each group's tau2; NaN where it has none."""
    low, high = np.full((2, len(members)), np.nan)
    kind, known = model_of(fit.spec), np.flatnonzero(~np.isin(reason, EXACT))
    if fit.spec.cluster is not None:
        options = batch_options(fit) | {"cluster": fit.spec.cluster}
        for group in known.tolist():
            part = pool(fit.studies[list(members[group])], **options)
            if np.isfinite(part.tau2):
                low[group], high[group] = part.tau2_ci()
    elif kind.tau2_methods and fit.spec.tau2 != "common" and known.size:
        lanes, _ = clean(np.broadcast_to(fit.studies.events, copies.shape), fit.studies.n, copies)
        low[known], high[known] = kind(lanes.take(known), fit.spec).tau2_limits(None, fit.spec.level)
    return low, high


def group_label(value: Value) -> str:
    """Return the value of a group as text; studies without one are a group of their own."""
    return NO_GROUP if value is None else level_text(value)


def _members(fit: Fit, by: str) -> dict[str, tuple[int, ...]]:
    """Return the positions of each group's studies by its label, those without a value last."""
    values = column_by(fit.studies, by)
    members: dict[str, list[int]] = {}
    for i, value in enumerate(values):
        members.setdefault(group_label(value), []).append(i)
    if None in values:
        members[NO_GROUP] = members.pop(NO_GROUP)
    return {label: tuple(positions) for label, positions in members.items()}
