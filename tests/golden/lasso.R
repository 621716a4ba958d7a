# glmnet 4.1-6 does not reach the optimum of a stratified Cox model, so strata are checked elsewhere (optimality conditions).
# Reference values of LASSO-Cox and univariate Cox on R's own `lung`: Rscript tests/golden/lasso.R tests/golden/lasso.json
suppressMessages({library(survival); library(glmnet); library(jsonlite)})
out <- commandArgs(TRUE)[1]
d <- na.omit(lung[, c("time", "status", "age", "sex", "ph.ecog", "ph.karno", "pat.karno", "meal.cal", "wt.loss")])
n <- nrow(d)
x <- as.matrix(d[, -(1:2)])
event <- d$status == 2
weight <- 1 + (seq_len(n) %% 3) / 2
strata <- seq_len(n) %% 2
fold <- 1 + (seq_len(n) * 7) %% 5
y <- Surv(d$time, event)
factors <- c(0, 1, 2, 1, Inf, 0.5, 1)
lambda <- 10^seq(-0.8, -2.5, length.out = 12)
tight <- list(thresh = 1e-15, maxit = 1e7)
path <- function(y, ...) {
  m <- do.call(glmnet, c(list(x, y, family = "cox", lambda = lambda, ...), tight))
  list(coef = t(as.matrix(m$beta)), explained = m$dev.ratio, null_deviance = m$nulldev)
}
cv <- function(y, ...) {
  m <- do.call(cv.glmnet, c(list(x, y, family = "cox", lambda = lambda, foldid = fold, ...), tight))
  list(mean = m$cvm, se = m$cvsd, at_min = m$lambda.min, at_1se = m$lambda.1se)
}
largest <- function(...) glmnet(x, y, family = "cox", nlambda = 5, ...)$lambda[1]
uni <- function(model, w, ties) {
  fits <- lapply(seq_len(ncol(x)), function(j) {
    z <- x[, j]
    environment(model) <- environment()
    coxph(model, weights = w, ties = ties, control = coxph.control(eps = 1e-13, toler.chol = 1e-15))
  })
  list(coef = sapply(fits, function(f) unname(coef(f))), se = sapply(fits, function(f) sqrt((if (is.null(f$naive.var)) f$var else f$naive.var)[1, 1])))
}
plain <- y ~ z
stratified <- y ~ z + strata(strata)
values <- list(
  versions = list(R = R.version.string, glmnet = as.character(packageVersion("glmnet")), survival = as.character(packageVersion("survival"))),
  x = x, time = d$time, event = event, weight = weight, strata = strata, fold = fold, factors = as.character(factors), lambda = lambda,
  path = list(
    plain = path(y), elastic = path(y, alpha = 0.4), raw = path(y, standardize = FALSE), weighted = path(y, weights = weight),
    factors = path(y, penalty.factor = factors), all = path(y, weights = weight, penalty.factor = factors, alpha = 0.6)
  ),
  largest = list(plain = largest(), factors = largest(penalty.factor = factors), elastic = largest(alpha = 0.4)),
  cv = list(
    deviance = cv(y), weighted = cv(y, weights = weight), concordance = cv(y, type.measure = "C"),
    weighted_concordance = cv(y, type.measure = "C", weights = weight)
  ),
  univariate = list(
    efron = uni(plain, rep(1, n), "efron"), stratified = uni(stratified, rep(1, n), "efron"),
    weighted = uni(plain, weight, "efron"), breslow = uni(stratified, weight, "breslow")
  ),
  efron = unname(coef(coxph(y ~ x + strata(strata), weights = weight, ties = "efron", control = coxph.control(eps = 1e-13))))
)
write_json(values, out, digits = NA, auto_unbox = TRUE)
