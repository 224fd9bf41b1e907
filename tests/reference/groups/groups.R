# Reference values for metaresp.subgroups(common_tau2=True), computed with metafor and lme4:
#   Rscript groups.R ../data groups.json
suppressMessages({library(metafor); library(lme4); library(jsonlite)})
args <- commandArgs(TRUE); indir <- args[1]
num <- function(x) as.numeric(x)
ctrl <- list(threshold=1e-12, maxiter=100000, stepadj=0.5, tol=1e-12)
quiet <- function(expr) suppressWarnings(suppressMessages(expr))
out <- list(source=list(R=R.version.string, metafor=as.character(packageVersion("metafor")), lme4=as.character(packageVersion("lme4"))))
for (case in list(list("debruin2009", "ethnicity"), list("hannum2020", "objectivity"))) {
  d <- read.csv(file.path(indir, paste0(case[[1]], ".csv"))); d$g <- factor(d[[case[[2]]]]); d$obs <- seq_len(nrow(d))
  levels <- levels(d$g); key <- case[[1]]
  out$cases[[key]] <- list(by=case[[2]], group=levels)
  for (measure in c("PLO", "PAS")) for (method in c("REML", "DL", "PM")) for (test in c("z", "knha")) {
    f <- quiet(rma(measure=measure, xi=events, ni=n, mods=~ g - 1, data=d, method=method, test=test, control=ctrl))
    means <- quiet(rma(measure=measure, xi=events, ni=n, mods=~ g, data=d, method=method, test=test, control=ctrl))
    tau <- confint(f, type="QP", control=list(tol=1e-12))$random["tau^2", ]
    out$rma[[key]][[paste(measure, method, test, sep="_")]] <- list(estimate=num(f$beta), se=num(f$se), low=num(f$ci.lb), high=num(f$ci.ub),
      tau2=num(f$tau2), I2=num(f$I2), QM=num(means$QM), QM_p=num(means$QMp), tau2_low=num(tau["ci.lb"]), tau2_high=num(tau["ci.ub"]))
  }
  g <- quiet(rma.glmm(measure="PLO", xi=events, ni=n, mods=~ g - 1, data=d, nAGQ=21))
  out$rma_glmm[[key]] <- list(estimate=num(g$beta), tau2=num(g$tau2))
  for (link in c("logit", "probit", "cloglog")) {
    control <- glmerControl(optimizer="nloptwrap", optCtrl=list(xtol_abs=1e-12, ftol_abs=1e-14, maxeval=100000))
    h <- quiet(glmer(cbind(events, n - events) ~ 0 + g + (1|obs), data=d, family=binomial(link), nAGQ=51, control=control))
    zero <- quiet(glmer(cbind(events, n - events) ~ 1 + (1|obs), data=d, family=binomial(link), nAGQ=51, control=control))
    out$glmer[[key]][[link]] <- list(estimate=num(fixef(h)), se=num(sqrt(diag(as.matrix(vcov(h))))), tau2=num(getME(h, "theta"))^2, lrt=num(2*(logLik(h) - logLik(zero))))
  }
}
write(toJSON(out, digits=NA, auto_unbox=TRUE, null="null", na="null", pretty=TRUE), args[2])
