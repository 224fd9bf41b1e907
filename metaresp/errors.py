"""Errors and warnings that metaresp raises; each is also a built-in kind, so callers need not import them."""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence

from metaresp.foreign import foreign_names
from metaresp.readable import readable

# Control characters that no quoted cell holds: an option of a call inside the text of an error.
_OPTION = re.compile("\x0e([^\x0e\x0f\x1f]+)\x1f([^\x0e\x0f\x1f]*)\x1f([^\x0e\x0f\x1f]*)\x0f")
_LONGEST = 80  # letters of a value in an error
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_SPACING = str.maketrans("", "", "-_\u2010\u2011\u2012\u2013\u2014\u2212")


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

    def in_flags(self, flags: Mapping[str, str] | None = None) -> str:
        """Return the text with options as flags of the command line; *flags* names those that differ."""
        return readable(in_flags(self.marked, flags))


def option(name: str, value: object = ..., key: object = ...) -> str:
    """Return an option for the text of an error, said as an argument in Python and as a flag in a shell.

    Parameters
    ----------
    name : str
        The argument.
    value : object, optional
        Its value, clipped where it is long.
    key : object, optional
        Which entry of an argument that is a mapping has the value.

    Examples
    --------
    >>> text = f"{option('missing', 'drop')} leaves them out; name the column with {option('events')}"
    >>> in_arguments(text)
    "missing='drop' leaves them out; name the column with events="
    >>> in_flags(text)
    '--missing drop leaves them out; name the column with --events'
    >>> in_arguments(option("labels", 5, key="study")), in_flags(option("labels", 5, key="study"))
    ("labels['study']=5", '--labels study=5')
    """
    which = "" if key is ... else shown(key)
    return f"\x0e{name}\x1f{'' if value is ... else shown(value)}\x1f{which}\x0f"


