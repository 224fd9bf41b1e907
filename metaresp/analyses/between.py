"""Likelihood-ratio test that groups of studies share one mean, in the binomial-normal model."""

import numpy as np

from metaresp.arrays import BoolArray, FloatArray
from metaresp.counts import Counts
from metaresp.kernel.binomial_normal import TAU_MAX, evaluate

# A logit beyond which a rate is 0 or 1 in the likelihood's last digit.
FARTHEST = 30.0
TAU_STARTS = (0.0, 0.3, 1.0, 2.5)


def likelihood_ratio(groups: Counts, shared: bool, held: BoolArray) -> float:
    """Return twice the gain in log-likelihood of a mean for each group over one mean for all.

    Parameters
    ----------
    groups : Counts
        One lane a group, shape (groups, k).
    shared : bool
        Whether the groups have one tau; otherwise each has its own, under both hypotheses.
    held : bool array, shape (groups,)
        Groups whose tau is 0 under both hypotheses: all at 0% or 100%, where nothing is known of it.

    Notes
    -----
    The likelihood is finite where every count of a group is 0 (its supremum, at a logit of minus
    infinity), so that separated groups have a statistic, which no Wald test has.
    """
    count = groups.k.size
    rate = (groups.events + 0.5) / (groups.total + 1)
    apart = np.clip(np.log(rate / (1 - rate)), -8.0, 8.0)
    total = (groups.events.sum() + 0.5) / (groups.total.sum() + 1)
    together = np.array([np.log(total / (1 - total))])
    top = _maximum(groups, count, shared, held, apart)
    null = _maximum(groups, 1, shared, held, together)
    return max(0.0, 2 * (top - null))


def _maximum(groups: Counts, means: int, shared: bool, held: BoolArray, start: FloatArray) -> float:
    """Return the greatest log-likelihood with that many means, less the saturated one."""
    from scipy.optimize import minimize

    lanes = groups.k.size
    taus = 1 if shared else lanes
    free = np.ones(lanes) if shared else np.where(held, 0.0, 1.0)

    def falling(place: FloatArray) -> tuple[float, FloatArray]:
        mu = np.broadcast_to(place[:means], (lanes,)).copy()
        tau = np.broadcast_to(place[means:], (lanes,)) * free
        found = evaluate(groups.x, groups.n, groups.copies, mu, tau)
        slopes = [found.d_mu, found.d_tau * free]
        gathered = [
            slope if size == lanes else slope.sum(keepdims=True)
            for slope, size in zip(slopes, (means, taus), strict=True)
        ]
        return -float(found.value.sum()), -np.concatenate(gathered)

    bounds = [(-FARTHEST, FARTHEST)] * means + [(0.0, TAU_MAX)] * taus
    values = []
    for tau in TAU_STARTS:
        place = np.concatenate([start, np.full(taus, tau)])
        done = minimize(
            falling, place, jac=True, bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-9}
        )
        values.append(-float(done.fun))
    return max(values)
