"""How often do the tests between groups find a difference, where there is one and where not?

Draws sets of groups (2 to 10 studies a group, 2 or 3 groups, n 7-40, rate .05 and .3, tau 0, .5, 1), tests
each set by every candidate in batches, and writes ``between_groups.csv`` beside this file.  Where ``shift``
is not 0 the logits of neighbouring groups are that far apart, and what is measured is power, else size.
Run: ``python docs/validation/between_groups.py [sets a cell]``
"""

import csv
import itertools
import sys
from pathlib import Path

import numpy as np
from scipy import special

import metaresp as mr
from metaresp.analyses.between import likelihood_f, likelihood_ratios, welch_f
from metaresp.counts import clean

STUDIES, GROUPS, RATES, TAUS = (2, 3, 5, 10), (2, 3), (0.05, 0.3), (0.0, 0.5, 1.0)
SIZES = (7, 40)
SHIFTED = (0.3, 0.5, 1.0)  # rate, tau and shift of the cells of power
ALPHA = 0.05
HERE = Path(__file__).parent
COLUMNS = ("k", "groups", "rate", "tau", "shift", "test", "reference", "sets", "rejected", "rejected_se")


def draw(rng, sets, groups, k, rate, tau, shift):
    """Return events and n, shape (sets, groups, k)."""
    n = rng.integers(SIZES[0], SIZES[1] + 1, (sets, groups, k))
    logits = np.log(rate / (1 - rate)) + shift * np.arange(groups)[:, None]
    return rng.binomial(n, special.expit(logits + tau * rng.standard_normal(n.shape))), n


def cell(events, n):
    """Yield (test, reference, p-values)."""
    sets, groups, k = events.shape
    lanes, _ = clean(events.reshape(-1, k), n.reshape(-1, k), None)
    totals = events.sum(axis=-1)
    held = (totals == 0) | (totals == n.sum(axis=-1))
    for shared in (False, True):
        found = likelihood_ratios(lanes, groups, shared=shared, held=held)
        name = f"likelihood ratio, {'one' if shared else 'own'} tau2"
        yield name, "chi-square", special.chdtrc(groups - 1, found)
        yield name, "F", likelihood_f(found, np.full(sets, float(groups * k)), groups)[1]
    batch = mr.pool_batch(events, n, model="inverse-variance", prediction=None)
    known = np.isfinite(batch.estimate).all(axis=-1)
    rows = [welch_f(batch.estimate[i], batch.se[i], np.full(groups, k - 1.0)) for i in np.flatnonzero(known)]
    q, _, _, p = (np.array(column) for column in zip(*rows, strict=True))
    yield "Q between groups", "chi-square", special.chdtrc(groups - 1, q)
    yield "Q between groups", "F", p


def main(sets=1000):
    """Write the table."""
    grid = [(*place, 0.0) for place in itertools.product(STUDIES, GROUPS, RATES, TAUS)]
    grid += [(k, groups, *SHIFTED) for k, groups in itertools.product(STUDIES, GROUPS)]
    seeds = np.random.SeedSequence(20177).spawn(len(grid))
    with open(HERE / "between_groups.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for (k, groups, rate, tau, shift), seed in zip(grid, seeds, strict=True):
            events, n = draw(np.random.default_rng(seed), sets, groups, k, rate, tau, shift)
            for test, reference, p in cell(events, n):
                share = float((p < ALPHA).mean())
                error = float(np.sqrt(share * (1 - share) / p.size))
                place = (k, groups, rate, tau, shift, test, reference, p.size)
                writer.writerow((*place, round(share, 4), round(error, 4)))
            file.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
