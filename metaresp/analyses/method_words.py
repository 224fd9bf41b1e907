"""A method of other programs in words, as a call of Python, and as a call of R."""

from collections.abc import Sequence

from metaresp.analyses.candidates import SAME_WEIGHT, Candidate
from metaresp.model.programs import PROGRAMS
from metaresp.model.registry import model_of
from metaresp.model.spec import Spec, resolve


def spec_of(method: Candidate) -> Spec:
    """Return the options of a method, complete."""
    return resolve(**method.options, level=method.level)


def method_words(method: Candidate, study: Sequence[str], at_edge: bool, level: float) -> str:
    """Return what a method is, and before it what was done to the studies.

    Examples
    --------
    >>> options = {"model": "inverse-variance", "transform": "logit", "tau2": "DL", "ci": "normal"}
    >>> method_words(Candidate(options, 0.9, [], [], without=1), ("Xu", "Li", "Hu"), False, 0.95)
    'without Li, 90% level: logit, DL, normal interval'
    """
    spec = spec_of(method)
    words = model_of(spec).brief(spec, at_edge)
    if spec.tau2 == SAME_WEIGHT:
        words = "plain mean of the rates, t interval of their spread"
    slips = []
    if method.swapped:
        slips.append("non-responders")
    if method.without is not None:
        slips.append(f"without {study[method.without]}")
    if method.level != level:
        slips.append(f"{100 * method.level:g}% level")
    return f"{', '.join(slips)}: {words}" if slips else words


def program_words(method: Candidate) -> str:
    """Return the programs that have a method, those of which it is the default first.

    Examples
    --------
    >>> program_words(Candidate({}, 0.95, ["metafor"], ["cma"]))
    'R metafor (default), CMA'
    """
    default = [f"{PROGRAMS[name].title} (default)" for name in method.default]
    return ", ".join([*default, *(PROGRAMS[name].title for name in method.offered)])


def call_text(method: Candidate, k: int, level: float) -> str:
    """Return the call of ``mr.pool`` whose rate and interval are these, of Studies called ``studies``.

    Empty where pool has an exact answer instead.

    Examples
    --------
    >>> call_text(Candidate({"model": "common", "ci": "wilson"}, 0.95, [], []), 3, 0.95)
    'mr.pool(studies, model="common", ci="wilson")'
    """
    if not method.answered:
        return ""
    data = "studies"
    if method.without is not None:
        data = f"studies[[i != {method.without} for i in range({k})]]"
    if method.swapped:
        data = "mr.Studies(studies.n - studies.events, studies.n)"
    options = dict(method.options) | ({} if method.level == 0.95 else {"level": method.level})
    given = [
        f'{name}="{value}"' if isinstance(value, str) else f"{name}={value!r}"
        for name, value in options.items()
    ]
    return f"mr.pool({', '.join([data, *given])})"


def r_text(method: Candidate) -> str:
    """Return the call of R on a data frame ``d`` that gives the same numbers, where there is one.

    Examples
    --------
    >>> options = {"model": "inverse-variance", "transform": "logit", "tau2": "DL", "ci": "normal"}
    >>> r_text(Candidate(options, 0.95, ["cma"], ["metafor"]))
    'predict(rma(measure="PLO", xi=events, ni=n, data=d, method="DL", test="z"), transf=transf.ilogit)'
    """
    spec = spec_of(method)
    data = "d" if method.without is None else f"d[-{method.without + 1},]"
    return model_of(spec).r_call(spec, "n - events" if method.swapped else "events", data)
