"""How often do the intervals hold what they are for?  Every default, on one grid, by one script.

``grid.toml`` names the settings (studies, patients, rate, tau, distribution of the logits) and the methods.
Each setting is drawn in blocks of data sets with a seed that depends on the setting and the block alone, and
pooled by every method in batches: the same numbers in any order, on any number of workers.  One row a
setting, method and quantity goes to ``coverage.csv``; what is finished there is not run again.  From that
table ``validate_page.py`` writes the tables of ``README.md`` beside it, its pictures, and the numbers quoted
elsewhere.

Run: ``python docs/validation/validate.py --minutes 25 --workers 2``, or ``--repeats 400 --part normal``;
``--fresh`` forgets the table first; ``--page`` only writes the page.
"""

import argparse
import csv
import itertools
import os
import time
import tomllib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from validate_settings import BLOCK, Setting, draw, mean_rate, share_below

import metaresp as mr
from metaresp.arrays import silent
from metaresp.counts import clean
from metaresp.model.estimates import is_exact
from metaresp.model.registry import model_of

HERE = Path(__file__).parent
GRID = tomllib.loads((HERE / "grid.toml").read_text(encoding="utf-8"))
TABLE = HERE / "coverage.csv"
TYPICAL, MEAN, TAU, NEW, STUDIES = "typical rate", "mean rate", "tau", "new trial", "study rates"
TESTS = {"Q test": "Q_pvalue", "likelihood-ratio test": "lrt_pvalue"}
QUANTITIES = (TYPICAL, MEAN, TAU, NEW, *TESTS)  # of a part that names none
METHODS = ("binomial-normal", "beta-binomial", "REML, Hartung-Knapp", "Wald t", "Wald z")
ALPHA = 0.05


class Task(NamedTuple):
    """A setting with what is measured in it."""

    part: str
    setting: Setting
    methods: tuple[str, ...]
    quantities: tuple[str, ...]
    most: int

    def size(self, method: str, asked: int) -> int:
        """Return how many data sets a method gets."""
        return min(asked, self.most, GRID["most"].get(method, asked))


class Row(NamedTuple):
    """One line of the table; *coverage* is of the sets that have an answer, or the share that a test accepts.

    *width* is the mean (of tau the median) width, on the scale of rates (of tau on its own); *failures* are
    limits that are missing although the model was fitted, counted as not covering.
    """

    part: str
    effects: str
    k: int
    n: str
    rate: float
    tau: float
    method: str
    quantity: str
    sets: int
    answered: float
    coverage: float
    se: float
    width: float
    failures: int

    @classmethod
    def of(cls, fields: dict[str, str]) -> "Row":
        return cls(*(kind(fields[name]) for name, kind in cls.__annotations__.items()))

    @property
    def setting(self) -> Setting:
        return Setting(self.effects, self.k, self.n, self.rate, self.tau)

    @property
    def bound(self) -> float:
        return float(GRID["bound"]["two" if self.k == 2 else "more"])

    @property
    def judged(self) -> bool:
        """Whether a default claims this, and has an answer in half of the sets."""
        return self.quantity in GRID["judged"].get(self.method, ()) and self.answered >= 0.5

    @property
    def loses(self) -> bool:
        return self.judged and self.coverage < self.bound


def tasks(parts: tuple[str, ...] = tuple(GRID["part"])) -> list[Task]:
    """Return every setting of some parts of the grid."""
    found = []
    for name in parts:
        part = GRID["part"][name]
        rest = tuple(part.get("methods", METHODS)), tuple(part.get("quantities", QUANTITIES))
        product = itertools.product(*(part[field] for field in Setting._fields))
        found += [Task(name, Setting(*values), *rest, part.get("most", 10**9)) for values in product]
    return found


# Measurement


class Held(NamedTuple):
    """Of each set: whether, or in what share, an interval holds the truth (NaN: there is none); its width."""

    held: np.ndarray
    width: np.ndarray
    failed: np.ndarray


@silent
def interval(low: Any, high: Any, truth: float, exact: np.ndarray) -> Held:
    missing = ~(np.isfinite(low) & ~np.isnan(high))
    if missing.all():  # the method has no such interval, as a prediction by k - 2 = 0 degrees of freedom
        exact = missing
    held = np.where(missing & exact, np.nan, (low <= truth) & (truth <= high))
    return Held(held, np.where(missing, np.nan, high - low), missing & ~exact)


