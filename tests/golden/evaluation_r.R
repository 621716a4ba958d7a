# Reference numbers for perisurv.evaluation, made with R (survival, rms, cmprsk). Run in this folder:
#   Rscript evaluation_r.R
# Data: lung and veteran of survival, Melanoma of riskRegression (all public), and weights drawn by seed.
suppressMessages({library(survival); library(rms); library(cmprsk); library(jsonlite)})
data(Melanoma, package = "riskRegression")
out <- list(); ctl <- coxph.control(eps = 1e-11, toler.chol = 1e-13, iter.max = 50)
v <- veteran
out$veteran <- list(time = v$time, event = v$status, cell = as.integer(v$celltype), trt = v$trt, karno = v$karno)
set.seed(1); w <- sample(1:3, nrow(v), TRUE); out$veteran$weight <- w
# 1 Kaplan-Meier: limits, weights, quantiles
km <- function(f) list(time = f$time, survival = f$surv, lower = f$lower, upper = f$upper, at_risk = f$n.risk,
  se = summary(f, times = f$time)$std.err, quantile = lapply(quantile(f, c(.1, .25, .5, .75, .9)), unname))
for (ct in c("log", "log-log", "plain")) {
  out$km[[ct]] <- km(survfit(Surv(time, status) ~ 1, v, conf.type = ct, conf.int = .9))
  out$km_weighted[[ct]] <- km(survfit(Surv(time, status) ~ 1, v, weights = w, conf.type = ct, robust = FALSE))
}
level <- data.frame(time = 1:8, event = c(1, 1, 1, 1, 0, 0, 1, 0))  # the curve lies on 0.5 for a while
out$km_level <- c(as.list(level), list(quantile = lapply(quantile(survfit(Surv(time, event) ~ 1, level), .5), unname)))
# 2 log-rank: survdiff, and a general weight by hand
for (rho in c(0, .5, 1)) {
  a <- survdiff(Surv(time, status) ~ celltype, v, rho = rho)
  b <- survdiff(Surv(time, status) ~ celltype + strata(trt), v, rho = rho)
  out$log_rank[[paste0("rho", rho)]] <- list(rho = rho, chisq = a$chisq, p = a$pvalue, observed = as.numeric(a$obs),
    expected = as.numeric(a$exp), chisq_strata = b$chisq, p_strata = b$pvalue)
}
weighted <- function(time, event, group, weight, score = NULL) {
  k <- length(unique(group)); U <- numeric(k); V <- matrix(0, k, k); s <- 1; pp <- 1
  for (u in sort(unique(time[event == 1]))) {
    n <- sum(time >= u); d <- sum(time == u & event == 1)
    ng <- sapply(1:k, function(g) sum(time >= u & group == g)); dg <- sapply(1:k, function(g) sum(time == u & event == 1 & group == g))
    pp <- pp * (1 - d / (n + 1)); x <- weight(n, s, pp)
    U <- U + x * (dg - d * ng / n)
    if (n > 1) V <- V + x^2 * d * (n - d) / (n - 1) * (diag(ng / n) - tcrossprod(ng / n))
    s <- s * (1 - d / n)
  }
  if (is.null(score)) drop(U[-1] %*% solve(V[-1, -1]) %*% U[-1]) else sum(score * U)^2 / drop(score %*% V %*% score)
}
W <- list(gehan = function(n, s, pp) n, tarone_ware = function(n, s, pp) sqrt(n), peto_peto = function(n, s, pp) pp,
  fh_1_1 = function(n, s, pp) s * (1 - s), fh_0_1 = function(n, s, pp) 1 - s, log_rank = function(n, s, pp) 1)
g <- as.integer(v$celltype)
out$weighted <- lapply(W, function(x) list(chisq = weighted(v$time, v$status, g, x), trend = weighted(v$time, v$status, g, x, 1:4)))
# With untied times the trend test is the score test of a Cox model
tr <- data.frame(t = v$time + seq_len(nrow(v)) * 1e-4, e = v$status, g = g)
out$trend_untied <- list(time = tr$t, chisq = unname(summary(coxph(Surv(t, e) ~ g, tr))$sctest["test"]))
# 3 restricted mean (print of survfit), differences as in survRM2
tau <- 200
m <- summary(survfit(Surv(time, status) ~ trt, v), rmean = tau)$table
r <- unname(m[, grep("^\\*?rmean", colnames(m))]); s <- unname(m[, grep("se\\(rmean\\)", colnames(m))])
z <- qnorm(.975); d <- r[2] - r[1]; sd <- sqrt(sum(s^2)); lr <- log(r[2] / r[1]); sl <- sqrt(sum((s / r)^2))
out$rmst <- list(tau = tau, rmst = r, se = s, difference = c(d, d - z * sd, d + z * sd), p_difference = 2 * pnorm(-abs(d / sd)),
  ratio = exp(c(lr, lr - z * sl, lr + z * sl)), p_ratio = 2 * pnorm(-abs(lr / sl)))
