"""Small-study effects: R's numbers, slow twins, and an answer or one clear error for every fit."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, special, stats

import metaresp as mr
from metaresp.analyses.size_methods import PREDICTORS
from metaresp.analyses.small_study import METHODS
from metaresp.errors import CannotEstimate, InvalidArgument, MetaRespError, UnknownName
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.surface import CountSurface
from metaresp.kernel.nested.climb import climb
from metaresp.kernel.regression.counts import DesignCounts
from metaresp.model.registry import MODELS
from metaresp.records import Record
from metaresp.transforms import TRANSFORMS

NAMES = ("baeten2013", "crisafulli2020", "debruin2009", "hannum2020", "pritz1997", "ursino2021")
R_NAMES = {
    "se": "sei",
    "variance": "vi",
    "1/sqrt(n)": "sqrtninv",
    "1/n": "ninv",
    "sqrt(n)": "sqrtni",
    "n": "ni",
}
ITERATED, CLOSED = 1e-6, 1e-10  # R iterates tau2; the others are closed forms
SIX = {"events": [7, 6, 9, 14, 30, 52], "n": [9, 8, 14, 25, 70, 120]}


@pytest.fixture(scope="module")
def six():
    return mr.pool(**SIX)


def reference(name):
    path = Path(__file__).parents[1] / "reference" / "out" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))["diagnostics"]


@pytest.mark.parametrize("name", NAMES)
def test_regressions_and_ranks_are_those_of_r(name):
    known, fit = reference(name), mr.pool(mr.datasets.load(name))
    for predictor, theirs in R_NAMES.items():
        lm = known["regtest"][f"lm_{theirs}"]
        found = mr.small_study_effects(fit, method="egger", predictor=predictor)
        assert (found.statistic, found.df) == pytest.approx((lm["t"], lm["df"]), rel=CLOSED)
        assert found.pvalue == pytest.approx(lm["p"], rel=1e-9)
        rma = known["regtest"].get(f"rma_{theirs}")
        if rma is None:  # R did not converge
            continue
        found = mr.small_study_effects(fit, method="egger-mixed", predictor=predictor)
        assert found.statistic == pytest.approx(rma["z"], rel=ITERATED)
        assert found.pvalue == pytest.approx(rma["p"], rel=ITERATED)
        if predictor not in {"n", "sqrt(n)"}:
            assert found.limit == pytest.approx(rma["limit"], rel=ITERATED)
        else:
            assert np.isnan(found.limit)
            assert found.limit_ci is None
    rank = mr.small_study_effects(fit, method="rank")
    assert (rank.statistic, rank.pvalue) == pytest.approx(
        (known["ranktest"]["tau"], known["ranktest"]["p"]), rel=CLOSED
    )
    assert (rank.reference == "normal") == any("tied" in note for note in rank.notes)


@pytest.mark.parametrize("name", NAMES)
def test_peters_is_that_of_r_where_no_study_is_left_out(name):
    # meta leaves out studies at 0% and 100%, whose weight x (n - x) / n is 0; here they stay
    studies, known = mr.datasets.load(name), reference(name)["peters"]
    inner = (studies.events > 0) & (studies.events < studies.n)
    found = mr.small_study_effects(mr.pool(studies[inner]), method="peters")
    assert (found.statistic, found.df) == pytest.approx((known["t"], known["df"]), rel=1e-9)
    assert found.pvalue == pytest.approx(known["p"], rel=1e-9)
    if not inner.all():
        whole = mr.small_study_effects(mr.pool(studies), method="peters")
        assert whole.df == len(studies) - 2
        assert any("none is left out" in note for note in whole.notes)


def test_lfk_index_by_its_definition():
    fit = mr.pool(**SIX)
    x, n = map(np.array, (SIX["events"], SIX["n"]))
    y, v = np.log(x / (n - x)), n / (x * (n - x))
    order = np.argsort(y)
    y, v = y[order], v[order]
    share, z, before = v.max() / v * 100, [], 0.0
    for part in share:
        z.append(stats.norm.ppf((before + part / 2 - 0.5) / share.sum()))
        before += part
    z = np.array(z)
    centre = y[np.abs(z).argmin()]
    index = 5 / (2 * y.size) * sum(z + (z.max() - z.min()) / (y.max() - y.min()) * (y - centre))
    found = mr.small_study_effects(fit, method="lfk")
    assert found.statistic == pytest.approx(index, rel=1e-12)
    assert np.isnan(found.pvalue)
    assert any("no test" in note for note in found.notes)
    assert 0 < mr.small_study_effects(fit, method="lfk", pvalue="bootstrap", repeats=99).pvalue <= 1


def slow_loglik(fit, link, alpha, beta, tau, z):
    """Log-likelihood by adaptive integration, a study at a time."""
    total = 0.0
    for x, n, at in zip(fit.studies.events, fit.studies.n, z, strict=True):
        mean = alpha + beta * at
        if tau == 0:
            total += stats.binom.logpmf(x, n, float(LINKS[link].rate(np.array(mean))))
            continue

        def height(u, x=x, n=n, mean=mean):
            p = float(LINKS[link].rate(np.array(mean + tau * u)))
            return stats.binom.pmf(x, n, p) * stats.norm.pdf(u)

        total += np.log(
            integrate.quad(height, -9, 9, limit=400, epsabs=0, epsrel=1e-10, points=[-2, 0, 2])[0]
        )
    return total


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_the_count_line_is_the_top_of_a_slow_likelihood(link):
    # two large trials that differ, so that there is a spread about the line
    fit = mr.pool(events=[7, 6, 9, 14, 18, 70], n=[9, 8, 14, 25, 70, 120], link=link)
    found, z = mr.small_study_effects(fit), 1 / np.sqrt(fit.studies.n)
    assert found.tau > 0
    at = np.array([found.limit, found.slope, found.tau])
    top = slow_loglik(fit, link, *at, z)
    assert found.statistic == pytest.approx(2 * (top - fit.loglik), abs=1e-6)
    for step in 0.02 * np.eye(3):
        for side in (1, -1):
            assert slow_loglik(fit, link, *(at + side * step), z) < top


@pytest.mark.parametrize(
    ("name", "link"), [("pritz1997", "logit"), ("hannum2020", "cloglog"), ("ursino2021", "logit")]
)
def test_limits_put_back_have_the_p_value_of_the_level(name, link):
    fit = mr.pool(mr.datasets.load(name), link=link)
    found = mr.small_study_effects(fit)
    x, n = (field.astype(float)[None] for field in (fit.studies.events, fit.studies.n))
    z = 1 / np.sqrt(n)
    lines = DesignCounts.plain(
        CountSurface(x, n, np.ones_like(x), link), np.stack([np.ones_like(z), z], axis=-1)
    )
    factor = float(found.reference.rsplit(" ", 1)[1])
    top = np.array([found.limit, found.slope, found.tau])
    height = lines.at(top[None]).value[0]
    for column, limits in ((1, found.slope_ci), (0, found.limit_ci)):
        for end in limits:
            # the other coefficient that keeps the line at the middle of the trials, and several tau
            start = np.tile(top, (3, 1))
            start[:, 1 - column] -= (end - top[column]) * (z.mean() if column else 1 / z.mean())
            start[:, column], start[:, 2] = end, (0.0, found.tau + 0.1, 2 * found.tau + 0.5)
            free = np.tile(np.arange(3) != column, (3, 1))
            best = climb(lines.chart(), np.zeros(3, dtype=int), start, free).points.value.max()
            assert 2 * (height - best) / factor == pytest.approx(stats.chi2.ppf(0.95, 1), rel=1e-3)
    assert found.slope_ci.low <= 0 <= found.slope_ci.high or found.pvalue < 0.05


def test_mirrored_counts_have_the_mirrored_line():
    fit = mr.pool(**SIX)
    other = mr.pool(events=[m - x for x, m in zip(SIX["events"], SIX["n"], strict=True)], n=SIX["n"])
    for method in METHODS:
        a, b = (mr.small_study_effects(one, method=method) for one in (fit, other))
        np.testing.assert_allclose(a.pvalue, b.pvalue, rtol=1e-7)
        if method != "lfk":
            assert abs(a.statistic) == pytest.approx(abs(b.statistic), rel=1e-7)
        np.testing.assert_allclose([a.slope, a.limit], [-b.slope, -b.limit], rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_bootstrap_is_one_batch_with_a_seed(method, six):
    fit = six
    one, same, other = (
        mr.small_study_effects(fit, method=method, pvalue="bootstrap", repeats=99, seed=seed)
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one.pvalue * 100 == pytest.approx(round(one.pvalue * 100))
    assert one.reference == "99 drawn sets"
    assert abs(one.pvalue - other.pvalue) < 0.25


def test_separated_counts_have_a_test_and_say_so():
    fit = mr.pool(events=[0, 0, 0, 4], n=[40, 30, 22, 10])
    found = mr.small_study_effects(fit)
    assert found.slope == np.inf
    assert (found.limit_rate, found.limit_rate_ci.low) == (0.0, 0.0)
    assert 0 < found.limit_rate_ci.high < 0.1
    assert 0 < found.pvalue < 1
    assert any("no finite estimate" in note for note in found.notes)
    assert mr.small_study_effects(mr.pool(events=[40, 30, 22, 6], n=[40, 30, 22, 10])).limit_rate == 1.0


FITS = [
    *({"model": model} for model in MODELS),
    *({"model": "inverse-variance", "transform": name} for name in TRANSFORMS),
    *({"link": link} for link in LINKS),
    {"effects": "t"},
    {"penalty": ("half-normal", 1)},
    {"correct": "none", "model": "inverse-variance"},
]
DATA = {
    "ordinary": ([7, 6, 9, 14, 30, 52], [9, 8, 14, 25, 70, 120]),
    "zeros": ([0, 3, 0, 2, 14], [20, 9, 31, 12, 30]),
    "no events": ([0, 0, 0], [9, 8, 7]),
    "nothing but events": ([9, 8, 7], [9, 8, 7]),
    "two": ([3, 5], [9, 20]),
    "one": ([3], [9]),
    "one size": ([3, 5, 1, 2], [20, 20, 20, 20]),
    "extremes": ([0, 7, 0, 20], [5, 7, 30, 20]),
    "huge": ([2, 1, 2, 1, 300], [10, 12, 9, 15, 10**9]),
    "three": ([2, 5, 9], [10, 12, 30]),
    "equal rates": ([1, 2, 4], [10, 20, 40]),
}


def answer(ask, fit, **options):
    """Return the answer, or None and what was said instead."""
    try:
        return ask(fit, **options), ""
    except CannotEstimate as error:
        return None, str(error)


@pytest.mark.parametrize("options", FITS, ids=lambda options: "-".join(map(str, options.values())))
@pytest.mark.parametrize("data", DATA)
def test_every_fit_has_an_answer_or_one_clear_error(options, data):
    events, n = DATA[data]
    try:
        fit = mr.pool(events=events, n=n, **options)
    except MetaRespError:
        pytest.skip("no such fit")
    refused = data in {"no events", "nothing but events", "two", "one", "one size", "extremes"}
    # the method of counts knows nothing of models and transforms, others nothing of links
    of_counts = not {"link", "effects", "penalty"}.isdisjoint(options)
    of_effects = not of_counts and options != {"model": "binomial-normal"}
    for method in METHODS:
        if (of_counts and method != "binomial") or (of_effects and method == "binomial"):
            continue
        with np.errstate(all="raise"):
            found, said = answer(mr.small_study_effects, fit, method=method)
        if found is None:
            assert "small_study_effects" in said
            assert refused or method != "binomial", f"{data}, {options}: {said}"
            continue
        assert not refused
        assert np.isfinite(found.statistic)
        assert (0 <= found.pvalue <= 1) or method == "lfk"
        assert type(found).from_dict(json.loads(found.to_json())) == found
        if method == "binomial":
            low, high = found.limit_rate_ci
            assert 0 <= low <= found.limit_rate <= high <= 1
            assert found.slope_ci.low <= found.slope <= found.slope_ci.high


def test_nested_fits_say_what_to_do():
    fit = mr.pool(events=[1, 2, 9, 7, 4, 0], n=[9, 12, 14, 11, 8, 6], cluster=list("aabbba"))
    for ask in (mr.small_study_effects, mr.trim_and_fill):
        with pytest.raises(CannotEstimate, match="largest_per"):
            ask(fit)


def test_caveats_are_printed():
    fit = mr.pool(**SIX)
    egger = mr.small_study_effects(fit, method="egger")
    assert any("both hang on the rate" in note for note in egger.notes)
    assert any("6 studies are few" in note for note in egger.notes)
    arcsine = mr.pool(**SIX, model="inverse-variance", transform="arcsine")
    found = mr.small_study_effects(arcsine, method="egger")
    assert not any("hang on the rate" in note for note in found.notes)
    alike = mr.small_study_effects(mr.pool(events=[3, 5, 8, 2], n=[20, 25, 30, 22]))
    assert any("sizes are alike (20 to 30)" in note for note in alike.notes)
    outweighed = mr.small_study_effects(mr.pool(events=[3, 5, 8, 800], n=[20, 25, 30, 2000]))
    assert any("rests on one trial, Study 4 (n = 2,000)" in note for note in outweighed.notes)
    other = mr.small_study_effects(mr.pool(**SIX, model="beta-binomial"))
    assert any("not of the model of the fit" in note for note in other.notes)
    assert "beta-binomial" not in other.scale


def test_wrong_arguments():
    fit = mr.pool(**SIX)
    with pytest.raises(UnknownName, match="egger-mixed"):
        mr.small_study_effects(fit, method="eger-mixed")
    with pytest.raises(UnknownName, match="predictor"):
        mr.small_study_effects(fit, predictor="se")
    with pytest.raises(InvalidArgument, match="leave it out"):
        mr.small_study_effects(fit, method="rank", predictor="se")
    with pytest.raises(UnknownName, match="pvalue"):
        mr.small_study_effects(fit, pvalue="exact")
    with pytest.raises(InvalidArgument, match="repeats=5"):
        mr.small_study_effects(fit, pvalue="bootstrap", repeats=5)
    with pytest.raises(InvalidArgument, match="seed"):
        mr.small_study_effects(fit, pvalue="bootstrap", seed=-1)
    for ignored in ({"repeats": 199}, {"seed": 2}):
        with pytest.raises(InvalidArgument, match="has no meaning without pvalue='bootstrap'"):
            mr.small_study_effects(fit, **ignored)
    with pytest.raises(InvalidArgument, match=r"result of mr\.pool"):
        mr.small_study_effects(fit.studies)
    assert set(METHODS["egger"].predictors) == set(PREDICTORS)


def test_kendall_by_all_orders():
    from itertools import permutations

    from metaresp.kernel.effects.asymmetry import _inversions

    for k in (3, 5, 6):
        counts = [
            sum(a > b for i, a in enumerate(order) for b in order[i + 1 :])
            for order in permutations(range(k))
        ]
        share = np.cumsum(np.bincount(counts)) / len(counts)
        np.testing.assert_allclose(_inversions(k), share, atol=1e-14)


def test_frame_and_summary():
    fit = mr.pool(**SIX)
    frame = mr.small_study_effects(fit).to_frame()
    assert frame.shape[0] == 1
    assert {"method", "statistic", "df", "pvalue", "slope_low", "limit_rate_high"} <= set(frame.columns)
    found = mr.small_study_effects(fit)
    assert str(found.summary()) == str(found)
    assert isinstance(found.summary(), Record)


def test_sizes_of_the_default_hold():
    """A few hundred sets without an effect of size: the default rejects about one in twenty, Egger many."""
    rng = np.random.default_rng(20)
    n = rng.integers(7, 41, (400, 10))
    x = rng.binomial(n, special.expit(-2.9 + 0.5 * rng.standard_normal(n.shape)))
    fit = mr.pool(events=x[0], n=n[0])
    counts, egger = (METHODS[name](fit, METHODS[name].predictors[0]) for name in ("binomial", "egger"))
    gain = counts.statistic(x.astype(float), n.astype(float))
    assert 0.01 < (gain > 1.1 * stats.chi2.ppf(0.95, 1)).mean() < 0.1
    t = egger.statistic(x.astype(float), n.astype(float))
    assert (t > stats.t.ppf(0.975, 8)).mean() > 0.5
