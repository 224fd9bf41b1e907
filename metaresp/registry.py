"""Registry: method names to functions of one signature."""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from metaresp.errors import MetaRespError, known_name

F = TypeVar("F")


class Registry(Mapping[str, F], Generic[F]):
    """A mapping from method names to functions of one signature.

    Parameters
    ----------
    argument : str
        The option that takes these names; named in the error of a failed look-up.

    Examples
    --------
    >>> from metaresp.registry import Registry
    >>> methods = Registry("method")
    >>> @methods.add("double")
    ... def double(x):
    ...     return 2 * x
    >>> list(methods), methods["double"](4)
    (['double'], 8)
    >>> methods["doubel"]
    Traceback (most recent call last):
    metaresp.errors.UnknownName: method='doubel' is not known: choose 'double'; did you mean 'double'?
    """

    def __init__(self, argument: str) -> None:
        self.argument = argument
        self._functions: dict[str, F] = {}

    def add(self, name: str) -> Callable[[F], F]:
        """Return a decorator that files a function under *name*."""

        def file(function: F) -> F:
            if name in self._functions:
                raise MetaRespError(f"{self.argument} {name!r} is registered twice")
            self._functions[name] = function
            return function

        return file

    def __getitem__(self, name: str) -> F:
        if type(name) is str and name in self._functions:
            return self._functions[name]
        return self._functions[known_name(self.argument, name, self._functions)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def __repr__(self) -> str:
        return f"Registry({self.argument!r}: {', '.join(self._functions)})"
