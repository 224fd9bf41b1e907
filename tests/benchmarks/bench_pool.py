"""Ratios of one run: a batch against a loop, REML against DL, doubling k, large n.

Run: ``python -m tests.benchmarks.bench_pool``.  Seconds are printed for orientation; only the ratios mean
anything across machines.
"""

import time

import numpy as np

import metaresp as mr
from metaresp.kernel.counts import fast


def seconds(work, repeats=3):
    """Return the best time of *work*."""
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def draw(rng, lanes, k, low, high):
    """Return counts of lanes with logits normal around -0.5."""
    n = rng.integers(low, high, (lanes, k))
    rate = 1 / (1 + np.exp(0.5 - 0.6 * rng.standard_normal((lanes, k))))
    return rng.binomial(n, rate), n


def loop(x, n, count, **options):
    """Return seconds a fit of pool in a loop."""
    return seconds(lambda: [mr.pool(events=x[i], n=n[i], **options) for i in range(count)], 2) / count


def batch(x, n, **options):
    """Return seconds a lane of pool_batch."""
    return seconds(lambda: mr.pool_batch(x, n, **options)) / len(x)


def compare_compiled(x, n):
    """Print how much faster a lane is in compiled code than in NumPy."""
    enough, fast.ENOUGH = fast.ENOUGH, 10**9
    plain = batch(x, n)
    fast.ENOUGH = enough
    if not fast.worth(len(x)):
        print("binomial-normal, compiled: numba is not installed")
        return
    compiled = batch(x, n)
    print(f"binomial-normal, {len(x):,} x {x.shape[1]}, compiled: {plain / compiled:.1f} times faster "
          f"than NumPy ({1e6 * plain:.0f} us, {1e6 * compiled:.0f} us)")  # fmt: skip


def main():
    """Print the ratios."""
    rng = np.random.default_rng(1)
    x, n = draw(rng, 1000, 10, 7, 40)
    for name, options in {"binomial-normal": {}, "inverse-variance": {"model": "inverse-variance"}}.items():
        alone, together = loop(x, n, 100, **options), batch(x, n, **options)
        print(f"{name}: 1,000 lanes x 10: {alone / together:.0f} times faster a fit than a loop "
              f"({1e3 * alone:.2f} ms, {1e6 * together:.0f} us)")  # fmt: skip

    x, n = draw(rng, 100_000, 20, 7, 40)
    options = {"model": "inverse-variance", "ci": "hartung-knapp", "prediction": None}
    alone = loop(x, n, 200, **options)
    reml, dl = batch(x, n, **options), batch(x, n, tau2="DL", **options)
    print(f"REML + hartung-knapp, 100,000 x 20: {alone / reml:.0f} times faster a fit than a loop; "
          f"{reml / dl:.1f} times the time of DL ({1e6 * reml:.1f} us)")  # fmt: skip

    events, size = x[0, :14], n[0, :14]
    whole = seconds(lambda: mr.pool(events=events, n=size, model="inverse-variance"), 50)
    lane = seconds(lambda: mr.pool_batch(events, size, model="inverse-variance"), 50)
    print(f"one inverse-variance pool of 14 studies: {1e3 * (whole - lane):.2f} ms beyond the batched call "
          f"({1e3 * lane:.2f} ms)")  # fmt: skip

    x, n = draw(rng, 10_000, 10, 7, 40)
    small = batch(x[:4000], n[:4000])
    print(f"binomial-normal, 10,000 x 10: {loop(x, n, 100) / batch(x, n):.0f} times faster than a loop")
    compare_compiled(*draw(rng, 4000, 10, 7, 40))
    x, n = draw(rng, 4000, 20, 7000, 40_000)
    print(f"binomial-normal, k doubled and n a thousandfold: {batch(x, n) / small:.1f} times a lane")


if __name__ == "__main__":
    main()
