"""Rows that are no study: totals, subtotals, means, pooled estimates, in any language."""

import re
from collections.abc import Sequence

from metaresp.read.cells import label_text
from metaresp.read.table import Table
from metaresp.read.vocabulary import folded, words
from metaresp.read.writing import read_cell

_BRACKETS = re.compile(r"[(\[{（【][^()\[\]{}（）【】]*[)\]}）】]")
_YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
# Behind a total: "Total: 40", "Total, n = 40", "Overall (I2 = 45%, p = 0.03)", "Random effects 0.65 [0.5, 0.8]"
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


def may_be_total(label: str) -> bool:
    """Whether a label such as "Total responders" may say that its row is a total, or name an outcome."""
    found = words(_BRACKETS.sub(" ", label), "rows")
    rest = " ".join(word.text for word in found if not word.meanings)
    return (
        any("total" in word.meanings for word in found)
        and any("event" in word.meanings for word in words(rest))
        and not any(not word.meanings for word in words(rest))
    )


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


def sums_of_others(
    events: Sequence[int | None], n: Sequence[int | None], totals: Sequence[int]
) -> dict[int, list[int]]:
    """Return the rows that are the sum of other rows, each with those rows.

    Parameters
    ----------
    events, n : sequence of int or None
        Counts as read, None where missing.
    totals : sequence of int
        Rows known to be totals by their label: no part of a sum.

    Notes
    -----
    Looked for: the sum of all other rows (missing counts aside), and of a run of at least two rows
    directly above or below.
    """
    gone = set(totals)
    rows = [row for row in range(len(n)) if row not in gone]
    known = [row for row in rows if n[row] is not None]
    all_events = sum(events[row] or 0 for row in known)
    all_n = sum(n[row] or 0 for row in known)
    found: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        x, m = events[row], n[row]
        if x is None or m is None:
            continue
        if len(known) > 2 and (all_events - x, all_n - m) == (x, m):
            found[row] = [other for other in known if other != row]
            continue
        run = _run(rows, place, events, n, -1) or _run(rows, place, events, n, 1)
        if run:
            found[row] = run
    return found


def _run(
    rows: list[int], place: int, events: Sequence[int | None], n: Sequence[int | None], step: int
) -> list[int]:
    """Return the rows next to one, above or below, that add up to it; at least two."""
    x, m = events[rows[place]] or 0, n[rows[place]] or 0
    sum_x = sum_n = 0
    run: list[int] = []
    at = place + step
    while 0 <= at < len(rows) and sum_n < m and len(run) < _LONGEST_RUN:
        sum_x += events[rows[at]] or 0
        sum_n += n[rows[at]] or 0
        run.append(rows[at])
        if (sum_x, sum_n) == (x, m) and len(run) > 1:
            return sorted(run)
        at += step
    return []


def looks_like_a_study(label: str, others: Sequence[str]) -> bool:
    """Whether a label that is no known total reads like those of the other rows.

    Where the others bear years, or numbers, a study bears one too.
    """
    if not label:
        return False
    return not all(re.search(r"[0-9]", other) for other in others) or bool(re.search(r"[0-9]", label))
