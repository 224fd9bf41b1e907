"""Whether effects hang on the sizes of their studies: lines, a rank correlation, the LFK index, trimming.

Arrays of studies have the shape (lanes, k), those of lanes (lanes,).  A study counts once.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import BoolArray, FloatArray, chunked
from metaresp.kernel.effects.sums import inverse_variance
from metaresp.kernel.numerics.roots import bracketed

_CONSTANT = 1e-12  # share of the squares of a moderator below which it does not vary
_EXACT_FIT = 1e-20  # weighted squares about a line below which the studies lie on it
_ALIKE = 1e-10  # relative difference below which two numbers are tied
MOST_EXACT = 200  # studies up to which the distribution of Kendall's statistic is counted out
_GRID = np.r_[0.0, np.geomspace(1e-6, 1e3, 60)]  # of tau2, in variances of the effects


class Line(NamedTuple):
    """A weighted straight line of each lane; NaN where the moderator does not vary."""

    slope: FloatArray
    slope_se: FloatArray
    intercept: FloatArray
    intercept_se: FloatArray
    tau2: FloatArray  # about the line; NaN where a dispersion takes its place


class _Sums(NamedTuple):
    weight: FloatArray
    centre: FloatArray
    away: FloatArray  # of the moderator from its weighted mean, shape (..., k)
    squares: FloatArray
    slope: FloatArray
    mean: FloatArray
    rest: FloatArray  # residuals, shape (..., k)


def _sums(y: FloatArray, w: FloatArray, z: FloatArray) -> _Sums:
    weight = w.sum(axis=-1)
    centre, mean = (w * z).sum(axis=-1) / weight, (w * y).sum(axis=-1) / weight
    away = z - centre[..., None]
    squares = (w * away * away).sum(axis=-1)
    varies = squares > _CONSTANT * (w * z * z).sum(axis=-1)
    squares = np.where(varies, squares, np.nan)
    slope = (w * away * (y - mean[..., None])).sum(axis=-1) / squares
    return _Sums(weight, centre, away, squares, slope, mean, y - mean[..., None] - slope[..., None] * away)


def least_squares(y: FloatArray, v: FloatArray, z: FloatArray) -> Line:
    """Fit a line with weights ``1 / v`` and a dispersion: Egger's regression.

    The standard errors are infinite where the studies lie on the line exactly.  Student's t on k - 2 degrees
    of freedom.  R: ``lm(y ~ z, weights = 1 / v)``.

    References
    ----------
    Egger, Davey Smith, Schneider and Minder (1997), BMJ 315:629; Sterne and Egger (2005), in Publication
    Bias in Meta-Analysis (Rothstein, Sutton and Borenstein, eds.), ch. 6.

    Examples
    --------
    >>> y, v, z = (np.array([row]) for row in ([0.1, 0.5, 0.4, 1.2], [0.1, 0.2, 0.2, 0.4], [1.0, 2, 3, 4]))
    >>> line = least_squares(y, v, z)
    >>> round(line.slope.item(), 4), round((line.slope / line.slope_se).item(), 4)
    (0.28, 2.6022)
    """
    s = _sums(y, inverse_variance(v, np.zeros(1)), z)
    left = (s.rest**2 * inverse_variance(v, np.zeros(1))).sum(axis=-1)
    scatter = left / (y.shape[-1] - 2)
    scatter = np.where(left > _EXACT_FIT, scatter, np.inf)
    return _line(s, scatter, np.full_like(left, np.nan))


def _line(s: _Sums, scatter: FloatArray | float, tau2: FloatArray) -> Line:
    se = np.sqrt(scatter / s.squares)
    intercept = s.mean - s.slope * s.centre
    return Line(s.slope, se, intercept, np.sqrt(scatter * (1 / s.weight + s.centre**2 / s.squares)), tau2)


def additive(y: FloatArray, v: FloatArray, z: FloatArray) -> Line:
    """Fit a line with weights ``1 / (v + tau2)``, tau2 by restricted likelihood, its global maximum.

    R: ``metafor::rma(y, v, mods = z, method = "REML")``, ``regtest(model = "rma")``.

    References
    ----------
    Thompson and Sharp (1999), Statistics in Medicine 18:2693.
    """
    spread = np.maximum(y.var(axis=-1), 1e-12)
    grid = _GRID * spread[:, None]
    value, _ = _restricted(y[:, None], v[:, None], z[:, None], grid)
    best = np.where(np.isnan(value), -np.inf, value).argmax(axis=-1)
    first = np.arange(len(y))
    low = grid[first, np.maximum(best - 1, 0)]
    high = grid[first, np.minimum(best + 1, _GRID.size - 1)]

    def score(tau2: FloatArray, rows: FloatArray) -> FloatArray:
        at = np.asarray(rows, dtype=np.int64)
        return _restricted(y[at], v[at], z[at], tau2)[1]

    with np.errstate(all="ignore"):
        root = bracketed(score, low, high).value  # type: ignore[arg-type]
    tau2 = np.where(np.isfinite(root), root, grid[first, best])
    return _line(_sums(y, inverse_variance(v, tau2[:, None]), z), 1.0, tau2)


def _restricted(
    y: FloatArray, v: FloatArray, z: FloatArray, tau2: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return twice the restricted log-likelihood at *tau2*, and its slope."""
    w = inverse_variance(v, tau2[..., None])
    s = _sums(y, w, z)
    wr = w * s.rest
    value = np.log(w).sum(axis=-1) - np.log(s.weight) - np.log(s.squares) - (wr * s.rest).sum(axis=-1)
    trace = s.weight - (w * w).sum(axis=-1) / s.weight - (w * w * s.away**2).sum(axis=-1) / s.squares
    return value, (wr * wr).sum(axis=-1) - trace


