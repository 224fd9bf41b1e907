"""What a figure prints, read back from its drawn texts and held against the fit, number by number."""

import math
import re

import numpy as np

from metaresp.plots.settings import plain_settings
from metaresp.plots.wrap import clean

NUMBER = re.compile(r"[<>]?\d+(?:[.·,]\d+)?(?:e[+-]?\d+)?")
# A printed number is the true one to half a unit of its last digit; and a last bit of arithmetic.
HALF, LAST_BIT = 0.5, 1e-9
# Pixels at 100 dots per inch: letters are measured without hinting and drawn with it.
ALIGNED = 2.0


def joined(texts):
    """Return the drawn lines of a cell as one, without spaces: a wrapped word is broken between letters."""
    return "".join(text.get_text() for text in texts).replace(" ", "")


def read(word):
    """Return (sign, value, unit of the last digit) of a printed number."""
    sign = word[0] if word[0] in "<>" else ""
    digits = word.lstrip("<>").replace("·", ".").replace(",", ".")
    mantissa, _, power = digits.partition("e")
    places = len(mantissa.partition(".")[2])
    return sign, float(digits), 10.0 ** ((int(power) if power else 0) - places)


def is_printed(word, value, whole=math.inf):
    """Whether *word* is what *value* rounds to, or a bound that it keeps."""
    sign, number, unit = read(word)
    if sign == "<":
        return 0 < value < number
    if sign == ">":
        return number < value < whole
    return abs(number - value) <= HALF * unit * (1 + LAST_BIT) + LAST_BIT * abs(value)


def rates_are_printed(text, rates, factor):
    """Whether the numbers in *text* are *rates*, and none is missing or too many."""
    found = NUMBER.findall(text)
    return len(found) == len(rates) and all(
        is_printed(word, rate * factor, factor) and ((read(word)[1] == 0) <= (rate == 0 or word[0] == "<"))
        for word, rate in zip(found, rates, strict=True)
    )


def one_number(pattern, text, value):
    """Whether *text* says *value* after *pattern*; or says nothing of it where it is not known."""
    found = re.search(pattern + r"([\d.·]+(?:e[+-]?\d+)?)", text)
    if value is None or not math.isfinite(value):
        return found is None
    return found is not None and is_printed(found[1].rstrip("."), value)


def p_is_printed(text, pvalue):
    """Whether *text* ends with that p-value."""
    if pvalue < 0.001:
        return re.search(r"p ?< ?0[.·]001", text) is not None
    return one_number(r"p ?= ?", text, pvalue)


def unlike_the_table(plot):
    """Return every text of the table that is not drawn as it is there."""
    table = plot.table
    wanted = {(-1, column.key): column.title for column in table.columns}
    for i, row in enumerate(table.rows):
        wanted |= {(i, column.key): row.text(column.key) for column in table.columns}
    wrong = [
        (key, words)
        for key, words in wanted.items()
        if joined(plot.texts.get(key, ())) != clean(words).replace(" ", "")
        and not (table.rows[key[0]].kind == "note" and key[1] != "study")
    ]
    below = "".join(clean(note) for note in table.notes).replace(" ", "")
    return wrong if joined(plot.notes) == below else [*wrong, "notes"]


def crooked(plot):
    """Return the columns whose cells do not stand below each other."""
    with plain_settings():
        return _crooked(plot)


def _crooked(plot):
    renderer = plot.figure.canvas.get_renderer()
    wrong = []
    for column in plot.table.columns:
        places = []
        for i, row in enumerate(plot.table.rows):
            texts = plot.texts.get((i, column.key), ())
            if row.kind in {"note", "heading"} or not texts or column.kind == "risk":
                continue
            box, words = texts[0].get_window_extent(renderer), texts[0].get_text()
            if column.align == "left":
                places.append((f"left {row.indent}", box.x0))
            elif column.align == "right":
                places.append(("right", box.x1))
            elif column.align == "centre":
                places.append(("middle", (box.x0 + box.x1) / 2))
            elif column.align in words:
                font = texts[0].get_fontproperties()
                head = words.partition(column.align)[0]
                before = renderer.get_text_width_height_descent(head, font, False)[0] if head else 0.0
                places.append(("character", box.x0 + before))
        for kind in {kind for kind, _ in places}:
            at = np.array([x for same, x in places if same == kind])
            if np.ptp(at) > ALIGNED:
                wrong.append((column.key, kind, np.round(at, 1).tolist()))
    return wrong


def ticks_say_where_they_are(plot):
    """Whether each tick's label is the rate at which it stands."""
    table = plot.table
    return all(
        math.isclose(
            float(label.get_text().removesuffix(table.unit).replace(table.decimal, ".")),
            tick * table.factor,
            rel_tol=LAST_BIT,
            abs_tol=LAST_BIT,
        )
        for tick, label in zip(plot.axes.get_xticks(), plot.axes.get_xticklabels(), strict=True)
    )
