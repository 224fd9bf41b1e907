"""Fonts of PDF files: outlines and code points alone, the same bytes kept or made anew."""

import io
import re
import threading
import zlib

import matplotlib
import pytest
from fontTools.ttLib import TTFont
from matplotlib.backends import _backend_pdf_ps as backend
from matplotlib.figure import Figure

import metaresp as mr
from metaresp.plots import embedded
from metaresp.plots.embedded import UNUSED, light_fonts
from metaresp.plots.output import rendered
from metaresp.plots.settings import OF_THE_PROCESS, SETTINGS, plain_settings

PARTS = ("get_glyphs_subset", "font_as_file", "subset")
pytestmark = pytest.mark.skipif(
    not hasattr(backend, "font_as_file"), reason="this matplotlib makes its subsets in another way"
)


@pytest.fixture(scope="module")
def figure():
    return mr.pool(events=[13, 4, 9], n=[18, 7, 15]).forest(title="Überleben ≥ 3 – Ж").figure


def streams(content):
    found = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, flags=re.DOTALL)
    return [zlib.decompress(part) for part in found if part.startswith(b"x")]


def fonts(content):
    return [TTFont(io.BytesIO(part)) for part in streams(content) if part.startswith(b"\x00\x01\x00\x00")]


def plain(figure):
    """Return the file as matplotlib alone makes it."""
    buffer = io.BytesIO()
    with plain_settings():
        figure.savefig(buffer, format="pdf", metadata={"CreationDate": None})
    return buffer.getvalue()


def test_same_bytes_from_a_kept_font_and_from_a_new_one(figure):
    embedded._KEPT.clear()
    first = rendered([figure], "pdf")
    assert embedded._KEPT
    assert rendered([figure], "pdf") == first
    embedded._KEPT.clear()
    assert rendered([figure], "pdf") == first


def test_fonts_hold_outlines_and_no_layout(figure):
    ours, theirs = fonts(rendered([figure], "pdf")), fonts(plain(figure))
    assert len(ours) == len(theirs) > 0
    for font in ours:
        assert "glyf" in font
        assert not set(UNUSED) & set(font.keys())
    assert any(set(UNUSED) & set(font.keys()) for font in theirs)


def test_text_is_found_as_before(figure):
    def words(content):
        return [part for part in streams(content) if b"beginbfrange" in part]

    assert words(rendered([figure], "pdf")) == words(plain(figure))


def test_pages_of_one_file_have_light_fonts_too(figure):
    found = fonts(rendered([figure, figure], "pdf"))
    assert found
    assert not any(set(UNUSED) & set(font.keys()) for font in found)


def test_only_as_many_are_kept(figure, monkeypatch):
    monkeypatch.setattr(embedded, "MOST_KEPT", 1)
    embedded._KEPT.clear()
    rendered([figure], "pdf")
    assert len(embedded._KEPT) == 1


def test_matplotlib_is_left_as_it_was(figure):
    before = [getattr(backend, name) for name in PARTS]
    rendered([figure], "pdf")
    with pytest.raises(ZeroDivisionError), plain_settings(), light_fonts():
        raise ZeroDivisionError
    assert [getattr(backend, name) for name in PARTS] == before


def test_files_of_other_threads_are_left_as_they_are():
    def draw():
        own = Figure()
        own.text(0.1, 0.1, "Study")
        own.savefig(buffer, format="pdf")

    buffer = io.BytesIO()
    with plain_settings(), light_fonts():
        other = threading.Thread(target=draw)
        other.start()
        other.join()
    assert any(set(UNUSED) & set(font.keys()) for font in fonts(buffer.getvalue()))


def test_settings_are_the_own_ones_of_matplotlib():
    other = {"lines.linewidth": 7.0, "axes.grid": True, "timezone": "Europe/Berlin"}
    with matplotlib.rc_context(other):
        with plain_settings():
            mine = dict(dict.items(matplotlib.rcParams))
        assert all(matplotlib.rcParams[name] == value for name, value in other.items())
        matplotlib.rcdefaults()
        own = dict(dict.items(matplotlib.rcParams)) | SETTINGS
    assert set(matplotlib.rcParamsDefault) - set(own) <= OF_THE_PROCESS
    assert mine["timezone"] == "Europe/Berlin"
    kept = own.keys() - OF_THE_PROCESS
    assert len(kept) > 250
    assert {name: mine[name] for name in kept} == {name: own[name] for name in kept}
