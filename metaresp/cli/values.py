"""What stands behind a flag, text, to the value that Python takes; each kind of option is one function."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from metaresp.cli.table import TABLE, Option
from metaresp.errors import InvalidArgument, folded, known_name, option

if TYPE_CHECKING:
    from metaresp import Fit, Studies

_MARKS = re.compile(r"\s*(?:[,;:]|\bto\b|\s)\s*")


def parsed(what: Option, given: Any) -> Any:
    """Return the value of an option from its text, its texts, or True of a switch."""
    return KINDS[what.kind](what.name, given)


def _text(name: str, text: str) -> str:
    return text


def _switch(name: str, given: bool) -> bool:
    return given


def _no(name: str, given: bool) -> bool:
    return not given


def _number(name: str, text: str) -> float:
    try:
        return _as_number(text)
    except ValueError:
        raise InvalidArgument(f"{option(name, text)}: must be a number") from None


def _as_number(text: str) -> float:
    """Return a number that errors show as it was typed."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else float(text)


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidArgument(f"{option(name, text)}: must be a whole number") from None


def _sheet(name: str, text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _tau2(name: str, text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _name_or_none(name: str, text: str) -> str | None:
    return None if folded(text) == "none" else text


def _yes_or_no(name: str, text: str) -> bool | str:
    found = known_name(name, text, ("yes", "no", "all"))
    return {"yes": True, "no": False}.get(found, found)


def _drawn(name: str, text: str) -> str | None:
    from metaresp.present.forest_parts import PREDICTIONS

    found = known_name("draw_prediction", text, [*PREDICTIONS, "none"])
    return None if found == "none" else found


def _numbers(name: str, text: str) -> tuple[float, float]:
    parts = _MARKS.split(text.strip(" ()[]"))
    try:
        low, high = (_as_number(part) for part in parts)
    except ValueError:
        raise InvalidArgument(f"{option(name, text)}: must be two numbers such as 0,0.5") from None
    return low, high


def _name_and_number(name: str, text: str) -> tuple[str, float] | None:
    """Return a name and its scale, written ``half-normal,1``."""
    if folded(text) == "none":
        return None
    first, _, rest = text.strip(" ()").partition("," if "," in text else "=")
    if not rest.strip():
        raise InvalidArgument(f"{option(name, text)}: must be a name and a scale, such as half-normal,1")
    return first.strip().strip("'\""), _number(name, rest.strip())


def _names(name: str, texts: Sequence[str]) -> list[str]:
    return list(texts)


def _pairs(name: str, texts: Sequence[str]) -> dict[str, str]:
    """Return ``key=value`` texts as a mapping."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise InvalidArgument(f"{option(name, text)}: must be key=value")
        if key.strip() in found:
            raise InvalidArgument(f"{option(name, text)}: {key.strip()!r} is given twice")
        found[key.strip()] = value
    return found


def _heads(name: str, texts: Sequence[str]) -> list[str] | dict[str, str]:
    """Return columns, with their heads where one is given."""
    if not any("=" in text for text in texts):
        return list(texts)
    from metaresp.present.forest_columns import headline

    return _pairs(name, [text if "=" in text else f"{text}={headline(text)}" for text in texts])


def _rates(name: str, texts: Sequence[str]) -> list[float] | dict[str, float]:
    """Return rates, or rates by label; without a label a rate is its own."""
    if not any("=" in text for text in texts):
        return [_number(name, text) for text in texts]
    pairs = _pairs(name, [text if "=" in text else f"Benchmark {text}={text}" for text in texts])
    return {label: _number(name, text) for label, text in pairs.items()}


def _zones(name: str, texts: Sequence[str]) -> dict[str, tuple[float, float]]:
    return {label: _numbers(name, text) for label, text in _pairs(name, texts).items()}


def _models(name: str, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return the options of each further model, the first word being its name."""
    known = {item.name: item for item in TABLE["model"] if item.name not in {"level", "study_ci", "model"}}
    found = []
    for text in texts:
        model, *rest = (part.strip() for part in text.split(","))
        given: dict[str, Any] = {"model": model}
        for key, value in _pairs(name, rest).items():
            item = known[known_name("also", key.replace("-", "_"), known)]
            given[item.name] = parsed(item, value)
        found.append(given)
    return found


def further_fits(studies: "Studies", models: Sequence[dict[str, Any]], fit: "Fit") -> "list[Fit]":
    """Return the fits of further models at the level of the first."""
    import metaresp as mr

    return [
        mr.pool(studies, level=fit.spec.level, study_ci=fit.spec.study_ci, **options) for options in models
    ]


KINDS: dict[str, Callable[[str, Any], Any]] = {
    "text": _text,
    "switch": _switch,
    "no": _no,
    "number": _number,
    "whole": _whole,
    "sheet": _sheet,
    "tau2": _tau2,
    "name or none": _name_or_none,
    "yes or no": _yes_or_no,
    "drawn": _drawn,
    "pair": _numbers,
    "name and number": _name_and_number,
    "names": _names,
    "pairs": _pairs,
    "heads": _heads,
    "rates": _rates,
    "zones": _zones,
    "models": _models,
}
SWITCHES = {"switch", "no"}
SEVERAL = {"names", "pairs", "heads", "rates", "zones", "models"}
METAVARS = {
    "number": "NUMBER",
    "whole": "NUMBER",
    "pair": "A,B",
    "name and number": "NAME,SCALE",
    "pairs": "KEY=TEXT",
    "heads": "COLUMN[=HEAD]",
    "rates": "[LABEL=]RATE",
    "zones": "LABEL=A,B",
    "models": "MODEL[,OPTION=VALUE]",
}
