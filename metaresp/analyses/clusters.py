"""The options with which a batch fits parts of the studies of a fit as that was made."""

from typing import Any

from metaresp.model.registry import model_of
from metaresp.model.spec import DEFAULT
from metaresp.result import Fit


def batch_options(fit: Fit) -> dict[str, Any]:
    """Return the options of :func:`metaresp.pool_batch`, the cluster of each study among them.

    Where studies are nested, defaults are left out: parts with nothing to nest have those of the ordinary
    model.
    """
    spec = fit.spec
    options = {name: value for name, value in spec.options().items() if name != "study_ci"}
    if spec.cluster is None:
        return options
    choices = model_of(spec).choices
    given = {n: v for n, v in options.items() if v != next(iter(choices.get(n, ())), DEFAULT)}
    return given | {"model": spec.model, "cluster": fit.studies.cluster_codes(spec.cluster)}
