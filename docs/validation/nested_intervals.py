"""Coverage of the intervals of the pooled rate for studies nested in clusters, by simulation.

Clusters of one to four studies of 7 to 40 patients, pooled rate .30, normal logits.  Count model: whether
an interval holds the true mean is read from the t statistic or from the fall of the profile likelihood.
Run: ``python docs/validation/nested_intervals.py --repeats 300`` (half an hour).
"""

import argparse

import numpy as np
from scipy import special

from metaresp.errors import CannotEstimate
from metaresp.kernel.nested.counts import NO_MEAN, fall_at, fit_nested_binomial, top_of
from metaresp.kernel.nested.effects import fit_nested_gaussian
from metaresp.kernel.nested.intervals import NESTED_EFFECT_CI
from metaresp.kernel.numerics.quantiles import t_quantile

TAIL = 0.025
MU = float(special.logit(0.3))
CELLS = [(c, tb, tw) for c in (4, 8, 15) for tb, tw in ((0.8, 0.5), (0.0, 0.0))]
COUNT, EFFECT = ("normal", "t", "profile", "profile-t"), ("normal", "t", "CR1", "CR2")


def draw(rng, clusters, between, within):
    """Return events, patients and cluster of one data set."""
    cluster = np.repeat(np.arange(clusters), rng.integers(1, 5, clusters))
    if cluster.size == clusters:
        return draw(rng, clusters, between, within)
    n = rng.integers(7, 41, cluster.size)
    logit = MU + between * rng.normal(size=clusters)[cluster] + within * rng.normal(size=cluster.size)
    return rng.binomial(n, special.expit(logit)).astype(float), n.astype(float), cluster


def count_covers(x, n, cluster, clusters):
    """Return whether each interval of the count model holds the true mean, and the width of two."""
    fit = fit_nested_binomial(x, n, cluster)
    if fit.reason == NO_MEAN:
        raise CannotEstimate("no event, or nothing but events")
    z, t = (float(t_quantile(df, TAIL)) for df in (np.inf, clusters - 1))
    far, root = abs(fit.mu - MU) / fit.se, np.sqrt(fall_at(x, n, cluster, top_of(fit), MU))
    return [far <= z, far <= t, root <= z, root <= t], [2 * z * fit.se, 2 * t * fit.se]


def effect_covers(x, n, cluster, clusters):
    """Return whether each interval of the inverse-variance model holds the true mean, and its width."""
    edge = 0.5 * ((x == 0) | (x == n))
    y = np.log((x + edge) / (n - x + edge))
    fit = fit_nested_gaussian(y, 1 / (x + edge) + 1 / (n - x + edge), cluster)
    found = [NESTED_EFFECT_CI[name](fit, clusters, TAIL) for name in EFFECT]
    return [one.low <= MU <= one.high for one in found], [one.high - one.low for one in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=300)
    repeats = parser.parse_args().repeats
    names = [f"count {name}" for name in COUNT] + [f"iv {name}" for name in EFFECT]
    print(
        "| clusters | tau between | tau within | " + " | ".join(names) + " | width count t | width iv CR2 |"
    )
    print("|---" * (len(names) + 5) + "|")
    for seed, (clusters, between, within) in enumerate(CELLS):
        rng = np.random.default_rng(seed)
        covers, widths = [], []
        for _ in range(repeats):
            data = draw(rng, clusters, between, within)
            count, wide = count_covers(*data, clusters)
            effect, broad = effect_covers(*data, clusters)
            covers.append(count + effect)
            widths.append([wide[1], broad[EFFECT.index("CR2")]])
        shares = " | ".join(f"{share:.3f}" for share in np.mean(covers, axis=0))
        width = " | ".join(f"{value:.2f}" for value in np.median(widths, axis=0))
        print(f"| {clusters} | {between} | {within} | {shares} | {width} |", flush=True)


if __name__ == "__main__":
    main()
