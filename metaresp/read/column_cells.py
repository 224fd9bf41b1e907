"""What the cells of a column say, each written form read once."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from operator import itemgetter
from typing import overload

from metaresp.read.patterns import PROSE, begins_prose
from metaresp.read.table import Table
from metaresp.read.writing import Cell, read_cell

# Cells of these types alone are their own keys: no two that are equal are read differently.
# The letters that tell prose from what may hold a number.
_START = itemgetter(slice(3))
_PLAIN = frozenset([str, int, type(None)])


class Cells(Sequence[Cell]):
    """What each cell of a column says, read when it is first asked for.

    Attributes
    ----------
    keys : sequence
        For each row what its cell is known by: rows of one key say the same.
    """

    __slots__ = ("_counted", "_decimal", "_events", "_known", "_values", "_words", "keys")

    def __init__(self, values: Sequence[object], decimal: str) -> None:
        self._decimal = decimal
        self._known: dict[Hashable, Cell] = {}
        self._events: tuple[int | None, ...] | None = None
        self._counted: Counter[Hashable] | None = None
        self._words: frozenset[Hashable] | tuple[()] | None = ()
        if _PLAIN.issuperset(map(type, values)):
            self.keys: Sequence[Hashable] = values
            self._values: dict[Hashable, object] | None = None
        else:
            self.keys = [
                (type(value), value) if isinstance(value, str | int | float) else id(value)
                for value in values
            ]
            self._values = dict(zip(self.keys, values, strict=True))

    def read(self, key: Hashable) -> Cell:
        """Return what the cells of one key say."""
        found = self._known.get(key)
        if found is None:
            value = key if self._values is None else self._values[key]
            found = self._known[key] = read_cell(value, self._decimal)
        return found

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, row: int) -> Cell: ...
    @overload
    def __getitem__(self, row: slice) -> tuple[Cell, ...]: ...
    def __getitem__(self, row: int | slice) -> Cell | tuple[Cell, ...]:
        return tuple(map(self.read, self.keys[row])) if isinstance(row, slice) else self.read(self.keys[row])

    def __iter__(self) -> Iterator[Cell]:
        for key in dict.fromkeys(self.keys):
            self.read(key)
        return map(self._known.__getitem__, self.keys)

    @property
    def words(self) -> frozenset[Hashable] | None:
        """The keys that are plainly words, such as labels; None where all are."""
        if isinstance(self._words, tuple):
            different = dict.fromkeys(self.keys)
            texts = [key for key in different if type(key) is str]
            if "".join(texts).isascii():
                starts = set(map(_START, texts))
                doubtful = {start for start in starts if not begins_prose(start)}
                rest = [text for text in texts if text[:3] in doubtful] if doubtful else []
            else:
                rest = texts
            more = set(filter(PROSE.match, rest))
            every = len(texts) == len(different) and len(more) == len(rest)
            self._words = None if every else frozenset(texts).difference(rest) | more
        return self._words

    def is_other(self, row: int) -> bool:
        """Whether the cell of a row is text that is no number."""
        return self._is_word(self.keys[row]) or self[row].kind == "other"

    def _is_word(self, key: Hashable) -> bool:
        return self.words is None or key in self.words

    def times(self, rows: Sequence[int]) -> tuple[dict[Cell, int], int]:
        """Return how often each thing is said in *rows*, and how many cells more are plainly words."""
        plain = self.words
        if plain is None:
            return {}, len(rows)
        if len(rows) == len(self.keys):
            if self._counted is None:
                self._counted = Counter(self.keys)
            counted = self._counted
        else:
            counted = Counter(map(self.keys.__getitem__, rows))
        said: Counter[Cell] = Counter()
        words = 0
        for key, times in counted.items():
            if key in plain:
                words += times
            else:
                said[self.read(key)] += times
        return said, words

    def says(self, kind: str) -> bool:
        """Whether any cell is of a kind other than text."""
        said, _ = self.times(range(len(self)))
        return any(cell.kind == kind for cell in said)

    @property
    def events(self) -> tuple[int | None, ...]:
        """The count in each row; None where there is none."""
        if self._events is None:
            known = {key: self._count(key) for key in dict.fromkeys(self.keys)}
            self._events = tuple(map(known.__getitem__, self.keys))
        return self._events

    def _count(self, key: Hashable) -> int | None:
        return None if self._is_word(key) else self.read(key).events


def column_cells(table: Table, place: int) -> Cells:
    """Return what each cell of a column says; equal cells are read once."""
    found: Cells = table.known(("cells", place), lambda: Cells(table.columns[place], table.decimal))
    return found
