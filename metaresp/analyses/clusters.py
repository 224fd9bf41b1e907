"""What analyses are given, checked, and parts of the studies of a fit, fitted as that was made."""

from typing import Any

from metaresp.arrays import IntArray
from metaresp.errors import InvalidArgument, UnknownName, option
from metaresp.model import Batch, pool_batch
from metaresp.model.registry import model_of
from metaresp.model.spec import DEFAULT
from metaresp.pooling import pool
from metaresp.result import Fit
from metaresp.studies import Studies
from metaresp.studies.parts import Value, choices


def check_fit(fit: Any) -> None:
    """Refuse what is no result of pool, and say how Studies become one."""
    if isinstance(fit, Fit):
        return
    first = "; mr.pool(studies) makes one" if isinstance(fit, Studies) else ""
    raise InvalidArgument(f"{option('fit', fit)}: must be a result of mr.pool{first}")


def fit_of(data: Any, options: dict[str, Any]) -> Fit:
    """Return a fit as it is, and studies pooled by *options*, which have no place beside a fit."""
    if not isinstance(data, Fit):
        return pool(data, **options)
    for name in options:
        raise InvalidArgument(f"{option(name)}: leave it out when a fit is given")
    return data


def column_by(studies: Studies, by: Any) -> tuple[Value, ...]:
    """Return the column that the argument *by* names."""
    if not isinstance(by, str):
        raise InvalidArgument(f"{option('by', by)}: must be the name of a column of the studies")
    if by not in studies.names:
        raise UnknownName(f"{option('by', by)} is no column of the studies{choices(by, studies.names)}")
    return studies.column(by)


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


def refitted(fit: Fit, copies: IntArray, *, prediction: bool = False, limits: bool = True) -> Batch:
    """Return the fits of the studies with these *copies*, each as *fit* was made, in one batch.

    Parameters
    ----------
    fit : Fit
    copies : int array, shape (lanes, k)
    prediction : bool
        Whether with the interval of a new trial, which takes as long as all else.
    limits : bool
        Whether the limits of the rate are looked at; if not, no bootstrap is made for them.

    Raises
    ------
    InvalidArgument
        If the fit has no interval of a new trial, and it is asked for.
    """
    options = batch_options(fit)
    if fit.spec.prediction is None and prediction:
        raise InvalidArgument(f"{option('prediction', True)}: the fit has no interval of a new trial")
    if fit.spec.prediction is not None and not prediction:
        options["prediction"] = None
    if fit.spec.ci == "bootstrap" and not limits:
        options["ci"] = "normal"  # of the same standard error
    return pool_batch(fit.studies.events, fit.studies.n, copies, **options)
