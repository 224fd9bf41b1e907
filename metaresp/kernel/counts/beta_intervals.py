"""Intervals for the logit of the mean rate in the beta-binomial model."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts import beta_binomial, resampling
from metaresp.kernel.counts.beta_binomial import Counts, Fit
from metaresp.kernel.counts.calibrations import LIKELIHOOD_CI
from metaresp.kernel.counts.intervals import CountInterval, normal, student
from metaresp.kernel.numerics.profile import Limits
from metaresp.registry import Registry


class BetaLanes(NamedTuple):
    """What an interval may look at, see :class:`metaresp.kernel.counts.registry.Lanes`."""

    data: Counts
    fit: Fit
    k: FloatArray
    draws: resampling.Draws | None = None

    @property
    def copies(self) -> FloatArray:
        """Multiplicity of each study, shape (lanes, k)."""
        return self.data.copies

    def information(self) -> FloatArray:
        """Return the patients that each study is worth, ``n / (1 + (n - 1) rho)``, shape (lanes, k).

        Times p (1 - p) that is the inverse variance of x / n on the logit scale.
        """
        worth: FloatArray = self.data.n / (1 + (self.data.n - 1) * self.fit.rho[:, None])
        return worth

    def drawn(self) -> FloatArray:
        """Return sorted falls in data sets drawn at the maximum, shape (lanes, sets)."""
        data, fit = self.data, self.fit
        p = 1 / (1 + np.exp(-fit.mu))
        size = (1 - fit.rho) / np.maximum(fit.rho, 1e-9)  # a beta distribution this narrow is its mean

        def rates(lane: int, child: Generator, shape: tuple[int, int]) -> FloatArray:
            m = size[lane]
            if m == 0:
                return np.asarray(child.random(shape) < p[lane], np.float64)
            rate: FloatArray = child.beta(m * p[lane], m * (1 - p[lane]), shape)
            return rate

        def fall(lane: int, x: FloatArray, n: FloatArray) -> FloatArray:
            drawn = beta_binomial.counts(x, n, np.ones_like(x))
            # a set without an event, or of events only, fits a rate of 0 or 1: as high as the saturated one
            found = beta_binomial.fit(drawn.x, drawn.n, drawn.copies)
            for field in found[:-1]:
                np.nan_to_num(field, copy=False)
            every = np.arange(x.shape[0])
            return beta_binomial.profile_fall(drawn, found, np.full(every.size, fit.mu[lane]), every)

        draws = self.draws or resampling.Draws()
        return draws.falls(lambda rng: resampling.falls(data.n, data.copies, rng, rates, fall))

    def limits(self, fall: FloatArray) -> Limits:
        """Return where the profile has fallen by *fall*."""
        return beta_binomial.mu_limits(self.data, self.fit, fall)

    def fall(self, mu: FloatArray, rows: IntArray) -> FloatArray:
        """Return twice the fall of the profile of the lanes at *rows* to *mu* or farther."""
        return beta_binomial.profile_fall(self.data, self.fit, mu, rows)


BetaMethod = Callable[[BetaLanes, float], CountInterval]
BETA_CI: Registry[BetaMethod] = Registry("ci")
for _name, _method in LIKELIHOOD_CI.items():
    BETA_CI.add(_name)(_method)
# The Wald intervals need no more than mu and its standard error.
BETA_CI.add("t")(student)
BETA_CI.add("normal")(normal)
