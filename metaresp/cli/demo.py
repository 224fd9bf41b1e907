"""``metaresp demo``: a shipped data set from counts to a forest plot."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    dataset: Annotated[str, typer.Argument(help="Name of a shipped data set.")] = "pritz1997",
    output: Annotated[Path, typer.Option("--output", "-o", help="Picture: .png, .pdf or .svg.")] = Path(
        "metaresp-demo.png"
    ),
) -> None:
    """Pool a shipped data set and draw its forest plot.

    \b
    Examples:
      metaresp demo
      metaresp demo hannum2020 -o hannum.pdf
    """
    import metaresp as mr

    fit = mr.pool(mr.datasets.load(dataset))
    fit.forest(output)
    print(mr.datasets.citation(dataset))
    print()
    print(fit)
    print()
    print(f"wrote {output}")
