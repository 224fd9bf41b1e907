"""What leaving studies out does to a fit, and how what was left out looks to the fit that has not seen it.

A study at 0% or 100% has no effect on the logit scale, but its count always has a probability: that of as few
events or fewer, given what the other studies say of a new trial.  The standard normal deviate of that
probability is the residual; events that are as many as it has count half.

``P(X < x) + P(X = x) / 2`` is the integral of the distribution function of the logit of the true rate over
a density, ``binomial(x; n, p) (x (1 - p) + (n - x) p) / 2``: the mean of the beta densities of order x and
x + 1.  Its mass is 1, or one half at 0% and 100%, where the other half is at the end of the scale.
"""

from typing import NamedTuple, Protocol

import numpy as np
from scipy import special

from metaresp.arrays import BoolArray, FloatArray, chunked
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.numerics.panels import gauss
from metaresp.kernel.trial.beta_law import t_cdf

# Edges of panels about the centre of a distribution, in its standard deviations: tails are exponential.
_STEPS = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 13.0, 17.0, 22.0, 30.0, 40.0])
_GRID: FloatArray = np.concatenate([-_STEPS[:0:-1], _STEPS])
_WIDTH = 2048  # floats that a study takes in a working array
_FARTHEST = 700.0  # a logit beyond which a rate is 0 or 1
_LEAST = 1e-300  # probability that still has a deviate
_COOK = 0.5  # tail of chi-square on one degree of freedom


