"""Tails of Cochran's Q under heterogeneity: a positive sum of chi-squares.

With the common-effect weights ``w = 1/v`` the generalised Q at ``tau2 = t`` is distributed as
``sum (1 + t alpha_i) chi2_1``, where ``alpha`` are the positive eigenvalues of ``diag(w) - w w'/sum w``.
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.effects.sums import Lanes

STEPS = 160  # trapezoidal nodes on the half contour
REACH = 8.0  # of asinh(distance / width of the saddle)
NEWTON = 60
LEAST_BEND = 0.05  # of the contour at its saddle point, in units of its width


class Spectrum(NamedTuple):
    """Distinct eigenvalues and their multiplicities, shape (lanes, 2 k)."""

    alpha: FloatArray
    times: FloatArray


def spectrum(lanes: Lanes) -> Spectrum:
    """Return the positive eigenvalues of the matrix of Cochran's Q.

    They are the reciprocals of those of ``C V C`` with the centring matrix C, which keeps the small ones
    exact beside an enormous study.  A study counted c times adds ``1/v`` c - 1 times; the others come from
    the distinct studies, with ``sqrt(c)`` in place of the ones that C takes out.
    """
    copies = np.ones_like(lanes.v) if lanes.copies is None else lanes.copies
    c = copies.T
    v = np.where(c > 0, lanes.v.T, 0.0)
    out = np.sqrt(c / c.sum(axis=-1, keepdims=True))
    vo = v * out
    across = out[:, :, None] * vo[:, None, :]
    matrix = out[:, :, None] * (out * vo).sum(axis=-1)[:, None, None] * out[:, None, :]
    matrix -= across + across.transpose(0, 2, 1)
    diagonal = np.arange(v.shape[1])
    matrix[:, diagonal, diagonal] += v
    matrix[~np.isfinite(matrix).all(axis=(1, 2))] = 0.0
    spread = np.linalg.eigvalsh(matrix)
    none = (c == 0).sum(axis=-1) + 1  # eigenvalues 0: absent studies, and the mean
    times = (diagonal >= none[:, None]).astype(np.float64)
    alpha = np.where(times > 0, 1.0 / np.where(spread > 0, spread, np.inf), 0.0)
    return Spectrum(
        np.concatenate([alpha, np.where(c > 0, 1.0 / lanes.v.T, 0.0)], axis=1),
        np.concatenate([times, np.maximum(c - 1.0, 0.0)], axis=1),
    )


def take(spec: Spectrum, index: IntArray) -> Spectrum:
    """Return the spectra of the lanes at *index*."""
    return Spectrum(spec.alpha[index], spec.times[index])


def tails(spec: Spectrum, tau2: FloatArray, q: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return ``P(Q <= q)`` and ``P(Q > q)`` at ``tau2``, each with small relative error where it is small.

    The inversion integral ``exp(K(s) - s q)/s`` is taken over a parabola through its saddle point, which
    encloses the branch cuts on the right, by the trapezoidal rule after a hyperbolic-sine substitution.

    Parameters
    ----------
    spec : Spectrum
        Eigenvalues of each lane.
    tau2, q : float array, shape (lanes,)
        Between-study variance and positive threshold.

    Returns
    -------
    below, above : float array, shape (lanes,)

    References
    ----------
    Rice (1980), SIAM J. Sci. Stat. Comput. 1:438-448; Helstrom (1996), IEEE Trans. Aerosp. 32:1-8.
    """
    scale = 1.0 + tau2[:, None] * spec.alpha
    times = spec.times
    mean = (times * scale).sum(axis=1)
    upper = q > mean
    top = np.where(times > 0, scale, 0.0).max(axis=1)
    s, curve, bend = _saddle(scale, times, q, upper, top)
    width = 1.0 / np.sqrt(curve)
    x = (np.arange(STEPS) + 0.5) * (REACH / STEPS)
    step = np.sinh(x) * width[:, None]
    path = s[:, None] + bend[:, None] * step * step + 1j * step
    slope = (2.0 * bend[:, None] * step + 1j) * np.cosh(x) * width[:, None]
    logs = np.zeros_like(path)
    for i in range(scale.shape[1]):
        column = times[:, i]
        if column.any():
            logs -= 0.5 * column[:, None] * np.log1p(-2.0 * scale[:, i, None] * path)
    integrand = np.exp(logs - path * q[:, None]) / path * slope
    tail = np.abs(integrand.imag.sum(axis=1)) * (REACH / STEPS) / np.pi
    tail = np.clip(tail, 0.0, 1.0)
    return np.where(upper, 1.0 - tail, tail), np.where(upper, tail, 1.0 - tail)


def _saddle(
    scale: FloatArray, times: FloatArray, q: FloatArray, upper: BoolArray, top: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Minimise ``K(s) - s q - log|s|`` on the side of 0 that is asked for; curvature and bend there.

    The exponent is convex between 0 and the first singularity ``1/(2 top)`` (upper tail), or below 0.
    """
    low = np.where(upper, 0.0, -(times.sum(axis=1) + 4.0) / q)
    high = np.where(upper, 0.5 / top, 0.0)
    s = 0.5 * (low + high)
    for _ in range(NEWTON):
        ratio = scale / (1.0 - 2.0 * scale * s[:, None])
        first = (times * ratio).sum(axis=1) - q - 1.0 / s
        second = 2.0 * (times * ratio * ratio).sum(axis=1) + 1.0 / (s * s)
        high, low = np.where(first > 0, s, high), np.where(first > 0, low, s)
        new = s - first / second
        new = np.where((new > low) & (new < high), new, 0.5 * (low + high))
        done = np.abs(new - s) <= 1e-6 * np.abs(s)
        s = new
        if done.all():
            break
    ratio = scale / (1.0 - 2.0 * scale * s[:, None])
    second = 2.0 * (times * ratio * ratio).sum(axis=1) + 1.0 / (s * s)
    third = 8.0 * (times * ratio**3).sum(axis=1) - 2.0 / s**3
    return s, second, np.maximum(third / (6.0 * second), LEAST_BEND * np.sqrt(second))
