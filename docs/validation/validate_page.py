"""The page and the pictures of what ``validate.py`` measured, and the numbers that other pages quote from it.

A page quotes by a pair of comments: what stands between ``<!-- coverage: summary -->`` and ``<!-- end -->``
is written here, by a function of :data:`QUOTED`, and a test of the suite compares it with the table.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from validate import GRID, HERE, MEAN, METHODS, NEW, STUDIES, TAU, TESTS, TYPICAL, Key, Row, Setting

ROOT = HERE.parent.parent
IMAGES = ROOT / "docs" / "images"
MARKED = re.compile(r"(<!-- coverage: ([\w-]+) -->)(.*?)(<!-- end -->)", re.DOTALL)
DEFAULT, BETA, KNAPP, WALD_T, WALD_Z = METHODS
INTERVALS = (TYPICAL, MEAN, TAU, NEW, STUDIES)
SAID = {TYPICAL: "Pooled response rate", MEAN: "Mean over trials", TAU: "tau", NEW: "A new trial",
        STUDIES: "Rate of a study (shrunken)"}  # fmt: skip
BESIDE = (WALD_T, WALD_Z, KNAPP)
COLOURS = {DEFAULT: "#0072B2", BETA: "#009E73", KNAPP: "#E69F00", WALD_T: "#CC79A7", WALD_Z: "#999999"}
Draw = Callable[[Axes, pd.DataFrame, Callable[[int], int]], None]
SHAPES = ("t", "skewed", "bimodal", "outlier", "beta")


def as_table(found: dict[Key, list[Row]]) -> pd.DataFrame:
    """Return one line a row, with what is asked of it."""
    rows = [row for rows in found.values() for row in rows]
    table = pd.DataFrame(rows, columns=Row._fields)
    return table.assign(bound=[row.bound for row in rows], loses=[row.loses for row in rows],
                        kept=[row.answered >= 0.5 for row in rows])  # fmt: skip


def chosen(table: pd.DataFrame, **fields: object) -> pd.DataFrame:
    """Return the rows with these values, of settings where half of the sets have an answer."""
    keep = table.kept
    for name, value in fields.items():
        keep = keep & (table[name].isin(value) if isinstance(value, tuple) else table[name] == value)
    return table[keep]


def grid_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return the settings with normal logits on which every method was measured."""
    return table[(table.effects == "normal") & table.part.isin(["normal", "rare", "mirror", "studies"])]


def where(row: pd.Series) -> str:
    return f"k {row.k}, n {row.n}, rate {row.rate:g}, tau {row.tau:g}"


def least(rows: pd.DataFrame, place: bool = False) -> str:
    """Return the least coverage in percent with its Monte Carlo error."""
    if rows.empty:
        return ""
    worst = rows.loc[rows.coverage.idxmin()]
    text = f"{100 * worst.coverage:.1f} ± {100 * worst.se:.1f}"
    return f"{text} ({where(worst)})" if place else text


