"""Trees with the Cox objective, to set beside the signature: boosting and a forest, by XGBoost.

A random survival forest proper (log-rank splits, Nelson-Aalen leaves) has no implementation under a permissive licence
that is maintained; a forest of trees that split by the Cox partial likelihood is the stated stand-in. XGBoost is
optional (the extra ``comparators``) and loads when first fitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import FeatureTable, InputError, Outcome, OutcomeError
from perisurv.survival.estimator import Features, FollowUp, SurvivalRegressor

__all__ = ["BoostedCox", "ForestCox"]

Floats = NDArray[np.float64]
LARGEST = 1e37  # XGBoost computes in single precision


class _TreesCox(SurvivalRegressor):
    """What boosting and forest share: rows by patient, one thread, the log hazard ratio."""

    booster_: Any

    def _train(
        self, X: Features, y: FollowUp, settings: Mapping[str, object], rounds: int, *, few_features: bool = False
    ) -> Self:
        boost = _xgboost()

        def fit(table: FeatureTable, outcome: Outcome) -> None:
            patients = sorted(table.patients)  # sums in single precision hang on the order of the rows
            own = outcome.take(patients)
            if not own.n_events:
                raise OutcomeError(
                    "A Cox model needs a patient with an event; all are censored: no event was observed."
                )
            label = np.where(own.event, own.time_days, -own.time_days)  # its sign says whether the patient died
            rows = boost.DMatrix(_single(table.take(patients).frame), label=label)
            share = table.frame.shape[1] ** -0.5 if few_features else 1.0
            fixed: dict[str, object] = {"objective": "survival:cox", "tree_method": "hist", "nthread": 1}
            fixed |= {"base_score": 1.0, "colsample_bynode": share}
            self.booster_ = boost.train(fixed | dict(settings), rows, num_boost_round=rounds)

        return self._learn(X, y, fit)

    def _risk(self, frame: pd.DataFrame) -> Floats:
        margin = self.booster_.predict(_xgboost().DMatrix(_single(frame)), output_margin=True)
        return np.asarray(margin, dtype=float)


class BoostedCox(_TreesCox):
    """Gradient boosting of trees on the Cox partial likelihood (Breslow ties); features need no scaling.

    Parameters
    ----------
    n_trees
        Trees, each fitted on what those before left.
    learning_rate
        Share of each tree that is taken.
    max_depth
        Splits from root to leaf; 2 allows pairs of features to interact.
    subsample
        Share of the patients that a tree sees.
    seed
        Of the draws.

    Attributes
    ----------
    booster_
        The trees.
    """

    def __init__(
        self,
        *,
        n_trees: int = 200,
        learning_rate: float = 0.05,
        max_depth: int = 2,
        subsample: float = 0.8,
        seed: int = 0,
    ) -> None:
        self.n_trees = n_trees
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.subsample = subsample
        self.seed = seed

    def fit(self, X: Features, y: FollowUp) -> Self:
        """Fit on training patients.

        Raises
        ------
        InputError
            If XGBoost is not installed or nobody died.
        """
        settings = {
            "learning_rate": self.learning_rate,
            "max_depth": self.max_depth,
            "subsample": self.subsample,
            "seed": self.seed,
        }
        return self._train(X, y, settings, self.n_trees)


class ForestCox(_TreesCox):
    """A forest of trees, each grown on a share of the patients by the Cox partial likelihood at the null model.

    Parameters
    ----------
    n_trees
        Trees; the risk is their mean.
    max_depth
        Splits from root to leaf.
    subsample
        Share of the patients that a tree sees, drawn without replacement.
    min_deaths
        Expected deaths that a leaf holds at least.
    seed
        Of the draws of patients, and of the square root of the features that each split may choose from.

    Attributes
    ----------
    booster_
        The trees.
    """

    def __init__(
        self,
        *,
        n_trees: int = 500,
        max_depth: int = 6,
        subsample: float = 0.632,
        min_deaths: float = 3.0,
        seed: int = 0,
    ) -> None:
        self.n_trees = n_trees
        self.max_depth = max_depth
        self.subsample = subsample
        self.min_deaths = min_deaths
        self.seed = seed

    def fit(self, X: Features, y: FollowUp) -> Self:
        """Fit on training patients.

        Raises
        ------
        InputError
            If XGBoost is not installed or nobody died.
        """
        settings = {
            "learning_rate": 1.0,
            "num_parallel_tree": self.n_trees,
            "max_depth": self.max_depth,
            "subsample": self.subsample,
            "min_child_weight": self.min_deaths,
            "seed": self.seed,
        }
        return self._train(X, y, settings, 1, few_features=True)


def _single(frame: pd.DataFrame) -> NDArray[np.float32]:
    return np.asarray(np.clip(frame.to_numpy(), -LARGEST, LARGEST), dtype=np.float32)


def _xgboost() -> Any:
    try:
        import xgboost  # noqa: PLC0415  optional, and loads slowly
    except ImportError as error:
        raise InputError("Boosting and forests need XGBoost, which is not installed: pip install xgboost.") from error
    return xgboost