class Rank(NamedTuple):
    """Kendall's correlation of each lane."""

    tau: FloatArray
    pvalue: FloatArray
    tied: BoolArray  # whether any two studies are tied, so that the p-value is that of the normal law


def rank_correlation(y: FloatArray, v: FloatArray) -> Rank:
    """Correlate standardised effects with their variances by Kendall's tau-b.

    Effects are taken from their common mean and divided by the standard error of that difference.  The
    p-value is exact where nothing is tied (up to 200 studies), else that of the normal law with the variance
    given the ties.  R: ``metafor::ranktest``, ``cor.test(method = "kendall")``.

    References
    ----------
    Begg and Mazumdar (1994), Biometrics 50:1088; Kendall (1970), Rank Correlation Methods, ch. 4 and 5.

    Examples
    --------
    >>> found = rank_correlation(np.array([[0.1, 0.9, 0.4, 1.2]]), np.array([[0.1, 0.2, 0.3, 0.4]]))
    >>> round(found.tau.item(), 4), round(found.pvalue.item(), 4)
    (0.6667, 0.3333)
    """
    w = inverse_variance(v, np.zeros(1))
    total = w.sum(axis=-1, keepdims=True)
    effect = (y - (w * y).sum(axis=-1, keepdims=True) / total) / np.sqrt(v - 1 / total)
    lanes, k = y.shape
    tau, pvalue, tied = np.empty(lanes), np.empty(lanes), np.empty(lanes, dtype=np.bool_)
    for part in chunked(lanes, k * k, 1 << 22):
        a, b = _order(effect[part]), _order(v[part])
        s = np.sum(a * b, axis=(1, 2), dtype=np.int64) / 2
        groups = [(order == 0).sum(axis=-1) for order in (a, b)]  # of equal ones, each study counted itself
        (t1, t2, t3), (u1, u2, u3) = (
            [np.sum((m - 1) * factor, axis=-1) for factor in (1, m - 2, 2 * m + 5)] for m in groups
        )
        pairs = k * (k - 1)
        tau[part] = 2 * s / np.sqrt((pairs - t1) * (pairs - u1))
        variance = (pairs * (2 * k + 5) - t3 - u3) / 18 + t1 * u1 / (2 * pairs)
        variance += t2 * u2 / (9 * pairs * max(k - 2, 1))
        tied[part] = (t1 > 0) | (u1 > 0)
        normal = 2 * special.ndtr(-np.abs(s) / np.sqrt(variance))
        pvalue[part] = normal
        if k <= MOST_EXACT:
            below = _inversions(k)
            behind = np.round((pairs / 2 - np.abs(s)) / 2).astype(np.int64)
            exact = np.minimum(2 * below[np.where(tied[part], 0, behind)], 1.0)
            pvalue[part] = np.where(tied[part], normal, exact)
    return Rank(tau, pvalue, tied)


