# Reference values of discrimination, made with R: Rscript tests/golden/discrimination.R > tests/golden/discrimination.json
# survival (lung, veteran: classic public data), riskRegression, rms, jsonlite.
suppressMessages({library(survival); library(riskRegression); library(rms); library(jsonlite)})

# Made-up follow-up with everything tied: whole times, risks of one decimal, case weights, three strata.
set.seed(3); n <- 60
made <- data.frame(t = sample(1:20, n, TRUE), e = rbinom(n, 1, .6), x = round(rnorm(n), 1), y = round(rnorm(n), 1),
                   w = round(runif(n, .2, 3), 2), g = sample(c("a", "b", "c"), n, TRUE))
of <- function(f, ...) do.call(concordance, list(f, data = made, reverse = TRUE, ...))
C <- function(f, ...) { c <- of(f, ...); list(c = c$concordance, se = sqrt(c$var)) }
tied <- list(
  data = made[, c("t", "e", "x", "y", "w", "g")],
  plain = C(Surv(t, e) ~ x), weighted = C(Surv(t, e) ~ x, weights = made$w),
  strata = C(Surv(t, e) ~ x + strata(g)), weighted_strata = C(Surv(t, e) ~ x + strata(g), weights = made$w),
  uno = C(Surv(t, e) ~ x, timewt = "n/G2"), uno_weighted = C(Surv(t, e) ~ x, weights = made$w, timewt = "n/G2"),
  uno_tau_5 = C(Surv(t, e) ~ x, timewt = "n/G2", ymax = 5), uno_tau_11 = C(Surv(t, e) ~ x, timewt = "n/G2", ymax = 11))
both <- function(...) {
  a <- of(Surv(t, e) ~ x, influence = 1, ...)
  b <- of(Surv(t, e) ~ y, influence = 1, ...)
  list(difference = a$concordance - b$concordance, se = sqrt(sum((a$dfbeta - b$dfbeta)^2)))
}
tied$paired <- both(); tied$uno_paired <- both(timewt = "n/G2")
alive <- function(v) cbind(plogis(v + 1), plogis(v))
s <- Score(list(x = 1 - alive(made$x), y = 1 - alive(made$y)), formula = Surv(t, e) ~ 1, data = made, times = c(5, 11),
           metrics = c("auc", "brier"), cens.model = "km", null.model = TRUE, conf.int = TRUE)
tied$score <- list(auc = s$AUC$score, brier = s$Brier$score)

# veteran: AUC and Brier of two nested Cox models over many times, differences, integrated Brier.
a <- coxph(Surv(time, status) ~ karno + celltype, veteran, x = TRUE)
b <- coxph(Surv(time, status) ~ age + trt + prior, veteran, x = TRUE)
times <- c(30, 60, 90, 120, 150, 180, 210, 240, 270, 300)
s <- Score(list(a = a, b = b), formula = Surv(time, status) ~ 1, data = veteran, times = times, metrics = c("auc", "brier"),
           cens.model = "km", null.model = TRUE, conf.int = TRUE, contrasts = TRUE, summary = "ibs")
vet <- list(time = veteran$time, status = veteran$status, times = times,
            lp_a = unname(predict(a)), lp_b = unname(predict(b)),
            survival_a = 1 - predictRisk(a, veteran, times), survival_b = 1 - predictRisk(b, veteran, times),
            auc = s$AUC$score, auc_contrasts = s$AUC$contrasts, brier = s$Brier$score, brier_contrasts = s$Brier$contrasts,
            royston_a = as.list(royston(a)), royston_b = as.list(royston(b)))

# lung: rms::validate with the rows of its resamples.
l <- na.omit(lung[, c("time", "status", "age", "sex", "ph.ecog", "wt.loss")]); n <- nrow(l)
dd <- datadist(l); options(datadist = "dd")
f <- cph(Surv(time, status == 2) ~ age + sex + ph.ecog, l, x = TRUE, y = TRUE)
B <- 200; set.seed(2); v <- unclass(rms::validate(f, B = B))
set.seed(2); rows <- replicate(B, sample(n, replace = TRUE))
counts <- apply(rows, 2, function(r) tabulate(r, n))
m <- coxph(Surv(time, status == 2) ~ age + sex + ph.ecog, l)
out <- list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival")),
                  riskRegression = as.character(packageVersion("riskRegression")), rms = as.character(packageVersion("rms"))),
  tied = tied, veteran = vet,
  lung = list(time = l$time, status = l$status, age = l$age, sex = l$sex, ph_ecog = l$ph.ecog, lp = unname(predict(m)),
              royston = as.list(royston(m)), validate = apply(v, 1, as.list),
              counts = apply(counts, 2, paste, collapse = "")))  # one digit a patient
stopifnot(max(counts) < 10)
cat(toJSON(out, digits = NA, auto_unbox = TRUE))
