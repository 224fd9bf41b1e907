"""Few events: a note where an interval is nearly everything, and the penalised fit that it offers."""

import numpy as np
import pytest
from scipy import optimize, stats

import metaresp as mr
from metaresp.cli.table import in_shell
from metaresp.kernel.counts.surface import PENALTIES, CountSurface, Penalty

SPARSE = [([0, 0, 3], [18, 22, 21]), ([0, 1, 0, 0], [20, 30, 25, 18]), ([18, 22, 18], [18, 22, 21])]


@pytest.mark.parametrize(("events", "n"), SPARSE)
def test_an_interval_that_is_nearly_everything_is_said_with_numbers_that_help(events, n):
    fit = mr.pool(events=events, n=n)
    (note,) = [note for note in fit.notes if "What helps" in note]
    common = mr.pool(events=events, n=n, model="common")
    assert f"{100 * common.rate:.1f}% (" in note
    assert "model='beta-binomial'" in note
    assert "penalty=('half-normal', 2.0)" in note
    assert f"{sum(events)} of {sum(n)} patients" in note
    helped = mr.pool(events=events, n=n, penalty=("half-normal", 2))
    assert np.diff(helped.rate_ci) < np.diff(fit.rate_ci)
    assert not any("What helps" in note for note in helped.notes)


def test_the_note_speaks_of_the_outcome():
    (note,) = mr.pool(events=[0, 0, 3], n=[18, 22, 21], outcome="adverse reactions").notes
    assert note.startswith("3 of 61 patients had an adverse reaction: the data do not bound")


@pytest.mark.parametrize(("events", "n"), [([13, 4, 9], [18, 7, 15]), ([5, 9, 30, 2], [50, 61, 200, 30])])
def test_ordinary_data_get_no_such_note(events, n):
    assert not any("What helps" in note for note in mr.pool(events=events, n=n).notes)


def penalised(events, n, penalty, mu, tau):
    """The definition: a sum over a fine grid of normal effects."""
    z = np.linspace(-9, 9, 4001)
    p = 1 / (1 + np.exp(-(mu + tau * z)))
    each = stats.binom.pmf(np.array(events)[:, None], np.array(n)[:, None], p) @ stats.norm.pdf(z)
    name, scale = penalty
    extra = {
        "half-normal": stats.halfnorm.logpdf(tau, scale=scale) - stats.halfnorm.logpdf(0, scale=scale),
        "half-cauchy": stats.halfcauchy.logpdf(tau, scale=scale) - stats.halfcauchy.logpdf(0, scale=scale),
        "log-f": scale / 2 * (mu - 2 * np.log1p(np.exp(mu)) + 2 * np.log(2)),
    }[name]
    return np.log(each * (z[1] - z[0])).sum() + extra


