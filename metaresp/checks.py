"""Checks that every room asks for, each in one place: levels, yes or no, text."""

from typing import Any

import numpy as np

from metaresp.errors import InvalidArgument, option

MOST_DIGITS = 10
#: The largest n, and so the largest count, of one study: accuracy is tested up to it.
LARGEST_N = 1_000_000_000


def check_level(level: Any) -> float:
    """Return a confidence level as a float strictly between 0 and 1.

    A NumPy number of few digits is the level that it prints.

    Examples
    --------
    >>> check_level(0.9), check_level(np.float32(0.95))
    (0.9, 0.95)
    """
    is_array = isinstance(level, np.ndarray) and level.ndim > 0
    number = None if is_array or isinstance(level, bool | str | bytes | np.bool_) else as_float(level)
    if number is not None and 0 < number < 1:
        return number
    hint = f"; write {number / 100:g} for {number:g}%" if number is not None and 1 < number < 100 else ""
    raise InvalidArgument(f"{option('level', level)} is not a number strictly between 0 and 1{hint}")


def as_float(value: Any) -> float | None:
    """Return *value* as a float, or None where it is no number or beyond every float."""
    try:
        return float(str(value) if isinstance(value, np.floating) else value)
    except (TypeError, ValueError, OverflowError):
        return None


def check_bool(name: str, value: Any) -> bool:
    """Return True or False, of NumPy too.

    Examples
    --------
    >>> check_bool("descending", np.True_)
    True
    """
    if not isinstance(value, bool | np.bool_):
        raise InvalidArgument(f"{option(name, value)}: must be True or False")
    return bool(value)


def check_text(name: str, value: Any) -> str:
    """Return text, or say that it is none."""
    if not isinstance(value, str):
        raise InvalidArgument(f"{option(name, value)}: must be text")
    return value


def check_digits(digits: Any) -> int | None:
    """Return the decimals of percentages, or None for as many as are needed."""
    if digits is None:
        return None
    if isinstance(digits, bool) or not isinstance(digits, int | np.integer) or not 0 <= digits <= MOST_DIGITS:
        raise InvalidArgument(
            f"{option('digits', digits)}: must be a whole number of decimals from 0 to {MOST_DIGITS}"
        )
    return int(digits)


def check_seed(seed: Any) -> int | None:
    """Return a seed of random numbers, or None for the fixed one."""
    if seed is None:
        return None
    return check_whole("seed", seed, 0, None, ", or None")


def check_whole(name: str, value: Any, least: int, most: int | None = None, other: str = "") -> int:
    """Return a whole number within bounds, or say them; *other* says what else is possible.

    Examples
    --------
    >>> check_whole("repeats", np.int64(99), 1, 999)
    99
    """
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        bounds = f"of {least:,} or more" if most is None else f"from {least:,} to {most:,}"
        raise InvalidArgument(f"{option(name, value)}: must be a whole number {bounds}{other}")
    return int(value)
