"""Data on which other packages go wrong, at the level of the kernel."""

import numpy as np
import pytest

from metaresp.kernel.effects.cochran import heterogeneity
from metaresp.kernel.effects.mean import MEAN_CI
from metaresp.kernel.effects.prediction import PREDICTION
from metaresp.kernel.effects.tau2 import TAU2
from metaresp.transforms import TRANSFORMS, study_effects
from tests import slow

TAIL = 0.025


def logits(events, n):
    y, v, _ = study_effects(TRANSFORMS["logit"], events, n, np.ones(len(n)), "only-zero", 0.5)
    return y, v, np.ones(len(n))


@pytest.mark.parametrize("share", [1.01, 1.3, 1.7, 1.99, 2.5])
def test_paule_mandel_where_q_is_below_twice_its_mean(share):
    """A Newton step on Q itself from a bad start, or a stop at Q < 2(k - 1), loses this root."""
    v = np.array([0.1, 0.3, 0.2, 0.9, 0.05])
    y = np.array([-0.4, 0.6, 0.1, 1.5, -0.2])
    y = y * np.sqrt(share * 4 / slow.generalised_q(y, v, 0.0))
    tau2 = float(TAU2["PM"](y, v, np.ones(5)).value)
    assert tau2 > 0
    np.testing.assert_allclose(slow.generalised_q(y, v, tau2), 4.0, rtol=1e-12)


def test_q_below_its_mean_gives_zero_and_not_a_negative_tau2():
    """The moment formula is negative here; Paule-Mandel iterations of others return that number."""
    v = np.array([0.1, 0.3, 0.2, 0.9])
    y = np.array([0.1, 0.2, 0.15, 0.0])
    assert slow.generalised_q(y, v, 0.0) < 3
    for name in ("DL", "DL2", "PM", "EB", "HE", "REML", "ML"):
        assert TAU2[name](y, v, np.ones(4)).value == 0.0


def test_all_zero_studies_do_not_give_a_spuriously_narrow_interval():
    """0/18, 0/12, 0/7: effects hardly differ, so Hartung-Knapp collapses; the floored one does not."""
    y, v, c = logits([0, 0, 0], [18, 12, 7])
    args = (y, v, c, 0.0, TAIL, None, None)
    names = ("normal", "hartung-knapp", "hartung-knapp-floor")
    widths = {name: float(np.ptp(MEAN_CI[name](*args)[3:5])) for name in names}
    assert widths["hartung-knapp"] < widths["normal"] < widths["hartung-knapp-floor"]


def test_one_study_is_no_error_and_has_no_tau2():
    y, v, c = logits([13], [18])
    for name in TAU2:
        found = TAU2[name](y, v, c)
        assert (found.value, found.converged) == (0.0, True)
    mean = MEAN_CI["normal"](y, v, c, 0.0, TAIL, None, None)
    assert mean.estimate == pytest.approx(np.log(13 / 5))
    h = heterogeneity(y, v, c, 0.0, TAIL)
    assert (h.Q, h.df, h.pvalue) == (0.0, 0.0, 1.0)


def test_two_opposite_studies():
    """0/7 and 7/7: the mean is 0 whatever the method, and no limit overflows."""
    y, v, c = logits([0, 7], [7, 7])
    for name in MEAN_CI:
        fit = MEAN_CI[name](y, v, c, TAU2["REML"](y, v, c).value, TAIL, None, np.random.default_rng(1))
        assert abs(fit.estimate) < 1e-12
        assert np.isfinite([fit.low, fit.high]).all()
        assert fit.low < 0 < fit.high
    mean = MEAN_CI["normal"](y, v, c, 1.0, TAIL, None, None)
    assert np.isnan(PREDICTION["hts"](y, v, c, 1.0, mean, TAIL, None, None)).all()


def test_a_billion_patients_beside_seven():
    y, v, c = logits([3, 2, 300_000_000], [7, 9, 1_000_000_000])
    for name in TAU2:
        value = float(TAU2[name](y, v, c).value)
        assert np.isfinite(value)
        for ci in ("normal", "hartung-knapp", "kenward-roger", "profile", "henmi-copas"):
            fit = MEAN_CI[ci](y, v, c, value, TAIL, None, None)
            assert fit.low < fit.estimate < fit.high
            assert fit.converged
