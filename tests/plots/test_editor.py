"""What an editor sends back: split counts, unnamed groups, torn groups, endless decimals, cropped legends."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import metaresp as mr
from metaresp.errors import InvalidArgument, UnknownName
from metaresp.plots.settings import plain_settings
from metaresp.plots.style import Style, style_names
from metaresp.present.forest_rows import forest_rows
from metaresp.present.rates import SCALES, limit_text
from tests.plots.geometry import faults


@pytest.fixture(scope="module")
def studies():
    return mr.Studies(
        [0, 0, 0, 4, 5, 18],
        [20, 31, 9, 20, 22, 18],
        covariates={"dose_level": [1, 1, 1, 2, 2, 2], "total": list("abcdef")},
    )


@pytest.fixture(scope="module")
def fit(studies):
    return mr.pool(studies)


def keys(plot):
    return [column.key for column in plot.table.columns]


def test_counts_in_one_column_in_two_or_in_none(fit):
    assert keys(fit.forest())[:2] == ["study", "events"]
    two = fit.forest(counts="split", by="dose_level", left="total")
    assert keys(two)[:4] == ["study", "covariate total", "responders", "total"]
    assert [two.table.rows[1].text(key) for key in ("responders", "total")] == ["0", "20"]
    assert [two.table.rows[-2].text(key) for key in ("responders", "total")] == ["27", "120"]
    assert "0/20" in two.alt
    assert faults(two) == []
    assert "events" not in keys(fit.forest(counts=None))
    assert keys(fit.forest(style="revman"))[1:3] == ["responders", "total"]
    assert keys(fit.forest(style="revman", counts="joined"))[1] == "events"
    assert keys(fit.forest(style=Style(counts="split")))[1] == "responders"
    assert keys(fit.studies.forest(counts="split"))[1] == "responders"
    with pytest.raises(UnknownName, match="did you mean 'split'"):
        fit.forest(counts="splt")
    with pytest.raises(InvalidArgument, match="counts = 'none'"):
        fit.forest(style=Style(counts="none"))


def test_a_group_is_named_with_what_it_is_of(fit):
    headings = [row.label for row in fit.forest(by="dose_level").table.rows if row.kind == "heading"]
    assert headings == ["Dose level: 1", "Dose level: 2"]
    plain = fit.forest(by="dose_level", labels={"group": "{group}"})
    assert [row.label for row in plain.table.rows if row.kind == "heading"] == ["1", "2"]


def test_subtotals_are_bold(fit):
    plot = fit.forest(by="dose_level")
    row = next(i for i, row in enumerate(plot.table.rows) if row.kind == "subtotal")
    assert plot.texts[row, "rate"][0].get_fontweight() == "bold"
    assert faults(plot) == []


@pytest.mark.parametrize("font_size", [10, pytest.param(12, marks=pytest.mark.slow)])
def test_no_page_tears_a_group(font_size):
    n = np.arange(48) % 17 + 8
    studies = mr.Studies(n // 3, n, covariates={"region": [f"R{i // 8}" for i in range(48)]})
    many = mr.pool(studies, model="common")
    plot = many.forest(by="region", page="A5", font_size=font_size)
    assert len(plot.pages) > 1
    for page in plot.pages:
        assert page.table.rows[-1].kind != "heading"
        assert faults(page, dpi=100) == []
    for page in plot.pages[1:]:
        assert page.table.rows[0].kind in {"study", "heading", "pooled"}
    assert sum(len(page.table.rows) for page in plot.pages) == len(many.forest(by="region").table.rows)


def test_models_are_named_by_what_differs(studies):
    first, second = mr.pool(studies), mr.pool(studies, model="inverse-variance")
    third = mr.pool(studies, model="inverse-variance", tau2="DL")
    labels = [row.label for row in forest_rows(first, also=second).rows if row.kind == "pooled"]
    assert labels == ["Random effects (binomial-normal)", "Random effects (inverse variance)"]
    heads = [column.title for column in forest_rows(first, also=second, weights="all").columns]
    assert heads[-2:] == ["Weight, binomial-normal", "Weight, inverse variance"]
    common = mr.pool(studies, model="common")
    heads = [column.title for column in forest_rows(first, also=common, weights="all").columns]
    assert heads[-2:] == ["Weight, Random effects", "Weight, Exact binomial on the totals"]
    labels = [row.label for row in forest_rows(second, also=third).rows if row.kind == "pooled"]
    assert labels[0] == "Random effects (inverse variance, logit, τ² REML)"
    assert labels[1] == "Random effects (inverse variance, logit, τ² DL)"
    assert [row.label for row in forest_rows(first).rows if row.kind == "pooled"] == ["Random effects"]


def test_the_words_of_the_model_and_of_the_intervals_are_replaceable(studies):
    labels = {
        "binomial_normal": "Binomial-Normal",
        "link": "Verknüpfung",
        "exact_interval": "exakt ({name})",
        "inverse_variance": "inverse Varianz",
    }
    notes = " ".join(forest_rows(mr.pool(studies), labels=labels).notes)
    assert "Binomial-Normal, logit Verknüpfung" in notes
    assert "exakt (Clopper-Pearson)" in notes
    notes = " ".join(forest_rows(mr.pool(studies, model="inverse-variance"), labels=labels).notes)
    assert "inverse Varianz, logit, τ² REML" in notes


@pytest.mark.parametrize(
    ("rate", "decimals", "words"),
    [
        (0.0, 1, "0.0%"),
        (0.0004, 1, "0.04%"),
        (2e-10, 1, "<0.001%"),
        (0.99999, 1, "99.999%"),
        (0.9999999, 1, ">99.999%"),
        (1.0, 1, "100.0%"),
        (0.5, 0, "50%"),
        (1e-9, 9, "0.000000100%"),
    ],
)
def test_limits_have_an_end(rate, decimals, words):
    assert limit_text(rate, SCALES["percent"], decimals) == words


def in_view(axis):
    """Return the labels of the ticks that are drawn: matplotlib keeps some beyond the limits."""
    low, high = sorted(axis.get_view_interval())
    slack = 1e-9 * (high - low)
    return [tick.label1 for tick in axis.get_major_ticks() if low - slack <= tick.get_loc() <= high + slack]


def leaving(figure):
    """Return the texts that leave the canvas."""
    with plain_settings():
        figure.draw_without_rendering()
        renderer = FigureCanvasAgg(figure).get_renderer()
        texts = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
        for axes in figure.axes:
            texts += [*axes.texts, axes.xaxis.label, axes.yaxis.label]
            texts += in_view(axes.xaxis) + in_view(axes.yaxis)
        boxes = {text.get_text(): text.get_window_extent(renderer) for text in texts if text.get_text()}
    edge = figure.bbox
    return [
        words
        for words, box in boxes.items()
        if box.x0 < edge.x0 - 1 or box.y0 < edge.y0 - 1 or box.x1 > edge.x1 + 1 or box.y1 > edge.y1 + 1
    ]


@pytest.mark.parametrize("name", ["pritz1997", "crisafulli2020", "hannum2020"])
@pytest.mark.parametrize("width", [2.6, pytest.param(5.0, marks=pytest.mark.slow)])
def test_the_other_pictures_are_not_cropped(name, width):
    fit = mr.pool(mr.datasets.load(name))
    rows = [mr.funnel(fit), mr.funnel(fit, size="se"), mr.baujat(fit), mr.drapery(fit, points=101)]
    for row in rows:
        assert leaving(row.plot(width=width).figure) == []


@pytest.mark.parametrize("style", style_names())
def test_the_other_pictures_in_every_style(fit, style):
    for row in (mr.funnel(fit), mr.baujat(fit), mr.drapery(fit, points=101)):
        assert leaving(row.plot(style=style).figure) == []


def test_names_in_a_baujat_plot_touch_nothing():
    fit = mr.pool(mr.datasets.load("hannum2020"))
    picture = mr.baujat(fit).plot()
    picture.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in picture.axes.texts]
    assert len(boxes) > 3
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    left = picture.axes.get_window_extent().x0
    assert all(box.x0 >= left for box in boxes)


def test_every_curve_of_a_drapery_has_its_peak():
    found = mr.drapery(mr.pool(mr.datasets.load("crisafulli2020")))
    assert found.rates.max() < 0.005
    assert found.pvalues.max(axis=1).min() == 1.0
    assert found.pooled.max() == pytest.approx(1.0, abs=1e-5)  # the root of a fall of 1e-12


def test_an_interval_comparison_of_a_rare_event_tells_its_limits_apart(tmp_path):
    plot = mr.compare_methods(1, 100_000).plot(tmp_path / "a.svg")
    assert "0.0010% (0.00003% to 0.0056%)" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert faults(plot) == []
