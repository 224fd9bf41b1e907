"""How p-values, levels and numbers without a unit are written; rates are in :mod:`metaresp.present.rates`."""


def pvalue(p: float) -> str:
    """Return a p-value with its relation sign; only a p-value of 1 is printed as 1.

    Examples
    --------
    >>> pvalue(0.0312), pvalue(0.00002), pvalue(0.9999), pvalue(1.0)
    ('p = 0.031', 'p < 0.001', 'p > 0.999', 'p = 1.000')
    """
    if 0.9995 <= p < 1 - 1e-12:
        return "p > 0.999"
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
    return f"{value:.{digits}g}" if 1e-4 <= abs(value) < 10**digits - 0.5 else f"{value:.{digits - 1}e}"


def level_percent(level: float) -> str:
    """Return a confidence level as it is spoken.

    Examples
    --------
    >>> level_percent(0.95), level_percent(0.995), level_percent(1 - 1e-13)
    ('95%', '99.5%', '99.99999999999%')
    """
    texts = (f"{100 * level:.{digits}g}" for digits in (10, 12, 14, 17))
    return next(text for text in texts if text != "100") + "%"
