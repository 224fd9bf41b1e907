"""How the effects of studies are spread about their mean: normal, or a scale mixture of normals.

A study's effect is ``theta = mu + tau s z`` with z standard normal and s one of some scales, each with its
weight.  A sum over scales of the normal model's likelihoods is then the likelihood, so that whatever serves
normal effects serves these.  Scales are standardised: tau**2 is the variance of effects in every form.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from metaresp.arrays import FloatArray
from metaresp.kernel.counts.moments import Moments
from metaresp.registry import Registry

_T_STEP = 0.25  # of log h
_T_NODES: FloatArray = _T_STEP * np.arange(-20.0, 5.0, dtype=np.float64)  # log h
_WIDE = 0.1  # share of wide effects in the mixture
_TIMES = 3.0  # how much wider these are


class EffectShape(NamedTuple):
    """One form of the effects.

    Attributes
    ----------
    scale, weight : float array, shape (scales,)
        Weights sum to 1, and ``scale**2`` has the mean 1.
    words : str
        What effects are called; empty for normal ones.
    marks : bool
        Whether the last scale is that of outlying studies.
    """

    scale: FloatArray
    weight: FloatArray
    words: str = ""
    marks: bool = False

    @property
    def normal(self) -> bool:
        """Whether there is only one scale."""
        return self.scale.size == 1

    def draw(self, rng: Generator, size: tuple[int, int]) -> FloatArray:
        """Return standardised effects drawn at random."""
        z: FloatArray = rng.standard_normal(size)
        return z if self.normal else z * rng.choice(self.scale, size, p=self.weight)


class ByScale(NamedTuple):
    """The likelihood of each study at each scale; arrays of shape (lanes, scales, k).

    Attributes
    ----------
    share : float array
        Probability of each scale given the study's count.
    value : float array, shape (lanes, k)
        Log-likelihood of all scales together.
    parts : Moments
        Of each scale alone, by mu and by the spread of that scale.
    scale : float array, shape (lanes, scales, 1)
        How that spread moves with tau.
    """

    share: FloatArray
    value: FloatArray
    parts: Moments
    scale: FloatArray

    def joined(self) -> Moments:
        """Return log-likelihood and derivatives of all scales together."""
        share, scale = self.share, self.scale
        _, d_mu, d_tau, d_mu_mu, d_mu_tau, d_tau_tau = self.parts
        d_tau = d_tau * scale
        mean_mu, mean_tau = self.mean(d_mu), self.mean(d_tau)
        by_mu, by_tau = d_mu - mean_mu[:, None], d_tau - mean_tau[:, None]
        return Moments(
            self.value,
            mean_mu,
            mean_tau,
            np.einsum("ljk,ljk->lk", share, d_mu_mu + by_mu * by_mu),
            np.einsum("ljk,ljk->lk", share, d_mu_tau * scale + by_mu * by_tau),
            np.einsum("ljk,ljk->lk", share, d_tau_tau * scale * scale + by_tau * by_tau),
        )

    def mean(self, each: FloatArray) -> FloatArray:
        """Return the mean over scales given the study's count, shape (lanes, k)."""
        result: FloatArray = np.einsum("ljk,ljk->lk", self.share, each)
        return result


def spreads(shape: EffectShape, tau: FloatArray, largest: float) -> FloatArray:
    """Return the standard deviation of each scale, at most the *largest*; shape (lanes, scales)."""
    result: FloatArray = np.minimum(tau[:, None] * shape.scale, largest)
    return result


def by_scale(shape: EffectShape, parts: Moments, tau: FloatArray, spread: FloatArray) -> ByScale:
    """Join what is known of every scale.

    Parameters
    ----------
    shape : EffectShape
    parts : Moments
        Fields of shape (lanes, scales, k).
    tau : float array, shape (lanes,)
    spread : float array, shape (lanes, scales)
        That of each scale at that tau.
    """
    share, value = posterior(shape, parts.value)
    moves = np.where(spread < tau[:, None] * shape.scale, 0.0, shape.scale)
    return ByScale(share, value, parts, moves[..., None])


def posterior(shape: EffectShape, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the probability of each scale, and the log-likelihood of all, from those of each.

    Parameters
    ----------
    shape : EffectShape
    value : float array, shape (..., scales, k)
    """
    logs = value + np.log(shape.weight)[:, None]
    top = logs.max(axis=-2, keepdims=True)
    share = np.exp(np.maximum(logs - top, -700.0))
    total = share.sum(axis=-2, keepdims=True)
    return share / total, (top + np.log(total))[..., 0, :]


def student_t(log_h: FloatArray = _T_NODES) -> EffectShape:
    """Return Student's t with 4 degrees of freedom as a mixture over its precisions.

    ``theta = mu + tau z / (h sqrt(2))`` with ``h**2`` of the gamma distribution with shape 2 and rate 2, and
    variance ``4 / (4 - 2) = 2`` before it is standardised.  The trapezoidal rule in log h, where the density
    is ``h**4 exp(-2 h**2)``, has errors that fall as ``exp(-pi**2 / (2 step))``.  Scales as far as 105 give a
    study's log-likelihood to 1e-6 within 10 standard deviations and to 2e-4 at 20; Gauss rules of as many
    nodes lose the tails.
    """
    weight = np.exp(4 * log_h - 2 * np.exp(2 * log_h))
    return EffectShape(np.exp(-log_h) / np.sqrt(2.0), weight / weight.sum(), "t effects with 4 df")


def contaminated(wide: float = _WIDE, times: float = _TIMES) -> EffectShape:
    """Return a mixture of usual effects and a share of *wide* ones, *times* as far spread (Tukey 1960)."""
    scale, weight = np.array([1.0, times]), np.array([1 - wide, wide])
    words = f"effects of which {wide:.0%} are {times:g} times as far spread"
    return EffectShape(scale / np.sqrt(weight @ scale**2), weight, words, True)


EFFECTS: Registry[EffectShape] = Registry("effects")
EFFECTS.add("normal")(EffectShape(np.ones(1), np.ones(1)))
EFFECTS.add("t")(student_t())
EFFECTS.add("mixture")(contaminated())
