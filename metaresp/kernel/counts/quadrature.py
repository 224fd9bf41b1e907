"""The marginal likelihood of one binomial count under a normal random effect, and its derivatives.

For study counts x of n and a logit ``theta = mu + tau * z`` with z standard normal, the quantity is

    L(mu, tau) = log  integral  Binomial(x; n, expit(mu + tau z)) phi(z) dz .

The integrand is log-concave in z.  It is integrated by the trapezoidal rule on a window placed
around its own mode and wide enough for ``nats`` e-foldings on either side, with a step chosen from
the width of the strip in which the integrand is analytic (its nearest pole lies at distance
pi / tau).  Truncation and discretisation errors are then both about ``exp(-nats)`` relative, for any
tau and n; Gauss-Hermite rules need the square of that number of nodes once tau is large (Trefethen
and Weideman 2014, SIAM Review 56, section 5; Trefethen 2022, SIAM Review 64, section 4).

Everything here works on arrays of shape (lanes, k) and on the integrand relative to its mode, so that
n = 1e9 loses no digits.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, chunked
from metaresp.kernel.counts.moments import LEAST_RATE, Moments, by_positions, central, no_spread
from metaresp.kernel.numerics.special import HALF_LOG_2PI, half_deviance

FULL = 30.0  # e-foldings kept: 1e-13 relative per study
SCAN = 9.0  # enough to rank starting points
STRIP = 0.55  # share of the strip used: beyond half of it a count of 0 or n grows fast off the real axis
_STRETCH_FROM = 48  # nodes from which on stretched ones are tried
_STRETCH_STEP = 3.0  # step of stretched nodes, times nats
SMALL_TAU = 0.03  # below it, moments of z / tau lose digits and scores are summed directly
_MODE_STEPS = 3  # the mode need not be exact: it only centres the window
_NODES = 64_000  # worked on at once: few calls, and little fresh memory
_NODE_TIERS = np.array(
    [12, 16, 20, 24, 28, 32, 40, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096]
)


class Shape(NamedTuple):
    """One study's integrand relative to its mode, mirrored so that its rate is at most one half.

    Each field has shape (lanes, k): ``log f(d) = slope d - d**2 / 2 - n log1p(p expm1(turn d))`` with
    ``d`` the distance from the mode on the z scale.
    """

    z: FloatArray  # mode
    p: FloatArray  # mirrored rate at the mode, at most 1/2
    turn: FloatArray  # +tau or -tau
    slope: FloatArray
    scale: FloatArray  # standard deviation of the normal that matches the curvature at the mode
    peak: FloatArray  # log integrand at the mode, less the saturated log-likelihood


def locate(x: FloatArray, n: FloatArray, mu: FloatArray, tau: FloatArray) -> Shape:
    """Find the mode of each integrand and describe the integrand around it.

    The mode solves ``n p(theta) + (theta - mu) / tau**2 = x``.  Mirrored so that theta <= 0 the left
    side is convex and increasing; Newton from about the solution of the same equation with
    ``p = exp(theta)`` passes the root once and then descends to it.  That solution is the logarithm of
    Wright's omega function, ``omega + log omega = m + x tau**2 + log(n tau**2)``, less ``log(n tau**2)``.
    """
    mu, tau = mu[:, None], tau[:, None]
    tau2 = tau * tau
    mirrored = n * 0.5 * tau2 - mu < x * tau2  # the root lies above theta = 0
    sign = np.where(mirrored, -1.0, 1.0)
    x = np.where(mirrored, n - x, x)
    m = mu * sign
    n_tau2 = n * tau2
    shift = np.log(n_tau2)
    start = m + x * tau2 + shift
    log_omega = np.log(np.maximum(start, 1.0)) + (np.minimum(start, 1.0) - 1.0)
    omega = np.exp(log_omega)
    log_omega -= (omega + log_omega - start) / (1.0 + omega)
    theta = np.minimum(log_omega - shift, 0.0)
    for _ in range(_MODE_STEPS):
        rate = special.expit(theta)
        slope = (rate * n - x) * tau2 + (theta - m)
        theta = np.minimum(theta - slope / (n_tau2 * rate * (1 - rate) + 1), 0.0)
    z = (theta - m) / tau
    p = np.maximum(special.expit(theta), LEAST_RATE)
    information = n_tau2 * p * (1 - p)
    return Shape(
        z=z * sign,
        p=p,
        turn=tau * sign,
        slope=(x * tau - z) * sign,
        scale=1 / np.sqrt(1 + information),
        peak=-half_deviance(x, n, p) - 0.5 * z * z,
    )


def log_integrand(n: FloatArray, shape: Shape, d: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the log integrand relative to the mode at distances *d*, and its slope there."""
    e = shape.p * np.expm1(shape.turn * d)
    value = shape.slope * d - 0.5 * d * d - n * np.log1p(e)
    slope = shape.slope - d - n * shape.turn * ((shape.p + e) / (1 + e))
    return value, slope


