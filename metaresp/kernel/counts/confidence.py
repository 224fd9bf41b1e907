"""The confidence distribution of how much studies vary, from the adjusted profile likelihood of any model.

With s the coordinate along which the spread is measured, the profile likelihood of s less
``log(j(s)) / 2``, where j is the information about mu at the best mu given s (Cox and Reid 1987, JRSS B 49:1,
eq. 10; for normal effects the restricted likelihood), has a maximum.  With W(s) twice the fall from it and u
the solution of ``W = (k - 1) (u - 1 - log u)`` that is above 1 for s below the maximum and below 1 beyond,

    C(s) = P(chi-square on k - 1 > (k - 1) u) ,

which is the exact confidence distribution for k equal normal effects, where ``u = s**2 / tau**2``.  At the
ends of s, where studies do not vary or are all or none, C has point masses.

The functions of s are analytic: they are sampled at Chebyshev points, whose number is doubled until they are
known, and integrated through their interpolants.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.polynomial import chebyshev, legendre
from scipy import special

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.numerics.roots import bracketed

_LEVELS = (6, 12, 24, 48, 96)  # Chebyshev intervals; each contains the points of the one before
_TAIL = 1e-7  # last Chebyshev coefficients of curves that are known well enough
_POINTS = 80  # of the integral over s
_FLAT = 1e-5  # u this near to 1 is taken as 1 in 0 / 0
_STILL = 1e-12  # step of the search for the summit
_FARTHEST = 500.0  # nats a study: u would underflow beyond
PLACES: FloatArray = np.concatenate([[-1.0], legendre.leggauss(_POINTS)[0], [1.0]])  # of parts


class Curves(NamedTuple):
    """Functions of s; fields of one shape."""

    mu: FloatArray  # where the likelihood is highest
    adjusted: FloatArray  # l(s)
    log_j: FloatArray


class Section(Protocol):
    """Lanes whose likelihood is looked at along one coordinate s, between two ends."""

    @property
    def low(self) -> FloatArray:
        """The least s, shape (lanes,)."""

    @property
    def high(self) -> FloatArray:
        """The greatest s."""

    def take(self, rows: BoolArray | IntArray) -> Self:
        """Return some lanes."""

    def guess(self, s: FloatArray) -> FloatArray:
        """Return where to look for mu at each s, shape (lanes, points)."""

    def ridge(self, mu: FloatArray, s: FloatArray, rows: IntArray) -> Curves:
        """Climb from mu to the best mu at each s of the lanes at *rows*, all of shape (places,)."""


class Confidence(NamedTuple):
    """The confidence distribution as points with weights; fields of shape (lanes, parts)."""

    weight: FloatArray  # sums to 1 over the parts
    s: FloatArray
    mu: FloatArray
    log_j: FloatArray
    root: FloatArray  # of W, signed: below 0 before the maximum
    height: FloatArray  # l(s)


def confidence(section: Section, k: FloatArray, points: int = _POINTS) -> Confidence:
    """Return the confidence distribution of each lane.

    Parameters
    ----------
    section : Section
    k : float array, shape (lanes,)
        Number of studies, multiplicities counted; at least 2.
    points : int
        Of the integral; two parts more are the ends.

    Returns
    -------
    Confidence
    """
    out = Confidence(*np.zeros((len(Confidence._fields), k.size, points + 2)))
    for rows, part, curves in _settled(section):
        found = integrated(curves, part.low, part.high, k[rows], points)
        for field, values in zip(out, found, strict=True):
            field[rows] = values
    return out


def confidence_limits(section: Section, k: FloatArray, tail: float) -> tuple[FloatArray, FloatArray]:
    """Return the quantiles of s at *tail* and ``1 - tail``; an end of s where the point mass there is more.

    Parameters as in :func:`confidence`.
    """
    out = np.empty((2, k.size))
    for rows, part, curves in _settled(section):
        middle, half = 0.5 * (part.low + part.high), 0.5 * (part.high - part.low)
        for field, p in zip(out, (tail, 1 - tail), strict=True):
            field[rows] = middle + half * _quantile(curves, k[rows], p)
    return out[0], out[1]


def _settled(section: Section) -> Iterator[tuple[IntArray, Section, Curves]]:
    """Yield lanes, their sections and their curves, those first that few points describe."""
    alive = np.arange(section.low.size)
    curves: Curves | None = None
    for level in _LEVELS:
        curves = _sample(section, level, curves)
        tails = [np.abs(field @ _coefficients(level)[-2:].T).max(axis=-1) for field in curves]
        known = (np.maximum.reduce(tails) < _TAIL) | (level == _LEVELS[-1])
        if known.any():
            yield alive[known], section.take(known), Curves(*(field[known] for field in curves))
        alive, section = alive[~known], section.take(~known)
        if not alive.size:
            return
        curves = Curves(*(field[~known] for field in curves))


def _quantile(curves: Curves, k: FloatArray, p: float) -> FloatArray:
    """Return where on [-1, 1] the confidence distribution of each lane reaches *p*."""
    level, df = curves.mu.shape[1] - 1, k - 1
    top_at, top, _ = _summit(curves.adjusted, level)
    coefficients = curves.adjusted @ _coefficients(level).T

    def below(at: FloatArray, lanes: IntArray) -> FloatArray:
        fall = 2 * (top[lanes] - _values(coefficients[lanes], at))
        result: FloatArray = special.chdtrc(
            df[lanes], df[lanes] * _ratio(fall, df[lanes], at > top_at[lanes])
        )
        return result - p

    grid = -np.cos(np.pi * np.arange(2 * level + 1) / (2 * level))
    lanes = np.arange(k.size)
    seen = below(np.tile(grid, k.size), np.repeat(lanes, grid.size)).reshape(k.size, -1)
    # where the likelihood has a second hill C falls for a while: the hull is what is not ruled out
    reached = seen >= 0 if p < 0.5 else np.logical_and.accumulate((seen >= 0)[:, ::-1], axis=-1)[:, ::-1]
    first = reached.argmax(axis=-1)
    at = np.where(reached.any(axis=-1), grid[first], 1.0)
    inner = np.flatnonzero(reached.any(axis=-1) & (first > 0))
    ends = grid[first[inner] - 1], grid[first[inner]]
    with np.errstate(divide="ignore", invalid="ignore"):
        root = bracketed(lambda x, i: below(x, inner[i]), *ends, 1.0).value
    at[inner] = np.where(np.isnan(root), at[inner], root)
    return at


def _sample(section: Section, level: int, known: Curves | None) -> Curves:
    """Evaluate the curves at the points of *level* that are not known yet."""
    lanes, points = section.low.size, level + 1
    middle, half = 0.5 * (section.low + section.high)[:, None], 0.5 * (section.high - section.low)[:, None]
    new = np.arange(points) if known is None else np.arange(1, points, 2)
    s = middle - half * np.cos(np.pi * new / level)
    mu = section.guess(s) if known is None else known.mu @ _interpolation(level // 2)[new].T
    found = section.ridge(mu.ravel(), s.ravel(), np.repeat(np.arange(lanes), new.size))
    part = Curves(*(field.reshape(lanes, new.size) for field in found))
    if known is None:
        return part
    whole = Curves(*np.empty((3, lanes, points)))
    for field, old, fresh in zip(whole, known, part, strict=True):
        field[:, ::2], field[:, 1::2] = old, fresh
    return whole


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
def _rule(level: int, points: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return Gauss-Legendre points and weights, and the matrices to values and slopes there."""
    at, weight = legendre.leggauss(points)
    coefficients = _coefficients(level)
    slope = chebyshev.chebvander(at, level - 1) @ chebyshev.chebder(coefficients)
    return at, weight, _matrix(level, at), slope


