"""The beta-binomial fit against references, sums over patients, many digits, a grid, and itself."""

import math
import warnings

import numpy as np
import pytest
from scipy import optimize, special, stats

from metaresp.kernel.counts import beta_binomial as bb
from metaresp.kernel.counts.beta_binomial_terms import terms
from metaresp.kernel.numerics import profile
from metaresp.kernel.numerics.special import saturated
from tests.datasets import NAMES, counts, reference

REFERENCE = 1e-5  # the reference maximised by Nelder-Mead
SAME = 1e-8  # one lane or many: only the order of sums differs
SUMS = 1e-10  # the twin adds 300 logarithms, and its second derivatives 300 squares
FALL = 3.841458820694124


@pytest.fixture(autouse=True)
def _no_floating_point_noise():
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def data(name):
    x, n = counts(name)
    x, n = x[None].astype(float), n[None].astype(float)
    return x, n, np.ones_like(x)


def lane(*studies):
    x, n = (np.array([[float(s[i]) for s in studies]]) for i in (0, 1))
    return x, n, np.ones_like(x)


def random_lanes(seed, lanes, k, largest=3.0):
    """Tiny to large trials, homogeneous to wild; some lanes all at 0 or n, some with one giant."""
    rng = np.random.default_rng(seed)
    n = np.floor(10 ** rng.uniform(0, rng.choice([0.7, 1.5, largest], (lanes, 1)), (lanes, k)))
    giant = rng.random(lanes) < 0.1
    n[giant, 0] = np.floor(10 ** rng.uniform(4, 9, giant.sum()))
    logit = rng.uniform(-5, 5, (lanes, 1)) + rng.choice([0, 0.5, 1, 4], (lanes, 1)) * rng.normal(
        size=(lanes, k)
    )
    x = rng.binomial(n.astype(np.int64), special.expit(logit)).astype(float)
    extreme = rng.random(lanes) < 0.05
    x[extreme] = np.where(rng.random((extreme.sum(), k)) < 0.5, 0, n[extreme])
    return x, n


@pytest.mark.parametrize("name", NAMES)
def test_reference(name):
    expected = reference(name)["beta_binomial"]
    found = bb.fit(*data(name))
    assert set(expected) == {"logit_mu", "mu", "rho", "logLik", "se_logit_mu"}
    assert found.mu[0] == pytest.approx(expected["logit_mu"], abs=REFERENCE, rel=REFERENCE)
    assert special.expit(found.mu[0]) == pytest.approx(expected["mu"], rel=REFERENCE)
    assert found.rho[0] == pytest.approx(expected["rho"], rel=REFERENCE)
    assert found.se[0] == pytest.approx(expected["se_logit_mu"], rel=REFERENCE)
    assert found.loglik[0] == pytest.approx(expected["logLik"], abs=1e-8)
    assert found.loglik[0] >= expected["logLik"] - 1e-9
    assert found.reason[0] == bb.OK


def by_patients(x, n, mu, theta):
    """Log-likelihood and derivatives as sums over patients: each adds to the urn it was drawn from."""
    p, q = 1 / (1 + math.exp(-mu)), 1 / (1 + math.exp(mu))
    y = n - x
    urns = [(p, 1.0, p * q, range(x)), (q, 1.0, -p * q, range(y)), (1.0, -1.0, 0.0, range(n))]
    parts = [[] for _ in range(6)]
    for start, sign, d_start, draws in urns:
        bend = d_start * (q - p)
        for i in draws:
            r = 1 / (start + i * theta)
            row = (
                math.log(start + i * theta),
                d_start * r,
                i * r,
                bend * r - (d_start * r) ** 2,
                -d_start * i * r * r,
                -((i * r) ** 2),
            )
            for part, value in zip(parts, row, strict=True):
                part.append(sign * value)
    top = special.xlogy(x, x / n) + special.xlogy(y, y / n)
    parts[0].append(-float(top))
    return [math.fsum(part) for part in parts]


