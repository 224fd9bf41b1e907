"""Forest plots of models, choices, assumptions and definitions: the record's numbers, nothing cropped."""

import math

import numpy as np
import pytest

import metaresp as mr
from metaresp.errors import InvalidArgument, UnknownName
from metaresp.model.registry import MODELS
from metaresp.plots.style import style_names
from metaresp.present.answer_rows import ANSWERS
from metaresp.present.answers import answer_rows
from metaresp.records import Answered
from tests.plots.geometry import faults

LONG = "A multicentre randomised study of many words and of $x_1$, "
LABELS = [
    LONG + "Trial 0",
    "再生不良性貧血の第二相試験 " * 3,
    "Клиническое исследование",
    "دراسة سريرية",
    "B",
    "C",
]
CENTRES = ["北京大学人民医院血液科", "北京大学人民医院血液科", "Centre of a name that goes on", "D", "D", "E"]
COUNTS = {"CR": [3, 2, 1, 0, 4, 1], "PR": [7, 5, 3, 2, 2, 0], "SD": [1, 4, 2, 5, 0, 3]}
STUDIES = mr.Studies(
    [13, 4, 9, 0, 6, 2],
    [18, 7, 15, 6, 11, 7],
    LABELS,
    covariates={"the centre that has reported": CENTRES},
    enrolled=[20, 9, 15, 6, 13, 8],
)
BY = "the centre that has reported"
SPARSE = {"events": [0, 0, 0, 0, 1, 0, 2], "n": [12, 18, 9, 25, 14, 31, 7]}


@pytest.fixture(scope="module")
def records():
    fit = mr.pool(STUDIES, outcome="adverse reactions")
    return {
        "models": mr.compare(**SPARSE),
        "choices": mr.overlap(fit, BY),
        "assumptions": mr.missing_responses(fit, imputations=4),
        "definitions": mr.pool_categories({"study": LABELS, **COUNTS}, categories=list(COUNTS)),
        "refits": mr.leave_one_out(fit, prediction=True),
        "growing": mr.cumulative(fit, by=BY),
        "groups": mr.subgroups(fit, BY),
        "shares": mr.multinomial_ci({LABELS[1]: 3, LABELS[0]: 7, "PD": 8}),
        "methods": mr.compare_methods(13, 18),
    }


KINDS = (
    "models",
    "choices",
    "assumptions",
    "definitions",
    "refits",
    "growing",
    "groups",
    "shares",
    "methods",
)


@pytest.mark.parametrize("width", ["85mm", "170mm", None])
@pytest.mark.parametrize("kind", KINDS)
def test_no_fault_in_a_column_and_across_a_page(records, kind, width):
    options = {"studies": False} if kind == "groups" else {}
    plot = records[kind].forest(width=width, title="Answers " * 9, benchmark=0.2, **options)
    assert faults(plot) == []
    if width is not None:
        assert plot.figure.get_size_inches()[0] == pytest.approx(float(width[:-2]) / 25.4)


@pytest.mark.parametrize("style", style_names())
@pytest.mark.parametrize("kind", ["models", "choices"])
def test_no_fault_in_any_style(records, kind, style):
    for spacing in ("linear", "logit"):
        assert faults(records[kind].forest(style=style, spacing=spacing), dpi=100) == []


def test_a_large_table(tmp_path):
    whole = mr.datasets.load("ursino2021")
    found = mr.leave_one_out(mr.pool(whole))
    for width in ("85mm", "170mm"):
        assert faults(found.forest(tmp_path / "out.png", width=width)) == []
    paged = found.forest(page="A5", font_size=9)
    assert len(paged.pages) > 1
    assert all(faults(page) == [] for page in paged.pages)


@pytest.mark.parametrize("kind", ["models", "choices"])
def test_rows_are_the_record(records, kind):
    found = records[kind]
    rows = answer_rows(found).rows
    for name in ("rate", "low", "high"):
        assert [getattr(row, name) for row in rows] == getattr(found, name).tolist()
    limits = zip(found.prediction_low, found.prediction_high, strict=True)
    assert [row.ahead for row in rows] == [pair if np.isfinite(pair).all() else () for pair in limits]
    assert [row.kind for row in rows] == ["pooled"] + ["estimate"] * (len(rows) - 1)


def test_which_rate_a_model_has_and_the_loud_line_beneath(records):
    found = records["models"]
    table = answer_rows(found)
    assert tuple(row.text("kind") for row in table.rows) == found.note
    assert table.notes[:2] == found.notes[:2]
    assert table.notes[0].startswith("ANSWERS DIFFER")
    assert table.notes[2] == "7 studies, 3 of 116 patients responded."
    assert answer_rows(found, notes=False).notes[0] == table.notes[0]
    mean = answer_rows(found, of="mean")
    assert [row.rate for row in mean.rows] == [fit.mean_rate for fit in found.fits]
    assert [row.high for row in mean.rows] == [fit.mean_rate_ci.high for fit in found.fits]


