"""Numbers as they are printed in an article: a rate with limits, and what is said of heterogeneity."""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from metaresp.errors import InvalidArgument, option
from metaresp.read.patterns import plain
from metaresp.records import Record

FORMS = (
    "write 72.1% (65.3 to 78.2), 72.1 [65.3-78.2], 0.72 (0.65, 0.78), 72,1% (95% CI 65,3-78,2) or 72.1%; "
    "I2 = 45%, tau2 = 0.36 and Q = 29.8 may follow"
)
_N = r"(-?(?:\d+(?:[.,]\d+)?|\.\d+))"
_CI = r"(?:c\.?i\.?|cr\.?i\.?|ki|ic|ди|intervals?|confidence|credible|konfidenz\w*|confiance|confianza)(?!\w)"
_L = r"(80|90|95|97[.,]5|98|99(?:[.,]\d+)?)"
_LEVEL = re.compile(
    rf"(?<![\d.,]){_L}\s*%?\s*-?\s*{_CI}(?:\s*intervals?)?[:,=]?"
    rf"|(?<!\w)(?:cri|[ck]i|ic)\s*[:,=]?\s*{_L}\s*%[:,]?"
)
_WORDS = re.compile(rf"(?<!\w){_CI}")
_STATISTICS = {
    "I2": re.compile(rf"(?<!\w)i\s*(?:\^?2|²)\s*(?:=|:|of|was)?\s*{_N}\s*(%?)"),
    "tau2": re.compile(rf"(?<!\w)(?:tau|τ)\s*-?\s*(?:\^?2|²|squared)\s*(?:=|:|of|was)?\s*{_N}()"),
    "tau": re.compile(rf"(?<!\w)(?:tau|τ)\s*[=:]\s*{_N}()"),
    "Q": re.compile(rf"(?<!\w)(?:cochran'?s\s+)?q\s*(?:\(\s*(?:df\s*=\s*)?\d+\s*\))?\s*[=:]\s*{_N}()"),
}
_IGNORED = re.compile(
    rf"(?<!\w)(?:p\s*(?:-?\s*value)?(?:\s*for\s*\w+)?\s*(?:<=|>=|[<>=≤≥])\s*{_N}|(?:df|k|n)\s*=\s*\d+)"
)
_PER = re.compile(r"(?:\bper\s*|/\s*)(1[, ]?0{3}|10[, ]?0{3}|100[, ]?000|1[, ]?000[, ]?000)\b")
_MINUS = re.compile(r"((?:^|[(\[;,]|\bto\b|\band\b)\s*)-\s*(?=\.?\d)")
_NUMBER = re.compile(r"\x01?(?:\d+(?:\.\d+)?|\.\d+)")


class Number(NamedTuple):
    """A printed number: its value and half a unit of its last place."""

    value: float
    half: float


@dataclass(frozen=True, eq=False, slots=True)
class Published(Record):
    """Published pooled numbers, rates on the 0-1 scale.

    Attributes
    ----------
    text : str
    numbers : mapping of str to (float, float)
        ``rate``, ``low``, ``high``, ``I2`` (percent), ``tau2``, ``tau``, ``Q``: value, and half a unit of the
        last place.
    weights : tuple of (float, float)
        Of the studies, in percent.
    level : float or None
        The level that the text names.
    factor : float
        What rates are multiplied with in the text: 100 for percentages.
    decimals : int
        Of the rate in the text.
    """

    text: str
    numbers: dict[str, tuple[float, float]]
    weights: tuple[tuple[float, float], ...]
    level: float | None
    factor: float
    decimals: int


