"""Which test between groups belongs to a model, and what it gives."""

from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.analyses.between import likelihood_f, likelihood_ratios, welch_f
from metaresp.analyses.one_tau2 import OneTau2
from metaresp.analyses.permutation import arrangements, pvalue
from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.counts import clean
from metaresp.errors import InvalidArgument, option
from metaresp.kernel.numerics.special import half_deviance
from metaresp.model import Batch
from metaresp.model.estimates import ALL_RESPOND, ALL_ZERO, EXACT
from metaresp.model.registry import model_of
from metaresp.model.regression import Regressor
from metaresp.model.spec import Spec, resolve
from metaresp.result import Fit

# Counts of the lanes whose statistics are computed at once.
_AT_ONCE = 1 << 18


class GroupTest(NamedTuple):
    """The test between groups, as the fields of the result."""

    statistic: float
    reference: str
    F: float
    df: float
    df2: float
    pvalue: float
    test: str
    notes: tuple[str, ...] = ()


class Reference(NamedTuple):
    """What a statistic is referred to, by name; of a permutation how many arrangements, and the seed."""

    name: str | None
    permutations: int
    seed: int


def between(
    fit: Fit, batch: Batch, copies: IntArray, chosen: Reference, shared: OneTau2 | None = None
) -> GroupTest:
    """Return the test that belongs to the model of the fit, or to the one with one tau2 for all groups."""
    common_tau2 = shared is not None
    reference = chosen.name
    groups, kind = len(copies), model_of(fit.spec)
    if groups < 2:
        nothing = "One group only: there is nothing to test between groups."
        return GroupTest(np.nan, "", np.nan, float(groups - 1), np.nan, np.nan, "", (nothing,))
    if reference == "permutation":
        return _permuted(fit, copies, common_tau2, chosen)
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
    if not kind.has_likelihood and shared is not None and shared.model and shared.inside.size == groups:
        return _wald(shared.model, fit.spec, reference)
    if not kind.has_likelihood and not exact.any():
        normal = fit.spec.ci == "normal" and reference is None
        units = batch.k if fit.spec.cluster is None else _clusters(fit, copies)
        df = np.where(np.isfinite(batch.df), batch.df, units - 1)
        q, f, within, pvalue = welch_f(batch.estimate, batch.se, df)
        name = "Q between groups"
        if normal or reference == "chi-square":
            return _chi_square(q, groups, name)
        return GroupTest(q, "F", f, groups - 1.0, within, pvalue, name)
    return _likelihood(fit, batch, copies, shared, reference)


def _wald(model: Regressor, spec: Spec, reference: str | None) -> GroupTest:
    """Return the test of the indicators of groups in a regression of effects."""
    found, name = model.joint([range(1, model.p)])[0], "Q between groups, one τ²"
    q = found.statistic * (found.df if np.isfinite(found.df2) else 1.0)
    if reference == "chi-square" or (reference is None and spec.ci == "normal"):
        return _chi_square(q, model.p, name)
    f, within = q / found.df, float(model.k - model.p)
    pvalue = float(special.fdtrc(found.df, within, f))
    return GroupTest(q, "F", f, found.df, within, pvalue, name)


def _chi_square(statistic: float, groups: int, test: str, notes: tuple[str, ...] = ()) -> GroupTest:
    df = groups - 1.0
    pvalue = float(special.chdtrc(df, statistic))
    return GroupTest(statistic, "chi-square", np.nan, df, np.inf, pvalue, test, notes)


