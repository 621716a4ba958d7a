# glmnet on the LUNG1 table of the test data: at its default tolerance, and as near to the optimum as it goes.
# Rscript tests/golden/lasso_lung1.R TEST_DATA/reference_statistics tests/golden/lasso_lung1.json
# The table holds copies of columns, among which the optimum of alpha = 1 is not unique: "tight" is fitted without them.
suppressMessages({library(glmnet); library(survival); library(jsonlite)})
folder <- commandArgs(TRUE)[1]
z <- read.csv(file.path(folder, "lung1_std_X.csv"), row.names = 1); X <- as.matrix(z[, -(1:2)]); Y <- Surv(z$time, z$event)
lambdas <- function(alpha) read.csv(file.path(folder, sprintf("glmnet_lung1_alpha%s_path.csv", alpha)))$lambda
C <- abs(cor(X)); unique <- sapply(seq_len(ncol(X)), function(j) j == 1 || !any(C[seq_len(j - 1), j] > 1 - 1e-8))
held <- function(g) { m <- as.matrix(coef(g)); m <- m[rowSums(abs(m)) > 0, ]; list(names = rownames(m), coef = unname(m)) }
fit <- function(X, alpha, ...) held(glmnet(X, Y, family = "cox", alpha = as.numeric(alpha), standardize = FALSE, lambda = lambdas(alpha), ...))
out <- list(default = list(alpha1 = fit(X, "1"), alpha0.5 = fit(X, "0.5")))
glmnet.control(epsnr = 1e-14, mxitnr = 1000)
out$tight <- list(columns = colnames(X)[unique], alpha1 = fit(X[, unique], "1", thresh = 1e-22, maxit = 1e8))
out$tight$alpha0.5 <- fit(X, "0.5", thresh = 1e-22, maxit = 1e8)
out$versions <- list(R = R.version.string, glmnet = as.character(packageVersion("glmnet")))
write_json(out, commandArgs(TRUE)[2], digits = 12, auto_unbox = TRUE)
