"""How studies that a fit has not seen look to it, and what leaving them out does to its mean."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.counts import Counts
from metaresp.kernel.effects.left_out import LeftOutEffects
from metaresp.kernel.trial.left_out import BetaRates, RateLaw, StudentRates, count_deviates
from metaresp.model.estimates import Estimates, is_exact
from metaresp.model.scales import scale_name
from metaresp.model.spec import Spec

if TYPE_CHECKING:
    from metaresp.model.inverse_variance import Effects
    from metaresp.result import Fit


_LEAST = 1e-17  # share of the weights that others have beside an enormous study


class Others(NamedTuple):
    """What fits that left something out say, each of its group; fields of shape (groups,)."""

    estimate: FloatArray
    se: FloatArray
    between: FloatArray  # variance that all studies of a group share, where clusters are left out
    within: FloatArray  # variance that each study of a group has to itself
    rho: FloatArray
    units: FloatArray  # studies that tell the spread, or clusters where studies are nested

    @classmethod
    def of(cls, without: Estimates, members: FloatArray, cluster: IntArray | None) -> "Others":
        """Return it of the fits *without* each group."""
        nested = np.isfinite(without.tau2_between)
        within = np.where(nested, np.nan_to_num(without.tau2_within), without.tau2)
        units = without.k
        if cluster is not None:
            seen = (cluster == np.unique(cluster)[:, None]).astype(np.float64)
            units = np.where(nested, ((1 - members) @ seen.T > 0).sum(axis=-1), units)
        return cls(without.estimate, without.se, without.tau2 - within, within, without.rho, units)

    @property
    def df(self) -> FloatArray:
        """Degrees of freedom of their spread."""
        return np.maximum(self.units - 1, 1.0)

    @property
    def unbiased(self) -> FloatArray:
        """What a variance of maximum likelihood is multiplied with, as for normal effects."""
        return (self.df + 1) / self.df

    def take(self, rows: IntArray) -> "Others":
        """Return those of some groups."""
        return Others(*(field[rows] for field in self))


class LeftOut:
    """The part of a model of one lane that looks at groups of studies left out of it.

    *members*, of shape (groups, k), is 1 for the studies of each group and 0 for others.
    """

    counts: Counts
    spec: Spec
    cluster: IntArray | None

    def unseen(self, without: Estimates, members: FloatArray) -> FloatArray:
        """Return how far each group lies from what the fit *without* it lets expect, shape (groups,).

        As a standard normal deviate.  Studies left out together are taken as one, of all their patients.
        """
        x, n = (members @ field[0] for field in (self.counts.x, self.counts.n))
        known = ~is_exact(without.reason) & np.isfinite(without.estimate) & np.isfinite(without.se)
        rows, rest = np.flatnonzero(known), np.flatnonzero(~known)
        out: FloatArray = np.empty_like(x)
        if rows.size:
            out[rows] = self.deviates(
                x[rows], n[rows], Others.of(without, members, self.cluster).take(rows), members[rows]
            )
        if rest.size:  # an exact answer says of the rate what Jeffreys' prior and its counts say
            a, b = without.events[rest] + 0.5, (without.n - without.events)[rest] + 0.5
            out[rest] = count_deviates(x[rest], n[rest], BetaRates(a, b))
        return out

    def deviates(self, x: FloatArray, n: FloatArray, others: Others, members: FloatArray) -> FloatArray:
        """Return :meth:`unseen` of groups left out of fits of the model: *x* of *n* patients each."""
        share = members * self.counts.n / n[:, None]
        alone: FloatArray = np.einsum("gk,gk->g", share, share)
        return count_deviates(x, n, self.rate_law(others, alone))

    def rate_law(self, others: Others, alone: FloatArray) -> RateLaw:
        """Return what the others let expect of the rate of a group: one rate, known as well as it is.

        *alone* is the part of the variance of one study that the mean of a group keeps, where its studies
        vary by themselves: the sum of their squared shares.
        """
        normal = np.full_like(others.se, np.inf)
        return StudentRates(others.estimate, others.se[:, None], np.ones(1), normal, scale_name(self.spec))

    def moved(self, pooled: "Fit", without: Estimates, members: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return DFFITS and DFBETAS of each group, shape (groups,).

        Its change of the estimate in standard errors of the fit without it, as these were with the group
        at the same spread: shorter by the square root of the others' share of the weights.
        """
        others = np.maximum((1 - members) @ pooled.weights / 100, _LEAST)
        found: FloatArray = (pooled.estimate - without.estimate) / (without.se * np.sqrt(others))
        return found, found


class EffectsLeftOut(LeftOut):
    """The same of a model of effects with known variances."""

    @property
    def effects(self) -> "Effects":
        """Effects of the studies and their variances."""
        raise NotImplementedError

    def deviates(self, x: FloatArray, n: FloatArray, others: Others, members: FloatArray) -> FloatArray:
        """Return studentised deleted residuals; with a factor in the standard error they are scaled by it."""
        return self._effects(others, members).deviates()

    def moved(self, pooled: "Fit", without: Estimates, members: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return both by the weights of the effects at the variance of the fit without the group."""
        if self.spec.cluster is not None:
            return super().moved(pooled, without, members)
        errors = self._effects(Others.of(without, members, self.cluster), members).errors(
            members @ pooled.weights / 100
        )
        change = pooled.estimate - without.estimate
        found: tuple[FloatArray, FloatArray] = change / errors[0], change / errors[1]
        return found

    def _effects(self, others: Others, members: FloatArray) -> LeftOutEffects:
        y, v, _ = self.effects
        scaled = self.spec.cluster is None
        return LeftOutEffects(y[0], v[0], members, *others[:4], scaled)
