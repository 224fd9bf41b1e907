"""How often ``reproduce`` finds the method behind numbers of R's meta and metafor.

Run ``python docs/validation/reproduced.py``.  Every number of ``inverse_variance.*``, ``metaprop.*`` and
``glmm.*`` of the reference files, printed with one decimal of a percentage (per 100,000 for crisafulli2020,
whose percentages have no digit).  Rows: the right method is named in one of the first three rows, where
methods with equal digits are one row.  One by one: it is among the first three methods, those with equal
numbers (to 1e-8) counting as one.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from metaresp.analyses.candidates import Candidate
from metaresp.analyses.method_words import call_text
from metaresp.analyses.published import read_published
from metaresp.analyses.reproduce import compared
from tests.analyses.test_reproduce import UNITS, numbers_of_r, place, tried
from tests.datasets import NAMES


def main() -> None:
    """Print the table of the decision record."""
    print("| data | tried | rows | one by one | methods of the first row (median) |")
    print("|---|---|---|---|---|")
    total = [0, 0, 0]
    for name in NAMES:
        studies, methods = tried(name)
        factor, unit = UNITS.get(name, (100, "%"))
        count, rows, strict, agree = 0, 0, 0, []
        for options, (rate, low, high) in numbers_of_r(name):
            text = f"{rate * factor:.1f}{unit} ({low * factor:.1f} to {high * factor:.1f})"
            found = compared(studies, read_published(text), methods, 0.95)
            row, alone = place(found, call_text(Candidate(options, 0.95, [], []), len(studies), 0.95))
            count += 1
            rows += row is not None and row < 3
            strict += alone is not None and alone < 3
            agree.append(int((found.group == 0).sum()))
        middle = sorted(agree)[len(agree) // 2]
        print(f"| {name} | {count} | {rows} | {strict} | {middle} |")
        total = [a + b for a, b in zip(total, (count, rows, strict), strict=True)]
    shares = [f"{part} ({part / total[0]:.1%})" for part in total[1:]]
    print(f"| all | {total[0]} | {shares[0]} | {shares[1]} | |")


if __name__ == "__main__":
    main()
