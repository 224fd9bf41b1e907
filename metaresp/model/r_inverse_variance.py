"""The R script of the inverse-variance model: metafor, and meta where it has a counterpart."""

from typing import TYPE_CHECKING

from metaresp.model.r_effects import META_SCALES, back_transform, escalc, percent
from metaresp.transforms import SCALE_OF_RULE

if TYPE_CHECKING:
    from metaresp.model.spec import Spec

TESTS = {"normal": "z", "t": "t", "hartung-knapp": "knha", "hartung-knapp-floor": "adhoc"}
META_RULES = {"only-zero": "only0", "variance": "only0", "events": "only0", "if-any": "if0all", "all": "all"}
META_TAU = frozenset({"DL", "PM", "REML", "ML", "HS", "SJ", "HE", "EB"})
META_CI = {
    "normal": 'method.random.ci = "classic"',
    "hartung-knapp": 'method.random.ci = "HK"',
    "hartung-knapp-floor": 'method.random.ci = "HK", adhoc.hakn.ci = "se"',
    "kenward-roger": 'method.random.ci = "KR"',
}
_META_PREDICTION = {"normal": "S", "t": "V", "hts": "HTS", "hartung-knapp": "HK", "bootstrap": "NNF"}
# metafor's defaults stop at 1e-5 (REML) or 1e-4 (PM): ask for as many digits as metaresp gives
_CONTROL = "control = list(threshold = 1e-12, tol = 1e-12, maxiter = 10000, stepadj = 0.5)"


def inverse_variance_script(spec: "Spec") -> list[str]:
    """Return the lines after the data."""
    return [
        "library(metafor)  # 5.1 or later; most of this runs on earlier ones",
        escalc(spec),
        *_fit(spec),
        *_rate(spec),
        *_prediction(spec),
        *_spread(spec),
        *_meta(spec),
    ]


def _call(tau2: str | float | None, test: str, level: float) -> list[str]:
    """Return the call of ``rma`` that assigns ``fit``."""
    shared = f'test = "{test}", level = {percent(level)}'
    if isinstance(tau2, float):
        return [f"fit <- rma(yi, vi, data = es, tau2 = {tau2!r}, {shared})"]
    if tau2 == "common":
        return [f'fit <- rma(yi, vi, data = es, method = "EE", {shared})']
    if tau2 == "DL2":
        return [
            'first <- rma(yi, vi, data = es, method = "DL")',
            'second <- rma(yi, vi, data = es, method = "GENQ", weights = 1 / (vi + first$tau2))',
            f"fit <- rma(yi, vi, data = es, tau2 = second$tau2, {shared})",
        ]
    return [f'fit <- rma(yi, vi, data = es, method = "{tau2}", {shared},', f"           {_CONTROL})"]


def _fit(spec: "Spec") -> list[str]:
    return [*_call(spec.tau2, TESTS.get(spec.ci, "z"), spec.level), "fit", *_interval(spec)]


def _interval(spec: "Spec") -> list[str]:
    """Return what an interval beyond ``rma``'s own tests needs."""
    if spec.ci == "henmi-copas":
        return [f'own <- hc(rma(yi, vi, data = es, method = "DL", level = {percent(spec.level)}))', "own"]
    if spec.ci == "ivhet":
        return [
            'dl <- rma(yi, vi, data = es, method = "DL")',
            "w <- 1 / es$vi / sum(1 / es$vi)",
            "own <- list(beta = sum(w * es$yi), se = sqrt(sum(w^2 * (es$vi + dl$tau2))))",
            f"own$beta + c(-1, 1) * qnorm({(1 + spec.level) / 2:.12g}) * own$se",
        ]
    if spec.ci == "kenward-roger":
        return [
            "library(meta)",
            'metagen(yi, sqrt(vi), data = es, method.tau = "REML", method.random.ci = "KR",',
            f"        level.ma = {spec.level!r})",
        ]
    if spec.ci == "profile":
        return [
            f'own <- rma(yi, vi, data = es, method = "ML", {_CONTROL})',
            "# metafor has no profile interval for the mean; this is its definition.",
            "deviance <- function(mu, t) sum(log(es$vi + t) + (es$yi - mu)^2 / (es$vi + t))",
            "top <- 10 * (var(es$yi) + max(es$vi))",
            "best <- function(mu) {",
            "  inside <- optimize(function(t) deviance(mu, t), c(0, top), tol = 1e-12)$objective",
            "  min(inside, deviance(mu, 0))",
            "}",
            "range <- range(es$yi) + c(-10, 10) * sd(es$yi)",
            "centre <- optimize(best, range, tol = 1e-10)",
            f"excess <- function(mu) best(mu) - centre$objective - qchisq({spec.level!r}, 1)",
            "c(uniroot(excess, c(range[1], centre$minimum), tol = 1e-10)$root,",
            "  uniroot(excess, c(centre$minimum, range[2]), tol = 1e-10)$root)",
        ]
    if spec.ci == "bootstrap":
        again = f'method = "{spec.tau2}"' if isinstance(spec.tau2, str) else f"tau2 = {spec.tau2!r}"
        again = 'method = "EE"' if spec.tau2 == "common" else 'method = "DL"' if spec.tau2 == "DL2" else again
        return [
            "# Random: metaresp draws the same kind of numbers, not the same numbers.",
            "statistic <- replicate(1999, {",
            "  y <- rnorm(nrow(es), coef(fit), sqrt(es$vi + fit$tau2))",
            f"  again <- rma(y, es$vi, {again}, control = list(maxiter = 10000, stepadj = 0.5))",
            "  abs(coef(again) - coef(fit)) / again$se",
            "})",
            f"coef(fit) + c(-1, 1) * quantile(statistic, {spec.level!r}) * fit$se",
        ]
    return []


