"""JSON text to a table: a list of records, a dictionary of columns, or either under ``studies``."""

import json
from typing import Any

from metaresp.errors import InvalidStudies, UnreadableFile
from metaresp.read.cells import shown
from metaresp.read.table import Table, columns_table, records_table, refuse_size

_SHAPES = "a list of records, a dictionary of columns, or either under the key 'studies'"


def json_table(text: str, source: str) -> Table:
    """Return the table of a JSON text.

    Raises
    ------
    UnreadableFile
        If the text is not JSON.
    InvalidStudies
        If it is JSON of another shape, or holds no record.
    """
    try:
        content: Any = json.loads(text, object_pairs_hook=lambda pairs: _once(pairs, source))
    except json.JSONDecodeError as error:
        if "Extra data" in error.msg and "\n" in text.strip():
            return _from_records(_lines(text, source), source)
        raise UnreadableFile(f"{source} is not JSON: line {error.lineno}: {error.msg}") from None
    except InvalidStudies:
        raise
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(f"{source} is not JSON that can be read: {shown(str(error))}") from None
    if isinstance(content, dict) and isinstance(content.get("studies"), list | dict):
        content = content["studies"]
    if isinstance(content, list):
        return _from_records(content, source)
    if isinstance(content, dict):
        return _from_columns(content, source)
    raise InvalidStudies(f"{source} holds {shown(content)}: it must be {_SHAPES}")


def _once(pairs: list[tuple[str, Any]], source: str) -> dict[str, Any]:
    """Return an object of JSON, of which the last of two equal keys would win without a word."""
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for i, key in enumerate(keys) if key in keys[:i])
        raise InvalidStudies(f"{source} has two keys named {shown(twice)} in one record: rename one")
    return content


def _lines(text: str, source: str) -> list[Any]:
    """Return the records of a text that has one on each line."""
    records = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                records.append(json.loads(line, object_pairs_hook=lambda pairs: _once(pairs, source)))
            except json.JSONDecodeError as error:
                raise UnreadableFile(f"{source} is not JSON: line {number}: {error.msg}") from None
    return records


def _from_records(content: list[Any], source: str) -> Table:
    if not content:
        raise InvalidStudies(f"{source} holds no record")
    for number, record in enumerate(content, start=1):
        if not isinstance(record, dict):
            raise InvalidStudies(f"{source}, record {number}: {shown(record)} is not a record like "
                                 '{"study": "Xu 2012", "events": 13, "n": 18}')  # fmt: skip
    return records_table(source, content)


def _from_columns(content: dict[str, Any], source: str) -> Table:
    if "excluded" in content and "covariates" in content:
        raise InvalidStudies(f"{source} was written by Studies.to_json: read it with Studies.from_dict")
    if content and all(isinstance(column, dict) for column in content.values()):
        # As data frames write themselves: column -> {row: cell}.
        keys = list(dict.fromkeys(key for column in content.values() for key in column))
        refuse_size(source, len(keys), len(content))
        content = {name: [column.get(key) for key in keys] for name, column in content.items()}
    for name, column in content.items():
        if not isinstance(column, list):
            raise InvalidStudies(
                f"{source}, key {shown(name)}: {shown(column)} is not a column; the file must be {_SHAPES}"
            )
    if not any(content.values()):
        raise InvalidStudies(f"{source} holds no record")
    return columns_table(source, "record", content)
