"""Ratios of running times of the inverse-variance kernel, taken in one run.

python -m pytest tests/benchmarks/bench_inverse_variance.py -s
"""

import time

import numpy as np
import pytest

from metaresp.kernel.effects.cochran import heterogeneity
from metaresp.kernel.effects.mean import MEAN_CI
from metaresp.kernel.effects.prediction import PREDICTION
from metaresp.kernel.effects.tau2 import TAU2
from metaresp.transforms import TRANSFORMS

LANES = 100_000
REML_OVER_DL = 8.0
BATCH_OVER_LOOP = 20.0

pytestmark = pytest.mark.benchmark


def lanes(k, count=LANES):
    rng = np.random.default_rng(1)
    n = rng.integers(10, 60, (count, k))
    x = rng.binomial(n, 1 / (1 + np.exp(0.8 - 0.5 * rng.standard_normal((count, k)))))
    y, v = TRANSFORMS["logit"].forward(np.clip(x, 0.5, n - 0.5), n)
    return y, v, np.ones((count, k))


def seconds(function, repeats=3):
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def fit(data, tau2, ci):
    between = TAU2[tau2](*data).value
    return MEAN_CI[ci](*data, between, 0.025, None, None)


def test_reml_with_hartung_knapp_against_dersimonian_laird():
    data = lanes(20)
    slow = seconds(lambda: fit(data, "REML", "hartung-knapp"))
    fast = seconds(lambda: fit(data, "DL", "hartung-knapp"))
    print(f"\nREML {slow / LANES * 1e6:.2f} us a lane, DL {fast / LANES * 1e6:.2f}: ratio {slow / fast:.1f}")
    assert slow < REML_OVER_DL * fast


def test_batch_against_loop():
    data = lanes(10, 2_000)

    def everything(y, v, c):
        between = TAU2["REML"](y, v, c).value
        mean = MEAN_CI["hartung-knapp"](y, v, c, between, 0.025, None, None)
        PREDICTION["hts"](y, v, c, between, mean, 0.025, None, None)
        heterogeneity(y, v, c, between, 0.025)

    loop = seconds(lambda: [everything(*(item[i] for item in data)) for i in range(200)]) / 200
    batch = seconds(lambda: everything(*data)) / 2_000
    print(f"\none lane {loop * 1e6:.0f} us alone, {batch * 1e6:.2f} us in a batch: ratio {loop / batch:.0f}")
    assert loop > BATCH_OVER_LOOP * batch
