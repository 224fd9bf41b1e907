"""Nodes that all studies share, many points at once, against each cluster's own nodes and against loops."""

import math

import numpy as np
import pytest
from scipy import special

from metaresp.kernel.counts import quadrature
from metaresp.kernel.nested.climb import deviations, polar
from metaresp.kernel.nested.nodes import own_nodes
from metaresp.kernel.nested.plan import narrowed, planned
from metaresp.kernel.nested.shared_nodes import shared_nodes
from tests.kernel import one_lane as tl
from tests.kernel.one_lane import at_chart, climb, count_limits, evaluate, mu_limits
from tests.kernel.test_two_level import nested_counts

FALL = 3.841458820694124
EQUAL = 1e-11  # log-likelihoods, relative: rounding of sums over nodes
SLOPES = 1e-9  # first derivatives, likewise
CURVES = 1e-8  # second derivatives: differences of moments

# one point of every way: deviations that are 0, small, usual, large, and out of reach of shared nodes
POINTS = np.array(
    [
        (-0.8, 0.0, 0.0),
        (-0.8, 1.1, 0.0),
        (-0.8, 0.4, 1e-6),
        (-1.2, 0.3, 0.02),
        (-1.2, 0.0, 0.09),
        (-0.5, 0.5, 0.11),
        (0.3, 1e-5, 0.8),
        (-2.0, 1.2, 0.6),
        (1.0, 4.0, 3.0),
        (-6.0, 9.0, 1.5),
        (-30.0, 25.0, 1.8),
    ]
)


@pytest.fixture(autouse=True)
def _no_floating_point_noise():
    with np.errstate(all="raise", under="ignore"):
        yield


def arranged(seed, **kind):
    return tl.arrange(*nested_counts(seed, **kind))[0]


def shared_rows(data):
    return np.concatenate(
        [
            rows
            for rows, _ in shared_nodes(
                data.take(np.zeros(len(POINTS), np.int64)), POINTS, quadrature.FULL, 1
            )
        ]
    )


@pytest.mark.parametrize("kind", [{}, {"largest": 400}, {"k": 25, "clusters": 9, "between": 2.5}])
def test_batch_equals_loop(kind):
    data = arranged(1, **kind)
    grid = np.stack([POINTS, POINTS[::-1]])
    together = evaluate(data, grid)
    assert [field.shape for field in together] == [(2, 11), (2, 11, 3), (2, 11, 3, 3)]
    for place in np.ndindex(2, 11):
        alone = evaluate(data, grid[place])
        assert together.value[place] == pytest.approx(alone.value, rel=EQUAL, abs=EQUAL)
        np.testing.assert_allclose(together.gradient[place], alone.gradient, rtol=SLOPES, atol=SLOPES)
        np.testing.assert_allclose(together.hessian[place], alone.hessian, rtol=CURVES, atol=CURVES)


@pytest.mark.parametrize("kind", [{}, {"largest": 400}, {"k": 25, "clusters": 9, "between": 2.5}])
def test_shared_nodes_say_what_own_nodes_say(kind, monkeypatch):
    data = arranged(2, **kind)
    assert set(range(len(POINTS) - 2)) <= set(shared_rows(data))
    shared = evaluate(data, POINTS)
    monkeypatch.setattr("metaresp.kernel.nested.likelihood.shared_nodes", lambda *_: iter(()))
    own = evaluate(data, POINTS, nats=34.0, refine=2)
    np.testing.assert_allclose(shared.value, own.value, rtol=EQUAL, atol=EQUAL)
    np.testing.assert_allclose(shared.gradient, own.gradient, rtol=SLOPES, atol=SLOPES)
    np.testing.assert_allclose(shared.hessian, own.hessian, rtol=CURVES, atol=CURVES)


