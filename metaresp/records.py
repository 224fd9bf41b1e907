"""Frozen records: content equality, dictionaries and JSON for every result of the package."""

import json
import math
import os
import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, NamedTuple, Self, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from metaresp.arrays import frozen, owned, silent
from metaresp.errors import InvalidArgument
from metaresp.readable import readably


class Interval(NamedTuple):
    """A confidence or prediction interval, ``(low, high)``."""

    low: float
    high: float


_NOTHING = object()
_PLAIN = frozenset({float, int, str, bool, type(None), Interval})  # what holds no array
R = TypeVar("R")


class Later:
    """A value that is computed when it is first asked for, and kept.

    Examples
    --------
    >>> sum_of_many = Later(lambda: print("once") or sum(range(100)))
    >>> sum_of_many() + sum_of_many()
    once
    9900
    """

    __slots__ = ("_compute", "_value")

    def __init__(self, compute: Callable[[], Any]) -> None:
        self._compute: Callable[[], Any] | None = compute
        self._value: Any = _NOTHING

    def __call__(self) -> Any:
        """Return the value; two threads that ask first at once both compute it, the same."""
        compute = self._compute
        if self._value is _NOTHING and compute is not None:
            self._value = silent(compute)()
            self._compute = None  # and lets go of what it was computed from
        return self._value


class _OnDemand:
    """A field in its slot that may hold a :class:`Later`, and shows its value alone."""

    __slots__ = ("slot",)

    def __init__(self, slot: Any) -> None:
        self.slot = slot

    def __get__(self, record: Any, owner: type | None = None) -> Any:
        if record is None:
            return self
        value = self.slot.__get__(record, owner)
        if isinstance(value, Later):
            value = _held(value())
            self.slot.__set__(record, value)
        return value

    def __set__(self, record: Any, value: Any) -> None:
        self.slot.__set__(record, value if isinstance(value, Later) else _held(value))


def on_demand(*names: str) -> Callable[[type[R]], type[R]]:
    """Decorate a slotted record whose fields *names* may be given as :class:`Later`.

    Such a field is computed when it is first read, by whatever reads it: equality, a copy, a pickle and a
    dictionary see values, never that one has not been computed yet.
    """

    def decorate(cls: type[R]) -> type[R]:
        for name in names:
            setattr(cls, name, _OnDemand(getattr(cls, name)))
        return cls

    return decorate


def _held(value: Any) -> Any:
    """Return *value* with its arrays read-only."""
    if isinstance(value, np.ndarray):
        return frozen(value)
    if isinstance(value, tuple) and any(issubclass(kind, np.ndarray) for kind in set(map(type, value))):
        return tuple(frozen(item) if isinstance(item, np.ndarray) else item for item in value)
    return value


class Record:
    """Base of the frozen dataclasses: equal when their content is, and exact through JSON.

    Subclasses are ``@dataclass(frozen=True, eq=False, slots=True)``; a field with ``compare=False`` takes
    no part in equality.  NaN is written as ``null``
    and the infinities as ``"inf"`` and ``"-inf"``, since JSON has none of the three.

    Arrays of a record are read-only, however it was made: by its class, ``dataclasses.replace``, a copy, a
    pickle or a dictionary.  A subclass with an ``__init__`` or ``__post_init__`` of its own calls
    ``Record.__post_init__(self)`` at its end.
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        # labels and names come from files: print() shows them as text, never as a command to the terminal
        for name in {"__str__", "_repr_html_"} & vars(cls).keys():
            setattr(cls, name, readably(vars(cls)[name]))

    def __post_init__(self) -> None:
        for name in _at_once(type(self)):  # type: ignore[arg-type]
            value = getattr(self, name)
            if type(value) in _PLAIN:
                continue
            held = _held(value)
            if held is not value:
                object.__setattr__(self, name, held)

    def __reduce__(self) -> tuple[Any, ...]:
        # numpy restores arrays as writable ones, and slotted dataclasses restore fields without __init__
        return _restored, (type(self), tuple(getattr(self, field.name) for field in fields(self)))  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(_same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self) if f.compare)  # type: ignore[arg-type]

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        """Return the readable table of the record, for those that have one."""
        from metaresp.present.printed import as_text

        return as_text(self)

    def _repr_html_(self) -> str | None:
        from metaresp.present.printed import as_html

        return as_html(self)

    def summary(self) -> Any:
        """Return the readable table of the record: it prints itself, and shows in a notebook."""
        from metaresp.present.printed import summary_of

        return summary_of(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the content as plain dictionaries, lists, numbers and strings, ready for JSON."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}  # type: ignore[arg-type]

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return :meth:`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Rebuild the record that :meth:`to_dict` gave, unknown keys being an error."""
        record: Any = cls
        hints = _hints(record)
        unknown = [key for key in content if key not in hints]
        if unknown:
            raise InvalidArgument(f"{cls.__name__}.from_dict: unknown keys {', '.join(map(repr, unknown))}")
        return cls(**{key: _typed(hints[key], value) for key, value in content.items()})