@silent
def measured(method: str, setting: Setting, asked: tuple[str, ...], block: int, sets: int) -> dict[str, Held]:
    """Return what one method does in the first *sets* of a block, by quantity."""
    events, n, rates = draw(setting, block, sets)
    options = GRID["methods"][method]
    if "ci" in options:  # another interval of the default's fit: what else there is, is the default's
        asked = tuple(name for name in asked if name in (TYPICAL, NEW))
    if asked == (STUDIES,):
        return {STUDIES: study_rates(events, n, rates, options)}
    plain = {} if NEW in asked or options.get("model") == "common" else {"prediction": None}
    batch = mr.pool_batch(events, n, **(options | plain))
    exact, kind = is_exact(batch.reason), model_of(batch.spec)
    found = {TYPICAL: interval(batch.low, batch.high, setting.rate, exact)}
    if MEAN in asked:
        if kind.rate_is_mean:
            del found[TYPICAL]
        of_mean = (batch.low, batch.high) if kind.rate_is_mean else (batch.mean_low, batch.mean_high)
        found[MEAN] = interval(*of_mean, mean_rate(setting), exact)
    if NEW in asked:
        low, high = batch.prediction_low, batch.prediction_high
        inside = interval(low, high, setting.rate, exact)
        if setting.tau:
            content = share_below(setting, high) - share_below(setting, low)
            inside = inside._replace(held=np.where(np.isnan(content), inside.held, content))
        found[NEW] = inside
    if TAU in asked and kind.tau2_methods and kind.spread == "tau2":
        ends = np.full((2, sets), np.nan)
        rows = np.flatnonzero(~exact)
        if rows.size:
            lanes = clean(events[rows], n[rows], None)[0]
            ends[:, rows] = np.sqrt(kind(lanes, batch.spec).tau2_limits(None, batch.spec.level))
        found[TAU] = interval(*ends, setting.tau, exact)
    if setting.tau == 0:
        for name, field in TESTS.items():
            p = getattr(batch, field)
            if name in asked:
                none = np.full(sets, np.nan)
                found[name] = Held(np.where(np.isnan(p), np.nan, p >= ALPHA), none, np.isnan(p) & ~exact)
    return {quantity: found[quantity] for quantity in asked if quantity in found}


def study_rates(events: np.ndarray, n: np.ndarray, rates: np.ndarray, options: dict[str, Any]) -> Held:
    """Return the share of studies whose shrunken interval holds the true rate, set by set."""
    held = np.full((2, len(events)), np.nan)
    for i, (x, size, p) in enumerate(zip(events, n, rates, strict=True)):
        found = mr.pool(events=x, n=size, **options).study_rates()
        if not np.isnan(found.shrunken_low).any():
            inside = (found.shrunken_low <= p) & (p <= found.shrunken_high)
            held[:, i] = inside.mean(), (found.shrunken_high - found.shrunken_low).mean()
    return Held(*held, np.zeros(len(events), dtype=bool))


def measure(task: Task, asked: int) -> list[Row]:
    """Return the rows of one setting, by so many data sets as are *asked* for, or as each method gets."""
    rows = []
    for method in task.methods:
        sets = task.size(method, asked)
        sizes = [min(BLOCK, sets - start) for start in range(0, sets, BLOCK)]
        blocks = [measured(method, task.setting, task.quantities, i, size) for i, size in enumerate(sizes)]
        for quantity in blocks[0]:
            parts = zip(*(block[quantity] for block in blocks), strict=True)
            held, width, failed = (np.concatenate(part) for part in parts)
            held, width = held[~np.isnan(held)], width[~np.isnan(width)]
            if held.size:
                middle = np.median if quantity == TAU else np.mean
                wide = round(float(middle(width)), 5) if width.size else np.nan
                numbers = held.size / sets, held.mean(), held.std() / np.sqrt(held.size)
                shown = (round(float(value), 4) for value in numbers)
                rows.append(
                    Row(task.part, *task.setting, method, quantity, sets, *shown, wide, int(failed.sum()))
                )
    return rows


