"""What a new trial's theta may be when neither mu nor tau is known: a mixture of normals over tau.

tau gets its confidence distribution, see :mod:`metaresp.kernel.counts.confidence`; C(0) is a point mass at
tau = 0.  Given tau, the new theta is normal about mu(tau) with variance ``tau**2 + 1 / j(tau)``.
For k equal normal effects the mixture is Student's t about the mean, ``t_{k-1} s sqrt(1 + 1 / k)``.
"""

from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts.binomial_normal import Fit
from metaresp.kernel.counts.confidence import Confidence, Curves, confidence
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.profile_limits import tau_limits
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.effects.sums import inverse_variance

_DECREMENT = 1e-12  # squared step of mu in standard errors, after which log j is right to about 1e-9
_NATS = 24.0  # accuracy of the likelihood here: 4e-11; curves that are nearly flat divide by little
_FALL = 38.0  # twice the log-likelihood: beyond it C differs from 0 or 1 by less than 1e-8
_ROUGH = 4.0  # log-likelihood: the ends of the window need not be exact
_STILL = 1e-12  # step of a quantile
_WIDEST = 250.0  # share of the scale that a unit may take up: 1 logit
_REACH = 9.0  # standard deviations beyond which a normal has no mass


class Mixture(NamedTuple):
    """Normals that a new theta is drawn from, one for each of some tau; fields of shape (lanes, parts)."""

    weight: FloatArray  # sums to 1 over the parts
    mean: FloatArray
    sd: FloatArray
    tau: FloatArray  # at PLACES of its window
    root: FloatArray  # of W, signed: below 0 before the maximum
    plain: FloatArray  # profile log-likelihood, without the adjustment


def tau_mixture(
    counts: CountSurface, fit: Fit, k: FloatArray, tail: float
) -> tuple[Mixture, FloatArray, FloatArray]:
    """Return the mixture of each lane and its quantiles at *tail* and ``1 - tail``.

    Parameters
    ----------
    counts : CountSurface
    fit : Fit
        The maximum of these lanes.
    k : float array, shape (lanes,)
        Number of studies, multiplicities counted; at least 2.
    tail : float

    Returns
    -------
    Mixture, float array, float array
        Quantiles of shape (lanes,).
    """
    section = _window(counts, fit)
    out = mixture_of(confidence(section, k), section.unit, counts.tau_max)
    return out, quantile(out, tail), quantile(out, 1 - tail)


def mixture_of(found: Confidence, unit: FloatArray, most: float) -> Mixture:
    """Return the normals of a new theta from the confidence distribution of ``asinh(tau / unit)``."""
    tau = np.minimum(unit[:, None] * np.sinh(found.s), most)
    sd = np.sqrt(tau**2 + np.exp(-found.log_j))
    return Mixture(found.weight, found.mu, sd, tau, found.root, found.height + 0.5 * found.log_j)


def _window(counts: CountSurface, fit: Fit) -> "_Section":
    """Return the lanes with the range of tau that matters.

    The nearest singularities in tau lie at about i times the standard error of a study's theta.
    """
    limits = tau_limits(counts, fit, np.full(fit.mu.size, _FALL), _ROUGH)
    common = counts.at(fit.mu_common, np.zeros_like(fit.mu))
    unit = np.sqrt(counts.copies.sum(axis=-1) / np.maximum(-common.d_a_a, 1e-12))
    unit = np.minimum(unit, counts.farthest / _WIDEST)
    low = np.arcsinh(limits.low / unit)
    return _Section(counts, low, np.arcsinh(np.minimum(limits.high, counts.tau_max) / unit), unit)


class _Section(NamedTuple):
    """Lanes and the range of tau in each, on the scale ``s = asinh(tau / unit)``."""

    counts: CountSurface
    low: FloatArray
    high: FloatArray
    unit: FloatArray

    def take(self, rows: BoolArray | IntArray) -> "_Section":
        """Return some lanes."""
        return _Section(self.counts.take(rows), *(field[rows] for field in self[1:]))

    def guess(self, s: FloatArray) -> FloatArray:
        """Return where to look for mu at each tau: weighted means of empirical effects."""
        tau = np.minimum(self.unit[:, None] * np.sinh(s), self.counts.tau_max)
        return _guess(self.counts, tau)

    def ridge(self, mu: FloatArray, s: FloatArray, rows: IntArray) -> Curves:
        """Climb to the best mu at each tau by Newton's method."""
        return _ridge(self.counts, mu, np.minimum(self.unit[rows] * np.sinh(s), self.counts.tau_max), rows)