def window(n: FloatArray, shape: Shape, nats: float) -> tuple[FloatArray, FloatArray]:
    """Return distances (left, right) from the mode beyond which the integrand is below ``exp(-nats)``.

    The log integrand falls at least as fast as that of the standard normal, and is concave: a Newton
    step from anywhere lands outside the wanted point, so two steps give a window that is wide enough.
    """
    widest = np.sqrt(2 * nats)
    ends = widest * shape.scale
    d = np.array([-ends, ends])
    for _ in range(2):
        value, slope = log_integrand(n, shape, d)
        value += nats
        value /= slope
        d -= value
        np.minimum(np.maximum(d, -widest, out=d), widest, out=d)
    return d[0], d[1]


def nodes_needed(shape: Shape, span: FloatArray, tau: FloatArray, nats: float) -> FloatArray:
    """Return how many trapezoid nodes each study needs over *span* for an error of ``exp(-nats)``.

    The error is about ``growth(y) exp(-2 pi y / step)`` for any y inside the strip of analyticity,
    where the growth of a normal integrand off the real axis is ``exp(y**2 / (2 scale**2))``.
    """
    y = np.minimum(STRIP * np.pi / tau[:, None], shape.scale * np.sqrt(2 * nats))
    step = 2 * np.pi * y / (nats + 0.5 * (y / shape.scale) ** 2)
    count: FloatArray = np.ceil(span / step) + 1
    return count


def moments(
    x: FloatArray, n: FloatArray, mu: FloatArray, tau: FloatArray, nats: float = FULL, refine: int = 1
) -> Moments:
    """Return log-likelihood and derivatives of every study of every lane.

    Parameters
    ----------
    x, n : float array, shape (lanes, k)
        Counts; n at least 1.
    mu, tau : float array, shape (lanes,)
        Mean and standard deviation of the logits; tau >= 0.
    nats : float
        Accuracy: errors are about ``exp(-nats)``.
    refine : int
        Multiplies the number of nodes (to show that more change nothing).

    Returns
    -------
    Moments
        Fields of shape (lanes, k).
    """
    at_zero = tau <= 0
    if not at_zero.any():
        return _windows(x, n, mu, tau, nats, refine)
    if at_zero.all():
        return no_spread(x, n, mu)
    out = Moments(*np.empty((6, *x.shape)))
    zero, rest = np.flatnonzero(at_zero), np.flatnonzero(~at_zero)
    out.put(zero, no_spread(x[zero], n[zero], mu[zero]))
    out.put(rest, _windows(x[rest], n[rest], mu[rest], tau[rest], nats, refine))
    return out


