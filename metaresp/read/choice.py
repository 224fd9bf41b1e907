"""A file to its table of studies: of several sheets the one that holds studies, or a question."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from metaresp.errors import Doubtful, InvalidStudies, MetaRespError, option
from metaresp.read.columns import find_roles
from metaresp.read.content import source_name
from metaresp.read.files import read_sheets
from metaresp.read.layout import sheet_table
from metaresp.read.table import Table


def read_file(
    path: str | os.PathLike[str],
    roles: Mapping[str, Any],
    *,
    encoding: str | None = None,
    sheet: int | str | None = None,
    unit: str | None = None,
) -> Table:
    """Return the table of studies that a file holds.

    Parameters
    ----------
    path : path
    roles : mapping
        The columns that the caller names; a sheet without them holds no studies.
    encoding : str, optional
    sheet : int or str, optional
        By default the one sheet that holds studies.
    unit : str, optional
        Of rates.

    Raises
    ------
    InvalidStudies
        If several sheets hold studies, naming them; or none, saying why of the likeliest.
    """
    found = read_sheets(path, encoding=encoding, sheet=sheet)
    if isinstance(found, Table):
        return found
    source = source_name(path)
    if not found:
        raise InvalidStudies(f"{source} is empty: a header and one row per study are needed")
    if len(found) == 1:
        return sheet_table(source, found[0])
    tables: dict[str, Table] = {}
    errors: dict[str, MetaRespError] = {}
    for one in found:
        try:
            table = sheet_table(source, one)
            find_roles(
                table, **{name: value for name, value in roles.items() if name != "covariates"}, unit=unit
            )
        except MetaRespError as error:
            errors[one.title] = error
            if isinstance(error, Doubtful):
                tables[one.title] = sheet_table(source, one)
        else:
            tables[one.title] = table
    if len(tables) > 1:
        choices = " or ".join(option("sheet", title) for title in list(tables)[:5])
        raise InvalidStudies(f"{source}: {len(tables)} sheets hold studies: say which, as in {choices}")
    if not tables:
        longest = max(found, key=lambda one: len(one.rows))
        raise errors[longest.title]
    (title,) = tables
    others = [repr(one.title) for one in found if one.title != title]
    hold = "holds" if len(others) == 1 else "hold"
    note = f"Sheet {title!r} was read; {', '.join(others)} {hold} no studies that can be read."
    table = tables[title]
    return replace(table, notes=(note, *table.notes))
