"""Fits of a great many subsets of the same studies, out of a table of each study's likelihood.

A subset whose maximum the table does not tell to the accuracy of a fit is fitted by its likelihood itself:
one of a study of a million patients among small ones, one whose spread has no bound, one at 0% and 100% only.
"""

from collections.abc import Sequence

import numpy as np
from scipy import special

from metaresp.arrays import BoolArray, FloatArray, chunked
from metaresp.kernel.counts import beta_binomial, binomial_normal
from metaresp.kernel.counts.beta_binomial_terms import terms
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.subset_maxima import Maxima, Scan, Table, Terms, maxima
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.numerics.special import saturated
from metaresp.kernel.numerics.surface import Local, Top

_ELEMENTS = 1 << 20  # floats in one working array: so many subsets are looked at together
_RATIO = 1.5  # of one spread of the scan to the one before
_FARTHEST_APART = 200.0  # range of the studies over the least spread of the scan
_PAST = 1.3  # greatest spread of the scan over the range of the studies
_FLOATS = 250  # that a subset takes, about
_LEAST_RATE = 1e-3


def normal_table(data: CountSurface) -> Table:
    """Return the table of the studies of the one lane of a binomial-normal likelihood.

    Rates on the cauchit scale go as far as 1e13: mean and spread are looked for as ``sinh(a)``, ``sinh(b)``.
    """
    stretched = data.link == "cauchit"
    y, v = LINKS[data.link].empirical(data.x[0], data.n[0])
    error = np.sqrt(v)
    wide = max(float(np.ptp(y)), 0.5)
    least = max(0.25 * float(error.min()), wide / _FARTHEST_APART)
    count = int(np.ceil(np.log(_PAST * wide / least) / np.log(_RATIO))) + 1
    tau = np.geomspace(least, _PAST * wide, count)
    linear, top = min(binomial_normal.TAU_UNIT, float(error.min())), data.tau_max
    if not stretched:
        scan = Scan(y, error, tau, tau, top, binomial_normal.TAU_UNIT, linear)
        return Table(_normal_terms(data), scan)
    error, y, b = error / np.hypot(1.0, y), np.arcsinh(y), np.arcsinh(3 * tau)
    linear, top = min(linear, float(error.min())), float(np.arcsinh(top))
    scan = Scan(y, error, b, np.minimum(b, 1.0), top, binomial_normal.TAU_UNIT, linear, logarithmic=True)
    return Table(_stretched(_normal_terms(data)), scan)


def _normal_terms(data: CountSurface) -> Terms:
    """Return the function that gives every study, and behind them the penalty where there is one."""
    bare = data._replace(penalty=None, compiled=False)

    def each(mu: FloatArray, tau: FloatArray) -> Local:
        found = bare.take(np.zeros(mu.size, dtype=np.int64)).each(mu, tau)
        if data.penalty is None:
            return Local(*found)
        added = data.penalty.add(Local(*np.zeros((6, mu.size))), mu, tau)
        return Local(*(np.column_stack(pair) for pair in zip(found, added, strict=True)))

    return each


def _stretched(each: Terms) -> Terms:
    """Return the terms by a and b, where the mean is sinh(a) and the spread is sinh(b)."""

    def terms_of(a: FloatArray, b: FloatArray) -> Local:
        return each(np.sinh(a), np.sinh(b)).by_arcsinh(a[:, None], b[:, None])

    return terms_of


def normal_fit(table: Table, data: CountSurface) -> binomial_normal.Fit:
    """Return what ``binomial_normal.fit`` does, for subsets of the studies of a table.

    Parameters
    ----------
    table : Table
        That :func:`normal_table` made of all studies.
    data : CountSurface
        One lane a subset: some, but not all, of its patients have an event.
    """
    events, size = (np.einsum("lk,lk->l", data.copies, field) for field in (data.x, data.n))
    rate, stretched = events / size, table.scan.logarithmic
    common = LINKS[data.link].forward(rate)
    copies = data.copies
    if data.penalty is not None:
        copies = np.column_stack([copies, np.ones(data.lanes)])
    found = _maxima(table, copies, np.arcsinh(common) if stretched else common)
    (mu, tau, local, _), (at_common, _, common_local, _), sure = found
    se = binomial_normal.standard_error(local, np.zeros(mu.size, dtype=np.bool_))
    if stretched:  # the slope is 0 at the maximum: its curvatures turn by the squared slope of sinh
        mu, tau, at_common = np.sinh(mu), np.sinh(tau), np.sinh(at_common)
        se = se * np.hypot(1.0, mu)
    constant = data.saturated()
    value = local.value
    if data.penalty is not None:
        value = value - data.penalty.add(Local(*np.zeros((6, mu.size))), mu, tau).value
    one_rate = special.xlogy(events, rate) + special.xlogy(size - events, 1 - rate)
    own_rates = special.xlogy(data.x, data.x / data.n) + special.xlogy(data.n - data.x, 1 - data.x / data.n)
    out = binomial_normal.Fit(
        mu=mu,
        tau=tau,
        se=se,
        top=local.value,
        loglik=value + constant,
        loglik_common=one_rate - np.einsum("lk,lk->l", data.copies, own_rates) + constant,
        loglik_saturated=constant,
        reason=np.full(mu.size, binomial_normal.OK),
        hill_mu=np.column_stack([at_common, mu]),
        hill_tau=np.column_stack([np.zeros_like(tau), tau]),
        hill_top=np.column_stack([common_local.value, local.value]),
    )
    rest = np.flatnonzero(~sure | _extreme(data.x, data.n, data.copies))
    if rest.size:
        found_rest = binomial_normal.fit(data.take(rest))
        for whole, part in zip(out, found_rest, strict=True):
            whole[rest] = part if whole.ndim == 1 else part[:, [0, -1]]
        # of its hills the one at tau = 0, and the highest
        for whole, highest in zip(out[-3:], (found_rest.mu, found_rest.tau, found_rest.top), strict=True):
            whole[rest, 1] = highest
    return out