def _guess(counts: CountSurface, tau: FloatArray) -> FloatArray:
    link, p = LINKS[counts.link], (counts.x + 0.5) / (counts.n + 1)
    y = np.clip(link.forward(p), -link.farthest, link.farthest)
    terms = link.log_terms(y)
    v = 1 / np.maximum(counts.n * p * (1 - p) * (terms.d_log_p - terms.d_log_q) ** 2, 1e-100)
    w = counts.copies[:, None] * inverse_variance(v[:, None], tau[..., None] ** 2)
    mean: FloatArray = (w * y[:, None]).sum(axis=-1) / w.sum(axis=-1)
    return mean


def _ridge(counts: CountSurface, mu: FloatArray, tau: FloatArray, rows: IntArray) -> Curves:
    """Climb to the best mu at each tau by Newton's method.

    How the curvature changed over the last step tells the third derivative, which corrects the next step and
    what is read off at its end: a lane is done one evaluation sooner.
    """
    mu = mu.copy()
    value, log_j = np.empty_like(mu), np.empty_like(mu)
    bend, moved = np.full(mu.size, np.nan), np.zeros(mu.size)  # second derivative, and the step since
    alive = np.arange(mu.size)
    for _ in range(60):
        s = counts.take(rows[alive]).at(mu[alive], tau[alive], _NATS)
        curve = np.maximum(np.abs(s.d_a_a), 1e-12)
        third = (s.d_a_a - bend[alive]) / moved[alive]
        newton = s.d_a / curve
        third = np.where(
            np.abs(third * newton) < 0.5 * curve, third, 0.0
        )  # 0 at the first, and where far off
        step = newton + 0.5 * third * newton * newton / curve
        value[alive] = s.value + step * (s.d_a - step * (0.5 * curve - step * third / 6))
        log_j[alive] = np.log(curve - third * step)
        longest = counts.farthest / _WIDEST + tau[alive]
        bend[alive], moved[alive] = s.d_a_a, np.clip(step, -longest, longest)
        mu[alive] += moved[alive]
        alive = alive[np.abs(newton * s.d_a) > _DECREMENT]
        if not alive.size:
            break
    return Curves(mu, value - 0.5 * log_j, log_j)


def along_tau(counts: CountSurface, mu: FloatArray, tau: FloatArray) -> Curves:
    """Return the best mu of each lane at its *tau*, looked for from *mu*, with l(tau) and log(j(tau))."""
    return _ridge(counts, mu, tau, np.arange(mu.size))


def cdf(mixture: Mixture, theta: FloatArray) -> FloatArray:
    """Return the probability of a new theta at most *theta*, shape (lanes,)."""
    below: FloatArray = np.einsum(
        "lp,lp->l", mixture.weight, special.ndtr((theta[:, None] - mixture.mean) / mixture.sd)
    )
    return below


def quantile(mixture: Mixture, p: float) -> FloatArray:
    """Return the quantile at *p* of each lane's mixture, shape (lanes,): Newton's method, bracketed."""
    low = (mixture.mean - _REACH * mixture.sd).min(axis=-1)
    high = (mixture.mean + _REACH * mixture.sd).max(axis=-1)
    mean = np.einsum("lp,lp->l", mixture.weight, mixture.mean)
    sd = np.sqrt(np.einsum("lp,lp->l", mixture.weight, mixture.sd**2 + (mixture.mean - mean[:, None]) ** 2))
    theta: FloatArray = np.clip(mean + special.ndtri(p) * sd, low, high)
    alive = np.arange(theta.size)
    for _ in range(100):
        here = theta[alive]
        z = (here[:, None] - mixture.mean[alive]) / mixture.sd[alive]
        weight = mixture.weight[alive]
        excess = np.einsum("lp,lp->l", weight, special.ndtr(z)) - p
        density = np.einsum("lp,lp->l", weight, np.exp(-0.5 * z * z) / mixture.sd[alive]) / np.sqrt(2 * np.pi)
        low[alive] = np.where(excess < 0, here, low[alive])
        high[alive] = np.where(excess < 0, high[alive], here)
        left, right = low[alive], high[alive]
        new = here - excess / np.maximum(density, 1e-300)
        new = np.where((new > left) & (new < right), new, 0.5 * (left + right))
        theta[alive] = new
        alive = alive[(np.abs(new - here) > _STILL * (1 + np.abs(here))) & (right - left > _STILL)]
        if not alive.size:
            break
    return theta
