"""A sheet as a person laid it out to a table: where the head is, and which lines are no row of it."""

import re
from collections.abc import Sequence
from itertools import pairwise

from metaresp.errors import InvalidStudies
from metaresp.read.body import Body, told, trimmed
from metaresp.read.cells import label_text, label_texts, shown
from metaresp.read.heads import read_head
from metaresp.read.patterns import NUMERIC, plain
from metaresp.read.sheet import Sheet
from metaresp.read.table import LeftOut, Table, plain_table
from metaresp.read.vocabulary import folded, words
from metaresp.read.writing import is_missing, read_cell

Row = tuple[int, list[object]]

# Lines among which the head is looked for.
_TOP = 40
_COMMENT = re.compile(r"^(?:#(?!\s*$)|%%?\s*\S|//)")
_MARKED = re.compile(
    r"^(?:[*†‡§¶#‖]|[ªº⁰¹²³⁴-⁹ᵃ-ᵛ]|[a-z]\s*[).:]|\([a-z0-9]\)|\[[a-z0-9]\]|[a-z]\s+(?=[A-Z]))"
)
_LONG_TEXT = 60
# "n = 50" alone at the foot
_SIZE = re.compile(r"\(?\s*(?:n|k)\s*=\s*[0-9]", re.IGNORECASE)
_UNIT = re.compile(
    r"[(\[（].*[)\]）]|%|n|no\.?|counts?|number|patients|percent|years?|months?|weeks?|days?|mg|kg|events",
    re.IGNORECASE,
)


def sheet_table(source: str, sheet: Sheet) -> Table:
    """Return the table that a sheet holds.

    Lines above the head (titles, comments), blank lines, a line of units, repeated heads and notes at the
    foot are set aside and told; a head of two lines is joined.

    Raises
    ------
    InvalidStudies
        If there is no head, no row beneath it, or a row with more cells than the head has names.
    """
    name = f"{source} (sheet {sheet.title!r})" if sheet.title else source
    lines = _first_lines(sheet)
    if not lines:
        raise InvalidStudies(f"{name} is empty: a header and one row per study are needed")
    first, last = _head_lines(lines)
    head, heads = _joined(lines, first, last)
    header_row = lines[last][0]
    left_out = [LeftOut(number, told(cells), "stands above the table") for number, cells in lines[:first]]
    body = Body.beneath(sheet.rows, header_row, len(head) + 1, name)
    begin, end = 0, _foot(body)
    if len(body) and _is_units(body.row(0), head):
        units = body.row(0)
        heads = [f"{a} {b}" if b else a for a, b in zip(heads, _texts(units, len(heads)), strict=True)]
        left_out.append(LeftOut(body.numbers[0], told(units), "holds units"))
        begin, end = 1, max(1, end)
    rows = range(begin, end)
    repeated = [i for i in body.rows_like(head) if i in rows and _repeats(body.row(i), head)]
    comments = [i for i in body.rows_marked() if i in rows and _is_comment(body.row(i))]
    left_out += [body.left_out(i, "repeats the header") for i in repeated]
    left_out += [body.left_out(i, "is a note") for i in [*comments, *range(end, len(body))]]
    body.keep(rows, {*repeated, *comments})
    if not len(body):
        names = ", ".join(repr(text[:40]) for text in _named(head)[:30])
        raise InvalidStudies(f"{name} has a header in row {header_row} ({names}) but no study beneath it")
    merged_notes = _unmerged(body, sheet, heads)
    unnamed: tuple[int, ...] = ()
    if _has_row_names(head, body, sheet.decimal):
        head, heads, unnamed = [None, *head], ["", *heads], (0,)
    _refuse_ragged(name, head, body)
    columns = [tuple(column) for column in body.columns[: len(head)]]
    keep = [i for i, cell in enumerate(head) if cell is not None or any(c is not None for c in columns[i])]
    unnamed = tuple(place for place, i in enumerate(keep) if head[i] is None and not heads[i])
    named = _named(head)
    return plain_table(
        name, "row", [named[i] for i in keep], [columns[i] for i in keep], body.numbers,
        sheet.decimal, written=True, sheet=sheet.title, header_row=header_row,
        heads=tuple(heads[i] for i in keep), unnamed=unnamed, left_out=tuple(left_out),
        notes=(*merged_notes, *_said(left_out)),
    )  # fmt: skip


def _unmerged(body: Body, sheet: Sheet, heads: Sequence[str]) -> list[str]:
    """Write the value of cells that are merged downwards in each of their rows, and return the notes.

    Counts and rates are not: a merged n is that of all its rows together.
    """
    if not sheet.merged or not len(body):
        return list(sheet.notes)
    place_of = {number: place for place, number in enumerate(body.numbers)}
    filled: dict[int, None] = {}
    left = False
    for top, bottom, first, last in sheet.merged:
        within = [place_of[n] for n in range(top, min(bottom, body.numbers[-1]) + 1) if n in place_of]
        column = body.columns[first - 1] if first <= len(body.columns) else []
        value = column[within[0]] if column and len(within) > 1 and top in place_of else None
        if value is None:
            continue
        roles = read_head(heads[first - 1]).roles.keys() if first <= len(heads) else set()
        number = not isinstance(value, str) or _is_numeric(value)
        if first != last or (number and "year" not in roles):
            left = True
            continue
        for place in within[1:]:
            if column[place] is None:
                column[place] = value
                filled[first - 1] = None
    notes = [note for note in sheet.notes if left or not filled or not note.startswith("merged cells")]
    if filled:
        names = ", ".join(
            repr(heads[i] if i < len(heads) and heads[i] else f"column {i + 1}") for i in filled
        )
        notes.append(f"Merged cells of {names} were filled downwards.")
    return notes


