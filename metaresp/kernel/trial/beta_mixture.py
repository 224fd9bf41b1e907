"""The rate of a new trial, or of one of the studies, after a fit of the beta-binomial model.

``likelihood`` mixes over the confidence distribution of rho, the logit of the mean a Student t about its best
value given rho; the other intervals take rho as it is estimated.
"""

from collections.abc import Callable

import numpy as np

from metaresp.arrays import FloatArray
from metaresp.kernel.counts.beta_intervals import BetaLanes
from metaresp.kernel.counts.intervals import CountInterval
from metaresp.kernel.counts.rho_confidence import rho_parts
from metaresp.kernel.trial.beta_law import BetaLaw, trial_limits
from metaresp.registry import Registry

BetaPrediction = Callable[[BetaLanes, float], CountInterval]
BETA_PREDICTION: Registry[BetaPrediction] = Registry("prediction")

_LEAST_WEIGHT = 1e-10  # of a part that is worth evaluating
_LEAST_DF = 2.0  # with one degree of freedom the interval is nearly everything


def mixture(lanes: BetaLanes) -> BetaLaw:
    """Return the law of a new trial over the confidence distribution of rho.

    Given rho the logit of the mean has the t distribution on k - 1 degrees of freedom, at least 2: with a
    normal one the interval of a new trial covers .91 to .93 where rates are low and differ much.
    """
    parts = rho_parts(lanes.data, lanes.fit, lanes.k)
    worth = (parts.weight > _LEAST_WEIGHT).any(axis=0)
    weight, rho, mu, se = (field[:, worth] for field in parts)
    none = np.zeros((weight.shape[0], 1))
    df = np.maximum(lanes.k - 1, _LEAST_DF)[:, None]
    return BetaLaw(mu, se, df, rho, weight / weight.sum(axis=-1, keepdims=True), none, none)


def study_laws(law: BetaLaw, x: FloatArray, n: FloatArray) -> BetaLaw:
    """Return the laws of the true rates of studies with these counts, shape (k,); *law* of one lane."""
    shared = law.take(np.zeros(x.size, dtype=np.int64))
    return shared._replace(events=x[:, None], rest=(n - x)[:, None])


@BETA_PREDICTION.add("likelihood")
def predict_likelihood(lanes: BetaLanes, tail: float) -> CountInterval:
    """Prediction interval that carries the uncertainty of the mean and of rho.

    Quantiles of beta distributions over the confidence distribution of rho, see
    :mod:`metaresp.kernel.counts.rho_confidence`, with the logit of the mean a t on k - 1 (at least 2) degrees
    of freedom about its best value given rho.  R: none.

    Parameters
    ----------
    lanes : BetaLanes
    tail : float
        Probability beyond each limit.

    Returns
    -------
    CountInterval
        On the logit scale; infinite where a limit is a rate of 0 or 1.
    """
    return around_estimate(mixture(lanes), lanes, tail)


def around_estimate(law: BetaLaw, lanes: BetaLanes, tail: float) -> CountInterval:
    """Return the interval of a law of new trials, the estimate inside."""
    low, high = trial_limits(law, tail)
    mu = lanes.fit.mu
    return CountInterval(np.minimum(low, mu), np.maximum(high, mu), np.full_like(mu, np.nan))


def _limits(lanes: BetaLanes, df: FloatArray, tail: float) -> CountInterval:
    fit = lanes.fit
    return CountInterval(*trial_limits(BetaLaw.of(fit.mu, fit.se, df, fit.rho), tail), df)


@BETA_PREDICTION.add("hts")
def predict_hts(lanes: BetaLanes, tail: float) -> CountInterval:
    """Prediction interval with the logit of the mean rate a t on k - 2 degrees of freedom, rho as estimated.

    The same degrees of freedom as Higgins, Thompson and Spiegelhalter (2009), JRSS A 172, eq. (12), with
    the beta distribution in the place of the normal one.  Parameters as in :func:`predict_likelihood`.
    """
    return _limits(lanes, lanes.k - 2, tail)


@BETA_PREDICTION.add("t")
def predict_t(lanes: BetaLanes, tail: float) -> CountInterval:
    """Prediction interval with a t on k - 1 degrees of freedom; as :func:`predict_hts`."""
    return _limits(lanes, lanes.k - 1, tail)


@BETA_PREDICTION.add("normal")
def predict_normal(lanes: BetaLanes, tail: float) -> CountInterval:
    """Prediction interval with a normal logit of the mean rate; as :func:`predict_hts`."""
    return _limits(lanes, np.full_like(lanes.k, np.inf), tail)
