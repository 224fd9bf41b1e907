"""Intervals for the pooled mean from a standard error: normal, t, Hartung-Knapp and Kenward-Roger."""

import numpy as np
from scipy.special import ndtr, stdtr

from metaresp.arrays import ArrayLike, FloatArray
from metaresp.kernel.effects.mean_registry import MEAN_CI, MeanInterval, Refit, Source, interval, symmetric
from metaresp.kernel.effects.sums import Lanes


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


@MEAN_CI.add("normal")
@interval
def normal(lanes: Lanes, tau2: FloatArray, tail: float, refit: Refit, rng: Source) -> MeanInterval:
    """Wald interval with the normal quantile; ``df`` is infinite.

    Too narrow for few studies: see the coverage table of the documentation.

    DerSimonian & Laird (1986), Controlled Clinical Trials 7:177-188.  R: ``metafor::rma(test = "z")``.
    """
    sums = lanes.mean(tau2)
    return symmetric(sums.mean, 1.0 / np.sqrt(sums.weight), np.full_like(lanes.k, np.inf), tail)


@MEAN_CI.add("t")
@interval
def student(lanes: Lanes, tau2: FloatArray, tail: float, refit: Refit, rng: Source) -> MeanInterval:
    """Wald interval with the quantile of t with ``k - 1`` degrees of freedom.

    Follmann & Proschan (1999), Biometrics 55:732-737.  R: ``metafor::rma(test = "t")``.
    """
    sums = lanes.mean(tau2)
    return symmetric(sums.mean, 1.0 / np.sqrt(sums.weight), lanes.k - 1.0, tail)


@MEAN_CI.add("hartung-knapp")
@interval
def hartung_knapp(lanes: Lanes, tau2: FloatArray, tail: float, refit: Refit, rng: Source) -> MeanInterval:
    """Hartung-Knapp (Sidik-Jonkman) interval: the weighted spread of the effects gives the standard error.

    ``df = k - 1``.  Effects that happen to agree give an interval of no width;
    ``hartung-knapp-floor`` does not.

    Hartung & Knapp (2001), Statistics in Medicine 20:3875-3889, eq. (3).
    R: ``metafor::rma(test = "knha")``.
    """
    sums, df = lanes.mean(tau2), lanes.k - 1.0
    return symmetric(sums.mean, np.sqrt(sums.q / df / sums.weight), df, tail)


@MEAN_CI.add("hartung-knapp-floor")
@interval
def hartung_knapp_floor(
    lanes: Lanes, tau2: FloatArray, tail: float, refit: Refit, rng: Source
) -> MeanInterval:
    """Hartung-Knapp interval whose variance factor is at least 1, so never narrower than the t interval.

    Knapp & Hartung (2003), Statistics in Medicine 22:2693-2710.  R: ``metafor::rma(test = "adhoc")``.
    """
    sums, df = lanes.mean(tau2), lanes.k - 1.0
    factor = sums.q / df
    se = np.where(factor >= 1.0, np.sqrt(factor / sums.weight), 1.0 / np.sqrt(sums.weight))
    return symmetric(sums.mean, se, df, tail)


@MEAN_CI.add("kenward-roger")
@interval
def kenward_roger(lanes: Lanes, tau2: FloatArray, tail: float, refit: Refit, rng: Source) -> MeanInterval:
    """Kenward-Roger interval: standard error and degrees of freedom allow for an estimated ``tau2``.

    With the expected information ``I = tr(PP)/2`` and ``s_j = sum w**j`` the adjusted variance is
    ``1/s1 + 2 (s3 - s2**2/s1) / (I s1**2)`` and the degrees of freedom are ``2 I (s1/s2)**2``, the factor on
    the statistic being 1 for a single mean.  Equal variances give the t interval exactly.  The theory is for
    REML.

    Kenward & Roger (1997), Biometrics 53:983-997, eqs. (4)-(8); Partlett & Riley (2017), Statistics in
    Medicine 36:301-317.  R: ``meta::metagen(method.random.ci = "KR")``.
    """
    s1, s2, s3 = lanes.powers(tau2, 3)
    ratio = s2 / s1
    information = 0.5 * (s2 - 2.0 * s3 / s1 + ratio * ratio)
    added = 2.0 * np.fmax(s3 - s2 * ratio, 0.0) / (information * s1 * s1)
    few = lanes.k < 2
    df = np.where(few, 0.0, 2.0 * information / (ratio * ratio))
    return symmetric(lanes.mean(tau2).mean, np.sqrt(1.0 / s1 + np.where(few, 0.0, added)), df, tail)
