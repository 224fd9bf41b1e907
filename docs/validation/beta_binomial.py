"""Coverage and width of the intervals of the beta-binomial model, by simulation from that model.

    python docs/validation/beta_binomial.py [data sets a cell] [beta_binomial.csv]

One row for each cell: coverage of the mean by ``bartlett`` (the default) and ``profile``; the mean
probability content of the interval of a new trial by ``likelihood`` (the default) and ``hts``; coverage of
rho by ``cox-reid`` (the default) and ``profile``; coverage of the studies' own rates; mean widths as rates.

Sets without an event, or with events only, get exact answers without an interval of a new trial or of rho:
``none`` is their share.  They count in the mean but for ``fitted``, and nowhere else.  The interval of a new
trial is asked of a quarter of the sets, that of rho of half, the studies' own rates of a few.
"""

import csv
import itertools
import sys
from pathlib import Path

import numpy as np
from scipy import stats

import metaresp as mr
from metaresp.counts import clean
from metaresp.model.beta_binomial import BetaBinomial

STUDIES = (2, 3, 4, 5, 10)
SIZES = {"7-40": (7, 40), "30-200": (30, 200), "one of 2000": (7, 40)}
MEANS = (0.05, 0.3)
RHOS = (0.0, 0.05, 0.2)
CALIBRATIONS = ("profile", "bartlett")
OWN = 12  # data sets a cell for the rates of studies, which are asked fit by fit


def draw(sets, k, sizes, mean, rho, rng):
    """Return events, patients and true rates."""
    n = rng.integers(sizes[1][0], sizes[1][1] + 1, (sets, k))
    if sizes[0] == "one of 2000":
        n[:, 0] = 2000
    m = (1 - rho) / rho if rho else 0.0
    p = rng.beta(mean * m, (1 - mean) * m, (sets, k)) if rho else np.full((sets, k), mean)
    return rng.binomial(n, p), n, p


def content(low, high, mean, rho):
    """Return the probability that the rate of a new trial lies between *low* and *high*."""
    if rho == 0:
        return ((low <= mean) & (mean <= high)).astype(float)
    m = (1 - rho) / rho
    law = stats.beta(mean * m, (1 - mean) * m)
    return law.cdf(high) - law.cdf(low)


def own_rates(x, n, p):
    """Return how often the interval of a study's rate holds it, and its width."""
    held, width = [], []
    for events, size, rates in zip(x, n, p, strict=True):
        found = mr.pool(events=events, n=size, model="beta-binomial", prediction=None).study_rates()
        if not np.isnan(found.shrunken_low).any():
            held.append((found.shrunken_low <= rates) & (rates <= found.shrunken_high))
            width.append(found.shrunken_high - found.shrunken_low)
    return np.mean(held), np.mean(width)


def cell(sets, k, sizes, mean, rho, seed):
    """Return the numbers of one cell."""
    x, n, p = draw(sets, k, sizes, mean, rho, np.random.default_rng(seed))
    row = {}
    for ci in CALIBRATIONS:
        found = mr.pool_batch(x, n, model="beta-binomial", ci=ci, prediction=None)
        row[f"mean {ci}"] = np.mean((found.low <= mean) & (mean <= found.high))
        row[f"mean {ci} width"] = np.mean(found.high - found.low)
    inner = (x.sum(axis=-1) > 0) & (x.sum(axis=-1) < n.sum(axis=-1))
    row["mean bartlett fitted"] = np.mean(((found.low <= mean) & (mean <= found.high))[inner])
    row["none"] = 1 - inner.mean()
    x, n, p = x[inner], n[inner], p[inner]
    some, half = slice(sets // 4), slice(sets // 2)  # an interval of a new trial takes longest
    for prediction in ("likelihood", "hts"):
        found = mr.pool_batch(x[some], n[some], model="beta-binomial", prediction=prediction)
        inside = content(found.prediction_low, found.prediction_high, mean, rho)
        has = k > 2 or prediction != "hts"
        row[f"new {prediction}"] = inside.mean() if has else np.nan
        row[f"new {prediction} se"] = inside.std() / np.sqrt(inside.size) if has else np.nan
        width = found.prediction_high - found.prediction_low
        row[f"new {prediction} width"] = width.mean() if has else np.nan
    model = BetaBinomial(clean(x[half], n[half], None)[0], found.spec)
    for method in model.rho_methods:
        low, high = model.rho_limits(method, 0.95)
        row[f"rho {method}"] = np.mean((low <= rho) & (rho <= high))
        row[f"rho {method} width"] = np.mean(high - low)
    row["own rate"], row["own rate width"] = own_rates(x[:OWN], n[:OWN], p[:OWN])
    return row


def main(sets=1000, path=None):
    """Write the table, cell by cell."""
    path = Path(path or Path(__file__).with_suffix(".csv"))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = None
        cells = itertools.product(STUDIES, SIZES.items(), MEANS, RHOS)
        for seed, (k, sizes, mean, rho) in enumerate(cells):
            numbers = {name: f"{value:.4g}" for name, value in cell(sets, k, sizes, mean, rho, seed).items()}
            line = {"k": k, "n": sizes[0], "mean": mean, "rho": rho, **numbers}
            if writer is None:
                writer = csv.DictWriter(file, fieldnames=list(line), lineterminator="\n")
                writer.writeheader()
            writer.writerow(line)
            file.flush()


if __name__ == "__main__":
    main(*(int(a) if a.isdigit() else a for a in sys.argv[1:]))
