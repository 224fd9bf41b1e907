"""Compare metaresp with what ``published.R`` wrote: ``python published.py out.csv``.

Every table is a lane of one batch an option; prints how many numbers were compared, how many agree, and
those that do not, the worst first.
"""

import csv
import sys
from collections import defaultdict

import numpy as np

import metaresp as mr

TRANSFORMS = {"PR": "identity", "PLN": "log", "PLO": "logit", "PAS": "arcsine", "PFT": "freeman-tukey"}
TESTS = {"z": ("normal", "normal"), "t": ("t", "t"), "knha": ("hartung-knapp", "hartung-knapp")}
FIELDS = {
    "estimate": "estimate", "se": "se", "low": "estimate_low", "high": "estimate_high", "tau2": "tau2",
    "I2": "I2", "Q": "Q", "pi.low": "estimate_prediction_low", "pi.high": "estimate_prediction_high",
}  # fmt: skip
# Closed forms and iterations to 1e-6; lme4 stops, with its 25 nodes, within about 1e-4.
CLOSE = {"rma": 1e-6, "rma.glmm": 1e-4, "glmer": 1e-4}


def read(path):
    """Return the counts of each table, and the numbers by kind and options."""
    counts, numbers = defaultdict(dict), defaultdict(lambda: defaultdict(dict))
    with open(path, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["kind"] == "counts":
                counts[row["table"]][row["quantity"]] = list(map(int, row["value"].split()))
            else:
                options = (row["kind"], row["a"], row["b"], row["c"])
                numbers[options][row["table"]][row["quantity"]] = float(row["value"])
    return counts, numbers


def lanes(counts, tables):
    """Return events, n and copies with a lane a table."""
    longest = max(len(counts[name]["x"]) for name in tables)
    x, n, copies = np.zeros((3, len(tables), longest), dtype=np.int64)
    for lane, name in enumerate(tables):
        k = len(counts[name]["x"])
        x[lane, :k], n[lane, :k], copies[lane, :k] = counts[name]["x"], counts[name]["n"], 1
    return x, np.maximum(n, 1), copies


def near(ours, theirs, quantity):
    """Return how far apart two numbers are: relative, or absolute below 1 (shares in percent: of 100)."""
    return np.abs(ours - theirs) / (100.0 if quantity == "I2" else np.maximum(1.0, np.abs(theirs)))


def main(path):
    counts, numbers = read(path)
    far, compared, agree = [], defaultdict(int), defaultdict(int)
    for (kind, a, b, c), tables in numbers.items():
        names = list(tables)
        options = {}
        if kind == "rma":
            ci, prediction = TESTS[c]
            # metafor corrects the effects of log and logit, and the variance alone of the identity
            options = {"model": "inverse-variance", "transform": TRANSFORMS[a], "tau2": b, "ci": ci}
            options["prediction"] = prediction
            if a == "PR":
                names = [t for t in names if all(0 < x < n for x, n in zip(*counts[t].values(), strict=True))]
        batch = mr.pool_batch(*lanes(counts, names), **options)
        for quantity in next(iter(tables.values())):
            ours = getattr(batch, FIELDS[quantity])
            theirs = np.array([tables[name].get(quantity, np.nan) for name in names])
            distance = near(ours, theirs, quantity)
            known = np.isfinite(theirs)
            key = kind if kind != "rma" else f"rma {a}"
            compared[key] += int(known.sum())
            agree[key] += int((distance[known] < CLOSE[kind]).sum())
            far += [
                (float(distance[i]), kind, a, b, c, names[i], quantity, float(ours[i]), float(theirs[i]))
                for i in np.flatnonzero(known & ~(distance < CLOSE[kind]))
            ]
    print(f"{len(counts)} tables")
    for key in compared:
        close = CLOSE[key.split()[0]]
        print(f"{key:12}{compared[key]:8} numbers, {agree[key]:8} to {close:g}, {compared[key] - agree[key]} not")
    for line in sorted(far, reverse=True, key=lambda one: np.nan_to_num(one[0], nan=np.inf))[:60]:
        print(*line)


if __name__ == "__main__":
    main(sys.argv[1])
