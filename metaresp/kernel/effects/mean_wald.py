"""Intervals for the pooled mean from a standard error: normal, t, and Hartung-Knapp."""

import numpy as np
from scipy.special import ndtr, stdtr

from metaresp.arrays import ArrayLike, FloatArray
from metaresp.kernel.effects.mean_registry import MEAN_CI, MeanInterval, Refit, symmetric
from metaresp.kernel.effects.sums import Lanes, run_lanes


def wald_test(mean: MeanInterval, null: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the statistic ``(estimate - null) / se`` and its two-sided p-value.

    Parameters
    ----------
    mean : MeanInterval
        A fit whose interval is symmetric (normal or t).
    null : float array, shape (...)
        The benchmark on the model's scale.

    Returns
    -------
    statistic, pvalue : float array, shape (...)
    """
    with np.errstate(all="ignore"):
        statistic = (mean.estimate - np.asarray(null, dtype=np.float64)) / mean.se
        beyond = -np.abs(statistic)
        finite = np.where(np.isfinite(mean.df), mean.df, 1.0)
        pvalue = 2.0 * np.where(np.isfinite(mean.df), stdtr(finite, beyond), ndtr(beyond))
    return statistic, pvalue


def _wald(lanes: Lanes, tau2: FloatArray) -> tuple[FloatArray, ...]:
    sums = lanes.mean(tau2)
    return sums.mean, 1.0 / np.sqrt(sums.weight), lanes.k - 1.0


def _hartung_knapp(lanes: Lanes, tau2: FloatArray) -> tuple[FloatArray, ...]:
    sums = lanes.mean(tau2)
    df = lanes.k - 1.0
    factor = sums.q / df
    return sums.mean, np.sqrt(factor / sums.weight), df, factor


@MEAN_CI.add("normal")
def normal(
    y: ArrayLike,
    v: ArrayLike,
    copies: ArrayLike,
    tau2: ArrayLike,
    tail: float,
    refit: Refit | None,
    rng: np.random.Generator | None,
) -> MeanInterval:
    """Wald interval with the normal quantile.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.
    tau2 : float array, shape (...)
        Between-study variance.
    tail : float
        Probability left out on each side.
    refit, rng
        Not used.

    Returns
    -------
    MeanInterval
        Each field of shape (...); ``df`` is infinite.

    Notes
    -----
    R: ``metafor::rma(test = "z")``.  Too narrow for few studies: see the coverage table of the documentation.

    Examples
    --------
    >>> fit = normal([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1], 0.9, 0.025, None, None)
    >>> round(float(fit.low), 4), round(float(fit.high), 4)
    (-0.1316, 2.1316)
    """
    estimate, se, df = run_lanes(_wald, y, v, copies, tau2)
    return symmetric(estimate, se, np.full_like(df, np.inf), tail)


@MEAN_CI.add("t")
def student(
    y: ArrayLike,
    v: ArrayLike,
    copies: ArrayLike,
    tau2: ArrayLike,
    tail: float,
    refit: Refit | None,
    rng: np.random.Generator | None,
) -> MeanInterval:
    """Wald interval with the quantile of t with ``k - 1`` degrees of freedom.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.
    tau2 : float array, shape (...)
        Between-study variance.
    tail : float
        Probability left out on each side.
    refit, rng
        Not used.

    Returns
    -------
    MeanInterval
        Each field of shape (...); limits are nan for a single study.

    References
    ----------
    Follmann & Proschan (1999), Biometrics 55:732-737.

    Notes
    -----
    R: ``metafor::rma(test = "t")``.

    Examples
    --------
    >>> fit = student([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1], 0.9, 0.025, None, None)
    >>> round(float(fit.low), 4), round(float(fit.high), 4)
    (-1.4841, 3.4841)
    """
    estimate, se, df = run_lanes(_wald, y, v, copies, tau2)
    return symmetric(estimate, se, df, tail)


@MEAN_CI.add("hartung-knapp")
def hartung_knapp(
    y: ArrayLike,
    v: ArrayLike,
    copies: ArrayLike,
    tau2: ArrayLike,
    tail: float,
    refit: Refit | None,
    rng: np.random.Generator | None,
) -> MeanInterval:
    """Hartung-Knapp (Sidik-Jonkman) interval: the weighted spread of the effects gives the standard error.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.
    tau2 : float array, shape (...)
        Between-study variance.
    tail : float
        Probability left out on each side.
    refit, rng
        Not used.

    Returns
    -------
    MeanInterval
        Each field of shape (...); ``df = k - 1``; limits are nan for a single study.

    References
    ----------
    Hartung & Knapp (2001), Statistics in Medicine 20:3875-3889, eq. (3).

    Notes
    -----
    R: ``metafor::rma(test = "knha")``.  Effects that happen to agree give an interval of no width;
    ``hartung-knapp-floor`` does not.

    Examples
    --------
    >>> fit = hartung_knapp([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1], 0.9, 0.025, None, None)
    >>> round(float(fit.low), 4), round(float(fit.high), 4)
    (-1.4841, 3.4841)
    """
    estimate, se, df, _ = run_lanes(_hartung_knapp, y, v, copies, tau2)
    return symmetric(estimate, se, df, tail)


@MEAN_CI.add("hartung-knapp-floor")
def hartung_knapp_floor(
    y: ArrayLike,
    v: ArrayLike,
    copies: ArrayLike,
    tau2: ArrayLike,
    tail: float,
    refit: Refit | None,
    rng: np.random.Generator | None,
) -> MeanInterval:
    """Hartung-Knapp interval whose variance factor is at least 1, so never narrower than the t interval.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.
    tau2 : float array, shape (...)
        Between-study variance.
    tail : float
        Probability left out on each side.
    refit, rng
        Not used.

    Returns
    -------
    MeanInterval
        Each field of shape (...); ``df = k - 1``; limits are nan for a single study.

    References
    ----------
    Knapp & Hartung (2003), Statistics in Medicine 22:2693-2710.

    Notes
    -----
    R: ``metafor::rma(test = "adhoc")``.

    Examples
    --------
    >>> fit = hartung_knapp_floor([1.0, 1.0, 1.0], [0.3, 0.3, 0.3], [1, 1, 1], 0.0, 0.025, None, None)
    >>> round(float(fit.se), 4)
    0.3162
    """
    estimate, se, df, factor = run_lanes(_hartung_knapp, y, v, copies, tau2)
    with np.errstate(all="ignore"):
        plain = run_lanes(_wald, y, v, copies, tau2)[1]
        return symmetric(estimate, np.where(factor >= 1.0, se, plain), df, tail)
