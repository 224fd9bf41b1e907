# The same analysis in R, written by metaresp.
d <- data.frame(
  study = c(
    "Study 1",
    "Study 2",
    "Study 3",
    "Study 4",
    "Study 5",
    "Study 6",
    "Study 7",
    "Study 8",
    "Study 9",
    "Study 10",
    "Study 11",
    "Study 12",
    "Study 13",
    "Study 14",
    "Study 15",
    "Study 16",
    "Study 17",
    "Study 18",
    "Study 19",
    "Study 20",
    "Study 21",
    "Study 22",
    "Study 23",
    "Study 24",
    "Study 25",
    "Study 26",
    "Study 27",
    "Study 28",
    "Study 29",
    "Study 30",
    "Study 31",
    "Study 32",
    "Study 33",
    "Study 34",
    "Study 35"
  ),
  events = c(44, 13, 17, 2, 344, 15, 22, 63, 48, 4668, 40, 53, 95, 34, 42, 284, 488, 357, 42, 14, 136, 241, 26,
    11, 130, 25, 7, 59, 38, 75, 54, 119, 35, 18, 52),
  n = c(72, 16, 33, 15, 579, 42, 34, 103, 95, 7178, 59, 72, 145, 54, 321, 508, 3191, 417, 72, 59, 498,
    345, 63, 214, 202, 79, 28, 60, 45, 128, 114, 1113, 154, 42, 199),
  stringsAsFactors = FALSE
)

library(metafor)  # 5.1 or later; most of this runs on earlier ones
es <- escalc(measure = "PLO", xi = events, ni = n, data = d, slab = study, add = 0.5, to = "only0")
fit <- rma(yi, vi, data = es, method = "REML", test = "knha", level = 95,
           control = list(threshold = 1e-12, tol = 1e-12, maxiter = 10000, stepadj = 0.5))
fit
# pooled rate and its interval on the 0-1 scale
back <- transf.ilogit
predict(fit, transf = back)
# prediction interval for the rate of a new trial
limits <- c(fit$beta) + c(-1, 1) * qt(0.975, fit$k - 2) * sqrt(fit$tau2 + fit$se^2)
sapply(limits, back)
# intervals for tau2: q-profile, profile (REML), generalised-q (needs the package CompQuadForm)
reml <- rma(yi, vi, data = es, method = "REML", level = 95, control = list(threshold = 1e-12, tol = 1e-12, maxiter = 10000, stepadj = 0.5))
confint(reml, type = "QP", control = list(tol = 1e-12))
confint(reml, type = "PL", control = list(tol = 1e-12))
confint(rma(yi, vi, data = es, method = "GENQ", weights = 1 / vi, level = 95),
        control = list(tol = 1e-12))

library(meta)
# meta's prediction interval takes the usual standard error here, metaresp that of the ci.
metaprop(events, n, studlab = study, data = d, sm = "PLOGIT", method = "Inverse", incr = 0.5, method.incr = "only0", method.tau = "REML",
         method.random.ci = "HK", prediction = TRUE, method.predict = "HTS", common = FALSE,
         level = 0.95, level.ma = 0.95, level.predict = 0.95)
