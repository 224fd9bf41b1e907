"""Two answers to "the response rate": the typical trial and the mean over trials, named alike everywhere."""

import re

import pytest

import metaresp as mr
from metaresp.errors import UnknownName
from metaresp.model.spec import MODELS
from metaresp.present.forest_rows import forest_rows

EVENTS, PATIENTS = [2, 4, 14, 5], [18, 17, 15, 20]
SCALED = [
    *({"link": link} for link in MODELS["binomial-normal"].choices["link"]),
    *(
        {"model": "inverse-variance", "transform": name}
        for name in MODELS["inverse-variance"].choices["transform"]
    ),
]
ONE_RATE = [{"model": "common"}, {"model": "inverse-variance", "tau2": "common"}]


def pool(**options):
    return mr.pool(events=EVENTS, n=PATIENTS, **options)


def percents(text):
    return [float(number) for number in re.findall(r"([\d.]+)%", text)]


@pytest.mark.parametrize("options", SCALED, ids=str)
def test_both_rates_are_printed_with_their_intervals(options):
    fit = pool(**options)
    scale = options.get("link") or options["transform"]
    words = "expit of the mean logit" if scale == "logit" else f"mean on the {scale} scale, turned back"
    facts = dict(fit.summary().facts)
    assert facts["Pooled response rate"].endswith(f"; typical trial ({words})")
    mean = [100 * fit.mean_rate, *(100 * end for end in fit.mean_rate_ci)]
    rate, _, *limits = percents(facts["Mean over trials"])
    assert [rate, *limits] == pytest.approx(mean, abs=0.06)
    notes = forest_rows(fit).notes
    (line,) = (note for note in notes if note.startswith("Pooled rate: "))
    assert line.startswith(f"Pooled rate: typical trial ({words}); mean over trials ")
    assert percents(line) == pytest.approx(mean, abs=0.06)
    assert "median" not in str(fit)
    assert "Mean over trials" in fit._repr_html_()


@pytest.mark.parametrize("options", [{"model": "beta-binomial"}, *ONE_RATE], ids=str)
def test_a_rate_that_is_the_mean_is_said_once(options):
    fit = pool(**options)
    facts = dict(fit.summary().facts)
    assert "Mean over trials" not in facts
    assert facts["Pooled response rate"].endswith("; mean over trials") == (options not in ONE_RATE)
    tables = [forest_rows(fit, of=of) for of in ("typical", "mean")]
    assert tables[0] == tables[1]
    assert [note for note in tables[0].notes if note.startswith("Pooled rate")] == (
        [] if options in ONE_RATE else ["Pooled rate: mean over trials"]
    )


@pytest.mark.parametrize("options", SCALED, ids=str)
def test_the_diamond_of_the_mean(options):
    fit = pool(**options)
    table = forest_rows(fit, of="mean")
    (row,) = (row for row in table.rows if row.kind == "pooled")
    assert (row.rate, row.low, row.high) == (fit.mean_rate, *fit.mean_rate_ci)
    assert row.label.endswith(", mean over trials")
    assert table.reference == fit.mean_rate
    (line,) = (
        note for note in table.notes if note.startswith("Pooled rate: mean over trials; typical trial")
    )
    assert percents(line) == pytest.approx([100 * fit.rate, *(100 * end for end in fit.rate_ci)], abs=0.06)


def test_diamonds_of_groups_and_other_models():
    studies = mr.Studies(EVENTS, PATIENTS, covariates={"region": list("AABB")})
    fit = mr.pool(studies)
    groups = mr.subgroups(fit, "region")
    table = forest_rows(fit, of="mean", groups=groups, also=mr.pool(studies, model="beta-binomial"))
    subtotals = [(row.rate, row.low, row.high) for row in table.rows if row.kind == "subtotal"]
    assert subtotals == list(zip(groups.mean_rate, groups.mean_low, groups.mean_high, strict=True))
    labels = [row.label for row in table.rows if row.kind == "pooled"]
    assert labels == ["Random effects, mean over trials", "Beta-binomial"]
    assert "Mean over trials" in str(groups)
    again = type(groups).from_dict(groups.to_dict())
    assert again == groups


def test_no_other_rate():
    with pytest.raises(UnknownName, match="of='median'"):
        forest_rows(pool(), of="median")


def test_json_has_both():
    content = pool().to_dict()
    assert {"rate", "rate_ci", "mean_rate", "mean_rate_ci"} <= content.keys()


# ---- what notes say


@pytest.mark.parametrize("prediction", ["default", "hts", None])
def test_a_common_effect_has_no_interval_of_a_new_trial(prediction):
    fit = pool(model="inverse-variance", tau2="Common", prediction=prediction)
    assert fit.prediction_interval is None
    assert fit.spec.prediction is None
    assert any("No interval of a new trial" in note for note in fit.notes)
    assert "A new trial" not in dict(fit.summary().facts)


@pytest.mark.parametrize("sizes", [[20, 20, 20], [18, 25, 30], [10, 12, 2000]])
def test_freeman_tukey_always_says_what_its_back_transform_does(sizes):
    fit = mr.pool(events=[3, 5, 4], n=sizes, model="inverse-variance", transform="freeman-tukey")
    (note,) = (note for note in fit.notes if "Freeman-Tukey" in note)
    assert f"here of {min(sizes)} to {max(sizes)}" in note
    assert ("can mislead" in note) == (max(sizes) > 10 * min(sizes))


def test_studies_at_both_ends_give_both_answers():
    fit = mr.pool(events=[0, 18, 12], n=[18, 18, 12])
    (note,) = (note for note in fit.notes if "the two do not meet" in note)
    assert "the mean rate over trials, 66.7% (9.4% to 99.2%)" in note
    assert "typical trial (<0.1% to 100.0% here)" in note
    assert fit.mean_rate_ci == fit.rate_ci


@pytest.mark.parametrize(
    ("events", "n", "options"),
    [
        ([0, 0], [18, 9], {}),
        ([4, 7], [4, 7], {}),
        ([1, 0, 1], [1, 1, 1], {}),
        ([3, 4], [9, 8], {"model": "common"}),
    ],
)
def test_the_interval_of_the_totals_says_that_it_takes_one_rate(events, n, options):
    assert any(
        "all studies h" in note and "one rate" in note
        for note in mr.pool(events=events, n=n, **options).notes
    )


def test_blyth_still_casella_says_where_its_p_stands():
    alone = mr.binomial_test(13, 18, 0.5, method="blyth-still-casella")
    pooled = pool(model="common", ci="blyth-still-casella").test(0.2)
    for result in (alone, pooled):
        assert "not nested" in str(result)
    assert "not nested" not in str(mr.binomial_test(13, 18, 0.5))
    one_sided = mr.binomial_test(13, 18, 0.5, method="blyth-still-casella", alternative="less")
    assert "not nested" not in str(one_sided)


@pytest.mark.parametrize("link", MODELS["binomial-normal"].choices["link"])
@pytest.mark.parametrize("ci", ["bartlett", "bootstrap", "t"])
def test_both_answers_exist_on_every_scale(link, ci):
    fit = mr.pool(events=[0, 5], n=[10**9, 5], link=link, ci=ci)
    (note,) = (note for note in fit.notes if "the two do not meet" in note)
    assert "nan" not in note
    assert len(percents(note)) == 5
