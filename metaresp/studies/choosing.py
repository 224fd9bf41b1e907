"""Which studies an index chooses, and which reports of one centre stay."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from metaresp.arrays import ArrayLike, IntArray
from metaresp.errors import InvalidArgument, InvalidStudies
from metaresp.studies.parts import ExcludedStudy, OutOfRange, Value

if TYPE_CHECKING:
    from metaresp.studies.table import Studies

Selection: TypeAlias = int | slice | Sequence[int] | Sequence[bool] | ArrayLike


def positions(chosen: Selection, k: int) -> IntArray:
    """Return the positions that an index, slice, mask or list of positions chooses."""
    if isinstance(chosen, slice):
        return np.arange(k)[chosen]
    index = np.asarray(chosen)
    if index.dtype.kind == "b":
        if index.shape != (k,):
            raise InvalidArgument(f"a mask of {k} studies must have the shape ({k},), not {index.shape}")
        return np.flatnonzero(index)
    if index.size == 0 and index.ndim == 1:
        return np.zeros(0, dtype=np.int64)
    if index.dtype.kind not in "iu" or index.ndim > 1:
        raise InvalidArgument(f"studies[...] takes a mask, a slice or positions, not {chosen!r}")
    if (index < -k).any() or (index >= k).any():
        raise OutOfRange(f"position {chosen!r} is beyond the {k} studies")
    return np.atleast_1d(index).astype(np.int64) % max(k, 1)


def order_of(column: Sequence[Value], descending: bool) -> list[int]:
    """Return the positions of values in order: numbers, text without regard to case, missing ones last."""
    numbers = [(value, i) for i, value in enumerate(column) if isinstance(value, int | float)]
    texts = [((value.casefold(), value), i) for i, value in enumerate(column) if isinstance(value, str)]
    ordered = [
        *sorted(numbers, key=lambda item: item[0], reverse=descending),
        *sorted(texts, key=lambda item: item[0], reverse=descending),
    ]
    return [i for _, i in ordered] + [i for i, value in enumerate(column) if value is None]


def cluster_members(studies: "Studies", name: str) -> dict[Value, tuple[int, ...]]:
    """Return the positions of the studies of each cluster, in order of first appearance."""
    members: dict[Value, list[int]] = {}
    for i, value in enumerate(studies.column(name)):
        if value is None:
            raise InvalidStudies(
                f"study {studies.study[i]!r} has no {name}: each study needs one to be clustered"
            )
        members.setdefault(value, []).append(i)
    return {value: tuple(positions) for value, positions in members.items()}


def largest_reports(studies: "Studies", name: str) -> tuple[list[int], list[ExcludedStudy]]:
    """Return the positions of the largest report of each cluster, and every study that then takes no part."""
    clusters = {i: cluster for cluster, members in studies.clusters(name).items() for i in members}
    reports = [(clusters[i], int(studies.n[i]), label) for i, label in enumerate(studies.study)]
    others = [(_cluster_of(item, name), item.n or 0, item.study) for item in studies.excluded]
    largest: dict[Value, int] = {}
    everything = reports + others
    for i, (cluster, size, _) in enumerate(everything):
        if cluster is not None and (cluster not in largest or size > everything[largest[cluster]][1]):
            largest[cluster] = i
    excluded = []
    for i, (cluster, size, _) in enumerate(everything):
        item = studies.excluded[i - len(studies)] if i >= len(studies) else _as_excluded(studies, i)
        if cluster is not None and size and largest[cluster] != i:
            _, most, label = everything[largest[cluster]]
            word = "smaller" if size < most else "no larger"
            reason = f"{word} report of {name} {cluster!r} (largest: {label!r}, n = {most})"
            excluded.append(replace(item, reason="; ".join(filter(None, [item.reason, reason]))))
        elif i >= len(studies):
            excluded.append(item)
    kept = [i for i in range(len(studies)) if largest[clusters[i]] == i]
    return kept, excluded


def _as_excluded(studies: "Studies", i: int) -> ExcludedStudy:
    values = {name: column[i] for name, column in studies.covariates.items()}
    return ExcludedStudy(studies.study[i], int(studies.events[i]), int(studies.n[i]), None, "", values)


def _cluster_of(item: ExcludedStudy, name: str) -> Value:
    return item.study if name == "study" else item.covariates.get(name)
