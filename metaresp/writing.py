"""Files that go out, whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from metaresp.errors import InvalidArgument, UnreadableFile, option

__all__ = ["checked_path", "discard_unfinished", "write_files"]

# Temporary files that are there at this moment: whoever ends the process at once removes them first.
_UNFINISHED: set[Path] = set()


def checked_path(path: str | os.PathLike[str], name: str = "path") -> Path:
    """Return the path of a file to write, or say why there can be none."""
    try:
        found = Path(os.fsdecode(path))
    except TypeError:
        raise InvalidArgument(f"{option(name, path)}: must be the path of a file") from None
    if "\0" in os.fspath(found):
        raise InvalidArgument(f"{option(name, os.fspath(found))}: no path holds a null character")
    return found


def write_files(contents: Mapping[Path, bytes], name: str = "path") -> None:
    """Write each file under a temporary name beside it; when all are written, move them into place.

    Nobody ever reads a part of a file, whoever else writes it at the same time, and on any error or
    interrupt no new file is left behind.  A file that is replaced keeps its mode and, where that may be,
    its owner; a link is followed; what is no plain file (a pipe, a device) is written straight.

    Parameters
    ----------
    contents : mapping of Path to bytes
    name : str
        Of the argument, for the error.

    Raises
    ------
    UnreadableFile
        If one cannot be written: none is then changed.
    """
    moves: list[tuple[Path, Path]] = []
    path = Path()
    try:
        for path, content in contents.items():
            target = Path(os.path.realpath(path))
            if not target.parent.is_dir():
                folder = os.fspath(path.parent)
                raise UnreadableFile(f"{option(name, os.fspath(path))}: there is no folder {folder!r}")
            if target.is_dir():
                raise UnreadableFile(f"{option(name, os.fspath(path))}: is a folder, not a file")
            if target.exists() and not target.is_file():
                target.write_bytes(content)
                continue
            # short, since the name of the file may be as long as names can be
            temporary = target.with_name(f".metaresp-{secrets.token_hex(8)}.part")
            moves.append((temporary, target))
            _UNFINISHED.add(temporary)
            _write(temporary, content, target)
        for temporary, target in moves:
            os.replace(temporary, target)
    except OSError as error:
        if isinstance(error, UnreadableFile):
            raise
        reason = error.strerror or str(error)
        raise UnreadableFile(f"{option(name, os.fspath(path))}: cannot be written ({reason})") from None
    finally:
        for temporary, _ in moves:
            with suppress(OSError):
                temporary.unlink()
            _UNFINISHED.discard(temporary)


def discard_unfinished() -> None:
    """Remove the temporary files of this moment, before the process is ended at once."""
    for temporary in list(_UNFINISHED):
        with suppress(OSError):
            temporary.unlink()


def _write(temporary: Path, content: bytes, target: Path) -> None:
    """Write a new file with the mode and owner of the one that it will replace."""
    with open(temporary, "xb") as file:
        file.write(content)
    if not target.exists():
        return
    if not os.access(target, os.W_OK):
        raise PermissionError(13, "Permission denied")
    kept = target.stat()
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(temporary, kept.st_uid, kept.st_gid)
    shutil.copymode(target, temporary)
