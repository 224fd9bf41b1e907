"""Files of statistical packages (SPSS, Stata, SAS) and Parquet: columns that have names."""

import io
import os
import tempfile
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from metaresp.errors import InvalidStudies, MissingDependency, UnreadableFile
from metaresp.read.cells import shown
from metaresp.read.content import Content
from metaresp.read.encoding import codec_of
from metaresp.read.table import Table, columns_table
from metaresp.read.workbook import first_line


def read_package(content: Content, kind: str) -> Table:
    """Return the table of a file of one of :data:`PACKAGES`; values that have labels read as their label.

    Raises
    ------
    MissingDependency
        If the package that reads it is not installed.
    InvalidStudies
        If two columns have one name.
    UnreadableFile
        If it is damaged, or of another format.
    """
    words, reader = PACKAGES[kind]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about labels and encodings that no count depends on
            names, columns = reader(content)
    except MissingDependency:
        raise
    except Exception as error:  # a broken file fails in many ways inside the library
        raise UnreadableFile(f"{content.name} is not a readable {words}: {first_line(error)}") from None
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise InvalidStudies(f"{content.name} has two columns named {shown(twice)}: rename one")
    kept = {name: column for name, column in zip(names, columns, strict=True) if _is_data(name)}
    return columns_table(content.name, "record", kept)


def _is_data(name: str) -> bool:
    return not name.startswith("__index_level_")


def _parquet(content: Content) -> tuple[list[str], list[list[object]]]:
    try:
        from pyarrow import BufferReader
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise MissingDependency(
            f'{content.name}: reading parquet needs pyarrow: pip install "metaresp[parquet]"'
        ) from None
    with ParquetFile(BufferReader(content.data)) as file:
        table = file.read()
    return list(table.column_names), [column.to_pylist() for column in table.columns]


def _stata(content: Content) -> tuple[list[str], list[list[object]]]:
    from pandas import read_stata

    try:
        frame = read_stata(io.BytesIO(content.data))
    except ValueError:  # labels that occur twice make no categories
        frame = read_stata(io.BytesIO(content.data), convert_categoricals=False)
    return _columns(frame)


def _sas(form: str) -> Callable[[Content], tuple[list[str], list[list[object]]]]:
    def read(content: Content) -> tuple[list[str], list[list[object]]]:
        from pandas import read_sas

        names, columns = _columns(read_sas(io.BytesIO(content.data), format=form))  # type: ignore[call-overload]
        texts = [cell for column in columns for cell in column if isinstance(cell, bytes)]
        codec = codec_of(b"\n".join(texts)) or "latin-1"
        return names, [
            [cell.decode(codec, "replace") if isinstance(cell, bytes) else cell for cell in column]
            for column in columns
        ]

    return read


def _spss(content: Content) -> tuple[list[str], list[list[object]]]:
    try:
        from pyreadstat import read_sav
    except ImportError:
        raise MissingDependency(
            f'{content.name}: reading files of SPSS needs pyreadstat: pip install "metaresp[files]"'
        ) from None
    # This reader takes no bytes: the content may have come through standard input.
    place, name = tempfile.mkstemp(suffix=".sav")
    try:
        with os.fdopen(place, "wb") as file:
            file.write(content.data)
        frame, _ = read_sav(name, apply_value_formats=True, formats_as_category=False)
    finally:
        os.unlink(name)
    return _columns(frame)


def _columns(frame: Any) -> tuple[list[str], list[list[object]]]:
    names = [str(name) for name in frame.columns]
    return names, [frame.iloc[:, i].tolist() for i in range(len(names))]


Reader = Callable[[Content], tuple[list[str], list[list[object]]]]

PACKAGES: Mapping[str, tuple[str, Reader]] = {
    "parquet": ("parquet file", _parquet),
    "dta": ("Stata file", _stata),
    "sav": ("SPSS file", _spss),
    "sas7bdat": ("SAS file", _sas("sas7bdat")),
    "xpt": ("SAS transport file", _sas("xport")),
}
