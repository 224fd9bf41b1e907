# Reference values for studies nested in clusters, computed with metafor, clubSandwich and lme4.
#   Rscript nested.R > nested.json
suppressMessages({library(metafor); library(clubSandwich); library(lme4); library(jsonlite)})
d <- data.frame(
  x = c(5, 7, 10, 2, 1, 5, 5, 1, 5, 2, 9, 9, 17, 12, 23, 7, 15, 8, 9, 3, 4, 4),
  n = c(12, 19, 38, 15, 27, 17, 15, 9, 36, 12, 16, 16, 25, 23, 32, 19, 29, 13, 22, 17, 18, 36),
  cluster = c(1, 1, 1, 2, 2, 3, 3, 3, 3, 4, 5, 5, 5, 5, 5, 6, 6, 7, 7, 7, 8, 8))
d$row <- seq_len(nrow(d))
num <- function(x) as.numeric(x)
es <- escalc(measure = "PLO", xi = x, ni = n, data = d, add = 0.5, to = "only0")
f <- rma.mv(yi, vi, random = ~ 1 | cluster / row, data = es, control = list(rel.tol = 1e-10))
limits <- confint(f, control = list(tol = 1e-10))
contained <- rma.mv(yi, vi, random = ~ 1 | cluster / row, data = es, test = "t", dfs = "contain")
cr1 <- robust(f, cluster = cluster)
cr2 <- robust(f, cluster = cluster, clubSandwich = TRUE)
new <- predict(contained)
robust_of <- function(r) list(se = r$se, df = num(r$dfs), ci = c(r$ci.lb, r$ci.ub))
g <- glmer(cbind(x, n - x) ~ 1 + (1 | cluster / row), family = binomial, data = d)
out <- list(
  source = paste(R.version.string, "metafor", packageVersion("metafor"), "clubSandwich",
                 packageVersion("clubSandwich"), "lme4", packageVersion("lme4")),
  x = d$x, n = d$n, cluster = d$cluster,
  rma_mv = list(
    estimate = num(coef(f)), se = f$se, sigma2 = f$sigma2, logLik = num(logLik(f)), QE = f$QE,
    sigma2_ci = list(between = num(limits[[1]]$random[1, 2:3]), within = num(limits[[2]]$random[1, 2:3])),
    z = c(f$ci.lb, f$ci.ub),
    t_contain = list(df = num(contained$ddf), ci = c(contained$ci.lb, contained$ci.ub),
                     prediction = c(new$pi.lb, new$pi.ub)),
    CR1 = robust_of(cr1), CR2 = robust_of(cr2)),
  glmer_laplace = list(estimate = num(fixef(g)), se = sqrt(num(vcov(g))),
                       sd_between = attr(VarCorr(g)$cluster, "stddev")[[1]],
                       sd_within = attr(VarCorr(g)[["row:cluster"]], "stddev")[[1]], logLik = num(logLik(g))))
cat(toJSON(out, auto_unbox = TRUE, digits = 15, pretty = TRUE), "\n")
