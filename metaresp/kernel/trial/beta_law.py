"""The true rate of a trial in the beta-binomial model, with the uncertainty of the mean rate and of rho.

Given the mean p and the intraclass correlation rho the rate of a trial has a beta distribution, to which the
events and non-events of a study add where its own rate is asked for.  logit p is a Student t about its
estimate given rho, and rho has some values with weights: the rate is a mixture of betas.  For a rate c the
beta distribution function is 1 for small and 0 for large means but for a zone about c, whose ends are bounded
by Chernoff's and Markov's inequalities; there it is integrated by Gauss-Legendre nodes in w, where
``logit p = mu + se sinh(w)``, so that near and far tails of the t both are smooth.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, chunked
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.kernel.numerics.special import half_deviance, stirling_error

_MOST_PATIENTS = 1e12  # and their inverse: rho this near 0 or 1 is 0 or 1 to the last digit shown
_FARTHEST = 700.0  # a logit beyond which a limit is 0 or 1
_CANCELS = 1e4  # a + b from which a difference of log gammas loses digits that matter
_MARKOV = 42.0  # nats beyond which that bound is nothing
_NODES_OF_MEAN, _LEFT_OUT = 64, 1e-9
_STEPS = 60
_WIDTH = 6  # floats that one node takes in the working arrays


class Rule(NamedTuple):
    """How finely the mean is integrated."""

    nodes: int
    nats: float  # beyond which a beta distribution function is 0 or 1
    close: float  # step, relative to the logit, at which a quantile is found


_ROUGH = Rule(12, 12.0, 1e-3)
_DENSITY = Rule(24, 12.0, 1e-3)  # of many parts: it is smoother than the distribution function
_SUM = Rule(40, 16.0, 1e-6)  # for each of many parts
_ONE = Rule(96, 60.0, 1e-13)  # for a law of one part


class BetaLaw(NamedTuple):
    """Mixtures of beta distributions; fields of shape (lanes, parts), or (lanes, 1) where parts share it."""

    mu: FloatArray  # centre of logit p
    se: FloatArray
    df: FloatArray  # of the t distribution of (logit p - mu) / se; infinite: normal
    rho: FloatArray
    weight: FloatArray  # sums to 1 over the parts
    events: FloatArray  # of the study itself; 0 for a new trial
    rest: FloatArray

    @classmethod
    def of(cls, mu: FloatArray, se: FloatArray, df: FloatArray, rho: FloatArray) -> "BetaLaw":
        """Return laws of one part, of a new trial; parameters of shape (lanes,)."""
        none = np.zeros((mu.size, 1))
        return cls(mu[:, None], se[:, None], df[:, None], rho[:, None], none + 1.0, none, none)

    def take(self, rows: np.ndarray | slice) -> "BetaLaw":
        """Return some lanes."""
        return BetaLaw(*(field[rows] for field in self))

    def mirrored(self) -> "BetaLaw":
        """Return the law of non-response."""
        return self._replace(mu=-self.mu, events=self.rest, rest=self.events)

    @property
    def rule(self) -> Rule:
        """How finely the mean is integrated."""
        return _ONE if self.weight.shape[1] == 1 else _SUM


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


def cdf(law: BetaLaw, theta: FloatArray, rule: Rule | None = None) -> FloatArray:
    """Return the distribution function of the logit of a trial's rate.

    Parameters
    ----------
    law : BetaLaw
        Of as many lanes, or of one for all.
    theta : float array, shape (lanes,)
        Logits of a rate.
    rule : optional
        How finely the mean is integrated.

    Returns
    -------
    float array, shape (lanes,)
    """
    return _chunks(_cdf, law, theta, law.rule if rule is None else rule)


def density(law: BetaLaw, theta: FloatArray, rule: Rule | None = None) -> FloatArray:
    """Return the density of the logit of a trial's rate; as :func:`cdf`."""
    if rule is None:
        rule = _ONE if law.rule is _ONE else _DENSITY
    return _chunks(_density, law, theta, rule)


def _chunks(
    function: Callable[[BetaLaw, FloatArray, Rule], FloatArray], law: BetaLaw, theta: FloatArray, rule: Rule
) -> FloatArray:
    out = np.empty_like(theta)
    for part in chunked(theta.size, _WIDTH * rule.nodes * law.weight.shape[1]):
        out[part] = function(law if law.weight.shape[0] == 1 else law.take(part), theta[part, None], rule)
    return out


class _Means(NamedTuple):
    """Means where the beta distribution function is open; fields but one of shape (lanes, parts, nodes)."""

    below: FloatArray  # probability of a mean for which it is 1, shape (lanes,)
    mass: FloatArray
    a: FloatArray
    b: FloatArray


