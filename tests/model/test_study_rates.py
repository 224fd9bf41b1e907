"""Study rates and the events of a new trial, asked of fits of every model."""

import numpy as np
import pytest
from scipy import special

import metaresp as mr
from metaresp.cli import main
from metaresp.kernel.counts import beta_binomial
from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.counts.rho_confidence import rho_parts
from metaresp.kernel.trial.beta_mixture import BETA_PREDICTION
from metaresp.kernel.trial.study_rate import Prior, posterior_rates
from metaresp.present.forest_rows import forest_rows

EVENTS, N = [13, 4, 9, 10, 7, 2], [18, 7, 15, 41, 16, 20]
SINGLE = {
    "binomial-normal": [{"link": link} for link in LINKS],
    "beta-binomial": [{"prediction": name} for name in BETA_PREDICTION],
    "inverse-variance": [
        {"transform": name} for name in ("logit", "arcsine", "freeman-tukey", "log", "identity", "probit")
    ],
}
FITS = [(model, options) for model, several in SINGLE.items() for options in several]


def fitted(model, **options):
    return mr.pool(events=EVENTS, n=N, model=model, **options)


@pytest.mark.parametrize(("model", "options"), FITS)
def test_between_observed_and_pooled(model, options):
    fit = fitted(model, **options)
    rates = fit.study_rates()
    centre = fit.mean_rate if model == "binomial-normal" else fit.rate
    ends = np.sort([rates.rate, np.full(fit.k, centre)], axis=0)
    slack = 0.03 if model == "binomial-normal" else 1e-3  # a mean of the rate lies off the median's line
    assert (rates.shrunken >= ends[0] - slack).all()
    assert (rates.shrunken <= ends[1] + slack).all()
    assert (rates.shrunken_low <= rates.shrunken).all()
    assert (rates.shrunken <= rates.shrunken_high).all()
    assert type(rates).from_dict(rates.to_dict()) == rates
    frame = fit.to_frame()
    np.testing.assert_array_equal(frame["shrunken"], rates.shrunken)
    np.testing.assert_array_equal(rates.to_frame()["shrunken_high"], frame["shrunken_high"])


def test_beta_posterior():
    """By draws of rho and the mean: the posterior given both is a beta distribution."""
    fit, rng = fitted("beta-binomial"), np.random.default_rng(5)
    lane = (np.array([values], dtype=float) for values in (EVENTS, N, np.ones(6)))
    data = beta_binomial.counts(*lane)
    parts = rho_parts(data, beta_binomial.fit(*data[:3]), np.array([6.0]))
    which = rng.choice(parts.weight.size, 400_000, p=parts.weight[0])
    p = special.expit(parts.mu[0][which] + parts.se[0][which] * rng.standard_t(5, which.size))
    size = 1 / np.maximum(parts.rho[0][which], 1e-9) - 1
    rates = fit.study_rates()
    for i in range(6):
        drawn = rng.beta(size * p + EVENTS[i], size * (1 - p) + N[i] - EVENTS[i])
        assert rates.shrunken[i] == pytest.approx(drawn.mean(), abs=1e-3)
        assert rates.shrunken_low[i] == pytest.approx(np.quantile(drawn, 0.025), abs=2e-3)
        assert rates.shrunken_high[i] == pytest.approx(np.quantile(drawn, 0.975), abs=2e-3)
    drawn = rng.beta(size * p, size * (1 - p))
    ends = fit.prediction_interval
    assert np.mean(drawn < ends.low) == pytest.approx(0.025, abs=1e-3)
    assert np.mean(drawn > ends.high) == pytest.approx(0.025, abs=1e-3)


def test_normal_posterior_is_the_blup():
    """The centre that metafor's blup() gives: ``mu + tau2 / (tau2 + v) (y - mu)``."""
    fit = fitted("inverse-variance", tau2="DL")
    x, n = np.array(EVENTS), np.array(N)
    y, v = special.logit(x / n), 1 / x + 1 / (n - x)
    centre = fit.estimate + fit.tau2 / (fit.tau2 + v) * (y - fit.estimate)
    np.testing.assert_allclose(fit.study_rates().shrunken, special.expit(centre), rtol=1e-12)


def test_no_variation_is_the_pooled_rate():
    for model in ("inverse-variance", "common"):
        fit = mr.pool(events=[5, 6, 5], n=[20, 20, 20], model=model)
        rates = fit.study_rates()
        assert (rates.shrunken == fit.rate).all(), model
        assert (rates.shrunken_low == fit.rate_ci.low).all()
        assert "pooled rate" in rates.note


