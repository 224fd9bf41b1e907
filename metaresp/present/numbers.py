"""How numbers are written: percentages, intervals, p-values."""

import math
from collections.abc import Iterable


def decimals_for(rates: Iterable[float]) -> int:
    """Return the decimals with which percentages of this size keep about two digits.

    One decimal for ordinary rates; more where the largest is below 1%, up to eight.

    Examples
    --------
    >>> decimals_for([0.722, 0.465]), decimals_for([0.0004, 0.00002])
    (1, 3)
    """
    largest = max((abs(rate) for rate in rates if math.isfinite(rate)), default=0.0)
    if largest == 0 or largest >= 0.01:
        return 1
    return min(8, -math.floor(math.log10(largest)) - 1)


def percent(rate: float, decimals: int = 1) -> str:
    """Return a rate as a percentage.

    Examples
    --------
    >>> percent(13 / 18), percent(0.0), percent(0.000043, 4)
    ('72.2%', '0.0%', '0.0043%')
    """
    return f"{100 * rate:.{decimals}f}%"


def interval(low: float, high: float, decimals: int = 1) -> str:
    """Return an interval of rates as percentages.

    Examples
    --------
    >>> interval(0.4652, 0.9031)
    '46.5% to 90.3%'
    """
    return f"{percent(low, decimals)} to {percent(high, decimals)}"


def pvalue(p: float) -> str:
    """Return a p-value with its relation sign.

    Examples
    --------
    >>> pvalue(0.0312), pvalue(0.00002)
    ('p = 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def significant(value: float, digits: int = 3) -> str:
    """Return a number with that many significant digits, without an exponent for ordinary sizes.

    Examples
    --------
    >>> significant(0.589310), significant(12.3456), significant(0.0)
    ('0.589', '12.3', '0')
    """
    if value == 0:
        return "0"
    return f"{value:.{digits}g}" if 1e-4 <= abs(value) < 10**digits else f"{value:.{digits - 1}e}"


def level_percent(level: float) -> str:
    """Return a confidence level as it is spoken.

    Examples
    --------
    >>> level_percent(0.95), level_percent(0.995)
    ('95%', '99.5%')
    """
    return f"{100 * level:.10g}%"
