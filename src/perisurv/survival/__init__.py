"""Features and follow-up -> a signature: Cox, LASSO-Cox, selection, PCA fusion. No fitted object scores its patients.

Numba loads at the first LASSO or univariate fit, not at import.
"""

from perisurv.survival.cox import CoxModel, fit_cox
from perisurv.survival.domain import Domain, fit_domain
from perisurv.survival.folds import assign_folds
from perisurv.survival.fusion import FusedFeatures, fit_fusion
from perisurv.survival.lasso_cox import CvLasso, LassoPath, cv_lasso_cox, lasso_cox_path
from perisurv.survival.lasso_estimators import KeptFeatures, LassoCox, LassoCoxSelector, StabilitySelector
from perisurv.survival.lasso_stability import StabilityOptions, StabilitySelection, stability_selection
from perisurv.survival.options import FitOptions, LassoOptions
from perisurv.survival.ring_choice import RingChoice, choose_ring
from perisurv.survival.selection import GroupSelection, drop_redundant, select_group
from perisurv.survival.signature import Signature, fit_signature
from perisurv.survival.stability import icc_1_1, stable_features
from perisurv.survival.standardise import Standardisation, Standardiser, fit_standardisation
from perisurv.survival.univariate import UnivariateCox, adjust_p, univariate_cox

__all__ = [
    "CoxModel",
    "CvLasso",
    "Domain",
    "FitOptions",
    "FusedFeatures",
    "GroupSelection",
    "KeptFeatures",
    "LassoCox",
    "LassoCoxSelector",
    "LassoOptions",
    "LassoPath",
    "RingChoice",
    "Signature",
    "StabilityOptions",
    "StabilitySelection",
    "StabilitySelector",
    "Standardisation",
    "Standardiser",
    "UnivariateCox",
    "adjust_p",
    "assign_folds",
    "choose_ring",
    "cv_lasso_cox",
    "drop_redundant",
    "fit_cox",
    "fit_domain",
    "fit_fusion",
    "fit_signature",
    "fit_standardisation",
    "icc_1_1",
    "lasso_cox_path",
    "select_group",
    "stability_selection",
    "stable_features",
    "univariate_cox",
]