def _windows(
    x: FloatArray, n: FloatArray, mu: FloatArray, tau: FloatArray, nats: float, refine: int
) -> Moments:
    """Return the moments of lanes with tau above 0, by nodes about each study's own mode."""
    shape = locate(x, n, mu, tau)
    left, right = window(n, shape, nats)
    count = nodes_needed(shape, right - left, tau, nats).max(axis=-1)
    stretched = np.zeros(tau.size, dtype=np.bool_)
    if count.max() > _STRETCH_FROM:
        wide = np.flatnonzero(count > _STRETCH_FROM)
        there = Shape(*(field[wide] for field in shape))
        ends = _stretch(x[wide], n[wide], there, left[wide], right[wide])
        fewer = _stretched_nodes(there, ends, nats).max(axis=-1)
        stretched[wide] = fewer < count[wide]
        count[wide] = np.minimum(fewer, count[wide])
    tier = np.searchsorted(_NODE_TIERS, np.minimum(count * refine, _NODE_TIERS[-1]))
    # rounding: eps / tau^2 from moments of z, eps n from sums of scores
    small = (tau < SMALL_TAU) & (tau * tau * n.max(axis=-1) < 1)
    group = tier * 4 + stretched * 2 + small
    first, k = int(group[0]), x.shape[1]
    if (group == first).all() and x.size * _NODE_TIERS[first // 4] <= _NODES:
        return _WAYS[first % 4](n, shape, left, right, x, tau, int(_NODE_TIERS[first // 4]))
    out = Moments(*np.empty((6, *x.shape)))
    for g in np.unique(group):
        alike, nodes = np.flatnonzero(group == g), int(_NODE_TIERS[g // 4])
        for part in chunked(alike.size, k * nodes, _NODES):
            lanes = alike[part]
            there = Shape(*(field[lanes] for field in shape))
            some = n[lanes], there, left[lanes], right[lanes], x[lanes], tau[lanes]
            out.put(lanes, _WAYS[g % 4](*some, nodes))
    return out


@cache
def _grid(count: int) -> tuple[FloatArray, FloatArray]:
    """Return *count* nodes on [-1, 1], and their powers 0 to 4 as columns."""
    grid = np.linspace(-1.0, 1.0, count)
    return grid, np.stack([grid**r for r in range(5)], axis=1)


def density(
    n: FloatArray, shape: Shape, left: FloatArray, right: FloatArray, count: int
) -> tuple[FloatArray, FloatArray]:
    """Return the integrand relative to its mode on equally spaced nodes, and the nodes.

    Both of shape (lanes, k, count); a node is its distance from the mode.
    """
    d = (0.5 * (right - left))[..., None] * _grid(count)[0]
    d += (0.5 * (left + right))[..., None]
    e = np.expm1(shape.turn[..., None] * d)
    e *= shape.p[..., None]
    np.log1p(e, out=e)
    e *= -n[..., None]
    prior = -0.5 * d
    prior += shape.slope[..., None]
    prior *= d
    e += prior
    np.exp(e, out=e)
    return e, d


def _log_total(mass: FloatArray, half: FloatArray, count: int) -> FloatArray:
    result: FloatArray = np.log(mass * half * (2.0 / (count - 1))) - HALF_LOG_2PI
    return result


def _from_positions(
    n: FloatArray,
    shape: Shape,
    left: FloatArray,
    right: FloatArray,
    x: FloatArray,
    tau: FloatArray,
    count: int,
) -> Moments:
    """Differentiate by the posterior moments of z, the score of a normal density in mu and tau."""
    f, _ = density(n, shape, left, right, count)
    centre, half = 0.5 * (left + right), 0.5 * (right - left)
    s = f @ _grid(count)[1]
    mass = s[..., 0]
    raw = [s[..., r] / mass for r in range(1, 5)]
    c2, c3, c4 = central(*raw)  # on the grid scale
    h2 = half * half
    mean = shape.z + centre + half * raw[0]
    v2, v3, v4 = c2 * h2, c3 * h2 * half, c4 * h2 * h2
    return by_positions(shape.peak + _log_total(mass, half, count), mean, (v2, v3, v4), tau[:, None])


class _Stretch(NamedTuple):
    """Where ``logit = cut + sinh(w)``, the mirrored logit being counted from the mode; shape (lanes, k)."""

    cut: FloatArray
    low: FloatArray
    high: FloatArray


def _stretch(x: FloatArray, n: FloatArray, shape: Shape, left: FloatArray, right: FloatArray) -> _Stretch:
    """Return the coordinate of nodes that crowd where the binomial part turns.

    For a large tau the integrand is a wide normal cut off over a few logits; equal steps fine enough for
    the cut are far too many for the rest.
    """
    x = np.where(shape.turn < 0, n - x, x)
    cut = np.log((x + 0.5) / (n - x + 0.5)) - np.log(shape.p / (1 - shape.p))
    one, other = (np.arcsinh(shape.turn * end - cut) for end in (left, right))
    return _Stretch(cut, np.minimum(one, other), np.maximum(one, other))


def _stretched_nodes(shape: Shape, at: _Stretch, nats: float) -> FloatArray:
    """Return how many stretched nodes each study needs: for the cut, for the bulk, and for its tails."""
    span = at.high - at.low
    bulk = np.hypot(1.0, at.cut) / (shape.scale * np.abs(shape.turn)) * np.sqrt(2 * nats) / 5.0
    count: FloatArray = np.ceil(np.maximum(span * np.maximum(nats / _STRETCH_STEP, bulk), 0.8 * nats)) + 1
    return count


def _from_stretched(
    n: FloatArray,
    shape: Shape,
    left: FloatArray,
    right: FloatArray,
    x: FloatArray,
    tau: FloatArray,
    count: int,
) -> Moments:
    """Differentiate by the posterior moments of z, over nodes that crowd where the binomial part turns."""
    at = _stretch(x, n, shape, left, right)
    half_w = 0.5 * (at.high - at.low)
    w = half_w[..., None] * _grid(count)[0] + (0.5 * (at.high + at.low))[..., None]
    grown = np.exp(w)
    shift = 0.5 * (grown - 1 / grown) + at.cut[..., None]  # of the mirrored logit, from the mode
    d = shift / shape.turn[..., None]
    f = np.exp(
        d * (shape.slope[..., None] - 0.5 * d) - n[..., None] * np.log1p(shape.p[..., None] * np.expm1(shift))
    )
    f *= 0.5 * (grown + 1 / grown)
    mass = f.sum(axis=-1)
    f /= mass[..., None]
    first = (f * d).sum(axis=-1)
    d -= first[..., None]
    d2 = d * d
    f *= d2
    v2, v3, v4 = f.sum(axis=-1), (f * d).sum(axis=-1), (f * d2).sum(axis=-1)
    value = shape.peak + _log_total(mass, half_w / tau[:, None], count)
    return by_positions(value, shape.z + first, (v2, v3, v4), tau[:, None])


def _from_scores(
    n: FloatArray,
    shape: Shape,
    left: FloatArray,
    right: FloatArray,
    x: FloatArray,
    tau: FloatArray,
    count: int,
) -> Moments:
    """Differentiate by the posterior moments of the binomial score, for tau near 0."""
    f, d = density(n, shape, left, right, count)
    half = 0.5 * (right - left)
    mass = f.sum(axis=-1)
    f /= mass[..., None]
    z = shape.z[..., None] + d
    e = shape.p[..., None] * np.expm1(shape.turn[..., None] * d)
    rate = (shape.p[..., None] + e) / (1 + e)  # mirrored
    sign = np.sign(shape.turn)[..., None]
    mirrored_x = np.where(sign < 0, (n - x)[..., None], x[..., None])
    u = sign * (mirrored_x - n[..., None] * rate)
    c = n[..., None] * rate * (1 - rate)
    uz = u * z
    mean_u, mean_uz = (f * u).sum(axis=-1), (f * uz).sum(axis=-1)
    du, duz = u - mean_u[..., None], uz - mean_uz[..., None]
    return Moments(
        shape.peak + _log_total(mass, half, count),
        mean_u,
        mean_uz,
        (f * (du * du - c)).sum(axis=-1),
        (f * (du * duz - c * z)).sum(axis=-1),
        (f * (duz * duz - c * z * z)).sum(axis=-1),
    )


_WAYS = (_from_positions, _from_scores, _from_stretched)
