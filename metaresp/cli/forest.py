"""``metaresp forest``: a table of studies to a forest plot."""

import json as json_format
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metaresp.cli import options as o
from metaresp.cli.values import further_fits
from metaresp.errors import InvalidArgument, known_name, option

if TYPE_CHECKING:
    from metaresp import Studies

# What of the model's options the intervals of studies alone have, and what it is called there.
_ALONE = {"level": "level", "study_ci": "method"}


@o.command
def forest(
    file: o.File,
    output: Annotated[Path, typer.Option("--output", "-o", help=".png, .pdf, .svg, .eps or .tiff.")] = Path(
        "forest.png"
    ),
    no_pool: Annotated[
        bool, typer.Option("--no-pool", help="Draw each study's interval only, with no diamond.")
    ] = False,
    json: o.Json = False,
    *,
    given: o.Given,
) -> None:
    """Draw the forest plot of the studies in a table.

    \b
    Examples:
      metaresp forest trials.csv -o forest.pdf
      metaresp forest trials.csv -o forest.svg --sort rate --title "Overall response"
      metaresp forest trials.csv -o forest.pdf --by region --style jama --page A4
      metaresp forest trials.csv -o forest.pdf --left year --label study=Trial --benchmark 0.2
      metaresp forest trials.csv -o forest.pdf --also inverse-variance,transform=arcsine
      metaresp forest arms.csv -o forest.pdf --cluster centre
      metaresp forest endpoints.csv -o endpoints.png --no-pool
    """
    import metaresp as mr

    drawing = given["draw"] | given["words"]
    if no_pool:
        _refuse(given)
    studies = mr.read_studies(file, **given["read"])
    if no_pool:
        content = _draw_alone(studies, output, given["model"], drawing)
    else:
        fit = mr.pool(studies, **given["model"], **given["words"])
        if "also" in drawing:
            drawing["also"] = further_fits(studies, drawing["also"], fit)
        fit.forest(output, **drawing)
        content = fit.to_dict()
    if json:
        print(json_format.dumps({"output": str(output), **content}, indent=2, allow_nan=False))
    else:
        print(f"wrote {output}")


def _draw_alone(
    studies: "Studies", output: Path, model: dict[str, Any], drawing: dict[str, Any]
) -> dict[str, Any]:
    from metaresp.binomial import BINOMIAL_CI

    if "study_ci" in model:
        model = model | {"study_ci": known_name("study_ci", model["study_ci"], BINOMIAL_CI)}
    studies.forest(output, **{_ALONE[name]: value for name, value in model.items()}, **drawing)
    return studies.to_dict()


def _refuse(given: o.Given) -> None:
    """Refuse options of a pooling where nothing is pooled."""
    from metaresp.plots.forest import takes

    unused = [name for name in given["model"] if name not in _ALONE]
    drawn = takes(pooled=False)
    unused += [
        "draw_prediction" if name == "prediction" else name for name in given["draw"] if name not in drawn
    ]
    for name in unused:
        flag = option(name, False) if name == "notes" else option(name)
        raise InvalidArgument(f"{flag} has no meaning with --no-pool: leave it out")
