"""Subgroups are the fits of the groups; the test between them survives separation."""

from itertools import combinations

import numpy as np
import pytest
from scipy import optimize, special, stats

import metaresp as mr
from metaresp.analyses.between import likelihood_f, likelihood_ratios, welch_f
from metaresp.analyses.subgroups import Subgroups, subgroups
from metaresp.counts import clean
from metaresp.errors import InvalidArgument, UnknownName
from metaresp.model.spec import resolve

# A quasi-Newton maximum of a log-likelihood of size 1e2 in double precision, against one by simplex.
LIKELIHOOD = 1e-5
WELCH = (2.89820100232926, 4.44840224604221, 0.156376969752939)
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
        np.testing.assert_allclose(
            [found.mean_rate[i], found.mean_low[i], found.mean_high[i]],
            [alone.mean_rate, *alone.mean_rate_ci],
            rtol=1e-9,
        )
        assert found.within_pvalue[i] == pytest.approx(alone.heterogeneity.pvalue, rel=1e-6)
    means = ["mean_rate", "mean_low", "mean_high"]
    names = ["group", "k", "events", "n", "rate", "low", "high", *means, "prediction_low", "prediction_high"]
    names += ["tau2", "tau2_low", "tau2_high", "I2", "estimate", "se", "estimate_low", "estimate_high"]
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
    data_x, data_n = x, n
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
    f = 4 * np.expm1(found.statistic / 6)
    assert (found.F, found.pvalue) == pytest.approx((f, stats.f.sf(f, 1, 4)))
    large = subgroups(
        mr.pool(studies(data_x, data_n, region)), "region", common_tau2=common, reference="chi-square"
    )
    assert (large.statistic, large.df2, large.reference) == (found.statistic, np.inf, "chi-square")
    assert large.pvalue == pytest.approx(stats.chi2.sf(found.statistic, 1))


def test_a_beta_binomial_fit_is_tested_by_its_own_likelihood():
    x, n, region = np.array([3, 5, 9, 10, 8, 14]), np.array([20, 20, 21, 25, 19, 22]), "AAABBB"
    found = subgroups(mr.pool(studies(x, n, region), model="beta-binomial"), "region")

    def best(means):
        def falling(place):
            p = np.broadcast_to(special.expit(place[:means]), 2)
            rho = np.broadcast_to(special.expit(place[means:]), 2)
            size = (1 - rho) / rho
            parts = [slice(0, 3), slice(3, 6)]
            return -sum(
                stats.betabinom.logpmf(x[r], n[r], a * s, (1 - a) * s).sum()
                for r, a, s in zip(parts, p, size, strict=True)
            )

        start = np.r_[np.full(means, -0.3), [-3.0, -3.0]]
        options = {"xatol": 1e-7, "fatol": 1e-11, "maxiter": 4000, "maxfev": 4000}
        return -optimize.minimize(falling, start, method="Nelder-Mead", options=options).fun

    assert found.statistic == pytest.approx(2 * (best(2) - best(1)), abs=LIKELIHOOD)
    assert found.test == "likelihood ratio, own ρ"
    alone = subgroups(mr.pool(studies([0, 12, 11], [60, 60, 50], "ABB"), model="beta-binomial"), "region")
    assert alone.test == "likelihood ratio, one ρ"
    assert "one intraclass correlation" in alone.notes[0]


def test_many_sets_at_once_are_the_sets_one_by_one():
    random = np.random.default_rng(5)
    n = random.integers(5, 41, (12, 3, 4))
    x = random.binomial(n, random.beta(1, 2, n.shape))
    x[0, 1] = 0
    x[1, 2] = n[1, 2]
    lanes, _ = clean(x.reshape(-1, 4), n.reshape(-1, 4), None)
    held = np.isin(x.sum(-1) / n.sum(-1), (0, 1))
    for spec in (resolve(), resolve(model="beta-binomial")):
        for shared in (False, True):
            together = likelihood_ratios(lanes, 3, spec, shared=shared, held=held)
            alone = [
                likelihood_ratios(clean(x[i], n[i], None)[0], 3, spec, shared=shared, held=held[i : i + 1])[0]
                for i in range(12)
            ]
            np.testing.assert_allclose(together, alone, atol=1e-9)
            assert (together >= 0).all()


def test_the_f_reference_is_the_analysis_of_variance():
    """Normal effects with one variance: the likelihood ratio is a function of the F statistic."""
    random = np.random.default_rng(6)
    groups = [random.normal(size=4), random.normal(size=5), random.normal(size=3)]
    whole = np.concatenate(groups)
    within = sum(((g - g.mean()) ** 2).sum() for g in groups)
    ratio = whole.size * np.log(((whole - whole.mean()) ** 2).sum() / within)
    found = stats.f_oneway(*groups)
    f, p = likelihood_f(np.array(ratio), np.array(12.0), 3)
    assert (float(f), float(p)) == pytest.approx((found.statistic, found.pvalue), rel=1e-10)


