"""Lanes of studies nested in clusters, effects and variances: REML for two components, robust errors.

``y_ij = mu + b_i + c_ij + e_ij`` with ``b_i`` of variance ``tau2_between``, ``c_ij`` of variance
``tau2_within`` and ``e_ij`` of known variance ``v_ij`` (Konstantopoulos 2011, Research Synthesis Methods
2:61).  The covariance matrix of a cluster is diagonal plus a constant: every inverse, determinant and
trace has a closed form in sums over the cluster.
R: ``metafor::rma.mv(yi, vi, random = ~ 1 | cluster/study)``.
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts.binomial_normal import NOT_CONVERGED, OK
from metaresp.kernel.effects.sums import inverse_variance
from metaresp.kernel.nested.robust import Groups, cluster_robust, groups
from metaresp.kernel.numerics.surface import Bounds, Local, climb

ONE_EACH = 6  # every cluster holds one study: the two components cannot be told apart
_SPACING = 1.0  # of the scan in log(1 + tau2 / v)
_CLOSE = 1e-11
_LARGEST = 1e4  # tau2 searched up to this multiple of the spread of the effects
_COMMON, _BETWEEN, _WITHIN = range(3)


class GaussianFit(NamedTuple):
    """REML estimates of lanes of nested effects, shape (lanes,)."""

    mu: FloatArray
    se: FloatArray  # given the variance components
    tau2_between: FloatArray
    tau2_within: FloatArray
    loglik: FloatArray  # restricted; with the constant of the usual software
    loglik_between_zero: FloatArray
    loglik_within_zero: FloatArray
    loglik_common: FloatArray
    se_cr1: FloatArray  # cluster-robust, times C / (C - 1); NaN for one cluster
    df_cr1: FloatArray  # clusters less one
    se_cr2: FloatArray  # cluster-robust, corrected for the shrinking of residuals
    df_cr2: FloatArray  # Satterthwaite
    reason: IntArray


class Effects(NamedTuple):
    """Lanes of effects in the order of their clusters, one arrangement for all of them.

    ``copies`` as in :class:`metaresp.kernel.nested.nodes.Nested`.
    """

    y: FloatArray  # (lanes, k)
    v: FloatArray
    copies: FloatArray
    groups: Groups

    def take(self, rows: IntArray) -> "Effects":
        """Return the lanes at *rows*."""
        return self._replace(y=self.y[rows], v=self.v[rows], copies=self.copies[rows])

    @property
    def clusters(self) -> FloatArray:
        """Number of clusters of each lane, shape (lanes,)."""
        count: FloatArray = (self.groups.sums(self.copies) > 0).sum(axis=-1).astype(np.float64)
        return count

    def add(self, each: FloatArray) -> FloatArray:
        """Return the sum over the studies of each lane."""
        result: FloatArray = (self.copies * each).sum(axis=-1)
        return result

    def sums(self, each: FloatArray) -> FloatArray:
        """Return the sums over the studies of each cluster, shape (lanes, clusters)."""
        return self.groups.sums(self.copies * each)

    def solve(self, w: FloatArray, share: FloatArray, z: FloatArray) -> FloatArray:
        """Return the inverse covariance times *z*; *share* is ``tb / (1 + tb S)`` of each cluster."""
        wz = w * z
        result: FloatArray = wz - w * (share * self.sums(wz))[..., self.groups.owner]
        return result


def effects_of(y: FloatArray, v: FloatArray, cluster: IntArray, copies: FloatArray | None = None) -> Effects:
    """Return lanes of effects in the order of their clusters.

    Parameters
    ----------
    y, v : float array, shape (lanes, k) or (k,)
        Effects and their sampling variances.
    cluster : int array, shape (k,)
        Which cluster each study belongs to, in every lane.
    copies : float array, shape (lanes, k), optional
        How often each study counts.
    """
    g = groups(cluster)
    y, v = np.atleast_2d(y), np.atleast_2d(v)
    copies = np.ones_like(y) if copies is None else copies
    return Effects(y[:, g.order], v[:, g.order], copies[:, g.order], g)


def restricted(data: Effects, within: FloatArray, between: FloatArray) -> Local:
    """Return the restricted log-likelihood and its derivatives by the two variances.

    Harville (1977), JASA 72:320: with ``P`` the projection, the score is ``-(tr P V_i - u'V_i u) / 2`` and
    the Hessian ``tr(P V_i P V_j) / 2 - u' V_i P V_j u`` for ``u = P y``.

    Parameters
    ----------
    data : Effects
        One lane a point, or one lane.
    within, between : float array, shape (points,)
        Variance components.

    Returns
    -------
    Local
        Derivatives by *within* (a) and *between* (b), shape (points,).
    """
    g, add, sums = data.groups, data.add, data.sums
    k = data.copies.sum(axis=-1)
    w = inverse_variance(data.v, within[:, None])
    total = sums(w)
    grown = 1 + between[:, None] * total
    share = between[:, None] / grown
    one = w / grown[:, g.owner]  # V^-1 1
    one_sums = total / grown
    weight = one_sums.sum(axis=-1)
    mu = add(one * data.y) / weight
    e = data.y - mu[:, None]
    u = data.solve(w, share, e)
    u_sums = sums(u)
    value = -0.5 * (
        (k - 1) * np.log(2 * np.pi)
        - np.log(k)
        - add(np.log(w))
        + np.log(grown).sum(axis=-1)
        + np.log(weight)
        + add(e * u)
    )
    # V^-1 applied to V_i V^-1 1 and to V_i u, where V_i is the identity (a) or blocks of ones (b)
    one_a = data.solve(w, share, one)
    u_a, u_b = data.solve(w, share, u), one * u_sums[:, g.owner]
    t_a, t_b = add(one * one), (one_sums * one_sums).sum(axis=-1)
    w2 = sums(w * w)
    diagonal = add(w * (1 - w * share[:, g.owner]))
    trace_aa = (w2 - 2 * share * sums(w**3) + (share * w2) ** 2).sum(axis=-1)
    trace_ab, trace_bb = t_a, t_b
    one_ones = sums(one_a)

    def both(trace: FloatArray, left: FloatArray, right: FloatArray, cross: FloatArray) -> FloatArray:
        result: FloatArray = trace - 2 * cross / weight + left * right / weight**2
        return result

    aa = both(trace_aa, t_a, t_a, add(one * one_a))
    ab = both(trace_ab, t_a, t_b, (one_sums * one_ones).sum(axis=-1))
    bb = both(trace_bb, t_b, t_b, (one_sums**3).sum(axis=-1))
    cross_a, cross_b = add(one * u), (one_sums * u_sums).sum(axis=-1)
    return Local(
        value,
        -0.5 * (diagonal - t_a / weight - add(u * u)),
        -0.5 * (one_sums.sum(axis=-1) - t_b / weight - (u_sums * u_sums).sum(axis=-1)),
        0.5 * aa - add(u * u_a) + cross_a * cross_a / weight,
        0.5 * ab - add(u * u_b) + cross_a * cross_b / weight,
        0.5 * bb - (u_sums * sums(u_b)).sum(axis=-1) + cross_b * cross_b / weight,
    )


class _Searched(NamedTuple):
    """Effects and the unit of the search in each lane."""

    data: Effects
    unit: FloatArray  # u = log1p(tau2 / unit)

    def surface(self, rows: IntArray, within: FloatArray, between: FloatArray) -> Local:
        """Return the restricted log-likelihood and its derivatives by u of the two components."""
        unit = self.unit[rows]
        tw, tb = unit * np.expm1(within), unit * np.expm1(between)
        s = restricted(self.data.take(rows), tw, tb)
        a, b = tw + unit, tb + unit
        return Local(
            s.value,
            s.d_a * a,
            s.d_b * b,
            (s.d_a_a * a + s.d_a) * a,
            s.d_a_b * a * b,
            (s.d_b_b * b + s.d_b) * b,
        )


def fit_nested_gaussian(data: Effects) -> GaussianFit:
    """Fit the two variance components by REML, boundaries compared, the highest hill kept.

    Parameters
    ----------
    data : Effects
        At least two studies a lane.

    Returns
    -------
    GaussianFit
        Where every cluster holds one study the components cannot be told apart: all is called
        *between*, and ``reason`` is ONE_EACH.

    References
    ----------
    Konstantopoulos (2011), Research Synthesis Methods 2:61; Pustejovsky & Tipton (2018), Journal of
    Business & Economic Statistics 36:672, eqs. (6) to (11) for CR2 and its degrees of freedom.

    Examples
    --------
    >>> y = np.array([0.1, 0.3, 0.9, 1.2, 1.0, 0.2])
    >>> fit = fit_nested_gaussian(effects_of(y, np.full(6, 0.01), np.array([0, 0, 1, 1, 1, 2])))
    >>> fit.mu.round(3), fit.tau2_between.round(3), fit.tau2_within.round(3)
    (array([0.485]), array([0.224]), array([0.012]))
    """
    k, present = data.copies.sum(axis=-1), data.copies > 0
    mean = data.add(data.y) / k
    spread = data.add((data.y - mean[:, None]) ** 2) / k + np.where(present, data.v, 0.0).max(axis=-1)
    search = _Searched(data, k / data.add(1 / data.v))
    longest = np.log1p(_LARGEST * spread / search.unit)
    line = np.linspace(0.0, np.log1p(30 * spread / search.unit), int(longest.max() / _SPACING) + 2, axis=-1)
    rows, none = np.arange(k.size), np.zeros((k.size, 1))
    one_each = np.all(data.groups.sums(data.copies) <= 1, axis=-1)
    ends = np.where(one_each[:, None], 0.0, line)  # of what there is within clusters
    tops = [
        np.zeros((2, k.size)),
        _highest(search, none, line, longest),
        _highest(search, ends, none, longest),
        _highest(search, ends, line, longest),
    ]
    local = [search.surface(rows, *at) for at in tops]
    height = np.stack([s.value for s in local])
    best = np.zeros(k.size, dtype=np.int64)
    for model in range(1, len(tops)):
        mine = height[best, rows]
        best = np.where(height[model] > mine + _CLOSE * (1 + np.abs(mine)), model, best)
    at = np.stack(tops)[best, :, rows].T
    slopes = np.stack([[s.d_a, s.d_b] for s in local])[best, :, rows].T
    within, between = search.unit * np.expm1(at)
    settled = ((np.abs(slopes) < 1e-5) | (at == 0)).all(axis=0)
    mean = _mean(data, within, between)
    robust = cluster_robust(data, mean.mu, within, between, mean.one)
    return GaussianFit(
        mu=mean.mu,
        se=mean.weight**-0.5,
        tau2_between=between,
        tau2_within=within,
        loglik=height[best, rows],
        loglik_between_zero=height[[_COMMON, _WITHIN]].max(axis=0),
        loglik_within_zero=height[[_COMMON, _BETWEEN]].max(axis=0),
        loglik_common=height[_COMMON],
        se_cr1=robust.se_cr1,
        df_cr1=robust.df_cr1,
        se_cr2=robust.se_cr2,
        df_cr2=robust.df_cr2,
        reason=np.where(one_each, ONE_EACH, np.where(settled, OK, NOT_CONVERGED)),
    )


def nested_weights(data: Effects, within: FloatArray, between: FloatArray) -> FloatArray:
    """Return the weight of each study in the mean, ``V^-1 1``, shape (lanes, k), by cluster.

    Parameters
    ----------
    data : Effects
    within, between : float array, shape (lanes,)
        Variance components.
    """
    return _mean(data, within, between).one


def effect_posteriors(
    y: FloatArray, v: FloatArray, cluster: IntArray, mu: float, within: float, between: float
) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of each study's true effect given the effects of its cluster.

    ``mu + b_i`` has posterior precision ``1 / between + S_i`` with S_i the sum of ``w = 1 / (v + within)``;
    given it, a study's own effect leans on it by ``v w``.

    Parameters
    ----------
    y, v, cluster
        As in :func:`fit_nested_gaussian`.
    mu : float
        Mean, taken as known as are both variance components.
    within, between : float

    Returns
    -------
    mean, sd : float array, shape (k,)
        In the order given.

    References
    ----------
    Robinson (1991), Statistical Science 6:15 (best linear unbiased prediction).
    """
    g = groups(cluster)
    mean, variance = np.empty_like(y), np.empty_like(y)
    own, effect = v[g.order], y[g.order] - mu
    w = inverse_variance(own, np.full(y.size, within))
    spread = (between / (1 + between * g.sums(w)))[g.owner]
    centre = spread * g.sums(w * effect)[g.owner]
    lean = own * w
    mean[g.order] = mu + lean * centre + (1 - lean) * effect
    variance[g.order] = within * lean + lean * lean * spread
    return mean, np.sqrt(variance)


def _highest(search: _Searched, within: FloatArray, between: FloatArray, longest: FloatArray) -> FloatArray:
    """Return the highest maximum seen from a grid, shape (2, lanes); a component of one value is held."""
    shape = (longest.size, within.shape[1], between.shape[1])
    a = np.broadcast_to(within[:, :, None], shape)
    b = np.broadcast_to(between[:, None, :], shape)
    rows = np.broadcast_to(np.arange(longest.size)[:, None, None], shape)
    value = search.surface(rows.ravel(), a.ravel(), b.ravel()).value.reshape(shape)
    padded = np.pad(value, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    around = [
        padded[:, 1 + i : shape[1] + 1 + i, 1 + j : shape[2] + 1 + j]
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
        if (i, j) != (0, 0)
    ]
    hills = np.nonzero(value >= np.maximum.reduce(around))
    zero = np.zeros(longest.size)
    held = [Bounds(zero, np.where(line[:, -1] > 0, longest, zero)) for line in (within, between)]
    top = climb(search.surface, rows[hills], a[hills], b[hills], held[1], held[0])
    best = np.empty((2, longest.size))
    order = np.argsort(top.local.value, kind="stable")  # the highest of a lane comes last
    best[:, rows[hills][order]] = top.a[order], top.b[order]
    return best


class _Mean(NamedTuple):
    mu: FloatArray
    weight: FloatArray
    one: FloatArray  # V^-1 1


def _mean(data: Effects, within: FloatArray, between: FloatArray) -> _Mean:
    w = inverse_variance(data.v, within[:, None])
    b = between[:, None]
    one = data.solve(w, b / (1 + b * data.sums(w)), np.ones_like(w))
    weight = data.add(one)
    return _Mean(data.add(one * data.y) / weight, weight, one)
