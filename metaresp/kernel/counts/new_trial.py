"""What a new trial's theta may be when neither mu nor tau is known: a mixture of normals over tau.

tau gets its confidence distribution, see :mod:`metaresp.kernel.counts.confidence`; C(0) is a point mass at
tau = 0.  Given tau, the new theta is normal about mu(tau) with variance ``tau**2 + 1 / j(tau)``.
For k equal normal effects the mixture is Student's t about the mean, ``t_{k-1} s sqrt(1 + 1 / k)``.
"""

from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import BoolArray, FloatArray, IntArray, chunked
from metaresp.kernel.counts.binomial_normal import Fit
from metaresp.kernel.counts.confidence import Confidence, Curves, confidence
from metaresp.kernel.counts.effect_shapes import EFFECTS, EffectShape
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.profile_limits import tau_limits
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.effects.sums import inverse_variance

_DECREMENT = 1e-12  # squared step of mu in standard errors, after which log j is right to about 1e-9
_NATS = 24.0  # accuracy of the likelihood here: 4e-11; curves that are nearly flat divide by little
_FALL = 38.0  # twice the log-likelihood: beyond it C differs from 0 or 1 by less than 1e-8
_ROUGH = 4.0  # log-likelihood: the ends of the window need not be exact
_STILL = 1e-12  # step of a quantile
_LOWER = 1e-9  # share of a log-likelihood that is only rounding
_AT_ONCE = 1 << 21  # normals
_BY_LANE = ("weight", "mean", "sd", "tau")
_WIDEST = 250.0  # share of the scale that a unit may take up: 1 logit
_REACH = 9.0  # standard deviations beyond which a normal has no mass


class Mixture(NamedTuple):
    """What a new theta is drawn from at each of some tau; fields of shape (lanes, parts)."""

    weight: FloatArray  # sums to 1 over the parts
    mean: FloatArray
    sd: FloatArray  # that of theta as a whole
    tau: FloatArray  # at PLACES of its window
    root: FloatArray  # of W, signed: below 0 before the maximum
    plain: FloatArray  # profile log-likelihood, without the adjustment
    shape: EffectShape = EFFECTS["normal"]

    def normals(self) -> "Normals":
        """Return the normals themselves: where effects have several scales, as many for each tau."""
        if self.shape.normal:
            return Normals(self.weight, self.mean, self.sd)
        lanes, scales = len(self.weight), self.shape.scale.size
        more = (self.tau**2)[..., None] * (self.shape.scale**2 - 1)
        sd = np.sqrt(np.maximum((self.sd**2)[..., None] + more, 1e-300)).reshape(lanes, -1)
        weight = (self.weight[..., None] * self.shape.weight).reshape(lanes, -1)
        return Normals(weight, np.repeat(self.mean, scales, axis=-1), sd)


class Normals(NamedTuple):
    """Normals with their weights; fields of shape (lanes, parts)."""

    weight: FloatArray
    mean: FloatArray
    sd: FloatArray


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
    out = mixture_of(confidence(section, k), section.unit, counts.tau_max, counts.shape)
    ends = np.empty((2, k.size))
    for rows in chunked(k.size, out.tau.shape[1] * counts.shape.scale.size, _AT_ONCE):
        normals = out._replace(**{name: getattr(out, name)[rows] for name in _BY_LANE}).normals()
        ends[:, rows] = quantile(normals, tail), quantile(normals, 1 - tail)
    return out, ends[0], ends[1]


def mixture_of(
    found: Confidence, unit: FloatArray, most: float, shape: EffectShape = EFFECTS["normal"]
) -> Mixture:
    """Return the normals of a new theta from the confidence distribution of ``asinh(tau / unit)``."""
    tau = np.minimum(unit[:, None] * np.sinh(found.s), most)
    sd = np.sqrt(tau**2 + np.exp(-found.log_j))
    return Mixture(found.weight, found.mu, sd, tau, found.root, found.height + 0.5 * found.log_j, shape)


def _window(counts: CountSurface, fit: Fit) -> "_Section":
    """Return the lanes with the range of tau that matters.

    The nearest singularities in tau lie at about i times the standard error of a study's theta.
    """
    limits = tau_limits(counts, fit, np.full(fit.mu.size, _FALL), _ROUGH)
    common = counts.at(fit.mu_common, np.zeros_like(fit.mu))
    unit = np.sqrt(counts.copies.sum(axis=-1) / np.maximum(-common.d_a_a, 1e-12))
    unit = np.minimum(unit, counts.farthest / _WIDEST)
    low = np.arcsinh(limits.low / unit)
    high = np.arcsinh(np.minimum(limits.high, counts.tau_max) / unit)
    return _Section(counts, low, high, unit, fit.mu)


class _Section(NamedTuple):
    """Lanes and the range of tau in each, on the scale ``s = asinh(tau / unit)``."""

    counts: CountSurface
    low: FloatArray
    high: FloatArray
    unit: FloatArray
    centre: FloatArray  # mu at the maximum

    def take(self, rows: BoolArray | IntArray) -> "_Section":
        """Return some lanes."""
        return _Section(self.counts.take(rows), *(field[rows] for field in self[1:]))

    def guess(self, s: FloatArray) -> FloatArray:
        """Return where to look for mu at each tau: weighted means of empirical effects, or the maximum's."""
        tau = np.minimum(self.unit[:, None] * np.sinh(s), self.counts.tau_max)
        mean = _guess(self.counts, tau)
        if self.counts.one_hill:
            return mean
        rows, centre = np.repeat(np.arange(s.shape[0]), s.shape[1]), np.repeat(self.centre, s.shape[1])
        height = (self.counts.rough(rows, mu, tau.ravel()).reshape(s.shape) for mu in (mean.ravel(), centre))
        return np.where(np.less(*height), centre.reshape(s.shape), mean)

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
    before = np.full(mu.size, -np.inf)  # where the step began
    alive = np.arange(mu.size)
    for _ in range(60):
        s = counts.take(rows[alive]).at(mu[alive], tau[alive], _NATS)
        if not counts.one_hill:  # a step from one hill may end between two, lower: back, and a quarter of it
            higher = s.value >= before[alive] - _LOWER * (1 + np.abs(s.value))
            back = alive[~higher]
            mu[back] -= 0.75 * moved[back]
            moved[back] *= 0.25
            bend[back] = np.nan
            alive, s = alive[higher], s.take(higher)
            before[alive] = s.value
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
        if not counts.one_hill:
            alive = np.concatenate([alive, back])
        if not alive.size:
            break
    return Curves(mu, value - 0.5 * log_j, log_j)


def along_tau(counts: CountSurface, mu: FloatArray, tau: FloatArray) -> Curves:
    """Return the best mu of each lane at its *tau*, looked for from *mu*, with l(tau) and log(j(tau))."""
    return _ridge(counts, mu, tau, np.arange(mu.size))


def cdf(mixture: Normals, theta: FloatArray) -> FloatArray:
    """Return the probability of a new theta at most *theta*, shape (lanes,)."""
    below: FloatArray = np.einsum(
        "lp,lp->l", mixture.weight, special.ndtr((theta[:, None] - mixture.mean) / mixture.sd)
    )
    return below


def quantile(mixture: Normals, p: float) -> FloatArray:
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
