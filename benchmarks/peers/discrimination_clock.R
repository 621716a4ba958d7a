# Seconds of R's survival and riskRegression: Rscript discrimination_clock.R FOLDER REPEATS; prints JSON of medians.
suppressMessages(library(survival))
a <- commandArgs(TRUE); folder <- a[1]; repeats <- as.integer(a[2])
read <- function(n) { d <- read.csv(file.path(folder, paste0(n, ".csv")), header = FALSE); names(d) <- c("t", "e", "x"); d }
clock <- function(work) median(sapply(seq_len(repeats), function(i) { gc(); s <- proc.time()[3]; work(); proc.time()[3] - s }))
C <- function(d) concordance(Surv(t, e) ~ x, d, reverse = TRUE)$concordance
found <- list()
d5 <- read("100000"); found[["survival C 100000"]] <- clock(function() C(d5))
d4 <- read("10000"); found[["survival C 10000"]] <- clock(function() C(d4))
d <- read("300"); set.seed(1)
found[["survival bootstrap"]] <- clock(function() replicate(2000, C(d[sample(300, 300, TRUE), ])))
if (requireNamespace("riskRegression", quietly = TRUE)) {
  suppressMessages(library(riskRegression)); k <- read("1000")
  grid <- unname(quantile(k$t, seq(.1, .8, length.out = 100)))
  m <- matrix(rep(k$x, 100), ncol = 100)
  found[["riskRegression AUC curve"]] <- clock(function() Score(list(m = pnorm(m)), formula = Surv(t, e) ~ 1, data = k,
    times = grid, metrics = "auc", cens.model = "km", null.model = FALSE, conf.int = TRUE))
}
cat("{", paste(sprintf("\"%s\": %.6f", names(found), unlist(found)), collapse = ", "), "}\n")
