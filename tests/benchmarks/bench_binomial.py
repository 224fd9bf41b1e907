"""Running times of one-trial intervals as ratios: ``python tests/benchmarks/bench_binomial.py``."""

import timeit

import numpy as np
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

import metaresp as mr

TRIALS = 1_000_000


def seconds(function, number=1, repeat=3):
    """Return the fastest of a few runs, per call."""
    return min(timeit.repeat(function, number=number, repeat=repeat)) / number


def main():
    """Print the ratios that the project promises."""
    rng = np.random.default_rng(1)
    n = rng.integers(7, 201, TRIALS)
    x = rng.integers(0, n + 1)
    ours = seconds(lambda: mr.binomial_ci(x, n))
    theirs = seconds(lambda: proportion_confint(x, n, method="beta"), repeat=1)
    blaker = seconds(lambda: mr.binomial_ci(x, n, method="blaker"))
    print(f"{TRIALS:,} pairs, n in 7..200")
    print(
        f"  clopper-pearson {ours:.3f} s, statsmodels {theirs:.2f} s: ratio {theirs / ours:.0f} (at least 20)"
    )
    print(f"  blaker {blaker:.3f} s: {blaker / ours:.1f} times clopper-pearson (at most 5)")
    for method in mr.BINOMIAL_CI:
        print(f"    {method:<20} {seconds(lambda m=method: mr.binomial_ci(x, n, method=m), repeat=1):7.3f} s")
    scalar = seconds(lambda: mr.binomial_ci(13, 18), number=1000)
    test = binomtest(13, 18)
    reference = seconds(lambda: test.proportion_ci(), number=50)
    print(
        f"one trial {1e6 * scalar:.0f} us, scipy {1e6 * reference:.0f} us, {reference / scalar:.0f}-fold (10)"
    )


if __name__ == "__main__":
    main()
