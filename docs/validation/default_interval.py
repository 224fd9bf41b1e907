"""Which intervals should be the defaults of the binomial-normal model?  Coverage and width, measured.

Draws data sets on the grid of the project's policy (k 3, 5, 10, 20; n 7-40 and 30-200; rate .05, .3, .7;
tau 0, .5, 1) and on the same grid with one study of 1,000 patients among small ones, pools each set with
every candidate in batches, and writes a table with one row a cell and candidate beside this file.

Where a coverage lies within two Monte Carlo standard errors of .935, which a default must hold, the candidate
is measured again in that cell with fresh sets, unless it is clearly below elsewhere: ``--again 20000``
replaces those rows of a finished table.

Run: ``python docs/validation/default_interval.py [--sets 4000] [--part 1/2] [--only bartlett profile]``, then
``python docs/validation/default_interval.py --again 20000``
"""

import argparse
import csv
import itertools
from pathlib import Path

import numpy as np

import metaresp as mr

STUDIES = (3, 5, 10, 20)
DESIGNS = ("7-40", "30-200", "7-40 and one of 1000")
RATES = (0.05, 0.3, 0.7)
TAUS = (0.0, 0.5, 1.0)
INTERVALS = ("normal", "t", "profile", "profile-f", "bartlett", "profile-t", "bootstrap")
PREDICTIONS = ("normal", "t", "hts", "likelihood")
REQUIRED = 0.935  # the least coverage of a default in any cell of the policy's grid
HERE = Path(__file__).parent
COLUMNS = ("kind", "method", "k", "n", "rate", "tau", "sets", "coverage", "coverage_se", "width", "failures")


def draw(rng, sets, k, design, rate, tau):
    """Return events, n and the true rate of one further trial of each data set."""
    low, high = (30, 200) if design == "30-200" else (7, 40)
    n = rng.integers(low, high + 1, (sets, k))
    if design.endswith("1000"):
        n[:, 0] = 1000
    logits = np.log(rate / (1 - rate)) + tau * rng.standard_normal((sets, k + 1))
    rates = 1 / (1 + np.exp(-logits))
    return rng.binomial(n, rates[:, :k]), n, rates[:, k]


def cell(seed, sets, only, k, design, rate, tau):
    """Yield one row a candidate; every candidate of one call sees the same data."""
    events, n, new = draw(np.random.default_rng(seed), sets, k, design, rate, tau)
    about = {"k": k, "n": design, "rate": rate, "tau": tau}
    for ci in INTERVALS:
        if ci in only:
            batch = mr.pool_batch(events, n, ci=ci, prediction=None)
            yield {"kind": "pooled rate", "method": ci} | about | row(batch.low, batch.high, rate)
    for prediction in PREDICTIONS:
        if f"prediction-{prediction}" in only:
            batch = mr.pool_batch(events, n, ci="normal", prediction=prediction)
            # an exact answer (no event at all) has no prediction interval: left out, not counted as covering
            known = np.isfinite(batch.se)
            low, high = batch.prediction_low[known], batch.prediction_high[known]
            yield {"kind": "new trial", "method": prediction} | about | row(low, high, new[known])


def row(low, high, truth):
    """Return coverage with its Monte Carlo error, mean width and failures."""
    sets = len(low)
    coverage = float(np.mean((low <= truth) & (truth <= high)))
    return {
        "sets": sets,
        "coverage": round(coverage, 4),
        "coverage_se": round(float(np.sqrt(coverage * (1 - coverage) / sets)), 4),
        "width": round(float(np.mean(high - low)), 4),
        "failures": int((~np.isfinite(low) | ~np.isfinite(high)).sum()),
    }


def method(row):
    """Return the name by which ``--only`` knows the method of a row."""
    return row["method"] if row["kind"] == "pooled rate" else f"prediction-{row['method']}"


def distance(row):
    """Return how many standard errors a coverage lies above the one required."""
    return (float(row["coverage"]) - REQUIRED) / max(float(row["coverage_se"]), 1e-4)


def measure_again(path, sets):
    """Replace the rows that cannot be told from .935 by ones of more sets, from a seed of their own."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    out = {method(row) for row in rows if row["n"] in DESIGNS[:2] and distance(row) < -4}
    for i, old in enumerate(rows):
        if abs(distance(old)) < 2 and int(old["sets"]) <= 4000 and method(old) not in out | {"bootstrap"}:
            where = int(old["k"]), old["n"], float(old["rate"]), float(old["tau"])
            (rows[i],) = cell([40, i], sets, [method(old)], *where)
    write(path, rows)


def write(path, rows):
    """Write the table as far as it has come."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            file.flush()


def main():
    """Write the table, or one part of it."""
    names = [*INTERVALS, *(f"prediction-{name}" for name in PREDICTIONS)]
    quick = [name for name in names if name != "bootstrap"]  # a thousand fits a set
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=4000)
    parser.add_argument("--part", default="1/1")
    parser.add_argument("--only", nargs="+", choices=names, default=quick)
    parser.add_argument("--out", type=Path, default=HERE / "default_interval.csv")
    parser.add_argument("--again", type=int, metavar="SETS")
    asked = parser.parse_args()
    if asked.again:
        measure_again(asked.out, asked.again)
        return
    which, parts = map(int, asked.part.split("/"))
    grid = list(itertools.product(DESIGNS, STUDIES, RATES, TAUS))
    seeds = np.random.SeedSequence(20111).spawn(len(grid))
    chosen = range(which - 1, len(grid), parts)
    cells = ((seeds[i], asked.sets, asked.only, grid[i][1], grid[i][0], *grid[i][2:]) for i in chosen)
    write(asked.out, (found for place in cells for found in cell(*place)))


if __name__ == "__main__":
    main()
