"""The R script of studies nested in clusters: lme4 for counts, metafor for effects."""

from typing import TYPE_CHECKING

from metaresp.model.r_counts import PEARSON
from metaresp.model.r_effects import back_transform, escalc

if TYPE_CHECKING:
    from metaresp.model.spec import Spec

_QUANTILE = {"normal": "qnorm({p})", "t": "qt({p}, clusters - 1)", "hts": "qt({p}, clusters - 2)"}


def _tail(spec: "Spec") -> str:
    return f"{(1 + spec.level) / 2:.12g}"


def nested_counts_script(spec: "Spec") -> list[str]:
    """Return the lines after the data and the clusters: lme4."""
    lines = [
        "library(lme4)",
        "# lme4 has only Laplace's approximation for two nested effects, where metaresp integrates both:",
        "# expect the third digit to differ, more where studies are small.",
        "fit <- glmer(cbind(events, n - events) ~ 1 + (1 | cluster / row), data = d, family = binomial)",
        "summary(fit)",
        *PEARSON,
        "mu <- fixef(fit)[[1]]",
        "se <- sqrt(vcov(fit)[1, 1])",
        "tau2 <- sum(unlist(VarCorr(fit)))",
        "# pooled rate and its interval",
        "plogis(mu)",
    ]
    if spec.ci.startswith("profile"):
        if spec.ci == "profile-t":
            lines.append("# with a chi-square quantile; metaresp takes the square of t on clusters - 1 df")
        lines.append(f'plogis(confint(fit, "(Intercept)", level = {spec.level!r}))')
    else:
        lines.append(f"plogis(mu + c(-1, 1) * {_QUANTILE[spec.ci].format(p=_tail(spec))} * se)")
    return [*lines, *_prediction(spec, "mu", "tau2", "se", "plogis")]


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
    quantile = _QUANTILE[spec.prediction].format(p=_tail(spec))
    return [
        "# prediction interval for the rate of a new study of a new cluster",
        f"limits <- {mu} + c(-1, 1) * {quantile} * sqrt({tau2} + {se}^2)",
        f"sapply(limits, {back})",
    ]
