"""Files: formats, embedded fonts, the same bytes twice, whole or not at all."""

import os
import re
import zlib

import pytest
from matplotlib.figure import Figure

import metaresp as mr
from metaresp.errors import InvalidArgument, UnreadableFile
from metaresp.plots.forest import draw_forest
from metaresp.plots.output import save_figures
from tests.plots.rows import table


@pytest.fixture(scope="module")
def plot():
    return mr.pool(mr.datasets.load("pritz1997")).forest(title="Müller & <b>")


MAGIC = {"png": b"\x89PNG\r\n", "pdf": b"%PDF-1", "svg": b"<?xml"}


@pytest.mark.parametrize("ending", ["png", "pdf", "svg", "PDF"])
def test_formats_and_the_same_bytes_twice(plot, tmp_path, ending):
    first, second = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    assert plot.save(first) == first
    draw_forest(plot.table, second)
    assert first.read_bytes().startswith(MAGIC[ending.lower()])
    assert first.read_bytes() == second.read_bytes()
    assert sorted(os.listdir(tmp_path)) == [first.name, second.name]


def test_resolution(plot, tmp_path):
    width = plot.figure.get_size_inches()[0]
    content = plot.save(tmp_path / "a.png", dpi=300).read_bytes()
    assert abs(int.from_bytes(content[16:20], "big") - 300 * width) <= 1
    with pytest.raises(InvalidArgument, match="dpi=0"):
        plot.save(tmp_path / "b.png", dpi=0)


def test_too_many_pixels(tmp_path):
    figure = Figure(figsize=(4, 120))
    with pytest.raises(InvalidArgument, match=r"at most 546 dots per inch, or a \.pdf or \.svg"):
        save_figures([figure], tmp_path / "a.png", 600)


def test_svg_has_text_as_text(plot, tmp_path):
    content = plot.save(tmp_path / "a.svg").read_text(encoding="utf-8")
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", content)
    for words in (
        "Müller &amp; &lt;b&gt;",
        "16/17",
        "94.1% (71.3% to 99.9%)",
        "79.8% (69.1% to 89.6%)",
        "100%",
    ):
        assert words in texts
    assert content.count(", Arial, Helvetica, sans-serif") == content.count("<text ")


def test_svg_labels_are_left_alone(tmp_path):
    words = 'style="font: x" font-family: y'
    content = (
        draw_forest(table([words]), tmp_path / "a.svg").save(tmp_path / "b.svg").read_text(encoding="utf-8")
    )
    assert words in re.findall(r"<text[^>]*>([^<]*)</text>", content)


def test_pdf_has_its_fonts_as_truetype(plot, tmp_path):
    content = plot.save(tmp_path / "a.pdf").read_bytes()
    assert b"/CIDFontType2" in content
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
    assert b"CreationDate" not in content
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, flags=re.DOTALL)
    assert any(b"BT" in zlib.decompress(s) for s in streams if s.startswith(b"x"))


def test_an_existing_file_is_replaced(plot, tmp_path):
    path = tmp_path / "a.png"
    path.write_text("old")
    plot.save(path)
    assert path.read_bytes().startswith(MAGIC["png"])


def test_missing_folder_and_folder_for_a_file(plot, tmp_path):
    with pytest.raises(UnreadableFile, match="there is no folder"):
        plot.save(tmp_path / "nowhere" / "a.png")
    (tmp_path / "a.png").mkdir()
    with pytest.raises(UnreadableFile, match="is a folder"):
        plot.save(tmp_path / "a.png")


def test_nothing_is_left_when_writing_fails(plot, tmp_path, monkeypatch):
    path = tmp_path / "a.svg"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UnreadableFile, match="No space left on device"):
        plot.save(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.svg"]


def test_notebook_picture(plot):
    assert plot._repr_png_().startswith(MAGIC["png"])
    assert repr(plot).startswith("<ForestPlot: 16 rows")


def test_a_picture_drawn_by_the_user_has_no_warning():
    plot = draw_forest(table(["Xu", "Li"]))
    plot.figure.canvas.draw()
