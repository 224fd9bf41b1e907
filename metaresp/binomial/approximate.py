"""Intervals in closed form from the normal approximation."""

import numpy as np
from scipy.special import ndtr

from metaresp.arrays import FloatArray
from metaresp.binomial.methods import BINOMIAL_CI, BINOMIAL_PVALUE, Prior, Side, doubled, sided, z_of


def from_z(z: FloatArray, side: Side) -> FloatArray:
    """Return the p-value of ``z``, the distance of the observed from the tested rate in standard errors."""
    return doubled(ndtr(z), ndtr(-z), side)


@BINOMIAL_CI.add("wilson")
def wilson(
    x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior
) -> tuple[FloatArray, FloatArray]:
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
            return np.minimum(1.0, (x + signed * signed / 2 + signed * root) / (n + signed * signed))
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


@BINOMIAL_CI.add("wald")
def wald(
    x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior
) -> tuple[FloatArray, FloatArray]:
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
