"""Standard output and error of the command line, whatever they are connected to."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from metaresp.readable import readable

# Errors that stop at the first letter an encoding has not; users who chose another way keep theirs.
_STRICT = {"strict", "surrogateescape"}


class CannotPrint(Exception):
    """Standard output took no more; the text says why.  No OSError: typer has its own answer to those."""


class NobodyReads(Exception):
    """What reads standard output has ended, as ``head`` does."""


class Printed:
    """A stream of text with no controls in it: what a table or a file name holds is no command.

    Parameters
    ----------
    stream : text stream or None
        None where there is none (a closed descriptor): writing then fails, as it does in other programs.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write *text*, letters that the encoding has not as question marks."""
        if self._stream is None:
            raise CannotPrint(os.strerror(errno.EBADF))
        with _said():
            return int(self._stream.write(readable(text)))

    def flush(self) -> None:
        """Hand over what was written."""
        if self._stream is not None:
            with _said():
                self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise NobodyReads from None
    except (OSError, ValueError) as error:
        raise CannotPrint(getattr(error, "strerror", None) or str(error)) from None


@contextmanager
def printing() -> Iterator[None]:
    """Print through :class:`Printed` and hand everything over at the end.

    Raises
    ------
    CannotPrint, NobodyReads
        If standard output is closed or full, or nobody reads it.
    """
    stream = sys.stdout
    if getattr(stream, "errors", None) in _STRICT and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")
    printed: Any = Printed(stream)
    sys.stdout = printed
    try:
        yield
        printed.flush()
    except (NobodyReads, CannotPrint):
        _abandon(stream)
        raise
    finally:
        sys.stdout = stream


def _abandon(stream: Any) -> None:
    """Let what cannot be printed go nowhere, so that Python does not try again when it ends."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def say(text: str, status: int = 2) -> int:
    """Print one line on standard error, if there is one, and return *status*."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            print(f"metaresp: {readable(' '.join(text.split()))}", file=sys.stderr, flush=True)
    return status
