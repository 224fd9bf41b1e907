"""What is drawn is what was found: positions, numbers, options."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest

import metaresp as mr
from metaresp.errors import InvalidArgument, UnknownName
from metaresp.plots.forest import draw_forest, forest_fit, forest_studies
from metaresp.plots.style import Style
from metaresp.present.forest_table import ForestRow, ForestTable
from tests.plots.rows import COLUMNS, table


@pytest.fixture(scope="module")
def fit():
    return mr.pool(mr.datasets.load("pritz1997"))


@pytest.mark.parametrize("scale", ["percent", "proportion", "per 1000"])
@pytest.mark.parametrize("name", ["pritz1997", "ursino2021", "crisafulli2020"])
def test_drawn_intervals_are_the_exact_ones(name, scale):
    studies = mr.datasets.load(name)
    ci = mr.binomial_ci(studies.events, studies.n)
    for plot in (mr.pool(studies).forest(scale=scale), studies.forest(scale=scale)):
        for i in range(len(studies)):
            assert list(plot.marks[i]["interval"].get_xdata()) == [ci.low[i], ci.high[i]]
            assert list(plot.marks[i]["square"].get_xdata()) == [studies.events[i] / studies.n[i]]


def test_pooled_rate_and_prediction(fit):
    plot = fit.forest()
    corners = plot.marks[-2]["diamond"].get_xy()
    assert corners[:, 0].min() == fit.rate_ci.low
    assert corners[:, 0].max() == fit.rate_ci.high
    assert corners[corners[:, 1].argmax(), 0] == fit.rate
    assert tuple(plot.marks[-1]["bar"].get_xdata()) == fit.prediction_interval
    assert plot.texts[14, "study"][0].get_fontweight() == "bold"


def test_a_study_at_zero_is_drawn_at_zero():
    plot = forest_studies(mr.Studies(events=[0, 7], n=[18, 7]))
    assert list(plot.marks[0]["square"].get_xdata()) == [0.0]
    assert list(plot.marks[1]["square"].get_xdata()) == [1.0]
    assert plot.marks[0]["interval"].get_xdata()[0] == 0.0
    assert not plot.marks[0]["square"].get_clip_on()
    assert plot.texts[0, "rate"][0].get_text() == "0.0% (0.0% to 18.5%)"


def test_squares_have_areas_like_weights(fit):
    plot = fit.forest()
    sides = np.array([plot.marks[i]["square"].get_markersize() for i in range(14)])
    np.testing.assert_allclose((sides / sides.max()) ** 2, fit.weights / fit.weights.max(), rtol=1e-12)


def test_the_text_of_the_rows(fit):
    plot = forest_fit(fit)
    row = [plot.texts[0, key][0].get_text() for key in ("study", "events", "rate", "weight")]
    assert row == ["Giannotta et al.", "16/17", "94.1% (71.3% to 99.9%)", "6.3%"]
    assert plot.texts[14, "rate"][0].get_text() == "79.8% (69.1% to 89.6%)"
    assert plot.texts[15, "rate"][0].get_text() == "(34.4% to 97.5%)"
    assert [text.get_text() for text in plot.axis_label] == ["Response rate"]
    assert plot.notes[0].get_text().startswith(f"Heterogeneity: τ² = 0.589; I² = {fit.heterogeneity.I2:.1f}%")


def test_the_reference_line_stands_at_the_pooled_rate(fit):
    lines = [line for line in fit.forest().axes.lines if line.is_dashed()]
    assert [list(line.get_xdata()) for line in lines] == [[fit.rate, fit.rate]]
    assert not [line for line in fit.studies.forest().axes.lines if line.is_dashed()]


def test_no_diamond_for_studies_alone(fit):
    names = {name for marks in fit.studies.forest().marks for name in marks}
    assert names == {"square", "interval"}


def test_arrows_where_an_interval_leaves_the_axis():
    rows = (
        ForestRow("study", "both", 0.5, 0.1, 0.9),
        ForestRow("study", "low", 0.1, 0.05, 0.5),
        ForestRow("study", "inside", 0.5, 0.4, 0.6),
        ForestRow("study", "outside", 0.9, 0.8, 1.0),
        ForestRow("pooled", "diamond", 0.5, 0.1, 0.6),
        ForestRow("prediction", "bar", low=0.0, high=1.0),
    )
    plot = draw_forest(ForestTable(COLUMNS[:1], rows), xlim=(0.3, 0.7))
    assert [sorted(marks) for marks in plot.marks] == [
        ["arrow_high", "arrow_low", "interval", "square"],
        ["arrow_low", "interval"],
        ["interval", "square"],
        ["arrow_high"],
        ["arrow_low", "diamond"],
        ["arrow_high", "arrow_low", "bar"],
    ]
    assert list(plot.marks[0]["interval"].get_xdata()) == [0.3, 0.7]
    assert list(plot.marks[1]["arrow_low"].get_xdata()) == [0.3]
    assert plot.marks[4]["diamond"].get_clip_on()


def test_rare_rates_are_zoomed_and_told_apart():
    plot = mr.pool(mr.datasets.load("crisafulli2020")).forest()
    assert plot.axes.get_xlim() == (0.0, pytest.approx(0.0008))
    assert [label.get_text() for label in plot.axes.get_xticklabels()][:2] == ["0.00%", "0.02%"]
    assert plot.texts[0, "rate"][0].get_text() == "0.0265% (0.0195% to 0.0352%)"


def test_dollars_are_not_mathematics():
    plot = draw_forest(table(["$x_1$ costs $5"]))
    assert plot.texts[0, "study"][0].get_text() == "$x_1$ costs $5"
    assert not plot.texts[0, "study"][0].get_parse_math()


def test_the_users_settings_stay_and_do_not_matter(tmp_path):
    rows = table(["Xu", "Li"])
    draw_forest(rows, tmp_path / "plain.png")
    with matplotlib.rc_context(
        {"font.size": 30, "axes.grid": True, "savefig.bbox": "tight", "lines.marker": "o"}
    ):
        before = dict(matplotlib.rcParams)
        draw_forest(rows, tmp_path / "other.png")
        assert dict(matplotlib.rcParams) == before
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "other.png").read_bytes()


def test_no_pyplot():
    code = (
        "import sys, metaresp as mr\n"
        "mr.Studies(events=[1, 2], n=[9, 9]).forest()._repr_png_()\n"
        "print(sorted({'matplotlib.pyplot', 'matplotlib.style', 'pandas', 'scipy.stats'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def test_style_and_font_size():
    plot = draw_forest(table(["Xu"]), style=Style(square="#ff0000"), font_size=12)
    assert plot.marks[0]["square"].get_markerfacecolor() == "#ff0000"
    assert plot.texts[0, "study"][0].get_fontsize() == 12


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"xlim": (0.5, 0.2)}, "xlim=(0.5, 0.2)"),
        ({"xlim": (0, 100)}, "xlim=(0, 100)"),
        ({"xlim": "all"}, "xlim='all'"),
        ({"width": "wide"}, "width='wide'"),
        ({"width": -3}, "width=-3"),
        ({"width": True}, "width=True"),
        ({"width": "20mm"}, "too narrow"),
        ({"font_size": 0}, "font_size=0"),
        ({"style": "jmaa"}, "style='jmaa'"),
        ({"path": "forest.doc"}, "forest.doc"),
        ({"path": "forest"}, ".png, .pdf, .svg"),
    ],
)
def test_errors_name_the_argument(options, words):
    with pytest.raises(InvalidArgument) as found:
        draw_forest(table(["Xu", "Li"]), **options)
    assert words in str(found.value)


def test_errors_of_the_rows(fit):
    with pytest.raises(UnknownName, match="did you mean 'percent'"):
        fit.forest(scale="percnt")
    with pytest.raises(UnknownName, match=r"sort='weigth'.*did you mean 'weight'"):
        fit.forest(sort="weigth")
    with pytest.raises(UnknownName):
        fit.studies.forest(sort="weight")
