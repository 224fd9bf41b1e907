"""Effect scales: counts to an effect and its variance, and back to a rate.

With ``p = x/n``; in R, ``measure`` is that of ``metafor::escalc``.

logit
    ``log(x / (n-x))``, variance ``1/x + 1/(n-x)``.  Stijnen, Hamza & Ozdemir (2010), Statistics in Medicine
    29:3046-3067.  R: ``measure = "PLO"``.
arcsine
    ``asin(sqrt(p))``, variance ``1/(4 n)``.  Bartlett (1936), Supplement to the JRSS 3:68-78.
    R: ``measure = "PAS"``.
freeman-tukey
    ``(asin(sqrt(x/(n+1))) + asin(sqrt((x+1)/(n+1)))) / 2``, variance ``1/(4 n + 2)``.  Freeman & Tukey
    (1950), Ann. Math. Stat. 21:607-611; back by Miller (1978), American Statistician 32:138.
    R: ``measure = "PFT"``.
log
    ``log(p)``, variance ``1/x - 1/n``.  Katz, Baptista, Azen & Pike (1978), Biometrics 34:469-474.
    R: ``measure = "PLN"``.
identity
    ``p``, variance ``p (1-p) / n``.  Laplace's; see Brown, Cai & DasGupta (2001), Statistical Science
    16:101-133, eq. (1).  R: ``measure = "PR"``.
probit
    ``Phi^-1(p)``, variance ``p (1-p) / (n phi(y)^2)``.  Agresti (2013), Categorical Data Analysis, section
    16.1, on the delta method.  R: ``escalc`` has none; ``qnorm(x/n)``.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit, ndtr, ndtri

from metaresp.arrays import ArrayLike, FloatArray
from metaresp.registry import Registry

# Trapezoidal nodes on the standard normal and logistic densities; see _logit_mean for the error bound.
_NORMAL_Z = np.linspace(-9.0, 9.0, 91)
_NORMAL_W = np.exp(-0.5 * _NORMAL_Z**2) / np.exp(-0.5 * _NORMAL_Z**2).sum()
# Gauss-Hermite for small tau; its error is near exp(-2 pi sqrt(nodes)/tau).
_HERMITE = tuple(
    (tau, np.sqrt(2.0) * z, w / np.sqrt(np.pi))
    for tau, (z, w) in (
        (0.5, np.polynomial.hermite.hermgauss(14)),
        (1.0, np.polynomial.hermite.hermgauss(34)),
    )
)
_LOGISTIC_Z = np.linspace(-40.0, 40.0, 321)
_LOGISTIC_W = expit(_LOGISTIC_Z) * expit(-_LOGISTIC_Z) * (_LOGISTIC_Z[1] - _LOGISTIC_Z[0])
_LEGENDRE_X, _LEGENDRE_W = np.polynomial.legendre.leggauss(80)
_WIDE_TAU = 3.0
_LOGIT_RULES = (*_HERMITE, (_WIDE_TAU, _NORMAL_Z, _NORMAL_W))
_NARROW_TAU = 1e-8  # a spread this small moves a mean rate by less than rounding


class Transform(NamedTuple):
    """One effect scale.

    Examples
    --------
    >>> logit = TRANSFORMS["logit"]
    >>> y, v = logit.forward([9.0], [12.0])
    >>> [round(float(item[0]), 6) for item in (y, v)]
    [1.098612, 0.444444]
    >>> round(float(logit.inverse(y, None)[0]), 6)
    0.75
    """

    forward: Callable[[ArrayLike, ArrayLike], tuple[FloatArray, FloatArray]]
    """``forward(x, n) -> (y, v)``: effect and sampling variance; not finite where a correction is needed."""
    inverse: Callable[[ArrayLike, ArrayLike | None], FloatArray]
    """``inverse(y, n_back) -> rate`` in [0, 1]; effects outside ``limits`` are clipped."""
    corrected: bool
    """Whether studies at 0 or n need a continuity correction on this scale."""
    limits: tuple[float, float]
    """The scale's range."""
    mean_rate: Callable[[ArrayLike, ArrayLike, ArrayLike | None], FloatArray]
    """``mean_rate(mu, tau2, n_back)``: mean over trials of the rate, for effects normal(mu, tau2)."""


TRANSFORMS: Registry[Transform] = Registry("transform")


