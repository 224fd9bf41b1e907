"""The one call of R that gives a rate and its interval, on a data frame with columns events and n."""

from typing import TYPE_CHECKING

from metaresp.model.r_effects import MEASURES, META_SCALES, RULES, back_transform
from metaresp.model.r_inverse_variance import META_CI, META_RULES, META_TAU, TESTS

if TYPE_CHECKING:
    from metaresp.model.spec import Spec


def effects_call(spec: "Spec", events: str, data: str) -> str:
    """Return the call of metafor, or of meta for what that alone has; empty where neither has it.

    Examples
    --------
    >>> from metaresp.model.spec import resolve
    >>> effects_call(resolve(like="cma"), "events", "d")
    'predict(rma(measure="PLO", xi=events, ni=n, data=d, method="DL", test="z"), transf=transf.ilogit)'
    """
    rule = spec.correct or "only-zero"
    if rule in RULES and spec.ci in {*TESTS, "henmi-copas"} and spec.tau2 != "DL2":
        return _metafor(spec, rule, events, data)
    known = spec.tau2 in META_TAU or spec.tau2 == "common"
    if rule in META_RULES and spec.ci in META_CI and known and spec.transform in META_SCALES:
        return _meta(spec, META_RULES[rule], events, data)
    return ""


def _metafor(spec: "Spec", rule: str, events: str, data: str) -> str:
    spread = f'method="{spec.tau2}"' if isinstance(spec.tau2, str) else f"tau2={spec.tau2:g}"
    if spec.tau2 == "common":
        spread = 'method="EE"'
    added = "" if rule == "only-zero" else f', add={spec.correction}, to="{RULES[rule]}"'
    test = f', test="{TESTS[spec.ci]}"' if spec.ci in TESTS else ""
    measure = MEASURES[str(spec.transform)]
    fit = f'rma(measure="{measure}", xi={events}, ni=n, data={data}{added}, {spread}{test}{_percent(spec)})'
    back = back_transform(str(spec.transform), spec.back_n).replace("d$n", f"{data}$n")
    if "fit$" in back:
        return ""
    if spec.ci == "henmi-copas":
        return f"with(hc({fit}), sapply(c(beta, ci.lb, ci.ub), {back}))"
    if spec.back_n == "harmonic":
        return f"predict({fit}, transf=transf.ipft.hm, targs=list(ni={data}$n))"
    return f"predict({fit}, transf={back})"


def _meta(spec: "Spec", rule: str, events: str, data: str) -> str:
    spread = "random=FALSE" if spec.tau2 == "common" else f'method.tau="{spec.tau2}", common=FALSE'
    kind = "" if rule == "only0" else f', method.incr="{rule}"'
    level = "" if spec.level == 0.95 else f", level.ma={spec.level:g}"
    scale, ci = META_SCALES[str(spec.transform)], META_CI[spec.ci].replace(" = ", "=")
    return f'metaprop({events}, n, data={data}, sm="{scale}", method="Inverse", {spread}, {ci}{kind}{level})'


def counts_call(spec: "Spec", events: str, data: str) -> str:
    """Return the call of ``rma.glmm``; empty for what it has not.

    Examples
    --------
    >>> from metaresp.model.spec import resolve
    >>> counts_call(resolve(ci="t"), "events", "d")
    'predict(rma.glmm(measure="PLO", xi=events, ni=n, data=d, test="t"), transf=transf.ilogit)'
    """
    test = {"normal": "z", "t": "t"}.get(spec.ci)
    if test is None or spec.link != "logit" or spec.effects != "normal" or spec.penalty is not None:
        return ""
    fit = f'rma.glmm(measure="PLO", xi={events}, ni=n, data={data}, test="{test}"{_percent(spec)})'
    return f"predict({fit}, transf=transf.ilogit)"


def totals_call(spec: "Spec", events: str, data: str) -> str:
    """Return the call of the binomial interval of the totals; empty where R's own tests have it not."""
    sums = f"with({data}, sum({events})), sum({data}$n), conf.level={spec.level:g}"
    known = {"clopper-pearson": f"binom.test({sums})", "wilson": f"prop.test({sums}, correct=FALSE)"}
    return known.get(spec.ci, "")


def _percent(spec: "Spec") -> str:
    return "" if spec.level == 0.95 else f", level={100 * spec.level:g}"
