"""The R script of studies nested in clusters: lme4 for counts, metafor for effects."""

from typing import TYPE_CHECKING

from metaresp.model.r_counts import PEARSON
from metaresp.model.r_effects import back_transform, escalc

if TYPE_CHECKING:
    from metaresp.model.spec import Spec

_QUANTILE = {"normal": "qnorm({p})", "t": "qt({p}, clusters - 1)", "hts": "qt({p}, clusters - 2)"}

_PROFILES = {
    "profile": (),
    "profile-t": ("metaresp takes the square of t on clusters - 1 df",),
    "bartlett": ("metaresp widens it by Bartlett's correction for the clusters",),
}


def _tail(spec: "Spec") -> str:
    return f"{(1 + spec.level) / 2:.12g}"


def nested_counts_script(spec: "Spec") -> list[str]:
    """Return the lines after the data and the clusters: lme4."""
    link = str(spec.link)
    family, back = "binomial", "plogis"
    if link != "logit":
        family, back = f'binomial("{link}")', f'binomial("{link}")$linkinv'
    lines = [
        "library(lme4)",
        "# lme4 has only Laplace's approximation for two nested effects, where metaresp integrates both:",
        "# expect the third digit to differ, more where studies are small.",
        f"fit <- glmer(cbind(events, n - events) ~ 1 + (1 | cluster / row), data = d, family = {family})",
        "summary(fit)",
        *PEARSON,
        "mu <- fixef(fit)[[1]]",
        "se <- sqrt(vcov(fit)[1, 1])",
        "tau2 <- sum(unlist(VarCorr(fit)))",
        "# pooled rate and its interval",
        f"{back}(mu)",
    ]
    if spec.ci in _PROFILES:
        lines += [f"# with a chi-square quantile; {words}" for words in _PROFILES[spec.ci]]
        lines.append(f'{back}(confint(fit, "(Intercept)", level = {spec.level!r}))')
    else:
        lines.append(f"{back}(mu + c(-1, 1) * {_QUANTILE[spec.ci].format(p=_tail(spec))} * se)")
    return [*lines, *_prediction(spec, "mu", "tau2", "se", back)]


def nested_effects_script(spec: "Spec") -> list[str]:
    """Return the lines after the data and the clusters: metafor."""
    test = 'test = "t", dfs = "contain", ' if spec.ci == "t" else ""
    back = back_transform(str(spec.transform), spec.back_n).replace("fit$tau2", "sum(fit$sigma2)")
    lines = [
        "library(metafor)",
        escalc(spec),
        "fit <- rma.mv(yi, vi, random = ~ 1 | cluster / row, data = es,",
        f"              {test}level = {100 * spec.level:.10g})",
        "fit",
        "confint(fit)  # profile intervals of both variances",
    ]
    if spec.ci in {"CR1", "CR2"}:
        corrected = "TRUE" if spec.ci == "CR2" else "FALSE"
        lines += [f"fit <- robust(fit, cluster = cluster, clubSandwich = {corrected})", "fit"]
    return [
        *lines,
        "# pooled rate and its interval on the 0-1 scale",
        f"back <- {back}",
        "sapply(c(fit$beta, fit$ci.lb, fit$ci.ub), back)",
        *_prediction(spec, "c(fit$beta)", "sum(fit$sigma2)", "fit$se", "back"),
    ]


def _prediction(spec: "Spec", mu: str, tau2: str, se: str, back: str) -> list[str]:
    if spec.prediction is None:
        return []
    lines = []
    if spec.prediction == "likelihood":
        lines = ["# with t on clusters - 1 df; metaresp carries the uncertainty of both variances"]
    quantile = _QUANTILE["t" if lines else spec.prediction].format(p=_tail(spec))
    return [
        *lines,
        "# prediction interval for the rate of a new study of a new cluster",
        f"limits <- {mu} + c(-1, 1) * {quantile} * sqrt({tau2} + {se}^2)",
        f"sapply(limits, {back})",
    ]
