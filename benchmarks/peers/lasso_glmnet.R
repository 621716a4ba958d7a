# glmnet's LASSO-Cox path and folds: Rscript lasso_glmnet.R FOLDER N P RATIO THRESH FOLDS. Prints seconds of both.
a <- commandArgs(TRUE)
suppressMessages({library(survival); library(glmnet)})
n <- as.integer(a[2]); p <- as.integer(a[3]); folds <- as.integer(a[6])
x <- matrix(readBin(file.path(a[1], "x.bin"), "double", n * p), n, p)
d <- read.csv(file.path(a[1], "y.csv"), header = FALSE)
y <- Surv(d$V1, d$V2)
fit <- function(r, ...) glmnet(x[r, ], y[r], family = "cox", thresh = as.numeric(a[5]), maxit = 1e8, ...)
glmnet.control(fdev = 0)
start <- proc.time()[3]
m <- fit(rep(TRUE, n), nlambda = 100, lambda.min.ratio = as.numeric(a[4]))
path <- proc.time()[3] - start
for (k in seq_len(folds) - 1) fit(d$V3 != k, lambda = m$lambda)
cat(path, proc.time()[3] - start, length(m$lambda), "\n")
writeBin(as.vector(as.matrix(m$beta)), file.path(a[1], paste0("glmnet_", a[5], ".bin")))
writeBin(m$lambda, file.path(a[1], paste0("glmnet_", a[5], "_lambda.bin")))
