"""The R script (metafor, and meta where it has a counterpart) for the same analysis."""

from typing import TYPE_CHECKING

from metaresp.errors import InvalidArgument, option
from metaresp.model.registry import model_of
from metaresp.present.r_text import numbers, strings

if TYPE_CHECKING:
    from metaresp.model.spec import Spec
    from metaresp.studies import Studies


def r_script(studies: "Studies", spec: "Spec") -> str:
    """Return an R script that repeats an analysis with metafor, and with meta where it can.

    Parameters
    ----------
    studies : Studies
        The counts; labels are quoted, so that no label can end a string.
    spec : Spec
        The resolved options.

    Returns
    -------
    str
        R code; where R has no counterpart of an option a comment says so and what is done instead.

    Raises
    ------
    InvalidArgument
        If the model has no counterpart in R.

    Examples
    --------
    >>> from types import SimpleNamespace as Box
    >>> trials = Box(study=["A", "B"], events=[3, 5], n=[10, 12])
    >>> spec = Box(model="common", cluster=None, level=0.95, ci="clopper-pearson")
    >>> print(r_script(trials, spec).splitlines()[-1])
    binom.test(sum(d$events), sum(d$n), conf.level = 0.95)
    """
    lines = model_of(spec).r_script(spec)
    if lines is None:
        raise InvalidArgument(f"{option('model', spec.model)} has no counterpart in R: to_r() has no script")
    nested = [] if spec.cluster is None else _clusters(studies, spec.cluster)
    return "\n".join(["# The same analysis in R, written by metaresp.", *_data(studies), *nested, *lines, ""])


def _clusters(studies: "Studies", cluster: str) -> list[str]:
    labels = strings(str(value) for value in studies.column(cluster))
    return [
        f"d$cluster <- {labels}",
        "d$row <- factor(seq_len(nrow(d)))",
        "clusters <- length(unique(d$cluster))",
        "",
    ]


def _data(studies: "Studies") -> list[str]:
    return [
        "d <- data.frame(",
        f"  study = {strings(studies.study)},",
        f"  events = {numbers(studies.events)},",
        f"  n = {numbers(studies.n)},",
        "  stringsAsFactors = FALSE",
        ")",
        "",
    ]
