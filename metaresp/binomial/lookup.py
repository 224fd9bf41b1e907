"""Compute once for each distinct (events, n), then gather.

A million trials with n up to 200 hold at most 20,000 distinct pairs.  Where a method treats events
and non-events alike, x and n - x share one computation, which also makes the limits mirror exactly.
"""

import numpy as np

from metaresp.arrays import BoolArray, IntArray
from metaresp.binomial.methods import BINOMIAL_CI, NOT_MIRRORED, TAKES_PRIOR, Ends, Prior, Side

#: A table of all pairs is used up to this many entries, or as many as there are trials.
_SMALL_TABLE = 65_536
#: Of alpha: a level too near 0 to differ from it still has limits.
_MOST = 1 - 2.0**-53
#: Above this the code of a pair would not fit 64 bits.
_PACKED = 4_000_000_000


def lookup(method: str, x: IntArray, n: IntArray, alpha: float, side: Side, prior: Prior) -> Ends:
    """Return both limits for every trial.

    Parameters
    ----------
    method : str
        A name in ``BINOMIAL_CI``.
    x, n : int64 array, shape (m,)
        Checked counts.
    alpha : float
        One minus the level.
    side : str
        ``two-sided``, ``less`` or ``greater``.
    prior : tuple of two floats
        Shapes of the beta prior; ignored by methods that take none.

    Returns
    -------
    low, high : float array, shape (m,)
        The limits, between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from metaresp.binomial.lookup import lookup
    >>> x, n = np.array([13, 5, 13]), np.array([18, 18, 18])
    >>> low, high = lookup("clopper-pearson", x, n, 0.05, "two-sided", (0.5, 0.5))
    >>> low.round(3).tolist(), bool(low[0] == 1 - high[1])
    ([0.465, 0.097, 0.465], True)
    """
    alpha = min(alpha, _MOST)
    if x.size <= 1:
        return _mirrored(method, x, n, alpha, side, prior)
    keep, where = _distinct(x, n)
    low, high = _mirrored(method, x[keep], n[keep], alpha, side, prior)
    return low[where], high[where]


def _distinct(x: IntArray, n: IntArray) -> tuple[IntArray, IntArray]:
    """Return places of one trial per distinct pair, and for every trial the row of its pair."""
    largest = int(n.max())
    if largest > _PACKED:
        pairs = np.stack([n, x], axis=1)
        _, keep, where = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
        return keep, where.reshape(-1)
    codes = n * (n + 1) // 2 + x
    entries = largest * (largest + 3) // 2 + 1
    if entries > max(_SMALL_TABLE, 2 * x.size):
        _, keep, where = np.unique(codes, return_index=True, return_inverse=True)
        return keep, where
    place = np.full(entries, -1, np.int64)
    place[codes] = np.arange(x.size)
    found = np.flatnonzero(place >= 0)
    keep = place[found]
    place[found] = np.arange(found.size)
    return keep, place[codes]


def _mirrored(method: str, x: IntArray, n: IntArray, alpha: float, side: Side, prior: Prior) -> Ends:
    """Compute with the fewer of events and non-events, and turn the interval where they were swapped."""
    limits = BINOMIAL_CI[method]
    uneven = method in NOT_MIRRORED or (method in TAKES_PRIOR and prior[0] != prior[1])
    if side != "two-sided" or uneven:
        low, high = limits(x.astype(float), n.astype(float), alpha, side, prior)
        return low + 0.0, np.maximum(low, high) + 0.0  # no limit is -0.0
    swapped: BoolArray = 2 * x > n
    fewer = np.where(swapped, n - x, x)
    if not swapped.any() or x.size == 1:
        low, high = limits(fewer.astype(float), n.astype(float), alpha, side, prior)
    else:
        keep, where = _distinct(fewer, n)
        low, high = limits(fewer[keep].astype(float), n[keep].astype(float), alpha, side, prior)
        low, high = low[where], high[where]
    high = np.maximum(low, high)  # rounding may cross them at a level near 0
    return np.where(swapped, 1 - high, low + 0.0), np.where(swapped, 1 - low, high)
