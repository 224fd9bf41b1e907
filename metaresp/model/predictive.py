"""The true rate of a new trial: the distribution whose quantiles are the prediction interval.

Probabilities above a benchmark and the events of a trial are both taken from it, so that they agree.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.new_trial import Normals
from metaresp.kernel.numerics.panels import Logs
from metaresp.kernel.trial.beta_law import BetaLaw, cdf, density, t_cdf, t_density
from metaresp.kernel.trial.events import RateLaw, event_probabilities

_COUNTS = 1e-6  # weight from which a part has a say in how fine the rates are taken
NO_WIDTH = 1e-12  # of an interval that is only rounding


class NewTrial(Protocol):
    """Distribution of the true rate of a new trial."""

    def above(self, rate: float) -> float:
        """Return the probability of a rate above *rate*."""

    def events(self, n: int) -> FloatArray:
        """Return the probabilities of 0 to n events among n patients."""


class StudentTrial(NamedTuple):
    """Effect with a t distribution: ``centre + spread t``, on the scale of the model."""

    centre: float
    spread: float
    df: float
    effect_of: Callable[[float], float]
    logs: Logs
    kinks: tuple[float, ...]

    def above(self, rate: float) -> float:
        """Return the probability of a rate above *rate*."""
        return float(self._cdf(np.array([self.centre - self.effect_of(rate)]))[0])

    def events(self, n: int) -> FloatArray:
        """Return the probabilities of 0 to n events among n patients."""
        law = RateLaw(
            self.logs,
            lambda theta: self._cdf(theta - self.centre),
            lambda theta: self._cdf(self.centre - theta),
            lambda theta: t_density((theta - self.centre) / self.spread, np.array(self.df)) / self.spread,
            self.centre,
            self.spread,
            self.kinks,
        )
        return event_probabilities(law, n)

    def _cdf(self, distance: FloatArray) -> FloatArray:
        return t_cdf(distance / self.spread, np.array(self.df))


class MixtureTrial(NamedTuple):
    """Effect with a mixture of normals, for each value that tau may have."""

    parts: Normals
    link: str

    def above(self, rate: float) -> float:
        """Return the probability of a rate above *rate*."""
        return float(self._upper(LINKS[self.link].forward(np.array([rate])))[0])

    def events(self, n: int) -> FloatArray:
        """Return the probabilities of 0 to n events among n patients."""
        law = RateLaw(
            link_logs(self.link),
            lambda theta: self._sum(special.ndtr(self._z(theta))),
            self._upper,
            lambda theta: self._sum(
                np.exp(-0.5 * self._z(theta) ** 2) / self.parts.sd[0] / np.sqrt(2 * np.pi)
            ),
            float(self.parts.mean[0] @ self.parts.weight[0]),
            float(self.parts.sd.min()),
            (0.0,) if self.link == "log" else (),
        )
        return event_probabilities(law, n)

    def _upper(self, theta: FloatArray) -> FloatArray:
        return self._sum(special.ndtr(-self._z(theta)))

    def _z(self, theta: FloatArray) -> FloatArray:
        z: FloatArray = (theta[..., None] - self.parts.mean[0]) / self.parts.sd[0]
        return z

    def _sum(self, values: FloatArray) -> FloatArray:
        total: FloatArray = values @ self.parts.weight[0]
        return total


class BetaTrial(NamedTuple):
    """Rate with a mixture of beta distributions."""

    law: BetaLaw  # of one lane

    def above(self, rate: float) -> float:
        """Return the probability of a rate above *rate*."""
        return float(self._upper(special.logit(np.array([rate])))[0])

    def events(self, n: int) -> FloatArray:
        """Return the probabilities of 0 to n events among n patients."""
        mu, se, _, rho, weight = (field[0] for field in self.law[:5])
        p = special.expit(-np.abs(mu))
        spread = np.hypot(se, np.sqrt(rho / np.maximum(p * (1 - p), 1e-300)))
        law = RateLaw(
            link_logs("logit"),
            lambda theta: cdf(self.law, theta.ravel()).reshape(theta.shape),
            self._upper,
            lambda theta: density(self.law, theta.ravel()).reshape(theta.shape),
            float(weight @ mu),
            min(float(spread[weight > _COUNTS].min()), 1.0),
        )
        return event_probabilities(law, n)

    def _upper(self, theta: FloatArray) -> FloatArray:
        return cdf(self.law.mirrored(), -theta.ravel()).reshape(theta.shape)


def link_logs(name: str) -> Logs:
    """Return how theta becomes log p and log q by a link."""
    terms = LINKS[name].log_terms

    def logs(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        with np.errstate(over="ignore"):
            found = terms(theta)
        return found.log_p, found.log_q

    return logs
