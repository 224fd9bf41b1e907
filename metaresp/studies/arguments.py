"""The arguments of Studies to checked arrays, labels and columns."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from metaresp import read
from metaresp.arrays import IntArray
from metaresp.checks import LARGEST_N
from metaresp.errors import InvalidArgument, InvalidStudies
from metaresp.studies.parts import Covariates, ExcludedStudy, Value

# Values given in a call are studies, whatever they add up to.
_AS_GIVEN = read.Options(totals="keep")


def checked_fields(
    events: Any, n: Any, study: Any, covariates: Any, response: Any, enrolled: Any, excluded: Any
) -> dict[str, Any]:
    """Return the fields of studies by name, but for their source."""
    left_out = tuple(excluded)
    if not all(isinstance(item, ExcludedStudy) for item in left_out):
        raise InvalidArgument("excluded must hold ExcludedStudy records")
    columns = given_counts(events, n, response)
    x, m = quick_counts(columns) or checked_counts(columns)
    if not (len(x) or left_out):
        raise InvalidStudies("Studies: there is no study (events and n are empty)")
    return {
        "events": x,
        "n": m,
        "study": check_labels(study, len(x)),
        "covariates": check_covariates(covariates, len(x)),
        "excluded": left_out,
        "enrolled": check_enrolled(enrolled, m),
    }


def given_counts(events: Any, n: Any, response: Any) -> dict[str, Any]:
    """Return the columns that hold the counts, events and n or fractions."""
    if response is not None:
        if events is not None or n is not None:
            raise InvalidArgument("give either response or events and n, not both")
        return {"response": response}
    if events is None or n is None:
        lacking = " and ".join(name for name, value in (("events", events), ("n", n)) if value is None)
        raise InvalidArgument(f"{lacking} must be given (or response=['13/18', ...])")
    return {"events": events, "n": n}


def quick_counts(columns: Mapping[str, Any]) -> tuple[IntArray, IntArray] | None:
    """Return integer arrays that break no rule as they are; anything else is looked at cell by cell."""
    events, n = (_whole_array(columns.get(name)) for name in ("events", "n"))
    if type(events) is not np.ndarray or type(n) is not np.ndarray:
        return None
    if events.dtype.kind != "i" or n.dtype.kind != "i" or events.ndim != 1 or events.shape != n.shape:
        return None
    if ((events < 0) | (events > n) | (n < 1) | (n > LARGEST_N)).any():
        return None
    return np.ascontiguousarray(events, dtype=np.int64), np.ascontiguousarray(n, dtype=np.int64)


def _whole_array(values: Any) -> Any:
    """Return a list of plain integers as an array, anything else as it is."""
    if isinstance(values, list | tuple) and all(type(value) is int for value in values):
        with suppress(OverflowError):
            return np.array(values, dtype=np.int64)
    return values


def checked_counts(columns: Mapping[str, Any]) -> tuple[IntArray, IntArray]:
    """Return the counts of columns of any kind, each cell checked."""
    table = read.columns_table("Studies", "study", columns)
    if len(table) < max((len(read.cell_list(column, name)) for name, column in columns.items()), default=0):
        raise InvalidStudies("Studies: a study without events and n (leave it out, or list it in excluded)")
    counts = read.read_counts(table, {name: name for name in columns}, _AS_GIVEN)
    return np.array(counts.events, dtype=np.int64), np.array(counts.n, dtype=np.int64)


def check_labels(study: Any, k: int) -> tuple[str, ...]:
    """Return one label for each study, made up where there is none."""
    if study is None:
        return tuple(f"Study {i}" for i in range(1, k + 1))
    cells = read.cell_list(study, "study")
    if len(cells) != k:
        raise InvalidStudies(f"study has {len(cells)} labels for {k} studies")
    labels = read.label_texts(cells)
    return (
        tuple(labels)
        if "" not in labels
        else tuple(text or f"Study {i}" for i, text in enumerate(labels, start=1))
    )


def check_covariates(columns: Any, k: int) -> Covariates:
    """Return covariate columns of plain values, one for each study."""
    if columns is None:
        return Covariates({})
    if not hasattr(columns, "items"):
        raise InvalidArgument(f"covariates must map names to columns, not be a {type(columns).__name__}")
    checked: dict[str, tuple[Value, ...]] = {}
    for name, column in columns.items():
        cells = read.cell_list(column, f"covariate {name!r}")
        if len(cells) != k:
            raise InvalidStudies(f"covariate {name!r} has {len(cells)} values for {k} studies")
        if str(name) in read.RESERVED or str(name) in checked:
            raise InvalidArgument(f"covariate {name!r} has the name of another column of the studies")
        try:
            checked[str(name)] = tuple(read.values_of(cells))
        except read.BadCell as bad:
            raise InvalidStudies(f"covariate {name!r}: {bad}") from None
    return Covariates(checked)


def check_enrolled(enrolled: Any, n: IntArray) -> IntArray | None:
    """Return the patients enrolled, at least n in each study."""
    if enrolled is None:
        return None
    table = read.columns_table("Studies", "study", {"events": n, "n": n, "enrolled": enrolled})
    counts = read.read_counts(table, {"events": "events", "n": "n", "enrolled": "enrolled"}, _AS_GIVEN)
    return np.array(counts.enrolled or (), dtype=np.int64)
