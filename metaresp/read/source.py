"""What was read: the file, what each column was taken as, which rows are no study, what was decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from metaresp.read.columns import Roles
from metaresp.read.table import LeftOut, Table
from metaresp.records import Record


@dataclass(frozen=True, eq=False, slots=True)
class Source(Record):
    """What was read.

    Attributes
    ----------
    file : str
        Name of the file, ``standard input`` or ``data frame``.
    sheet : str
        Sheet of a workbook; empty elsewhere.
    header_row : int or None
        Row of the column names; None where columns bear their names.
    columns : mapping of str to str
        Column to role: events, n, study, response, percent, enrolled, failures, or covariate.
    reasons : mapping of str to str
        Column to why it was taken: ``given``, or ``name`` and ``values``.
    left_out : tuple of LeftOut
        Rows that are no study, and studies that cannot be used, with the reason.
    notes : tuple of str
        What was guessed or done, in sentences.

    Examples
    --------
    >>> from metaresp import Studies
    >>> frame = {"Author": ["Xu", "Li"], "Positive": [13, 4], "Sample size": [18, 7]}
    >>> print(Studies.from_frame(frame).source)
    data frame: 'Positive' as events, 'Sample size' as n, 'Author' as study
    """

    file: str
    sheet: str
    header_row: int | None
    columns: Mapping[str, str]
    reasons: Mapping[str, str]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        """Return one line: the file, and what its columns were taken as."""
        parts = [f"{name!r} as {role}" for name, role in self.columns.items() if role != "covariate"]
        where = f" (sheet {self.sheet!r})" if self.sheet else ""
        head = f", header in row {self.header_row}" if self.header_row not in {None, 1} else ""
        rows = len(self.left_out)
        left = f", {rows} row{'s' if rows > 1 else ''} left out" if rows else ""
        return f"{self.file}{where}: {', '.join(parts)}{head}{left}"


def source_of(table: Table, roles: Roles, notes: Sequence[str], left_out: Sequence[LeftOut]) -> Source:
    """Return what was read of a table, with what its checking had to say."""
    columns: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for role in ("events", "n", "response", "percent", "enrolled", "study"):
        value = getattr(roles, role)
        places = value if isinstance(value, tuple) else () if value is None else (value,)
        for place in places:
            name = table.names[place]
            taken = columns.get(name)
            columns[name] = role if taken in {None, role} else f"{taken} and {role}"
            reasons.setdefault(name, roles.reasons.get(role, "name"))
    for place in roles.covariates:
        columns.setdefault(table.names[place], "covariate")
    totals = [
        f"Row {item.row} ({item.text or 'no label'}) was left out: it {item.reason}."
        for item in table.left_out
        if "not a study" in item.reason
    ]
    return Source(
        file=table.source.partition(" (sheet ")[0] if table.sheet else table.source,
        sheet=table.sheet,
        header_row=table.header_row,
        columns=columns,
        reasons=reasons,
        left_out=(*table.left_out, *left_out),
        notes=(*table.notes, *roles.notes, *notes, *totals),
    )
