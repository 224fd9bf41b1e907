"""Codes that statistics packages and spreadsheets hold for "not known", read as counts."""

from collections.abc import Sequence

import numpy as np

SENTINELS = frozenset([77, 88, 99, 777, 888, 998, 999, 7777, 8888, 9998, 9999, 77777, 88888, 99999, 999999])


def like_codes(events: Sequence[int], n: Sequence[int]) -> list[int]:
    """Return the rows whose counts look like codes for "not known".

    Notes
    -----
    A code stands out: it is the n, and more than two or three times every n that is none; or both events
    and n are codes; or the events of several rows are one code, more than twice all other events.

    Examples
    --------
    >>> like_codes([13, 4, 9], [18, 7, 999]), like_codes([13, 99, 99], [180, 170, 150])
    ([2], [1, 2])
    >>> like_codes([60, 80, 50], [99, 120, 80])
    []
    """
    if SENTINELS.isdisjoint(events) and SENTINELS.isdisjoint(n):
        return []
    x, m = np.array(events, dtype=np.int64), np.array(n, dtype=np.int64)
    coded_x, coded_m = (np.isin(column, list(SENTINELS)) for column in (x, m))
    plain_n, plain_x = m[~coded_m].max(initial=0), x[~coded_x].max(initial=0)
    _, place, many = np.unique(x, return_inverse=True, return_counts=True)
    times = many[place]
    of_n = coded_m & (m > np.where(m > 99, 2, 3) * plain_n) & (plain_n > 0)
    both = coded_x & coded_m & ((x == m) | (m > 99)) & ((m > 99) | (m > plain_n))
    of_x = coded_x & (x > 2 * plain_x) & ((times > 1) | (x > 776)) & (x.size > times)
    return list(np.flatnonzero(of_n | both | of_x).tolist())
