"""How often do tests find a small-study effect where there is none, and how often does the limit hold?

Draws sets of trials whose rates do not hang on their sizes (k 5, 10, 20; n 7-40, 30-200, or 7-40 and one of
2,000; rates .05 and .3; tau 0, .5, 1), asks each set by every method in batches, and writes
``small_study.csv`` beside this file.  ``slope`` is the change of the logit by ``1 / sqrt(n)``: where it is
not 0 what is measured is power.  ``limit`` counts the true limit outside its interval.
Run: ``python docs/validation/small_study.py [sets a cell]``; with ``bootstrap`` instead it prints the sizes
of the bootstrap p-value in some cells.
"""

import csv
import itertools
import sys
from pathlib import Path

import numpy as np
from scipy import special

from metaresp.kernel.counts import binomial_normal, fast, line
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.effects import asymmetry

STUDIES, RATES, TAUS = (5, 10, 20), (0.05, 0.3), (0.0, 0.5, 1.0)
SIZES = {"7-40": (7, 40), "30-200": (30, 200), "7-40, one 2000": (7, 40)}
POWER = 3.0  # slope of the cells of power: logits of trials of 9 and of 100 patients differ by .7
ALPHA = 0.05
HERE = Path(__file__).parent
COLUMNS = (
    "k",
    "n",
    "rate",
    "tau",
    "slope",
    "method",
    "predictor",
    "reference",
    "sets",
    "rejected",
    "rejected_se",
)


def draw(rng, sets, k, sizes, rate, tau, slope):
    """Return events and n, shape (sets, k), of the sets that every method can answer."""
    low, high = SIZES[sizes]
    n = rng.integers(low, high + 1, (sets, k))
    if "one" in sizes:
        n[:, 0] = 2000
    logits = special.logit(rate) + slope / np.sqrt(n) + tau * rng.standard_normal(n.shape)
    x = rng.binomial(n, special.expit(logits))
    good = (x.sum(axis=-1) > 0) & (x.sum(axis=-1) < n.sum(axis=-1)) & (np.ptp(n, axis=-1) > 0)
    return x[good].astype(float), n[good].astype(float)


def cell(x, n, limit):
    """Yield (method, predictor, reference, whether it is rejected)."""
    ones, (lanes, k) = np.ones_like(x), x.shape
    data = CountSurface(x, n, ones, compiled=fast.worth(lanes), nats=19.0)
    null, z = binomial_normal.fit(data), 1 / np.sqrt(n)
    centre, unit = z.mean(axis=-1, keepdims=True), z.std(axis=-1, keepdims=True)
    design = np.stack([1 - z / centre, z / centre], axis=-1)
    top = line.fit(data, np.stack([(z - centre) / unit, ones], axis=-1))
    gain, factor = np.maximum(2 * (top.value - null.top), 0.0), line.size_factor(data, null.mu, null.tau)
    at = np.column_stack([top.at[:, 1] - top.at[:, 0] * (centre / unit)[:, 0], top.at[:, 1:]])
    by_limit = top._replace(at=at, information=np.broadcast_to(np.eye(3), top.information.shape))
    fall = line.fall(data, design, by_limit, 0, np.full(lanes, limit))
    f = (k - 2) * np.expm1(gain / k)
    yield "binomial", "1/sqrt(n)", "chi-square", special.chdtrc(1, gain) < ALPHA
    yield "binomial", "1/sqrt(n)", "F", special.fdtrc(1, k - 2, f) < ALPHA
    yield "binomial", "1/sqrt(n)", "corrected", special.chdtrc(1, gain / factor) < ALPHA
    yield "binomial", "1/sqrt(n)", "limit", special.chdtrc(1, fall / factor) < ALPHA
    add = np.where((x == 0) | (x == n), 0.5, 0.0)
    y, v = np.log((x + add) / (n - x + add)), 1 / (x + add) + 1 / (n - x + add)
    for name, along in (("se", np.sqrt(v)), ("1/sqrt(n)", z), ("1/n", z * z)):
        found = asymmetry.least_squares(y, v, along)
        t = special.stdtr(k - 2, -np.abs(found.slope / found.slope_se))
        yield "peters" if name == "1/n" else "egger", name, "t", 2 * t < ALPHA
        if name != "1/n":
            found = asymmetry.additive(y, v, along)
            yield (
                "egger-mixed",
                name,
                "normal",
                2 * special.ndtr(-np.abs(found.slope / found.slope_se)) < ALPHA,
            )
    yield "rank", "", "exact", asymmetry.rank_correlation(y, v).pvalue < ALPHA
    index = np.abs(asymmetry.lfk_index(y, v))
    yield "lfk", "", "beyond 1", index > 1
    yield "lfk", "", "beyond 2", index > 2


def gains(x, n):
    """Return twice the gain of the slope of each set, and the maxima without one."""
    data = CountSurface(x, n, np.ones_like(x), compiled=fast.worth(len(x)), nats=19.0)
    null, z = binomial_normal.fit(data), 1 / np.sqrt(n)
    z = (z - z.mean(axis=-1, keepdims=True)) / z.std(axis=-1, keepdims=True)
    top = line.fit(data, np.stack([z, np.ones_like(z)], axis=-1)).value
    return np.maximum(2 * (top - null.top), 0.0), null


def bootstrap(sets=200, draws=199):
    """Print how often the bootstrap p-value is below .05, a fixed number of draws a set."""
    for k, sizes in itertools.product((5, 10), ("7-40", "7-40, one 2000")):
        rng = np.random.default_rng(7)
        x, n = draw(rng, sets, k, sizes, 0.3, 0.5, 0.0)
        own, null = gains(x, n)
        theta = null.mu[:, None, None] + null.tau[:, None, None] * rng.standard_normal((len(x), draws, k))
        size = np.broadcast_to(n[:, None], theta.shape)
        drawn = rng.binomial(size.astype(int), special.expit(theta)).reshape(-1, k).astype(float)
        size = size.reshape(-1, k)
        inner = (drawn.sum(axis=-1) > 0) & (drawn.sum(axis=-1) < size.sum(axis=-1))
        found = np.zeros(len(drawn))
        found[inner] = gains(drawn[inner], size[inner])[0]
        p = (1 + (found.reshape(-1, draws) >= own[:, None]).sum(axis=-1)) / (draws + 1)
        print(k, sizes, len(x), float((p <= ALPHA).mean()), flush=True)


def main(sets=1000):
    """Write the table."""
    grid = [(*part, 0.0) for part in itertools.product(STUDIES, SIZES, RATES, TAUS)]
    grid += [(k, sizes, 0.3, 0.5, POWER) for k, sizes in itertools.product(STUDIES, SIZES)]
    seeds = np.random.SeedSequence(2011).spawn(len(grid))
    with open(HERE / "small_study.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for (k, sizes, rate, tau, slope), seed in zip(grid, seeds, strict=True):
            x, n = draw(np.random.default_rng(seed), sets, k, sizes, rate, tau, slope)
            with np.errstate(all="ignore"):
                for method, predictor, reference, rejected in cell(x, n, special.logit(rate)):
                    share = float(rejected.mean())
                    error = float(np.sqrt(share * (1 - share) / rejected.size))
                    row = (k, sizes, rate, tau, slope, method, predictor, reference, rejected.size)
                    writer.writerow((*row, round(share, 4), round(error, 4)))
            file.flush()


if __name__ == "__main__":
    if sys.argv[1:] == ["bootstrap"]:
        bootstrap()
    else:
        main(*map(int, sys.argv[1:]))
