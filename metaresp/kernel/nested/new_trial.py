"""What a new study of a new cluster may be when neither mu nor the two variances are known.

As :mod:`metaresp.kernel.counts.new_trial` with tau the root of the sum of both variances, whose split is a
nuisance as mu is: the profile is over both, and the confidence distribution has one degree of freedom less
than there are clusters.  Curves of tau are sampled at one set of Chebyshev points: where the best split
leaves an edge they have a kink, and more points would gain little.
"""

import numpy as np

from metaresp.arrays import FloatArray
from metaresp.kernel.counts.confidence import Curves, integrated
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.new_trial import Normals, mixture_of, quantile
from metaresp.kernel.nested.climb import Best, polar
from metaresp.kernel.nested.counts import NestedFit, free_of
from metaresp.kernel.nested.likelihood import evaluate
from metaresp.kernel.nested.nodes import Nested
from metaresp.kernel.nested.profile import ANGLES, Profile, limits, ridge, total_of

_LEVEL = 24  # Chebyshev intervals: limits are then right to a hundredth or two of the interval's width
_NATS = 18.0  # accuracy of the likelihood here: 2e-8
_FALL = 24.0  # twice the log-likelihood: what lies beyond is a point mass at the end
_ROUGH = 1e-5  # log-likelihood: accuracy of the ends of the window


def nested_mixture(
    data: Nested, fit: NestedFit, k: FloatArray, tail: float
) -> tuple[Normals, FloatArray, FloatArray]:
    """Return the mixture of each lane and its quantiles at *tail* and ``1 - tail``.

    Parameters
    ----------
    data : Nested
    fit : NestedFit
        The maximum of these lanes.
    k : float array, shape (lanes,)
        Number of clusters; at least 2.
    tail : float

    Returns
    -------
    Normals, float array, float array
        Quantiles of shape (lanes,).
    """
    data = data._replace(nats=min(data.nats, _NATS))
    lanes, points = k.size, _LEVEL + 1
    profile, top = _over_total(data, fit)
    most = LINKS[data.link].tau_max
    ends = limits(profile, top, np.full(lanes, _FALL), (0.0, most), _ROUGH)
    unit = _unit(data, k)
    low, high = (np.arcsinh(end / unit) for end in ends)
    s = 0.5 * (low + high)[:, None] - 0.5 * (high - low)[:, None] * np.cos(np.pi * np.arange(points) / _LEVEL)
    tau = np.minimum(unit[:, None] * np.sinh(s), most)
    start = np.repeat(top.at, points, axis=0)
    start[:, 1] = tau.ravel()
    found = ridge(profile, np.repeat(np.arange(lanes), points), start, np.full(tau.size, np.inf))
    log_j = np.log(np.maximum(-found.points.hessian[:, 0, 0], 1e-12)).reshape(tau.shape)
    value = found.points.value.reshape(tau.shape)
    curves = Curves(found.at[:, 0].reshape(tau.shape), value - 0.5 * log_j, log_j)
    out = mixture_of(integrated(curves, low, high, k), unit, most).normals()
    return out, quantile(out, tail), quantile(out, 1 - tail)


def _over_total(data: Nested, fit: NestedFit) -> tuple[Profile, Best]:
    """Return the profile of the total spread, and its maximum."""
    lanes, at = len(data.x), total_of(fit.at)
    both = free_of(data).sum(axis=-1) == 3
    free = np.stack([np.ones(lanes, dtype=np.bool_), np.zeros(lanes, dtype=np.bool_), both], axis=1)
    scanned = np.where(both[:, None], ANGLES, at[:, 2:])
    return Profile(polar(data), 1, free, {2: scanned}), Best.alone(at, fit.best.value)


def _unit(data: Nested, k: FloatArray) -> FloatArray:
    """Return the standard error of a cluster's mean were there one rate."""
    events, total = ((data.copies * field).sum(axis=-1) for field in (data.x, data.n))
    at = np.zeros((k.size, 3))
    at[:, 0] = LINKS[data.link].forward(events / total)
    curve = -evaluate(data, at, _NATS).hessian[:, 0, 0]
    result: FloatArray = np.minimum(np.sqrt(k / np.maximum(curve, 1e-12)), 1.0)
    return result
