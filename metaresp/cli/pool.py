"""``metaresp pool``: a table of studies to a pooled rate."""

from metaresp.cli import options as o


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

    studies = mr.read_studies(file, **given["read"])
    fit = mr.pool(studies, **given["model"], **given["words"])
    print(fit.to_json() if json else fit)
