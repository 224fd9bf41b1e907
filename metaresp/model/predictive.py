"""The true rate of a new trial: the distribution whose quantiles are the prediction interval.

Probabilities above a benchmark and the events of a trial are both taken from it, so that they agree.
"""

from typing import NamedTuple, Protocol

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray
from metaresp.counts import Counts
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.new_trial import Mixture
from metaresp.kernel.numerics.panels import Logs
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.kernel.trial.beta_mixture import BetaLaw, cdf_and_density, t_cdf, t_density
from metaresp.kernel.trial.events import RateLaw, event_probabilities
from metaresp.model.fitted import Fitted
from metaresp.model.inverse_variance import turning_size
from metaresp.model.inversion import effect_of
from metaresp.spec import Spec
from metaresp.transforms import TRANSFORMS

_ROOT_2PI = np.sqrt(2 * np.pi)
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
    counts: Counts
    spec: Spec
    tau2: float

    def above(self, rate: float) -> float:
        """Return the probability of a rate above *rate*."""
        target = effect_of(rate, self.counts, self.spec, self.tau2)
        return float(self._cdf(np.array([self.centre - target]))[0])

    def events(self, n: int) -> FloatArray:
        """Return the probabilities of 0 to n events among n patients."""
        logs, kinks = _scale(self.counts, self.spec, self.tau2)
        law = RateLaw(
            logs,
            lambda theta: self._cdf(theta - self.centre),
            lambda theta: self._cdf(self.centre - theta),
            lambda theta: t_density((theta - self.centre) / self.spread, np.array(self.df)) / self.spread,
            self.centre,
            self.spread,
            kinks,
        )
        return event_probabilities(law, n)

    def _cdf(self, distance: FloatArray) -> FloatArray:
        return t_cdf(distance / self.spread, np.array(self.df))


class MixtureTrial(NamedTuple):
    """Effect with a mixture of normals, one for each value that tau may have."""

    parts: Mixture
    link: str

    def above(self, rate: float) -> float:
        """Return the probability of a rate above *rate*."""
        return float(self._upper(LINKS[self.link].forward(np.array([rate])))[0])

    def events(self, n: int) -> FloatArray:
        """Return the probabilities of 0 to n events among n patients."""
        law = RateLaw(
            _link_logs(self.link),
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
    """Rate with a beta distribution whose mean has a logit with a t distribution."""

    mu: float
    se: float
    df: float
    rho: float

    def above(self, rate: float) -> float:
        """Return the probability of a rate above *rate*."""
        return float(self._upper(special.logit(np.array([rate])))[0])

    def events(self, n: int) -> FloatArray:
        """Return the probabilities of 0 to n events among n patients."""
        p = special.expit(-abs(self.mu))
        spread = float(np.hypot(self.se, np.sqrt(self.rho / (p * (1 - p)))))
        law = RateLaw(
            _link_logs("logit"),
            lambda theta: self._both(theta)[0],
            self._upper,
            lambda theta: self._both(theta)[1],
            self.mu,
            min(spread, 1.0),
        )
        return event_probabilities(law, n)

    def _both(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        flat = theta.ravel()
        law = BetaLaw(*(np.full(flat.size, value) for value in self))
        cdf, density = cdf_and_density(law, flat)
        return cdf.reshape(theta.shape), density.reshape(theta.shape)

    def _upper(self, theta: FloatArray) -> FloatArray:
        return self._replace(mu=-self.mu)._both(-theta)[0]


def new_trial(
    model: Fitted,
    limits: tuple[float, float],
    units: float,
    numbers: tuple[float, float, float, float],
) -> NewTrial:
    """Return the distribution that a prediction interval is taken from.

    Parameters
    ----------
    model : Fitted
        One lane, whose prediction names an interval that is a quantile of some distribution.
    limits : tuple of float
        The prediction interval on the scale of the model.
    units : float
        Number of studies, or of the clusters that they are nested in.
    numbers : tuple of float
        Estimate, standard error, tau2 and rho of the fit.
    """
    counts, spec = model.counts, model.spec
    estimate, se, tau2, rho = numbers
    df = {"normal": np.inf, "hts": units - 2}.get(str(spec.prediction), units - 1)
    if spec.model == "beta-binomial":
        return BetaTrial(estimate, se, df, rho)
    if spec.prediction == "likelihood":
        return MixtureTrial(model.new_trial[0], model.data.link)
    low, high = limits
    quantile = float(t_quantile(np.array(df), (1 - spec.level) / 2))
    return StudentTrial((low + high) / 2, (high - low) / 2 / quantile, df, counts, spec, tau2)


def _link_logs(name: str) -> Logs:
    terms = LINKS[name].log_terms

    def logs(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        with np.errstate(over="ignore"):
            found = terms(theta)
        return found.log_p, found.log_q

    return logs


def _scale(counts: Counts, spec: Spec, tau2: float) -> tuple[Logs, tuple[float, ...]]:
    """Return how theta becomes log p and log q, and where the rate becomes 0 or 1 for good."""
    name = spec.transform or spec.link or "logit"
    if name in LINKS:
        return _link_logs(name), (0.0,) if name == "log" else ()
    transform = TRANSFORMS[name]
    low, high = transform.limits
    size = None
    if name == "freeman-tukey":
        size = turning_size(counts, spec, tau2)
        low = float(transform.forward(np.zeros(1), size)[0][0])
        high = np.pi / 2 - low

    def logs(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        with np.errstate(divide="ignore"):
            p, q = (
                np.log(transform.inverse(np.clip(end, low, high), size))
                for end in (theta, low + high - theta)
            )
        return p, q

    return logs, (low, high)