@cache
def _at_once(cls: Hashable) -> tuple[str, ...]:
    """Return the fields that are no :func:`on_demand` ones, which hold their arrays themselves."""
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    return tuple(name for name in names if not isinstance(getattr(cls, name, None), _OnDemand))


def _restored(cls: type[Record], values: tuple[Any, ...]) -> Record:
    """Return the record with these values of its fields: what a copy or a pickle is made of."""
    record = object.__new__(cls)
    for field, value in zip(fields(cls), values, strict=True):  # type: ignore[arg-type]
        object.__setattr__(record, field.name, owned(value) if isinstance(value, np.ndarray) else value)
    Record.__post_init__(record)
    return record


@cache
def _hints(cls: Hashable) -> dict[str, Any]:
    known = get_type_hints(cls)
    return {f.name: known[f.name] for f in fields(cls)}  # type: ignore[arg-type]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        a, b = np.asarray(a), np.asarray(b)
        return a.dtype.kind == b.dtype.kind and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return list(a) == list(b) and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    return type(a) is type(b) and bool(a == b)


class Answered(Record):
    """A record of several answers to one question: :mod:`metaresp.present.answers` knows how to draw it."""

    __slots__ = ()

    def forest(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw one answer a row; see :func:`metaresp.plots.answers.forest_answers` for *style*."""
        from metaresp.plots.answers import forest_answers

        return forest_answers(self, path, **style)

    def plot(self, path: str | os.PathLike[str] | None = None, **style: Any) -> Any:
        """Draw the same as :meth:`forest`."""
        return self.forest(path, **style)


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def _numbers(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_numbers(item) for item in value]
    return math.nan if value is None else float(value) if isinstance(value, str) else value


def _written_out(hint: Any) -> Any:
    """Replace a ``type`` alias, which ``NDArray`` is from numpy 2.5 on, by what it stands for."""
    while hasattr(alias := get_origin(hint) or hint, "__value__"):
        hint = alias.__value__[get_args(hint)] if get_args(hint) else alias.__value__
    return hint


def _typed(hint: Any, value: Any) -> Any:
    hint = _written_out(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        options = [_written_out(option) for option in arguments if option is not type(None)]
        return _typed(_fitting(options, value), value)
    if origin is np.ndarray:
        dtype = get_args(arguments[1])[0]
        return np.asarray(_numbers(value) if np.dtype(dtype).kind == "f" else value, dtype=dtype)
    if hint is float:
        return _numbers(value)
    if hint is Interval:
        return Interval(*_numbers(value))
    if isinstance(hint, type) and issubclass(hint, Record):
        return hint.from_dict(value)
    if origin is tuple:
        inner = arguments[0] if arguments[-1] is Ellipsis else None
        return tuple(_typed(inner or arguments[i], item) for i, item in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        return {key: _typed(arguments[1], item) for key, item in value.items()}
    return value


def _fitting(options: list[Any], value: Any) -> Any:
    """Choose the member of a union that a plain value was written from."""
    if len(options) == 1:
        return options[0]
    if isinstance(value, list):
        return next((o for o in options if get_origin(o) in (np.ndarray, tuple) or o is Interval), options[0])
    if isinstance(value, str):
        return next((o for o in options if o is str), options[0])
    if isinstance(value, dict):
        return next((o for o in options if isinstance(o, type) and issubclass(o, Record)), options[0])
    return next((o for o in options if isinstance(value, o if isinstance(o, type) else ())), options[0])
