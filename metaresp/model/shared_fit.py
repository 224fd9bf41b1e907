"""Several intervals of one fit: specifications that differ in nothing else share it."""

from collections.abc import Sequence

from metaresp.counts import Counts
from metaresp.model.base import Model
from metaresp.model.batch import estimate
from metaresp.model.estimates import Estimates
from metaresp.model.registry import model_of
from metaresp.model.spec import Spec

_FITTED = ("data", "fit", "beta")


def estimates_of(counts: Counts, specs: Sequence[Spec]) -> list[Estimates]:
    """Return the estimates of the same lanes by each specification, each likelihood being climbed once.

    Examples
    --------
    >>> from metaresp.counts import clean
    >>> from metaresp.model.spec import resolve
    >>> lanes, _ = clean([13, 4, 9], [18, 7, 15], None)
    >>> found = estimates_of(lanes, [resolve(ci=ci, prediction=None) for ci in ("normal", "t")])
    >>> [one.low.round(3).item() for one in found]
    [0.492, 0.308]
    """
    fitted: dict[tuple[str, ...], Model] = {}
    found = []
    for spec in specs:
        model = model_of(spec)(counts, spec)
        first = fitted.setdefault((spec.model, str(spec.link), str(spec.effects)), model)
        vars(model).update({name: vars(first)[name] for name in _FITTED if name in vars(first)})
        found.append(estimate(model))
    return found
