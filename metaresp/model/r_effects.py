"""What R calls the effect scales, and how it turns them back into rates."""

from typing import TYPE_CHECKING

from metaresp.transforms import LEAVE_OUT

if TYPE_CHECKING:
    from metaresp.model.spec import Spec

MEASURES = {
    "logit": "PLO",
    "arcsine": "PAS",
    "freeman-tukey": "PFT",
    "log": "PLN",
    "identity": "PR",
    "probit": "PRZ",
}
META_SCALES = {"logit": "PLOGIT", "arcsine": "PAS", "freeman-tukey": "PFT", "log": "PLN", "identity": "PRAW"}

RULES = {"only-zero": "only0", "if-any": "if0all", "all": "all", "none": "none"}
# Effects that escalc does not make: those of meta where a study is at 0 or n, with `a` added there.
_OF_META = {
    "variance": (
        "d$events / d$n",
        "ifelse(a > 0, (d$events + a) * (d$n - d$events + a) / (d$n + 2 * a)^3,\n"
        "              d$events * (d$n - d$events) / d$n^3)",
    ),
    "events": (
        "log((d$events + a) / (d$n + a))",
        "1 / ifelse(d$events == d$n, d$events, d$events + a) - 1 / (d$n + a)",
    ),
}
_BACK = {
    "logit": "transf.ilogit",
    "arcsine": "transf.iarcsin",
    "log": "exp",
    "identity": "function(x) x",
    "probit": "pnorm",
}
_SIZES = {
    "harmonic": "1 / mean(1 / d$n)",
    "geometric": "exp(mean(log(d$n)))",
    "arithmetic": "mean(d$n)",
    "inverse-variance": "sum(1 / (es$vi + fit$tau2)) / 4",
    "none": "",
}


def back_transform(transform: str, back_n: str | None) -> str:
    """Return the R function that turns an effect back into a rate.

    Examples
    --------
    >>> back_transform("logit", None)
    'transf.ilogit'
    >>> back_transform("freeman-tukey", "arithmetic")
    'function(x) transf.ipft(x, ni = mean(d$n))'
    """
    if transform != "freeman-tukey":
        return _BACK[transform]
    if back_n == "none":
        return _BACK["arcsine"]
    return f"function(x) transf.ipft(x, ni = {_SIZES[back_n or 'harmonic']})"


def escalc(spec: "Spec") -> str:
    """Return the call of ``escalc`` that makes the effects of a model, or what else makes them."""
    rule = ""
    if spec.correct in _OF_META:
        y, v = _OF_META[spec.correct]
        return (
            f"a <- ifelse(d$events %in% 0 | d$events == d$n, {spec.correction!r}, 0)\n"
            f"es <- data.frame(yi = {y}, slab = d$study,\n                 vi = {v})"
        )
    if spec.correct == LEAVE_OUT:
        rule, before = ', add = 0, to = "none"', "d <- d[d$events > 0 & d$events < d$n, ]\n"
        return before + _call(spec, rule)
    if spec.correct is not None:
        rule = f', add = {spec.correction!r}, to = "{RULES[spec.correct]}"'
    return _call(spec, rule)


def _call(spec: "Spec", rule: str) -> str:
    measure = MEASURES[str(spec.transform)]
    return f'es <- escalc(measure = "{measure}", xi = events, ni = n, data = d, slab = study{rule})'


def percent(level: float) -> str:
    """Return a level as metafor takes it."""
    return f"{100 * level:.10g}"
