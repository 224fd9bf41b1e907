"""Nothing leaves the canvas and no two texts touch, whatever is drawn."""

import re
from contextlib import nullcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metaresp as mr
from metaresp.errors import InvalidArgument
from metaresp.plots.forest import draw_forest, forest_studies
from tests.plots.conftest import FONTS
from tests.plots.geometry import faults
from tests.plots.rows import table

pytestmark = pytest.mark.parametrize("font", FONTS, indirect=True, scope="module")

SCRIPTS = {
    "latin": "Prospective randomised trial of mesenchymal stem cells ",
    "greek": "Προοπτική τυχαιοποιημένη μελέτη ",
    "cyrillic": "Проспективное рандомизированное исследование ",
    "chinese": "前瞻性随机临床研究 干细胞",
    "unbroken": "Donaudampfschifffahrtsgesellschaftskapitän",
    "wide": "WWWW MMMM ",
    "symbols": "$x_1^2$ \\alpha {a} & <b> % #\t\n ",
}
NOTES = (
    "Heterogeneity: τ² = 0.589; I² = 67.6%; Pearson's X² = 48.31, df = 13, p < 0.001",
    "A sentence. " * 30,
)


def label(script, length):
    return (SCRIPTS[script] * (1 + length // len(SCRIPTS[script])))[:length]


def test_a_hundred_studies_with_labels_of_eighty_characters():
    labels = [f"{i} {label('latin', 80)}"[:80] for i in range(100)]
    plot = draw_forest(table(labels, notes=NOTES, title=label("latin", 100)), dpi=100)
    assert faults(plot) == []
    assert [row.label for row in plot.table.rows[:100]] == labels
    for row, words in enumerate(labels):
        assert " ".join(text.get_text() for text in plot.texts[row, "study"]) == words.strip()


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("length", [1, 30, 120])
def test_scripts_and_lengths(script, length):
    plot = draw_forest(table([label(script, length)] * 3, title=label(script, length), notes=NOTES))
    assert faults(plot) == []


@pytest.mark.parametrize("name", ["pritz1997", "crisafulli2020", "ursino2021", "hannum2020", "debruin2009"])
@pytest.mark.parametrize("width", [None, "115mm", 12])
def test_shipped_data(name, width):
    plot = mr.pool(mr.datasets.load(name)).forest(width=width)
    assert faults(plot) == []


@pytest.mark.parametrize("dpi", [72, 100])
def test_drawn_by_the_user_with_letters_moved_to_whole_pixels(dpi):
    plot = draw_forest(table([label("latin", 110), "Xu"], notes=NOTES, title=label("latin", 90)))
    assert faults(plot, dpi, settings=nullcontext) == []


def test_missing_studies_alone():
    plot = forest_studies(mr.datasets.load("lupus_cohorts"))
    assert faults(plot) == []
    for row, marks in zip(plot.table.rows, plot.marks, strict=True):
        assert (row.text("rate") == "not reported") == (marks == {}) == (row.kind == "missing")
    assert [row.kind for row in plot.table.rows].count("missing") == len(plot.table.rows) - 1


@pytest.mark.parametrize("sides", [(), ("study",), ("study", "events"), ("rate", "weight"), ("events",)])
def test_any_columns(sides):
    whole = table(["Xu", "Li"])
    columns = tuple(column for column in whole.columns if column.key in sides)
    plot = draw_forest(table(["Xu", "Li"], columns=columns))
    assert faults(plot) == []


LABELS = [label("latin", length) for length in (3, 60, 120)]


@pytest.mark.parametrize("width", ["105mm", "130mm", "210mm", 14])
def test_a_width_is_kept(width):
    plot = draw_forest(table(LABELS, notes=NOTES), width=width)
    inches = width if isinstance(width, int) else float(width[:-2]) / 25.4
    assert plot.figure.get_size_inches()[0] == pytest.approx(inches, abs=1e-9)
    assert faults(plot) == []


@pytest.mark.parametrize("labels", [["Xu"], LABELS], ids=["short", "long"])
def test_a_width_that_no_font_fits_is_refused_with_the_least_that_does(labels):
    with pytest.raises(InvalidArgument, match=r"too narrow .* at least \d+\.\d\d inches are needed") as error:
        draw_forest(table(labels, notes=NOTES), width="40mm")
    least = float(re.search(r"at least ([\d.]+) inches", str(error.value))[1])
    assert faults(draw_forest(table(labels, notes=NOTES), width=least)) == []
    with pytest.raises(InvalidArgument, match="too narrow"):
        draw_forest(table(labels, notes=NOTES), width=least - 0.02)


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Co", "Cn"], max_codepoint=0x30FF),
    min_size=1,
    max_size=120,
)


@settings(max_examples=20, deadline=None)
@given(
    labels=st.lists(st.one_of(WORDS, st.sampled_from(sorted(SCRIPTS.values()))), min_size=1, max_size=6),
    seed=st.integers(0, 10**6),
    pooled=st.booleans(),
    width=st.sampled_from([None, "120mm", "180mm"]),
)
def test_random_figures(labels, seed, pooled, width):
    plot = draw_forest(
        table(labels, seed=seed, pooled=pooled, title=labels[0], notes=(labels[-1],)), width=width
    )
    assert faults(plot, dpi=100) == []


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(
    count=st.integers(1, 200),
    script=st.sampled_from(sorted(SCRIPTS)),
    length=st.integers(1, 120),
    seed=st.integers(0, 10**6),
)
def test_up_to_two_hundred_studies(count, script, length, seed):
    assert faults(draw_forest(table([label(script, length)] * count, seed=seed)), dpi=100) == []


def test_the_checker_sees_faults():
    plot = draw_forest(table(["Xu", "Li"]))
    text = plot.texts[0, "study"][0]
    x, y = text.get_position()
    text.set_position((x, y - 10))
    assert any("'Xu' touches 'Li'" in fault for fault in faults(plot))
    text.set_position((-20, y))
    assert any("'Xu'" in fault and "leaves the canvas" in fault for fault in faults(plot))
    text.set_position((x, y))
    assert faults(plot) == []
    mark = plot.marks[0]["square"]
    mark.set_markersize(400)
    assert any("touches the square of row 0" in fault for fault in faults(plot))


def test_columns_are_aligned():
    plot = draw_forest(table(["Xu", "Li", "Müller"]))
    renderer = plot.figure.canvas.get_renderer()
    plot.figure.draw_without_rendering()

    def ends(key, side):
        cells = [plot.texts[row, key][0] for row in range(3)]
        return [getattr(cell.get_window_extent(renderer), side) for cell in cells]

    assert max(ends("study", "x0")) - min(ends("study", "x0")) < 1.5
    assert max(ends("weight", "x1")) - min(ends("weight", "x1")) < 1.5