def read_published(text: Any, *, weights: Sequence[Any] | str | None = None, **statistics: Any) -> Published:
    """Return the numbers of a text.

    Parameters
    ----------
    text : str
        A rate, with or without limits, such as ``"72.1% (65.3 to 78.2)"``.
    weights : sequence or str, optional
        Of the studies, in percent; in text with spaces between.
    **statistics
        ``I2`` (percent), ``tau2``, ``Q``, as numbers or text, with the digits printed.

    Raises
    ------
    InvalidArgument
        If the text has another form, or its limits do not hold the rate.

    Examples
    --------
    >>> found = read_published("72·1% (95% CI 65·3–78·2), I² = 45%")
    >>> {name: (round(value, 4), round(half, 4)) for name, (value, half) in found.numbers.items()}
    {'rate': (0.721, 0.0005), 'low': (0.653, 0.0005), 'high': (0.782, 0.0005), 'I2': (45.0, 0.5)}
    >>> found.level
    0.95
    """
    if not isinstance(text, str):
        raise InvalidArgument(f"{option('published', text)}: must be text, with the digits printed: {FORMS}")
    rest = plain(text).casefold()
    rest = re.sub(r"per\s?cent", "%", re.sub("[‒–—]", "-", rest))
    numbers: dict[str, Number] = {}
    for name, pattern in _STATISTICS.items():
        found = pattern.search(rest)
        if found:
            numbers[name] = _statistic(name, found[1] + found[2])
            rest = rest[: found.start()] + " " + rest[found.end() :]
    rest = _IGNORED.sub(" ", rest)
    level = _LEVEL.search(rest)
    rest = _WORDS.sub(" ", _LEVEL.sub(" ", rest))
    per = _PER.search(rest)
    rest = _PER.sub(" ", rest)
    written = _rates(rest)
    if len(written) not in {1, 3}:
        raise InvalidArgument(f"{option('published', text)}: no rate with its limits is understood: {FORMS}")
    plain_numbers = [_number(one) for one in written]
    if per:
        factor = float(re.sub(r"\D", "", per[1]))
    else:
        factor = 100.0 if "%" in rest or max(n.value for n in plain_numbers) > 1 else 1.0
    rates = dict(zip(("rate", "low", "high"), plain_numbers, strict=False))
    _check(text, rates, factor)
    scaled = {name: (n.value / factor, n.half / factor) for name, n in rates.items()}
    for name, value in statistics.items():
        if value is not None:
            numbers[name] = _statistic(name, value)
    shares = [] if weights is None else [_statistic("weights", one) for one in _listed(weights)]
    return Published(
        text=text,
        numbers={**scaled, **{name: (number.value, number.half) for name, number in numbers.items()}},
        weights=tuple((share.value, share.half) for share in shares),
        level=None if level is None else float((level[1] or level[2]).replace(",", ".")) / 100,
        factor=factor,
        decimals=len(written[0].partition(".")[2]),
    )


def _rates(text: str) -> list[str]:
    """Return the numbers that are left, a comma between digits being a decimal or a separating one."""
    signed = _MINUS.sub("\\1\x01", text)
    as_decimal = re.sub(r"(?<=\d),(?=\d)", ".", signed)
    as_separator = signed.replace(",", ";")
    readings = [as_separator] if re.search(r"\d\.\d", signed) else [as_decimal, as_separator]
    found = [_NUMBER.findall(reading) for reading in readings]
    return next((numbers for numbers in found if len(numbers) in {1, 3}), [])


def _number(written: str) -> Number:
    digits = written.replace("\x01", "-")
    return Number(float(digits), 0.5 * 10.0 ** -len(digits.partition(".")[2]))


def _statistic(name: str, value: Any) -> Number:
    """Return a number as printed; I2 in percent, also where it is given as a proportion."""
    written = value.item() if isinstance(value, np.generic) else value
    digits = ""
    if isinstance(written, str | int | float) and not isinstance(written, bool):
        with contextlib.suppress(ValueError):  # of an int that is too long for text
            digits = plain(str(written)).replace(",", ".").replace(" ", "")
    if not re.fullmatch(r"\d+(?:\.\d*)?%?|\.\d+%?", digits):
        raise InvalidArgument(f"{option(name, value)}: must be a number, with the digits that are printed")
    number = _number(digits.rstrip("%"))
    if name == "I2" and "%" not in digits and "." in digits and number.value <= 1:
        return Number(100 * number.value, 100 * number.half)
    return number


def _listed(weights: Any) -> Sequence[Any]:
    """Return the weights one by one."""
    if isinstance(weights, str):
        return re.findall(r"[^\s;]+", weights)
    if isinstance(weights, np.ndarray) and weights.ndim == 1:
        return [float(one) for one in weights] if weights.dtype.kind in "iuf" else weights.tolist()
    if not isinstance(weights, list | tuple):
        raise InvalidArgument(f"{option('weights', weights)}: must be a list of numbers, one for each study")
    return weights


def _check(text: str, rates: dict[str, Number], factor: float) -> None:
    rate, half = rates["rate"]
    if not 0 <= rate <= factor:
        raise InvalidArgument(f"{option('published', text)}: a rate lies from 0 to {factor:g}: {FORMS}")
    if len(rates) == 3 and not (
        rates["low"].value - rates["low"].half <= rate + half
        and rate - half <= rates["high"].value + rates["high"].half
    ):
        raise InvalidArgument(
            f"{option('published', text)}: the limits do not hold the rate; the rate comes first: {FORMS}"
        )
