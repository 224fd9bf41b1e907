"""One mean for several groups of studies in clusters: how far the likelihood falls from a mean for each."""

import numpy as np

from metaresp.kernel.counts.links import LINKS
from metaresp.kernel.nested.counts import fit_nested_binomial, free_of
from metaresp.kernel.nested.nodes import Nested
from metaresp.kernel.nested.profile import curvature, of_mu, ridge

_PLACES = 9  # of a common mean, to begin with
_STEPS, _LONGEST, _CLOSE = 60, 1.0, 1e-10


def mean_gain(data: Nested) -> float:
    """Return twice the gain in log-likelihood of a mean for each lane over one mean for all of them.

    Both variances are each lane's own, under both hypotheses; a lane without an event, or with nothing else,
    tells nothing of them and has none: its likelihood is highest at a mean beyond all bounds.

    Parameters
    ----------
    data : Nested
        One lane a group.
    """
    fit = fit_nested_binomial(data)
    known = np.isfinite(fit.mu)
    top = float(np.where(known, fit.best.value, 0.0).sum())
    free = free_of(data) & (known[:, None] | np.array([True, False, False]))
    profile, lanes = of_mu(data, free), np.arange(known.size)
    events, total = (float((data.copies * field).sum()) for field in (data.x, data.n))
    if not 0 < events < total:
        return 0.0
    pooled = LINKS[data.link].forward(np.array([events / total]))
    ends = np.concatenate([pooled, fit.mu[known]])
    places = np.append(np.linspace(ends.min(), ends.max(), _PLACES), pooled)
    taus = np.where(known[:, None], fit.at[:, 1:], 0.0)
    start = np.column_stack([np.repeat(places, lanes.size), np.tile(taus, (places.size, 1))])
    rows = np.tile(lanes, places.size)
    height = ridge(profile, rows, start, np.full(rows.size, np.inf)).points.value
    height = height.reshape(-1, lanes.size).sum(axis=-1)
    best, mu, step = -np.inf, float(places[height.argmax()]), 0.0
    for _ in range(_STEPS):
        start = np.column_stack([np.full(lanes.size, mu + step), taus])
        tops = ridge(profile, lanes, start, np.full(lanes.size, np.inf))
        value = float(tops.points.value.sum())
        if value < best:
            step *= 0.25
            continue
        best, mu, taus = value, mu + step, tops.at[:, 1:]
        slope = float(tops.points.gradient[:, 0].sum())
        step = slope / max(float(curvature(profile, lanes, tops).sum()), 1e-9)
        if abs(step * slope) < _CLOSE:
            break
        step = min(max(step, -_LONGEST), _LONGEST)
    return max(0.0, 2 * (top - best))
