"""What is wrong with a figure: text or marks outside the canvas, and texts that touch."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from metaresp.plots.settings import plain_settings

# Letters are drawn on a grid of pixels: a box may be larger by that much than what was measured.
PIXELS = 0.75


def boxes(plot, dpi, settings=plain_settings):
    """Return (names, boxes): each text and mark of *plot* with its box in pixels, and the canvas."""
    figure = plot.figure
    before = figure.dpi
    figure.dpi = dpi
    with settings():
        renderer = FigureCanvasAgg(figure).get_renderer()
        plot.axes.get_tightbbox(renderer)  # puts the ticks in their places
        ticks = [label for label in plot.axes.get_xticklabels() if label.get_visible()]
        texts = [text for text in (*figure.texts, *plot.axes.texts, *ticks) if text.get_text()]
        found = [(repr(text.get_text()), text.get_window_extent(renderer).extents) for text in texts]
        drawn = [
            (f"{name} of row {row}", artist.get_window_extent(renderer).extents)
            for row, artists in enumerate(plot.marks)
            for name, artist in artists.items()
        ]
        drawn += [
            (f"sample {number} of the legend", sample.get_window_extent(renderer).extents)
            for number, (sample, _) in enumerate(plot.legend)
            if sample is not None and plot.table.legend[number].kind != "risk"
        ]
        size = figure.bbox.extents
    figure.dpi = before
    return found, drawn, size


def touching(first, second):
    """Return the pairs of boxes that overlap by more than the tolerance in both directions."""
    a, b = (np.array([box for _, box in group]).reshape(-1, 4) for group in (first, second))
    wide = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    tall = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    return np.argwhere((wide > PIXELS) & (tall > PIXELS))


def faults(plot, dpi=None, settings=plain_settings):
    """Return every fault in words; an empty list is a good figure."""
    texts, marks, size = boxes(plot, (plot.dpi or 200) if dpi is None else dpi, settings)
    wrong = [
        f"{name} at {np.round(box, 1)} leaves the canvas {size}"
        for name, box in (*texts, *marks)
        if box[0] < size[0] - PIXELS
        or box[1] < size[1] - PIXELS
        or box[2] > size[2] + PIXELS
        or box[3] > size[3] + PIXELS
    ]
    wrong += [f"{texts[i][0]} touches {texts[j][0]}" for i, j in touching(texts, texts) if i < j]
    wrong += [f"{texts[i][0]} touches the {marks[j][0]}" for i, j in touching(texts, marks)]
    return wrong
