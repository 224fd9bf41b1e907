"""The true rate of a new trial in the beta-binomial model, with the uncertainty of the mean rate.

The rate of a trial has a beta distribution with mean p and intraclass correlation rho, and logit p is a
Student t about its estimate: the distribution is a mixture of betas over logit p.  For a rate c the beta
distribution function is 1 for small and 0 for large means but for a zone about c, whose ends are bounded by
Chernoff's and Markov's inequalities; there it is integrated by Gauss-Legendre nodes in w, where
``logit p = mu + se sinh(w)``, so that near and far tails of the t both are smooth.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, chunked
from metaresp.kernel.counts.beta_binomial import Fit
from metaresp.kernel.counts.intervals import CountInterval
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.kernel.numerics.special import half_deviance, stirling_error
from metaresp.registry import Registry

BetaPrediction = Callable[[Fit, FloatArray, float], CountInterval]
BETA_PREDICTION: Registry[BetaPrediction] = Registry("prediction")

NODES = 96
_FEW = 32
_NOTHING = 1e-17  # probability of the t distribution that is left out
# P(rate > c) is at most p / c (Markov), and about p (1 - n log c) for small p: below exp(-42) it is nothing
_FAR = 42.0
_CHERNOFF = 240.0  # exp(-n KL) is below exp(-60) beyond an angle of sqrt(240 / n)
_MOST_PATIENTS = 1e12  # and their inverse: rho this near 0 or 1 is 0 or 1 to the last digit shown
_FARTHEST = 700.0  # a logit beyond which a limit is 0 or 1
_STEPS = 60
_CLOSE = 1e-13
_WIDTH = 6 * NODES


class BetaLaw(NamedTuple):
    """Mixtures of beta distributions; fields of shape (lanes,)."""

    mu: FloatArray  # centre of logit p
    se: FloatArray
    df: FloatArray  # of the t distribution of (logit p - mu) / se; infinite: normal
    rho: FloatArray

    def take(self, rows: np.ndarray) -> "BetaLaw":
        """Return some lanes."""
        return BetaLaw(*(field[rows] for field in self))

    def mirrored(self) -> "BetaLaw":
        """Return the law of non-response."""
        return self._replace(mu=-self.mu)


def t_cdf(t: FloatArray, df: FloatArray) -> FloatArray:
    """Return the distribution function of Student's t; normal for infinite *df*."""
    finite = np.isfinite(df)
    result: FloatArray = np.where(finite, special.stdtr(np.where(finite, df, 1.0), t), special.ndtr(t))
    return result


def t_density(t: FloatArray, df: FloatArray) -> FloatArray:
    """Return the density of Student's t; normal for infinite *df*."""
    finite = np.isfinite(df)
    m = np.where(finite, df, 1.0)
    log = -0.5 * (m + 1) * np.log1p(t * t / m) - special.betaln(0.5, 0.5 * m) - 0.5 * np.log(m)
    result: FloatArray = np.exp(np.where(finite, log, -0.5 * t * t - 0.5 * np.log(2 * np.pi)))
    return result


def cdf_and_density(law: BetaLaw, theta: FloatArray, nodes: int = NODES) -> tuple[FloatArray, FloatArray]:
    """Return distribution function and density of the logit of a new trial's rate.

    Parameters
    ----------
    law : BetaLaw
    theta : float array, shape (lanes,)
        Logits of a rate.
    nodes : int

    Returns
    -------
    cdf, density : float array, shape (lanes,)
    """
    cdf, density = np.empty_like(theta), np.empty_like(theta)
    for part in chunked(theta.size, _WIDTH):
        cdf[part], density[part] = _mix(BetaLaw(*(field[part] for field in law)), theta[part], nodes)
    return cdf, density


def _mix(law: BetaLaw, theta: FloatArray, nodes: int) -> tuple[FloatArray, FloatArray]:
    m = patients(law.rho)
    low, high = _zone(theta, m)
    widest = t_quantile(law.df, _NOTHING)
    ends = [np.clip((end - law.mu) / law.se, -widest, widest) for end in (low, high)]
    first, last = (np.arcsinh(end) for end in ends)
    x, weight = _rule(nodes)
    half = 0.5 * (last - first)[:, None]
    w = 0.5 * (first + last)[:, None] + half * x
    t = np.sinh(w)
    mass = half * weight * np.cosh(w) * t_density(t, law.df[:, None])
    mu = law.mu[:, None] + law.se[:, None] * t
    a, b = m[:, None] * special.expit(mu), m[:, None] * special.expit(-mu)
    below = t_cdf(ends[0], law.df) + np.einsum("lj,lj->l", mass, _beta_cdf(a, b, theta[:, None]))
    density = np.einsum("lj,lj->l", mass, np.exp(_beta_log_density(a, b, m[:, None], theta[:, None])))
    return below, density


@cache
def _rule(nodes: int) -> tuple[FloatArray, FloatArray]:
    x, weight = np.polynomial.legendre.leggauss(nodes)
    return x, weight


def patients(rho: FloatArray) -> FloatArray:
    """Return the sum of the two beta parameters, ``(1 - rho) / rho``."""
    rho = np.clip(rho, 1 / _MOST_PATIENTS, 1 - 1 / _MOST_PATIENTS)
    return (1 - rho) / rho


