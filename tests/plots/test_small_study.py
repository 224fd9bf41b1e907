"""Pictures of small-study effects show the numbers, and their labels do not touch."""

import numpy as np
import pytest

import metaresp as mr
from metaresp.analyses.small_study import METHODS
from tests.analyses.test_small_study import DATA


@pytest.mark.parametrize("width", ["85mm", "170mm"])
@pytest.mark.parametrize("data", ["ordinary", "zeros", "huge", "three"])
def test_pictures_show_the_numbers(data, width, tmp_path):
    fit = mr.pool(events=DATA[data][0], n=DATA[data][1], outcome="complete remission after one year")
    for method in METHODS:
        found = mr.small_study_effects(fit, method=method)
        picture = found.plot(tmp_path / f"{method}.png", width=width)
        figure, axes = picture.figure, picture.axes
        figure.draw_without_rendering()
        studies = next(item for item in axes.get_lines() if item.get_label() == "Study")
        np.testing.assert_array_equal(studies.get_xydata()[:, 0], fit.studies.events / fit.studies.n)
        np.testing.assert_array_equal(studies.get_xydata()[:, 1], found.x)
        boxes = [tick.get_window_extent() for tick in axes.get_yticklabels() if tick.get_text()]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])
        assert ("Infinitely large trial, with its interval" in labels(axes)) == (found.line_x.size > 0)
    filled = mr.trim_and_fill(fit)
    axes = filled.plot(width=width).axes
    assert ("Filled in" in labels(axes)) == (filled.k0 > 0)


def labels(axes):
    return {item.get_label() for item in axes.get_lines()}
