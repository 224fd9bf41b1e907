"""Studies nested in clusters, effects and variances: REML for two variance components, robust errors.

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


class GaussianFit(NamedTuple):
    """REML estimates of one set of nested effects."""

    mu: float
    se: float  # given the variance components
    tau2_between: float
    tau2_within: float
    loglik: float  # restricted; with the constant of the usual software
    loglik_between_zero: float
    loglik_within_zero: float
    loglik_common: float
    se_cr1: float  # cluster-robust, times C / (C - 1); NaN for one cluster
    df_cr1: float  # clusters less one
    se_cr2: float  # cluster-robust, corrected for the shrinking of residuals
    df_cr2: float  # Satterthwaite
    reason: int


class _Nested(NamedTuple):
    """Effects in the order of their clusters, and the unit of the search."""

    y: FloatArray
    v: FloatArray
    groups: Groups
    unit: float  # u = log1p(tau2 / unit)

    def surface(self, rows: IntArray, within: FloatArray, between: FloatArray) -> Local:
        """Return the restricted log-likelihood and its derivatives by u of the two components."""
        tw, tb = self.unit * np.expm1(within), self.unit * np.expm1(between)
        s = restricted(self.y, self.v, self.groups, tw, tb)
        a, b = tw + self.unit, tb + self.unit
        return Local(
            s.value,
            s.d_a * a,
            s.d_b * b,
            (s.d_a_a * a + s.d_a) * a,
            s.d_a_b * a * b,
            (s.d_b_b * b + s.d_b) * b,
        )


def _solve(g: Groups, w: FloatArray, share: FloatArray, z: FloatArray) -> FloatArray:
    """Return the inverse covariance times *z*; *share* is ``tb / (1 + tb S)`` of each cluster."""
    wz = w * z
    result: FloatArray = wz - w * (share * g.sums(wz))[..., g.owner]
    return result


def restricted(y: FloatArray, v: FloatArray, g: Groups, within: FloatArray, between: FloatArray) -> Local:
    """Return the restricted log-likelihood and its derivatives by the two variances.

    Harville (1977), JASA 72:320: with ``P`` the projection, the score is ``-(tr P V_i - u'V_i u) / 2`` and
    the Hessian ``tr(P V_i P V_j) / 2 - u' V_i P V_j u`` for ``u = P y``.

    Parameters
    ----------
    y, v : float array, shape (k,)
        Effects and sampling variances in the order of *g*.
    g : Groups
    within, between : float array, shape (points,)
        Variance components.

    Returns
    -------
    Local
        Derivatives by *within* (a) and *between* (b), shape (points,).
    """
    w = inverse_variance(v, within[:, None])
    total = g.sums(w)
    grown = 1 + between[:, None] * total
    share = between[:, None] / grown
    one = w / grown[:, g.owner]  # V^-1 1
    one_sums = total / grown
    weight = one_sums.sum(axis=-1)
    mu = (one * y).sum(axis=-1) / weight
    e = y - mu[:, None]
    u = _solve(g, w, share, e)
    u_sums = g.sums(u)
    value = -0.5 * (
        (y.size - 1) * np.log(2 * np.pi)
        - np.log(y.size)
        - np.log(w).sum(axis=-1)
        + np.log(grown).sum(axis=-1)
        + np.log(weight)
        + (e * u).sum(axis=-1)
    )
    # V^-1 applied to V_i V^-1 1 and to V_i u, where V_i is the identity (a) or blocks of ones (b)
    one_a = _solve(g, w, share, one)
    u_a, u_b = _solve(g, w, share, u), one * u_sums[:, g.owner]
    t_a, t_b = (one * one).sum(axis=-1), (one_sums * one_sums).sum(axis=-1)
    w2 = g.sums(w * w)
    diagonal = (w * (1 - w * share[:, g.owner])).sum(axis=-1)
    trace_aa = (g.sums(w**2) - 2 * share * g.sums(w**3) + (share * w2) ** 2).sum(axis=-1)
    trace_ab, trace_bb = t_a, t_b
    one_ones = g.sums(one_a)

    def both(trace: FloatArray, left: FloatArray, right: FloatArray, cross: FloatArray) -> FloatArray:
        result: FloatArray = trace - 2 * cross / weight + left * right / weight**2
        return result

    aa = both(trace_aa, t_a, t_a, (one * one_a).sum(axis=-1))
    ab = both(trace_ab, t_a, t_b, (one_sums * one_ones).sum(axis=-1))
    bb = both(trace_bb, t_b, t_b, (one_sums**3).sum(axis=-1))
    cross_a, cross_b = (one * u).sum(axis=-1), (one_sums * u_sums).sum(axis=-1)
    return Local(
        value,
        -0.5 * (diagonal - t_a / weight - (u * u).sum(axis=-1)),
        -0.5 * (one_sums.sum(axis=-1) - t_b / weight - (u_sums * u_sums).sum(axis=-1)),
        0.5 * aa - (u * u_a).sum(axis=-1) + cross_a * cross_a / weight,
        0.5 * ab - (u * u_b).sum(axis=-1) + cross_a * cross_b / weight,
        0.5 * bb - (u_sums * g.sums(u_b)).sum(axis=-1) + cross_b * cross_b / weight,
    )


def fit_nested_gaussian(y: FloatArray, v: FloatArray, cluster: IntArray) -> GaussianFit:
    """Fit the two variance components by REML, boundaries compared, the highest hill kept.

    Parameters
    ----------
    y, v : float array, shape (k,)
        Effects and their sampling variances; at least two studies.
    cluster : int array, shape (k,)
        Which cluster each study belongs to.

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
    >>> fit = fit_nested_gaussian(y, np.full(6, 0.01), np.array([0, 0, 1, 1, 1, 2]))
    >>> round(fit.mu, 3), round(fit.tau2_between, 3), round(fit.tau2_within, 3)
    (0.485, 0.224, 0.012)
    """
    g = groups(cluster)
    y, v = y[g.order], v[g.order]
    data = _Nested(y, v, g, 1 / float(np.mean(1 / v)))
    spread = float(np.var(y)) + float(v.max())
    longest = float(np.log1p(_LARGEST * spread / data.unit))
    line = np.linspace(0.0, float(np.log1p(30 * spread / data.unit)), int(longest / _SPACING) + 2)
    none = np.zeros(1)
    one_each = g.first.size == y.size
    tops = {
        "common": (none, none),
        "between": _highest(data, none, line, longest),
        "within": (none, none) if one_each else _highest(data, line, none, longest),
    }
    tops["both"] = tops["between"] if one_each else _highest(data, line, line, longest)
    height = {name: float(data.surface(np.zeros(1, np.int64), *at).value[0]) for name, at in tops.items()}
    best = "common"
    for name in ("between", "within", "both"):
        if height[name] > height[best] + _CLOSE * (1 + abs(height[best])):
            best = name
    within, between = (float(data.unit * np.expm1(u[0])) for u in tops[best])
    slopes = data.surface(np.zeros(1, np.int64), *tops[best])
    settled = all(
        abs(float(slope[0])) < 1e-5 or float(u[0]) == 0
        for slope, u in zip((slopes.d_a, slopes.d_b), tops[best], strict=True)
    )
    mean = _mean(y, v, g, within, between)
    robust = cluster_robust(y - mean.mu, v + within, between, mean.one, g)
    return GaussianFit(
        mu=mean.mu,
        se=mean.weight**-0.5,
        tau2_between=between,
        tau2_within=within,
        loglik=height[best],
        loglik_between_zero=max(height["within"], height["common"]),
        loglik_within_zero=max(height["between"], height["common"]),
        loglik_common=height["common"],
        se_cr1=robust.se_cr1,
        df_cr1=robust.df_cr1,
        se_cr2=robust.se_cr2,
        df_cr2=robust.df_cr2,
        reason=ONE_EACH if one_each else OK if settled else NOT_CONVERGED,
    )


def nested_weights(v: FloatArray, cluster: IntArray, within: float, between: float) -> FloatArray:
    """Return the weight of each study in the mean, ``V^-1 1``, shape (k,), in the order given.

    Parameters
    ----------
    v : float array, shape (k,)
        Sampling variances.
    cluster : int array, shape (k,)
    within, between : float
        Variance components.
    """
    g = groups(cluster)
    found = _mean(np.zeros_like(v), v[g.order], g, within, between).one
    result = np.empty_like(found)
    result[g.order] = found
    return result


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


def _highest(
    data: _Nested, within: FloatArray, between: FloatArray, longest: float
) -> tuple[FloatArray, FloatArray]:
    """Return the highest maximum seen from a grid; a component with one value is held there."""
    a, b = (grid.ravel() for grid in np.meshgrid(within, between, indexing="ij"))
    rows = np.arange(a.size)
    value = data.surface(rows, a, b).value.reshape(within.size, between.size)
    padded = np.pad(value, 1, constant_values=-np.inf)
    around = [
        padded[1 + i : padded.shape[0] - 1 + i, 1 + j : padded.shape[1] - 1 + j]
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
        if (i, j) != (0, 0)
    ]
    hills = np.flatnonzero((value >= np.maximum.reduce(around)).ravel())
    zero, far = np.zeros(hills.size), np.full(hills.size, longest)
    held = [Bounds(zero, far if line.size > 1 else zero) for line in (within, between)]
    top = climb(data.surface, np.arange(hills.size), a[hills], b[hills], held[1], held[0])
    best = top.local.value.argmax()
    return top.a[best : best + 1], top.b[best : best + 1]


class _Mean(NamedTuple):
    mu: float
    weight: float
    one: FloatArray  # V^-1 1


def _mean(y: FloatArray, v: FloatArray, g: Groups, within: float, between: float) -> _Mean:
    w = inverse_variance(v, np.full(v.size, within))
    one = _solve(g, w, between / (1 + between * g.sums(w)), np.ones_like(y))
    weight = float(one.sum())
    return _Mean(float((one * y).sum()) / weight, weight, one)
