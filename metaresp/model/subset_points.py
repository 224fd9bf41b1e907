"""Estimates of a great many subsets of the same studies, without intervals."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from metaresp.arrays import FloatArray, IntArray, chunked, silent
from metaresp.counts import clean
from metaresp.model.batch import estimate, parts_of
from metaresp.model.registry import model_of
from metaresp.model.spec import nested_only, resolve

_CHUNK = 1 << 16  # counts fitted at once: what a cache holds
_TABULATED = 500  # subsets from which on a table of each study's likelihood pays


class Points(NamedTuple):
    """Estimates of subsets without intervals, shape (subsets,); :class:`metaresp.Batch` says what is what."""

    k: FloatArray
    estimate: FloatArray
    rate: FloatArray
    tau2: FloatArray
    I2: FloatArray
    rho: FloatArray
    reason: IntArray


@silent
def subset_points(
    events: IntArray, n: IntArray, copies: Callable[[slice], IntArray], subsets: int, **options: Any
) -> Points:
    """Return the estimates that :func:`pool_batch` gives for many subsets of the same studies.

    Parameters
    ----------
    events, n : int array, shape (k,)
    copies : callable
        Gives the copies of the studies in some of the subsets, shape (lanes, k).
    subsets : int
    **options
        As for :func:`pool_batch`, the model and its form for nested studies among them.
    """
    cluster = options.pop("cluster", None)
    nested: dict[str, Any] = {} if cluster is None else {"cluster": "cluster"}
    spec = resolve(**options, **nested)
    # an interval that only nested studies have also says that there is no other model for any subset
    kept = {"ci": spec.ci} if options.get("ci") in nested_only() else {}
    options |= model_of(spec).without_intervals(spec) | kept
    spec = resolve(**options, **nested)
    whole = model_of(spec)(clean(events, n, None)[0], spec)
    table = whole.tabulated() if subsets >= _TABULATED else None
    k, estimated, rate, tau2, i2, rho = np.full((6, subsets), np.nan)
    out = Points(k, estimated, rate, tau2, i2, rho, np.zeros(subsets, dtype=np.int64))
    for part in chunked(subsets, events.size, _CHUNK):
        lanes, _ = clean(events, n, copies(part))
        for rows, model in parts_of(lanes, spec, options, cluster):
            model.table, model.bare = table, True
            found = estimate(model)
            for name, values in zip(out._fields, out, strict=True):
                values[part][rows] = getattr(found, name)
    return out
