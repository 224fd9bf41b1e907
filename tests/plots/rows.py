"""Tables of rows made for the drawing tests, with no statistics behind them."""

import numpy as np

from metaresp.present.forest_table import Column, ForestRow, ForestTable

COLUMNS = (
    Column("study", "Study"),
    Column("events", "Events/n", align="/"),
    Column("rate", "Rate (95% CI)", "right", "("),
    Column("weight", "Weight", "right", "right"),
)


def percents(rate, low, high):
    return f"{rate:.1%} ({low:.1%} to {high:.1%})"


def table(labels, *, seed=1, pooled=True, columns=COLUMNS, **more):
    """Return a table with one study a label, made-up intervals, and perhaps a pooled rate."""
    random = np.random.default_rng(seed)
    rows = []
    for label in labels:
        low, rate, high = np.sort(random.choice([0.0, 1.0, *random.uniform(size=4)], 3))
        n = int(random.integers(1, 10 ** random.integers(1, 7)))
        weight = float(random.uniform(0.01, 60))
        cells = {"events": f"{n // 2}/{n}", "rate": percents(rate, low, high), "weight": f"{weight:.1f}%"}
        rows.append(ForestRow("study", label, float(rate), float(low), float(high), weight, cells))
    if pooled:
        cells = {"events": "123456/987654", "rate": percents(0.5, 0.25, 1.0), "weight": "100.0%"}
        rows.append(ForestRow("pooled", "Random effects", 0.5, 0.25, 1.0, 100.0, cells))
        cells = {"rate": "(0.1% to 99.96%)"}
        rows.append(ForestRow("prediction", "95% prediction interval", low=0.001, high=0.9996, cells=cells))
        more.setdefault("reference", 0.5)
    return ForestTable(columns, tuple(rows), **more)
