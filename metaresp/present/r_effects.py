"""What R calls the effect scales, and how it turns them back into rates."""

MEASURES = {
    "logit": "PLO",
    "arcsine": "PAS",
    "freeman-tukey": "PFT",
    "log": "PLN",
    "identity": "PR",
    "probit": "PRZ",
}
META_SCALES = {"logit": "PLOGIT", "arcsine": "PAS", "freeman-tukey": "PFT", "log": "PLN", "identity": "PRAW"}

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
