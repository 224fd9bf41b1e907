"""Prediction intervals for the effect of a new study, one function a name in ``PREDICTION``."""

from collections.abc import Callable
from functools import wraps
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np

from metaresp.arrays import ArrayLike, FloatArray
from metaresp.kernel.effects.confidence_draws import new_study_limits
from metaresp.kernel.effects.mean_registry import MeanInterval, Refit, Source
from metaresp.kernel.effects.mean_wald import hartung_knapp
from metaresp.kernel.effects.sums import run_lanes
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.registry import Registry

Limits: TypeAlias = tuple[FloatArray, FloatArray]


class PredictionMethod(Protocol):
    """The one signature of prediction intervals."""

    def __call__(
        self,
        y: ArrayLike,
        v: ArrayLike,
        copies: ArrayLike,
        tau2: ArrayLike,
        mean: MeanInterval,
        tail: float,
        refit: Refit,
        rng: Source,
    ) -> Limits:
        """Return the limits of each lane.

        Parameters
        ----------
        y, v, copies : float array, shape (..., k)
            Study effects, their sampling variances, and study multiplicities.
        tau2 : float array, shape (...)
            Between-study variance.
        mean : MeanInterval
            Pooled mean of the chosen ``ci``.
        tail : float
            Probability left out on each side.
        refit
            For entries that estimate ``tau2`` again; none so far.
        rng : numpy.random.Generator, optional
            For entries that draw: each lane takes one child of it, in order; a fixed seed if not given.

        Returns
        -------
        low, high : float array, shape (...)
            But for ``normal``, nan for a single study.

        Examples
        --------
        >>> from metaresp.kernel.effects.mean import MEAN_CI
        >>> data = ([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1], 0.9)
        >>> mean = MEAN_CI["normal"](*data, 0.025, None, None)
        >>> low, high = PREDICTION["t"](*data, mean, 0.025, None, None)
        >>> round(float(low), 4), round(float(high), 4)
        (-3.7783, 5.7783)
        """


PREDICTION: Registry[PredictionMethod] = Registry("prediction")


class Asked(NamedTuple):
    """What an entry may look at; see :class:`PredictionMethod`."""

    y: ArrayLike
    v: ArrayLike
    copies: ArrayLike
    tau2: ArrayLike
    mean: MeanInterval
    tail: float
    rng: Source

    def around(self, mean: MeanInterval, df: ArrayLike) -> Limits:
        """Return ``estimate -+ quantile sqrt(tau2 + se**2)`` with t of *df* degrees of freedom."""
        with np.errstate(invalid="ignore"):
            spread = np.sqrt(np.asarray(self.tau2, dtype=np.float64) + mean.se * mean.se)
            half = t_quantile(df, self.tail) * spread
            return mean.estimate - half, mean.estimate + half

    def studies(self) -> FloatArray:
        """Return the number of studies of each lane."""
        count: FloatArray = np.add.reduce(np.asarray(self.copies, dtype=np.float64), axis=-1)
        shape = self.mean.se.shape
        return (
            count if count.shape == shape else np.broadcast_to(count, np.broadcast_shapes(count.shape, shape))
        )


def prediction(body: Callable[[Asked], Limits]) -> PredictionMethod:
    """Make an entry of ``PREDICTION`` out of a function of what is :class:`Asked`."""

    @wraps(body)
    def method(
        y: ArrayLike,
        v: ArrayLike,
        copies: ArrayLike,
        tau2: ArrayLike,
        mean: MeanInterval,
        tail: float,
        refit: Refit,
        rng: Source,
    ) -> Limits:
        return body(Asked(y, v, copies, tau2, mean, tail, rng))

    return method


@PREDICTION.add("normal")
@prediction
def normal(asked: Asked) -> Limits:
    """Predict with the normal quantile, ``estimate -+ z sqrt(tau2 + se**2)``.

    Higgins, Thompson & Spiegelhalter (2009), J. R. Stat. Soc. A 172:137-159.
    R: ``metafor::predict()`` of ``rma(test = "z")``; ``meta``: ``method.predict = "S"``.
    """
    return asked.around(asked.mean, np.inf)


@PREDICTION.add("t")
@prediction
def student(asked: Asked) -> Limits:
    """Prediction interval with t of ``k - 1`` degrees of freedom and the standard error of the chosen ``ci``.

    Veroniki, Jackson, Bender et al. (2019), Research Synthesis Methods 10:23-43.
    R: ``metafor::predict()`` of ``rma(test = "t")``, "knha" or "adhoc"; ``meta``: ``method.predict = "V"``
    (with the usual standard error).
    """
    return asked.around(asked.mean, asked.studies() - 1.0)


@PREDICTION.add("hts")
@prediction
def higgins_thompson_spiegelhalter(asked: Asked) -> Limits:
    """Prediction interval with t of ``k - 2`` degrees of freedom and the standard error of the chosen ``ci``.

    nan for fewer than three studies.

    Higgins, Thompson & Spiegelhalter (2009), J. R. Stat. Soc. A 172:137-159, eq. (12).
    R: ``metafor::predict(predtype = "Riley")``; ``meta``: ``method.predict = "HTS"`` (there always with the
    usual standard error, that is ``ci="normal"`` or ``"t"`` here).
    """
    return asked.around(asked.mean, asked.studies() - 2.0)


@PREDICTION.add("hartung-knapp")
@prediction
def hartung_knapp_prediction(asked: Asked) -> Limits:
    """Prediction interval with t of ``k - 1`` degrees of freedom and the Hartung-Knapp standard error.

    The mean of the chosen ``ci`` is not used, since the standard error is fixed by the method.

    Partlett & Riley (2017), Statistics in Medicine 36:301-317.
    R: ``metafor::predict()`` of ``rma(test = "knha")``; ``meta``: ``method.predict = "HK"``.
    """
    own = hartung_knapp(asked.y, asked.v, asked.copies, asked.tau2, asked.tail, None, None)
    return asked.around(own, own.df)


@PREDICTION.add("bootstrap")
@prediction
def nagashima(asked: Asked) -> Limits:
    """Bootstrap prediction interval of Nagashima, Noma and Furukawa, which allows for an unknown ``tau2``.

    Quantiles of 25,000 draws.  ``tau2`` is drawn from its own confidence distribution (DerSimonian-Laird's
    Q) and the mean found again at each draw: those of the fit are not used.

    Nagashima, Noma & Furukawa (2019), Statistical Methods in Medical Research 28:1689-1702, section 3.
    R: ``pimeta::pima(method = "boot")``; ``meta``: ``method.predict = "NNF"``.
    """
    source = np.random.default_rng(2019) if asked.rng is None else asked.rng
    low, high = run_lanes(
        lambda lanes: new_study_limits(lanes, asked.tail, source), asked.y, asked.v, asked.copies
    )
    return low, high
