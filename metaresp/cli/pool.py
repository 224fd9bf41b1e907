"""``metaresp pool``: a table of studies to a pooled rate."""

from dataclasses import replace

from metaresp.cli import options as o
from metaresp.cli.table import in_shell


@o.command
def pool(file: o.File, json: o.Json = False, *, given: o.Given) -> None:
    """Pool the response rates of the studies in a table.

    \b
    Examples:
      metaresp pool trials.csv
      metaresp pool trials.xlsx --events responders --n treated --missing drop
      metaresp pool trials.csv --model inverse-variance --transform arcsine --tau2 PM
      metaresp pool arms.csv --cluster centre
      metaresp pool trials.csv --json
    """
    import metaresp as mr
    from metaresp.present.printed import table_of

    studies = mr.read_studies(file, **given["read"])
    fit = mr.pool(studies, **given["model"], **given["words"])
    if json:
        print(fit.to_json())
        return
    shown = table_of(fit)
    print(shown and replace(shown, notes=tuple(in_shell("pool", note) for note in shown.notes)))
