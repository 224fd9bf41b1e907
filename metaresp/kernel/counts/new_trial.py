"""What a new trial's theta may be when neither mu nor tau is known: a mixture of normals over tau.

tau gets a confidence distribution from its adjusted profile likelihood

    l(tau) = max over mu of L(mu, tau)  -  log(j(tau)) / 2 ,      j = -d2 L / d mu2 at that mu

(Cox and Reid 1987, JRSS B 49:1, eq. 10; for normal effects it is the restricted likelihood).  With W(tau)
twice its fall from the maximum and u the solution of ``W = (k - 1) (u - 1 - log u)`` that is above 1 for tau
below the maximum and below 1 beyond,

    C(tau) = P(chi-square on k - 1 > (k - 1) u) ,

which is the exact confidence distribution for k equal normal effects, where ``u = s**2 / tau**2``.  C(0) is a
point mass at tau = 0.  Given tau, the new theta is normal about mu(tau) with variance
``tau**2 + 1 / j(tau)``.
For k equal normal effects the mixture is Student's t about the mean, ``t_{k-1} s sqrt(1 + 1 / k)``.

The functions of tau are analytic: they are sampled at Chebyshev points, whose number is doubled until the
limits stand still, and integrated through their interpolants.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial import chebyshev, legendre
from scipy import special

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts.binomial_normal import Fit
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.profile_limits import Maximum, tau_limits
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.effects.sums import inverse_variance

_LEVELS = (6, 12, 24, 48, 96)  # Chebyshev intervals; each contains the points of the one before
_DECREMENT = 1e-12  # squared step of mu in standard errors: log j is then right to 1e-6
_TAIL = 1e-6  # last Chebyshev coefficients of curves that are known well enough
_NATS = 19.0  # accuracy of the likelihood here: 6e-9
_FALL = 38.0  # twice the log-likelihood: beyond it C differs from 0 or 1 by less than 1e-8
_ROUGH = 4.0  # log-likelihood: the ends of the window need not be exact
_POINTS = 80  # of the integral over tau
_FLAT = 1e-5  # u this near to 1 is taken as 1 in 0 / 0
_STILL = 1e-12  # step of a quantile
_WIDEST = 250.0  # share of the scale that a unit may take up: 1 logit
_FARTHEST = 500.0  # nats a study: u would underflow beyond
_REACH = 9.0  # standard deviations beyond which a normal has no mass


class Mixture(NamedTuple):
    """Normals that a new theta is drawn from; fields of shape (lanes, parts)."""

    weight: FloatArray  # sums to 1 over the parts
    mean: FloatArray
    sd: FloatArray


class _Curves(NamedTuple):
    """Functions of tau at the Chebyshev points; fields of shape (lanes, points)."""

    mu: FloatArray
    adjusted: FloatArray  # l(tau)
    log_j: FloatArray


def tau_mixture(
    counts: CountSurface, fit: Fit, k: FloatArray, tail: float
) -> tuple[Mixture, FloatArray, FloatArray]:
    """Return the mixture of each lane and its quantiles at *tail* and ``1 - tail``.

    Parameters
    ----------
    counts : CountSurface
    fit : Fit
        The maximum of these lanes.
    k : float array, shape (lanes,)
        Number of studies, multiplicities counted; at least 2.
    tail : float

    Returns
    -------
    Mixture, float array, float array
        Quantiles of shape (lanes,).
    """
    low, high, unit = _window(counts, fit)
    lanes, alive = fit.mu.size, np.arange(fit.mu.size)
    out = Mixture(*np.zeros((3, lanes, _POINTS + 2)))
    curves: _Curves | None = None
    for level in _LEVELS:
        data = _Data(counts.take(alive), low[alive], high[alive], unit[alive])
        curves = _sample(data, fit.mu[alive], level, curves)
        tails = [np.abs(field @ _coefficients(level)[-2:].T).max(axis=-1) for field in curves]
        known = (np.maximum.reduce(tails) < _TAIL) | (level == _LEVELS[-1])
        done = alive[known]
        mixture = _mix(
            _Curves(*(field[known] for field in curves)), low[done], high[done], unit[done], k[done]
        )
        for field, part in zip(out, mixture, strict=True):
            field[done] = part
        alive = alive[~known]
        if not alive.size:
            break
        curves = _Curves(*(field[~known] for field in curves))
    return out, quantile(out, tail), quantile(out, 1 - tail)


def _window(counts: CountSurface, fit: Fit) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the ends of tau's range on the scale ``asinh(tau / unit)``, and the unit.

    The nearest singularities in tau lie at about i times the standard error of a study's theta.
    """
    top = Maximum(fit.mu, fit.tau, fit.se, fit.top, fit.top_common)
    limits = tau_limits(counts, top, np.full(fit.mu.size, _FALL), _ROUGH)
    common = counts.at(fit.mu_common, np.zeros_like(fit.mu))
    unit = np.sqrt(counts.copies.sum(axis=-1) / np.maximum(-common.d_mu_mu, 1e-12))
    unit = np.minimum(unit, counts.farthest / _WIDEST)
    low = np.arcsinh(limits.low / unit)
    return low, np.arcsinh(np.minimum(limits.high, counts.tau_max) / unit), unit