def test_shared_nodes_are_not_used_where_digits_would_be_lost():
    x, n = np.array([3.0, 5, 8, 2]), np.array([8.0, 11, 1e9, 9])
    large, _ = tl.arrange(x, n, np.array([0, 0, 1, 1]))
    assert not list(shared_nodes(large.take(np.zeros(len(POINTS), np.int64)), POINTS, quadrature.FULL, 1))
    # a study so far off that the integrand underflows on shared nodes
    far, _ = tl.arrange(np.array([0.0, 900, 3]), np.array([900.0, 900, 9]), np.array([0, 0, 1]))
    at = np.array([0.0, 0.3, 0.05])
    nodes = own_nodes(far, at[None], quadrature.FULL, 1)
    log = np.add.reduceat(nodes.each[0], far.groups.first, axis=1) - 0.5 * nodes.z**2
    top = log.max(axis=-1)
    mass = np.exp(log - top[..., None]).sum(axis=-1) * nodes.spacing
    expected = (top + np.log(mass)).sum() - math.log(2 * math.pi)
    assert top.min() < -250
    assert evaluate(far, at).value == pytest.approx(expected, rel=1e-12)


def test_narrowed_range_holds_all_that_matters():
    data = arranged(3, largest=400, between=2.0)
    at = np.array([[-0.8, 2.0, 0.3]])
    plan = planned(data, at, quadrature.FULL, 1)
    line = np.linspace(plan.low[0], plan.high[0], 3001)
    each = quadrature.moments(
        np.repeat(data.x, line.size, 0),
        np.repeat(data.n, line.size, 0),
        at[0, 0] + at[0, 1] * line,
        np.full(line.size, at[0, 2]),
    ).value
    log = np.add.reduceat(each, data.groups.first, axis=1).T - 0.5 * line**2
    matters = (log > log.max(axis=-1, keepdims=True) - quadrature.FULL).any(axis=0)
    coarse = slice(0, 3001, 120)
    found = narrowed(data, plan, line[None, None, coarse], log[None, :, coarse], quadrature.FULL, 1)
    assert plan.low[0] < found.low[0] <= line[matters].min()
    assert line[matters].max() <= found.high[0] < plan.high[0]
    assert found.nodes[0] < plan.nodes[0]


def test_polar_chart_is_the_likelihood_with_its_derivatives():
    data = arranged(4)
    at = np.array([[-0.7, 1.3, 0.6], [-0.7, 1.3, 0.0], [0.2, 0.6, 0.5 * math.pi]])
    chart, side = polar(data), 1e-4
    here = at_chart(chart, at, quadrature.FULL, 1)
    taus = at[:, 1:2] * np.stack([np.cos(at[:, 2]), np.sin(at[:, 2])], axis=1)
    np.testing.assert_allclose(here.value, evaluate(data, np.c_[at[:, :1], taus]).value, rtol=EQUAL)
    for i in range(3):
        up, down = (
            at_chart(chart, chart.fold(at + s * side * np.eye(3)[i]), quadrature.FULL, 1) for s in (1, -1)
        )
        np.testing.assert_allclose(here.gradient[:, i], (up.value - down.value) / (2 * side), atol=1e-6)
        second = (up.value - 2 * here.value + down.value) / side**2
        np.testing.assert_allclose(here.hessian[:, i, i], second, rtol=1e-5, atol=1e-5)
        # the likelihood is even about an edge, so that slopes are reflected there
        np.testing.assert_allclose(
            here.hessian[0, i], (up.gradient - down.gradient)[0] / (2 * side), atol=1e-5
        )


def test_lanes_of_a_climb_do_not_know_each_other():
    data = arranged(5)
    starts = np.array([(-0.5, 0.0, 0.0), (-1.5, 0.3, 2.0), (0.5, 2.0, 0.1)])
    free = np.array([(True, True, True), (True, False, True), (True, True, True)])
    together = climb(deviations(data), starts, free)
    for i in range(3):
        alone = climb(deviations(data), starts[i : i + 1], free[i : i + 1])
        np.testing.assert_allclose(together.at[i], alone.at[0], atol=1e-7)
        assert together.points.value[i] == pytest.approx(alone.points.value[0], rel=EQUAL)
    assert together.at[1, 1] == 0.3


