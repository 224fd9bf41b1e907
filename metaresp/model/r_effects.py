"""What R calls the effect scales, and how it turns them back into rates."""

from typing import TYPE_CHECKING

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

_RULES = {"only-zero": "only0", "if-any": "if0all", "all": "all", "none": "none"}
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
    return f"function(x) transf.ipft(x, ni = {_SIZES[back_n or 'harmonic']})"


def escalc(spec: "Spec") -> str:
    """Return the call of ``escalc`` that makes the effects of a model."""
    rule = ""
    if spec.correct is not None:
        rule = f', add = {spec.correction!r}, to = "{_RULES[spec.correct]}"'
    measure = MEASURES[str(spec.transform)]
    return f'es <- escalc(measure = "{measure}", xi = events, ni = n, data = d, slab = study{rule})'


def percent(level: float) -> str:
    """Return a level as metafor takes it."""
    return f"{100 * level:.10g}"
