"""Every number of ``inverse_variance.*`` and ``metaprop.*`` of the reference files, digit by digit."""

import numpy as np
import pytest

from metaresp.kernel.effects.cochran import heterogeneity
from metaresp.kernel.effects.mean import MEAN_CI, wald_test
from metaresp.kernel.effects.prediction import PREDICTION
from metaresp.kernel.effects.sums import study_weights
from metaresp.kernel.effects.tau2 import TAU2
from metaresp.kernel.effects.tau2_interval import TAU2_CI
from metaresp.transforms import TRANSFORMS, back_size, study_effects
from tests.datasets import NAMES, counts, reference

CLOSED = 1e-10  # closed forms: only rounding may differ
PVALUE = 1e-9  # two libraries' distribution functions
ITERATED = 1e-6  # metafor's stopping rule
TINY = 2e-11  # metafor stops at an absolute change of 1e-12 in tau2: all it can say of a tau2 near 1e-9
UNIROOT = 1.3e-4  # metafor solves PM, PMM, GENQ and Henmi-Copas by uniroot with its default tol of 1.22e-4
META_REML = 1e-5  # meta leaves metafor's default threshold on the change in tau2
BOOTSTRAP = 0.15  # of a standard deviation: two random answers (a long tail makes their quantiles noisy)

SCALES = {"PR": "identity", "PLN": "log", "PLO": "logit", "PAS": "arcsine", "PFT": "freeman-tukey"}
META_SCALES = {"PRAW": "PR", "PLN": "PLN", "PLOGIT": "PLO", "PAS": "PAS", "PFT": "PFT"}
METHODS = {"EE": "common"} | {
    name: name for name in ("DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM")
}
CLOSED_METHODS = {"EE", "DL", "HE", "HS", "HSk", "SJ"}
TESTS = {"z": "normal", "t": "t", "knha": "hartung-knapp", "adhoc": "hartung-knapp-floor"}
FIT_FIELDS = {"estimate", "se", "stat", "p", "ci", "tau2", "se_tau2", "I2", "H2", "Q", "Q_p", "weights"}
INTERVALS = {
    "tau2_ci_QP": "q-profile",
    "tau2_ci_PL_REML": "profile",
    "tau2_ci_BJ_GENQ": "generalised-q",
}
OTHER = {"yi", "vi", "henmi_copas_DL"}
META_PREDICTION = {"V": "t", "HTS": "hts", "HK": "hartung-knapp", "NNF": "bootstrap"}
TAIL = 0.025


def effects(name, scale):
    events, n = counts(name)
    return study_effects(TRANSFORMS[SCALES[scale]], events, n, np.ones(len(n)), "only-zero", 0.5)[:2]


def close(actual, expected, rtol, atol=0.0):
    np.testing.assert_allclose(actual, np.array(expected, dtype=float), rtol=rtol, atol=atol)


FITS = [
    (name, scale, f"{method}_{test}")
    for name in NAMES
    for scale in SCALES
    for method in METHODS
    for test in TESTS
    if method != "EE" or test == "z"
]


def test_grid_is_complete():
    """No key of the reference goes unvisited."""
    for name in NAMES:
        content = reference(name)["inverse_variance"]
        assert set(content) == set(SCALES)
        for scale, entries in content.items():
            visited = {key for n, s, key in FITS if (n, s) == (name, scale)}
            assert set(entries) == visited | set(INTERVALS) | OTHER, (name, scale)
            for key in visited:
                assert set(entries[key]) == FIT_FIELDS | {"prediction_default", "prediction_riley"}, key
        visited = {f"{scale}_{ci}" for scale in META_SCALES for ci in ("classic", "HK")}
        # intervals of single studies belong to metaresp.binomial and are tested there
        single = {f"study_ci_{key}" for key in ("CP", "WS", "WSCC", "AC", "SA", "SACC", "NAsm")}
        assert set(reference(name)["metaprop"]) == visited | single


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", NAMES)
def test_effects(name, scale):
    y, v = effects(name, scale)
    entry = reference(name)["inverse_variance"][scale]
    close(y, entry["yi"], CLOSED, 1e-15)
    close(v, entry["vi"], CLOSED)


