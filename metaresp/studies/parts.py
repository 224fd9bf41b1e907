"""What studies are made of beside their counts: covariate columns that cannot change."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from metaresp.errors import InvalidArgument, UnknownName, closest
from metaresp.read import ExcludedStudy, Value

__all__ = ["Covariates", "ExcludedStudy", "OutOfRange", "Value", "choices", "frame_columns"]


class OutOfRange(InvalidArgument, IndexError):
    """A position beyond the studies; also an IndexError."""


class Covariates(Mapping[str, tuple[Value, ...]]):
    """Columns of covariates by name, in order; cannot be changed."""

    __slots__ = ("_columns",)

    def __init__(self, columns: Mapping[str, tuple[Value, ...]]) -> None:
        self._columns = dict(columns)

    def __getitem__(self, name: str) -> tuple[Value, ...]:
        try:
            return self._columns[name]
        except (KeyError, TypeError):
            raise UnknownName(f"covariate {name!r} is not known{choices(name, self._columns)}") from None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        return repr(self._columns)


def choices(name: object, names: Iterable[str]) -> str:
    """Return the end of an error about an unknown name: what there is, and the closest."""
    known = list(names)
    if not known:
        return ": there is none"
    hint = closest(name, known) if isinstance(name, str) else ""
    return f": choose {', '.join(map(repr, known))}{hint}"


def frame_columns(covariates: Mapping[str, tuple[Value, ...]]) -> dict[str, Any]:
    """Return covariates as columns of a pandas frame: whole numbers stay whole beside missing ones."""
    import pandas as pd

    columns: dict[str, Any] = {name: list(column) for name, column in covariates.items()}
    for name, values in columns.items():
        if set(map(type, values)) == {int, type(None)}:
            columns[name] = pd.array(values, dtype="Int64")
    return columns
