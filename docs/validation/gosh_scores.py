"""Scores of gosh with and without an outlying study: how large the largest is, and whose it is.

python docs/validation/gosh_scores.py [repeats]
"""

import sys

import numpy as np
from scipy.special import expit, logit

import metaresp as mr

RATE = 0.3
HIGH = 0.7


def scores(k, tau, shift, repeats, rng, **options):
    """Return the share of data sets whose largest score is high, and whose largest is the shifted study's."""
    high = found = 0
    for _ in range(repeats):
        n = rng.integers(15, 80, k)
        theta = logit(RATE) + tau * rng.normal(size=k)
        theta[0] += shift
        score = mr.gosh(mr.pool(events=rng.binomial(n, expit(theta)), n=n, **options)).score
        high += score.max() > HIGH
        found += score.argmax() == 0
    return high / repeats, found / repeats


def main(repeats):
    """Print a table."""
    rng = np.random.default_rng(2026)
    print("| k | tau | shift of one study, logits | largest score above 0.7 | largest is that study's |")
    print("|---|---|---|---|---|")
    for k in (6, 8, 10):
        for tau in (0.0, 0.3, 0.6):
            for shift in (0.0, 1.0, 2.0):
                high, found = scores(k, tau, shift, repeats, rng, model="inverse-variance")
                known = f"{found:.2f}" if shift else ""
                print(f"| {k} | {tau} | {shift} | {high:.3f} | {known} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
