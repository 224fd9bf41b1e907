"""What a user waits for, as ratios of one run: one fit, one PDF, one command.

Run: ``python -m tests.benchmarks.bench_light``.  Seconds are printed for orientation; only the ratios mean
anything across machines.
"""

import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from statsmodels.stats.meta_analysis import combine_effects

import metaresp as mr
from metaresp.plots import embedded
from metaresp.plots.output import rendered
from metaresp.plots.settings import plain_settings
from metaresp.transforms import TRANSFORMS, study_effects

DATA = mr.datasets.load("pritz1997")  # 14 studies
MODELS = ("inverse-variance", "common", "beta-binomial", "binomial-normal")
BARE = "import numpy, scipy.special, matplotlib.figure, matplotlib.backends.backend_agg"
# Python's own cache of compiled modules, whatever the settings of the shell.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def seconds(work, number=1, repeats=7):
    """Return the least CPU time of *work*, per call."""
    work()
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(number):
            work()
        best = min(best, (time.process_time() - start) / number)
    return best


def process(arguments, repeats=5):
    """Return the least wall-clock time of a whole process."""
    best = np.inf
    for _ in range(repeats + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=ENVIRONMENT)
        best = min(best, time.perf_counter() - start)
    return best


def fits():
    """Print what pool costs beside statsmodels, and beyond the batched call that holds the numerics."""
    y, v, _ = study_effects(TRANSFORMS["logit"], DATA.events, DATA.n, np.ones(14), "only-zero", 0.5)
    ours = seconds(lambda: mr.pool(DATA, model="inverse-variance", tau2="REML", ci="hartung-knapp"), 100)
    theirs = seconds(lambda: combine_effects(y, v, method_re="iterated"), 100)
    table = seconds(lambda: combine_effects(y, v, method_re="iterated").summary_frame(), 50)
    print(f"inverse variance, REML, Hartung-Knapp: {1e3 * ours:.2f} ms, {ours / table:.2f} of statsmodels' "
          f"combine_effects with its table, {ours / theirs:.1f} of that without")  # fmt: skip
    for model in MODELS:
        number = 5 if "binomial" in model else 50
        whole = seconds(lambda m=model: mr.pool(DATA, model=m), number)
        lane = seconds(lambda m=model: mr.pool_batch(DATA.events, DATA.n, model=m), number)

        def everything(model=model):
            fit = mr.pool(DATA, model=model)
            return fit.weights, fit.study_ci, fit.heterogeneity.I2_ci

        asked = seconds(everything, number)
        print(f"  {model}: pool {1e3 * whole:.2f} ms, {whole / lane:.2f} of its batched lane; "
              f"{asked / whole:.2f} of it with weights, study intervals and the interval of I2")  # fmt: skip


def files():
    """Print what a PDF costs with fonts kept, made anew, and as matplotlib alone embeds them."""
    figure = mr.pool(DATA, model="inverse-variance").forest().figure

    def anew():
        embedded._KEPT.clear()
        rendered([figure], "pdf")

    def plain():
        with plain_settings():
            figure.savefig(io.BytesIO(), format="pdf")

    kept, new, theirs = (seconds(work) for work in (lambda: rendered([figure], "pdf"), anew, plain))
    svg = seconds(lambda: rendered([figure], "svg"))
    print(f"PDF: fonts kept {1e3 * kept:.0f} ms, {kept / theirs:.2f} of matplotlib's own; made anew "
          f"{new / theirs:.2f}; {kept / svg:.1f} of an SVG")  # fmt: skip


def commands():
    """Print what a whole process takes beside one that imports what it cannot do without."""
    bare = process(["-c", BARE])
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder) / "forest.pdf")
        drawn = process(["-m", "metaresp", "forest", str(mr.datasets.path("pritz1997")), "-o", target])
    one = process(["-m", "metaresp", "ci", "13/18"])
    least = process(["-c", "import numpy, scipy.special"])
    print(f"metaresp forest: {drawn:.2f} s, {drawn / bare:.2f} of an import of numpy, scipy.special and "
          f"matplotlib; metaresp ci: {one / least:.2f} of one of numpy and scipy.special")  # fmt: skip


def main():
    """Print the ratios."""
    fits()
    files()
    commands()


if __name__ == "__main__":
    main()
