"""Rows that are no study: refused, left out or kept, as the caller says."""

from collections.abc import Sequence

from metaresp.errors import InvalidStudies, option
from metaresp.read.cells import shown
from metaresp.read.columns import Roles
from metaresp.read.labels import labels_of
from metaresp.read.options import Options
from metaresp.read.rows import first_texts, rows_of_totals
from metaresp.read.table import LeftOut, Table

# Rows that an error lists before it only counts.
LISTED = 5


def without_totals(table: Table, roles: Roles, options: Options) -> Table:
    """Refuse, drop or keep the rows whose label says that they are no study."""
    labels = list(labels_of(table, roles.study[0])) if roles.study else [""] * len(table)
    if "" in labels:
        labels = [label or first for label, first in zip(labels, first_texts(table), strict=True)]
    totals = [(row, labels[row]) for row in rows_of_totals(table, labels)]
    return settled(table, totals, "is a total or a summary of studies, not a study", options)


def settled(table: Table, totals: Sequence[tuple[int, str]], what: str, options: Options) -> Table:
    """Refuse, drop or keep *totals*, rows and their labels, as the caller says."""
    if not totals:
        return table
    told = [f"{table.at(row)}: {shown(text) if text else 'a row without a label'}" for row, text in totals]
    if options.totals == "raise":
        more = f"; and {len(told) - LISTED} more rows" if len(told) > LISTED else ""
        raise InvalidStudies(
            f"{table.source}, {'; '.join(told[:LISTED])}{more} {what}: {option('totals', 'drop')} leaves "
            f"such rows out, {option('totals', 'keep')} takes them as studies"
        )
    if options.totals == "keep":
        return table
    left_out = [LeftOut(table.number(row), text or "(no label)", what) for row, text in totals]
    return table.without([row for row, _ in totals], left_out)
