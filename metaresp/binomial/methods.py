"""The registries of interval and test methods, and the two helpers that every method uses.

Adding a method is one function and one line: write ``limits(x, n, alpha, side, prior)``, file it
under its name in :data:`BINOMIAL_CI`, and file its p-value function in :data:`BINOMIAL_PVALUE`.
"""

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

import numpy as np
from scipy.special import ndtri

from metaresp.arrays import FloatArray
from metaresp.registry import Registry

Side: TypeAlias = Literal["two-sided", "less", "greater"]
Prior: TypeAlias = tuple[float, float]

Ends: TypeAlias = tuple[FloatArray, FloatArray]


class Limits(Protocol):
    """The one signature of intervals."""

    def __call__(self, x: FloatArray, n: FloatArray, alpha: float, side: Side, prior: Prior) -> Ends:
        """Return both limits of each trial.

        Parameters
        ----------
        x, n : float array, shape (m,)
            Events and patients of distinct trials.
        alpha : float
            One minus the level.
        side : str
            ``two-sided``, ``less`` (upper limit only, low is 0) or ``greater`` (lower only, high is 1).
        prior : tuple of two floats
            Shapes of the beta prior; read by the methods in :data:`TAKES_PRIOR`.

        Returns
        -------
        low, high : float array, shape (m,)
        """


class PValue(Protocol):
    """The one signature of p-values, as :class:`Limits` but of a *rate* for each trial."""

    def __call__(
        self, x: FloatArray, n: FloatArray, rate: FloatArray, side: Side, prior: Prior
    ) -> FloatArray:
        """Return the p-value of each *rate*, shape (m,), small where the interval leaves it out."""


SIDES: tuple[Side, ...] = ("two-sided", "less", "greater")
JEFFREYS_PRIOR: Prior = (0.5, 0.5)

BINOMIAL_CI: Registry[Limits] = Registry("method")
BINOMIAL_PVALUE: Registry[PValue] = Registry("method")

#: Methods that read ``prior``; for all others a prior is an error.
TAKES_PRIOR: set[str] = set()
#: Methods whose interval for ``n - x`` is not the mirror image of that for ``x``.
NOT_MIRRORED: set[str] = set()


def tail_of(alpha: float, side: Side) -> float:
    """Return the error probability that one limit may use."""
    return alpha / 2 if side == "two-sided" else alpha


def z_of(alpha: float, side: Side) -> float:
    """Return the standard normal quantile of one limit; negative for a one-sided level below one half."""
    return -float(ndtri(tail_of(alpha, side)))


def sided(
    lower: Callable[[], FloatArray], upper: Callable[[], FloatArray], x: FloatArray, side: Side
) -> Ends:
    """Evaluate the limits that *side* asks for; the other one is 0 or 1, of the shape of *x*."""
    low = np.zeros_like(x) if side == "less" else lower()
    high = np.ones_like(x) if side == "greater" else upper()
    return low, high


def doubled(at_most: FloatArray, at_least: FloatArray, side: Side) -> FloatArray:
    """Return the p-value of *side* from both one-sided ones: twice the smaller when two-sided."""
    if side == "two-sided":
        twice: FloatArray = np.minimum(1.0, 2 * np.minimum(at_most, at_least))
        return twice
    return at_most if side == "less" else at_least
