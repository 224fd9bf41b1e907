"""``metaresp ci``: the interval of one or several trials."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metaresp.cli import options as o
from metaresp.errors import InvalidArgument, option

if TYPE_CHECKING:
    from metaresp import BinomialCI


@o.command
def ci(
    trials: Annotated[list[str], typer.Argument(help="Responders/patients, such as 13/18.")],
    all_methods: Annotated[
        bool, typer.Option("--all-methods", help="Compare the intervals of one trial by every method.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Save a picture: .png, .pdf or .svg.", show_default=False)
    ] = None,
    json: o.Json = False,
    *,
    given: o.Given,
) -> None:
    """Give the confidence interval of a response rate.

    \b
    Examples:
      metaresp ci 13/18
      metaresp ci 0/18 --alternative less
      metaresp ci 13/18 4/7 0/18 --method wilson --level 0.9 --plot trials.png
      metaresp ci 13/18 --all-methods --plot methods.png
      metaresp ci 13/18 --json
    """
    import metaresp as mr
    from metaresp.binomial.counts import read_counts
    from metaresp.present.trials import method_lines, trial_lines

    plain = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "") != "utf8"
    asked = given["trial"]
    for trial in trials:
        read_counts(trial)  # one by one: the error needs no place
    text_or_texts = trials[0] if len(trials) == 1 else trials
    if all_methods:
        if len(trials) > 1:
            raise InvalidArgument("--all-methods compares the methods for one trial: give one")
        for name in ("method", "prior", "digits"):
            if name in asked:
                raise InvalidArgument(f"{option(name)} has no meaning with --all-methods: leave it out")
        table = mr.compare_methods(text_or_texts, **asked)
        if plot is not None:
            table.plot(plot)
        print(table.to_json() if json else "\n".join(method_lines(table, ascii_only=plain)))
        return
    found = mr.binomial_ci(text_or_texts, **asked)
    if plot is not None:
        if found.alternative != "two-sided":
            raise InvalidArgument("--plot draws two-sided intervals, or with --all-methods also bounds")
        _draw(trials, found, plot)
    print(found.to_json() if json else "\n".join(trial_lines(found, ascii_only=plain)))


def _draw(trials: list[str], found: "BinomialCI", plot: Path) -> None:
    import metaresp as mr
    from metaresp.plots.forest import draw_forest
    from metaresp.present.forest_rows import forest_rows_studies

    draw_forest(forest_rows_studies(mr.Studies(response=trials, study=trials), found), plot)
