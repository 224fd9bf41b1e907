"""Coverage and width of intervals where events are few, with and without a penalty on tau.

    python docs/validation/few_events.py [data sets a cell] [few_events.csv]

Each row of the table is one cell and one method: coverage of the rate of the typical trial (expit of the
median logit) and of the mean rate over trials, the mean width, and the share of sets that had an answer.
"""

import csv
import itertools
import sys
from pathlib import Path

import numpy as np
from scipy import optimize, special, stats

import metaresp as mr

RATES = (0.01, 0.02, 0.05)
TAUS = (0.0, 0.5, 1.0, 2.0)
STUDIES = (2, 3, 4, 6)
SHAPES = ("normal", "skewed", "bimodal", "beta")
SIZES = {"15-60": (15, 60), "60-200": (60, 200)}
METHODS = {
    "default": {},
    "half-normal 0.5": {"penalty": ("half-normal", 0.5)},
    "half-normal 1": {"penalty": ("half-normal", 1.0)},
    "half-normal 2": {"penalty": ("half-normal", 2.0)},
    "log-f 1": {"penalty": ("log-f", 1.0)},
    "beta-binomial": {"model": "beta-binomial"},
    "beta-binomial t": {"model": "beta-binomial", "ci": "profile-t"},
    "common": {"model": "common"},
}
_NODES = np.polynomial.hermite_e.hermegauss(80)


def effects(shape, tau, size, rng):
    """Return deviations from the median logit with standard deviation tau."""
    if shape == "normal":
        return tau * rng.standard_normal(size)
    if shape == "skewed":
        return tau * (rng.standard_exponential(size) - np.log(2))
    return tau * rng.choice([-1.0, 1.0], size)


def beta_shapes(rate, tau):
    """Return the beta distribution with this median rate whose logit has standard deviation tau."""

    def miss(log_shapes):
        a, b = np.exp(log_shapes)
        spread = np.sqrt(special.polygamma(1, a) + special.polygamma(1, b))
        return [special.logit(stats.beta.median(a, b)) - special.logit(rate), spread - tau]

    start = np.log([1 / tau**2 + 0.5, (1 / tau**2 + 0.5) / rate])
    return np.exp(optimize.fsolve(miss, start))


def draw(shape, rate, tau, size, rng):
    """Return true rates of shape *size* and their mean."""
    mu = special.logit(rate)
    if tau == 0:
        return np.full(size, rate), rate
    if shape == "beta":
        a, b = beta_shapes(rate, tau)
        return rng.beta(a, b, size), a / (a + b)
    if shape == "normal":
        mean = _NODES[1] @ special.expit(mu + tau * _NODES[0]) / _NODES[1].sum()
    elif shape == "bimodal":
        mean = special.expit([mu - tau, mu + tau]).mean()
    else:
        mean = special.expit(mu + effects(shape, tau, 2_000_000, np.random.default_rng(1))).mean()
    return special.expit(mu + effects(shape, tau, size, rng)), mean


def cell(sets, shape, rate, tau, k, sizes, seed):
    """Yield one row for each method."""
    rng = np.random.default_rng(seed)
    n = rng.integers(sizes[0], sizes[1] + 1, (sets, k))
    p, mean = draw(shape, rate, tau, (sets, k), rng)
    x = rng.binomial(n, p)
    for name, options in METHODS.items():
        prediction = {} if options.get("model") == "common" else {"prediction": None}
        found = mr.pool_batch(x, n, **options, **prediction)
        known = ~np.isnan(found.low)
        low, high = found.low[known], found.high[known]
        yield {
            "method": name,
            "typical": np.mean((low <= rate) & (rate <= high)),
            "mean": np.mean((low <= mean) & (mean <= high)),
            "width": np.mean(high - low),
            "answered": known.mean(),
            "none": np.mean(x.sum(axis=-1) == 0),
        }


def main(sets=1000, path=None):
    """Write the table, cell by cell."""
    path = Path(path or Path(__file__).with_suffix(".csv"))
    cells = list(itertools.product(SHAPES, RATES, TAUS, STUDIES, SIZES.items()))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = None
        for seed, (shape, rate, tau, k, (label, sizes)) in enumerate(cells):
            if tau == 0 and shape != "normal":
                continue
            for row in cell(sets, shape, rate, tau, k, sizes, seed):
                numbers = {key: f"{v:.4g}" if isinstance(v, float) else v for key, v in row.items()}
                line = {"shape": shape, "rate": rate, "tau": tau, "k": k, "n": label, **numbers}
                if writer is None:
                    writer = csv.DictWriter(file, fieldnames=list(line), lineterminator="\n")
                    writer.writeheader()
                writer.writerow(line)
            file.flush()


if __name__ == "__main__":
    main(*(int(a) if a.isdigit() else a for a in sys.argv[1:]))