@pytest.mark.parametrize("theta", [0.0, 1e-12, 1e-4, 0.02, 0.4, 7.0, 1e5])
def test_terms_are_sums_over_patients(theta):
    rng = np.random.default_rng(3)
    for _ in range(25):
        n = int(rng.integers(1, 300))
        mu = float(rng.normal() * 2)
        x = int(rng.choice([0, n, rng.integers(0, n + 1)]))
        found = terms(*(np.array([[float(v)]]) for v in (x, n)), np.array([mu]), np.array([theta]))
        for field, expected in zip(found, by_patients(x, n, mu, theta), strict=True):
            unit = 1 + abs(expected) + 1e-3 * n**3 * (field is found.d_theta_theta)
            assert abs(field[0, 0] - expected) < SUMS * unit, (x, n, mu, found._fields)


# (x, n, mu, theta) and the six fields, from log-gamma and polygamma functions with 120 digits (mpmath).
DIGITS = [
    (3.005e8, 1e9, -0.8472978603872037, 1e-3),
    (0, 1e9, -18.0, 1e-6),
    (12, 1e9, -18.0, 1e-12),
    (1e9, 1e9, 3.0, 0.5),
    (7, 20, 0.25, 1e-13),
    (7, 20, 0.25, 1e9),
    (1, 1, -2.0, 0.3),
]
FIELDS = [
    (-6.909139499535241, 0.6999202850707096, -499.7181326134782, -210.01011573592118, -499.60232606462597,
     498809.28358821897),
    (-0.10522020147089994, -0.10522019998425876, 90005.4291077871, -0.10522019701097644, 90005.4278527508,
     -164811293032.5312),
    (-0.3697210742296799, -3.226700973645919, -51786359.231254354, -15.218040165288555, 3275649079.760554,
     -3.334945662666273e17),
    (-1.928496512214177, 1.8399139665181263, 3.610778260378518, -1.6709921281743751, -3.44378738602355,
     -14.078251326753964),
    (-1.8198556168816713, -4.243530017707582, 25.508798946022456, -4.922681654740316, 83.7991660567883,
     -1208.8379001942176),
    (-21.949630376350704, -0.12435300193237361, -9.999999991882513e-10, -0.4922681654552035,
     1.6077741119122509e-19, 9.999999983765026e-19),
    (-2.1269280110429727, 0.8807970779778824, 0.0, -0.10499358540350652, 0.0, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("case", "fields"), list(zip(DIGITS, FIELDS, strict=True)))
def test_terms_keep_their_digits(case, fields):
    x, n, mu, theta = (np.array([float(v)]) for v in case)
    found = terms(x[None], n[None], mu, theta)
    assert found.value[0, 0] == pytest.approx(fields[0], rel=1e-12)
    for field, expected in zip(found[1:], fields[1:], strict=True):
        assert field[0, 0] == pytest.approx(expected, rel=1e-8, abs=1e-13)


def test_no_correlation_is_the_binomial():
    x, n, _ = lane((13, 18), (0, 7), (9, 9), (3e8, 1e9))
    for mu in (-3.0, 0.2, 4.0):
        with np.errstate(under="ignore"):
            at = [terms(x, n, np.array([mu]), np.array([theta])).value for theta in (0.0, 1e-30)]
        p, q = special.expit(mu), special.expit(-mu)
        binomial = special.rel_entr(x, n * p) + special.rel_entr(n - x, n * q)
        np.testing.assert_allclose(at[0], -binomial, rtol=1e-9)
        np.testing.assert_allclose(at[1], at[0], rtol=1e-12)


def loglik(x, n, mu, rho):
    p, theta = special.expit(mu), rho / (1 - rho)
    return stats.betabinom.logpmf(x, n, p / theta, (1 - p) / theta).sum()


@pytest.mark.parametrize("k", [2, 3, 6])
def test_never_below_a_brute_force_grid(k):
    x, n = random_lanes(k, 60, k, largest=2.5)
    found = bb.fit(x, n, np.ones_like(x))
    mus, rhos = np.meshgrid(np.linspace(-8, 8, 65), special.expit(np.linspace(-9, 7, 33)))
    for i in np.flatnonzero((found.reason != bb.NO_MEAN) & (n.max(axis=-1) < 1e4)):
        p, theta = special.expit(mus)[..., None], (rhos / (1 - rhos))[..., None]
        with np.errstate(all="ignore"):
            grid = stats.betabinom.logpmf(x[i], n[i], p / theta, (1 - p) / theta).sum(axis=-1)
        assert found.loglik[i] >= grid.max() - 1e-8, (x[i], n[i])
        common = stats.binom.logpmf(x[i], n[i], special.expit(found.mu_common[i])).sum()
        assert found.loglik_common[i] == pytest.approx(common, abs=1e-8)
        assert found.loglik_saturated[i] == pytest.approx(saturated(x[i], n[i]).sum())


def test_two_hills_take_the_higher():
    """Two scales of variation, of the giants and of the small studies: the likelihood has a hill at each."""
    x, n, one = lane((1124031, 3734331), (3833, 12611), (463812, 1545134), (1, 5), (6, 8), (11, 13), (2, 4))
    found = bb.fit(x, n, one)
    grid = np.geomspace(1e-9, 1.0, 400)
    at = [np.repeat(part, grid.size, axis=0) for part in (x, n, one)]
    profile_values = np.full(grid.size, -np.inf)
    for mu in np.linspace(-0.9, -0.2, 281):
        value = bb.evaluate(*at, np.full(grid.size, mu), grid).value
        profile_values = np.maximum(profile_values, value)
    hills = (profile_values[1:-1] > profile_values[:-2]) & (profile_values[1:-1] > profile_values[2:])
    assert hills.sum() >= 2
    assert found.loglik[0] - found.loglik_saturated[0] >= profile_values.max()
    assert found.rho[0] == pytest.approx(2.776e-7, rel=1e-3)


def test_a_hill_behind_a_shallow_dip():
    """From rho = 0 the profile falls by 0.0008 before it rises to its maximum 0.002 above."""
    x, n, one = lane((11482, 33541), (1, 4), (1, 4), (23, 73), (23, 73), (2376, 6701))
    found = bb.fit(x, n, one)
    assert found.rho[0] == pytest.approx(2.45e-5, rel=0.02)
    assert found.loglik[0] - found.loglik_common[0] == pytest.approx(2.2e-3, rel=0.02)


def twin_limits(x, n, fitted, interest):
    """Profile limits by one-dimensional searches of scipy on scipy's own beta-binomial."""
    top = fitted.loglik[0]
    mu, rho = fitted.mu[0], fitted.rho[0]

    def height(value):
        def cost(other):
            pair = (value, special.expit(other)) if interest == "mu" else (other, value)
            return -loglik(x, n, *pair)

        around = (-12.0, 3.0) if interest == "mu" else (mu - 3, mu + 3)
        return -optimize.minimize_scalar(cost, bounds=around, method="bounded", options={"xatol": 1e-11}).fun

    def miss(value):
        return height(value) - top + FALL / 2

    steps = (-2.0, 2.0) if interest == "mu" else (1e-7 - rho, 0.9 - rho)
    centre = mu if interest == "mu" else rho
    return [optimize.brentq(miss, centre, centre + step, xtol=1e-12) for step in steps]


@pytest.mark.parametrize("name", ["pritz1997", "ursino2021", "debruin2009"])
def test_profile_limits_against_a_slow_twin(name):
    x, n, one = data(name)
    found = bb.fit(x, n, one)
    fall = np.array([FALL])
    with np.errstate(all="ignore"):
        mu, rho = (twin_limits(x[0], n[0], found, interest) for interest in ("mu", "rho"))
    # the twin's log-likelihood is flat to 1e-13: its limits are good to about 1e-7 standard errors
    np.testing.assert_allclose(
        [end[0] for end in bb.mu_limits(bb.counts(x, n, one), found, fall)], mu, atol=1e-7
    )
    np.testing.assert_allclose(
        [end[0] for end in bb.rho_limits(bb.counts(x, n, one), found, fall)], rho, rtol=1e-6
    )


@pytest.mark.parametrize("fall", [0.3, FALL, 40.0])
def test_limits_put_back_give_the_fall(fall):
    x, n = random_lanes(21, 150, 5)
    one = np.ones_like(x)
    found = bb.fit(x, n, one)
    rows = np.flatnonzero(found.reason != bb.NO_MEAN)
    limits = bb.mu_limits(bb.counts(x, n, one), found, np.full(len(x), fall))
    lanes = bb.counts(x, n, one)
    dense = np.sort(
        np.column_stack([lanes.grid()[:, :1], np.log1p(lanes.size[:, None] * np.geomspace(1e-10, 1e4, 45))])
    )
    dense = np.where(lanes.known[:, None], dense, 0.0)
    top = found.loglik - found.loglik_saturated
    over_u = profile.Profile(lanes.surface, lanes.bounds(), dense)
    for end in limits:
        height, _ = profile.ridge(over_u, rows, end[rows])
        np.testing.assert_allclose(2 * (top[rows] - height), fall, atol=1e-8 * (1 + np.abs(top[rows])).max())
    assert (limits.low[rows] < found.mu[rows]).all()
    assert (limits.high[rows] > found.mu[rows]).all()


def test_rho_limits_reach_the_ends_only_where_the_likelihood_does():
    x, n = random_lanes(5, 200, 4)
    one = np.ones_like(x)
    found = bb.fit(x, n, one)
    low, high = bb.rho_limits(bb.counts(x, n, one), found, np.full(len(x), FALL))
    has = found.reason != bb.NO_MEAN
    assert (np.isnan(low) == ~has).all()
    near = 2 * (found.loglik - found.loglik_common) < FALL
    assert ((low[has] == 0) == near[has]).all()
    assert (high[found.reason == bb.RHO_ONE] == 1).all()
    assert ((low <= found.rho) & (found.rho <= high))[has].all()
    inner = has & (high < 1)
    assert inner.sum() > 50


def each_alone(x, n, copies):
    for i in range(len(x)):
        xs, ns = (np.repeat(a[i], copies[i].astype(int))[None] for a in (x, n))
        yield i, bb.fit(xs, ns, np.ones_like(xs)), (xs, ns, np.ones_like(xs))


def test_copies_equal_repeat_and_batch_equals_loop():
    x, n = random_lanes(8, 60, 6)
    copies = np.random.default_rng(8).integers(0, 4, x.shape).astype(float)
    copies[:, 0] = 1
    together = bb.fit(x, n, copies)
    fall = np.full(len(x), FALL)
    mu, rho = (
        bb.mu_limits(bb.counts(x, n, copies), together, fall),
        bb.rho_limits(bb.counts(x, n, copies), together, fall),
    )
    for i, alone, part in each_alone(x, n, copies):
        assert alone.reason[0] == together.reason[i]
        hills = alone.hill_top.shape[1]
        assert not np.isfinite(together.hill_top[i, hills:]).any()
        for field in bb.Fit._fields:
            mine, all_of_them = getattr(alone, field)[0], getattr(together, field)[i]
            here = all_of_them[:hills] if field.startswith("hill") else all_of_them
            np.testing.assert_allclose(mine, here, rtol=SAME, atol=SAME, err_msg=field)
        for limits, ends in ((bb.mu_limits, mu), (bb.rho_limits, rho)):
            np.testing.assert_allclose(
                [end[0] for end in limits(bb.counts(*part), alone, fall[:1])],
                [end[i] for end in ends],
                rtol=1e-6,
                atol=SAME,
            )


def test_mirror():
    x, n = random_lanes(14, 100, 5)
    one, fall = np.ones_like(x), np.full(len(x), FALL)
    here, there = bb.fit(x, n, one), bb.fit(n - x, n, one)
    np.testing.assert_allclose(here.mu, -there.mu, atol=1e-7, rtol=1e-7)
    np.testing.assert_allclose(here.rho, there.rho, atol=1e-9, rtol=1e-6)
    np.testing.assert_allclose(here.loglik, there.loglik, rtol=1e-10)
    low, high = bb.mu_limits(bb.counts(x, n, one), here, fall)
    other = bb.mu_limits(bb.counts(n - x, n, one), there, fall)
    np.testing.assert_allclose(low, -other.high, atol=1e-6, rtol=1e-6)
    np.testing.assert_allclose(high, -other.low, atol=1e-6, rtol=1e-6)


def test_every_study_at_its_end():
    """Studies count as one patient each: 2 of 3 respond."""
    found = bb.fit(*lane((0, 7), (12, 12), (5, 5)))
    assert (found.reason[0], found.rho[0]) == (bb.RHO_ONE, 1.0)
    assert found.mu[0] == pytest.approx(math.log(2))
    assert found.loglik[0] == pytest.approx(math.log(4 / 27))
    assert found.se[0] == pytest.approx(1 / math.sqrt(3 * 2 / 9))
    fall = np.array([FALL])
    low, high = bb.mu_limits(bb.counts(*lane((0, 7), (12, 12), (5, 5))), found, fall)
    for mu in (low[0], high[0]):
        p = special.expit(mu)
        assert 2 * (math.log(4 / 27) - math.log(p * p * (1 - p))) == pytest.approx(FALL, abs=1e-8)
    # 0/7, 7/7 must give a half
    assert bb.fit(*lane((0, 7), (7, 7))).mu[0] == 0


def test_one_patient_a_study_knows_nothing_of_rho():
    studies = lane((0, 1), (1, 1), (1, 1), (0, 1))
    found = bb.fit(*studies)
    assert (found.reason[0], found.rho[0], found.mu[0]) == (bb.RHO_UNKNOWN, 0.0, 0.0)
    assert found.se[0] == pytest.approx(1.0)
    assert [end[0] for end in bb.rho_limits(bb.counts(*studies), found, np.array([FALL]))] == [0.0, 1.0]
    low, high = bb.mu_limits(bb.counts(*studies), found, np.array([FALL]))
    assert high[0] == pytest.approx(-low[0])
    assert 4 * math.log(0.5) - 2 * math.log(special.expit(low[0]) * special.expit(-low[0])) == pytest.approx(
        FALL / 2, abs=1e-9
    )


def test_no_event_has_no_mean_and_disturbs_no_neighbour():
    x = np.array([[0.0, 0, 0], [5, 2, 9], [4, 8, 6]])
    n = np.array([[9.0, 4, 3], [11, 11, 11], [4, 8, 6]])
    one = np.ones_like(x)
    found = bb.fit(x, n, one)
    assert found.reason.tolist() == [bb.NO_MEAN, bb.OK, bb.NO_MEAN]
    assert np.isnan(found.mu).tolist() == [True, False, True]
    fall = np.full(3, FALL)
    for limits in (bb.mu_limits, bb.rho_limits):
        ends = np.column_stack(limits(bb.counts(x, n, one), found, fall))
        assert np.isfinite(ends).all(axis=-1).tolist() == [False, True, False]
    assert found.mu[1] == pytest.approx(bb.fit(x[1:2], n[1:2], one[1:2]).mu[0])


def test_one_giant_among_small_trials():
    found = bb.fit(*lane((3e8, 1e9), (2, 7), (5, 9), (0, 4)))
    assert found.reason[0] == bb.OK
    assert found.mu[0] == pytest.approx(special.logit(0.3), abs=1e-3)
    assert 0 <= found.rho[0] < 1e-3


def test_evaluations_of_a_single_fit_are_few(monkeypatch):
    calls = []
    once = bb.beta_binomial_terms.terms
    monkeypatch.setattr(bb.beta_binomial_terms, "terms", lambda *args: calls.append(1) or once(*args))
    x, n, one = data("pritz1997")
    found = bb.fit(x, n, one)
    bb.mu_limits(bb.counts(x, n, one), found, np.array([FALL]))
    assert len(calls) <= 60


@pytest.mark.parametrize("largest", [10**6, 10**8, 10**9])
def test_large_counts_converge_where_a_step_is_only_rounding(largest):
    rng = np.random.default_rng(6)
    n = rng.integers(largest // 10, largest, (200, 6))
    x = rng.binomial(n, rng.choice([0.01, 0.3], (200, 1)))
    found = bb.fit(x.astype(float), n.astype(float), np.ones(n.shape))
    assert (found.reason == bb.OK).all()