def _zone(theta: FloatArray, m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the logits of the mean between which the beta distribution function is neither 1 nor 0."""
    angle = 2 * np.arctan2(np.exp(0.5 * special.log_expit(theta)), np.exp(0.5 * special.log_expit(-theta)))
    reach = np.sqrt(_CHERNOFF / m)
    ends = []
    for side, here in ((-1.0, angle), (1.0, np.pi - angle)):
        within = here > reach
        chernoff = 2 * np.log(np.tan(0.5 * np.where(within, here - reach, 0.1)))
        log_c = special.log_expit(-side * theta)
        far = np.maximum(log_c, -np.log1p(-m * log_c)) - _FAR
        ends.append(-side * np.where(within, np.maximum(chernoff, far), far))
    return ends[0], ends[1]


def _beta_cdf(a: FloatArray, b: FloatArray, theta: FloatArray) -> FloatArray:
    p, q = special.expit(theta), special.expit(-theta)
    upper = theta > 0
    first, second = np.where(upper, b, a), np.where(upper, a, b)
    value = special.betainc(first, second, np.where(upper, q, p))
    return np.where(upper, 1 - value, value)


def _beta_log_density(a: FloatArray, b: FloatArray, m: FloatArray, theta: FloatArray) -> FloatArray:
    """Return the log density of the logit, by Kullback-Leibler divergence where log gammas would cancel."""
    log_p, log_q = special.log_expit(theta), special.log_expit(-theta)
    large = (a >= 1) & (b >= 1)
    direct = a * log_p + b * log_q - special.betaln(a, b)
    if not large.any():
        return direct
    a, b = np.maximum(a, 1.0), np.maximum(b, 1.0)
    m = a + b
    p, q = np.exp(np.broadcast_to(log_p, a.shape)), np.exp(np.broadcast_to(log_q, a.shape))
    fall = np.where(p < 0.5, half_deviance(a, m, np.minimum(p, 0.5)), half_deviance(b, m, np.minimum(q, 0.5)))
    rest = stirling_error(m) - stirling_error(a) - stirling_error(b)
    smooth = rest - fall + 0.5 * np.log(a / m * b / (2 * np.pi))
    return np.where(large, smooth, direct)


def lower_quantile(law: BetaLaw, tail: float) -> FloatArray:
    """Return the logit of the rate that a new trial's rate is below with probability *tail*, shape (lanes,).

    Minus or plus infinity where that rate is 0 or 1 to the last digit; NaN where the law is not defined.
    The quantile above is that of :meth:`BetaLaw.mirrored`, mirrored.
    """
    out = np.full(law.mu.size, np.nan)
    rows = np.flatnonzero(np.isfinite(law.mu) & np.isfinite(law.se) & (law.df > 0) & ~np.isnan(law.rho))
    if not rows.size:
        return out
    law = law.take(rows)
    m = patients(law.rho)
    spread = law.se**2 + sum(special.polygamma(1, m * special.expit(sign * law.mu)) for sign in (1, -1))
    start = law.mu + special.ndtri(tail) * np.sqrt(np.minimum(spread, 1e4))
    rough = _solve(law, tail, np.clip(start, -_FARTHEST, _FARTHEST), _FEW, 1e-4)
    out[rows] = _solve(law, tail, np.clip(rough, -_FARTHEST, _FARTHEST), NODES, _CLOSE)
    return out


def _solve(law: BetaLaw, tail: float, start: FloatArray, nodes: int, close: float) -> FloatArray:
    """Newton's method on the logarithm of the distribution function, inside a bracket."""
    theta = start.copy()
    low, high = np.full_like(theta, -_FARTHEST - 1), np.full_like(theta, _FARTHEST + 1)
    alive = np.arange(theta.size)
    for _ in range(_STEPS):
        cdf, density = cdf_and_density(law.take(alive), theta[alive], nodes)
        here = theta[alive]
        low[alive] = np.where(cdf < tail, here, low[alive])
        high[alive] = np.where(cdf < tail, high[alive], here)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            step = np.log(cdf / tail) * cdf / density
        new = here - step
        inside = (new > low[alive]) & (new < high[alive])
        theta[alive] = np.where(inside, new, 0.5 * (low[alive] + high[alive]))
        moving = np.abs(theta[alive] - here) > close * np.maximum(np.abs(here), 1.0)
        alive = alive[moving & (np.abs(theta[alive]) < _FARTHEST)]
        if not alive.size:
            break
    return np.where(theta <= -_FARTHEST, -np.inf, np.where(theta >= _FARTHEST, np.inf, theta))


def _limits(mu: FloatArray, se: FloatArray, df: FloatArray, rho: FloatArray, tail: float) -> CountInterval:
    law = BetaLaw(mu, se, df, rho)
    return CountInterval(lower_quantile(law, tail), -lower_quantile(law.mirrored(), tail), df)


@BETA_PREDICTION.add("hts")
def predict_hts(fit: Fit, k: FloatArray, tail: float) -> CountInterval:
    """Prediction interval with the logit of the mean rate a t on k - 2 degrees of freedom.

    The same degrees of freedom as Higgins, Thompson and Spiegelhalter (2009), JRSS A 172, eq. (12), with
    the beta distribution in the place of the normal one.

    Parameters
    ----------
    fit : Fit
        The maximum likelihood fit.
    k : float array, shape (lanes,)
        Number of studies, multiplicities counted.
    tail : float
        Probability beyond each limit.

    Returns
    -------
    CountInterval
        On the logit scale; infinite where a limit is a rate of 0 or 1.
    """
    return _limits(fit.mu, fit.se, k - 2, fit.rho, tail)


@BETA_PREDICTION.add("t")
def predict_t(fit: Fit, k: FloatArray, tail: float) -> CountInterval:
    """Prediction interval with a t on k - 1 degrees of freedom; as :func:`predict_hts`."""
    return _limits(fit.mu, fit.se, k - 1, fit.rho, tail)


@BETA_PREDICTION.add("normal")
def predict_normal(fit: Fit, k: FloatArray, tail: float) -> CountInterval:
    """Prediction interval with a normal logit of the mean rate; as :func:`predict_hts`."""
    return _limits(fit.mu, fit.se, np.full_like(fit.mu, np.inf), fit.rho, tail)
