"""The typer application: the one command that is asked for, or all of them for the help."""

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

COMMANDS = ("ci", "pool", "forest", "compare", "regress", "reproduce", "demo")
HELP = "Meta-analysis of single-arm response rates: exact intervals, pooled rates, forest plots."


def app(*, args: Sequence[str], standalone_mode: bool = True) -> Any:
    """Run the application; a command that is not asked for is not made, which starts it a third sooner."""
    asked = [name for name in COMMANDS if args and args[0] == name]
    return application(asked or COMMANDS)(args=list(args), standalone_mode=standalone_mode)


def application(commands: Sequence[str] = COMMANDS) -> typer.Typer:
    """Return the application with these commands, each in the module of its name."""
    made = typer.Typer(
        name="metaresp",
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in commands:
        made.command(name)(getattr(import_module(f"metaresp.cli.{name}"), name))
    made.callback()(common)
    return made


def _version(wanted: bool) -> None:
    if wanted:
        from metaresp import __version__

        print(f"metaresp {__version__}")
        raise typer.Exit


def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Meta-analysis of single-arm response rates: exact intervals, pooled rates, forest plots."""
