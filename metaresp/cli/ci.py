"""``metaresp ci``: the interval of one or several trials."""

import sys
from typing import Annotated

import typer

from metaresp.cli import options as o


def ci(
    trials: Annotated[list[str], typer.Argument(help="Responders/patients, such as 13/18.")],
    method: Annotated[str, typer.Option(help="Interval: clopper-pearson, wilson, jeffreys, wald, ...")] = (
        "clopper-pearson"
    ),
    level: o.Level = 0.95,
    alternative: Annotated[
        str, typer.Option(help="two-sided, less (upper bound only) or greater (lower bound only).")
    ] = "two-sided",
    json: o.Json = False,
) -> None:
    """Give the confidence interval of a response rate.

    \b
    Examples:
      metaresp ci 13/18
      metaresp ci 0/18 --alternative less
      metaresp ci 13/18 4/7 0/18 --method wilson --level 0.9
      metaresp ci 13/18 --json
    """
    import metaresp as mr
    from metaresp.present.trials import trial_lines

    given = trials[0] if len(trials) == 1 else trials
    found = mr.binomial_ci(given, method=method, level=level, alternative=alternative)
    if json:
        print(found.to_json())
        return
    plain = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "") != "utf8"
    print("\n".join(trial_lines(found, ascii_only=plain)))
