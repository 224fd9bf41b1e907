"""Which interval should be the default of the binomial-normal model?  Coverage and width, measured.

Draws data sets on the grid of the policy (k 3, 5, 10, 20; n 7-40 and 30-200; rate .05, .3, .7; tau 0, .5, 1),
pools each set with every candidate in batches, and writes ``default_interval.csv`` beside this file.
Run: ``python docs/validation/default_interval.py [data sets a cell] [part/parts]``
"""

import csv
import itertools
import sys
from pathlib import Path

import numpy as np

import metaresp as mr

STUDIES = (3, 5, 10, 20)
SIZES = ((7, 40), (30, 200))
RATES = (0.05, 0.3, 0.7)
TAUS = (0.0, 0.5, 1.0)
# Candidates, and the prediction interval that is measured on the same fits.
CANDIDATES = {"normal": "normal", "t": "t", "profile": "hts", "bartlett": None, "profile-t": None}
HERE = Path(__file__).parent
COLUMNS = ("k", "n", "rate", "tau", "method", "repeats", "coverage", "coverage_se", "width", "failures")


def draw(rng, repeats, k, sizes, rate, tau):
    """Return events, n and the true rate of one further trial of each data set."""
    n = rng.integers(sizes[0], sizes[1] + 1, (repeats, k))
    centre = np.log(rate / (1 - rate))
    logits = centre + tau * rng.standard_normal((repeats, k + 1))
    rates = 1 / (1 + np.exp(-logits))
    return rng.binomial(n, rates[:, :k]), n, rates[:, k]


def cell(rng, repeats, k, sizes, rate, tau):
    """Yield one row a candidate."""
    events, n, new = draw(rng, repeats, k, sizes, rate, tau)
    about = {"k": k, "n": f"{sizes[0]}-{sizes[1]}", "rate": rate, "tau": tau, "repeats": repeats}
    for ci, prediction in CANDIDATES.items():
        batch = mr.pool_batch(events, n, ci=ci, prediction=prediction)
        yield about | row(ci, batch.low, batch.high, rate)
        if prediction is not None:
            # an exact fallback has no prediction interval: it is left out, not counted as covering
            known = np.isfinite(batch.prediction_low)
            low, high = batch.prediction_low[known], batch.prediction_high[known]
            kept = {"repeats": int(known.sum())}
            yield about | row(f"prediction {prediction}", low, high, new[known]) | kept


def row(method, low, high, truth):
    """Return coverage with its Monte Carlo error, mean width and failures."""
    inside = (low <= truth) & (truth <= high)
    coverage = inside.mean() if inside.size else np.nan
    return {
        "method": method,
        "coverage": round(float(coverage), 4),
        "coverage_se": round(float(np.sqrt(coverage * (1 - coverage) / max(1, inside.size))), 4),
        "width": round(float(np.mean(high - low)), 4) if inside.size else np.nan,
        "failures": int((~np.isfinite(low) | ~np.isfinite(high)).sum()),
    }


def main(repeats=4000, part="1/1"):
    """Write the table, or one part of it."""
    which, parts = map(int, part.split("/"))
    grid = list(itertools.product(STUDIES, SIZES, RATES, TAUS))
    seeds = np.random.SeedSequence(20111).spawn(len(grid))
    name = "default_interval.csv" if parts == 1 else f"default_interval_{which}.csv"
    with open(HERE / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for i in range(which - 1, len(grid), parts):
            writer.writerows(cell(np.random.default_rng(seeds[i]), repeats, *grid[i]))
            file.flush()


if __name__ == "__main__":
    main(*(int(a) if a.isdecimal() else a for a in sys.argv[1:]))
