"""Standard errors of the between-study variance, for the names in ``TAU2`` that have one."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from metaresp.arrays import ArrayLike, FloatArray
from metaresp.kernel.effects.sums import Lanes, run_lanes
from metaresp.registry import Registry

Tau2Error: TypeAlias = Callable[[Lanes, FloatArray], FloatArray]

TAU2_SE: Registry[Tau2Error] = Registry("tau2")


def tau2_se(y: ArrayLike, v: ArrayLike, copies: ArrayLike, tau2: ArrayLike, name: str) -> FloatArray:
    """Return the large-sample standard error of an estimate of the between-study variance.

    Parameters
    ----------
    y, v, copies : float array, shape (..., k)
        Study effects, their sampling variances, and study multiplicities.
    tau2 : float array, shape (...)
        The estimate.
    name : str
        A name in ``TAU2_SE``: every estimator but "common" and "DL2".

    Returns
    -------
    float array, shape (...)
        nan for a single study.

    References
    ----------
    Biggerstaff & Tweedie (1997), Statistics in Medicine 16:753-768; Viechtbauer (2005), section 2.

    Notes
    -----
    R: ``metafor::rma()$se.tau2``.  The interval of ``TAU2_CI`` says more: these errors are symmetric about an
    estimate that has a long tail and a mass at 0.

    Examples
    --------
    >>> round(float(tau2_se([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], [1, 1, 1], 0.9, "REML")), 6)
    1.0
    """

    def body(lanes: Lanes, value: FloatArray) -> tuple[FloatArray]:
        error = TAU2_SE[name](lanes, value)
        return (np.where(lanes.k > 1, error, np.nan),)

    return run_lanes(body, y, v, copies, tau2)[0]


def _trace_pp(s: list[FloatArray]) -> FloatArray:
    """Trace of ``P P`` from the sums of powers of the weights."""
    return s[1] - 2.0 * s[2] / s[0] + (s[1] / s[0]) ** 2


@TAU2_SE.add("DL")
def _dersimonian_laird(lanes: Lanes, tau2: FloatArray) -> FloatArray:
    s = lanes.powers(np.zeros(len(lanes)), 3)
    trace = s[0] - s[1] / s[0]
    return _quadratic(lanes, tau2, s) / trace


def _quadratic(lanes: Lanes, tau2: FloatArray, s: list[FloatArray]) -> FloatArray:
    """Return the standard deviation of Cochran's Q at *tau2*."""
    trace = s[0] - s[1] / s[0]
    return np.sqrt(2.0 * (lanes.k - 1.0) + 4.0 * tau2 * trace + 2.0 * tau2 * tau2 * _trace_pp(s))


@TAU2_SE.add("HE")
def _hedges(lanes: Lanes, tau2: FloatArray) -> FloatArray:
    df = lanes.k - 1.0
    v1, v2 = lanes.variance_powers()
    pvpv = v2 - 2.0 * v2 / lanes.k + (v1 / lanes.k) ** 2
    pv = v1 * df / lanes.k
    return np.sqrt(2.0 * pvpv + 4.0 * tau2 * pv + 2.0 * tau2 * tau2 * df) / df


@TAU2_SE.add("HS")
def _hunter_schmidt(lanes: Lanes, tau2: FloatArray) -> FloatArray:
    s = lanes.powers(np.zeros(len(lanes)), 3)
    return _quadratic(lanes, tau2, s) / s[0]


@TAU2_SE.add("HSk")
def _hunter_schmidt_small_sample(lanes: Lanes, tau2: FloatArray) -> FloatArray:
    return _hunter_schmidt(lanes, tau2) * lanes.k / (lanes.k - 1.0)


@TAU2_SE.add("SJ")
def _sidik_jonkman(lanes: Lanes, tau2: FloatArray) -> FloatArray:
    start = lanes.plain()[0] / lanes.k
    s = lanes.powers(start, 3)
    # P V P V, P V P and P P with V = (V + start I) - start I, so that P (V + start I) P = P
    trace, pp = s[0] - s[1] / s[0], _trace_pp(s)
    df = lanes.k - 1.0
    pvpv = df - 2.0 * start * trace + start * start * pp
    pvp = trace - start * pp
    return start / df * np.sqrt(2.0 * pvpv + 4.0 * tau2 * pvp + 2.0 * tau2 * tau2 * pp)


@TAU2_SE.add("ML")
def _maximum_likelihood(lanes: Lanes, tau2: FloatArray) -> FloatArray:
    return np.sqrt(2.0 / lanes.powers(tau2, 2)[1])


@TAU2_SE.add("REML")
def _restricted(lanes: Lanes, tau2: FloatArray) -> FloatArray:
    return np.sqrt(2.0 / _trace_pp(lanes.powers(tau2, 3)))


@TAU2_SE.add("EB")
@TAU2_SE.add("PM")
@TAU2_SE.add("PMM")
def _paule_mandel(lanes: Lanes, tau2: FloatArray) -> FloatArray:
    return lanes.k * np.sqrt(2.0 / (lanes.k - 1.0)) / lanes.powers(tau2, 1)[0]
