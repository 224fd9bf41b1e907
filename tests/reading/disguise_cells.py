"""How one study's counts are told: the cells of each style, and whether the count can be told from them."""

import random
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from functools import cache

from scipy.special import betaincinv

from tests.reading.disguise_words import DIGITS

#: Verdicts on a table, from clear to doubtful: it must be read; read or asked about; asked about.
READ, EITHER, ASK = "read", "either", "ask"


def worse(one: str, other: str) -> str:
    """Return the more doubtful of two verdicts."""
    return max(one, other, key=(READ, EITHER, ASK).index)


@cache
def limits(events: int, n: int) -> tuple[float, float]:
    """Return the Clopper-Pearson limits, as an article prints them."""
    low = 0.0 if events == 0 else float(betaincinv(events, n - events + 1, 0.025))
    high = 1.0 if events == n else float(betaincinv(events + 1, n - events, 0.975))
    return low, high


def rounded(events: int, n: int, scale: int, decimals: int, rounding: str) -> str:
    """Return the rate times *scale* as printed with so many decimals."""
    exact = Decimal(events) * scale / Decimal(n)
    return f"{exact.quantize(Decimal(1).scaleb(-decimals), rounding=rounding):f}"


def fitting(printed: str, n: int, scale: int) -> tuple[range, range]:
    """Return the counts that a printed rate may stand for: when it was rounded, and when it was cut off."""
    value = Decimal(printed)
    unit = Decimal(1).scaleb(int(value.as_tuple().exponent))
    first = max(0, -int(-(value - unit / 2) * n // scale))  # ceiling
    while Decimal(first) * scale < (value - unit / 2) * n:
        first += 1
    last = min(n, int((value + unit / 2) * n // scale))
    cut = -int(-value * n // scale)
    while Decimal(cut) * scale < value * n:
        cut += 1
    cut_last = int((value + unit) * n // scale)
    if Decimal(cut_last) * scale == (value + unit) * n:
        cut_last -= 1
    return range(first, last + 1), range(cut, min(n, cut_last) + 1)


class Writer:
    """Writes counts and rates with the marks of one country, the same for a whole table."""

    def __init__(self, rng: random.Random, *, comma: bool, largest: int) -> None:
        self.rng = rng
        self.comma = comma
        self.verdict = READ
        self.digits = ""
        self.thousands = ""
        self.float_zeros = ""
        if rng.random() < 0.06:
            self.digits = DIGITS[rng.choice(sorted(DIGITS))]
        elif largest >= 1000 and rng.random() < 0.35:
            self.thousands = rng.choice(
                [".", " ", "\u00a0", "\u202f", "'"] if comma else [",", " ", "\u202f", "'"]
            )
            # 1.234 is a number with decimals as well: other cells must tell, so a question is right too
            self.verdict = EITHER
        elif rng.random() < 0.05:
            self.float_zeros = rng.choice([".0", ".00", ".000"]).replace(".", "," if comma else ".")
            self.verdict = EITHER if self.float_zeros.endswith("000") else READ

    def count(self, value: int, *, plain: bool = False) -> str:
        """Return a whole number."""
        text = str(value)
        if plain:
            return self._script(text)
        if self.thousands:
            text = f"{value:,}".replace(",", self.thousands)
        return self._script(text + self.float_zeros)

    def rate(self, text: str) -> str:
        """Return a printed rate with this country's decimal mark."""
        return self._script(text.replace(".", "," if self.comma else "."))

    def _script(self, text: str) -> str:
        return text.translate(str.maketrans("0123456789", self.digits)) if self.digits else text


Cells = tuple[list[str], str]
Row = tuple[int, int]


def pair(rows: list[Row], write: Writer) -> Cells:
    """``13`` and ``18``, now and then with a footnote mark."""
    verdict = READ
    cells = [write.count(events) for events, _ in rows]
    if write.rng.random() < 0.15:
        at = write.rng.randrange(len(cells))
        mark = write.rng.choice(["*", "†", "‡", "**", " a", " *", "ᵃ", "§", "²", " [1]"])
        if mark in {"²", " [1]"} or write.digits or write.thousands or write.float_zeros:
            verdict = EITHER
        cells[at] += mark
    return cells, verdict


def of(rows: list[Row], write: Writer) -> Cells:
    """``13/18``, ``13 of 18``, ``13/18 (72.2%)``, ``72.2% (13/18)``."""
    between = write.rng.choice(["/", "/", " / ", " of ", " out of "])
    form = write.rng.choice(["{}", "{}", "{} ({}%)", "{} ({} %)", "{1}% ({0})", "{} [{}%]", "{}, {}%"])
    decimals = write.rng.choice([0, 1, 1, 2])
    verdict = (
        EITHER if form in {"{}, {}%", "{} [{}%]"} or between == " out of " or write.float_zeros else READ
    )
    cells = []
    for events, n in rows:
        rate = write.rate(rounded(events, n, 100, decimals, ROUND_HALF_UP))
        cells.append(form.format(f"{write.count(events)}{between}{write.count(n)}", rate))
    return cells, verdict


def with_percent(rows: list[Row], write: Writer) -> Cells:
    """``13 (72.2%)`` beside n."""
    form = write.rng.choice(["{} ({}%)", "{} ({})", "{} [{}%]", "{} ({} %)", "{} [{}]", "{}({}%)"])
    decimals = write.rng.choice([0, 1, 1, 2])
    rates = [write.rate(rounded(events, n, 100, decimals, ROUND_HALF_UP)) for events, n in rows]
    cells = [form.format(write.count(row[0]), rate) for row, rate in zip(rows, rates, strict=True)]
    return cells, EITHER if write.thousands or write.float_zeros else READ


def percent(rows: list[Row], write: Writer) -> Cells:
    """``72.2`` or ``72.2%`` beside n."""
    return _rates(
        rows, write, 100, write.rng.choice([0, 1, 1, 2, 2, 4]), write.rng.choice(["", "", "%", " %"])
    )


def proportion(rows: list[Row], write: Writer) -> Cells:
    """``0.722`` beside n."""
    return _rates(rows, write, 1, write.rng.choice([2, 3, 3, 4, 6]), "")


def with_interval(rows: list[Row], write: Writer) -> Cells:
    """``72.2% (46.5-90.3)`` beside n."""
    dash = write.rng.choice(["-", "–", " to ", "; ", ", "] if not write.comma else ["-", "–", "; "])
    form = write.rng.choice(
        ["{}% ({}{}{})", "{} ({}{}{})", "{}% [{}{}{}]", "{} [{}{}{}]", "{}% (95% CI {}{}{})"]
    )
    cells, verdict = _rates(rows, write, 100, 1, "")
    told = []
    for (events, n), rate in zip(rows, cells, strict=True):
        low, high = (write.rate(f"{100 * limit:.1f}") for limit in limits(events, n))
        told.append(form.format(rate, low, dash, high))
    verdict = EITHER if verdict == ASK else verdict  # the limits may tell which count was meant
    return told, worse(verdict, READ if "%" in form else EITHER)


def _rates(rows: list[Row], write: Writer, scale: int, decimals: int, sign: str) -> Cells:
    rounding = write.rng.choice([ROUND_HALF_UP, ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN])
    printed = [rounded(events, n, scale, decimals, rounding) for events, n in rows]
    verdict = READ
    for (events, n), text in zip(rows, printed, strict=True):
        near, cut = fitting(text, n, scale)
        if events not in near and {*near, *cut} != {events}:
            return _rates(
                rows, write, scale, decimals + 2, sign
            )  # cut off, and taken for rounded: nobody can tell
        if len(near) > 1:
            # a rate whose product with n is whole may be told as it is, as 0.25 of 400
            verdict = worse(verdict, EITHER if Decimal(text) * n % scale == 0 else ASK)
        elif len({*near, *cut}) > 1:
            verdict = worse(verdict, EITHER)
    if scale == 100 and all(Decimal(text) <= 1 for text in printed):
        shares = all(fitting(text, n, 1)[0] for (_, n), text in zip(rows, printed, strict=True))
        doubt = shares and not sign and any(Decimal(text) for text in printed)
        verdict = ASK if doubt else worse(verdict, EITHER)
    return [write.rate(text) + sign for text in printed], verdict


#: Style -> what the cells are headed, how they are written, whether n stands in a column of its own.
STYLES: dict[str, tuple[str, Callable[[list[Row], Writer], Cells], bool]] = {
    "pair": ("events", pair, True),
    "failures": ("events", pair, False),
    "fraction": ("fraction", of, False),
    "count and percent": ("events", with_percent, True),
    "percent": ("percent", percent, True),
    "proportion": ("proportion", proportion, True),
    "interval": ("rate", with_interval, True),
}