def integrated(
    curves: Curves, low: FloatArray, high: FloatArray, k: FloatArray, points: int = _POINTS
) -> Confidence:
    """Return the confidence distribution of lanes whose curves are known at Chebyshev points of s.

    Parameters
    ----------
    curves : Curves
        Fields of shape (lanes, points), at ``-cos(pi j / (points - 1))`` between the ends of s.
    low, high, k : float array, shape (lanes,)
        Ends of s, and number of studies.
    points : int
        Of the integral.
    """
    level = curves.mu.shape[1] - 1
    at, weight, value, slope = _rule(level, points)
    df = (k - 1)[:, None]
    half, middle = 0.5 * (high - low)[:, None], 0.5 * (high + low)[:, None]
    top_at, top, bend = _summit(curves.adjusted, level)
    beyond = at > top_at[:, None]
    height = curves.adjusted @ value.T
    u = _ratio(2 * (top[:, None] - height), df, beyond)
    fall_slope = -2 * curves.adjusted @ slope.T
    flat = np.abs(u - 1) < _FLAT
    steep = np.where(flat, np.sqrt(np.maximum(-2 * bend[:, None], 0.0) * df), 0.0)
    rate = np.where(flat, steep, u / np.where(flat, 1.0, 1 - u) * fall_slope)
    inner = _chi_square_density(df * u, df) * rate * weight
    ends = curves.adjusted[:, [0, -1]]
    edge = _ratio(2 * (top[:, None] - ends), df, np.array([False, True]) & (ends < top[:, None]))
    below, above = special.chdtrc(df, df * edge[:, :1]), special.chdtr(df, df * edge[:, 1:])
    mass = np.maximum(np.hstack([below, inner, above]), 0.0)
    s = middle + half * np.hstack([-1.0, at, 1.0])
    mean = np.hstack([curves.mu[:, :1], curves.mu @ value.T, curves.mu[:, -1:]])
    log_j = np.hstack([curves.log_j[:, :1], curves.log_j @ value.T, curves.log_j[:, -1:]])
    height = np.hstack([ends[:, :1], height, ends[:, 1:]])
    side = np.where(np.hstack([-1.0, at, 1.0]) > top_at[:, None], 1.0, -1.0)
    root = side * np.sqrt(np.maximum(2 * (top[:, None] - height), 0.0))
    return Confidence(mass / mass.sum(axis=-1, keepdims=True), s, mean, log_j, root, height)


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
