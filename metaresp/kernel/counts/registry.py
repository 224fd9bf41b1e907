"""The registries of intervals in count models, and what their entries share."""

from typing import NamedTuple, Protocol

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts import resampling
from metaresp.kernel.counts.binomial_normal import Fit
from metaresp.kernel.counts.profile_limits import mu_limits, profile_fall
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.numerics.profile import Limits
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.registry import Registry


class CountInterval(NamedTuple):
    """An interval on the link scale; fields of shape (lanes,), NaN where there is none."""

    low: FloatArray
    high: FloatArray
    df: FloatArray


class Lanes(NamedTuple):
    """What an interval may look at: the counts, their fit, the number of studies, the random source.

    Attributes
    ----------
    data : CountSurface
    fit : Fit
        The maximum of those lanes.
    k : float array, shape (lanes,)
        Number of studies, multiplicities counted.
    draws : Draws or None
        For methods that simulate: a random source, and what was drawn from it already.
    """

    data: CountSurface
    fit: Fit
    k: FloatArray
    draws: resampling.Draws | None = None

    @property
    def copies(self) -> FloatArray:
        """Multiplicity of each study, shape (lanes, k)."""
        return self.data.copies

    def information(self) -> FloatArray:
        """Return what each study tells about mu given tau, at the maximum, shape (lanes, k)."""
        # the greatest of 0: with a heavy-tailed link a study may tell less than nothing
        return np.maximum(self.data.information(self.fit.mu, self.fit.tau), 0.0)

    def drawn(self) -> FloatArray:
        """Return sorted falls in data sets drawn at the maximum, shape (lanes, sets)."""
        draws = self.draws or resampling.Draws()
        return draws.falls(lambda rng: resampling.normal_falls(self.data, self.fit, rng))

    def limits(self, fall: FloatArray) -> Limits:
        """Return where the profile has fallen by *fall*."""
        return mu_limits(self.data, self.fit, fall)

    def fall(self, mu: FloatArray, rows: IntArray) -> FloatArray:
        """Return twice the fall of the profile of the lanes at *rows* to *mu* or farther."""
        return profile_fall(self.data, self.fit, mu, rows)


class Profiled(Protocol):
    """What a calibration of the profile likelihood looks at in any count model, see :class:`Lanes`."""

    @property
    def k(self) -> FloatArray:
        """Number of studies."""

    @property
    def copies(self) -> FloatArray:
        """Multiplicity of each study."""

    def information(self) -> FloatArray:
        """Return what each study tells about mu given its spread, to a factor that all share."""

    def drawn(self) -> FloatArray:
        """Return sorted falls in data sets drawn at the maximum."""

    def limits(self, fall: FloatArray) -> Limits:
        """Return where the profile has fallen by *fall*."""

    def fall(self, mu: FloatArray, rows: IntArray) -> FloatArray:
        """Return twice the fall of the profile of the lanes at *rows* to *mu* or farther."""


class Estimate(Protocol):
    """A fit of any count model: the mean on the link scale and its standard error, shape (lanes,)."""

    @property
    def mu(self) -> FloatArray:
        """The mean."""

    @property
    def se(self) -> FloatArray:
        """Its standard error."""


class Fitted(Protocol):
    """What a Wald interval looks at in any count model."""

    @property
    def fit(self) -> Estimate:
        """The estimates."""

    @property
    def k(self) -> FloatArray:
        """Number of studies."""


class ProfileMethod(Protocol):
    """The one signature of intervals of the profile likelihood, in every count model."""

    def __call__(self, lanes: Profiled, tail: float) -> CountInterval:
        """Return the interval of each lane; *tail* is the probability beyond each limit."""


class CountMethod(Protocol):
    """The one signature of intervals in the binomial-normal model."""

    def __call__(self, lanes: Lanes, tail: float) -> CountInterval:
        """Return the interval of each lane; *tail* is the probability beyond each limit."""


COUNT_CI: Registry[CountMethod] = Registry("ci")
COUNT_PREDICTION: Registry[CountMethod] = Registry("prediction")


def around(centre: FloatArray, spread: FloatArray, df: FloatArray, tail: float) -> CountInterval:
    """Return ``centre +- t quantile * spread``; NaN where the degrees of freedom are not positive."""
    half = t_quantile(df, tail) * spread
    return CountInterval(centre - half, centre + half, df)
