"""REML and ML find the best maximum, not the nearest."""

import numpy as np
import pytest

from metaresp.kernel.effects.sums import Lanes
from metaresp.kernel.effects.tau2 import TAU2
from metaresp.kernel.effects.tau2_search import climb, maximise, search_range
from metaresp.transforms import TRANSFORMS

WORSE = 1e-9  # of the deviance, whose own rounding error is near 1e-13
GRID = 300


@pytest.fixture(autouse=True)
def _quiet():
    """The registry's wrappers silence lanes without spread once for all; here the solvers are called bare."""
    with np.errstate(all="ignore"):
        yield


def logit_effects(events, n):
    events, n = np.asarray(events, float), np.asarray(n, float)
    return TRANSFORMS["logit"].forward(events, n)


def random_sets(count, seed):
    """Return small data sets of many kinds as one batch of up to ten studies, absent ones with copies 0."""
    rng = np.random.default_rng(seed)
    k = rng.integers(2, 11, count)
    copies = (np.arange(10) < k[:, None]).astype(float)
    size = np.exp(rng.uniform(np.log(5), np.log(rng.choice([30.0, 200.0, 1e4], (count, 1))), (count, 10)))
    n = np.maximum(3, size.astype(int))
    theta = rng.normal(0.0, 1.5, (count, 1)) + rng.choice([0.0, 0.5, 1.5], (count, 1)) * rng.standard_normal(
        (count, 10)
    )
    x = np.clip(rng.binomial(n, 1 / (1 + np.exp(-theta))), 0.5, n - 0.5)
    y, v = logit_effects(x, n)
    return y, v, copies


@pytest.mark.parametrize("restricted", [True, False])
def test_never_worse_than_a_fine_grid(restricted):
    """20,000 data sets of two to ten studies against 300 values of tau2 each."""
    y, v, copies = random_sets(20_000, seed=2024)
    worst = -np.inf
    found = TAU2["REML" if restricted else "ML"](y, v, copies)
    assert found.converged.all()
    positive = 0
    for first in range(0, len(y), 1000):
        part = slice(first, first + 1000)
        lanes = Lanes(y[part], v[part], copies[part])
        vmin, span = search_range(lanes, restricted)
        u = np.linspace(0.0, 1.0, GRID)[:, None] * np.maximum(span + 0.5, 1.0)
        grid = np.concatenate(
            [lanes.deviance(vmin * np.expm1(some), restricted) for some in np.array_split(u, 30)]
        )
        reached = lanes.deviance(found.value[part], restricted)
        worst = max(worst, float((reached - grid.min(axis=0)).max()))
        positive += int((found.value[part] > 0).sum())
    assert worst < WORSE
    assert 5_000 < positive < 19_000  # neither answer is vacuous


@pytest.mark.parametrize(("added", "best"), [(0.5, 0.45), (0.0, 0.56)])
def test_two_maxima(added, best):
    """15/17, 55/107, 45/84: a search from 0 answers 0, the best maximum is elsewhere."""
    y, v = logit_effects(np.array([15, 55, 45]) + added, np.array([17, 107, 84]) + 2 * added)
    found = TAU2["REML"](y, v, np.ones(3))
    assert round(float(found.value), 2) == best
    lanes = Lanes(y[None], v[None], np.ones((1, 3)))
    zero = np.zeros(1)
    score = lanes.score(zero, True)
    assert score.data < score.trace  # the likelihood falls at 0: 0 is a maximum too
    assert lanes.deviance(found.value[None], True) < lanes.deviance(zero, True)


def test_two_maxima_with_the_better_one_at_zero():
    """Pull the outlier in: the second maximum is still there, and 0 is the answer."""
    seen = {0.0: 0, 1.0: 0}
    for shift in np.linspace(-0.8, 0.4, 60):
        y, v = logit_effects([15, 55, 45], [17, 107, 84])
        y = y + np.array([shift, 0.0, 0.0])
        lanes = Lanes(y[None], v[None], np.ones((1, 3)))
        found = maximise(lanes, restricted=True).value
        grid = lanes.deviance(
            np.concatenate([[0.0], np.geomspace(1e-6, 20, 4000)])[:, None] * np.ones(1), True
        )
        assert lanes.deviance(found, True)[0] <= grid.min() + WORSE
        seen[float(found[0] > 0)] += 1
    assert min(seen.values()) > 5


def test_the_search_range_holds_every_stationary_point():
    y, v, copies = random_sets(2_000, seed=5)
    for restricted in (True, False):
        lanes = Lanes(y, v, copies)
        vmin, span = search_range(lanes, restricted)
        for beyond in (0.0, 0.5, 2.0, 6.0):
            s = lanes.score(vmin * np.expm1(span + beyond), restricted)
            assert (s.data <= s.trace * (1 + 1e-12)).all()


@pytest.mark.parametrize("ratio", [1e3, 1e6, 1e9, 1e12])
def test_one_enormous_study(ratio):
    """Variances that span twelve orders of magnitude: REML, ML and PM meet their definitions."""
    v = np.array([1.0, 0.5, 0.8, 1.0 / ratio])
    y = np.array([-1.0, 2.0, 0.5, 0.0])
    lanes = Lanes(y[None], v[None], np.ones((1, 4)))
    t = np.concatenate([[0.0], np.geomspace(1e-14, 50, 20_000)])[:, None]
    for restricted in (True, False):
        found = maximise(lanes, restricted)
        assert found.converged.all()
        least = np.concatenate([lanes.deviance(some, restricted) for some in np.array_split(t, 40)]).min()
        assert lanes.deviance(found.value, restricted)[0] <= least + WORSE
    root = climb(lanes, np.array([3.0]))
    assert root.converged.all()
    np.testing.assert_allclose(lanes.slope(root.value).q, 3.0, rtol=1e-10)


def test_climb_reaches_its_target_in_few_steps():
    """Q/target is met to rounding for targets from far left to far right of the data's own."""
    y, v, copies = random_sets(3_000, seed=8)
    some = Lanes(y, v, copies)
    spread = some.slope(np.zeros(len(some))).q > 1e-20  # two equal effects have nothing to climb
    lanes = some.take(np.flatnonzero(spread))
    start = lanes.slope(np.zeros(len(lanes))).q
    assert len(lanes) > 2_900
    for share in (0.999, 0.5, 0.01, 1e-6):
        root = climb(lanes, share * start)
        assert root.converged.all()
        np.testing.assert_allclose(lanes.slope(root.value).q, share * start, rtol=1e-11)
    assert (climb(lanes, start * 1.01 + 1e-9).value == 0).all()
    assert np.isinf(climb(lanes, np.zeros(len(lanes))).value).all()


def test_the_answer_does_not_depend_on_the_batch():
    """Chunks, groups of scan ranges and dense lanes do not mix lanes up."""
    y, v, copies = random_sets(9_000, seed=3)
    together = TAU2["REML"](y, v, copies).value
    some = np.random.default_rng(1).permutation(9_000)[:300]
    apart = np.array([TAU2["REML"](y[i], v[i], copies[i]).value for i in some])
    np.testing.assert_allclose(together[some], apart, rtol=1e-9, atol=1e-14)