# 4 hazard ratios
hr <- function(f) { s <- summary(f); list(coef = unname(s$coefficients[, "coef"]), se = unname(s$coefficients[, "se(coef)"]),
  p = unname(s$coefficients[, "Pr(>|z|)"]), lower = unname(s$conf.int[, 3]), upper = unname(s$conf.int[, 4])) }
out$hazard_ratio <- list(groups = hr(coxph(Surv(time, status) ~ celltype, v, control = ctl)), strata = hr(coxph(Surv(time, status) ~ celltype + strata(trt), v, control = ctl)),
  per_sd = hr(coxph(Surv(time, status) ~ scale(karno), v, control = ctl)), breslow = hr(coxph(Surv(time, status) ~ celltype, v, ties = "breslow", control = ctl)))
# 5 calibration of predicted risks at one year: a model of one half of lung on the other
l <- na.omit(lung[, c("time", "status", "age", "sex", "ph.ecog")]); l$event <- as.integer(l$status == 2); half <- seq_len(nrow(l)) %% 2 == 0
f <- coxph(Surv(time, event) ~ age + sex + ph.ecog, l[half, ]); te <- l[!half, ]; H <- 365
te$risk <- round(1 - as.numeric(summary(survfit(f, te), times = H)$surv), 6); te$x <- log(-log(1 - te$risk)); n <- nrow(te)
s0 <- survfit(Surv(time, event) ~ 1, te); k0 <- summary(s0, times = H)
slope <- coxph(Surv(time, event) ~ x, te, control = ctl)
pseudo <- n * (1 - k0$surv) - (n - 1) * sapply(1:n, function(i) 1 - summary(survfit(Surv(time, event) ~ 1, te[-i, ]), times = H)$surv)
fit_pseudo <- function(offset) {  # least squares of the pseudo-values on the cloglog scale, sandwich variance
  a <- if (offset) c(0) else c(0, 1); X <- if (offset) matrix(1, n, 1) else cbind(1, te$x); o <- if (offset) te$x else 0
  for (i in 1:200) { e <- drop(X %*% a) + o; mu <- 1 - exp(-exp(e)); D <- exp(e - exp(e)) * X; a <- a + solve(crossprod(D), crossprod(D, pseudo - mu))[, 1] }
  B <- solve(crossprod(D)); list(coef = a, se = sqrt(diag(B %*% crossprod(D * (pseudo - mu)) %*% B)))
}
curve <- function(knots) {
  g <- coxph(Surv(time, event) ~ rcs(x, knots), te, control = ctl); obs <- 1 - as.numeric(summary(survfit(g, te), times = H)$surv); e <- abs(obs - te$risk)
  list(observed = obs, ici = mean(e), e50 = unname(quantile(e, .5)), e90 = unname(quantile(e, .9)), emax = max(e))
}
grp <- cut(te$risk, quantile(te$risk, 0:4 / 4), include.lowest = TRUE, labels = FALSE)
gk <- summary(survfit(Surv(time, event) ~ grp, te, conf.type = "log-log"), times = H)
out$calibration <- list(time = te$time, event = te$event, risk = te$risk, horizon = H,
  slope = c(coef(slope), sqrt(vcov(slope))), observed = 1 - k0$surv, se = k0$std.err, expected = mean(te$risk), pseudo = pseudo,
  pseudo_intercept = fit_pseudo(TRUE), pseudo_slope = fit_pseudo(FALSE), curve3 = curve(3), curve4 = curve(4), curve5 = curve(5),
  groups = list(n = as.integer(table(grp)), mean = as.numeric(tapply(te$risk, grp, mean)), observed = 1 - gk$surv, lower = 1 - gk$upper, upper = 1 - gk$lower))
