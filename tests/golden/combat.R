# Reference values of ComBat by sva and of M-ComBat by its formula (Stein et al. 2015): Rscript combat.R > combat.json
suppressMessages({
  library(sva)
  library(jsonlite)
})
set.seed(20150128)
sizes <- c(A = 5, B = 8, C = 10)
batch <- rep(names(sizes), sizes)
features <- 20
age <- round(rnorm(23, 65, 9), 1)
female <- rbinom(23, 1, 0.4)
shift <- rbind(A = rnorm(features, 0.5, 0.7), B = rnorm(features, -0.8, 0.5), C = rnorm(features, 0.2, 0.9))
scale <- rbind(A = rgamma(features, 9, 9), B = rgamma(features, 9, 6), C = rgamma(features, 12, 15))
level <- rnorm(features, 3, 4)
spread <- exp(rnorm(features))
noise <- matrix(rnorm(23 * features), 23)
x <- t(level + spread * t(shift[batch, ] + noise * scale[batch, ] + outer(age - 65, rnorm(features, 0, 0.04))))
x <- round(x, 6)
flat <- x
flat[batch == "B", 3] <- 1.5

run <- function(x, ...) {
  sink("/dev/null")
  on.exit(sink())
  unname(t(suppressMessages(ComBat(t(x), batch = batch, ...))))
}
mod <- model.matrix(~ age + female)
m_combat <- function(x, centre) {
  # Each batch by its own mean and standard deviation, then those of the centre.
  for (k in seq_len(ncol(x))) {
    target <- x[batch == centre, k]
    for (b in names(sizes)) {
      own <- x[batch == b, k]
      x[batch == b, k] <- (own - mean(own)) / sd(own) * sd(target) + mean(target)
    }
  }
  x
}
# A batch of one patient: sva adjusts locations only.
alone <- c("D", batch[-1])
single <- function(...) {
  sink("/dev/null")
  on.exit(sink())
  unname(t(suppressMessages(ComBat(t(x), batch = alone, mean.only = TRUE, ...))))
}
cases <- list(
  parametric = run(x),
  nonparametric = run(x, par.prior = FALSE),
  mean_only = run(x, mean.only = TRUE),
  nonparametric_mean_only = run(x, par.prior = FALSE, mean.only = TRUE),
  reference = run(x, ref.batch = "B"),
  nonparametric_reference = run(x, par.prior = FALSE, ref.batch = "B"),
  mean_only_reference = run(x, mean.only = TRUE, ref.batch = "C"),
  covariates = run(x, mod = mod),
  covariates_nonparametric = run(x, mod = mod, par.prior = FALSE),
  covariates_reference = run(x, mod = mod, ref.batch = "A"),
  covariates_mean_only = run(x, mod = mod, mean.only = TRUE),
  flat = run(flat),
  single_mean_only = single(),
  m_combat = m_combat(x, "B")
)
cat(toJSON(
  list(
    made_with = list(R = as.character(getRversion()), sva = as.character(packageVersion("sva"))),
    batch = batch, age = age, female = female, x = x, flat = flat, cases = cases
  ),
  digits = NA, auto_unbox = TRUE
))