class RateLaw(Protocol):
    """Distributions of the true theta of studies, one a study."""

    @property
    def link(self) -> str:
        """The scale of theta."""

    def take(self, rows: slice) -> "RateLaw":
        """Return those of some studies."""

    def edges(self) -> FloatArray:
        """Return places about which they change, shape (studies, edges)."""

    def tails(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the probabilities below and above *theta*, of shape (studies, nodes)."""


class StudentRates(NamedTuple):
    """Thetas with Student's t distribution, or scale mixtures of these."""

    mean: FloatArray  # shape (studies,)
    sd: FloatArray  # shape (studies, scales)
    weight: FloatArray  # shape (scales,)
    df: FloatArray  # shape (studies,); infinite: normal
    link: str = "logit"

    def take(self, rows: slice) -> "StudentRates":
        """Return those of some studies."""
        return self._replace(mean=self.mean[rows], sd=self.sd[rows], df=self.df[rows])

    def edges(self) -> FloatArray:
        """Return places about which they change: by the least and the largest scale."""
        ends = (np.unique([0, self.sd.shape[1] - 1])).tolist()
        return np.concatenate([self.mean[:, None] + self.sd[:, i, None] * _GRID for i in ends], axis=-1)

    def tails(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the probabilities below and above *theta*."""
        below, above = np.zeros_like(theta), np.zeros_like(theta)
        for i, weight in enumerate(self.weight):
            t = (theta - self.mean[:, None]) / self.sd[:, i, None]
            below += weight * t_cdf(t, self.df[:, None])
            above += weight * t_cdf(-t, self.df[:, None])
        return below, above


class BetaRates(NamedTuple):
    """Rates with beta distributions; fields of shape (studies,)."""

    a: FloatArray
    b: FloatArray
    link: str = "logit"

    def take(self, rows: slice) -> "BetaRates":
        """Return those of some studies."""
        return self._replace(a=self.a[rows], b=self.b[rows])

    def edges(self) -> FloatArray:
        """Return places about which they change."""
        centre, sd = np.log(self.a / self.b), np.sqrt(1 / self.a + 1 / self.b)
        places: FloatArray = centre[:, None] + sd[:, None] * _GRID
        return places

    def tails(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the probabilities below and above *theta*."""
        a, b, p, q = self.a[:, None], self.b[:, None], special.expit(theta), special.expit(-theta)
        return np.asarray(special.betainc(a, b, p)), np.asarray(special.betainc(b, a, q))


def count_deviates(x: FloatArray, n: FloatArray, law: RateLaw) -> FloatArray:
    """Return how far each count lies from what its law lets expect, as a standard normal deviate.

    Parameters
    ----------
    x, n : float array, shape (studies,)
        ``0 <= x <= n``.
    law : RateLaw
        Of the true rate of each study.

    Returns
    -------
    float array, shape (studies,)
        The normal quantile of ``P(X < x) + P(X = x) / 2``; finite: beyond 37 it says 37.

    Notes
    -----
    Lancaster (1961), Significance tests in discrete distributions, JASA 56:223, on mid-p; Dunn and Smyth
    (1996), Randomized quantile residuals, JCGS 5:236, of which this is the one without randomisation.

    Examples
    --------
    >>> law = StudentRates(np.zeros(3), np.full((3, 1), 0.5), np.ones(1), np.full(3, np.inf))
    >>> count_deviates(np.array([0.0, 5.0, 10.0]), np.full(3, 10.0), law).round(3)
    array([-2.776,  0.   ,  2.776])
    """
    out = np.empty_like(x)
    for part in chunked(x.size, _WIDTH):
        out[part] = _deviates(x[part], n[part], law.take(part))
    return out


def _deviates(x: FloatArray, n: FloatArray, law: RateLaw) -> FloatArray:
    link = LINKS[law.link]
    a, b = x + 0.5, n - x + 0.5
    own = np.log(a / b)[:, None] + np.sqrt(1 / a + 1 / b)[:, None] * _GRID
    ends = link.log_terms(np.clip(law.edges(), -link.farthest, link.farthest))
    edges = np.concatenate([own, np.nan_to_num(ends.log_p - ends.log_q, nan=0.0)], axis=-1)
    edges = np.sort(np.clip(edges, -_FARTHEST, _FARTHEST), axis=-1)
    logit, weight = (part.reshape(x.size, -1) for part in gauss(edges[:, :-1], edges[:, 1:]))
    x, y = x[:, None], (n - x)[:, None]
    log = x * special.log_expit(logit) + y * special.log_expit(-logit)
    mass = weight * np.exp(log - log.max(axis=-1, keepdims=True))
    mass *= x * special.expit(-logit) + y * special.expit(logit)
    none, every = x[:, 0] == 0, y[:, 0] == 0
    mass *= (np.where(none | every, 0.5, 1.0) / mass.sum(axis=-1))[:, None]
    tails = law.tails(_theta(law.link, logit))
    below, above = (np.einsum("sj,sj->s", mass, tail) for tail in tails)
    below, above = below + 0.5 * every, above + 0.5 * none
    lower = below < above
    z = special.ndtri(np.clip(np.where(lower, below, above), _LEAST, 0.5))
    found: FloatArray = np.where(lower, z, -z)
    return found


def _theta(name: str, logit: FloatArray) -> FloatArray:
    """Return the logit of a rate on the scale of a link, also where the rate is nearly 1."""
    link, theta = LINKS[name], logit
    if name == "cloglog":
        theta = np.log(-special.log_expit(-logit))
    elif name == "log":
        theta = special.log_expit(logit)
    elif name != "logit":
        theta = np.where(logit < 0, 1.0, -1.0) * link.forward(special.expit(-np.abs(logit)))
    return theta


class Rules(NamedTuple):
    """Beyond which a group is influential."""

    dffits: float
    dfbetas: float
    cooks_distance: float
    hat: float


def rules(groups: int) -> Rules:
    """Return the limits of Viechtbauer and Cheung (2010) for one coefficient.

    Examples
    --------
    >>> [round(limit, 3) for limit in rules(10)]
    [1.0, 1.0, 0.455, 0.3]
    """
    return Rules(3 / (groups - 1) ** 0.5, 1.0, float(special.chdtri(1, _COOK)), 3 / groups)


class Moves(NamedTuple):
    """What leaving out does to the mean; fields of shape (groups,)."""

    cooks_distance: FloatArray
    cov_ratio: FloatArray
    influential: BoolArray


def moves(
    moved: FloatArray,
    se: FloatArray,
    se_without: FloatArray,
    dffits: FloatArray,
    dfbetas: FloatArray,
    hat: FloatArray,
) -> Moves:
    """Return Cook's distance, the ratio of squared standard errors, and which groups are influential.

    Parameters
    ----------
    moved : float array, shape (groups,)
        Estimate of all studies less that without the group.
    se : float array, shape ()
    se_without, dffits, dfbetas, hat : float array, shape (groups,)

    Notes
    -----
    Viechtbauer and Cheung (2010), Research Synthesis Methods 1:112, with one coefficient and g groups.
    Influential: ``|DFFITS| > 3 / sqrt(g - 1)``, Cook's distance beyond the median of chi-square on one
    degree of freedom, ``hat > 3 / g``, ``|DFBETAS| > 1``; and a group without which there is no estimate.

    Examples
    --------
    >>> both = np.array([0.4, 0.1])
    >>> found = moves(both, np.array(0.3), np.array([0.35, 0.2]), 3 * both, 3 * both, np.array([0.5, 0.5]))
    >>> found.cooks_distance.round(3), found.cov_ratio.round(3), found.influential
    (array([1.778, 0.111]), array([1.361, 0.444]), array([ True, False]))
    """
    limits = rules(hat.size)
    cook, ratio = (moved / se) ** 2, (se_without / se) ** 2
    flags = (np.abs(dffits) > limits.dffits) | (np.abs(dfbetas) > limits.dfbetas) | (hat > limits.hat)
    flags |= (cook > limits.cooks_distance) | ~np.isfinite(moved)
    return Moves(cook, ratio, flags)