@pytest.mark.parametrize(("name", "scale", "key"), FITS)
def test_fit(name, scale, key):
    """Given R's tau2 everything else is a closed form."""
    y, v = effects(name, scale)
    copies = np.ones(len(y))
    entry = reference(name)["inverse_variance"][scale][key]
    method, test = key.split("_")
    tau2 = entry["tau2"] if method != "EE" else 0.0
    mean = MEAN_CI[TESTS[test]](y, v, copies, tau2, TAIL, None, None)
    close(mean.estimate, entry["estimate"], CLOSED)
    close(mean.se, entry["se"], CLOSED)
    close([mean.low, mean.high], entry["ci"], CLOSED, CLOSED * float(mean.se))
    statistic, pvalue = wald_test(mean, 0.0)
    close(statistic, entry["stat"], CLOSED)
    close(pvalue, entry["p"], PVALUE, 1e-300)
    h = heterogeneity(y, v, copies, tau2, TAIL)
    close(h.Q, entry["Q"], CLOSED)
    close(h.pvalue, entry["Q_p"], PVALUE)
    if method == "EE":  # metafor gives the Q-based pair here, H2 not floored at 1
        close(h.I2_Q, entry["I2"], CLOSED, 1e-12)
        close(h.Q / h.df, entry["H2"], CLOSED)
    else:
        close(h.I2, entry["I2"], CLOSED, 1e-12)
        close(h.H2, entry["H2"], CLOSED)
    close(study_weights(v, copies, tau2), entry["weights"], CLOSED)
    kinds = {"prediction_default": "normal" if test == "z" else "t", "prediction_riley": "hts"}
    for field, kind in kinds.items():
        if method == "EE":
            assert entry[field] == []  # no new study differs in a common-effect model
        else:
            limits = PREDICTION[kind](y, v, copies, tau2, mean, TAIL, None, None)
            close(limits, entry[field], CLOSED, CLOSED * float(mean.se))
    if test == "knha":
        limits = PREDICTION["hartung-knapp"](y, v, copies, tau2, mean, TAIL, None, None)
        close(limits, entry["prediction_default"], CLOSED, CLOSED * float(mean.se))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", NAMES)
def test_tau2(name, scale, method):
    """Our own tau2, and the estimate at it, against R's."""
    y, v = effects(name, scale)
    copies = np.ones(len(y))
    entry = reference(name)["inverse_variance"][scale][f"{method}_z"]
    found = TAU2[METHODS[method]](y, v, copies)
    assert found.converged
    mean = MEAN_CI["normal"](y, v, copies, found.value, TAIL, None, None)
    if method in {"PM", "PMM"}:  # test_definitions proves ours; metafor's EB solves the equation of PM
        assert abs(found.value - entry["tau2"]) < UNIROOT
        if method == "PM":
            exact = reference(name)["inverse_variance"][scale]["EB_z"]["tau2"]
            close(found.value, exact, ITERATED, TINY)
        return
    rtol = CLOSED if method in CLOSED_METHODS else ITERATED
    atol = 0.0 if method in CLOSED_METHODS else TINY
    close(found.value, entry["tau2"] or 0.0, rtol, atol)
    if method in CLOSED_METHODS or found.value > 1e-5:
        close(mean.estimate, entry["estimate"], rtol)
        close(mean.se, entry["se"], rtol)


