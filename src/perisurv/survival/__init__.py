"""Features and follow-up -> a signature: Cox, LASSO-Cox, selection, PCA fusion. No fitted object scores its patients.

Numba loads at the first LASSO fit, not at import.
"""

from perisurv.survival.comparators import BoostedCox, ForestCox
from perisurv.survival.cox import CoxModel, CoxRegression, fit_cox
from perisurv.survival.domain import Domain, fit_domain
from perisurv.survival.folds import assign_folds
from perisurv.survival.fusion import FusedFeatures, PcaFusion, fit_fusion
from perisurv.survival.lasso_cox import CvLasso, LassoPath, cv_lasso_cox, lasso_cox_path
from perisurv.survival.late_fusion import fit_late_fusion, out_of_fold_risks
from perisurv.survival.options import FitOptions, LassoOptions
from perisurv.survival.ring_choice import RingChoice, choose_ring
from perisurv.survival.selection import GroupSelection, drop_redundant, select_group, select_groups
from perisurv.survival.signature import Signature, fit_signature
from perisurv.survival.signature_regressor import SignatureRegressor
from perisurv.survival.stability import icc_1_1, stable_features
from perisurv.survival.stacking import nonnegative_weights
from perisurv.survival.standardise import Standardisation, Standardiser, fit_standardisation
from perisurv.survival.univariate import UnivariateCox, adjust_p, univariate_cox

__all__ = [
    "BoostedCox",
    "CoxModel",
    "CoxRegression",
    "CvLasso",
    "Domain",
    "FitOptions",
    "ForestCox",
    "FusedFeatures",
    "GroupSelection",
    "LassoOptions",
    "LassoPath",
    "PcaFusion",
    "RingChoice",
    "Signature",
    "SignatureRegressor",
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
    "fit_late_fusion",
    "fit_signature",
    "fit_standardisation",
    "icc_1_1",
    "lasso_cox_path",
    "nonnegative_weights",
    "out_of_fold_risks",
    "select_group",
    "select_groups",
    "stable_features",
    "univariate_cox",
]
