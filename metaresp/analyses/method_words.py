"""A method of other programs in words, as a call of Python, and as a call of R."""

from collections.abc import Mapping, Sequence
from typing import Any

from metaresp.analyses.candidates import SAME_WEIGHT, Candidate
from metaresp.model.programs import PROGRAMS
from metaresp.model.r_effects import MEASURES, META_SCALES, RULES, back_transform
from metaresp.model.r_inverse_variance import META_CI, META_RULES, TESTS

_CORRECTED = {
    "only-zero": "0.5 at 0 and n",
    "variance": "0.5 in the variance at 0 and n",
    "events": "0.5 to the events at 0 and n",
    "leave-out": "without studies at 0 or n",
    "if-any": "0.5 to all, as one is at 0 or n",
    "all": "0.5 to all",
}


def method_words(method: Candidate, study: Sequence[str], at_edge: bool, level: float) -> str:
    """Return what a method is, and what was done to the studies before.

    Examples
    --------
    >>> options = {"model": "inverse-variance", "transform": "logit", "tau2": "DL", "ci": "normal"}
    >>> method_words(Candidate(options, 0.9, [], [], without=1), ("Xu", "Li", "Hu"), False, 0.95)
    'without Li, 90% level: logit, DL, normal interval'
    """
    o = method.options
    if o["model"] == "common":
        words = [f"totals as of one study, {o['ci']} interval"]
    elif o["model"] != "inverse-variance":
        words = [o["model"], *([f"{o['link']} link"] if "link" in o else []), f"{o['ci']} interval"]
    elif o["tau2"] == SAME_WEIGHT:
        words = ["plain mean of the rates, t interval of their spread"]
    else:
        spread = "common effect" if o["tau2"] == "common" else str(o["tau2"])
        rule, size = o.get("correct"), o.get("back_n", "harmonic")
        back = {"harmonic": "", "none": " (back by arcsine)"}.get(size, f" (back by {size} n)")
        words = [o["transform"] + back, spread, f"{o['ci']} interval"]
        if rule and (at_edge or rule == "all"):
            words.append(_CORRECTED[rule])
    slips = []
    if method.swapped:
        slips.append("non-responders")
    if method.without is not None:
        slips.append(f"without {study[method.without]}")
    if method.level != level:
        slips.append(f"{100 * method.level:g}% level")
    return f"{', '.join(slips)}: {', '.join(words)}" if slips else ", ".join(words)


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
    """Return the call of R's metafor or meta on a data frame ``d`` with the same numbers, where there is one.

    Examples
    --------
    >>> options = {"model": "inverse-variance", "transform": "logit", "tau2": "DL", "ci": "normal"}
    >>> r_text(Candidate(options, 0.95, ["cma"], ["metafor"]))
    'predict(rma(measure="PLO", xi=events, ni=n, data=d, method="DL", test="z"), transf=transf.ilogit)'
    """
    o = method.options
    programs = {*method.default, *method.offered}
    data = "d" if method.without is None else f"d[-{method.without + 1},]"
    events = "n - events" if method.swapped else "events"
    percent = "" if method.level == 0.95 else f", level={100 * method.level:g}"
    if o["model"] == "common":
        return _totals(o["ci"], events, data, method.level)
    if o["model"] != "inverse-variance":
        test = {"normal": "z", "t": "t"}.get(o["ci"])
        if test is None or o.get("link") != "logit":
            return ""
        call = f'rma.glmm(measure="PLO", xi={events}, ni=n, data={data}, test="{test}"{percent})'
        return f"predict({call}, transf=transf.ilogit)"
    if "metafor" in programs or (o.get("correct") in RULES and o["ci"] in TESTS and o["tau2"] != "DL2"):
        return _metafor(o, events, data, percent)
    if programs & {"meta", "meta-4"}:
        return _meta(o, events, data, method.level)
    return ""


def _metafor(o: Mapping[str, Any], events: str, data: str, percent: str) -> str:
    spread = 'method="EE"' if o["tau2"] == "common" else f'method="{o["tau2"]}"'
    if not isinstance(o["tau2"], str):
        spread = f"tau2={o['tau2']:g}"
    rule = f', add=0.5, to="{RULES[o["correct"]]}"' if o.get("correct", "only-zero") != "only-zero" else ""
    test = f', test="{TESTS[o["ci"]]}"' if o["ci"] in TESTS else ""
    measure = MEASURES[o["transform"]]
    fit = f'rma(measure="{measure}", xi={events}, ni=n, data={data}{rule}, {spread}{test}{percent})'
    back = back_transform(o["transform"], o.get("back_n")).replace("d$n", f"{data}$n")
    if "fit$" in back:
        return ""
    if o["ci"] == "henmi-copas":
        return f"with(hc({fit}), sapply(c(beta, ci.lb, ci.ub), {back}))"
    if o.get("back_n") == "harmonic":
        return f"predict({fit}, transf=transf.ipft.hm, targs=list(ni={data}$n))"
    return f"predict({fit}, transf={back})"


def _meta(o: Mapping[str, Any], events: str, data: str, level: float) -> str:
    spread = "random=FALSE" if o["tau2"] == "common" else f'method.tau="{o["tau2"]}", common=FALSE'
    ci = META_CI[o["ci"]].replace(" = ", "=")
    rule = META_RULES.get(o.get("correct", "only-zero"), "only0")
    kind = "" if rule == "only0" else f', method.incr="{rule}"'
    return (
        f'metaprop({events}, n, data={data}, sm="{META_SCALES[o["transform"]]}", method="Inverse", {spread}, '
        f"{ci}{kind}" + ("" if level == 0.95 else f", level.ma={level:g}") + ")"
    )


def _totals(ci: str, events: str, data: str, level: float) -> str:
    sums = f"with({data}, sum({events})), sum({data}$n), conf.level={level:g}"
    return {
        "clopper-pearson": f"binom.test({sums})",
        "wilson": f"prop.test({sums}, correct=FALSE)",
    }.get(ci, "")