# The table


Key = tuple[str, Setting]


def read(path: Path = TABLE) -> dict[Key, list[Row]]:
    """Return the rows of each finished setting."""
    found: dict[Key, list[Row]] = {}
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            for fields in csv.DictReader(file):
                if None not in fields.values():  # a line that was cut off
                    row = Row.of(fields)
                    key = row.part, row.setting
                    found[key] = merged(found.get(key, []), [row])
    return found


def merged(old: list[Row], new: list[Row]) -> list[Row]:
    """Return rows of one setting with the *new* ones in place of those of the same method and quantity."""
    rows = {(row.method, row.quantity): row for row in [*old, *new]}
    return list(rows.values())


def write(found: dict[Key, list[Row]], path: Path = TABLE) -> None:
    """Write the whole table, in the order of the grid."""
    order = {(task.part, task.setting): i for i, task in enumerate(tasks())}
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    append([Row._fields], new)
    append([row for key in sorted(found.keys() & order, key=order.__getitem__) for row in found[key]], new)
    os.replace(new, path)


def append(rows: Sequence[tuple[Any, ...]], path: Path = TABLE) -> None:
    """Add lines to a table."""
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def wanted(found: dict[Key, list[Row]], grid: list[Task], sets: int, last: bool) -> list[tuple[Task, int]]:
    """Return settings and the methods that have fewer than *sets* there; the *last* time those in doubt."""
    todo = []
    for task in grid:
        rows = found.get((task.part, task.setting), [])
        done = {row.method for row in rows if row.sets >= task.size(row.method, sets)}
        doubt = {row.method for row in rows if in_doubt(row)}
        methods = tuple(name for name in task.methods if name not in done and (name in doubt or not last))
        if methods:
            todo.append((task._replace(methods=methods), sets))
    return todo


def in_doubt(row: Row) -> bool:
    """Whether it is open on which side of its bound a default is, where it should hold."""
    error = max(row.se, 1 / row.sets)
    return row.effects == "normal" and row.judged and abs(row.coverage - row.bound) < GRID["near"] * error


def run(
    grid: list[Task],
    rungs: list[int],
    until: float,
    workers: int,
    say: Callable[[str], None],
    path: Path = TABLE,
) -> None:
    """Measure what is missing, rung by rung, until the time is over."""
    found = read(path)
    write(found, path)
    for rung in rungs:
        todo = wanted(found, grid, rung, last=len(rungs) > 1 and rung == rungs[-1])
        say(f"{len(todo)} settings by {rung} data sets")
        with ProcessPoolExecutor(workers) as pool:
            results = (pool.map if workers > 1 else map)(_measure, todo)
            for done, rows in enumerate(results, 1):
                key = rows[0].part, rows[0].setting
                found[key] = merged(found.get(key, []), rows)
                append(rows, path)
                if done % 10 == 0 or done == len(todo):
                    say(f"  {done} of {len(todo)}")
                if time.monotonic() > until:
                    say("  the time is over")
                    pool.shutdown(cancel_futures=True)
                    break
    write(found, path)


def _measure(asked: tuple[Task, int]) -> list[Row]:
    return measure(*asked)


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=np.inf)
    parser.add_argument("--repeats", type=int, help="data sets of every setting, in place of the grid's")
    parser.add_argument("--part", nargs="+", choices=list(GRID["part"]), default=list(GRID["part"]))
    parser.add_argument("--method", nargs="+", choices=list(GRID["methods"]), help="all by default")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="forget what was measured")
    parser.add_argument("--page", action="store_true", help="measure nothing")
    asked = parser.parse_args()
    if asked.fresh:
        TABLE.unlink(missing_ok=True)
    if not asked.page:
        rungs = [asked.repeats] if asked.repeats else GRID["sets"]
        until = time.monotonic() + 60 * asked.minutes
        grid = tasks(tuple(asked.part))
        if asked.method:
            only = set(asked.method)
            grid = [task._replace(methods=tuple(m for m in task.methods if m in only)) for task in grid]
        run(grid, rungs, until, asked.workers, lambda text: print(text, flush=True))
    from validate_page import write_page

    write_page(read())


if __name__ == "__main__":
    main()
