"""Codes that statistics packages and spreadsheets hold for "not known", read as counts."""

from collections import Counter
from collections.abc import Sequence

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
    found = []
    times = Counter(events)
    plain_n = max((m for m in n if m not in SENTINELS), default=0)
    plain_x = max((x for x in events if x not in SENTINELS), default=0)
    for row, (x, m) in enumerate(zip(events, n, strict=True)):
        of_n = m in SENTINELS and m > (2 if m > 99 else 3) * plain_n
        both = x in SENTINELS and m in SENTINELS and (x == m or m > 99) and (m > 99 or m > plain_n)
        of_x = x in SENTINELS and x > 2 * plain_x and (times[x] > 1 or x > 776) and len(events) > times[x]
        if (of_n and plain_n) or both or of_x:
            found.append(row)
    return found
