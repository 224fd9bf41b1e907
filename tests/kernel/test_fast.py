"""Compiled likelihoods against the NumPy form, their slow twin; without numba, that nothing asks for it."""

import subprocess
import sys
from dataclasses import fields
from importlib.util import find_spec

import numpy as np
import pytest

import metaresp as mr
from metaresp.kernel.counts import fast, quadrature

with_numba = pytest.mark.skipif(find_spec("numba") is None, reason="numba is an optional dependency")

# Of max(1, size).  Second derivatives are differences of sums that are n times as large: 5,000 patients.
SAME = dict(zip(quadrature.Moments._fields, [1e-11, 1e-10, 1e-10, 1e-8, 2e-7, 1e-8], strict=True))
FIT = 1e-8  # searches stop within 1e-9 standard errors; a standard error divides by what may be next to 0
SPREAD = (
    1e-5  # percent: near tau = 0 the likelihood is flat in tau, and an I2 of 1% moves by a millionth of it
)
NEW_TRIAL = 1e-5  # rates: a mixture over tau divides 0 by 0 at the summit of its profile


@pytest.fixture
def compiled(monkeypatch):
    """Compile for any number of lanes."""
    monkeypatch.setattr(fast, "ENOUGH", 1)


def counts(rng, lanes, k, most):
    """Draw counts with zeros and studies at n, and places about and far from where they may come from."""
    tau = np.exp(rng.uniform(np.log(1e-4), np.log(25), lanes))
    mu = rng.uniform(-5, 5, lanes)
    n = rng.integers(1, most + 1, (lanes, k))
    theta = mu[:, None] + np.minimum(tau, 2)[:, None] * rng.standard_normal((lanes, k))
    x = rng.binomial(n, 1 / (1 + np.exp(-theta)))
    return (
        x.astype(float),
        n.astype(float),
        mu + rng.standard_normal(lanes) * rng.choice([0.1, 10], lanes),
        tau,
    )


@with_numba
@pytest.mark.parametrize("most", [1, 12, 60, 500, 5000])
def test_the_moments(most, compiled):
    assert fast.worth(1)
    x, n, mu, tau = counts(np.random.default_rng(most), 400, 6, most)
    tau[::17] = 0
    found, expected = fast.moments(x, n, mu, tau, 30.0), quadrature.moments(x, n, mu, tau, 36.0, 3)
    for name, tolerance in SAME.items():
        value, twin = getattr(found, name), getattr(expected, name)
        assert (np.abs(value - twin) <= tolerance * np.maximum(1, np.abs(twin))).all(), name


@with_numba
@pytest.mark.parametrize("nats", [9.0, 12.0, 19.0, 22.0])
def test_fewer_nats(nats, compiled):
    assert fast.worth(1)
    x, n, mu, tau = counts(np.random.default_rng(3), 400, 6, 60)
    found, expected = fast.moments(x, n, mu, tau, nats), quadrature.moments(x, n, mu, tau, 36.0, 3)
    miss = np.abs(found.value - expected.value)
    assert miss.max() < 10 * np.exp(-nats)


@with_numba
def test_what_has_no_nodes_is_handed_back(monkeypatch, compiled):
    assert fast.worth(1)
    x, n, mu, tau = counts(np.random.default_rng(4), 60, 3, 30)
    n[::5, 0] = 10_000_000.0
    tau[1::5] = 0.0
    mu[2::5], tau[2::5] = -300.0, 1e-4
    found = fast.moments(x, n, mu, tau, 30.0)
    expected = quadrature.moments(x, n, mu, tau, 30.0)
    for lanes in (slice(0, None, 5), slice(1, None, 5)):
        for value, twin in zip(found, expected, strict=True):
            np.testing.assert_array_equal(value[lanes], twin[lanes])
    np.testing.assert_allclose(found.value, expected.value, rtol=1e-9, atol=1e-9)