def test_welch_is_that_of_r():
    """R 4.2, oneway.test of 1.1 2.3 1.9 3.2 | 2.8 4.1 3.9 5.0 2.2 | 2.0 6.1 5.2."""
    groups = [[1.1, 2.3, 1.9, 3.2], [2.8, 4.1, 3.9, 5.0, 2.2], [2.0, 6.1, 5.2]]
    mean = np.array([np.mean(g) for g in groups])
    se = np.array([np.std(g, ddof=1) / np.sqrt(len(g)) for g in groups])
    _, f, df, p = welch_f(mean, se, np.array([3.0, 4.0, 2.0]))
    assert (f, df, p) == pytest.approx(WELCH, rel=1e-12)


def test_groups_of_studies_that_agree_exactly():
    fit = mr.pool(studies([5, 5, 8, 9], [20, 20, 20, 20], "AABB"), model="inverse-variance")
    found = subgroups(fit, "region")
    assert 0 <= found.pvalue <= 1
    both = mr.pool(studies([5, 5, 8, 8], [20, 20, 20, 20], "AABB"), model="inverse-variance")
    assert subgroups(both, "region").pvalue < 0.05


def test_references():
    data = mr.datasets.load("debruin2009")
    usual = subgroups(mr.pool(data, model="inverse-variance"), "ethnicity")
    assert (usual.reference, usual.test) == ("F", "Q between groups")
    assert 2 < usual.df2 < 13
    normal = subgroups(mr.pool(data, model="inverse-variance", ci="normal"), "ethnicity")
    assert normal.reference == "chi-square"
    assert normal.pvalue == pytest.approx(stats.chi2.sf(normal.statistic, 1))
    asked = subgroups(mr.pool(data, model="inverse-variance", ci="normal"), "ethnicity", reference="F")
    assert (asked.reference, asked.statistic) == ("F", normal.statistic)
    assert subgroups(mr.pool(data, model="common"), "ethnicity").reference == "chi-square"
    with pytest.raises(InvalidArgument, match="no meaning for model='common'"):
        subgroups(mr.pool(data, model="common"), "ethnicity", reference="F")
    with pytest.raises(UnknownName, match="reference='t'"):
        subgroups(mr.pool(data), "ethnicity", reference="t")


def test_separated_groups_are_told_apart():
    fit = mr.pool(studies([0, 0, 0, 4, 5, 3], [20] * 6, "AAABBB"))
    for found in (subgroups(fit, "region"), subgroups(fit, "region", common_tau2=True)):
        # k = 6, a likelihood ratio of 13.3: F = 32 on 1 and 4 degrees of freedom
        assert 0 < found.pvalue < 0.006
        assert (found.rate[0], found.low[0]) == (0, 0)
        assert found.high[0] == mr.binomial_ci(0, 60).high
    two = subgroups(mr.pool(studies([0, 12], [60, 60], "AB")), "region")
    assert 0 < two.pvalue < 0.05
    assert "one study" in two.notes[0]
    assert "Every group has one study" in two.notes[1]
    assert two.reference == "chi-square"
    inverse = subgroups(
        mr.pool(studies([0, 0, 0, 4, 5, 3], [20] * 6, "AAABBB"), model="inverse-variance"), "region"
    )
    assert inverse.pvalue < 0.006
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
    fit = mr.pool(studies([5, 7, 1], [20, 20, 9], ["A", "B", "B"]))
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


def test_studies_without_a_group_are_a_group_of_their_own():
    studies = mr.Studies([13, 4, 9, 3], [18, 7, 15, 9], covariates={"region": ["East", None, "West", "East"]})
    found = mr.subgroups(mr.pool(studies), "region")
    assert found.group == ("East", "West", "not given")
    assert found.k.tolist() == [2, 1, 1]
    assert found.events.tolist() == [16, 9, 4]


@pytest.mark.parametrize("model", ["binomial-normal", "inverse-variance", "beta-binomial", "common"])
def test_a_permutation_is_the_statistic_of_every_arrangement(model):
    x, n, region = [3, 5, 9, 10, 8], [20, 20, 21, 25, 19], "AABBB"
    found = subgroups(mr.pool(studies(x, n, region), model=model), "region", reference="permutation")
    own = {"binomial-normal", "beta-binomial"}
    options = {"reference": "chi-square"}
    each = []
    for chosen in combinations(range(5), 2):
        labels = ["A" if i in chosen else "B" for i in range(5)]
        fit = mr.pool(studies(x, n, labels), model=model if model in own else "binomial-normal")
        each.append(subgroups(fit, "region", **options).statistic)
    assert found.statistic == pytest.approx(each[0], rel=1e-6)
    assert found.pvalue == pytest.approx(np.mean(np.array(each) >= each[0] - 1e-9))
    assert "all 10 arrangements of studies" in found.test
    assert found.reference == "permutation"


