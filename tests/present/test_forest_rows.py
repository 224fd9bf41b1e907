"""Rows of a forest plot: numbers of the fit, wording, order."""

from types import SimpleNamespace

import numpy as np
import pytest

import metaresp as mr
from metaresp.errors import InvalidArgument, UnknownName
from metaresp.present.forest_rows import forest_rows, forest_rows_studies, heterogeneity_lines
from metaresp.present.forest_table import ForestTable


@pytest.fixture(scope="module")
def fit():
    return mr.pool(mr.datasets.load("pritz1997"))


def test_rows_are_the_numbers_of_the_fit(fit):
    rows = forest_rows(fit).rows
    assert [row.kind for row in rows] == ["study"] * 14 + ["pooled", "prediction"]
    for i, row in enumerate(rows[:14]):
        assert row.label == fit.studies.study[i]
        assert (row.low, row.high) == (fit.study_ci.low[i], fit.study_ci.high[i])
        assert row.weight == fit.weights[i]
        assert row.text("events") == f"{fit.studies.events[i]}/{fit.studies.n[i]}"
    assert (rows[14].rate, rows[14].low, rows[14].high) == (fit.rate, *fit.rate_ci)
    assert (rows[15].low, rows[15].high) == fit.prediction_interval
    assert rows[14].text("events") == "246/326"


def test_a_table_survives_json(fit):
    table = forest_rows(fit)
    assert ForestTable.from_dict(table.to_dict()) == table


def test_columns_name_the_level():
    titles = [c.title for c in forest_rows(mr.pool(events=[1, 3], n=[9, 9], level=0.9)).columns]
    assert titles == ["Study", "Events/n", "Rate (90% CI)", "Weight"]
    titles = [c.title for c in forest_rows_studies(mr.Studies(events=[1], n=[9]), scale="per 1000").columns]
    assert titles == ["Study", "Events/n", "Rate per 1,000 (95% CI)"]


def test_all_at_zero_is_said_so():
    table = forest_rows(mr.pool(events=[0, 0, 0], n=[18, 12, 7]))
    assert table.rows[-1].kind == "pooled"
    assert table.rows[-1].text("rate") == "0.0% (0.0% to 9.5%)"
    assert table.notes[0] == "Heterogeneity: not estimable"
    assert any("No event in any study" in note for note in table.notes)
    assert not any("No event" in note for note in forest_rows(mr.pool(events=[0], n=[9]), notes=False).notes)


def test_one_study_has_no_word_on_heterogeneity():
    table = forest_rows(mr.pool(events=[3], n=[18]))
    assert not any("Heterogeneity" in note for note in table.notes)
    assert [row.kind for row in table.rows] == ["study", "pooled"]


def test_excluded_studies_are_listed(tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text("study,events,n\nXu,13,18\nLi,,35\nWu,4,7\n")
    fit = mr.pool(mr.read_studies(path, missing="drop"))
    row = next(row for row in forest_rows(fit).rows if row.kind == "missing")
    assert (row.label, row.text("events"), row.text("rate")) == ("Li", "?/35", "not reported")
    assert np.isnan(row.rate)


def fake(**known):
    nothing = dict.fromkeys(("Q", "df", "pvalue", "I2", "H2", "lrt", "lrt_pvalue"), np.nan)
    spec = SimpleNamespace(model="inverse-variance", cluster=None, level=0.95)
    tau2 = known.pop("tau2", np.nan)
    return SimpleNamespace(
        k=4, spec=spec, tau2=tau2, levels=None, heterogeneity=SimpleNamespace(**(nothing | known))
    )


@pytest.mark.parametrize(
    ("known", "line"),
    [
        ({}, "Heterogeneity: not estimable"),
        ({"tau2": 0.0, "I2": 0.0}, "Heterogeneity: τ² = 0; I² = 0.0%"),
        ({"tau2": 0.5, "I2": 0.01}, "Heterogeneity: τ² = 0.5; I² = 0.01%"),
        ({"tau2": 1.0, "I2": 99.99}, "Heterogeneity: τ² = 1; I² = 99.99%"),
        ({"Q": 25.1, "df": 13.0, "pvalue": 0.0224}, "Heterogeneity: Q = 25.10, df = 13, p = 0.022"),
        (
            {"I2": None, "lrt": 11.93, "lrt_pvalue": 1e-9},
            "Heterogeneity: likelihood-ratio test of τ² = 0: LR = 11.93, p < 0.001",
        ),
    ],
)
def test_heterogeneity_says_what_is_known(known, line):
    assert heterogeneity_lines(fake(**known)) == (line,)


def test_sorting():
    studies = mr.Studies(
        events=[5, 1, 9],
        n=[10, 10, 12],
        study=["b", "c", "a"],
        covariates={"dose": [2, None, 1], "mixed": [1, "x", 2]},
    )

    def labels(**options):
        return "".join(row.label for row in forest_rows_studies(studies, **options).rows)

    assert labels() == "bca"
    assert labels(sort="study") == "abc"
    assert labels(sort="rate") == "cba"
    assert labels(sort="rate", descending=True) == "abc"
    assert labels(sort="dose") == "abc"
    assert labels(sort="dose", descending=True) == "bac"
    with pytest.raises(InvalidArgument, match="mixes numbers and text"):
        labels(sort="mixed")
    with pytest.raises(UnknownName, match=r"sort='dosis'.*did you mean 'dose'"):
        labels(sort="dosis")
    fit = mr.pool(studies)
    found = [row.weight for row in forest_rows(fit, sort="weight").rows[:3]]
    assert found == sorted(fit.weights)


def test_studies_with_a_given_interval():
    studies = mr.Studies(events=[13], n=[18])
    ci = mr.binomial_ci(studies.events, studies.n, method="wilson", level=0.9)
    table = forest_rows_studies(studies, ci)
    assert (table.rows[0].low, table.rows[0].high) == (ci.low[0], ci.high[0])
    assert table.notes == ("Study intervals: 90%, wilson.",)
    assert np.isnan(table.reference)
