"""Features and follow-up -> a signature: Cox, LASSO-Cox, fusion, ComBat. No fitted object scores its patients.

Numba loads when it is first used, not at import.
"""

from perisurv.survival.comparators import BoostedCox, ForestCox
from perisurv.survival.cox import BaselineHazard, CoxModel, CoxRegression, fit_cox
from perisurv.survival.domain import Domain, fit_domain
from perisurv.survival.folds import assign_folds
from perisurv.survival.fusion import FusedFeatures, PcaFusion, fit_fusion
from perisurv.survival.harmonise import (
    BatchAccuracy,
    ComBat,
    CombatOptions,
    FeatureHarmonisation,
    Harmonisation,
    RobustOptions,
    RobustScale,
    RobustScaling,
    batch_accuracy,
    batches,
    fit_combat,
    fit_harmonisation,
    fit_robust_scale,
)
from perisurv.survival.lasso_cox import CvLasso, LassoPath, cv_lasso_cox, lasso_cox_path
from perisurv.survival.lasso_estimators import LassoCox, LassoCoxSelector, StabilitySelector
from perisurv.survival.lasso_stability import StabilityOptions, StabilitySelection, stability_selection
from perisurv.survival.late_fusion import fit_late_fusion, out_of_fold_risks
from perisurv.survival.linearity import Linearity, check_linearity
from perisurv.survival.options import FitOptions, LassoOptions
from perisurv.survival.proportional_hazards import ProportionalHazards, check_proportional_hazards
from perisurv.survival.redundancy import RedundancyClusters, RedundancyFilter, cluster_redundant, drop_redundant
from perisurv.survival.ring_choice import RingChoice, choose_ring
from perisurv.survival.selection import GroupSelection, select_group, select_groups
from perisurv.survival.shrinkage import Shrinkage, shrink_bootstrap, shrink_heuristic, shrink_ridge
from perisurv.survival.signature import Signature, fit_signature
from perisurv.survival.signature_regressor import SignatureRegressor
from perisurv.survival.stability import Intraclass, StableFeatures, icc_1_1, intraclass_correlation, stable_features
from perisurv.survival.stacking import nonnegative_weights
from perisurv.survival.standardise import Standardisation, Standardiser, fit_standardisation
from perisurv.survival.univariate import UnivariateCox, adjust_p, univariate_cox
from perisurv.survival.univariate_filter import UnivariateCoxFilter

__all__ = [
    "BaselineHazard",
    "BatchAccuracy",
    "BoostedCox",
    "ComBat",
    "CombatOptions",
    "CoxModel",
    "CoxRegression",
    "CvLasso",
    "Domain",
    "FeatureHarmonisation",
    "FitOptions",
    "ForestCox",
    "FusedFeatures",
    "GroupSelection",
    "Harmonisation",
    "Intraclass",
    "LassoCox",
    "LassoCoxSelector",
    "LassoOptions",
    "LassoPath",
    "Linearity",
    "PcaFusion",
    "ProportionalHazards",
    "RedundancyClusters",
    "RedundancyFilter",
    "RingChoice",
    "RobustOptions",
    "RobustScale",
    "RobustScaling",
    "Shrinkage",
    "Signature",
    "SignatureRegressor",
    "StabilityOptions",
    "StabilitySelection",
    "StabilitySelector",
    "StableFeatures",
    "Standardisation",
    "Standardiser",
    "UnivariateCox",
    "UnivariateCoxFilter",
    "adjust_p",
    "assign_folds",
    "batch_accuracy",
    "batches",
    "check_linearity",
    "check_proportional_hazards",
    "choose_ring",
    "cluster_redundant",
    "cv_lasso_cox",
    "drop_redundant",
    "fit_combat",
    "fit_cox",
    "fit_domain",
    "fit_fusion",
    "fit_harmonisation",
    "fit_late_fusion",
    "fit_robust_scale",
    "fit_signature",
    "fit_standardisation",
    "icc_1_1",
    "intraclass_correlation",
    "lasso_cox_path",
    "nonnegative_weights",
    "out_of_fold_risks",
    "select_group",
    "select_groups",
    "shrink_bootstrap",
    "shrink_heuristic",
    "shrink_ridge",
    "stability_selection",
    "stable_features",
    "univariate_cox",
]