def test_a_sample_of_permutations_has_a_seed():
    data = mr.pool(mr.datasets.load("debruin2009"))
    options = {"reference": "permutation", "permutations": 50}
    found = subgroups(data, "ethnicity", **options)
    assert found == subgroups(data, "ethnicity", **options, seed=1)
    assert round(found.pvalue * 51) == pytest.approx(found.pvalue * 51)
    assert "a sample of 50" in found.test


def test_permutations_of_clusters_and_separated_groups():
    data = mr.Studies(
        [0, 0, 0, 4, 5, 3], [20] * 6, covariates={"region": list("AAABBB"), "centre": list("aabccd")}
    )
    apart = subgroups(mr.pool(data), "region", reference="permutation")
    assert apart.pvalue == pytest.approx(2 / 20)
    nested = subgroups(mr.pool(data, cluster="centre"), "region", reference="permutation")
    assert "all 6 arrangements of clusters" in nested.test
    mixed = mr.Studies([1, 2, 3, 4], [9] * 4, covariates={"region": list("AABB"), "centre": list("abbc")})
    with pytest.raises(InvalidArgument, match="several groups"):
        subgroups(mr.pool(mixed, cluster="centre"), "region", reference="permutation")


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("model", ["binomial-normal", "inverse-variance"])
def test_tau2_and_new_trial_of_each_group(model, nested):
    data = mr.datasets.load("debruin2009")
    if nested:
        centres = [f"c{i // 2}" for i in range(len(data))]
        data = mr.Studies(data.events, data.n, covariates={**data.covariates, "centre": centres})
    options = {"model": model} | ({"cluster": "centre"} if nested else {})
    found = subgroups(mr.pool(data, **options), "ethnicity")
    for i, name in enumerate(found.group):
        alone = mr.pool(data[[value == name for value in data.covariates["ethnicity"]]], **options)
        assert (found.tau2_low[i], found.tau2_high[i]) == pytest.approx(alone.tau2_ci(), rel=1e-6)
        new = (found.prediction_low[i], found.prediction_high[i])
        assert new == pytest.approx(alone.prediction_interval, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"permutations": 99}, "permutations=99 has no meaning"),
        ({"seed": 3, "reference": "F"}, "seed=3 has no meaning"),
        ({"permutations": 0, "reference": "permutation"}, "permutations=0"),
        ({"seed": True, "reference": "permutation"}, "seed=True"),
        ({"reference": "permutations"}, "permutation"),
    ],
)
def test_options_of_a_permutation(options, said):
    fit = mr.pool(mr.datasets.load("debruin2009"))
    with pytest.raises(mr.MetaRespError, match=said):
        subgroups(fit, "ethnicity", **options)


def test_an_arrangement_has_one_statistic_however_many_are_computed_at_once(monkeypatch):
    """A group of one cluster may be one study or several: no arrangement has a spread of its own then."""
    clusters = list("aaabbcddeff")
    draws = np.random.default_rng(3)
    data = mr.Studies(
        draws.binomial(20, 0.3, 11),
        [20] * 11,
        covariates={"centre": clusters, "region": ["x" if name == "a" else "y" for name in clusters]},
    )
    fit, found = mr.pool(data, cluster="centre"), []
    for at_once in (1 << 18, 60):
        monkeypatch.setattr("metaresp.analyses.group_test._AT_ONCE", at_once)
        found.append(subgroups(fit, "region", reference="permutation"))
    assert found[0].statistic == pytest.approx(found[1].statistic, abs=1e-12)
    assert found[0].pvalue == found[1].pvalue


@pytest.mark.parametrize("analysis", ["subgroups", "leave_one_out", "influence"])
def test_groups_of_numbers_are_told_apart_to_the_last_digit(analysis):
    numbers = [1234567.0, 1234568.0, 1234567.0, 1234568.5, 0.1, 0.1 + 2**-55, 3.0]
    data = mr.Studies([5, 3, 8, 2, 6, 9, 4], [20] * 7, covariates={"number": numbers})
    fit = mr.pool(data)
    if analysis == "subgroups":
        labels = subgroups(fit, "number").group
    else:
        labels = getattr(mr, analysis)(fit, by="number").study
    assert labels == ("1234567", "1234568", "1234568.5", "0.1", "0.10000000000000003", "3")


@pytest.mark.parametrize("model", ["binomial-normal", "inverse-variance"])
def test_a_group_of_one_cluster_has_the_spread_of_its_studies(model):
    centres, regions = list("pppqrr"), list("aaabbb")
    data = mr.Studies(
        [3, 4, 2, 9, 12, 8], [20, 18, 15, 22, 25, 17], covariates={"region": regions, "centre": centres}
    )
    found = subgroups(mr.pool(data, model=model, cluster="centre"), "region")
    alone = mr.pool(data[[name == "a" for name in regions]], model=model)
    assert (found.tau2_low[0], found.tau2_high[0]) == pytest.approx(alone.tau2_ci(), rel=1e-6)
    assert "a" in str(found)
