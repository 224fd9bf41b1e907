"""Intervals of the rate averaged over trials in the binomial-normal model.

The mean rate is ``m(mu, tau) = E p(mu + tau z)``; its logit psi takes the place of mu: at given psi and tau
the mu that belongs to them solves ``psi = G(mu, tau)``, where G is the difference of two log-likelihoods,
those of one patient with an event and of one without.  The profile of psi over tau is searched as that of any
parameter (:mod:`metaresp.kernel.numerics.profile`), with derivatives by the chain rule.
"""

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts.binomial_normal import Fit
from metaresp.kernel.counts.profile_limits import Limits
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.numerics.profile import Bounds, Local, Search, limit, ridge

_FARTHEST = 60.0  # logit of a mean rate
_WIDEST = 60.0  # tau beyond which the mean of rates no longer tells it from infinity
_STEPS = 60
_CLOSE = 1e-13
_SHRINK = (16 * np.sqrt(3) / (15 * np.pi)) ** 2  # logit(m) is about mu / sqrt(1 + this tau**2)
_GRID = np.r_[0.0, 0.1, 0.3, 0.7, np.geomspace(1.5, _WIDEST, 7)]


class MeanSurface:
    """The likelihood of some lanes as a function of psi and tau."""

    def __init__(self, data: CountSurface) -> None:
        self.data = data

    def logit(self, mu: FloatArray, tau: FloatArray) -> Local:
        """Return psi at mu (a) and tau (b), with its derivatives."""
        one = np.ones((mu.size, 2))
        event = np.stack([np.ones(mu.size), np.zeros(mu.size)], axis=1)
        each = self.data._replace(x=event, n=one, copies=one).each(mu, tau)
        return Local(*(field[:, 0] - field[:, 1] for field in each))

    def mu(self, psi: FloatArray, tau: FloatArray) -> tuple[FloatArray, Local]:
        """Return mu at psi and tau, and G there; G rises in mu, so that a bracket stands behind Newton."""
        mu = psi * np.sqrt(1 + _SHRINK * tau * tau) if self.data.link == "logit" else psi.copy()
        low, high = np.full_like(mu, -np.inf), np.full_like(mu, np.inf)
        at = self.logit(mu, tau)
        for _ in range(_STEPS):
            miss = psi - at.value
            low, high = np.where(miss > 0, mu, low), np.where(miss > 0, high, mu)
            new = mu + miss / np.maximum(at.d_a, 1e-300)
            longest = 4.0 + 4.0 * tau
            new = np.minimum(np.maximum(new, mu - longest), mu + longest)
            inside = (new > low) & (new < high)
            middle = np.where(np.isfinite(low) & np.isfinite(high), 0.5 * (low + high), new)
            new = np.where(inside, new, middle)
            done = np.abs(miss) <= _CLOSE * (1 + np.abs(psi))
            mu = np.where(done, mu, new)
            if done.all():
                break
            at = self.logit(mu, tau)
        return mu, at

    def local(self, rows: IntArray, psi: FloatArray, tau: FloatArray) -> Local:
        """Return the surface as :mod:`metaresp.kernel.numerics.profile` asks for it."""
        mu, g = self.mu(psi, tau)
        s = self.data.take(rows).at(mu, tau)
        by_psi = 1 / g.d_a
        by_tau = -g.d_b / g.d_a
        psi_psi = -g.d_a_a * by_psi**2 / g.d_a
        psi_tau = -(g.d_a_a * by_tau + g.d_a_b) * by_psi / g.d_a
        tau_tau = -(g.d_a_a * by_tau**2 + 2 * g.d_a_b * by_tau + g.d_b_b) / g.d_a
        return Local(
            s.value,
            s.d_mu * by_psi,
            s.d_mu * by_tau + s.d_tau,
            s.d_mu_mu * by_psi**2 + s.d_mu * psi_psi,
            s.d_mu_mu * by_psi * by_tau + s.d_mu_tau * by_psi + s.d_mu * psi_tau,
            s.d_mu_mu * by_tau**2 + 2 * s.d_mu_tau * by_tau + s.d_tau_tau + s.d_mu * tau_tau,
        )


def _search(data: CountSurface, fit: Fit, fall: FloatArray) -> Search:
    surface = MeanSurface(data)
    tau = np.minimum(fit.tau, _WIDEST)
    psi = surface.logit(fit.mu, tau).value
    s = surface.local(np.arange(psi.size), psi, tau)
    curve = -s.d_a_a + np.where(s.d_b_b < 0, s.d_a_b**2 / np.where(s.d_b_b < 0, s.d_b_b, -1.0), 0.0)
    scale = 1 / np.sqrt(np.maximum(curve, 1e-4))
    far, none = np.full_like(psi, _FARTHEST), np.zeros_like(psi)
    return Search(
        surface.local,
        psi,
        tau,
        fit.top,
        fit.top - fall / 2,
        scale,
        Bounds(-far, far),
        Bounds(none, np.full_like(psi, _WIDEST)),
        np.broadcast_to(_GRID, (psi.size, _GRID.size)),
    )


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
    search, rows = _search(data, fit, fall), np.arange(fit.mu.size)
    return Limits(limit(search, -1.0, rows), limit(search, 1.0, rows))


def mean_fall(data: CountSurface, fit: Fit, psi: FloatArray) -> FloatArray:
    """Return twice the fall of the profile log-likelihood of one lane from its maximum to each *psi*."""
    search = _search(data, fit, np.zeros_like(fit.mu))
    height, _ = ridge(search, np.zeros(psi.size, dtype=np.int64), psi)
    fall: FloatArray = np.maximum(2 * (fit.top - height), 0.0)
    return fall
