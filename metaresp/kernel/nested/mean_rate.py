"""Intervals of the rate averaged over trials, studies being nested in clusters.

As in :mod:`metaresp.kernel.counts.mean_rate` the logit psi of the mean rate takes the place of mu; of the two
standard deviations it knows the root of the sum of squares only.
"""

import numpy as np

from metaresp.arrays import BoolArray, FloatArray, IntArray
from metaresp.kernel.counts.mean_rate import MeanSurface
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.nested.climb import Best, Chart, deviations
from metaresp.kernel.nested.counts import free_of
from metaresp.kernel.nested.likelihood import Points, evaluate
from metaresp.kernel.nested.nodes import Nested
from metaresp.kernel.nested.profile import Profile, fall, limits, of_mu

_FARTHEST = 60.0  # logit of a mean rate, and tau beyond which the mean of rates no longer tells it


def means(data: Nested) -> Chart:
    """Return the chart of (psi, tau_between, tau_within)."""
    plain, surface = deviations(data), MeanSurface(CountSurface(data.x, data.n, data.copies, data.link))

    def at(rows: IntArray, points: FloatArray, nats: float, refine: int) -> Points:
        taus = points[:, 1:]
        tau = np.hypot(taus[:, 0], taus[:, 1])
        mu, g = surface.mu(points[:, 0], tau)
        s = evaluate(data.take(rows), np.column_stack([mu, taus]), nats, refine)
        by_psi, by_tau = 1 / g.d_a, -g.d_b / g.d_a
        psi_tau = -(g.d_a_a * by_tau + g.d_a_b) * by_psi / g.d_a
        tau_tau = -(g.d_a_a * by_tau**2 + 2 * g.d_a_b * by_tau + g.d_b_b) / g.d_a
        apart = tau > 0
        share = taus / np.where(apart, tau, 1.0)[:, None]
        turn = np.where(apart, by_tau / np.where(apart, tau, 1.0), tau_tau)
        move = np.zeros((len(mu), 3, 3))  # old coordinates by new
        move[:, 1, 1] = move[:, 2, 2] = 1.0
        move[:, 0, 0], move[:, 0, 1:] = by_psi, by_tau[:, None] * share
        bend = np.zeros_like(move)  # of mu
        bend[:, 0, 0] = -g.d_a_a * by_psi**2 / g.d_a
        bend[:, 0, 1:] = bend[:, 1:, 0] = psi_tau[:, None] * share
        both = share[:, :, None] * share[:, None, :]
        bend[:, 1:, 1:] = tau_tau[:, None, None] * both + turn[:, None, None] * (np.eye(2) - both)
        gradient = np.einsum("lij,li->lj", move, s.gradient)
        hessian = np.swapaxes(move, 1, 2) @ s.hessian @ move + s.gradient[:, :1, None] * bend
        return Points(s.value, gradient, hessian)

    high = np.minimum(plain.high, [np.inf, _FARTHEST, _FARTHEST])
    return plain._replace(evaluate=at, fold=lambda points: np.minimum(plain.fold(points), high), high=high)


def _profile(data: Nested, best: Best) -> tuple[Profile, Best]:
    """Return the profile of psi and its maximum."""
    free: BoolArray = free_of(data)
    surface = MeanSurface(CountSurface(data.x, data.n, data.copies, data.link))

    def by_psi(at: FloatArray) -> FloatArray:
        mu, between, within = np.moveaxis(at, -1, 0)
        psi = surface.logit(mu.ravel(), np.hypot(between, within).ravel()).value
        return np.stack([psi.reshape(mu.shape), between, within], axis=-1)

    profile = of_mu(data, free)._replace(chart=means(data))
    return profile, best._replace(at=by_psi(best.at), hills=by_psi(best.hills))


def mean_limits(data: Nested, best: Best, fall: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the profile-likelihood limits of the logit of the mean rate.

    Parameters as in :func:`metaresp.kernel.nested.counts.mu_interval`.
    """
    return limits(*_profile(data, best), fall, (-_FARTHEST, _FARTHEST))


def mean_fall(data: Nested, best: Best, psi: FloatArray, rows: IntArray) -> FloatArray:
    """Return twice the fall of the profile of the lanes at *rows* from the maximum to *psi* or farther."""
    return fall(*_profile(data, best), psi, rows)
