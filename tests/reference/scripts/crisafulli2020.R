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
    "Study 26"
  ),
  events = c(47, 66, 19, 2, 99, 105, 73, 110, 12, 156, 48, 76, 50, 5, 16, 20, 397, 9, 29, 5, 21, 11, 51, 40, 6,
    72),
  n = c(177413, 234396, 91157, 10000, 532302, 371698, 301283, 420374, 71091, 721163, 176600, 292637,
    261254, 18000, 72963, 77654, 1673791, 34219, 210324, 30014, 111703, 62188, 281214, 190521,
    37649, 369780),
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
