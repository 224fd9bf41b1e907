"""What every entry of every registry promises, present and future: found through the registries."""

import inspect
import re

import numpy as np
import pytest

from metaresp.binomial import BINOMIAL_CI
from metaresp.binomial.methods import Limits
from metaresp.kernel.effects.cochran import heterogeneity
from metaresp.kernel.effects.mean import MEAN_CI, MeanMethod
from metaresp.kernel.effects.prediction import PREDICTION, PredictionMethod
from metaresp.kernel.effects.sums import NO_STUDIES, NOT_FINITE, study_weights
from metaresp.kernel.effects.tau2 import TAU2, Tau2Method
from metaresp.kernel.effects.tau2_interval import TAU2_CI, Tau2Interval
from metaresp.transforms import TRANSFORMS, scales
from tests import slow

TAIL = 0.025
SAME = 1e-9  # iterated answers reached by another order of additions
RANDOM = {"bootstrap"}  # entries that draw random numbers


def data(seed, lanes=None, k=6):
    rng = np.random.default_rng(seed)
    shape = (k,) if lanes is None else (lanes, k)
    v = rng.uniform(0.05, 1.0, shape)
    y = rng.normal(-0.5, np.sqrt(v + rng.choice([0.0, 0.3, 2.0], (*shape[:-1], 1))))
    return y, v, np.ones(shape)


def tau2_entry(name):
    return lambda y, v, c: (TAU2[name](y, v, c).value,)


def mean_entry(name):
    def run(y, v, c):
        tau2 = TAU2["DL"](y, v, c).value
        return MEAN_CI[name](y, v, c, tau2, TAIL, TAU2["DL"], np.random.default_rng(7))[:5]

    return run


def prediction_entry(name):
    def run(y, v, c):
        tau2 = TAU2["DL"](y, v, c).value
        mean = MEAN_CI["hartung-knapp"](y, v, c, tau2, TAIL, None, None)
        return PREDICTION[name](y, v, c, tau2, mean, TAIL, TAU2["DL"], np.random.default_rng(7))

    return run


ENTRIES = {f"tau2 {name}": tau2_entry(name) for name in TAU2}
ENTRIES |= {f"ci {name}": mean_entry(name) for name in MEAN_CI}
ENTRIES |= {f"prediction {name}": prediction_entry(name) for name in PREDICTION}
ENTRIES |= {f"tau2_ci {name}": lambda y, v, c, name=name: TAU2_CI[name](y, v, c, TAIL) for name in TAU2_CI}
ENTRIES["heterogeneity"] = lambda y, v, c: tuple(heterogeneity(y, v, c, 0.2, TAIL))
FIXED = [entry for entry in ENTRIES if entry.split()[-1] not in RANDOM]


@pytest.mark.parametrize("entry", ENTRIES)
def test_batch_equals_loop(entry):
    y, v, c = data(1, lanes=5)
    together = ENTRIES[entry](y, v, c)
    rngs = {"ci bootstrap", "prediction bootstrap"}
    if entry in rngs:  # each lane takes the next child of one generator
        source = np.random.default_rng(7)
        name = entry.split()[-1]
        tau2 = TAU2["DL"](y, v, c).value
        for i in range(len(y)):
            if entry.startswith("ci"):
                one = MEAN_CI[name](y[i], v[i], c[i], tau2[i], TAIL, TAU2["DL"], source)[:5]
            else:
                one = PREDICTION[name](y[i], v[i], c[i], tau2[i], None, TAIL, None, source)
            for a, b in zip(together, one, strict=True):
                np.testing.assert_allclose(a[i], b, rtol=SAME)
        return
    for i in range(len(y)):
        for a, b in zip(together, ENTRIES[entry](y[i], v[i], c[i]), strict=True):
            assert np.shape(b) == ()
            np.testing.assert_allclose(a[i], b, rtol=SAME, atol=1e-13)


@pytest.mark.parametrize("entry", FIXED)
def test_copies_equal_repeat(entry):
    y, v, _ = data(2)
    copies = np.array([2.0, 0.0, 1.0, 3.0, 1.0, 1.0])
    again = copies.astype(int)
    counted = ENTRIES[entry](y, v, copies)
    written = ENTRIES[entry](np.repeat(y, again), np.repeat(v, again), np.ones(again.sum()))
    for a, b in zip(counted, written, strict=True):
        np.testing.assert_allclose(a, b, rtol=SAME, atol=1e-13)


