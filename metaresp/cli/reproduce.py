"""``metaresp reproduce``: which method gives published pooled numbers."""

from typing import Annotated

import typer

from metaresp.cli import options as o


@o.command
def reproduce(
    file: o.File,
    published: Annotated[str, typer.Argument(help='The numbers, such as "72.1% (65.3 to 78.2)".')],
    json: o.Json = False,
    *,
    given: o.Given,
) -> None:
    """Find the method and program that give published numbers.

    \b
    Examples:
      metaresp reproduce trials.csv "72.1% (65.3 to 78.2)"
      metaresp reproduce trials.csv "0.72 (0.65, 0.78)" --I2 45%
      metaresp reproduce trials.xlsx "72.1% (90% CI 66.5-77.2), tau2 = 0.36" --missing drop
      metaresp reproduce trials.csv "72.1%" --json
    """
    import metaresp as mr

    studies = mr.read_studies(file, **given["read"])
    found = mr.reproduce(studies, published, **given["published"])
    print(found.to_json() if json else found)