def _means(law: BetaLaw, theta: FloatArray, rule: Rule) -> _Means:
    m = patients(law.rho)
    low, high = _zone(law, theta, m, rule.nats)
    widest = t_quantile(law.df, max(float(np.exp(-rule.nats)), 1e-17))
    ends = [np.clip((end - law.mu) / law.se, -widest, widest) for end in (low, high)]
    first, last = (np.arcsinh(end) for end in ends)
    x, weight = _nodes(rule.nodes)
    half = 0.5 * (last - first)[..., None]
    w = 0.5 * (first + last)[..., None] + half * x
    t = np.sinh(w)
    mass = half * weight * np.cosh(w) * t_density(t, law.df[..., None])
    mass *= law.weight[..., None]
    mu = law.mu[..., None] + law.se[..., None] * t
    a = m[..., None] * special.expit(mu) + law.events[..., None]
    b = m[..., None] * special.expit(-mu) + law.rest[..., None]
    return _Means(np.einsum("lp,lp->l", law.weight, t_cdf(ends[0], law.df)), mass, a, b)


def _cdf(law: BetaLaw, theta: FloatArray, rule: Rule) -> FloatArray:
    means = _means(law, theta, rule)
    below: FloatArray = np.einsum("lpj,lpj->l", means.mass, _beta_cdf(means.a, means.b, theta[..., None]))
    return below + means.below


def _density(law: BetaLaw, theta: FloatArray, rule: Rule) -> FloatArray:
    means = _means(law, theta, rule)
    log = _beta_log_density(means.a, means.b, np.broadcast_to(theta[..., None], means.a.shape))
    found: FloatArray = np.einsum("lpj,lpj->l", means.mass, np.exp(log))
    return found


@cache
def _nodes(nodes: int) -> tuple[FloatArray, FloatArray]:
    x, weight = np.polynomial.legendre.leggauss(nodes)
    return x, weight


def patients(rho: FloatArray) -> FloatArray:
    """Return the sum of the two beta parameters, ``(1 - rho) / rho``."""
    rho = np.clip(rho, 1 / _MOST_PATIENTS, 1 - 1 / _MOST_PATIENTS)
    return (1 - rho) / rho


def _zone(law: BetaLaw, theta: FloatArray, m: FloatArray, nats: float) -> tuple[FloatArray, FloatArray]:
    """Return the logits of p between which the beta distribution function is neither 1 nor 0.

    ``exp(-n KL)`` is below ``exp(-nats)`` beyond an angle of ``sqrt(4 nats / n)`` (Chernoff); P(rate > c) is
    at most p / c (Markov), and about ``p (1 - n log c)`` for small p.
    """
    angle = 2 * np.arctan2(np.exp(0.5 * special.log_expit(theta)), np.exp(0.5 * special.log_expit(-theta)))
    total = m + law.events + law.rest
    reach = np.sqrt(4 * nats / total)
    ends = []
    for side, here in ((-1.0, angle), (1.0, np.pi - angle)):
        within = here > reach
        chernoff = 2 * np.log(np.tan(0.5 * np.where(within, here - reach, 0.1)))
        log_c = special.log_expit(-side * theta)
        far = np.maximum(log_c, -np.log1p(-total * log_c)) - min(nats, _MARKOV)
        ends.append(-side * np.where(within, np.maximum(chernoff, far), far))
    if (law.events + law.rest).any():  # these are bounds of the mean with the study's own count
        for i, end in enumerate(ends):
            p, q = special.expit(end) * total - law.events, special.expit(-end) * total - law.rest
            inside = (p > 0) & (q > 0)
            logit = np.log(np.where(inside, p, 1.0)) - np.log(np.where(inside, q, 1.0))
            ends[i] = np.where(inside, logit, np.where(p > 0, np.inf, -np.inf))
    return ends[0], ends[1]


def _beta_cdf(a: FloatArray, b: FloatArray, theta: FloatArray) -> FloatArray:
    p, q = special.expit(theta), special.expit(-theta)
    upper = theta > 0
    first, second = np.where(upper, b, a), np.where(upper, a, b)
    value = special.betainc(first, second, np.where(upper, q, p))
    return np.where(upper, 1 - value, value)


