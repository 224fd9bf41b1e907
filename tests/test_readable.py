"""Labels and names from files are text wherever they are shown: terminal, error, figure, page."""

import copy
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metaresp as mr
from metaresp.errors import MetaRespError, option
from metaresp.plots.output import rendered
from metaresp.readable import readable


@given(st.text())
def test_readable_text(text):
    shown = readable(text)
    assert len(shown) == len(text)
    assert readable(shown) == shown
    shown.encode("utf-8")
    allowed = {"\t", "\n"}
    for before, after in zip(text, shown, strict=True):
        assert after == before or not before.isprintable()
        assert after in allowed or ord(after) >= 32


def test_every_control_is_replaced_and_every_letter_kept():
    controls = [chr(i) for i in [*range(32), *range(127, 160)] if chr(i) not in "\t\n"]
    turns = list("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    others = ["\ufffe", "\uffff", "\ufdd0", "\U0001ffff", "\ud800", "\udfff", "\u2028"]
    assert readable("".join([*controls, *turns, *others])).strip("\ufffd") == ""
    letters = "".join(chr(i) for i in range(sys.maxunicode) if chr(i).isalnum() or chr(i).isprintable())
    assert readable(letters) == letters


# One of each kind that a terminal obeys, that turns the order of reading round, or that XML does not allow.
NO_TEXT = "\x00\x1b\x07\x9b\u202e\u2066\uffff\ufffe\ud800\U0010ffff"


@pytest.fixture(scope="module")
def studies():
    labels = [f"{letter}{NO_TEXT}<&>" for letter in "ABCD"]
    columns = {f"do{NO_TEXT}se": labels, "region": labels, f"centre{NO_TEXT}": list("aabb")}
    plain = mr.Studies([1, 9, 6, 12], [14, 22, 30, 25], list("abcd"), columns)
    held = copy.copy(plain)
    object.__setattr__(held, "study", tuple(labels))  # as they are, whatever reading makes of them
    return held


def assert_readable(text):
    assert readable(text) == text
    text.encode("utf-8")


def test_what_is_printed(studies):
    fit = mr.pool(studies)
    nested = mr.pool(studies[[0, 1, 2, 3]], cluster="centre" + NO_TEXT)
    for shown in (fit, nested, fit.summary(), mr.subgroups(fit, "region"), mr.binomial_ci(1, 9), studies):
        assert_readable(str(shown))
    assert_readable(fit._repr_html_())
    assert "A\ufffd" in str(fit)


def test_errors(studies):
    with pytest.raises(MetaRespError) as caught:
        studies.sort_by(NO_TEXT)
    assert_readable(str(caught.value))
    error = MetaRespError(f"{NO_TEXT}: {option('missing', 'drop')}")
    assert_readable(str(error))
    assert_readable(error.in_flags())
    assert str(error).endswith("missing='drop'")
    assert error.in_flags().endswith("--missing drop")


@pytest.mark.parametrize("ending", ["svg", "pdf", "png", "eps", "tiff"])
def test_figures(studies, tmp_path, ending):
    fit = mr.pool(studies)
    studies.forest(tmp_path / f"a.{ending}", title=NO_TEXT, alt=NO_TEXT)
    mr.baujat(fit).plot(tmp_path / f"b.{ending}")
    if ending == "svg":
        columns = ["study", f"do{NO_TEXT}se", "events"]
        words = {"title": NO_TEXT, "axis_label": NO_TEXT, "alt": NO_TEXT}
        fit.forest(tmp_path / "c.svg", left=columns, by="region", **words)
        for path in tmp_path.iterdir():
            ElementTree.parse(path)
            assert_readable(path.read_text(encoding="utf-8"))
        assert "A\ufffd" in (tmp_path / "a.svg").read_text(encoding="utf-8")


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=12))
def test_any_label_gives_well_formed_svg(label):
    table = mr.Studies([1, 2], [8, 9], [label, "b"])
    figure = table.forest(title=label).figure
    ElementTree.fromstring(rendered([figure], "svg", title=label, alt=label))
