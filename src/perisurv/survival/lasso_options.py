"""What the LASSO-Cox path penalises, and how finely it is walked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from perisurv.core import SettingsError
from perisurv.statistics import Ties

__all__ = ["CvMeasure", "LassoOptions"]

CvMeasure = Literal["deviance", "concordance"]


@dataclass(frozen=True, slots=True)
class LassoOptions:
    """The penalty path, as glmnet defines it.

    Parameters
    ----------
    alpha
        Share of the L1 penalty: 1 is the LASSO; the rest is ridge.
    n_lambdas
        Length of the path.
    lambda_min_ratio
        Smallest over largest lambda; 0: 0.0001, or 0.01 with more features than patients.
    lambdas
        Decreasing lambdas instead of the automatic path.
    standardise
        Scale columns to unit variance (1/n, by case weights) for the penalty; coefficients are returned on the original
        scale. Every fold has its own scale.
    tolerance
        Largest violation of the optimality (KKT) conditions, relative to the largest lambda of the automatic path.
    max_explained, min_gain
        The automatic path ends where the share of explained deviance exceeds the first or grows by less than the
        second, relative to itself, from one lambda to the next, or where Newton's method does not converge. Given
        lambdas go on, but once the first is exceeded (no finite maximum is in sight) or Newton's method did not
        converge, the coefficients stay as they are.
    ties
        Tied deaths; glmnet knows Breslow only.
    penalty_factors
        Multiplies lambda, one a feature: 0 leaves a feature unpenalised, infinity leaves it out. As in glmnet they are
        rescaled to a mean of 1, an infinite one counted as 1. Empty: all 1.
    measure
        What cross-validation judges a fold by: partial-likelihood deviance, or Harrell's C of the left-out patients.
    patience
        Cross-validation by deviance ends the automatic path once the curve lay more than a standard error above its
        smallest value at so many lambdas in a row: what follows is overfitted and costs most of the time. 0: never.
    threads
        The folds' problems are solved by that many threads; the result is the same.
    """

    alpha: float = 1.0
    n_lambdas: int = 100
    lambda_min_ratio: float = 0.0
    lambdas: tuple[float, ...] = ()
    standardise: bool = True
    tolerance: float = 1e-7
    max_explained: float = 0.999
    min_gain: float = 1e-5
    ties: Ties = "breslow"
    penalty_factors: tuple[float, ...] = ()
    measure: CvMeasure = "deviance"
    patience: int = 10
    threads: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 1 or not 0 <= self.lambda_min_ratio < 1 or self.n_lambdas < 2 or self.tolerance <= 0:
            raise SettingsError(
                "LASSO-Cox needs alpha in (0, 1], lambda_min_ratio in [0, 1), n_lambdas >= 2 and tolerance > 0."
            )
        if self.lambdas and (not min(self.lambdas) > 0 or list(self.lambdas) != sorted(self.lambdas, reverse=True)):
            raise SettingsError("LASSO-Cox lambdas must be positive and decreasing.")
        for key, kind in (("ties", Ties), ("measure", CvMeasure)):
            value, allowed = getattr(self, key), get_args(kind)
            if value not in allowed:
                raise SettingsError(f"LASSO-Cox {key} must be one of {', '.join(allowed)}; got {value!r}.")
        if any(math.isnan(f) or f < 0 for f in self.penalty_factors):
            raise SettingsError("LASSO-Cox penalty factors must not be negative or missing; infinity leaves one out.")
        if self.threads < 1 or self.patience < 0:
            raise SettingsError(
                f"LASSO-Cox needs at least one thread and patience >= 0; got {self.threads} and {self.patience}."
            )
