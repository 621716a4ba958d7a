"""The whole fit as one scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Tags

from perisurv.core import FeatureTable, Outcome
from perisurv.survival.domain import Acquisition
from perisurv.survival.estimator import Features, FollowUp, SurvivalRegressor
from perisurv.survival.options import FitOptions
from perisurv.survival.signature import Signature, fit_signature

__all__ = ["SignatureRegressor"]


class SignatureRegressor(SurvivalRegressor):
    """Imputation, selection, fusion and Cox model in one; see :func:`fit_signature`.

    All of it is fitted again in every fold of ``cross_val_score`` and ``GridSearchCV``. Patients are known by the index
    of a DataFrame; those of the training part are refused by ``predict``, so ``return_train_score`` is not possible.

    Parameters
    ----------
    groups
        Name -> prefixes of its columns; None: all columns are one group.
    options
        Choices of every step; None: the defaults. ``GridSearchCV`` tunes it as a whole:
        ``{"options": [FitOptions(fusion="pca"), FitOptions(fusion="none")]}``.
    seed
        Of the folds within the fit.
    acquisition
        patient -> ``centre``, ``slice_spacing_mm``, ...; of training and of new patients. Needed for strata and for
        harmonisation.

    Attributes
    ----------
    signature_
        The fitted signature.
    """

    signature_: Signature

    def __init__(
        self,
        *,
        groups: Mapping[str, tuple[str, ...]] | None = None,
        options: FitOptions | None = None,
        seed: int = 0,
        acquisition: Acquisition | None = None,
    ) -> None:
        self.groups = groups
        self.options = options
        self.seed = seed
        self.acquisition = acquisition

    def fit(self, X: Features, y: FollowUp) -> Self:
        """Fit on training patients.

        Raises
        ------
        OutcomeError
            If there are too few deaths.
        FeatureError
            If a group has no column.
        """

        def fit(table: FeatureTable, outcome: Outcome) -> None:
            self.signature_ = fit_signature(
                table,
                outcome,
                groups={"all": ("",)} if self.groups is None else self.groups,
                options=self.options or FitOptions(),
                rng=np.random.default_rng(self.seed),
                acquisition=self.acquisition,
            )

        return self._learn(X, y, fit)

    def _risk(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        return self.signature_.linear_predictor(frame, self.acquisition)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