def _first_lines(sheet: Sheet) -> list[Row]:
    """Return the first lines that hold anything: the head is among them."""
    lines: list[Row] = []
    for number, raw in enumerate(sheet.rows, start=1):
        cells = trimmed(raw) if raw else None
        if cells:
            lines.append((number, cells))
            if len(lines) == 5 * _TOP:
                break
    return lines


def _head_lines(lines: Sequence[Row]) -> tuple[int, int]:
    """Return the first and the last line of the head, as positions in *lines*."""
    top = lines[:_TOP]
    width = max(len(_filled(cells)) for _, cells in lines)
    scores = [_score(cells, width) for _, cells in top]
    best = max(range(len(top)), key=lambda i: (scores[i], -i))
    if scores[best] <= 0:
        wide = [i for i, (_, cells) in enumerate(top) if len(_filled(cells)) > 1 or width == 1]
        plain = [i for i in wide if not _is_comment(top[i][1])]
        best = (plain or wide or [0])[0]
        alone = [i for i in range(best) if len(_filled(top[i][1])) == 1 and not _is_comment(top[i][1])]
        named = [i for i in alone if read_head(label_text(_filled(top[i][1])[0])).roles]
        if named or any(_is_numeric(cell) for cell in top[best][1] if isinstance(cell, str)):
            # the line above names too few columns, which is what an error must say
            best = named[-1] if named else 0
        return best, best
    first = last = best
    above = top[best - 1][1] if best else []
    if above and _is_upper_head(above, top[best][1], width):
        first = best - 1
    elif best + 1 < len(top) and _is_lower_head(top[best][1], top[best + 1][1]):
        last = best + 1
    return first, last


def _score(cells: list[object], width: int) -> int:
    """Return how many roles the cells of a line name as a head; lines with numbers are no head."""
    filled = _filled(cells)
    texts = [str(cell) for cell in filled if isinstance(cell, str)]
    if len(filled) == 1 < width or _is_comment(cells):
        return 0
    if len(texts) < len(filled) or any(_is_numeric(text) or _has_no_letter(text) for text in texts):
        return 0
    return len({role for text in texts for role in read_head(text).roles}) * 10 + min(len(filled), 9)


def _has_no_letter(text: str) -> bool:
    """Whether text is digits and signs, such as ``100% (4,338/4,338)``: no name, whatever it means."""
    return any(map(str.isdigit, text)) and not any(map(str.isalpha, text))


def _is_numeric(cell: object) -> bool:
    if read_cell(cell).kind in {"count", "number", "rate", "counted", "fraction", "about", "formula"}:
        return True
    # 1,632/1,793: a number, though which one depends on the table
    text = plain(cell) if isinstance(cell, str) else ""
    return any(map(str.isdigit, text)) and NUMERIC.fullmatch(text) is not None


def _is_upper_head(above: list[object], head: list[object], width: int) -> bool:
    """Whether the line above the best head is its upper half: names over blank cells, or over several."""
    filled = _filled(above)
    if any(_is_numeric(cell) or not isinstance(cell, str) for cell in filled) or _is_comment(above):
        return False
    if len(filled) == 1 and above[0] is not None:
        return False
    cells = above + [None] * (len(head) - len(above))
    over_blank = any(a is not None and b is None for a, b in zip(cells, head, strict=False))
    if len(cells) > len(head):
        over_blank = over_blank or any(cell is not None for cell in cells[len(head) :])
    return over_blank if head[0] is None or len(filled) > 1 else False


def _is_lower_head(head: list[object], below: list[object]) -> bool:
    """Whether the line below the best head is its lower half: text that fills cells blank above it."""
    filled = _filled(below)
    if any(_is_numeric(cell) or not isinstance(cell, str) or is_missing(cell) for cell in filled):
        return False
    fills = [i for i, cell in enumerate(below) if cell is not None and (i >= len(head) or head[i] is None)]
    return bool(fills) and (below[0] is None or len(fills) > 1) and len(filled) > 1


def _joined(lines: Sequence[Row], first: int, last: int) -> tuple[list[object], list[str]]:
    """Return the names of the columns, and what they are matched by."""
    if first == last:
        return lines[first][1], _texts(lines[first][1], len(lines[first][1]))
    upper, lower = lines[first][1], lines[last][1]
    width = max(len(upper), len(lower))
    above, below = _texts(upper, width), _texts(lower, width)
    spread: list[str] = []
    for i, text in enumerate(above):
        spread.append(text or (spread[-1] if i and below[i] and spread else ""))
    names = [
        " ".join(filter(None, (over if folded(over) != folded(under) else "", under)))
        for over, under in zip(spread, below, strict=True)
    ]
    return [name or None for name in names], _matched(spread, below, names)


