"""The command line: parses, calls the public functions, writes; one file a command."""

import gc
import os
import signal
import sys
from collections.abc import Sequence

INTERRUPTED = 130
THREADS = frozenset({"OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"})
RARELY = 1_000_000  # objects made between two looks for rubbish, instead of 700


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    0; 2 with one line on stderr for bad input or output that cannot be written; 130 after Ctrl-C; 1 for a
    fault of this package (``python -X dev -m metaresp`` then shows where it is).
    """
    from metaresp.cli.streams import CannotPrint, NobodyReads, printing, say
    from metaresp.errors import MetaRespError

    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with printing():
            from metaresp.cli.app import app

            status = app(args=given or ["--help"], standalone_mode=False)
    except MetaRespError as error:
        from metaresp.cli.table import flags

        return say(error.in_flags(flags(given[0] if given else "")))
    except CannotPrint as error:
        return say(f"standard output: cannot be written ({error})")
    except NobodyReads:
        return 0
    except KeyboardInterrupt:
        return say("interrupted", INTERRUPTED)
    except MemoryError:
        return say("there is not enough memory for this")
    except Exception as error:
        # typer's own errors (unknown option, missing argument) differ in class between its versions
        if type(error).__name__ == "Abort":
            return say("interrupted", INTERRUPTED)
        if not hasattr(error, "format_message"):
            if sys.flags.dev_mode:
                raise
            return say(f"a fault of this program, please report it: {type(error).__name__}: {error}", 1)
        taken = str(getattr(error, "option_name", ""))
        if taken[1:2].isdigit():
            count = next((text for text in given if text.startswith(taken)), taken)
            return say(f"{count!r} is negative: a count is 0 or more")
        hint = getattr(getattr(error, "ctx", None), "command_path", "metaresp")
        return say(f"{error.format_message()} (see: {hint} --help)")
    # typer returns the status of an exit or an interrupt, or else what the command returned
    if status == INTERRUPTED:
        return say("interrupted", INTERRUPTED)
    return status if isinstance(status, int) else 0


def end_at_interrupt() -> None:
    """End the process at Ctrl-C with one line and status 130, leaving no part of a file.

    An exception would do so only where nobody catches it: extension modules and callbacks print it and go
    on, or turn it into another.  A Ctrl-C that the caller ignores (``nohup``) stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def _end(*_: object) -> None:
    # nothing is written before that module is there
    discard = getattr(sys.modules.get("metaresp.writing"), "discard_unfinished", None)
    if discard is not None:
        discard()
    try:
        os.write(2, b"metaresp: interrupted\n")
    finally:
        os._exit(INTERRUPTED)


def run() -> None:
    """Run as the console script."""
    # a short life: what its many modules made stays until the end, and need not be gone through for rubbish
    gc.set_threshold(RARELY)
    end_at_interrupt()
    # the products of a command are small: threads that wait for a share of them only take time from it
    if not THREADS & os.environ.keys():
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
    # figures here are files: which window the user's figures open in, or a wrong name of it, is no matter
    os.environ["MPLBACKEND"] = "agg"
    status = main()
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: there is nothing left to interrupt
    gc.freeze()  # nor to be gone through once more at the end
    sys.exit(status)
