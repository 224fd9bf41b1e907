"""How often do intervals of the rates of groups cover, with a tau2 for each group and with one for all?

Draws sets of groups, pools each group by itself (``mr.pool_batch``) and all with one tau2 (the regression on
indicators of the groups, as ``mr.subgroups(common_tau2=True)`` fits it, many sets at once), and prints
a table of the coverage and median width on the logit scale of the interval of a group's typical rate.
Run: ``python docs/validation/one_tau2.py [sets a cell]``
"""

import sys

import numpy as np
from scipy import special

import metaresp as mr
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.numerics.quantiles import t_quantile
from metaresp.kernel.regression.calibrations import CALIBRATIONS, Reference, bartlett_factor
from metaresp.kernel.regression.counts import DesignCounts, fit
from metaresp.kernel.regression.designs import orthogonal, turned
from metaresp.kernel.regression.effects import fit_effects
from metaresp.kernel.regression.limits import profile_limits

SIZES, RATE, TAIL = (7, 40), 0.3, 0.025
# Studies a group, and tau of each group.
CELLS = (
    (2, (0.5, 0.5, 0.5)), (3, (0.0, 0.0, 0.0)), (3, (0.5, 0.5, 0.5)), (3, (1.0, 1.0, 1.0)),
    (3, (0.0, 0.5, 1.0)), (5, (0.5, 0.5, 0.5)), (5, (0.0, 0.5, 1.0)), (10, (0.0, 0.5, 1.0)),
)  # fmt: skip


def design(k, groups):
    """Return intercept and indicators, the first group being the intercept."""
    x = np.repeat(np.eye(groups), k, axis=0)
    x[:, 0] = 1.0
    return x


def counts_limits(events, n, x):
    """Return the limits of the first group's mean in the binomial-normal model, shape (sets,)."""
    sets, k = events.shape
    first = np.eye(x.shape[1])[:, :1]
    turn = turned(orthogonal(x), first)
    z = np.ascontiguousarray(np.broadcast_to(turn.basis.z, (sets, *x.shape)))
    surface = CountSurface(events.astype(float), n.astype(float), np.ones(n.shape), "logit", effects="normal")
    lanes = DesignCounts(surface, z, np.zeros((sets, 0, x.shape[1])))
    best = fit(lanes, np.ones((sets, x.shape[1]), dtype=bool))
    factor = bartlett_factor(np.maximum(lanes.information(best.at), 0.0), z, 1)
    df = np.full(sets, float(k - x.shape[1]))
    known = Reference(np.full(sets, float(k)), df, 1, factor)
    found = profile_limits(lanes, best, CALIBRATIONS["bartlett"].critical(known, TAIL))
    return turn.unit * found.low, turn.unit * found.high


def effects_limits(events, n, x):
    """Return the same by REML and Hartung-Knapp, 0.5 being added to studies at 0 or n."""
    add = 0.5 * ((events == 0) | (events == n))
    a, b = events + add, n - events + add
    found = fit_effects(
        np.log(a / b), 1 / a + 1 / b, np.ones(n.shape), np.broadcast_to(x, (len(n), *x.shape)), "REML"
    )
    half = t_quantile(found.df, TAIL) * np.sqrt(found.cov[:, 0, 0] * found.ratio)
    return found.beta[:, 0] - half, found.beta[:, 0] + half


def cell(rng, sets, k, taus):
    """Yield (a group's tau, coverages and median widths) of sets in which no group is all at 0 or n."""
    groups = len(taus)
    n = rng.integers(SIZES[0], SIZES[1] + 1, (sets, groups, k))
    theta = special.logit(RATE) + np.reshape(taus, (-1, 1)) * rng.standard_normal(n.shape)
    events = rng.binomial(n, special.expit(theta))
    kept = ((events.sum(-1) > 0) & (events.sum(-1) < n.sum(-1))).all(axis=-1)
    events, n = events[kept], n[kept]
    for g in dict.fromkeys(taus):
        first = [taus.index(g), *(i for i in range(groups) if i != taus.index(g))]
        wide = [field[:, first].reshape(len(n), -1) for field in (events, n)]
        alone = [field[:, first[0]] for field in (events, n)]
        found = []
        for model, together in (("binomial-normal", counts_limits), ("inverse-variance", effects_limits)):
            batch = mr.pool_batch(*alone, model=model, prediction=None)
            own = special.logit(batch.low), special.logit(batch.high)
            for low, high in (own, together(*wide, design(k, groups))):
                inside = (low <= special.logit(RATE)) & (special.logit(RATE) <= high)
                found.append(f"{inside.mean():.3f} ({np.median(high - low):.2f})")
        yield g, found


def main(sets=1000):
    """Print the table."""
    print("| k a group | tau of groups | of tau | counts, own | counts, one | effects, own | effects, one |")
    print("|---|---|---|---|---|---|---|")
    for number, (k, taus) in enumerate(CELLS):
        rng = np.random.default_rng([2031, number])
        for g, found in cell(rng, sets, k, taus):
            spreads = ", ".join(f"{tau:g}" for tau in taus)
            print(f"| {k} | {spreads} | {g:g} | {' | '.join(found)} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
