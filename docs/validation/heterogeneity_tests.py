"""Size and power of the tests that all studies share one rate; prints the tables of the decision record.

Draws counts with one common rate (or with normal logits, for power) and gives for each test at .05 the share
of data sets in which it rejects, among the sets that have a test (0 < events < patients).  Run
``python docs/validation/heterogeneity_tests.py [repeats]``.

Tests: deviance and Pearson's X2 by chi-square on k - 1; X2 by a gamma distribution with the mean and
variance that X2 has given the total; X2 against data drawn again given the total (199 draws); the
likelihood-ratio test of tau2 = 0 by the mixture (half a point mass at 0, half chi-square on 1 df), and by
the distribution that it has for equal normal studies, with normal logits and with beta-distributed rates.
"""

import sys

import numpy as np
from scipy import special

import metaresp as mr
from metaresp.arrays import FloatArray, IntArray
from metaresp.kernel.counts.one_rate import pearson, spread_pvalue

SIZES = {"7-40": (7, 40), "20": (20, 20), "30-200": (30, 200), "7-40, one 2000": (7, 40)}
COUNTS, RATES, REDRAWN = (2, 3, 5, 10, 40), (0.01, 0.05, 0.1, 0.3), 199
TESTS = ("deviance", "X2", "X2 moments", "X2 redrawn", "LRT mixture", "LRT equal", "beta-binomial LRT equal")
MODELS = ({}, {"model": "beta-binomial"})


def draw(
    rng: np.random.Generator, k: int, sizes: str, rate: float, tau: float, repeats: int
) -> tuple[IntArray, IntArray]:
    """Return counts of shape (repeats, k); *rate* is expit of the mean logit."""
    low, high = SIZES[sizes]
    n = rng.integers(low, high + 1, (repeats, k))
    if "one" in sizes:
        n[:, 0] = 2000
    p = special.expit(special.logit(rate) + tau * rng.standard_normal((repeats, k)))
    x = rng.binomial(n, p)
    use = (x.sum(axis=1) > 0) & (x.sum(axis=1) < n.sum(axis=1))
    return x[use], n[use]


def statistic(x: IntArray, n: IntArray) -> FloatArray:
    """Return Pearson's X2 against one common rate."""
    return pearson(x.astype(float), n.astype(float), np.ones(x.shape)).x2


def redrawn(rng: np.random.Generator, x: IntArray, n: IntArray) -> FloatArray:
    """Return the p-value of X2 among data drawn again given the totals."""
    observed, beyond = statistic(x, n), np.ones(len(x))
    for _ in range(REDRAWN):
        left, rest = x.sum(axis=1), n.sum(axis=1) - x.sum(axis=1)
        again = np.empty_like(x)
        for j in range(x.shape[1]):
            again[:, j] = rng.hypergeometric(left, rest, n[:, j])
            left, rest = left - again[:, j], rest - (n[:, j] - again[:, j])
        beyond += statistic(again, n) >= observed * (1 - 1e-12)
    return beyond / (REDRAWN + 1)


def pvalues(rng: np.random.Generator, x: IntArray, n: IntArray) -> dict[str, FloatArray]:
    """Return the p-values of every test."""
    sets, k = x.shape
    options = {"ci": "normal", "prediction": None}
    lrt, beta = (np.nan_to_num(mr.pool_batch(x, n, **options, **more).lrt) for more in MODELS)
    p = x.sum(axis=1) / n.sum(axis=1)
    fitted = n * p[:, None]
    deviance = 2 * (special.rel_entr(x, fitted) + special.rel_entr(n - x, n - fitted)).sum(axis=1)
    found = pearson(x.astype(float), n.astype(float), np.ones(x.shape))
    return {
        "deviance": special.chdtrc(k - 1, deviance),
        "X2": special.chdtrc(k - 1, found.x2),
        "X2 moments": found.pvalue,
        "X2 redrawn": redrawn(rng, x, n),
        "LRT mixture": np.where(lrt > 0, 0.5 * special.chdtrc(1, lrt), 1.0),
        "LRT equal": spread_pvalue(lrt, np.full(sets, float(k))),
        "beta-binomial LRT equal": spread_pvalue(beta, np.full(sets, float(k))),
    }


def table(repeats: int, taus: tuple[float, ...], cells: list[tuple[str, int, float]]) -> None:
    """Print the shares rejected, one row a cell."""
    print("| n | k | rate | tau | sets | " + " | ".join(TESTS) + " |")
    print("|---" * (5 + len(TESTS)) + "|")
    for sizes, k, rate in cells:
        for tau in taus:
            rng = np.random.default_rng([k, round(1000 * rate), round(10 * tau), len(sizes)])
            x, n = draw(rng, k, sizes, rate, tau, repeats)
            found = pvalues(rng, x, n)
            shares = " | ".join(f"{(found[name] <= 0.05).mean():.3f}" for name in TESTS)
            print(f"| {sizes} | {k} | {rate:g} | {tau:g} | {len(x)} | {shares} |", flush=True)


if __name__ == "__main__":
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("Size\n")
    table(repeats, (0.0,), [(sizes, k, rate) for sizes in SIZES for k in COUNTS for rate in RATES])
    print("\nPower\n")
    some = [(sizes, k, rate) for sizes in ("7-40", "30-200") for k in (3, 10) for rate in (0.05, 0.3)]
    table(repeats, (0.5, 1.0), some)
