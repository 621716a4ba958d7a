"""LASSO-Cox as scikit-learn estimators: a risk, a selection by cross-validation, a selection by stability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Tags

from perisurv.core import FeatureTable, Outcome, OutcomeError, SettingsError
from perisurv.survival.estimator import Features, FollowUp, SurvivalRegressor, TableTransformer
from perisurv.survival.folds import assign_folds
from perisurv.survival.kept import KeptFeatures
from perisurv.survival.lasso_cox import CvLasso, cv_lasso_cox
from perisurv.survival.lasso_options import LassoOptions
from perisurv.survival.lasso_stability import StabilityOptions, StabilitySelection, stability_selection
from perisurv.survival.options import LambdaRule

__all__ = ["LassoCox", "LassoCoxSelector", "StabilitySelector"]

Floats = NDArray[np.float64]


class LassoCox(SurvivalRegressor):
    """LASSO- or elastic-net-Cox at the lambda that cross-validation chooses; see :func:`cv_lasso_cox`.

    Parameters
    ----------
    rule
        The best lambda, or the largest within one standard error of it.
    folds
        Folds of a cross-validation; at most one a death.
    repeats
        Cross-validations, each with folds of its own, whose mean curve decides.
    options
        Penalty path; None: the defaults of :class:`LassoOptions`.
    seed
        Deals the folds.

    Attributes
    ----------
    coef_
        Coefficients, shape (features,).
    mean_
        Training means, shape (features,); the risk of the mean patient is 0.
    lambda_
        The chosen lambda.
    cv_
        Path and curve.
    """

    coef_: Floats
    mean_: Floats
    lambda_: float
    cv_: CvLasso

    def __init__(
        self,
        *,
        rule: LambdaRule = "min",
        folds: int = 10,
        repeats: int = 1,
        options: LassoOptions | None = None,
        seed: int = 0,
    ) -> None:
        self.rule = rule
        self.folds = folds
        self.repeats = repeats
        self.options = options
        self.seed = seed

    def fit(
        self,
        X: Features,
        y: FollowUp,
        *,
        sample_weight: ArrayLike | None = None,
        strata: Sequence[object] | None = None,
    ) -> Self:
        """Fit on training patients.

        Parameters
        ----------
        X, y
            Features and follow-up.
        sample_weight
            Case weights, one a row.
        strata
            One label a row, such as the centre: each stratum has its own baseline hazard.
        """
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=float)

        def learn(table: FeatureTable, outcome: Outcome) -> None:
            folds = _deal(outcome, self.folds, self.repeats, self.seed)
            self.cv_ = cv_lasso_cox(table, outcome, folds, self.options, strata=strata, weight=weight)
            at = self.cv_.at(self.rule)
            self.coef_, self.lambda_ = self.cv_.path.coef[at].copy(), float(self.cv_.path.lambdas[at])
            self.mean_ = table.frame.to_numpy().mean(axis=0)

        return self._learn(X, y, learn)

    def get_support(self) -> NDArray[np.bool_]:
        """Which features have a coefficient, shape (features,)."""
        return np.asarray(self.coef_ != 0)

    def _risk(self, frame: pd.DataFrame) -> Floats:
        return np.asarray((frame.to_numpy() - self.mean_) @ self.coef_)


class LassoCoxSelector(TableTransformer):
    """Keep the features that LASSO-Cox gives a coefficient at the lambda that cross-validation chooses.

    Parameters
    ----------
    rule, folds, repeats, options, seed
        As of :class:`LassoCox`.
    at_least
        Where fewer features have a coefficient at that lambda, the largest with so many decides; 0: none may be kept.
    """

    step_: KeptFeatures

    def __init__(
        self,
        *,
        rule: LambdaRule = "min",
        folds: int = 10,
        repeats: int = 1,
        options: LassoOptions | None = None,
        seed: int = 0,
        at_least: int = 0,
    ) -> None:
        self.at_least = at_least
        self.rule = rule
        self.folds = folds
        self.repeats = repeats
        self.options = options
        self.seed = seed

    def fit(self, X: Features, y: FollowUp | None = None, *, strata: Sequence[object] | None = None) -> Self:
        """Fit on training patients; ``strata`` as of :meth:`LassoCox.fit`."""

        def learn(table: FeatureTable, outcome: Outcome | None) -> KeptFeatures:
            assert outcome is not None
            folds = _deal(outcome, self.folds, self.repeats, self.seed)
            cv = cv_lasso_cox(table, outcome, folds, self.options, strata=strata)
            enough = np.flatnonzero(cv.path.n_features[cv.at(self.rule) :] >= self.at_least)
            chosen = cv.path.coef[cv.at(self.rule) + (enough[0] if len(enough) else 0)] != 0
            return _kept(table, [n for n, c in zip(table.names, chosen, strict=True) if c])

        return self._learn(X, y, learn)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class StabilitySelector(TableTransformer):
    """Keep the features that LASSO-Cox keeps choosing on halves of the patients; see :func:`stability_selection`.

    Parameters
    ----------
    options
        How stable a feature must be; None: the defaults of :class:`StabilityOptions`.
    seed
        Deals the halves.
    at_least
        Keep this many of the most frequent features even if they are not stable; 0: none may be kept.

    Attributes
    ----------
    selection_
        How often each feature was chosen, and the bound of false ones.
    """

    step_: KeptFeatures
    selection_: StabilitySelection

    def __init__(self, *, options: StabilityOptions | None = None, seed: int = 0, at_least: int = 0) -> None:
        self.at_least = at_least
        self.options = options
        self.seed = seed

    def fit(self, X: Features, y: FollowUp | None = None, *, strata: Sequence[object] | None = None) -> Self:
        """Fit on training patients; ``strata`` as of :meth:`LassoCox.fit`."""

        def learn(table: FeatureTable, outcome: Outcome | None) -> KeptFeatures:
            assert outcome is not None
            rng = np.random.default_rng(self.seed)
            self.selection_ = stability_selection(table, outcome, rng, self.options, strata=strata)
            first = np.argsort(-self.selection_.frequency, kind="stable")[: self.at_least]
            stable = {*self.selection_.stable, *(table.names[k] for k in first)}
            return _kept(table, [n for n in table.names if n in stable])

        return self._learn(X, y, learn)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _deal(outcome: Outcome, folds: int, repeats: int, seed: int) -> NDArray[np.intp]:
    """Folds with a column a repeat, shape (patients, repeats)."""
    rng = np.random.default_rng(seed)
    if outcome.n_events < 2:
        raise OutcomeError(
            f"Cross-validation needs two patients with an event; got {outcome.n_events}, n_samples={len(outcome)}."
        )
    if repeats < 1:
        raise SettingsError(f"Cross-validation needs at least one repeat, got {repeats}.")
    return np.stack([assign_folds(outcome, min(folds, outcome.n_events), rng) for _ in range(repeats)], axis=1)


def _kept(table: FeatureTable, names: Sequence[str]) -> KeptFeatures:
    return KeptFeatures(tuple(names), frozenset(table.patients) | table.seen)
