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
from metaresp.model.spec import resolve

STUDIES, GROUPS, RATES, TAUS = (2, 3, 5, 10), (2, 3), (0.05, 0.3), (0.0, 0.5, 1.0)
SIZES = (7, 40)
SHIFTED = (0.3, 0.5, 1.0)  # rate, tau and shift of the cells of power
# Studies and tau of two groups that differ in both, at a rate of .3.
UNEQUAL = (((3, 8), (1.0, 0.0)), ((3, 8), (0.0, 1.0)), ((2, 6), (1.0, 0.2)), ((4, 4), (1.0, 0.0)))
ALPHA = 0.05
HERE = Path(__file__).parent
COLUMNS = ("k", "groups", "rate", "tau", "shift", "test", "reference", "sets", "rejected", "rejected_se")


def draw(rng, sets, groups, k, rate, tau, shift):
    """Return events and n, shape (sets, groups, k); *tau* is one number or one a group."""
    n = rng.integers(SIZES[0], SIZES[1] + 1, (sets, groups, k))
    tau = np.reshape(tau, (-1, 1))
    logits = np.log(rate / (1 - rate)) + shift * np.arange(groups)[:, None]
    return rng.binomial(n, special.expit(logits + tau * rng.standard_normal(n.shape))), n


def cell(events, n, studies):
    """Yield (test, reference, p-values); group g has the first ``studies[g]``."""
    sets, groups, k = events.shape
    copies = np.broadcast_to(np.arange(k) < np.reshape(studies, (-1, 1)), events.shape).astype(int)
    lanes, _ = clean(events.reshape(-1, k), n.reshape(-1, k), copies.reshape(-1, k))
    held = ((lanes.events == 0) | (lanes.events == lanes.total)).reshape(sets, groups)
    df = np.array(studies) - 1.0
    for shared in (False, True):
        found = likelihood_ratios(lanes, groups, resolve(), shared=shared, held=held)
        name = f"likelihood ratio, {'one' if shared else 'own'} tau2"
        yield name, "chi-square", special.chdtrc(groups - 1, found)
        yield name, "F", likelihood_f(found, np.full(sets, float(sum(studies))), groups)[1]
    batch = mr.pool_batch(events, n, copies, model="inverse-variance", prediction=None)
    known = np.isfinite(batch.estimate).all(axis=-1)
    rows = [welch_f(batch.estimate[i], batch.se[i], df) for i in np.flatnonzero(known)]
    q, _, _, p = (np.array(column) for column in zip(*rows, strict=True))
    yield "Q between groups", "chi-square", special.chdtrc(groups - 1, q)
    yield "Q between groups", "F", p


def main(sets=1000):
    """Write the table."""
    grid = [((k,) * g, rate, tau, 0.0) for k, g, rate, tau in itertools.product(STUDIES, GROUPS, RATES, TAUS)]
    grid += [((k,) * groups, *SHIFTED) for k, groups in itertools.product(STUDIES, GROUPS)]
    grid += [(studies, 0.3, tau, 0.0) for studies, tau in UNEQUAL]
    seeds = np.random.SeedSequence(20177).spawn(len(grid))
    with open(HERE / "between_groups.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for (studies, rate, tau, shift), seed in zip(grid, seeds, strict=True):
            groups = len(studies)
            events, n = draw(np.random.default_rng(seed), sets, groups, max(studies), rate, tau, shift)
            for test, reference, p in cell(events, n, studies):
                share = float((p < ALPHA).mean())
                error = float(np.sqrt(share * (1 - share) / p.size))
                k, spread = (
                    "+".join(f"{x:g}" for x in dict.fromkeys(part)) if isinstance(part, tuple) else part
                    for part in (studies, tau)
                )
                place = (k, groups, rate, spread, shift, test, reference, p.size)
                writer.writerow((*place, round(share, 4), round(error, 4)))
            file.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
