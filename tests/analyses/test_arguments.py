"""What is no fit, and what is no column, is refused by every analysis with the name of the argument."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import metaresp as mr

STUDIES = mr.Studies(
    [13, 4, 9, 20, 2], [18, 7, 15, 40, 11], list("abcde"), covariates={"centre": ["A", "A", "B", "B", "C"]}
)
AROUND = [
    found
    for name in mr.__all__
    if inspect.isfunction(found := getattr(mr, name))
    and next(iter(inspect.signature(found).parameters)) == "fit"
]
BY = [
    found
    for name in mr.__all__
    if inspect.isfunction(found := getattr(mr, name))
    and "by" in inspect.signature(found).parameters
    and found is not mr.gosh  # by studies or clusters, not by a column
]


def arguments(function: Callable[..., Any]) -> dict[str, Any]:
    """Return what the function needs beside the fit."""
    return {"by": "centre"} if function is mr.subgroups else {}


def test_they_are_found() -> None:
    assert {mr.leave_one_out, mr.influence, mr.funnel, mr.drapery, mr.baujat, mr.gosh} <= set(AROUND)
    assert {mr.subgroups, mr.cumulative, mr.overlap, mr.leave_one_out} <= set(BY)


@pytest.mark.parametrize("function", AROUND)
@pytest.mark.parametrize("what", ["trials.csv", None, 3])
def test_no_fit(function: Callable[..., Any], what: object) -> None:
    with pytest.raises(mr.InvalidArgument, match=r"^fit=.*: must be a result of mr\.pool$"):
        function(what, **arguments(function))


@pytest.mark.parametrize("function", AROUND)
def test_studies_are_told_what_makes_a_fit(function: Callable[..., Any]) -> None:
    with pytest.raises(mr.InvalidArgument, match=r"^fit=Studies.*mr\.pool\(studies\) makes one$"):
        function(STUDIES, **arguments(function))


@pytest.mark.parametrize("function", BY)
def test_no_column(function: Callable[..., Any]) -> None:
    fit = mr.pool(STUDIES)
    with pytest.raises(mr.UnknownName, match=r"^by='center' is no column .*did you mean 'centre'\?$"):
        function(fit, by="center")
    for several in (["A", "A", "B", "B", "C"], ["centre"], 3):
        with pytest.raises(mr.InvalidArgument, match=r"^by=.*must be the name of a column"):
            function(fit, by=several)


@pytest.mark.parametrize("function", [mr.cumulative, mr.subgroups, mr.overlap])
def test_the_column_may_come_second(function: Callable[..., Any]) -> None:
    fit = mr.pool(STUDIES)
    assert function(fit, "centre") == function(fit, by="centre")