def test_choices_show_reports_and_counts(records):
    found = records["choices"]
    table = answer_rows(found)
    assert [row.text("k") for row in table.rows] == list(map(str, found.k))
    assert [row.text("events") for row in table.rows] == [
        f"{x}/{n}" for x, n in zip(found.events, found.n, strict=True)
    ]
    assert [column.title for column in table.columns][:3] == ["Pooled", "Reports", "Adverse reactions/n"]


def test_patients_like_the_others_are_the_diamond(records):
    found = records["assumptions"]
    table = answer_rows(found)
    (diamond,) = (row for row in table.rows if row.kind == "pooled")
    assert (diamond.label, diamond.rate) == ("like the others", found.rate[found.odds == 1][0])
    assert table.rows[0].label == "none had an adverse reaction"
    ends = answer_rows(mr.missing_responses(STUDIES, odds=[0, math.inf]))
    assert [row.kind for row in ends.rows] == ["pooled", "estimate", "estimate"]
    assert ends.rows[0].rate == mr.pool(STUDIES).rate


def test_definitions_rise_from_strict_to_lenient(records):
    found = records["definitions"]
    rows = answer_rows(found).rows
    assert [row.label for row in rows] == list(found.definition[:-1])
    assert [row.text("events") for row in rows] == ["11/45", "30/45"]
    assert rows[0].rate <= rows[1].rate
    one = found.forest("CR + PR")
    assert [row.kind for row in one.table.rows].count("study") == 6


def test_a_new_trial_is_a_thin_line_through_the_row_or_a_row_or_nothing(records):
    found = records["models"]
    plot = found.forest()
    drawn = [list(row["ahead"].get_xdata()) for row in plot.marks if "ahead" in row]
    assert drawn == [list(row.ahead) for row in plot.table.rows if row.ahead]
    assert [item.kind for item in plot.table.legend] == ["ahead"]
    bar = answer_rows(found, prediction="bar")
    assert [row.kind for row in bar.rows[:2]] == ["pooled", "prediction"]
    assert not any(row.ahead for row in bar.rows)
    assert not answer_rows(found, prediction=None).legend
    with pytest.raises(UnknownName, match="prediction"):
        found.forest(prediction="dots")


def test_a_mean_over_trials_that_is_not_known_is_an_error(records):
    with pytest.raises(InvalidArgument, match="typical trial"):
        records["choices"].forest(of="mean")


def test_columns_are_left_out_where_type_would_be_too_small(records):
    keys = [
        [column.key for column in records["refits"].forest(width=width).table.columns]
        for width in ("85mm", None)
    ]
    assert keys == [["study", "rate"], ["study", "k", "rate", "spread"]]


def test_every_public_record_of_answers_can_be_drawn():
    public = {name: getattr(mr, name) for name in mr.__all__}
    answered = {
        name for name, kind in public.items() if isinstance(kind, type) and issubclass(kind, Answered)
    }
    known = set(ANSWERS)
    assert {"Comparison", "Overlap", "LeaveOneOut"} <= answered
    assert answered <= known
    assert all(issubclass(public[name], Answered) for name in known & set(public) - {"Categories"})


@pytest.mark.parametrize("model", list(MODELS))
def test_groups_alone(model):
    fit = mr.pool(STUDIES, model=model)
    found = mr.subgroups(fit, BY)
    for of, names in (("typical", ("rate", "low", "high")), ("mean", ("mean_rate", "mean_low", "mean_high"))):
        rows = found.forest(studies=False, of=of).table.rows
        for name, field in zip(names, ("rate", "low", "high"), strict=True):
            assert [getattr(row, field) for row in rows[:-1]] == getattr(found, name).tolist()
    assert rows[-1].kind == "pooled"
    assert [row.text("events") for row in rows] == [
        f"{x}/{n}" for x, n in zip([*found.events, fit.events], [*found.n, fit.n], strict=True)
    ]
    assert [row.kind for row in found.forest().table.rows].count("study") == 6


def test_words_can_be_replaced(records):
    table = records["models"].forest(labels={"model": "Modell", "which_rate": "Rate von"}).table
    assert [column.title for column in table.columns] == ["Modell", "Rate (95% CI)", "Rate von"]
    assert "Forest plot of 16 estimates." in records["models"].forest().alt
