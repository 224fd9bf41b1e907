"""Inverse-variance regression: coefficients, their covariance, and what the moderators explain."""

import inspect
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import BoolArray, FloatArray
from metaresp.kernel.effects.sums import inverse_variance, total
from metaresp.kernel.effects.tau2 import TAU2, settled
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.kernel.regression.designs import orthogonal
from metaresp.kernel.regression.lanes import DesignLanes, inverted

_ROUNDING = 1e-9  # residuals and coefficients that are smaller, as a share of the effects, are 0
# Factor on the covariance of the coefficients, of the residual Q over its df; and whether the reference is t.
Factor = Callable[[FloatArray], FloatArray]
FACTORS: Mapping[str, tuple[Factor, bool]] = {
    "hartung-knapp": (lambda ratio: ratio, True),
    "hartung-knapp-floor": (lambda ratio: np.maximum(ratio, 1.0), True),
    "t": (np.ones_like, True),
    "normal": (np.ones_like, False),
}


class EffectsFit(NamedTuple):
    """A regression of effects; fields of shape (lanes,) but where said."""

    tau2: FloatArray
    converged: BoolArray
    beta: FloatArray  # (lanes, p)
    cov: FloatArray  # (lanes, p, p), without a factor
    df: FloatArray  # of the residuals
    ratio: FloatArray  # residual Q at tau2 over its df
    q: FloatArray  # residual Q at tau2 = 0
    typical_v: FloatArray  # typical sampling variance of the residual I2


class Wald(NamedTuple):
    """Coefficients with their tests and intervals, shape (lanes, p)."""

    se: FloatArray
    df: FloatArray
    statistic: FloatArray
    pvalue: FloatArray
    low: FloatArray
    high: FloatArray


def fit_effects(
    y: FloatArray, v: FloatArray, copies: FloatArray, x: FloatArray, tau2: str | float
) -> EffectsFit:
    """Fit the regression of each lane.

    Parameters
    ----------
    y, v, copies : float array, shape (lanes, k)
    x : float array, shape (lanes, k, p)
        Of full rank, p below the number of studies.
    tau2 : str or float
        A name of ``TAU2``, in its form for residuals, or the variance itself.

    Notes
    -----
    R: ``metafor::rma(yi, vi, mods = ~ x)``, I2 by its formula (tr P in the place of the centred weights).
    """
    basis = orthogonal(x)
    lanes = DesignLanes(y, v, copies, basis.z)
    if isinstance(tau2, str):
        value, converged, _ = settled(inspect.unwrap(TAU2[tau2]), lanes)
    else:
        value, converged = np.full(len(lanes), float(tau2)), np.ones(len(lanes), dtype=np.bool_)
    fit = lanes.weighted(value)
    df = lanes.df
    q, trace = lanes.cochran()
    residual = total(fit.cw, fit.r * fit.r)
    turn = basis.turn
    return EffectsFit(
        value,
        converged,
        basis.beta(fit.beta),
        turn @ fit.inverse @ np.swapaxes(turn, -1, -2),
        df,
        np.where(residual > _ROUNDING**2 * total(fit.cw, lanes.y**2), residual, 0.0) / df,
        q,
        df / trace,
    )


def wald(beta: FloatArray, cov: FloatArray, df: FloatArray, tail: float) -> Wald:
    """Return each coefficient's interval and two-sided test by t, or by the normal where *df* is infinite.

    Parameters
    ----------
    beta : float array, shape (lanes, p)
    cov : float array, shape (lanes, p, p)
    df : float array, shape (lanes, p)
    tail : float
    """
    se = np.sqrt(np.einsum("...ii->...i", cov))
    statistic = np.where(se > 0, beta / np.where(se > 0, se, 1.0), _without_error(beta))
    half = t_quantile(df, tail) * se
    return Wald(se, df, statistic, two_sided(statistic, df), beta - half, beta + half)


def _without_error(beta: FloatArray) -> FloatArray:
    """Return the statistic of coefficients that residuals of 0 give no error: 0 or infinite."""
    return np.where(np.abs(beta) > _ROUNDING, np.copysign(np.inf, beta), 0.0)


def two_sided(statistic: FloatArray, df: FloatArray) -> FloatArray:
    """Return the two-sided p-values of t statistics, normal where *df* is infinite."""
    beyond = -np.abs(statistic)
    finite = np.where(np.isfinite(df), df, 1.0)
    p: FloatArray = 2.0 * np.where(np.isfinite(df), special.stdtr(finite, beyond), special.ndtr(beyond))
    return p


