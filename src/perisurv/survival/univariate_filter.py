"""Keep the features that are associated with survival one by one."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Tags

from perisurv.core import FeatureTable, Outcome, SettingsError
from perisurv.statistics import Ties
from perisurv.survival.estimator import Features, FollowUp, TableTransformer
from perisurv.survival.kept import KeptFeatures
from perisurv.survival.options import Correction
from perisurv.survival.univariate import adjust_p, univariate_cox

__all__ = ["UnivariateCoxFilter"]

Floats = NDArray[np.float64]


class UnivariateCoxFilter(TableTransformer):
    """Keep the features whose univariate Cox model has a small p; see :func:`univariate_cox`.

    Parameters
    ----------
    p
        Features with a smaller p are kept. A feature without an estimate (constant, or it separates the deaths) is not.
    correction
        ``"none"``, or ``"benjamini_hochberg"``: p is the false discovery rate.
    ties
        ``"efron"`` or ``"breslow"``.
    at_least
        Keep this many of the smallest p even if they are not small; with 0 it may be that nothing is kept.

    Attributes
    ----------
    p_
        Of each feature that came in, corrected if asked, shape (features,).
    """

    step_: KeptFeatures
    p_: Floats

    def __init__(
        self, *, p: float = 0.05, correction: Correction = "none", ties: Ties = "efron", at_least: int = 0
    ) -> None:
        self.p = p
        self.correction = correction
        self.ties = ties
        self.at_least = at_least

    def fit(self, X: Features, y: FollowUp) -> Self:
        """Fit on training patients.

        Raises
        ------
        OutcomeError
            If nobody died.
        SettingsError
            If the correction is none of the above.
        """

        def fit(table: FeatureTable, outcome: Outcome | None) -> KeptFeatures:
            assert outcome is not None
            if self.correction not in {"none", "benjamini_hochberg"}:
                raise SettingsError(f"correction must be none or benjamini_hochberg; got {self.correction!r}.")
            raw = univariate_cox(table, outcome, self.ties).p
            self.p_ = adjust_p(raw) if self.correction == "benjamini_hochberg" else raw
            kept = self.p_ < self.p
            smallest = np.argsort(raw, kind="stable")[: self.at_least]  # NaN last
            kept[smallest[~np.isnan(raw[smallest])]] = True
            names = tuple(name for name, keep in zip(table.names, kept, strict=True) if keep)
            return KeptFeatures(names, frozenset(table.patients) | table.seen)

        return self._learn(X, y, fit)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
