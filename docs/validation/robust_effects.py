"""What normal, t and mixture effects cover where trials are normal, long-tailed, bimodal, skewed or outlying.

Draws data sets of 30 to 200 patients a trial (see ``validate_settings``; an outlying trial is moved by 4
standard deviations) and counts how often the default interval of the typical rate holds the true one, expit
of the mean logit (of the other trials, with an outlying one), with its mean width in percentage points.

Run: ``python docs/validation/robust_effects.py --sets 500 [--k 5 10] [--truth outlier]``; rows of the same
cells in ``robust_effects.csv`` are replaced.  ``--times 5`` adds the mixture whose outlying trials are five
times as far spread.  ``python docs/validation/robust_effects.py report`` prints the table of
``docs/decisions/robust-effects.md``.
"""

import argparse
import csv
import itertools
from pathlib import Path

import numpy as np
from validate_settings import BLOCK, Setting, draw

import metaresp as mr
from metaresp.kernel.counts.effect_shapes import EFFECTS, contaminated

TRUTHS, STUDIES, RATES, TAUS = (
    ("normal", "t", "bimodal", "skewed", "outlier"),
    (5, 10, 20),
    (0.3, 0.05),
    (0.5, 1.0),
)
COLUMNS = ("truth", "k", "rate", "tau", "effects", "sets", "coverage", "coverage_se", "width")
PATH = Path(__file__).with_suffix(".csv")


def measure(setting, effects, sets):
    """Return one row: coverage of the default interval and its width."""
    drawn = [draw(setting, block, min(BLOCK, sets - block * BLOCK)) for block in range(-(-sets // BLOCK))]
    events, n = (np.concatenate(field) for field in list(zip(*drawn, strict=True))[:2])
    batch = mr.pool_batch(events, n, effects=effects, prediction=None)
    covers = ((batch.low <= setting.rate) & (setting.rate <= batch.high)).mean()
    se = np.sqrt(covers * (1 - covers) / sets)
    numbers = (sets, covers, se, 100 * np.mean(batch.high - batch.low))
    key = (setting.effects, setting.k, setting.rate, setting.tau, effects)
    return dict(zip(COLUMNS, key + tuple(f"{value:.4g}" for value in numbers), strict=True))


def key(row):
    """Return what tells a row."""
    return tuple(str(row[name]) for name in COLUMNS[:5])


def read():
    """Return the rows that are known, by key."""
    if not PATH.exists():
        return {}
    with PATH.open(newline="") as file:
        return {key(row): row for row in csv.DictReader(file)}


def write(rows):
    """Write all rows."""
    with PATH.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[name] for name in sorted(rows))


def report():
    """Print coverage and width by truth and k: the mean over rates and tau, and the worst cell."""
    rows = list(read().values())
    names = [name for name in (*EFFECTS, "mixture-5") if any(row["effects"] == name for row in rows)]
    print("| effects drawn | k |" + "".join(f" {name} |" for name in names))
    print("|---|---|" + "---|" * len(names))
    for truth, k in itertools.product(TRUTHS, STUDIES):
        cells = []
        for name in names:
            found = [row for row in rows if (row["truth"], row["k"], row["effects"]) == (truth, str(k), name)]
            if not found:
                cells.append("")
                continue
            covers, width = (
                np.array([float(row[column]) for row in found]) for column in ("coverage", "width")
            )
            cells.append(f"{covers.mean():.3f} ({covers.min():.3f}), {width.mean():.1f}")
        print(f"| {truth} | {k} |" + "".join(f" {cell} |" for cell in cells))


def main():
    """Measure cells, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="?", default="measure", choices=("measure", "report"))
    parser.add_argument("--sets", type=int, default=500)
    parser.add_argument("--k", type=int, nargs="+", default=STUDIES)
    parser.add_argument("--truth", nargs="+", default=TRUTHS)
    parser.add_argument("--effects", nargs="+", default=tuple(EFFECTS))
    parser.add_argument("--times", type=float, nargs="*", default=())
    chosen = parser.parse_args()
    if chosen.what == "report":
        return report()
    extra = tuple(f"mixture-{times:g}" for times in chosen.times)
    for name, times in zip(extra, chosen.times, strict=True):
        EFFECTS.add(name)(contaminated(times=times))
    rows = read()
    for k, truth, rate, tau in itertools.product(chosen.k, chosen.truth, RATES, TAUS):
        for effects in (*chosen.effects, *extra):
            row = measure(Setting(truth, k, "30-200", rate, tau), effects, chosen.sets)
            rows[key(row)] = row
        write(rows)
    return None


if __name__ == "__main__":
    main()
