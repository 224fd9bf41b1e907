"""The typer application that the commands join."""

from typing import Annotated

import typer

from metaresp.cli.ci import ci
from metaresp.cli.demo import demo
from metaresp.cli.forest import forest
from metaresp.cli.pool import pool

app = typer.Typer(
    name="metaresp",
    help="Meta-analysis of single-arm response rates: exact intervals, pooled rates, forest plots.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(ci)
app.command()(pool)
app.command()(forest)
app.command()(demo)


def _version(wanted: bool) -> None:
    if wanted:
        from metaresp import __version__

        print(f"metaresp {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Meta-analysis of single-arm response rates: exact intervals, pooled rates, forest plots."""
