# Cox models, their residuals and tests on data that come with R: writes survival_cox.json.
# Rscript tests/golden/survival_cox.R tests/golden/survival_cox.json
suppressMessages({library(survival); library(rms); library(jsonlite)})
d <- na.omit(lung[, c("time", "status", "age", "sex", "ph.ecog", "wt.loss", "inst")])
d$event <- as.integer(d$status == 2)
d$centre <- ifelse(d$inst %in% c(1, 12, 13), d$inst, 99)
n <- nrow(d)
d$w <- round(0.5 + ((seq_len(n) * 37) %% 11) / 5, 2)
d$month <- ceiling(d$time / 30.4375)          # ties everywhere
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-14, iter.max = 50)
terms <- c("age", "sex", "ph.ecog", "wt.loss")
f0 <- as.formula(paste("Surv(month, event) ~", paste(terms, collapse = " + ")))

one <- function(ties, strata, weights, robust) {
  f <- if (strata) update(f0, . ~ . + strata(centre)) else f0
  w <- if (weights) d$w else rep(1, n)
  m <- do.call(coxph, list(f, data = d, ties = ties, weights = w, robust = robust, control = tight, x = TRUE, y = TRUE))
  b <- basehaz(m, centered = FALSE)
  zph <- lapply(c(km = "km", identity = "identity", rank = "rank", log = "log"), function(g) {
    z <- cox.zph(m, transform = g)
    list(chisq = unname(z$table[, 1]), df = unname(z$table[, 2]), p = unname(z$table[, 3]), x = unname(z$x))
  })
  list(coef = unname(coef(m)), se = unname(if (robust) sqrt(diag(m$naive.var)) else sqrt(diag(vcov(m)))),
       robust = if (robust) unname(sqrt(diag(vcov(m)))) else NULL, loglik = m$loglik,
       hazard = b$hazard, hazard_time = b$time, hazard_strata = if (strata) sub("centre=", "", b$strata) else NULL,
       martingale = unname(residuals(m, "martingale")), zph = zph,
       schoenfeld = unname(residuals(m, "schoenfeld")), scaled = unname(residuals(m, "scaledsch")))
}
models <- list()
for (ties in c("efron", "breslow")) for (strata in c(FALSE, TRUE)) for (weights in c(FALSE, TRUE))
  models[[paste(ties, if (strata) "strata" else "plain", if (weights) "weights" else "ones", sep = "_")]] <-
    one(ties, strata, weights, TRUE)

v <- veteran
mv <- coxph(Surv(time, status) ~ age + karno + celltype + strata(trt), v, control = tight)
zv <- cox.zph(mv)$table

# Linearity: rms, each covariate by a restricted cubic spline, the others linear.
linear <- list()
for (k in 3:5) for (term in c("age", "wt.loss")) {
  others <- setdiff(terms, term)
  f <- as.formula(paste0("Surv(time, event) ~ rcs(", term, ", ", k, ") + ", paste(others, collapse = " + ")))
  m <- do.call(cph, list(f, data = d, method = "efron", eps = 1e-12, x = TRUE, y = TRUE))
  a <- anova(m)
  row <- grep("Nonlinear", rownames(a))[1]
  full <- coxph(Surv(time, event) ~ ., data.frame(time = d$time, event = d$event, rcspline.eval(d[[term]], nk = k, inclx = TRUE), d[others]), control = tight)
  base <- coxph(update(f0, Surv(time, event) ~ .), d, control = tight)
  linear[[paste0(term, k)]] <- list(wald = a[row, "Chi-Square"], df = a[row, "d.f."], p = a[row, "P"],
    lr = 2 * (full$loglik[2] - base$loglik[2]), knots = rcspline.eval(d[[term]], nk = k, knots.only = TRUE))
}
small <- d[1:70, ]
m <- cph(Surv(time, event) ~ rcs(age, 4) + sex, small, method = "efron", eps = 1e-12)
a <- anova(m)
linear$small <- list(wald = a[grep("Nonlinear", rownames(a))[1], "Chi-Square"], knots = rcspline.eval(small$age, nk = 4, knots.only = TRUE))
null <- residuals(coxph(Surv(time, event) ~ 1, d), "martingale")

out <- list(data = d[, c("time", "month", "event", terms, "centre", "w")], models = models,
            veteran = list(time = v$time, status = v$status, age = v$age, karno = v$karno, celltype = as.character(v$celltype),
                           trt = v$trt, chisq = unname(zv[, 1]), df = unname(zv[, 2]), p = unname(zv[, 3])),
            linearity = linear, null_martingale = unname(null),
            versions = list(R = R.version.string, survival = as.character(packageVersion("survival")), rms = as.character(packageVersion("rms"))))
write_json(out, commandArgs(TRUE)[1], digits = 15, auto_unbox = TRUE, dataframe = "columns")
