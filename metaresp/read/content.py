"""Where a table comes from: a file, standard input, the clipboard, a file object; its bytes and its kind."""

import io
import os
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaresp.errors import InvalidArgument, UnreadableFile, closest
from metaresp.read.cells import shown

# Larger files are no tables of studies, and would fill the memory.
MAX_BYTES = 500_000_000

STANDARD_INPUT = "standard input"
CLIPBOARD = "clipboard"

_MAGIC = (
    (b"PAR1", "parquet"),
    (b"$FL2@", "sav"),
    (b"$FL3@", "sav"),
    (b"<stata_dta>", "dta"),
    (b"HEADER RECORD*******", "xpt"),
    (b"\x00" * 12 + b"\xc2\xea\x81\x60", "sas7bdat"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
)
_OF_R = "is a file of R: write its table with write.csv and read that"
# What is told apart to be refused in words that help.
_REFUSED = (
    (b"%PDF-", "is a PDF: copy the table out of it into a workbook or a text file"),
    (b"{\\rtf", "is rich text: copy the table out of it into a workbook or a text file"),
    (b"\x1f\x8b", "is compressed (gzip): unpack it first"),
    (b"BZh91AY&SY", "is compressed (bzip2): unpack it first"),
    (b"\xfd7zXZ", "is compressed (xz): unpack it first"),
    (b"7z\xbc\xaf", "is compressed (7z): unpack it first"),
    (b"Rar!\x1a", "is compressed (rar): unpack it first"),
    (b"RDX2\n", _OF_R),
    (b"RDX3\n", _OF_R),
    (b"\x89PNG", "is a picture, not a table"),
    (b"\xff\xd8\xff", "is a picture, not a table"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a file.

    Attributes
    ----------
    name : str
        What it is called in errors: the name of the file, ``standard input``, ``clipboard``.
    ending : str
        The ending of its name in small letters, with the dot; empty where there is none.
    data : bytes
        All of it; empty for text that came decoded.
    text : str or None
        Text that came decoded: the clipboard, a text file object.
    path : str
        Where a file lies, for errors; empty where it came otherwise.
    """

    name: str
    ending: str
    data: bytes
    text: str | None = None
    path: str = ""

    @property
    def is_file(self) -> bool:
        """Whether it was read from a path, so that its ending is to be known."""
        return bool(self.path)


def source_name(path: object) -> str:
    """Return what a source is called in errors and in what is printed of it.

    Examples
    --------
    >>> source_name("data/trials.csv"), source_name("-")
    ('trials.csv', 'standard input')
    """
    if _is_reader(path):
        name = getattr(path, "name", None)
        return Path(name).name if isinstance(name, str) and name.strip("<>") == name else "text"
    if path == "-":
        return STANDARD_INPUT
    return Path(str(path)).name or str(path)


def get_content(path: Any, endings: tuple[str, ...] = ()) -> Content:
    """Return the content of a path, of ``-`` (standard input), ``clipboard`` or a file object.

    Raises
    ------
    InvalidArgument
        If *path* is none of these.
    UnreadableFile
        If there is no such file, it cannot be read, or it is empty.
    """
    name = source_name(path)
    if _is_reader(path):
        return _read_object(path, name)
    if path == "-":
        return _read_object(getattr(sys.stdin, "buffer", sys.stdin), name)
    if not isinstance(path, str | os.PathLike) or isinstance(os.fspath(path), bytes):
        raise InvalidArgument(f"path must be a file name, not {shown(path)}")
    file = Path(path)
    told = shown(str(file)) if len(str(file)) > 200 or not str(file).isprintable() else str(file)
    try:
        if path == CLIPBOARD and not file.exists():
            return _from_clipboard()
        if file.is_dir():
            raise UnreadableFile(f"{told} is a directory, not a file")
        if not file.exists():
            raise UnreadableFile(f"{told} does not exist{_beside(file, endings)}")
        if file.stat().st_size > MAX_BYTES:
            raise UnreadableFile(f"{told} is larger than {MAX_BYTES // 1_000_000} MB: no table of studies is")
        data = file.read_bytes()
    except UnreadableFile:
        raise
    except OSError as error:
        raise UnreadableFile(f"{told} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise UnreadableFile(f"{shown(str(file))} cannot be read: {error}") from None
    if not data:
        raise UnreadableFile(f"{told} is empty")
    return Content(name, file.suffix.lower(), data, path=told)


def kind_of(content: Content) -> str:
    """Return what the first bytes say that a file is, or an empty string for text and what is not known.

    Raises
    ------
    UnreadableFile
        If it is something that holds no table, or one that is protected by a password.
    """
    data = content.data
    if data.startswith(b"PK\x03\x04"):
        return _zip_kind(content)
    for start, words in _REFUSED:
        if data.startswith(start):
            raise UnreadableFile(f"{content.name} {words}")
    kind = next((kind for start, kind in _MAGIC if data.startswith(start)), "")
    if kind == "ole":
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise UnreadableFile(f"{content.name} is protected by a password: save it without one")
        if "WordDocument".encode("utf-16-le") in data:
            raise UnreadableFile(f"{content.name} is a Word document: copy its table into a workbook")
        return "xls"
    return kind


def _zip_kind(content: Content) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content.data)) as archive:
            names = set(archive.namelist())
            size = sum(member.file_size for member in archive.infolist())
            mimetype = archive.read("mimetype") if "mimetype" in names else b""
    except Exception as error:  # a damaged archive fails in many ways
        raise UnreadableFile(
            f"{content.name} is a damaged workbook or zip file: {shown(str(error))}"
        ) from None
    if size > MAX_BYTES:
        raise UnreadableFile(
            f"{content.name} unpacks to {size:,} bytes, more than {MAX_BYTES // 1_000_000} MB:"
            " no table of studies does"
        )
    if b"spreadsheet" in mimetype:
        return "ods"
    if "xl/workbook.bin" in names:
        return "xlsb"
    if any(name.startswith("word/") for name in names):
        raise UnreadableFile(f"{content.name} is a Word document: copy its table into a workbook")
    if any(name.startswith("Index/") for name in names):
        raise UnreadableFile(f"{content.name} is a Numbers document: export it as .xlsx or .csv")
    if "[Content_Types].xml" in names or any(name.startswith("xl/") for name in names):
        return "xlsx"
    raise UnreadableFile(f"{content.name} is a zip file, not a table: unpack it first")


def _is_reader(path: object) -> bool:
    return not isinstance(path, str | os.PathLike) and callable(getattr(path, "read", None))


def _read_object(reader: Any, name: str) -> Content:
    try:
        read = reader.read()
    except KeyboardInterrupt:
        raise
    except Exception as error:  # whatever a file object of the caller raises
        raise UnreadableFile(f"{name} cannot be read: {shown(str(error))}") from None
    if isinstance(read, str):
        content = Content(name, Path(name).suffix.lower(), b"", read)
    elif isinstance(read, bytes | bytearray | memoryview):
        content = Content(name, Path(name).suffix.lower(), bytes(read))
    else:
        raise InvalidArgument(f"path must be a file name, not {shown(reader)}, which reads {shown(read)}")
    if not read:
        raise UnreadableFile(f"{name} is empty")
    return content


def _from_clipboard() -> Content:
    from pandas.io.clipboard import clipboard_get  # type: ignore[attr-defined]

    try:
        text = clipboard_get()
    except Exception as error:  # no clipboard on this machine, in many ways
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UnreadableFile(f"the clipboard cannot be read: {shown(reason)}") from None
    if not isinstance(text, str) or not text.strip():
        raise UnreadableFile("the clipboard is empty or holds no text")
    return Content(CLIPBOARD, "", b"", text)


def _beside(file: Path, endings: tuple[str, ...]) -> str:
    """Return a hint at a file of nearly that name."""
    folder = file.parent
    entries = folder.iterdir() if folder.is_dir() else ()
    return closest(file.name, [entry.name for entry in entries if entry.suffix.lower() in endings])
