"""What is counted, in words: every head and sentence of a fit, its tables and its figures speak of it."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metaresp as mr
from metaresp.outcome_words import outcome_words
from metaresp.present.describe import describe
from metaresp.present.forest_rows import forest_rows, forest_rows_studies


@pytest.mark.parametrize(
    ("outcome", "rate", "happened", "nothing", "events"),
    [
        (None, "Response rate", "responded", "no event", "Events"),
        ("Response rate", "Response rate", "responded", "no event", "Events"),
        ("responders", "Response rate", "responded", "no event", "Events"),
        ("complete responses", "Complete response rate", "had a complete response", "no complete response",
         "Complete responses"),
        ("ORR", "Objective response rate", "had an objective response", "no objective response",
         "Objective responses"),
        ("Remission (%)", "Remission rate", "were in remission", "no remission", "Remissions"),
        ("Clinical remission", "Clinical remission rate", "were in clinical remission",
         "no clinical remission", "Clinical remissions"),
        ("Adverse reactions", "Rate of adverse reactions", "had an adverse reaction", "no adverse reaction",
         "Adverse reactions"),
        ("Serious adverse events", "Rate of serious adverse events", "had a serious adverse event",
         "no serious adverse event", "Serious adverse events"),
        ("relapse", "Relapse rate", "relapsed", "no relapse", "Relapses"),
        ("deaths", "Rate of deaths", "died", "no death", "Deaths"),
        ("30-day mortality", "30-day mortality", "died (30-day mortality)", "no death", "Deaths"),
        ("survival", "Survival rate", "survived", "no survivor", "Survivors"),
        ("prevalence", "Prevalence", "had the condition", "no case", "Cases"),
        ("Prevalence of infection", "Prevalence of infection", "had an infection", "no infection",
         "Infections"),
        ("HIV infection", "Rate of HIV infections", "had an HIV infection", "no HIV infection",
         "HIV infections"),
        ("urinary infections", "Rate of urinary infections", "had a urinary infection",
         "no urinary infection", "Urinary infections"),
        ("cure", "Cure rate", "were cured", "no cure", "Cures"),
        ("positive", "Rate of positive results", "had a positive result", "no positive result",
         "Positive results"),
        ("Grade 3 neutropenia", "Rate of grade 3 neutropenia", "had grade 3 neutropenia",
         "no grade 3 neutropenia", "Grade 3 neutropenia"),
        ("seizure-free", "Rate of seizure-free patients", "were seizure-free", "no seizure-free patient",
         "Seizure-free"),
        ("xyz", "Rate of xyz", "had the outcome 'xyz'", "no outcome 'xyz'", "Xyz"),
        ("Crohn's flare-up", "Rate of Crohn's flare-up", 'had the outcome "Crohn\'s flare-up"',
         'no outcome "Crohn\'s flare-up"', "Crohn's flare-up"),
    ],
)  # fmt: skip
def test_words(outcome, rate, happened, nothing, events):
    words = outcome_words(outcome)
    assert (words.rate, words.happened, words.nothing, words.events) == (rate, happened, nothing, events)


@given(st.text(st.characters(categories=["L", "N", "Zs", "P"]), max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_makes_whole_words(text):
    """Refused by name, or put into sentences with single spaces and a verb."""
    try:
        words = outcome_words(text)
    except mr.InvalidArgument as error:
        assert str(error).startswith("outcome=")  # noqa: PT017 - either way is right
        return
    for part in (words.rate, words.pooled, words.happened, words.nothing, words.events, words.everything):
        assert part == " ".join(part.split())
        assert part
    assert words.happened.startswith(("had ", "were ", "died", "responded", "relapsed", "survived"))
    assert words.pooled.startswith("Pooled ")


@pytest.mark.parametrize(
    "wrong", ["", "  ", "12%", 5, ["death"], "x" * 81, "a\x1b[31m", "a\u202eb", "{rate}"]
)
def test_what_is_no_outcome(wrong):
    studies = mr.Studies([1, 2], [9, 9])
    for call in (
        lambda: mr.pool(studies, outcome=wrong),
        lambda: mr.pool_batch([1, 2], [9, 9], outcome=wrong),
        lambda: studies.forest(outcome=wrong),
    ):
        with pytest.raises(mr.InvalidArgument, match=r"outcome=.* must be text of at most 80 characters"):
            call()


def test_every_sentence_changes():
    fit = mr.pool(events=[0, 0], n=[32, 40], outcome="Adverse reactions")
    text = str(fit)
    assert "Pooled rate of adverse reactions  0.0% (95% CI 0.0% to 5.0%)" in text
    assert "2 studies, 0 of 72 patients had an adverse reaction (0.0%)" in text
    assert "Adverse reactions/n" in text
    assert "Note: No adverse reaction in any study: exact binomial interval on the totals" in text
    assert "No shrunken rates: no adverse reaction in any study" in fit.study_rates().note
    table = forest_rows(fit)
    assert table.axis_label == "Rate of adverse reactions"
    assert table.columns[1].title == "Adverse reactions/n"
    assert table.notes[-1].startswith("No adverse reaction in any study: ")
    assert describe(table).startswith("Forest plot of 2 studies. Rate of adverse reactions. ")
    all_died = mr.pool(events=[9, 8], n=[9, 8], outcome="deaths")
    assert all_died.notes[0].startswith("Every patient in every study died: exact binomial interval")
    for words in (text, describe(table), *table.notes, *all_died.notes):
        assert not re.search(r"respon[sd]|\bevents?\b", words, re.IGNORECASE), words


def test_pictures_and_further_results_change():
    studies = mr.datasets.load("pritz1997")
    fit = mr.pool(studies, outcome="complete remission")
    assert mr.funnel(fit).plot().axes.get_xlabel() == "Complete remission rate"
    assert mr.funnel(fit, size="se").plot().axes.get_xlabel() == "Logit of the complete remission rate"
    assert mr.drapery(fit).plot().axes.get_xlabel() == "Complete remission rate"
    assert "\nComplete remissions  " in str(fit.predict_events(5))
    assert fit.study_rates().outcome == "complete remission"
    assert "Complete remissions/n" in str(fit.study_rates())
    batch = mr.pool_batch([[0, 0], [1, 2]], [[9, 9], [9, 9]], outcome="death")
    assert "Deaths/n" in str(batch)
    assert "no death in any study" in next(iter(batch.reasons()))
    assert "no death in any study" in batch.to_frame()["note"][0]


def test_a_figure_may_have_its_own_outcome():
    fit = mr.pool(events=[0, 0], n=[32, 40], outcome="death")
    plot = fit.forest(outcome="Adverse reactions", style="bmj")
    assert plot.table.axis_label == "Rate of adverse reactions"
    assert plot.table.columns[1].title == "No of adverse reactions/total"
    assert plot.table.notes[-1].startswith("No adverse reaction in any study: ")
    back = forest_rows(fit, outcome="response")
    assert (back.axis_label, back.columns[1].title) == ("Response rate", "Events/n")
    assert back.notes[-1].startswith("No event in any study: ")
    own = fit.forest(labels={"events": "n/N"}, counts="joined").table
    assert (own.columns[1].title, own.axis_label) == ("n/N", "Rate of deaths")
    alone = mr.Studies([0], [9]).forest(outcome="infection", counts="split").table
    assert (alone.axis_label, alone.columns[1].title) == ("Rate of infections", "Infections")
    assert forest_rows_studies(mr.Studies([0], [9])).axis_label == "Response rate"


def test_the_outcome_is_kept_and_changes_no_number():
    studies = mr.datasets.load("pritz1997")
    plain, told = mr.pool(studies), mr.pool(studies, outcome=" Adverse  reactions ", digits=np.int64(2))
    assert (told.spec.outcome, told.spec.digits) == ("Adverse reactions", 2)
    assert mr.Fit.from_dict(told.to_dict()) == told
    assert (plain.rate, plain.rate_ci) == (told.rate, told.rate_ci)
    assert mr.pool(studies, **told.spec.options()) == told
    assert str(plain) == str(mr.pool(studies, outcome="response"))
    by = mr.subgroups(mr.pool(mr.Studies([1, 2], [9, 9], covariates={"g": ["a", "b"]}), outcome="death"), "g")
    assert "Deaths/n" in str(by)
    assert mr.baujat(told).study == mr.baujat(plain).study
