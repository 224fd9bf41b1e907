"""Bytes of a text file to text: the encoding told by a mark, by UTF-8, or by which letters make sense."""

from metaresp.errors import InvalidArgument, UnreadableFile, option
from metaresp.read.cells import shown

_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def decode(data: bytes, source: str, encoding: str | None = None) -> tuple[str, str]:
    """Return the text of a file, and a note where its encoding was guessed.

    Parameters
    ----------
    data : bytes
        The whole file.
    source : str
        Its name, for errors.
    encoding : str, optional
        By default that of the byte order mark, else UTF-16 or UTF-32 where the zero bytes are theirs, else
        UTF-8, else the one of :data:`metaresp.read.likely.ENCODINGS` whose letters are likeliest in their
        language.

    Raises
    ------
    InvalidArgument
        If *encoding* is unknown.
    UnreadableFile
        If the bytes are no text in that encoding.
    """
    if encoding is not None:
        return _decode_as(data, source, encoding), ""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _decode_as(data, source, name), ""
    wide = _wide(data)
    if wide is not None:
        return _decode_as(data, source, wide), ""
    try:
        return _checked(data.decode("utf-8"), source), ""
    except UnicodeDecodeError:
        pass
    from metaresp.read.likely import guess  # its tables of letters are of use for few files

    codec, name = guess(data)
    if not codec:
        raise UnreadableFile(
            f"{source} is text in no encoding known here: save it as UTF-8 or give {option('encoding')}"
        )
    return _decode_as(data, source, codec), f"read as {name}"


def codec_of(data: bytes) -> str:
    """Return the codec of the texts in a binary file; empty where none decodes them."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        from metaresp.read.likely import guess

        return guess(data)[0]
    return "utf-8"


def _decode_as(data: bytes, source: str, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except (LookupError, ValueError) as error:
        if isinstance(error, UnicodeError) and "encoding" not in type(error).__name__.lower():
            raise UnreadableFile(
                f"{source} is not text in {encoding}: save it as UTF-8 or give {option('encoding')}"
            ) from None
        raise InvalidArgument(
            f"{option('encoding', shown(encoding)[1:-1])} is not known: use 'utf-8', 'cp1252', ..."
        ) from None
    if not isinstance(text, str):
        raise InvalidArgument(f"{option('encoding', encoding)} is no encoding of text")
    return _checked(text.removeprefix("\ufeff"), source)


def _checked(text: str, source: str) -> str:
    if "\x00" in text:
        raise UnreadableFile(f"{source} is not text (it holds zero bytes)")
    return text


def _wide(data: bytes) -> str | None:
    """Return the encoding of two or four bytes a letter whose digits and separators leave zero bytes."""
    start = data[: 4 * 4096]
    if b"\x00" not in start:
        return None
    zeros = [start[place::4].count(0) / max(1, len(start[place::4])) for place in range(4)]
    if len(data) % 4 == 0 and zeros[2] > 0.9 and zeros[3] > 0.9:
        return "utf-32-le"
    if len(data) % 4 == 0 and zeros[0] > 0.9 and zeros[1] > 0.9:
        return "utf-32-be"
    if len(data) % 2 == 0:
        # Separators and line ends are ASCII in every script.
        for codec in ("utf-16-le", "utf-16-be"):
            try:
                text = data.decode(codec)
            except UnicodeDecodeError:
                continue
            plain = sum(32 <= ord(c) < 127 or c in "\r\n\t" for c in text[:4096])
            if "\x00" not in text and plain > 0.3 * min(len(text), 4096) and "\n" in text + "\n":
                return codec
    return None
