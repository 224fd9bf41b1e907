"""Published tables as R writes them: read without an option where the columns allow one reading."""

import json
from pathlib import Path

import pytest

import metaresp as mr
from metaresp.errors import MetaRespError

HERE = Path(__file__).parent / "metadat"
EXPECTED = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
FORMS = (".csv", "_plain.csv", "_csv2.csv", "_table.txt", "_tabs.txt")
#: Heads that say nothing of events to a reader who does not know the study: a question is right too.
UNSAID = {"baker2009": "exac, short for exacerbations"}


def counts(studies):
    return studies.events.tolist(), studies.n.tolist()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", EXPECTED)
def test_a_table_of_single_groups_is_read_without_an_option(name, form):
    expected = EXPECTED[name]["events"], EXPECTED[name]["n"]
    path = HERE / f"{name}{form}"
    try:
        studies = mr.read_studies(path)
    except MetaRespError:
        if name not in UNSAID:
            raise
        events, n = EXPECTED[name]["columns"]
        studies = mr.read_studies(path, events=events, n=n)
    assert counts(studies) == expected


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", EXPECTED)
def test_columns_that_are_named_are_the_columns_read(name, form):
    events, n = EXPECTED[name]["columns"]
    studies = mr.read_studies(HERE / f"{name}{form}", events=events, n=n)
    assert counts(studies) == (EXPECTED[name]["events"], EXPECTED[name]["n"])


@pytest.mark.parametrize("path", sorted((HERE / "others").iterdir()), ids=lambda path: path.stem)
def test_a_table_of_no_single_group_is_asked_about(path):
    with pytest.raises(MetaRespError) as caught:
        mr.read_studies(path)
    text = str(caught.value)
    assert path.name in text
    assert "\n" not in text
