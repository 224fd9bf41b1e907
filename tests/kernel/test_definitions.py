"""Where R stops early, our numbers are put back into their defining equations at 40 digits."""

import mpmath
import numpy as np
import pytest
from scipy import special, stats

from metaresp.kernel.effects.confidence_draws import tau2_draws
from metaresp.kernel.effects.henmi_copas import henmi_copas
from metaresp.kernel.effects.prediction import PREDICTION
from metaresp.kernel.effects.quadratic_form import Spectrum, spectrum, tails
from metaresp.kernel.effects.sums import Lanes
from metaresp.kernel.effects.tau2 import TAU2
from metaresp.kernel.effects.tau2_interval import TAU2_CI
from metaresp.kernel.numerics.quantiles import chi2_quantile, t_quantile
from metaresp.kernel.numerics.roots import bracketed
from tests import slow
from tests.datasets import NAMES, reference

TAIL = 0.025
ROOT = 1e-11  # relative error of a root solved to rounding, conditioning included
SCALES = ("PR", "PLN", "PLO", "PAS", "PFT")


def effects(name, scale):
    entry = reference(name)["inverse_variance"][scale]
    return np.array(entry["yi"]), np.array(entry["vi"])


def exact_q(y, v, tau2):
    """Return the generalised Q at 40 digits."""
    with mpmath.workdps(40):
        t = mpmath.mpf(float(tau2))
        w = [1 / (mpmath.mpf(float(vi)) + t) for vi in v]
        mean = mpmath.fdot(w, [mpmath.mpf(float(yi)) for yi in y]) / mpmath.fsum(w)
        return mpmath.fsum(wi * (mpmath.mpf(float(yi)) - mean) ** 2 for wi, yi in zip(w, y, strict=True))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", NAMES)
def test_paule_mandel_solves_its_equation_and_metafor_less_well(name, scale):
    y, v = effects(name, scale)
    entries = reference(name)["inverse_variance"][scale]
    for method, target in (("PM", len(y) - 1.0), ("PMM", float(stats.chi2.median(len(y) - 1)))):
        ours = float(TAU2[method](y, v, np.ones(len(y))).value)
        theirs = entries[f"{method}_z"]["tau2"]
        if ours == 0.0:
            assert exact_q(y, v, 0.0) <= target
            continue
        error = abs(float(exact_q(y, v, ours)) - target) / target
        assert error < ROOT
        assert abs(float(exact_q(y, v, theirs)) - target) / target >= error


@pytest.mark.parametrize("name", ["pritz1997", "crisafulli2020"])
def test_reml_score_is_zero(name):
    """At 40 digits: ours is closer to the zero of the score than metafor's."""
    for scale in SCALES:
        y, v = effects(name, scale)

        def score(tau2, y=y, v=v):
            with mpmath.workdps(40):
                t = mpmath.mpf(tau2)
                w = [1 / (mpmath.mpf(float(vi)) + t) for vi in v]
                s1, s2 = mpmath.fsum(w), mpmath.fsum(wi**2 for wi in w)
                mean = mpmath.fsum(wi * mpmath.mpf(float(yi)) for wi, yi in zip(w, y, strict=True)) / s1
                data = mpmath.fsum(
                    wi**2 * (mpmath.mpf(float(yi)) - mean) ** 2 for wi, yi in zip(w, y, strict=True)
                )
                return float(data / (s1 - s2 / s1) - 1)

        ours = float(TAU2["REML"](y, v, np.ones(len(y))).value)
        theirs = reference(name)["inverse_variance"][scale]["REML_z"]["tau2"]
        assert abs(score(ours)) < ROOT
        assert abs(score(theirs)) >= abs(score(ours))