def test_no_variation_estimated_is_not_taken_for_none():
    """tau2 = 0 is one of the values that tau2 may have: studies differ, without a jump from those above."""
    fit = mr.pool(events=[5, 6, 5], n=[20, 20, 20])
    rates = fit.study_rates()
    assert fit.tau2 == 0
    assert rates.shrunken[0] == rates.shrunken[2] < rates.shrunken[1]
    assert (rates.shrunken_low < fit.rate_ci.low).all() or (rates.shrunken_low > rates.low).all()
    assert (rates.shrunken_high < rates.high).all()


def test_equal_studies_that_were_fitted_as_one_have_their_rates():
    events, n = np.repeat([3, 9, 1], 12), np.repeat([20, 30, 25], 12)
    rates = mr.pool(events=events, n=n).study_rates()
    apart = mr.pool(events=events, n=n, ci="bootstrap", seed=1).study_rates()  # fitted one by one
    np.testing.assert_allclose(rates.shrunken, apart.shrunken, atol=1e-7)
    np.testing.assert_allclose(rates.shrunken_high, apart.shrunken_high, atol=1e-6)
    assert np.unique(rates.shrunken).size == 3


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "cauchit", "log"])
def test_limits_are_in_order_at_a_level_near_0(link):
    fit = mr.pool(events=[20053, 31984, 53627], n=[31790, 92323, 75896], level=1e-12, link=link)
    rates = fit.study_rates()
    assert (rates.shrunken_low <= rates.shrunken_high).all()


@pytest.mark.parametrize(("events", "n"), [([0, 0, 0], [18, 12, 7]), ([3], [9]), ([0, 5, 0], [9, 5, 4])])
def test_exact_answers_have_none(events, n):
    rates = mr.pool(events=events, n=n).study_rates()
    assert np.isnan(rates.shrunken).all()
    assert rates.note.startswith("No shrunken rates: ")


def test_every_study_at_0_or_n_nearly_keeps_its_rate_in_the_beta_binomial_model():
    """The estimate of rho is 1, and three studies leave room for a smaller one."""
    rates = mr.pool(events=[0, 5, 0], n=[9, 5, 4], model="beta-binomial").study_rates()
    np.testing.assert_allclose(rates.shrunken, [0, 1, 0], atol=0.01)
    assert (rates.shrunken != [0, 1, 0]).all()


def test_nested_studies():
    studies = mr.Studies(events=EVENTS, n=N, covariates={"centre": ["a", "a", "b", "b", "c", "d"]})
    rates = mr.pool(studies, cluster="centre").study_rates()
    assert np.isfinite(rates.shrunken).all()
    assert "cluster" in rates.note


@pytest.mark.parametrize(("model", "options"), FITS)
def test_events_agree_with_the_interval(model, options):
    fit = fitted(model, **options)
    new = fit.predict_events(400)
    assert new.pmf.sum() == pytest.approx(1, abs=1e-12)
    assert new.low <= new.median <= new.high
    assert type(new).from_dict(new.to_dict()) == new
    for rate in (0.15, 0.4):
        counted = 1 - new.pmf[: int(rate * 400) + 1].sum() + 0.5 * new.pmf[int(rate * 400)]
        assert counted == pytest.approx(fit.probability_above(rate), abs=4e-3)
    low, high = fit.prediction_interval
    if low > 0:
        assert fit.probability_above(low) == pytest.approx(0.975, abs=1e-9)
    if high < 1:
        assert fit.probability_above(high) == pytest.approx(0.025, abs=1e-9)


def test_events_of_a_normal_law_by_draws():
    fit = fitted("binomial-normal", prediction="normal")
    rng = np.random.default_rng(11)
    spread = np.hypot(fit.tau, fit.se)
    rates = special.expit(fit.estimate + spread * rng.standard_normal(400_000))
    drawn = np.bincount(rng.binomial(12, rates), minlength=13) / 400_000
    np.testing.assert_allclose(fit.predict_events(12).pmf, drawn, atol=5 * np.sqrt(0.1 / 400_000))


def test_interval_convention_and_questions():
    new = fitted("binomial-normal").predict_events(20, level=0.9)
    assert new.level == 0.9
    assert new.pmf[: new.low].sum() <= 0.05 < new.pmf[: new.low + 1].sum()
    assert new.pmf[new.high + 1 :].sum() <= 0.05 < new.pmf[new.high :].sum()
    assert new.mean == pytest.approx(np.arange(21) @ new.pmf)
    assert new.probability_at_least(0) == pytest.approx(1)
    assert new.probability_at_least(20) == new.pmf[20]
    frame = new.to_frame()
    assert list(frame.columns) == ["events", "probability", "cumulative"]
    assert frame["cumulative"].iloc[-1] == pytest.approx(1)
    mirrored = mr.pool(events=np.subtract(N, EVENTS), n=N).predict_events(20, level=0.9)
    np.testing.assert_allclose(mirrored.pmf, new.pmf[::-1], atol=1e-6)  # of the two fits' iterations
    assert (mirrored.low, mirrored.high) == (20 - new.high, 20 - new.low)


