"""Studies in any form that a user has them in, to Studies: a frame, a path, or the values themselves."""

import os
from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np

from metaresp.errors import InvalidArgument, option
from metaresp.studies import Studies, read_studies

# What may be given as values, without a table, and which rules of reading go with them.
_VALUES = ("events", "n", "study", "response")
_RULES = ("missing", "totals")
_DEFAULTS = {"missing": "raise", "totals": "raise", "nearest": False}


def find_studies(data: Any, cluster: str | Sequence[Any] | None, **options: Any) -> tuple[Studies, str]:
    """Return the studies, and the covariate that tells their clusters if there is one.

    Parameters
    ----------
    data : Studies, frame, path or None
    cluster : str or sequence, optional
        A covariate, or the labels of the clusters where the counts are values.
    **options
        How to read, see :func:`metaresp.read_studies`; without *data*, ``events``, ``n``, ``study`` and
        ``response`` are the values.  One at its default is as if not given.

    Raises
    ------
    InvalidArgument
        An option has no meaning for such data, or *cluster* is no list of labels.

    Examples
    --------
    >>> find_studies(None, ["a", "b"], events=[13, 4], n=[18, 7])
    (Studies(k=2, events=17, n=25), 'cluster')
    """
    given = {name: value for name, value in options.items() if not _is_default(name, value)}
    if cluster is None or isinstance(cluster, str):
        return _studies(data, given, {}), cluster or ""
    if data is not None:
        raise InvalidArgument(f"{option('cluster', cluster)}: must be the name of a covariate of the studies")
    listed = isinstance(cluster, Set | Mapping) or (
        isinstance(cluster, Sequence)
        and any(isinstance(label, list | tuple | Set | Mapping) for label in cluster)
    )
    labels = None if listed else np.asarray(cluster, dtype=object)
    if labels is None or labels.ndim != 1:
        raise InvalidArgument(f"{option('cluster', cluster)}: must be a list of labels, one for each study")
    return _studies(None, given, {"cluster": list(labels)}), "cluster"


def _is_default(name: str, value: Any) -> bool:
    if value is None:
        return True
    return name in _DEFAULTS and isinstance(value, str | bool) and value == _DEFAULTS[name]


def _studies(data: Any, given: dict[str, Any], covariates: dict[str, list[Any]]) -> Studies:
    if isinstance(data, Studies):
        for name in given:
            raise InvalidArgument(
                f"{option(name)}: leave it out when Studies are given, which have been read"
            )
        return data
    if isinstance(data, str | os.PathLike):
        return read_studies(data, **given)
    for name in ("sheet", "encoding"):
        if name in given:
            raise InvalidArgument(f"{option(name, given[name])} has no meaning without a file: leave it out")
    if data is not None:
        return Studies.from_frame(data, **given)
    values = {name: given[name] for name in _VALUES if name in given}
    rules = {name: given[name] for name in _RULES if name in given}
    if "response" not in values and not {"events", "n"} <= set(values):
        raise InvalidArgument(
            f"pool: give studies, a data frame, a file, or both {option('events')} and {option('n')}"
        )
    for name in given:
        if name not in values and name not in rules:
            raise InvalidArgument(
                f"{option(name, given[name])} has no meaning without a frame or a file: leave it out"
            )
    if rules:
        return Studies.from_frame(values | covariates, **rules)
    return Studies(**values, covariates=covariates)
