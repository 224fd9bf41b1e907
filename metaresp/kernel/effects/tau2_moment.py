"""Closed-form estimators of the between-study variance."""

import numpy as np

from metaresp.arrays import ArrayLike, FloatArray
from metaresp.kernel.effects.sums import Lanes
from metaresp.kernel.effects.tau2_registry import TAU2, Tau2, estimate

__all__ = [
    "TAU2",
    "Tau2",
    "common",
    "dersimonian_laird",
    "dersimonian_laird_two_step",
    "estimate",
    "hedges",
    "hunter_schmidt",
    "hunter_schmidt_small_sample",
    "sidik_jonkman",
]


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
    return estimate(lambda lanes: np.zeros(len(lanes)), y, v, copies)


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
    return estimate(_dersimonian_laird, y, v, copies)


@TAU2.add("DL2")
def dersimonian_laird_two_step(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
    """Moment estimator with the weights of a DerSimonian-Laird fit: its second step.

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
    DerSimonian & Kacker (2007), Contemporary Clinical Trials 28:105-114, eq. (8).

    Notes
    -----
    R: ``metafor::rma(method = "GENQ", weights = 1/(vi + tau2_DL))``.

    Examples
    --------
    >>> round(float(dersimonian_laird_two_step([0.0, 1.0, 2.0], [0.1, 0.2, 0.1], [1, 1, 1]).value), 6)
    0.89404
    """
    return estimate(_two_step, y, v, copies)


@TAU2.add("HE")
def hedges(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
    """Moment estimator with equal weights (Hedges-Olkin, variance components).

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
    Hedges & Olkin (1985), Statistical Methods for Meta-Analysis, ch. 9, eq. (10).

    Notes
    -----
    R: ``metafor::rma(method = "HE")``.

    Examples
    --------
    >>> round(float(hedges([0.0, 1.0, 2.0], [0.1, 0.2, 0.1], [1, 1, 1]).value), 6)
    0.866667
    """
    return estimate(_hedges, y, v, copies)


@TAU2.add("HS")
def hunter_schmidt(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
    """Hunter-Schmidt estimator, ``(Q - k) / sum w``.

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
    Hunter & Schmidt (1990), Methods of Meta-Analysis; Viechtbauer (2005), eq. (7).

    Notes
    -----
    R: ``metafor::rma(method = "HS")``.  Biased towards 0.

    Examples
    --------
    >>> round(float(hunter_schmidt([0.0, 1.0, 2.0], [0.1, 0.2, 0.1], [1, 1, 1]).value), 6)
    0.68
    """
    return estimate(_hunter_schmidt, y, v, copies)


@TAU2.add("HSk")
def hunter_schmidt_small_sample(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
    """Hunter-Schmidt estimator with the small-sample factor, ``(Q k/(k - 1) - k) / sum w``.

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
    Brannick, Potter, Benitez & Morris (2019), Organizational Research Methods 22:415-436.

    Notes
    -----
    R: ``metafor::rma(method = "HSk")``.

    Examples
    --------
    >>> round(float(hunter_schmidt_small_sample([0.0, 1.0, 2.0], [0.1, 0.2, 0.1], [1, 1, 1]).value), 6)
    1.08
    """
    return estimate(_hunter_schmidt_small_sample, y, v, copies)


@TAU2.add("SJ")
def sidik_jonkman(y: ArrayLike, v: ArrayLike, copies: ArrayLike) -> Tau2:
    """Sidik-Jonkman estimator started from the variance of the effects.

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
    Sidik & Jonkman (2005), Applied Statistics 54:367-384, eq. (5).

    Notes
    -----
    R: ``metafor::rma(method = "SJ")``.  Positive whenever the effects differ at all.

    Examples
    --------
    >>> round(float(sidik_jonkman([0.0, 1.0, 2.0], [0.1, 0.2, 0.1], [1, 1, 1]).value), 6)
    0.869565
    """
    return estimate(_sidik_jonkman, y, v, copies)


def _moment(lanes: Lanes, a: FloatArray) -> FloatArray:
    """Equate the generalised Q of weights *a* to its mean; *a* has shape (k, lanes), copies not in it."""
    q, at_zero, slope = lanes.generalised(a)
    return (q - at_zero) / slope


def _dersimonian_laird(lanes: Lanes) -> FloatArray:
    s1, s2 = lanes.powers(np.zeros(len(lanes)), 2)
    return (lanes.mean(np.zeros(len(lanes))).q - (lanes.k - 1.0)) / (s1 - s2 / s1)


def _two_step(lanes: Lanes) -> FloatArray:
    return _moment(lanes, lanes.precision(np.fmax(_dersimonian_laird(lanes), 0.0)))


def _hedges(lanes: Lanes) -> FloatArray:
    squares, variances = lanes.plain()
    return squares / (lanes.k - 1.0) - variances / lanes.k


def _hunter_schmidt(lanes: Lanes) -> FloatArray:
    sums = lanes.mean(np.zeros(len(lanes)))
    return (sums.q - lanes.k) / sums.weight


def _hunter_schmidt_small_sample(lanes: Lanes) -> FloatArray:
    sums = lanes.mean(np.zeros(len(lanes)))
    return (sums.q * lanes.k / (lanes.k - 1.0) - lanes.k) / sums.weight


def _sidik_jonkman(lanes: Lanes) -> FloatArray:
    start = lanes.plain()[0] / lanes.k
    return np.where(start > 0, start * lanes.mean(start).q / (lanes.k - 1.0), 0.0)
