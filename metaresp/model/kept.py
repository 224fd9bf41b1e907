"""The model behind a result, kept so that later questions cost no further fit.

A result that was made from JSON, a copy or a pickle has none: it is fitted again when it is first asked.
"""

import weakref
from typing import Any

import numpy as np

from metaresp.arrays import IntArray
from metaresp.counts import Counts, clean, grouped
from metaresp.model.base import Model
from metaresp.model.registry import model_of
from metaresp.model.spec import Spec
from metaresp.records import Record
from metaresp.studies import Studies


def model_for(studies: Studies, spec: Spec) -> Model:
    """Return the model of one set of studies, each by itself."""
    return model_of(spec)(clean(studies.events, studies.n, None)[0], spec, clusters_of(studies, spec))


def clusters_of(studies: Studies, spec: Spec) -> IntArray | None:
    """Return the number of each study's cluster, or None where none are named."""
    return None if spec.cluster is None else studies.cluster_codes(spec.cluster)


def lane_of(lanes: Counts, spec: Spec) -> tuple[Counts, IntArray]:
    """Return the one lane as it is estimated, equal studies as one, and the place of each study in it.

    What draws data sets study by study, or knows which study is of which cluster, takes each by itself.
    """
    if not model_of(spec).grouped or "bootstrap" in {spec.ci, spec.prediction}:
        return lanes, np.arange(lanes.x.shape[1])
    return grouped(lanes)


_KEPT: dict[int, Any] = {}


def keep(result: Record, model: Any) -> None:
    """Keep the model of a result for as long as the result lives."""
    _KEPT[id(result)] = model
    weakref.finalize(result, _KEPT.pop, id(result), None)


def recalled(result: Record) -> Any:
    """Return what was kept for a result, or None."""
    return _KEPT.get(id(result))


def kept(result: Record, studies: Studies, spec: Spec) -> Model:
    """Return the model of a result of these studies, fitted again where it was not kept."""
    model: Model | None = recalled(result)
    if model is None:
        lane = lane_of(clean(studies.events, studies.n, None)[0], spec)[0]
        model = model_of(spec)(lane, spec, clusters_of(studies, spec))
        keep(result, model)
    return model
