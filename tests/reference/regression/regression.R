# Reference values for metaresp.regress, computed with metafor and lme4:
#   Rscript regression.R ../data regression.json
suppressMessages({library(metafor); library(lme4); library(jsonlite)})
args <- commandArgs(TRUE); indir <- args[1]
num <- function(x) as.numeric(x)
quiet <- function(expr) suppressWarnings(suppressMessages(expr))
tryv <- function(expr) { r <- try(quiet(expr), silent=TRUE); if (inherits(r,"try-error")) list(error=trimws(as.character(r))) else r }
ctrl <- list(threshold=1e-12, maxiter=100000, stepadj=0.5, tol=1e-12)
read <- function(name) read.csv(file.path(indir, paste0(name, ".csv")))
out <- list(source=list(R=R.version.string, metafor=as.character(packageVersion("metafor")), lme4=as.character(packageVersion("lme4"))))

# Inverse variance: every estimator of tau2, and clusters.
cases <- list(list("crisafulli2020", "year"), list("debruin2009", "ethnicity"), list("hannum2020", "objectivity"))
for (case in cases) {
  d <- read(case[[1]]); es <- quiet(escalc(measure="PLO", xi=events, ni=n, data=d))
  for (m in c("EE","DL","HE","HS","HSk","SJ","ML","REML","EB","PM","PMM")) {
    f <- tryv(rma(yi, vi, mods=as.formula(paste("~", case[[2]])), data=es, method=m, control=ctrl))
    out$tau2[[case[[1]]]][[m]] <- if (is.null(f$error)) list(tau2=num(f$tau2), estimate=num(f$beta), se=num(f$se), QM=num(f$QM), QE=num(f$QE), I2=num(f$I2), R2=num(f$R2)) else f
  }
  f <- quiet(rma(yi, vi, mods=as.formula(paste("~", case[[2]])), data=es, method="REML", test="knha", control=ctrl))
  p <- predict(f, newmods=if (case[[2]] == "year") 2000 else 1)
  out$predict[[case[[1]]]] <- list(estimate=num(p$pred), se=num(p$se), low=num(p$ci.lb), high=num(p$ci.ub))
}
d <- read("ursino2021"); es <- quiet(escalc(measure="PLO", xi=events, ni=n, data=d))
f <- rma(yi, vi, mods=~dose, data=es, method="REML", control=ctrl)
r <- robust(f, cluster=es$study, adjust=TRUE)
out$cluster$CR1 <- list(se=num(r$se), p=num(r$pval), df=num(r$dfs), QM=num(r$QM), QM_p=num(r$QMp))
r <- tryv(robust(f, cluster=es$study, clubSandwich=TRUE))
out$cluster$CR2 <- if (is.null(r$error)) list(se=num(r$se), p=num(r$pval), df=num(r$dfs)) else r

# Counts: two data sets, two links.
for (case in list(list("debruin2009", "scq"), list("crisafulli2020", "year"), list("debruin2009", "ethnicity"))) {
  d <- read(case[[1]]); d$obs <- seq_len(nrow(d))
  if (case[[2]] == "year") d$year <- (d$year - 2000) / 10
  g <- tryv(rma.glmm(measure="PLO", xi=events, ni=n, mods=as.formula(paste("~", case[[2]])), data=d, nAGQ=21))
  key <- paste(case[[1]], case[[2]], sep="_")
  out$rma_glmm[[key]] <- if (is.null(g$error)) list(estimate=num(g$beta), se=num(g$se), tau2=num(g$tau2), logLik=num(logLik(g)), QM=num(g$QM)) else g
  for (link in c("logit", "probit", "cloglog")) {
    fits <- list()
    for (formula in c(paste("~", case[[2]]), "~ 1")) {
      h <- tryv(glmer(as.formula(paste("cbind(events, n - events)", formula, "+ (1|obs)")), data=d, family=binomial(link), nAGQ=51,
                 control=glmerControl(optimizer="nloptwrap", optCtrl=list(xtol_abs=1e-12, ftol_abs=1e-14, maxeval=100000))))
      fits[[formula]] <- h
    }
    h <- fits[[1]]; zero <- fits[[2]]
    out$glmer[[key]][[link]] <- if (inherits(h, "merMod")) list(estimate=num(fixef(h)), se=num(sqrt(diag(as.matrix(vcov(h))))), tau=num(getME(h, "theta")), lrt=num(2*(logLik(h) - logLik(zero)))) else list(error="failed")
  }
}
write(toJSON(out, digits=NA, auto_unbox=TRUE, null="null", na="null", pretty=TRUE), args[2])
