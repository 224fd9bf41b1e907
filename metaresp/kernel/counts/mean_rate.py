"""Intervals of the rate averaged over trials in the binomial-normal model.

The mean rate is ``m(mu, tau) = E p(mu + tau z)``; its logit psi takes the place of mu: at given psi and tau
the mu that belongs to them solves ``psi = G(mu, tau)``, where G is the difference of two log-likelihoods,
those of one patient with an event and of one without.  The profile of psi over tau is searched as that of any
parameter (:mod:`metaresp.kernel.numerics.profile`), with derivatives by the chain rule.
"""

import numpy as np
from scipy import special

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts.binomial_normal import TAU_UNIT, Fit
from metaresp.kernel.counts.links import LINKS, Link
from metaresp.kernel.counts.profile_limits import fine
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.numerics.profile import Limits, Search, limits, normal_guess
from metaresp.kernel.numerics.ridge import Beside, Profile, fall
from metaresp.kernel.numerics.surface import Bounds, Local

_FARTHEST = 60.0  # logit of a mean rate
_LARGEST_SE = 100.0
_FIRST = 8.0  # farthest first guess
_WIDEST = 60.0  # tau beyond which a mean of rates tells nothing more, but for a link with heavy tails
_STEPS = 60
_CLOSE = 1e-13
# The rate at mu / sqrt(1 + this tau**2) is that averaged over trials: nearly, and exactly.
_SHRINK = {"logit": (16 * np.sqrt(3) / (15 * np.pi)) ** 2, "probit": 1.0}
_NEAR_ONE = 30.0  # logit of the greatest rate that a guess starts from
_GRID = np.array([0.1, 0.3, 0.7])  # and from 1.5 to the widest


