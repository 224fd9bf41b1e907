"""What belonging to a subset does to a number that every subset has: medians, and shares of the spread."""

from typing import NamedTuple

import numpy as np

from metaresp.arrays import ByteArray, FloatArray, IntArray

_ROUNDING = 1e-20  # a variance below this times the squared mean is none


class Membership(NamedTuple):
    """With and without each unit, shape (units,); NaN where a side has no subset."""

    median_with: FloatArray
    median_without: FloatArray
    share: FloatArray


def membership(value: FloatArray, members: ByteArray) -> Membership:
    """Compare the subsets that hold a unit with those that do not.

    Parameters
    ----------
    value : float array, shape (subsets,)
        NaN and infinity take no part.
    members : uint8 array, shape (subsets, units)
        1 where the subset holds the unit.

    Returns
    -------
    Membership
        ``share`` is the part of the variance of *value* between the subsets that one unit's membership alone
        explains, ``q (1 - q) (mean with - mean without)**2 / variance`` with q the part of the subsets that
        hold it: the first-order index of Sobol (1993).  Over all subsets memberships are nearly uncorrelated:
        the shares add up to one less what units do together.

    Examples
    --------
    >>> found = membership(np.array([0.0, 1.0, 1.0, 2.0]), np.array([[0, 0], [1, 0], [0, 1], [1, 1]]))
    >>> found.median_with.tolist(), found.median_without.tolist(), found.share.tolist()
    ([1.5, 1.5], [0.5, 0.5], [0.5, 0.5])
    """
    known = np.isfinite(value)
    value, members = value[known], members[known]
    units = members.shape[1]
    out = Membership(*np.full((3, units), np.nan))
    if not value.size:
        return out
    centred = value - value.mean()
    variance = float(np.mean(centred * centred))
    constant = variance <= _ROUNDING * float(np.mean(value * value))
    order = np.argsort(value)
    value, centred, members = value[order], centred[order], members[order]
    for i in range(units):
        held = members[:, i] == 1
        inside, outside = np.flatnonzero(held), np.flatnonzero(~held)
        out.median_with[i], out.median_without[i] = _middle(value, inside), _middle(value, outside)
        if inside.size and outside.size:
            q, apart = inside.size / held.size, centred[inside].mean() - centred[outside].mean()
            out.share[i] = 0.0 if constant else q * (1 - q) * apart * apart / variance
    return out


def _middle(ascending: FloatArray, places: IntArray) -> float:
    """Return the median of the values at ascending *places*; NaN where there are none."""
    if not places.size:
        return np.nan
    half = places.size // 2
    return float(0.5 * (ascending[places[(places.size - 1) // 2]] + ascending[places[half]]))