def markdown(head: Iterable[object], rows: Iterable[Iterable[object]]) -> list[str]:
    """Return the lines of a table."""
    head = list(map(str, head))
    lines = [head, ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return ["| " + " | ".join(line) + " |" for line in lines]


# Tables


def summary(table: pd.DataFrame) -> list[str]:
    """Return the least coverage of the default beside others, for the README."""
    normal = grid_of(table)
    rows = []
    for quantity in INTERVALS:
        mine = chosen(normal, quantity=quantity, method=DEFAULT)
        many = mine[mine.k >= 3]
        others = [least(chosen(normal[normal.k >= 3], quantity=quantity, method=name)) for name in BESIDE]
        below = f"{int(mine.loses.sum())} of {len(mine)}"
        rows.append([SAID[quantity], least(mine[mine.k == 2]), least(many), below, *others])
    head = ["95% interval of", "least, two trials", "least, three and more", "settings below 93.5 (two: 93)"]
    return markdown([*head, *BESIDE], rows)


def by_number(table: pd.DataFrame, quantity: str) -> list[str]:
    """Return the least coverage by number of studies, a row a method.

    With the mean width (of tau the median) at rates of .05 and more.
    """
    normal = chosen(grid_of(table), quantity=quantity)
    numbers = sorted(normal.k.unique())
    rows = []
    for method in (name for name in METHODS if (normal.method == name).any()):
        mine = normal[normal.method == method]
        each = [mine[mine.k == k] for k in numbers]
        short = f"{int((mine.coverage < mine.bound).sum())} of {len(mine)}"
        middle = "median" if quantity == TAU else "mean"
        alike = (rows[rows.part != "rare"] for rows in each)  # at rates that every k was measured at
        widths = ", ".join(f"{rows.width.agg(middle):.3f}" for rows in alike)
        rows.append([f"`{method}`", *map(least, each), short, widths, int(mine.failures.sum())])
    return markdown(["method", *(f"k {k}" for k in numbers), "below", "width by k", "failures"], rows)


def by_field(table: pd.DataFrame, field: str, values: Iterable[object], method: str) -> list[str]:
    """Return the least coverage of what a default claims by the values of a field, a row a quantity."""
    mine = chosen(table[table[field].isin(values)], method=method)
    rows = []
    for quantity in (name for name in INTERVALS if name in GRID["judged"][method]):
        one = mine[mine.quantity == quantity]
        if not one.empty:
            rows.append([SAID[quantity], *(least(one[one[field] == value]) for value in values)])
    return markdown([f"`{method}`", *values], rows)


def sizes(table: pd.DataFrame) -> list[str]:
    """Return how often each test rejects where trials do not differ."""
    rows = []
    normal = grid_of(table)
    numbers = sorted(normal.k.unique())
    for test in TESTS:
        for method in METHODS[:3]:
            mine = chosen(normal, quantity=test, method=method)
            if not mine.empty:
                share = [1 - mine[mine.k == k].coverage for k in numbers]
                rows.append([f"`{method}`, {test}", *(f"{s.min():.3f} to {s.max():.3f}" for s in share)])
    return markdown(["rejects at .05, tau = 0", *(f"k {k}" for k in numbers)], rows)


def compared(table: pd.DataFrame, part: str, most: float) -> list[str]:
    """Return least coverage and mean width of the methods of a part and of the default, up to a tau."""
    settings = table[(table.part == part) & (table.tau <= most)][list(Setting._fields)].drop_duplicates()
    here = chosen(table, quantity=TYPICAL).merge(settings)
    rows = []
    for method in dict.fromkeys([DEFAULT, *GRID["part"][part]["methods"]]):
        one = here[here.method == method]
        short = f"{int((one.coverage < one.bound).sum())} of {len(one)}"
        rows.append([f"`{method}`", least(one, place=True), short, f"{one.width.mean():.3f}"])
    return markdown(["interval of the typical rate", "least coverage", "below", "mean width"], rows)


def lost(row: Row) -> str:
    """Return a setting's rate and tau with its coverage, bold where chance does not explain it."""
    mark = "**" if row.coverage + 2 * row.se < row.bound else ""
    return f"{mark}{row.rate:g}, {row.tau:g}: {100 * row.coverage:.1f} ± {100 * row.se:.1f}{mark}"


def losses(table: pd.DataFrame) -> list[str]:
    """Return every setting where a default covers less than it should."""
    rows = []
    for names, group in table[table.loses].groupby(["effects", "method", "quantity", "k", "n"], sort=False):
        rows.append([*names, "; ".join(map(lost, group.itertuples()))])
    return markdown(["logits", "default", "quantity", "k", "n", "rate, tau: coverage"], rows)


def count(table: pd.DataFrame) -> list[str]:
    """Return how much was measured, in a sentence."""
    settings = table.groupby(["effects", "k", "n", "rate", "tau"]).sets.max()
    return [
        f"{len(settings)} settings, {settings.min()} to {settings.max():,} data sets each, "
        f"{settings.sum():,} in all."
    ]


QUOTED: dict[str, Callable[[pd.DataFrame], list[str]]] = {
    "count": count,
    "summary": summary,
    "losses": losses,
    "sizes": sizes,
    "typical": lambda table: by_number(table, TYPICAL),
    "mean": lambda table: by_number(table, MEAN),
    "tau": lambda table: by_number(table, TAU),
    "new-trial": lambda table: by_number(table, NEW),
    "studies": lambda table: by_number(table, STUDIES),
    "patients": lambda table: by_field(grid_of(table), "n", GRID["part"]["normal"]["n"], DEFAULT),
    "shapes": lambda table: by_field(table, "effects", SHAPES, DEFAULT),
    "shapes-beta": lambda table: by_field(table, "effects", SHAPES, BETA),
    "candidates": lambda table: compared(table, "candidates", 9),
    "few-events": lambda table: compared(table, "few events", 1),
    "few-events-shapes": lambda table: compared(table, "few events, other shapes", 1),
}


def quoted(text: str, table: pd.DataFrame) -> str:
    """Return a page with what it quotes as the table has it."""

    def fill(found: re.Match[str]) -> str:
        return f"{found[1]}\n{chr(10).join(QUOTED[found[2]](table))}\n{found[4]}"

    return MARKED.sub(fill, text)


def quoting() -> list[Path]:
    """Return the pages that quote."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in pages if MARKED.search(page.read_text(encoding="utf-8"))]


# Pictures


FLOOR = 0.6  # of the axis of coverage; what lies below is a triangle


def panels(
    rows: pd.DataFrame, field: str, columns: list[str], quantities: tuple[str, ...], draw: Draw, path: Path
) -> None:
    """Draw a panel for each quantity and value of *field*, by the number of studies."""
    numbers = sorted(rows.k.unique())
    size = 2.1 * len(columns) + 1, 1.9 * len(quantities) + 0.7
    figure, axes = plt.subplots(
        len(quantities), len(columns), figsize=size, sharex=True, sharey=True, layout="constrained"
    )
    for line, quantity in zip(axes, quantities, strict=True):
        for axis, value in zip(line, columns, strict=True):
            draw(axis, chosen(rows[rows[field] == value], quantity=quantity), numbers.index)
            axis.set_xticks(range(len(numbers)), map(str, numbers))
            axis.spines[["top", "right"]].set_visible(False)
        line[0].set_ylabel(SAID[quantity].replace("Pooled response", "Pooled"))
    for axis, value in zip(axes[0], columns, strict=True):
        axis.set_title(f"n {value}" if field == "n" else value, fontsize=9)
    figure.supxlabel("Number of studies", fontsize=10)
    handles = axes[0][0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper center", ncols=5, frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def coverage(axis: Axes, rows: pd.DataFrame, place: Callable[[int], int]) -> None:
    """Draw a dot for each setting of the default, and a line that joins the least of each method."""
    axis.axhline(0.95, color="0.5", linewidth=0.7)
    axis.axhline(GRID["bound"]["more"], color="0.5", linewidth=0.7, linestyle=(0, (4, 3)))
    for method, colour in COLOURS.items():
        worst = rows[rows.method == method].groupby("k").coverage.min()
        axis.plot([*map(place, worst.index)], worst.clip(FLOOR), color=colour, linewidth=1.2, label=method)
        low = [place(k) for k in worst.index[worst < FLOOR]]
        axis.plot(low, [FLOOR] * len(low), "v", color=colour, markersize=4)
    mine = rows[rows.method == DEFAULT]
    axis.plot([*map(place, mine.k)], mine.coverage.clip(FLOOR), ".", color=COLOURS[DEFAULT], ms=4, alpha=0.5)
    axis.set_ylim(FLOOR - 0.01, 1.005)


def widths(axis: Axes, rows: pd.DataFrame, place: Callable[[int], int]) -> None:
    """Draw mean widths as multiples of the default's."""
    mean = rows.groupby(["method", "k"]).width.mean()
    for method in COLOURS:
        if method in mean:
            ratio = mean[method] / mean[DEFAULT]
            at = [*map(place, ratio.index)]
            axis.plot(at, ratio, color=COLOURS[method], linewidth=1.2, marker=".", label=method)


def write_page(found: dict[Key, list[Row]]) -> None:
    """Draw the pictures, and bring every page that quotes up to date."""
    table = as_table(found)
    patients, quantities = GRID["part"]["normal"]["n"], (TYPICAL, MEAN, TAU, NEW)
    normal, rare = table[table.part == "normal"], table[table.part == "rare"]
    shapes = table[table.part == "shapes"]
    panels(normal, "n", patients, quantities, coverage, IMAGES / "coverage-normal.png")
    panels(rare, "n", patients, quantities, coverage, IMAGES / "coverage-rare.png")
    panels(shapes, "effects", list(SHAPES), quantities, coverage, IMAGES / "coverage-shapes.png")
    beside = normal[normal.method != BETA]
    panels(beside, "n", patients, (TYPICAL, NEW), widths, IMAGES / "coverage-widths.png")
    for page in quoting():
        text = page.read_text(encoding="utf-8")
        page.write_text(quoted(text, table), encoding="utf-8")