def _matched(above: list[str], below: list[str], names: list[str]) -> list[str]:
    """Return what columns under a head of two lines are matched by.

    Beneath "Response" stand "events" and "n", which say it all; beneath "CR" and "PR" stands "n" twice,
    which says nothing without the line above.
    """
    heads = list(names)
    for over in set(above):
        group = [i for i, text in enumerate(above) if text == over]
        roles = [set(read_head(below[i]).roles) for i in group]
        if any("events" in role for role in roles) and any("n" in role for role in roles):
            for i in group:
                heads[i] = below[i]
    return heads


def _texts(cells: Sequence[object], width: int) -> list[str]:
    padded = [*cells, *[None] * (width - len(cells))][:width]
    return [label_text(cell) for cell in padded]


def _is_units(cells: list[object], head: list[object]) -> bool:
    """Whether a line beneath the head holds units, such as ``(count)``, and no study."""
    filled = _filled(cells)
    if not filled or not all(isinstance(cell, str) for cell in filled):
        return False
    if any(map(_is_numeric, filled)):
        return False
    names_a_row = cells[0] is not None and cells[0] != head[0] and not _UNIT.fullmatch(str(cells[0]))
    if names_a_row and len(filled) > 1:
        return False
    if cells[0] is not None and len(filled) == 1:
        return False
    return all(_UNIT.fullmatch(str(cell)) for cell in filled)


def _foot(body: Body) -> int:
    """Return where the notes beneath the rows begin."""
    end = len(body)
    while end and _is_note(body.row(end - 1)):
        end -= 1
    return end


def _is_note(cells: list[object]) -> bool:
    """Whether a line without numbers is meant as a note, not as a study whose counts are missing."""
    filled = _filled(cells)
    if not all(isinstance(cell, str) for cell in filled):
        return False
    texts = [str(cell) for cell in filled]
    if len(texts) == 1 and _SIZE.match(texts[0]):
        return True
    if len(texts) > 1 and any(_is_numeric(text) or is_missing(text) for text in texts):
        return False
    if _is_numeric(texts[0]):
        return False
    first = texts[0]
    if _MARKED.match(first) or _is_comment(cells):
        return True
    leading = words(first[:80], "rows")
    if leading and "note" in leading[0].meanings and (len(filled) == 1 or ":" in first):
        return ":" in first or "." in first or len(leading) > 1
    if "=" in first or (":" in first and len(filled) == 1):
        return True
    return len(first) > _LONG_TEXT or (first.endswith((".", "。")) and len(first.split()) > 3)


def _is_comment(cells: list[object]) -> bool:
    filled = _filled(cells)
    first = filled[0] if filled else None
    if not isinstance(first, str) or cells[0] is None:
        return False
    if not _COMMENT.match(first):
        return filled == ["#"]
    if sum(bool(read_head(str(cell)).roles) for cell in filled[:50]) > 1:
        return False  # "# events" is a name
    return len(filled) == 1 or not any(_is_numeric(cell) for cell in filled[1:])


def _repeats(cells: list[object], head: list[object]) -> bool:
    pairs = [(a, b) for a, b in zip(cells, head, strict=False) if a is not None]
    same = sum(folded(str(a)) == folded(str(b)) for a, b in pairs if isinstance(a, str) and b is not None)
    return same > 1 and same >= len(pairs) - 1


def _has_row_names(head: list[object], body: Body, decimal: str) -> bool:
    """Whether the rows have one cell more than the head, as R writes its row names."""
    if body.longer or None in body.columns[len(head)]:
        return False
    firsts = label_texts(body.columns[0])
    if firsts == [str(i) for i in range(1, len(firsts) + 1)]:
        return True
    if any(cell is None for cell in head):
        return False
    numbers = [int(text) for text in firsts if text.isascii() and text.isdecimal() and len(text) < 9]
    if len(numbers) == len(firsts) and len(numbers) > 1:
        return all(a < b for a, b in pairwise(numbers))
    # a file cut at commas may hold text with a comma in every row
    return decimal != "." and len(firsts) > 1 and not numbers and len(set(firsts)) == len(firsts)


def _refuse_ragged(name: str, head: list[object], body: Body) -> None:
    for row in body.rows_beyond(len(head)):
        raise InvalidStudies(
            f"{name}, row {body.numbers[row]}: {len(body.row(row))} cells, but the header has {len(head)}"
            " (text that holds the separator must stand in quotes)"
        )


def _filled(cells: Sequence[object]) -> list[object]:
    return [cell for cell in cells if cell is not None]


def _said(left_out: list[LeftOut]) -> list[str]:
    return [
        f"Row {item.row} {item.reason} and was not read as a study: {shown(item.text)}." for item in left_out
    ]


def _named(head: Sequence[object]) -> list[str]:
    return [label_text(name) or f"column {i}" for i, name in enumerate(head, start=1)]
