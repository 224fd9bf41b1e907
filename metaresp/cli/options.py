"""Commands out of the table of options: their signatures, and what was given, by the call it goes to."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

import typer

from metaresp.cli.table import COMMANDS, TABLE, Option
from metaresp.cli.values import METAVARS, SEVERAL, SWITCHES, parsed

File: TypeAlias = Annotated[
    str, typer.Argument(help="Table of studies: csv, tsv, xlsx, parquet, json, ...; - is standard input.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]

# What was given for each part of a command: the arguments of a call, and no other.
Given: TypeAlias = dict[str, dict[str, Any]]


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of its parts, by its name.

    Parameters
    ----------
    function : callable
        Takes its own arguments and ``given``, what was given of the table's options.

    Returns
    -------
    callable
        With a signature that typer can read.
    """
    parts = COMMANDS[function.__name__]
    items = [(part, item) for part in parts for item in TABLE[part]]
    own = [item for item in inspect.signature(function).parameters.values() if item.name != "given"]

    def run(**values: Any) -> None:
        given: Given = {part: {} for part in parts}
        for part, item in items:
            text = values.pop(item.key)
            if text is not None and text is not False and text != []:
                given[part][item.name] = parsed(item, text)
        function(**values, given=given)

    parameters = [*own, *(_parameter(item) for _, item in items)]
    # not functools.wraps: typer would look through it
    run.__name__, run.__doc__, run.__module__ = function.__name__, function.__doc__, function.__module__
    run.__annotations__ = {item.name: item.annotation for item in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _parameter(item: Option) -> inspect.Parameter:
    flags = item.flags or (item.flag,)
    kind: Any = str | None
    default: Any = None
    if item.kind in SWITCHES:
        kind, default = bool, False
    elif item.kind in SEVERAL:
        kind = list[str] | None
    help_text = f"{item.help} May be repeated." if item.kind in SEVERAL else item.help
    metavar = None if item.kind in SWITCHES else METAVARS.get(item.kind)
    shown = typer.Option(*flags, help=help_text, metavar=metavar, show_default=False)
    return inspect.Parameter(
        item.key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, shown]
    )
