"""Intervals of mu from the profile likelihood of a count model, and the tests they invert.

Each is a *calibration*: the critical value that twice the fall of the profile log-likelihood from its
maximum is held against, and the p-value of such a fall.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts import resampling
from metaresp.kernel.counts.registry import CountInterval, Profiled, ProfileMethod
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.registry import Registry

_ONE_STUDY = 2.5  # the factor where one study outweighs all others
LIKELIHOOD_CI: Registry[ProfileMethod] = Registry("ci")


class Calibration(NamedTuple):
    """The reference distribution of twice the fall of the profile log-likelihood."""

    critical: Callable[[Profiled, float], FloatArray]  # of the tail probability on each side; shape (lanes,)
    pvalue: Callable[[Profiled, FloatArray], FloatArray]  # two-sided, of falls of shape (lanes, points)


def _squared_normal(lanes: Profiled, tail: float) -> FloatArray:
    return t_quantile(np.full_like(lanes.k, np.inf), tail) ** 2


def _squared_t(lanes: Profiled, tail: float) -> FloatArray:
    return t_quantile(lanes.k - 1, tail) ** 2


def _two_sided_t(df: FloatArray, squared: FloatArray) -> FloatArray:
    p: FloatArray = 2 * special.stdtr(df, -np.sqrt(squared))
    return p


def _df(lanes: Profiled) -> FloatArray:
    return lanes.k[:, None] - 1


def _factor(lanes: Profiled) -> FloatArray:
    return bartlett_factor(lanes.information(), lanes.copies)


CALIBRATIONS: Mapping[str, Calibration] = {
    "profile": Calibration(_squared_normal, lambda lanes, fall: special.chdtrc(1, fall)),
    "profile-t": Calibration(_squared_t, lambda lanes, fall: _two_sided_t(_df(lanes), fall)),
    "profile-f": Calibration(
        lambda lanes, tail: lanes.k * np.log1p(_squared_t(lanes, tail) / (lanes.k - 1)),
        lambda lanes, fall: _two_sided_t(
            _df(lanes), _df(lanes) * np.expm1(np.minimum(fall / lanes.k[:, None], 700))
        ),
    ),
    "bartlett": Calibration(
        lambda lanes, tail: _squared_normal(lanes, tail) * _factor(lanes),
        lambda lanes, fall: special.chdtrc(1, fall / _factor(lanes)[:, None]),
    ),
    "bootstrap": Calibration(
        lambda lanes, tail: resampling.critical(lanes.drawn(), tail),
        lambda lanes, fall: resampling.pvalue(lanes.drawn(), fall),
    ),
}


def pvalues(name: str, lanes: Profiled, mu: FloatArray) -> FloatArray:
    """Return the two-sided p-values, by the calibration *name*, of several values of mu for each lane.

    Each is one minus the level at which the interval of that name ends at that mu, so that p rises towards
    the estimate also where the profile has several hills.

    Parameters
    ----------
    name : str
    lanes : Profiled
    mu : float array, shape (lanes, points)

    Returns
    -------
    float array, shape (lanes, points)
    """
    return CALIBRATIONS[name].pvalue(lanes, each_lane(lanes.fall, mu))


def each_lane(fall: Callable[[FloatArray, IntArray], FloatArray], at: FloatArray) -> FloatArray:
    """Return the falls of each lane at its values *at*, shape (lanes, points)."""
    rows = np.repeat(np.arange(at.shape[0]), at.shape[1])
    return fall(at.ravel(), rows).reshape(at.shape)


def _limits(name: str, lanes: Profiled, tail: float) -> CountInterval:
    low, high = lanes.limits(CALIBRATIONS[name].critical(lanes, tail))
    return CountInterval(low, high, np.full_like(lanes.k, np.inf))


@LIKELIHOOD_CI.add("profile")
def profile(lanes: Profiled, tail: float) -> CountInterval:
    """Profile-likelihood interval: where twice the log-likelihood has fallen by a chi-square quantile.

    R: none; ``lme4::confint(method="profile")`` with nAGQ = 1 comes near for the binomial-normal model, and
    ``VGAM::vglm(betabinomial)`` has the likelihood of the beta-binomial.
    Parameters: see :class:`metaresp.kernel.counts.registry.ProfileMethod`.
    """
    return _limits("profile", lanes, tail)


@LIKELIHOOD_CI.add("profile-t")
def profile_t(lanes: Profiled, tail: float) -> CountInterval:
    """Profile-likelihood interval with the square of a t quantile on k - 1 degrees of freedom.

    Parameters: see :class:`metaresp.kernel.counts.registry.ProfileMethod`.
    """
    return _limits("profile-t", lanes, tail)._replace(df=lanes.k - 1)


@LIKELIHOOD_CI.add("profile-f")
def profile_f(lanes: Profiled, tail: float) -> CountInterval:
    """Profile-likelihood interval whose critical value is exact for k equal normal means.

    There twice the fall of the log-likelihood is ``k log(1 + t**2 / (k - 1))`` with Student's t on k - 1
    degrees of freedom, and so is the critical value.  Too narrow where one study outweighs the rest.

    R: none.  Parameters: see :class:`metaresp.kernel.counts.registry.ProfileMethod`.
    """
    return _limits("profile-f", lanes, tail)


@LIKELIHOOD_CI.add("bartlett")
def bartlett(lanes: Profiled, tail: float) -> CountInterval:
    """Profile-likelihood interval with Bartlett's correction for the number and sizes of the studies.

    The critical value is a chi-square quantile times :func:`bartlett_factor`.

    R: none.  Parameters: see :class:`metaresp.kernel.counts.registry.ProfileMethod`.
    """
    return _limits("bartlett", lanes, tail)


@LIKELIHOOD_CI.add("bootstrap")
def bootstrap(lanes: Profiled, tail: float) -> CountInterval:
    """Profile-likelihood interval with a critical value from data sets drawn at the fitted values.

    Parametric bootstrap of twice the fall of the profile log-likelihood at the fitted mu, see
    :mod:`metaresp.kernel.counts.resampling`.

    R: none.  Parameters: see :class:`metaresp.kernel.counts.registry.ProfileMethod`.
    """
    return _limits("bootstrap", lanes, tail)


def bartlett_factor(w: FloatArray, copies: FloatArray) -> FloatArray:
    """Return the mean of twice the fall of the profile log-likelihood at the true mu.

    To first order it is, with ``S_r = sum copies w**r`` over each study's information w about mu given tau,

        ``1 + 2 S_3 / (S_1 S_2) - S_2 / (2 S_1**2)`` ,

    Lawley's expansion (1956, Biometrika 43:295) for normal effects with mean mu and variance
    ``1 / w = v + tau2``: ``1 + 3 / (2 k)`` for k equal studies and 2.5 where one outweighs all others.  For
    equal studies the exact mean is ``k (psi(k / 2) - psi((k - 1) / 2))``, 2.77, 1.84, 1.55 and 1.40 at 2 to 5
    studies.  The expansion is mapped linearly so that it is that for equal studies, and still 2.5 where one
    outweighs all others.

    Parameters
    ----------
    w, copies : float array, shape (lanes, k)

    Returns
    -------
    float array, shape (lanes,)
    """
    share = w / w.max(axis=-1, keepdims=True)
    s1, s2, s3 = (np.einsum("lk,lk->l", copies, share**power) for power in (1, 2, 3))
    expansion = 1 + 2 * s3 / (s1 * s2) - s2 / (2 * s1 * s1)
    k = np.maximum(copies.sum(axis=-1), 2.0)
    exact = k * (special.digamma(k / 2) - special.digamma((k - 1) / 2))
    factor: FloatArray = _ONE_STUDY - (_ONE_STUDY - exact) * (_ONE_STUDY - expansion) / (1.5 - 1.5 / k)
    return factor