def _beta_log_density(a: FloatArray, b: FloatArray, theta: FloatArray) -> FloatArray:
    """Return the log density of the logit, by Kullback-Leibler divergence where log gammas would cancel."""
    log = a * special.log_expit(theta) + b * special.log_expit(-theta)
    log -= special.betaln(a, b)
    large = (a >= 1) & (b >= 1) & (a + b > _CANCELS)
    if large.any():
        a, b, theta = a[large], b[large], theta[large]
        m, p, q = a + b, special.expit(theta), special.expit(-theta)
        falls = half_deviance(a, m, np.minimum(p, 0.5)), half_deviance(b, m, np.minimum(q, 0.5))
        rest = stirling_error(m) - stirling_error(a) - stirling_error(b)
        log[large] = rest - np.where(p < 0.5, *falls) + 0.5 * np.log(a / m * b / (2 * np.pi))
    return log


def lower_quantile(law: BetaLaw, tail: float) -> FloatArray:
    """Return the logit of the rate that a trial's rate is below with probability *tail*, shape (lanes,).

    Minus or plus infinity where that rate is 0 or 1 to the last digit; NaN where the law is not defined.
    The quantile above is that of :meth:`BetaLaw.mirrored`, mirrored.
    """
    out = np.full(law.weight.shape[0], np.nan)
    defined = np.isfinite(law.mu) & np.isfinite(law.se) & (law.df > 0) & ~np.isnan(law.rho)
    rows = np.flatnonzero(defined.all(axis=-1))
    if not rows.size:
        return out
    law = law.take(rows)
    theta = _solve(law, tail, np.clip(_start(law, tail), -_FARTHEST, _FARTHEST), _ROUGH)
    out[rows] = _solve(law, tail, np.clip(theta, -_FARTHEST, _FARTHEST), law.rule)
    return out


def _start(law: BetaLaw, tail: float) -> FloatArray:
    """Return the quantile of a normal logit with the moments of the law, to first order."""
    m = patients(law.rho)
    a, b = (m * special.expit(sign * law.mu) + own for sign, own in ((1, law.events), (-1, law.rest)))
    ratio = m / (m + law.events + law.rest)
    spread = (ratio * law.se) ** 2 + special.polygamma(1, a) + special.polygamma(1, b)
    centre = np.log(a) - np.log(b)
    mean = np.einsum("lp,lp->l", law.weight, centre)
    spread = np.minimum(spread, 1e4) + (centre - mean[:, None]) ** 2
    start: FloatArray = mean + special.ndtri(tail) * np.sqrt(np.einsum("lp,lp->l", law.weight, spread))
    return start


def _solve(law: BetaLaw, tail: float, start: FloatArray, rule: Rule) -> FloatArray:
    """Newton's method on the logarithm of the distribution function, inside a bracket."""
    theta = start.copy()
    low, high = np.full_like(theta, -_FARTHEST - 1), np.full_like(theta, _FARTHEST + 1)
    alive = np.arange(theta.size)
    for _ in range(_STEPS):
        here, some = theta[alive], law.take(alive)
        below = cdf(some, here, rule)
        slope = density(some, here, rule if rule is _ONE else _ROUGH)
        low[alive] = np.where(below < tail, here, low[alive])
        high[alive] = np.where(below < tail, high[alive], here)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            step = np.log(below / tail) * below / slope
        new = here - step
        inside = (new > low[alive]) & (new < high[alive])
        theta[alive] = np.where(inside, new, 0.5 * (low[alive] + high[alive]))
        moving = np.abs(theta[alive] - here) > rule.close * np.maximum(np.abs(here), 1.0)
        alive = alive[moving & (np.abs(theta[alive]) < _FARTHEST)]
        if not alive.size:
            break
    return np.where(theta <= -_FARTHEST, -np.inf, np.where(theta >= _FARTHEST, np.inf, theta))


def trial_limits(law: BetaLaw, tail: float) -> tuple[FloatArray, FloatArray]:
    """Return the logits between which a trial's rate lies but for *tail* on each side."""
    low, high = lower_quantile(law, tail), -lower_quantile(law.mirrored(), tail)
    return low, np.maximum(low, high)  # at a level near 0 they are nearer than both are known


def trial_mean(law: BetaLaw) -> FloatArray:
    """Return the mean of a trial's rate under each law, shape (lanes,)."""
    x, weight = _nodes(_NODES_OF_MEAN)
    most = np.arcsinh(t_quantile(law.df, _LEFT_OUT))[..., None]
    t = np.sinh(most * x)
    mass = weight * np.cosh(most * x) * t_density(t, law.df[..., None])
    p = (mass * special.expit(law.mu[..., None] + law.se[..., None] * t)).sum(axis=-1) / mass.sum(axis=-1)
    m = patients(law.rho)
    mean = np.einsum("lp,lp->l", law.weight, (m * p + law.events) / (m + law.events + law.rest))
    return np.asarray(mean, np.float64)
