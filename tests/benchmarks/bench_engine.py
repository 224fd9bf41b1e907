"""What one fit of a count model and later questions cost, as ratios in one run.

Run: ``python -m tests.benchmarks.bench_engine``.  Milliseconds are printed for orientation; only the ratios
mean anything across machines.
"""

import time

import numpy as np

import metaresp as mr

EVENTS = [13, 4, 9, 0, 7, 11, 3, 5, 8, 2, 6, 1, 10, 4]
PATIENTS = [18, 7, 15, 18, 20, 22, 14, 9, 30, 12, 17, 11, 25, 16]
CLUSTERS = list("aabbbccddddeef")


def cost(work, repeats=5):
    """Return the least CPU time of *work* in milliseconds."""
    work()
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return 1e3 * best


def main():
    """Print the ratios."""
    data = {"events": EVENTS, "n": PATIENTS}
    plain = cost(lambda: mr.pool(**data))
    print(f"default fit of 14 studies: {plain:.1f} ms")
    nested = mr.pool(**data, cluster=CLUSTERS)
    works = {
        "with all that is printed": lambda: str(mr.pool(**data)),
        "nested": lambda: mr.pool(**data, cluster=CLUSTERS),
        "tau2_ci of a nested fit": nested.tau2_ci,
        **{
            f"link {link}": lambda link=link: mr.pool(**data, link=link)
            for link in ("probit", "cauchit", "log")
        },
        "beta-binomial": lambda: mr.pool(**data, model="beta-binomial"),
        "drapery of a beta-binomial": lambda: mr.drapery(mr.pool(**data, model="beta-binomial")),
        "bootstrap interval": lambda: mr.pool(**data, ci="bootstrap"),
    }
    for name, work in works.items():
        print(f"{name}: {cost(work, 2) / plain:.1f} times the default fit")
    rng = np.random.default_rng(5)
    n = rng.integers(7, 41, (1000, 10))
    x = rng.binomial(n, 1 / (1 + np.exp(0.8 - 0.7 * rng.standard_normal(n.shape))))
    print(f"a fit in a batch of 1,000 x 10: {cost(lambda: mr.pool_batch(x, n), 2) / 1000 / plain:.2f} times")


if __name__ == "__main__":
    main()
