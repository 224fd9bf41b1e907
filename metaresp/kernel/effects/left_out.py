"""Groups of effects that were left out of an inverse-variance fit, as that fit sees them."""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import FloatArray
from metaresp.kernel.effects.sums import inverse_variance


class LeftOutEffects(NamedTuple):
    """Effects of all studies, and what the fits without each group say of them.

    Attributes
    ----------
    y, v : float array, shape (k,)
        Effects and their sampling variances.
    members : float array, shape (groups, k)
        1 for the studies of each group, 0 for others.
    estimate, se : float array, shape (groups,)
        Mean of the others and its standard error.
    between, within : float array, shape (groups,)
        Variance of the fit without the group: what studies of a group share, and what each has to itself.
    scaled : bool
        Whether a factor, such as Hartung's and Knapp's, is in the standard error.
    """

    y: FloatArray
    v: FloatArray
    members: FloatArray
    estimate: FloatArray
    se: FloatArray
    between: FloatArray
    within: FloatArray
    scaled: bool

    @property
    def weights(self) -> FloatArray:
        """``1 / (v + within)`` of every study at the variance of each fit, shape (groups, k)."""
        return inverse_variance(self.v, self.within[:, None])

    @property
    def factor(self) -> FloatArray:
        """How many times the squared standard error is what the weights alone give."""
        if not self.scaled:
            return np.ones_like(self.se)
        others: FloatArray = ((1 - self.members) * self.weights).sum(axis=-1)
        return self.se**2 * others

    def deviates(self) -> FloatArray:
        """Return studentised deleted residuals; effects of a group are averaged by their weights."""
        own = self.members * self.weights
        total = own.sum(axis=-1)
        spread = self.factor * (1 / total + self.between) + self.se**2
        found: FloatArray = ((own * self.y).sum(axis=-1) / total - self.estimate) / np.sqrt(spread)
        return found

    def errors(self, hat: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the standard errors of DFFITS and DFBETAS; *hat* is the share of each group."""
        weights, factor = self.weights, self.factor
        own = (self.members * weights).sum(axis=-1)
        return np.sqrt(factor * hat / own), np.sqrt(factor / weights.sum(axis=-1))
