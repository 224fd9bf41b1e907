"""The R scripts of count models: metafor and meta, or lme4, or the likelihood itself."""

from dataclasses import replace
from typing import TYPE_CHECKING

from metaresp.kernel.counts.effect_shapes import EFFECTS
from metaresp.model.r_effects import percent

if TYPE_CHECKING:
    from metaresp.model.spec import Spec


_METAPLUS = {"t": "t-dist", "mixture": "mixture"}
# metafor's own QE tests are a deviance and a Wald statistic.
PEARSON = ["# Q: Pearson's X2", "chisq.test(cbind(d$events, d$n - d$events), correct = FALSE)$statistic"]


def binomial_normal_script(spec: "Spec") -> list[str]:
    """Return the lines after the data."""
    if spec.effects in _METAPLUS:
        logits = [
            'y <- metafor::escalc("PLO", xi = events, ni = n, data = d, to = "only0")',
            f'metaplus::metaplus(y$yi, sqrt(y$vi), random = "{_METAPLUS[spec.effects]}")',
        ]
        return [
            f"# metaresp has {EFFECTS[spec.effects].words}.  R has none such for counts; metaplus fits",
            "# logits with variances, and estimates the shape from the data as well.",
            *(logits if spec.link in {None, "logit"} else []),
            "# The same with normal effects:",
            *binomial_normal_script(replace(spec, effects="normal")),
        ]
    if spec.penalty is not None:
        name, scale = spec.penalty
        return [
            f"# metaresp penalised the likelihood: {name}, scale {scale:g}.  No R package for meta-analysis",
            "# does so; blme::bglmer with a custom prior on the standard deviation comes near.",
            *binomial_normal_script(replace(spec, penalty=None)),
        ]
    if spec.link not in {None, "logit"}:
        return _other_link(spec)
    test = "z" if spec.ci == "normal" else "t"
    lines = [
        "library(metafor)  # and lme4, which fits the model",
        "# metafor's default of 7 quadrature nodes moves digits that are shown; 25 come close to metaresp's.",
        'fit <- rma.glmm(measure = "PLO", xi = events, ni = n, data = d, slab = study, nAGQ = 25,',
        f'                test = "{test}", level = {percent(spec.level)})',
        "fit",
        *PEARSON,
    ]
    if spec.ci.startswith("profile"):
        lines += ["# profile likelihood", *_glmer("logit"), _profile(spec)]
    return [
        *lines,
        "# pooled rate, its interval, and the prediction interval",
        "predict(fit, transf = transf.ilogit)",
        "",
        "library(meta)",
        'metaprop(events, n, studlab = study, data = d, sm = "PLOGIT", method = "GLMM", common = FALSE,',
        f'         prediction = TRUE, method.predict = "HTS", level.ma = {spec.level!r})',
    ]


def _glmer(link: str) -> list[str]:
    return [
        "d$row <- factor(seq_len(nrow(d)))",
        "glmm <- lme4::glmer(cbind(events, n - events) ~ 1 + (1 | row), data = d,",
        f'                    family = binomial("{link}"), nAGQ = 25)',
    ]


def _profile(spec: "Spec") -> str:
    return f'confint(glmm, method = "profile", level = {spec.level!r})'


def _other_link(spec: "Spec") -> list[str]:
    """Return the script of a link that metafor does not fit."""
    link = str(spec.link)
    lines = [
        "# metafor fits the logit link only; lme4 fits the others.",
        *_glmer(link),
        "summary(glmm)",
        *PEARSON,
    ]
    if link == "log":
        lines.append("# lme4 may stop where a rate passes 1; metaresp takes such a trial to have rate 1.")
    quantile = {"normal": "qnorm({})"}.get(spec.ci, "qt({}, nrow(d) - 1)")
    level = f"{(1 + spec.level) / 2:.12g}"
    interval = f"lme4::fixef(glmm) + c(0, -1, 1) * {quantile.format(level)} * sqrt(vcov(glmm)[1, 1])"
    wald = spec.ci in {"normal", "t"}
    return [
        *lines,
        "# pooled rate and its interval",
        f'binomial("{link}")$linkinv({interval})' if wald else _profile(spec),
    ]


def beta_binomial_script(spec: "Spec") -> list[str]:
    """Return the lines after the data."""
    return [
        "# No meta-analysis package fits a beta-binomial model; this maximises its likelihood.",
        "minus <- function(par) {",
        "  m <- plogis(par[1]); r <- plogis(par[2]); a <- m * (1 - r) / r; b <- (1 - m) * (1 - r) / r",
        "  -sum(lchoose(d$n, d$events) + lbeta(a + d$events, b + d$n - d$events) - lbeta(a, b))",
        "}",
        "start <- c(qlogis((sum(d$events) + 0.5) / (sum(d$n) + 1)), -2)",
        "fit <- optim(start, minus, control = list(reltol = 1e-15, maxit = 5000), hessian = TRUE)",
        "c(rate = plogis(fit$par[1]), correlation = plogis(fit$par[2]), logLik = -fit$value)",
        "plogis(fit$par[1] + c(-1, 1) * qnorm("
        f"1 - {(1 - spec.level) / 2:.12g}) * sqrt(solve(fit$hessian)[1, 1]))  # Wald interval",
        *PEARSON,
    ]
