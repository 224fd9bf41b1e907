"""Rows that are no study: totals, subtotals, means, pooled estimates, in any language."""

import re
from collections.abc import Sequence

from metaresp.read.cells import label_text
from metaresp.read.table import Table
from metaresp.read.vocabulary import folded, words
from metaresp.read.writing import read_cell

_BRACKETS = re.compile(r"[(\[{（【][^()\[\]{}（）【】]*[)\]}）】]")
_YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
# Behind a total: "Total, n = 40", "Overall (I2 = 45%, p = 0.03)", "Random effects 0.65 [0.5, 0.8]"
_STATISTICS = re.compile(
    r"(?:\b(?:n|k|i2|i²|q|p|df|tau2|tau²|chi2|z|ci)\b|χ²|τ²|i\^2)\s*[=:<>]?\s*[0-9.,%]*", re.IGNORECASE
)
_NUMBERS = re.compile(r"[0-9][0-9.,%]*")

# No table has a subtotal of more studies.
_LONGEST_RUN = 500


def says_total(label: str, groups: frozenset[str] = frozenset()) -> bool:
    """Whether a label says that its row is a total, a mean or a pooled estimate, and names no study.

    Parameters
    ----------
    label : str
    groups : frozenset of str
        Folded texts of other columns: "Total East" is a total where East is a region.

    Examples
    --------
    >>> says_total("Total (3 studies)"), says_total("Gesamt"), says_total("Total Body Irradiation trial")
    (True, True, False)
    """
    if not label or len(label) > 120:
        return False
    bare = _BRACKETS.sub(" ", label)
    bare = bare if bare.strip() else label
    if _YEAR.search(bare) or re.search(r"\bet al\b", bare, re.IGNORECASE):
        return False
    bare = _NUMBERS.sub(" ", _STATISTICS.sub(" ", bare))
    found = [
        word
        for word in words(bare, "rows")
        if word.text not in {"%", "/", "+", "#"} and not word.text.isdigit()
    ]
    if not found:
        return False
    if any("subtotal" in word.meanings for word in (found[0], found[-1])):
        return True
    if not any("total" in word.meanings for word in found):
        return False
    strange = " ".join(word.text for word in found if not word.meanings)
    return not strange or strange in groups


def led_by_total(label: str) -> bool:
    """Whether a label such as "Total responders" or "East total" says total and something more."""
    found = words(_NUMBERS.sub(" ", _BRACKETS.sub(" ", label)), "rows") if len(label) <= 120 else []
    named = any("study" in word.meanings for word in words(label)) if found else False
    return len(found) > 1 and not named and any("total" in w.meanings for w in (found[0], found[-1]))


def _rest_is_outcome(label: str) -> bool:
    """Whether all that a label says beside total is an outcome."""
    rest = " ".join(word.text for word in words(_BRACKETS.sub(" ", label), "rows") if not word.meanings)
    found = words(rest)
    return any("event" in word.meanings for word in found) and all(word.meanings for word in found)


def labelled_totals(table: Table) -> list[int]:
    """Return the rows whose first text says that they are no study.

    The first text of a row is its label in every layout; a column of text that says it in most rows
    (a region "All") is none.
    """
    said: list[int] = []
    groups = text_values(table)
    for row in range(len(table)):
        first = first_text(table, row)
        if first and says_total(first, groups):
            said.append(row)
    return said if len(said) < len(table) or len(table) == 1 else []


def first_text(table: Table, row: int) -> str:
    """Return the first cell of a row that is text, or empty."""
    for column in table.columns:
        cell = column[row]
        if isinstance(cell, str) and read_cell(cell, table.decimal).kind == "other":
            return label_text(cell)
    return ""


def text_values(table: Table) -> frozenset[str]:
    """Return the texts that occur more than once in a column, folded: names of groups."""
    repeated: set[str] = set()
    for column in table.columns:
        seen: set[str] = set()
        for cell in column:
            if isinstance(cell, str) and len(cell) < 60:
                text = " ".join(word for word in re.split(r"\W+", folded(cell)) if word)
                if text in seen:
                    repeated.add(text)
                seen.add(text)
    return frozenset(repeated)


def hidden_totals(
    labels: Sequence[str], events: Sequence[int | None], n: Sequence[int | None]
) -> tuple[list[int], list[int]]:
    """Return the rows that are the sum of others and are no study, and those that only happen to be.

    Parameters
    ----------
    labels : sequence of str
        Empty where a row has none; all empty where the table has no labels.
    events, n : sequence of int or None
        Counts as read, None where missing.

    Notes
    -----
    Sums are looked for over all other rows, and over a run of rows directly above or below.  A row
    without a label in a labelled table is no study where its n alone is such a sum (its rate may be pooled),
    or where it repeats the row beside it; one with "total" in its label where events and n are the sum of
    any run, or it is larger than every other row; any other only where it is the sum of all the others, and
    then the label decides.
    """
    known = [row for row in range(len(n)) if n[row] is not None]
    all_events, all_n = (sum(column[row] or 0 for row in known) for column in (events, n))
    labelled = any(labels)
    doubtful: list[int] = []
    chance: list[int] = []
    for row in known:
        x, m, label = events[row], n[row] or 0, labels[row]
        n_whole = len(known) > 2 and all_n - m == m
        whole = n_whole and x is not None and all_events - x == x
        if not label and labelled:
            found = whole or n_whole or _is_run(row, events, n)
        elif not label:
            found = n_whole and row in {known[0], known[-1]}
        elif led_by_total(label):
            alone = len(known) == 2 and all_n - m == m  # of rates that are printed with other digits
            found = whole or n_whole or alone or _is_run(row, events, n)
            found = found or (_rest_is_outcome(label) and _exceeds(row, events, n))
        else:
            others = [labels[other] for other in known if other != row] if whole else []
            found = whole and not looks_like_a_study(label, others)
            if whole and not found:
                chance.append(row)
        if found:
            doubtful.append(row)
    return doubtful, chance


def _is_run(row: int, events: Sequence[int | None], n: Sequence[int | None]) -> bool:
    """Whether rows directly above, or below, add up to a row: one or more of both counts, or several n.

    The patients of a study whose events are not known may be in the sum or not.
    """
    x, m = events[row] or 0, n[row] or 0
    for step in (-1, 1):
        for every in (True, False):
            sum_x = sum_n = length = 0
            for at in range(row + step, row + step * _LONGEST_RUN, step):
                if not 0 <= at < len(n) or sum_n >= m:
                    break
                if not every and events[at] is None:
                    continue
                sum_x, sum_n, length = sum_x + (events[at] or 0), sum_n + (n[at] or 0), length + 1
                if sum_n == m and (sum_x == x or length > 1):
                    return True
    return False


def _exceeds(row: int, events: Sequence[int | None], n: Sequence[int | None]) -> bool:
    """Whether the first or last of several rows has more patients than each other, and no fewer events."""
    others = [other for other in range(len(n)) if other != row]
    if len(others) < 2 or row not in {0, len(n) - 1}:
        return False
    return all((n[row] or 0) > (n[o] or 0) and (events[row] or 0) >= (events[o] or 0) for o in others)


def looks_like_a_study(label: str, others: Sequence[str]) -> bool:
    """Whether a label that is no known total reads like those of the other rows.

    Where the others bear years, or numbers, a study bears one too.
    """
    if not label:
        return False
    return not all(re.search(r"[0-9]", other) for other in others) or bool(re.search(r"[0-9]", label))
