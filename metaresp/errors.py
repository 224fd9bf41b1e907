"""Errors and warnings that metaresp raises; each is also a built-in kind, so callers need not import them."""

from collections.abc import Iterable
from difflib import get_close_matches


class MetaRespError(Exception):
    """Base of every error raised by this package; its text says what, where and what to do."""

    def __str__(self) -> str:
        return " ".join(str(part) for part in self.args)


class InvalidArgument(MetaRespError, ValueError):
    """An argument has a value outside its rule; the text names the argument, the value and the rule."""


class UnknownName(InvalidArgument, KeyError):
    """A method name is not in its registry; the text lists the names and the closest one."""


class InvalidStudies(InvalidArgument):
    """Study counts break a rule; the text names the file, row and column where they are known."""


class UnreadableFile(MetaRespError, OSError):
    """An input file cannot be opened or is in no known format, or an output cannot be written."""


class CannotEstimate(MetaRespError, RuntimeError):
    """Valid data for which the requested quantity does not exist; the text gives the reason."""


class MissingDependency(MetaRespError, ImportError):
    """An optional package is needed; the text names the extra that installs it."""


class MetaRespWarning(UserWarning):
    """Every warning of this package is of this kind."""


def known_name(argument: str, value: object, names: Iterable[str]) -> str:
    """Return *value* if it is one of *names*; otherwise the error lists them and the closest."""
    known = list(names)
    if isinstance(value, str) and value in known:
        return value
    hint = closest(value, known) if isinstance(value, str) else ""
    raise UnknownName(f"{argument}={value!r} is not known: choose {', '.join(map(repr, known))}{hint}")


def closest(name: str, names: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the closest of *names*, or an empty string."""
    lowered = {option.lower(): option for option in names}
    found = get_close_matches(name.lower(), lowered, n=1, cutoff=0.5)
    return f"; did you mean {lowered[found[0]]!r}?" if found else ""
