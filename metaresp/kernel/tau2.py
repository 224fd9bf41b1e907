"""Estimators of the between-study variance, one function a name in ``TAU2``."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from metaresp.arrays import ArrayLike, BoolArray, FloatArray, IntArray
from metaresp.kernel.solve import COARSE_POINTS, climb, maximise
from metaresp.kernel.sums import ESTIMATED, NOT_CONVERGED, Lanes, run_lanes
from metaresp.registry import Registry


class Tau2(NamedTuple):
    """Between-study variance of each lane, shape (...)."""

    value: FloatArray
    """The estimate, at least 0; nan where ``reason`` is not 0 (1 no studies, 2 values not finite)."""
    converged: BoolArray
    """False where an iteration stopped early (``reason`` 3; the last value is kept)."""
    reason: IntArray
    """Code of :mod:`metaresp.kernel.sums`: 0 means estimated."""


Tau2Method: TypeAlias = Callable[[ArrayLike, ArrayLike, ArrayLike], Tau2]

TAU2: Registry[Tau2Method] = Registry("tau2")


def _estimate(
    body: Callable[[Lanes], tuple[FloatArray, BoolArray] | FloatArray],
    y: ArrayLike,
    v: ArrayLike,
    copies: ArrayLike,
    points: int = 1,
) -> Tau2:
    """Run *body* on batches of lanes; 0 for a single study, nan where there is nothing to estimate."""

    def finished(lanes: Lanes) -> tuple[FloatArray, BoolArray, IntArray]:
        answer = body(lanes)
        value, converged = answer if isinstance(answer, tuple) else (answer, None)
        reason = lanes.reasons()
        if converged is not None and not converged.all():
            reason[~converged & (reason == ESTIMATED)] = NOT_CONVERGED
        value = np.where(lanes.k > 1, np.fmax(value, 0.0), 0.0)
        value[(reason != ESTIMATED) & (reason != NOT_CONVERGED)] = np.nan
        return value, reason == ESTIMATED, reason

    value, converged, reason = run_lanes(finished, y, v, copies, points=points)
    return Tau2(value, converged, reason)


@TAU2.add("common")
def common(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
    """Common-effect model: the between-study variance is 0.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.

    Returns
    -------
    Tau2
        ``value``, ``converged`` and ``reason``, each of shape (...).

    Notes
    -----
    R: ``metafor::rma(method = "EE")``.

    Examples
    --------
    >>> float(common([0.1, 0.9], [0.1, 0.1], [1, 1]).value)
    0.0
    """
    return _estimate(lambda lanes: np.zeros(len(lanes)), y, v, copies)


@TAU2.add("DL")
def dersimonian_laird(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
    """Moment estimator with the common-effect weights.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.

    Returns
    -------
    Tau2
        ``value``, ``converged`` and ``reason``, each of shape (...).

    References
    ----------
    DerSimonian & Laird (1986), Controlled Clinical Trials 7:177-188, eq. (8).

    Notes
    -----
    R: ``metafor::rma(method = "DL")``.

    Examples
    --------
    >>> round(float(dersimonian_laird([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1]).value), 6)
    0.9
    """
    return _estimate(_dersimonian_laird, y, v, copies)


def _dersimonian_laird(lanes: Lanes) -> FloatArray:
    s1, s2 = lanes.powers(_zeros(lanes), 2)
    return (lanes.mean(_zeros(lanes)).q - (lanes.k - 1.0)) / (s1 - s2 / s1)


def _zeros(lanes: Lanes) -> FloatArray:
    return np.zeros(len(lanes))


@TAU2.add("ML")
def maximum_likelihood(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
    """Maximum likelihood in the normal-normal model, the global maximum.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.

    Returns
    -------
    Tau2
        ``value``, ``converged`` and ``reason``, each of shape (...).

    References
    ----------
    Hardy & Thompson (1996), Statistics in Medicine 15:619-629.

    Notes
    -----
    R: ``metafor::rma(method = "ML")``, which climbs from one start and can stop at a lesser maximum.

    Examples
    --------
    >>> round(float(maximum_likelihood([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1]).value), 6)
    0.566667
    """
    return _estimate(lambda lanes: maximise(lanes, restricted=False), y, v, copies, COARSE_POINTS)


@TAU2.add("REML")
def restricted_maximum_likelihood(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
    """Restricted maximum likelihood in the normal-normal model, the global maximum.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.

    Returns
    -------
    Tau2
        ``value``, ``converged`` and ``reason``, each of shape (...).

    References
    ----------
    Viechtbauer (2005), Journal of Educational and Behavioral Statistics 30:261-293, eq. (10).

    Notes
    -----
    R: ``metafor::rma(method = "REML")``, which climbs from one start and can stop at a lesser maximum.

    Examples
    --------
    >>> round(float(restricted_maximum_likelihood([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1]).value), 6)
    0.9
    """
    return _estimate(lambda lanes: maximise(lanes, restricted=True), y, v, copies, COARSE_POINTS)


@TAU2.add("PM")
def paule_mandel(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
    """Paule-Mandel estimator: the ``tau2`` at which the generalised Q equals its mean, ``k - 1``.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.

    Returns
    -------
    Tau2
        ``value``, ``converged`` and ``reason``, each of shape (...).

    References
    ----------
    Paule & Mandel (1982), J. Res. Natl. Bur. Stand. 87:377-385; DerSimonian & Kacker (2007), eq. (5).

    Notes
    -----
    R: ``metafor::rma(method = "PM")``, whose root search stops at an absolute 1e-4.

    Examples
    --------
    >>> round(float(paule_mandel([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1]).value), 6)
    0.9
    """
    return _estimate(lambda lanes: climb(lanes, lanes.k - 1.0), y, v, copies)