def joint(beta: FloatArray, cov: FloatArray) -> FloatArray:
    """Return ``beta' cov^-1 beta`` of coefficients, shape (lanes, m)."""
    out: FloatArray = np.einsum("...i,...ij,...j->...", beta, inverted(cov), beta)
    exact = (np.einsum("...ii->...i", cov) == 0).all(axis=-1)
    return np.where(exact, np.abs(_without_error(beta)).max(axis=-1), out)


def joint_pvalue(squared: FloatArray, m: int, df: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the statistic and p-value of *m* coefficients: chi-square, or F where *df* is finite."""
    finite = np.where(np.isfinite(df), df, 1.0)
    by_f = special.fdtrc(m, finite, squared / m)
    statistic = np.where(np.isfinite(df), squared / m, squared)
    return statistic, np.where(np.isfinite(df), by_f, special.chdtrc(m, squared))


def chi_square_pvalue(statistic: FloatArray, df: FloatArray) -> FloatArray:
    """Return the probability that chi-square exceeds *statistic*; NaN without degrees of freedom."""
    p: FloatArray = np.where(df > 0, special.chdtrc(np.maximum(df, 1.0), statistic), np.nan)
    return p


class Robust(NamedTuple):
    """Cluster-robust covariance and degrees of freedom."""

    cov: FloatArray  # (lanes, p, p)
    df: FloatArray  # (lanes, p)


def cluster_robust(
    y: FloatArray, v: FloatArray, x: FloatArray, tau2: FloatArray, cluster: FloatArray, adjusted: bool
) -> Robust:
    """Return the sandwich over clusters: CR1, or CR2 with Satterthwaite degrees of freedom.

    Parameters
    ----------
    y, v : float array, shape (lanes, k)
    x : float array, shape (lanes, k, p)
    tau2 : float array, shape (lanes,)
        The working variances are ``v + tau2``, studies of a cluster being taken as independent.
    cluster : float array, shape (k, clusters)
        1 where a study is of a cluster.
    adjusted : bool
        CR2 in the place of CR1, which is the sandwich times C / (C - p) on C - p degrees of freedom.

    References
    ----------
    Pustejovsky & Tipton (2018), Journal of Business & Economic Statistics 36:672, eqs. (6) to (11).
    R: ``metafor::robust(clubSandwich = FALSE)`` and ``(clubSandwich = TRUE)``.
    """
    basis = orthogonal(x)
    z, turn = basis.z, basis.turn
    w = inverse_variance(v, tau2[:, None])
    xw = z * w[..., None]
    m = inverted(np.swapaxes(xw, -1, -2) @ z)
    e = y - np.einsum("lkp,lp->lk", z, np.einsum("lpq,lkq,lk->lp", m, xw, y))
    clusters, p = float(cluster.shape[1]), z.shape[-1]
    if not adjusted:
        scores = np.einsum("kc,lkp,lk->lcp", cluster, xw, e)
        meat = np.swapaxes(scores, -1, -2) @ scores * clusters / (clusters - p)
        bread = turn @ m
        return Robust(bread @ meat @ np.swapaxes(bread, -1, -2), np.full((len(y), p), clusters - p))
    # residuals have covariance V - Z M Z' under the working model; A makes each cluster's sandwich unbiased
    left = -z @ m @ np.swapaxes(z, -1, -2)
    left[:, np.arange(w.shape[1]), np.arange(w.shape[1])] += 1 / w
    root = 1 / np.sqrt(w)
    own = (cluster @ cluster.T) * left * root[:, :, None] * root[:, None, :]
    roots, vectors = np.linalg.eigh(0.5 * (own + np.swapaxes(own, -1, -2)))
    keep = roots > 1e-12 * roots.max(axis=-1, keepdims=True)
    power = np.where(keep, 1 / np.sqrt(np.where(keep, roots, 1.0)), 0.0)
    half = (vectors * power[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    adjust = root[:, :, None] * half * root[:, None, :]
    u = np.einsum("lij,ljp->lip", adjust, xw) @ m @ np.swapaxes(turn, -1, -2)  # a column a coefficient
    parts = np.einsum("kc,lkp,lk->lcp", cluster, u, e)
    spread = np.einsum("ic,lip,lij,ljp,jd->lpcd", cluster, u, left, u, cluster, optimize=True)
    trace = np.einsum("lpcc->lp", spread)
    return Robust(np.swapaxes(parts, -1, -2) @ parts, trace**2 / (spread * spread).sum(axis=(-2, -1)))
