"""Printed percentages read back: what a reader may take each for."""

import math
import re
from itertools import pairwise
from typing import NamedTuple

PERCENTAGE = re.compile(r"([<>]?)(\d+(?:\.(\d+))?)%")
# Below this two rates print alike even with the most decimals.
FINEST = 1e-12


class Printed(NamedTuple):
    mark: str
    number: float
    decimals: int


def percentages(text):
    """Return every percentage in *text*."""
    return [Printed(mark, float(number), len(after)) for mark, number, after in PERCENTAGE.findall(text)]


def true(printed, rate):
    """Whether *printed* can be said of *rate*: 0% of nothing only, 100% of all only, the rest rounded."""
    value = 100 * rate
    if printed.mark == "<":
        return 0 < value < printed.number
    if printed.mark == ">":
        return printed.number < value < 100
    half = 0.5 * 10.0**-printed.decimals * (1 + 1e-9) + 1e-12
    return (
        abs(printed.number - value) <= half
        and (printed.number > 0 or rate == 0)
        and (printed.number < 100 or rate == 1)
    )


def in_order(printed, values):
    """Whether low, rate and high are printed in their order, each below the next wherever they differ."""
    for (one, other), (a, b) in zip(pairwise(printed), pairwise(values), strict=True):
        if b - a <= FINEST:
            continue
        if one.mark == other.mark == "":
            if one.number >= other.number:
                return False
        elif one.mark != other.mark and one.number > other.number:
            return False
    return True


def triple(text, rate, low, high):
    """Whether *text*, of a rate with its limits, is true and tells the three apart."""
    found = percentages(text)
    if len(found) != 3 or not all(map(math.isfinite, (rate, low, high))):
        return False
    one, least, most = found
    return (
        true(one, rate)
        and true(least, low)
        and true(most, high)
        and in_order((least, one, most), (low, rate, high))
    )
