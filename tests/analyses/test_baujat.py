"""Baujat values: those of R for inverse variance, the definition for counts."""

import numpy as np
import pytest

import metaresp as mr
from metaresp.errors import CannotEstimate

# metafor 3.8-1 (R 4.2), x and y of baujat(rma(yi, vi, method=..., test=...)) on
# escalc(measure=..., xi=events, ni=n, to="only0", add=0.5 for the logit and 0 for the others).
EVENTS, SIZES = [16, 10, 4, 43, 10, 25, 13, 0], [17, 12, 8, 58, 10, 42, 14, 20]
REFERENCE = {
    ("logit", "REML", "normal"): (
        [1.03169623620671924, 0.14480503158818803, 0.39782663767079712, 0.00154541941579766,
         1.02546216143541180, 0.17808963229784505, 0.80080682948878568, 5.48520214590751909],
        [0.135915798634418550, 0.017308548217432544, 0.052209717156590646, 0.000236166888652507,
         0.094962899432573342, 0.022998441614715873, 0.098717251320539184, 0.367774266458013810],
    ),
    ("logit", "DL", "normal"): (
        [1.66368620926463318, 0.26927632410086927, 0.70390936802454451, 0.00545053898518487,
         1.43757816917936920, 0.36689333084202763, 1.29076571148542474, 7.55837404467071394],
        [1.96966642392135e-01, 3.49711596186602e-02, 1.13002546593069e-01, 1.65560223460842e-05,
         1.02072669807660e-01, 6.17060054278577e-02, 1.46991185182444e-01, 3.30694047517206e-01],
    ),
    ("logit", "common", "normal"): (
        [3.564475240851986, 1.021648685696745, 1.366209911869458, 0.571263619384094,
         2.347998675520656, 1.966527230608950, 2.806329014207466, 10.060750459895727],
        [0.1251775092867838, 0.0653022972146403, 0.1061483488307555, 0.3822219085951369,
         0.0411027573322182, 1.1292049424303003, 0.0971872583775475, 0.1801830217340138],
    ),
    ("logit", "REML", "hartung-knapp"): (
        [1.03169623620671924, 0.14480503158818803, 0.39782663767079712, 0.00154541941579766,
         1.02546216143541180, 0.17808963229784505, 0.80080682948878568, 5.48520214590751909],
        [0.100224813517874503, 0.014112732884331713, 0.041606926474218250, 0.000200760809509504,
         0.071512000246806484, 0.019158634969047399, 0.074738670087619710, 0.332771343837712064],
    ),
    ("arcsine", "REML", "normal"): (
        [0.456896749551257364, 0.092907718589651841, 0.192253430060392611, 0.005531472472957614,
         1.350967244170983683, 0.066917425914420875, 0.382207426848659160, 4.437161709878444604],
        [0.0601226250866810294, 0.0107832879586322664, 0.0238496853470797528, 0.0005386581215745097,
         0.2029023936331835198, 0.0091573696821880633, 0.0488207879558634622, 2.0708606623697720650],
    ),
    ("freeman-tukey", "DL", "normal"): (
        [0.629729594691461614, 0.127362664455552999, 0.238909678634017769, 0.020273441601951735,
         1.242726432590900210, 0.075888978641511756, 0.505577012303275231, 5.331177812927562876],
        [0.0869945943840825381, 0.0155767820725295370, 0.0299494322785063827, 0.0014544753330567547,
         0.1720213426674359891, 0.0099524990308040816, 0.0672226057239492525, 2.4423199384922487098],
    ),
}  # fmt: skip
# R iterates tau2 to 1e-8 or so of its scale; DL and a common effect are closed forms.
ITERATED, CLOSED = 1e-4, 1e-9


@pytest.mark.parametrize(("transform", "tau2", "ci"), REFERENCE)
def test_both_axes_are_those_of_metafor(transform, tau2, ci):
    fit = mr.pool(events=EVENTS, n=SIZES, model="inverse-variance", transform=transform, tau2=tau2, ci=ci)
    found = mr.baujat(fit)
    x, y = REFERENCE[transform, tau2, ci]
    tolerance = ITERATED if tau2 == "REML" else CLOSED
    np.testing.assert_allclose(found.contribution, x, rtol=tolerance)
    np.testing.assert_allclose(found.influence, y, rtol=tolerance)
    common = tau2 == "common"
    assert found.contribution_label == (
        "Contribution to Cochran's Q" if common else "Squared Pearson residual"
    )
    if common:
        assert found.contribution.sum() == pytest.approx(fit.heterogeneity.Q)


def test_counts_share_pearsons_x2():
    fit = mr.pool(events=EVENTS, n=SIZES)
    found = mr.baujat(fit)
    assert found.contribution.sum() == pytest.approx(fit.heterogeneity.Q)
    assert found.contribution_label == "Share of Pearson's X2 against one common rate"
    for i in range(fit.k):
        rest = [j for j in range(fit.k) if j != i]
        without = mr.pool(events=[EVENTS[j] for j in rest], n=[SIZES[j] for j in rest])
        change = ((without.estimate - fit.estimate) / without.se) ** 2
        assert found.influence[i] == pytest.approx(change, rel=1e-6)


@pytest.mark.parametrize("model", ["binomial-normal", "inverse-variance", "beta-binomial", "common"])
def test_no_events_have_no_residuals(model):
    with pytest.raises(CannotEstimate, match="0% or 100%"):
        mr.baujat(mr.pool(events=[0, 0, 0], n=[9, 8, 7], model=model))
    found = mr.baujat(mr.pool(events=[0, 0, 4], n=[9, 8, 7], model=model))
    assert np.isfinite(found.contribution).all()
    # without the third study there is no event, and no estimate on the logit scale
    assert np.isnan(found.influence[2])


def test_too_few_studies():
    with pytest.raises(CannotEstimate, match="here 2"):
        mr.baujat(mr.pool(events=[1, 2], n=[5, 5]))
