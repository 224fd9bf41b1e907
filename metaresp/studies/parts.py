"""What studies are made of: covariate columns that cannot change, and excluded studies."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from metaresp.errors import InvalidArgument, UnknownName, closest
from metaresp.records import Record

Value: TypeAlias = int | float | str | None


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


@dataclass(frozen=True, eq=False, slots=True)
class ExcludedStudy(Record):
    """A study that takes no part, and why.

    Attributes
    ----------
    study : str
        Its label.
    events, n : int or None
        Its counts as far as they are known.
    row : int or None
        Its row in the file it came from (the header is row 1), when it came from one.
    reason : str
        Why it is left out, as part of a sentence.
    covariates : mapping of str to int, float, str or None
        Its covariates.
    """

    study: str
    events: int | None
    n: int | None
    row: int | None
    reason: str
    covariates: Mapping[str, int | float | str | None]


def choices(name: object, names: Iterable[str]) -> str:
    """Return the end of an error about an unknown name: what there is, and the closest."""
    known = list(names)
    if not known:
        return ": there is none"
    hint = closest(name, known) if isinstance(name, str) else ""
    return f": choose {', '.join(map(repr, known))}{hint}"
