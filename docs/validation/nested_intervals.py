"""Coverage of the intervals of studies nested in clusters, by simulation.

Clusters of one to four studies, normal logits with two variances.  Whether an interval of the mean holds the
true one is read from the t statistic or from the fall of the profile likelihood; what share of new studies
(of new clusters) a prediction interval holds is computed, not drawn.  All data sets of a cell are lanes of
one call.  Run: ``python docs/validation/nested_intervals.py`` (an hour), which writes
``nested_intervals.csv``; ``--table`` prints it.
"""

import argparse
import csv
from itertools import product
from pathlib import Path

import numpy as np
from scipy import special

from metaresp.kernel.counts.binomial_normal import TAU_UNBOUNDED
from metaresp.kernel.nested.counts import arrange, fall_at, fit_nested_binomial
from metaresp.kernel.nested.effects import effects_of, fit_nested_gaussian
from metaresp.kernel.nested.intervals import (
    NESTED_CALIBRATIONS,
    NESTED_COUNT_PREDICTION,
    NESTED_EFFECT_CI,
    NestedLanes,
    NewStudy,
)
from metaresp.kernel.numerics.quantiles import t_quantile

FILE = Path(__file__).with_suffix(".csv")
TAIL = 0.025
STUDIES = (1, 3, 2, 4)  # of the clusters, in turn
SIZES = {"7-40": (7, 41), "30-200": (30, 201), "one of 2,000": (7, 41)}
SPREADS = ((0.0, 0.0), (0.5, 0.5), (1.0, 0.0), (1.0, 1.0))
CELLS = list(product((4, 10, 6), SIZES, (0.05, 0.3), SPREADS))
EFFECT = ("CR2", "t")
ACCURACY = 14.0  # of the likelihood: e-foldings


def draw(rng, lanes, clusters, sizes, rate, between, within):
    """Return events and patients, shape (lanes, k), and the cluster of each study."""
    cluster = np.repeat(np.arange(clusters), np.resize(STUDIES, clusters))
    n = rng.integers(*SIZES[sizes], (lanes, cluster.size))
    if sizes == "one of 2,000":
        n[:, 1] = 2000
    logit = special.logit(rate) + between * rng.normal(size=(lanes, clusters))[:, cluster]
    logit += within * rng.normal(size=n.shape)
    return rng.binomial(n, special.expit(logit)).astype(float), n.astype(float), cluster


def counts(x, n, cluster, mu, spread, lanes):
    """Return the coverages of the count model's intervals, by name, with the widths of some."""
    data = arrange(x, n, cluster)._replace(nats=ACCURACY)
    fit = fit_nested_binomial(data)
    # studies at 0% and 100% only get an exact answer, no events too
    fitted = np.isfinite(fit.mu) & ((fit.reason != TAU_UNBOUNDED) | ((x > 0) & (x < n)).any(axis=-1))
    rows = np.flatnonzero(fitted)
    some = NestedLanes(data.take(rows), fit.take(rows))
    fit, k = some.fit, some.k
    z = float(t_quantile(np.inf, TAIL))
    far, t = np.abs(fit.mu - mu) / fit.se, t_quantile(k - 1, TAIL)
    fall = fall_at(some.data, fit.best, np.full(k.size, mu), np.arange(k.size))
    out = {"sets": k.size, "normal": np.mean(far <= z), "t": np.mean(far <= t)}
    for name, how in NESTED_CALIBRATIONS.items():
        critical = how.critical(some, TAIL)
        out[name] = np.mean(fall <= critical)
        out[f"{name}_width"] = np.median(2 * np.sqrt(critical) * fit.se)  # nearly: of a quadratic profile
    out["t_width"] = np.median(2 * t * fit.se)
    few = NestedLanes(some.data.take(slice(lanes)), fit.take(np.arange(min(lanes, k.size))))
    fit, k = few.fit, few.k
    new = NewStudy(fit.mu, fit.se, fit.tau_between**2 + fit.tau_within**2, k)
    for name in ("likelihood", "hts"):
        low, high = NESTED_COUNT_PREDICTION[name](few, new, TAIL)
        if spread > 0:
            held = special.ndtr((high - mu) / spread) - special.ndtr((low - mu) / spread)
        else:
            held = (low <= mu) & (mu <= high)
        out[f"prediction_{name}"], out[f"{name}_width"] = np.mean(held), np.median(high - low)
    return out


def effects(x, n, cluster, mu, clusters):
    """Return the coverages of the inverse-variance model's intervals."""
    edge = 0.5 * ((x == 0) | (x == n))
    data = effects_of(np.log((x + edge) / (n - x + edge)), 1 / (x + edge) + 1 / (n - x + edge), cluster)
    fit = fit_nested_gaussian(data)
    found = {name: NESTED_EFFECT_CI[name](fit, data.clusters, TAIL) for name in EFFECT}
    covers = {f"iv_{name}": np.mean((one.low <= mu) & (mu <= one.high)) for name, one in found.items()}
    return covers | {"iv_CR2_width": np.median(found["CR2"].high - found["CR2"].low)}


def table(rows):
    """Print the cells as a table of the method pages."""
    names = [name for name in rows[0] if not name.endswith("width")]
    print("| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|")
    for row in rows:
        print("| " + " | ".join(row[name] for name in names) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--predictions", type=int, default=100, help="sets with prediction intervals")
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    if args.table:
        with FILE.open(encoding="utf-8", newline="") as file:
            return table(list(csv.DictReader(file)))
    with FILE.open("w", encoding="utf-8", newline="") as file:
        for seed, (clusters, sizes, rate, (between, within)) in enumerate(CELLS):
            rng, mu = np.random.default_rng(seed), float(special.logit(rate))
            x, n, cluster = draw(rng, args.repeats, clusters, sizes, rate, between, within)
            row = {"clusters": clusters, "n": sizes, "rate": rate, "tau_b": between, "tau_w": within}
            row |= counts(x, n, cluster, mu, float(np.hypot(between, within)), args.predictions)
            row |= effects(x, n, cluster, mu, clusters)
            row = {name: round(float(v), 3) if isinstance(v, np.floating) else v for name, v in row.items()}
            if not seed:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
            writer.writerow(row)
            file.flush()
    return None


if __name__ == "__main__":
    main()