@pytest.mark.parametrize("scale", ["PLO", "PFT"])
@pytest.mark.parametrize("name", ["baeten2013", "pritz1997"])
def test_generalised_q_puts_its_tail_back(name, scale):
    """Ruben's series at our limits gives the tail to 1e-10; at metafor's it does not."""
    y, v = effects(name, scale)
    q = slow.generalised_q(y, v, 0.0)
    low, high = TAU2_CI["generalised-q"](y, v, np.ones(len(y)), TAIL)
    theirs = reference(name)["inverse_variance"][scale]["tau2_ci_BJ_GENQ"]["tau2"]
    assert abs(slow.q_tail(q, y, v, float(high)) - (1 - TAIL)) < 1e-10
    assert abs(slow.q_tail(q, y, v, theirs[2]) - (1 - TAIL)) > 1e-10
    if low > 0:
        assert abs(slow.q_tail(q, y, v, float(low)) - TAIL) < 1e-10
    else:
        assert slow.q_tail(q, y, v, 0.0) >= TAIL


def test_generalised_q_closed_forms():
    """Two studies, or equal variances: Q/(1 + tau2 alpha) is a chi-square."""
    for y, v in (([0.0, 2.0], [0.1, 0.7]), ([0.0, 1.0, 2.5], [0.2, 0.2, 0.2]), ([0.0, 3.0], [1e-9, 0.5])):
        k, w = len(y), 1 / np.array(v)
        alpha = 2 * w.prod() / w.sum() if k == 2 else w[0]
        q = slow.generalised_q(y, v, 0.0)
        for limit, c in zip(
            TAU2_CI["generalised-q"](y, v, np.ones(k), TAIL),
            (stats.chi2.isf(TAIL, k - 1), stats.chi2.ppf(TAIL, k - 1)),
            strict=True,
        ):
            np.testing.assert_allclose(limit, max(0.0, (q / c - 1) / alpha), rtol=1e-9)


def test_tails_of_quadratic_forms():
    """Chi-squares of 1 to 300 degrees of freedom from 1e-300 to the middle; mixtures against Ruben."""
    for df in (1.0, 2.0, 3.0, 7.0, 13.0, 48.0, 300.0):
        q = np.concatenate([df * np.array([1e-3, 0.1, 0.7, 0.95, 0.999, 1.001, 1.05, 1.5, 4.0]), [600.0]])
        one = np.ones((len(q), 1))
        below, above = tails(Spectrum(one, df * one), np.zeros(len(q)), q)
        exact = np.array([special.chdtr(df, q), special.chdtrc(df, q)])
        np.testing.assert_allclose(np.minimum(below, above), exact.min(axis=0), rtol=1e-9)
    rng = np.random.default_rng(2)
    v = rng.uniform(0.05, 1.0, 9)
    spec = spectrum(Lanes(np.zeros((1, 9)), v[None], np.ones((1, 9))))
    for q, tau2 in ((2.0, 0.1), (12.0, 0.4), (60.0, 1.5)):
        above = tails(spec, np.array([tau2]), np.array([q]))[1][0]
        assert abs(above - slow.q_tail(q, np.zeros(9), v, tau2)) < 1e-9


def test_spectrum_counts_copies():
    v, copies = np.array([[0.2, 0.5, 0.3, 0.9]]), np.array([[3.0, 0.0, 1.0, 2.0]])
    spec = spectrum(Lanes(np.zeros((1, 4)), v, copies))
    w = 1 / np.repeat(v[0], copies[0].astype(int))
    exact = np.linalg.eigvalsh(np.diag(w) - np.outer(w, w) / w.sum())[1:]
    found = np.sort(np.repeat(spec.alpha[0], spec.times[0].astype(int)))
    np.testing.assert_allclose(found, exact, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "scale"), [("hannum2020", "PR"), ("debruin2009", "PR"), ("pritz1997", "PLO")]
)
def test_henmi_copas_puts_its_tail_back(name, scale):
    """An adaptive integral of the statistic's density at our quantile gives the tail; see docs/decisions."""
    y, v = effects(name, scale)
    ours = henmi_copas(y, v, np.ones(len(y)), 0.0, TAIL, None, None)
    low, high = slow.henmi_copas(y, v, TAIL)
    np.testing.assert_allclose([ours.low, ours.high], [low, high], rtol=1e-9)


