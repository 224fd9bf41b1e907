"""Kenward-Roger interval for the pooled mean."""

import numpy as np

from metaresp.arrays import ArrayLike, FloatArray
from metaresp.kernel.effects.mean_registry import MEAN_CI, MeanInterval, Refit, symmetric
from metaresp.kernel.effects.sums import Lanes, run_lanes


@MEAN_CI.add("kenward-roger")
def kenward_roger(
    y: ArrayLike,
    v: ArrayLike,
    copies: ArrayLike,
    tau2: ArrayLike,
    tail: float,
    refit: Refit | None,
    rng: np.random.Generator | None,
) -> MeanInterval:
    """Kenward-Roger interval: standard error and degrees of freedom allow for an estimated ``tau2``.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.
    tau2 : float array, shape (...)
        Between-study variance; the theory is for REML.
    tail : float
        Probability left out on each side.
    refit, rng
        Not used.

    Returns
    -------
    MeanInterval
        Each field of shape (...); ``df`` differs by lane; limits are nan for a single study.

    References
    ----------
    Kenward & Roger (1997), Biometrics 53:983-997, eqs. (4)-(8); Partlett & Riley (2017), Statistics in
    Medicine 36:301-317.

    Notes
    -----
    With the expected information ``I = tr(PP)/2`` and ``s_j = sum w**j`` the adjusted variance is
    ``1/s1 + 2 (s3 - s2**2/s1) / (I s1**2)`` and the degrees of freedom are ``2 I (s1/s2)**2``, the factor on
    the statistic being 1 for a single mean.  Equal variances give the t interval exactly.
    R: ``meta::metagen(method.random.ci = "KR")``.

    Examples
    --------
    >>> fit = kenward_roger([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1], 0.9, 0.025, None, None)
    >>> round(float(fit.df), 6), round(float(fit.low), 4), round(float(fit.high), 4)
    (2.0, -1.4841, 3.4841)
    """
    estimate, se, df = run_lanes(_kenward_roger, y, v, copies, tau2)
    return symmetric(estimate, se, df, tail)


def _kenward_roger(lanes: Lanes, tau2: FloatArray) -> tuple[FloatArray, ...]:
    s1, s2, s3 = lanes.powers(tau2, 3)
    ratio = s2 / s1
    information = 0.5 * (s2 - 2.0 * s3 / s1 + ratio * ratio)
    added = 2.0 * np.fmax(s3 - s2 * ratio, 0.0) / (information * s1 * s1)
    few = lanes.k < 2
    df = np.where(few, 0.0, 2.0 * information / (ratio * ratio))
    return lanes.mean(tau2).mean, np.sqrt(1.0 / s1 + np.where(few, 0.0, added)), df
