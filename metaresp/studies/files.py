"""A file to studies, in one call."""

import os
from collections.abc import Sequence

from metaresp import read
from metaresp.studies.table import Columns, Studies


def read_studies(
    path: str | os.PathLike[str],
    *,
    events: Columns = None,
    n: Columns = None,
    study: str | None = None,
    response: str | None = None,
    percent: str | None = None,
    enrolled: str | None = None,
    missing: str = "raise",
    totals: str = "raise",
    unit: str | None = None,
    nearest: bool = False,
    sheet: int | str | None = None,
    encoding: str | None = None,
    covariates: Sequence[str] | None = None,
) -> Studies:
    """Read studies from a csv, tsv, txt, xlsx, parquet or JSON file.

    Parameters
    ----------
    path : path
        The file; its ending tells the format.  In a text file the separator (comma, semicolon, tab or
        bar), the encoding (byte order mark, UTF-8, else Windows-1252) and the decimal mark are told from
        its content.
    events, n : str, optional
        Columns of responders and patients.  When not given they are recognised without regard to case:
        events, event, x, xi, r, responders, cases; n, ni, total.  Two that fit are an error.
    study : str, optional
        Column of labels; recognised: study, trial, author, label.
    response : str, optional
        Column of cells such as ``13/18``, ``13 of 18`` or ``13/18 (72.2%)``, instead of *events* and *n*;
        recognised: response, orr, response rate.  A percentage beside a fraction must be its own.
    percent : str, optional
        Column of percentages (0 to 100) that stands for *events*, which are rebuilt where just one count
        fits *n*; recognised where there are no events: percent, pct, ``ORR (%)``, rate_percent.
    enrolled : str, optional
        Column of patients enrolled; recognised: enrolled.
    missing : {"raise", "drop"}
        Rows whose events or n are missing are an error, or are left out and listed in ``excluded``.
        Wrong values are an error always.
    sheet : int or str
        Sheet of a workbook, by position from 0 or by name.
    encoding : str, optional
        Of a text file, where it cannot be told.
    covariates : sequence of str, optional
        Columns to keep beside the counts; by default all others.

    Returns
    -------
    Studies

    Raises
    ------
    InvalidStudies
        Naming file, row (the header is row 1), column, value and rule.
    UnreadableFile
        If the file is not there or not in the format its ending says.
    UnknownName
        If a named column or sheet is not there.
    MissingDependency
        If a workbook or parquet file needs a package that is not installed.

    Notes
    -----
    A thousands mark is read where it can be nothing else: ``1 234``, ``1'234``, ``1,234,567``; and
    ``1,234`` in a file that is cut at commas or writes its decimals with a point.  Elsewhere it is an
    error.  Cells are data: nothing in them is evaluated.  In R: ``read.csv`` and ``readxl::read_excel``.

    Examples
    --------
    >>> from metaresp import datasets
    >>> from metaresp.studies import read_studies
    >>> read_studies(datasets.path("pritz1997"))
    Studies(k=14, events=246, n=326)
    """
    roles = {"events": events, "n": n, "study": study, "response": response, "percent": percent,
             "enrolled": enrolled}  # fmt: skip
    options = read.Options(missing, totals, unit, nearest)
    table = read.read_file(path, roles, encoding=encoding, sheet=sheet, unit=unit)
    return Studies.from_table(table, roles, covariates, options)
