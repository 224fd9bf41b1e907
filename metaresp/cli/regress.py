"""``metaresp regress``: rates of the studies in a table against columns of it."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from metaresp.cli import options as o
from metaresp.cli.table import in_shell
from metaresp.errors import InvalidArgument, option


@o.command
def regress(
    file: o.File,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Bubble plot, where there is one --on: .png, .pdf, .svg."),
    ] = None,
    json: o.Json = False,
    *,
    given: o.Given,
) -> None:
    """Regress the rates of a table of studies on columns of it.

    \b
    Examples:
      metaresp regress trials.csv --on dose
      metaresp regress trials.csv --on dose --on region --reference region=Asia
      metaresp regress trials.csv --on year -o year.pdf --permutations 1000
      metaresp regress trials.csv --on dose --model inverse-variance --tau2 REML --cluster centre
    """
    import metaresp as mr
    from metaresp.present.printed import table_of

    chosen = dict(given["moderators"])
    on = chosen.pop("on", None)
    if not on:
        raise InvalidArgument(f"regress: name a column with {option('on')}")
    if output is not None and len(on) > 1:
        raise InvalidArgument(
            f"{option('path', str(output))}: a plot is drawn of one moderator, here {len(on)}"
        )
    missing = {name: value for name, value in given["read"].items() if name == "missing"}
    studies = mr.read_studies(file, **given["read"])
    found = mr.regress(studies, on, **chosen, **missing, **given["model"], **given["words"])
    if output is not None:
        found.plot(output)
    if json:
        print(found.to_json())
        return
    shown = table_of(found)
    print(shown and replace(shown, notes=tuple(in_shell("regress", note) for note in shown.notes)))
