"""ComBat and robust scaling as scikit-learn estimators.

The batch of every patient, and the covariates, are parameters of the constructor, not of ``fit``: they are facts of the
acquisition, known for new patients as for training ones, and a mapping by patient goes through pipelines, folds and
searches unchanged. Only the batches of the rows at hand are looked at. The rows must be named patients; without
batches all rows are of one, and any array will do.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from perisurv.core import FeatureError, FeatureTable
from perisurv.survival.estimator import Features, FollowUp, TableTransformer
from perisurv.survival.harmonise.batches import Batches, Unseen
from perisurv.survival.harmonise.combat import CombatOptions, Harmonisation
from perisurv.survival.harmonise.empirical_bayes import Prior
from perisurv.survival.harmonise.fit import fit_combat
from perisurv.survival.harmonise.robust import RobustOptions, RobustScale, Spread, fit_robust_scale

__all__ = ["BatchTransformer", "ComBat", "RobustScaling"]


class BatchTransformer(TableTransformer):
    """A transformer that needs to know the batch of each patient."""

    batch: Batches | None

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Names of the columns that come out, shape (features,): those that went in."""
        check_is_fitted(self)
        known = self._names()
        names = known if input_features is None else tuple(str(n) for n in np.asarray(input_features))
        if len(names) != len(known):
            raise FeatureError(f"input_features holds {len(names)} names for {len(known)} features.")
        return np.array(names, dtype=object)

    @abstractmethod
    def _names(self) -> tuple[str, ...]:
        """Names of the fitted features."""

    def _copy(self, step: Harmonisation | RobustScale) -> Self:
        made = copy.copy(self)
        made.step_, made.fitted_on_ = step, step.fitted_on
        return made

    def _transform(self, X: Features, *, checked: bool) -> Any:
        self._refuse_unnamed(X)
        return super()._transform(X, checked=checked)

    def _refuse_unnamed(self, X: Features) -> None:
        named = isinstance(X, FeatureTable) or (isinstance(X, pd.DataFrame) and not isinstance(X.index, pd.RangeIndex))
        if not named and (self.batch is not None or self._kept() is not None):
            raise FeatureError(
                f"{type(self).__name__} looks up the batch of each row by its patient; give a FeatureTable or a "
                "DataFrame whose index names the patients."
            )

    def _kept(self) -> pd.DataFrame | None:
        """Covariates, if there are any."""
        return None


class ComBat(BatchTransformer):
    """ComBat; see :func:`fit_combat` and :class:`CombatOptions` for the parameters.

    Parameters
    ----------
    batch
        Patient -> batch, of training and of new patients; None: all are of one, and nothing is changed.
    covariates
        Numbers whose effect on the features is kept, a row a patient, of training and of new patients.
    prior, mean_only, reference, m_combat, unseen
        As in :class:`CombatOptions`.
    """

    step_: Harmonisation

    def __init__(
        self,
        *,
        batch: Batches | None = None,
        covariates: pd.DataFrame | None = None,
        prior: Prior = "parametric",
        mean_only: bool = False,
        reference: str = "",
        m_combat: bool = False,
        unseen: Unseen = "refuse",
    ) -> None:
        self.batch = batch
        self.covariates = covariates
        self.prior = prior
        self.mean_only = mean_only
        self.reference = reference
        self.m_combat = m_combat
        self.unseen = unseen

    def fit(self, X: Features, y: FollowUp | None = None) -> Self:
        """Fit on training patients; the follow-up is not looked at."""
        self._refuse_unnamed(X)
        options = CombatOptions(
            prior=self.prior,
            mean_only=self.mean_only,
            reference=self.reference,
            m_combat=self.m_combat,
            unseen=self.unseen,
        )
        return self._learn(X, y, lambda table, _: fit_combat(table, self.batch, options, self.covariates)[0])

    def with_sample(self, X: FeatureTable, batch: str) -> Self:
        """A fitted copy that knows one more batch by a sample; see :meth:`Harmonisation.with_sample`."""
        check_is_fitted(self)
        return self._copy(self.step_.with_sample(X, batch, self.covariates))

    def _values(self, table: FeatureTable) -> pd.DataFrame:
        return self.step_.values(table.frame, self.batch, self.covariates)

    def _names(self) -> tuple[str, ...]:
        return self.step_.names

    def _kept(self) -> pd.DataFrame | None:
        return self.covariates


class RobustScaling(BatchTransformer):
    """Robust scaling of each batch; see :func:`fit_robust_scale` and :class:`RobustOptions` for the parameters.

    Parameters
    ----------
    batch
        Patient -> batch, of training and of new patients; None: all are of one.
    spread, unseen
        As in :class:`RobustOptions`.
    """

    step_: RobustScale

    def __init__(self, *, batch: Batches | None = None, spread: Spread = "iqr", unseen: Unseen = "refuse") -> None:
        self.batch = batch
        self.spread = spread
        self.unseen = unseen

    def fit(self, X: Features, y: FollowUp | None = None) -> Self:
        """Fit on training patients; the follow-up is not looked at."""
        self._refuse_unnamed(X)
        options = RobustOptions(spread=self.spread, unseen=self.unseen)
        return self._learn(X, y, lambda table, _: fit_robust_scale(table, self.batch, options)[0])

    def with_sample(self, X: FeatureTable, batch: str) -> Self:
        """A fitted copy that knows one more batch by a sample; see :meth:`RobustScale.with_sample`."""
        check_is_fitted(self)
        return self._copy(self.step_.with_sample(X, batch))

    def _values(self, table: FeatureTable) -> pd.DataFrame:
        return self.step_.values(table.frame, self.batch)

    def _names(self) -> tuple[str, ...]:
        return self.step_.names
