"""The shipped reference data and numbers, for tests."""

import csv
import json
from functools import cache
from pathlib import Path

import numpy as np

REFERENCE = Path(__file__).parent / "reference"
NAMES = sorted(path.stem for path in (REFERENCE / "data").glob("*.csv"))


@cache
def counts(name):
    with open(REFERENCE / "data" / f"{name}.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return np.array([int(r["events"]) for r in rows]), np.array([int(r["n"]) for r in rows])


@cache
def reference(name):
    return json.loads((REFERENCE / "out" / f"{name}.json").read_text(encoding="utf-8"))
