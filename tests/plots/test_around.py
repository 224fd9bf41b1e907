"""Pictures of leave-one-out, cumulative and influence analyses: nothing cropped, the record's numbers."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import metaresp as mr
from metaresp.errors import InvalidArgument, UnknownName
from metaresp.plots.style import style_names
from metaresp.present.answers import answer_rows
from tests.plots.geometry import PIXELS, faults

LONG = "A multicentre randomised study of many words and of $x_1$, "


def studies(k, seed=1):
    random = np.random.default_rng(seed)
    n = random.integers(4, 60, k)
    labels = [f"{LONG * (i % 3 == 0)}Trial {i}" for i in range(k)]
    covariates = {"year": [None if i == 1 else int(random.integers(1990, 2024)) for i in range(k)]}
    return mr.Studies(random.binomial(n, 0.3), n, labels, covariates)


@pytest.fixture(scope="module")
def fit():
    return mr.pool(studies(9), outcome="adverse events")


def test_rows_are_the_fits(fit):
    found = mr.leave_one_out(fit)
    table = answer_rows(found)
    assert [row.kind for row in table.rows] == ["estimate"] * 9 + ["pooled"]
    assert [row.rate for row in table.rows] == [*found.rate, fit.rate]
    assert [row.low for row in table.rows[:-1]] == found.low.tolist()
    assert table.rows[-1].text("k") == "9"
    assert table.axis_label == "Rate of adverse events"
    mean = answer_rows(found, of="mean")
    assert [row.high for row in mean.rows] == [*found.mean_high, fit.mean_rate_ci.high]
    assert "value" not in {column.key for column in table.columns}
    grown = answer_rows(mr.cumulative(fit, by="year"), prediction="bar")
    assert [row.text("value") for row in grown.rows[:2]] == list(
        map(str, mr.cumulative(fit, by="year").value[:2])
    )
    assert grown.rows[-1].kind == "prediction"


@pytest.mark.parametrize("style", style_names())
def test_forests_have_no_fault(fit, style):
    options = {"style": style, "benchmark": 0.2, "title": "Without one study"}
    assert not faults(mr.leave_one_out(fit).plot(**options))
    assert not faults(mr.cumulative(fit, by="year").forest(width="140mm", **options))


def test_other_options_are_refused(fit):
    with pytest.raises(InvalidArgument, match="no such option"):
        mr.leave_one_out(fit).plot(weights=False)
    with pytest.raises(UnknownName, match="of='median'"):
        mr.leave_one_out(fit).plot(of="median")


def test_alt_counts_fits_not_studies(fit):
    assert mr.leave_one_out(fit).plot().alt.startswith("Forest plot of 10 estimates.")


def leaving(figure):
    """Texts that leave the canvas."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    size = figure.bbox.extents
    texts = [axes._left_title for axes in figure.axes]
    for axes in figure.axes:
        low, high = axes.get_xlim()
        ticks = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
        texts += [text for at, text in ticks if low <= at <= high]
    texts += [text for axes in figure.axes for text in axes.get_yticklabels() if text.get_visible()]
    boxes = [(text.get_text(), text.get_window_extent(renderer).extents) for text in texts if text.get_text()]
    return [
        words
        for words, box in boxes
        if (box[:2] < size[:2] - PIXELS).any() or (box[2:] > size[2:] + PIXELS).any()
    ]


@pytest.mark.parametrize("k", [3, 14, 70])
@pytest.mark.parametrize("width", ["85mm", "170mm"])
def test_influence_stays_on_its_sheet(k, width, tmp_path):
    found = mr.influence(mr.pool(studies(k)))
    picture = found.plot(tmp_path / "influence.png", width=width)
    assert not leaving(picture.figure)
    assert len(picture.figure.axes) == 8
    assert picture.figure.get_size_inches()[0] == pytest.approx(float(width[:-2]) / 25.4)


def test_influence_shows_every_study_and_marks_the_influential():
    found = mr.influence(mr.pool(events=[5, 6, 4, 5, 7, 20], n=[20] * 6))
    picture = found.plot()
    axes = picture.figure.axes[1]
    drawn = [line for line in axes.lines if line.get_marker() in {"o", "D"}]
    assert sorted(value for line in drawn for value in line.get_xdata()) == sorted(found.dffits)
    (marked,) = (line for line in drawn if line.get_marker() == "D")
    assert marked.get_ydata().tolist() == [5]
    assert "Influential: Study 6." in picture.alt


def test_influence_leaves_out_what_is_not_known():
    found = mr.influence(mr.pool(events=[0, 0, 4, 0], n=[9, 8, 7, 20], model="beta-binomial"))
    titles = [axes._left_title.get_text() for axes in found.plot(style="dark").figure.axes]
    assert "ρ without" in titles
    assert "τ² without" not in titles


@pytest.mark.parametrize("width", ["85mm", "170mm"])
def test_influence_of_many_studies_fits_a_page_and_names_what_there_is_room_for(width):
    events = [9] * 5 + [0] * 60
    found = mr.influence(mr.pool(events=events, n=[10] * 65, model="inverse-variance"))
    picture = found.plot(width=width)
    assert picture.figure.get_size_inches()[1] <= 10.001
    assert not leaving(picture.figure)
    axes = picture.figure.axes[0]
    renderer = FigureCanvasAgg(picture.figure).get_renderer()
    boxes = [label.get_window_extent(renderer) for label in axes.get_yticklabels()]
    assert len(boxes) == len(axes.get_yticks()) > 0
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_values_that_differ_by_rounding_have_no_axis_of_their_own():
    found = mr.influence(mr.pool(events=[13, 4, 9], n=[18, 7, 15]))
    panels = {axes._left_title.get_text(): axes for axes in found.plot().figure.axes}
    low, high = panels["τ² without"].get_xlim()
    assert low < -0.1
    assert high > 0.1
