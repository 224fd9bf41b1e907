"""Every option does what it says: columns, groups, styles, words, lines, pages, axes, spacing, judgements."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import metaresp as mr
from metaresp.analyses.baujat import baujat
from metaresp.analyses.funnel import drapery, funnel
from metaresp.errors import InvalidArgument, UnknownName, UnreadableFile
from metaresp.plots.forest import draw_forest
from metaresp.plots.scatter import draw_baujat, draw_drapery, draw_funnel
from metaresp.plots.style import Style, find_style, style_names
from metaresp.present.wording import WORDS
from tests.plots.geometry import faults


@pytest.fixture(scope="module")
def fit():
    return mr.pool(mr.datasets.load("debruin2009"))


@pytest.fixture(scope="module")
def zeros():
    studies = mr.Studies(
        [0, 0, 0, 4, 5, 18],
        [20, 31, 9, 20, 22, 18],
        covariates={"region": list("AAABBB"), "blinding": ["low", "high", "some concerns", None, "Low", "-"]},
    )
    return mr.pool(studies)


def column(plot, key):
    return [row.text(key) for row in plot.table.rows if row.kind == "study"]


def test_columns_of_covariates(fit):
    plot = fit.forest(
        left={"year": "Year", "scq": "Score"},
        right="patients",
        formats={"scq": ".1f"},
        align={"scq": "right"},
    )
    assert column(plot, "scq")[:2] == ["21.0", "22.7"]
    assert column(plot, "year")[0] == "2005"
    assert [c.key for c in plot.table.columns] == [
        "study", "year", "scq", "events", "rate", "weight", "patients",
    ]  # fmt: skip
    assert faults(plot) == []


@pytest.mark.parametrize("style", style_names())
@pytest.mark.parametrize("spacing", ["linear", "logit", "sqrt"])
def test_intervals_are_exact_in_every_style_and_spacing(zeros, style, spacing):
    plot = zeros.forest(style=style, spacing=spacing, by="region", risk_of_bias="blinding", benchmark=0.2)
    ci = mr.binomial_ci(zeros.studies.events, zeros.studies.n)
    places = [i for i, row in enumerate(plot.table.rows) if row.kind == "study"]
    for i, row in enumerate(places):
        assert list(plot.marks[row]["interval"].get_xdata()) == [ci.low[i], ci.high[i]]
        assert list(plot.marks[row]["square"].get_xdata()) == [ci.rate[i]]
    assert faults(plot) == []
    for tick, words in zip(plot.axes.get_xticks(), plot.axes.get_xticklabels(), strict=True):
        number = float(words.get_text().rstrip("%").replace("·", "."))
        assert number == pytest.approx(100 * tick, abs=1e-9)


def test_groups(fit, zeros):
    plot = fit.forest(by="ethnicity")
    kinds = [row.kind for row in plot.table.rows]
    assert kinds.count("heading") == kinds.count("subtotal") == kinds.count("note") == 2
    assert any("Test between groups" in text.get_text() for text in plot.notes)
    row = next(row for row in zeros.forest(by="region").table.rows if row.kind == "subtotal")
    assert row.text("rate") == "0.0% (0.0% to 6.0%)"


def test_several_models(fit):
    other = mr.pool(fit.studies, model="inverse-variance")
    plot = fit.forest(also=other, weights="all")
    diamonds = [marks["diamond"].get_xy()[:, 0] for marks in plot.marks if "diamond" in marks]
    assert [d.max() for d in diamonds] == [fit.rate_ci.high, other.rate_ci.high]
    assert column(plot, "weight 1")[0] == f"{other.weights[0]:.1f}%"
    assert "weight" not in {c.key for c in fit.forest(weights=False).table.columns}
    with pytest.raises(InvalidArgument, match="same studies"):
        fit.forest(also=mr.pool(events=[1, 2], n=[5, 5]))
    with pytest.raises(InvalidArgument, match="also='x'"):
        fit.forest(also="x")


@pytest.mark.parametrize(("kind", "mark"), [("bar", "bar"), ("line", "bar"), ("density", "density")])
def test_prediction(fit, kind, mark):
    plot = fit.forest(prediction=kind)
    assert mark in plot.marks[-1]
    assert tuple(plot.marks[-1]["bar"].get_xdata()) == fit.prediction_interval
    assert faults(plot) == []
    assert fit.forest(prediction=None).table.rows[-1].kind == "pooled"


def test_lines_and_zones(fit):
    plot = fit.forest(benchmark={"Control": 0.6}, zones={"Futile": (0, 0.3)})
    assert list(plot.lines[0].get_xdata()) == [0.6, 0.6]
    assert (plot.zones[0].get_x(), plot.zones[0].get_width()) == (0.0, 0.3)
    assert [words[0].get_text() for _, words in plot.legend] == ["Control", "Futile"]
    assert fit.forest(benchmark=[0.2, 0.5]).table.legend[0].label == "Benchmark 20.0%"


def test_judgements(zeros):
    plot = zeros.forest(risk_of_bias={"blinding": "Blinding of the outcome"})
    assert column(plot, "blinding") == ["+", "–", "!", "?", "+", "–"]
    look = Style()
    found = [plot.discs[row, "blinding"].get_facecolor() for row in range(6)]
    assert found[0] == found[4] != found[1]
    assert len({look.risk_low, look.risk_some, look.risk_high, look.risk_none}) == 4
    assert plot.table.legend[0].label == "D1: Blinding of the outcome"
    with pytest.raises(InvalidArgument, match="'A'"):
        zeros.forest(risk_of_bias="region")


def test_words(fit):
    plot = fit.forest(labels={"study": "Studie", "estimate": "{rate} [{low}; {high}]", "decimal": ","})
    assert plot.texts[-1, "study"][0].get_text() == "Studie"
    assert plot.texts[0, "rate"][0].get_text() == "37,9% [20,7%; 57,7%]"
    assert faults(plot) == []
    with pytest.raises(InvalidArgument, match=r"labels\['studie'\] is not known.*did you mean 'study'"):
        fit.forest(labels={"studie": "x"})
    with pytest.raises(InvalidArgument, match="braces means nothing"):
        fit.forest(labels={"estimate": "{rat}"})
    assert set(find_style("lancet").words) <= set(WORDS)


def test_styles(fit, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('square = "#123456"\n[words]\nstudy = "Trial"\n')
    plot = fit.forest(style=path)
    assert plot.marks[0]["square"].get_markerfacecolor() == "#123456"
    assert plot.texts[-1, "study"][0].get_text() == "Trial"
    wrong = {
        "sqare = 1": "did you mean 'square'",
        "square = 'x y'": "colour",
        "a =": "TOML",
        "font_size = 99": "from 4 to 40",
        "marker = 'star'": "'diamond'",
    }
    for content, words in wrong.items():
        path.write_text(content)
        with pytest.raises(InvalidArgument, match=words):
            fit.forest(style=path)
    with pytest.raises(UnknownName, match="did you mean 'jama'"):
        fit.forest(style="jmaa")
    with pytest.raises(UnreadableFile):
        fit.forest(style=tmp_path / "none.toml")


def test_pages(tmp_path):
    many = mr.datasets.load("ursino2021")
    plot = many.forest(tmp_path / "long.png", page="A5", font_size=11)
    assert len(plot.pages) > 1
    assert sum(len(page.table.rows) for page in plot.pages) == len(many)
    for page in plot.pages:
        width, height = page.figure.get_size_inches()
        assert width * 25.4 == pytest.approx(148)
        assert height * 25.4 <= 210 + 1e-6
        assert faults(page) == []
    assert len(list(tmp_path.glob("long*.png"))) == len(plot.pages)
    whole = plot.save(tmp_path / "long.pdf").read_bytes()
    assert whole.count(b"/Type /Page\n") + whole.count(b"/Type /Page ") >= len(plot.pages)
    with pytest.raises(InvalidArgument, match="give one"):
        many.forest(page="A4", width=3)
    with pytest.raises(UnknownName, match="page='A9'"):
        many.forest(page="A9")


def test_axes_that_are_passed_in(zeros):
    figure = Figure(figsize=(12, 9))
    left, right = figure.subplots(1, 2)
    before = right.get_position().bounds
    plot = zeros.forest(ax=left)
    assert plot.axes is left
    assert plot.figure is figure
    assert right.get_position().bounds == before
    texts = [text for words in plot.texts.values() for text in words]
    edges = [text.get_window_extent().x1 / figure.bbox.width for text in texts]
    assert max(edges) <= before[0]
    with pytest.raises(InvalidArgument, match="ax=3"):
        zeros.forest(ax=3)


@pytest.mark.parametrize("ending", ["eps", "tiff", "tif"])
def test_print_formats(zeros, tmp_path, ending):
    plot = zeros.forest(width="120mm")
    first = plot.save(tmp_path / f"a.{ending}", dpi=600 if ending != "eps" else None).read_bytes()
    assert first == plot.save(tmp_path / f"b.{ending}", dpi=600 if ending != "eps" else None).read_bytes()
    assert first[:4] in (b"%!PS", b"II*\x00", b"MM\x00*")
    if ending != "eps":
        from PIL import Image

        with Image.open(tmp_path / f"a.{ending}") as picture:
            assert abs(picture.width - 120 / 25.4 * 600) <= 1
            assert round(float(picture.info["dpi"][0])) == 600


def test_alternative_text(zeros, tmp_path):
    plot = zeros.forest(title="Response & <safety>")
    assert plot.alt.startswith("Forest plot of 6 studies. Response & <safety>.")
    assert "Study 1: 0/20, 0.0% (0.0% to 16.8%)." in plot.alt
    content = plot.save(tmp_path / "a.svg").read_text(encoding="utf-8")
    assert 'aria-label="Forest plot of 6 studies. Response &amp; &lt;safety&gt;.' in content
    assert zeros.forest(alt="mine").alt == "mine"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"benchmarks": 0.2}, "did you mean 'benchmark'"),
        ({"benchmark": 20}, "benchmark=20"),
        ({"zones": {"x": (0.5, 0.2)}}, "below the second"),
        ({"left": ["yaer"]}, "did you mean 'year'"),
        ({"left": "year", "right": "year"}, "twice"),
        ({"formats": {"year": "d"}}, "formats"),
        ({"left": "year", "formats": {"year": ".q"}}, "does not fit"),
        ({"left": "year", "align": {"year": "middle"}}, "align"),
        ({"weights": "both"}, "weights='both'"),
        ({"prediction": "lin"}, "did you mean 'line'"),
        ({"spacing": "logti"}, "did you mean 'logit'"),
        ({"shrunken": "x"}, "shrunken"),
        ({"descending": True}, "sort="),
        ({"alt": 3}, "alt=3"),
    ],
)
def test_nothing_is_accepted_and_ignored(fit, options, words):
    with pytest.raises(InvalidArgument, match=words):
        fit.forest(**options)


def test_other_pictures(zeros, tmp_path):
    for size in ("n", "se"):
        found = funnel(zeros, size=size)
        picture = draw_funnel(found, tmp_path / "funnel.svg")
        points = np.concatenate([line.get_xdata() for line in picture.axes.lines if line.get_marker() == "o"])
        np.testing.assert_array_equal(np.sort(points), np.sort(found.x))
    assert draw_baujat(baujat(zeros)).alt.startswith("Baujat plot of 6")
    assert draw_drapery(drapery(zeros)).axes.get_xlim() == (0.0, 1.0)
    with pytest.raises(UnknownName):
        funnel(zeros, size="large")


def test_the_funnel_holds_its_levels():
    """Counts inside the contours have at least the level: summed one by one."""
    from scipy import stats

    found = funnel(mr.pool(events=[13, 4, 9], n=[18, 7, 15]))
    for i, level in enumerate(found.levels):
        for size, low, high in zip(found.sizes, found.low[i], found.high[i], strict=True):
            x = np.arange(int(size) + 1)
            inside = (x / size >= low - 1e-12) & (x / size <= high + 1e-12)
            assert stats.binom.pmf(x[inside], int(size), found.centre).sum() >= level - 1e-9


def test_drapery_crosses_the_level_at_the_limits(fit):
    found = drapery(fit)
    ci = mr.binomial_ci(fit.studies.events, fit.studies.n)
    inside = found.pvalues > 0.05
    for i in range(fit.k):
        at = found.rates[inside[i]]
        assert ci.low[i] <= at.min() <= ci.low[i] + 0.003
        assert ci.high[i] - 0.003 <= at.max() <= ci.high[i]


def test_an_axis_may_be_drawn_without_any_study():
    assert draw_forest(mr.datasets.load("debruin2009").forest().table).dpi is None
