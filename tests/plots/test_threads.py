"""Drawing by several threads: the same bytes, whole files, and the user's settings as they were."""

import logging
import random
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import matplotlib
import pytest

import metaresp as mr

THREADS, FIGURES = 8, 40


def settings():
    """Return what belongs to the whole process: matplotlib's settings, warnings, a logger's level."""
    return (
        repr(sorted(dict.items(matplotlib.rcParams), key=str)),
        list(warnings.filters),
        logging.getLogger("matplotlib.font_manager").level,
    )


@pytest.fixture(scope="module")
def fit():
    return mr.pool(mr.datasets.load("pritz1997"))


def pictures(fit):
    """Return everything that draws, by name, each a function of a path."""
    return {
        "forest.png": fit.forest,
        "forest.svg": fit.forest,
        "forest.pdf": lambda path: fit.forest(path, title="中 € ﷽", style="dark"),
        "studies.svg": fit.studies.forest,
        "forest.tiff": lambda path: fit.forest(path, page="A5", dpi=40),
        "funnel.svg": mr.funnel(fit).plot,
        "baujat.svg": mr.baujat(fit).plot,
        "drapery.svg": mr.drapery(fit).plot,
        "coverage.svg": mr.coverage(12, ["wald", "wilson"]).plot,
        "methods.svg": mr.compare_methods(13, 18).plot,
    }


def test_threads_draw_the_same_and_leave_settings_alone(fit, tmp_path):
    draw = pictures(fit)
    known = {}
    for name, picture in draw.items():
        picture(tmp_path / name)
        known[name] = (tmp_path / name).read_bytes()
    order = [*draw] * (FIGURES // len(draw))
    random.Random(1).shuffle(order)
    shared = tmp_path / "shared.svg"
    svgs = [known[name] for name in known if name.endswith(".svg")]
    with matplotlib.rc_context({"font.size": 31, "svg.fonttype": "path", "lines.linewidth": 9}):
        before = settings()
        broken, done = [], threading.Event()

        def read():
            while not done.wait(0.002):
                if shared.exists() and shared.read_bytes() not in svgs:
                    broken.append("a file read while it was written")

        def work(number):
            name = order[number]
            own = tmp_path / f"{number}-{name}"
            draw[name](own)
            if name.endswith(".svg"):
                draw[name](shared)
            return own.read_bytes() == known[name]

        reader = threading.Thread(target=read)
        reader.start()
        with ThreadPoolExecutor(THREADS) as threads:
            same = list(threads.map(work, range(len(order))))
        done.set()
        reader.join()
        assert settings() == before
    assert all(same), [order[i] for i, equal in enumerate(same) if not equal]
    assert not broken
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("name", ["forest.png", "funnel.svg", "coverage.svg", "methods.svg", "forest.pdf"])
def test_every_picture_leaves_settings_alone(fit, tmp_path, name):
    with matplotlib.rc_context({"font.size": 31, "text.usetex": False, "axes.grid": True}):
        before = settings()
        pictures(fit)[name](tmp_path / name)
        assert settings() == before


def test_settings_come_back_after_an_error(fit, tmp_path, monkeypatch):
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda *_, **__: 1 / 0)
    before = settings()
    with pytest.raises(ZeroDivisionError):
        fit.forest(tmp_path / "a.png")
    assert settings() == before
    assert not list(tmp_path.iterdir())