@pytest.mark.parametrize("key", INTERVALS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", NAMES)
def test_tau2_interval(name, scale, key):
    y, v = effects(name, scale)
    copies = np.ones(len(y))
    entry = reference(name)["inverse_variance"][scale][key]
    assert set(entry) == {"tau2", "tau", "I2", "H2"}
    low, high = TAU2_CI[INTERVALS[key]](y, v, copies, TAIL)
    inexact = key == "tau2_ci_BJ_GENQ"  # test_definitions proves ours by Ruben's series
    rtol, atol = (0.0, UNIROOT) if inexact else (ITERATED, TINY)
    estimate = TAU2["DL" if inexact else "REML"](y, v, copies).value
    tau2 = np.array([estimate, low, high])
    close(tau2, entry["tau2"], rtol, atol)
    close(np.sqrt(entry["tau2"]), entry["tau"], CLOSED)
    at = heterogeneity(y, v, copies, entry["tau2"], TAIL)
    close(at.I2, entry["I2"], CLOSED)
    close(at.H2, entry["H2"], CLOSED)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", NAMES)
def test_henmi_copas(name, scale):
    y, v = effects(name, scale)
    entry = reference(name)["inverse_variance"][scale]["henmi_copas_DL"]
    fit = MEAN_CI["henmi-copas"](y, v, np.ones(len(y)), 0.0, TAIL, None, None)
    close(fit.estimate, entry["estimate"], CLOSED)
    close(fit.se, entry["se"], CLOSED)
    # metafor finds the quantile (in units of se) by uniroot; test_definitions proves ours by quadrature
    close([fit.low, fit.high], entry["ci"], 0.0, 3 * UNIROOT * float(fit.se))


def meta_effects(name, scale):
    """Return effects as R's meta makes them where a study is at 0 or n: by rules of its own on two scales."""
    rule = {"PR": "variance", "PLN": "events"}.get(scale, "only-zero")
    events, n = counts(name)
    return study_effects(TRANSFORMS[SCALES[scale]], events, n, np.ones(len(n)), rule, 0.5)[:2]


@pytest.mark.parametrize("ci", ["classic", "HK"])
@pytest.mark.parametrize("scale", META_SCALES)
@pytest.mark.parametrize("name", NAMES)
def test_metaprop(name, scale, ci):
    entry = reference(name)["metaprop"][f"{scale}_{ci}"]
    y, v = meta_effects(name, META_SCALES[scale])
    copies = np.ones(len(y))
    if "error" in entry:
        assert "did not converge" in entry["error"]
        assert TAU2["REML"](y, v, copies).converged  # ours does
        return
    fields = {
        "TE_random",
        "se_random",
        "lower",
        "upper",
        "TE_common",
        "lower_common",
        "upper_common",
        "tau2",
        "Q",
    }
    fields |= {"I2", "I2_ci", "harmonic_n", "prop_random", "prop_lower", "prop_upper"}
    assert set(entry) == fields | {"predict_methods", "predict_lower", "predict_upper"}
    tau2 = entry["tau2"]
    close(TAU2["REML"](y, v, copies).value, tau2, 0.0, META_REML)
    mean = MEAN_CI["normal" if ci == "classic" else "hartung-knapp"](y, v, copies, tau2, TAIL, None, None)
    usual = MEAN_CI["normal"](y, v, copies, tau2, TAIL, None, None)
    common = MEAN_CI["normal"](y, v, copies, 0.0, TAIL, None, None)
    close(
        [mean.estimate, mean.se, mean.low, mean.high, common.estimate, common.low, common.high],
        [
            entry[key]
            for key in (
                "TE_random",
                "se_random",
                "lower",
                "upper",
                "TE_common",
                "lower_common",
                "upper_common",
            )
        ],
        CLOSED,
        1e-13,
    )
    h = heterogeneity(y, v, copies, tau2, TAIL)
    close([h.Q, h.I2_Q / 100], [entry["Q"], entry["I2"]], CLOSED, 1e-13)
    close([h.I2_Q_low / 100, h.I2_Q_high / 100], entry["I2_ci"], CLOSED, 1e-13)
    size = back_size(counts(name)[1], copies, "harmonic")
    close(size, entry["harmonic_n"], CLOSED)
    inverse = TRANSFORMS[SCALES[META_SCALES[scale]]].inverse
    rates = inverse(np.array([mean.estimate, mean.low, mean.high]), size)
    expected = np.clip([entry["prop_random"], entry["prop_lower"], entry["prop_upper"]], 0, 1)
    close(rates, expected, CLOSED, 1e-13)
    assert entry["predict_methods"] == list(META_PREDICTION)
    for method, low, high in zip(
        entry["predict_methods"], entry["predict_lower"], entry["predict_upper"], strict=True
    ):
        limits = PREDICTION[META_PREDICTION[method]](y, v, copies, tau2, usual, TAIL, None, None)
        if method != "NNF":
            close(limits, [low, high], CLOSED, 1e-13)
        elif (
            tau2 > UNIROOT
        ):  # meta inverts Q's distribution by uniroot: nothing to compare below its tolerance
            assert np.abs(np.array(limits) - [low, high]).max() < BOOTSTRAP * (high - low) / 3.9


def test_meta_effects_differ_only_at_the_edges():
    """The branch above is not vacuous: pritz1997 has studies at n, ursino2021 at 0."""
    assert not np.allclose(meta_effects("pritz1997", "PLN")[0], effects("pritz1997", "PLN")[0])
    assert np.array_equal(meta_effects("baeten2013", "PR")[0], effects("baeten2013", "PR")[0])
