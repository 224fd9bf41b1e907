"""Columns of a forest plot that come from the covariates: names, formats, alignment, judgements."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metaresp.errors import InvalidArgument, UnknownName, closest, option, shown
from metaresp.present.forest_table import Column, LegendItem

if TYPE_CHECKING:
    from metaresp.studies import Studies

Cells = Callable[[Any], str]
ALIGNMENTS = ("left", "right", "centre")
OWN = ("study", "events", "responders", "total", "rate", "weight")
MOST_DECIMALS = 3

# Judgements as they are written, and the symbol and the words of each.
JUDGEMENTS: Mapping[str, tuple[str, ...]] = {
    "+": ("+", "low", "low risk", "yes", "green"),
    "!": ("!", "some", "some concerns", "moderate", "unclear", "yellow"),
    "–": ("–", "-", "−", "high", "high risk", "serious", "critical", "no", "red"),
    "?": ("?", "no information", "ni", "none", ""),
}
RISK_WORDS = {"+": "low_risk", "!": "some_risk", "–": "high_risk", "?": "no_information"}


class Extras:
    """The columns asked for, and how to write a value of each.

    Parameters
    ----------
    studies : Studies
    left, right : sequence of str, or mapping of str to str
        Covariates (or ``n``, ``events``), with their heads in a mapping.
    formats : mapping of str to str or callable
        A format such as ``".1f"`` or a function of the value, by column.
    align : mapping of str to str
        ``left``, ``right``, ``centre`` or one character, by column.
    risk : sequence of str
        Columns of judgements on the risk of bias.

    Raises
    ------
    InvalidArgument
        If there is no such column, format or alignment.
    """

    def __init__(
        self,
        studies: "Studies",
        left: Any,
        right: Any,
        formats: Mapping[str, Any] | None,
        align: Mapping[str, str] | None,
        risk: Any,
    ) -> None:
        sides = {"left": _titles("left", left), "right": _titles("right", right)}
        judged = _titles("risk_of_bias", risk)
        names = [name for titles in (*sides.values(), judged) for name in titles]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InvalidArgument(
                f"{option('left')}, {option('right')}, {option('risk_of_bias')}: {twice!r} is asked for twice"
            )
        self.columns: dict[str, list[Column]] = {"left": [], "right": []}
        self.write: dict[str, Cells] = {}
        for argument, given in (("formats", formats), ("align", align)):
            _only_known(argument, given, [name for titles in sides.values() for name in titles])
        for side, titles in sides.items():
            for name, title in titles.items():
                values = studies.column(name)
                self.write[name] = _writer(name, values, (formats or {}).get(name))
                place = _alignment(name, values, self.write[name], (align or {}).get(name))
                self.columns[side].append(Column(_key(name), title, side, place))
        self.legend = self._judged(studies, judged)

    def _judged(self, studies: "Studies", judged: Mapping[str, str]) -> list[tuple[str, str]]:
        """Add the columns of judgements; return their short heads with the long ones, and the symbols."""
        legend: list[tuple[str, str]] = []
        seen: set[str] = set()
        for number, (name, title) in enumerate(judged.items(), start=1):
            seen |= {judgement(name, value) for value in studies.column(name)}
            short = title if len(title) <= 3 else f"D{number}"
            if short != title:
                legend.append((short, title))
            self.write[name] = _judge(name)
            self.columns["right"].append(Column(_key(name), short, "right", "centre", "risk"))
        return legend + [(symbol, "") for symbol in JUDGEMENTS if symbol in seen]

    def cells(self, value: Callable[[str], Any]) -> dict[str, str]:
        """Return the text of each column; *value* gives a study's value by name."""
        return {_key(name): write(value(name)) for name, write in self.write.items()}

    def legend_items(self, words: Mapping[str, str]) -> list[LegendItem]:
        """Return what the symbols and the short heads mean."""
        return [
            LegendItem("risk", words[RISK_WORDS[short]], symbol=short)
            if not title
            else LegendItem("text", f"{short}: {title}")
            for short, title in self.legend
        ]


