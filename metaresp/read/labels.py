"""What names a study: a column of labels, author and year, a label and its arm."""

import re
from collections.abc import Callable, Sequence
from operator import itemgetter

from metaresp.read.cells import MISSING_VALUE, label_text
from metaresp.read.profile import Column
from metaresp.read.table import Table

_DASHES = frozenset(" -–—.")
_LONGEST_MISSING = max(map(len, MISSING_VALUE))
_DATED = re.compile(r"(?:19|20)[0-9]{2}")
_YEAR = re.compile(r"^((?:19|20)[0-9]{2})[.,]0+$")


def label_columns(
    table: Table,
    columns: list[Column],
    taken: set[int],
    given: tuple[int, ...] | None,
    is_index: Callable[[Column], bool],
) -> tuple[tuple[int, ...], list[str]]:
    """Return the columns that make the labels together, and what was decided, in sentences."""
    notes: list[str] = []
    if given:
        chosen = columns[given[0]]
    else:
        named = _named(columns, taken, is_index)
        if not named:
            first = _first_texts(table, columns, taken)
            if first is None:
                return (), notes
            if first.name and first.place not in table.unnamed:
                notes.append(
                    f"{first.name!r} was taken as the labels of the studies: the first column of text."
                )
            return (first.place,), notes
        chosen, others = named[0], named[1:]
        if others:
            also = ", ".join(repr(column.name) for column in others)
            notes.append(f"{chosen.name!r} was taken as the labels of the studies; {also} kept beside them.")
    parts = [chosen.place]
    arm = _arm(table, columns, taken, chosen)
    if arm is not None:
        parts.append(arm)
    elif not given:
        parts += _year(table, columns, taken, chosen)
    return tuple(parts), notes


def label_of(cell: object) -> str:
    """Return a cell as a label; what programs write for a missing one is none."""
    text = label_text(cell)
    return "" if text.lower() in MISSING_VALUE or not text.strip("".join(_DASHES)) else text


def labels_of(table: Table, place: int) -> list[str]:
    """Return a column as labels, each as :func:`label_of` returns it."""
    found: list[str] = table.known(("labels", place), lambda: _labels_of(table.texts(place)))
    return found


def _different(table: Table, place: int) -> int:
    """Return how many different labels a column holds."""
    count: int = table.known(("different labels", place), lambda: len(set(labels_of(table, place))))
    return count


def _labels_of(texts: Sequence[str]) -> list[str]:
    different = dict.fromkeys(texts)
    if min(map(len, different), default=0) > _LONGEST_MISSING and _DASHES.isdisjoint(
        map(itemgetter(0), different)
    ):
        return list(texts)
    # nothing longer is a word for a missing one, and nothing that begins otherwise is dashes alone
    short = {text for text in different if len(text) <= _LONGEST_MISSING or text[0] in _DASHES}
    if not short:
        return list(texts)
    read = {text: label_of(text) for text in short}
    return [read.get(text, text) for text in texts]


def labels(table: Table, parts: tuple[int, ...]) -> tuple[list[str], list[str]]:
    """Return one label for each row, made up where there is none, and what was done, in sentences."""
    if not parts:
        return [f"Study {number}" for number in range(1, len(table) + 1)], []
    texts = [labels_of(table, place) for place in parts]
    notes: list[str] = []
    if len(parts) == 2 and _merged(texts[0]):
        texts[0] = _filled_down(texts[0])
        notes.append(f"Blank cells of {table.names[parts[0]]!r} were filled from above, as merged cells.")
    # a year that a program wrote as a decimal number
    texts[1:] = [[_YEAR.sub(r"\1", text) for text in column] for column in texts[1:]]
    if len(parts) == 1:
        return list(texts[0]) if "" not in texts[0] else [
            text or f"Study {number}" for number, text in enumerate(texts[0], start=1)
        ], notes
    joined = []
    for number, cells in enumerate(zip(*texts, strict=True), start=1):
        label = cells[0]
        for more in cells[1:]:
            if more and more not in re.split(r"[\s,()]+", label):
                label = f"{label} {more}".strip()
        joined.append(label or f"Study {number}")
    return joined, notes


def _named(columns: list[Column], taken: set[int], is_index: Callable[[Column], bool]) -> list[Column]:
    """Return the columns whose head says label, the best first: words before numbers, study before author."""
    found = []
    for column in columns:
        roles = column.head.roles
        if column.place in taken or not roles.keys() & {"study", "author"} or column.kind == "blank":
            continue
        is_text = column.kind == "text"
        order = (not is_text, "study" not in roles, is_index(column), column.place)
        found.append((order, column))
    ordered = [column for _, column in sorted(found, key=lambda item: item[0])]
    if ordered and ordered[0].kind == "text":
        return [column for column in ordered if column.kind == "text"]
    return ordered


def _first_texts(table: Table, columns: list[Column], taken: set[int]) -> Column | None:
    """Return a column without a name that holds text, or the first column where it is text throughout."""
    for place in table.unnamed:
        if columns[place].kind == "text" and place not in taken:
            return columns[place]
    for column in columns[:2]:
        roles = column.head.roles.keys() - {"index"}
        if column.kind == "text" and not roles - {"arm"} and column.place not in taken and column.place == 0:
            every = zip(labels_of(table, column.place), table.columns[column.place], strict=True)
            texts = [text for text, cell in every if cell is not None]
            return column if len(set(texts)) == len(texts) > len(table) // 2 else None
    return None


def _arm(table: Table, columns: list[Column], taken: set[int], chosen: Column) -> int | None:
    """Return the column of arms, where labels are merged cells that an arm tells apart."""
    texts = labels_of(table, chosen.place)
    if not _merged(texts) and _different(table, chosen.place) == len(texts):
        return None
    filled = _filled_down(texts)
    for column in columns:
        if column.place in taken or column.place == chosen.place or "arm" not in column.head.roles:
            continue
        pairs = list(zip(filled, labels_of(table, column.place), strict=True))
        if len(set(pairs)) == len(pairs):
            return column.place
    return None


def _merged(texts: list[str]) -> bool:
    """Whether labels stand only in the first of several rows."""
    return bool(texts) and bool(texts[0]) and "" in texts


def _filled_down(texts: list[str]) -> list[str]:
    filled: list[str] = []
    for text in texts:
        filled.append(text or (filled[-1] if filled else ""))
    return filled


def _year(table: Table, columns: list[Column], taken: set[int], chosen: Column) -> list[int]:
    """Return the column of years that goes with labels of authors, or tells labels apart."""
    years = [c for c in columns if "year" in c.head.roles and c.kind == "count" and c.place not in taken]
    if len(years) != 1:
        return []
    texts = labels_of(table, chosen.place)
    different = _different(table, chosen.place)
    if different == len(texts) and "author" not in chosen.head.roles:
        return []
    dated = sum(map(bool, map(_DATED.search, texts)))
    if dated * 2 > len(texts):
        return []
    joined = list(zip(texts, labels_of(table, years[0].place), strict=True))
    tells = different < len(texts) == len(set(joined))
    return [years[0].place] if "author" in chosen.head.roles or tells else []
