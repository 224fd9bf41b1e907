"""Intervals of the score and Wald families, in closed form."""

import numpy as np
from scipy.special import ndtr

from metaresp.arrays import FloatArray
from metaresp.binomial.methods import BINOMIAL_CI, BINOMIAL_PVALUE, Ends, Prior, Side, doubled, sided, z_of


def from_z(z: FloatArray, side: Side) -> FloatArray:
    """Return the p-value of ``z``, the distance of the observed from the tested rate in standard errors."""
    return doubled(ndtr(z), ndtr(-z), side)


@BINOMIAL_CI.add("wilson")
def wilson(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
    """Invert the score test: all rates with ``|x/n - p| <= z sqrt(p (1-p) / n)``.

    ``(x + z^2/2 -+ z sqrt(x (n-x)/n + z^2/4)) / (n + z^2)``; the small limit is formed from the
    product of both, ``low * high = x^2 / (n (n + z^2))``, so that it keeps its relative accuracy.

    References
    ----------
    Wilson EB (1927), JASA 22:209-212.  R: ``prop.test(x, n, correct = FALSE)$conf.int``.
    """
    z = z_of(alpha, side)
    root = np.sqrt(x * ((n - x) / n) + z * z / 4)

    def limit(signed: float) -> FloatArray:
        if signed >= 0:
            upper = np.minimum(1.0, (x + signed * signed / 2 + signed * root) / (n + signed * signed))
            return np.where(x == n, 1.0, upper)
        return np.asarray(x * (x / n) / (x + signed * signed / 2 - signed * root))

    return sided(lambda: limit(-z), lambda: limit(z), x, side)


@BINOMIAL_PVALUE.add("wilson")
def wilson_pvalue(x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior) -> FloatArray:
    """Return the p-value of the score test, ``z = (x - n p) / sqrt(n p (1-p))``."""
    return from_z(standardised(x - n * rate, np.sqrt(n * rate * (1 - rate))), side)


def standardised(difference: FloatArray, error: FloatArray) -> FloatArray:
    """Divide, with infinity for a difference without error and 0 for no difference at all."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = difference / error
    return np.where(difference == 0, 0.0, z)


@BINOMIAL_CI.add("wilson-cc")
def wilson_cc(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
    """Invert the score test with continuity correction: all p with ``|x - n p| - 1/2 <= z sqrt(n p (1-p))``.

    ``(2x + z^2 -+ 1 -+ z sqrt(z^2 -+ 2 - 1/n + 4 (x/n) (n - x +- 1))) / (2 (n + z^2))``; 0 at ``x = 0``
    and 1 at ``x = n``.

    References
    ----------
    Newcombe RG (1998), Statistics in Medicine 17:857-872, method 4.
    R: ``prop.test(x, n)$conf.int``, which drops the correction where ``|x - n/2| < 1/2``.
    """
    z = z_of(alpha, side)
    square = z * z

    def limit(sign: float) -> FloatArray:
        root = np.sqrt(np.maximum(square + sign * 2 - 1 / n + 4 * (x / n) * (n - x - sign), 0.0))
        return np.asarray((2 * x + square + sign + sign * z * root) / (2 * (n + square)), np.float64)

    return sided(
        lambda: np.where(x == 0, 0.0, np.clip(limit(-1.0), 0.0, 1.0)),
        lambda: np.where(x == n, 1.0, np.clip(limit(1.0), 0.0, 1.0)),
        x,
        side,
    )


@BINOMIAL_PVALUE.add("wilson-cc")
def wilson_cc_pvalue(x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior) -> FloatArray:
    """Return the p-value of the corrected score test; a distance within 1/2 counts as 0 when two-sided."""
    apart, error = x - n * rate, np.sqrt(n * rate * (1 - rate))
    if side == "two-sided":
        apart = np.sign(apart) * np.maximum(np.abs(apart) - 0.5, 0.0)
        return from_z(standardised(apart, error), side)
    shift = 0.5 if side == "less" else -0.5
    open_side = (x == n) if side == "less" else (x == 0)
    return np.where(open_side, 1.0, from_z(standardised(apart + shift, error), side))


@BINOMIAL_CI.add("agresti-coull")
def agresti_coull(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
    """Wald's formula on ``x + z^2/2`` events among ``n + z^2``, cut to [0, 1]; Wilson's midpoint, but wider.

    References
    ----------
    Agresti A, Coull BA (1998), The American Statistician 52:119-126; Brown, Cai, DasGupta (2001), eq. (5).
    R: ``binom::binom.agresti.coull(x, n)``, there without the cut.
    """
    z = z_of(alpha, side)
    size = n + z * z
    middle = (x + z * z / 2) / size
    error = z * np.sqrt(middle * (1 - middle) / size)
    return sided(
        lambda: np.clip(middle - error, 0.0, 1.0), lambda: np.clip(middle + error, 0.0, 1.0), x, side
    )


@BINOMIAL_PVALUE.add("agresti-coull")
def agresti_coull_pvalue(
    x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior
) -> FloatArray:
    """Return the alpha at which *rate* is a limit: ``(n+u) (x - n p + u (1/2 - p))^2 = u (x+u/2) (n-x+u/2)``.

    Solved for ``u = z^2`` by bisection of its logarithm.
    """
    apart = x - n * rate

    def outside(u: FloatArray) -> FloatArray:
        inner: FloatArray = (n + u) * (apart + u * (0.5 - rate)) ** 2 - u * (x + u / 2) * (n - x + u / 2)
        return inner

    low, high = np.full_like(rate, -80.0), np.full_like(rate, 50.0)
    for _ in range(64):
        middle = (low + high) / 2
        out = outside(np.exp(middle)) > 0
        low, high = np.where(out, middle, low), np.where(out, high, middle)
    z = np.where(apart == 0, 0.0, np.sign(apart) * np.exp(low / 2))
    return from_z(z, side)


@BINOMIAL_CI.add("wald")
def wald(x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
    """``p -+ z sqrt(p (1-p) / n)`` with ``p = x/n``, cut to [0, 1]; of no width at ``x = 0`` and ``x = n``.

    Kept because much of the literature prints it; its coverage falls far below the level.

    References
    ----------
    Brown LD, Cai TT, DasGupta A (2001), Statistical Science 16:101-133, eq. (1).
    R: ``binom::binom.asymp(x, n)``, there without the cut.
    """
    z, error = z_of(alpha, side), np.sqrt(x * ((n - x) / n)) / n
    return sided(
        lambda: np.clip(x / n - z * error, 0.0, 1.0), lambda: np.clip(x / n + z * error, 0.0, 1.0), x, side
    )


@BINOMIAL_PVALUE.add("wald")
def wald_pvalue(x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior) -> FloatArray:
    """Return the p-value of ``z = (x/n - p) / sqrt(x (n-x) / n^3)``, 0 or 1 where the error is 0."""
    return from_z(standardised(x / n - rate, np.sqrt(x * ((n - x) / n)) / n), side)
