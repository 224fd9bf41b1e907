"""The command line: parses, calls the public functions, writes; one file a command."""

import sys
from collections.abc import Sequence

from metaresp.errors import MetaRespError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 0, or 2 with one line on stderr for bad input."""
    from metaresp.cli.app import app
    from metaresp.cli.table import flags

    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(args=given or ["--help"], standalone_mode=False)
    except MetaRespError as error:
        return _say(error.in_flags(flags(given[0] if given else "")))
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return _say("interrupted", 130)
    except Exception as error:
        # typer's own errors (unknown option, missing argument) differ in class between its versions
        if not hasattr(error, "format_message"):
            raise
        taken = str(getattr(error, "option_name", ""))
        if taken[1:2].isdigit():
            count = next((text for text in given if text.startswith(taken)), taken)
            return _say(f"{count!r} is negative: a count is 0 or more")
        hint = getattr(getattr(error, "ctx", None), "command_path", "metaresp")
        return _say(f"{error.format_message()} (see: {hint} --help)")
    return 0


def _say(text: str, status: int = 2) -> int:
    print(f"metaresp: {' '.join(text.split())}", file=sys.stderr)
    return status


def run() -> None:
    """Run as the console script."""
    sys.exit(main())