@pytest.mark.parametrize("n", [0, 2.5, True, 10**7, "20", None])
def test_number_of_patients_is_checked(n):
    with pytest.raises(mr.InvalidArgument, match="n="):
        fitted("binomial-normal").predict_events(n)


def test_events_need_a_distribution():
    for fit in (
        fitted("common"),
        fitted("binomial-normal", prediction=None),
        mr.pool(events=[0, 0], n=[5, 9]),
        mr.pool(events=[1, 3], n=[5, 9], prediction="hts"),
    ):
        with pytest.raises(mr.InvalidArgument, match="no prediction interval"):
            fit.predict_events(20)
    with pytest.raises(mr.InvalidArgument, match="bootstrap"):
        fitted("inverse-variance", prediction="bootstrap").predict_events(20)
    with pytest.raises(mr.InvalidArgument, match="0 to 20"):
        fitted("binomial-normal").predict_events(20).probability_at_least(21)


def test_beta_binomial_prediction_in_a_batch():
    events, n = np.array([EVENTS, EVENTS[::-1]]), np.array([N, N[::-1]])
    batch = mr.pool_batch(events, n, model="beta-binomial", prediction="t")
    fit = fitted("beta-binomial", prediction="t")
    for i in range(2):
        assert batch.prediction_low[i] == pytest.approx(fit.prediction_interval.low, rel=1e-8)
        assert batch.prediction_high[i] == pytest.approx(fit.prediction_interval.high, rel=1e-8)
    widths = [
        np.diff(fitted("beta-binomial", prediction=p).prediction_interval) for p in ("hts", "t", "normal")
    ]
    assert widths[0] > widths[1] > widths[2]


def test_forest_draws_the_shrunken_rates(tmp_path):
    fit = fitted("binomial-normal")
    rates = fit.study_rates()
    drawn = [row.second for row in forest_rows(fit, shrunken=True).rows if row.kind == "study"]
    expected = np.column_stack([rates.shrunken, rates.shrunken_low, rates.shrunken_high])
    np.testing.assert_array_equal(np.array(drawn), expected)
    artists = fit.forest(tmp_path / "shrunken.svg", shrunken=True)
    assert artists is not None
    assert (tmp_path / "shrunken.svg").stat().st_size > 1000


def test_forest_says_why_there_are_none():
    table = forest_rows(mr.pool(events=[0, 0, 0], n=[18, 12, 7]), shrunken=True)
    assert all(not row.second for row in table.rows)
    assert any(line.startswith("No shrunken rates") for line in table.notes)
    with pytest.raises(mr.InvalidArgument, match="shrunken='x'"):
        forest_rows(fitted("common"), shrunken="x")


def test_command_line(tmp_path, capsys):
    table = tmp_path / "trials.csv"
    table.write_text("study,events,n\nA,3,10\nB,9,20\nC,1,15\n", encoding="utf-8")
    assert main(["forest", str(table), "-o", str(tmp_path / "a.svg"), "--shrunken"]) in {0, None}
    assert "Shrunken rate" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert main(["forest", str(table), "-o", str(tmp_path / "b.svg"), "--shrunken", "--no-pool"]) == 2
    assert "--shrunken" in capsys.readouterr().err


# R 4.2.2 on pritz1997: stats::integrate (rel.tol 1e-10) at mu = 1.376594388998798, tau = 0.7676649880597011,
# and metafor 5.1-12, blup(rma(measure = "PLO", method = "DL", add = 0.5, to = "only0"))$pred.
R_MEANS = [0.87445838, 0.81035830, 0.65087127, 0.74907351, 0.87728112, 0.62905857, 0.86127781]
R_MEANS += [0.88612666, 0.57992746, 0.78685323, 0.79986201, 0.78488989, 0.84429308, 0.68971331]
R_BLUP = [1.55298760, 1.31524759, 0.66041345, 1.07004360, 1.41855022, 0.54714936, 1.49663680]
R_BLUP += [1.44612049, 0.35815666, 1.19368187, 1.24713170, 1.22173023, 1.60606877, 0.79765262]


def test_r():
    studies = mr.datasets.load("pritz1997")
    n, x = studies.n.astype(float), studies.events.astype(float)
    known = Prior(*(np.full((14, 1), value) for value in (1.0, 1.376594388998798, 0.7676649880597011)))
    means = posterior_rates("logit", x, n, known, 0.025).mean
    np.testing.assert_allclose(means, R_MEANS, atol=1e-7)  # of our own maximum, and 8 decimals
    # with mu and tau unknown: a wider law about nearly the same place
    np.testing.assert_allclose(mr.pool(studies).study_rates().shrunken, R_MEANS, atol=0.02)
    effects = mr.pool(studies, model="inverse-variance", tau2="DL").study_rates().shrunken
    np.testing.assert_allclose(special.logit(effects), R_BLUP, atol=1e-8)