def _rate(spec: "Spec") -> list[str]:
    return [
        "# pooled rate and its interval on the 0-1 scale",
        f"back <- {back_transform(str(spec.transform), spec.back_n)}",
        "sapply(c(own$beta), back)  # with the interval above"
        if _own(spec)
        else "predict(fit, transf = back)",
    ]


def _own(spec: "Spec") -> bool:
    """Tell whether the interval has a centre of its own, ``own`` in the script."""
    return spec.ci in {"profile", "henmi-copas", "ivhet"}


def _prediction(spec: "Spec") -> list[str]:
    if spec.prediction is None or spec.tau2 == "common":
        return []
    if spec.prediction == "bootstrap":
        return [
            "# prediction interval for a new trial, on the model's scale (random)",
            'pimeta::pima(es$yi, sqrt(es$vi), method = "boot")',
        ]
    quantile, se = {
        "normal": ("qnorm({})", "fit$se"),
        "t": ("qt({}, fit$k - 1)", "fit$se"),
        "hts": ("qt({}, fit$k - 2)", "fit$se"),
        "hartung-knapp": ("qt({}, fit$k - 1)", 'update(fit, test = "knha")$se'),
    }[spec.prediction]
    centre = "fit"
    if _own(spec) and spec.prediction != "hartung-knapp":
        centre, se = "own", "own$se"
    level = f"{(1 + spec.level) / 2:.12g}"
    return [
        "# prediction interval for the rate of a new trial",
        f"limits <- c({centre}$beta) + c(-1, 1) * {quantile.format(level)} * sqrt(fit$tau2 + {se}^2)",
        "sapply(limits, back)",
    ]


def _spread(spec: "Spec") -> list[str]:
    if spec.tau2 == "common" or isinstance(spec.tau2, float):
        return []
    return [
        "# intervals for tau2: q-profile, profile (REML), generalised-q (needs the package CompQuadForm)",
        f'reml <- rma(yi, vi, data = es, method = "REML", level = {percent(spec.level)}, {_CONTROL})',
        'confint(reml, type = "QP", control = list(tol = 1e-12))',
        'confint(reml, type = "PL", control = list(tol = 1e-12))',
        f'confint(rma(yi, vi, data = es, method = "GENQ", weights = 1 / vi, level = {percent(spec.level)}),',
        "        control = list(tol = 1e-12))",
    ]


def _meta(spec: "Spec") -> list[str]:
    """Return the call of ``metaprop``, or why there is none."""
    scale = META_SCALES.get(str(spec.transform))
    known: dict[str, set[str | float | None]] = {
        "transform": {*META_SCALES},
        "tau2": {*META_TAU, "common"},
        "ci": {*META_CI},
        "correct": {*META_RULES, None},
    }
    missing = [
        f"{name} = {getattr(spec, name)!r}" for name in known if getattr(spec, name) not in known[name]
    ]
    if missing or scale is None:
        return ["", f"# The meta package has no {' and no '.join(missing)}."]
    rule = ""
    if spec.correct is not None:
        rule = f', incr = {spec.correction!r}, method.incr = "{META_RULES[spec.correct]}"'
    lines = ["", "library(meta)"]
    if spec.transform in {"identity", "log"} and spec.correct not in SCALE_OF_RULE:
        lines.append(
            "# meta corrects studies at 0 or n in another way on this scale; metaresp follows metafor."
        )
    if spec.prediction in {"hts", "t"} and spec.ci.startswith("hartung-knapp"):
        lines.append(
            "# meta's prediction interval takes the usual standard error here, metaresp that of the ci."
        )
    tau = "" if spec.tau2 == "common" else f', method.tau = "{spec.tau2}"'
    random = "random = FALSE" if spec.tau2 == "common" else "common = FALSE"
    predict = ""
    if spec.prediction is not None and spec.tau2 != "common":
        predict = f', prediction = TRUE, method.predict = "{_META_PREDICTION[spec.prediction]}"'
    return [
        *lines,
        f'metaprop(events, n, studlab = study, data = d, sm = "{scale}", method = "Inverse"{rule}{tau},',
        f"         {META_CI[spec.ci]}{predict}, {random},",
        f"         level = {spec.level!r}, level.ma = {spec.level!r}, level.predict = {spec.level!r})",
    ]