def test_draws_of_tau2_have_the_confidence_distribution():
    """P(draw <= t) is P(Q(t) >= q): compared on 100,000 draws at six points (5 standard errors)."""
    y, v = effects("pritz1997", "PLO")
    lanes = Lanes(y[None], v[None], np.ones((1, len(y))))
    spec, q = spectrum(lanes), slow.generalised_q(y, v, 0.0)
    draws = tau2_draws(q, spec.alpha[0], spec.times[0], 100_000, np.random.default_rng(1))
    for t in (0.0, 0.1, 0.3, 0.6, 1.0, 2.0):
        expected = slow.q_tail(q, y, v, t)
        assert abs((draws <= t).mean() - expected) < 5 * np.sqrt(expected * (1 - expected) / 1e5) + 1e-12


def test_bootstrap_prediction_agrees_with_meta_on_average():
    """Over all data sets the differences from meta's random answers average out: 0.02 standard deviations."""
    differences = []
    for name in ("baeten2013", "debruin2009", "hannum2020"):
        for meta, scale in {"PLN": "PLN", "PLOGIT": "PLO", "PAS": "PAS", "PFT": "PFT"}.items():
            y, v = effects(name, scale)
            rng = np.random.default_rng(5)
            low, high = PREDICTION["bootstrap"](y, v, np.ones(len(y)), 0.0, None, TAIL, None, rng)
            for ci in ("classic", "HK"):
                entry = reference(name)["metaprop"][f"{meta}_{ci}"]
                width = (high - low) / 3.92
                differences.append(
                    [(entry["predict_lower"][3] - low) / width, (entry["predict_upper"][3] - high) / width]
                )
    assert np.abs(np.mean(differences, axis=0)).max() < 0.02


def test_quantiles():
    df = np.array([0.3, 1.0, 2.0, 7.5, 48.0, 1e4, 1e7])
    for tail in (0.4, 0.025, 1e-6):
        for d, t in zip(df, t_quantile(df, tail), strict=True):
            with mpmath.workdps(30):
                x = mpmath.mpf(float(d)) / (float(d) + mpmath.mpf(float(t)) ** 2)
                back = mpmath.betainc(mpmath.mpf(float(d)) / 2, 0.5, 0, x, regularized=True) / 2
            assert abs(float(back) / tail - 1) < (1e-11 if d >= 1 else 1e-9), (d, tail)
        np.testing.assert_allclose(chi2_quantile(df[:5], tail), stats.chi2.isf(tail, df[:5]), rtol=1e-11)
    np.testing.assert_allclose(t_quantile(np.inf, 0.025), stats.norm.isf(0.025), rtol=1e-14)
    assert np.isnan(t_quantile([0.0, -1.0, np.nan], 0.025)).all()
    many = np.arange(200) % 7 + 1.0
    np.testing.assert_allclose(t_quantile(many, 0.025), slow.t_quantile(0.025, many), rtol=1e-11)


def test_bracketed_roots():
    """Hard functions: flat, steep, infinite slope; a lane with no sign change says so."""
    functions = [
        lambda x: x**9,
        lambda x: np.exp(x) - 5,
        lambda x: np.sign(x - 1) * abs(x - 1) ** 0.2,
        lambda x: x + 9,
    ]
    low, high = np.array([-1.0, -20.0, -3.0, 0.0]), np.array([1.3, 20.0, 4.0, 1.0])

    def evaluate(x, index):
        return np.array([functions[i](xi) for xi, i in zip(x, index, strict=True)])

    root = bracketed(evaluate, low, high, floor=1.0)
    np.testing.assert_allclose(root.value[:3], [0.0, np.log(5), 1.0], rtol=1e-12, atol=1e-13)
    assert root.converged[:3].all()
    assert np.isnan(root.value[3])
