"""Many inverse-variance analyses of the same lanes: effects once a scale, tau2 once an estimator."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray
from metaresp.counts import Counts
from metaresp.kernel.effects.cochran import heterogeneity
from metaresp.kernel.effects.mean import MEAN_CI
from metaresp.kernel.effects.sums import study_weights
from metaresp.kernel.effects.tau2 import TAU2
from metaresp.transforms import LEAVE_OUT, TRANSFORMS, back_size, study_effects


class EffectScale(NamedTuple):
    """A scale of effects, with the rule of its correction and the size of its back-transform."""

    transform: str
    correct: str | None
    back_n: str | None = None


class EffectGrid(NamedTuple):
    """What every combination says of every lane.

    ``rate``, ``low`` and ``high``, and the limits before they are clipped to [0, 1], have the shape
    (scales, estimators, intervals, lanes); ``tau2``, ``I2`` and ``I2_Q`` (scales, estimators, lanes);
    ``Q`` (scales, lanes); ``v`` and ``copies`` (scales, lanes, k).
    """

    rate: FloatArray
    low: FloatArray
    high: FloatArray
    low_beyond: FloatArray
    high_beyond: FloatArray
    tau2: FloatArray
    I2: FloatArray
    I2_Q: FloatArray
    Q: FloatArray
    v: FloatArray
    copies: FloatArray

    def weights(self, scale: IntArray, estimator: IntArray, lane: IntArray) -> FloatArray:
        """Return the percentages of the studies of some combinations, shape (combinations, k)."""
        at = (scale, lane)
        return study_weights(self.v[at], self.copies[at], self.tau2[scale, estimator, lane])


def effect_grid(
    counts: Counts,
    scales: Sequence[EffectScale],
    tau2: Sequence[str | float | FloatArray],
    ci: Sequence[str],
    tail: float,
    correction: float = 0.5,
) -> EffectGrid:
    """Return all combinations of scales, estimators of tau2 (or values) and intervals of the mean.

    Lanes that an estimator has no value for are NaN.

    Examples
    --------
    >>> from metaresp.counts import clean
    >>> lanes, _ = clean([13, 4, 9], [18, 7, 15], None)
    >>> grid = effect_grid(lanes, [EffectScale("logit", "only-zero")], ["DL", "REML"], ["normal"], 0.025)
    >>> grid.rate.shape, float(grid.rate[0, 0, 0, 0].round(4))
    ((1, 2, 1, 1), 0.6469)
    """
    at_edge = (counts.x == 0) | (counts.x == counts.n)
    effects: dict[tuple[str, str | None], tuple[FloatArray, FloatArray, FloatArray]] = {}
    for scale in scales:
        if scale[:2] not in effects:
            lanes = counts.without(at_edge) if scale.correct == LEAVE_OUT else counts
            rule, transform = scale.correct or "none", TRANSFORMS[scale.transform]
            made = study_effects(transform, lanes.x, lanes.n, lanes.copies, rule, correction)
            effects[scale[:2]] = (made[0], made[1], lanes.copies)
    y, v, copies = (
        np.stack([np.broadcast_to(effects[s[:2]][i], counts.x.shape) for s in scales]) for i in range(3)
    )
    found, means = [], []
    for name in tau2:
        value = (
            TAU2[name](y, v, copies).value if isinstance(name, str) else np.broadcast_to(name, y.shape[:-1])
        )
        means.append([MEAN_CI[kind](y, v, copies, value, tail, None, None) for kind in ci])
        found.append((value, heterogeneity(y, v, copies, value, tail)))
    between = np.stack([value for value, _ in found], axis=1)
    ends = np.stack([[(m.estimate, m.low, m.high) for m in row] for row in means])
    ends = ends.transpose(2, 3, 0, 1, 4)  # rate and limits, scales, estimators, intervals, lanes
    rates, beyond = np.empty(ends.shape), ends.copy()
    for i, scale in enumerate(scales):
        transform = TRANSFORMS[scale.transform]
        size = None
        if scale.transform == "freeman-tukey":
            kind = scale.back_n or "harmonic"
            size = back_size(counts.n, copies[i], kind, v[i], between[i])[..., None, :]
            size = np.broadcast_to(size, ends.shape[2:])
        rates[:, i] = transform.inverse(np.clip(ends[:, i], *transform.limits), size)
        if scale.transform == "log":
            beyond[:, i] = np.exp(np.minimum(ends[:, i], 700.0))
        elif scale.transform != "identity":
            beyond[:, i] = rates[:, i]
    i2, i2_q = (np.stack([getattr(h, name) for _, h in found], axis=1) for name in ("I2", "I2_Q"))
    (rate, low, high), (_, below, above) = rates, beyond
    return EffectGrid(rate, low, high, below, above, between, i2, i2_q, found[0][1].Q, v, copies)