class MeanSurface:
    """The likelihood of some lanes as a function of psi and tau."""

    def __init__(self, data: CountSurface) -> None:
        self.data = data
        self.widest = max(_WIDEST, data.tau_max)

    def logit(self, mu: FloatArray, tau: FloatArray) -> Local:
        """Return psi at mu (a) and tau (b), with its derivatives."""
        one = np.ones((mu.size, 2))
        event = np.stack([np.ones(mu.size), np.zeros(mu.size)], axis=1)
        each = self.data._replace(x=event, n=one, copies=one).each(mu, tau)
        return Local(*(field[:, 0] - field[:, 1] for field in each))

    def mu(self, psi: FloatArray, tau: FloatArray) -> tuple[FloatArray, Local]:
        """Return mu at psi and tau, and G there; G rises in mu, so that a bracket stands behind Newton."""
        mu = self._guess(psi, tau)
        low, high = np.full_like(mu, -np.inf), np.full_like(mu, np.inf)
        at = Local(*(field.copy() for field in self.logit(mu, tau)))
        alive = np.arange(mu.size)
        for _ in range(_STEPS):
            miss = psi[alive] - at.value[alive]
            open_ = np.abs(miss) > _CLOSE * (1 + np.abs(psi[alive]))
            alive, miss = alive[open_], miss[open_]
            if not alive.size:
                break
            here = mu[alive]
            left = low[alive] = np.where(miss > 0, here, low[alive])
            right = high[alive] = np.where(miss > 0, high[alive], here)
            longest = 4.0 + 4.0 * tau[alive]
            slope = np.maximum(at.d_a[alive], 1e-300)
            step = miss / slope
            bend = np.clip(0.5 * step * at.d_a_a[alive] / slope, -0.5, 0.5)  # Halley's correction
            new = here + np.clip(step / (1 + bend), -longest, longest)
            inside = (new > left) & (new < right)
            middle = np.where(np.isfinite(left) & np.isfinite(right), 0.5 * (left + right), new)
            mu[alive] = np.where(inside, new, middle)
            at.put(alive, self.logit(mu[alive], tau[alive]))
        return mu, at

    def _guess(self, psi: FloatArray, tau: FloatArray) -> FloatArray:
        """Return about the mu that belongs to psi; without spread it is that of the rate itself."""
        link, side = LINKS[self.data.link], np.sign(psi)
        if not link.symmetric:
            return np.maximum(link.forward(special.expit(np.minimum(psi, _NEAR_ONE))), -link.farthest)
        at = np.maximum(link.forward(special.expit(-np.abs(psi))), -link.farthest)
        guess: FloatArray = -side * at * np.sqrt(1 + _SHRINK.get(self.data.link, 0.0) * tau * tau)
        return guess

    def local(self, rows: IntArray, psi: FloatArray, tau: FloatArray) -> Local:
        """Return the surface as :mod:`metaresp.kernel.numerics.surface` asks for it."""
        mu, g = self.mu(psi, tau)
        s = self.data.take(rows).at(mu, tau)
        by_psi = 1 / g.d_a
        by_tau = -g.d_b / g.d_a
        psi_psi = -g.d_a_a * by_psi**2 / g.d_a
        psi_tau = -(g.d_a_a * by_tau + g.d_a_b) * by_psi / g.d_a
        tau_tau = -(g.d_a_a * by_tau**2 + 2 * g.d_a_b * by_tau + g.d_b_b) / g.d_a
        return Local(
            s.value,
            s.d_a * by_psi,
            s.d_a * by_tau + s.d_b,
            s.d_a_a * by_psi**2 + s.d_a * psi_psi,
            s.d_a_a * by_psi * by_tau + s.d_a_b * by_psi + s.d_a * psi_tau,
            s.d_a_a * by_tau**2 + 2 * s.d_a_b * by_tau + s.d_b_b + s.d_a * tau_tau,
        )

    def estimate(self, mu: FloatArray, tau: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return psi at the maximum (mu, tau) and its standard error, from the observed information."""
        psi = self.logit(mu, tau).value
        at = self.local(np.arange(psi.size), psi, tau)
        return psi, 1 / np.sqrt(np.maximum(at.information(), 1e-300))

    def beside(self, fit: Fit) -> Beside:
        """Return the hills of a fit: they are those of psi too."""
        psi = self.logit(fit.hill_mu.ravel(), fit.hill_tau.ravel()).value
        return Beside(psi.reshape(fit.hill_mu.shape), fit.hill_top)

    def over_tau(self) -> Profile:
        """Return the likelihood with tau maximised over."""
        none, top = np.zeros(self.data.lanes), self.widest
        grid = np.r_[fine(self.data), _GRID, np.geomspace(1.5, top, int(3 + np.log(top)))]
        every = np.broadcast_to(grid, (none.size, grid.size))
        return Profile(self.local, Bounds(none, none + top, TAU_UNIT), every)


def mean_limits(data: CountSurface, fit: Fit, fall: FloatArray) -> Limits:
    """Return the profile-likelihood interval of the logit of the mean rate.

    Parameters
    ----------
    data : CountSurface
    fit : Fit
        The maximum of these lanes.
    fall : float array, shape (lanes,)
        Critical value of twice the log-likelihood.
    """
    surface, tau = MeanSurface(data), fit.tau
    psi, se = surface.estimate(fit.mu, tau)
    se, far = np.minimum(se, _LARGEST_SE), np.full_like(psi, _FARTHEST)
    guess = normal_guess(se, tau, fall, data.copies.sum(axis=-1), _FIRST)
    target, bounds = fit.top - fall / 2, Bounds(-far, far)
    beside = surface.beside(fit)
    search = Search(surface.over_tau(), psi, fit.top, target, se, bounds, *guess, beside)
    return limits(search, np.arange(psi.size))


def mean_fall(data: CountSurface, fit: Fit, psi: FloatArray, rows: IntArray) -> FloatArray:
    """Return twice the fall of the profile of the lanes at *rows* from its maximum to *psi* or farther."""
    surface = MeanSurface(data)
    centre = surface.logit(fit.mu, fit.tau).value
    return fall(surface.over_tau(), rows, psi, centre, fit.top, surface.beside(fit))


def typical_information(mean: FloatArray, rest: FloatArray, link: Link) -> FloatArray:
    """Return what a patient tells on the link's scale at the mean rate, *rest* being its complement."""
    theta = link.forward(np.clip(mean, 1e-300, 1 - 1e-16))
    return np.maximum(link.information(theta, mean, rest), 1e-100)


def typical_variance(
    n: FloatArray, copies: FloatArray, mean: FloatArray, rest: FloatArray, link: Link
) -> FloatArray:
    """Return the typical sampling variance of a study on the link's scale if all had the mean rate.

    *n* and *copies* have the shape (lanes, k); *mean* and its complement *rest*, (lanes,).

    Higgins and Thompson (2002), eq. (9), with weights ``n rate (1 - rate)`` (on the logit scale; by the
    delta method on others) instead of estimated ones, so that a study at 0% or 100% counts as what its
    size tells.
    """
    w = n * typical_information(mean, rest, link)[:, None]
    total = np.einsum("lk,lk->l", copies, w)
    squares = np.einsum("lk,lk,lk->l", copies, w, w)
    typical: FloatArray = (copies.sum(axis=-1) - 1) * total / (total * total - squares)
    return typical
