"""``metaresp ci``: the interval of one or several trials."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from metaresp.cli import options as o
from metaresp.errors import InvalidArgument


def ci(
    trials: Annotated[list[str], typer.Argument(help="Responders/patients, such as 13/18.")],
    method: Annotated[
        str, typer.Option(help="Interval: clopper-pearson, blaker, mid-p, wilson, jeffreys, ...")
    ] = "clopper-pearson",
    level: o.Level = 0.95,
    alternative: Annotated[
        str, typer.Option(help="two-sided, less (upper bound only) or greater (lower bound only).")
    ] = "two-sided",
    all_methods: Annotated[
        bool, typer.Option("--all-methods", help="Compare the intervals of one trial by every method.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Save a picture: .png, .pdf or .svg.")] = None,
    json: o.Json = False,
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
    from metaresp.present.trials import method_lines, trial_lines

    plain = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "") != "utf8"
    given = trials[0] if len(trials) == 1 else trials
    if all_methods:
        if len(trials) > 1:
            raise InvalidArgument("--all-methods compares the methods for one trial: give one")
        if method != "clopper-pearson":
            raise InvalidArgument("--method has no meaning with --all-methods: leave it out")
        table = mr.compare_methods(given, level=level, alternative=alternative)
        if plot is not None:
            table.plot(plot)
        print(table.to_json() if json else "\n".join(method_lines(table, ascii_only=plain)))
        return
    found = mr.binomial_ci(given, method=method, level=level, alternative=alternative)
    if plot is not None:
        if alternative != "two-sided":
            raise InvalidArgument("--plot draws two-sided intervals, or with --all-methods also bounds")
        mr.Studies(response=trials, study=trials).forest(plot, method=method, level=level)
    print(found.to_json() if json else "\n".join(trial_lines(found, ascii_only=plain)))