@pytest.mark.parametrize("entry", ["ci bootstrap", "prediction bootstrap"])
def test_copies_equal_repeat_for_random_entries(entry):
    y, v, _ = data(2)
    copies = np.array([2.0, 0.0, 1.0, 3.0, 1.0, 1.0])
    again = copies.astype(int)
    counted = np.array(ENTRIES[entry](y, v, copies)[-2:])
    written = np.array(ENTRIES[entry](np.repeat(y, again), np.repeat(v, again), np.ones(again.sum()))[-2:])
    assert np.abs(counted - written).max() < 0.1 * (counted[1] - counted[0])
    wrong = np.array(ENTRIES[entry](y, v, np.ones(6))[-2:])
    assert np.abs(counted - wrong).max() > 0.1 * (counted[1] - counted[0])


@pytest.mark.parametrize("entry", ENTRIES)
def test_absent_studies_may_hold_anything(entry):
    y, v, c = data(3)
    c[2] = 0.0
    clean = ENTRIES[entry](y, v, c)
    y[2], v[2] = 1e6, -v[2]
    for a, b in zip(clean, ENTRIES[entry](y, v, c), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("entry", FIXED)
def test_order_of_studies_is_immaterial(entry):
    y, v, c = data(4)
    order = np.array([3, 0, 5, 1, 4, 2])
    for a, b in zip(ENTRIES[entry](y, v, c), ENTRIES[entry](y[order], v[order], c), strict=True):
        np.testing.assert_allclose(a, b, rtol=SAME, atol=1e-13)


@pytest.mark.parametrize("entry", ENTRIES)
def test_leading_axes_broadcast(entry):
    y, v, _ = data(5)
    copies = np.ones((2, 3, 6))
    copies[1, 2, 0] = 0
    for item in ENTRIES[entry](y, v, copies):
        assert item.shape == (2, 3)
    for item in ENTRIES[entry](np.empty((0, 6)), np.empty((0, 6)), np.empty((0, 6))):
        assert item.shape == (0,)


@pytest.mark.parametrize("entry", ENTRIES)
def test_hopeless_lanes_are_quiet(entry):
    """No studies, one study, nan: no warning, no exception, and the lanes beside them are untouched."""
    y, v, c = data(6, lanes=4)
    alone = ENTRIES[entry](y[:1], v[:1], c[:1])
    c[1] = 0
    c[2, 1:] = 0
    y[3, 0] = np.nan
    answer = ENTRIES[entry](y, v, c)
    for a, b in zip(alone, answer, strict=True):
        np.testing.assert_allclose(b[0], a[0], rtol=SAME, atol=1e-13)
    if entry.startswith(("ci", "prediction")) and entry not in {"ci normal", "prediction normal"}:
        for limit in answer[-2:]:
            assert np.isnan(limit[1:]).all()


@pytest.mark.parametrize("name", TAU2)
def test_tau2_says_why(name):
    y, v, c = data(7, lanes=4)
    c[1] = 0
    c[2, 1:] = 0
    y[3, 0] = np.inf
    found = TAU2[name](y, v, c)
    assert found.reason.tolist() == [0, NO_STUDIES, 0, NOT_FINITE]
    assert found.converged.tolist() == [True, False, True, False]
    assert found.value[2] == 0.0
    assert np.isnan(found.value[[1, 3]]).all()


@pytest.mark.parametrize("name", TAU2)
def test_tau2_is_never_negative(name):
    """Effects that agree too well (statsmodels gives a negative tau2 here): 0, and no warning."""
    y, v, c = np.array([0.1, 0.1001, 0.0999, 0.1]), np.full(4, 0.5), np.ones(4)
    value = TAU2[name](y, v, c).value
    assert 0.0 <= value < 1e-4
    assert TAU2[name](np.full(4, 0.3), v, c).value == 0.0


@pytest.mark.parametrize("name", MEAN_CI)
def test_tail_reaches_the_interval(name):
    """A smaller tail gives a wider interval (others accept ``alpha`` and ignore it)."""
    y, v, c = data(8)
    args = (y, v, c, TAU2["DL"](y, v, c).value)
    wide, narrow = (
        MEAN_CI[name](*args, tail, TAU2["DL"], np.random.default_rng(3)) for tail in (0.005, 0.05)
    )
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high


@pytest.mark.parametrize("name", PREDICTION)
def test_tail_reaches_the_prediction(name):
    y, v, c = data(8)
    tau2 = TAU2["DL"](y, v, c).value
    mean = MEAN_CI["normal"](y, v, c, tau2, TAIL, None, None)
    wide, narrow = (
        PREDICTION[name](y, v, c, tau2, mean, tail, None, np.random.default_rng(3)) for tail in (0.005, 0.05)
    )
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


SETS = [
    data(seed, k=k) for seed, k in ((10, 2), (11, 3), (12, 4), (13, 5), (14, 8), (15, 12), (16, 3), (17, 20))
]


@pytest.mark.parametrize("name", slow.TAU2)
def test_tau2_equals_slow_twin(name):
    assert set(slow.TAU2) == set(TAU2)
    rtol = 3e-7 if name in {"ML", "REML"} else 1e-11  # the twin minimises a value, good to half the digits
    for y, v, c in SETS:
        np.testing.assert_allclose(TAU2[name](y, v, c).value, slow.TAU2[name](y, v), rtol=rtol, atol=1e-13)


@pytest.mark.parametrize("name", slow.MEAN_CI)
def test_mean_equals_slow_twin(name):
    assert set(slow.MEAN_CI) == set(MEAN_CI) - RANDOM
    rtol = {"henmi-copas": 1e-9, "profile": 1e-8, "kenward-roger": 1e-6}.get(name, 1e-11)
    for y, v, c in SETS:
        tau2 = TAU2["REML"](y, v, c).value
        found = MEAN_CI[name](y, v, c, tau2, TAIL, None, None)
        low, high = slow.MEAN_CI[name](y, v, float(tau2), TAIL)
        np.testing.assert_allclose([found.low, found.high], [low, high], rtol=0, atol=rtol * (high - low))


@pytest.mark.parametrize("name", slow.TAU2_CI)
def test_tau2_interval_equals_slow_twin(name):
    assert set(slow.TAU2_CI) == set(TAU2_CI)
    for y, v, c in SETS:
        np.testing.assert_allclose(TAU2_CI[name](y, v, c, TAIL), slow.TAU2_CI[name](y, v, TAIL), rtol=1e-6)


def test_study_weights_sum_to_100_and_count_copies():
    weights = study_weights([0.1, 0.2, 0.4], [[1, 2, 1], [0, 1, 1]], [0.0, 0.3])
    np.testing.assert_allclose(weights.sum(axis=-1), 100.0)
    np.testing.assert_allclose(weights[0], 100 * np.array([10, 10, 2.5]) / 22.5)
    assert weights[1, 0] == 0.0


PROTOCOLS = {
    Tau2Method: TAU2,
    MeanMethod: MEAN_CI,
    PredictionMethod: PREDICTION,
    Tau2Interval: TAU2_CI,
    Limits: BINOMIAL_CI,
}
DOCUMENTED = {
    f"{protocol.__name__} {name}": inspect.getdoc(entry)
    for protocol, registry in PROTOCOLS.items()
    for name, entry in registry.items()
}
DOCUMENTED |= {
    f"scale {name}": found[1]
    for name in TRANSFORMS
    if (found := re.search(rf"(?ms)^{name}\n(.*?)(?:^\S|\Z)", scales.__doc__))
}


def test_each_scale_is_documented():
    assert sum(name.startswith("scale ") for name in DOCUMENTED) == len(TRANSFORMS)


@pytest.mark.parametrize("entry", DOCUMENTED)
def test_entries_name_a_paper_and_what_r_calls_them(entry):
    said = DOCUMENTED[entry]
    assert re.search(r"[( ](?:19|20)[0-9]{2}\)", said)
    assert re.search(r"\bR(?:: | package)", said)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_entries_share_is_said_once(protocol):
    shared = inspect.getdoc(protocol.__call__)
    arguments = list(inspect.signature(protocol.__call__).parameters)[1:]
    assert all(re.search(rf"(?m)^(?:\w+, )*{name}\b", shared) for name in arguments)
    for name, entry in PROTOCOLS[protocol].items():
        assert list(inspect.signature(entry, follow_wrapped=False).parameters) == arguments, name
        assert "Parameters\n---" not in inspect.getdoc(entry)
