"""The shipped data: equal to the reference copies, cited, and read without pandas."""

import csv
import json
from pathlib import Path

import pytest

import metaresp as mr
from metaresp.errors import UnknownName

REFERENCE = Path(__file__).parent / "reference" / "data"
NAMES = [
    "aplastic_anemia",
    "baeten2013",
    "crisafulli2020",
    "debruin2009",
    "hannum2020",
    "lupus_cohorts",
    "pritz1997",
    "ursino2021",
]
# studies, events, patients
TOTALS = {"pritz1997": (14, 246, 326), "baeten2013": (8, 127, 513), "aplastic_anemia": (4, 24, 55)}


def test_names():
    assert mr.datasets.names() == NAMES
    shipped = sorted(path.stem for path in mr.datasets.path("pritz1997").parent.glob("*.csv"))
    assert shipped == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_is_read_and_cited(name):
    studies = mr.datasets.load(name)
    with mr.datasets.path(name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(studies) + len(studies.excluded) == len(rows)
    known = [row for row in rows if row["events"]]
    assert studies.events.tolist() == [int(row["events"]) for row in known]
    assert studies.n.tolist() == [int(row["n"]) for row in known]
    assert studies.study == tuple(row["study"] for row in known)
    assert list(studies.covariates) == [
        column for column in rows[0] if column not in ("study", "events", "n")
    ]
    assert len(mr.datasets.citation(name)) > 100
    assert mr.Studies.from_dict(json.loads(studies.to_json())) == studies


@pytest.mark.parametrize("name", sorted(path.stem for path in REFERENCE.glob("*.csv")))
def test_equal_to_the_reference_copy(name):
    assert mr.datasets.path(name).read_text(encoding="utf-8") == (REFERENCE / f"{name}.csv").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("name", TOTALS)
def test_totals(name):
    studies = mr.datasets.load(name)
    assert (len(studies), studies.events.sum(), studies.n.sum()) == TOTALS[name]


def test_aplastic_anemia():
    studies = mr.datasets.load("aplastic_anemia")
    assert list(zip(studies.events.tolist(), studies.n.tolist(), strict=True)) == [
        (13, 18),
        (4, 7),
        (7, 12),
        (0, 18),
    ]
    assert set(studies.covariates["patients"]) == {"same 18 patients"}
    assert "must not be pooled" in mr.datasets.citation("aplastic_anemia")
    from metaresp.percent import check_percent

    assert check_percent("72.2%", 18).tolist() == [13]


def test_of_the_lupus_reports_one_has_a_count():
    studies = mr.datasets.load("lupus_cohorts")
    assert (studies.events.tolist(), studies.n.tolist()) == ([0], [2])
    assert [item.n for item in studies.excluded] == [15, 16, 4, 35, 87, 58, 40, 81]
    assert all(item.events is None for item in studies.excluded)
    with pytest.raises(mr.InvalidStudies, match="row 2, column 'events': events are missing"):
        mr.read_studies(mr.datasets.path("lupus_cohorts"))
    largest = studies.largest_per("centre")
    assert [item.n for item in largest.excluded if item.reason == "events are missing"] == [87]


def test_unknown_names():
    for call in (mr.datasets.load, mr.datasets.path, mr.datasets.citation):
        with pytest.raises(
            UnknownName, match=r"data set 'pritz' is not known: choose .*did you mean 'pritz1997'"
        ):
            call("pritz")
        with pytest.raises(UnknownName):
            call("../pritz1997")
        with pytest.raises(UnknownName):
            call(3)


def test_answers_cannot_be_spoilt():
    mr.datasets.names().clear()
    assert mr.datasets.names() == NAMES
