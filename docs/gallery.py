"""Draw the gallery from the shipped data: docs/gallery.md and small pictures in docs/images."""

from pathlib import Path

from PIL import Image

import metaresp as mr

HERE = Path(__file__).resolve().parent
IMAGES = HERE / "images"
DPI = 110

# Title, data set, options of fit.forest.
FORESTS = [
    ("Without any argument", "pritz1997", {}),
    ("Covariates as columns, sorted by year", "debruin2009", {"left": ["year", "scq"], "sort": "year"}),
    ("Subgroups", "debruin2009", {"by": "ethnicity"}),
    (
        "A benchmark, a shaded zone, a density",
        "hannum2020",
        {
            "benchmark": {"Benchmark 50%": 0.5},
            "zones": {"Not of interest": (0, 0.3)},
            "prediction": "density",
            "sort": "rate",
        },
    ),
    ("Events and patients in two columns", "debruin2009", {"counts": "split", "sort": "rate"}),
    ("Rare events, by year, per 100,000", "crisafulli2020", {"scale": "per 100000", "sort": "year"}),
    ("A logit axis that has room for 100%", "pritz1997", {"spacing": "logit"}),
    *(
        (f"Style {name}", "pritz1997", {"style": name})
        for name in ("jama", "bmj", "lancet", "revman", "minimal", "dark")
    ),
]

# Title, name of the file, and what draws it.
OTHERS = [
    ("Every defensible model: the choice decides", "compare", "mr.compare(sparse).forest()"),
    ("Without each study", "leave-one-out", "mr.leave_one_out(fit).forest()"),
    ("As the studies came", "cumulative", 'mr.cumulative(adherence, by="year").forest()'),
    ("What each study does to the fit", "influence", "mr.influence(fit).plot()"),
    ("Reports that may share patients", "overlap", 'mr.overlap(reports, "centre").forest()'),
    ("Patients without a response", "missing", "mr.missing_responses(reports).forest()"),
    ("Categories of response", "categories", "categories.plot()"),
    ("From a strict to a lenient definition of response", "definitions", "categories.forest()"),
    ("Intervals of one trial", "methods", "mr.compare_methods(13, 18).plot()"),
    ("Funnel by sample size", "funnel-n", "mr.funnel(fit).plot()"),
    ("Funnel by standard error", "funnel-se", 'mr.funnel(fit, size="se").plot()'),
    ("Baujat plot", "baujat", "mr.baujat(fit).plot()"),
    ("Drapery plot", "drapery", "mr.drapery(fit).plot()"),
]
# What they are drawn from, beside the data of the package: made-up counts.
SETUP = """\
import metaresp as mr

fit = mr.pool(mr.datasets.load("pritz1997"))
adherence = mr.pool(mr.datasets.load("debruin2009"))
sparse = mr.Studies([0, 0, 0, 0, 1, 0, 2], [12, 18, 9, 25, 14, 31, 7])
reports = mr.Studies(
    [5, 9, 3, 7, 2],
    [10, 20, 8, 15, 9],
    ["A 2012", "A 2014", "B 2013", "C 2011", "C 2015"],
    {"centre": ["A", "A", "B", "C", "C"]},
    enrolled=[12, 20, 9, 18, 10],
)
categories = mr.pool_categories(
    {"study": ["A", "B", "C"], "CR": [3, 1, 0], "PR": [7, 5, 9], "SD": [1, 4, 6], "PD": [2, 2, 8]},
    categories=["CR", "PR", "SD", "PD"],
)"""


def smaller(path: Path) -> None:
    """Write the picture again with a palette: a third of the size, and nothing to see of it."""
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(
            96, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        )
    small.save(path, optimize=True)


def main() -> None:
    """Write the pictures and the page."""
    page = ["# Gallery", "", "Made by `docs/gallery.py` from the data that come with the package.", ""]
    for number, (title, name, options) in enumerate(FORESTS, start=1):
        file = IMAGES / f"gallery-{number:02d}.png"
        plot = mr.pool(mr.datasets.load(name)).forest(title=title, **options)
        plot.save(file, dpi=DPI)
        smaller(file)
        words = "".join(f", {key}={value!r}" for key, value in options.items()).removeprefix(", ")
        code = f'mr.pool(mr.datasets.load("{name}")).forest({words})'
        page += [f"## {title}", "", f"![{plot.alt}](images/{file.name})", "", "```python", code, "```", ""]
    names: dict[str, object] = {}
    exec(SETUP, names)  # the very lines that the page shows
    page += ["## Around a fit", "", "```python", SETUP, "```", ""]
    for title, stem, code in OTHERS:
        picture = eval(code, names)
        smaller(picture.save(IMAGES / f"gallery-{stem}.png", dpi=DPI))
        page += [f"### {title}", "", f"![{picture.alt}](images/gallery-{stem}.png)", ""]
        page += ["```python", code, "```", ""]
    (HERE / "gallery.md").write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
