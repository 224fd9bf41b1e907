"""Errors and warnings that metaresp raises; each is also a built-in kind, so callers need not import them."""

import re
import shlex
from collections.abc import Iterable
from difflib import get_close_matches

from metaresp.readable import readable

# Control characters that no quoted cell holds: an option of a call inside the text of an error.
_OPTION = re.compile("\x0e([^\x0e\x0f\x1f]+)\x1f([^\x0e\x0f\x1f]*)\x0f")


class MetaRespError(Exception):
    """Base of every error raised by this package; its text says what, where and what to do.

    Options named with :func:`option` read ``missing='drop'`` in the text of the error, and
    ``--missing drop`` in :meth:`in_flags`, which the command line prints.
    """

    def __init__(self, *parts: object) -> None:
        self.marked = " ".join(map(str, parts))
        super().__init__(readable(in_arguments(self.marked)))

    def __str__(self) -> str:
        return " ".join(str(part) for part in self.args)

    def in_flags(self) -> str:
        """Return the text with options as flags of the command line."""
        return readable(in_flags(self.marked))


def option(name: str, value: object = ...) -> str:
    """Return an option for the text of an error, said as an argument in Python and as a flag in a shell.

    Examples
    --------
    >>> text = f"{option('missing', 'drop')} leaves them out; name the column with {option('events')}"
    >>> in_arguments(text)
    "missing='drop' leaves them out; name the column with events="
    >>> in_flags(text)
    '--missing drop leaves them out; name the column with --events'
    """
    return f"\x0e{name}\x1f{'' if value is ... else repr(value)}\x0f"


def in_arguments(text: str) -> str:
    """Return *text* with its options as arguments of a call."""
    return _OPTION.sub(lambda found: f"{found[1]}={found[2]}", text)


def in_flags(text: str) -> str:
    """Return *text* with its options as flags of the command line."""
    return _OPTION.sub(lambda found: _flag(found[1], found[2]), text)


def _flag(name: str, value: str) -> str:
    flag = "--" + name.replace("_", "-")
    if value in {"", "True"}:
        return flag
    if value[0] in "'\"":
        value = shlex.quote(value[1:-1])
    return f"{flag} {value.lower() if value == 'None' else value}"


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
