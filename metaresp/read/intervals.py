"""Intervals that stand beside rates: whether they are those of the n beside them."""

import math
import re
from collections.abc import Sequence
from decimal import Decimal

from metaresp.read.column_cells import column_cells
from metaresp.read.patterns import INTERVAL, plain
from metaresp.read.table import Table
from metaresp.read.vocabulary import folded

Limits = tuple[str, str]

_INTERVAL_HEAD = re.compile(
    r"\b(?:c\.?i\.?|cri|ki|ic|ди|ga|ic95|ci95|confidence|credible|konfidenzintervall|confiance|confianza|"
    r"confianca|confidenza|доверительный)(?![^\W_])|置信区间|信頼区間|신뢰구간"
)
_LOWER = re.compile(
    r"(?:^|[\W_])(?:lower|low|lcl|lci|ll|lb|cil|ci\.?lb|untere|unten|inferior|inferieure|inferiore|нижняя|alt)"
    r"(?![^\W_])|下限|하한"
)
_UPPER = re.compile(
    r"(?:^|[\W_])(?:upper|high|ucl|uci|ul|ub|ciu|ci\.?ub|obere|oben|superior|superieure|superiore|верхняя|ust)"
    r"(?![^\W_])|上限|상한"
)
# Of something else than a proportion.
_OTHER = re.compile(
    r"\b(?:age|pfs|os|dor|efs|dfs|ttp|hr|or|rr|median|mean|months?|years?|duration|dose|time|score|odds|hazard)\b"
)


def interval_columns(table: Table) -> list[tuple[str, list[Limits | None]]]:
    """Return the intervals that stand in columns of their own: names, and the limits of each row."""
    found: list[tuple[str, list[Limits | None]]] = []
    heads = [folded(name) if len(name) < 60 else "" for name in table.heads]
    for place, head in enumerate(heads):
        if _OTHER.search(head):
            continue
        beside = heads[place + 1] if place + 1 < len(heads) else ""
        if _LOWER.search(head) and _UPPER.search(beside) and not _OTHER.search(beside):
            pairs = zip(column_cells(table, place), column_cells(table, place + 1), strict=True)
            found.append(
                (table.names[place], [(a.rate, b.rate) if a.rate and b.rate else None for a, b in pairs])
            )
        elif _INTERVAL_HEAD.search(head):
            limits = [_limits(cell) for cell in table.columns[place]]
            if any(limits):
                found.append((table.names[place], limits))
    return found


def _limits(cell: object) -> Limits | None:
    if not isinstance(cell, str) or len(cell) > 60:
        return None
    matched = INTERVAL.fullmatch(plain(cell))
    if matched is None:
        return None
    low, high = (text.replace(" ", "").replace(",", ".") for text in (matched[1], matched[2]))
    return (low, high) if low.count(".") < 2 and high.count(".") < 2 else None


def scale_of(limits: Sequence[Limits | None], rates: Sequence[float | None]) -> int | None:
    """Return 1 or 100, as limits are of proportions or percentages; None where they are of something else."""
    pairs = [(pair, rate) for pair, rate in zip(limits, rates, strict=True) if pair and rate is not None]
    for scale in (100, 1):
        slack = [2 * _last_place(pair) for pair, _ in pairs]
        if pairs and all(
            float(low) - least <= rate * scale <= float(high) + least and float(high) <= scale
            for ((low, high), rate), least in zip(pairs, slack, strict=True)
        ):
            return scale
    return None


def is_interval(p: float, limits: Limits, n: int, scale: int) -> bool:
    """Whether an interval is about as wide as that of a rate of n, by any usual method and level.

    Examples
    --------
    >>> is_interval(13 / 18, ("46.5", "90.3"), 18, 100), is_interval(130 / 180, ("46.5", "90.3"), 180, 100)
    (True, False)
    """
    low, high = (float(limit) / scale for limit in limits)
    if low == high:
        return True  # Wald's, of 0 or all
    least = _last_place(limits) / scale
    # Wilson's at 95%: any interval in use is from half to twice as wide
    width = 4 * math.sqrt(abs(p * (1 - p)) / n + 1 / n**2) / (1 + 4 / n)
    return 0.5 * width - least <= high - low <= 2 * width + least


def _last_place(limits: Limits) -> float:
    decimals = min(max(-int(Decimal(limit).as_tuple().exponent), 0) for limit in limits)
    return math.pow(10, -decimals)


def about(p: float, n: int) -> str:
    """Return Wilson's interval at 95% in words.

    Examples
    --------
    >>> about(130 / 180, 180)
    '65% to 78%'
    """
    middle = (p + 2 / n) / (1 + 4 / n)
    half = 2 * math.sqrt(abs(p * (1 - p)) / n + 1 / n**2) / (1 + 4 / n)
    return f"{100 * max(0.0, middle - half):.2g}% to {100 * min(1.0, middle + half):.2g}%"