def as_floats(x: ArrayLike, n: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return both arguments as float arrays."""
    return np.asarray(x, dtype=np.float64), np.asarray(n, dtype=np.float64)


def _normal_parts(mu: ArrayLike, tau2: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the mean, the standard deviation, and a positive stand-in for it, broadcast together."""
    m, t2 = np.asarray(mu, dtype=np.float64), np.asarray(tau2, dtype=np.float64)
    if m.shape != t2.shape:
        m, t2 = np.broadcast_arrays(m, t2)
    tau = np.sqrt(np.maximum(t2, 0.0))
    return m, tau, np.where(tau > 0, tau, 1.0)


# --- logit -------------------------------------------------------------------------------------------


def _logit_forward(x: ArrayLike, n: ArrayLike) -> tuple[FloatArray, FloatArray]:
    events, size = as_floats(x, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = size - events
        return np.log(events / rest), size / (events * rest)


def _logit_inverse(y: ArrayLike, n_back: ArrayLike | None = None) -> FloatArray:
    return np.asarray(expit(np.asarray(y, dtype=np.float64)), np.float64)


def _logit_mean(mu: ArrayLike, tau2: ArrayLike, n_back: ArrayLike | None = None) -> FloatArray:
    """Integrate the logistic function over the normal, by the rule that suits each tau.

    The logistic function is analytic within ``pi/tau`` of the real axis (in standard deviations): 14 or 34
    Gauss-Hermite nodes are good to 1e-13 up to ``tau = 1``, and trapezoids of step 0.2, whose error is near
    ``exp(-2 pi**2/(0.2 tau))``, to 1e-14 up to ``tau = 3``.  Beyond, the same mean is
    ``P(L < mu + tau Z)`` for a logistic L, integrated over L's density instead.
    """
    m, tau, safe = _normal_parts(mu, tau2)
    if m.size == 1 and tau.item() <= _WIDE_TAU:
        z, w = next((z, w) for most, z, w in _LOGIT_RULES if tau.item() <= most)
        one: FloatArray = expit(m.reshape(1, 1) + tau.reshape(1, 1) * z) @ w
        return one.reshape(m.shape)
    wide = tau > _WIDE_TAU
    mean = np.empty(m.shape)
    least = -1.0
    for most, z, w in _LOGIT_RULES:
        rows = (tau > least) & (tau <= most)
        least = most
        if rows.any():
            mean[rows] = expit(m[rows][:, None] + tau[rows][:, None] * z) @ w
    if wide.any():
        mean[wide] = ndtr((m[wide][:, None] - _LOGISTIC_Z) / safe[wide][:, None]) @ _LOGISTIC_W
    return mean


TRANSFORMS.add("logit")(Transform(_logit_forward, _logit_inverse, True, (-np.inf, np.inf), _logit_mean))

# --- arcsine and Freeman-Tukey -----------------------------------------------------------------------


def _arcsine_forward(x: ArrayLike, n: ArrayLike) -> tuple[FloatArray, FloatArray]:
    events, size = as_floats(x, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.arcsin(np.sqrt(events / size)), np.broadcast_to(
            0.25 / size, np.broadcast(events, size).shape
        )


def _arcsine_inverse(y: ArrayLike, n_back: ArrayLike | None = None) -> FloatArray:
    result: FloatArray = np.sin(np.clip(np.asarray(y, dtype=np.float64), 0.0, 0.5 * np.pi)) ** 2
    return result


def _freeman_tukey_forward(x: ArrayLike, n: ArrayLike) -> tuple[FloatArray, FloatArray]:
    events, size = as_floats(x, n)
    above = size + 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        y = 0.5 * (np.arcsin(np.sqrt(events / above)) + np.arcsin(np.sqrt((events + 1.0) / above)))
        return y, np.broadcast_to(1.0 / (4.0 * size + 2.0), y.shape)


def _freeman_tukey_inverse(y: ArrayLike, n_back: ArrayLike | None = None) -> FloatArray:
    """Invert the double arcsine for trials of *n_back* patients; Miller (1978), eq. (1)."""
    if n_back is None:
        return _arcsine_inverse(y)
    angle, size = np.broadcast_arrays(*as_floats(y, n_back))
    lowest = _freeman_tukey_forward(np.zeros_like(size), size)[0]
    inside = np.clip(angle, lowest, 0.5 * np.pi - lowest)
    with np.errstate(divide="ignore", invalid="ignore"):
        sine = np.sin(2.0 * inside)
        root = np.sqrt(np.maximum(0.0, 1.0 - (sine + (sine - 1.0 / sine) / size) ** 2))
        rate = 0.5 * (1.0 - np.sign(np.cos(2.0 * inside)) * root)
    rate = np.where(angle <= lowest, 0.0, np.where(angle >= 0.5 * np.pi - lowest, 1.0, rate))
    return np.where(np.isnan(angle) | np.isnan(size), np.nan, rate)


def _angle_mean(
    inverse: Callable[[FloatArray, FloatArray | None], FloatArray],
    mu: ArrayLike,
    tau2: ArrayLike,
    low: FloatArray,
    size: FloatArray | None,
) -> FloatArray:
    """Integrate *inverse* over the normal: Gauss-Legendre between the limits, 0 below and 1 above them."""
    m, tau, safe = _normal_parts(mu, tau2)
    m, tau, safe, low = np.broadcast_arrays(m, tau, safe, low)
    high = 0.5 * np.pi - low
    a, b = np.clip(m - 9.0 * safe, low, high), np.clip(m + 9.0 * safe, low, high)
    half = 0.5 * (b - a)[..., None]
    point = 0.5 * (a + b)[..., None] + half * _LEGENDRE_X
    z = (point - m[..., None]) / safe[..., None]
    density = np.exp(-0.5 * z * z) / (np.sqrt(2.0 * np.pi) * safe[..., None])
    rates = inverse(point, None if size is None else size[..., None])
    mean = (half * density * rates) @ _LEGENDRE_W + ndtr((m - high) / safe)
    fixed = inverse(m, size)
    return np.where(tau > _NARROW_TAU, np.clip(mean, 0.0, 1.0), fixed) + 0.0 * m


def _arcsine_mean(mu: ArrayLike, tau2: ArrayLike, n_back: ArrayLike | None = None) -> FloatArray:
    return _angle_mean(_arcsine_inverse, mu, tau2, np.zeros(()), None)


def _freeman_tukey_mean(mu: ArrayLike, tau2: ArrayLike, n_back: ArrayLike | None = None) -> FloatArray:
    if n_back is None:
        return _arcsine_mean(mu, tau2)
    size = np.broadcast_to(
        np.asarray(n_back, dtype=np.float64),
        np.broadcast_shapes(np.shape(mu), np.shape(tau2), np.shape(n_back)),
    )
    low = _freeman_tukey_forward(np.zeros_like(size), size)[0]
    return _angle_mean(_freeman_tukey_inverse, mu, tau2, low, size)


TRANSFORMS.add("arcsine")(
    Transform(_arcsine_forward, _arcsine_inverse, False, (0.0, 0.5 * np.pi), _arcsine_mean)
)
TRANSFORMS.add("freeman-tukey")(
    Transform(_freeman_tukey_forward, _freeman_tukey_inverse, False, (0.0, 0.5 * np.pi), _freeman_tukey_mean)
)

# --- log, identity, probit ---------------------------------------------------------------------------


def _log_forward(x: ArrayLike, n: ArrayLike) -> tuple[FloatArray, FloatArray]:
    events, size = as_floats(x, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(events / size), (size - events) / (events * size)


def _log_inverse(y: ArrayLike, n_back: ArrayLike | None = None) -> FloatArray:
    return np.exp(np.minimum(np.asarray(y, dtype=np.float64), 0.0))


def _log_mean(mu: ArrayLike, tau2: ArrayLike, n_back: ArrayLike | None = None) -> FloatArray:
    """Mean of ``min(exp(Y), 1)`` in closed form."""
    m, tau, safe = _normal_parts(mu, tau2)
    below = np.exp(np.minimum(m + 0.5 * tau * tau, 700.0)) * ndtr(-(m + tau * tau) / safe)
    return np.where(tau > 0, np.minimum(below + ndtr(m / safe), 1.0), _log_inverse(m)) + 0.0 * m


def _identity_forward(x: ArrayLike, n: ArrayLike) -> tuple[FloatArray, FloatArray]:
    events, size = as_floats(x, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        return events / size, events * (size - events) / size**3


def _identity_inverse(y: ArrayLike, n_back: ArrayLike | None = None) -> FloatArray:
    return np.clip(np.asarray(y, dtype=np.float64), 0.0, 1.0)


def _identity_mean(mu: ArrayLike, tau2: ArrayLike, n_back: ArrayLike | None = None) -> FloatArray:
    """Mean of the clipped normal in closed form."""
    m, tau, safe = _normal_parts(mu, tau2)
    # beyond 40 standard deviations every term is 0 or 1, and the squares below could overflow
    a, b = np.clip(-m / safe, -40.0, 40.0), np.clip((1.0 - m) / safe, -40.0, 40.0)
    density = (np.exp(-0.5 * a * a) - np.exp(-0.5 * b * b)) / np.sqrt(2.0 * np.pi)
    inside = m * (ndtr(b) - ndtr(a)) + safe * density
    return np.where(tau > 0, np.clip(inside + ndtr(-b), 0.0, 1.0), _identity_inverse(m)) + 0.0 * m


def _probit_forward(x: ArrayLike, n: ArrayLike) -> tuple[FloatArray, FloatArray]:
    events, size = as_floats(x, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = events / size
        y: FloatArray = ndtri(rate)
        return y, 2.0 * np.pi * rate * (1.0 - rate) * np.exp(y * y) / size


def _probit_inverse(y: ArrayLike, n_back: ArrayLike | None = None) -> FloatArray:
    result: FloatArray = ndtr(np.asarray(y, dtype=np.float64))
    return result


def _probit_mean(mu: ArrayLike, tau2: ArrayLike, n_back: ArrayLike | None = None) -> FloatArray:
    m, tau, _ = _normal_parts(mu, tau2)
    result: FloatArray = ndtr(m / np.sqrt(1.0 + tau * tau))
    return result


TRANSFORMS.add("log")(Transform(_log_forward, _log_inverse, True, (-np.inf, 0.0), _log_mean))
TRANSFORMS.add("identity")(Transform(_identity_forward, _identity_inverse, True, (0.0, 1.0), _identity_mean))
TRANSFORMS.add("probit")(Transform(_probit_forward, _probit_inverse, True, (-np.inf, np.inf), _probit_mean))
