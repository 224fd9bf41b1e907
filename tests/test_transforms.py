"""Effect scales, corrections and back-transform sizes against definitions and quadrature."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from metaresp.errors import UnknownName
from metaresp.kernel.effects.mean import MEAN_CI
from metaresp.kernel.effects.tau2 import TAU2
from metaresp.transforms import BACK_N, CORRECT, TRANSFORMS, apply_correction, back_size, study_effects

ROUNDING = 1e-12
QUADRATURE = 1e-9  # scipy.integrate.quad's own error

FORWARD = {
    "logit": (lambda x, n: math.log(x / (n - x)), lambda x, n: 1 / x + 1 / (n - x)),
    "arcsine": (lambda x, n: math.asin(math.sqrt(x / n)), lambda x, n: 1 / (4 * n)),
    "freeman-tukey": (
        lambda x, n: (math.asin(math.sqrt(x / (n + 1))) + math.asin(math.sqrt((x + 1) / (n + 1)))) / 2,
        lambda x, n: 1 / (4 * n + 2),
    ),
    "log": (lambda x, n: math.log(x / n), lambda x, n: 1 / x - 1 / n),
    "identity": (lambda x, n: x / n, lambda x, n: x / n * (1 - x / n) / n),
    "probit": (
        lambda x, n: stats.norm.ppf(x / n),
        lambda x, n: x / n * (1 - x / n) / n / stats.norm.pdf(stats.norm.ppf(x / n)) ** 2,
    ),
}


@pytest.mark.parametrize("name", FORWARD)
def test_forward_and_back(name):
    assert set(FORWARD) == set(TRANSFORMS)
    transform = TRANSFORMS[name]
    effect, variance = FORWARD[name]
    for x, n in ((1, 3), (7, 20), (13, 18), (199, 200), (5, 10**9), (999_999_999, 10**9)):
        y, v = transform.forward(x, n)
        np.testing.assert_allclose(y, effect(x, n), rtol=ROUNDING)
        np.testing.assert_allclose(v, variance(x, n), rtol=1e-6 if n > 1e6 else 1e-11)
        np.testing.assert_allclose(transform.inverse(y, n), x / n, rtol=1e-9, atol=1e-15)
        assert transform.limits[0] <= y <= transform.limits[1]


@pytest.mark.parametrize("name", ["arcsine", "freeman-tukey"])
def test_scales_without_correction_take_0_and_n(name):
    transform = TRANSFORMS[name]
    assert not transform.corrected
    y, v = transform.forward([0, 12], [12, 12])
    assert np.isfinite(y).all()
    assert (v > 0).all()
    np.testing.assert_allclose(transform.inverse(y, 12), [0.0, 1.0], atol=1e-15)


@pytest.mark.parametrize("name", FORWARD)
@settings(max_examples=60, deadline=None)
@given(mu=st.floats(-6, 6), tau=st.floats(0, 12), n=st.integers(2, 10**6))
@example(mu=0.0, tau=1.5e-154, n=2)  # its square is a number, that of 1 / tau is none
def test_mean_rate_is_the_integral(name, mu, tau, n):
    transform = TRANSFORMS[name]
    low, high = transform.limits
    mu = {"logit": mu, "probit": mu, "log": mu - 3}.get(name, (mu + 6) / 12 * (high if high < 2 else 1))
    tau = tau if name in {"logit", "probit"} else tau / 10
    found = float(transform.mean_rate(mu, tau**2, n))
    assert 0.0 <= found <= 1.0
    if tau < 1e-3:
        np.testing.assert_allclose(found, transform.inverse(mu, n), atol=2e-3)
        return
    kinks = [z for z in ((np.array([low, high, 0.0]) - mu) / tau) if -9 < z < 9]
    if name == "freeman-tukey":
        least = float(transform.forward(0, n)[0])
        kinks += [z for z in ((least - mu) / tau, (high - least - mu) / tau) if -9 < z < 9]
    exact = integrate.quad(
        lambda z: float(transform.inverse(mu + tau * z, n)) * stats.norm.pdf(z),
        -9,
        9,
        points=sorted(kinks),
        limit=500,
        epsabs=1e-12,
    )[0]
    # a Freeman-Tukey back-transform leaves 0 like a square root, which 80 nodes feel
    np.testing.assert_allclose(found, exact, atol=2e-6 if name == "freeman-tukey" else QUADRATURE)


@pytest.mark.parametrize("name", FORWARD)
def test_mean_rate_without_spread_is_the_median_rate(name):
    transform = TRANSFORMS[name]
    y, _ = transform.forward([3.0, 9.0], [12.0, 12.0])
    np.testing.assert_allclose(transform.mean_rate(y, 0.0, 12), transform.inverse(y, 12), rtol=1e-15)
    assert transform.mean_rate(y[:, None], np.zeros(4), 12).shape == (2, 4)
    assert transform.mean_rate(y[0], 0.3, 12).shape == ()


@pytest.mark.parametrize("name", FORWARD)
def test_effects_beyond_the_scale_are_clipped_in_the_rate(name):
    transform = TRANSFORMS[name]
    np.testing.assert_allclose(transform.inverse([-60.0, 60.0], 10), [0.0, 1.0], atol=1e-15)


@given(st.integers(0, 40), st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_mirror(x, n):
    """Responders and non-responders change places: symmetric scales change sign, or reflect."""
    x = min(x, n)
    copies = np.ones(1)
    for name, centre in (
        ("logit", 0.0),
        ("probit", 0.0),
        ("arcsine", math.pi / 4),
        ("freeman-tukey", math.pi / 4),
    ):
        y, v, _ = study_effects(TRANSFORMS[name], [x], [n], copies, "only-zero", 0.5)
        z, w, _ = study_effects(TRANSFORMS[name], [n - x], [n], copies, "only-zero", 0.5)
        np.testing.assert_allclose(y + z, 2 * centre, atol=1e-12)
        np.testing.assert_allclose(v, w, rtol=1e-9)


def test_correction_rules():
    x, n = np.array([[0.0, 3.0, 9.0], [1.0, 3.0, 8.0]]), np.array([5.0, 10.0, 9.0])
    expected = {
        "only-zero": [[True, False, True], [False, False, False]],
        "if-any": [[True, True, True], [False, False, False]],
        "all": [[True, True, True], [True, True, True]],
        "none": [[False, False, False], [False, False, False]],
        "variance": [[True, False, True], [False, False, False]],
        "events": [[True, False, True], [False, False, False]],
        "leave-out": [[False, False, False], [False, False, False]],
    }
    assert set(expected) == set(CORRECT)
    for rule, mask in expected.items():
        new_x, new_n, corrected = apply_correction(x, n, np.ones(3), rule, 0.25)
        assert corrected.tolist() == mask
        np.testing.assert_array_equal(new_x - x, 0.25 * np.array(mask))
        np.testing.assert_array_equal(new_n - n, (0.25 if rule == "events" else 0.5) * np.array(mask))
    assert x[0, 0] == 0.0  # the caller's counts are untouched


def test_absent_studies_do_not_trigger_a_correction():
    corrected = apply_correction([0.0, 3.0], [5.0, 10.0], [[0, 1], [1, 1]], "if-any", 0.5)[2]
    assert corrected.tolist() == [[False, False], [True, True]]


def test_unknown_names_list_the_choices():
    with pytest.raises(UnknownName, match="only-zero"):
        apply_correction([0], [3], [1], "only-zeros", 0.5)
    with pytest.raises(UnknownName, match="harmonic"):
        back_size([3], [1], "harmonc")


def test_back_sizes_count_copies():
    n, copies = np.array([10.0, 40.0, 7.0]), np.array([2.0, 1.0, 0.0])
    for kind in BACK_N:
        np.testing.assert_allclose(
            back_size(n, copies, kind), back_size([10, 10, 40], [1, 1, 1], kind), rtol=ROUNDING
        )
    assert back_size(n, np.ones((4, 3)), "harmonic").shape == (4,)
    tau2 = np.array([0.0, 0.02])
    v = 1 / (4 * n + 2)
    exact = [(copies / (v + t)).sum() / 4 for t in tau2]
    np.testing.assert_allclose(back_size(n, copies, "inverse-variance", v, tau2), exact, rtol=ROUNDING)


def test_freeman_tukey_trap():
    """x = 2, 1, 2, 1, 300 of n = 10, 12, 9, 15, 200000: the harmonic size gives 0% with 306 events."""
    x, n = np.array([2, 1, 2, 1, 300]), np.array([10, 12, 9, 15, 200_000])
    y, v, _ = study_effects(TRANSFORMS["freeman-tukey"], x, n, np.ones(5), "only-zero", 0.5)
    common = MEAN_CI["normal"](y, v, np.ones(5), 0.0, 0.025, None, None).estimate
    inverse = TRANSFORMS["freeman-tukey"].inverse
    assert float(inverse(common, back_size(n, np.ones(5), "harmonic"))) == 0.0
    exact = float(inverse(common, back_size(n, np.ones(5), "inverse-variance")))
    assert abs(exact - 306 / n.sum()) < 1e-4


def test_half_is_added_to_one_study_only():
    """13/18, 5/20, 9/31, 4/12: nothing is at an edge or corrected (meta: 0.39037, tau2 0.6161).

    Adding 0.5 to every study gives 0.39585 and 0.5401, which a Python peer prints.
    """
    x, n, copies = [13, 5, 9, 4], [18, 20, 31, 12], np.ones(4)
    for rule, rate, tau2 in (("only-zero", 0.39037, 0.6161), ("all", 0.39585, 0.5401)):
        y, v, corrected = study_effects(TRANSFORMS["logit"], x, n, copies, rule, 0.5)
        assert corrected.all() == (rule == "all")
        between = TAU2["REML"](y, v, copies).value
        mean = MEAN_CI["normal"](y, v, copies, between, 0.025, None, None)
        assert round(float(TRANSFORMS["logit"].inverse(mean.estimate, None)), 5) == rate
        assert round(float(between), 4) == tau2
    y, v, corrected = study_effects(
        TRANSFORMS["logit"], [0, 5, 9], [18, 20, 31], np.ones(3), "only-zero", 0.5
    )
    assert corrected.tolist() == [True, False, False]
    plain, _ = TRANSFORMS["logit"].forward([5, 9], [20, 31])
    np.testing.assert_array_equal(y[1:], plain)