@pytest.mark.parametrize(
    ("x", "n", "cluster", "interior"),
    [
        # the limit of the total lies on a hill with both deviations, the maximum on one without between
        (
            [1, 2, 2, 0, 7, 7, 1, 1, 3, 2, 4],
            [8, 5, 8, 4, 14, 13, 12, 6, 9, 7, 8],
            [0, 1, 2, 0, 0, 1, 0, 2, 0, 2, 0],
            True,
        ),
        # and where a search that starts between the edges misses the hill at one
        (
            [1, 0, 0, 0, 4, 0, 0, 0, 1, 1, 4, 3],
            [20, 8, 7, 3, 39, 13, 30, 1, 19, 23, 14, 28],
            [0, 1, 2, 3, 0, 2, 1, 1, 1, 2, 3, 1],
            False,
        ),
    ],
)
def test_limits_of_the_total_see_every_hill(x, n, cluster, interior):
    x, n, cluster = np.array(x, float), np.array(n, float), np.array(cluster)
    fit = tl.fit_nested_binomial(x, n, cluster)
    top = tl.top_of(fit)
    data, _ = tl.arrange(x, n, cluster)
    _, high = count_limits(x, n, cluster, top, FALL, "total")
    angles = np.linspace(0, 0.5 * math.pi, 41)
    start = np.stack([np.full(41, fit.mu), np.full(41, high), angles], axis=1)
    line = climb(polar(data), start, np.tile([True, False, False], (41, 1))).points.value
    assert 2 * (top.value - line.max()) == pytest.approx(FALL, abs=0.02)
    assert 2 * (top.value - line.max()) > FALL - 1e-8
    assert (0 < line.argmax() < 40) == interior


def test_limits_of_mu_do_not_depend_on_the_other_side():
    x, n, cluster = nested_counts(6)
    data, free = tl.arrange(x, n, cluster)
    top = tl.top_of(tl.fit_nested_binomial(x, n, cluster))
    low, high = mu_limits(data, top, free, FALL)
    mirrored, _ = tl.arrange(n - x, n, cluster)
    other = tl.top_of(tl.fit_nested_binomial(n - x, n, cluster))
    assert mu_limits(mirrored, other, free, FALL) == pytest.approx((-high, -low), abs=1e-8)
    assert special.expit(low) < x.sum() / n.sum() < special.expit(high)


def test_a_hill_close_to_an_edge_is_climbed():
    """Studies of millions bend the likelihood upwards at tau_within = 0 and down again at 0.004."""
    x = [12427, 2431880, 70226, 11, 1016077, 58, 129429, 1, 663, 0, 0, 33, 5]
    x += [15770, 4, 145, 2985, 955, 6218592, 1, 194328, 11357, 0, 7694, 37380, 0]
    n = [109446, 31747764, 185135, 138, 26379436, 2578, 1516321, 981, 772, 2, 3, 92, 6]
    n += [138152, 7700, 49613, 3458, 2599, 7220803, 3, 2262310, 146237, 2, 347106, 976166, 3]
    cluster = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 2, 8, 0, 10, 7, 8, 2, 8, 9, 6, 1, 5, 5, 4, 0]
    x, n, cluster = np.array(x, float), np.array(n, float), np.array(cluster)
    fit = tl.fit_nested_binomial(x, n, cluster, fall=FALL)
    assert fit.loglik > fit.loglik_within_zero + 0.5
    assert 0.003 < fit.tau_within < 0.005
    data, _ = tl.arrange(x, n, cluster)
    around = np.array([fit.mu, fit.tau_between, 0]) + np.array([[0, 0, t] for t in np.geomspace(1e-5, 1, 40)])
    assert evaluate(data, around).value.max() <= fit.loglik - fit.loglik_saturated + 1e-6
    for end in (fit.low, fit.high):
        assert tl.fall_at(x, n, cluster, tl.top_of(fit), end) == pytest.approx(FALL, abs=1e-6)
