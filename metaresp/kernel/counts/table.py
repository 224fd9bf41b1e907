"""The likelihood of many sets of few counts at places that they share: each count is worked out once.

Sets that were drawn for the same sizes hold the same counts over and over; at one mu and tau the likelihood
of a set is a sum of entries of a table of counts.  Where hardly a count repeats, as in large studies, the
table holds some values of x and what lies between is interpolated: enough to tell where hills are, which are
then climbed by the sets' own likelihoods.
"""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts.binomial_normal import Scan, places
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.profile_limits import fine, over_tau
from metaresp.kernel.counts.quadrature import SCAN
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.numerics.ridge import Profile
from metaresp.kernel.numerics.surface import Local

_WORTH = 6  # counts of all sets a distinct one, from which a table saves work
_MEANS, _SPREADS = 13, 8  # places of a scan
_FINEST, _TAUS = 0.03, 40  # of the grid of tau at one mu
_EDGE = 0.02  # share of the sets beyond the outermost mean of a scan
_BETWEEN = 32  # values of x for each n where what is between is interpolated
_LEAST_STEP = 1e-9  # of the logit between them
_ROUGH = 9.0  # nats of these
_LOWER = 1.0  # log-likelihood by which a rough hill may stand below the highest to be looked at


class Table(NamedTuple):
    """Distinct counts, and which of them each set holds."""

    counts: CountSurface  # one lane
    place: IntArray  # shape (sets, k), or (sets, k * 4) for what is interpolated
    weight: FloatArray | None = None  # of these

    @classmethod
    def of(cls, sets: CountSurface) -> "Table | None":
        """Return the table of the *sets*, each study counted once.

        Where hardly a count repeats it is one to interpolate in, or None where sets have one hill and their
        own likelihoods cost little.
        """
        pairs = np.stack([sets.x.ravel(), sets.n.ravel()], axis=-1)
        once, place = np.unique(pairs, axis=0, return_inverse=True)
        if len(once) * _WORTH > len(pairs):
            # compared with the sets' own likelihoods for this link and these effects
            rough = sets.link == "cauchit" and sets.shape.normal
            return cls._interpolating(sets) if rough else None
        x, n = once.T[:, None]
        return cls(sets._replace(x=x, n=n, copies=np.ones_like(x)), place.reshape(sets.x.shape))

    @classmethod
    def _interpolating(cls, sets: CountSurface) -> "Table":
        """Return equally spaced empirical logits for each n, with the weights of cubics through four."""
        sizes, which = np.unique(sets.n, return_inverse=True)
        which = which.reshape(sets.n.shape)
        logit = np.log((sets.x + 0.5) / (sets.n - sets.x + 0.5))
        low, high = np.full(sizes.size, np.inf), np.full(sizes.size, -np.inf)
        np.minimum.at(low, which, logit)
        np.maximum.at(high, which, logit)
        step = np.maximum((high - low) / (_BETWEEN - 1), _LEAST_STEP)
        nodes = low[:, None] + step[:, None] * np.arange(_BETWEEN)
        n = np.repeat(sizes, _BETWEEN)
        x = np.clip((n + 1) / (1 + np.exp(-nodes.ravel())) - 0.5, 0.0, n)
        at = (logit - low[which]) / step[which]
        first = np.clip(np.floor(at).astype(np.int64) - 1, 0, _BETWEEN - 4)
        t = at - first
        a, b, c, d = t, t - 1, t - 2, t - 3
        weight = np.stack([-b * c * d / 6, a * c * d / 2, -a * b * d / 2, a * b * c / 6], axis=-1)
        place = (which * _BETWEEN + first)[..., None] + np.arange(4)
        counts = sets._replace(x=x[None], n=n[None], copies=np.ones((1, x.size)))
        return cls(counts, place.reshape(sets.lanes, -1), weight.reshape(sets.lanes, -1))

    def take(self, rows: IntArray) -> "Table":
        """Return some sets."""
        weight = None if self.weight is None else self.weight[rows]
        return self._replace(place=self.place[rows], weight=weight)

    def _values(self, mu: FloatArray, tau: FloatArray, nats: float) -> FloatArray:
        """Return the log-likelihood of every set at every place, with its penalty; shape (places, sets)."""
        lanes, penalty = self.counts.take(np.zeros(tau.size, dtype=np.int64)), self.counts.penalty
        each = lanes.each(mu, tau, nats).value
        out = np.empty((tau.size, len(self.place)))
        for one, here in zip(out, each, strict=True):
            part = here[self.place]
            one[:] = part.sum(axis=-1) if self.weight is None else np.einsum("sk,sk->s", part, self.weight)
        if penalty is not None:
            out += penalty.add(Local(*np.zeros((6, tau.size))), mu, tau).value[:, None]
        return out

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
        if self.weight is not None:
            grid = np.union1d(fine(sets), np.geomspace(_FINEST, sets.tau_max, _TAUS))
            value = self._values(np.full(grid.size, mu), grid, _ROUGH).T
            return profile._replace(grid=_about_hills(grid, value), close=sets.error)
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
        for one in mu:
            value = self._values(np.full(tau.size, one), tau, SCAN)
            at = np.where(value > best, one, at)
            best = np.maximum(best, value)
        unknown = np.full(best.T.shape, np.nan)
        return Scan(best.T, at.T, np.broadcast_to(tau, best.T.shape), unknown)


def _about_hills(grid: FloatArray, value: FloatArray) -> FloatArray:
    """Return the places of each row beside its hills, the highest and others hardly lower; NaN behind."""
    ends = np.full((len(value), 1), -np.inf)
    padded = np.hstack([ends, value, ends])
    hill = (value >= padded[:, :-2]) & (value >= padded[:, 2:])
    hill &= value >= value.max(axis=-1, keepdims=True) - _LOWER
    near = hill.copy()
    near[:, 1:] |= hill[:, :-1]
    near[:, :-1] |= hill[:, 1:]
    places = np.sort(np.where(near, grid, np.nan), axis=-1)
    return places[:, : near.sum(axis=-1).max()]
