"""Rows that are the sum of rows beside them: groups of a table whose labels are in no list of words."""

import re
from collections.abc import Sequence
from itertools import pairwise
from math import exp, lgamma, log, sqrt
from typing import NamedTuple

import numpy as np

# No table has a subtotal of more studies.
_LONGEST_RUN = 500
# Several sums that are rarer than this by chance are sums of groups.
_BY_CHANCE = 0.05
# Sums of sums: cities, regions, countries, all.
_LEVELS = 4

# A label, alone in its line, that bears no number.
_UNDATED = re.compile("(?m)^[^0-9\n]*$")
_DIGIT = re.compile("[0-9]")

Column = Sequence[int | None]


class Sum(NamedTuple):
    """A row, and the rows above it (step -1) or below it (step 1) that add up to it."""

    row: int
    step: int
    run: tuple[int, ...]


def partial_sums(labels: Sequence[str], events: Column, n: Column) -> tuple[list[int], list[Sum]]:
    """Return the rows that are sums of a group, not studies, and those that may be so by chance.

    Parameters
    ----------
    labels : sequence of str
        Empty where a row has none.
    events, n : sequence of int or None
        Counts as read, None where missing.

    Notes
    -----
    A sum has the events and the n of two or more rows directly above it, or below it.  Several such rows are
    sums of groups where all rows are in one, or where their counts are too large for chance.  One alone is a
    sum where its label bears no year or number and the others do, or where those that it sums bear none.

    Examples
    --------
    >>> names = ["Xu", "Li", "Asia", "Hu", "Ha", "Europe", "World"]
    >>> partial_sums(names, [13, 4, 17, 9, 3, 12, 29], [18, 17, 35, 15, 9, 24, 59])[0]
    [2, 5, 6]
    """
    rows: Sequence[int] = range(len(n))
    if None in events or not all(n):
        rows = [row for row in rows if n[row] and events[row] is not None]
    found = _sums(rows, events, n)
    if not found:
        return [], []
    # none of none tells nothing: any row without events is such a sum by its n alone
    telling = [one for one in found if events[one.row]]
    real = _told_by_label(telling, rows, labels) | _groups(found, rows, events, n)
    more = real
    for _ in range(_LEVELS):
        if not more:
            break
        rest = [row for row in rows if row not in real]
        again = _sums(rest, events, n)
        more = _groups(again, rest, events, n) | {one.row for one in again if len(one.run) == len(rest) - 1}
        real |= more
    return sorted(real), [one for one in found if one.row not in real]


def _groups(found: Sequence[Sum], rows: Sequence[int], events: Column, n: Column) -> set[int]:
    """Return the rows that are sums of groups, as several of them tell together."""
    real: set[int] = set()
    for step in (-1, 1):
        blocks = _disjoint([one for one in found if one.step == step])
        if len(blocks) > 1:
            inside = {row for one in blocks for row in (one.row, *one.run)}
            outside = [row for row in rows if row not in inside]
            # the sum of a group of one study
            same = {
                max(pair) if step < 0 else min(pair)
                for pair in pairwise(outside)
                if events[pair[0]] == events[pair[1]] and n[pair[0]] == n[pair[1]]
            }
            if _are_groups(blocks, same, rows, events, n):
                real |= {one.row for one in blocks} | same
            elif _are_large(len(blocks), rows, events, n):
                real |= {one.row for one in blocks}
    return real


def _sums(rows: Sequence[int], events: Column, n: Column) -> list[Sum]:
    """Return the rows that are the sum of two or more rows beside them."""
    x, m = (
        np.array(column if len(rows) == len(n) else [column[row] or 0 for row in rows], dtype=np.int64)
        for column in (events, n)
    )
    found = []
    for step in (-1, 1):
        place = np.arange(x.size)
        sum_x, sum_n = np.zeros_like(x), np.zeros_like(x)
        # all rows at once, a row more at a time, as long as what is summed is too small
        for length in range(1, _LONGEST_RUN):
            at = place + step * length
            inside = (at >= 0) & (at < x.size)
            place, at = place[inside], at[inside]
            sum_x, sum_n = sum_x[inside] + x[at], sum_n[inside] + m[at]
            if length > 1:
                for one in place[(sum_n == m[place]) & (sum_x == x[place])].tolist():
                    run = rows[one + 1 : one + length + 1] if step > 0 else rows[one - length : one]
                    found.append(Sum(rows[one], step, tuple(run)))
            open_ = (sum_n < m[place]) & (sum_x <= x[place])
            if not open_.any():
                break
            place, sum_x, sum_n = place[open_], sum_x[open_], sum_n[open_]
    return sorted(found, key=lambda one: (one.row, one.step))


def _disjoint(found: Sequence[Sum]) -> list[Sum]:
    """Return sums that share no row."""
    taken: set[int] = set()
    kept = []
    for one in found:
        if not taken & {one.row, *one.run}:
            kept.append(one)
            taken |= {one.row, *one.run}
    return kept


def _are_groups(
    blocks: Sequence[Sum], same: set[int], rows: Sequence[int], events: Column, n: Column
) -> bool:
    """Whether sums and what they add up to are all rows, but for the sum of everything."""
    sums = {one.row for one in blocks} | same
    inside = sums.union(*(one.run for one in blocks))
    outside = [row for row in rows if row not in inside]
    if len(outside) > len(same) + 1:
        return False
    all_n, all_events = (sum(column[row] or 0 for row in rows if row not in sums) for column in (n, events))
    of_all = [row for row in outside if 2 * (n[row] or 0) == all_n and 2 * (events[row] or 0) == all_events]
    return len(outside) - len(of_all) == len(same) and len(of_all) < 2


def _are_large(found: int, rows: Sequence[int], events: Column, n: Column) -> bool:
    """Whether so many sums are not found by chance.

    Sums of rows above or below come by any n with a chance of one over the mean n, and agree in their
    events with one over their spread, about the root of their mean.
    """
    mean_n, mean_x = (
        float(np.mean(column if len(rows) == len(n) else [column[row] or 0 for row in rows]))  # type: ignore[arg-type]
        for column in (n, events)
    )
    expected = 2 * len(rows) / (mean_n * (1 + sqrt(mean_x)))
    fewer = sum(exp(i * log(expected) - expected - lgamma(i + 1)) for i in range(min(found, 1000)))
    return 1 - fewer < _BY_CHANCE


def _told_by_label(found: Sequence[Sum], rows: Sequence[int], labels: Sequence[str]) -> set[int]:
    """Return the sums whose label, or whose rows' labels, are not like those of studies."""
    if not found or not _UNDATED.search("\n".join([labels[row] for row in rows])):
        return set()
    undated = {row for row in rows if not _DIGIT.search(labels[row])}
    if not undated or len(undated) > _LONGEST_RUN:
        return set()
    return {
        one.row
        for one in found
        if (labels[one.row] and undated == {one.row})
        or (undated == set(one.run) and len(rows) > len(one.run) + 1)
    }


def unlabelled_largest(labels: Sequence[str], n: Column) -> int | None:
    """Return the first or last row, where it alone has no label and its n is above every other.

    Examples
    --------
    >>> unlabelled_largest(["Xu", "Li", ""], [18, 7, 26]), unlabelled_largest(["Xu", "Li", ""], [18, 7, 9])
    (2, None)
    """
    blank = [row for row, label in enumerate(labels) if not label]
    if len(blank) != 1 or len(labels) < 3 or blank[0] not in {0, len(labels) - 1}:
        return None
    largest = n[blank[0]] or 0
    return blank[0] if all(largest > (m or 0) for row, m in enumerate(n) if row != blank[0]) else None
