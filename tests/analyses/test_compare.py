"""compare: every defensible model of the same studies."""

import json

import numpy as np
import pytest

import metaresp as mr
from metaresp.cli import main
from metaresp.model.registry import MODELS, NESTED

SPARSE = {"events": [0, 0, 0, 0, 1, 0, 2], "n": [12, 18, 9, 25, 14, 31, 7]}


def test_every_row_is_the_fit_of_its_model():
    found = mr.compare(mr.datasets.load("pritz1997"))
    for i, fit in enumerate(found.fits):
        alone = mr.pool(mr.datasets.load("pritz1997"), **fit.spec.options())
        assert (found.rate[i], found.low[i], found.high[i]) == (alone.rate, *alone.rate_ci)
        if alone.prediction_interval is None:
            assert np.isnan(found.prediction_low[i])
        else:
            assert (found.prediction_low[i], found.prediction_high[i]) == alone.prediction_interval
    assert found.model[0] == "binomial-normal"
    assert found.fits[0].spec == mr.pool(**SPARSE).spec


def test_every_model_link_and_transform_takes_part():
    found = mr.compare(mr.datasets.load("pritz1997"))
    specs = [fit.spec for fit in found.fits]
    assert {spec.model for spec in specs} == set(MODELS)
    for model, option in (("binomial-normal", "link"), ("inverse-variance", "transform")):
        names = {getattr(spec, option) for spec in specs if spec.model == model}
        assert names == set(MODELS[model].choices[option])
    arms = mr.Studies([2, 4, 14, 5, 6, 1], [18, 17, 15, 20, 22, 9], covariates={"centre": list("aabbbc")})
    nested = mr.compare(arms, cluster="centre")
    assert {fit.spec.model for fit in nested.fits} == set(NESTED)
    assert all(fit.spec.cluster == "centre" for fit in nested.fits)


def test_a_loud_line_when_answers_differ():
    loud = mr.compare(**SPARSE)
    assert not loud.agree
    assert loud.notes[0].startswith("ANSWERS DIFFER: from 0.3%")
    assert "ANSWERS DIFFER" in str(loud)
    calm = mr.compare(events=[30, 28, 33, 31], n=[60, 61, 66, 59])
    assert calm.agree
    assert not calm.notes


def test_one_rate_that_the_counts_contradict_is_marked():
    found = mr.compare(events=[2, 30, 3, 35], n=[40, 40, 40, 40])
    row = found.model.index("common")
    assert found.note[row] == "one rate, contradicted"


@pytest.mark.parametrize(
    ("events", "n"),
    [([0, 0, 0], [18, 7, 12]), ([18, 7], [18, 7]), ([13], [18]), ([0, 9], [9, 9]), ([5, 3], [10**9, 8])],
)
def test_awkward_data_have_an_answer_or_a_reason(events, n):
    found = mr.compare(events=events, n=n)
    assert np.isfinite([found.rate, found.low, found.high]).all()
    assert ((found.low <= found.rate) & (found.rate <= found.high)).all()
    assert len(found.model) + sum("no answer" in note for note in found.notes) == len(
        mr.compare(**SPARSE).model
    )
    assert mr.Comparison.from_dict(json.loads(found.to_json())) == found
    str(found)


def test_a_fit_gives_its_studies_and_level():
    fit = mr.pool(**SPARSE, level=0.9, outcome="adverse reactions")
    found = mr.compare(fit)
    assert found.fits[0] == fit
    assert "had an adverse reaction" in str(found)
    with pytest.raises(mr.InvalidArgument, match="cluster"):
        mr.compare(fit, cluster="centre")


def test_wrong_options_are_errors_and_no_models_without_an_answer():
    with pytest.raises(mr.InvalidArgument, match="level"):
        mr.compare(**SPARSE, level=95)
    with pytest.raises(mr.MetaRespError):
        mr.compare(mr.datasets.load("pritz1997"), cluster="nothing")


def test_one_study_is_one():
    assert "1 study, 1 of 5 patients" in str(mr.compare(mr.Studies([1], [5])))


def test_the_forest_has_a_row_a_model_and_the_studies_when_asked(tmp_path):
    found = mr.compare(mr.datasets.load("pritz1997"))
    plot = found.forest(tmp_path / "models.svg")
    assert [row.label for row in plot.table.rows] == list(found.model)
    whole = found.forest(studies=True)
    assert sum("diamond" in marks for marks in whole.marks) == len(found.model)
    assert [row.kind for row in whole.table.rows].count("study") == 14
    with pytest.raises(mr.InvalidArgument, match="studies"):
        found.forest(studies="yes")


def test_command(tmp_path, capsys):
    table = tmp_path / "trials.csv"
    rows = zip(SPARSE["events"], SPARSE["n"], strict=True)
    table.write_text("study,events,n\n" + "".join(f"s{i},{x},{n}\n" for i, (x, n) in enumerate(rows)))
    assert main(["compare", str(table), "-o", str(tmp_path / "models.png")]) == 0
    assert "ANSWERS DIFFER" in capsys.readouterr().out
    assert (tmp_path / "models.png").stat().st_size > 1000
    assert main(["compare", str(table), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["agree"] is False
    assert main(["compare", str(table), "--level", "95"]) == 2
    assert "--level" in capsys.readouterr().err
