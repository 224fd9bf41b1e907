# Single-arm tables out of the published data of R's metadat, fitted by metafor and lme4.
#
#   Rscript published.R out.csv        (Debian: r-cran-metadat, r-cran-metafor, r-cran-lme4)
#   python published.py out.csv        (compares metaresp with what was written)
#
# Every arm of a two-arm table is a table of its own; tables in long form are split by treatment.
suppressMessages({library(metadat); library(metafor); library(lme4)})
options(warn = -1)

arms <- list(
  dat.anand1999 = c("ai n1i", "ci n2i"), dat.axfors2021 = c("hcq_arm_event hcq_arm_total",
  "control_arm_event control_arm_total"), dat.baker2009 = "exac total | treatment",
  dat.bcg = c("tpos tpos+tneg", "cpos cpos+cneg"), dat.bourassa1996 = c("rh.le rh.le+lh.le",
  "rh.re rh.re+lh.re"), dat.bornmann2007 = c("waward wtotal", "maward mtotal"),
  dat.cannon2006 = paste0("ep", rep(1:6, each = 2), c("t nt", "c nc")),
  dat.collins1985a = c("b.xti nti", "b.xci nci", "o.xti nti", "o.xci nci", "d.xti nti", "d.xci nci"),
  dat.collins1985b = c("pre.xti pre.nti", "pre.xci pre.nci", "stb.xti fup.nti", "stb.xci fup.nci",
  "ned.xti fup.nti", "ned.xci fup.nci", "ped.xti fup.nti", "ped.xci fup.nci"),
  dat.dagostino1998 = c("xt nt | outcome", "xc nc | outcome"), dat.damico2009 = c("xt nt", "xc nc"),
  dat.debruin2009 = "xi ni", dat.dogliotti2014 = "stroke total | treatment",
  dat.dong2013 = "death randomized | treatment", dat.dorn2007 = c("x.a n.a", "x.p n.p"),
  dat.egger2001 = c("ai n1i", "ci n2i"), dat.fine1993 = c("e1i nei", "c1i nci", "e2i nei", "c2i nci",
  "e3i nei", "c3i nci", "e4i nei", "c4i nci"), dat.frank2008 = "bc.ins.ins bc.ins.ins+bc.ins.del+bc.del.del",
  dat.gibson2002 = c("ai ai+bi", "ci ci+di"), dat.graves2010 = c("ai n1i", "ci n2i"),
  dat.gurusamy2011 = "death n | treatment", dat.hahn2001 = c("ai n1i", "ci n2i"),
  dat.hannum2020 = "xi ni", dat.hart1999 = c("x1i n1i", "x2i n2i"),
  dat.hartmannboyce2018 = c("x.nrt n.nrt | treatment", "x.ctrl n.ctrl"),
  dat.hasselblad1998 = "xi ni | trt", dat.hine1989 = c("ai n1i", "ci n2i"),
  dat.kearon1998 = c("tp tp+fn", "tn tn+fp"), dat.landenberger2005 = c("n.ctrl.rec n.ctrl.rec+n.ctrl.non",
  "n.cbt.rec n.cbt.rec+n.cbt.non"), dat.laopaiboon2015 = c("ai n1i", "ci n2i"),
  dat.lau1992 = c("ai n1i", "ci n2i"), dat.lee2004 = c("ai n1i", "ci n2i"), dat.li2007 = c("ai n1i",
  "ci n2i"), dat.linde2005 = c("ai n1i", "ci n2i"), dat.linde2015 = c("resp1 n1 | treatment1",
  "remi1 n1 | treatment1", "loss1 n1 | treatment1", "resp2 n2 | treatment2"),
  dat.nielweise2007 = c("ai n1i", "ci n2i"), dat.obrien2003 = "cases total",
  dat.pagliaro1992 = "xi ni | trt", dat.pritz1997 = "xi ni", dat.vanhowe1999 = c(
  "non.pos non.pos+non.neg", "cir.pos cir.pos+cir.neg"), dat.viechtbauer2021 = c("xTi nTi", "xCi nCi"),
  dat.woods2010 = "r N | treatment", dat.yusuf1985 = c("ai n1i | table", "ci n2i | table"))

tables <- list()
keep <- function(name, x, n) {
  ok <- is.finite(x) & is.finite(n) & n >= 1 & x <= n & x == round(x) & n == round(n)
  x <- x[ok]; n <- n[ok]
  if (length(x) >= 3 && sum(x) > 0 && sum(x) < sum(n)) tables[[name]] <<- list(x = x, n = n)
}
for (name in names(arms)) {
  d <- tryCatch(get(name), error = function(e) NULL)
  if (!is.data.frame(d)) next
  for (arm in arms[[name]]) {
    parts <- strsplit(arm, " | ", fixed = TRUE)[[1]]
    columns <- strsplit(parts[1], " ", fixed = TRUE)[[1]]
    both <- tryCatch(lapply(columns, function(what) as.numeric(eval(parse(text = what), d))),
      error = function(e) NULL)
    if (is.null(both)) { cat("no such columns:", name, arm, "\n"); next }
    x <- both[[1]]; n <- both[[2]]
    by <- if (length(parts) > 1) as.character(d[[parts[2]]]) else rep("", length(x))
    for (group in sort(unique(by[!is.na(by)])))
      keep(trimws(paste(name, columns[1], group)), x[by == group & !is.na(by)], n[by == group & !is.na(by)])
  }
}
cat(length(tables), "tables\n")

out <- file(commandArgs(TRUE)[1], "w")
row <- function(...) cat(paste(..., sep = ","), "\n", file = out, sep = "")
row("table", "kind", "a", "b", "c", "quantity", "value")
say <- function(table, kind, a, b, c, values) for (q in names(values))
  row(dQuote(table, FALSE), kind, a, b, c, q, format(values[[q]], digits = 17))
only <- commandArgs(TRUE)[2]
for (name in names(tables)) {
  x <- tables[[name]]$x; n <- tables[[name]]$n
  row(dQuote(name, FALSE), "counts", "", "", "", "x", dQuote(paste(x, collapse = " "), FALSE))
  row(dQuote(name, FALSE), "counts", "", "", "", "n", dQuote(paste(n, collapse = " "), FALSE))
  for (measure in c("PR", "PLN", "PLO", "PAS", "PFT")) {
    es <- escalc(measure = measure, xi = x, ni = n)
    for (method in c("DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM")) for (test in c("z", "t", "knha")) {
      f <- tryCatch(rma(yi, vi, data = es, method = method, test = test,
        control = list(maxiter = 10000, threshold = 1e-10, tol = 1e-12)), error = function(e) NULL)
      if (is.null(f)) next
      p <- predict(f)
      say(name, "rma", measure, method, test, list(estimate = f$beta[1], se = f$se, low = f$ci.lb,
        high = f$ci.ub, tau2 = f$tau2, I2 = f$I2, Q = f$QE, pi.low = p$pi.lb, pi.high = p$pi.ub))
    }
  }
  if (is.na(only)) {
    f <- tryCatch(rma.glmm(measure = "PLO", xi = x, ni = n, nAGQ = 25), error = function(e) NULL)
    if (!is.null(f)) say(name, "rma.glmm", "", "", "", list(estimate = f$beta[1], tau2 = f$tau2))
    s <- factor(seq_along(x))
    f <- tryCatch(glmer(cbind(x, n - x) ~ 1 + (1 | s), family = binomial, nAGQ = 25), error = function(e) NULL)
    if (!is.null(f)) say(name, "glmer", "", "", "", list(estimate = fixef(f)[[1]],
      tau2 = VarCorr(f)$s[1]))
  }
}
close(out)
