"""Draw the gallery from the shipped data: docs/gallery.md and small pictures in docs/images."""

from pathlib import Path

from PIL import Image

import metaresp as mr
from metaresp.analyses.baujat import baujat
from metaresp.analyses.funnel import drapery, funnel
from metaresp.plots.scatter import draw_baujat, draw_drapery, draw_funnel

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
    fit = mr.pool(mr.datasets.load("pritz1997"))
    others = {
        "Funnel by sample size": ("funnel-n", draw_funnel(funnel(fit))),
        "Funnel by standard error": ("funnel-se", draw_funnel(funnel(fit, size="se"))),
        "Baujat plot": ("baujat", draw_baujat(baujat(fit))),
        "Drapery plot": ("drapery", draw_drapery(drapery(fit))),
    }
    for title, (stem, picture) in others.items():
        smaller(picture.save(IMAGES / f"gallery-{stem}.png", dpi=DPI))
        page += [f"## {title}", "", f"![{picture.alt}](images/gallery-{stem}.png)", ""]
    (HERE / "gallery.md").write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