def _order(values: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    """Return 1, 0 or -1 for every pair of studies, shape (lanes, k, k)."""
    a, b = values[:, :, None], values[:, None, :]
    close = _ALIKE * np.maximum(np.abs(a), np.abs(b))
    return (a > b + close).astype(np.int8) - (a < b - close).astype(np.int8)


@cache
def _inversions(k: int) -> FloatArray:
    """Return the distribution function of the number of inversions of a random order of *k*."""
    share = np.ones(1)
    for m in range(2, k + 1):
        share = np.convolve(share, np.full(m, 1 / m))
    distribution: FloatArray = np.minimum(np.cumsum(share), 1.0)
    return distribution


def lfk_index(y: FloatArray, v: FloatArray) -> FloatArray:
    """Return the LFK index: how much farther the one limb of a Doi plot reaches than the other.

    Studies are put in the order of their effects, and each takes a share of the quantiles in proportion to
    ``1 / v``; z are normal quantiles at the middles of the shares.  With the effect at the least absolute z
    as centre, the index is ``5 / (2 k) sum(z + (range of z / range of y) (y - centre))``.  NaN where all
    effects are equal.

    References
    ----------
    Furuya-Kanamori, Barendregt and Doi (2018), International Journal of Evidence-Based Healthcare 16:195.
    R: ``metasens::lfkindex``.

    Examples
    --------
    >>> effects, variances = [-4.27, -1.71, -0.58, -0.19, 0.0], [0.158, 0.076, 0.018, 0.022, 0.04]
    >>> lfk_index(np.array([effects]), np.array([variances])).round(2).item()
    -3.31
    """
    order = np.lexsort((v, y), axis=-1)
    y, v = np.take_along_axis(y, order, axis=-1), np.take_along_axis(v, order, axis=-1)
    share = 100 * v.max(axis=-1, keepdims=True) * inverse_variance(v, np.zeros(1))
    middle = np.cumsum(share, axis=-1) - share / 2 - 0.5
    z = special.ndtri(middle / share.sum(axis=-1, keepdims=True))
    centre = np.take_along_axis(y, np.abs(z).argmin(axis=-1)[:, None], axis=-1)
    reach = y[:, -1] - y[:, 0]
    stretch = (z[:, -1] - z[:, 0]) / np.where(reach > 0, reach, np.nan)
    index: FloatArray = 2.5 * (z + stretch[:, None] * (y - centre)).mean(axis=-1)
    return index


def trimmed(y: FloatArray, means: FloatArray, runs: bool) -> tuple[int, bool]:
    """Return how many of the greatest effects have no counterpart, and whether the search settled.

    Parameters
    ----------
    y : float array, shape (k,)
        Rising.
    means : float array, shape (k,)
        Pooled mean of the first, the first two, ..., all effects.
    runs : bool
        Whether by R0, the length of the last run of effects above the mean, else by L0, their rank sum.

    References
    ----------
    Duval and Tweedie (2000), Journal of the American Statistical Association 95:89, and Biometrics 56:455.

    Examples
    --------
    >>> y = np.array([-0.2, -0.1, 0.0, 0.1, 0.9, 1.6, 2.4, 3.1])
    >>> trimmed(y, np.cumsum(y) / np.arange(1, 9), False), trimmed(y, np.cumsum(y) / np.arange(1, 9), True)
    ((0, True), (2, True))
    """
    k, k0 = y.size, 0
    seen = {0}
    while True:
        away = y - means[k - k0 - 1]
        rank = np.empty(k)
        rank[np.argsort(np.abs(away), kind="stable")] = np.arange(1, k + 1)
        if runs:
            new = k - rank[away < 0].max(initial=0.0) - 1
        else:
            new = (4 * rank[away > 0].sum() - k * (k + 1)) / (2 * k - 1)
        new = min(max(round(float(new)), 0), k - 1)
        if new == k0 or new in seen:
            return max(new, k0), new == k0
        k0 = new
        seen.add(k0)