def _key(name: str) -> str:
    """Return the key of a column; those of our own columns are taken."""
    return f"covariate {name}" if name in OWN else name


def _titles(argument: str, given: Any) -> dict[str, str]:
    """Return names with heads; a name by itself is its head, with a capital and no underscores."""
    if given is None:
        return {}
    if isinstance(given, str):
        given = [given]
    if isinstance(given, Mapping):
        pairs = dict(given)
    elif isinstance(given, Sequence) and all(isinstance(name, str) for name in given):
        pairs = {name: headline(name) for name in given}
        if len(pairs) < len(given):
            raise InvalidArgument(f"{option(argument, given)}: a column is asked for twice")
    else:
        pairs = {None: None}
    if not all(isinstance(part, str) for pair in pairs.items() for part in pair):
        raise InvalidArgument(
            f"{option(argument, given)}: must be names of columns, or a mapping of names to heads"
        )
    return pairs


def headline(name: str) -> str:
    """Return the name of a column as it is printed: with a capital and no underscores."""
    words = name.replace("_", " ").strip() or name
    return words[:1].upper() + words[1:]


def _only_known(argument: str, given: Any, names: Sequence[str]) -> None:
    if given is None:
        return
    if not isinstance(given, Mapping):
        raise InvalidArgument(f"{option(argument, given)}: must be a mapping of columns")
    for name in given:
        if name not in names:
            raise UnknownName(
                f"{option(argument, key=name)} is none of the columns in {option('left')} and "
                f"{option('right')} "
                f"({', '.join(map(repr, names)) or 'there are none'}){closest(str(name), names)}"
            )


def _writer(name: str, values: Sequence[Any], wanted: Any) -> Cells:
    if wanted is None:
        floats = [value for value in values if isinstance(value, float)]
        digits = max((_digits(value) for value in floats), default=0)
        return lambda value: _plain(value, digits)
    if not callable(wanted) and not isinstance(wanted, str):
        raise InvalidArgument(
            f"{option('formats', wanted, key=name)}: must be a format such as '.1f', or a function"
        )

    def write(value: Any) -> str:
        if value is None:
            return ""
        try:
            return str(wanted(value)) if callable(wanted) else format(value, wanted)
        except (ValueError, TypeError) as error:
            raise InvalidArgument(
                f"{option('formats', wanted, key=name)} does not fit the value {value!r}: {error}"
            ) from None

    return write


def _plain(value: Any, digits: int) -> str:
    if value is None:
        return ""
    return f"{value:.{digits}f}" if isinstance(value, int | float) and digits else str(value)


def _digits(value: float) -> int:
    """Return the decimals that a value needs, up to a few."""
    return next((d for d in range(MOST_DECIMALS) if round(value, d) == value), MOST_DECIMALS)


def _alignment(name: str, values: Sequence[Any], write: Cells, wanted: Any) -> str:
    if wanted is not None:
        if not isinstance(wanted, str) or (wanted not in ALIGNMENTS and len(wanted) != 1):
            raise InvalidArgument(
                f"{option('align', wanted, key=name)}: must be left, right, centre or one character"
            )
        return wanted
    known = [value for value in values if value is not None]
    if not known or not all(isinstance(value, int | float) for value in known):
        return "left"
    return "." if any("." in write(value) for value in known) else "right"


def judgement(name: str, value: Any) -> str:
    """Return the symbol of a judgement on the risk of bias.

    Raises
    ------
    InvalidArgument
        If it is none of those known.

    Examples
    --------
    >>> judgement("selection", "Low"), judgement("selection", "some concerns"), judgement("selection", None)
    ('+', '!', '?')
    """
    written = "" if value is None else str(value).strip().lower()
    for symbol, names in JUDGEMENTS.items():
        if written in names:
            return symbol
    raise InvalidArgument(
        f"{option('risk_of_bias', name)}: a value is {shown(value)}; a judgement is low, some concerns, "
        "high or no information"
    )


def _judge(name: str) -> Cells:
    return lambda value: judgement(name, value)
