"""Time of a forest plot of 50 studies to PDF, against an empty figure with as many texts."""

import io
import time

import numpy as np
import pytest
from matplotlib.figure import Figure

import metaresp as mr
from metaresp.plots.output import rendered
from metaresp.plots.settings import plain_settings

MOST = 5.0
REPEATS = 7


def best(function):
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def fifty():
    random = np.random.default_rng(1)
    n = random.integers(10, 90, 50)
    return mr.pool(
        mr.Studies(random.binomial(n, 0.4), n, [f"Trial number {i} and others" for i in range(50)])
    )


@pytest.mark.benchmark
def test_fifty_studies_to_pdf():
    fit = fifty()
    plot = fit.forest()
    words = [text.get_text() for lines in plot.texts.values() for text in lines]

    def empty():
        with plain_settings():
            figure = Figure(figsize=plot.figure.get_size_inches())
            for i, text in enumerate(words):
                figure.text(0.1, i / len(words), text, fontsize=9, fontfamily="Liberation Sans")
            figure.savefig(io.BytesIO(), format="pdf")

    def ours():
        rendered([fit.forest().figure], "pdf")

    ratio = best(ours) / best(empty)
    print(f"forest plot of 50 studies / empty figure with {len(words)} texts: {ratio:.2f}")
    assert ratio <= MOST
