"""The interval of tau: quantiles of its confidence distribution, see :mod:`metaresp.kernel.counts.new_trial`.

``C(tau) = tail`` where the signed root of W is that of ``m (u - 1 - log u)`` with ``m u`` the chi-square
quantile on k - 1 degrees of freedom and ``m = k - 1``.  Where a study is at 0 or n the adjusted likelihood
hardly falls towards large tau, and small tau is then ruled out too soon.  The profile likelihood without the
adjustment, with ``m = k``, has the same quantiles for k equal normal effects and falls: a lower limit is the
lower of the two.

The mixture of a new trial knows both curves at 82 places of its window, which polynomials of eight neighbours
join; a limit beyond the window, at levels very near 1, is searched for.
"""

from typing import NamedTuple

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts.binomial_normal import Fit
from metaresp.kernel.counts.confidence import PLACES
from metaresp.kernel.counts.new_trial import Mixture, along_tau
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.numerics.profile import Limits
from metaresp.kernel.numerics.roots import bracketed

_NEAR = 8  # places that a polynomial goes through
_CLOSE = 1e-9  # of tau, as a share of where the bracket starts


class _Curve(NamedTuple):
    """A likelihood of tau by the signed root of twice its fall, at PLACES of the lanes' windows."""

    counts: CountSurface
    parts: Mixture
    root: FloatArray  # shape (lanes, parts)
    adjusted: bool


def confidence_limits(counts: CountSurface, fit: Fit, k: FloatArray, mixture: Mixture, tail: float) -> Limits:
    """Return the limits of tau with *tail* beyond each; 0 and infinity where the data set no limit.

    The estimate, which maximises the likelihood without adjustment, is always between them: at levels far
    below those in use it can lie beside the quantiles, and the interval is then drawn out to it.

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
    small, large = (
        np.maximum(2 * inverse((k - 1) / 2, tail), 1e-300)
        for inverse in (special.gammaincinv, special.gammainccinv)
    )
    side = np.where(mixture.tau > fit.tau[:, None], 1.0, -1.0)
    plain = side * np.sqrt(np.maximum(2 * (fit.top[:, None] - mixture.plain), 0.0))
    curve = _Curve(counts, mixture, mixture.root, adjusted=True)
    high = _quantile(curve, _root(small, k - 1), above=True)
    low = _quantile(curve, _root(large, k - 1), above=False)
    other = _quantile(_Curve(counts, mixture, plain, adjusted=False), _root(large, k), above=False)
    return Limits(np.minimum(np.minimum(low, other), fit.tau), np.maximum(high, fit.tau))


def _root(chi_square: FloatArray, m: FloatArray) -> FloatArray:
    """Return the signed root of twice the fall at a chi-square quantile."""
    u = chi_square / m
    root: FloatArray = np.sign(1 - u) * np.sqrt(m * np.maximum(u - 1 - np.log(u), 0.0))
    return root


def _quantile(curve: _Curve, target: FloatArray, above: bool) -> FloatArray:
    """Return the outermost tau at which the signed root passes *target*, seen from below or from *above*."""
    root, tau = curve.root, curve.parts.tau
    passed = root >= target[:, None]
    last = root.shape[1] - 1
    right = last + 1 - (~passed)[:, ::-1].argmax(axis=-1) if above else passed.argmax(axis=-1)
    right = np.where(passed.all(axis=-1), 0, np.where(passed.any(axis=-1), right, last + 1))
    out = np.zeros(target.size)
    inside = np.flatnonzero((right > 0) & (right <= last))
    out[inside] = _between(root[inside], tau[inside], target[inside], right[inside])
    before, beyond = np.flatnonzero((right == 0) & (tau[:, 0] > 0)), np.flatnonzero(right > last)
    for lanes, edge, end in ((before, 0, 0.0), (beyond, -1, curve.counts.tau_max)):
        if lanes.size:
            out[lanes] = _outside(curve, lanes, edge, target[lanes], end)
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


def _outside(curve: _Curve, lanes: IntArray, edge: int, target: FloatArray, end: float) -> FloatArray:
    """Search between the *edge* of the window and the *end* of tau's range; 0 or infinity if not there."""
    counts, start = curve.counts.take(lanes), curve.parts.tau[lanes, edge]
    mu = curve.parts.mean[lanes, edge]

    def height(tau: FloatArray, index: IntArray) -> FloatArray:
        _, adjusted, log_j = along_tau(counts.take(index), mu[index], np.minimum(tau, counts.tau_max))
        return adjusted if curve.adjusted else adjusted + 0.5 * log_j

    everyone = np.arange(lanes.size)
    lowest = height(start, everyone) + 0.5 * curve.root[lanes, edge] ** 2 - 0.5 * target**2

    def excess(at: FloatArray, index: IntArray) -> FloatArray:
        result: FloatArray = height(np.abs(np.sinh(at)), index) - lowest[index]
        return result

    far = np.full(lanes.size, np.arcsinh(end))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = bracketed(excess, np.arcsinh(start), far, _CLOSE).value
    never = excess(far, everyone) > 0
    result: FloatArray = np.where(np.isnan(found), start, np.sinh(found))
    result[never] = np.inf if end else 0.0
    return result
