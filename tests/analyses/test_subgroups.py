"""Subgroups are the fits of the groups; the test between them survives separation."""

import numpy as np
import pytest
from scipy import optimize, special, stats

import metaresp as mr
from metaresp.analyses.subgroups import Subgroups, subgroups
from metaresp.errors import InvalidArgument, InvalidStudies, UnknownName

# A quasi-Newton maximum of a log-likelihood of size 1e2 in double precision, against one by simplex.
LIKELIHOOD = 1e-5
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def studies(events, n, groups):
    return mr.Studies(events, n, covariates={"region": list(groups)})


@pytest.mark.parametrize("model", ["binomial-normal", "inverse-variance", "common"])
def test_each_group_is_its_own_fit(model):
    data = mr.datasets.load("debruin2009")
    found = subgroups(mr.pool(data, model=model), "ethnicity")
    for i, name in enumerate(found.group):
        alone = mr.pool(data[[value == name for value in data.covariates["ethnicity"]]], model=model)
        assert (found.k[i], found.events[i], found.n[i]) == (alone.k, alone.events, alone.n)
        np.testing.assert_allclose(
            [found.rate[i], found.low[i], found.high[i], found.tau2[i]],
            [alone.rate, *alone.rate_ci, alone.tau2],
            rtol=1e-9,
        )
    names = ["group", "k", "events", "n", "rate", "low", "high", "tau2", "I2"]
    assert list(found.to_frame().columns) == names


def slow_loglik(x, n, mu, tau):
    """Plain Gauss-Hermite, centred at nothing: a slow twin for small tau."""
    p = special.expit(mu + tau * NODES)
    x, n = x[:, None], n[:, None]
    return np.log((special.binom(n, x) * p**x * (1 - p) ** (n - x)) @ WEIGHTS).sum()


@pytest.mark.parametrize("common", [False, True])
def test_the_statistic_is_the_definition(common):
    x, n, region = [3, 5, 9, 10, 8, 14], [20, 20, 21, 25, 19, 22], "AAABBB"
    found = subgroups(mr.pool(studies(x, n, region)), "region", common_tau2=common)
    rows = [np.array(list(region)) == name for name in "AB"]
    x, n = np.array(x), np.array(n)

    def best(means):
        def falling(place):
            mu = np.broadcast_to(place[:means], 2)
            tau = np.broadcast_to(np.abs(place[means:]), 2)
            return -sum(slow_loglik(x[r], n[r], m, t) for r, m, t in zip(rows, mu, tau, strict=True))

        starts = [np.r_[np.full(means, -0.3), np.full(1 if common else 2, tau)] for tau in (0.05, 0.6)]
        options = {"xatol": 1e-6, "fatol": 1e-10, "maxiter": 2000, "maxfev": 2000}
        return -min(optimize.minimize(falling, s, method="Nelder-Mead", options=options).fun for s in starts)

    assert found.statistic == pytest.approx(2 * (best(2) - best(1)), abs=LIKELIHOOD)
    assert found.pvalue == pytest.approx(stats.chi2.sf(found.statistic, 1))


def test_separated_groups_are_told_apart():
    fit = mr.pool(studies([0, 0, 0, 4, 5, 3], [20] * 6, "AAABBB"))
    for found in (subgroups(fit, "region"), subgroups(fit, "region", common_tau2=True)):
        assert 0 < found.pvalue < 0.001
        assert (found.rate[0], found.low[0]) == (0, 0)
        assert found.high[0] == mr.binomial_ci(0, 60).high
    two = subgroups(mr.pool(studies([0, 12], [60, 60], "AB")), "region")
    assert 0 < two.pvalue < 0.05
    assert "one study" in two.notes[0]
    inverse = subgroups(
        mr.pool(studies([0, 0, 0, 4, 5, 3], [20] * 6, "AAABBB"), model="inverse-variance"), "region"
    )
    assert inverse.pvalue < 0.001
    assert inverse.test.startswith("likelihood ratio")


def test_equal_groups_are_not_told_apart():
    fit = mr.pool(studies([5, 7, 5, 7], [20] * 4, "AABB"))
    for model in ("binomial-normal", "inverse-variance", "common"):
        found = subgroups(mr.pool(fit.studies, model=model), "region")
        assert found.statistic == pytest.approx(0, abs=1e-7)
        assert found.pvalue > 0.99


def test_one_group_has_no_test():
    found = subgroups(mr.pool(studies([5, 7], [20, 20], "AA")), "region")
    assert np.isnan(found.pvalue)
    assert "One group" in found.notes[0]


def test_errors_and_round_trip():
    fit = mr.pool(studies([5, 7, 1], [20, 20, 9], ["A", "B", None]))
    with pytest.raises(InvalidStudies, match="Study 3"):
        subgroups(fit, "region")
    with pytest.raises(UnknownName, match="did you mean 'region'"):
        subgroups(fit, "regoin")
    fit = mr.pool(studies([5, 7, 1, 3], [20, 20, 9, 9], "AABB"), model="common")
    with pytest.raises(InvalidArgument, match="common_tau2"):
        subgroups(fit, "region", common_tau2=True)
    found = subgroups(fit, "region")
    assert Subgroups.from_dict(found.to_dict()) == found


def test_its_forest_plot():
    found = subgroups(mr.pool(mr.datasets.load("debruin2009")), "ethnicity")
    plot = found.forest()
    kinds = [row.kind for row in plot.table.rows]
    assert kinds.count("subtotal") == 2
    diamond = plot.marks[kinds.index("subtotal")]["diamond"].get_xy()[:, 0]
    assert (diamond.min(), diamond.max()) == (found.low[0], found.high[0])