te$new <- round(pmin(pmax(te$risk + .1 * sin(7 * seq_len(n)), .01), .99), 6)
nri <- function(up, down) { P <- function(i) 1 - summary(survfit(Surv(time, event) ~ 1, te[i, ]), times = H, extend = TRUE)$surv; all <- P(rep(TRUE, n))
  c((P(up) * mean(up) - P(down) * mean(down)) / all, ((1 - P(down)) * mean(down) - (1 - P(up)) * mean(up)) / (1 - all)) }
at <- function(x) findInterval(x, c(.4, .5)); gs <- survfit(Surv(time + (1 - event) / 2, 1 - event) ~ 1, te)  # deaths of a day before its censorings
G <- function(u) c(1, gs$surv)[findInterval(u, gs$time, left.open = TRUE) + 1]  # just before u
case <- (te$event == 1 & te$time <= H) / G(te$time); live <- (te$time > H) / G(H + .75)
out$reclassification <- list(new = te$new, free = nri(te$new > te$risk, te$new < te$risk), categories = nri(at(te$new) > at(te$risk), at(te$new) < at(te$risk)),
  idi = weighted.mean(te$new - te$risk, case) - weighted.mean(te$new - te$risk, live))
# 6 competing risks
M <- Melanoma; M$ulc <- as.integer(M$ulcer == "present"); M$male <- as.integer(M$sex == "Male"); M$lv <- as.integer(factor(M$invasion))
M$month <- ceiling(M$time / 60)  # many ties
out$melanoma <- list(time = M$time, cause = M$status, thickness = M$thick, ulcer = M$ulc, male = M$male, invasion = M$lv, month = M$month)
aj <- function(t) { f <- survfit(Surv(t, factor(M$status)) ~ 1); g <- cuminc(t, M$status); at <- unique(quantile(t, c(.1, .25, .5, .75, .9), type = 1))
  s <- summary(f, times = at); tp <- timepoints(g, at)
  list(at = unname(at), pstate = s$pstate, se = s$std.err, cuminc = unname(tp$est), var = unname(tp$var)) }
out$aalen_johansen <- list(time = aj(M$time), month = aj(M$month))
gray <- function(t, g, ...) { x <- cuminc(t, M$status, g, ...)$Tests; list(stat = unname(x[, "stat"]), p = unname(x[, "pv"]), df = unname(x[, "df"])) }
out$gray <- list(time2 = gray(M$time, M$ulc), time3 = gray(M$time, M$lv), month2 = gray(M$month, M$ulc), month3 = gray(M$month, M$lv),
  strata = gray(M$time, M$lv, strata = M$male), month_strata = gray(M$month, M$lv, strata = M$male))
X <- cbind(M$thick, M$ulc, M$male)
fg <- function(t, cause) { f <- crr(t, M$status, X, failcode = cause, cencode = 0, gtol = 1e-12, maxiter = 100)
  d <- finegray(Surv(t, s) ~ X1 + X2 + X3 + id, data.frame(t = t, s = factor(M$status), X, id = seq_along(t)), etype = as.character(cause))
  c <- coxph(Surv(fgstart, fgstop, fgstatus) ~ X1 + X2 + X3, d, weights = fgwt, ties = "breslow", cluster = id, control = ctl)
  list(coef = unname(f$coef), se = unname(sqrt(diag(f$var))), loglik = f$loglik, coxph = unname(coef(c)), coxph_se = unname(sqrt(diag(vcov(c)))),
    at = quantile(t, c(.25, .5, .75), type = 1, names = FALSE), cif = sapply(quantile(t, c(.25, .5, .75), type = 1), function(u) { q <- predict(f, c(2, 1, 0)); max(0, q[q[, 1] <= u, 2]) })) }
out$fine_gray <- list(time1 = fg(M$time, 1), time2 = fg(M$time, 2), month1 = fg(M$month, 1))
cs <- coxph(Surv(time, status == 1) ~ thick + ulc + male, M, control = ctl); out$cause_specific <- hr(cs)
out$versions <- list(R = R.version.string, survival = as.character(packageVersion("survival")), rms = as.character(packageVersion("rms")),
  cmprsk = as.character(packageVersion("cmprsk")))
write_json(out, "evaluation_r.json", digits = 13, auto_unbox = TRUE, na = "null")