def shown(value: object) -> str:
    """Return *value* as an error shows it: on one line, clipped, a NumPy number as the number.

    Examples
    --------
    >>> shown("a" * 200)[-8:], shown(10**5000)
    ("aaaa...'", 'an int that is too long to show')
    """
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST else value[: _LONGEST - 3] + "...")
    try:
        text = " ".join(repr(value).split())
    except Exception:  # an object of the caller, or an int beyond the limit of int to text
        return f"an {type(value).__name__} that is too long to show"
    text = _CONTROL.sub("?", text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def few(texts: Sequence[str], most: int = 5, joint: str = ", ") -> str:
    """Return the first of several texts in one, and how many more there are.

    Examples
    --------
    >>> few(["a", "b", "c"], 2), few(["a", "b", "c"], 2, "; "), few(["a"])
    ('a, b and 1 more', 'a; b; and 1 more', 'a')
    """
    more = len(texts) - most
    return joint.join(texts[:most]) + (f"{joint.strip(', ')} and {more} more" if more > 0 else "")


def in_arguments(text: str) -> str:
    """Return *text* with its options as arguments of a call."""
    return _OPTION.sub(lambda found: _argument(found[1], found[2], found[3]), text)


def _argument(name: str, value: str, key: str) -> str:
    if not key:
        return f"{name}={value}"
    return f"{name}[{key}]={value}" if value else f"{name}[{key}]"


def in_flags(text: str, flags: Mapping[str, str] | None = None) -> str:
    """Return *text* with its options as flags of the command line; *flags* names those that differ."""
    return _OPTION.sub(lambda found: _flag(found[1], found[2], found[3], flags or {}), text)


def _flag(name: str, value: str, key: str, flags: Mapping[str, str]) -> str:
    base, bracket, place = name.partition("[")
    flag = flags.get(base, "--" + base.replace("_", "-")) + bracket + place
    if value == "False":
        return flag.replace("--", "--no-", 1)
    if value == "True" or (not value and not key):
        return flag
    plain = value[1:-1] if value[:1] in {"'", '"'} else value
    if value[:1] == "(":
        plain = value[1:-1].replace(", ", ",").replace("'", "")
    if key:
        which = key[1:-1] if key[0] in {"'", '"'} else key
        plain = f"{which}={plain}" if plain else which
    elif plain == "None":
        return f"{flag} none"
    return f"{flag} {shlex.quote(plain)}" if value[:1] in {"'", '"'} or " " in plain else f"{flag} {plain}"


class InvalidArgument(MetaRespError, ValueError):
    """An argument has a value outside its rule; the text names the argument, the value and the rule."""


class UnknownName(InvalidArgument, KeyError):
    """A method name is not in its registry; the text lists the names and the closest one."""


class InvalidStudies(InvalidArgument):
    """Study counts break a rule; the text names the file, row and column where they are known."""


class Doubtful(InvalidStudies):
    """A table that can be read in more than one way; the text names the option for each."""


class UnreadableFile(MetaRespError, OSError):
    """An input file cannot be opened or is in no known format, or an output cannot be written."""


class CannotEstimate(MetaRespError, RuntimeError):
    """Valid data for which the requested quantity does not exist; the text gives the reason."""


class MissingDependency(MetaRespError, ImportError):
    """An optional package is needed; the text names the extra that installs it."""


class MetaRespWarning(UserWarning):
    """Every warning of this package is of this kind."""


def folded(name: str) -> str:
    """Return *name* without case, hyphens, underscores and spaces.

    Examples
    --------
    >>> folded("Hartung_Knapp") == folded("hartung-knapp")
    True
    """
    return "".join(name.casefold().translate(_SPACING).split())


def known_name(argument: str, value: object, names: Iterable[str], or_else: str = "") -> str:
    """Return the one of *names* that *value* is, but for case, hyphens, underscores and spaces.

    *or_else* says in the error what else there is to give.

    Raises
    ------
    UnknownName
        If there is none: lists the names, and which is meant where that is plain.

    Examples
    --------
    >>> known_name("ci", "Hartung Knapp", ["t", "hartung-knapp"])
    'hartung-knapp'
    """
    known = list(names)
    if isinstance(value, str):
        alike = [name for name in known if name == value] or [
            name for name in known if folded(name) == folded(value)
        ]
        if len(alike) == 1:
            return alike[0]
    hint = meant(argument, value, known) if isinstance(value, str) else ""
    listed = ", ".join(map(repr, known)) + (f" or {or_else}" if or_else else "")
    offered = f"choose {listed}{hint}" if listed else "there is none to choose"
    raise UnknownName(f"{option(argument, value)} is not known: {offered}")


def meant(argument: str, value: str, names: Iterable[str]) -> str:
    """Return ``; did you mean 'x' (R: y)?`` for a name of other software, or of :func:`closest`, or nothing.

    Examples
    --------
    >>> meant("transform", "PFT", ["logit", "freeman-tukey"])
    "; did you mean 'freeman-tukey' (R: PFT)?"
    """
    known = list(names)
    for ours, also, where, theirs in foreign_names(argument):
        if ours in known and folded(value) == folded(theirs):
            beside = "".join(f" with {option(name, given)}" for name, given in also)
            return f"; did you mean {ours!r}{beside} ({where}: {theirs})?"
    return closest(value, known)


def closest(name: str, names: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the one of *names* that *name* can be a misspelling of, or nothing.

    A misspelling is one letter away, or two in a word of five or more, and every other name is two letters
    further; or it is the beginning of one name alone.  So a hint does not lead to another method.

    Examples
    --------
    >>> closest("wilsn", ["wilson", "wald"]), closest("log", ["logit", "arcsine"])
    ("; did you mean 'wilson'?", '')
    """
    known = list(dict.fromkeys(names))
    word = folded(name)[: 2 * _LONGEST]
    near = sorted((distance(word, folded(other)), i) for i, other in enumerate(known))
    if near and near[0][0] <= (0 if len(word) < 3 else 1 if len(word) < 5 else 2):
        if len(near) == 1 or near[1][0] > near[0][0] + 1:
            return f"; did you mean {known[near[0][1]]!r}?"
        return ""
    begun = [other for other in known if folded(other).startswith(word)] if len(word) > 3 else []
    return f"; did you mean {begun[0]!r}?" if len(begun) == 1 else ""


def distance(one: str, other: str) -> int:
    """Return how many letters are put in, left out, replaced or swapped with their neighbour; 4 for more.

    Examples
    --------
    >>> distance("yaer", "year"), distance("wilsn", "wilson"), distance("log", "cauchit")
    (1, 1, 4)
    """
    if abs(len(one) - len(other)) > 3:
        return 4
    # Damerau and Levenshtein: swapped letters may have been apart, so that the triangle inequality holds
    most = len(one) + len(other)
    seen: dict[str, int] = {}
    rows: dict[int, list[int]] = {-1: [most] * (len(other) + 2), 0: [*range(len(other) + 1), most]}
    for i, letter in enumerate(one, start=1):
        row, matched = [i, *[0] * len(other), most], 0
        for j, against in enumerate(other, start=1):
            before, column = seen.get(against, 0), matched
            same = letter == against
            if same:
                matched = j
            swapped = rows[before - 1][column - 1] + i - before + j - column - 1
            above = rows[i - 1]
            row[j] = min(above[j - 1] + (not same), row[j - 1] + 1, above[j] + 1, swapped)
        seen[letter] = i
        rows[i] = row
    return min(4, rows[len(one)][len(other)])
