"""What was read: the file, what each column was taken as, which rows are no study, what was decided."""

from collections.abc import Mapping
from dataclasses import dataclass

from metaresp.read.table import LeftOut
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
    >>> print(Studies.from_frame({"Author": ["Xu", "Li"], "Positive": [13, 4], "Sample size": [18, 7]}).source)
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
        parts = [f"{name!r} as {role}" for name, role in self.columns.items() if role != "covariate"]
        where = f" (sheet {self.sheet!r})" if self.sheet else ""
        head = f", header in row {self.header_row}" if self.header_row not in {None, 1} else ""
        rows = len(self.left_out)
        left = f", {rows} row{'s' if rows > 1 else ''} left out" if rows else ""
        return f"{self.file}{where}: {', '.join(parts)}{head}{left}"