def sets(seed, lanes=150):
    """Draw batches of all sizes with copies."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 31))
    most = int(rng.choice([1, 5, 60, 60, 1000, 5000]))
    x, n, _, _ = counts(rng, lanes, k, most)
    copies = rng.integers(0, 6, x.shape) if seed % 2 else np.ones(x.shape, int)
    return x.astype(int), n.astype(int), copies


@with_numba
@pytest.mark.parametrize("seed", range(8))
def test_pooled_lanes(seed, monkeypatch, compiled):
    x, n, copies = sets(seed)
    level = (0.5, 0.8, 0.95, 0.999)[seed % 4]
    found = mr.pool_batch(x, n, copies, level=level)
    monkeypatch.setattr(fast, "ENOUGH", 10**9)
    expected = mr.pool_batch(x, n, copies, level=level)
    np.testing.assert_array_equal(found.reason, expected.reason)
    for name in ("rate", "low", "high", "mean_rate", "loglik", "Q", "lrt"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=FIT, atol=FIT)
    np.testing.assert_allclose(found.I2, expected.I2, atol=SPREAD)
    for name in ("prediction_low", "prediction_high"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=NEW_TRIAL)


@with_numba
@pytest.mark.parametrize(
    "options", [{"penalty": ("half-normal", 1)}, {"link": "probit"}, {"ci": "profile-t"}]
)
def test_other_requests(options, monkeypatch, compiled):
    x, n, _ = sets(10, lanes=40)
    found = mr.pool_batch(x, n, **options)
    monkeypatch.setattr(fast, "ENOUGH", 10**9)
    expected = mr.pool_batch(x, n, **options)
    for name in ("rate", "low", "high", "tau2"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=FIT, atol=FIT)


@with_numba
def test_a_batch_is_its_lanes_in_any_order(compiled):
    x, n, copies = sets(3, lanes=60)
    order = np.random.default_rng(4).permutation(len(x))
    whole = mr.pool_batch(x, n, copies)
    for rows in (order[:1], order[1:20], order[20:]):
        part = mr.pool_batch(x[rows], n[rows], copies[rows])
        for field in fields(whole):
            if field.name not in ("spec", "mean_low", "mean_high"):
                value, twin = getattr(part, field.name), getattr(whole, field.name)[rows]
                np.testing.assert_allclose(value, twin, rtol=1e-11, atol=1e-11, err_msg=field.name)


@with_numba
@pytest.mark.parametrize("fault", [ImportError, OSError, AttributeError])
def test_a_numba_that_does_not_work_is_none(monkeypatch, fault, compiled):
    def broken(*_):
        raise fault

    monkeypatch.setattr(fast, "_call", broken)
    fast._works.cache_clear()
    assert not fast.worth(10**6)
    fast._works.cache_clear()


def test_the_size_of_a_batch_alone_decides(monkeypatch):
    monkeypatch.setattr(fast, "_installed", lambda: True)
    monkeypatch.setattr(fast, "_works", lambda: True)
    assert not any(fast.worth(1) for _ in range(2 * fast.ENOUGH))
    assert not fast.worth(fast.ENOUGH - 1)
    assert fast.worth(fast.ENOUGH)


def python(script, **environment):
    """Run a script in a process of its own and return what it prints."""
    import os

    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True, text=True, check=True, env=os.environ | environment,
    )  # fmt: skip
    return run.stdout


SCRIPT = """
import sys
{first}
import numpy as np, metaresp as mr
x = np.tile([3, 4, 5], ({lanes}, 1))
print(mr.pool_batch(x, 2 * x + 1).rate[0].item())
assert "metaresp.kernel.counts.compiled" not in sys.modules
assert sys.modules.get("numba") is None
"""


@pytest.mark.parametrize(
    ("first", "lanes"),
    [("sys.modules['numba'] = None", fast.ENOUGH), ("", fast.ENOUGH // 2)],
    ids=["absent", "few"],
)
def test_numba_is_not_needed(first, lanes):
    rate = float(python(SCRIPT.format(first=first, lanes=lanes)))
    assert rate == pytest.approx(mr.pool(events=[3, 4, 5], n=[7, 9, 11]).rate, rel=1e-9)


IN_THREADS = """
import threading
import numpy as np, metaresp as mr
from metaresp.kernel.counts import fast
import metaresp.kernel.counts.compiled as compiled
if {nowhere}:
    def refuse(): raise RuntimeError("cannot cache function: no locator available")
    compiled.moments.enable_caching = refuse
rng = np.random.default_rng(1)
n = rng.integers(5, 30, (fast.ENOUGH, 4)); x = rng.binomial(n, 0.4)
found = [None] * 3
def work(i):
    with np.errstate(all="raise"):
        found[i] = mr.pool_batch(x, n).rate
threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
[t.start() for t in threads]; [t.join() for t in threads]
assert all((f == found[0]).all() for f in found)
assert fast._works()
print("good")
"""


@with_numba
@pytest.mark.parametrize("nowhere", [False, True], ids=["kept", "no place for a cache"])
def test_threads_and_caches(nowhere):
    assert python(IN_THREADS.format(nowhere=nowhere)).strip() == "good"
