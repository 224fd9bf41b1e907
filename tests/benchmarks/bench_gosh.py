"""All subsets of fourteen studies in one call, against a loop of ``pool`` over some, in one run.

python -m pytest tests/benchmarks/bench_gosh.py -s
"""

import time

import numpy as np
import pytest

import metaresp as mr

LOOP = 200
REML_OVER_LOOP = 100.0  # 120 to 160 on a machine busy with other work
COUNTS_OVER_LOOP = 100.0

pytestmark = pytest.mark.benchmark


def timed(function, repeats):
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        out = function()
        best = min(best, time.process_time() - start)
    return best, out


def compare(**options):
    """Return how many times sooner gosh has all subsets, and the largest difference from the loop."""
    studies = mr.datasets.load("pritz1997")
    fit = mr.pool(studies, **options)
    mr.gosh(fit, subsets=600)  # what is loaded or compiled once
    batch, found = timed(lambda: mr.gosh(fit), 5)
    held = found.members()
    some = np.random.default_rng(1).choice(found.k.size, LOOP, replace=False)

    def loop():
        fits = [mr.pool(studies[np.flatnonzero(held[i])], **options) for i in some]
        return np.array([(one.rate, one.tau2, one.heterogeneity.I2) for one in fits])

    seconds, by_pool = timed(loop, 2)
    ours = np.array([found.rate[some], found.tau2[some], found.I2[some]]).T
    known = ~np.isnan(by_pool)
    assert (known == ~np.isnan(ours)).all()
    worst = np.abs(ours - by_pool)[known].max()
    scaled = seconds * found.k.size / LOOP
    print(f"\n{options}: {found.k.size:,} subsets {batch:.2f} s, a loop of pool {scaled:.0f} s: "
          f"{scaled / batch:.0f} times; largest difference {worst:.1e}")  # fmt: skip
    return scaled / batch, worst


def test_reml():
    ratio, worst = compare(model="inverse-variance", tau2="REML")
    assert ratio > REML_OVER_LOOP
    assert worst < 1e-6


def test_counts():
    for options in ({}, {"link": "probit"}, {"model": "beta-binomial"}):
        ratio, worst = compare(**options)
        assert ratio > COUNTS_OVER_LOOP
        assert worst < 1e-6