@pytest.mark.parametrize("penalty", [("half-normal", 1.0), ("half-cauchy", 0.5), ("log-f", 2.0)], ids=str)
@pytest.mark.parametrize(("events", "n"), [([0, 0, 3], [18, 22, 21]), ([9, 1, 7, 0], [20, 30, 25, 18])])
def test_a_penalised_fit_is_the_maximum_of_its_definition(events, n, penalty):
    fit = mr.pool(events=events, n=n, penalty=penalty, ci="profile")
    cost = lambda at: -penalised(events, n, penalty, at[0], abs(at[1]))  # noqa: E731
    best = min(
        (optimize.minimize(cost, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
         for start in ([-3.0, 0.2], [-2.0, 1.5])),
        key=lambda found: found.fun,
    )  # fmt: skip
    top = max(-best.fun, penalised(events, n, penalty, fit.estimate, 0.0))
    assert penalised(events, n, penalty, fit.estimate, fit.tau) == pytest.approx(top, abs=1e-7)
    for limit in fit.estimate_ci:
        profile = max(
            -optimize.minimize_scalar(
                lambda t, limit=limit: cost([limit, t]), bounds=(lo, hi), method="bounded"
            ).fun
            for lo, hi in ((0, 1), (1, 4), (4, 20))
        )
        assert 2 * (top - profile) == pytest.approx(stats.chi2.ppf(0.95, 1), abs=2e-3)
    assert fit.test(fit.rate_ci[1]).pvalue == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize("name", PENALTIES)
def test_the_derivatives_of_a_penalty(name):
    x, n = np.array([[3.0, 9.0]]), np.array([[10.0, 20.0]])
    data = CountSurface(x, n, np.ones_like(x), "logit", Penalty(name, 0.7))
    at = np.array([-0.4]), np.array([0.8])
    here, step = data.at(*at), 1e-5
    for which, first, second in ((0, "d_a", "d_a_a"), (1, "d_b", "d_b_b")):
        up, down = (data.at(*(v + side * step * (i == which) for i, v in enumerate(at))) for side in (1, -1))
        slope = (up.value - down.value) / (2 * step)
        bend = (getattr(up, first) - getattr(down, first)) / (2 * step)
        np.testing.assert_allclose(getattr(here, first), slope, rtol=1e-6)
        np.testing.assert_allclose(getattr(here, second), bend, rtol=1e-6)


def test_a_batch_is_a_loop_and_json_comes_back():
    fit = mr.pool(events=[0, 0, 3], n=[18, 22, 21], penalty=("half-normal", 1))
    batch = mr.pool_batch([[0, 0, 3], [4, 1, 0]], [[18, 22, 21]], penalty=["half-normal", 1])
    assert batch.low[0] == pytest.approx(fit.rate_ci[0], rel=1e-9)
    assert batch.prediction_high[0] == pytest.approx(fit.prediction_interval[1], rel=1e-9)
    assert mr.Fit.from_dict(fit.to_dict()) == fit
    assert mr.pool(fit.studies, **fit.spec.options()) == fit
    assert "half-normal penalty of scale 1" in str(fit)
    assert "penalised" in fit.to_r()


@pytest.mark.parametrize(
    "penalty", [5, "half-normal", ("half-normal",), ("half-normal", -1), ("half-normal", True)]
)
def test_a_wrong_penalty_is_named(penalty):
    with pytest.raises(mr.InvalidArgument, match="penalty="):
        mr.pool(events=[0, 0, 3], n=[18, 22, 21], penalty=penalty)


def test_a_penalty_is_for_the_ordinary_binomial_normal_model():
    with pytest.raises(mr.InvalidArgument, match="leave it out"):
        mr.pool(events=[0, 0, 3, 4], n=[18, 22, 21, 9], cluster=list("aabb"), penalty=("half-normal", 1))
    with pytest.raises(mr.InvalidArgument, match="binomial-normal"):
        mr.pool(events=[0, 0, 3], n=[18, 22, 21], model="beta-binomial", penalty=("half-normal", 1))


def test_the_command_line_says_options_as_flags():
    (note,) = mr.pool(events=[0, 0, 3], n=[18, 22, 21]).notes
    said = in_shell("pool", note)
    assert "--model beta-binomial" in said
    assert "--penalty half-normal,2.0" in said
    assert "model='" not in said


def test_one_study_that_outweighs_the_others_is_told():
    """The interval of a new trial covers .933 there (docs/validation): the fit says so."""
    small, many = [3, 5, 9, 4, 6, 8, 2, 7, 5], [12, 15, 30, 9, 22, 25, 8, 19, 13]
    loud = mr.pool(events=[*small, 700], n=[*many, 2000])
    assert any("Study 10 has 93% of the patients" in note for note in loud.notes)
    for fit in (
        mr.pool(events=[*small, 50], n=[*many, 100]),
        mr.pool(events=[*small, 700], n=[*many, 2000], prediction="hts"),
        mr.pool(events=[*small[:5], 700], n=[*many[:5], 2000]),
    ):
        assert not any("of the patients:" in note for note in fit.notes)
