"""The likelihood of many sets of few counts at places that they share: each count is worked out once.

Sets that were drawn for the same sizes hold the same counts over and over; at one mu and tau the likelihood
of a set is a sum of entries of a table of counts.
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts.binomial_normal import Scan, places
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.profile_limits import over_tau
from metaresp.kernel.counts.quadrature import SCAN
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.numerics.ridge import Profile
from metaresp.kernel.numerics.surface import Local

_WORTH = 6  # counts of all sets a distinct one, from which a table saves work
_MEANS, _SPREADS = 13, 8  # places of a scan
_FINEST, _TAUS = 0.03, 40  # of the grid of tau at one mu
_EDGE = 0.02  # share of the sets beyond the outermost mean of a scan


class Table(NamedTuple):
    """Distinct counts, and which of them each set holds."""

    counts: CountSurface  # one lane
    place: IntArray  # shape (sets, k)

    @classmethod
    def of(cls, sets: CountSurface) -> "Table | None":
        """Return the table of the *sets*, each study counted once; None where hardly a count repeats."""
        pairs = np.stack([sets.x.ravel(), sets.n.ravel()], axis=-1)
        once, place = np.unique(pairs, axis=0, return_inverse=True)
        if len(once) * _WORTH > len(pairs):
            return None
        x, n = once.T[:, None]
        return cls(sets._replace(x=x, n=n, copies=np.ones_like(x)), place.reshape(sets.x.shape))

    def take(self, rows: IntArray) -> "Table":
        """Return some sets."""
        return self._replace(place=self.place[rows])

    def at(self, rows: IntArray, mu: FloatArray, tau: FloatArray, which: IntArray) -> Local:
        """Return the likelihood of the sets at *rows*, each at the place *which* of all mu and tau."""
        each = self.counts.take(np.zeros(mu.size, dtype=np.int64)).each(mu, tau)
        sums = Local(*(field[which[:, None], self.place[rows]].sum(axis=-1) for field in each))
        penalty = self.counts.penalty
        return sums if penalty is None else penalty.add(sums, mu[which], tau[which])

    def over_tau(self, sets: CountSurface, mu: float) -> Profile:
        """Return the profile over tau of the *sets*, all looked at with one mu, on a fine grid."""

        def surface(rows: IntArray, a: FloatArray, b: FloatArray) -> Local:
            tau, which = np.unique(b, return_inverse=True)
            if tau.size * self.counts.x.size * _WORTH > rows.size * self.place.shape[1]:
                return sets.local(rows, a, b)
            return self.at(rows, np.full(tau.size, mu), tau, which)

        profile = over_tau(sets)
        grid = np.union1d(profile.grid[0], np.geomspace(_FINEST, sets.tau_max, _TAUS))
        every = np.broadcast_to(grid, (sets.lanes, grid.size))
        return profile._replace(surface=surface, grid=every, close=sets.error)

    def scan(self, sets: CountSurface) -> Scan:
        """Return the best of some mu at each of some tau, among what the *sets* would look at alone."""
        spread, centre, median = places(sets)
        common = LINKS[sets.link].forward(sets.x.sum(axis=-1) / sets.n.sum(axis=-1))
        means = np.concatenate([centre.ravel(), median, common])
        mu = np.unique(np.quantile(means, np.linspace(_EDGE, 1 - _EDGE, _MEANS)))
        tau = np.geomspace(spread.min(), spread.max(), _SPREADS)
        best = np.full((_SPREADS, sets.lanes), -np.inf)
        at = np.zeros_like(best)
        lanes, none = self.counts.take(np.zeros(tau.size, dtype=np.int64)), Local(*np.zeros((6, tau.size)))
        for one in mu:
            here = np.full(tau.size, one)
            value = lanes.each(here, tau, SCAN).value[:, self.place].sum(axis=-1)
            if sets.penalty is not None:
                value += sets.penalty.add(none, here, tau).value[:, None]
            at = np.where(value > best, one, at)
            best = np.maximum(best, value)
        unknown = np.full(best.T.shape, np.nan)
        return Scan(best.T, at.T, np.broadcast_to(tau, best.T.shape), unknown)