class _Data(NamedTuple):
    """Lanes and the range of tau in each, on the scale ``asinh(tau / unit)``."""

    counts: CountSurface
    low: FloatArray
    high: FloatArray
    unit: FloatArray


def _sample(data: _Data, start: FloatArray, level: int, known: _Curves | None) -> _Curves:
    """Evaluate the curves at the points of *level* that are not known yet."""
    lanes, points = start.size, level + 1
    if known is None:
        new = np.arange(points)
        mu = _guess(data, start, level)
    else:
        new = np.arange(1, points, 2)
        mu = known.mu @ _interpolation(level // 2)[new].T
    tau = _taus(data, new, level)
    found = _ridge(data, mu.ravel(), tau.ravel(), np.repeat(np.arange(lanes), new.size))
    part = _Curves(*(field.reshape(lanes, new.size) for field in found))
    if known is None:
        return part
    whole = _Curves(*np.empty((3, lanes, points)))
    for field, old, fresh in zip(whole, known, part, strict=True):
        field[:, ::2], field[:, 1::2] = old, fresh
    return whole


def _taus(data: _Data, new: IntArray, level: int) -> FloatArray:
    """Return tau at some of the points of *level*, shape (lanes, points)."""
    middle, half = 0.5 * (data.low + data.high)[:, None], 0.5 * (data.high - data.low)[:, None]
    s = middle - half * np.cos(np.pi * new / level)
    tau: FloatArray = np.minimum(data.unit[:, None] * np.sinh(s), data.counts.tau_max)
    return tau


def _guess(data: _Data, start: FloatArray, level: int) -> FloatArray:
    """Return where to look for mu at each tau: weighted means of empirical effects, about *start*."""
    counts = data.counts
    link, p = LINKS[counts.link], (counts.x + 0.5) / (counts.n + 1)
    y = np.clip(link.forward(p), -link.farthest, link.farthest)
    terms = link.log_terms(y)
    v = 1 / np.maximum(counts.n * p * (1 - p) * (terms.d_log_p - terms.d_log_q) ** 2, 1e-100)
    tau2 = _taus(data, np.arange(level + 1), level) ** 2
    w = counts.copies[:, None] * inverse_variance(v[:, None], tau2[..., None])
    mean: FloatArray = (w * y[:, None]).sum(axis=-1) / w.sum(axis=-1)
    return mean


def _ridge(data: _Data, mu: FloatArray, tau: FloatArray, rows: IntArray) -> _Curves:
    """Climb to the best mu at each tau by Newton's method."""
    mu = mu.copy()
    value, log_j = np.empty_like(mu), np.empty_like(mu)
    alive = np.arange(mu.size)
    for _ in range(60):
        s = data.counts.take(rows[alive]).at(mu[alive], tau[alive], _NATS)
        curve = np.maximum(np.abs(s.d_mu_mu), 1e-12)
        step = s.d_mu / curve
        value[alive], log_j[alive] = s.value + 0.5 * step * s.d_mu, np.log(curve)
        longest = data.counts.farthest / _WIDEST + tau[alive]
        mu[alive] += np.clip(step, -longest, longest)
        alive = alive[np.abs(step * s.d_mu) > _DECREMENT]
        if not alive.size:
            break
    return _Curves(mu, value - 0.5 * log_j, log_j)


@cache
def _interpolation(level: int) -> FloatArray:
    """Return the matrix from values at the points of *level* to those of the next level."""
    return _matrix(level, -np.cos(np.pi * np.arange(2 * level + 1) / (2 * level)))


def _matrix(level: int, at: FloatArray) -> FloatArray:
    coefficients = _coefficients(level)
    values: FloatArray = chebyshev.chebvander(at, level) @ coefficients
    return values


@cache
def _coefficients(level: int) -> FloatArray:
    """Return the matrix from values at the points of *level* to Chebyshev coefficients."""
    points = -np.cos(np.pi * np.arange(level + 1) / level)
    inverse: FloatArray = np.linalg.inv(np.asarray(chebyshev.chebvander(points, level), dtype=np.float64))
    return inverse


@cache
def _rule(level: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return Gauss-Legendre points and weights, and the matrices to values and slopes there."""
    at, weight = legendre.leggauss(_POINTS)
    coefficients = _coefficients(level)
    slope = chebyshev.chebvander(at, level - 1) @ chebyshev.chebder(coefficients)
    return at, weight, _matrix(level, at), slope


def _mix(curves: _Curves, low: FloatArray, high: FloatArray, unit: FloatArray, k: FloatArray) -> Mixture:
    """Integrate over the confidence distribution of tau."""
    level = curves.mu.shape[1] - 1
    at, weight, value, slope = _rule(level)
    df = (k - 1)[:, None]
    half, middle = 0.5 * (high - low)[:, None], 0.5 * (high + low)[:, None]
    top_at, top, bend = _summit(curves.adjusted, level)
    beyond = at > top_at[:, None]
    u = _ratio(2 * (top[:, None] - curves.adjusted @ value.T), df, beyond)
    fall_slope = -2 * curves.adjusted @ slope.T
    flat = np.abs(u - 1) < _FLAT
    steep = np.where(flat, np.sqrt(np.maximum(-2 * bend[:, None], 0.0) * df), 0.0)
    rate = np.where(flat, steep, u / np.where(flat, 1.0, 1 - u) * fall_slope)
    inner = _chi_square_density(df * u, df) * rate * weight
    ends = curves.adjusted[:, [0, -1]]
    edge = _ratio(2 * (top[:, None] - ends), df, np.array([False, True]) & (ends < top[:, None]))
    below, above = special.chdtrc(df, df * edge[:, :1]), special.chdtr(df, df * edge[:, 1:])
    mass = np.maximum(np.hstack([below, inner, above]), 0.0)
    tau = unit[:, None] * np.sinh(middle + half * np.hstack([-1.0, at, 1.0]))
    mean = np.hstack([curves.mu[:, :1], curves.mu @ value.T, curves.mu[:, -1:]])
    log_j = np.hstack([curves.log_j[:, :1], curves.log_j @ value.T, curves.log_j[:, -1:]])
    return Mixture(mass / mass.sum(axis=-1, keepdims=True), mean, np.sqrt(tau**2 + np.exp(-log_j)))


def _summit(adjusted: FloatArray, level: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return place, height and second derivative of the highest point of each interpolant on [-1, 1]."""
    coefficients = adjusted @ _coefficients(level).T
    first = np.asarray(chebyshev.chebder(coefficients, axis=1), dtype=np.float64)
    second = np.asarray(chebyshev.chebder(first, axis=1), dtype=np.float64)
    points: FloatArray = -np.cos(np.pi * np.arange(level + 1) / level)
    best = adjusted.argmax(axis=-1)
    left, right = points[np.maximum(best - 1, 0)], points[np.minimum(best + 1, level)]
    at: FloatArray = points[best]
    for _ in range(30):
        d1, d2 = _values(first, at), _values(second, at)
        left, right = np.where(d1 > 0, at, left), np.where(d1 > 0, right, at)
        new = at - d1 / np.where(d2 < 0, d2, -1.0)
        new = np.where((new > left) & (new < right) & (d2 < 0), new, 0.5 * (left + right))
        still = np.abs(new - at) < _STILL
        at = new
        if still.all():
            break
    height = _values(coefficients, at)
    node = adjusted.max(axis=-1)
    at, height = np.where(height > node, at, points[best]), np.maximum(height, node)
    return at, height, _values(second, at)


def _values(coefficients: FloatArray, at: FloatArray) -> FloatArray:
    """Evaluate one polynomial a lane at one point a lane."""
    angle = np.arccos(at)[:, None] * np.arange(coefficients.shape[1])
    result: FloatArray = np.einsum("lc,lc->l", np.cos(angle), coefficients)
    return result


def _ratio(fall: FloatArray, df: FloatArray, beyond: BoolArray) -> FloatArray:
    """Solve ``fall = df (u - 1 - log u)`` for u below 1 where *beyond*, above 1 elsewhere.

    With ``q = fall / df``, Newton's method on ``log u - u + 1 + q`` from its second-order start.
    """
    q = np.clip(fall / df, 0.0, _FARTHEST)
    root = np.sqrt(2 * q)
    with np.errstate(under="ignore"):
        u = np.where(beyond, np.exp(-1 - q + np.exp(-1 - q)), 1 + root + root * root / 3)
    u = np.where(beyond & (q < 1), 1 / (1 + root + root * root / 6), u)
    for _ in range(8):
        away = np.abs(u - 1) > 1e-8
        step = (u - 1 - np.log(u) - q) / np.where(away, 1 - 1 / u, 1.0)
        new = np.where(away, u - step, u)
        u = np.where(beyond, np.clip(new, 0.1 * u, 1.0), np.maximum(new, 1.0))
    return u


def _chi_square_density(x: FloatArray, df: FloatArray) -> FloatArray:
    """Return the chi-square density at x > 0."""
    half = 0.5 * df
    density: FloatArray = 0.5 * np.exp((half - 1) * np.log(0.5 * x) - 0.5 * x - special.gammaln(half))
    return density


def cdf(mixture: Mixture, theta: FloatArray) -> FloatArray:
    """Return the probability of a new theta at most *theta*, shape (lanes,)."""
    below: FloatArray = np.einsum(
        "lp,lp->l", mixture.weight, special.ndtr((theta[:, None] - mixture.mean) / mixture.sd)
    )
    return below


def quantile(mixture: Mixture, p: float) -> FloatArray:
    """Return the quantile at *p* of each lane's mixture, shape (lanes,): Newton's method, bracketed."""
    low = (mixture.mean - _REACH * mixture.sd).min(axis=-1)
    high = (mixture.mean + _REACH * mixture.sd).max(axis=-1)
    mean = np.einsum("lp,lp->l", mixture.weight, mixture.mean)
    sd = np.sqrt(np.einsum("lp,lp->l", mixture.weight, mixture.sd**2 + (mixture.mean - mean[:, None]) ** 2))
    theta: FloatArray = np.clip(mean + special.ndtri(p) * sd, low, high)
    alive = np.arange(theta.size)
    for _ in range(100):
        here = theta[alive]
        z = (here[:, None] - mixture.mean[alive]) / mixture.sd[alive]
        weight = mixture.weight[alive]
        excess = np.einsum("lp,lp->l", weight, special.ndtr(z)) - p
        density = np.einsum("lp,lp->l", weight, np.exp(-0.5 * z * z) / mixture.sd[alive]) / np.sqrt(2 * np.pi)
        low[alive] = np.where(excess < 0, here, low[alive])
        high[alive] = np.where(excess < 0, high[alive], here)
        left, right = low[alive], high[alive]
        new = here - excess / np.maximum(density, 1e-300)
        new = np.where((new > left) & (new < right), new, 0.5 * (left + right))
        theta[alive] = new
        alive = alive[(np.abs(new - here) > _STILL * (1 + np.abs(here))) & (right - left > _STILL)]
        if not alive.size:
            break
    return theta


# For studies nested in clusters, whose tau is the root of the sum of two variances.
Curves, mix = _Curves, _mix
