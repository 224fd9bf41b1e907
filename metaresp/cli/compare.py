"""``metaresp compare``: a table of studies under every defensible model."""

from pathlib import Path
from typing import Annotated

import typer

from metaresp.cli import options as o
from metaresp.cli.table import in_shell


@o.command
def compare(
    file: o.File,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Forest plot, one row a model.")
    ] = None,
    json: o.Json = False,
    *,
    given: o.Given,
) -> None:
    """Pool a table of studies by every defensible model.

    \b
    Examples:
      metaresp compare trials.csv
      metaresp compare trials.csv --level 0.9 -o models.pdf
    """
    from dataclasses import replace

    import metaresp as mr
    from metaresp.present.printed import table_of

    studies = mr.read_studies(file, **given["read"])
    found = mr.compare(studies, **given["shared"], **given["words"])
    if output is not None:
        found.forest(output)
    if json:
        print(found.to_json())
        return
    shown = table_of(found)
    print(shown and replace(shown, notes=tuple(in_shell("compare", note) for note in shown.notes)))
