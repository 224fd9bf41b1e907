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
    """Read studies from a file as it is kept: a spreadsheet, a text, an export of R, SPSS or Stata.

    What each column holds is told by its name, in the words of the field in many languages, and by its
    values together.  Where two readings remain, or a row may be no study, the error shows them with the
    option for each; what was read is in ``studies.source``.

    Parameters
    ----------
    path : path, file object or str
        csv, tsv, txt (any usual separator and encoding), xlsx, xls, ods, parquet, json, sav, dta,
        sas7bdat; ``"-"`` for standard input; ``"clipboard"``.
    events, n : str or sequence of str, optional
        Columns of responders and patients; several, or names joined by a plus (``"CR + PR"``), are added
        up.  Without an *n*, responders and non-responders are.
    study : str, optional
        Column of labels.  When not given, author and year make one (``Xu 2012``), and merged cells are
        joined with the arm.
    response : str, optional
        Column of cells such as ``13/18``, ``13 of 18`` or ``13/18 (72.2%)``, instead of *events* and *n*.
        A percentage beside a fraction must be its own.
    percent : str, optional
        Column of rates that stands for *events*, which are rebuilt where just one count fits *n*, rounded
        or, if that fits nowhere, cut off; an interval beside the rate must hold it.
    enrolled : str, optional
        Column of patients enrolled, at least *n*.
    missing : {"raise", "drop"}
        Rows without usable counts (blank, ``NR``, ``<5``, ``6-7``, n = 0) are an error, or are left out
        and listed in ``excluded``.  Wrong values are an error always.
    totals : {"raise", "drop", "keep"}
        Rows that are no study (totals, subtotals, means, pooled estimates, a row without a label that is
        the sum of others) are an error, left out, or taken as studies.
    unit : {"proportion", "percent"}, optional
        Of rates, where it cannot be told.
    nearest : bool
        Where a rate fits several counts, take the nearest, with a note.
    sheet : int or str, optional
        Sheet of a workbook, by position from 0 or by name; by default the one that holds studies.
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
        Naming file, row (as the file shows it), column, value and rule; or the readings that remain, each
        with its option.
    UnreadableFile
        If the file is not there or not in the format its ending says.
    UnknownName
        If a named column or sheet is not there.
    MissingDependency
        If a format needs a package that is not installed.

    Notes
    -----
    A thousands mark is read where it can be nothing else: ``1 234``, ``1'234``, ``1,234,567``; and
    ``1,234`` in a file that is cut at commas or writes its decimals with a point.  Elsewhere it is an
    error.  Footnote marks (``13*``, ``11 a``) are set aside with a note.  Cells are data: nothing in them
    is evaluated.  In R: ``read.csv`` and ``readxl::read_excel``, with the columns chosen by hand.

    Examples
    --------
    >>> from metaresp import datasets
    >>> from metaresp.studies import read_studies
    >>> read_studies(datasets.path("pritz1997"))
    Studies(k=14, events=246, n=326)
    """
    roles = dict(zip(read.ROLES, (events, n, study, response, percent, enrolled), strict=True))
    options = read.Options(missing, totals, unit, nearest)
    table = read.read_file(path, roles, encoding=encoding, sheet=sheet, unit=unit)
    return Studies.from_table(table, roles, covariates, options)
