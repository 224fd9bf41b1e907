"""How often is a study that is no outlier beyond 1.96, by four residuals of counts?

Draws sets of studies (4, 6 and 14, n 7-40 and 30-200, rate .05 and .3, tau 0, .5, 1), leaves out each study
of each set in one batch of the default model, and prints the share of residuals below -1.96 and above 1.96:
the normal score of the mid-p probability that ``mr.influence`` gives, with a Student theta; the same with a
normal one; Pearson's residual with the moments of that; the logit with 0.5 added at 0% and 100%.
Run: ``python docs/validation/residuals.py [sets a cell]``
"""

import itertools
import sys

import numpy as np
from scipy import special

import metaresp as mr
from metaresp.kernel.trial.left_out import StudentRates, count_deviates

CELLS = itertools.product((4, 6, 14), ((7, 40), (30, 200)), (0.05, 0.3), (0.0, 0.5, 1.0))
Z, WEIGHT = np.polynomial.hermite_e.hermegauss(40)
LIMIT = 1.96


def residuals(x, n):
    """Return the four residuals of each study of each set, shape (4, sets, k); NaN without an estimate."""
    k = x.shape[1]
    fits = mr.pool_batch(x[:, None], n[:, None], 1 - np.eye(k, dtype=int), prediction=None)
    found = np.full((4, *x.shape), np.nan)
    known = np.isfinite(fits.estimate) & np.isfinite(fits.se)
    mu, se, tau2 = (field[known] for field in (fits.estimate, fits.se, fits.tau2))
    x, n = x[known].astype(float), n[known].astype(float)
    sd = np.hypot(se, np.sqrt(tau2))
    for i, (df, times) in enumerate(((k - 2.0, (k - 1) / (k - 2)), (np.inf, 1.0))):
        law = StudentRates(mu, np.sqrt(times) * sd[:, None], np.ones(1), np.full_like(mu, df))
        found[i, known] = count_deviates(x, n, law)
    p = special.expit(mu[:, None] + sd[:, None] * Z)
    mean, square = (power @ WEIGHT / WEIGHT.sum() for power in (p, p * p))
    variance = n * mean * (1 - mean) + n * (n - 1) * (square - mean**2)
    found[2, known] = (x - n * mean) / np.sqrt(variance)
    half = 0.5 * ((x == 0) | (x == n))
    y, v = np.log((x + half) / (n - x + half)), 1 / (x + half) + 1 / (n - x + half)
    found[3, known] = (y - mu) / np.sqrt(v + sd**2)
    return found


def main(sets=300):
    """Print a row a cell."""
    rng = np.random.default_rng(14)
    print("| k | n | rate | tau | mid-p, t | mid-p, normal | Pearson | logit + 0.5 | error |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for k, sizes, rate, tau in CELLS:
        n = rng.integers(sizes[0], sizes[1] + 1, (sets, k))
        x = rng.binomial(n, special.expit(special.logit(rate) + tau * rng.standard_normal((sets, k))))
        found = residuals(x, n)
        low, high = (np.mean(sign * found > LIMIT, axis=-1) for sign in (-1, 1))
        error = max(side[0].std() for side in (low, high)) / np.sqrt(sets)
        cells = [f"{a.mean():.3f}, {b.mean():.3f}" for a, b in zip(low, high, strict=True)]
        print(
            f"| {k} | {sizes[0]}-{sizes[1]} | {rate} | {tau:g} | {' | '.join(cells)} | {error:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
