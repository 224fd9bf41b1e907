"""The interval of tau: quantiles of its confidence distribution, see :mod:`metaresp.kernel.counts.new_trial`.

``C(tau) = tail`` where the signed root of W is that of ``(k - 1) (u - 1 - log u)`` at the chi-square quantile
``(k - 1) u``.  The mixture of a new trial knows the root at 82 places of its window, which polynomials of
eight neighbours join; a limit beyond the window, at levels very near 1, is searched for.
"""

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts.binomial_normal import Fit
from metaresp.kernel.counts.new_trial import PLACES, Mixture, adjusted_profile
from metaresp.kernel.counts.profile_limits import Limits
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.numerics.roots import bracketed

_NEAR = 8  # places that a polynomial goes through
_CLOSE = 1e-9  # of tau, as a share of where the bracket starts


def confidence_limits(counts: CountSurface, fit: Fit, k: FloatArray, mixture: Mixture, tail: float) -> Limits:
    """Return the quantiles of tau at *tail* and ``1 - tail``; 0 and infinity where the data set no limit.

    The estimate of tau, which maximises the likelihood without adjustment, is always between them: at levels
    far below those in use it can lie beside the quantiles, and the interval is then drawn out to it.

    Parameters
    ----------
    counts : CountSurface
    fit : Fit
        The maximum of these lanes.
    k : float array, shape (lanes,)
        Number of studies, multiplicities counted; at least 2.
    mixture : Mixture
        That of a new trial in these lanes.
    tail : float
        Probability beyond each limit.
    """
    df = k - 1
    low, high = (
        _quantile(counts, mixture, _root(2 * inverse(df / 2, tail) / df, df), above)
        for inverse, above in ((special.gammainccinv, False), (special.gammaincinv, True))
    )
    return Limits(np.minimum(low, fit.tau), np.maximum(high, fit.tau))


def _root(u: FloatArray, df: FloatArray) -> FloatArray:
    """Return the signed root of W at u."""
    u = np.maximum(u, 1e-300)
    result: FloatArray = np.sign(1 - u) * np.sqrt(df * np.maximum(u - 1 - np.log(u), 0.0))
    return result


def _quantile(counts: CountSurface, mixture: Mixture, target: FloatArray, above: bool) -> FloatArray:
    """Return the outermost tau at which the signed root passes *target*, seen from below or from *above*."""
    root, tau = mixture.root, mixture.tau
    passed = root >= target[:, None]
    last = root.shape[1] - 1
    right = np.where(above, last + 1 - (~passed)[:, ::-1].argmax(axis=-1), passed.argmax(axis=-1))
    right = np.where(passed.all(axis=-1), 0, np.where(passed.any(axis=-1), right, last + 1))
    out = np.zeros(target.size)
    inside = np.flatnonzero((right > 0) & (right <= last))
    out[inside] = _between(root[inside], tau[inside], target[inside], right[inside])
    before, beyond = np.flatnonzero((right == 0) & (tau[:, 0] > 0)), np.flatnonzero(right > last)
    for lanes, edge, end in ((before, 0, 0.0), (beyond, -1, counts.tau_max)):
        if lanes.size:
            out[lanes] = _outside(counts.take(lanes), mixture, lanes, edge, target[lanes], end)
    return out


def _between(root: FloatArray, tau: FloatArray, target: FloatArray, right: IntArray) -> FloatArray:
    """Return tau where the root passes its target, between the place before *right* and that."""
    first = np.clip(right - _NEAR // 2, 0, PLACES.size - _NEAR)
    near = first[:, None] + np.arange(_NEAR)
    x = PLACES[near]
    gaps = x[:, :, None] - x[:, None, :] + np.eye(_NEAR)
    weight = 1 / gaps.prod(axis=-1)
    roots, taus = (np.take_along_axis(field, near, axis=1) for field in (root, tau))

    def joined(values: FloatArray, at: FloatArray, index: IntArray) -> FloatArray:
        away = at[:, None] - x[index]
        here = away == 0
        pull = np.where(here.any(axis=-1, keepdims=True), here, weight[index] / np.where(here, 1.0, away))
        result: FloatArray = (pull * values[index]).sum(axis=-1) / pull.sum(axis=-1)
        return result

    everyone = np.arange(target.size)
    ends = PLACES[right - 1], PLACES[right]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = bracketed(lambda at, index: joined(roots, at, index) - target[index], *ends, 1.0)
    at = np.where(np.isnan(found.value), ends[1], found.value)
    between = (np.take_along_axis(tau, (right + step)[:, None], axis=1)[:, 0] for step in (-1, 0))
    result: FloatArray = np.clip(joined(taus, at, everyone), *between)
    return result


def _outside(
    counts: CountSurface, mixture: Mixture, lanes: IntArray, edge: int, target: FloatArray, end: float
) -> FloatArray:
    """Search between the *edge* of the window and the *end* of tau's range; 0 or infinity if not there."""
    start = mixture.tau[lanes, edge]
    mu, height = adjusted_profile(counts, mixture.mean[lanes, edge], start)
    lowest = height + 0.5 * mixture.root[lanes, edge] ** 2 - 0.5 * target**2

    def excess(at: FloatArray, index: IntArray) -> FloatArray:
        tau = np.minimum(np.abs(np.sinh(at)), counts.tau_max)
        result: FloatArray = adjusted_profile(counts.take(index), mu[index], tau)[1] - lowest[index]
        return result

    far = np.full(lanes.size, np.arcsinh(end))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = bracketed(excess, np.arcsinh(start), far, _CLOSE).value
    never = excess(far, np.arange(lanes.size)) > 0
    result: FloatArray = np.where(np.isnan(found), start, np.sinh(found))
    result[never] = np.inf if end else 0.0
    return result
