"""Regression of effects and of counts: against R, slow twins, repeated studies, and brute force."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, special, stats

import metaresp as mr
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.effects.tau2 import TAU2
from metaresp.kernel.regression.calibrations import CALIBRATIONS, Reference, bartlett_factor
from metaresp.kernel.regression.counts import DesignCounts, covariance, fit
from metaresp.kernel.regression.designs import dependent, orthogonal, rearrangements, turned
from metaresp.kernel.regression.effects import cluster_robust, fit_effects
from metaresp.kernel.regression.limits import profile_limits
from metaresp.kernel.regression.separation import separated
from metaresp.transforms import TRANSFORMS, study_effects

FOLDER = Path(__file__).parents[1] / "reference" / "regression"
R = json.loads((FOLDER / "regression.json").read_text(encoding="utf-8"))
SAME = 1e-6
# R's own searches stop early: the same deviance to 1e-6, estimates where it is flat to that
GLMER, GLMM = 5e-5, 2e-5
CASES = [("crisafulli2020", "year"), ("debruin2009", "ethnicity"), ("hannum2020", "objectivity")]


def design(studies, name):
    column = studies.column(name)
    if isinstance(column[0], str):
        levels = sorted(set(column))
        columns = [[float(value == level) for value in column] for level in levels[1:]]
    else:
        columns = [np.array(column, dtype=float)]
    return np.column_stack([np.ones(len(studies)), *columns])


def effects(studies):
    x, n = studies.events.astype(float)[None], studies.n.astype(float)[None]
    return study_effects(TRANSFORMS["logit"], x, n, np.ones_like(x), "only-zero", 0.5)[:2]


@pytest.mark.parametrize(("name", "moderator"), CASES)
@pytest.mark.parametrize("method", ["EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM"])
def test_tau2_and_coefficients_are_those_of_metafor(name, moderator, method):
    studies, ref = mr.datasets.load(name), R["tau2"][name][method]
    y, v = effects(studies)
    ours = fit_effects(
        y, v, np.ones_like(y), design(studies, moderator)[None], "common" if method == "EE" else method
    )
    assert ours.tau2[0] == pytest.approx(ref["tau2"], abs=SAME)
    assert ours.beta[0] == pytest.approx(ref["estimate"], rel=SAME)
    assert np.sqrt(np.diag(ours.cov[0])) == pytest.approx(ref["se"], rel=SAME)
    assert ours.q[0] == pytest.approx(ref["QE"], rel=SAME)
    if method != "EE":
        assert 100 * ours.tau2 / (ours.tau2 + ours.typical_v) == pytest.approx(ref["I2"], abs=SAME)


def test_every_estimator_of_tau2_has_a_form_for_residuals_and_is_the_mean_without_moderators():
    y, v = effects(mr.datasets.load("debruin2009"))
    ones = np.ones((1, y.shape[1], 1))
    for name, method in TAU2.items():
        found = fit_effects(y, v, np.ones_like(y), ones, name)
        assert found.tau2[0] == pytest.approx(method(y, v, np.ones_like(y)).value[0], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", list(TAU2))
def test_copies_are_repeated_studies_and_lanes_do_not_know_each_other(name):
    rng = np.random.default_rng(5)
    y, v, x = rng.normal(size=(3, 8)), rng.uniform(0.05, 0.6, (3, 8)), rng.normal(size=(3, 8, 2))
    x[..., 0] = 1.0
    copies = rng.integers(1, 4, (3, 8))
    batch = fit_effects(y, v, copies.astype(float), x, name)
    for i in range(3):
        part = [np.repeat(field[i], copies[i], axis=0)[None] for field in (y, v, x)]
        alone = fit_effects(part[0], part[1], np.ones_like(part[0]), part[2], name)
        for field in ("tau2", "beta", "cov", "df", "q"):
            assert getattr(batch, field)[i] == pytest.approx(getattr(alone, field)[0], rel=1e-8, abs=1e-10)


def test_copies_of_counts_are_repeated_studies_and_lanes_do_not_know_each_other():
    rng = np.random.default_rng(4)
    x, n = rng.binomial(20, 0.3, (4, 5)).astype(float), np.full((4, 5), 20.0)
    copies = rng.integers(0, 3, (4, 5))
    copies[:, :3] += 1
    z = orthogonal(np.stack([np.ones_like(x), rng.uniform(0.1, 0.5, x.shape)], axis=-1)).z
    batch = fit(DesignCounts.plain(CountSurface(x, n, copies.astype(float)), z))
    for lane, often in enumerate(copies):
        part = [np.repeat(field[lane], often, axis=0)[None] for field in (x, n, z)]
        alone = fit(DesignCounts.plain(CountSurface(*part[:2], np.ones_like(part[0])), part[2]))
        np.testing.assert_allclose(alone.local.value, batch.local.value[lane], rtol=1e-9)
        np.testing.assert_allclose(alone.at[0], batch.at[lane], rtol=1e-5, atol=1e-5)


def test_likelihood_of_tau2_is_at_its_maximum():
    rng = np.random.default_rng(8)
    for _ in range(10):
        k = int(rng.integers(4, 12))
        x = np.column_stack([np.ones(k), rng.normal(size=k)])
        v, tau = rng.uniform(0.02, 1.0, k), rng.uniform(0, 0.8)
        y = x @ [0.3, 0.5] + rng.normal(size=k) * np.sqrt(v + tau**2)

        def deviance(t, x=x, y=y, v=v):
            w = 1 / (v + t)
            inner = x.T @ (w[:, None] * x)
            beta = np.linalg.solve(inner, x.T @ (w * y))
            return -np.log(w).sum() + (w * (y - x @ beta) ** 2).sum() + np.linalg.slogdet(inner)[1]

        found = fit_effects(y[None], v[None], np.ones((1, k)), x[None], "REML").tau2[0]
        least = min(deviance(t) for t in np.r_[0.0, np.geomspace(1e-6, 20, 1000)])
        assert deviance(found) <= least + 1e-9


def test_cluster_robust_is_that_of_metafor():
    studies = mr.datasets.load("ursino2021")
    y, v = effects(studies)
    x = design(studies, "dose")[None]
    tau2 = fit_effects(y, v, np.ones_like(y), x, "REML").tau2
    names = np.array(studies.study)
    cluster = (names[:, None] == np.unique(names)).astype(float)
    for name, adjusted in (("CR1", False), ("CR2", True)):
        ours = cluster_robust(y, v, x, tau2, cluster, adjusted)
        assert np.sqrt(np.diag(ours.cov[0])) == pytest.approx(R["cluster"][name]["se"], rel=SAME)
        assert ours.df[0] == pytest.approx(np.broadcast_to(R["cluster"][name]["df"], 2), rel=SAME)


def lanes(x, events, n, link="logit", contrasts=None):
    """Return lanes of one data set: the basis itself, or turned towards contrasts."""
    basis = orthogonal(x)
    z, count = (basis.z[None], 1) if contrasts is None else (turned(basis, contrasts).basis.z, len(contrasts))
    fields = (
        np.broadcast_to(np.asarray(f, dtype=float), (count, len(x))) for f in (events, n, np.ones(len(x)))
    )
    return DesignCounts(CountSurface(*fields, link), z, np.zeros((count, 0, x.shape[1]))), basis


def count_fit(x, events, n, link="logit"):
    counts, basis = lanes(x, events, n, link)
    found = fit(counts, np.ones((1, x.shape[1]), dtype=bool))
    p = x.shape[1]
    cov = basis.turn @ covariance(found.local, found.at[:, p])[0] @ basis.turn.T
    return basis.beta(found.at[0, :p]), found.at[0, p], found.local.value[0], np.sqrt(np.diag(cov))


@pytest.mark.parametrize("key", list(R["glmer"]))
@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_counts_are_those_of_lme4_with_many_nodes(key, link):
    name, moderator = key.split("_")
    studies, ref = mr.datasets.load(name), R["glmer"][key][link]
    x = design(studies, moderator)
    if moderator == "year":
        x[:, 1] = (x[:, 1] - 2000) / 10
    beta, tau, top, se = count_fit(x, studies.events, studies.n, link)
    alone = count_fit(x[:, :1], studies.events, studies.n, link)[2]
    # where n is in the hundred thousands glmer stops up to 1e-3 short of the maximum
    flat = 100.0 if name == "crisafulli2020" else 1.0
    assert 2 * (top - alone) == pytest.approx(ref["lrt"], abs=SAME if flat == 1 else 1.2e-3)
    assert beta == pytest.approx(ref["estimate"], rel=flat * GLMER * 5, abs=flat * GLMER)
    assert se == pytest.approx(ref["se"], rel=flat * GLMER)
    assert tau == pytest.approx(ref["tau"], abs=flat * GLMER)


@pytest.mark.parametrize("key", list(R["rma_glmm"]))
def test_counts_are_those_of_rma_glmm(key):
    name, moderator = key.split("_")
    studies, ref = mr.datasets.load(name), R["rma_glmm"][key]
    x = design(studies, moderator)
    if moderator == "year":
        x[:, 1] = (x[:, 1] - 2000) / 10
    beta, tau, _, se = count_fit(x, studies.events, studies.n)
    assert beta == pytest.approx(ref["estimate"], abs=GLMM)
    assert se == pytest.approx(ref["se"], rel=GLMM)
    assert tau**2 == pytest.approx(ref["tau2"], abs=GLMM)


def slow_loglik(parameters, x, events, n):
    """Log-likelihood on a plain grid, less that of every study at its own rate."""
    nodes = np.linspace(-8.0, 8.0, 201)
    weights = stats.norm.pdf(nodes)
    theta = (x @ parameters[:-1])[:, None] + abs(parameters[-1]) * nodes
    log = events[:, None] * special.log_expit(theta) + (n - events)[:, None] * special.log_expit(-theta)
    own = special.xlogy(events, events / n) + special.xlog1py(n - events, -events / n)
    return float((special.logsumexp(log, b=weights / weights.sum(), axis=1) - own).sum())


def test_counts_against_a_slow_twin():
    rng = np.random.default_rng(21)
    for _ in range(4):
        k = int(rng.integers(5, 10))
        x = np.column_stack([np.ones(k), rng.normal(size=k), rng.integers(0, 2, k)])
        x[0, 2], x[1, 2] = 0.0, 1.0
        n = rng.integers(8, 50, k).astype(float)
        eta = x @ [-0.5, 0.6, 0.4] + 0.5 * rng.normal(size=k)
        events = rng.binomial(n.astype(int), special.expit(eta)).astype(float)
        if separated(x, events, n).any():
            continue
        beta, tau, top, _ = count_fit(x, events, n)
        assert top == pytest.approx(slow_loglik(np.r_[beta, tau], x, events, n), abs=1e-8)
        twin = max(
            -optimize.minimize(
                lambda q, x=x, e=events, n=n: -slow_loglik(q, x, e, n),
                np.r_[start, spread],
                method="BFGS",
                options={"gtol": 1e-7},
            ).fun
            for start in (np.zeros(3), beta)
            for spread in (0.05, 0.6)
        )
        assert top >= twin - 1e-8


def test_gradient_and_hessian_are_those_of_the_value():
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(6), rng.normal(size=6)])
    events, n = rng.integers(0, 9, 6), np.full(6, 9)
    for link in ("logit", "cloglog"):
        counts, _ = lanes(x, events, n, link)
        counts = counts._replace(pseudo=np.array([[[0.3, 1.2]]]))
        at = np.array([[0.2, -0.4, 0.7]])
        here = counts.at(at)
        step = 1e-5
        for i in range(3):
            move = np.zeros((1, 3))
            move[0, i] = step
            up, down = counts.at(at + move), counts.at(at - move)
            assert (up.value - down.value)[0] / (2 * step) == pytest.approx(
                here.gradient[0, i], rel=1e-6, abs=1e-7
            )
            slopes = (up.gradient - down.gradient)[0] / (2 * step)
            assert slopes == pytest.approx(here.hessian[0, i], rel=1e-5, abs=1e-6)


def test_limits_have_the_fall_that_was_asked_for():
    studies = mr.datasets.load("debruin2009")
    x, fall = design(studies, "scq"), 3.0
    rows = np.array([[0.0, 1.0], [1.0, 20.0]])[..., None]
    counts, basis = lanes(x, studies.events, studies.n, contrasts=rows)
    best = fit(counts, np.ones((2, 2), dtype=bool))
    limits = profile_limits(counts, best, np.full(2, fall))
    unit = turned(basis, rows).unit
    e, n = studies.events.astype(float), studies.n.astype(float)
    for row, scale, *ends in zip(rows[..., 0], unit, limits.low, limits.high, strict=True):
        for end in ends:
            target, free = end * scale, int(row[0] == 0)
            other = 1 - free  # the coefficient that is solved for

            def value(q, row=row, target=target, free=free, other=other):
                beta = np.empty(2)
                beta[other] = q[0]
                beta[free] = (target - row[other] * q[0]) / row[free]
                return -slow_loglik(np.r_[beta, q[1]], x, e, n)

            start = -0.5 if other == 0 else 0.03
            least = min(
                optimize.minimize(value, [start, spread], method="BFGS", options={"gtol": 1e-7}).fun
                for spread in (0.3, 0.8)
            )
            assert 2 * (best.local.value[0] + least) == pytest.approx(fall, abs=1e-6)


def test_one_mean_has_the_limits_of_pool():
    for link in ("logit", "probit"):
        studies = mr.datasets.load("debruin2009")
        ones = np.ones((len(studies), 1))
        counts, _ = lanes(ones, studies.events, studies.n, link, np.ones((1, 1, 1)))
        best = fit(counts, np.ones((1, 1), dtype=bool))
        found = profile_limits(counts, best, np.array([stats.chi2.ppf(0.95, 1)]))
        pooled = mr.pool(studies, ci="profile", link=link)
        assert (found.low[0], found.high[0]) == pytest.approx(pooled.estimate_ci, abs=1e-8)


def test_calibrations_are_exact_for_equal_normal_studies():
    """The likelihood ratio of normal means is a function of F; its mean is the Bartlett factor."""
    rng = np.random.default_rng(4)
    k, p, m, sets = 7, 3, 2, 200_000
    f = rng.f(m, k - p, sets)
    ratio = k * np.log1p(m * f / (k - p))
    reference = Reference(np.full(sets, float(k)), np.full(sets, float(k - p)), m, np.ones(sets))
    assert CALIBRATIONS["profile-f"].pvalue(ratio, reference) == pytest.approx(
        stats.f.sf(f, m, k - p), abs=1e-12
    )
    z = orthogonal(np.column_stack([np.ones(k), rng.normal(size=(k, 2))])).z[None]
    factor = bartlett_factor(np.full((1, k), 3.0), z, m)[0]
    assert factor == pytest.approx(ratio.mean() / m, abs=4 * ratio.std() / m / np.sqrt(sets))
    one = Reference(np.full(1, float(k)), np.full(1, float(k - p)), 1, np.full(1, factor))
    for entry in CALIBRATIONS.values():
        assert entry.pvalue(entry.critical(one, 0.025), one)[0] == pytest.approx(0.05, abs=1e-12)


def test_dependent_columns_are_named():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 9))
    x = np.column_stack([np.ones(9), a, b, 2 * a - 3, a + b])
    assert dependent(x) == [(3, (0, 1)), (4, (1, 2))]
    assert dependent(x[:, :3]) == []


def test_separation_is_found_by_brute_force_too():
    rng = np.random.default_rng(6)
    drawn = rng.normal(size=(500, 2))
    for _ in range(60):
        k = int(rng.integers(3, 7))
        x = np.column_stack([np.ones(k), rng.integers(0, 3, k)])
        n = np.full(k, 3.0)
        events = np.minimum(rng.integers(0, 9, k), 3).astype(float) * rng.integers(0, 2, k)
        if np.linalg.matrix_rank(x) < 2:
            continue
        edges = x @ np.array([[0.0, 1.0], [-1.0, 0.0]])  # a cone without an inside lies across a row
        moves = np.concatenate([drawn, edges, -edges]) @ x.T
        inner = (events > 0) & (events < n)
        toward = np.where(events == 0, -moves, moves)
        fine = (np.abs(moves[:, inner]) < 1e-9).all(axis=1) & (toward[:, ~inner] >= -1e-9).all(axis=1)
        fine &= np.abs(moves).max(axis=1) > 1e-9
        assert separated(x, events, n).any() == fine.any()


def test_rearrangements_are_all_that_differ_or_drawn():
    rng = np.random.default_rng(0)
    rows = np.array([0, 0, 1, 1, 2])
    orders, whole = rearrangements(rows, 1000, rng)
    assert whole
    seen = {tuple(rows[order]) for order in orders}
    assert len(seen) == len(orders) == 30
    assert seen == set(itertools.permutations(rows.tolist()))
    drawn, whole = rearrangements(np.arange(9), 500, rng)
    assert not whole
    assert drawn.shape == (500, 9)
    assert (np.sort(drawn, axis=1) == np.arange(9)).all()
    assert drawn[0].tolist() == list(range(9))


def test_copies_of_counts_are_repeated_studies():
    rng = np.random.default_rng(9)
    x = np.column_stack([np.ones(7), rng.normal(size=7)])
    events, n, copies = rng.integers(0, 9, 7), np.full(7, 10), rng.integers(0, 3, 7)
    basis = orthogonal(x)
    fields = (np.asarray(field, dtype=float)[None] for field in (events, n, copies))
    counted = DesignCounts(CountSurface(*fields), basis.z[None], np.zeros((1, 0, 2)))
    whole = np.repeat(np.arange(7), copies)
    repeated = DesignCounts(
        counted.data.take(np.zeros(1, dtype=int)), basis.z[None, whole], np.zeros((1, 0, 2))
    )
    fields = (np.asarray(field, dtype=float)[None, whole] for field in (events, n, np.ones(7)))
    repeated = repeated._replace(data=CountSurface(*fields))
    free = np.ones((1, 2), dtype=bool)
    one, other = fit(counted, free), fit(repeated, free)
    assert one.at == pytest.approx(other.at, abs=1e-7)
    assert one.local.value == pytest.approx(other.local.value, abs=1e-10)
