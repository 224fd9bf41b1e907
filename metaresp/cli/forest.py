"""``metaresp forest``: a table of studies to a forest plot."""

import json as json_format
from pathlib import Path
from typing import Annotated

import typer

from metaresp.cli import options as o


def forest(
    file: o.File,
    output: Annotated[Path, typer.Option("--output", "-o", help=".png, .pdf, .svg, .eps or .tiff.")] = Path(
        "forest.png"
    ),
    no_pool: Annotated[
        bool, typer.Option("--no-pool", help="Draw each study's interval only, with no diamond.")
    ] = False,
    events: o.Events = None,
    n: o.Patients = None,
    study: o.Study = None,
    response: o.Response = None,
    percent: o.Percent = None,
    enrolled: o.Enrolled = None,
    missing: o.Missing = "raise",
    sheet: o.Sheet = None,
    encoding: o.Encoding = None,
    sort: Annotated[str | None, typer.Option(help="Column to sort by: study, events, n, rate, ...")] = None,
    by: Annotated[str | None, typer.Option(help="Column of subgroups, each with a diamond.")] = None,
    style: Annotated[str | None, typer.Option(help="jama, bmj, lancet, revman, ... or a .toml file.")] = None,
    page: Annotated[str | None, typer.Option(help="Fit to pages: A3, A4, A5 or letter.")] = None,
    shrunken: Annotated[
        bool, typer.Option("--shrunken", help="Draw each study's shrunken rate below its own.")
    ] = False,
    title: Annotated[str | None, typer.Option(help="Title above the plot.")] = None,
    model: o.Model = "binomial-normal",
    link: o.Link = o.DEFAULT,
    transform: o.Transform = o.DEFAULT,
    tau2: o.Tau2 = o.DEFAULT,
    ci: o.Interval = o.DEFAULT,
    prediction: o.Prediction = o.DEFAULT,
    correct: o.Correct = o.DEFAULT,
    correction: o.Correction = None,
    back_n: o.BackN = o.DEFAULT,
    cluster: o.Cluster = None,
    level: o.Level = 0.95,
    study_ci: o.StudyCI = "clopper-pearson",
    seed: o.Seed = None,
    json: o.Json = False,
) -> None:
    """Draw the forest plot of the studies in a table.

    \b
    Examples:
      metaresp forest trials.csv -o forest.pdf
      metaresp forest trials.csv -o forest.svg --sort rate --title "Overall response"
      metaresp forest trials.csv -o forest.pdf --by region --style jama --page A4
      metaresp forest arms.csv -o forest.pdf --cluster centre
      metaresp forest endpoints.csv -o endpoints.png --no-pool
    """
    import metaresp as mr

    studies = o.read_table(
        file,
        missing=missing,
        sheet=sheet,
        encoding=encoding,
        events=events,
        n=n,
        study=study,
        response=response,
        percent=percent,
        enrolled=enrolled,
    )
    if sort is not None:
        studies = studies.sort_by(sort)
    look = {"title": title, "style": style, "page": page}
    drawing = {name: value for name, value in look.items() if value is not None}
    settings = o.model_options(
        model, link, transform, tau2, ci, prediction, correct, correction, back_n, level, study_ci, seed
    )
    if no_pool:
        o.refuse_with_no_pool(settings, cluster, by, shrunken)
        studies.forest(output, level=level, method=study_ci, **drawing)
        content = studies.to_dict()
    else:
        fit = mr.pool(studies, cluster=cluster, **settings)
        fit.forest(output, by=by, shrunken=shrunken, **drawing)
        content = fit.to_dict()
    if json:
        print(json_format.dumps({"output": str(output), **content}, indent=2, allow_nan=False))
    else:
        print(f"wrote {output}")
