"""Size of tests of a moderator that has no effect, in the binomial-normal model: which reference is right.

    python docs/validation/regression.py 1000

prints the share of simulated sets in which p is below .05, by reference: docs/decisions/regression.md.
"""

import sys

import numpy as np

from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.regression.calibrations import CALIBRATIONS, Reference, bartlett_factor
from metaresp.kernel.regression.counts import DesignCounts, covariance, fit
from metaresp.kernel.regression.designs import orthogonal, turned
from metaresp.kernel.regression.effects import two_sided

SIZES = {"7-40": (7, 40), "30-200": (30, 200), "300-1000": (300, 1000), "one 2000": (7, 40)}


def designs(kind, k, rng, sets):
    if kind == "binary":
        column = np.broadcast_to((np.arange(k) % 2).astype(float), (sets, k))
    else:
        column = rng.normal(size=(sets, k))
    return np.stack([np.ones((sets, k)), column], axis=-1)


def sizes(kind, k, size, rate, tau, sets, seed=1):
    rng = np.random.default_rng(seed)
    x = designs(kind, k, rng, sets)
    n = rng.integers(SIZES[size][0], SIZES[size][1] + 1, (sets, k)).astype(float)
    if size == "one 2000":
        n[:, 0] = 2000.0
    eta = np.log(rate / (1 - rate)) + tau * rng.normal(size=(sets, k))
    events = rng.binomial(n.astype(int), 1 / (1 + np.exp(-eta))).astype(float)
    known = (events.sum(axis=-1) > 0) & (events.sum(axis=-1) < n.sum(axis=-1))
    events, n, x = events[known], n[known], x[known]
    lanes = len(x)
    turn = turned(orthogonal(x), np.broadcast_to(np.array([[0.0], [1.0]]), (lanes, 2, 1)))
    z = np.concatenate([turn.basis.z, turn.basis.z])
    data = CountSurface(*(np.concatenate([a, a]) for a in (events, n, np.ones_like(n))))
    free = np.ones((2 * lanes, 2), dtype=bool)
    free[lanes:, 0] = False
    found = fit(DesignCounts(data, z, np.zeros((2 * lanes, 0, 2))), free)
    value = found.local.value
    fall = np.maximum(2 * (value[:lanes] - value[lanes:]), 0.0)
    df = np.full(lanes, k - 2.0)
    best = found.take(np.arange(lanes))
    one = DesignCounts(data.take(slice(lanes)), z[:lanes], np.zeros((lanes, 0, 2)))
    factor = bartlett_factor(np.maximum(one.information(best.at), 0.0), one.z, 1)
    reference = Reference(np.full(lanes, float(k)), df, 1, factor)
    out = {name: entry.pvalue(fall, reference) for name, entry in CALIBRATIONS.items()}
    se = np.sqrt(covariance(best.local, best.at[:, 2])[:, 0, 0])
    t = best.at[:, 0] / se
    out["t"], out["normal"] = two_sided(t, df), two_sided(t, np.full(lanes, np.inf))
    return {name: float(np.sum(p < 0.05)) / sets for name, p in out.items()}


def main(sets):
    names = [*CALIBRATIONS, "t", "normal"]
    print("| moderator | k | n | rate | tau | " + " | ".join(names) + " |")
    print("|" + "---|" * (5 + len(names)))
    for kind in ("binary", "continuous"):
        for k in (4, 6, 10, 20):
            for size in SIZES:
                for rate, tau in ((0.05, 0.5), (0.3, 0.0), (0.3, 1.0)):
                    found = sizes(kind, k, size, rate, tau, sets)
                    cells = " | ".join(f"{found[name]:.3f}" for name in names)
                    print(f"| {kind} | {k} | {size} | {rate} | {tau} | {cells} |", flush=True)


if __name__ == "__main__":
    with np.errstate(all="ignore"):
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
