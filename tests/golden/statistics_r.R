# Univariate Cox models, concordance, log-rank and Kaplan-Meier of R's survival on data with many ties.
# Rscript tests/golden/statistics_r.R tests/golden/statistics_r.json
# The data are simulated here and stored rounded, so that both sides read the same numbers.
suppressMessages({library(survival); library(jsonlite)})
RNGversion("4.0.0"); set.seed(20); n <- 160; p <- 24
x <- round(matrix(rnorm(n * p), n), 3)
x[, 2] <- round(exp(3 * x[, 2]), 3)      # heavy tails
x[, 3] <- as.numeric(x[, 3] > 1)         # a rare category
x[, 4] <- round(x[, 4])                  # few levels
x[, 5] <- x[, 5] * 1e4                   # large units
x[, 6] <- round(x[, 6] * 1e-3, 6)        # small units
death <- ceiling(rexp(n) * 12 * exp(-0.5 * x[, 1] + 0.4 * x[, 3])); end <- sample(4:40, n, TRUE)
d <- data.frame(time = pmin(death, end), event = as.integer(death <= end), centre = rep(1:4, length.out = n))
d$group <- as.integer(x[, 1] > 0) + as.integer(x[, 1] > 0.8)
tight <- coxph.control(eps = 1e-13, toler.chol = 1e-15, iter.max = 100)
fit <- function(j, ties) { f <- coxph(Surv(time, event) ~ x[, j], d, ties = ties, control = tight)
  c(coef(f), sqrt(vcov(f)), summary(f)$coefficients[, "Pr(>|z|)"]) }
uni <- function(ties) { m <- sapply(seq_len(p), fit, ties = ties); list(coef = m[1, ], se = m[2, ], p = m[3, ]) }
risk <- round(x[, 1] + 0.3 * x[, 4], 1)  # tied risks
two <- d$group > 0
diff2 <- survdiff(Surv(time, event) ~ two, d)
km <- summary(survfit(Surv(time, event) ~ 1, d), censored = TRUE)
many <- function(...) coxph(Surv(time, event) ~ x[, 1] + x[, 3] + x[, 4] + x[, 7], d, control = tight, ...)
model <- function(f) list(coef = unname(coef(f)), se = unname(sqrt(diag(f$var))), loglik = f$loglik, z = unname(coef(f) / sqrt(diag(f$var))))
hazard <- function(f) { b <- basehaz(f, centered = FALSE); list(time = b$time, hazard = b$hazard) }
cc <- concordance(Surv(time, event) ~ risk, d, reverse = TRUE)
out <- list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
  time = d$time, event = d$event, centre = d$centre, group = d$group, x = x, risk = risk,
  univariate = list(efron = uni("efron"), breslow = uni("breslow")),
  cox = list(efron = model(many(ties = "efron")), breslow = model(many(ties = "breslow"))),
  basehaz = list(efron = hazard(many(ties = "efron")), breslow = hazard(many(ties = "breslow"))),
  concordance = list(c = unname(cc$concordance), se = sqrt(cc$var)),
  logrank = list(chisq = diff2$chisq, p = pchisq(diff2$chisq, 1, lower.tail = FALSE)),
  bh = p.adjust(uni("efron")$p, "BH"),
  km = list(time = km$time, surv = km$surv, lower = km$lower, upper = km$upper, at_risk = km$n.risk))
write_json(out, commandArgs(TRUE)[1], digits = NA, auto_unbox = TRUE, matrix = "rowmajor")
