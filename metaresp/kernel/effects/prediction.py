"""Prediction intervals for the effect of a new study, one function a name in ``PREDICTION``."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from metaresp.arrays import ArrayLike, FloatArray
from metaresp.kernel.effects.confidence_draws import new_study_limits
from metaresp.kernel.effects.mean_registry import MeanInterval, Refit
from metaresp.kernel.effects.mean_wald import hartung_knapp
from metaresp.kernel.effects.sums import run_lanes
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.registry import Registry

Limits: TypeAlias = tuple[FloatArray, FloatArray]
PredictionMethod: TypeAlias = Callable[
    [
        ArrayLike,
        ArrayLike,
        ArrayLike,
        ArrayLike,
        MeanInterval,
        float,
        Refit | None,
        np.random.Generator | None,
    ],
    Limits,
]

PREDICTION: Registry[PredictionMethod] = Registry("prediction")


def _around(estimate: FloatArray, se: FloatArray, tau2: ArrayLike, df: ArrayLike, tail: float) -> Limits:
    with np.errstate(invalid="ignore"):
        half = t_quantile(df, tail) * np.sqrt(np.asarray(tau2, dtype=np.float64) + se * se)
        return estimate - half, estimate + half


def _studies(copies: ArrayLike, like: FloatArray) -> FloatArray:
    count: FloatArray = np.add.reduce(np.asarray(copies, dtype=np.float64), axis=-1)
    if count.shape == like.shape:
        return count
    return np.broadcast_to(count, np.broadcast_shapes(count.shape, like.shape))


@PREDICTION.add("normal")
def normal(
    y: ArrayLike,
    v: ArrayLike,
    copies: ArrayLike,
    tau2: ArrayLike,
    mean: MeanInterval,
    tail: float,
    refit: Refit | None,
    rng: np.random.Generator | None,
) -> Limits:
    """Predict with the normal quantile, ``estimate -+ z sqrt(tau2 + se**2)``.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.
    tau2 : float array, shape (...)
        Between-study variance.
    mean : MeanInterval
        Pooled mean; its ``se`` is used.
    tail : float
        Probability left out on each side.
    refit, rng
        Not used.

    Returns
    -------
    low, high : float array, shape (...)

    Notes
    -----
    R: ``metafor::predict()`` of ``rma(test = "z")``; ``meta``: ``method.predict = "S"``.

    Examples
    --------
    >>> from metaresp.kernel.effects.mean import MEAN_CI
    >>> data = ([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1], 0.9)
    >>> low, high = normal(*data, MEAN_CI["normal"](*data, 0.025, None, None), 0.025, None, None)
    >>> round(float(low), 4), round(float(high), 4)
    (-1.1766, 3.1766)
    """
    return _around(mean.estimate, mean.se, tau2, np.inf, tail)


@PREDICTION.add("t")
def student(
    y: ArrayLike,
    v: ArrayLike,
    copies: ArrayLike,
    tau2: ArrayLike,
    mean: MeanInterval,
    tail: float,
    refit: Refit | None,
    rng: np.random.Generator | None,
) -> Limits:
    """Prediction interval with t of ``k - 1`` degrees of freedom and the standard error of the chosen ``ci``.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.
    tau2 : float array, shape (...)
        Between-study variance.
    mean : MeanInterval
        Pooled mean; its ``se`` is used.
    tail : float
        Probability left out on each side.
    refit, rng
        Not used.

    Returns
    -------
    low, high : float array, shape (...)
        nan for a single study.

    References
    ----------
    Veroniki, Jackson, Bender et al. (2019), Research Synthesis Methods 10:23-43.

    Notes
    -----
    R: ``metafor::predict()`` of ``rma(test = "t")``, "knha" or "adhoc"; ``meta``: ``method.predict = "V"``
    (with the usual standard error).

    Examples
    --------
    >>> from metaresp.kernel.effects.mean import MEAN_CI
    >>> data = ([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1], 0.9)
    >>> low, high = student(*data, MEAN_CI["normal"](*data, 0.025, None, None), 0.025, None, None)
    >>> round(float(low), 4), round(float(high), 4)
    (-3.7783, 5.7783)
    """
    return _around(mean.estimate, mean.se, tau2, _studies(copies, mean.se) - 1.0, tail)


@PREDICTION.add("hts")
def higgins_thompson_spiegelhalter(
    y: ArrayLike,
    v: ArrayLike,
    copies: ArrayLike,
    tau2: ArrayLike,
    mean: MeanInterval,
    tail: float,
    refit: Refit | None,
    rng: np.random.Generator | None,
) -> Limits:
    """Prediction interval with t of ``k - 2`` degrees of freedom and the standard error of the chosen ``ci``.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.
    tau2 : float array, shape (...)
        Between-study variance.
    mean : MeanInterval
        Pooled mean; its ``se`` is used.
    tail : float
        Probability left out on each side.
    refit, rng
        Not used.

    Returns
    -------
    low, high : float array, shape (...)
        nan for fewer than three studies.

    References
    ----------
    Higgins, Thompson & Spiegelhalter (2009), J. R. Stat. Soc. A 172:137-159, eq. (12).

    Notes
    -----
    R: ``metafor::predict(predtype = "Riley")``; ``meta``: ``method.predict = "HTS"`` (there always with the
    usual standard error, that is ``ci="normal"`` or ``"t"`` here).

    Examples
    --------
    >>> from metaresp.kernel.effects.mean import MEAN_CI
    >>> data = ([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1], 0.9)
    >>> mean = MEAN_CI["normal"](*data, 0.025, None, None)
    >>> low, high = higgins_thompson_spiegelhalter(*data, mean, 0.025, None, None)
    >>> round(float(low), 3), round(float(high), 3)
    (-13.111, 15.111)
    """
    return _around(mean.estimate, mean.se, tau2, _studies(copies, mean.se) - 2.0, tail)


@PREDICTION.add("hartung-knapp")
def hartung_knapp_prediction(
    y: ArrayLike,
    v: ArrayLike,
    copies: ArrayLike,
    tau2: ArrayLike,
    mean: MeanInterval,
    tail: float,
    refit: Refit | None,
    rng: np.random.Generator | None,
) -> Limits:
    """Prediction interval with t of ``k - 1`` degrees of freedom and the Hartung-Knapp standard error.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.
    tau2 : float array, shape (...)
        Between-study variance.
    mean : MeanInterval
        Pooled mean; not used beyond its shape, since the standard error is fixed by the method.
    tail : float
        Probability left out on each side.
    refit, rng
        Not used.

    Returns
    -------
    low, high : float array, shape (...)
        nan for a single study.

    References
    ----------
    Partlett & Riley (2017), Statistics in Medicine 36:301-317.

    Notes
    -----
    R: ``metafor::predict()`` of ``rma(test = "knha")``; ``meta``: ``method.predict = "HK"``.

    Examples
    --------
    >>> from metaresp.kernel.effects.mean import MEAN_CI
    >>> data = ([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1], 0.9)
    >>> mean = MEAN_CI["normal"](*data, 0.025, None, None)
    >>> low, high = hartung_knapp_prediction(*data, mean, 0.025, None, None)
    >>> round(float(low), 4), round(float(high), 4)
    (-3.7783, 5.7783)
    """
    own = hartung_knapp(y, v, copies, tau2, tail, refit, rng)
    return _around(own.estimate, own.se, tau2, own.df, tail)


@PREDICTION.add("bootstrap")
def nagashima(
    y: ArrayLike,
    v: ArrayLike,
    copies: ArrayLike,
    tau2: ArrayLike,
    mean: MeanInterval,
    tail: float,
    refit: Refit | None,
    rng: np.random.Generator | None,
) -> Limits:
    """Bootstrap prediction interval of Nagashima, Noma and Furukawa, which allows for an unknown ``tau2``.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.
    tau2 : float array, shape (...)
        Not used: ``tau2`` is drawn from its own confidence distribution (DerSimonian-Laird's Q).
    mean : MeanInterval
        Not used: the mean is found again at each draw.
    tail : float
        Probability left out on each side.
    refit
        Not used.
    rng : numpy.random.Generator, optional
        Each lane takes one child of it, in order; a fixed seed if not given.

    Returns
    -------
    low, high : float array, shape (...)
        nan for a single study.

    References
    ----------
    Nagashima, Noma & Furukawa (2019), Statistical Methods in Medical Research 28:1689-1702, section 3.

    Notes
    -----
    Quantiles of 25,000 draws.  R: ``pimeta::pima(method = "boot")``; ``meta``: ``method.predict = "NNF"``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> y, v = [0.0, 1.0, 2.0, 1.5], [0.1, 0.1, 0.1, 0.1]
    >>> from metaresp.kernel.effects.mean import MEAN_CI
    >>> mean = MEAN_CI["normal"](y, v, np.ones(4), 0.6, 0.025, None, None)
    >>> low, high = nagashima(y, v, np.ones(4), 0.6, mean, 0.025, None, rng)
    >>> bool(low < -1 < 3 < high)
    True
    """
    source = np.random.default_rng(2019) if rng is None else rng
    with np.errstate(all="ignore"):
        low, high = run_lanes(lambda lanes: new_study_limits(lanes, tail, source), y, v, copies)
    return low, high