def _likelihood(
    fit: Fit, batch: Batch, copies: IntArray, one: OneTau2 | None, reference: str | None
) -> GroupTest:
    """Return the likelihood-ratio test, in the model of the fit where that has a likelihood."""
    groups, k = len(copies), float(batch.k.sum())
    own = model_of(fit.spec).has_likelihood
    spec = fit.spec if own else resolve()
    kind = model_of(spec)
    shared = one is not None or bool((batch.k < 2).any())
    notes: tuple[str, ...] = ()
    if shared and one is None:
        notes = (
            f"A group has one study: the test between groups takes one {kind.spread_words} for all of them.",
        )
    # a penalty has no part in these tests: where there is one, the regression has another likelihood
    if own and spec.penalty is None and one is not None and one.model and one.inside.size == groups:
        statistic = one.model.joint([range(1, groups)])[0].statistic
    else:
        lanes, _ = clean(np.broadcast_to(fit.studies.events, copies.shape), fit.studies.n, copies)
        held = np.isin(batch.reason, (ALL_ZERO, ALL_RESPOND))[None, :]
        statistic = float(likelihood_ratios(lanes, groups, spec, shared=shared, held=held)[0])
    other = "" if own else f" ({spec.model})"
    name = f"likelihood ratio{other}, {'one' if shared else 'own'} {kind.spread_symbol}"
    if k <= groups and reference != "chi-square":
        notes += ("Every group has one study: the test between groups takes their differences for real.",)
    if reference == "chi-square" or k <= groups:
        return _chi_square(statistic, groups, name, notes)
    f, pvalue = likelihood_f(np.array(statistic), np.array(k), groups)
    return GroupTest(statistic, "F", float(f), groups - 1.0, k - groups, float(pvalue), name, notes)


def _clusters(fit: Fit, copies: IntArray) -> FloatArray:
    """Return the number of clusters in each group."""
    codes = fit.studies.cluster_codes(str(fit.spec.cluster))
    return np.array([np.unique(codes[some > 0]).size for some in copies], dtype=np.float64)


def _nested_likelihood(fit: Fit, copies: IntArray, reference: str | None) -> GroupTest:
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
    return GroupTest(statistic, "F", float(f), groups - 1.0, clusters - groups, float(pvalue), name, notes)


def _totals(batch: Batch) -> float:
    """Return the likelihood-ratio statistic of one binomial rate against one for each group."""
    rate = np.full(batch.k.shape, batch.events.sum() / batch.n.sum())
    if not 0 < rate[0] < 1:
        return 0.0
    rare = rate[0] <= 0.5
    x = batch.events if rare else batch.n - batch.events
    return float(2 * half_deviance(x, batch.n, rate if rare else 1 - rate).sum())


def _permuted(fit: Fit, copies: IntArray, common_tau2: bool, chosen: Reference) -> GroupTest:
    """Return the test whose reference is the arrangements of the groups over studies, or over clusters."""
    codes = copies.argmax(axis=0)
    units = np.arange(codes.size)
    own = model_of(fit.spec).has_likelihood and fit.spec.cluster is None
    what = "studies"
    if fit.spec.cluster is not None:
        units, what = fit.studies.cluster_codes(fit.spec.cluster), "clusters"
        first = np.unique(units, return_index=True)[1]
        if (codes[first][units] != codes).any():
            raise InvalidArgument(
                f"{option('reference', 'permutation')}: a {fit.spec.cluster} has studies in several groups, "
                "and clusters can only change groups as a whole"
            )
        codes = codes[first]
    rng = np.random.default_rng(chosen.seed)
    sets, every = arrangements(codes, chosen.permutations, rng)
    groups = len(copies)
    spec = fit.spec if own else resolve(level=fit.spec.level)
    # the same for all arrangements, however many are computed at once: may a group have one study in any?
    alone = max(np.bincount(codes).min(), np.bincount(units).min()) < 2
    shared = common_tau2 or bool(alone)
    statistic = np.concatenate(
        [
            _gains(fit, (part[:, None, :] == np.arange(groups)[:, None])[..., units], spec, shared)
            for part in np.array_split(sets, -(-sets.shape[0] * units.size * groups // _AT_ONCE))
        ]
    )
    many = f"{'all' if every else 'a sample of'} {sets.shape[0] - (not every):,} arrangements of {what}"
    name = f"likelihood ratio{'' if own else f' ({spec.model})'}, {many}"
    value = float(statistic[0])
    return GroupTest(value, "permutation", np.nan, groups - 1.0, np.nan, pvalue(statistic), name)


def _gains(fit: Fit, members: BoolArray, spec: Spec, shared: bool) -> FloatArray:
    """Return the likelihood ratio of every set of groups, *members* having shape (sets, groups, k)."""
    copies = members.astype(np.int64).reshape(-1, members.shape[-1])
    lanes, _ = clean(np.broadcast_to(fit.studies.events, copies.shape), fit.studies.n, copies)
    held = ((lanes.events == 0) | (lanes.events == lanes.total)).reshape(members.shape[:2])
    return likelihood_ratios(lanes, members.shape[1], spec, shared=shared, held=held)