def _extreme(x: FloatArray, n: FloatArray, copies: FloatArray) -> BoolArray:
    """Tell the subsets of studies at 0% and at 100% only: nothing bounds their spread."""
    extreme: BoolArray = ((x == 0) | (x == n) | (copies == 0)).all(axis=-1)
    return extreme


def _maxima(table: Table, copies: FloatArray, common: FloatArray) -> Maxima:
    """Return the maxima of all subsets, some thousands at a time."""
    parts = [maxima(table, copies[part], common[part]) for part in chunked(len(copies), _FLOATS, _ELEMENTS)]

    def joined(tops: Sequence[Top]) -> Top:
        local = Local(*(np.concatenate(field) for field in zip(*(top.local for top in tops), strict=True)))
        a, b, converged = (np.concatenate([top[i] for top in tops]) for i in (0, 1, 3))
        return Top(a, b, local, converged)

    tops, commons, sure = zip(*parts, strict=True)
    return Maxima(joined(tops), joined(commons), np.concatenate(sure))


def beta_table(x: FloatArray, n: FloatArray) -> Table:
    """Return the table of studies, shape (k,), of a beta-binomial likelihood.

    By the logit of the mean and ``u = log(1 + N theta)``, N being the largest study.
    """
    largest, rate = float(n.max()), float((x.sum() + 0.5) / (n.sum() + 1))
    y, v = LINKS["logit"].empirical(x, n)
    error = np.sqrt(v)
    grid = beta_binomial.counts(x[None], n[None], np.ones((1, x.size))).grid()[0, 1:]
    grid = grid[~np.isnan(grid)]
    theta = np.expm1(grid) / largest
    top = float(np.log1p(largest * beta_binomial.THETA_MAX))
    linear = float(np.clip(min(rate, 1 - rate), _LEAST_RATE, 1.0))
    spread = np.sqrt(theta / (1 + theta) / (rate * (1 - rate)))
    scan = Scan(y, error, grid, np.minimum(spread, 3.0), top, None, linear, logarithmic=True)

    def each(mu: FloatArray, u: FloatArray) -> Local:
        at = terms(
            np.broadcast_to(x, (mu.size, x.size)),
            np.broadcast_to(n, (mu.size, x.size)),
            mu,
            np.expm1(u) / largest,
        )
        stretch = ((np.expm1(u) + 1) / largest)[:, None]
        return Local(
            at.value,
            at.d_mu,
            at.d_theta * stretch,
            at.d_mu_mu,
            at.d_mu_theta * stretch,
            (at.d_theta_theta * stretch + at.d_theta) * stretch,
        )

    return Table(each, scan)


def beta_fit(table: Table, x: FloatArray, n: FloatArray, copies: FloatArray) -> beta_binomial.Fit:
    """Return what ``beta_binomial.fit`` does, for subsets of the studies of a table."""
    events, size = (np.einsum("lk,lk->l", copies, field) for field in (x, n))
    largest = np.expm1(table.scan.top) / beta_binomial.THETA_MAX
    common = np.log(events) - np.log(size - events)
    (mu, u, local, _), (_, _, common_local, _), sure = _maxima(table, copies, common)
    theta = np.expm1(u) / largest
    constant = np.einsum("lk,lk->l", copies, saturated(x, n))
    information = np.where(u > 0, local.information(), -local.d_a_a)
    usable = np.where(information > 0, information, -local.d_a_a)
    out = beta_binomial.Fit(
        mu=mu,
        rho=theta / (1 + theta),
        se=1 / np.sqrt(np.where(usable > 0, usable, np.inf)),
        loglik=local.value + constant,
        loglik_common=common_local.value + constant,
        loglik_saturated=constant,
        reason=np.full(mu.size, binomial_normal.OK),
        hill_mu=np.column_stack([common, mu]),
        hill_top=np.column_stack([common_local.value, local.value]),
    )
    single = ((n == 1) | (copies == 0)).all(axis=-1)
    rest = np.flatnonzero(~sure | _extreme(x, n, copies) | single)
    if rest.size:
        found_rest = beta_binomial.fit(x[rest], n[rest], copies[rest])
        for whole, part in zip(out, found_rest, strict=True):
            whole[rest] = part if whole.ndim == 1 else part[:, [0, -1]]
        top = found_rest.loglik - found_rest.loglik_saturated
        for whole, highest in zip(out[-2:], (found_rest.mu, top), strict=True):
            whole[rest, 1] = highest
    return out
